"""Conditions as expr-lang parses them (`parser/parser.go`), for every release that Argo Rollouts was built with.

Errors are in expr's words and at the exact place; where a known slip was made they name the correction.
"""

from __future__ import annotations

from typing import NoReturn

from rolloutlint.lang.expr.lexer import ExprError, Token, describe, tokens, unquote
from rolloutlint.lang.expr.library import (
    BUILTINS,
    NEWEST,
    PREDICATES,
    V1_9_0,
    V1_12_5,
    V1_15_3,
    V1_17_7,
    Library,
    rollouts_of,
)
from rolloutlint.lang.expr.tree import (
    Array,
    Binary,
    Boolean,
    Bytes,
    Call,
    Chain,
    Conditional,
    Hole,
    Let,
    Map,
    Member,
    Method,
    Name,
    Nil,
    Node,
    Number,
    Pair,
    Pointer,
    Predicate,
    Sequence,
    Slice,
    String,
    Unary,
)

_BINARY = {
    "|": 0,
    "or": 10,
    "||": 10,
    "and": 15,
    "&&": 15,
    "==": 20,
    "!=": 20,
    "<": 20,
    ">": 20,
    ">=": 20,
    "<=": 20,
    "in": 20,
    "matches": 20,
    "contains": 20,
    "startsWith": 20,
    "endsWith": 20,
    "..": 25,
    "+": 30,
    "-": 30,
    "*": 60,
    "/": 60,
    "%": 60,
    "**": 100,
    "^": 100,
    "??": 500,
}
_UNARY = {"not": 50, "!": 50, "-": 90, "+": 90}
_BINARY_1_9 = {op: power for op, power in _BINARY.items() if op not in ("|", "^", "??")} | {"**": 70}
_UNARY_1_9 = {"not": 50, "!": 50, "-": 500, "+": 500}
_BINARY_1_12 = {op: power for op, power in _BINARY.items() if op != "|"}
_RIGHT = frozenset(("**", "^"))
_NEGATABLE = frozenset(("contains", "matches", "startsWith", "endsWith", "in"))
_ORDER = frozenset(("<", ">", "<=", ">="))
_OPERANDS = frozenset(("num", "str", "raw", "bytes", "id", "hole"))
_MAX_DEPTH = 60


class _OpenError(Exception):
    """What a placeholder stands for decides how the text is read."""


class _TooDeepError(Exception):
    """Nested deeper than is worth following."""


def parse(text: str, library: Library = NEWEST) -> Node:
    """The tree of `text` as `library` reads it; raises `ExprError` where it is no expression.

    Text that a placeholder keeps open, or that is nested absurdly deep, is one `Hole`.

    >>> parse("result[0] >= 0.95").span
    (0, 17)
    """
    try:
        return _Parser(text, library).whole()
    except (_OpenError, _TooDeepError):
        return Hole((0, len(text)), text)


