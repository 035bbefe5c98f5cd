"""What generators give and what a set generates. Every row follows the upstream rule it names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.controllers.application_set_parameters import path_pattern, pathspec
from rolloutlint.controllers.application_sets import FINALIZER, expand, fault_of_name, most_at_once, steps_of


class Checkout:
    def __init__(self, **files: str) -> None:
        self.texts = {
            name.replace("__", "/").replace("_yaml", ".yaml").replace("_json", ".json"): text
            for name, text in files.items()
        }

    def is_named(self, url: str) -> bool:
        return url.endswith("/deploy.git")

    def files(self) -> list[str]:
        return list(self.texts)

    def text(self, path: str) -> str | None:
        return self.texts[path]


HERE = "https://git.example/shop/deploy.git"
REPOSITORY = Checkout(
    apps__web__kustomization_yaml="",
    apps__web__sub__x_yaml="",
    apps__api__x_yaml="",
    apps__Old_App__x_yaml="",
    apps__readme="",
    **{".github/x.yaml": "", "apps-b/x.yaml": "", "apps/.hidden/x.yaml": ""},
    envs__eu__config_json='{"cluster": {"name": "eu", "size": 3, "big": 1000000, "zones": ["a", "b"], "none": null}}',
    envs__us__config_json='[{"cluster": {"name": "us-1"}}, {"cluster": {"name": "us-2"}}]',
    envs__us__deep__config_json='{"cluster": {"name": "deep"}}',
    bad_yaml="- just text\n",
    scalar_yaml="7\n",
)
LIST = {"list": {"elements": [{"cluster": "eu", "url": "u1"}, {"cluster": "us", "url": "u2"}]}}


def spec(generators: str, **more: Any) -> dict[str, Any]:
    template = {"metadata": {"name": "x"}, "spec": {"project": "shop"}}
    return {"spec": {"generators": yaml.safe_load(generators), "template": template, **more}}


ROWS = yaml.safe_load((Path(__file__).parents[1] / "data" / "application-sets.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("row", ROWS, ids=[row["rule"] for row in ROWS])
def test_generators_give_what_argo_cd_gives(row: dict[str, Any]):
    expansion = expand(
        {"spec": {"generators": row["generators"], "template": {}, "goTemplate": row.get("go")}}, REPOSITORY
    )
    for field, place in (("refused", expansion.refused), ("unknown", next(iter(expansion.unknown), None))):
        if field in row:
            assert place is not None
            assert {"at": ".".join(map(str, place.path[2:])), "because": place.reason} == row[field]
            return
    assert expansion.complete
    assert [dict(one.parameters) for one in expansion.applications] == row["gives"]


RECORDED = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data" / "application-sets.jsonl").read_text(encoding="utf-8").splitlines()
]


class Recorded(Checkout):
    def __init__(self, files: dict[str, str]) -> None:
        self.texts = files


def without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        found = {key: without_empty(item) for key, item in value.items()}
        return {key: item for key, item in found.items() if item not in (None, "", {}, [], False)}
    return [without_empty(item) for item in value] if isinstance(value, list) else value


def test_random_sets_generate_what_argo_cd_itself_generates():
    files, *rows = RECORDED
    wrong = []
    for row in rows:
        expansion = expand(row["set"], Recorded(files["files"]))
        if "error" in row:
            same = expansion.refused is not None
        else:
            made = [
                without_empty({"metadata": one.value["metadata"], "spec": one.value["spec"]})
                for one in expansion.applications
            ]
            same = expansion.complete and sorted(map(_sortable, made)) == sorted(map(_sortable, row["applications"]))
        if not same:
            wrong.append((row, expansion))
    assert wrong == []


def _sortable(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def test_an_application_is_the_template_with_everything_filled_in():
    value = {
        "metadata": {"name": "shop", "namespace": "argocd"},
        "spec": {
            "generators": [LIST],
            "template": {
                "metadata": {
                    "name": "web-{{cluster}}",
                    "labels": {"stage-{{cluster}}": "{{cluster}}"},
                    "namespace": "x",
                },
                "spec": {
                    "project": "shop",
                    "destination": {"server": "{{url}}"},
                    "sources": [{"path": "a/{{cluster}}"}],
                },
            },
        },
    }
    first, second = expand(value).applications
    assert first.value == {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "name": "web-eu",
            "labels": {"stage-eu": "eu"},
            "finalizers": [FINALIZER],
            "namespace": "argocd",
        },
        "spec": {"project": "shop", "destination": {"server": "u1"}, "sources": [{"path": "a/eu"}]},
    }
    assert (second.name, second.generator) == ("web-us", ("spec", "generators", 0, "list"))


@pytest.mark.parametrize(
    ("policy", "finalizers", "expected"),
    [(None, None, [FINALIZER]), ({"preserveResourcesOnDeletion": True}, None, None), (None, ["other"], ["other"])],
)
def test_the_finalizer_is_added_unless_resources_are_to_stay(policy: Any, finalizers: Any, expected: Any):
    value = spec("- list: {elements: [{a: b}]}", syncPolicy=policy)
    if finalizers:
        value["spec"]["template"]["metadata"]["finalizers"] = finalizers
    assert expand(value).applications[0].value["metadata"].get("finalizers") == expected


def test_a_set_without_parameters_leaves_the_template_as_it_is():
    value = spec("- list: {elements: [{}]}")
    value["spec"]["template"]["metadata"]["name"] = "x-{{a}}"
    (only,) = expand(value).applications
    assert only.value["metadata"] == {"name": "x-{{a}}"}


def test_the_template_of_a_generator_wins_and_the_common_one_fills_its_gaps():
    own = "{metadata: {labels: {a: own}}, spec: {source: {path: own}, syncPolicy: {}}}"
    value = spec(f"- list: {{elements: [{{k: v}}], template: {own}}}")
    value["spec"]["template"] = {
        "metadata": {"name": "x", "labels": {"a": "common", "b": "common"}},
        "spec": {"project": "shop", "source": {"path": "common", "repoURL": "r"}, "syncPolicy": {"automated": {}}},
    }
    (only,) = expand(value).applications
    assert only.value["metadata"]["labels"] == {"a": "own", "b": "common"}
    assert only.value["spec"] == {
        "project": "shop",
        "source": {"path": "own", "repoURL": "r"},
        "syncPolicy": {"automated": {}},
    }


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ("spec: {source: {path: '{{cluster}}'}}", {"project": "shop", "source": {"repoURL": "r", "path": "eu"}}),
        ("spec: {project: other}", {"project": "shop", "source": {"repoURL": "r"}}),
        ("spec: {source: null}", {"project": "shop"}),
        (
            "spec: {syncPolicy: {retry: {limit: 5}}}",
            {"project": "shop", "source": {"repoURL": "r"}, "syncPolicy": {"retry": {"limit": 5}}},
        ),
        ("", {"project": "shop", "source": {"repoURL": "r"}}),
    ],
)
def test_template_patches_are_merged_but_cannot_change_the_project(patch: str, expected: Any):
    value = spec("- list: {elements: [{cluster: eu}]}", templatePatch=patch)
    value["spec"]["template"]["spec"] = {"project": "shop", "source": {"repoURL": "r"}}
    (only,) = expand(value).applications
    assert only.value["spec"] == expected


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ("- a", "refused"),
        ("metadata: {labels: {canary: yes}}", "refused"),
        ("spec: x", "refused"),
        ("spec: {$patch: replace}", "unknown"),
        ("a: [", "unknown"),
    ],
)
def test_template_patches_of_another_shape(patch: str, field: str):
    expansion = expand(spec("- list: {elements: [{cluster: eu}]}", templatePatch=patch))
    assert getattr(expansion, field)
    assert not expansion.applications


def test_one_generator_that_fails_gives_up_the_whole_set():
    expansion = expand(spec("[{list: {elements: [{a: b}]}}, {matrix: {generators: []}}]"))
    assert expansion.refused
    assert not expansion.applications


def test_one_generator_that_is_unknown_leaves_the_others_certain():
    expansion = expand(spec("[{list: {elements: [{a: b}]}}, {pullRequest: {}}]"))
    assert [one.name for one in expansion.applications] == ["x"]
    assert not expansion.complete


@pytest.mark.parametrize(
    ("generators", "parameters"),
    [
        ("- clusters: {values: {a: b}}", {"name", "nameNormalized", "server", "project", "values.a"}),
        ("- plugin: {}", None),
        ("- clusters: {flatList: true}", None),
        ("- matrix: {generators: [{clusters: {}}, {list: {}}]}", None),
    ],
)
def test_generators_that_are_unknown_say_which_parameters_they_would_give(generators: str, parameters: set[str] | None):
    (place,) = expand(spec(generators)).unknown
    assert place.parameters == parameters


def test_placeholders_that_nothing_fills_are_told_with_their_place():
    value = spec("- list: {elements: [{a: b}]}")
    value["spec"]["template"]["metadata"]["name"] = "x-{{ nothing }}"
    (left,) = expand(value).applications[0].left
    assert left == (("spec", "template", "metadata", "name"), 2, 15, "nothing")


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ([], "x-<no value>"),
        (["missingkey=zero"], "x-<no value>"),
        (["missingkey=error"], None),
        (["missingkey=no"], None),
    ],
)
def test_the_option_decides_what_a_missing_key_gives(option: list[str], name: str | None):
    value = spec("- list: {elements: [{a: b}]}", goTemplate=True, goTemplateOptions=option)
    value["spec"]["template"]["metadata"]["name"] = "x-{{.nothing}}"
    expansion = expand(value)
    assert (expansion.applications[0].name if expansion.applications else None) == name
    assert bool(expansion.refused) is (name is None)


def test_of_applications_with_one_name_none_is_certain():
    value = spec("- list: {elements: [{a: '1'}, {a: '1'}, {a: '2'}, {a: 'Not valid'}]}")
    value["spec"]["template"]["metadata"]["name"] = "x-{{a}}"
    assert [one.name for one in expand(value).accepted] == ["x-2"]


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("a", ""),
        ("a.b-c", ""),
        ("", "empty"),
        ("A", "invalid"),
        ("a_b", "invalid"),
        ("a" * 254, "long"),
        ("a-", "invalid"),
        ("x-<no value>", "invalid"),
        ("{{a}}", "invalid"),
    ],
)
def test_names_that_no_application_can_have(name: str, fault: str):
    assert fault_of_name(name) == fault


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("apps/*", "apps/a", True),
        ("apps/*", "apps/a/b", False),
        ("*/*", "apps/a", True),
        ("apps/?", "apps/a", True),
        ("apps/[^a]", "apps/b", True),
        ("apps/[^a]", "apps/a", False),
        ("apps/[", "apps/[", False),
        ("**", "apps", True),
        ("**", "apps/a", False),
        ("a\\*", "a*", True),
        ("apps", "apps/a", False),
        ("", "a", False),
    ],
)
def test_directories_are_matched_as_path_match_does(pattern: str, path: str, matches: bool):
    assert path_pattern(pattern).matches(path) is matches


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("envs", "envs/eu/config.json", True),
        ("envs/", "envs/a", True),
        ("env", "envs/a", False),
        ("envs/*/config.json", "envs/a/b/config.json", True),
        ("envs/**/config.json", "envs/config.json", False),
        ("*.json", "a/b.json", True),
        ("a/[!b].json", "a/c.json", True),
        ("a.json", "a.json", True),
        ("a.json", "axjson", False),
    ],
)
def test_files_are_matched_as_git_matches_a_pathspec(pattern: str, path: str, matches: bool):
    assert bool(pathspec(pattern).fullmatch(path)) is matches


@pytest.mark.parametrize(
    ("automated", "step", "effective"),
    [
        ({"prune": True, "selfHeal": True}, {}, {"prune": True, "selfHeal": False}),
        (None, {}, {"prune": False, "selfHeal": False}),
        ({"prune": True, "enabled": False}, {}, {"prune": False, "selfHeal": False}),
        ({"prune": True}, {"matchExpressions": [{"key": "a", "operator": "In"}]}, {"prune": True, "enabled": False}),
    ],
)
def test_a_rolling_sync_syncs_what_a_step_selects_and_heals_nothing(automated: Any, step: Any, effective: Any):
    value = spec("- list: {elements: [{a: b}]}", strategy={"type": "RollingSync", "rollingSync": {"steps": [step]}})
    value["spec"]["template"]["spec"]["syncPolicy"] = {"automated": automated}
    (only,) = expand(value).applications
    assert only.value["spec"]["syncPolicy"]["automated"] == effective


STEPS = {
    "strategy": {
        "type": "RollingSync",
        "rollingSync": {
            "steps": [
                {"matchExpressions": [{"key": "stage", "operator": "In", "values": ["canary"]}]},
                {"matchExpressions": [{"key": "stage", "operator": "NotIn", "values": ["canary", "never"]}]},
                {
                    "matchExpressions": [
                        {"key": "zone", "operator": "Exists"},
                        {"key": "stage", "operator": "In", "values": ["x"]},
                    ]
                },
            ]
        },
    }
}


@pytest.mark.parametrize(
    ("labels", "steps"),
    [
        ({"stage": "canary"}, (0,)),
        ({"stage": "prod"}, (1,)),
        ({}, (1,)),
        ({"stage": "never"}, ()),
        ({"stage": "x"}, (1, 2)),
        ({"stage": "x", "zone": "a"}, (1,)),
    ],
)
def test_steps_select_as_build_app_dependency_list_does(labels: dict[str, str], steps: tuple[int, ...]):
    assert steps_of(labels, STEPS).chosen == steps


@pytest.mark.parametrize(
    ("value", "selected", "most"),
    [
        (None, 4, None),
        (2, 4, 2),
        (0, 4, 0),
        (-1, 4, 0),
        ("50%", 5, 2),
        ("10%", 4, 1),
        ("0%", 4, 0),
        ("00%", 4, 1),
        ("x", 4, 1),
        ("3", 4, 1),
    ],
)
def test_max_update_is_read_as_the_controller_reads_it(value: Any, selected: int, most: int | None):
    assert most_at_once({"maxUpdate": value}, selected) == most


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["", "{{a}}", "{{.a}}", "{{", "x", HERE, "apps/*", "In"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "list",
                    "elements",
                    "git",
                    "directories",
                    "files",
                    "path",
                    "repoURL",
                    "matrix",
                    "merge",
                    "generators",
                    "mergeKeys",
                    "selector",
                    "matchLabels",
                    "matchExpressions",
                    "operator",
                    "values",
                    "template",
                    "metadata",
                    "spec",
                    "name",
                    "elementsYaml",
                    "clusters",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=14,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(JUNK, max_size=3), JUNK, st.booleans(), JUNK)
def test_whatever_is_written_nothing_is_raised(generators: list[Any], template: Any, go: bool, patch: Any):
    value = {"spec": {"generators": generators, "template": template, "goTemplate": go, "templatePatch": patch}}
    expansion = expand(value, REPOSITORY)
    assert all(isinstance(one.name, str) for one in expansion.accepted)
