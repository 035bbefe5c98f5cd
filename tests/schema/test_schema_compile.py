"""The compiled checks give jsonschema's verdict, and doubt what they do not know."""

from __future__ import annotations

import copy
import pathlib
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rolloutlint.schema.compile import compile_schema
from rolloutlint.schema.load import checker_of, schema_of

SEEDS = [
    (document["apiVersion"].split("/")[0], document["kind"], document)
    for document in yaml.safe_load_all((pathlib.Path(__file__).parent / "seeds.yaml").read_text())
]
NAMES = [
    "setWeight",
    "name",
    "canary",
    "spec",
    "duration",
    "prefix",
    "exact",
    "simple",
    "consistentHash",
    "no",
    "volumes",
]
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10),
    st.sampled_from([2**31, -(2**31) - 1, 2**32, 1e3, 0.5, -0.0, "", "a", "100", "500m", "ROUND_ROBIN", "v1"]),
    st.builds(dict),
    st.builds(list),
    st.lists(st.integers(0, 3), max_size=2),
    st.dictionaries(st.sampled_from(NAMES), st.one_of(st.text(max_size=3), st.integers(0, 9)), max_size=3),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    out = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        out += places(below, (*path, key))
    return out


def mutate(document: Any, data: st.DataObject) -> None:
    *parents, last = data.draw(st.sampled_from(places(document)))
    node = document
    for key in parents:
        node = node[key]
    action = data.draw(st.sampled_from(["delete", "retype", "rename", "add"]))
    if action == "delete":
        del node[last]
    elif action == "retype":
        node[last] = data.draw(VALUES)
    elif isinstance(node, dict):
        name = data.draw(st.sampled_from([*NAMES, *(str(key).lower() for key in node)]))
        node[name] = node.pop(last) if action == "rename" else data.draw(VALUES)
    else:
        node.append(data.draw(VALUES))


@pytest.mark.parametrize("group, kind, seed", SEEDS, ids=[kind for _, kind, _ in SEEDS])
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_verdict_on_a_mutated_document_is_that_of_jsonschema(
    group: str, kind: str, seed: Any, data: st.DataObject
) -> None:
    document = copy.deepcopy(seed)
    for _ in range(data.draw(st.integers(1, 3))):
        if places(document):
            mutate(document, data)
    assert checker_of(group, kind)(document) == jsonschema.Draft7Validator(schema_of(group, kind)).is_valid(document)


@pytest.mark.parametrize("group, kind, seed", SEEDS, ids=[kind for _, kind, _ in SEEDS])
def test_the_seeds_of_the_property_test_are_valid(group: str, kind: str, seed: Any) -> None:
    assert checker_of(group, kind)(seed)


@pytest.mark.parametrize(
    "schema, value, valid",
    [
        ({"type": "integer"}, True, False),
        ({"type": "number"}, True, False),
        ({"type": "integer"}, 2.0, True),
        ({"type": "integer"}, 2.5, False),
        ({"type": "number"}, 2, True),
        ({"type": ["integer", "string"]}, 2.0, True),
        ({"type": ["integer", "null"]}, None, True),
        ({"type": "integer", "minimum": 0, "maximum": 2}, 3.0, False),
        ({"type": "integer", "minimum": 0, "maximum": 2}, 2.0, True),
        ({"type": "integer", "minimum": 0, "maximum": 2}, True, False),
        ({"minimum": 1}, "0", True),
        ({"enum": ["a"]}, "b", False),
        ({"const": "a"}, "a", True),
        ({"pattern": "^a"}, "ba", False),
        ({"pattern": "^a"}, 1, True),
        ({"minLength": 2}, "a", False),
        ({"maxItems": 1}, [1, 2], False),
        ({"maxProperties": 1}, {"a": 1, "b": 2}, False),
        ({"not": {"required": ["a"]}}, {"a": 1}, False),
        ({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"a": 1, "b": 1}, False),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None, True),
        ({"allOf": [{"type": "string"}, {"minLength": 1}]}, "", False),
        ({"additionalProperties": {"type": "string"}, "type": "object"}, {"a": 1}, False),
        ({"properties": {"a": False}, "type": "object"}, {"a": 1}, False),
    ],
)
def test_keywords_mean_what_they_mean_in_draft_7(schema: Any, value: Any, valid: bool) -> None:
    check = compile_schema(schema)
    assert check is not None
    assert check(value) is valid
    assert jsonschema.Draft7Validator(schema).is_valid(value) is valid


@pytest.mark.parametrize(
    "schema, value",
    [
        ({"multipleOf": 2}, 2),
        ({"enum": [1]}, 1),
        ({"not": {"properties": {"a": {"multipleOf": 2}}}}, {"a": 1}),
        ({"properties": {"a": {"uniqueItems": True}}}, {"a": []}),
    ],
)
def test_a_keyword_without_exact_meaning_here_is_never_surely_valid(schema: Any, value: Any) -> None:
    check = compile_schema(schema)
    assert check is not None
    assert not check(value)


@pytest.mark.parametrize("schema", [True, {}])
def test_a_schema_that_allows_everything_needs_no_check(schema: Any) -> None:
    assert compile_schema(schema) is None