class _Parser:
    __slots__ = ("at", "binary", "depth", "level", "library", "modern", "text", "tokens", "unary")

    def __init__(self, text: str, library: Library) -> None:
        self.text = text
        self.library = library
        self.modern = library >= V1_17_7
        self.binary = _BINARY if library >= V1_15_3 else _BINARY_1_12 if library >= V1_12_5 else _BINARY_1_9
        self.unary = _UNARY if library >= V1_12_5 else _UNARY_1_9
        self.tokens = tokens(text, library)
        self.at = 0
        self.depth = 0
        """How many predicates are open."""
        self.level = 0
        """How many expressions are open."""

    def whole(self) -> Node:
        node = self.sequence()
        if self.tokens[self.at][0] != "eof":
            self.unexpected()
        return node

    def next(self) -> Token:
        token = self.tokens[self.at]
        if token[0] != "eof":
            self.at += 1
        return token

    def is_op(self, text: str) -> bool:
        token = self.tokens[self.at]
        return token[1] == text and token[0] == "op"

    def is_bracket(self, text: str) -> bool:
        token = self.tokens[self.at]
        return token[1] == text and token[0] == "br"

    def expect(self, kind: str, text: str) -> None:
        token = self.tokens[self.at]
        if token[1] != text or token[0] != kind:
            self.unexpected()
        self.at += 1

    def end(self) -> int:
        return self.tokens[self.at - 1][3]

    def unexpected(self, index: int | None = None, message: str = "") -> NoReturn:
        at = self.at if index is None else index
        token = self.tokens[at]
        if token[0] == "hole" or (
            at and self.tokens[at - 1][0] == "hole" and (token[0] in _OPERANDS or token[1] in ("(", "[", "{", "not"))
        ):
            raise _OpenError
        raise _error(self.text, self.tokens, at, message, self.depth > 0)

    def too_old(self, token: Token, what: str, needed: Library, instead: str = "") -> NoReturn:
        hint = f"{what} needs Argo Rollouts {rollouts_of(needed)} or later"
        raise ExprError(
            f"unexpected token {describe(token)}", token[2], token[3], f"{hint}; {instead}" if instead else hint
        )

    def sequence(self) -> Node:
        start = self.tokens[self.at][2]
        first = self.expression(0)
        if not self.is_op(";"):
            return first
        if not self.modern:
            self.too_old(self.tokens[self.at], "`;`", V1_17_7)
        items = [first]
        while self.is_op(";"):
            self.at += 1
            if self.tokens[self.at][0] == "eof":
                break
            items.append(self.expression(0))
        return items[0] if len(items) == 1 else Sequence((start, self.end()), tuple(items))

    def body(self) -> Node:
        """What stands in brackets: several expressions where the release allows that."""
        return self.sequence() if self.modern else self.expression(0)

    def expression(self, power: int) -> Node:
        self.level += 1
        if self.level > _MAX_DEPTH:
            raise _TooDeepError
        token = self.tokens[self.at]
        start = token[2]
        if power == 0 and token[0] == "op":
            if token[1] == "let" and self.library >= V1_15_3:
                return self.let()
            if token[1] == "if" and self.modern:
                self.level -= 1
                return self.if_else()
        left = self.primary()
        previous = ""
        binary = self.binary
        operators = 0
        while True:
            token = self.tokens[self.at]
            if token[0] != "op":
                break
            op = token[1]
            negated = False
            if op == "not":
                following = self.tokens[self.at + 1]
                if following[0] != "op" or following[1] not in _NEGATABLE:
                    self.unexpected(self.at + 1 if self.library > V1_9_0 else None)
                op = following[1]
                if self.library == V1_9_0 and op != "in":
                    self.unexpected(self.at + 1)
                if binary[op] < power:
                    if V1_9_0 < self.library < V1_17_7:
                        # These releases lose the `not` here: `1 + x not in y` is `1 + x in y` (`parseExpression`).
                        self.at += 1
                    break
                negated = True
                self.at += 1
                token = following
            strength = binary.get(op)
            if strength is None or strength < power:
                break
            operators += 1
            if operators > _MAX_DEPTH * 2:
                raise _TooDeepError
            self.at += 1
            if op == "|":
                if self.tokens[self.at][0] != "id":
                    self.unexpected()
                left = self.call(self.next(), start, (left,))
            elif previous == "??" and op != "??":
                self.unexpected(
                    self.at - 1,
                    f"Operator ({op}) and coalesce expressions (??) cannot be mixed. Wrap either by parentheses.",
                )
            elif op in _ORDER and self.modern:
                left = self.comparison(left, start, token, strength)
            else:
                right = self.expression(strength if op in _RIGHT else strength + 1)
                left = Binary((start, self.end()), op, left, right, (token[2], token[3]))
                if negated:
                    left = Unary(left.span, "not", left)
            previous = op
        if power == 0 and token[1] == "?" and token[0] == "op":
            left = self.conditional(left, start)
        self.level -= 1
        return left

    def comparison(self, left: Node, start: int, token: Token, strength: int) -> Node:
        """`a < b`, or a chain of such (`parseComparison`)."""
        root: Node | None = None
        begin = start
        while True:
            from_ = self.tokens[self.at][2]
            right = self.expression(strength + 1)
            place = (token[2], token[3])
            step = Binary((begin, self.end()), token[1], left, right, place)
            root = step if root is None else Binary((start, self.end()), "&&", root, step, place)
            left, begin = right, from_
            token = self.tokens[self.at]
            if token[0] != "op" or token[1] not in _ORDER:
                return root
            self.at += 1

    def let(self) -> Node:
        start = self.next()[2]
        if self.tokens[self.at][0] != "id":
            self.unexpected()
        name = self.next()[1]
        self.expect("op", "=")
        value = self.expression(0)
        self.expect("op", ";")
        body = self.body()
        self.level -= 1
        return Let((start, self.end()), name, value, body)

    def if_else(self) -> Node:
        start = self.next()[2]
        test = self.expression(0)
        self.expect("br", "{")
        then = self.sequence()
        self.expect("br", "}")
        self.expect("op", "else")
        if self.is_op("if"):
            other = self.if_else()
        else:
            self.expect("br", "{")
            other = self.sequence()
            self.expect("br", "}")
        return Conditional((start, self.end()), test, then, other)

    def conditional(self, node: Node, start: int) -> Node:
        while self.is_op("?"):
            self.at += 1
            if self.is_op(":"):
                self.at += 1
                then = node
            else:
                then = self.expression(0)
                self.expect("op", ":")
            other = self.expression(0)
            node = Conditional((start, self.end()), node, then, other)
        return node

    def primary(self) -> Node:
        kind, text, start, end = token = self.tokens[self.at]
        if kind == "id":
            self.at += 1
            if text in ("true", "false"):
                return Boolean((start, end), text == "true")
            if text == "nil":
                return Nil((start, end))
            following = self.tokens[self.at]
            if following[1] == "(" and following[0] == "br":
                return self.postfix(self.call(token, start, ()), start)
            if text == "$env" and self.library < V1_15_3:
                raise ExprError("unknown name $env", start, end, "write `result`")
            return self.postfix(Name((start, end), text), start)
        if kind == "num":
            self.at += 1
            return self.postfix(Number((start, end), self.number(token)), start)
        if kind == "op":
            power = self.unary.get(text)
            if power is not None:
                self.at += 1
                operand = self.expression(power)
                return self.postfix(Unary((start, self.end()), text, operand), start)
            if self.depth and text in ("#", "."):
                return self.pointer(start)
            if text == "::" and self.modern:
                self.at += 1
                if self.tokens[self.at][0] != "id":
                    self.unexpected()
                return self.postfix(self.call(self.next(), start, ()), start)
            self.unexpected()
        if kind == "br":
            if text == "(":
                self.at += 1
                node = self.body()
                self.expect("br", ")")
                return self.postfix(node, start)
            if text == "[":
                return self.postfix(self.array(start), start)
            if text == "{":
                return self.postfix(self.map(start), start)
            self.unexpected()
        if kind == "eof":
            self.unexpected()
        self.at += 1
        if kind == "hole":
            return self.postfix(Hole((start, end), text), start)
        if kind == "bytes":
            return self.postfix(Bytes((start, end), unquote(text[1:], start + 1, binary=True)), start)
        value = unquote(text, start) if kind == "str" else text[1:-1].replace("``", "`")
        return self.postfix(String((start, end), value, "{{" in text), start)

    def number(self, token: Token) -> int | float:
        text = token[1].replace("_", "").lower()
        try:
            if "." in text or ("e" in text and not text.startswith("0x")):
                value: int | float = float(text)
            elif text[:2] in ("0x", "0b", "0o"):
                if text[1] != "x" and not self.modern:
                    raise ValueError
                value = int(text, 0)
            else:
                value = int(text)
        except ValueError:
            raise ExprError(f"invalid number literal {token[1]}", token[2], token[3]) from None
        if isinstance(value, int) and value >= 1 << 63:
            raise ExprError("integer literal is too large", token[2], token[3], "write it with `.0`")
        if value == float("inf"):
            raise ExprError("float literal is too large", token[2], token[3])
        return value

    def pointer(self, start: int) -> Node:
        name = ""
        end = start
        if self.is_op("#"):
            end = self.next()[3]
            if self.tokens[self.at][0] == "id":
                if self.library < V1_15_3:
                    self.unexpected()
                _, name, _, end = self.next()
        return self.postfix(Pointer((start, end), name), start)

    def array(self, start: int) -> Node:
        self.at += 1
        items: list[Node] = []
        while not self.is_bracket("]"):
            if items:
                self.expect("op", ",")
                if self.is_bracket("]"):
                    break
            items.append(self.expression(0))
        self.at += 1
        return Array((start, self.end()), tuple(items))

    def map(self, start: int) -> Node:
        self.at += 1
        pairs: list[Pair] = []
        while not self.is_bracket("}"):
            if pairs:
                self.expect("op", ",")
                if self.is_bracket("}"):
                    break
            kind, text, begin, end = self.tokens[self.at]
            key: Node
            if kind in ("num", "str", "raw", "id"):
                self.at += 1
                value = unquote(text, begin) if kind == "str" else text.strip("`")
                key = String((begin, end), value, "{{" in text)
            elif kind == "hole":
                self.at += 1
                key = Hole((begin, end), text)
            elif self.is_bracket("("):
                key = self.expression(0)
            else:
                self.unexpected(
                    message="a map key must be a quoted string, a number, a identifier, or an expression enclosed in"
                    f" parentheses (unexpected token {describe(self.tokens[self.at])})"
                )
            self.expect("op", ":")
            entry = self.expression(0)
            pairs.append(Pair((begin, self.end()), key, entry))
        self.at += 1
        return Map((start, self.end()), tuple(pairs))

    def call(self, token: Token, start: int, piped: tuple[Node, ...]) -> Node:
        _, name, begin, finish = token
        place = (begin, finish)
        since = BUILTINS.get(name)
        known = since is not None and since <= self.library
        spec = PREDICATES.get(name, "") if known else ""
        if name == "sum" and not self.modern:
            spec = ""
        args = list(piped)
        self.expect("br", "(")
        if not spec:
            self.arguments(args)
            return Call((start, self.end()), name, tuple(args), place)
        if name == "count" and not self.modern:
            spec = "ep"
        for index, kind in enumerate(spec[len(args) :]):
            if self.is_bracket(")"):
                if kind in "PE":
                    break
                if self.modern:
                    self.unexpected(message=f"expected at least {len(spec.rstrip('PE'))} arguments")
            if index:
                if kind == "E" and not self.is_op(","):
                    break
                self.expect("op", ",")
                if kind == "E" and self.is_bracket(")"):
                    break
            args.append(self.predicate() if kind in "pP" else self.expression(0))
        if self.modern and self.is_op(","):
            self.at += 1
        self.expect("br", ")")
        return Call((start, self.end()), name, tuple(args), place)

    def arguments(self, args: list[Node]) -> None:
        """What stands between parentheses, with the closing one."""
        first = True
        while not self.is_bracket(")"):
            if not first:
                self.expect("op", ",")
                if self.modern and self.is_bracket(")"):
                    break
            args.append(self.expression(0))
            first = False
        self.at += 1

    def predicate(self) -> Node:
        start = self.tokens[self.at][2]
        braces = self.is_bracket("{")
        if braces:
            self.at += 1
        elif self.library == V1_9_0:
            self.too_old(self.tokens[self.at], "a predicate without braces", V1_12_5, "write `{` and `}` around it")
        self.depth += 1
        body = self.body() if braces else self.expression(0)
        if not braces and self.modern and self.is_op(";"):
            self.unexpected(message="wrap predicate with brackets { and }")
        self.depth -= 1
        if braces:
            self.expect("br", "}")
        return Predicate((start, self.end()), body, braces)

    def postfix(self, node: Node, start: int) -> Node:
        while True:
            kind, text, _, _ = self.tokens[self.at]
            if kind == "br" and text == "[":
                node = self.index(node, start, optional=False)
                continue
            if kind != "op" or (text != "." and text != "?."):
                return node
            optional = text == "?."
            self.at += 1
            if optional and self.is_bracket("["):
                if not self.modern:
                    self.too_old(self.tokens[self.at], "`?.[`", V1_17_7)
                node = Chain((start, 0), self.index(node, start, optional=True))
                node = node._replace(span=(start, self.end()))
                continue
            kind, name, at, end = self.next()
            if kind != "id" and not (kind == "op" and name[0].isalpha()):
                self.unexpected(self.at - 1 if kind != "eof" else None, "expected name")
            chained = isinstance(node, Chain)
            if isinstance(node, Chain):
                node = node.expr
            member = Member((start, end), node, String((at, end), name), optional)
            node = member
            if self.is_bracket("("):
                self.at += 1
                args: list[Node] = []
                self.arguments(args)
                node = Method((start, self.end()), member, tuple(args))
            if chained or optional:
                node = Chain((start, self.end()), node)

    def index(self, node: Node, start: int, *, optional: bool) -> Node:
        self.at += 1
        low: Node | None = None
        if not self.is_op(":"):
            low = self.expression(0)
            if not self.is_op(":"):
                self.expect("br", "]")
                return Member((start, self.end()), node, low, optional)
        self.at += 1
        high = None if self.is_bracket("]") else self.expression(0)
        self.expect("br", "]")
        return Slice((start, self.end()), node, low, high)


