"""The PromQL parser: text in, syntax tree with exact spans out, or the error of Prometheus.

Accepts and refuses what prometheus `promql/parser/generated_parser.y` and `promql/parser/parse.go` accept and refuse
(checked against 2.42 and 3.14), in their words. It reads the text directly with a few fused regular expressions (a
whole label matcher at a time), by precedence climbing. Argo's `{{args.x}}` placeholders may stand anywhere;
their position decides what they are taken for, and nothing is assumed about what they hold.
"""

from __future__ import annotations

import re
from typing import Literal, NoReturn, TypeAlias

from rolloutlint.lang.regexp import go_regexp

from . import slips
from .functions import AGGREGATIONS, FUNCTIONS, Function
from .lexer import (
    DURATION,
    LABEL,
    MATCH_OPERATOR,
    NO_METRIC,
    NUMBER,
    OPERATOR,
    SPACE,
    STRING,
    WORD,
    Kind,
    PromQLError,
    Value,
    glued,
    is_numeric,
    literal,
    shortened,
    skip_space,
    string,
    token,
    unclosed,
)
from .tree import (
    Aggregation,
    Binary,
    Call,
    Duration,
    Grouping,
    Hole,
    Matcher,
    Matching,
    Node,
    Number,
    Paren,
    Range,
    Selector,
    Span,
    String,
    Subquery,
    Type,
    Unary,
    children,
)

Version: TypeAlias = Literal[2, 3]

MAX_DEPTH = 120
"""How deep a tree may be: enough for any query, and little enough for every recursive reader of the tree."""

_PRECEDENCE = {
    "or": 1,
    "and": 2,
    "unless": 2,
    "==": 3,
    "!=": 3,
    "<": 3,
    "<=": 3,
    ">": 3,
    ">=": 3,
    "</": 3,
    ">/": 3,
    "+": 4,
    "-": 4,
    "*": 5,
    "/": 5,
    "%": 5,
    "atan2": 5,
    "^": 6,
}
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_SET_OPERATORS = frozenset({"and", "or", "unless"})
_NUMBERS = {"inf": float("inf"), "nan": float("nan")}
_NO_NAMES = NO_METRIC | _NUMBERS.keys()
_MOST_SECONDS = 9_223_372_036
"""What fits into Go's `time.Duration`."""

# 1: a word, 2: the bracket right after it; 3: a number; 4: a string without escapes; 5: any other start
_operand = re.compile(rf"{SPACE}(?:({WORD})(?:{SPACE}([({{]))?|({NUMBER})|({STRING})|([-+(\"'`{{]))").match
# 1: a whole matcher's label, 2: operator, 3: value, and 4: what follows it; 5: a closing brace
_matcher = re.compile(
    rf"{SPACE}(?:({LABEL}){SPACE}({MATCH_OPERATOR}){SPACE}({STRING}){SPACE}([,}}])|(\}}))",
).match
# 1: an operator; 2: a word; 3: a plain window, closed; 4: `[`, `@` or a placeholder
_next = re.compile(
    rf"{SPACE}(?:({OPERATOR})|([A-Za-z_][A-Za-z0-9_]*)|\[[ \t\r\n]*({DURATION})[ \t\r\n]*\]|(\[|@|\{{(?=\{{)))?"
).match
_modifier = re.compile(
    rf"{SPACE}(?:(bool|on|ignoring|group_left|group_right)(?![A-Za-z0-9_:])|(fill(?:_left|_right)?)[ \t\r\n]*\()",
    re.IGNORECASE,
).match
_grouping = re.compile(rf"{SPACE}(by|without)(?![A-Za-z0-9_:])", re.IGNORECASE).match
_word = re.compile(WORD).match
_label = re.compile(LABEL).match
_number = re.compile(NUMBER).match
_match_operator = re.compile(MATCH_OPERATOR).match
_plain_label = re.compile(rf"{SPACE}({LABEL}){SPACE}([,)])").match
_duration_word = re.compile(r"(?:step|range|max_of|min_of)[ \t\r\n]*\(", re.IGNORECASE).match
_starts_operand = re.compile(rf"{WORD}|{NUMBER}|[(\"'`{{]").match


def parse(text: str, version: Version | None = None) -> Node:
    """The tree of a PromQL expression.

    `version` is the major version of Prometheus that reads it. Without one only what neither 2.x nor 3.x takes is
    refused; experimental functions and modifiers count as enabled. Raises `PromQLError`, and nothing else, for any
    text.
    """
    parser = _Parser(text, version)
    try:
        return parser.read()
    except PromQLError as error:
        if not error.hint:
            error.hint = slips.hint(text, error)
        raise


