"""The syntax of Go's `text/template`: a text to its tree, with the offsets of every action.

Mirrors `text/template/parse/{lex,parse}.go`. `define`, `block` and `template` are not read: such a text is unsupported.
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from typing import Literal, NamedTuple, TypeAlias

from rolloutlint.lang.gotemplate.values import GoError, UnsupportedError

MAX_DEPTH = 60
"""Nesting beyond which a template is not read."""


class Text(NamedTuple):
    """Literal text, spaces already trimmed."""

    text: str


class Word(NamedTuple):
    """An operand: what it is, its text or value, and where it stands."""

    kind: Literal["field", "variable", "function", "dot", "nil", "bool", "string", "int", "float"]
    value: str | bool | int | float
    names: tuple[str, ...]
    """The fields after it: `("a", "b")` in `.a.b`, `$x.a.b`."""
    start: int
    end: int


class Chain(NamedTuple):
    """A pipeline in parentheses and the fields taken of it: `(index .x 0).name`."""

    inner: Pipeline | Word
    names: tuple[str, ...]
    start: int
    end: int


Operand: TypeAlias = "Word | Chain | Pipeline"


class Pipeline(NamedTuple):
    """Commands joined by `|`, after the variables that take the outcome."""

    variables: tuple[str, ...]
    assigns: bool
    """`=` and not `:=`."""
    commands: tuple[tuple[Operand, ...], ...]


class Action(NamedTuple):
    """`{{ pipeline }}`; offsets include the braces."""

    pipeline: Pipeline
    start: int
    end: int


class Branch(NamedTuple):
    """`if`, `with` or `range` with both lists."""

    kind: Literal["if", "with", "range"]
    pipeline: Pipeline
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...]
    start: int
    end: int


class Jump(NamedTuple):
    """`{{break}}` or `{{continue}}`."""

    kind: str


Node: TypeAlias = "Text | Action | Branch | Jump"


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


_SPACE = " \t\r\n"
_TRIMS = tuple("-" + space for space in _SPACE)
_STRING = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"')
_CHAR = re.compile(r"'(?:[^'\\\n]|\\[^\n])*'")
_RAW = re.compile(r"`[^`]*`")
_NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*|0[bB][01_]*"
    r"|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?"
)
_NAME = re.compile(r"\w+")
_KEYWORDS = frozenset(("block", "break", "continue", "define", "else", "end", "if", "range", "nil", "template", "with"))
_ENDS = _SPACE + ".,|:)("


def parse(text: str, functions: Container[str]) -> tuple[Node, ...]:
    """The tree of a template. Raises `GoError` for what Go refuses and `UnsupportedError` for what is not read here."""
    return _Parser(text, functions).whole()


class _Parser:
    """Pieces of text and actions in turn; the tokens of an action are read when it is reached."""

    def __init__(self, text: str, functions: Container[str]) -> None:
        self.text = text
        self.functions = functions
        self.position = 0
        self.tokens: list[_Token] = []
        self.at = 0
        self.variables = ["$"]
        self.ranges = 0
        self.depth = 0
        self.opened = 0
        self.pending = ""

    # ---- text and delimiters -------------------------------------------------------------------------------

    def whole(self) -> tuple[Node, ...]:
        nodes, closing = self.nodes()
        if closing:
            raise GoError(f"unexpected {{{{{closing}}}}}")
        return nodes

    def nodes(self) -> tuple[tuple[Node, ...], str]:
        """Nodes up to `{{end}}`, `{{else}}` or the end of the text, and which of them (`""`: the end of the text)."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise UnsupportedError("templates nested too deeply")
        found: list[Node] = []
        closing = ""
        while not closing:
            opening = self.text.find("{{", self.position)
            if opening < 0:
                self.add_text(found, self.text[self.position :])
                self.position = len(self.text)
                break
            trimmed = self.text.startswith(_TRIMS, opening + 2)
            before = self.text[self.position : opening]
            self.add_text(found, before.rstrip(_SPACE) if trimmed else before)
            self.opened = opening
            self.position = opening + (4 if trimmed else 2)
            if self.text.startswith("/*", self.position):
                self.skip_comment()
                continue
            self.read_action()
            node = self.action()
            if isinstance(node, str):
                closing = node
            else:
                found.append(node)
        self.depth -= 1
        return tuple(found), closing

    @staticmethod
    def add_text(found: list[Node], text: str) -> None:
        if text:
            found.append(Text(text))

    def skip_comment(self) -> None:
        end = self.text.find("*/", self.position + 2)
        if end < 0:
            raise GoError("unclosed comment")
        self.position = end + 2
        if not self.close():
            raise GoError("comment ends before closing delimiter")

    def close(self) -> bool:
        """Pass the closing delimiter, with the spaces that it trims, if it stands here."""
        text, at = self.text, self.position
        if text[at : at + 1] in _SPACE and text.startswith("-}}", at + 1) and at < len(text):
            self.position = at + 4
            while self.position < len(text) and text[self.position] in _SPACE:
                self.position += 1
            return True
        if text.startswith("}}", at):
            self.position = at + 2
            return True
        return False

    # ---- tokens --------------------------------------------------------------------------------------------

    def read_action(self) -> None:
        """The tokens of the action that starts here, up to its closing delimiter."""
        self.tokens, self.at = [], 0
        parentheses = 0
        text = self.text
        while True:
            at = self.position
            if text.startswith("}}", at) or (at < len(text) and text[at] in _SPACE and text.startswith("-}}", at + 1)):
                if parentheses:
                    raise GoError("unclosed left paren")
                self.close()
                self.tokens.append(_Token("close", "", at, self.position))
                return
            if at >= len(text):
                raise GoError("unclosed action")
            token = self.token(at)
            parentheses += {"(": 1, ")": -1}.get(token.kind, 0)
            if parentheses < 0:
                raise GoError("unexpected right paren")
            self.tokens.append(token)
            self.position = token.end

    def token(self, at: int) -> _Token:
        text, char = self.text, self.text[at]
        if char in _SPACE:
            end = at
            while end < len(text) and text[end] in _SPACE:
                end += 1
            if end - at > 1 and text.startswith("-}}", end):
                end -= 1
            return _Token("space", "", at, end)
        if char == ":" and not text.startswith(":=", at):
            raise GoError("expected :=")
        for symbol, kind in ((":=", ":="), ("=", "="), ("|", "|"), ("(", "("), (")", ")")):
            if text.startswith(symbol, at):
                return _Token(kind, symbol, at, at + len(symbol))
        for quote, pattern, kind in (('"', _STRING, "string"), ("`", _RAW, "raw"), ("'", _CHAR, "char")):
            if char == quote:
                found = pattern.match(text, at)
                if found is None:
                    raise GoError("unterminated quoted string")
                return _Token(kind, found[0], at, found.end())
        if char == "$" or (char == "." and not text[at + 1 : at + 2].isdecimal()):
            return self.named(at, "variable" if char == "$" else "field")
        if char in "+-." or (char.isascii() and char.isdecimal()):
            found = _NUMBER.match(text, at)
            end = found.end() if found else at + 1
            if end < len(text) and (text[end] == "_" or text[end].isalnum() or text[end] in "+-"):
                raise GoError("bad number syntax")
            return _Token("number", text[at:end], at, end)
        if char == "_" or char.isalpha() or char.isdigit():
            word = _NAME.match(text, at)
            end = word.end() if word else at + 1
            self.terminated(end)
            name = text[at:end]
            if name in ("break", "continue"):
                return _Token(name, name, at, end)
            return _Token(name if name in _KEYWORDS else "bool" if name in ("true", "false") else "word", name, at, end)
        if char.isascii() and char.isprintable():
            return _Token("char ", char, at, at + 1)
        raise GoError("unrecognized character in action")

    def named(self, at: int, kind: str) -> _Token:
        """`.name`, `.`, `$name` or `$`."""
        word = _NAME.match(self.text, at + 1)
        end = word.end() if word else at + 1
        self.terminated(end)
        return _Token("dot" if kind == "field" and end == at + 1 else kind, self.text[at:end], at, end)

    def terminated(self, at: int) -> None:
        if at < len(self.text) and self.text[at] not in _ENDS and not self.text.startswith("}}", at):
            raise GoError(f"bad character {self.text[at]!r}")

    # ---- actions -------------------------------------------------------------------------------------------

    def peek(self, spaces: bool = False) -> _Token:
        """The next token; spaces before it are passed unless they are asked for."""
        while not spaces and self.tokens[self.at].kind == "space":
            self.at += 1
        return self.tokens[self.at]

    def take(self, spaces: bool = False) -> _Token:
        token = self.peek(spaces)
        self.at += 1
        return token

    def action(self) -> Node | str:
        start = self.opened
        kind = self.peek().kind
        if kind in ("define", "block", "template"):
            raise UnsupportedError(f"{{{{{kind}}}}}")
        if kind in ("break", "continue"):
            self.take()
            self.expect_close(kind)
            if not self.ranges:
                raise GoError(f"{{{{{kind}}}}} outside {{{{range}}}}")
            return Jump(kind)
        if kind == "end":
            self.take()
            self.expect_close(kind)
            return "end"
        if kind == "else":
            self.take()
            following = self.peek().kind
            if following in ("if", "with"):
                self.pending = following
                return "else"
            self.expect_close(kind)
            return "else"
        if kind in ("if", "with", "range"):
            self.take()
            return self.control(kind, start)
        pipeline = self.pipeline("command", "close")
        return Action(pipeline, start, self.position)

    def expect_close(self, context: str) -> None:
        token = self.take()
        if token.kind != "close":
            raise GoError(f"unexpected {token.text!r} in {context}")

    def control(self, kind: str, start: int) -> Branch:
        kept = len(self.variables)
        pipeline = self.pipeline(kind, "close")
        end = self.position
        self.ranges += kind == "range"
        body, closing = self.nodes()
        self.ranges -= kind == "range"
        otherwise: tuple[Node, ...] = ()
        if not closing:
            raise GoError("unexpected EOF")
        if closing == "else":
            if self.pending:
                pending, self.pending = self.pending, ""
                if pending != kind:
                    raise GoError(f"unexpected {{{{else {pending}}}}} in {kind}")
                self.take()
                self.depth += 1
                if self.depth > MAX_DEPTH:
                    raise UnsupportedError("templates nested too deeply")
                otherwise = (self.control(pending, self.opened),)
                self.depth -= 1
            else:
                otherwise, closing = self.nodes()
                if closing != "end":
                    raise GoError("expected end")
        del self.variables[kept:]
        return Branch(kind, pipeline, body, otherwise, start, end)  # type: ignore[arg-type]

    # ---- pipelines -----------------------------------------------------------------------------------------

    def pipeline(self, context: str, end: str) -> Pipeline:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise UnsupportedError("expressions nested too deeply")
        variables, assigns = self.declarations(context)
        commands: list[tuple[Operand, ...]] = []
        while True:
            token = self.peek()
            if token.kind == end:
                self.take()
                break
            if token.kind not in _OPERANDS:
                raise GoError(f"unexpected {token.text!r} in {context}")
            commands.append(self.command())
        if not commands:
            raise GoError(f"missing value for {context}")
        for command in commands[1:]:
            first = command[0]
            if isinstance(first, Word) and first.kind in ("bool", "dot", "nil", "int", "float", "string"):
                raise GoError("non executable command in pipeline")
        self.depth -= 1
        return Pipeline(variables, assigns, tuple(commands))

    def declarations(self, context: str) -> tuple[tuple[str, ...], bool]:
        found: list[str] = []
        while self.peek().kind == "variable":
            back = self.at
            name = self.take().text
            following = self.peek()
            if following.kind in ("=", ":="):
                self.take()
                self.variables.append(name)
                return (*found, name), following.kind == "="
            if following.kind == "char " and following.text == ",":
                self.take()
                self.variables.append(name)
                found.append(name)
                if context != "range" or len(found) > 1:
                    raise GoError(f"too many declarations in {context}")
                if self.peek().kind not in ("variable", "close", ")"):
                    raise GoError("range can only initialize variables")
                continue
            self.at = back
            break
        if found:
            raise UnsupportedError("a range with half of its variables")
        return (), False

    def command(self) -> tuple[Operand, ...]:
        operands: list[Operand] = []
        while True:
            self.peek()
            operand = self.operand()
            if operand is not None:
                operands.append(operand)
            token = self.take(spaces=True)
            if token.kind == "space":
                continue
            if token.kind in ("close", ")"):
                self.at -= 1
            elif token.kind != "|":
                raise GoError(f"unexpected {token.text!r} in operand")
            break
        if not operands:
            raise GoError("empty command")
        return tuple(operands)

    def operand(self) -> Operand | None:
        term = self.term()
        if term is None:
            return None
        names: list[str] = []
        end = self.tokens[self.at - 1].end
        while self.peek(spaces=True).kind == "field":
            token = self.take()
            names.append(token.text[1:])
            end = token.end
        if not names:
            return term
        if isinstance(term, Word):
            if term.kind in ("field", "variable"):
                return term._replace(names=(*term.names, *names), end=end)
            if term.kind != "function":
                raise GoError("unexpected . after term")
            return Chain(term, tuple(names), term.start, end)
        return Chain(term, tuple(names), self.opened, end)

    def term(self) -> Word | Pipeline | None:
        token = self.peek()
        kind, text, start, end = token
        if kind == "word":
            if text not in self.functions:
                raise GoError(f'function "{text}" not defined')
            word = Word("function", text, (), start, end)
        elif kind == "dot":
            word = Word("dot", "", (), start, end)
        elif kind == "nil":
            word = Word("nil", "", (), start, end)
        elif kind == "variable":
            if text not in self.variables:
                raise GoError(f'undefined variable "{text}"')
            word = Word("variable", text, (), start, end)
        elif kind == "field":
            word = Word("field", text, (text[1:],), start, end)
        elif kind == "bool":
            word = Word("bool", text == "true", (), start, end)
        elif kind == "number":
            word = _number(text, start, end)
        elif kind == "char":
            word = _rune(text, start, end)
        elif kind in ("string", "raw"):
            value = text[1:-1].replace("\r", "") if kind == "raw" else _unquote(text[1:-1])
            word = Word("string", value, (), start, end)
        elif kind == "(":
            self.take()
            return self.pipeline("parenthesized pipeline", ")")
        else:
            return None
        self.take()
        return word