def _error(text: str, found: list[Token], at: int, message: str, in_predicate: bool) -> ExprError:
    """The error at token `at`; its place is widened to the whole slip where one is recognised."""
    token = found[at]
    message = message or f"unexpected token {describe(token)}"
    hint, start, end = _slip(text, found, at, in_predicate)
    return ExprError(message, start, end, hint)


_NOTHING: Token = ("eof", "", -1, -1)
_CLOSING = {"(": ")", "[": "]", "{": "}"}


def _slip(text: str, found: list[Token], at: int, in_predicate: bool) -> tuple[str, int, int]:
    """What was probably meant where token `at` cannot stand, and the place of the slip."""
    kind, word, start, end = token = found[at]
    before = found[at - 1] if at else _NOTHING
    after = found[at + 1] if at + 1 < len(found) else _NOTHING
    percent = token if word == "%" else before
    if percent[1] == "%" and percent[0] == "op":
        number = found[found.index(percent) - 1]
        if number[0] == "num" and number[1].replace(".", "", 1).isdigit():
            written = f"{float(number[1]) / 100:g}"
            return f"`%` is no unit: write {written}, or {number[1]} for a query of percents", number[2], percent[3]
    slip = _operator_slip(token, before, after, found[at - 2] if at > 1 else _NOTHING)
    if slip is not None:
        return slip
    if word == "#" and not in_predicate:
        if not at or _ends_operand(before):
            return "a comment begins with `//`", start, len(text)
        return "`#` has a meaning only inside all, any, filter and the like", start, end
    if kind == "num" and word[0] == "." and before[3] == start and (before[0] == "id" or before[1] in (")", "]")):
        return f"write `[{word[1:]}]` to take an element", start, end
    if word == "," and before[0] == after[0] == "num" and before[3] == start and after[2] == end:
        return f"write `{before[1]}.{after[1]}`", before[2], after[3]
    opened = _unclosed(found, at)
    if kind == "eof" and opened is not None:
        return f"this `{opened[1]}` is not closed: add `{_CLOSING[opened[1]]}`", opened[2], opened[3]
    if word in (")", "]", "}"):
        if opened is None:
            return f"nothing was opened that this `{word}` could close: remove it", start, end
        if _CLOSING[opened[1]] != word:
            return (
                f"the `{opened[1]}` at character {opened[2] + 1} is not closed: add `{_CLOSING[opened[1]]}`",
                start,
                end,
            )
    if kind == "eof":
        if not at:
            return "write a condition, or leave the field out", 0, len(text)
        if before[0] == "op":
            return f"write what follows `{before[1]}`", before[2], before[3]
    if _ends_operand(before):
        if kind in _OPERANDS or word in ("(", "[", "{"):
            return "an operator is missing before it", start, end
    elif kind == "op" and before[0] == "op":
        return f"write what stands between `{before[1]}` and `{word}`", start, end
    return "", start, end


