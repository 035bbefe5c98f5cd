"""RL633, RL656 against Applications with the objects they deliver, and the names that kustomize gives."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.controllers.generated_names import config_uses, hashed_name
from rolloutlint.settings import Settings
from tests.harness import lint

ONLY = Settings(select=("RL633",))
LAST = {"argocd.argoproj.io/sync-options": "Validate=false, PruneLast=true"}
CONFIG = "cart-t7gmm8cdg4"
SECRET = "cart-kct46mmh74"
PRUNE = ("RL633", "spec.syncPolicy.automated.prune")


def application(*options: str, automated: Any = None, path: str = "workloads") -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "shop"},
        "spec": {
            "source": {"repoURL": "https://git.example/shop/deploy.git", "path": path, "targetRevision": "main"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
            "syncPolicy": {
                "automated": {"prune": True} if automated is None else automated,
                **({"syncOptions": list(options)} if options else {}),
            },
        },
    }


def config(name: str = CONFIG, data: Any = None, **metadata: Any) -> dict[str, Any]:
    data = {"CURRENCY": "EUR"} if data is None else data
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}, "data": data}


def secret(**metadata: Any) -> dict[str, Any]:
    metadata = {"name": SECRET, **metadata}
    return {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata, "data": {"P": "cQ=="}}


def template(**spec: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "proxy"}, {"name": "cart", **spec.pop("cart", {})}], **spec}}


USING = template(cart={"envFrom": [{"configMapRef": {"name": CONFIG}}]})


def rollout(pod: Any = USING, **more: Any) -> dict[str, Any]:
    metadata = {"name": "cart", **more.pop("metadata", {})}
    spec = {"strategy": {"canary": {}}, "template": pod, **more}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": metadata, "spec": spec}


def report(app: dict[str, Any], *delivered: dict[str, Any]) -> Any:
    result = lint({"apps/shop.yaml": yaml.safe_dump(app), "workloads/cart.yaml": yaml.safe_dump_all(delivered)}, ONLY)
    assert not result.lost
    return result


def found(app: dict[str, Any], *delivered: dict[str, Any]) -> list[tuple[str, str]]:
    return [(f.finding.rule, f.path) for f in report(app, *delivered).active]


@pytest.mark.parametrize(
    "pod",
    [
        USING,
        template(initContainers=[{"name": "a", "envFrom": [{"configMapRef": {"name": CONFIG}}]}]),
        template(cart={"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": CONFIG, "key": "CURRENCY"}}}]}),
        template(volumes=[{"name": "x", "emptyDir": {}}, {"name": "c", "configMap": {"name": CONFIG}}]),
        template(volumes=[{"name": "c", "projected": {"sources": [{"configMap": {"name": CONFIG}}]}}]),
        template(volumes=[{"name": "c", "secret": {"secretName": SECRET}}]),
        template(volumes=[{"name": "c", "projected": {"sources": [{"secret": {"name": SECRET}}]}}]),
        template(cart={"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": SECRET, "key": "P"}}}]}),
    ],
)
def test_what_pods_use_is_found_wherever_they_name_it(pod: dict[str, Any]):
    assert found(application(), config(), secret(), rollout(pod)) == [PRUNE]


def test_one_finding_names_one_object_and_counts_the_others():
    pod = template(cart={"envFrom": [{"configMapRef": {"name": CONFIG}}, {"secretRef": {"name": SECRET}}]})
    (one,) = report(application(), config(), secret(), rollout(pod)).active
    assert f"ConfigMap `{CONFIG}` and 1 more like it" in one.finding.message
    assert "cart.yaml" in str(one.related)


def test_the_template_of_a_workload_counts():
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "cart"},
        "spec": {"template": USING},
    }
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart"}
    assert found(application(), config(), deployment, rollout(None, workloadRef=reference)) == [PRUNE]


@pytest.mark.parametrize(
    ("name", "app", "delivered"),
    [
        ("last for all", application("PruneLast=true"), (config(), rollout())),
        ("kept", application("Prune=false"), (config(), rollout())),
        ("asked for", application("Prune=confirm"), (config(), rollout())),
        ("last for this", application(), (config(annotations=LAST), rollout())),
        ("no prune", application(automated={}), (config(), rollout())),
        ("switched off", application(automated={"prune": True, "enabled": False}), (config(), rollout())),
        ("by hand", application(automated=False), (config(), rollout())),
        ("other content", application(), (config(data={"CURRENCY": "USD"}), rollout())),
        (
            "a fixed name",
            application(),
            (config("cart"), rollout(template(cart={"envFrom": [{"configMapRef": {"name": "cart"}}]}))),
        ),
        ("not used", application(), (config(), rollout(template()))),
        ("the other kind", application(), (config(), rollout(template(volumes=[{"secret": {"secretName": CONFIG}}])))),
        ("not delivered", application(path="other"), (config(), rollout())),
        ("another namespace", application(), (config(namespace="a"), rollout(metadata={"namespace": "b"}))),
        ("a later wave", application(), (config(annotations={"argocd.argoproj.io/sync-wave": "1"}), rollout())),
        ("a hook", application(), (config(annotations={"argocd.argoproj.io/hook": "PreSync"}), rollout())),
        ("filled in later", application("{{ option }}"), (config(), rollout())),
        ("no Rollout", application(), (config(),)),
    ],
)
def test_what_is_not_pruned_too_early_is_left_alone(name: str, app: dict[str, Any], delivered: Any):
    assert found(app, *delivered) == [], name


def test_an_earlier_wave_of_the_config_does_not_help():
    early = config(annotations={"argocd.argoproj.io/sync-wave": "-1"})
    assert found(application(), early, rollout()) == [PRUNE]


def test_inside_a_list_it_is_found_too():
    items = {"apiVersion": "v1", "kind": "List", "items": [secret(), config(), rollout()]}
    assert found(application(), items) == [PRUNE]


# Made by kustomize 5.5: `configMapGenerator` and `secretGenerator` with a prefix, a suffix and labels.
GENERATED = """
- {kind: ConfigMap, metadata: {name: shop-bin-v2-bfk72fg2fd, labels: {a: b}}, binaryData: {blob: //4A}}
- kind: ConfigMap
  metadata: {name: shop-cart-v2-c78cb6cc47}
  data: {A: "1", B: "<x>&y", C: "\\u00e4\\u2028 \\"q\\"", long.txt: "line1\\nline2 \\t x\\n\\n\\\\ \\" "}
- {kind: ConfigMap, metadata: {name: shop-empty-v2-6ct58987ht, namespace: prod}}
- {kind: Secret, metadata: {name: shop-cart-v2-kct46mmh74}, data: {P: cQ==}, type: Opaque}
- {type: kubernetes.io/tls, kind: Secret, metadata: {name: shop-tls-v2-m6h7bkm2dg},
   data: {tls.crt: YQ==, tls.key: Yg==}}
"""


@pytest.mark.parametrize("value", yaml.safe_load(GENERATED), ids=lambda value: value["metadata"]["name"])
def test_the_hash_of_kustomize_is_known(value: dict[str, Any]):
    assert hashed_name(value) == value["metadata"]["name"][:-11]
    assert hashed_name({**value, "data": {"other": "x"}}) == ""
    assert hashed_name({**value, "kind": "Service"}) == ""


@pytest.mark.parametrize("value", [{}, {"metadata": {}}, {"metadata": {"name": 3}}, {"kind": [], "metadata": "x"}])
def test_what_has_no_name_has_no_hash(value: dict[str, Any]):
    assert hashed_name(value) == ""


scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=4)
trees = st.recursive(
    scalars,
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(
            st.sampled_from(["spec", "containers", "volumes", "env", "valueFrom", "configMap", "name"]), below
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(trees)
def test_any_tree_is_read_without_complaint(tree: Any):
    list(config_uses(tree if isinstance(tree, dict) else {"spec": tree}))
    report(application(automated=tree if isinstance(tree, dict) else None), config(data=tree), rollout(tree))


def unnamed(*objects: dict[str, Any]) -> list[str]:
    placed = [{**each, "metadata": {"namespace": "shop", **each["metadata"]}} for each in objects]
    result = lint(yaml.safe_dump_all(placed), Settings(select=("RL656",)))
    assert not result.lost
    return [f.path.removeprefix("spec.template.spec.") for f in result.active]


def by_name(name: str = "cart", **more: Any) -> dict[str, Any]:
    return template(cart={"envFrom": [{"configMapRef": {"name": name, **more}}]})


@pytest.mark.parametrize(
    ("name", "objects", "expected"),
    [
        ("no hash", [rollout(by_name()), config()], ["containers[1].envFrom[0].configMapRef.name"]),
        (
            "a Secret",
            [rollout(template(volumes=[{"name": "s", "secret": {"secretName": "cart"}}])), secret()],
            ["volumes[0].secret.secretName"],
        ),
        ("with the hash", [rollout(), config()], []),
        ("both are there", [rollout(by_name()), config(), config("cart")], []),
        ("another hash", [rollout(by_name()), config("cart-t7gmm8cdg5")], []),
        ("another content", [rollout(by_name()), config(data={"CURRENCY": "USD"})], []),
        ("another namespace", [rollout(by_name()), config(namespace="other")], []),
        ("another kind", [rollout(by_name()), secret()], []),
        ("need not be there", [rollout(by_name(optional=True)), config()], []),
        ("of a workload", [rollout(by_name(), workloadRef={"kind": "Deployment", "name": "x"}), config()], []),
        ("nothing generated", [rollout(by_name())], []),
    ],
)
def test_a_name_without_its_hash(name: str, objects: list[dict[str, Any]], expected: list[str]) -> None:
    assert unnamed(*objects) == expected, name


def test_a_name_that_is_used_twice_is_said_once() -> None:
    twice = template(cart={"envFrom": [{"configMapRef": {"name": "cart"}}] * 2})
    assert len(unnamed(rollout(twice), config())) == 1
