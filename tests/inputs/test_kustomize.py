from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from rolloutlint.inputs.discover import Discovery, discover
from rolloutlint.inputs.kustomize import Overlay, PatchTarget


def write(root: Path, files: dict[str, str]) -> None:
    for file, text in files.items():
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))


def look(root: Path, files: dict[str, str], *paths: str) -> Discovery:
    write(root, files)
    return discover(paths or ["."], cwd=str(root))


def names(found: Discovery) -> list[str]:
    return [c.name for c in found.candidates]


def left_out(found: Discovery) -> dict[str, str]:
    return {i.source: i.reason for i in found.incomplete}


PATCH = "kind: Rollout\nmetadata: {name: web}\nspec: {replicas: 3, strategy: {canary: {steps: [{pause: {}}]}}}\n"
BASE = {"base/kustomization.yaml": "resources: [rollout.yaml]", "base/rollout.yaml": "kind: Rollout"}


def overlay(root: Path, kustomization: str, more: dict[str, str] | None = None) -> Overlay:
    """The overlay of base/rollout.yaml in `prod`, whose kustomization says this besides its resources."""
    text = "resources: [../base]\n" + dedent(kustomization)
    found = look(root, {**BASE, "prod/kustomization.yaml": text, **(more or {})})
    (only,) = found.graph.overlays_of("base/rollout.yaml")
    return only


def changed(root: Path, kustomization: str, more: dict[str, str] | None = None) -> tuple[PatchTarget, ...]:
    return overlay(root, kustomization, more).patches


@pytest.mark.parametrize("name", ["kustomization.yaml", "kustomization.yml", "Kustomization"])
def test_a_kustomization_is_read_and_is_no_manifest(tmp_path: Path, name: str) -> None:
    found = look(tmp_path, {name: "resources: [a.yaml]", "a.yaml": "kind: Service"})
    assert (names(found), left_out(found)) == (["a.yaml"], {})
    assert [(k.directory, k.file, k.resources) for k in found.kustomizations] == [(".", name, ("a.yaml",))]


@pytest.mark.parametrize(
    "entry",
    [
        "patches: [{path: p.yaml}]",
        "patches: [p.yaml]",
        "patchesStrategicMerge: [./p.yaml]",
        "patchesJson6902: [{path: p.yaml, target: {kind: Rollout, name: web}}]",
    ],
)
def test_a_patch_file_is_listed_and_no_candidate(tmp_path: Path, entry: str) -> None:
    found = look(tmp_path, {"kustomization.yaml": entry, "p.yaml": PATCH})
    assert (names(found), left_out(found)["p.yaml"]) == ([], "patch")
    assert found.graph.role_of("p.yaml") == "patch"


@pytest.mark.parametrize(
    "entry",
    [
        "configMapGenerator: [{name: x, files: [in.yaml]}]",
        "configMapGenerator: [{name: x, files: [key=in.yaml]}]",
        "secretGenerator: [{name: x, envs: [in.yaml]}]",
        "secretGenerator: [{name: x, env: in.yaml}]",
    ],
)
def test_a_generator_input_is_listed_and_no_candidate(tmp_path: Path, entry: str) -> None:
    found = look(tmp_path, {"kustomization.yaml": entry, "in.yaml": "a: b"})
    assert (names(found), left_out(found)) == ([], {"in.yaml": "generator-input"})


@pytest.mark.parametrize(
    "entry",
    ["transformers: [c.yaml]", "configurations: [c.yaml]", "replacements: [{path: c.yaml}]", "openapi: {path: c.yaml}"],
)
def test_configuration_of_kustomize_is_listed_and_no_candidate(tmp_path: Path, entry: str) -> None:
    found = look(tmp_path, {"kustomization.yaml": entry, "c.yaml": "a: b"})
    assert (names(found), left_out(found)["c.yaml"]) == ([], "kustomize")
    assert found.graph.role_of("c.yaml") == "configuration"


def test_resources_of_a_component_are_listed_as_its_parts(tmp_path: Path) -> None:
    component = {"extra/kustomization.yaml": "kind: Component\nresources: [x.yaml]", "extra/x.yaml": "kind: Service"}
    found = look(tmp_path, {**BASE, **component, "prod/kustomization.yaml": "components: [../extra]"})
    assert (names(found), left_out(found)) == (["base/rollout.yaml"], {"extra/x.yaml": "component"})


def test_a_file_that_is_also_a_resource_somewhere_stays_a_manifest(tmp_path: Path) -> None:
    found = look(
        tmp_path,
        {"a/kustomization.yaml": "patches: [{path: ../x.yaml}]", "b/kustomization.yaml": "resources: [../x.yaml]"}
        | {"x.yaml": PATCH},
    )
    assert names(found) == ["x.yaml"]


def test_a_kustomization_of_flux_is_a_manifest(tmp_path: Path) -> None:
    text = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec: {path: ./x}\n"
    found = look(tmp_path, {"kustomization.yaml": text})
    assert (names(found), found.kustomizations) == (["kustomization.yaml"], ())


