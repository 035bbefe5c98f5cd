"""The part of jq that `ignoreDifferences[].jqPathExpressions` uses: paths, and what `del(...)` of them does.

Argo CD wraps each expression in `del(...)` and runs it with gojq v0.12. `parse` says whether that compiles,
`delete` what it leaves. Valid jq outside this part is `Unsupported`: what it deletes is then unknown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from rolloutlint.finding import Path

_MAX_TOKENS = 300
_MAX_NESTING = 40
_MAX_STEPS = 100_000
_MAX_REGEX_COST = 1_000_000
_MAX_DEPTH = 150


@dataclass(frozen=True, slots=True)
class SyntaxProblem:
    """gojq does not compile the expression: Argo CD then cannot compare the whole Application."""

    offset: int
    message: str


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Valid as far as it was read, but not evaluated here; the answer is unknown."""

    reason: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """What `del(...)` leaves, and the paths that existed before and are gone now, in order of deletion."""

    value: Any
    removed: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class RuntimeFailure:
    """`del(...)` fails on this value: Argo CD skips the whole expression for it, silently."""

    message: str


# --- the tree: every node is a filter; a chain such as `.a[0]?` is a Pipe of single steps ---------------


@dataclass(frozen=True, slots=True)
class Identity:
    """`.`"""

    offset: int


@dataclass(frozen=True, slots=True)
class Recurse:
    """`..`"""

    offset: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A string, number, boolean or null."""

    value: Any
    offset: int


@dataclass(frozen=True, slots=True)
class Field:
    """`.name`, `."name"`, `["name"]`."""

    name: str
    offset: int


@dataclass(frozen=True, slots=True)
class Item:
    """`[0]`, `[-1]`."""

    index: int
    offset: int


@dataclass(frozen=True, slots=True)
class Slice:
    """`[1:3]`; None is an open end."""

    start: int | None
    end: int | None
    offset: int


@dataclass(frozen=True, slots=True)
class Each:
    """`[]`"""

    offset: int


@dataclass(frozen=True, slots=True)
class Try:
    """`body?` and `try body catch handler`."""

    body: Node
    handler: Node | None
    offset: int


@dataclass(frozen=True, slots=True)
class Pipe:
    """`a | b | c`, and the steps of a chain."""

    parts: tuple[Node, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Comma:
    """`a, b, c`"""

    parts: tuple[Node, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Binary:
    """A comparison, `and`, `or`, `//`, arithmetic or an assignment."""

    op: str
    left: Node
    right: Node
    offset: int


@dataclass(frozen=True, slots=True)
class Sign:
    """`-term` or `+term`."""

    op: str
    term: Node
    offset: int


@dataclass(frozen=True, slots=True)
class Call:
    """A built-in function."""

    name: str
    args: tuple[Node, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Conditional:
    """`if c then a elif ... else b end`."""

    condition: Node
    then: Node
    otherwise: Node | None
    offset: int


@dataclass(frozen=True, slots=True)
class Collect:
    """`[body]`"""

    body: Node | None
    offset: int


Node: TypeAlias = (
    Identity
    | Recurse
    | Literal
    | Field
    | Item
    | Slice
    | Each
    | Try
    | Pipe
    | Comma
    | Binary
    | Sign
    | Call
    | Conditional
    | Collect
)


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression that gojq compiles."""

    text: str
    root: Node


# --- parsing -------------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
      | (?P<comment>\#[^\r\n]*)
      | (?P<recurse>\.\.)
      | (?P<field>\.[A-Za-z_][A-Za-z0-9_]*)
      | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
      | (?P<module>\$?[A-Za-z_][A-Za-z0-9_]*::[A-Za-z_][A-Za-z0-9_]*)
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<variable>\$[A-Za-z_][A-Za-z0-9_]*)
      | (?P<format>@[A-Za-z0-9_]+)
      | (?P<string>"(?:[^"\\]|\\.)*")
      | (?P<op>\?//|//=|\|=|\+=|-=|\*=|/=|%=|==|!=|>=|<=|//|[.\[\](){}|,:;+\-*/%?=<>])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r'\\(?:u[0-9A-Fa-f]{4}|["\\/bfnrt])')


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_KEYWORDS = _words(
    """or and module import include def as label break null true false if then elif else end try catch reduce
    foreach"""
)
_COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">="))
_UPDATES = frozenset(("=", "|=", "+=", "-=", "*=", "/=", "%=", "//="))
_PRECEDENCE = {
    "//": 1,
    **dict.fromkeys(_UPDATES, 2),
    "or": 3,
    "and": 4,
    **dict.fromkeys(_COMPARISONS, 5),
    "+": 6,
    "-": 6,
    "*": 7,
    "/": 7,
    "%": 7,
}
_NOT_ASSOCIATIVE = _COMPARISONS | _UPDATES