def _operator_slip(token: Token, before: Token, after: Token, second: Token) -> tuple[str, int, int] | None:
    """An operator of another language; `second` stands before `before`."""
    kind, word, start, end = token
    if word == "=":
        if after[1] in (">", "<") and after[2] == end:
            return f"write `{after[1]}=`", start, after[3]
        if before[3] == start and before[1] in ("==", "!=", "<=", ">="):
            return f"write `{before[1]}`", before[2], end
        return "write `==` to compare", start, end
    if word == ">" and before[1] == "<" and before[3] == start:
        return "write `!=`", before[2], end
    if word == "&" and kind == "op":
        return "write `&&` or `and`", start, end
    pipe = next((near for near in (token, before, second) if near[1] == "|" and near[0] == "op"), None)
    if pipe is not None:
        return "write `||` or `or`", pipe[2], pipe[3]
    if kind == "id" and word.upper() in ("AND", "OR", "NOT", "IN"):
        return f"write `{word.lower()}` in lower case", start, end
    if before[0] == "id" and before[1].upper() in ("AND", "OR", "NOT"):
        return f"write `{before[1].lower()}` in lower case", before[2], before[3]
    if before[1] == "not" and before[0] == "op" and _ends_operand(second):
        return "write `not (a < b)`: `not` stands before a whole comparison", before[2], end
    return None


def _ends_operand(token: Token) -> bool:
    return token[0] in _OPERANDS or token[1] in (")", "]", "}")


def _unclosed(found: list[Token], at: int) -> Token | None:
    """The innermost bracket that is open before token `at`."""
    stack: list[Token] = []
    for token in found[:at]:
        if token[0] == "br":
            if token[1] in _CLOSING:
                stack.append(token)
            elif stack:
                stack.pop()
    return stack[-1] if stack else None
