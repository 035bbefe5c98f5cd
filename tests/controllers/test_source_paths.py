"""Which files belong to an Application source."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.controllers.source_paths import Covered, covered, normal_path

FILES = {
    "README.md",
    "apps/web/rollout.yaml",
    "apps/web/service.yml",
    "apps/web/notes.md",
    "apps/web/istio/vs.yaml",
    "apps/webshop/rollout.yaml",
    "charts/api/Chart.yaml",
    "charts/api/templates/rollout.yaml",
    "kust/kustomization.yml",
    "kust/rollout.yaml",
    "deep/base/kustomization.yaml",
}


def files_of(path: str, **directory: Any) -> set[str]:
    return set(covered({"path": path, "directory": directory}, FILES).files)


def test_a_directory_reads_the_manifests_at_its_top_only():
    result = covered({"path": "apps/web"}, FILES)
    assert result == Covered(
        "directory",
        frozenset({"apps/web/rollout.yaml", "apps/web/service.yml"}),
        rendered=True,
        unread=frozenset({"apps/web/istio/vs.yaml"}),
    )


def test_recurse_reads_the_subdirectories_too():
    assert "apps/web/istio/vs.yaml" in files_of("apps/web", recurse=True)


def test_a_directory_is_no_prefix_of_its_neighbour():
    assert "apps/webshop/rollout.yaml" not in files_of("apps/web", recurse=True)


def test_exclude_comes_before_include():
    assert files_of("apps/web", include="*.y*ml", exclude="service*") == {"apps/web/rollout.yaml"}


def test_a_star_in_include_crosses_directories():
    assert files_of("apps", recurse=True, include="web/*.yaml") == {
        "apps/web/rollout.yaml",
        "apps/web/istio/vs.yaml",
    }


def test_braces_in_include_are_alternatives():
    assert files_of("apps/web", include="{rollout.yaml,notes.md}") == {"apps/web/rollout.yaml"}


@pytest.mark.parametrize(
    ("path", "kind"), [("charts/api", "helm"), ("kust", "kustomize"), ("deep", "directory"), ("apps", "directory")]
)
def test_the_files_at_the_top_of_the_path_tell_the_kind(path: str, kind: str):
    assert covered({"path": path}, FILES).kind == kind


def test_what_a_tool_renders_is_its_input_and_not_yet_manifests():
    result = covered({"path": "charts/api"}, FILES)
    assert not result.rendered
    assert result.files == {"charts/api/Chart.yaml", "charts/api/templates/rollout.yaml"}


def test_a_named_type_wins_over_the_files():
    assert covered({"path": "kust", "directory": {"recurse": True}}, FILES).kind == "directory"


def test_two_named_types_are_an_error():
    assert (
        covered({"path": "kust", "helm": {"releaseName": "x"}, "kustomize": {"namePrefix": "x-"}}, FILES).kind
        == "invalid"
    )


def test_an_empty_type_names_nothing():
    assert covered({"path": "kust", "directory": {"recurse": False}, "helm": {}}, FILES).kind == "kustomize"


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ({"chart": "argo", "targetRevision": "1"}, "chart"),
        ({"ref": "values"}, "ref-only"),
        ({}, "invalid"),
        ({"path": "../other"}, "invalid"),
        ({"path": "/apps"}, "invalid"),
        ({"path": 3}, "invalid"),
        ({"path": "kust", "plugin": {}}, "plugin"),
    ],
)
def test_sources_without_readable_files_say_what_they_are(source: dict[str, Any], kind: str):
    assert covered(source, FILES).kind == kind


def test_jsonnet_has_to_be_evaluated():
    assert not covered({"path": "."}, {"main.jsonnet"}).rendered


@pytest.mark.parametrize(
    ("path", "expected"), [("./a//b/", "a/b"), (".", ""), ("a/../b", "b"), ("a/../../b", None), ("/a", None)]
)
def test_paths_are_normalised_inside_the_repository(path: str, expected: str | None):
    assert normal_path(path) == expected


TREES = st.recursive(
    st.none() | st.booleans() | st.sampled_from(["apps", "..", "*", "[", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["path", "chart", "directory", "include", "exclude", "recurse", "helm", "sources"]),
            inner,
        )
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["path", "chart", "ref", "directory", "helm", "plugin"]), TREES))
def test_any_source_gives_an_answer(source: dict[str, Any]):
    assert covered(source, FILES).files <= FILES