# gojq's functions by number of arguments, v0.12.11 to the newest (`builtin.jq`, `func.go`).
_FUNCTIONS: tuple[frozenset[str], ...] = (
    _words(
        """abs acos acosh add all any arrays ascii ascii_downcase ascii_upcase asin asinh atan atanh booleans
        builtins cbrt ceil combinations cos cosh debug empty env erf erfc error exp exp10 exp2 explode expm1
        fabs finites first flatten floor frexp from_entries fromdate fromdateiso8601 fromjson gamma
        get_search_list gmtime halt halt_error have_decnum have_literal_numbers implode infinite input
        input_filename input_line_number inputs isfinite isinfinite isnan isnormal iterables j0 j1 keys last
        leaf_paths length lgamma localtime log log10 log1p log2 logb ltrim max min mktime modf modulemeta nan
        nearbyint normals not now nulls numbers objects paths pow10 recurse reverse rint round rtrim scalars
        significand sin sinh sort sqrt stderr strings tan tanh tgamma to_entries toarray todate
        todateiso8601 tojson tonumber tostream tostring transpose trim trunc type unique utf8bytelength
        values y0 y1"""
    ),
    _words(
        """IN INDEX add all any bsearch capture combinations contains debug del delpaths endswith error first
        flatten format fromstream getpath group_by halt_error has in index indices inside isempty join last
        ltrimstr map map_values match max_by min_by nth path paths pick range recurse repeat rindex rtrimstr
        scan select sort_by split splits startswith strflocaltime strftime strptime test trimstr
        truncate_stream unique_by walk with_entries"""
    ),
    _words(
        """IN INDEX JOIN all any atan2 capture copysign drem fdim fmax fmin fmod gsub hypot jn ldexp limit
        match nextafter nexttoward nth pow range recurse remainder scalb scalbln scan setpath skip split
        splits sub test until while yn"""
    ),
    frozenset(("JOIN", "fma", "gsub", "range", "sub")),
    frozenset(("JOIN",)),
)


class _Stop(Exception):  # noqa: N818 - control flow inside the parser, never seen outside
    def __init__(self, answer: SyntaxProblem | Unsupported) -> None:
        self.answer = answer


class _Token(NamedTuple):
    kind: str
    text: str
    offset: int


