"""JSON pointers (RFC 6901) as Argo CD uses them: each becomes a JSON patch that removes one field.

`remove` does what evanphx/json-patch v4 does, which is laxer than the RFC: text before the first `/` is
dropped, a `~` that escapes nothing stays, and negative indices count from the end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

from rolloutlint.finding import Path

Json: TypeAlias = Any
"""A plain value: None, bool, int, float, str, list, or dict with string keys."""

_MAX_DEPTH = 300
_INDEX = re.compile(r"[+-]?[0-9]+\Z")
_BAD_ESCAPE = re.compile(r"~(?![01])")
_JQ = re.compile(r"\[|\]|\||\$|\(")
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+\Z")
_MAPS_WITH_DOMAIN_KEYS = frozenset({"annotations", "labels", "matchLabels", "nodeSelector", "selector"})


class PointerProblem(NamedTuple):
    """Why a text is no JSON pointer; `offset` counts characters."""

    offset: int
    message: str


class Removed(NamedTuple):
    """The value without the field, and where the field stood in the value before."""

    value: Json
    path: Path


def parse(pointer: str) -> tuple[str, ...] | PointerProblem:
    """The unescaped reference tokens of `pointer`; `""` is the whole document: no token."""
    if not pointer:
        return ()
    if not pointer.startswith("/"):
        return PointerProblem(0, "a JSON pointer starts with `/`")
    bad = _BAD_ESCAPE.search(pointer)
    if bad:
        return PointerProblem(bad.start(), "`~` is only allowed as `~0` (for `~`) and `~1` (for `/`)")
    return tuple(_unescape(token) for token in pointer[1:].split("/"))


def escape(token: str) -> str:
    """One key as a reference token: `a/b` -> `a~1b`."""
    return token.replace("~", "~0").replace("/", "~1")


def of_path(path: Path) -> str:
    """The pointer to `path`: `("metadata", "labels", "a/b")` -> `/metadata/labels/a~1b`."""
    return "".join(f"/{escape(str(item))}" for item in path)


def resolve(value: Json, pointer: str) -> Path | None:
    """Where `pointer` leads in `value`, or None where a patch would find nothing to remove.

    evanphx/json-patch `findObject`, `partialDoc.remove`, `partialArray.remove`.
    """
    tokens = pointer.split("/")[1:]
    if not tokens or len(tokens) > _MAX_DEPTH:
        return None
    path: list[str | int] = []
    for token in map(_unescape, tokens):
        if isinstance(value, dict):
            if token not in value:
                return None
            path.append(token)
            value = value[token]
        elif isinstance(value, Sequence) and not isinstance(value, str):
            if not _INDEX.match(token) or len(token) > 9:
                return None
            index = int(token)
            if not -len(value) <= index < len(value):
                return None
            path.append(index % len(value))
            value = value[index]
        else:
            return None
    return tuple(path)


def remove(value: Json, pointer: str) -> Removed | None:
    """`value` without what `pointer` names, or None where Argo CD silently does nothing. Pure."""
    path = resolve(value, pointer)
    return None if path is None else Removed(remove_path(value, path), path)


def remove_path(value: Json, path: Path) -> Json:
    """A copy of `value` without the entry at `path`, which must exist and not be empty."""
    if isinstance(value, dict):
        head = path[0]
        if len(path) == 1:
            return {key: item for key, item in value.items() if key != head}
        return {key: remove_path(item, path[1:]) if key == head else item for key, item in value.items()}
    items = list(value)
    index = path[0]
    assert isinstance(index, int)
    if len(path) == 1:
        del items[index]
    else:
        items[index] = remove_path(items[index], path[1:])
    return items


def looks_like_jq(text: str) -> bool:
    """True where a pointer was written as a jq path or JSONPath: `.spec.replicas`, `$.spec`, `spec[0].x`."""
    if text.startswith((".", "$")):
        return True
    return not text.startswith("/") and bool(_JQ.search(text) or "." in text)


def has_wildcard(text: str) -> bool:
    """True where a token is meant as "every item" (`*`, `-`, `[]`, `[*]`), which no JSON pointer can say."""
    return any(token in ("*", "-") or "[]" in token or "[*]" in token for token in text.split("/"))


def missing_escape(pointer: str) -> str | None:
    """The pointer with `~1` where a key's `/` was left bare, or None where nothing suggests that.

    It is suggested by a domain (`rollouts.argoproj.io`) right below a map of qualified keys (`annotations`,
    `labels`...) that is not the last token: `/metadata/annotations/example.com/key`.
    """
    tokens = pointer.split("/")
    for at in range(1, len(tokens) - 2):
        if tokens[at] in _MAPS_WITH_DOMAIN_KEYS and _DOMAIN.match(tokens[at + 1]):
            return "/".join([*tokens[: at + 1], f"{tokens[at + 1]}~1{'~1'.join(tokens[at + 2 :])}"])
    return None


def _unescape(token: str) -> str:
    # One pass in upstream's replacer; `~01` must become `~1`, so `~1` goes first.
    return token.replace("~1", "/").replace("~0", "~") if "~" in token else token
