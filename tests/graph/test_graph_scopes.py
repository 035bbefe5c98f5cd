"""Which files belong together, and which of them an Application delivers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.graph import Layout
from rolloutlint.graph.scopes import FileTree, inside, join, top_directory
from tests.graph.worlds import Built, answer, application, only, rollout, service, world

A, B = "https://a", "https://b"


# ---- directories ---------------------------------------------------------------------------------------------


def test_environments_with_the_same_names_do_not_meet():
    files = {
        "envs/dev/r.yaml": rollout(),
        "envs/dev/s.yaml": service(),
        "envs/prod/r.yaml": rollout(),
        "envs/prod/x.yaml": service("other"),
    }
    made = world(files)
    assert answer(made, file="envs/dev/r.yaml").state == "resolved"
    assert answer(made, file="envs/prod/r.yaml").missing


def test_a_file_beside_environments_is_shared_by_them():
    files = {
        "envs/dev/r.yaml": rollout(),
        "envs/prod/r.yaml": rollout(),
        "envs/shared.yaml": service(),
    }
    made = world(files)
    for file in ("envs/dev/r.yaml", "envs/prod/r.yaml"):
        assert answer(made, file=file).state == "resolved"


def test_environments_below_environments_are_cut_as_far_as_needed():
    files = {
        f"envs/{env}/{region}/r.yaml": rollout() + (service() if region == "eu" else service("other"))
        for env in ("dev", "prod")
        for region in ("eu", "us")
    }
    made = world(files)
    assert answer(made, file="envs/dev/eu/r.yaml").state == "resolved"
    assert answer(made, file="envs/prod/us/r.yaml").missing


def test_directories_without_namesakes_are_one_scope():
    files = {"apps/web/r.yaml": rollout(), "apps/services/s.yaml": service()}
    assert answer(world(files)).state == "resolved"


def test_top_directories_are_scopes_of_their_own():
    assert answer(world({"dev/r.yaml": rollout(), "prod/s.yaml": service()})).state == "unknown"


def test_files_at_the_root_are_one_scope():
    assert answer(world({"r.yaml": rollout(), "s.yaml": service()})).state == "resolved"


def test_the_directory_given_as_input_is_where_counting_starts():
    files = {"repo/envs/dev/r.yaml": rollout(), "repo/envs/dev/s.yaml": service(), "repo/other/s.yaml": service()}
    layout = Layout(roots=dict.fromkeys(files, "repo/envs"))
    made = world(files, layout)
    assert made.scopes(only(made, "Rollout")) == {"dir:repo/envs/dev"}


@pytest.mark.parametrize(
    "file, root, directory",
    [
        ("a.yaml", ".", "."),
        ("a.yaml", "", "."),
        ("x/a.yaml", ".", "x"),
        ("x/y/a.yaml", "x", "x/y"),
        ("x/a.yaml", "x", "x"),
        ("/abs/x/a.yaml", "/abs", "/abs/x"),
    ],
)
def test_the_scope_directory_is_the_first_below_the_input(file: str, root: str, directory: str) -> None:
    assert top_directory(file, root) == directory


NAMES = st.lists(st.sampled_from(["a", "b", "a-b", "a0", "a."]), min_size=1, max_size=4).map("/".join)


@given(st.sets(NAMES, max_size=12), NAMES)
def test_the_tree_finds_what_lies_below_a_directory(files: set[str], directory: str) -> None:
    tree = FileTree(files)
    expected = sorted(f for f in files if f.startswith(directory + "/"))
    assert list(tree.below(directory)) == expected
    assert tree.any_below(directory) == bool(expected)
    assert all(inside(f, directory) for f in expected)


def test_the_current_directory_holds_what_is_relative_to_it():
    tree = FileTree(["a.yaml", "x/b.yaml", "/etc/c.yaml", "../d.yaml"])
    assert list(tree.below(".")) == ["a.yaml", "x/b.yaml"]
    assert not FileTree(["/etc/c.yaml"]).any_below("")
    assert join(".", "a/../b") == "b"
    assert join("", "./a/") == "a"


# ---- clusters ------------------------------------------------------------------------------------------------


def test_applications_with_different_clusters_keep_their_files_apart():
    files = {
        "apps.yaml": application("one", server=A) + application("two", server=B, name="b"),
        "one/r.yaml": rollout(),
        "two/s.yaml": service(),
    }
    made = world(files)
    assert made.scopes(only(made, "Rollout")) == {"cluster:https://a"}
    assert answer(made).missing


def test_applications_of_one_cluster_share_it():
    files = {
        "apps.yaml": application("one") + application("two", name="b"),
        "one/r.yaml": rollout(),
        "two/s.yaml": service(),
    }
    assert answer(world(files)).state == "resolved"


def test_one_directory_delivered_to_two_clusters_belongs_to_both():
    files = {
        "apps.yaml": application("web", server=A) + application("web", server=B, name="b"),
        "web/r.yaml": rollout() + service(),
    }
    made = world(files)
    assert made.scopes(only(made, "Rollout")) == {"cluster:https://a", "cluster:https://b"}
    assert answer(made).state == "resolved"
    assert [a.name for a in made.applications(only(made, "Rollout"))] == ["app", "b"]


# ---- kustomize -----------------------------------------------------------------------------------------------


def test_a_base_with_two_overlays_belongs_to_both():
    overlays = {"base/r.yaml": (Built("dev"), Built("prod")), "dev/s.yaml": (Built("dev"),)}
    made = world({"base/r.yaml": rollout(), "dev/s.yaml": service()}, Layout(overlays=overlays))
    assert made.scopes(only(made, "Rollout")) == {"kustomize:dev", "kustomize:prod"}
    assert answer(made).state == "resolved"


def test_an_application_of_an_overlay_delivers_what_its_build_includes():
    files = {"apps.yaml": application("envs/prod"), "base/r.yaml": rollout() + service("other")}
    layout = Layout(
        roots=dict.fromkeys(files, "."),
        overlays={"base/r.yaml": (Built("envs/prod"),)},
        kustomizations={"envs/prod": frozenset({"base/r.yaml"})},
    )
    made = world(files, layout)
    assert [r.id.kind for r in made.delivered(only(made, "Application"))] == ["Rollout", "Service"]
    assert made.scopes(only(made, "Rollout")) == {"cluster:https://a"}
    assert not made.whole(only(made, "Application"))
    assert answer(made).missing, "everything the overlay adds was loaded, and it holds other Services"


@pytest.mark.parametrize("extra", ["", ", kustomize: {namePrefix: x-}"])
def test_an_overlay_with_gaps_leaves_the_answer_open(extra: str) -> None:
    files = {"apps.yaml": application("prod", extra=extra), "prod/r.yaml": rollout() + service("other")}
    layout = Layout(
        roots=dict.fromkeys(files, "."),
        overlays={"prod/r.yaml": (Built("prod"),)},
        kustomizations={"prod": frozenset({"prod/r.yaml"})},
        open_roots=frozenset({"prod"} if not extra else ()),
    )
    assert answer(world(files, layout)).state == "unknown"


# ---- what an Application delivers ----------------------------------------------------------------------------


def delivered(files: dict[str, str], layout: Layout | None = None) -> list[str]:
    made = world(files, layout)
    return sorted({r.document.source for r in made.delivered(only(made, "Application"))})


def test_a_path_counts_from_the_root_of_the_checkout():
    files = {"apps.yaml": application("deploy/web"), "deploy/web/r.yaml": rollout(), "deploy/x/r.yaml": rollout()}
    assert delivered(files) == ["deploy/web/r.yaml"]


def test_the_root_of_the_checkout_may_lie_above_the_working_directory():
    files = {"apps.yaml": application("deploy/web"), "web/r.yaml": rollout()}
    layout = Layout(roots=dict.fromkeys(files, ""), project_root="/repo", base="/repo/deploy")
    assert delivered(files, layout) == ["web/r.yaml"]


def test_a_path_that_is_the_working_directory_delivers_it():
    files = {"apps.yaml": application("deploy"), "web.yaml": rollout()}
    layout = Layout(roots=dict.fromkeys(files, ""), project_root="/repo", base="/repo/deploy")
    assert delivered(files, layout) == ["apps.yaml", "web.yaml"]


def test_a_path_may_count_from_the_input_directory():
    files = {"examples/apps.yaml": application("web"), "examples/web/r.yaml": rollout()}
    layout = Layout(roots=dict.fromkeys(files, "examples"), project_root="/repo", base="/repo")
    assert delivered(files, layout) == ["examples/web/r.yaml"]


def test_a_path_may_count_from_the_directory_below_the_input():
    files = {"fixtures/shop/apps.yaml": application("web"), "fixtures/shop/web/r.yaml": rollout()}
    layout = Layout(roots=dict.fromkeys(files, "fixtures"), project_root="/repo", base="/repo")
    assert delivered(files, layout) == ["fixtures/shop/web/r.yaml"]


@pytest.mark.parametrize(
    "here, repo, expected",
    [
        ("config", "https://git.example.com/org/config.git", ["web/r.yaml"]),
        ("config", "git@git.example.com:org/Config", ["web/r.yaml"]),
        ("config", "https://git.example.com/org/other.git", []),
        ("", "https://git.example.com/org/other.git", ["web/r.yaml"]),
        ("config", "", ["web/r.yaml"]),
    ],
)
def test_an_application_of_another_repository_delivers_nothing_here(here: str, repo: str, expected: list[str]) -> None:
    files = {"apps.yaml": application("web", repo=repo), "web/r.yaml": rollout()}
    layout = Layout(roots=dict.fromkeys(files, ""), repository=here)
    assert delivered(files, layout) == expected


@pytest.mark.parametrize(
    "options, expected",
    [
        ("", ["web/a.yaml"]),
        (", directory: {recurse: true}", ["web/a.yaml", "web/sub/b.yaml"]),
        (", directory: {recurse: true, exclude: 'sub/*'}", ["web/a.yaml"]),
        (", directory: {recurse: true, include: 'sub/*'}", ["web/sub/b.yaml"]),
        (", directory: {recurse: true, include: 'x'}", []),
    ],
)
def test_directory_options_choose_the_files(options: str, expected: list[str]) -> None:
    files = {
        "apps.yaml": application("web", extra=options),
        "web/a.yaml": rollout(),
        "web/sub/b.yaml": service(),
        "webshop/c.yaml": service(),
    }
    assert delivered(files) == expected


def test_a_chart_delivers_files_but_is_not_whole():
    files = {"apps.yaml": application("web"), "web/extra.yaml": rollout()}
    layout = Layout(roots=dict.fromkeys(files, "."), charts=frozenset({"web"}))
    made = world(files, layout)
    assert not made.whole(only(made, "Application"))
    assert answer(made).state == "unknown"


def test_several_sources_are_delivered_together():
    text = application("x").replace("source: {path: x}", "sources: [{path: one}, {path: two}]")
    files = {"apps.yaml": text, "one/r.yaml": rollout(), "two/s.yaml": service()}
    assert delivered(files) == ["one/r.yaml", "two/s.yaml"]
    made = world(files)
    assert made.whole(only(made, "Application"))


def test_a_source_that_is_not_here_makes_the_delivery_partial():
    text = application("x").replace("source: {path: x}", "sources: [{path: one}, {chart: web}]")
    made = world({"apps.yaml": text, "one/r.yaml": rollout()})
    assert not made.whole(only(made, "Application"))
    assert answer(made).state == "unknown"


def test_a_path_that_leaves_the_repository_delivers_nothing():
    files = {"apps.yaml": application("../web"), "web/r.yaml": rollout()}
    assert delivered(files) == []
