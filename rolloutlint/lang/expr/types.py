"""The static types of a condition, and which operators take them (`checker/checker.go`, `checker/nature`).

A type is a short word: `int`, `float`, `string`, `bool`, `nil`, `any`, `map`, `func`, `time`, `duration`,
`MetricDataResult`; `x[]` is a Go slice of x, `x*` a `[]interface{}` whose elements are known to be x (`any*` when they
are not), `groups` a map with keys of any type.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

Type: TypeAlias = str

Shape: TypeAlias = Literal[
    "float[]", "float", "any", "any[]", "map", "maps", "string", "bool", "nil", "MetricDataResult[]"
]
"""What a provider returns as `result`: `any` where that is not known before it is measured, `maps` are New Relic's
rows."""

SHAPES: Final[tuple[Shape, ...]] = (
    "float[]",
    "float",
    "any",
    "any[]",
    "map",
    "maps",
    "string",
    "bool",
    "nil",
    "MetricDataResult[]",
)

TYPE_OF_SHAPE: Final[dict[Shape, Type]] = {
    "float[]": "float[]",
    "float": "float",
    "any": "any",
    "any[]": "any*",
    "map": "map",
    "maps": "row[]",
    "string": "string",
    "bool": "bool",
    "nil": "nil",
    "MetricDataResult[]": "MetricDataResult[]",
}

MEMBERS: Final[dict[Type, dict[str, Type]]] = {
    "MetricDataResult": {
        "Id": "string",
        "Label": "string",
        "Messages": "MessageData[]",
        "StatusCode": "StatusCode",
        "Timestamps": "time[]",
        "Values": "float[]",
    },
    "MessageData": {"Code": "string", "Value": "string"},
}
"""The exported fields of CloudWatch's answer (aws-sdk-go-v2 `service/cloudwatch/types`)."""

_GO: Final[dict[Type, str]] = {
    "float": "float64",
    "any": "interface {}",
    "map": "map[string]interface {}",
    "row": "nrdb.NRDBResult",
    "groups": "map[interface {}][]interface {}",
    "time": "time.Time",
    "duration": "time.Duration",
    "MetricDataResult": "types.MetricDataResult",
    "MessageData": "types.MessageData",
    "StatusCode": "types.StatusCode",
}


def go_name(kind: Type) -> str:
    """The Go type that expr names in its messages; `nil` for nil, which has none.

    >>> go_name("float[]")
    '[]float64'
    """
    if kind.endswith("[]"):
        return f"[]{go_name(kind[:-2])}"
    if kind.endswith("*"):
        return "[]interface {}"
    return _GO.get(kind, kind)


def is_array(kind: Type) -> bool:
    """A slice of any kind."""
    return kind.endswith(("]", "*"))


def element(kind: Type) -> Type:
    """The type of an array's elements."""
    return kind[:-1] if kind.endswith("*") else kind[:-2]


def is_number(kind: Type) -> bool:
    """`int` or `float`."""
    return kind == "float" or kind == "int"


def is_map(kind: Type) -> bool:
    """A map of any kind."""
    return kind in ("map", "row", "groups")


def assignable(kind: Type, to: Type) -> bool:
    """Whether Go assigns a `kind` to a variable of type `to`."""
    if kind == "nil":
        return to == "any" or is_array(to) or is_map(to)
    if to == "any" or kind == to:
        return kind != "any" or to == "any"
    return kind.endswith("*") and to.endswith("*")


def comparable(left: Type, right: Type) -> bool:
    """Whether `==` compiles (`Nature.ComparableTo`)."""
    return (
        left == right
        or left in ("any", "nil")
        or right in ("any", "nil")
        or (is_number(left) and is_number(right))
        or (is_array(left) and is_array(right))
    )


def compatible(left: Type, right: Type, *kinds: Type) -> bool:
    """One side is unknown and the other unknown too or one of `kinds` (`Nature.MaybeCompatible`)."""
    if left == "any":
        return right == "any" or right in kinds
    return right == "any" and left in kinds