class _Parser:
    """One pass over one text. `position` is where reading goes on; after `_expression` it is on no space."""

    __slots__ = ("deferred", "depth", "levels", "position", "text", "version")

    def __init__(self, text: str, version: Version | None) -> None:
        self.text = text
        self.version = version
        self.position = 0
        self.depth = 0
        self.levels = 0
        self.deferred: PromQLError | None = None

    def read(self) -> Node:
        text = self.text
        start = skip_space(text, 0)
        if start >= len(text):
            raise PromQLError("no expression found in input", 0, len(text))
        node = self._expression(0)
        if self.position < len(text):
            self._unexpected()
        if self.deferred is not None:
            raise self.deferred
        if self.levels > MAX_DEPTH:
            _check_depth(node)
        return node

    # --- errors ---------------------------------------------------------------------------------------------

    def _defer(self, message: str, span: Span, kind: Kind = "type", hint: str = "") -> None:
        """A fault that Prometheus looks for only once the syntax is right: the first of them counts."""
        if self.deferred is None:
            self.deferred = PromQLError(message, span[0], span[1], hint, kind)

    def _unexpected(self, context: str = "", expected: str = "", within: str = "") -> NoReturn:
        """Raise the error for the token at `position`."""
        text = self.text
        position = skip_space(text, self.position)
        if position >= len(text):
            still_open = unclosed(text)
            if still_open:
                opener = still_open[-1]
                char = text[opener]
                if char == "{":
                    raise PromQLError("unexpected end of input inside braces", opener, opener + 1)
                raise PromQLError(f"unclosed left {'bracket' if char == '[' else 'parenthesis'}", opener, opener + 1)
        elif text[position] == ")" and not within and self.depth <= 1 and not context:
            raise PromQLError("unexpected right parenthesis ')'", position, position + 1)
        found = token(text, position, within)
        message = f"unexpected {found.name}"
        if context:
            message += f" in {context}"
        if expected:
            message += f", expected {expected}"
        raise PromQLError(message, found.start, found.end)

    def _expect(self, char: str, context: str = "", expected: str = "", within: str = "") -> int:
        """Step over `char`; the offset after it."""
        position = skip_space(self.text, self.position)
        self.position = position
        if not self.text.startswith(char, position):
            self._unexpected(context, expected, within)
        self.position = position + 1
        return position + 1

    # --- expressions ----------------------------------------------------------------------------------------

    def _expression(self, floor: int) -> Node:
        """An operand and every operator that binds at least as tightly as `floor`."""
        text = self.text
        self.depth += 1
        self.levels += 1
        found = _operand(text, self.position)
        if self.depth > MAX_DEPTH:
            start = found.end() - 1 if found else self.position
            raise PromQLError("nested too deeply to be read", start, start + 1, kind="depth")
        node: Node
        if found is None:
            self._unexpected()
        kind = found.lastindex
        if kind == 2:
            start = found.start(1)
            after = found.end()
            if found[2] == "(":
                self.position = after
                node = self._call(found[1], start, found.end(1))
            elif text.startswith("{", after):
                node = self._placeholder(start) if after - 1 == found.end(1) else self._name(found[1], start)
            else:
                node = self._braces(found[1], start, found.end(1), after)
        elif kind == 1:
            node = self._name(found[1], found.start(1))
        elif kind == 3:
            node = self._literal(found[3], found.start(3))
        elif kind == 4:
            start, end = found.span(4)
            self.position = end
            node = String((start, end), text[start + 1 : end - 1])
        else:
            start = found.end() - 1
            char = text[start]
            if char == "(":
                self.position = start + 1
                inner = self._expression(0)
                end = self._expect(")")
                node = Paren((start, end), inner)
            elif char == "{":
                if text.startswith("{", start + 1):
                    node = self._placeholder(start)
                else:
                    node = self._braces(None, start, start, start + 1)
            elif char in "+-":
                self.position = start + 1
                node = self._signed(char, start)
            else:
                value, end = string(text, start)
                self.position = end
                node = String((start, end), value)

        while True:
            found = _next(text, self.position)
            kind = found.lastindex if found is not None else None
            if found is None or kind is None:
                self.position = found.end() if found is not None else self.position
                self.depth -= 1
                return node
            if kind == 1:
                precedence = _PRECEDENCE[found[1]]
                if precedence < floor:
                    self.position = found.start(1)
                    self.depth -= 1
                    return node
                node = self._binary(node, found[1], precedence, found.span(1))
            elif kind == 3:
                node = self._plain_window(node, found[3], found.span(3), found.end())
            elif kind == 2:
                word = found[2].lower()
                if word in _PRECEDENCE:
                    precedence = _PRECEDENCE[word]
                    if precedence < floor:
                        self.position = found.start(2)
                        self.depth -= 1
                        return node
                    node = self._binary(node, word, precedence, found.span(2))
                elif word == "offset":
                    self.position = found.end()
                    node = self._offset(node, found.start(2))
                elif word in ("by", "without") and isinstance(node, Hole):
                    self.position = found.start(2)
                    node = self._unknown_aggregation(node)
                elif word in ("anchored", "smoothed") and self.version != 2:
                    self.position = found.end()
                    if not isinstance(node, Selector | Range):
                        raise PromQLError(f"{word} modifier not implemented", *node.span, kind="type")
                else:
                    self.position = found.start(2)
                    self._unexpected()
            else:
                self.position = found.start(4)
                char = found[4]
                if char == "[":
                    node = self._brackets(node)
                elif char == "@":
                    node = self._at(node)
                else:
                    node = self._unknown_operator(node)

    def _name(self, word: str, start: int) -> Node:
        """A word that no bracket follows."""
        text = self.text
        end = start + len(word)
        if text.startswith("{{", end):
            return self._placeholder(start)
        low = word.lower()
        if low in _NUMBERS:
            self.position = end
            return Number((start, end), _NUMBERS[low])
        if low in AGGREGATIONS and _grouping(text, end):
            return self._aggregation(low, start, end)
        if low in NO_METRIC:
            self.position = start
            self._unexpected()
        self.position = end
        return Selector((start, end), word, (), None, None)

    def _literal(self, word: str, start: int) -> Node:
        end = start + len(word)
        if self.text.startswith("{{", end):
            return self._placeholder(start)
        value = self._value(word, start)
        self.position = end
        if self.version == 2 and value.is_duration:
            raise PromQLError(f'unexpected duration "{word}"', start, end)
        return Number((start, end), value.value)

    def _value(self, word: str, start: int) -> Value:
        value = literal(word)
        if value.fault:
            raise PromQLError(value.fault, start, start + len(word))
        if self.version == 2 and "_" in word:
            raise PromQLError(f'bad number or duration syntax: "{word}"', start, start + len(word))
        return value

    def _signed(self, sign: str, start: int) -> Node:
        node = self._expression(6)
        if isinstance(node, Number):
            return Number((start, node.span[1]), -node.value if sign == "-" else node.value)
        span = (start, node.span[1])
        of = node.type
        if of == "matrix" or of == "string":
            self._defer(
                "unary expression only allowed on expressions of type scalar or instant vector, "
                f'got "{_documented(of)}"',
                span,
            )
        return Unary(span, sign, node)

    def _placeholder(self, start: int) -> Node:
        """A word with placeholders in it: a name, a function, a number or a whole expression."""
        text = self.text
        end = glued(text, start)
        word = text[start:end]
        self.position = end
        after = skip_space(text, end)
        if text.startswith("(", after):
            self.position = after + 1
            arguments = self._arguments()
            return self._grouped_unknown(Call((start, self.position), word, arguments, None))
        if text.startswith("{", after) and not text.startswith("{", after + 1):
            return self._braces(word, start, end, after + 1)
        if is_numeric(word):
            return Hole((start, end), word)
        return Selector((start, end), word, (), None, None)

    def _grouped_unknown(self, call: Call) -> Call:
        """`{{args.f}}(x) by (pod)` may be an aggregation."""
        if _grouping(self.text, self.position):
            grouping = self._group()
            return call._replace(span=(call.span[0], grouping.span[1]))
        return call

    def _unknown_aggregation(self, function: Hole) -> Node:
        """`{{args.aggregation}} by (pod) (x)`."""
        self._group()
        self._expect("(", "aggregation")
        arguments = self._arguments()
        return Call((function.span[0], self.position), function.text, arguments, None)

    def _unknown_operator(self, left: Node) -> Node:
        """`x {{args.operator}} 5`, `x {{args.guard}}`: what a placeholder after an operand makes of it is open."""
        text = self.text
        self.position = end = glued(text, self.position)
        after = skip_space(text, end)
        following = _starts_operand(text, after)
        if following and following[0].lower() not in _PRECEDENCE and following[0].lower() not in ("offset", "by"):
            end = self._expression(0).span[1]
        start = left.span[0]
        return Hole((start, end), text[start:end])

    # --- operators ------------------------------------------------------------------------------------------

    def _binary(self, left: Node, op: str, precedence: int, op_span: Span) -> Node:
        self.levels += 1
        self.position = op_span[1]
        return_bool = False
        matching: Matching | None = None
        fill: tuple[tuple[str, str], ...] = ()
        modified = op_span[1]
        if _modifier(self.text, op_span[1]):
            return_bool, matching, fill = self._modifiers()
            modified = self.position
        right = self._expression(precedence if op == "^" else precedence + 1)
        if self.version == 2 and op in ("</", ">/"):
            raise PromQLError(f'unexpected "{op[1]}"', op_span[0] + 1, op_span[1])
        span = (left.span[0], right.span[1])
        left_type = left.type
        right_type = right.type
        of: Type
        if left_type == "vector" == right_type and matching is None and not return_bool:
            of = "vector"
        else:
            of = self._check_binary(left, right, op, op_span, return_bool, matching, fill, (op_span[0], modified))
        return Binary(span, op, left, right, of, op_span, return_bool, matching, fill)

    def _check_binary(
        self,
        left: Node,
        right: Node,
        op: str,
        op_span: Span,
        return_bool: bool,
        matching: Matching | None,
        fill: tuple[tuple[str, str], ...],
        modified: Span,
    ) -> Type:
        """The checks of `checkAST` on a binary expression, in its order."""
        types = (left.type, right.type)
        span = (left.span[0], right.span[1])
        is_set = op in _SET_OPERATORS
        if return_bool and op not in _COMPARISONS:
            self._defer("bool modifier can only be used on comparison operators", modified)
        if op in _COMPARISONS and not return_bool and types == ("scalar", "scalar"):
            self._defer("comparisons between scalars must use BOOL modifier", op_span)
        if matching is not None and matching.on:
            twice = next((label for label in matching.labels if label in matching.include), None)
            if twice is not None:
                self._defer(f'label "{twice}" must not occur in ON and GROUP clause at once', modified)
        for side in (left, right):
            if side.type == "matrix" or side.type == "string":
                self._defer("binary expression must contain only scalar and instant vector types", side.span)
        if "scalar" in types:
            if matching is not None and matching.labels:
                self._defer("vector matching only allowed between instant vectors", span)
            if fill:
                self._defer("filling in missing series only allowed between instant vectors", span)
            if is_set:
                self._defer(f'set operator "{op}" not allowed in binary scalar expression', span)
        elif is_set:
            if matching is not None and matching.group:
                self._defer(f'no grouping allowed for "{op}" operation', span)
            if fill:
                self._defer("filling in missing series not allowed for set operators", span)
        if types == ("scalar", "scalar"):
            return "scalar"
        return None if None in types and "vector" not in types else "vector"

    def _modifiers(self) -> tuple[bool, Matching | None, tuple[tuple[str, str], ...]]:
        """`bool`, `on (...)`, `group_left (...)` and `fill (...)` after an operator."""
        text = self.text
        return_bool = False
        matching: Matching | None = None
        fill: tuple[tuple[str, str], ...] = ()
        stage = 0
        while True:
            found = _modifier(text, self.position)
            if found is None:
                return return_bool, matching, fill
            word = (found[1] or found[2]).lower()
            start = found.start(found.lastindex or 0)
            if word == "bool":
                allowed, following = stage < 1, 1
            elif word in ("on", "ignoring"):
                allowed, following = stage < 2, 2
            elif word in ("group_left", "group_right"):
                allowed, following = stage == 2, 3
            else:
                known = [name for name, _ in fill]
                allowed = not known or (len(known) == 1 and {*known, word} == {"fill_left", "fill_right"})
                following = 4
            if not allowed:
                self.position = start
                self._unexpected()
            stage = following
            self.position = start + len(word)
            if word == "bool":
                return_bool = True
            elif word in ("on", "ignoring"):
                matching = Matching(word == "on", self._labels(), "", ())
            elif matching is not None and following == 3:
                opens = text.startswith("(", skip_space(text, self.position))
                include = self._labels() if opens else ()
                matching = matching._replace(group="left" if word == "group_left" else "right", include=include)
            else:
                if self.version == 2:
                    raise PromQLError(f'unknown function with name "{word}"', start, self.position, kind="function")
                fill = (*fill, (word, self._fill()))

    def _fill(self) -> str:
        text = self.text
        start = skip_space(text, self._expect("("))
        position = start
        if text.startswith(("-", "+"), position):
            position = skip_space(text, position + 1)
        self.position = position
        self._amount("fill", "number")
        end = self.position
        self._expect(")")
        return text[start:end]

    # --- functions and aggregations -------------------------------------------------------------------------

    def _arguments(self) -> tuple[Node, ...]:
        """The arguments after an opening parenthesis, and the closing one."""
        text = self.text
        first = skip_space(text, self.position)
        if text.startswith(")", first):
            self.position = first + 1
            return ()
        arguments = []
        while True:
            arguments.append(self._expression(0))
            position = self.position
            char = text[position : position + 1]
            if char == ",":
                self.position = position + 1
                if text.startswith(")", skip_space(text, position + 1)):
                    raise PromQLError("trailing commas not allowed in function call args", position, position + 1)
            elif char == ")":
                self.position = position + 1
                return tuple(arguments)
            else:
                self._unexpected()

    def _call(self, name: str, start: int, name_end: int) -> Node:
        """A call; `position` is after its opening parenthesis."""
        function = FUNCTIONS.get(name)
        if function is None:
            low = name.lower()
            if low in AGGREGATIONS:
                return self._aggregation(low, start, name_end)
            if low in _NUMBERS or low in NO_METRIC or low in _PRECEDENCE or low in ("offset", "by", "without"):
                # the word alone is a metric or number, and then the parenthesis is unexpected
                self.position = start if low in NO_METRIC else name_end
                self._unexpected()
            self._arguments()
            raise PromQLError(f'unknown function with name "{shortened(name)}"', start, name_end, kind="function")
        arguments = self._arguments()
        if self.version is not None and self.version not in function.majors:
            raise PromQLError(f'unknown function with name "{shortened(name)}"', start, name_end, kind="function")
        span = (start, self.position)
        if len(arguments) == 1 == len(function.arguments) and arguments[0].type == function.arguments[0]:
            return Call(span, name, arguments, function.returns)
        self._check_call(function, arguments, span)
        return Call(span, name, arguments, function.returns)

    def _check_call(self, function: Function, arguments: tuple[Node, ...], span: Span) -> None:
        """The checks of `checkAST` on a call."""
        given, name = len(arguments), function.name
        if function.most == function.least and given != function.least:
            self._defer(f'expected {function.least} argument(s) in call to "{name}", got {given}', span)
        elif given < function.least:
            self._defer(f'expected at least {function.least} argument(s) in call to "{name}", got {given}', span)
        elif function.most is not None and given > function.most:
            self._defer(f'expected at most {function.most} argument(s) in call to "{name}", got {given}', span)
        if name == "info" and given > 1:
            self._check_info(arguments[1])
        for index, argument in enumerate(arguments):
            if index >= len(function.arguments) and function.most == function.least:
                break
            wanted = function.arguments[min(index, len(function.arguments) - 1)]
            of = argument.type
            if of is not None and of != wanted:
                self._defer(
                    f'expected type {_documented(wanted)} in call to function "{name}", got {_documented(of)}',
                    argument.span,
                )

    def _check_info(self, labels: Node) -> None:
        """The second argument of `info` is label matchers alone, which may all match the empty string."""
        if isinstance(labels, Selector) and labels.name is None:
            deferred = self.deferred
            if deferred is not None and (deferred.start, deferred.end) == labels.span:
                self.deferred = None
        elif isinstance(labels, Selector):
            self._defer("expected label selectors only, got vector selector instead", labels.span)
        elif labels.type is not None:
            self._defer("expected label selectors only", labels.span)

    def _aggregation(self, op: str, start: int, name_end: int) -> Aggregation:
        """`op` in lower case; everything after it is read from the text again."""
        text = self.text
        self.position = name_end
        grouping = self._group() if _grouping(text, name_end) else None
        self._expect("(", "aggregation")
        arguments = self._arguments()
        if grouping is None and _grouping(text, self.position):
            grouping = self._group()
        span = (start, self.position)
        parameter = AGGREGATIONS[op]
        wanted = 1 if parameter is None else 2
        if not arguments:
            raise PromQLError("no arguments for aggregate expression provided", *span)
        if len(arguments) != wanted:
            raise PromQLError(
                f"wrong number of arguments for aggregate expression provided, expected {wanted}, got {len(arguments)}",
                *span,
            )
        node = arguments[-1]
        of = node.type
        if of != "vector" and of is not None:
            self._defer(f"expected type instant vector in aggregation expression, got {_documented(of)}", node.span)
        if parameter is None:
            return Aggregation(span, op, node, None, grouping)
        of = arguments[0].type
        if of is not None and of != parameter:
            self._defer(f"expected type {parameter} in aggregation parameter, got {_documented(of)}", arguments[0].span)
        return Aggregation(span, op, node, arguments[0], grouping)

    def _group(self) -> Grouping:
        """`by (...)` or `without (...)` at `position`."""
        found = _grouping(self.text, self.position)
        if found is None:
            self._unexpected("aggregation")
        self.position = found.end()
        labels = self._labels()
        return Grouping(found[1].lower() == "by", labels, (found.start(1), self.position))

    def _labels(self) -> tuple[str, ...]:
        """A list of labels in parentheses."""
        text = self.text
        self._expect("(", "grouping opts", '"("')
        labels: list[str] = []
        while True:
            found = _plain_label(text, self.position)
            if found is not None and found[1].lower() not in ("without", "inf", "nan"):
                labels.append(found[1])
                self.position = found.end()
                if found[2] == ")":
                    return tuple(labels)
                if text.startswith(")", skip_space(text, self.position)):
                    self.position = self._expect(")")
                    return tuple(labels)
                continue
            start = self.position = skip_space(text, self.position)
            if not labels and text.startswith(")", start):
                self.position = start + 1
                return ()
            labels.append(self._grouping_label())
            position = self.position = skip_space(text, self.position)
            char = text[position : position + 1]
            if char == "," or char == ")":
                self.position = position + 1
                if char == ")":
                    return tuple(labels)
                if text.startswith(")", skip_space(text, self.position)):
                    self._expect(")")
                    return tuple(labels)
            elif not text.startswith("{{", position) and "{{" not in labels[-1]:
                self._unexpected("grouping opts", '"," or ")"')

    def _grouping_label(self) -> str:
        text = self.text
        start = self.position
        char = text[start : start + 1]
        if char and char in "\"'`" and self.version != 2:
            value, end = string(text, start)
            if not value:
                raise PromQLError('invalid label name for grouping: ""', start, end)
            self.position = end
            return value
        found = _word(text, start)
        if found is None and not text.startswith("{{", start):
            self._unexpected("grouping opts", "label")
        end = found.end() if found else start
        if text.startswith("{{", end):
            end = glued(text, start)
        elif found and (found[0].lower() in ("without", "inf", "nan") or (self.version == 2 and ":" in found[0])):
            self._unexpected("grouping opts", "label")
        self.position = end
        return text[start:end]

    # --- selectors ------------------------------------------------------------------------------------------

    def _braces(self, name: str | None, start: int, name_end: int, position: int) -> Selector:
        """A selector with matchers; `position` is after its opening brace."""
        text = self.text
        if name is not None and name.lower() in _NO_NAMES:
            self.position = name_end if name.lower() in _NUMBERS else start
            self._unexpected()
        matchers: list[Matcher] = []
        inner: str | None = None
        named: Matcher | None = None
        while True:
            found = _matcher(text, position)
            if found is None:
                self.position = position
                matcher = self._matcher(bool(matchers) or inner is not None)
                position = self.position
                if matcher is None:
                    break
                if matcher.label == "__name__" and matcher.op == "=" and text[matcher.span[0]] in "\"'`":
                    named = named or matcher
                    if name is None and inner is None and matcher.value:
                        inner = matcher.value
                        continue
            elif found[5]:
                position = found.end()
                break
            else:
                label, op, value = found[1], found[2], found[3][1:-1]
                matcher = Matcher(label, op, value, (found.start(1), found.end(3)))  # type: ignore[arg-type]
                position = found.end()
                if found[4] == "}":
                    position -= 1
            if matcher.label == "__name__":
                named = named or matcher
            if matcher.op in ("=~", "!~") and "{{" not in matcher.value:
                fault = go_regexp(matcher.value).error
                if fault:
                    raise PromQLError(f"error parsing regexp: {fault}", *matcher.span)
            matchers.append(matcher)
        self.position = position
        span = (start, position)
        if name is None:
            name = inner
            if name is None and not any(_is_selective(matcher) for matcher in matchers):
                self._defer("vector selector must contain at least one non-empty matcher", span)
        elif named is not None:
            self._defer(f'metric name must not be set twice: "{name}" or "{named.value}"', span)
        return Selector(span, name, tuple(matchers), None, None)

    def _matcher(self, follows: bool) -> Matcher | None:
        """One matcher that the fused expression does not know, and the comma after it; `None` at the brace."""
        text = self.text
        start = self.position = skip_space(text, self.position)
        char = text[start : start + 1]
        if char == "}":
            self.position = start + 1
            return None
        opaque = False
        label: str | None = None
        quoted = char != "" and char in "\"'`"
        if quoted:
            label, end = string(text, start)
            opaque = "{{" in label
        else:
            found = _label(text, start)
            end = found.end() if found else start
            if text.startswith("{{", end):
                end = glued(text, start, in_brackets=True)
                opaque = True
            elif found is None:
                self._unexpected("label matching", 'identifier or "}"', "{")
            label = text[start:end]
        if quoted and self.version == 2:
            self.position = start
            self._unexpected("label matching", 'identifier or "}"', "{")
        position = self.position = skip_space(text, end)
        operator = _match_operator(text, position)
        if operator is None:
            if quoted and (opaque or text.startswith((",", "}"), position)):
                self._separator(opaque)
                return Matcher("__name__", "=", label, (start, end))
            if opaque:
                self._separator(True)
                return Matcher(None, "", text[start:end], (start, end))
            if quoted:
                self._unexpected("label matching", '"," or "}"', "{")
            self._unexpected("label matching", "label matching operator", "{")
        position = self.position = skip_space(text, operator.end())
        char = text[position : position + 1]
        if char and char in "\"'`":
            value, end = string(text, position)
        elif text.startswith("{{", position):
            end = glued(text, position, in_brackets=True)
            value = text[position:end]
            opaque = True
        else:
            self._unexpected("label matching", "string", "{")
        self.position = end
        self._separator(opaque)
        return Matcher(label, operator[0], value, (start, end))  # type: ignore[arg-type]

    def _separator(self, opaque: bool) -> None:
        """Step over the comma after a matcher. A placeholder beside it may hold the comma."""
        text = self.text
        position = self.position = skip_space(text, self.position)
        if text.startswith(",", position):
            self.position = position + 1
        elif not text.startswith("}", position) and not opaque and not text.startswith("{{", position):
            self._unexpected("label matching", '"," or "}"', "{")

    # --- windows, offsets, timestamps -----------------------------------------------------------------------

    def _plain_window(self, node: Node, word: str, window_span: Span, end: int) -> Node:
        """`[5m]` behind an operand, read up to `end`."""
        value = literal(word)
        bracket = self.text.rindex("[", 0, window_span[0])
        if value.fault:
            raise PromQLError(value.fault, *window_span)
        self.position = end
        return self._range(node, value.value, window_span, bracket, end)

    def _range(self, node: Node, window: Duration, window_span: Span, bracket: int, end: int) -> Node:
        if not isinstance(window, str) and window <= 0:
            raise PromQLError("duration must be greater than 0", *window_span)
        if isinstance(node, Hole):
            node = Selector(node.span, node.text, (), None, None)
        if not isinstance(node, Selector):
            raise PromQLError("ranges only allowed for vector selectors", bracket, end, kind="type")
        if node.offset is not None or node.at is not None:
            what = "offset" if node.offset is not None else "@"
            raise PromQLError(f"no {what} modifiers allowed before range", bracket, end)
        return Range((node.span[0], end), node, window, window_span)

    def _brackets(self, node: Node) -> Node:
        """A window that is not a plain duration, or a subquery."""
        text = self.text
        bracket = self.position
        start = self.position = skip_space(text, bracket + 1)
        if self.version == 2:
            self._check_v2_duration()
        window = self._duration(
            "subquery or range", "number, duration, step(), or range()", "subquery or range selector"
        )
        window_span = (start, self.position)
        position = self.position = skip_space(text, self.position)
        if text.startswith("]", position):
            self.position = position + 1
            return self._range(node, window, window_span, bracket, position + 1)
        if not text.startswith(":", position):
            self._unexpected("subquery or range", '":" or "]"', "[")
        if not isinstance(window, str) and window <= 0:
            raise PromQLError("duration must be greater than 0", *window_span)
        step: Duration | None = None
        position = self.position = skip_space(text, position + 1)
        if not text.startswith("]", position):
            if self.version == 2:
                self._check_v2_duration()
            step = self._duration(
                "subquery selector", 'number, duration, step(), range(), or "]"', "subquery selector", '"]"'
            )
            if not isinstance(step, str) and step <= 0:
                raise PromQLError("duration must be greater than 0", position, self.position)
        end = self._expect("]", "subquery selector", '"]"', "[")
        of = node.type
        span = (node.span[0], end)
        if of is not None and of != "vector":
            self._defer(f"subquery is only allowed on instant vector, got {of} instead", span)
        return Subquery(span, node, window, step, None, None)

    def _check_v2_duration(self) -> None:
        found = _number(self.text, self.position)
        if found and not literal(found[0]).is_duration and not self.text.startswith("{{", found.end()):
            raise PromQLError("missing unit character in duration", found.start(), found.end())
        if self.text.startswith(("-", "+"), self.position):
            raise PromQLError("missing unit character in duration", self.position, self.position + 1)

    def _duration(self, context: str, expected: str, at_start: str, after: str = '":" or "]"') -> Duration:
        """A duration inside brackets, in seconds; its text where a placeholder or an expression keeps it open."""
        text = self.text
        start = self.position
        value = self._signed_amount(at_start, expected, in_brackets=True)
        position = skip_space(text, self.position)
        if self.version == 2 or not text.startswith(("+", "-", "*", "/", "%", "^"), position):
            return value
        # an experimental duration expression (`[5m + 1m]`): its value stays open
        while text.startswith(("+", "-", "*", "/", "%", "^"), position):
            self.position = skip_space(text, position + 1)
            self._signed_amount(context, after, in_brackets=True)
            position = skip_space(text, self.position)
        return text[start : self.position]

    def _signed_amount(self, context: str, expected: str, in_brackets: bool = False) -> Duration:
        text = self.text
        negative = False
        while text.startswith(("-", "+"), self.position):
            negative ^= text.startswith("-", self.position)
            self.position = skip_space(text, self.position + 1)
        value = self._amount(context, expected, in_brackets)
        return -value if negative and not isinstance(value, str) else value

    def _amount(self, context: str, expected: str, in_brackets: bool = False) -> Duration:
        """A number, a duration or a placeholder; in Prometheus 3 also `step()` and parentheses."""
        text = self.text
        start = self.position
        found = _number(text, start)
        end = found.end() if found else start
        if text.startswith("{{", end):
            self.position = end = glued(text, start, in_brackets)
            return text[start:end]
        if found is not None:
            value = self._value(found[0], start)
            self.position = end
            if value.value > _MOST_SECONDS and context not in ("fill", "@"):
                raise PromQLError("duration out of range", start, end)
            return value.value
        if context == "fill" and text[start : start + 3].lower() in _NUMBERS:
            self.position = start + 3
            return _NUMBERS[text[start : self.position].lower()]
        word = _duration_word(text, start)
        if self.version != 2 and (word or (text.startswith("(", start) and context != "fill")):
            return self._duration_call(start, word.end() if word else start + 1, context, expected)
        return self._unexpected(context, expected, "[" if in_brackets else "")

    def _duration_call(self, start: int, position: int, context: str, expected: str) -> str:
        """`step()`, `max_of(5m, 1m)` or `(5m)`: the text of an experimental duration expression."""
        text = self.text
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise PromQLError("nested too deeply to be read", start, start + 1, kind="depth")
        self.position = position
        name = text[start : start + 3].lower()
        for index in range({"ste": 0, "ran": 0, "max": 2, "min": 2}.get(name, 1)):
            if index:
                self._expect(",", context, '","', "[")
            self.position = skip_space(text, self.position)
            self._duration(context, expected, context, '")"')
        self._expect(")", context, '")"', "[")
        self.depth -= 1
        return text[start : self.position]

    def _offset(self, node: Node, start: int) -> Node:
        """`offset 5m`; `position` is after the word."""
        text = self.text
        self.position = skip_space(text, self.position)
        if self.version == 2:
            unsigned = self.position
            if text.startswith("-", unsigned):
                unsigned = skip_space(text, unsigned + 1)
            found = _number(text, unsigned)
            if found is None and not text.startswith("{{", unsigned):
                self.position = unsigned
                self._unexpected("offset", "duration")
            if found and not text.startswith("{{", found.end()) and not literal(found[0]).is_duration:
                self.position = unsigned
                self._unexpected("offset", "duration")
        expected = "duration" if self.version == 2 else "number, duration, step(), or range()"
        offset = self._signed_amount("offset", expected)
        end = self.position
        if self.version == 2 and offset == 0:
            raise PromQLError("duration must be greater than 0", start, end)
        node = _modifiable(node, "offset")
        span = (node.span[0], end)
        if isinstance(node, Range):
            if node.selector.offset is None:
                return node._replace(span=span, selector=node.selector._replace(offset=offset))
        elif node.offset is None:
            return node._replace(span=span, offset=offset)
        raise PromQLError("offset may not be set multiple times", *node.span)

    def _at(self, node: Node) -> Node:
        """`@ 1609746000` or `@ start()`."""
        text = self.text
        position = self.position = skip_space(text, self.position + 1)
        at: float | str
        found = _word(text, position)
        word = found[0].lower() if found else ""
        if word in ("start", "end"):
            self.position = position + len(word)
            self._expect("(", "@", "timestamp")
            self._expect(")", "@", "timestamp")
            at = f"{word}()"
        else:
            if text.startswith(("+", "-"), position):
                self.position = skip_space(text, position + 1)
                found = _word(text, self.position)
                word = found[0].lower() if found else ""
            if word in _NUMBERS and not text.startswith("{{", self.position + 3):
                raise PromQLError("timestamp out of bounds for @ modifier", *node.span)
            number = _number(text, self.position)
            plain = number is not None and not text.startswith("{{", number.end())
            if (number is None and not text.startswith("{{", self.position)) or (
                self.version == 2 and number is not None and plain and literal(number[0]).is_duration
            ):
                self._unexpected("@", "timestamp")
            amount = self._amount("@", "timestamp")
            at = -amount if text.startswith("-", position) and not isinstance(amount, str) else amount
        end = self.position
        node = _modifiable(node, "@")
        span = (node.span[0], end)
        if isinstance(node, Range):
            if node.selector.at is None:
                return node._replace(span=span, selector=node.selector._replace(at=at))
        elif node.at is None:
            return node._replace(span=span, at=at)
        raise PromQLError("@ <timestamp> may not be set multiple times", *node.span)


