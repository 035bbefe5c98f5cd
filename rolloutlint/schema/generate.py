"""Makes `schemas/crd/<group>/<Kind>.json` from CustomResourceDefinitions.

Run it as `python -m rolloutlint.schema.generate CRD_DIR OUT_DIR`; with `--core` in place of `CRD_DIR` it makes the
schemas of the kinds that Kubernetes brings along (`generate_core`).
Only structure is taken: types, fields, bounds; never prose. The result is a closed JSON Schema (draft 7):
a field that the API server would prune is an error, and what the CRD leaves free-form stays free-form.
"""

from __future__ import annotations

import json
import pathlib
import sys
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from rolloutlint.schema.fields import parse_version
from rolloutlint.schema.generate_core import definitions_of_newest, generate_core
from rolloutlint.settings import Version

Schema: TypeAlias = "dict[str, Any]"

OLDEST_SUPPORTED = Version(1, 5)
"""The oldest Argo Rollouts release rolloutlint speaks about: fields that it knows carry no `x-since`."""

WANTED: Mapping[str, tuple[str, ...]] = {
    "argoproj.io": (
        "AnalysisRun",
        "AnalysisTemplate",
        "Application",
        "ClusterAnalysisTemplate",
        "Experiment",
        "Rollout",
    ),
    "networking.istio.io": ("DestinationRule", "VirtualService"),
}

# Fields of the CRDs that no release up to 1.10 has: the table of introductions cannot name a release for them.
_UNRELEASED: Mapping[str, str] = {
    "spec.metrics[].provider.prometheus.authentication.basicAuth": "1.11",
    "spec.metrics[].provider.web.authentication.basicAuth": "1.11",
}

_KEPT = frozenset(
    (
        "enum",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "pattern",
    )
)
_COMBINATORS = ("allOf", "anyOf", "oneOf")
# Of the formats only int32 is kept, as bounds: of the others the API server checks `byte` alone here. List
# types (unique keys) and CEL rules (`x-kubernetes-validations`) have no counterpart in JSON Schema.
_HANDLED = frozenset(
    (
        *_COMBINATORS,
        "additionalProperties",
        "default",
        "description",
        "format",
        "items",
        "not",
        "nullable",
        "properties",
        "required",
        "type",
        "x-kubernetes-int-or-string",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-list-type",
        "x-kubernetes-map-type",
        "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-validations",
    )
)
_INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]
_INT32 = 2**31

_STRING: Schema = {"type": "string"}
_STRING_MAP: Schema = {"additionalProperties": _STRING, "type": "object"}


def _object(properties: Schema, *required: str) -> Schema:
    out: Schema = {"additionalProperties": False, "properties": properties, "type": "object"}
    if required:
        out["required"] = sorted(required)
    return out


# The API server decodes `metadata` strictly into its own ObjectMeta, whatever the CRD says of it
# (apiextensions-apiserver pkg/apiserver/schema/objectmeta/coerce.go).
OBJECT_META: Schema = _object(
    {
        "annotations": _STRING_MAP,
        "creationTimestamp": _STRING,
        "deletionGracePeriodSeconds": {"type": "integer"},
        "deletionTimestamp": _STRING,
        "finalizers": {"items": _STRING, "type": "array"},
        "generateName": _STRING,
        "generation": {"type": "integer"},
        "labels": _STRING_MAP,
        "managedFields": {
            "items": _object(
                {
                    "apiVersion": _STRING,
                    "fieldsType": _STRING,
                    "fieldsV1": {"type": "object"},
                    "manager": _STRING,
                    "operation": _STRING,
                    "subresource": _STRING,
                    "time": _STRING,
                }
            ),
            "type": "array",
        },
        "name": _STRING,
        "namespace": _STRING,
        "ownerReferences": {
            "items": _object(
                {
                    "apiVersion": _STRING,
                    "blockOwnerDeletion": {"type": "boolean"},
                    "controller": {"type": "boolean"},
                    "kind": _STRING,
                    "name": _STRING,
                    "uid": _STRING,
                },
                "apiVersion",
                "kind",
                "name",
                "uid",
            ),
            "type": "array",
        },
        "resourceVersion": _STRING,
        "selfLink": _STRING,
        "uid": _STRING,
    }
)


def _types(crd: Schema) -> str | list[str] | None:
    names: list[str] = []
    if crd.get("x-kubernetes-int-or-string"):
        names = ["integer", "string"]
    elif "type" in crd:
        names = [crd["type"]]
    if names and crd.get("nullable"):
        names.append("null")
    return names[0] if len(names) == 1 else names or None


