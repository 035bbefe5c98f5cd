"""What is wrong with a document under its schema, in words a person can act on.

jsonschema finds the errors; this module says them: the field that was probably meant, where the field does
exist, what was expected and what is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from rolloutlint.finding import Path
from rolloutlint.lang.placeholder import filled_later
from rolloutlint.schema.fields import FieldPath, elsewhere, field_path_of
from rolloutlint.schema.load import BUILT_IN, SHIPPED, schema_of
from rolloutlint.schema.nulls import prune
from rolloutlint.schema.spelling import nearest, respelt

Code = Literal["unknown-field", "wrong-type", "missing-field", "bad-value"]


class Violation(NamedTuple):
    """One thing in a document that the schema of its kind does not allow."""

    code: Code
    path: Path
    """Where: the unknown field itself, the value that is wrong, or the mapping that lacks a field."""
    field: str
    """The name of the field; for a list item, that of its list; `""` for the whole document."""
    expected: str = ""
    """For people: `a string`, `an integer or a string`, ``one of `a`, `b` ``, `a list`."""
    found: str = ""
    """For people: `a number (100)`, `the string "100"`, `null`, `a mapping`; empty where nothing is there. Values of
    a Secret are never shown: `a number`, `a string`."""
    suggestion: str = ""
    """Of an unknown field: the field of the same mapping that was probably meant, or empty. It may be there too."""
    elsewhere: FieldPath = ()
    """Of an unknown field: where in this kind a field of that name exists, nearest first, or `()`."""
    rejected: bool = True
    """Whether the API server refuses the object. An unknown field alone is only dropped, so its default applies
    (kubectl's own validation refuses it); but if it stands for a required one, that is missing."""

    @property
    def in_label(self) -> bool:
        """Whether it concerns a label or an annotation: `version: 1.2` is a string to people, not to Kubernetes."""
        path = self.path
        return len(path) >= 3 and path[-3] == "metadata" and path[-2] in ("labels", "annotations")


def violations(group: str, kind: str, value: Any) -> tuple[Violation, ...]:
    """Everything in `value` (a whole object, plain Python values) that the schema of (`group`, `kind`) does not allow.

    In document order, each thing once; empty for kinds whose schema is not shipped. A required field that is
    only misspelt is one violation, not two. Of built-in kinds only what no other release and no template can make
    right is told (see `_certain`).
    """
    if (group, kind) not in SHIPPED:
        return ()
    import jsonschema

    schema = schema_of(group, kind)
    errors = jsonschema.Draft7Validator(schema).iter_errors(prune(value, schema))
    found: list[Violation] = []
    renamed: set[tuple[Path, str]] = set()
    for error in sorted(errors, key=_unknown_fields_first):
        path: Path = tuple(error.absolute_path)
        for violation in _explain(error, path, group, kind, value):
            if violation.code == "missing-field":
                if (path, violation.field) in renamed:
                    continue
                renamed.add((path, violation.field))
            elif violation.code == "unknown-field" and violation.rejected:
                renamed.add((path, violation.suggestion))
            found.append(violation)
    if (group, kind) in BUILT_IN:
        part = _is_part(value, found)
        found = [violation for violation in found if _certain(violation, value, part)]
        if kind == "Secret":
            found = [violation._replace(found=_without_value(violation.found)) for violation in found]
    return tuple(sorted(found, key=lambda each: (_position(value, each.path), each.code, each.field)))


def _certain(violation: Violation, document: Any, part: bool) -> bool:
    """Whether what a built-in kind does not allow is surely wrong.

    Every release of Kubernetes adds fields to these kinds, so an unknown one is told only where a known one was
    surely meant. Manifests of these kinds are filled in by many tools, so a placeholder says nothing of the value.
    """
    if violation.code == "unknown-field":
        return bool(violation.suggestion or violation.elsewhere)
    if violation.code == "missing-field":
        return not part
    return not filled_later(_at(document, violation.path))


def _is_part(document: Any, found: list[Violation]) -> bool:
    """Whether an object of a built-in kind is only a part of one: a patch, or what a test expects of an object.

    Such parts lack what the `spec` requires. A workload whose pods have labels is meant to be whole: what changes
    an object elsewhere can leave these as they are.
    """
    if not any(each.code == "missing-field" and each.path in ((), ("spec",)) for each in found):
        return False
    node: Any = document
    for name in ("spec", "template", "metadata", "labels"):
        node = node.get(name) if isinstance(node, dict) else None
    return not node


_HIDDEN = {"the string": "a string", "the boolean": "a boolean", "a number": "a number"}


def _without_value(found: str) -> str:
    """What `_show` said, without the value."""
    return next((hidden for shown, hidden in _HIDDEN.items() if found.startswith(shown)), found)


def _unknown_fields_first(error: Any) -> bool:
    return bool(error.validator != "additionalProperties")


def _explain(error: Any, path: Path, group: str, kind: str, document: Any) -> Iterator[Violation]:
    keyword, schema, instance = error.validator, error.schema, error.instance
    field = next((str(item) for item in reversed(path) if not isinstance(item, int)), "")
    if keyword == "additionalProperties":
        yield from _unknown_fields(schema, instance, path, group, kind, document)
    elif keyword == "required":
        original = _at(document, path)
        for name in schema["required"]:
            if name not in instance:
                null = isinstance(original, dict) and name in original
                wanted = _expected_type(schema.get("properties", {}).get(name, {}))
                yield Violation("missing-field", path, name, expected=wanted, found="null" if null else "")
    elif keyword == "type":
        yield Violation("wrong-type", path, field, _expected_type(schema), _show(_at(document, path)))
    elif keyword in ("oneOf", "anyOf", "not"):
        yield Violation("bad-value", path, field, *_alternatives(error.validator_value, instance))
    else:
        yield Violation("bad-value", path, field, _expected_value(keyword, schema), _show(_at(document, path)))


def _unknown_fields(
    schema: dict[str, Any], instance: dict[str, Any], path: Path, group: str, kind: str, document: Any
) -> Iterator[Violation]:
    known = schema.get("properties", {})
    place, _ = field_path_of(schema_of(group, kind), path)
    for name in instance:
        if name in known:
            continue
        text = str(name)
        home = elsewhere(group, kind, document, place, text)
        # A field that exists elsewhere under this very name is misplaced rather than misspelt.
        most = 1 if home else 3
        free = [each for each in known if each not in instance]
        meant = respelt(text, known) or nearest(text, free, most) or nearest(text, known, most)
        yield Violation(
            "unknown-field",
            (*path, name),
            text,
            found=_show(_at(document, (*path, name))),
            suggestion=meant,
            elsewhere=home if home != (*place, meant) else (),
            rejected=meant in schema.get("required", ()) and meant not in instance,
        )


_TYPE_NAMES = {
    "object": "a mapping",
    "array": "a list",
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}


def _expected_type(schema: Any) -> str:
    types = schema.get("type", []) if isinstance(schema, dict) else []
    names = [types] if isinstance(types, str) else types
    return " or ".join(_TYPE_NAMES[name] for name in names if name != "null" or len(names) == 1)


def _expected_value(keyword: str, schema: dict[str, Any]) -> str:
    if keyword == "enum":
        choices = ", ".join(f"`{choice}`" for choice in schema["enum"])
        return f"one of {choices}" if len(schema["enum"]) > 1 else choices
    if keyword == "const":
        return f"`{schema['const']}`"
    if keyword == "pattern":
        quantity = schema["pattern"].startswith(r"^(\+|-)?(([0-9]+")
        return "a quantity such as `500m` or `128Mi`" if quantity else f"text that matches `{schema['pattern']}`"
    if keyword in ("minimum", "maximum"):
        least, most = schema.get("minimum"), schema.get("maximum")
        if least == -(2**31) and most == 2**31 - 1:
            return "an integer that fits in 32 bits"
        if least is not None and most is not None:
            return f"a number from {least} to {most}"
        return f"a number of at least {least}" if least is not None else f"a number of at most {most}"
    bound = "at least" if keyword.startswith("min") else "at most"
    unit = {"Length": "characters", "Items": "items", "Properties": "fields"}.get(keyword[3:], keyword)
    return f"{bound} {schema[keyword]} {unit}"


def _alternatives(conditions: Any, instance: Any) -> tuple[str, str]:
    """Istio's oneofs: every condition but the one for "none of them" requires a single field."""
    fields = [
        name
        for condition in (conditions if isinstance(conditions, list) else [conditions])
        for name in condition.get("required", ())
    ]
    present = [name for name in fields if isinstance(instance, dict) and name in instance]
    if not fields:
        return "another combination of fields", _show(instance)
    return f"only one of {', '.join(f'`{name}`' for name in fields)}", " and ".join(f"`{name}`" for name in present)


def _show(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "the boolean true" if value else "the boolean false"
    if isinstance(value, (int, float)):
        return f"a number ({value})"
    if isinstance(value, str):
        line = value if len(value) <= 40 else f"{value[:39]}…"
        return f'the string "{line}"'.replace("\n", "\\n")
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else "a value"


def _at(document: Any, path: Path) -> Any:
    node = document
    for item in path:
        node = node[item]
    return node


def _position(document: Any, path: Path) -> tuple[int, ...]:
    """The path as indices, so that sorting by it gives the order of the text."""
    out: list[int] = []
    node = document
    for item in path:
        out.append(item if isinstance(node, list) and isinstance(item, int) else list(node).index(item))
        node = node[item]
    return tuple(out)
