"""Compiled conditions: the static check of expr's checker and the evaluation of its virtual machine, in one pass.

The environment is that of argo-rollouts `utils/evaluate/evaluate.go`: `isNil` and `default` ignore their argument and
look at the whole result. A placeholder, or a function that is not modelled, leaves an answer open where it decides.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from rolloutlint.lang.expr.builtins import Function, TypeFault, function, parse_float, parse_int, result_type
from rolloutlint.lang.expr.lexer import ExprError
from rolloutlint.lang.expr.library import (
    BUILTINS,
    ENVIRONMENT,
    NEWEST,
    PREDICATES,
    V1_9_0,
    V1_12_5,
    V1_13_0,
    V1_15_3,
    V1_17_7,
    Library,
    rollouts_of,
)
from rolloutlint.lang.expr.parser import parse
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
    Pointer,
    Predicate,
    Sequence,
    Slice,
    Span,
    String,
    Unary,
)
from rolloutlint.lang.expr.types import (
    MEMBERS,
    TYPE_OF_SHAPE,
    Shape,
    Type,
    assignable,
    comparable,
    compatible,
    element,
    go_name,
    is_array,
    is_map,
    is_number,
)
from rolloutlint.lang.expr.values import (
    RunFault,
    Undecided,
    arithmetic,
    compare,
    contains,
    deep_equal,
    divide,
    equal,
    go_type,
    index,
    matches,
    power,
    to_int,
)

Code: TypeAlias = Callable[[list[Any]], Any]
"""Evaluates a node; the frame holds the result, how many values a range may still make, and then the variables."""

_RESULT, _BUDGET, _VARIABLES = 0, 1, 2
_MAX_RANGE: Final = 20_000
_MEMORY: Final = 1_000_000
"""The memory budget of expr's virtual machine, in values."""


class CompileError(Exception):
    """The condition has no meaning for this shape of result: `message` in expr's words, `start` and `end` of the
    place, and `hint`, which says what to write instead where that is known ("" otherwise)."""

    def __init__(self, message: str, start: int, end: int, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end
        self.hint = hint


class Fault(NamedTuple):
    """The evaluation gives no answer; to Argo each kind is an Error measurement.

    `compile`: it is not understood, or the types do not fit; `run`: it fails on this value; `type`: the answer is no
    bool; `panic`: the controller itself dies (expr 1.12.5 and 1.13.0, `result[0]` on nil).
    """

    kind: Literal["compile", "run", "type", "panic"]
    message: str
    span: Span
    hint: str = ""


class Unknown(NamedTuple):
    """What a placeholder or an unmodelled function decides."""


UNKNOWN: Final = Unknown()

Outcome: TypeAlias = bool | Fault | Unknown
Phase: TypeAlias = Literal["Successful", "Failed", "Inconclusive", "Error"]


class Program:
    """A condition for one shape of result."""

    __slots__ = ("_by_shape", "_code", "_frame", "error", "library", "node", "shape", "text")

    def __init__(
        self, text: str, node: Node | None, shape: Shape, library: Library, code: Code | None, frame: int
    ) -> None:
        self.text = text
        self.node = node
        """The tree; `None` where the text is no expression."""
        self.shape: Shape = shape
        self.library = library
        self.error: Fault | None = None
        """Why it fails for every value of this shape."""
        self._code = code
        self._frame = frame
        self._by_shape: dict[Shape, Program] = {}

    def run(self, value: object) -> Outcome:
        """The answer for one measured value.

        Takes a value of the program's shape: numbers as `float`, nil as `None`, vectors as `list`, JSON as
        `json.loads(..., parse_int=float)` gives it, a CloudWatch result as a `dict` of its fields. Never raises.
        """
        if self.error is not None:
            return self.error
        code = self._code
        if code is None:
            return self._for(value).run(value)
        try:
            found = code([value, _MAX_RANGE, *([None] * self._frame)] if self._frame else [value, _MAX_RANGE])
        except Undecided:
            return UNKNOWN
        except RunFault as fault:
            return Fault("run", fault.message, fault.span)
        except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError, MemoryError):
            return UNKNOWN
        if found is True or found is False:
            return found
        return Fault("type", f"expected bool, but got {go_type(found)}", (0, len(self.text)))

    def _for(self, value: object) -> Program:
        shape = shape_of(value)
        program = self._by_shape.get(shape)
        if program is None:
            program = program_of(self.text if self.node is None else self.node, shape, self.library)
            program.text = self.text
            self._by_shape[shape] = program
        return program


