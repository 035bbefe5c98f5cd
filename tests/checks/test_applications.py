"""RL610-RL624 against Applications, projects and annotations of every shape."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.graph import Layout
from rolloutlint.settings import Settings
from tests.harness import lint

FAMILY = Settings(select=("RL61", "RL62"))
LOCAL = "https://kubernetes.default.svc"
REPO = "https://git.example/shop/deploy.git"
KEEPS = ["resources-finalizer.argocd.argoproj.io"]


def obj(api: str, kind: str, name: str, annotations: Any = None, **rest: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name}
    if annotations is not None:
        metadata["annotations"] = annotations
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **rest}


def application(**spec: Any) -> dict[str, Any]:
    base = {
        "project": "shop",
        "source": {"repoURL": REPO, "path": "workloads", "targetRevision": "main"},
        "destination": {"server": LOCAL, "namespace": "shop"},
    }
    written = {key: value for key, value in {**base, **spec}.items() if value != "absent"}
    made = obj("argoproj.io/v1alpha1", "Application", "shop", spec=written)
    made["metadata"]["finalizers"] = KEEPS
    return made


def project(**spec: Any) -> dict[str, Any]:
    base = {"sourceRepos": ["*"], "destinations": [{"server": LOCAL, "namespace": "shop"}]}
    return obj("argoproj.io/v1alpha1", "AppProject", "shop", spec={**base, **spec})


def config_map(name: str = "web", annotations: Any = None) -> dict[str, Any]:
    return obj("v1", "ConfigMap", name, annotations, data={"currency": "EUR"})


def service(name: str, annotations: Any = None) -> dict[str, Any]:
    return obj("v1", "Service", name, annotations, spec={"selector": {"app": "web"}, "ports": [{"port": 80}]})


def rollout(annotations: Any = None, **spec: Any) -> dict[str, Any]:
    canary = {"canaryService": "web-canary", "stableService": "web", "steps": [{"setWeight": 10}]}
    return obj("argoproj.io/v1alpha1", "Rollout", "web", annotations, spec={"strategy": {"canary": canary}, **spec})


AUTOSCALER = obj(
    "autoscaling/v2",
    "HorizontalPodAutoscaler",
    "web",
    spec={"scaleTargetRef": {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web"}},
)


def report(*objects: Any, run: Settings = FAMILY, layout: Layout | None = None, **delivered: Any) -> Any:
    """The report of a run over `objects` in one file, and the keyword arguments as files of `workloads`."""
    files = {"apps/shop.yaml": yaml.safe_dump_all(objects, sort_keys=False)}
    for name, values in delivered.items():
        path = name.replace("__", "/")
        files[f"workloads/{path}.yaml"] = yaml.safe_dump_all(values, sort_keys=False)
    result = lint(files, run, layout)
    assert not result.lost
    return result


def found(*objects: Any, **delivered: Any) -> list[tuple[str, str]]:
    return [(f.finding.rule, f.path) for f in report(*objects, **delivered).active]


def options(text: Any) -> dict[str, Any]:
    return {"argocd.argoproj.io/sync-options": text}


def hook(text: Any, **more: str) -> dict[str, Any]:
    return {
        "argocd.argoproj.io/hook": text,
        **{f"argocd.argoproj.io/{k.replace('_', '-')}": v for k, v in more.items()},
    }


SERVICES = (service("web"), service("web-canary"))
OPTIONS = 'metadata.annotations["argocd.argoproj.io/sync-options"]'
HOOK = 'metadata.annotations["argocd.argoproj.io/hook"]'
WAVE = 'metadata.annotations["argocd.argoproj.io/sync-wave"]'


@pytest.mark.parametrize(
    ("annotations", "more", "expected"),
    [
        (options("Replace=true,Force=true"), (), "skips every step"),
        (options("Force=true, Prune=false, Replace=true"), (), "skips every step"),
        (options("Replace=true"), (AUTOSCALER,), "falls to one pod"),
        (options("Replace=true"), (), None),
        (options("Force=true"), (AUTOSCALER,), None),
        (options("Replace=false,Force=true"), (AUTOSCALER,), None),
        (options(None), (AUTOSCALER,), None),
        (None, (AUTOSCALER,), None),
    ],
)
def test_a_rollout_that_a_sync_replaces_loses_pods_or_replicas(annotations: Any, more: Any, expected: str | None):
    active = report(rollout(annotations), *SERVICES, *more).active
    assert [f.finding.rule for f in active] == (["RL610"] if expected else [])
    assert all(expected in f.finding.consequence for f in active if expected)


def test_replicas_in_the_file_survive_a_replacement():
    assert found(rollout(options("Replace=true"), replicas=3), *SERVICES, AUTOSCALER) == []


def test_a_service_that_a_rollout_names_may_not_be_replaced():
    assert found(rollout(), service("web"), service("web-canary", options("Replace=true"))) == [("RL610", OPTIONS)]


def test_a_service_that_no_rollout_names_may_be_replaced():
    assert found(rollout(), *SERVICES, service("other", options("Replace=true,Force=true"))) == []


def test_replace_of_the_application_counts_for_what_it_delivers():
    app = application(syncPolicy={"syncOptions": ["PruneLast=true", "Replace=true"]})
    delivered = [rollout(options("Force=true")), *SERVICES]
    assert found(app, web=delivered) == [("RL610", "spec.syncPolicy.syncOptions[1]")]
    assert found(app, web=[rollout(), *SERVICES]) == []


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("PostSync", []),
        ("PreSync, SyncFail", []),
        ("PreDelete", []),
        ("Skip", []),
        ("post-sync", ["Argo CD knows no hook `post-sync`: it is written `PostSync`"]),
        ("pre-install", ["Argo CD knows no hook `pre-install`: it is written `PreSync`"]),
        ("PreSync,Postsync", ["Argo CD knows no hook `Postsync`: it is written `PostSync`"]),
        ("AfterSync", ["Argo CD knows no hook `AfterSync`"]),
        ("", ["The hook annotation of ConfigMap `web` names no hook"]),
        (" , ", ["The hook annotation of ConfigMap `web` names no hook"]),
        ("${PHASE}", []),
        (None, []),
        (["PreSync"], []),
    ],
)
def test_a_hook_is_known_only_as_it_is_written(text: Any, messages: list[str]):
    assert [
        f.finding.message for f in report(config_map("first"), config_map(annotations=hook(text))).active
    ] == messages


def test_a_resource_with_one_known_hook_still_runs_in_it():
    (finding,) = report(config_map(annotations=hook("PreSync,Postsync"))).active
    assert "passed over" in finding.finding.consequence


def test_hooks_of_helm_count_where_no_hook_of_argo_cd_is_known():
    assert found(config_map(annotations={**hook("Presync"), "helm.sh/hook": "pre-install"})) == []


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        (hook("Sync"), "deletes it and creates it anew"),
        (hook("PreSync", hook_delete_policy="HookSucceeded"), "as soon as it is healthy"),
        (hook("PreSync", hook_delete_policy="HookFailed"), "no ordinary part"),
        (hook("PreSync", hook_delete_policy="hooksucceeded"), "deletes it and creates it anew"),
        (hook("Skip"), None),
        (hook("PostDelete"), None),
        ({}, None),
    ],
)
def test_a_rollout_is_no_hook(annotations: Any, expected: str | None):
    active = report(rollout(annotations), *SERVICES).active
    assert [(f.finding.rule, f.path) for f in active] == ([("RL612", HOOK)] if expected else [])
    assert all(expected in f.finding.consequence for f in active if expected)


def test_only_services_of_rollouts_may_not_be_hooks():
    canary = service("web-canary", hook("PreSync"))
    assert found(rollout(), service("web"), canary, service("other", hook("PreSync"))) == [("RL612", HOOK)]


@pytest.mark.parametrize(
    ("text", "wave"),
    [
        ("1.5", 0),
        ("first", 0),
        ("", 0),
        (" 2", 0),
        ("2", None),
        ("-5", None),
        ("+5", None),
        ("{{wave}}", None),
        (2, None),
    ],
)
def test_a_wave_is_an_integer(text: Any, wave: int | None):
    active = report(config_map(annotations={"argocd.argoproj.io/sync-wave": text})).active
    assert [(f.finding.rule, f.path) for f in active] == ([] if wave is None else [("RL613", WAVE)])
    assert all(f"in wave {wave}" in f.finding.consequence for f in active)


def test_without_a_readable_wave_the_weight_of_helm_counts():
    annotations = {"argocd.argoproj.io/sync-wave": "x", "helm.sh/hook-weight": "7"}
    (finding,) = report(config_map(annotations=annotations)).active
    assert "in wave 7" in finding.finding.consequence


ONE = {"repoURL": REPO, "path": "cart", "targetRevision": "main"}
CHART = {"repoURL": "https://charts.example", "chart": "cart"}


def policy(**retry: Any) -> dict[str, Any]:
    return {"syncPolicy": {"automated": {}, "retry": retry}}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, []),
        ({"sources": [ONE]}, [("RL614", "spec.source")]),
        ({"sources": []}, []),
        ({"sources": None}, []),
        ({"source": "absent", "sources": [ONE, ONE]}, []),
        ({"destination": {"server": LOCAL, "name": "in-cluster"}}, [("RL615", "spec.destination.name")]),
        ({"destination": {"namespace": "shop"}}, [("RL615", "spec.destination")]),
        ({"destination": {"server": "", "name": ""}}, [("RL615", "spec.destination")]),
        ({"destination": {"server": "", "name": "in-cluster"}}, []),
        ({"destination": {"server": "{{server}}", "name": "{{name}}"}}, []),
        ({"destination": {"server": 5}}, []),
        ({"destination": None}, []),
        ({"source": CHART}, [("RL616", "spec.source.chart")]),
        ({"source": {**CHART, "targetRevision": ""}}, [("RL616", "spec.source.chart")]),
        ({"source": {**CHART, "targetRevision": "1.2.x"}}, []),
        ({"source": {"repoURL": REPO, "path": "."}}, []),
        ({"source": "absent", "sources": [ONE, CHART]}, [("RL616", "spec.sources[1].chart")]),
        ({"source": {**ONE, "path": "../cart"}}, [("RL618", "spec.source.path")]),
        ({"source": {**ONE, "path": "a/../../cart"}}, [("RL618", "spec.source.path")]),
        ({"source": {**ONE, "path": "/cart"}}, [("RL618", "spec.source.path")]),
        ({"source": {**ONE, "path": "./a/../cart/"}}, []),
        ({"source": {**ONE, "path": "/{{name}}"}}, []),
        ({"source": {**ONE, "path": "elsewhere"}}, []),
        ({"source": {**ONE, "path": None}}, []),
        (policy(limit=5, backoff={"duration": "5", "maxDuration": "3m0s", "factor": 1}), []),
        (policy(limit=5, backoff={"duration": "1d"}), [("RL624", "spec.syncPolicy.retry.backoff.duration")]),
        (policy(limit=5, backoff={"maxDuration": "3 m"}), [("RL624", "spec.syncPolicy.retry.backoff.maxDuration")]),
        (policy(limit=5, backoff={"factor": 0}), [("RL624", "spec.syncPolicy.retry.backoff.factor")]),
        (
            policy(limit=-1, backoff={"duration": "5m", "maxDuration": "3m"}),
            [("RL624", "spec.syncPolicy.retry.backoff.maxDuration")],
        ),
        (policy(limit=5, backoff={"duration": "3m", "maxDuration": "180"}), []),
        (policy(backoff={"duration": "5s"}), [("RL624", "spec.syncPolicy.retry.backoff")]),
        (policy(limit=0, backoff={"duration": "1d"}), []),
        (policy(limit=5, backoff={"duration": "${WAIT}"}), []),
        (policy(limit=5, backoff={"duration": "", "maxDuration": None, "factor": None}), []),
        (policy(), []),
        ({"syncPolicy": {"retry": {"backoff": {"duration": "5s"}}}}, []),
        ({"syncPolicy": {"retry": None}}, []),
    ],
)
def test_what_an_application_says_of_itself(spec: dict[str, Any], expected: list[tuple[str, str]]):
    assert found(application(), application(**spec)) == expected


def test_applications_of_a_list_are_judged_with_their_place():
    both = application(destination={"server": LOCAL, "name": "in-cluster"})
    listed = {"apiVersion": "v1", "kind": "List", "items": [config_map(), both]}
    assert found(listed) == [("RL615", "items[1].spec.destination.name")]


STRICT = Settings(select=("RL617", "RL623"))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({**ONE, "targetRevision": "HEAD"}, ["spec.source.targetRevision"]),
        ({"repoURL": REPO, "path": "cart"}, ["spec.source.repoURL"]),
        ({**ONE, "targetRevision": "v1.2.3"}, []),
        ({**ONE, "targetRevision": "{{revision}}"}, []),
        ({**CHART, "targetRevision": "4.*"}, ["spec.source.targetRevision"]),
        ({**CHART, "targetRevision": ">= 4.1"}, ["spec.source.targetRevision"]),
        ({**CHART, "targetRevision": "4.x"}, ["spec.source.targetRevision"]),
        ({**CHART, "targetRevision": "4.1.0-next"}, []),
        ({**CHART}, []),
    ],
)
def test_what_is_newest_floats(source: dict[str, Any], expected: list[str]):
    app = application(source=source, syncPolicy={"automated": {}})
    assert [f.path for f in report(app, run=STRICT).active] == expected
    assert [f.path for f in report(application(source=source), run=STRICT).active] == []


@pytest.mark.parametrize(
    ("finalizers", "count"),
    [
        (KEEPS, 0),
        (["resources-finalizer.argocd.argoproj.io/background"], 0),
        (["other.example/guard", *KEEPS], 0),
        (["other.example/guard"], 1),
        ([], 1),
        (None, 1),
        ("resources-finalizer.argocd.argoproj.io", 0),
    ],
)
def test_without_its_finalizer_an_application_leaves_its_objects(finalizers: Any, count: int):
    app = application()
    app["metadata"]["finalizers"] = finalizers
    assert [f.finding.rule for f in report(app, run=STRICT).active] == ["RL623"] * count


@pytest.mark.parametrize(
    ("path", "revision", "expected"),
    [
        ("workloads/web.yaml", "main", "is a file"),
        ("Workloads", "HEAD", "is called `workloads`"),
        ("workloads/web.yaml", "v1.2", None),
        ("Workloads", "release", None),
        ("workloads", "main", None),
        ("workload", "main", None),
    ],
)
def test_a_path_is_held_against_the_checkout(path: str, revision: str, expected: str | None):
    app = application(source={"repoURL": REPO, "path": path, "targetRevision": revision})
    active = report(app, web=[config_map()]).active
    assert [f.finding.rule for f in active] == (["RL618"] if expected else [])
    assert all(expected in f.finding.message for f in active if expected)


@pytest.mark.parametrize(("repository", "expected"), [("", 1), ("deploy", 1), ("Deploy", 1), ("other", 0)])
def test_a_source_of_another_repository_is_not_held_against_the_checkout(repository: str, expected: int):
    app = application(source={"repoURL": REPO, "path": "Workloads", "targetRevision": "main"})
    names = ("apps/shop.yaml", "workloads/web.yaml")
    layout = Layout(roots=dict.fromkeys(names, "."), repository=repository)
    assert len(report(app, layout=layout, web=[config_map()]).active) == expected


@pytest.mark.parametrize(
    ("directory", "files", "expected"),
    [
        ("absent", {"web__cm": [config_map()]}, 1),
        ({"recurse": False}, {"web__cm": [config_map()]}, 1),
        ({}, {"web__cm": [config_map()]}, 1),
        ({"recurse": True}, {"web__cm": [config_map()]}, 0),
        ("absent", {"web__cm": [config_map()], "top": [config_map("top")]}, 0),
        ({"include": "*.yml"}, {"web__cm": [config_map()]}, 0),
        ({"exclude": "web/*"}, {"web__cm": [config_map()]}, 0),
        (None, {"top": [config_map()]}, 0),
    ],
)
def test_a_directory_is_read_without_those_below_it(directory: Any, files: dict[str, Any], expected: int):
    source = {"repoURL": REPO, "path": "workloads", "targetRevision": "main"}
    app = application(source=source if directory == "absent" else {**source, "directory": directory})
    assert found(app, **files) == [("RL619", "spec.source.path")] * expected


def test_a_directory_with_a_chart_or_a_kustomization_is_rendered_and_not_read():
    for known in ({"charts": frozenset({"workloads"})}, {"kustomizations": {"workloads": frozenset()}}):
        layout = Layout(roots=dict.fromkeys(("apps/shop.yaml", "workloads/web/cm.yaml"), "."), **known)
        assert report(application(), layout=layout, web__cm=[config_map()]).active == ()


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, []),
        ({"sourceRepos": ["https://git.example/shop/*"]}, []),
        ({"sourceRepos": ["https://GIT.example/shop/deploy"]}, []),
        ({"sourceRepos": ["https://git.example/*"]}, ["source"]),
        ({"sourceRepos": ["https://git.example/**"]}, []),
        ({"sourceRepos": []}, ["source"]),
        ({"sourceRepos": ["!https://git.example/shop/deploy.git"]}, []),
        ({"sourceRepos": ["${REPO}"]}, []),
        ({"destinations": [{"server": "*", "namespace": "*"}]}, []),
        ({"destinations": [{"name": "in-cluster", "namespace": "shop*"}]}, []),
        ({"destinations": [{"server": "https://other.example", "namespace": "*"}]}, ["destination"]),
        ({"destinations": [{"name": "prod", "namespace": "*"}]}, ["destination"]),
        ({"destinations": [{"server": LOCAL, "namespace": "cart"}]}, ["destination"]),
        ({"destinations": [{"server": LOCAL, "namespace": "!kube-system"}]}, []),
        ({"destinations": None}, ["destination"]),
        ({"namespaceResourceWhitelist": [{"group": "", "kind": "ConfigMap"}]}, []),
        ({"namespaceResourceWhitelist": [{"group": "*", "kind": "*"}]}, []),
        ({"namespaceResourceWhitelist": [{"group": "apps", "kind": "*"}]}, ["kind"]),
        ({"namespaceResourceWhitelist": None}, []),
        ({"namespaceResourceBlacklist": [{"group": "", "kind": "ConfigMap"}]}, ["kind"]),
        ({"namespaceResourceBlacklist": [{"group": "", "kind": "Secret"}]}, []),
        ({"namespaceResourceBlacklist": ["*"]}, []),
    ],
)
def test_a_project_permits_what_it_lists(spec: dict[str, Any], expected: list[str]):
    words = {"source": "repository", "destination": "of `https://", "kind": "kind `ConfigMap`"}
    active = report(application(), project(**spec), web=[config_map()]).active
    assert [f.finding.rule for f in active] == ["RL620"] * len(expected)
    assert all(words[kind] in f.finding.message for kind, f in zip(expected, active, strict=True))


def test_a_cluster_by_name_may_be_the_one_that_the_project_gives_by_url():
    elsewhere = project(destinations=[{"server": "https://10.0.0.1", "namespace": "shop"}])
    assert found(application(destination={"name": "prod", "namespace": "shop"}), elsewhere) == []


def test_kinds_without_a_namespace_have_to_be_listed():
    space = obj("v1", "Namespace", "shop")
    assert found(application(), project(), web=[config_map(), space]) == [("RL620", "spec.project")]
    assert found(application(), project(clusterResourceWhitelist=[{"group": "", "kind": "*"}]), web=[space]) == []


def test_kinds_that_may_have_no_namespace_are_left_alone():
    unknown = obj("example.org/v1", "Widget", "web")
    assert found(application(), project(namespaceResourceWhitelist=[{"group": "", "kind": "Pod"}]), web=[unknown]) == []


def test_an_object_in_a_namespace_that_the_project_lacks_is_denied():
    elsewhere = config_map()
    elsewhere["metadata"]["namespace"] = "kube-system"
    (finding,) = report(application(), project(), web=[config_map("first"), elsewhere]).active
    assert "does not permit namespace `kube-system`" in finding.finding.message


def test_a_project_that_is_there_twice_or_not_at_all_denies_nothing():
    denying = project(sourceRepos=[])
    assert found(application(), denying, denying) == []
    assert found(application(project="other"), denying) == []


REPOSITORY = obj("v1", "Secret", "deploy", stringData={"url": REPO, "project": "shop"})
REPOSITORY["metadata"]["labels"] = {"argocd.argoproj.io/secret-type": "repository"}


@pytest.mark.parametrize(
    ("widening", "count"),
    [
        (REPOSITORY, 0),
        ({**REPOSITORY, "stringData": {"url": REPO, "project": "tools"}, "metadata": {"name": "deploy"}}, 1),
        (obj("v1", "ConfigMap", "argocd-cm", data={"globalProjects": "- projectName: all"}), 0),
        (obj("v1", "ConfigMap", "argocd-cm", data={"url": "https://argocd.example"}), 1),
    ],
)
def test_secrets_and_global_projects_may_permit_more(widening: Any, count: int):
    assert len(found(application(), project(sourceRepos=[]), widening)) == count


@pytest.mark.parametrize(
    ("spec", "count"),
    [
        ({"namespaceResourceWhitelist": []}, 1),
        ({"namespaceResourceWhitelist": [], "clusterResourceWhitelist": []}, 1),
        ({"namespaceResourceWhitelist": [], "clusterResourceWhitelist": [{"group": "*", "kind": "*"}]}, 0),
        ({"namespaceResourceWhitelist": [], "sourceRepos": []}, 0),
        ({"namespaceResourceWhitelist": [], "destinations": []}, 0),
        ({"namespaceResourceWhitelist": None}, 0),
        ({"namespaceResourceWhitelist": [{"group": "*", "kind": "*"}]}, 0),
    ],
)
def test_an_empty_list_of_kinds_permits_none(spec: dict[str, Any], count: int):
    assert found(project(**spec)) == [("RL621", "spec.namespaceResourceWhitelist")] * count


@pytest.mark.parametrize(
    ("second", "count"),
    [
        (config_map(), 1),
        (config_map("other"), 0),
        (obj("v1", "Secret", "web"), 0),
        (config_map(annotations=hook("PreSync")), 0),
        (obj("v1", "ConfigMap", ""), 0),
    ],
)
def test_an_application_delivers_each_object_once(second: Any, count: int):
    assert found(application(), a=[config_map()], b=[second]) == [("RL622", "metadata.name")] * count


def test_one_name_in_two_namespaces_is_two_objects():
    elsewhere = config_map()
    elsewhere["metadata"]["namespace"] = "cart"
    stated = config_map()
    stated["metadata"]["namespace"] = "shop"
    assert found(application(), a=[config_map()], b=[elsewhere]) == []
    assert found(application(), a=[config_map()], b=[stated]) == [("RL622", "metadata.name")]


KEYS = (
    *("source", "sources", "path", "chart", "repoURL", "targetRevision", "directory", "recurse"),
    *("destination", "server", "name", "namespace", "project", "annotations", "finalizers"),
    *("syncPolicy", "automated", "retry", "backoff", "duration", "maxDuration", "factor", "limit"),
    *("sourceRepos", "destinations", "group", "kind"),
    *("namespaceResourceWhitelist", "clusterResourceWhitelist", "namespaceResourceBlacklist"),
)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "*", "shop", "HEAD", "5s", "{{x}}", LOCAL]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None)
@given(TREES, TREES, TREES)
def test_no_tree_makes_a_rule_fail(spec: Any, allowed: Any, metadata: Any):
    app = obj("argoproj.io/v1alpha1", "Application", "shop", spec=spec)
    if isinstance(metadata, dict):
        app["metadata"].update(metadata)
    report(
        app,
        application(),
        obj("argoproj.io/v1alpha1", "AppProject", "shop", spec=allowed),
        run=Settings(select=("RL6",)),
        web=[config_map(), config_map(), rollout()],
    )
