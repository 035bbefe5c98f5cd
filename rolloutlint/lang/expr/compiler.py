"""The static check of expr's checker (`checker/checker.go`) and the code for its virtual machine, in one pass.

The environment is that of argo-rollouts `utils/evaluate/evaluate.go`: `isNil` and `default` ignore their argument and
look at the whole result. A placeholder, or a function that is not modelled, leaves an answer open where it decides.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from rolloutlint.lang.expr.builtins import Function, TypeFault, function, result_type
from rolloutlint.lang.expr.closures import (
    ARITHMETIC,
    MEMORY,
    MIRRORED,
    ORDER,
    UNKNOWN,
    VARIABLES,
    Code,
    NilInChain,
    Scope,
    after,
    against,
    agreed,
    as_float,
    as_int,
    bound_of,
    checked,
    constant,
    each,
    equal_before_1_17,
    integer,
    items_of,
    make_range,
    numeric,
    of_result,
    open_logic,
    or_unknown,
    reduce,
    slot,
    sum_of,
    text_operator,
    truth,
    undecided,
)
from rolloutlint.lang.expr.hints import (
    CompileError,
    PanicError,
    call_hint,
    mismatch_hint,
    unknown_name,
)
from rolloutlint.lang.expr.library import (
    BUILTINS,
    ENVIRONMENT,
    PREDICATES,
    V1_9_0,
    V1_12_5,
    V1_13_0,
    V1_15_3,
    V1_17_7,
    Library,
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
    divide,
    equal,
    go_type,
    index,
    power,
)

CLOCK: Final = ("time", "duration")


class Compiler:
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
        self.slots = VARIABLES
        self.scopes: list[Scope] = []
        self.variables: dict[str, tuple[Type, int]] = {}

    def visit(self, node: Node) -> tuple[Type, Code]:
        return VISIT[type(node)](self, node)

    def slot(self) -> int:
        self.slots += 1
        return self.slots - 1

    def unknown(self, kind: Type = "any") -> tuple[Type, Code]:
        self.open += 1
        return kind, undecided

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
        return "int" if type(node.value) is int else "float", constant(node.value)

    def string(self, node: String) -> tuple[Type, Code]:
        return self.unknown("string") if node.open else ("string", constant(node.value))

    def bytes(self, node: Bytes) -> tuple[Type, Code]:
        return self.unknown("int[]")

    def boolean(self, node: Boolean) -> tuple[Type, Code]:
        return "bool", constant(node.value)

    def nil(self, node: Nil) -> tuple[Type, Code]:
        self.nilable = True
        return "nil", constant(None)

    def hole(self, node: Hole) -> tuple[Type, Code]:
        return self.unknown()

    def name(self, node: Name) -> tuple[Type, Code]:
        name = node.name
        known = self.variables.get(name)
        if known is not None:
            return known[0], slot(known[1])
        if name == "result":
            return self.result, of_result
        if name == "$env":
            return self.unknown()
        if name in ENVIRONMENT:
            return self.unknown("func")
        if self.library >= V1_15_3 and name in BUILTINS and BUILTINS[name] <= self.library:
            return "func", constant(None)
        raise unknown_name(name, node.span, self.library)

    def pointer(self, node: Pointer) -> tuple[Type, Code]:
        if not self.scopes:
            raise CompileError("cannot use pointer accessor outside predicate", *node.span)
        scope = self.scopes[-1]
        if not node.name:
            return scope.element, slot(scope.at)
        if node.name == "index" and scope.position:
            return "int", slot(scope.position)
        if node.name == "acc" and scope.acc:
            return "any", slot(scope.acc)
        raise CompileError(f"unknown pointer #{node.name}", *node.span)

    # Operators.

    def unary(self, node: Unary) -> tuple[Type, Code]:
        kind, code = self.visit(node.operand)
        span = node.span
        if node.op in ("not", "!"):
            if kind == "bool":
                return "bool", lambda frame: not code(frame)
            if kind == "any":
                return "bool", lambda frame: not truth(code(frame), span)
            hint = ""
            if isinstance(node.operand, Member | Name):
                hint = f"write `{node.op} (...)`: `{node.op}` binds tighter than a comparison"
            raise CompileError(f"invalid operation: {node.op} (mismatched type {go_name(kind)})", *span, hint)
        if not is_number(kind) and kind != "any":
            raise CompileError(f"invalid operation: {node.op} (mismatched type {go_name(kind)})", *span)
        if node.op == "+":
            return kind, code
        if isinstance(node.operand, Number):
            return kind, constant(-node.operand.value)
        if kind == "any" or self.nilable:
            return kind, lambda frame: -numeric(code(frame), span)
        return kind, lambda frame: -code(frame)

    def binary(self, node: Binary) -> tuple[Type, Code]:
        op = node.op
        if op in ORDER:
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
            return "int[]", lambda frame: make_range(left(frame), right(frame), frame, span)
        if (left_type, right_type) != ("string", "string") and not compatible(left_type, right_type, "string"):
            raise self.mismatch(node, left_type, right_type)
        return "bool", text_operator(op, left, right, span, self.modern)

    def mismatch(self, node: Binary, left: Type, right: Type) -> CompileError:
        message = f"invalid operation: {node.op} (mismatched types {go_name(left)} and {go_name(right)})"
        return CompileError(message, *node.span, mismatch_hint(node, left, right))

    def order(self, node: Binary) -> tuple[Type, Code]:
        left_type, left, right_type, right = self.both(node.left, node.right)
        op, span = node.op, node.span
        test = ORDER[op]
        if (is_number(left_type) and is_number(right_type)) or left_type == right_type == "string":
            if self.nilable:
                return "bool", lambda frame: compare(op, test, left(frame), right(frame), span)
            if isinstance(node.right, Number):
                return "bool", against(left, node.right.value, op)
            if isinstance(node.left, Number):
                return "bool", against(right, node.left.value, MIRRORED[op])
            return "bool", lambda frame: test(left(frame), right(frame))
        if left_type in CLOCK and left_type == right_type:
            return "bool", lambda frame: test(left(frame), right(frame))
        if "StatusCode" in (left_type, right_type) and {left_type, right_type} <= {"StatusCode", "string"}:
            return self.unknown("bool")
        if not compatible(left_type, right_type, "int", "float", "string", *CLOCK):
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
            first, second = folded(node.left), folded(node.right)
            if absorbing in (first, second):
                return "bool", constant(absorbing)
            if first is not None:
                return "bool", right
            if second is not None:
                return "bool", left
        if left_type != "bool":
            left = checked(left, node.span)
        # The right side is not checked: the answer of `true && 1` is 1, which is then no bool.
        if is_open:
            return "bool", open_logic(left, right, absorbing)
        if absorbing:
            return "bool", lambda frame: left(frame) or right(frame)
        return "bool", lambda frame: left(frame) and right(frame)

    def equality(self, node: Binary, left_type: Type, left: Code, right_type: Type, right: Code) -> Code:
        wanted = node.op == "=="
        if is_number(left_type) and is_number(right_type):
            if self.nilable and left_type == right_type == "int":
                span = node.span
                return lambda frame: (integer(left(frame), span) == integer(right(frame), span)) is wanted
            if wanted:
                return lambda frame: left(frame) == right(frame)
            return lambda frame: left(frame) != right(frame)
        if "StatusCode" in (left_type, right_type) or "func" in (left_type, right_type):
            self.open += 1
            return undecided
        if self.modern:
            return lambda frame: equal(left(frame), right(frame)) is wanted
        return lambda frame: equal_before_1_17(left(frame), left_type, right(frame), right_type) is wanted

    def arithmetic(self, node: Binary, left_type: Type, left: Code, right_type: Type, right: Code) -> tuple[Type, Code]:
        op, span = node.op, node.span
        numbers = is_number(left_type) and is_number(right_type)
        if numbers and op != "%" and not self.nilable:
            floating = "float" in (left_type, right_type)
            if op == "/":
                if self.library == V1_9_0:
                    whole = folded_quotient(node)
                    if whole is not None:
                        return "float", constant(whole)
                return "float", lambda frame: divide(left(frame), right(frame))
            if op in ("**", "^"):
                return "float", lambda frame: power(left(frame), right(frame))
            if floating:
                combine = ARITHMETIC[op]
                return "float", lambda frame: combine(left(frame), right(frame))
            return "int", lambda frame: arithmetic(op, left(frame), right(frame), span)
        kind = number_type(op, left_type, right_type) if numbers else self.result_of(op, left_type, right_type)
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
        kinds: tuple[Type, ...] = ("int", "float", *CLOCK)
        if op == "*":
            kinds = ("int", "float", "duration") if self.modern else ("int", "float")
        if op == "+":
            kinds = (*kinds, "string")
        if left in CLOCK and right in CLOCK and not (op == "*" and "time" in (left, right)):
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
            if last - first + 1 > MEMORY and not between and not literal:
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
            except NilInChain:
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
        if kind in MEMBERS or kind in CLOCK or kind == "StatusCode":
            if text is None or kind not in MEMBERS:
                return self.unknown(found)
            return found, lambda frame: code(frame).get(text)
        if node.optional:

            def optional(frame: list[Any]) -> Any:
                value = code(frame)
                if value is None:
                    raise NilInChain
                return index(value, key_code(frame), span)

            return found, optional
        if is_array(kind) and isinstance(key, Number) and type(key.value) is int and key.value >= 0:
            at = key.value
            if code is of_result:

                def element_of_result(frame: list[Any]) -> Any:
                    values = frame[0]
                    if at < len(values):
                        return values[at]
                    raise RunFault(f"index out of range: {at} (array length is {len(values)})", span)

                return found, element_of_result

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
            return self.result, of_result
        if name in ENVIRONMENT:
            self.open += 1
            return "func", undecided
        if node.optional:
            return "any", constant(None)
        raise CompileError(f"unknown name {name}", *node.key.span)

    def member_type(self, node: Member, kind: Type, key: Type, text: str | None) -> Type:
        """The type of an access; raises where expr refuses it."""
        if kind == "any":
            return "any"
        is_field = isinstance(node.key, String)
        if kind == "nil":
            if self.library in (V1_12_5, V1_13_0) and not is_field:
                raise PanicError("runtime error: invalid memory address or nil pointer dereference", *node.span)
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
            begin = bound_of(low(frame), size, span) if low is not None else 0
            end = min(bound_of(high(frame), size, span), size) if high is not None else size
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
            raise CompileError(str(fault), *node.span, call_hint(name, kinds, self.library)) from None
        if name in ("first", "last", "get"):
            self.nilable = True
        run = function(name, self.library, kinds[0] if kinds else "any")
        if run is None:
            return self.unknown(found)
        return found, self.invoke(run, codes, node.span, self.open > opened)

    def invoke(self, run: Function, codes: list[Code], span: Span, is_open: bool) -> Code:
        if is_open:

            def with_holes(frame: list[Any]) -> Any:
                values = [or_unknown(code, frame) for code in codes]
                if any(value is UNKNOWN for value in values):
                    raise Undecided
                return run(values, span)

            return with_holes
        if len(codes) == 1:
            only = codes[0]
            if only is of_result:
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
            return "bool", after([code], lambda frame: frame[0] is None, is_open)
        if name == "default":
            other = arguments[1][1]

            def default(frame: list[Any]) -> Any:
                found = frame[0]
                return other(frame) if found is None else found

            return "any", after([code, other], default, is_open)
        convert = as_int if name == "asInt" else as_float
        return "int" if name == "asInt" else "float", lambda frame: convert(code(frame), span)

    def is_special(self, node: Call, kind: Type, code: Code) -> Code:
        """`isNaN` and `isInf`, which take a float64."""
        test = math.isnan if node.name == "isNaN" else math.isinf
        span = node.span
        argument = node.args[0]
        if kind == "float" or (kind == "int" and becomes_float(argument)):
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
                return "int", lambda frame: sum(1 for item in items_of(values(frame), span) if truth(item, span))
            run = function("sum", self.library) or sum_of
            return inner, self.invoke(run, [values], span, self.open > opened)
        scope = Scope(
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
        if name in BOOLEAN_PREDICATES:
            if body_type not in ("bool", "any"):
                place = node.args[1]
                raise CompileError(f"predicate should return boolean (got {go_name(body_type)})", *place.span)
            if body_type == "any":
                body = checked(body, span)
        rest = [self.visit(argument) for argument in node.args[2:]]
        found = PREDICATE_TYPES.get(name) or self.predicate_type(name, kind, inner, body_type)
        if is_open or name in ("groupBy", "sortBy"):
            return self.unknown(found)
        if name == "reduce":
            return found, reduce(values, body, scope, rest[0][1] if rest else None, span)
        return found, each(name, values, body, scope, span, body_open)

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
            return found, undecided

        def run(frame: list[Any]) -> Any:
            frame[at] = value(frame)
            return body(frame)

        return found, run

    def sequence(self, node: Sequence) -> tuple[Type, Code]:
        opened = self.open
        visited = [self.visit(item) for item in node.items]
        last = visited[-1][1]
        return visited[-1][0], after([code for _, code in visited[:-1]], last, self.open > opened)

    def conditional(self, node: Conditional) -> tuple[Type, Code]:
        opened = self.open
        kind, test = self.visit(node.test)
        is_open = self.open > opened
        if kind not in ("bool", "any"):
            raise CompileError(f"non-bool expression (type {go_name(kind)}) used as condition", *node.test.span)
        if kind == "any":
            test = checked(test, node.test.span)
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
                    return agreed(then, other, frame)
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


BOOLEAN_PREDICATES: Final = frozenset(
    ("all", "any", "none", "one", "filter", "find", "findIndex", "findLast", "findLastIndex", "count")
)

PREDICATE_TYPES: Final[dict[str, Type]] = {
    "all": "bool",
    "any": "bool",
    "none": "bool",
    "one": "bool",
    "count": "int",
    "findIndex": "int",
    "findLastIndex": "int",
}

VISIT: Final[dict[type, Callable[[Compiler, Any], tuple[Type, Code]]]] = {
    Number: Compiler.number,
    String: Compiler.string,
    Bytes: Compiler.bytes,
    Boolean: Compiler.boolean,
    Nil: Compiler.nil,
    Hole: Compiler.hole,
    Name: Compiler.name,
    Pointer: Compiler.pointer,
    Unary: Compiler.unary,
    Binary: Compiler.binary,
    Chain: Compiler.chain,
    Member: Compiler.member,
    Slice: Compiler.slice,
    Call: Compiler.call,
    Method: Compiler.method,
    Predicate: Compiler.predicate,
    Let: Compiler.let,
    Sequence: Compiler.sequence,
    Conditional: Compiler.conditional,
    Array: Compiler.array,
    Map: Compiler.map,
}


def folded(node: Node) -> bool | None:
    """The value of a constant condition that expr knows when it compiles."""
    if isinstance(node, Boolean):
        return node.value
    if isinstance(node, Unary) and node.op in ("not", "!"):
        value = folded(node.operand)
        return None if value is None else not value
    if isinstance(node, Binary):
        left, right = node.left, node.right
        if node.op == "==" and type(left) is type(right):
            if isinstance(left, Number | String | Boolean) and isinstance(right, Number | String | Boolean):
                return left.value == right.value if type(left.value) is type(right.value) else None
            return None
        if node.op in ("and", "&&", "or", "||"):
            first, second = folded(left), folded(right)
            absorbing = node.op in ("or", "||")
            if absorbing in (first, second):
                return absorbing
            return second if first is not None else first if second is not None else None
    return None


def folded_quotient(node: Binary) -> int | None:
    """1.9.0 divides two integers that are written out as integers: `5/100` is 0 (`optimizer/fold.go`)."""
    if not isinstance(node.left, Number) or not isinstance(node.right, Number):
        return None
    left, right = node.left.value, node.right.value
    if type(left) is not int or type(right) is not int:
        return None
    if right == 0:
        raise CompileError("integer divide by zero", *node.span)
    return abs(left) // abs(right) if (left < 0) == (right < 0) else -(abs(left) // abs(right))


def number_type(op: str, left: Type, right: Type) -> Type | None:
    """The type of `left op right` for numbers."""
    if op == "%":
        return "int" if left == right == "int" else None
    return "float" if op in ("/", "**", "^") or "float" in (left, right) else "int"


def becomes_float(node: Node) -> bool:
    """Whether the checker turns the integers of an argument into floats."""
    if isinstance(node, Unary):
        return becomes_float(node.operand)
    if isinstance(node, Binary) and node.op in ("+", "-", "*"):
        return becomes_float(node.left) or becomes_float(node.right)
    return isinstance(node, Number)
