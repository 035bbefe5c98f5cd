"""YAML as Argo CD's template functions write and read it (`sigs.k8s.io/yaml`, argo-cd `template_functions.go`)."""

from __future__ import annotations

import re
from typing import Any

from rolloutlint.lang.gotemplate.values import GoError, UnsupportedError, byte_order, go_value
from rolloutlint.source import Document, Source, load

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_WORDS = frozenset(("y", "yes", "n", "no", "on", "off", "true", "false", "null"))


def to_yaml(value: Any) -> str:
    """`toYaml`: sorted keys, lists at the depth of their key. Texts that may need quotes are unsupported."""
    return "\n".join(_lines(value))


def _lines(value: Any) -> list[str]:
    if isinstance(value, dict):
        if not value:
            return ["{}"]
        found: list[str] = []
        for key in byte_order(value):
            below = value[key]
            if isinstance(below, (dict, list)) and below:
                indent = "  " if isinstance(below, dict) else ""
                found += [f"{_scalar(key)}:", *(indent + line for line in _lines(below))]
            else:
                found.append(f"{_scalar(key)}: {_lines(below)[0]}")
        return found
    if isinstance(value, list):
        if not value:
            return ["[]"]
        return [("- " if not row else "  ") + line for item in value for row, line in enumerate(_lines(item))]
    return [_scalar(value)]


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        if value != int(value) or abs(value) >= 10**15:
            raise UnsupportedError("a fraction in YAML")
        return str(int(value))
    if value == "":
        return '""'
    if not _PLAIN.fullmatch(value) or value.lower() in _WORDS:
        raise UnsupportedError("a text that YAML may have to quote")
    return str(value)


def from_yaml(text: str, kind: type) -> Any:
    """`fromYaml` (`dict`) and `fromYamlArray` (`list`): an error where the text holds something else."""
    value = read_yaml(text)
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise GoError("cannot unmarshal YAML into that type")
    return value


def read_yaml(text: str) -> Any:
    """The first document of a text as Go gets it through JSON: every number a `float64`.

    Raises `UnsupportedError` for more than one document and for whatever our reader finds fault with: Go's is laxer.
    """
    values: list[Any] = []
    for item in load(Source("", text)):
        if isinstance(item, Document):
            values.append(item.value)
        else:
            raise UnsupportedError(f"YAML that {item.message}")
    if len(values) > 1:
        raise UnsupportedError("several YAML documents")
    return go_value(values[0]) if values else None
