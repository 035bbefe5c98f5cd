"""Where the stages of a rollout lie along a time axis, in pixels or in terminal cells.

Time runs linearly, with three exceptions that are drawn as such: where nobody knows how long a stage lasts, the axis
breaks; a gate that takes no time has a column of its own, so that it can be seen; and a stage far longer than all the
others together is folded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Literal, NamedTuple

from rolloutlint.finding import Place
from rolloutlint.lang.duration import SECOND
from rolloutlint.simulate.plan import Analysed, Experimented, External, Instant, Never, Person, Scaling, Stage, Timed
from rolloutlint.simulate.result import Bar, Row, Simulation, Unguarded

ColumnKind = Literal["plain", "open", "gate", "folded"]

_FOLD_ABOVE = 6
"""So many times longer than all other stages together is a stage that is folded."""
_FIXED_AT_MOST = 0.55
"""The part of the axis that breaks, gates and folds take at most."""


class Fixed(NamedTuple):
    """Widths of what is not to scale."""

    open: float
    gate: float
    folded: float
    tail: float
    """Behind the promotion, where the new version has all the traffic."""


class Column(NamedTuple):
    """A stage along the axis: its time from `left` to `until`, and up to `right` what nobody knows."""

    stage: int
    start: int
    """Nanoseconds, at least; like `end`."""
    end: int
    left: float
    until: float
    right: float
    kind: ColumnKind
    """`open`: the axis breaks behind `until`. `gate`: takes no time. `folded`: not to scale."""


class Placed(NamedTuple):
    """A bar along the axis."""

    bar: Bar
    left: float
    first: float
    """Where it is first measured."""
    right: float


class Stretch(NamedTuple):
    """An unguarded stretch along the axis."""

    unguarded: Unguarded
    left: float
    right: float


class Timeline(NamedTuple):
    """The columns of all stages that are reached, one behind the other."""

    columns: tuple[Column, ...]
    left: float
    right: float
    """Where the last stage ends."""
    end: float
    """Where the axis ends: behind `right`, if the rollout is promoted."""

    def at(self, time: int, *, late: bool = False) -> float:
        """Where a time is; where the axis breaks then, before the break, or (`late`) behind it."""
        within = [column for column in self.columns if column.start <= time <= column.end]
        if not within:
            return self.left if not self.columns or time < self.columns[0].start else self.right
        column = within[-1 if late else 0]
        return _inside(column, time, late)

    def during(self, stage: int, time: int) -> float:
        """Where a time is that lies in a stage; the nearest end of the stage otherwise."""
        column = next((c for c in self.columns if c.stage == stage), None)
        return self.at(time) if column is None else _inside(column, time, late=False)


def _inside(column: Column, time: int, late: bool) -> float:
    if time >= column.end:
        return column.right if late or time > column.end else column.until
    if time <= column.start:
        return column.left
    return column.left + (column.until - column.left) * (time - column.start) / (column.end - column.start)


def is_open(stage: Stage, row: Row) -> bool:
    """Whether nobody knows how long a stage lasts. A wait for pods is none: it is part of every rollout."""
    wait = stage.wait
    if isinstance(wait, (Person, External, Never)):
        return True
    if isinstance(wait, Timed):
        return not wait.span.exact
    if isinstance(wait, Analysed):
        run = wait.run
        return bool(run.unknown) or any(m.spec is None or not m.takes.exact for m in run.metrics)
    if isinstance(wait, Experimented):
        return row.end.most is None and (wait.duration is None or not wait.duration.exact)
    return False


def timeline(simulation: Simulation, left: float, right: float, fixed: Fixed) -> Timeline:
    """The columns of the stages that a healthy version goes through, between `left` and `right`."""
    stages = simulation.plan.stages
    rows = [row for row in simulation.rows if row.stage < len(stages)]
    times = [max(row.end.least - row.start.least, 0) for row in rows]
    kinds = [_kind(stages[row.stage], row, time) for row, time in zip(rows, times, strict=True)]
    total = sum(time for time, kind in zip(times, kinds, strict=True) if kind == "plain")
    if not sum(times):
        # No manifest gives any time: every stage gets the same room.
        kinds = ["gate" if kind == "plain" else kind for kind in kinds]
    for index in sorted(range(len(rows)), key=lambda i: -times[i]):
        if kinds[index] == "plain" and 0 < _FOLD_ABOVE * (total - times[index]) < times[index]:
            kinds[index] = "folded"
            total -= times[index]
    tail = fixed.tail if simulation.promotion is not None and rows else 0.0
    room = right - left - tail
    widths = [getattr(fixed, kind) if kind != "plain" else 0.0 for kind in kinds]
    taken = sum(widths)
    scaled = sum(time for time, kind in zip(times, kinds, strict=True) if kind in ("plain", "open"))
    if taken and not scaled:
        shrink = room / taken
    else:
        shrink = min(1.0, room * _FIXED_AT_MOST / taken) if taken else 1.0
    unit = (room - taken * shrink) / scaled if scaled else 0.0
    columns = []
    x = left
    for row, time, kind, width in zip(rows, times, kinds, widths, strict=True):
        until = x + (time * unit if kind in ("plain", "open") else width * shrink if kind == "folded" else 0.0)
        end = until + (width * shrink if kind in ("open", "gate") else 0.0)
        columns.append(Column(row.stage, row.start.least, row.end.least, x, until, end, kind))
        x = end
    return Timeline(tuple(columns), left, x, x + tail)


def _kind(stage: Stage, row: Row, time: int) -> ColumnKind:
    if is_open(stage, row):
        return "open"
    return "gate" if not time and not isinstance(stage.wait, (Instant, Scaling)) else "plain"


def placed(bar: Bar, simulation: Simulation, axis: Timeline) -> Placed:
    """Where a bar starts, is first measured, and ends."""
    plan = simulation.plan
    own = next((c for c in axis.columns if bar.run in _runs(plan.stages[c.stage])), None)
    if own is not None:
        until = own.right if bar.end_reason != "complete" or bar.end >= own.end else _inside(own, bar.end, late=False)
        start, first = (_inside(own, time, late=False) for time in (bar.start, bar.first))
        return Placed(bar, start, min(first, until), until)
    start = axis.at(bar.start)
    if plan.background is not None and plan.background.label == bar.run:
        start = next((c.left for c in axis.columns if c.stage >= plan.background_from), start)
    end = axis.right if bar.end_reason == "rollout-ends" else axis.at(bar.end)
    end = max(end, start)
    return Placed(bar, start, min(max(axis.at(bar.first), start), end), end)


def _runs(stage: Stage) -> Sequence[str]:
    wait = stage.wait
    if isinstance(wait, Analysed):
        return (wait.run.label,)
    return tuple(run.label for run in wait.runs) if isinstance(wait, Experimented) else ()


def stretches(simulation: Simulation, axis: Timeline) -> Iterator[Stretch]:
    """The unguarded stretches. Breaks at the very ends of one belong to it unless something guards them."""
    guards = [placed(bar, simulation, axis) for bar in simulation.bars if bar.aborts]
    for each in simulation.unguarded:
        inner = [c for c in axis.columns if c.start <= each.end and c.end >= each.start and c.right > c.left]
        kept = [
            c
            for c in inner
            if (c.start < each.end and c.end > each.start)
            or (not _measured(simulation.plan.stages[c.stage]) and not _guarded(c, guards))
        ]
        if kept:
            first, last = kept[0], kept[-1]
            left = _inside(first, each.start, late=False) if first.start < each.start else first.left
            right = _inside(last, each.end, late=False) if last.end > each.end else last.right
            if right > left:
                yield Stretch(each, left, right)


def _measured(stage: Stage) -> bool:
    """Whether a stage has an analysis of its own, or no traffic that could be guarded."""
    return not stage.share.most or isinstance(stage.wait, (Analysed, Experimented))


def _guarded(column: Column, guards: Sequence[Placed]) -> bool:
    return any(each.left <= column.left and column.right <= each.right for each in guards)


_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
"""Seconds between two figures of the axis."""


def ticks(axis: Timeline, room: float, width_of: Callable[[int], float]) -> Sequence[tuple[int, float]]:
    """Times (nanoseconds) to write at the axis and where, at least `room` apart from one label to the next.

    `width_of` says how wide the label of a time is; a label is centred on its place.
    """
    if not axis.columns:
        return ()
    end = axis.columns[-1].end
    wanted = sorted(_round_times(axis, room, width_of))
    folds = (time for c in axis.columns if c.kind == "folded" for time in (c.start, c.end))
    out: list[tuple[int, float]] = []
    taken: list[tuple[float, float]] = []
    for time in (0, end, *folds, *wanted):
        place = axis.at(time, late=time == end)
        near, far = place - width_of(time) / 2 - room, place + width_of(time) / 2 + room
        if all(right <= near or far <= left for left, right in taken):
            taken.append((near + room, far - room))
            out.append((time, place))
    return sorted(out)


def _round_times(axis: Timeline, room: float, width_of: Callable[[int], float]) -> set[int]:
    """Multiples of a round step that lie in columns to scale, with room between their labels."""
    scaled = [c for c in axis.columns if c.until > c.left and c.end > c.start and c.kind != "folded"]
    if not scaled:
        return set()
    unit = sum(c.until - c.left for c in scaled) / sum(c.end - c.start for c in scaled)
    days = (86400 * 2**power for power in range(1, 40))
    for step in (seconds * SECOND for seconds in (*_STEPS, *days)):
        if step * unit < room:
            continue
        found = {n * step for c in scaled for n in range(-(-c.start // step), c.end // step + 1)}
        if all(width_of(time) + room <= step * unit for time in found):
            return found
    return set()


def lanes(simulation: Simulation, axis: Timeline) -> Sequence[Sequence[Placed]]:
    """The bars in rows: those of one metric share a row unless they overlap."""
    rows: dict[tuple[str, Place, int], list[Placed]] = {}
    for bar in simulation.bars:
        each = placed(bar, simulation, axis)
        turn = 0
        while rows.get((bar.label, bar.place, turn), ()) and rows[bar.label, bar.place, turn][-1].right > each.left:
            turn += 1
        rows.setdefault((bar.label, bar.place, turn), []).append(each)
    return tuple(map(tuple, rows.values()))


def shares(simulation: Simulation) -> Sequence[Fraction]:
    """The shares that occur, from the largest."""
    found = {value for row in simulation.rows for value in simulation.plan.stages[row.stage].share}
    return sorted(found | ({Fraction(1)} if simulation.promotion is not None else set()), reverse=True)


def broken_place(simulation: Simulation, axis: Timeline) -> tuple[int, float] | None:
    """The stage in which a broken version is aborted, and where along the axis."""
    broken = simulation.broken
    if broken is None or broken.ending != "aborted" or broken.after is None or not axis.columns:
        return None
    after = int(broken.after.least)
    reached = {column.stage for column in axis.columns}
    stage = next((e.stage for e in reversed(broken.trace) if e.stage in reached), None)
    if stage is None:
        stage = next((c.stage for c in axis.columns if c.start <= after <= c.end), axis.columns[-1].stage)
    return stage, axis.during(stage, after)