@lru_cache(maxsize=1024)
def parse(text: str) -> Expression | SyntaxProblem | Unsupported:
    """The tree of `text` as gojq compiles it inside `del(...)` (`parser.go.y`, `compiler.go`)."""
    try:
        parser = _Parser(_tokens(text))
        root = parser.query(0)
        token = parser.peek()
        if token.text == ")":
            raise _Stop(Unsupported("the expression closes a parenthesis that it did not open"))
        if token.text == ";":
            raise _Stop(SyntaxProblem(token.offset, "function not defined: del/2"))
        if token.kind != "end":
            raise parser.unexpected(token)
    except _Stop as stop:
        return stop.answer
    return Expression(text, root)


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            what = "unterminated string literal" if text[at] == '"' else f"unexpected token {text[at]!r}"
            tokens.append(_Token("invalid", what, at))
            break
        kind = str(match.lastgroup)
        found = match.group()
        if kind == "comment":
            if "\\" in found:
                tokens.append(_Token("unsupported", "a backslash in a comment", at))
                break
            if match.end() == len(text):
                tokens.append(_Token("invalid", "the comment hides the end of Argo CD's `del(...)`", at))
                break
        elif kind == "number" and re.match(r"[A-Za-z_.]", text[match.end() : match.end() + 1]):
            tokens.append(_Token("invalid", f"invalid token {text[at : match.end() + 1]!r}", at))
            break
        elif kind != "space":
            tokens.append(_Token(kind, found, at))
        at = match.end()
        if len(tokens) > _MAX_TOKENS:
            tokens.append(_Token("unsupported", "the expression is too long", at))
            break
    tokens.append(_Token("end", "", len(text)))
    return tokens


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def peek(self) -> _Token:
        token = self._tokens[self._at]
        if token.kind == "invalid":
            raise _Stop(SyntaxProblem(token.offset, token.text))
        if token.kind == "unsupported":
            raise _Stop(Unsupported(token.text))
        return token

    def next(self) -> _Token:
        token = self.peek()
        if token.kind != "end":
            self._at += 1
        return token

    def accept(self, text: str) -> bool:
        token = self.peek()
        if token.text == text and token.kind in ("op", "word"):
            self._at += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.accept(text):
            raise self.unexpected(self.peek())

    @staticmethod
    def unexpected(token: _Token) -> _Stop:
        if token.kind == "end":
            return _Stop(SyntaxProblem(token.offset, "the expression ends too early"))
        if token.text in ("as", "?//"):
            return _Stop(Unsupported("variables are not evaluated"))
        return _Stop(SyntaxProblem(token.offset, f"unexpected token {token.text!r}"))

    def query(self, nesting: int) -> Node:
        if nesting > _MAX_NESTING:
            raise _Stop(Unsupported("the expression is nested too deeply"))
        offset = self.peek().offset
        pipe: list[Node] = []
        while True:
            comma: list[Node] = [self.expression(0, nesting)]
            while self.accept(","):
                comma.append(self.expression(0, nesting))
            pipe.append(comma[0] if len(comma) == 1 else Comma(tuple(comma), offset))
            if not self.accept("|"):
                return pipe[0] if len(pipe) == 1 else Pipe(tuple(pipe), offset)

    def expression(self, least: int, nesting: int) -> Node:
        if nesting > _MAX_NESTING:
            raise _Stop(Unsupported("the expression is nested too deeply"))
        left = self.term(nesting)
        while True:
            token = self.peek()
            precedence = _PRECEDENCE.get(token.text, 0) if token.kind in ("op", "word") else 0
            if not precedence or precedence < least:
                return left
            self.next()
            # `//` groups to the right, everything else to the left
            right = self.expression(precedence if token.text == "//" else precedence + 1, nesting + 1)
            left = Binary(token.text, left, right, token.offset)
            after = self.peek()
            if token.text in _NOT_ASSOCIATIVE and _PRECEDENCE.get(after.text) == precedence:
                raise self.unexpected(after)

    def term(self, nesting: int) -> Node:
        token = self.next()
        steps: list[Node] = []
        if token.kind == "field":
            steps.append(Field(token.text[1:], token.offset))
        elif token.kind == "recurse":
            steps.append(Recurse(token.offset))
        elif token.text == "." and token.kind == "op":
            after = self.peek()
            if after.kind == "string":
                steps.append(Field(_unquote(self.next()), token.offset))
            elif after.text == "[":
                steps.append(self.bracket(self.next(), nesting))
            else:
                steps.append(Identity(token.offset))
        elif token.kind == "number":
            steps.append(Literal(_number(token.text), token.offset))
        elif token.kind == "string":
            steps.append(Literal(_unquote(token), token.offset))
        elif token.kind == "word":
            steps.append(self.word(token, nesting))
        elif token.text in ("-", "+"):
            return Sign(token.text, self.nested_term(nesting), token.offset)
        elif token.text == "(":
            steps.append(self.query(nesting + 1))
            self.expect(")")
        elif token.text == "[" and token.kind == "op":
            body = None if self.peek().text == "]" else self.query(nesting + 1)
            self.expect("]")
            steps.append(Collect(body, token.offset))
        elif token.kind == "variable":
            if token.text in ("$ENV", "$__loc__"):
                raise _Stop(Unsupported(f"`{token.text}` is not evaluated"))
            raise _Stop(SyntaxProblem(token.offset, f"variable not defined: {token.text}"))
        elif token.kind in ("module", "format") or token.text == "{":
            what = {"module": "modules", "format": "format strings"}.get(token.kind, "objects")
            raise _Stop(Unsupported(f"{what} are not evaluated"))
        else:
            raise self.unexpected(token)
        self.suffixes(steps, nesting)
        return steps[0] if len(steps) == 1 else Pipe(tuple(steps), token.offset)

    def nested_term(self, nesting: int) -> Node:
        if nesting > _MAX_NESTING:
            raise _Stop(Unsupported("the expression is nested too deeply"))
        return self.term(nesting + 1)

    def suffixes(self, steps: list[Node], nesting: int) -> None:
        while True:
            token = self.peek()
            if token.kind == "field":
                self.next()
                steps.append(Field(token.text[1:], token.offset))
            elif token.text == "[" and token.kind == "op":
                steps.append(self.bracket(self.next(), nesting))
            elif token.text == "?" and token.kind == "op":
                self.next()
                if isinstance(steps[-1], Try) and len(steps) > 1:  # gojq: a second `?` covers the whole chain
                    steps[:] = [Pipe(tuple(steps), token.offset)]
                steps[-1] = Try(steps[-1], None, token.offset)
            elif token.text == "." and token.kind == "op":
                self.next()
                after = self.next()
                if after.kind == "string":
                    steps.append(Field(_unquote(after), token.offset))
                elif after.text == "[":
                    steps.append(self.bracket(after, nesting))
                else:
                    raise self.unexpected(after)
            elif token.text == "as" and token.kind == "word":
                raise _Stop(Unsupported("variables are not evaluated"))
            else:
                return

    def bracket(self, opening: _Token, nesting: int) -> Node:
        if self.accept("]"):
            return Each(opening.offset)
        start = None if self.peek().text == ":" else self.query(nesting + 1)
        if not self.accept(":"):
            self.expect("]")
            key = _constant(start)
            if isinstance(key, str):
                return Field(key, opening.offset)
            if isinstance(key, (int, float)) and not isinstance(key, bool):
                return Item(int(key), opening.offset)
            raise _Stop(Unsupported("a computed key is not evaluated"))
        end = None if self.peek().text == "]" else self.query(nesting + 1)
        self.expect("]")
        if start is None and end is None:
            raise _Stop(SyntaxProblem(opening.offset, "a slice needs a start or an end"))
        bounds = [None if bound is None else _constant(bound) for bound in (start, end)]
        numbers: list[int | None] = []
        for node, value in zip((start, end), bounds, strict=True):
            if node is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
                raise _Stop(Unsupported("a computed slice is not evaluated"))
            numbers.append(None if value is None else int(value))
        return Slice(numbers[0], numbers[1], opening.offset)

    def word(self, token: _Token, nesting: int) -> Node:
        name = token.text
        if name in ("null", "true", "false"):
            return Literal({"null": None, "true": True, "false": False}[name], token.offset)
        if name == "if":
            return self.conditional(token, nesting)
        if name == "try":
            body = self.nested_term(nesting)
            handler = self.nested_term(nesting) if self.accept("catch") else None
            return Try(body, handler, token.offset)
        if name in ("def", "label", "break", "reduce", "foreach"):
            raise _Stop(Unsupported(f"`{name}` is not evaluated"))
        if name in _KEYWORDS:
            raise self.unexpected(token)
        args: list[Node] = []
        if self.accept("("):
            args.append(self.query(nesting + 1))
            while self.accept(";"):
                args.append(self.query(nesting + 1))
            self.expect(")")
        if name.startswith("_"):
            raise _Stop(Unsupported("internal functions are not evaluated"))
        if len(args) >= len(_FUNCTIONS) or name not in _FUNCTIONS[len(args)]:
            raise _Stop(SyntaxProblem(token.offset, f"function not defined: {name}/{len(args)}"))
        return Call(name, tuple(args), token.offset)

    def conditional(self, token: _Token, nesting: int) -> Node:
        condition = self.query(nesting + 1)
        self.expect("then")
        then = self.query(nesting + 1)
        otherwise: Node | None = None
        after = self.next()
        if after.text == "elif":
            return Conditional(condition, then, self.conditional(after, nesting + 1), token.offset)
        if after.text == "else":
            otherwise = self.query(nesting + 1)
            after = self.next()
        if after.text != "end":
            raise self.unexpected(after)
        return Conditional(condition, then, otherwise, token.offset)