def convert(crd: Schema, since: Mapping[str, str], path: str = "") -> Schema:
    """The closed JSON Schema of the CRD schema node `crd` at the field path `path`.

    `since` maps field paths to the release that brought them. Raises `ValueError` for a keyword it does not
    know: a schema that says less than the CRD would call a rejected manifest valid.
    """
    unknown = crd.keys() - _KEPT - _HANDLED
    if unknown:
        raise ValueError(f"{path or 'the root'}: unknown schema keywords {sorted(unknown)}")
    out: Schema = {key: crd[key] for key in _KEPT & crd.keys()}
    types = _types(crd)
    if types is not None:
        out["type"] = types
    if crd.get("format") == "int32":
        # The API server checks numbers against their format (kube-openapi IsValueValidAgainstRange).
        out["minimum"] = max(out.get("minimum", -_INT32), -_INT32)
        out["maximum"] = min(out.get("maximum", _INT32 - 1), _INT32 - 1)
    for key in _COMBINATORS:
        if key in crd and not (key == "anyOf" and crd[key] == _INT_OR_STRING):
            out[key] = [_condition(each, path) for each in crd[key]]
    if "not" in crd:
        out["not"] = _condition(crd["not"], path)
    if "items" in crd:
        out["items"] = convert(crd["items"], since, f"{path}[]")
    properties = crd.get("properties")
    if properties is not None:
        prefix = f"{path}." if path else ""
        out["properties"] = {name: convert(each, since, prefix + name) for name, each in properties.items()}
        # Defaults are filled in before validation, so a field that has one is never missing.
        required = [name for name in crd.get("required", ()) if "default" not in properties.get(name, {})]
        if required:
            out["required"] = sorted(required)
    values = crd.get("additionalProperties")
    if isinstance(values, dict):
        out["additionalProperties"] = convert(values, since, f"{path}{{}}")
    elif values is None and crd.get("type") == "object" and not crd.get("x-kubernetes-preserve-unknown-fields"):
        out["additionalProperties"] = False
    if path in since:
        out["x-since"] = since[path]
    return out


def _condition(crd: Schema, path: str) -> Schema:
    """A schema inside `oneOf` and the like: it only tests, so it is neither closed nor typed."""
    out: Schema = {}
    for key, value in crd.items():
        if key in _COMBINATORS:
            out[key] = [_condition(each, path) for each in value]
        elif key == "not":
            out[key] = _condition(value, path)
        elif key == "required":
            out[key] = sorted(value)
        elif key == "properties":
            out[key] = {name: _condition(each, path) for name, each in value.items()}
        elif key in _KEPT:
            out[key] = value
        else:
            raise ValueError(f"{path}: unknown keyword {key!r} in a condition")
    return out


def kind_schema(definition: Schema, since: Mapping[str, str]) -> Schema:
    """The schema of a whole object from a CustomResourceDefinition (as parsed from YAML).

    Raises `ValueError` if its served versions have different schemas: one file per kind would not be true.
    """
    spec = definition["spec"]
    kind = spec["names"]["kind"]
    served = [version for version in spec["versions"] if version["served"]]
    roots = [version["schema"]["openAPIV3Schema"] for version in served]
    if any(root != roots[0] for root in roots):
        raise ValueError(f"{kind}: the served versions differ")
    # What stands in `status` is the controller's business, and a `status` in Git is for a rule to judge.
    fields = {key: value for key, value in roots[0]["properties"].items() if key != "status"}
    out = convert({**roots[0], "properties": fields}, since)
    out["$schema"] = "http://json-schema.org/draft-07/schema#"
    out["properties"]["apiVersion"] = {"enum": sorted(f"{spec['group']}/{each['name']}" for each in served)}
    out["properties"]["kind"] = {"const": kind}
    out["properties"]["metadata"] = OBJECT_META
    if "status" in roots[0]["properties"]:
        out["properties"]["status"] = {}
    out["required"] = sorted({"apiVersion", "kind", *out.get("required", ())})
    return out


def since_table(introduced: Mapping[str, str], kind: str) -> dict[str, str]:
    """Field path -> first release, for the fields that `OLDEST_SUPPORTED` does not know."""
    table = {path: since for path, since in introduced.items() if parse_version(since) > OLDEST_SUPPORTED}
    return {**table, **_UNRELEASED} if "Analysis" in kind else table


def generate(crd_dir: str) -> Iterator[tuple[str, str]]:
    """(path below the output directory, text) of every schema that can be made from the CRDs in `crd_dir`."""
    import yaml

    root = pathlib.Path(crd_dir)
    introductions = json.loads((root / "field-introductions.json").read_text())["kinds"]
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for file in sorted(root.rglob("*.yaml")):
        for document in yaml.load_all(file.read_text(), loader):
            if not document or document.get("kind") != "CustomResourceDefinition":
                continue
            group, kind = document["spec"]["group"], document["spec"]["names"]["kind"]
            if kind in WANTED.get(group, ()):
                since = since_table(introductions.get(kind, {}).get("introduced", {}), kind)
                schema = kind_schema(document, since)
                yield f"{group}/{kind}.json", json.dumps(schema, sort_keys=True, separators=(",", ":")) + "\n"


def main(arguments: list[str]) -> int:
    """Writes the schemas; 2 if it is not told from where and to where."""
    if len(arguments) != 2:
        print("usage: python -m rolloutlint.schema.generate (CRD_DIR | --core) OUT_DIR", file=sys.stderr)
        return 2
    crd_dir, out_dir = arguments
    made = generate_core(definitions_of_newest(), OBJECT_META) if crd_dir == "--core" else generate(crd_dir)
    for name, text in made:
        file = pathlib.Path(out_dir, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
