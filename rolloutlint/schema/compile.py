"""Turns a JSON Schema (the draft 7 subset that `generate` writes) into a function that answers yes or no.

About thirty times as fast as jsonschema, because most documents are valid and need no message. A part of a
schema is compiled when a document first reaches it: most of a PodSpec never is.
The answer may only err on one side: `True` is sure, `False` means "ask jsonschema".
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sized
from typing import Any, TypeAlias

Check: TypeAlias = Callable[[Any], bool]

_CLASSES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}
_STRUCTURE = frozenset(("type", "properties", "required", "additionalProperties", "items"))
_COMBINATORS = frozenset(("allOf", "anyOf", "oneOf"))
_ANNOTATIONS = frozenset(("$schema", "x-since"))
_MINIMA: dict[str, type[Sized]] = {"minLength": str, "minItems": list, "minProperties": dict}
_MAXIMA: dict[str, type[Sized]] = {"maxLength": str, "maxItems": list, "maxProperties": dict}
_KNOWN = (
    _STRUCTURE
    | _COMBINATORS
    | _ANNOTATIONS
    | _MINIMA.keys()
    | _MAXIMA.keys()
    | {"not", "enum", "const", "pattern", "minimum", "maximum"}
)


def compile_schema(schema: Any) -> Check | None:
    """A check of plain Python values (exact `dict`, `list`, `str`, `int`, `float`, `bool`, `None`).

    `None` means that every value is valid. `True` from the check says that the value is surely valid under
    `schema`; a keyword that is not known here makes the check of its schema always answer `False`.
    """
    if schema is True or schema == {}:
        return None
    if not isinstance(schema, dict) or not _understood(schema):
        return _never
    bounded = _bounded_integer(schema)
    if bounded is not None:
        return bounded
    tests = _tests(schema)
    types = _class_set(schema)
    whole_floats = types is not None and "integer" in _type_names(schema) and float not in types
    in_object = _object_check(schema)
    in_list = _list_check(schema)
    if not tests and types is not None and not whole_floats:
        if len(types) == 1:
            cls = next(iter(types))
            return (in_object if cls is dict else in_list if cls is list else None) or _one_class(cls)
        if in_object is None and in_list is None:
            return _one_of_classes(types)

    def check(value: Any) -> bool:
        cls = value.__class__
        if types is not None and cls not in types:
            # To JSON Schema, and to the API server, 2.0 is an integer.
            if not (whole_floats and cls is float and value.is_integer()):
                return False
        elif cls is dict:
            if in_object is not None and not in_object(value):
                return False
        elif cls is list and in_list is not None and not in_list(value):
            return False
        for test in tests:  # noqa: SIM110 - a generator costs more than the tests
            if not test(value):
                return False
        return True

    return check


def _never(value: Any) -> bool:
    return False


def _understood(schema: dict[str, Any]) -> bool:
    """Whether every keyword has an exact meaning here; looks into conditions, because `not` turns errors round."""
    if not schema.keys() <= _KNOWN:
        return False
    choices = schema.get("enum", ())
    if not all(isinstance(choice, str) for choice in choices) or not isinstance(schema.get("const", ""), str):
        return False
    conditions = [each for key in _COMBINATORS for each in schema.get(key, ())]
    if "not" in schema:
        conditions.append(schema["not"])
    return all(_deeply_understood(condition) for condition in conditions)


def _deeply_understood(schema: Any) -> bool:
    if isinstance(schema, bool):
        return True
    if not isinstance(schema, dict) or not _understood(schema):
        return False
    below = [*schema.get("properties", {}).values()]
    below += [schema[key] for key in ("items", "additionalProperties") if key in schema]
    return all(_deeply_understood(each) for each in below)


def _type_names(schema: dict[str, Any]) -> list[str]:
    names = schema["type"]
    return [names] if isinstance(names, str) else names


def _class_set(schema: dict[str, Any]) -> frozenset[type] | None:
    if "type" not in schema:
        return None
    return frozenset(cls for name in _type_names(schema) for cls in _CLASSES[name])


def _one_class(cls: type) -> Check:
    return lambda value: value.__class__ is cls


def _one_of_classes(types: frozenset[type]) -> Check:
    return lambda value: value.__class__ in types


def _always(value: Any) -> bool:
    return True


def _object_check(schema: dict[str, Any]) -> Check | None:
    """A check that a value is a `dict` with the right fields; `None` where every mapping will do."""
    fields = schema.get("properties", {})
    required = tuple(schema.get("required", ()))
    others = schema.get("additionalProperties", True)
    if not fields and not required:
        if others is True:
            return None
        if others == {"type": "string"}:
            return _string_map
    # Unknown names are not remembered: there is no end of them.
    other_check = compile_schema(others) or _always
    # `str` itself stands for "a string and no more": by far the commonest field, and worth no call.
    checks: dict[str, Any] = {name: str for name, each in fields.items() if _is_plain_string(each)}
    check_of = checks.get

    def in_object(value: Any) -> bool:
        if value.__class__ is not dict:
            return False
        for name in required:
            if name not in value:
                return False
        for name, each in value.items():
            check = check_of(name)
            if check is str:
                if each.__class__ is not str:
                    return False
                continue
            if check is None:
                if name in fields:
                    check = checks[name] = compile_schema(fields[name]) or _always
                else:
                    check = other_check
            if not check(each):
                return False
        return True

    return in_object


def _is_plain_string(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("type") == "string" and schema.keys() <= {"type", "x-since"}


def _string_map(value: Any) -> bool:
    if value.__class__ is not dict:
        return False
    for each in value.values():  # noqa: SIM110 - a generator costs more
        if each.__class__ is not str:
            return False
    return True


def _list_check(schema: dict[str, Any]) -> Check | None:
    """A check that a value is a `list` of the right items; `None` where every list will do."""
    if "items" not in schema:
        return None
    compiled: list[Check] = []

    def in_list(value: Any) -> bool:
        if value.__class__ is not list:
            return False
        if not compiled:
            compiled.append(compile_schema(schema["items"]) or _always)
        check = compiled[0]
        for item in value:  # noqa: SIM110 - a generator costs more
            if not check(item):
                return False
        return True

    return in_list


def _bounded_integer(schema: dict[str, Any]) -> Check | None:
    if schema.keys() - _ANNOTATIONS != {"type", "minimum", "maximum"} or schema["type"] != "integer":
        return None
    least, most = schema["minimum"], schema["maximum"]

    def check(value: Any) -> bool:
        if value.__class__ is int:
            return bool(least <= value <= most)
        return value.__class__ is float and value.is_integer() and least <= value <= most

    return check


def _tests(schema: dict[str, Any]) -> tuple[Check, ...]:
    """What a schema asks besides types, fields and items."""
    tests: list[Check] = []
    if "enum" in schema:
        tests.append(_one_of_strings(frozenset(schema["enum"])))
    if "const" in schema:
        tests.append(_one_of_strings(frozenset((schema["const"],))))
    if "pattern" in schema:
        tests.append(_matches(re.compile(schema["pattern"])))
    if "minimum" in schema:
        tests.append(_at_least(schema["minimum"]))
    if "maximum" in schema:
        tests.append(_at_most(schema["maximum"]))
    tests += [_sized(cls, schema[key], math.inf) for key, cls in _MINIMA.items() if key in schema]
    tests += [_sized(cls, 0, schema[key]) for key, cls in _MAXIMA.items() if key in schema]
    for key in _COMBINATORS & schema.keys():
        tests.append(_combined(key, tuple(compile_schema(each) for each in schema[key])))
    if "not" in schema:
        excluded = compile_schema(schema["not"])
        tests.append(_never if excluded is None else lambda value: not excluded(value))
    return tuple(tests)


def _one_of_strings(choices: frozenset[str]) -> Check:
    return lambda value: value.__class__ is str and value in choices


def _matches(pattern: re.Pattern[str]) -> Check:
    return lambda value: value.__class__ is not str or pattern.search(value) is not None


def _at_least(least: float) -> Check:
    return lambda value: value.__class__ not in (int, float) or not value < least


def _at_most(most: float) -> Check:
    return lambda value: value.__class__ not in (int, float) or not value > most


def _sized(cls: type[Sized], least: int, most: float) -> Check:
    return lambda value: not isinstance(value, cls) or least <= len(value) <= most


def _combined(keyword: str, checks: tuple[Check | None, ...]) -> Check:
    def count(value: Any) -> int:
        return sum(1 for check in checks if check is None or check(value))

    if keyword == "anyOf":
        return lambda value: count(value) > 0
    if keyword == "allOf":
        return lambda value: count(value) == len(checks)
    return lambda value: count(value) == 1
