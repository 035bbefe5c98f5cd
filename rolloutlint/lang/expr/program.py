"""Compiled conditions: what a measurement makes of them (argo-rollouts `utils/evaluate/evaluate.go`)."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from rolloutlint.lang.expr.closures import (
    MAX_RANGE,
    UNKNOWN,
    VARIABLES,
    Code,
    Unknown,
)
from rolloutlint.lang.expr.compiler import (
    Compiler,
)
from rolloutlint.lang.expr.hints import (
    CompileError,
    PanicError,
)
from rolloutlint.lang.expr.lexer import ExprError
from rolloutlint.lang.expr.library import (
    NEWEST,
    Library,
)
from rolloutlint.lang.expr.parser import parse
from rolloutlint.lang.expr.tree import (
    Node,
    Span,
)
from rolloutlint.lang.expr.types import (
    Shape,
)
from rolloutlint.lang.expr.values import (
    RunFault,
    Undecided,
    go_type,
)


class Fault(NamedTuple):
    """The evaluation gives no answer; to Argo each kind is an Error measurement.

    `compile`: it is not understood, or the types do not fit; `run`: it fails on this value; `type`: the answer is no
    bool; `panic`: the controller itself dies (expr 1.12.5 and 1.13.0, `result[0]` on nil).
    """

    kind: Literal["compile", "run", "type", "panic"]
    message: str
    span: Span
    hint: str = ""


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
            found = code([value, MAX_RANGE, *([None] * self._frame)] if self._frame else [value, MAX_RANGE])
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


def compile_condition(text: str | Node, shape: Shape, library: Library = NEWEST) -> Program:
    """The program that evaluates `text` for results of `shape`.

    For the shape `any` it is compiled once more for the shape of each value it meets, as Argo does. Raises `ExprError`
    where the text is no expression and `CompileError` where the types do not fit.
    """
    node = parse(text, library) if isinstance(text, str) else text
    source = text if isinstance(text, str) else ""
    compiler = Compiler(shape, library)
    _, code = compiler.visit(node)
    return Program(source, node, shape, library, None if shape == "any" else code, compiler.slots - VARIABLES)


def program_of(text: str | Node, shape: Shape, library: Library = NEWEST) -> Program:
    """As `compile_condition`, but never raises: where that would, `error` is set and each run gives it."""
    try:
        return compile_condition(text, shape, library)
    except ExprError as error:
        fault = Fault("compile", error.message, (error.start, error.end), error.hint)
    except PanicError as error:
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