def _modifiable(node: Node, modifier: str) -> Selector | Range | Subquery:
    """What `offset` or `@` may stand behind; a placeholder there has to be a selector."""
    if isinstance(node, Hole):
        return Selector(node.span, node.text, (), None, None)
    if isinstance(node, Selector | Range | Subquery):
        return node
    allowed = "an instant vector selector or range vector selector or a subquery"
    raise PromQLError(f"{modifier} modifier must be preceded by {allowed}", *node.span, kind="type")


def _documented(of: Type) -> str:
    """The name that the documentation of Prometheus gives a type."""
    return {"vector": "instant vector", "matrix": "range vector"}.get(of or "", of or "")


def _is_selective(matcher: Matcher) -> bool:
    """Whether the matcher refuses the empty string; a placeholder counts as such."""
    if matcher.label is None or "{{" in matcher.value:
        return True
    if matcher.op == "=":
        return matcher.value != ""
    if matcher.op == "!=":
        return matcher.value == ""
    pattern = go_regexp(matcher.value).matcher
    return pattern is None or (pattern.fullmatch("") is not None) == (matcher.op == "!~")


def _check_depth(root: Node) -> None:
    """A chain of operators is read in a loop, but its tree is as deep as the chain is long."""
    level: list[Node] = [root]
    for _ in range(MAX_DEPTH + 1):
        level = [child for node in level for child in children(node)]
        if not level:
            return
    raise PromQLError("nested too deeply to be read", *level[0].span, kind="depth")
