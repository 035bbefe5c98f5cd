"""What is laid out for kustomize, what is refused before it runs, and what the Application's options become."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rolloutlint.inputs.render.build import Command, Refusal, Request
from rolloutlint.inputs.render.kustomization import prepare, read_output, set_images

SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"


def tree(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def prepared(root: Path, overlay: str = ".", **options: Any) -> Command | Refusal:
    directory = str((root / overlay).resolve())
    variables = {"ARGOCD_APP_NAME": "web"}
    request = Request("kustomize", directory, "out", options, variables=variables, repository=str(root))
    return prepare(request, str(root))


def refused(root: Path, overlay: str = ".", **options: Any) -> Refusal:
    found = prepared(root, overlay, **options)
    assert isinstance(found, Refusal)
    return found


def edited(root: Path, **options: Any) -> dict[str, Any]:
    command = prepared(root, **options)
    assert isinstance(command, Command), command
    value: dict[str, Any] = json.loads(command.copies["kustomization.yaml"])
    return value


def test_everything_that_the_chain_reads_is_copied(tmp_path: Path) -> None:
    tree(
        tmp_path,
        {
            "base/kustomization.yaml": "resources: [web.yaml]\nconfigMapGenerator: [{name: c, files: [k=c.txt]}]\n",
            "base/web.yaml": SERVICE,
            "base/c.txt": "x",
            "base/unrelated.yaml": SERVICE,
            "over/kustomization.yaml": "resources: [../base]\npatches: [{path: p.yaml}]\ncomponents: [../extra]\n",
            "over/p.yaml": SERVICE,
            "extra/kustomization.yaml": "kind: Component\ntransformers: [t.yaml]\n",
            "extra/t.yaml": "apiVersion: builtin\nkind: PrefixTransformer\n",
        },
    )
    command = prepared(tmp_path, "over")
    assert isinstance(command, Command)
    assert sorted(command.copies) == [
        *("base/c.txt", "base/kustomization.yaml", "base/web.yaml", "extra/kustomization.yaml", "extra/t.yaml"),
        *("over/kustomization.yaml", "over/p.yaml"),
    ]
    assert command.arguments == ("--", "over")


@pytest.mark.parametrize(
    "text, said",
    [
        ("resources: ['https://example.com/x.yaml']", "remote"),
        ("resources: ['github.com/org/repo//base?ref=v1']", "remote"),
        ("patches: [{path: 'https://example.com/p.yaml'}]", "remote"),
        ("configMapGenerator: [{name: c, files: ['https://example.com/c']}]", "remote"),
        ("openapi: {path: 'https://example.com/schema.json'}", "remote"),
        ("configurations: ['https://example.com/transform.yaml']", "remote"),
        ("components: ['git@github.com:org/repo.git']", "remote"),
        ("resources: [absent.yaml]", "does not exist"),
        ("helmCharts: [{name: redis}]", "inflates Helm charts"),
        ("transformers: [t.yaml]", "runs a plugin"),
        ("generators: ['apiVersion: x/v1\n\nkind: Exec\n\n']", "runs a plugin"),
    ],
)
def test_what_would_reach_the_network_or_start_a_program_is_refused(tmp_path: Path, text: str, said: str) -> None:
    plugin = "apiVersion: example.com/v1\nkind: X\nmetadata: {annotations: {config.kubernetes.io/function: exec}}\n"
    tree(tmp_path, {"kustomization.yaml": text, "t.yaml": plugin})
    refusal = refused(tmp_path)
    assert said in refusal.message
    assert not refusal.lost


def test_a_remote_base_of_a_base_is_refused_too(tmp_path: Path) -> None:
    tree(tmp_path, {"a/kustomization.yaml": "resources: [../b]", "b/kustomization.yaml": "resources: ['ssh://h/r']"})
    assert "b/kustomization.yaml names `ssh://h/r`" in refused(tmp_path, "a").message


def test_a_link_out_of_the_tree_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text(SERVICE)
    root = tree(tmp_path / "repo", {"kustomization.yaml": "resources: [web.yaml]"})
    (root / "web.yaml").symlink_to(tmp_path / "secret.yaml")
    refusal = refused(root)
    assert "leads from web.yaml out of the tree" in refusal.message
    assert refusal.lost


def test_a_linked_directory_out_of_the_tree_is_refused(tmp_path: Path) -> None:
    tree(tmp_path / "elsewhere", {"kustomization.yaml": "resources: []"})
    root = tree(tmp_path / "repo", {"kustomization.yaml": "resources: [base]"})
    (root / "base").symlink_to(tmp_path / "elsewhere")
    assert "leads from base/kustomization.yaml out of the tree" in refused(root).message


def test_a_tree_that_is_itself_reached_through_a_link_is_no_way_out(tmp_path: Path) -> None:
    tree(tmp_path / "repo", {"a/kustomization.yaml": "resources: [../b]", "b/kustomization.yaml": "resources: []"})
    (tmp_path / "link").symlink_to(tmp_path / "repo")
    request = Request("kustomize", str(tmp_path / "link" / "a"), "out", repository=str(tmp_path / "link"))
    assert isinstance(prepare(request, str(tmp_path)), Command)


def test_kustomizations_that_include_each_other_are_walked_once(tmp_path: Path) -> None:
    tree(tmp_path, {"a/kustomization.yaml": "resources: [../b]", "b/kustomization.yaml": "resources: [../a]"})
    assert isinstance(prepared(tmp_path, "a"), Command)


def test_options_replace_what_kustomize_edit_sets_and_add_to_the_rest(tmp_path: Path) -> None:
    text = (
        "resources: [web.yaml]\nnamePrefix: a-\nimages: [{name: x, newTag: '1'}]\n"
        "replicas: [{name: web, count: 1}, {name: other, count: 2}]\npatches: [{patch: '- op: test'}]\n"
    )
    tree(tmp_path, {"kustomization.yaml": text, "web.yaml": SERVICE, "more/kustomization.yaml": "kind: Component\n"})
    value = edited(
        tmp_path,
        namePrefix="b-",
        nameSuffix="-s",
        namespace="ns",
        images=["x:2", "y=z@sha256:1"],
        replicas=[{"name": "web", "count": "5"}],
        commonLabels={"team": "$ARGOCD_APP_NAME"},
        commonAnnotations={"raw": "$ARGOCD_APP_NAME"},
        patches=[{"patch": "p"}],
        components=["more"],
    )
    assert (value["namePrefix"], value["nameSuffix"], value["namespace"]) == ("b-", "-s", "ns")
    assert value["images"] == [{"name": "x", "newTag": "2"}, {"name": "y", "newName": "z", "digest": "sha256:1"}]
    assert value["replicas"] == [{"name": "other", "count": 2}, {"name": "web", "count": 5}]
    assert value["commonLabels"] == {"team": "web"}
    assert value["commonAnnotations"] == {"raw": "$ARGOCD_APP_NAME"}
    assert value["patches"] == [{"patch": "- op: test"}, {"patch": "p"}]
    assert value["components"] == ["more"]


def test_a_label_that_is_there_already_is_refused_unless_forced(tmp_path: Path) -> None:
    tree(tmp_path, {"kustomization.yaml": "commonLabels: {a: b}"})
    assert "Argo CD refuses that too" in refused(tmp_path, commonLabels={"a": "c"}).message
    assert edited(tmp_path, commonLabels={"a": "c"}, forceCommonLabels=True)["commonLabels"] == {"a": "c"}


def test_labels_without_selectors_go_to_their_own_field(tmp_path: Path) -> None:
    tree(tmp_path, {"kustomization.yaml": "resources: []"})
    value = edited(tmp_path, commonLabels={"a": "c"}, labelWithoutSelector=True, labelIncludeTemplates=True)
    assert value["labels"] == [{"pairs": {"a": "c"}, "includeTemplates": True}]


def test_a_component_that_is_missing_is_refused_unless_that_is_ignored(tmp_path: Path) -> None:
    tree(tmp_path, {"kustomization.yaml": "resources: []"})
    assert refused(tmp_path, components=["gone"]).lost
    assert "components" not in edited(tmp_path, components=["gone"], ignoreMissingComponents=True)


@pytest.mark.parametrize(
    "argument, entry",
    [
        ("reg:5000/app", {"name": "reg:5000/app"}),
        ("reg:5000/app:1", {"name": "reg:5000/app", "newTag": "1"}),
        ("app=other:2", {"name": "app", "newName": "other", "newTag": "2"}),
        ("app=*:3", {"name": "app", "newName": "kept", "newTag": "3"}),
    ],
)
def test_images_are_read_as_kustomize_reads_them(argument: str, entry: Mapping[str, str]) -> None:
    assert entry in set_images([{"name": "app", "newName": "kept", "newTag": "old"}], [argument])


OUTPUT = """\
apiVersion: v1
data:
  text: |
    metadata:
      annotations:
        config.kubernetes.io/origin: kept