def shape_of(value: object) -> Shape:
    """The shape that Argo would compile for, of a value decoded from JSON or measured."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "float"
    if isinstance(value, str):
        return "string"
    return "map" if isinstance(value, dict) else "any[]"


def compile(text: str | Node, shape: Shape, library: Library = NEWEST) -> Program:  # noqa: A001 - as re.compile
    """The program that evaluates `text` for results of `shape`.

    For the shape `any` it is compiled once more for the shape of each value it meets, as Argo does. Raises `ExprError`
    where the text is no expression and `CompileError` where the types do not fit.
    """
    node = parse(text, library) if isinstance(text, str) else text
    source = text if isinstance(text, str) else ""
    compiler = _Compiler(shape, library)
    _, code = compiler.visit(node)
    return Program(source, node, shape, library, None if shape == "any" else code, compiler.slots - _VARIABLES)


def program_of(text: str | Node, shape: Shape, library: Library = NEWEST) -> Program:
    """As `compile`, but never raises: where that would, `error` is set and each run gives it."""
    try:
        return compile(text, shape, library)
    except ExprError as error:
        fault = Fault("compile", error.message, (error.start, error.end), error.hint)
    except _PanicError as error:
        fault = Fault("panic", error.message, (error.start, error.end), error.hint)
    except CompileError as error:
        fault = Fault("compile", error.message, (error.start, error.end), error.hint)
    source, node = (text, None) if isinstance(text, str) else ("", text)
    program = Program(source, node, shape, library, None, 0)
    program.error = fault
    return program


def decide(success: Program | None, failure: Program | None, value: object) -> Phase | None:
    """The phase of a measurement (`utils/evaluate/evaluate.go`); `None` where a placeholder decides.

    An absent condition is `None` (Argo takes "" as absent; white space is a condition that does not compile).
    """
    good = success.run(value) if success is not None else None
    bad = failure.run(value) if failure is not None else None
    if isinstance(good, Fault) or isinstance(bad, Fault):
        return "Error"
    if bad is None:
        if good is None:
            return "Successful"
        return None if isinstance(good, Unknown) else "Successful" if good else "Failed"
    if bad is True:
        return "Failed"
    if isinstance(bad, Unknown):
        return None
    if good is None:
        return "Successful"
    return None if isinstance(good, Unknown) else "Successful" if good else "Inconclusive"


class _PanicError(CompileError):
    """The compiler of expr itself panics."""


_ORDER: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_MIRRORED: Final = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_ARITHMETIC: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
}
_CLOCK: Final = ("time", "duration")


def _undecided(frame: list[Any]) -> Any:
    raise Undecided


def _result(frame: list[Any]) -> Any:
    return frame[0]


def _constant(value: Any) -> Code:
    return lambda frame: value


def _slot(at: int) -> Code:
    return lambda frame: frame[at]


class _Scope(NamedTuple):
    """An open predicate: the type of `#`, and where `#`, `#index` and `#acc` stand in the frame."""

    element: Type
    at: int
    position: int
    acc: int


class _Compiler:
    """Gives the static type and the code of each node, in the order of expr's checker, so that the first error is
    the one that expr reports."""

    __slots__ = ("library", "modern", "nilable", "open", "result", "scopes", "slots", "variables")

    def __init__(self, shape: Shape, library: Library) -> None:
        self.result = TYPE_OF_SHAPE[shape]
        self.library = library
        self.modern = library >= V1_17_7
        self.open = 0
        """How many nodes whose value is not known were met."""
        self.nilable = False
        """Whether something met may be nil in spite of its type, as `first` of an empty list is."""
        self.slots = _VARIABLES
        self.scopes: list[_Scope] = []
        self.variables: dict[str, tuple[Type, int]] = {}

    def visit(self, node: Node) -> tuple[Type, Code]:
        return _VISIT[type(node)](self, node)

    def slot(self) -> int:
        self.slots += 1
        return self.slots - 1

    def unknown(self, kind: Type = "any") -> tuple[Type, Code]:
        self.open += 1
        return kind, _undecided

    def both(self, node: Node, other: Node) -> tuple[Type, Code, Type, Code]:
        """Two operands that are both evaluated: where the left one is open, a fault of the right one still shows."""
        opened = self.open
        left_type, left = self.visit(node)
        if self.open > opened:
            left_open = left
            right_type, right = self.visit(other)

            def first(frame: list[Any]) -> Any:
                try:
                    return left_open(frame)
                except Undecided:
                    right(frame)
                    raise

            return left_type, first, right_type, right
        right_type, right = self.visit(other)
        return left_type, left, right_type, right

    # Leaves.

    def number(self, node: Number) -> tuple[Type, Code]:
        return "int" if type(node.value) is int else "float", _constant(node.value)

    def string(self, node: String) -> tuple[Type, Code]:
        return self.unknown("string") if node.open else ("string", _constant(node.value))

    def bytes(self, node: Bytes) -> tuple[Type, Code]:
        return self.unknown("int[]")

    def boolean(self, node: Boolean) -> tuple[Type, Code]:
        return "bool", _constant(node.value)

    def nil(self, node: Nil) -> tuple[Type, Code]:
        self.nilable = True
        return "nil", _constant(None)

    def hole(self, node: Hole) -> tuple[Type, Code]:
        return self.unknown()

    def name(self, node: Name) -> tuple[Type, Code]:
        name = node.name
        known = self.variables.get(name)
        if known is not None:
            return known[0], _slot(known[1])
        if name == "result":
            return self.result, _result
        if name == "$env":
            return self.unknown()
        if name in ENVIRONMENT:
            return self.unknown("func")
        if self.library >= V1_15_3 and name in BUILTINS and BUILTINS[name] <= self.library:
            return "func", _constant(None)
        raise unknown_name(name, node.span, self.library)

    def pointer(self, node: Pointer) -> tuple[Type, Code]:
        if not self.scopes:
            raise CompileError("cannot use pointer accessor outside predicate", *node.span)
        scope = self.scopes[-1]
        if not node.name:
            return scope.element, _slot(scope.at)
        if node.name == "index" and scope.position:
            return "int", _slot(scope.position)
        if node.name == "acc" and scope.acc:
            return "any", _slot(scope.acc)
        raise CompileError(f"unknown pointer #{node.name}", *node.span)

    # Operators.

    def unary(self, node: Unary) -> tuple[Type, Code]:
        kind, code = self.visit(node.operand)
        span = node.span
        if node.op in ("not", "!"):
            if kind == "bool":
                return "bool", lambda frame: not code(frame)
            if kind == "any":
                return "bool", lambda frame: not _truth(code(frame), span)
            hint = ""
            if isinstance(node.operand, Member | Name):
                hint = f"write `{node.op} (...)`: `{node.op}` binds tighter than a comparison"
            raise CompileError(f"invalid operation: {node.op} (mismatched type {go_name(kind)})", *span, hint)
        if not is_number(kind) and kind != "any":
            raise CompileError(f"invalid operation: {node.op} (mismatched type {go_name(kind)})", *span)
        if node.op == "+":
            return kind, code
        if isinstance(node.operand, Number):
            return kind, _constant(-node.operand.value)
        if kind == "any" or self.nilable:
            return kind, lambda frame: -_numeric(code(frame), span)
        return kind, lambda frame: -code(frame)

    def binary(self, node: Binary) -> tuple[Type, Code]:
        op = node.op
        if op in _ORDER:
            return self.order(node)
        if op in ("and", "&&", "or", "||"):
            return self.logic(node)
        if op == "in" and isinstance(node.right, Binary) and node.right.op == "..":
            return self.in_range(node, node.right)
        left_type, left, right_type, right = self.both(node.left, node.right)
        span = node.span
        if op in ("==", "!="):
            if not comparable(left_type, right_type):
                raise self.mismatch(node, left_type, right_type)
            return "bool", self.equality(node, left_type, left, right_type, right)
        if op in ("+", "-", "*", "/", "%", "**", "^"):
            return self.arithmetic(node, left_type, left, right_type, right)
        if op == "??":
            kind = right_type if left_type == "nil" else left_type if assignable(right_type, left_type) else "any"
            if right_type == "nil":
                kind = left_type
            code = left

            def coalesce(frame: list[Any]) -> Any:
                found = code(frame)
                return right(frame) if found is None else found

            return kind, coalesce
        if op == "in":
            self.check_in(node, left_type, right_type)
            if right_type in MEMBERS:
                return self.unknown("bool")
            return "bool", lambda frame: contains(left(frame), right(frame), span)
        if op == "..":
            if (left_type, right_type) != ("int", "int") and not compatible(left_type, right_type, "int"):
                raise self.mismatch(node, left_type, right_type)
            return "int[]", lambda frame: _range(left(frame), right(frame), frame, span)
        if (left_type, right_type) != ("string", "string") and not compatible(left_type, right_type, "string"):
            raise self.mismatch(node, left_type, right_type)
        return "bool", _text_operator(op, left, right, span, self.modern)

    def mismatch(self, node: Binary, left: Type, right: Type) -> CompileError:
        message = f"invalid operation: {node.op} (mismatched types {go_name(left)} and {go_name(right)})"
        return CompileError(message, *node.span, _mismatch_hint(node, left, right))

    def order(self, node: Binary) -> tuple[Type, Code]:
        left_type, left, right_type, right = self.both(node.left, node.right)
        op, span = node.op, node.span
        test = _ORDER[op]
        if (is_number(left_type) and is_number(right_type)) or left_type == right_type == "string":
            if self.nilable:
                return "bool", lambda frame: compare(op, test, left(frame), right(frame), span)
            if isinstance(node.right, Number):
                return "bool", _against(left, node.right.value, op)
            if isinstance(node.left, Number):
                return "bool", _against(right, node.left.value, _MIRRORED[op])
            return "bool", lambda frame: test(left(frame), right(frame))
        if left_type in _CLOCK and left_type == right_type:
            return "bool", lambda frame: test(left(frame), right(frame))
        if "StatusCode" in (left_type, right_type) and {left_type, right_type} <= {"StatusCode", "string"}:
            return self.unknown("bool")
        if not compatible(left_type, right_type, "int", "float", "string", *_CLOCK):
            raise self.mismatch(node, left_type, right_type)
        return "bool", lambda frame: compare(op, test, left(frame), right(frame), span)

    def logic(self, node: Binary) -> tuple[Type, Code]:
        before = self.open
        left_type, left = self.visit(node.left)
        is_open = self.open > before
        right_type, right = self.visit(node.right)
        if not (left_type == right_type == "bool") and not compatible(left_type, right_type, "bool"):
            raise self.mismatch(node, left_type, right_type)
        absorbing = node.op in ("or", "||")
        if self.library >= V1_12_5:
            # The optimizer drops a side that cannot matter, even if it would fail (`optimizer/fold.go`).
            first, second = _folded(node.left), _folded(node.right)
            if absorbing in (first, second):
                return "bool", _constant(absorbing)
            if first is not None:
                return "bool", right
            if second is not None:
                return "bool", left
        if left_type != "bool":
            left = _checked(left, node.span)
        # The right side is not checked: the answer of `true && 1` is 1, which is then no bool.
        if is_open:
            return "bool", _open_logic(left, right, absorbing)
        if absorbing:
            return "bool", lambda frame: left(frame) or right(frame)
        return "bool", lambda frame: left(frame) and right(frame)

    def equality(self, node: Binary, left_type: Type, left: Code, right_type: Type, right: Code) -> Code:
        wanted = node.op == "=="
        if is_number(left_type) and is_number(right_type):
            if self.nilable and left_type == right_type == "int":
                span = node.span
                return lambda frame: (_integer(left(frame), span) == _integer(right(frame), span)) is wanted
            if wanted:
                return lambda frame: left(frame) == right(frame)
            return lambda frame: left(frame) != right(frame)
        if "StatusCode" in (left_type, right_type) or "func" in (left_type, right_type):
            self.open += 1
            return _undecided
        if self.modern:
            return lambda frame: equal(left(frame), right(frame)) is wanted
        return lambda frame: _equal_before_1_17(left(frame), left_type, right(frame), right_type) is wanted

    def arithmetic(self, node: Binary, left_type: Type, left: Code, right_type: Type, right: Code) -> tuple[Type, Code]:
        op, span = node.op, node.span
        numbers = is_number(left_type) and is_number(right_type)
        if numbers and op != "%" and not self.nilable:
            floating = "float" in (left_type, right_type)
            if op == "/":
                if self.library == V1_9_0:
                    whole = _folded_quotient(node)
                    if whole is not None:
                        return "float", _constant(whole)
                return "float", lambda frame: divide(left(frame), right(frame))
            if op in ("**", "^"):
                return "float", lambda frame: power(left(frame), right(frame))
            if floating:
                combine = _ARITHMETIC[op]
                return "float", lambda frame: combine(left(frame), right(frame))
            return "int", lambda frame: arithmetic(op, left(frame), right(frame), span)
        kind = _number_type(op, left_type, right_type) if numbers else self.result_of(op, left_type, right_type)
        if kind is None:
            raise self.mismatch(node, left_type, right_type)
        return kind, lambda frame: arithmetic(op, left(frame), right(frame), span)

    def result_of(self, op: str, left: Type, right: Type) -> Type | None:
        """The type of `left op right` where not both are numbers; `None` where it does not compile."""
        if op == "%":
            return "int" if left == right == "int" or compatible(left, right, "int") else None
        if op in ("/", "**", "^"):
            return "float" if compatible(left, right, "int", "float") else None
        if op == "+" and left == right == "string":
            return "string"
        kinds: tuple[Type, ...] = ("int", "float", *_CLOCK)
        if op == "*":
            kinds = ("int", "float", "duration") if self.modern else ("int", "float")
        if op == "+":
            kinds = (*kinds, "string")
        if left in _CLOCK and right in _CLOCK and not (op == "*" and "time" in (left, right)):
            self.open += 1
            return "time" if (left, right) in (("time", "duration"), ("duration", "time")) else "duration"
        if op == "*" and self.modern and "duration" in (left, right) and (is_number(left) or is_number(right)):
            self.open += 1
            return "duration"
        return "any" if compatible(left, right, *kinds) else None

    def check_in(self, node: Binary, left: Type, right: Type) -> None:
        if self.library < V1_15_3 and (is_map(right) or is_array(right)):
            return
        if not self.modern and isinstance(node.right, Array):
            kinds = {self.visit(item)[0] for item in node.right.items}
            right = f"{kinds.pop()}*" if len(kinds) == 1 else right
        if is_map(right):
            if left not in ("any", "string", "nil") and right != "groups":
                raise CompileError(f"cannot use {go_name(left)} as type string in map key", *node.span)
        elif is_array(right):
            inner = element(right)
            if not comparable(left, inner):
                raise CompileError(f"cannot use {go_name(left)} as type {go_name(inner)} in array", *node.span)
        elif right != "any" and not (right in MEMBERS and left in ("string", "any")):
            if left == "any" and right == "string":
                return
            raise self.mismatch(node, left, right)

    def in_range(self, node: Binary, bounds: Binary) -> tuple[Type, Code]:
        """`x in a..b`: whole numbers only since 1.15; before, whatever lies between."""
        opened = self.open
        kind, needle = self.visit(node.left)
        low_type, low, high_type, high = self.both(bounds.left, bounds.right)
        if (low_type, high_type) != ("int", "int") and not compatible(low_type, high_type, "int"):
            raise self.mismatch(bounds, low_type, high_type)
        if self.library >= V1_15_3 and not comparable(kind, "int"):
            raise CompileError(f"cannot use {go_name(kind)} as type int in array", *node.span)
        span = bounds.span
        constant = isinstance(bounds.left, Number) and isinstance(bounds.right, Number)
        between_bounds = self.library <= V1_13_0 and constant
        between = between_bounds and is_number(kind)
        literal = constant and kind == "int"
        is_open = self.open > opened

        def within(frame: list[Any]) -> Any:
            if is_open:
                raise Undecided
            value = needle(frame)
            first, last = low(frame), high(frame)
            if type(first) is not int or type(last) is not int:
                raise RunFault(f"invalid operation: {go_type(first)} .. {go_type(last)}", span)
            if last - first + 1 > _MEMORY and not between and not literal:
                raise RunFault("memory budget exceeded", span)
            if type(value) not in (int, float):
                if between_bounds:
                    raise RunFault(f"invalid operation: {go_type(value)} >= int", span)
                return False
            return first <= value <= last and (between or value == int(value))

        return "bool", within

    # Access.

    def chain(self, node: Chain) -> tuple[Type, Code]:
        kind, code = self.visit(node.expr)

        def run(frame: list[Any]) -> Any:
            try:
                return code(frame)
            except _NilInChain:
                return None

        return kind, run

    def member(self, node: Member) -> tuple[Type, Code]:
        if isinstance(node.object, Name) and node.object.name == "$env" and "$env" not in self.variables:
            return self.environment(node)
        kind, code = self.visit(node.object)
        key = node.key
        key_type, key_code = self.visit(key)
        span = node.span
        if node.optional and self.library == V1_9_0:
            return self.unknown()
        text = key.value if isinstance(key, String) and not key.open else None
        found = self.member_type(node, kind, key_type, text)
        if kind in MEMBERS or kind in _CLOCK or kind == "StatusCode":
            if text is None or kind not in MEMBERS:
                return self.unknown(found)
            return found, lambda frame: code(frame).get(text)
        if node.optional:

            def optional(frame: list[Any]) -> Any:
                value = code(frame)
                if value is None:
                    raise _NilInChain
                return index(value, key_code(frame), span)

            return found, optional
        if is_array(kind) and isinstance(key, Number) and type(key.value) is int and key.value >= 0:
            at = key.value
            if code is _result:

                def of_result(frame: list[Any]) -> Any:
                    values = frame[0]
                    if at < len(values):
                        return values[at]
                    raise RunFault(f"index out of range: {at} (array length is {len(values)})", span)

                return found, of_result

            def of_array(frame: list[Any]) -> Any:
                values = code(frame)
                return values[at] if type(values) is list and at < len(values) else index(values, at, span)

            return found, of_array
        if is_array(kind) and self.library == V1_9_0:

            def from_start(frame: list[Any]) -> Any:
                at = key_code(frame)
                if type(at) in (int, float) and at < 0:
                    raise RunFault(f"index out of range: {at}", span)
                return index(code(frame), at, span)

            return found, from_start
        if is_map(kind) and text is not None:
            return found, lambda frame: index(code(frame), text, span)
        return found, lambda frame: index(code(frame), key_code(frame), span)

    def environment(self, node: Member) -> tuple[Type, Code]:
        if not isinstance(node.key, String) or node.key.open:
            return self.unknown()
        name = node.key.value
        if name == "result":
            return self.result, _result
        if name in ENVIRONMENT:
            self.open += 1
            return "func", _undecided
        if node.optional:
            return "any", _constant(None)
        raise CompileError(f"unknown name {name}", *node.key.span)

    def member_type(self, node: Member, kind: Type, key: Type, text: str | None) -> Type:
        """The type of an access; raises where expr refuses it."""
        if kind == "any":
            return "any"
        is_field = isinstance(node.key, String)
        if kind == "nil":
            if self.library in (V1_12_5, V1_13_0) and not is_field:
                raise _PanicError("runtime error: invalid memory address or nil pointer dereference", *node.span)
            what = f"type nil has no field {text}" if is_field else f"type nil[{go_name(key)}] is undefined"
            raise CompileError(what, *node.span)
        if is_map(kind):
            if key not in ("string", "any") and kind != "groups" and (self.library > V1_9_0 or not is_number(key)):
                raise CompileError(
                    f"cannot use {go_name(key)} to get an element from {go_name(kind)}",
                    *node.key.span,
                    "write the name of a field" if is_number(key) else "",
                )
            return "any*" if kind == "groups" else "any"
        if is_array(kind):
            dotted = is_field and node.span[1] == node.key.span[1]
            if key not in ("int", "any") and (self.library > V1_9_0 or dotted or key != "string"):
                hint = "write a number without quotes" if is_field else ""
                if dotted:
                    hint = f"the result is a list: write `[0].{text}`" if kind != "float[]" else "write `[0]`"
                raise CompileError(
                    f"array elements can only be selected using an integer (got {go_name(key)})", *node.key.span, hint
                )
            return element(kind)
        if kind in MEMBERS and text is not None:
            field = MEMBERS[kind].get(text)
            if field is not None:
                return field
            near = next((name for name in MEMBERS[kind] if name.lower() == text.lower()), "")
            raise CompileError(
                f"type {go_name(kind)} has no field {text}", *node.key.span, f"write `{near}`" if near else ""
            )
        if kind in ("time", "duration") and text is not None:
            return "func"
        if is_field and self.modern:
            raise CompileError(f"type {go_name(kind)} has no field {text}", *node.span)
        hint = "the result is one number: leave the index out" if kind == "float" and not is_field else ""
        raise CompileError(f"type {go_name(kind)}[{go_name(key)}] is undefined", *node.span, hint)

    def slice(self, node: Slice) -> tuple[Type, Code]:
        kind, code = self.visit(node.object)
        if kind not in ("any", "string") and not is_array(kind):
            raise CompileError(f"cannot slice {go_name(kind)}", *node.span)
        bounds: list[Code | None] = []
        for bound in (node.low, node.high):
            if bound is None:
                bounds.append(None)
                continue
            bound_type, bound_code = self.visit(bound)
            if bound_type not in ("int", "any") and kind != "any":
                raise CompileError(f"non-integer slice index {go_name(bound_type)}", *bound.span)
            bounds.append(bound_code)
        low, high = bounds
        span = node.span
        strict = self.library <= V1_13_0

        def run(frame: list[Any]) -> Any:
            values = code(frame)
            if not isinstance(values, list | str):
                raise RunFault(f"cannot slice {go_type(values)}", span)
            size = len(values)
            begin = _bound(low(frame), size, span) if low is not None else 0
            end = min(_bound(high(frame), size, span), size) if high is not None else size
            if strict and min(begin, end) < 0:
                raise RunFault("reflect.Value.Slice: slice index out of bounds", span)
            begin, end = max(begin, 0), max(end, 0)
            return values[min(begin, end) : end]

        return kind, run

    # Calls.

    def call(self, node: Call) -> tuple[Type, Code]:
        name = node.name
        if name in ENVIRONMENT and name != "result":
            return self.argo(node)
        if name in self.variables or name == "result":
            kind = self.variables[name][0] if name in self.variables else self.result
            if kind == "any":
                return self.unknown()
            raise CompileError(f"{go_name(kind)} is not callable", *node.span)
        since = BUILTINS.get(name)
        if since is None or since > self.library:
            raise unknown_name(name, node.name_span, self.library)
        if name in PREDICATES and not (name == "sum" and not self.modern):
            return self.predicate_call(node)
        opened = self.open
        kinds: list[Type] = []
        codes: list[Code] = []
        for argument in node.args:
            kind, code = self.visit(argument)
            kinds.append(kind)
            codes.append(code)
        if name == "sum":
            return self.sum_before_1_17(node, kinds, codes)
        try:
            found = result_type(name, kinds, self.library)
        except TypeFault as fault:
            raise CompileError(str(fault), *node.span, _call_hint(name, kinds, self.library)) from None
        if name in ("first", "last", "get"):
            self.nilable = True
        run = function(name, self.library, kinds[0] if kinds else "any")
        if run is None:
            return self.unknown(found)
        return found, self.invoke(run, codes, node.span, self.open > opened)

    def invoke(self, run: Function, codes: list[Code], span: Span, is_open: bool) -> Code:
        if is_open:

            def with_holes(frame: list[Any]) -> Any:
                values = [_or_unknown(code, frame) for code in codes]
                if any(value is UNKNOWN for value in values):
                    raise Undecided
                return run(values, span)

            return with_holes
        if len(codes) == 1:
            only = codes[0]
            if only is _result:
                return lambda frame: run([frame[0]], span)
            return lambda frame: run([only(frame)], span)
        return lambda frame: run([code(frame) for code in codes], span)

    def sum_before_1_17(self, node: Call, kinds: list[Type], codes: list[Code]) -> tuple[Type, Code]:
        if len(kinds) != 1:
            raise CompileError(f"invalid number of arguments (expected 1, got {len(kinds)})", *node.span)
        if kinds[0] != "any" and not is_array(kinds[0]):
            raise CompileError(f"cannot sum {go_name(kinds[0])}", *node.span)
        run = function("sum", self.library)
        inner = "any" if kinds[0] == "any" else element(kinds[0])
        if run is None:
            return self.unknown(inner)
        return inner, self.invoke(run, codes, node.span, False)

    def argo(self, node: Call) -> tuple[Type, Code]:
        """The functions of `utils/evaluate/evaluate.go`."""
        name = node.name
        wanted = 2 if name == "default" else 1
        opened = self.open
        arguments = [self.visit(argument) for argument in node.args]
        if len(arguments) != wanted:
            problem = "not enough" if len(arguments) < wanted else "too many"
            raise CompileError(f"{problem} arguments to call {name}", *node.span)
        kind, code = arguments[0]
        is_open = self.open > opened
        span = node.span
        if name in ("isNaN", "isInf"):
            return "bool", self.is_special(node, kind, code)
        if name == "isNil":
            return "bool", _after([code], lambda frame: frame[0] is None, is_open)
        if name == "default":
            other = arguments[1][1]

            def default(frame: list[Any]) -> Any:
                found = frame[0]
                return other(frame) if found is None else found

            return "any", _after([code, other], default, is_open)
        convert = _as_int if name == "asInt" else _as_float
        return "int" if name == "asInt" else "float", lambda frame: convert(code(frame), span)

    def is_special(self, node: Call, kind: Type, code: Code) -> Code:
        """`isNaN` and `isInf`, which take a float64."""
        test = math.isnan if node.name == "isNaN" else math.isinf
        span = node.span
        argument = node.args[0]
        if kind == "float" or (kind == "int" and _becomes_float(argument)):
            return lambda frame: test(code(frame))
        if kind == "int" and self.library < V1_15_3:
            shown = "int"
        elif kind in ("int", "any"):
            shown = ""
        elif kind == "nil":
            shown = "nil" if self.modern else ""
        else:
            shown = go_name(kind) if self.library != V1_15_3 else ""
        if shown:
            hint = ""
            if is_array(kind):
                hint = f"the result is a list: write `{node.name}(result[0])`"
            raise CompileError(
                f"cannot use {shown} as argument (type float64) to call {node.name}", *argument.span, hint
            )

        def run(frame: list[Any]) -> Any:
            value = code(frame)
            if type(value) is not float:
                raise RunFault(f"interface conversion: interface {{}} is {go_type(value)}, not float64", span)
            return test(value)

        return run

    def method(self, node: Method) -> tuple[Type, Code]:
        target = node.target
        if isinstance(target.object, Name) and target.object.name == "$env" and isinstance(target.key, String):
            call = Call(node.span, target.key.value, node.args, target.key.span)
            if target.key.value in ENVIRONMENT:
                return self.call(call)
        kind, _ = self.visit(target)
        for argument in node.args:
            self.visit(argument)
        if kind not in ("any", "func"):
            raise CompileError(f"{go_name(kind)} is not callable", *node.span)
        return self.unknown()

    # Predicates.

    def predicate(self, node: Predicate) -> tuple[Type, Code]:
        return self.visit(node.body)

    def predicate_call(self, node: Call) -> tuple[Type, Code]:
        name, span = node.name, node.span
        opened = self.open
        kind, values = self.visit(node.args[0])
        if kind != "any" and not is_array(kind):
            raise CompileError(
                f"builtin {name} takes only array (got {go_name(kind)})",
                *node.args[0].span,
                "the result is one number: compare it itself" if kind == "float" else "",
            )
        inner = "any" if kind == "any" else element(kind)
        if len(node.args) == 1:
            if name == "count":
                return "int", lambda frame: sum(1 for item in _items(values(frame), span) if _truth(item, span))
            run = function("sum", self.library) or _sum_of
            return inner, self.invoke(run, [values], span, self.open > opened)
        scope = _Scope(
            inner,
            self.slot(),
            self.slot() if name in ("map", "reduce") else 0,
            self.slot() if name == "reduce" else 0,
        )
        is_open = self.open > opened
        opened = self.open
        self.scopes.append(scope)
        body_type, body = self.visit(node.args[1])
        self.scopes.pop()
        body_open = self.open > opened
        if name.startswith("find"):
            self.nilable = True
        if name in _BOOLEAN_PREDICATES:
            if body_type not in ("bool", "any"):
                place = node.args[1]
                raise CompileError(f"predicate should return boolean (got {go_name(body_type)})", *place.span)
            if body_type == "any":
                body = _checked(body, span)
        rest = [self.visit(argument) for argument in node.args[2:]]
        found = _PREDICATE_TYPES.get(name) or self.predicate_type(name, kind, inner, body_type)
        if is_open or name in ("groupBy", "sortBy"):
            return self.unknown(found)
        if name == "reduce":
            return found, _reduce(values, body, scope, rest[0][1] if rest else None, span)
        return found, _each(name, values, body, scope, span, body_open)

    def predicate_type(self, name: str, kind: Type, inner: Type, body: Type) -> Type:
        if name == "filter":
            return f"{inner}*"
        if name == "map":
            return f"{body}*"
        if name == "sortBy":
            return kind
        if name == "groupBy":
            return "groups"
        return body if name in ("sum", "reduce") else inner

    # The rest.

    def let(self, node: Let) -> tuple[Type, Code]:
        name = node.name
        if name in ENVIRONMENT:
            raise CompileError(f"cannot redeclare {name}", *node.span, "choose another name")
        if name in BUILTINS and BUILTINS[name] <= self.library:
            raise CompileError(f"cannot redeclare builtin {name}", *node.span, "choose another name")
        if name in self.variables:
            raise CompileError(f"cannot redeclare variable {name}", *node.span, "choose another name")
        opened = self.open
        kind, value = self.visit(node.value)
        is_open = self.open > opened
        at = self.slot()
        self.variables[name] = (kind, at)
        found, body = self.visit(node.body)
        del self.variables[name]
        if is_open:
            self.open += 1
            return found, _undecided

        def run(frame: list[Any]) -> Any:
            frame[at] = value(frame)
            return body(frame)

        return found, run

    def sequence(self, node: Sequence) -> tuple[Type, Code]:
        opened = self.open
        visited = [self.visit(item) for item in node.items]
        last = visited[-1][1]
        return visited[-1][0], _after([code for _, code in visited[:-1]], last, self.open > opened)

    def conditional(self, node: Conditional) -> tuple[Type, Code]:
        opened = self.open
        kind, test = self.visit(node.test)
        is_open = self.open > opened
        if kind not in ("bool", "any"):
            raise CompileError(f"non-bool expression (type {go_name(kind)}) used as condition", *node.test.span)
        if kind == "any":
            test = _checked(test, node.test.span)
        then_type, then = self.visit(node.then)
        other_type, other = self.visit(node.other)
        if then_type == "nil":
            found = other_type
        elif other_type == "nil" or (assignable(then_type, other_type) and other_type != "any"):
            found = then_type
        else:
            found = "any"
        if is_open:

            def either(frame: list[Any]) -> Any:
                try:
                    chosen = then if test(frame) else other
                except Undecided:
                    return _agreed(then, other, frame)
                return chosen(frame)

            return found, either
        return found, lambda frame: then(frame) if test(frame) else other(frame)

    def array(self, node: Array) -> tuple[Type, Code]:
        kinds: set[Type] = set()
        codes: list[Code] = []
        for item in node.items:
            kind, code = self.visit(item)
            kinds.add(kind)
            codes.append(code)
        inner = kinds.pop() if len(kinds) == 1 and self.modern else "any"
        return f"{inner if inner != 'nil' else 'any'}*", lambda frame: [code(frame) for code in codes]

    def map(self, node: Map) -> tuple[Type, Code]:
        entries: list[tuple[Code, Code]] = []
        for pair in node.pairs:
            _, key = self.visit(pair.key)
            _, value = self.visit(pair.value)
            entries.append((key, value))
        span = node.span

        def run(frame: list[Any]) -> Any:
            found = {}
            for key, value in entries:
                name = key(frame)
                if not isinstance(name, str):
                    raise RunFault(f"interface conversion: interface {{}} is {go_type(name)}, not string", span)
                found[name] = value(frame)
            return found

        return "map", run


class _NilInChain(Exception):  # noqa: N818 - control flow
    """`?.` met nil."""


_BOOLEAN_PREDICATES: Final = frozenset(
    ("all", "any", "none", "one", "filter", "find", "findIndex", "findLast", "findLastIndex", "count")
)
_PREDICATE_TYPES: Final[dict[str, Type]] = {
    "all": "bool",
    "any": "bool",
    "none": "bool",
    "one": "bool",
    "count": "int",
    "findIndex": "int",
    "findLastIndex": "int",
}
_VISIT: Final[dict[type, Callable[[_Compiler, Any], tuple[Type, Code]]]] = {
    Number: _Compiler.number,
    String: _Compiler.string,
    Bytes: _Compiler.bytes,
    Boolean: _Compiler.boolean,
    Nil: _Compiler.nil,
    Hole: _Compiler.hole,
    Name: _Compiler.name,
    Pointer: _Compiler.pointer,
    Unary: _Compiler.unary,
    Binary: _Compiler.binary,
    Chain: _Compiler.chain,
    Member: _Compiler.member,
    Slice: _Compiler.slice,
    Call: _Compiler.call,
    Method: _Compiler.method,
    Predicate: _Compiler.predicate,
    Let: _Compiler.let,
    Sequence: _Compiler.sequence,
    Conditional: _Compiler.conditional,
    Array: _Compiler.array,
    Map: _Compiler.map,
}


def _against(code: Code, bound: float, op: str) -> Code:
    """A comparison with a constant, the commonest condition of all."""
    if op == "<":
        return lambda frame: code(frame) < bound
    if op == ">":
        return lambda frame: code(frame) > bound
    if op == "<=":
        return lambda frame: code(frame) <= bound
    return lambda frame: code(frame) >= bound


def _folded(node: Node) -> bool | None:
    """The value of a constant condition that expr knows when it compiles."""
    if isinstance(node, Boolean):
        return node.value
    if isinstance(node, Unary) and node.op in ("not", "!"):
        value = _folded(node.operand)
        return None if value is None else not value
    if isinstance(node, Binary):
        left, right = node.left, node.right
        if node.op == "==" and type(left) is type(right):
            if isinstance(left, Number | String | Boolean) and isinstance(right, Number | String | Boolean):
                return left.value == right.value if type(left.value) is type(right.value) else None
            return None
        if node.op in ("and", "&&", "or", "||"):
            first, second = _folded(left), _folded(right)
            absorbing = node.op in ("or", "||")
            if absorbing in (first, second):
                return absorbing
            return second if first is not None else first if second is not None else None
    return None


def _truth(value: Any, span: Span) -> bool:
    if value is True or value is False:
        return value
    if value is None:
        raise RunFault("interface conversion: interface {} is nil, not bool", span)
    raise RunFault(f"interface conversion: interface {{}} is {go_type(value)}, not bool", span)


def _checked(code: Code, span: Span) -> Code:
    return lambda frame: _truth(code(frame), span)


def _folded_quotient(node: Binary) -> int | None:
    """1.9.0 divides two integers that are written out as integers: `5/100` is 0 (`optimizer/fold.go`)."""
    if not isinstance(node.left, Number) or not isinstance(node.right, Number):
        return None
    left, right = node.left.value, node.right.value
    if type(left) is not int or type(right) is not int:
        return None
    if right == 0:
        raise CompileError("integer divide by zero", *node.span)
    return abs(left) // abs(right) if (left < 0) == (right < 0) else -(abs(left) // abs(right))


def _number_type(op: str, left: Type, right: Type) -> Type | None:
    """The type of `left op right` for numbers."""
    if op == "%":
        return "int" if left == right == "int" else None
    return "float" if op in ("/", "**", "^") or "float" in (left, right) else "int"


def _integer(value: Any, span: Span) -> int:
    if type(value) is not int:
        raise RunFault(f"interface conversion: interface {{}} is {go_type(value)}, not int", span)
    return value


def _numeric(value: Any, span: Span) -> Any:
    if type(value) not in (int, float):
        raise RunFault(f"invalid operation: - {go_type(value)}", span)
    return value


def _open_logic(left: Code, right: Code, absorbing: bool) -> Code:
    """`and`, `or` whose left side may be open: the right one decides alone where it absorbs."""

    def run(frame: list[Any]) -> Any:
        try:
            found = left(frame)
        except Undecided:
            try:
                other = right(frame)
            except RunFault:
                raise Undecided from None
            if other is absorbing:
                return other
            raise
        return found if found is absorbing else right(frame)

    return run


def _agreed(then: Code, other: Code, frame: list[Any]) -> Any:
    try:
        found, alternative = then(frame), other(frame)
    except RunFault:
        raise Undecided from None
    if type(found) is type(alternative) and found == alternative:
        return found
    raise Undecided


def _or_unknown(code: Code, frame: list[Any]) -> Any:
    try:
        return code(frame)
    except Undecided:
        return UNKNOWN


def _after(codes: list[Code], last: Code, is_open: bool) -> Code:
    """Evaluates `codes` for their faults, then `last`."""
    if all(code is _result for code in codes):
        return last

    def run(frame: list[Any]) -> Any:
        for code in codes:
            if _or_unknown(code, frame) is UNKNOWN and not is_open:
                raise Undecided
        return last(frame)

    return run


def _equal_before_1_17(left: Any, left_type: Type, right: Any, right_type: Type) -> bool:
    """`==` compares lists with `reflect.DeepEqual`, for which `[]float64` is no `[]interface{}`."""
    if isinstance(left, list) and isinstance(right, list):
        if "any" in (left_type, right_type):
            raise Undecided
        return left_type.endswith("*") == right_type.endswith("*") and deep_equal(left, right)
    return equal(left, right)


def _range(first: Any, last: Any, frame: list[Any], span: Span) -> list[int]:
    if type(first) is float or type(last) is float:
        first, last = to_int(first), to_int(last)
    if type(first) is not int or type(last) is not int:
        raise RunFault(f"invalid operation: {go_type(first)} .. {go_type(last)}", span)
    size = last - first + 1
    if size > _MEMORY:
        raise RunFault("memory budget exceeded", span)
    frame[_BUDGET] -= max(size, 0)
    if frame[_BUDGET] < 0:
        raise Undecided
    return list(range(first, last + 1))


def _bound(value: Any, size: int, span: Span) -> int:
    if type(value) is float:
        value = to_int(value)
    if type(value) is not int:
        raise RunFault(f"invalid operation: int({go_type(value)})", span)
    return value + size if value < 0 else value


def _text_operator(op: str, left: Code, right: Code, span: Span, modern: bool) -> Code:
    def run(frame: list[Any]) -> Any:
        text, other = left(frame), right(frame)
        if modern and (text is None or other is None):
            return False
        if type(text) is not str or type(other) is not str:
            wrong = other if type(text) is str else text
            raise RunFault(f"interface conversion: interface {{}} is {go_type(wrong)}, not string", span)
        if op == "contains":
            return other in text
        if op == "startsWith":
            return text.startswith(other)
        if op == "endsWith":
            return text.endswith(other)
        return matches(text, other)

    return run


def _as_int(value: Any, span: Span) -> int:
    if type(value) is float:
        return to_int(value)
    if type(value) is int:
        return value
    if type(value) is str:
        return parse_int(value, f'strconv.ParseInt: parsing "{value}": invalid syntax', span)
    raise RunFault(f"asInt() not supported on {go_type(value)}", span)


def _as_float(value: Any, span: Span) -> float:
    if type(value) in (int, float):
        return float(value)
    if type(value) is str:
        return parse_float(value, f'strconv.ParseFloat: parsing "{value}": invalid syntax', span)
    raise RunFault(f"asFloat() not supported on {go_type(value)}", span)


def _becomes_float(node: Node) -> bool:
    """Whether the checker turns the integers of an argument into floats."""
    if isinstance(node, Unary):
        return _becomes_float(node.operand)
    if isinstance(node, Binary) and node.op in ("+", "-", "*"):
        return _becomes_float(node.left) or _becomes_float(node.right)
    return isinstance(node, Number)


def _items(value: Any, span: Span) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict | str):
        if value:
            raise Undecided
        return []
    raise RunFault(f"invalid argument for len (type {go_type(value)})", span)


def _sum_of(args: list[Any], span: Span) -> Any:
    total: Any = 0
    for value in _items(args[0], span):
        total = arithmetic("+", total, value, span)
    return total


def _reduce(values: Code, body: Code, scope: _Scope, initial: Code | None, span: Span) -> Code:
    def run(frame: list[Any]) -> Any:
        items = _items(values(frame), span)
        if initial is not None:
            total = initial(frame)
        elif items:
            total = items[0]
        else:
            raise RunFault("reduce of empty array with no initial value", span)
        for at, item in enumerate(items):
            if initial is None and at == 0:
                continue
            frame[scope.at], frame[scope.position], frame[scope.acc] = item, at, total
            total = body(frame)
        return total

    return run


def _each(name: str, values: Code, body: Code, scope: _Scope, span: Span, is_open: bool) -> Code:
    """The code of `name(values, body)`, apart from `reduce`."""
    at = scope.at
    if name in ("all", "any", "none"):
        return _quantifier(name, values, body, at, span, is_open)

    def holds(frame: list[Any]) -> list[Any]:
        found = []
        for item in _items(values(frame), span):
            frame[at] = item
            found.append(body(frame))
        return found

    if name == "filter":
        return lambda frame: [
            item for item, held in zip(_items(values(frame), span), holds(frame), strict=True) if held
        ]
    if name == "count":
        return lambda frame: sum(holds(frame))
    if name == "one":
        return lambda frame: sum(holds(frame)) == 1
    if name == "map":
        place = scope.position

        def run_map(frame: list[Any]) -> Any:
            found = []
            for position, item in enumerate(_items(values(frame), span)):
                frame[at], frame[place] = item, position
                found.append(body(frame))
            return found

        return run_map
    if name == "sum":

        def run_sum(frame: list[Any]) -> Any:
            total: Any = 0
            for number in holds(frame):
                total = arithmetic("+", total, number, span)
            return total

        return run_sum
    from_end, want_index = "Last" in name, name.endswith("Index")

    def run_find(frame: list[Any]) -> Any:
        items = _items(values(frame), span)
        for position in range(len(items) - 1, -1, -1) if from_end else range(len(items)):
            frame[at] = items[position]
            if body(frame):
                return position if want_index else items[position]
        return None

    return run_find


def _quantifier(name: str, values: Code, body: Code, at: int, span: Span, is_open: bool) -> Code:
    """`all`, `any`, `none`: they stop at the first element that decides."""
    deciding = name != "all"
    answer = name == "any"

    def run(frame: list[Any]) -> Any:
        for item in _items(values(frame), span):
            frame[at] = item
            if body(frame) is deciding:
                return answer
        return not answer

    if not is_open:
        return run

    def run_open(frame: list[Any]) -> Any:
        missing = False
        for item in _items(values(frame), span):
            frame[at] = item
            try:
                if body(frame) is deciding:
                    return answer
            except Undecided:
                missing = True
            except RunFault:
                if missing:
                    raise Undecided from None
                raise
        if missing:
            raise Undecided
        return not answer

    return run_open


_OTHER_NAMES: Final = {
    "null": "nil",
    "none": "nil",
    "undefined": "nil",
    "size": "len",
    "length": "len",
    "avg": "mean",
    "average": "mean",
}
_LIKE_RESULT: Final = frozenset(
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
    elif folded == "result" or folded in _LIKE_RESULT:
        hint = "write `result`: the measured value has no other name"
    elif folded == "nan":
        hint = "write `isNaN(...)`: NaN has no name"
    elif folded in _OTHER_NAMES:
        hint = f"write `{_OTHER_NAMES[folded]}`"
    else:
        near = next((known for known in (*sorted(ENVIRONMENT), *BUILTINS) if known.lower() == folded), "")
        hint = f"write `{near}`" if near else ""
    return CompileError(f"unknown name {name}", *span, hint)


def _mismatch_hint(node: Binary, left: Type, right: Type) -> str:
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


def _call_hint(name: str, kinds: list[Type], library: Library) -> str:
    if name in ("max", "min") and library < V1_17_7 and kinds and is_array(kinds[0]):
        return f"`{name}` of a list needs Argo Rollouts {rollouts_of(V1_17_7)} or later"
    return ""
