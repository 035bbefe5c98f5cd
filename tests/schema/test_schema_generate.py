"""The committed schemas say what the CRDs say, no less and no more, and nothing in prose."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from rolloutlint.schema import field_paths
from rolloutlint.schema.fields import parse_version
from rolloutlint.schema.generate import OBJECT_META, OLDEST_SUPPORTED, convert, generate, kind_schema, main
from rolloutlint.schema.load import BUILT_IN, CUSTOM, SHIPPED, schema_of

ROOT = pathlib.Path(__file__).parents[2]
COMMITTED = ROOT / "schemas" / "crd"
CORE = ROOT / "schemas" / "core"
CRDS = ROOT.parent / "shared" / "crds"
KINDS = sorted(SHIPPED)
CUSTOM_KINDS = sorted(CUSTOM)

needs_crds = pytest.mark.skipif(not CRDS.is_dir(), reason=f"the upstream CRDs are not at {CRDS}")


def definitions() -> Iterator[dict[str, Any]]:
    for file in sorted(CRDS.rglob("*.yaml")):
        for document in yaml.load_all(file.read_text(), yaml.CSafeLoader):
            if document and document.get("kind") == "CustomResourceDefinition":
                yield document


@pytest.fixture(scope="module")
def crd_specs() -> dict[tuple[str, str], Any]:
    found = {}
    for document in definitions():
        key = (document["spec"]["group"], document["spec"]["names"]["kind"])
        if key in CUSTOM:
            found[key] = document["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return found


def crd_fields(node: Mapping[str, Any], path: str) -> Iterator[tuple[str, tuple[str, ...], bool]]:
    """(field path, types, whether unknown fields are refused), read from a CRD independently of the generator."""
    types = ("integer", "string") if node.get("x-kubernetes-int-or-string") else (node.get("type"),)
    free = node.get("x-kubernetes-preserve-unknown-fields", False)
    has_map = isinstance(node.get("additionalProperties"), dict)
    yield (
        path,
        tuple(filter(None, types)) + ("null",) * bool(node.get("nullable")),
        (node.get("type") == "object" and not free and not has_map),
    )
    for name, below in node.get("properties", {}).items():
        yield from crd_fields(below, f"{path}.{name}")
    if "items" in node:
        yield from crd_fields(node["items"], f"{path}[]")
    if has_map:
        yield from crd_fields(node["additionalProperties"], f"{path}{{}}")


def our_fields(node: Mapping[str, Any], path: str) -> Iterator[tuple[str, tuple[str, ...], bool]]:
    types = node.get("type", [])
    others = node.get("additionalProperties")
    yield path, tuple([types] if isinstance(types, str) else types), others is False
    for name, below in node.get("properties", {}).items():
        yield from our_fields(below, f"{path}.{name}")
    if "items" in node:
        yield from our_fields(node["items"], f"{path}[]")
    if isinstance(others, dict):
        yield from our_fields(others, f"{path}{{}}")


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for below in node.get("properties", {}).values():
            yield from nodes(below)
        for key in ("items", "additionalProperties"):
            yield from nodes(node.get(key))


@needs_crds
@pytest.mark.parametrize("key", CUSTOM_KINDS)
def test_every_field_of_the_crd_is_in_our_schema_with_its_type_and_nothing_else_is(
    key: tuple[str, str], crd_specs: dict[tuple[str, str], Any]
) -> None:
    ours = sorted(our_fields(schema_of(*key)["properties"]["spec"], "spec"))
    assert ours == sorted(crd_fields(crd_specs[key], "spec"))


@needs_crds
def test_generating_again_gives_the_committed_files_byte_by_byte() -> None:
    committed = {str(file.relative_to(COMMITTED)): file.read_text() for file in COMMITTED.rglob("*.json")}
    assert dict(generate(str(CRDS))) == committed


@needs_crds
@pytest.mark.parametrize("kind", ["AnalysisTemplate", "ClusterAnalysisTemplate", "Rollout"])
def test_fields_newer_than_the_oldest_supported_release_name_their_release(kind: str) -> None:
    introduced = json.loads((CRDS / "field-introductions.json").read_text())["kinds"][kind]["introduced"]
    newer = {path: since for path, since in introduced.items() if parse_version(since) > OLDEST_SUPPORTED}

    def since(node: Any, path: str) -> Iterator[tuple[str, str]]:
        if isinstance(node, dict):
            if "x-since" in node:
                yield path, node["x-since"]
            for name, below in node.get("properties", {}).items():
                yield from since(below, f"{path}.{name}" if path else name)
            yield from since(node.get("items"), f"{path}[]")
            yield from since(node.get("additionalProperties"), f"{path}{{}}")

    ours = dict(since(schema_of("argoproj.io", kind), ""))
    # No release has basicAuth yet, so the table of introductions does not know it.
    assert {path: version for path, version in ours.items() if not path.endswith(".basicAuth")} == newer


@pytest.mark.parametrize("key", KINDS)
def test_schemas_hold_no_prose(key: tuple[str, str]) -> None:
    text = json.dumps(schema_of(*key))
    assert not [word for word in ('"description": "', '"title": "', '"example"') if word in text]


@pytest.mark.parametrize("key", KINDS)
def test_schemas_are_one_sorted_line_under_100_kb(key: tuple[str, str]) -> None:
    text = ((COMMITTED if key in CUSTOM else CORE) / key[0] / f"{key[1]}.json").read_text()
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")) + "\n"
    assert len(text) < 100_000


def test_the_shipped_kinds_are_the_files_in_the_directory() -> None:
    assert {(file.parent.name, file.stem) for file in COMMITTED.rglob("*.json")} == CUSTOM
    assert {(file.parent.relative_to(CORE).as_posix(), file.stem) for file in CORE.rglob("*.json")} == BUILT_IN


@pytest.mark.parametrize("key", KINDS)
def test_every_schema_is_a_valid_draft_7_schema(key: tuple[str, str]) -> None:
    import jsonschema

    jsonschema.Draft7Validator.check_schema(schema_of(*key))


@pytest.mark.parametrize("key", KINDS)
def test_metadata_is_an_object_meta_and_status_is_free(key: tuple[str, str]) -> None:
    fields = schema_of(*key)["properties"]
    assert fields["metadata"] == OBJECT_META
    assert fields.get("status", {}) == {}


def test_istio_kinds_are_served_in_three_versions() -> None:
    versions = schema_of("networking.istio.io", "VirtualService")["properties"]["apiVersion"]["enum"]
    assert versions == ["networking.istio.io/v1", "networking.istio.io/v1alpha3", "networking.istio.io/v1beta1"]


def test_plugin_configuration_is_free_form() -> None:
    paths = field_paths("argoproj.io", "Rollout")
    assert "spec.strategy.canary.steps[].plugin.config" in paths
    assert not [path for path in paths if path.startswith("spec.strategy.canary.steps[].plugin.config.")]


def test_an_unknown_keyword_stops_the_generator() -> None:
    with pytest.raises(ValueError, match="multipleOf"):
        convert({"type": "integer", "multipleOf": 2}, {})


def test_a_required_field_with_a_default_is_not_required() -> None:
    crd = {"type": "object", "required": ["a", "b"], "properties": {"a": {"type": "string", "default": "x"}, "b": {}}}
    assert convert(crd, {})["required"] == ["b"]


def test_served_versions_that_differ_stop_the_generator() -> None:
    versions = [
        {"name": name, "served": True, "schema": {"openAPIV3Schema": {"type": "object", "properties": {name: {}}}}}
        for name in ("v1", "v2")
    ]
    with pytest.raises(ValueError, match="differ"):
        kind_schema({"spec": {"group": "g", "names": {"kind": "K"}, "versions": versions}}, {})


def test_the_generator_writes_files_from_a_directory(tmp_path: pathlib.Path) -> None:
    crd = """\
spec:
  group: argoproj.io
  names: {kind: Rollout}
  versions:
  - name: v1alpha1
    served: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, description: prose}}}}
"""
    (tmp_path / "crd.yaml").write_text("kind: CustomResourceDefinition\n" + crd)
    (tmp_path / "field-introductions.json").write_text('{"kinds": {}}')
    assert main([str(tmp_path), str(tmp_path / "out")]) == 0
    schema = json.loads((tmp_path / "out/argoproj.io/Rollout.json").read_text())
    assert schema["properties"]["spec"] == {"additionalProperties": False, "type": "object"}
