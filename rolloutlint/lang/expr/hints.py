"""Errors of the static check, and what was probably meant."""

from __future__ import annotations

from typing import Final

from rolloutlint.lang.expr.library import (
    BUILTINS,
    ENVIRONMENT,
    V1_17_7,
    Library,
    rollouts_of,
)
from rolloutlint.lang.expr.tree import (
    Binary,
    Name,
    Span,
    String,
)
from rolloutlint.lang.expr.types import (
    Type,
    is_array,
    is_number,
)

_ORDER = frozenset(("<", ">", "<=", ">="))


class CompileError(Exception):
    """The condition has no meaning for this shape of result: `message` in expr's words, `start` and `end` of the
    place, and `hint`, which says what to write instead where that is known ("" otherwise)."""

    def __init__(self, message: str, start: int, end: int, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end
        self.hint = hint


class PanicError(CompileError):
    """The compiler of expr itself panics."""


OTHER_NAMES: Final = {
    "null": "nil",
    "none": "nil",
    "undefined": "nil",
    "size": "len",
    "length": "len",
    "avg": "mean",
    "average": "mean",
}

LIKE_RESULT: Final = frozenset(
    ("results", "resut", "reslut", "resuit", "result0", "res", "value", "values", "val", "metric", "vector")
)


def unknown_name(name: str, span: Span, library: Library) -> CompileError:
    """The error for a name that the condition does not know, with the one that was probably meant."""
    hint = ""
    folded = name.lower()
    since = BUILTINS.get(name)
    if since is not None and since > library:
        hint = f"`{name}` needs Argo Rollouts {rollouts_of(since)} or later"
    elif folded in ("and", "or", "not", "true", "false", "nil", "in"):
        hint = f"write `{folded}` in lower case"
    elif folded == "result" or folded in LIKE_RESULT:
        hint = "write `result`: the measured value has no other name"
    elif folded == "nan":
        hint = "write `isNaN(...)`: NaN has no name"
    elif folded in OTHER_NAMES:
        hint = f"write `{OTHER_NAMES[folded]}`"
    else:
        near = next((known for known in (*sorted(ENVIRONMENT), *BUILTINS) if known.lower() == folded), "")
        hint = f"write `{near}`" if near else ""
    return CompileError(f"unknown name {name}", *span, hint)


def mismatch_hint(node: Binary, left: Type, right: Type) -> str:
    if is_array(left) and is_number(right) and node.op not in ("in", "contains"):
        return "the result is a list: write `result[0]`" if isinstance(node.left, Name) else ""
    if is_array(right) and is_number(left) and node.op not in ("in", "contains"):
        return "the result is a list: write `result[0]`" if isinstance(node.right, Name) else ""
    for number, text, side in ((left, right, node.right), (right, left, node.left)):
        if is_number(number) and text == "string" and isinstance(side, String) and node.op in (*_ORDER, "==", "!="):
            return "write the number without quotes"
    if node.op in _ORDER and "bool" in (left, right) and (is_number(left) or is_number(right)):
        return "write `a < b && b < c`: comparisons do not chain here"
    if "nil" in (left, right) and node.op in _ORDER:
        return "nil has no order, not even behind a guard: write `asFloat(...)` or `default(result, 0.0)`"
    if node.op == "%" and "float" in (left, right):
        return "`%` takes whole numbers only: write `int(...)`"
    return ""


def call_hint(name: str, kinds: list[Type], library: Library) -> str:
    if name in ("max", "min") and library < V1_17_7 and kinds and is_array(kinds[0]):
        return f"`{name}` of a list needs Argo Rollouts {rollouts_of(V1_17_7)} or later"
    return ""