_OPERANDS = frozenset(("bool", "char", "dot", "field", "word", "number", "nil", "raw", "string", "variable", "("))

_ESCAPE = re.compile(
    r"\\(?:([abfnrtv\\\"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|.)", re.DOTALL
)
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}


def _unquote(text: str) -> str:
    """`strconv.Unquote` of what stands between double quotes."""

    def escape(found: re.Match[str]) -> str:
        simple, byte, short, long, octal = found.groups()
        if simple:
            return _ESCAPES[simple]
        code = int(byte or short or long or octal or "-1", 8 if octal else 16)
        if code < 0 or code > 0x10FFFF or 0xD800 <= code < 0xE000 or (octal and code > 255):
            raise GoError("invalid syntax")
        if (byte or octal) and code > 127:
            raise UnsupportedError("a byte that is no character")
        return chr(code)

    return _ESCAPE.sub(escape, text)


def _number(text: str, start: int, end: int) -> Word:
    """`parse.newNumber` and the ideal constant that comes of it: `int` unless it is written as a float."""
    plain = text.lstrip("+-")
    if text.endswith("i"):
        raise UnsupportedError("a complex number")
    if re.fullmatch(r"0|[1-9][0-9]*", plain):
        value = int(text)
        if not -(2**63) <= value < 2**63:
            raise GoError(f"{text} overflows int")
        return Word("int", value, (), start, end)
    if re.fullmatch(r"[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?:\.[0-9]*)?[eE][+-]?[0-9]+", plain) and len(plain) < 300:
        return Word("float", float(text), (), start, end)
    if re.fullmatch(r"0[xX][0-9a-fA-F]{1,15}|0[oO]?[0-7]{1,20}|0[bB][01]{1,62}", plain):
        digits = plain if plain[1:2] in "xXoObB" and plain[1:2] else "0o" + plain[1:]
        return Word("int", -int(digits, 0) if text.startswith("-") else int(digits, 0), (), start, end)
    if re.fullmatch(r"[.+-]*|0[89][0-9]*|0[0-7]*[89][0-9]*", text):
        raise GoError(f"bad number syntax: {text!r}")
    raise UnsupportedError(f"the number {text}")


def _rune(text: str, start: int, end: int) -> Word:
    inner = text[1:-1]
    if len(inner) != 1:
        raise UnsupportedError("an escaped character constant")
    return Word("int", ord(inner), (), start, end)


def fields(nodes: Sequence[Node]) -> list[Word]:
    """Every field of the root that a tree reads where dot is the root (not below `with` and `range`), in order."""
    found: list[Word] = []

    def visit(pipeline: Pipeline) -> None:
        for command in pipeline.commands:
            for operand in command:
                look(operand)

    def look(operand: Operand) -> None:
        if isinstance(operand, Pipeline):
            visit(operand)
        elif isinstance(operand, Chain):
            look(operand.inner)
        elif operand.kind == "field":
            found.append(operand)

    def walk(some: Sequence[Node]) -> None:
        for node in some:
            if isinstance(node, Action):
                visit(node.pipeline)
            elif isinstance(node, Branch):
                visit(node.pipeline)
                if node.kind == "if":
                    walk(node.body)
                walk(node.otherwise)

    walk(nodes)
    return found
