"""What differs between two states of an object, as a person would say it: items of lists by their names, and what comes
or goes as a whole in one piece.

The result does not depend on the order of keys, and asked the other way round it is the same with the sides swapped
(but for the numbers of items that have no name).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from rolloutlint.change.result import FieldChange
from rolloutlint.finding import Path
from rolloutlint.lang.quantity import parse_quantity

_LONGEST = 1000
"""Characters of a value; longer ones are cut in the middle."""
_MOST_CELLS = 250_000
"""Longer lists without names are compared item by item."""
_PLAIN = re.compile(r"[\w-]+")
_AMOUNTS = frozenset(("limits", "requests", "overhead"))
"""Mappings whose values are quantities."""
_AMOUNT = frozenset(("sizeLimit", "divisor"))
_HIDDEN = "***"
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

_Label = Callable[[Any], "str | None"]


def differences(before: object, after: object, at: Path = (), *, secret: bool = False) -> tuple[FieldChange, ...]:
    """The differences between two plain values, in the order of keys and list items.

    `at` is where they stand, for the paths. Items of lists are paired by `name`, `mountPath`, `containerPort`, `key`
    and the like where these are there and unique, else by content and position. A list whose items only move gives one
    difference, at its path with ` (order)`. Amounts of resources that are equal (`1`, `1000m`) do not differ. With
    `secret` the values are those of a Secret: what is in `data` and `stringData` is never shown.
    """
    return tuple(_Comparison(secret).of(before, after, at, show(at)))


def show(path: Path, value: object = None) -> str:
    """`spec.template.spec.containers[cart].image` for the path of a field in `value`; numbers where nothing has a name.

    Keys that are no plain words stand in brackets too: `metadata.annotations[app.kubernetes.io/name]`.
    """
    out = ""
    for key in path:
        label: str | None = None
        if isinstance(value, list) and isinstance(key, int):
            label = (_labels(value) or {}).get(key)
            value = value[key] if 0 <= key < len(value) else None
        else:
            value = value.get(key) if isinstance(value, dict) else None
        out = _below(out, key) if label is None else f"{out}[{label}]"
    return out


def concerning(
    changes: Iterable[FieldChange], paths: Iterable[Path], before: object, after: object
) -> tuple[FieldChange, ...]:
    """Those of the `differences` of two objects that stand at, above or below one of the paths in either of them."""
    wanted = {show(path, value) for path in paths for value in (before, after)}
    return tuple(
        change
        for change in changes
        if any(_within(change.path, one) or _within(one, change.path.removesuffix(" (order)")) for one in wanted)
    )


def _within(path: str, about: str) -> bool:
    return path.startswith(about) and path[len(about) : len(about) + 1] in ("", ".", "[", " ")


def _below(path: str, key: object) -> str:
    if isinstance(key, str) and _PLAIN.fullmatch(key):
        return f"{path}.{key}" if path else key
    return f"{path}[{key}]"


class _Comparison:
    def __init__(self, secret: bool) -> None:
        self.secret = secret

    def of(self, before: Any, after: Any, at: Path, shown: str) -> Iterator[FieldChange]:
        if before is after:
            return
        if isinstance(before, dict) and isinstance(after, dict):
            for key in sorted({*before, *after}, key=str):
                path, name = (*at, key), _below(shown, key)
                if key not in after:
                    yield FieldChange(name, self.text(before[key], path), None)
                elif key not in before:
                    yield FieldChange(name, None, self.text(after[key], path))
                else:
                    yield from self.of(before[key], after[key], path, name)
        elif isinstance(before, list) and isinstance(after, list):
            yield from self.lists(before, after, at, shown)
        elif not _equal(before, after, at):
            yield FieldChange(shown, self.text(before, at), self.text(after, at))

    def lists(self, before: list[Any], after: list[Any], at: Path, shown: str) -> Iterator[FieldChange]:
        label = _label(before, after)
        if label is not None:
            yield from self.named(before, after, label, at, shown)
            return
        one, other = [_key(item) for item in before], [_key(item) for item in after]
        if one != other and sorted(one) == sorted(other):
            yield FieldChange(f"{shown} (order)", self.text(before, at), self.text(after, at))
            return
        for first, second in _aligned(one, other):
            if second is None:
                assert first is not None
                yield FieldChange(f"{shown}[{first}]", self.text(before[first], (*at, first)), None)
            elif first is None:
                yield FieldChange(f"{shown}[{second}]", None, self.text(after[second], (*at, second)))
            else:
                yield from self.of(before[first], after[second], (*at, second), f"{shown}[{second}]")

    def named(self, before: list[Any], after: list[Any], label: _Label, at: Path, shown: str) -> Iterator[FieldChange]:
        old, new = ({str(label(item)): index for index, item in enumerate(items)} for items in (before, after))
        both = [name for name in old if name in new]
        order = sorted(both, key=lambda name: new[name])
        if both != order:
            yield FieldChange(f"{shown} (order)", _json(both), _json(order))

        def place(name: str) -> tuple[int, int, str]:
            places = [index[name] for index in (old, new) if name in index]
            return min(places), max(places), name

        for name in sorted({*old, *new}, key=place):
            path = f"{shown}[{name}]"
            if name not in new:
                yield FieldChange(path, self.text(before[old[name]], (*at, old[name])), None)
            elif name not in old:
                yield FieldChange(path, None, self.text(after[new[name]], (*at, new[name])))
            else:
                yield from self.of(before[old[name]], after[new[name]], (*at, new[name]), path)

    def text(self, value: object, at: Path) -> str:
        """A value as JSON in one line, without what is secret, and cut where it is long."""
        return _json(_masked(value, at) if self.secret else value)


def _masked(value: object, at: Path) -> object:
    if at[:1] in (("data",), ("stringData",)) or at == ("metadata", "annotations", _LAST_APPLIED):
        if isinstance(value, dict) and len(at) == 1:
            return dict.fromkeys(value, _HIDDEN)
        return _HIDDEN
    if isinstance(value, dict) and (not at or at[0] == "metadata"):
        return {key: _masked(each, (*at, key)) for key, each in value.items()}
    return value


def _json(value: object) -> str:
    if isinstance(value, str) and len(value) > _LONGEST:
        value = _cut(value)
    text = json.dumps(_writable(value), ensure_ascii=False, default=str)
    return text if len(text) <= 2 * _LONGEST else _cut(text)


def _writable(value: object) -> object:
    """With keys that JSON can have, and whole numbers in one form."""
    if isinstance(value, dict):
        return {str(key): _writable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_writable(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _cut(text: str) -> str:
    half = _LONGEST // 2
    return f"{text[:half]} ... {len(text)} characters in all ... {text[-half:]}"


def _equal(before: object, after: object, at: Path) -> bool:
    if isinstance(before, bool) or isinstance(after, bool):
        return before is after
    if before == after:
        return True
    if (at and at[-1] in _AMOUNT) or (len(at) > 1 and at[-2] in _AMOUNTS):
        amount = parse_quantity(before)
        return amount is not None and amount == parse_quantity(after)
    return False


# ---- lists ---------------------------------------------------------------------------------------------------------


def _field(*names: str) -> _Label:
    def label(item: Any) -> str | None:
        values = [item.get(name) for name in names]
        if any(isinstance(each, (dict, list, bool)) or each is None or each == "" for each in values):
            return None
        return "/".join(str(each) for each in values)

    return label


def _destination(item: Any) -> str | None:
    """A destination of a VirtualService: `host` or `host/subset`."""
    destination = item.get("destination")
    if not isinstance(destination, dict) or not isinstance(destination.get("host"), str):
        return None
    subset = destination.get("subset")
    return f"{destination['host']}/{subset}" if isinstance(subset, str) and subset else str(destination["host"])


_LABELS: tuple[_Label, ...] = (
    _field("mountPath"),
    _field("name"),
    _field("containerPort"),
    _field("containerPort", "protocol"),
    _field("port"),
    _field("port", "protocol"),
    _field("key"),
    _field("templateName"),
    _field("metricName"),
    _field("headerName"),
    _field("kind", "name"),
    _field("kind", "namespace", "name"),
    _field("topologyKey"),
    _field("conditionType"),
    _field("resourceName"),
    _field("type"),
    _field("ip"),
    _field("host"),
    _field("path"),
    _destination,
)
"""What names an item of a list, where every item of both sides has it and no two share it; the first that fits."""


def _label(before: Sequence[Any], after: Sequence[Any]) -> _Label | None:
    items = [*before, *after]
    if not items or not all(isinstance(item, dict) for item in items):
        return None
    for label in _LABELS:
        if label(items[0]) is None:
            continue
        sides = [[label(item) for item in side] for side in (before, after)]
        if all(None not in side and len(set(side)) == len(side) for side in sides):
            return label
    return None


def _labels(items: Sequence[Any]) -> dict[int, str] | None:
    label = _label(items, ())
    return None if label is None else {index: str(label(item)) for index, item in enumerate(items)}


def _key(item: object) -> str:
    return json.dumps(_writable(item), sort_keys=True, default=str)


def _aligned(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[int | None, int | None]]:
    """Pairs of indices: equal items first, and between them item by item; `None` for what only one side has."""
    swapped = (len(before), before) > (len(after), after)
    one, other = (after, before) if swapped else (before, after)
    anchors = [*_common(one, other), (len(one), len(other))]
    first = second = 0
    for here, there in anchors:
        for step in range(max(here - first, there - second)):
            left = first + step if first + step < here else None
            right = second + step if second + step < there else None
            yield (right, left) if swapped else (left, right)
        if here < len(one) and there < len(other):
            yield (there, here) if swapped else (here, there)
        first, second = here + 1, there + 1


def _common(one: Sequence[str], other: Sequence[str]) -> list[tuple[int, int]]:
    """A longest common subsequence, as pairs of indices; with lists that are too long only what stands still."""
    if len(one) * len(other) > _MOST_CELLS:
        return [(index, index) for index, (left, right) in enumerate(zip(one, other, strict=False)) if left == right]
    lengths = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i in reversed(range(len(one))):
        for j in reversed(range(len(other))):
            same = one[i] == other[j]
            lengths[i][j] = lengths[i + 1][j + 1] + 1 if same else max(lengths[i + 1][j], lengths[i][j + 1])
    out: list[tuple[int, int]] = []
    i = j = 0
    while i < len(one) and j < len(other):
        if one[i] == other[j]:
            out.append((i, j))
            i, j = i + 1, j + 1
        elif lengths[i + 1][j] >= lengths[i][j + 1]:
            i += 1
        else:
            j += 1
    return out