def test_a_kustomization_that_is_no_yaml_is_a_candidate_and_listed(tmp_path: Path) -> None:
    found = look(tmp_path, {"kustomization.yaml": "a: [", "b.yaml": ""})
    assert names(found) == ["b.yaml", "kustomization.yaml"]
    assert left_out(found) == {"kustomization.yaml": "kustomize"}


@pytest.mark.parametrize("text", ["- " * 100_000 + "a", "a: &a [*a]", "resources: {a: [1]}\npatches: [1, null, {}]\n"])
def test_a_hostile_kustomization_does_no_harm(tmp_path: Path, text: str) -> None:
    assert names(look(tmp_path, {"kustomization.yaml": text, "x.yaml": ""}))[-1] == "x.yaml"


def test_a_patch_without_end_changes_anything(tmp_path: Path) -> None:
    bomb = "a: &a {x: 1, y: 2}\n" + "".join(
        f"{b}: &{b} {{x: *{a}, y: *{a}}}\n" for a, b in zip("abcdefghijklmno", "bcdefghijklmnop", strict=True)
    )
    text = "patches: [{path: p.yaml, target: {kind: Rollout}}]"
    assert changed(tmp_path, text, {"prod/p.yaml": bomb}) == (PatchTarget("Rollout", "", None),)


def test_a_patch_given_by_name_is_known_by_the_kustomization_beside_it(tmp_path: Path) -> None:
    found = look(tmp_path, {"kustomization.yaml": "patches: [{path: p.yaml}]", "p.yaml": PATCH}, "p.yaml")
    assert (names(found), left_out(found)) == ([], {"p.yaml": "patch"})


def test_a_kustomization_above_the_argument_counts_up_to_the_git_root(tmp_path: Path) -> None:
    files = {".git/HEAD": "", "kustomization.yaml": "patches: [{path: sub/p.yaml}]", "sub/p.yaml": PATCH}
    assert left_out(look(tmp_path, files, "sub")) == {"sub/p.yaml": "patch"}


def test_helm_charts_and_remote_and_missing_resources_are_listed(tmp_path: Path) -> None:
    text = """
    helmCharts: [{name: redis}]
    resources: ["https://github.com/x/y//z?ref=v1", github.com/x/y/z, gone.yaml]
    """
    found = look(tmp_path, {"kustomization.yaml": text})
    assert [(i.reason, i.lost) for i in found.incomplete] == [
        ("unrendered", False),
        ("unresolved", False),
        ("unresolved", False),
        ("unresolved", False),
    ]
    assert found.kustomizations[0].remote == ("https://github.com/x/y//z?ref=v1", "github.com/x/y/z")
    assert found.kustomizations[0].missing == ("gone.yaml",)


def test_what_an_overlay_would_change_is_listed_once_for_each_root(tmp_path: Path) -> None:
    found = look(
        tmp_path,
        {**BASE, "prod/kustomization.yaml": "resources: [../base]\nnamespace: prod\nnamePrefix: p-\n"},
    )
    (entry,) = found.incomplete
    assert (entry.source, entry.reason) == ("prod", "kustomize")
    assert "namespace, name prefix or suffix not applied" in entry.message


def test_a_second_kustomization_file_in_a_directory_is_no_manifest(tmp_path: Path) -> None:
    found = look(tmp_path, {"kustomization.yaml": "namespace: a", "Kustomization": "namespace: b"})
    assert ([k.namespace for k in found.kustomizations], names(found)) == (["a"], [])
    assert found.graph.role_of("Kustomization") == "kustomization"


def test_the_roots_of_a_file_are_the_top_most_kustomizations(tmp_path: Path) -> None:
    more = {
        "mid/kustomization.yaml": "resources: [../base]",
        "prod/kustomization.yaml": "resources: [../mid]",
        "test/kustomization.yaml": "bases: [../base]",
        "alone/kustomization.yaml": "namespace: x",
    }
    graph = look(tmp_path, {**BASE, **more}).graph
    assert graph.roots_of("base/rollout.yaml") == {"prod", "test"}
    assert [k.directory for k in graph.chain("prod")] == ["prod", "mid", "base"]


def test_a_file_no_kustomization_lists_has_no_root(tmp_path: Path) -> None:
    graph = look(tmp_path, {**BASE, "other.yaml": ""}).graph
    assert (graph.roots_of("other.yaml"), graph.overlays_of("other.yaml")) == (frozenset(), ())


def test_kustomizations_that_include_each_other_end(tmp_path: Path) -> None:
    files = {"a/kustomization.yaml": "resources: [../b, x.yaml]", "b/kustomization.yaml": "resources: [../a]"}
    graph = look(tmp_path, {**files, "a/x.yaml": ""}).graph
    assert graph.roots_of("a/x.yaml") == {"a"}
    assert len(graph.chain("a")) == 2


def test_the_outermost_namespace_wins(tmp_path: Path) -> None:
    inner = {"base/kustomization.yaml": "resources: [rollout.yaml]\nnamespace: inner"}
    assert overlay(tmp_path, "namespace: outer", inner).namespace == "outer"


