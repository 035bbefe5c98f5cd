"""Running a template: a tree and plain parameters to a text.

Mirrors `text/template/exec.go`: what a missing key gives, which arguments a function takes, what counts as true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from rolloutlint.lang.gotemplate.functions import FUNCTIONS, Function
from rolloutlint.lang.gotemplate.parser import Action, Branch, Chain, Jump, Node, Operand, Pipeline, Text, Word
from rolloutlint.lang.gotemplate.values import (
    INVALID,
    NO_VALUE,
    GoError,
    Int64,
    StringMap,
    UnsupportedError,
    byte_order,
    empty,
    kind_name,
    plain_text,
    type_name,
)

MissingKey: TypeAlias = Literal["default", "zero", "error"]

MAX_STEPS = 20_000
"""Actions run before a template is given up."""
MAX_TEXT = 1_000_000
"""Characters written before a template is given up."""

_NO_FINAL: Any = object()


class _JumpError(Exception):
    def __init__(self, kind: str) -> None:
        self.kind = kind


class Gap(NamedTuple):
    """An action that wrote `<no value>`."""

    start: int
    end: int
    name: str
    """The field that was not there (`a.b`), `""` where the action is more than one field."""


class Execution:
    """One run of a template."""

    def __init__(self, root: Mapping[str, Any], missing: MissingKey) -> None:
        self.root = root
        self.missing = missing
        self.variables: list[tuple[str, Any]] = [("$", root)]
        self.out: list[str] = []
        self.length = 0
        self.steps = 0
        self.gaps: list[Gap] = []

    def run(self, nodes: Sequence[Node]) -> str:
        """The whole text. Raises `GoError` and `UnsupportedError`."""
        self.walk(self.root, nodes)
        return "".join(self.out)

    def write(self, text: str) -> None:
        self.length += len(text)
        if self.length > MAX_TEXT:
            raise UnsupportedError("a text of that size")
        self.out.append(text)

    # ---- nodes ---------------------------------------------------------------------------------------------

    def walk(self, dot: Any, nodes: Sequence[Node]) -> None:
        for node in nodes:
            self.steps += 1
            if self.steps > MAX_STEPS:
                raise UnsupportedError("so many steps")
            if isinstance(node, Text):
                self.write(node.text)
            elif isinstance(node, Action):
                self.action(dot, node)
            elif isinstance(node, Jump):
                raise _JumpError(node.kind)
            else:
                self.branch(dot, node)

    def action(self, dot: Any, node: Action) -> None:
        value = self.pipeline(dot, node.pipeline)
        if node.pipeline.variables:
            return
        if value is INVALID:
            operand = node.pipeline.commands[0][0]
            lone = len(node.pipeline.commands) == 1 and isinstance(operand, Word) and operand.kind == "field"
            name = ".".join(operand.names) if lone and isinstance(operand, Word) and dot is self.root else ""
            self.gaps.append(Gap(node.start, node.end, name))
            self.write(NO_VALUE)
            return
        self.write(plain_text(value))

    def branch(self, dot: Any, node: Branch) -> None:
        kept = len(self.variables)
        try:
            if node.kind == "range":
                self.range(dot, node)
                return
            value = self.pipeline(dot, node.pipeline)
            if not empty(value):
                self.walk(value if node.kind == "with" else dot, node.body)
            else:
                self.walk(dot, node.otherwise)
        finally:
            del self.variables[kept:]

    def range(self, dot: Any, node: Branch) -> None:
        variables = node.pipeline.variables
        value = self.pipeline(dot, node.pipeline)
        if isinstance(value, (int, float)) and not isinstance(value, (bool, float)):
            raise UnsupportedError("a range over a number, which depends on the release")
        pairs = list(self.pairs(value))
        kept = len(self.variables)
        for index, item in pairs:
            if variables:
                taken = (index, item) if len(variables) > 1 else (item,)
                for name, one in zip(variables, taken, strict=True):
                    if node.pipeline.assigns:
                        self.assign(name, one)
                    else:
                        self.declare_again(name, one)
            try:
                self.walk(item, node.body)
            except _JumpError as jump:
                if jump.kind == "break":
                    break
            finally:
                del self.variables[kept:]
        if not pairs:
            self.walk(dot, node.otherwise)

    @staticmethod
    def pairs(value: Any) -> Iterator[tuple[Any, Any]]:
        """What a range goes through, with its index or key."""
        if isinstance(value, list):
            yield from enumerate(value)
        elif isinstance(value, dict):
            for key in byte_order(value):
                yield key, value[key]
        elif value is not INVALID:
            raise GoError(f"range can't iterate over {plain_text(value)}")

    # ---- variables -----------------------------------------------------------------------------------------

    def assign(self, name: str, value: Any) -> None:
        for index in range(len(self.variables) - 1, -1, -1):
            if self.variables[index][0] == name:
                self.variables[index] = (name, value)
                return
        raise GoError(f"undefined variable: {name}")

    def declare_again(self, name: str, value: Any) -> None:
        """Set the variable that the pipeline of this range declared."""
        self.assign(name, value)

    def variable(self, name: str) -> Any:
        for known, value in reversed(self.variables):
            if known == name:
                return value
        raise GoError(f"undefined variable: {name}")

    # ---- pipelines -----------------------------------------------------------------------------------------

    def pipeline(self, dot: Any, pipeline: Pipeline) -> Any:
        value: Any = _NO_FINAL
        for command in pipeline.commands:
            value = self.command(dot, command, value)
            if value is None:
                value = INVALID  # a nil interface counts as no value at all from here on
        for name in pipeline.variables:
            if pipeline.assigns:
                self.assign(name, value)
            else:
                self.variables.append((name, value))
        return value

    def command(self, dot: Any, command: tuple[Operand, ...], final: Any) -> Any:
        first = command[0]
        has_arguments = len(command) > 1 or final is not _NO_FINAL
        if isinstance(first, Word) and first.kind == "function":
            return self.call(dot, str(first.value), command[1:], final)
        if isinstance(first, Chain) or (isinstance(first, Word) and first.names):
            return self.fields(dot, first, has_arguments)
        if has_arguments:
            raise GoError("can't give argument to non-function")
        if isinstance(first, Pipeline):
            return self.pipeline(dot, first)
        if first.kind == "nil":
            raise GoError("nil is not a command")
        return self.word(dot, first)

    def word(self, dot: Any, word: Word) -> Any:
        if word.kind == "dot":
            return dot
        if word.kind == "variable":
            return self.variable(str(word.value))
        return word.value

    def fields(self, dot: Any, operand: Word | Chain, has_arguments: bool = False) -> Any:
        if isinstance(operand, Chain):
            inner = operand.inner
            if isinstance(inner, Word):
                value = self.call(dot, str(inner.value), (), _NO_FINAL)
            else:
                value = self.pipeline(dot, inner)
        else:
            value = dot if operand.kind == "field" else self.variable(str(operand.value))
        for position, name in enumerate(operand.names):
            value = self.field(value, name, has_arguments and position == len(operand.names) - 1)
        return value

    def field(self, receiver: Any, name: str, has_arguments: bool) -> Any:
        if receiver is INVALID:
            if self.missing == "error":
                raise GoError(f'nil data; no entry for key "{name}"')
            return INVALID
        if receiver is None:
            raise GoError(f"nil pointer evaluating interface {{}}.{name}")
        if not isinstance(receiver, dict):
            raise GoError(f"can't evaluate field {name} in type {type_name(receiver)}")
        if has_arguments:
            raise GoError(f"{name} is not a method but has arguments")
        if name in receiver:
            return receiver[name]
        if self.missing == "error":
            raise GoError(f'map has no entry for key "{name}"')
        if self.missing == "zero":
            return "" if isinstance(receiver, StringMap) else None
        return INVALID

    # ---- functions -----------------------------------------------------------------------------------------

    def call(self, dot: Any, name: str, operands: tuple[Operand, ...], final: Any) -> Any:
        function = FUNCTIONS[name]
        if function.run is None:
            raise UnsupportedError(f"the function {name}")
        count = len(operands) + (final is not _NO_FINAL)
        fixed = len(function.fixed)
        if count < fixed or (count > fixed and not function.rest):
            raise GoError(f"wrong number of args for {name}: want {fixed} got {count}")
        if name in ("and", "or"):
            return self.short_circuit(dot, name, operands, final)
        values = [
            self.argument(dot, function.parameter(position), operand) for position, operand in enumerate(operands)
        ]
        if final is not _NO_FINAL:
            values.append(_valid(final, function.parameter(count - 1)))
        return _called(name, function, values)

    def short_circuit(self, dot: Any, name: str, operands: tuple[Operand, ...], final: Any) -> Any:
        value: Any = INVALID
        for operand in operands:
            value = self.argument(dot, "v", operand)
            if empty(value) is (name == "and"):
                return value
        return value if final is _NO_FINAL else final

    def argument(self, dot: Any, kind: str, operand: Operand) -> Any:
        if isinstance(operand, Chain) or (isinstance(operand, Word) and operand.names):
            return _valid(self.fields(dot, operand), kind)
        if isinstance(operand, Pipeline):
            return _valid(self.pipeline(dot, operand), kind)
        if operand.kind == "function":
            return _valid(self.call(dot, str(operand.value), (), _NO_FINAL), kind)
        if operand.kind in ("dot", "variable"):
            return _valid(self.word(dot, operand), kind)
        if operand.kind == "nil":
            if kind not in "avmL":
                raise GoError(f"cannot assign nil to {kind}")
            return {} if kind == "m" else None
        return _literal(operand, kind)


def _literal(word: Word, kind: str) -> Any:
    """A constant as an argument: it takes the type that is wanted."""
    if kind in "av":
        return word.value
    wanted = {"s": ("string",), "i": ("int",), "b": ("bool",), "f": ("int", "float")}.get(kind, ())
    if word.kind not in wanted:
        raise GoError(f"expected {_TYPES[kind]}; found {word.value}")
    return float(word.value) if kind == "f" else word.value


_TYPES = {
    "s": "string",
    "i": "int",
    "b": "bool",
    "f": "float64",
    "m": "map[string]interface {}",
    "a": "interface {}",
    "v": "reflect.Value",
}


def _valid(value: Any, kind: str) -> Any:
    """A value as an argument of a type (`validateType`). Raises `GoError` where Go does not take it."""
    if kind == "v":
        return value
    if kind == "a":
        return None if value is INVALID else value
    if value is INVALID:
        if kind == "m":
            return {}
        raise GoError(f"invalid value; expected {_TYPES[kind]}")
    fits = {
        "s": isinstance(value, str),
        "i": isinstance(value, int) and not isinstance(value, (bool, Int64)),
        "b": isinstance(value, bool),
        "f": isinstance(value, float),
        "m": isinstance(value, dict) and not isinstance(value, StringMap),
    }[kind]
    if not fits:
        raise GoError(f"wrong type for value; expected {_TYPES[kind]}; got {type_name(value)}")
    return value


def _called(name: str, function: Function, values: list[Any]) -> Any:
    run: Callable[..., Any] | None = function.run
    assert run is not None
    try:
        value = run(*values)
    except (GoError, UnsupportedError):
        raise
    except (RecursionError, MemoryError, OverflowError, UnicodeError, ArithmeticError) as error:
        raise UnsupportedError(f"{name} of such a value ({type(error).__name__})") from None
    if isinstance(value, str) and len(value) > MAX_TEXT:
        raise UnsupportedError("a text of that size")
    return value


__all__ = ["Execution", "Gap", "MissingKey", "kind_name"]
