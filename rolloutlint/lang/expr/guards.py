"""How a condition is mended: what it says of a result that is empty, NaN or nil, and how to make it say something else.

A guard is a test that stands before the rest of a condition and settles one of these cases: `len(result) == 0 || ...`
makes the condition true of an empty result, `len(result) > 0 && ...` makes it false. Everything here proposes changes
to the text that was parsed; what they are good for is for the caller to prove.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

from rolloutlint.lang.expr.questions import is_result
from rolloutlint.lang.expr.tree import (
    Array,
    Binary,
    Call,
    Conditional,
    Hole,
    Let,
    Member,
    Name,
    Nil,
    Node,
    Number,
    Predicate,
    Sequence,
    Span,
    Unary,
    children,
    walk,
)
from rolloutlint.lang.rewrite import Change

Case: TypeAlias = Literal["empty", "NaN", "nil"]
CASES: tuple[Case, ...] = ("empty", "nil", "NaN")
"""In the order in which their guards stand: `isNaN(result[0])` needs an element."""

_OR, _AND = frozenset(("||", "or")), frozenset(("&&", "and"))
_NEGATED = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}
_OF_NUMBERS = frozenset(("isNaN", "isInf", "asInt", "asFloat", "abs", "ceil", "floor", "round", "int", "float"))


class Guard(NamedTuple):
    """A test of one case: whether it is true (`holds`) or false of a result in that case."""

    case: Case
    holds: bool


class Part(NamedTuple):
    """An operand with the characters that it takes, parentheses included."""

    node: Node
    start: int
    end: int


def guard_of(node: Node) -> Guard | None:
    """The case that a test is about, if it is about nothing else.

    >>> from rolloutlint.lang.expr.parser import parse
    >>> guard_of(parse("len(result) == 0"))
    Guard(case='empty', holds=True)
    """
    if isinstance(node, Unary) and node.op in ("!", "not"):
        inner = guard_of(node.operand)
        return inner and Guard(inner.case, not inner.holds)
    if isinstance(node, Call) and len(node.args) == 1:
        if node.name == "isNil":
            return Guard("nil", True)
        return Guard("NaN", True) if node.name == "isNaN" and _is_element(node.args[0]) else None
    if not isinstance(node, Binary) or node.op not in _NEGATED:
        return None
    left, op, right = node.left, node.op, node.right
    if isinstance(left, Number | Nil):
        left, op, right = right, _MIRRORED[op], left
    if isinstance(right, Nil) and op in ("==", "!=") and isinstance(left, Name) and left.name == "result":
        return Guard("nil", op == "==")
    if isinstance(left, Call) and left.name == "len" and len(left.args) == 1 and isinstance(left.args[0], Name):
        if not isinstance(right, Number):
            return None
        tests: dict[tuple[str, float], bool] = {
            ("==", 0): True,
            ("<=", 0): True,
            ("<", 1): True,
            (">", 0): False,
            ("!=", 0): False,
            (">=", 1): False,
        }
        holds = tests.get((op, right.value))
        return None if holds is None else Guard("empty", holds)
    return None


def asks_for_nil(node: Node) -> bool:
    """Whether a condition asks anywhere if the result is nil, which that of Prometheus never is."""
    return any(
        isinstance(one, Nil) or (isinstance(one, Call) and one.name in ("isNil", "default")) for one in walk(node)
    )


class _Split(NamedTuple):
    """A condition taken apart: its guards, and what is left."""

    found: Mapping[Case, tuple[bool, str]]
    """Case -> whether the condition is true in that case, and the test as it is written."""
    rest: tuple[Part, ...]
    """What is left, from left to right, all joined by one operator."""
    op: str
    words: bool
    """Whether it is written with `and` and `or`."""
    whole: Span


def _split(node: Node, text: str) -> _Split | None:
    whole = _extent(text)
    part = Part(node, *whole)
    found: dict[Case, tuple[bool, str]] = {}
    op = ""
    words = False
    parts = [part]
    while True:
        joined = _joined(parts[0], text)
        if joined is None:
            return _Split(found, tuple(parts), "", words, whole)
        op, parts = joined
        words = words or op in ("and", "or")
        truth = op in _OR
        rest = []
        for one in parts:
            guard = guard_of(one.node)
            if guard is not None and guard.holds == truth:
                found[guard.case] = (truth, text[one.start : one.end])
            else:
                rest.append(one)
        if not rest:
            return None
        if len(rest) > 1:
            return _Split(found, tuple(rest), op, words, whole)
        parts = rest


def decisions(node: Node, text: str) -> Mapping[Case, bool]:
    """What the guards of a condition settle: case -> whether it is true in that case.

    >>> from rolloutlint.lang.expr.parser import parse
    >>> text = "len(result) > 0 && result[0] < 5"
    >>> decisions(parse(text), text)
    {'empty': False}
    """
    split = _split(node, text)
    return {case: truth for case, (truth, _) in split.found.items()} if split is not None else {}


def decide_cases(
    node: Node, text: str, wanted: Mapping[Case, bool | None], element: str = ""
) -> tuple[Change, ...] | None:
    """The condition with other guards: `wanted` maps a case to what the condition is in it, `None` for no guard.

    Cases that it does not name stay as they are, and all guards come to stand in front. `element` is the number that a
    new guard against NaN tests, if not the one that the condition itself looks at. `None` where the condition is
    not made so that this can be said in its text.
    """
    split = _split(node, text)
    if split is None or any(isinstance(part.node, Let | Sequence | Hole) for part in split.rest):
        return None
    settled: dict[Case, bool | None] = {case: truth for case, (truth, _) in split.found.items()}
    settled |= wanted
    first, last = split.rest[0], split.rest[-1]
    prefix, closing = "", ""
    either, both = ("or", "and") if split.words else ("||", "&&")
    # From the inside out: the level of what stands behind the guards so far.
    level = (
        "||" if split.op in _OR else "&&" if split.op in _AND else _level(first, text) if len(split.rest) == 1 else ""
    )
    for case in reversed(CASES):
        truth = settled.get(case)
        if truth is None:
            continue
        kept = split.found.get(case)
        test = (
            kept[1] if kept is not None and kept[0] is truth else _test(case, truth, element or _element(split, text))
        )
        if not test:
            return None
        if level == "?" or (level == "||" and not truth):
            prefix, closing = f"({prefix}", f"{closing})"
        prefix, level = (f"{test} {either} {prefix}", "||") if truth else (f"{test} {both} {prefix}", "&&")
    before = text[split.whole[0] : first.start]
    changes = [
        Change(split.whole[0], first.start, _laid_out(prefix, before)),
        Change(last.end, split.whole[1], closing),
    ]
    joint = f" {either if split.op in _OR else both} "
    for one, following in pairwise(split.rest):
        between = text[one.end : following.start]
        if between.strip() != split.op:
            changes.append(Change(one.end, following.start, _laid_out(joint, between)))
    if any(mark in text[change.start : change.end] for change in changes for mark in ("//", "/*", "{{")):
        return None
    return tuple(change for change in changes if text[change.start : change.end] != change.text)


def _laid_out(new: str, old: str) -> str:
    """`new` with the white space at the end of `old`, which may be a line break."""
    space = old[len(old.rstrip()) :] if old.strip() else ""
    head, _, brackets = new.rpartition(" ")
    return f"{head}{space or ' '}{brackets}" if head else new


def index_results(node: Node) -> tuple[Change, ...]:
    """`result > 5` -> `result[0] > 5`, and `default(result, x) > 5` likewise: Prometheus gives a list, never nil."""
    changes: list[Change] = []
    for one, parent in _walk(node, None):
        if isinstance(one, Call) and one.name == "default" and one.args and is_result(one.args[0]):
            changes.append(Change(*one.span, "result[0]"))
        elif is_result(one) and (
            (isinstance(parent, Binary) and not _beside_list(parent))
            or (isinstance(parent, Unary) and parent.op in "+-")
            or (isinstance(parent, Call) and parent.name in _OF_NUMBERS)
        ):
            changes.append(Change(one.span[1], one.span[1], "[0]"))
    return tuple(dict.fromkeys(changes))


def unindex_results(node: Node) -> tuple[Change, ...]:
    """`result[0] > 5` -> `result > 5`, for a result that is one number."""
    return tuple(
        dict.fromkeys(
            Change(one.object.span[1], one.span[1], "")
            for one in walk(node)
            if isinstance(one, Member) and is_result(one.object) and isinstance(one.key, Number)
        )
    )


def default_results(node: Node, value: str) -> tuple[Change, ...]:
    """`result < 5` -> `default(result, value) < 5`, and the value of such a default becomes another."""
    changes: list[Change] = []
    for one, parent in _walk(node, None):
        if isinstance(one, Call) and one.name == "default" and len(one.args) == 2:
            changes.append(Change(*one.args[1].span, value))
        elif is_result(one) and isinstance(parent, Binary) and not _beside_list(parent):
            changes.append(Change(*one.span, f"default(result, {value})"))
    return tuple(dict.fromkeys(changes))


def _is_element(node: Node) -> bool:
    """`result[0]` or `result`."""
    return is_result(node) or (
        isinstance(node, Member) and is_result(node.object) and isinstance(node.key, Number | Unary)
    )


def _beside_list(node: Binary) -> bool:
    return node.op == "in" or any(isinstance(side, Array | Nil) for side in (node.left, node.right))


def _walk(node: Node, parent: Node | None) -> Iterator[tuple[Node, Node | None]]:
    """Each node with the one above it; not into a `default`, whose first argument is no operand."""
    yield node, parent
    if isinstance(node, Call) and node.name == "default":
        return
    if isinstance(node, Predicate):
        return
    for child in children(node):
        yield from _walk(child, node)


def _extent(text: str) -> Span:
    """The characters of a whole condition, without the white space around it."""
    return len(text) - len(text.lstrip()), len(text.rstrip())


def _joined(part: Part, text: str) -> tuple[str, list[Part]] | None:
    """The operands of a chain `a || b || c` (or of `&&`); `None` where a part is no such chain."""
    node, start, end = _opened(part, text)
    if not isinstance(node, Binary) or node.op not in _OR | _AND or not _written(node, text):
        return None
    op, kind = node.op, _OR if node.op in _OR else _AND
    parts: list[Part] = []
    rest: Node = node
    while isinstance(rest, Binary) and rest.op in kind and rest.span[0] == start and _written(rest, text):
        right = text[rest.op_span[1] : end]
        parts.insert(0, Part(rest.right, end - len(right.lstrip()), end))
        end = start + len(text[start : rest.op_span[0]].rstrip())
        rest = rest.left
        if isinstance(rest, Binary) and end != rest.span[1]:  # in parentheses
            break
    parts.insert(0, Part(rest, start, end))
    return op, parts


def _written(node: Binary, text: str) -> bool:
    """Whether the operator stands there: that of a chain `a < b < c` does not."""
    return text[slice(*node.op_span)] == node.op


def _opened(part: Part, text: str) -> Part:
    """A part without the parentheses around all of it."""
    node, start, end = part
    while start < node.span[0] and text[start] == "(" and text[end - 1] == ")":
        inner = text[start + 1 : end - 1]
        start, end = start + 1 + len(inner) - len(inner.lstrip()), end - 1 - len(inner) + len(inner.rstrip())
    return Part(node, start, end)


def _level(part: Part, text: str) -> str:
    """The weakest operator of a part: `||`, `&&`, `?` for what binds weaker still, "" for anything tighter."""
    node = part.node
    if part.start < node.span[0] and text[part.start] == "(":
        return ""
    if isinstance(node, Binary):
        return "||" if node.op in _OR else "&&" if node.op in _AND else "?" if node.op == "??" else ""
    piped = isinstance(node, Call) and bool(node.args) and node.name_span[0] > node.args[0].span[0]
    return "?" if piped or isinstance(node, Conditional) else ""


def _test(case: Case, truth: bool, element: str) -> str:
    """The guard of a case; "" where it has no short form."""
    if case == "empty":
        return "len(result) == 0" if truth else "len(result) > 0"
    if case == "nil":
        return "result == nil" if truth else "result != nil"
    return f"{'' if truth else '!'}isNaN({element})" if element else ""


def _element(split: _Split, text: str) -> str:
    """The one number of the result that a condition looks at; "" where that is not one."""
    nodes = [one for part in split.rest for one in walk(part.node)]
    found = {text[slice(*one.span)] for one in nodes if isinstance(one, Member) and is_result(one.object)}
    if found:
        return found.pop() if len(found) == 1 else ""
    whole = any(map(is_result, nodes)) and not any(isinstance(one, Predicate) for one in nodes)
    return "result" if whole else ""