kind: ConfigMap
metadata:
  annotations:
    config.kubernetes.io/origin: |
      configuredIn: ../base/kustomization.yaml
      configuredBy:
        apiVersion: builtin
        kind: ConfigMapGenerator
  name: c
---
apiVersion: v1
kind: Service
metadata:
  annotations:
    a: b
    alpha.config.kubernetes.io/transformations: |
      - configuredIn: kustomization.yaml
        configuredBy:
          apiVersion: builtin
          kind: PatchTransformer
    config.kubernetes.io/origin: |
      path: ../base/web.yaml
  name: web
"""


def test_marks_of_the_origin_are_taken_out_and_read() -> None:
    request = Request("kustomize", "/repo/over", "out")
    text, origins = read_output(OUTPUT, Command((), "", {}, {}), request)
    assert "transformations" not in text
    assert text.count("config.kubernetes.io/origin: kept") == text.count("config.kubernetes.io/origin") == 1
    assert "metadata:\n  name: c\n---\n" in text
    assert "  annotations:\n    a: b\n  name: web\n" in text
    assert [(o.file, o.generated, o.changed_by) for o in origins] == [
        ("/repo/base/kustomization.yaml", True, ()),
        ("/repo/base/web.yaml", False, ("/repo/over/kustomization.yaml",)),
    ]
