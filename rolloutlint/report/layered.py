"""Places boxes and the links between them in columns from left to right, so that nothing covers anything else.

Sugiyama's method in its plain form: columns by longest path, order by barycentres, heights by isotonic regression.
Every link has a slot of its own for its label, behind its source. Same input, same picture: no randomness, no clock.
All lengths are in pixels, y grows downwards, and everything starts at (0, 0).
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import inf
from typing import NamedTuple, TypeAlias

SWEEPS = 12
LABEL_HEIGHT = 18.0
_LANE = 10.0
"""Height kept free for a line that passes a column."""
_GAP = 16.0
"""Between two boxes of one column."""
_LEAD = 26.0
"""Room for a line to bend, before a label and behind it."""
_STEEPEST = 7.0
"""How many times higher than wide a bend may become before its column is widened."""
_WIDEST_LEAD = 90.0
_FILLED_AT_MOST = 300
"""Up to so many rectangles, gaps between them are looked for."""
_UNEVEN = 6.0
"""How many times larger than the middle one the largest rectangle is where gaps are worth filling."""


class Box(NamedTuple):
    """Something to place."""

    key: str
    width: float
    height: float
    loose: bool = False
    """True where it keeps its width; the other boxes of a column become as wide as the widest of them."""


class Link(NamedTuple):
    """A line from box to box, with a label of that width (0: none)."""

    key: str
    source: str
    target: str
    label: float


class Rectangle(NamedTuple):
    """A placed box: its left upper corner and its size."""

    x: float
    y: float
    width: float
    height: float


class Station(NamedTuple):
    """A level piece of a line, from `left` to `right` at height `y`."""

    left: float
    right: float
    y: float


class Route(NamedTuple):
    """A placed link: from the right side of one box over stations to the left side of another."""

    start: tuple[float, float]
    stations: tuple[Station, ...]
    end: tuple[float, float]
    label: Station | None
    """Where the label stands: one of the stations."""
    backwards: bool
    """True where the line goes from target to source, because the links form a circle."""


class Drawing(NamedTuple):
    """Everything placed."""

    boxes: Mapping[str, Rectangle]
    routes: Mapping[str, Route]
    width: float
    height: float


class _Slot:
    """One place of one column: a box, a label, or a line passing."""

    __slots__ = ("column", "height", "kind", "left", "right", "width", "y")

    def __init__(self, column: int, width: float, height: float, kind: str) -> None:
        self.column = column
        self.width = width
        self.height = height
        self.kind = kind
        self.left: list[tuple[_Slot, float]] = []
        """Neighbours in the column before, with the weight of the line to them."""
        self.right: list[tuple[_Slot, float]] = []
        self.y = 0.0
        """Of the middle."""


def layered(boxes: Sequence[Box], links: Sequence[Link]) -> Drawing:
    """Place `boxes` (unique keys) and `links` between them (no box to itself); both in a meaningful order."""
    turned = _circular(boxes, links)
    layers = _layers(boxes, [(k.target, k.source) if k.key in turned else (k.source, k.target) for k in links])
    widths: dict[int, float] = {}
    for box in boxes:
        if not box.loose:
            widths[layers[box.key]] = max(box.width, widths.get(layers[box.key], 0.0))
    slots = {
        b.key: _Slot(2 * layers[b.key], b.width if b.loose else widths[layers[b.key]], b.height, "box") for b in boxes
    }
    chains: dict[str, list[_Slot]] = {}
    for link in links:
        first, last = (link.target, link.source) if link.key in turned else (link.source, link.target)
        label = _Slot(slots[first].column + 1, link.label, LABEL_HEIGHT if link.label else _LANE, "line")
        lanes = [_Slot(c, 0, _LANE, "line") for c in range(slots[first].column + 2, slots[last].column)]
        chain = chains[link.key] = [slots[first], label, *lanes, slots[last]]
        for before, after in pairwise(chain):
            weight = 1.0 if "box" in (before.kind, after.kind) else 6.0
            before.right.append((after, weight))
            after.left.append((before, weight))
    columns = _ordered(list(slots.values()))
    _set_heights(columns)
    starts, ends = _set_columns(columns)
    placed = {}
    for box in boxes:
        slot = slots[box.key]
        placed[box.key] = Rectangle(starts[slot.column], slot.y - slot.height / 2, slot.width, slot.height)
    routes = {}
    for link in links:
        begin, *middle, end = chains[link.key]
        stations = tuple(Station(starts[s.column], ends[s.column], s.y) for s in middle)
        routes[link.key] = Route(
            start=(starts[begin.column] + begin.width, begin.y),
            stations=stations,
            end=(starts[end.column], end.y),
            label=stations[0] if link.label else None,
            backwards=link.key in turned,
        )
    height = max((r.y + r.height for r in placed.values()), default=0.0)
    height = max([height, *(s.y + s.height / 2 for column in columns for s in column)])
    return Drawing(placed, routes, max(ends, default=0.0), height)


def _circular(boxes: Sequence[Box], links: Sequence[Link]) -> set[str]:
    """Keys of links that close a circle, found by walking from every box in turn."""
    outgoing: dict[str, list[Link]] = {}
    for link in links:
        outgoing.setdefault(link.source, []).append(link)
    turned: set[str] = set()
    state: dict[str, int] = {}
    for box in boxes:
        stack = [(box.key, iter(outgoing.get(box.key, ())))] if box.key not in state else []
        state.setdefault(box.key, 1)
        while stack:
            here, rest = stack[-1]
            for link in rest:
                if link.target not in state:
                    state[link.target] = 1
                    stack.append((link.target, iter(outgoing.get(link.target, ()))))
                    break
                if state[link.target] == 1:
                    turned.add(link.key)
            else:
                state[here] = 2
                stack.pop()
    return turned


def _layers(boxes: Sequence[Box], ends: Sequence[tuple[str, str]]) -> Mapping[str, int]:
    """The longest path to every box; what nothing leads to stands right before what it leads to."""
    outgoing: dict[str, list[str]] = {b.key: [] for b in boxes}
    open_ends = dict.fromkeys(outgoing, 0)
    for source, target in ends:
        outgoing[source].append(target)
        open_ends[target] += 1
    roots = [key for key, count in open_ends.items() if not count]
    layers = dict.fromkeys(outgoing, 0)
    todo = list(roots)
    while todo:
        here = todo.pop()
        for target in outgoing[here]:
            layers[target] = max(layers[target], layers[here] + 1)
            open_ends[target] -= 1
            if not open_ends[target]:
                todo.append(target)
    for root in roots:
        if outgoing[root]:
            layers[root] = min(layers[target] for target in outgoing[root]) - 1
    return layers


def _ordered(slots: Sequence[_Slot]) -> list[list[_Slot]]:
    """The columns, each from top to bottom with few crossings."""
    columns: list[list[_Slot]] = [[] for _ in range(1 + max((s.column for s in slots), default=-1))]
    seen: set[int] = set()
    for root in sorted(slots, key=lambda s: s.column):
        stack = [root]
        while stack:
            slot = stack.pop()
            if id(slot) not in seen:
                seen.add(id(slot))
                columns[slot.column].append(slot)
                stack += [after for after, _ in reversed(slot.right)]
    best, fewest = [list(c) for c in columns], _crossings(columns)
    for flips in _FLIPS:
        tried = [list(c) for c in columns]
        for sweep in range(SWEEPS):
            if not fewest:
                return best
            _sweep(tried, forwards=sweep % 2 == 0, flip=flips[sweep % 2])
            crossings = _crossings(tried)
            if crossings < fewest:
                best, fewest = [list(c) for c in tried], crossings
    return best


_FLIPS = ((False, False), (False, True), (True, False), (True, True))
"""Whether slots that are drawn to the same height change places, on the way forwards and back."""


def _sweep(columns: Sequence[list[_Slot]], *, forwards: bool, flip: bool) -> None:
    """Order each column by where its neighbours in the column before (or behind) stand."""
    for column in columns if forwards else reversed(columns):
        position = {id(slot): index for c in columns for index, slot in enumerate(c)}
        wanted = {
            id(slot): _barycentre(slot.left if forwards else slot.right, position, position[id(slot)])
            for slot in column
        }
        if flip:
            column.reverse()
        column.sort(key=lambda slot: wanted[id(slot)])


def _barycentre(neighbours: Sequence[tuple[_Slot, float]], position: Mapping[int, int], otherwise: int) -> float:
    if not neighbours:
        return float(otherwise)
    return sum(position[id(s)] for s, _ in neighbours) / len(neighbours)


def _crossings(columns: Sequence[Sequence[_Slot]]) -> int:
    """How many lines cross between neighbouring columns."""
    total = 0
    for column, following in pairwise(columns):
        position = {id(slot): index for index, slot in enumerate(following)}
        seen: list[int] = []
        for slot in column:
            ends = sorted(position[id(after)] for after, _ in slot.right)
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _apart(upper: _Slot, lower: _Slot) -> float:
    """The distance that the middles of two neighbours of one column keep at least."""
    gap = _GAP if upper.kind == lower.kind == "box" else 10.0 if "box" in (upper.kind, lower.kind) else 2.0
    return (upper.height + lower.height) / 2 + gap


def _set_heights(columns: Sequence[Sequence[_Slot]]) -> None:
    """Give every slot its y: near the slots it is linked with, in the order of the column, never too close."""
    for column in columns:
        y = 0.0
        for index, slot in enumerate(column):
            y += _apart(column[index - 1], slot) if index else 0.0
            slot.y = y
    for sweep in range(2 * SWEEPS):
        forwards = sweep % 2 == 0
        both = sweep >= SWEEPS
        for column in columns if forwards else reversed(columns):
            wanted = []
            for slot in column:
                near = slot.left + slot.right if both else slot.left if forwards else slot.right
                weight = sum(w for _, w in near)
                wanted.append((sum(s.y * w for s, w in near) / weight, weight) if near else (slot.y, 0.01))
            for slot, y in zip(column, _spread(column, wanted), strict=True):
                slot.y = y
    top = min((s.y - s.height / 2 for c in columns for s in c), default=0.0)
    for column in columns:
        for slot in column:
            slot.y = round(slot.y - top, 1)


def _spread(column: Sequence[_Slot], wanted: Sequence[tuple[float, float]]) -> list[float]:
    """The heights nearest to the wanted ones (with their weights) that keep order and distance."""
    offsets = [0.0]
    for upper, lower in pairwise(column):
        offsets.append(offsets[-1] + _apart(upper, lower))
    pools: list[tuple[float, float, int]] = []
    for (y, weight), offset in zip(wanted, offsets, strict=False):
        mean, total, count = y - offset, weight, 1
        while pools and pools[-1][0] >= mean:
            other, more, members = pools.pop()
            mean = (mean * total + other * more) / (total + more)
            total, count = total + more, count + members
        pools.append((mean, total, count))
    levels = [mean for mean, _, count in pools for _ in range(count)]
    return [level + offset for level, offset in zip(levels, offsets, strict=True)]


def _set_columns(columns: Sequence[Sequence[_Slot]]) -> tuple[list[float], list[float]]:
    """Left and right x of every column. Those of labels have room for the lines to bend on either side."""
    starts, ends = [], []
    x = 0.0
    for column in columns:
        labels = column[0].kind == "line" and column[0].column % 2 == 1 if column else False
        before = _lead(column, "left") if labels else 0.0
        after = _lead(column, "right") if labels else 0.0
        width = max((s.width for s in column), default=0.0)
        starts.append(x + before)
        ends.append(x + before + width)
        x += before + width + after
    return starts, ends


def _lead(column: Sequence[_Slot], side: str) -> float:
    """The room that the steepest line between this column and its neighbour needs."""
    rise = max((abs(s.y - other.y) for s in column for other, _ in getattr(s, side)), default=0.0)
    return min(_WIDEST_LEAD, max(_LEAD, rise / _STEEPEST))


_Packed: TypeAlias = "tuple[list[tuple[float, float]], float, float]"
"""Places of rectangles, and the width and height of the whole."""


def pack(sizes: Sequence[tuple[float, float]], gap: float, ratio: float) -> _Packed:
    """Places for rectangles of `sizes`, about in reading order, and the whole's size, near `ratio` (width to height).

    Tries rows, columns and (of uneven sizes) filled gaps for many widths, and takes what wastes least and comes nearest
    to the ratio.
    """
    if not sizes:
        return [], 0.0, 0.0
    widest = max(width for width, _ in sizes)
    whole = sum(width + gap for width, _ in sizes)
    tries = [_in_columns(sizes, gap, count) for count in range(1, min(len(sizes), 24) + 1)]
    tries += [_in_rows(sizes, gap, widest + (whole - widest) * step / 24) for step in range(25)]
    areas = sorted((width + gap) * (height + gap) for width, height in sizes)
    if len(sizes) <= _FILLED_AT_MOST and areas[-1] > _UNEVEN * areas[len(areas) // 2]:
        # Rows and columns are easier to read; beside very large rectangles they waste too much.
        side = (sum(areas) * ratio) ** 0.5
        tries += [_in_gaps(sizes, gap, max(widest, side * tenths / 10)) for tenths in range(8, 16)]

    def cost(tried: _Packed) -> float:
        _, width, height = tried
        return width * height * max(width / height / ratio, ratio * height / width)

    return min(tries, key=cost)


def _in_gaps(sizes: Sequence[tuple[float, float]], gap: float, limit: float) -> _Packed:
    """Every rectangle in turn as high up as the ones before leave room for it, below `limit` in width."""
    skyline = [(0.0, 0.0)]
    """Left end and height of every step, from left to right; the last one ends at the limit."""
    places = []
    for width, height in sizes:
        best = (inf, 0.0)
        for index, (x, _) in enumerate(skyline):
            if x and x + width > limit:
                break
            y = 0.0
            for left, level in skyline[index:]:
                if left >= x + width + gap:
                    break
                y = max(y, level)
            best = min(best, (y, x))
        y, x = best
        places.append((x, y))
        right = x + width + gap
        behind = max((step for step in skyline if step[0] <= right), default=(0.0, 0.0))
        skyline = [step for step in skyline if step[0] < x or step[0] > right]
        skyline += [(x, y + height + gap), (right, behind[1])]
        skyline.sort()
    return (
        places,
        max(x + width for (x, _), (width, _) in zip(places, sizes, strict=True)),
        max(y + height for (_, y), (_, height) in zip(places, sizes, strict=True)),
    )


def _in_rows(sizes: Sequence[tuple[float, float]], gap: float, limit: float) -> _Packed:
    places: list[tuple[float, float]] = []
    x = y = row = right = 0.0
    for width, height in sizes:
        if x and x + width > limit:
            x, y, row = 0.0, y + row + gap, 0.0
        places.append((x, y))
        right = max(right, x + width)
        x, row = x + width + gap, max(row, height)
    return places, right, y + row


def _in_columns(sizes: Sequence[tuple[float, float]], gap: float, count: int) -> _Packed:
    """Every rectangle in turn under the shortest column."""
    heights = [0.0] * count
    widths = [0.0] * count
    chosen: list[tuple[int, float]] = []
    for width, height in sizes:
        column = min(range(count), key=lambda c: (heights[c], c))
        chosen.append((column, heights[column]))
        heights[column] += height + gap
        widths[column] = max(widths[column], width)
    starts = [sum(widths[:c]) + gap * c for c in range(count)]
    return [(starts[c], y) for c, y in chosen], starts[-1] + widths[-1], max(heights) - gap