def test_an_inner_namespace_holds_where_no_outer_one_is_set(tmp_path: Path) -> None:
    inner = {"base/kustomization.yaml": "resources: [rollout.yaml]\nnamespace: inner"}
    assert overlay(tmp_path, "nameSuffix: -x", inner).namespace == "inner"


def test_a_sibling_base_does_not_touch_a_file(tmp_path: Path) -> None:
    more = {"sib/kustomization.yaml": "namespace: sib\ncommonLabels: {a: b}"}
    found = overlay(tmp_path, "", {**more, "prod/kustomization.yaml": "resources: [../base, ../sib]"})
    assert (found.namespace, found.patches) == (None, ())


def test_a_component_changes_what_its_includer_has_gathered(tmp_path: Path) -> None:
    component = {"c/kustomization.yaml": "kind: Component\npatches: [{path: p.yaml}]", "c/p.yaml": PATCH}
    assert overlay(tmp_path, "components: [../c]", component).touches("Rollout", "web", ("spec", "replicas"))


def test_a_merge_patch_touches_its_leaves_up_to_the_first_list(tmp_path: Path) -> None:
    (target,) = changed(tmp_path, "patches: [{path: p.yaml}]", {"prod/p.yaml": PATCH})
    assert target == PatchTarget("Rollout", "web", (("spec", "replicas"), ("spec", "strategy", "canary", "steps")))


def test_a_json_patch_touches_its_pointers_up_to_the_first_index(tmp_path: Path) -> None:
    text = """
    patches:
    - target: {kind: Rollout, name: web}
      patch: |
        - {op: replace, path: /spec/strategy/canary/steps/0/setWeight, value: 5}
        - {op: add, path: /metadata/annotations/a.b~1c, value: x}
        - {op: test, path: /spec/replicas, value: 1}
    """
    paths = (("spec", "strategy", "canary", "steps"), ("metadata", "annotations", "a.b/c"))
    assert changed(tmp_path, text) == (PatchTarget("Rollout", "web", paths),)


def test_a_patch_that_deletes_its_object_may_change_anything(tmp_path: Path) -> None:
    patch = "$patch: delete\nkind: Rollout\nmetadata: {name: web}\n"
    (target,) = changed(tmp_path, "patches: [{path: p.yaml}]", {"prod/p.yaml": patch})
    assert target == PatchTarget("Rollout", "web", None)


def test_a_missing_patch_file_may_change_anything_its_target_matches(tmp_path: Path) -> None:
    text = "patches: [{path: gone.yaml, target: {kind: Rollout}}]"
    assert changed(tmp_path, text) == (PatchTarget("Rollout", "", None),)


def test_an_inline_patch_is_kept_with_its_target(tmp_path: Path) -> None:
    text = "patches: [{target: {kind: Rollout}, patch: '[{op: remove, path: /spec/replicas}]'}]"
    (patch,) = look(tmp_path, {"kustomization.yaml": text}).kustomizations[0].inline_patches
    assert patch.target == {"kind": "Rollout"}
    assert patch.value == [{"op": "remove", "path": "/spec/replicas"}]


def test_replacements_touch_their_field_paths(tmp_path: Path) -> None:
    text = """
    replacements:
    - source: {kind: ConfigMap, name: x}
      targets: [{select: {kind: Rollout}, fieldPaths: [spec.replicas, "spec.x.[name=y].z"]}]
    """
    paths = (("spec", "replicas"), ("spec", "x"))
    assert changed(tmp_path, text) == (PatchTarget("Rollout", "", paths),)


def test_transformers_may_change_anything(tmp_path: Path) -> None:
    found = overlay(tmp_path, "transformers: [t.yaml]", {"prod/t.yaml": "kind: X"})
    assert found.touches("Service", "x", ("spec", "ports"))


def test_replicas_touch_the_kinds_kustomize_knows_which_no_rollout_is(tmp_path: Path) -> None:
    found = overlay(tmp_path, "replicas: [{name: web, count: 3}]")
    assert found.touches("Deployment", "web", ("spec", "replicas"))
    assert not found.touches("Rollout", "web", ("spec", "replicas"))


def test_images_touch_the_image_and_nothing_beside_it(tmp_path: Path) -> None:
    found = overlay(tmp_path, "images: [{name: web, newTag: v2}]")
    containers = ("spec", "template", "spec", "containers")
    assert found.touches("Rollout", "web", (*containers, 0, "image"))
    assert not found.touches("Rollout", "web", (*containers, 0, "ports"))


def test_a_target_is_an_anchored_expression(tmp_path: Path) -> None:
    text = "patches: [{target: {kind: Rollout, name: web-.*}, patch: '[{op: remove, path: /spec/x}]'}]"
    found = overlay(tmp_path, text)
    assert found.touches("Rollout", "web-a", ("spec", "x"))
    assert not found.touches("Rollout", "my-web-a", ("spec", "x"))


def test_a_patch_may_name_an_object_by_its_prefixed_name(tmp_path: Path) -> None:
    patch = PATCH.replace("web", "prod-web")
    found = overlay(tmp_path, "namePrefix: prod-\npatches: [{path: p.yaml}]", {"prod/p.yaml": patch})
    assert found.renames
    assert found.touches("Rollout", "web", ("spec", "replicas"))