def _constant(node: Node | None) -> Any:
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Sign) and isinstance(node.term, Literal) and isinstance(node.term.value, (int, float)):
        return -node.term.value if node.op == "-" else node.term.value
    return None


def _number(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _unquote(token: _Token) -> str:
    body = token.text[1:-1]
    if "\\(" in re.sub(r"\\\\", "", body):
        raise _Stop(Unsupported("string interpolation is not evaluated"))
    if "\\" not in body:
        return body
    left = _ESCAPE.sub("", body)
    if "\\" in left:
        raise _Stop(SyntaxProblem(token.offset, "invalid escape sequence in string literal"))
    escaped = "".join(f"\\u{ord(char):04x}" if char < " " else char for char in body)
    return str(json.loads(f'"{escaped}"'))


# --- evaluation ----------------------------------------------------------------------------------------


class _Failure(Exception):  # noqa: N818 - jq's own errors, caught by `?` and by `delete`
    pass


class _Unknown(Exception):  # noqa: N818 - leaves the evaluation with `Unsupported`
    pass


class _State(NamedTuple):
    """A value on its way through the filters, with the path that leads to `anchor` (None: not tracked)."""

    value: Any
    path: tuple[Any, ...] | None
    anchor: Any


def delete(value: Any, expression: Expression) -> Deleted | RuntimeFailure | Unsupported:
    """What Argo CD gets from `del(expression)` on `value`; `value` stays as it is.

    argo-cd `util/argo/normalizers/diff_normalizer.go Apply`, gojq `func.go delpaths`.
    """
    evaluation = _Evaluation()
    removed: dict[Path, None] = {}
    try:
        for state in evaluation.run(expression.root, _State(value, (), value)):
            if not _intact(state):
                raise _Failure(f"invalid path against: {_preview(state.value)}")
            assert state.path is not None
            for path in _concrete(value, state.path):
                removed[path] = None
    except _Failure as failure:
        return RuntimeFailure(str(failure))
    except _Unknown as unknown:
        return Unsupported(str(unknown))
    except RecursionError:
        return Unsupported("the value is nested too deeply")
    return Deleted(without(value, tuple(removed)), tuple(removed))


def without(value: Any, paths: tuple[Path, ...]) -> Any:
    """A copy of `value` without the entries at `paths`, all counted in `value` itself; `()` leaves None."""
    doomed: dict[Any, Any] = {}
    for path in paths:
        if not path:
            return None
        level = doomed
        for item in path[:-1]:
            below = level.setdefault(item, {})
            if below is None:
                break
            level = below
        else:
            level[path[-1]] = None
    return _rebuild(value, doomed) if doomed else value


def _rebuild(value: Any, doomed: Mapping[Any, Any]) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    kept = [
        (key, item if key not in doomed else _rebuild(item, doomed[key]))
        for key, item in items
        if key not in doomed or doomed[key] is not None
    ]
    return dict(kept) if isinstance(value, dict) else [item for _, item in kept]


class _Evaluation:
    def __init__(self) -> None:
        self._steps = 0

    def run(self, node: Node, state: _State) -> Iterator[_State]:
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise _Unknown("the evaluation takes too many steps")
        if isinstance(node, Identity):
            yield state
        elif isinstance(node, Field):
            yield self._step(state, node.name, _field(state.value, node.name))
        elif isinstance(node, Item):
            yield self._step(state, node.index, _item(state.value, node.index))
        elif isinstance(node, Slice):
            yield self._step(state, (node.start, node.end), _slice(state.value, node))
        elif isinstance(node, Each):
            yield from self._each(state)
        elif isinstance(node, Pipe):
            yield from self._pipe(node.parts, 0, state)
        elif isinstance(node, Comma):
            for part in node.parts:
                yield from self.run(part, state)
        elif isinstance(node, Try):
            yield from self._try(node, state)
        elif isinstance(node, Recurse):
            yield from self._recurse(state)
        elif isinstance(node, Conditional):
            for condition in self.values(node.condition, state.value):
                branch = node.then if _true(condition) else node.otherwise
                if branch is None:
                    yield state
                else:
                    yield from self.run(branch, state)
        elif isinstance(node, Call):
            yield from self._call(node, state)
        elif isinstance(node, Literal):
            yield state._replace(value=node.value)
        elif isinstance(node, Collect):
            found = [] if node.body is None else list(self.values(node.body, state.value))
            yield state._replace(value=found)
        elif isinstance(node, Sign):
            for value in self.values(node.term, state.value):
                if isinstance(value, bool) or not isinstance(value, (int, float)):
                    raise _Failure(f"cannot negate: {_preview(value)}")
                yield state._replace(value=-value if node.op == "-" else value)
        else:
            yield from self._binary(node, state)

    def values(self, node: Node, value: Any) -> Iterator[Any]:
        """What `node` gives for `value` where no path is asked for."""
        for state in self.run(node, _State(value, None, None)):
            yield state.value

    def _pipe(self, parts: tuple[Node, ...], at: int, state: _State) -> Iterator[_State]:
        if at == len(parts) - 1:
            yield from self.run(parts[at], state)
        else:
            for middle in self.run(parts[at], state):
                yield from self._pipe(parts, at + 1, middle)

    @staticmethod
    def _step(state: _State, key: Any, value: Any) -> _State:
        if state.path is None:
            return _State(value, None, None)
        if not _intact(state):
            raise _Failure(f"invalid path against: {_preview(state.value)}")
        return _State(value, (*state.path, key), value)

    def _each(self, state: _State) -> Iterator[_State]:
        value = state.value
        if isinstance(value, list):
            pairs: list[tuple[Any, Any]] = list(enumerate(value))
        elif isinstance(value, dict):
            if not all(isinstance(key, str) for key in value):
                raise _Unknown("a key is no text")
            pairs = sorted(value.items(), key=lambda pair: pair[0])
        else:
            raise _Failure(f"cannot iterate over: {_preview(value)}")
        if state.path is not None and not _intact(state):
            raise _Failure(f"invalid path on iterating against: {_preview(value)}")
        for key, item in pairs:
            self._steps += 1
            yield self._step(state, key, item)

    def _try(self, node: Try, state: _State) -> Iterator[_State]:
        try:
            yield from self.run(node.body, state)
        except _Failure as failure:
            if node.handler is None:
                return
            raise _Unknown("`catch` is not evaluated") from failure

    def _recurse(self, state: _State) -> Iterator[_State]:
        todo = [state]
        while todo:
            self._steps += 1
            if self._steps > _MAX_STEPS:
                raise _Unknown("the evaluation takes too many steps")
            here = todo.pop()
            yield here
            if isinstance(here.value, (list, dict)):
                todo.extend(reversed(list(self._each(here))))

    def _binary(self, node: Binary, state: _State) -> Iterator[_State]:
        op = node.op
        if op in ("and", "or"):
            for left in self.values(node.left, state.value):
                if _true(left) is (op == "or"):
                    yield state._replace(value=op == "or")
                else:
                    for right in self.values(node.right, state.value):
                        yield state._replace(value=_true(right))
        elif op == "//":
            yield from self._alternative(node, state)
        elif op in _COMPARISONS:
            for right in self.values(node.right, state.value):
                for left in self.values(node.left, state.value):
                    order = _compare(left, right)
                    holds = {
                        "==": order == 0,
                        "!=": order != 0,
                        "<": order < 0,
                        "<=": order <= 0,
                        ">": order > 0,
                        ">=": order >= 0,
                    }
                    yield state._replace(value=holds[op])
        else:
            raise _Unknown(f"`{op}` is not evaluated")

    def _alternative(self, node: Binary, state: _State) -> Iterator[_State]:
        found = False
        try:
            for left in self.run(node.left, state):
                if _true(left.value):
                    found = True
                    yield left
        except _Failure as failure:
            # whether `//` hides the error depends on the version of gojq
            raise _Unknown("an error left of `//`") from failure
        if not found:
            yield from self.run(node.right, state)

    def _call(self, node: Call, state: _State) -> Iterator[_State]:
        name, args, value = node.name, node.args, state.value
        if name == "select":
            for condition in self.values(args[0], value):
                if _true(condition):
                    yield state
        elif name == "empty":
            return
        elif name == "recurse" and not args:
            yield from self._recurse(state)
        elif name in ("first", "last") and not args:
            index = 0 if name == "first" else -1
            yield self._step(state, index, _item(value, index))
        elif name == "first":
            for found in self.run(args[0], state):
                yield found
                return
        elif name in _TYPE_FILTERS and not args:
            if _type(value) in _TYPE_FILTERS[name]:
                yield state
        elif name == "map":
            yield state._replace(value=list(self.values(Pipe((Each(node.offset), args[0]), node.offset), value)))
        elif name in ("any", "all"):
            items = args[0] if len(args) == 2 else Each(node.offset)
            body = args[-1] if args else Identity(node.offset)
            wanted = name == "any"
            answers = self.values(Pipe((items, body), node.offset), value)
            yield state._replace(value=wanted is any(_true(answer) is wanted for answer in answers))
        elif name == "IN" and len(args) == 1:
            found_in = any(_compare(one, value) == 0 for one in self.values(args[0], value))
            yield state._replace(value=found_in)
        elif name in _PLAIN and len(args) == _PLAIN[name]:
            yield from self._plain(node, state)
        else:
            raise _Unknown(f"`{name}` is not evaluated")

    def _plain(self, node: Call, state: _State) -> Iterator[_State]:
        if not node.args:
            yield state._replace(value=_function0(node.name, state.value))
            return
        for argument in self.values(node.args[0], state.value):
            yield state._replace(value=_function1(node.name, state.value, argument))


_TYPE_FILTERS: dict[str, frozenset[str]] = {
    "arrays": frozenset(("array",)),
    "objects": frozenset(("object",)),
    "iterables": frozenset(("array", "object")),
    "booleans": frozenset(("boolean",)),
    "numbers": frozenset(("number",)),
    "strings": frozenset(("string",)),
    "nulls": frozenset(("null",)),
    "values": frozenset(("boolean", "number", "string", "array", "object")),
    "scalars": frozenset(("null", "boolean", "number", "string")),
}
_PLAIN = {
    "not": 0,
    "length": 0,
    "type": 0,
    "keys": 0,
    "ascii_downcase": 0,
    "test": 1,
    "startswith": 1,
    "endswith": 1,
    "contains": 1,
    "inside": 1,
    "has": 1,
}
_TYPE_ORDER = {"null": 0, "boolean": 1, "number": 3, "string": 4, "array": 5, "object": 6}


def _type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    if isinstance(value, list):
        return "array"
    if isinstance(value, dict):
        return "object"
    raise _Unknown("the manifest holds a value that is no JSON")


def _preview(value: Any) -> str:
    kind = _type(value)
    if kind == "null":
        return kind
    if kind in ("array", "object"):
        return kind if value else f"{kind} ({'[]' if kind == 'array' else '{}'})"
    text = json.dumps(value, ensure_ascii=False)
    return f"{kind} ({text if len(text) < 30 else text[:26] + ' ...'})"


def _true(value: Any) -> bool:
    return value is not None and value is not False


def _intact(state: _State) -> bool:
    """gojq `execute.go pathIntact`: the value must still be what the path leads to."""
    value, anchor = state.value, state.anchor
    if value is anchor:
        return True
    if isinstance(value, (list, dict)) or isinstance(anchor, (list, dict)):
        return False
    return type(value) is type(anchor) and bool(value == anchor)


def _field(value: Any, name: str) -> Any:
    if value is None:
        return None
    if isinstance(value, dict):
        return value.get(name)
    raise _Failure(f"expected an object but got: {_preview(value)}")


def _item(value: Any, index: int) -> Any:
    if value is None:
        return None
    if isinstance(value, (list, str)):
        return value[index] if -len(value) <= index < len(value) else None
    raise _Failure(f"expected an array but got: {_preview(value)}")


def _slice(value: Any, node: Slice) -> Any:
    if value is None:
        return None
    if isinstance(value, (list, str)):
        start, end = _bounds(node.start, node.end, len(value))
        return value[start:end]
    raise _Failure(f"expected an array but got: {_preview(value)}")


def _bounds(start: int | None, end: int | None, length: int) -> tuple[int, int]:
    first = 0 if start is None else _clamp(start, 0, length)
    last = length if end is None else _clamp(end, first, length)
    return first, last


def _clamp(index: int, least: int, most: int) -> int:
    return min(max(index + most if index < 0 else index, least), most)


def _concrete(value: Any, path: tuple[Any, ...]) -> Iterator[Path]:
    """The entries of `value` that gojq's `update(value, path, nothing)` would empty (`func.go`)."""
    found: list[str | int] = []
    window: tuple[int, int] | None = None
    for key in path:
        if value is None:
            return
        if isinstance(key, str):
            if not isinstance(value, dict) or window:
                raise _Failure(f"expected an object but got: {_preview(value)}")
            if key not in value:
                return
            value = value[key]
            found.append(key)
            continue
        if not isinstance(value, list):
            raise _Failure(f"expected an array but got: {_preview(value)}")
        low, high = window or (0, len(value))
        if isinstance(key, tuple):
            start, end = _bounds(key[0], key[1], high - low)
            if start == end:
                return
            window = (low + start, low + end)
            continue
        index = key + (high - low) if key < 0 else key
        if not 0 <= index < high - low:
            return
        value = value[low + index]
        found.append(low + index)
        window = None
    if window is None:
        yield tuple(found)
    else:
        yield from ((*found, index) for index in range(*window))


def _compare(left: Any, right: Any, depth: int = 0) -> int:
    """gojq `compare.go Compare`."""
    if depth > _MAX_DEPTH:
        raise _Unknown("the value is nested too deeply")
    kind, other = _type(left), _type(right)
    if kind != other:
        return -1 if _TYPE_ORDER[kind] < _TYPE_ORDER[other] else 1
    if kind in ("boolean", "number", "string"):
        return 0 if left == right else (-1 if left < right else 1)
    if kind == "array":
        for one, two in zip(left, right, strict=False):
            order = _compare(one, two, depth + 1)
            if order:
                return order
        return (len(left) > len(right)) - (len(left) < len(right))
    if kind == "object":
        if not all(isinstance(key, str) for key in (*left, *right)):
            raise _Unknown("a key is no text")
        keys = sorted(left)
        order = _compare(keys, sorted(right), depth + 1)
        if order:
            return order
        for key in keys:
            order = _compare(left[key], right[key], depth + 1)
            if order:
                return order
    return 0


def _function0(name: str, value: Any) -> Any:
    kind = _type(value)
    if name == "not":
        return not _true(value)
    if name == "type":
        return kind
    if name == "length":
        if kind == "boolean":
            raise _Failure(f"length cannot be applied to: {_preview(value)}")
        return 0 if value is None else abs(value) if kind == "number" else len(value)
    if name == "keys":
        if kind == "array":
            return list(range(len(value)))
        if kind == "object":
            if not all(isinstance(key, str) for key in value):
                raise _Unknown("a key is no text")
            return sorted(value)
        raise _Failure(f"keys cannot be applied to: {_preview(value)}")
    if kind != "string":
        raise _Failure(f"{name} cannot be applied to: {_preview(value)}")
    return "".join(char.lower() if char < "\x80" else char for char in value)


def _function1(name: str, value: Any, argument: Any) -> Any:
    if name == "inside":
        return _function1("contains", argument, value)
    problem = _Failure(f"{name} cannot be applied to: {_preview(value)}")
    if name == "contains":
        return _contains(value, argument, 0)
    if name == "has":
        if value is None:
            return False
        if isinstance(value, dict) and isinstance(argument, str):
            return argument in value
        if isinstance(value, list) and isinstance(argument, (int, float)) and not isinstance(argument, bool):
            return 0 <= int(argument) < len(value)
        raise problem
    if not isinstance(value, str) or not isinstance(argument, str):
        raise problem
    if name == "startswith":
        return value.startswith(argument)
    if name == "endswith":
        return value.endswith(argument)
    return _test(value, argument)


def _contains(value: Any, part: Any, depth: int) -> bool:
    if depth > _MAX_DEPTH:
        raise _Unknown("the value is nested too deeply")
    kind = _type(value)
    if kind != _type(part):
        if depth:
            return False
        raise _Failure(f"contains cannot be applied to: {_preview(value)}")
    if kind == "string":
        return part in value
    if kind == "array":
        return all(any(_contains(one, wanted, depth + 1) for one in value) for wanted in part)
    if kind == "object":
        return all(key in value and _contains(value[key], wanted, depth + 1) for key, wanted in part.items())
    if kind == "boolean" and value != part and not depth:
        raise _Failure(f"contains cannot be applied to: {_preview(value)}")
    return bool(value == part)


_PLAIN_REGEX = re.compile(
    r"(?:[^\\(\[*+?{]|\\[.\-/_+*?^$()\[\]{}|\\dwDW]|\((?:\?:)?(?!\?)|\[\^?(?!\])[^\[\]\\]*\]|[*+?])*\Z"
)


def _test(text: str, pattern: str) -> bool:
    """Go's regexp.MatchString, for patterns that Python's `re` reads the same way and cannot be slow on."""
    repeats = len(re.findall(r"[*+?]", pattern))
    if (
        not _PLAIN_REGEX.match(pattern)
        or re.search(r"\)[*+?]|[*+?]{2}", pattern)
        or "\n" in text
        or (len(text) + 1) ** (repeats + 1) > _MAX_REGEX_COST
    ):
        raise _Unknown("this regular expression is not evaluated")
    try:
        return re.search(pattern, text, re.ASCII) is not None
    except re.error as error:
        raise _Unknown("this regular expression is not evaluated") from error
