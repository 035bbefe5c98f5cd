"""Where everything stands in the picture of a rollout: staircase, gates, bars, legend and every text, in pixels.

All of it is placed before anything is drawn, so that every figure and every label of a picture can be asked for.
Texts that would cover something are shortened or left out; the exact values are told on hover and in the tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import groupby, pairwise
from typing import Literal, NamedTuple

from rolloutlint.report import simulation_words as words
from rolloutlint.report.svg import FONTS, fit, text_width, wrap
from rolloutlint.report.timeline import (
    Column,
    Fixed,
    Placed,
    Stretch,
    Timeline,
    broken_place,
    lanes,
    stretches,
    ticks,
    timeline,
)
from rolloutlint.report.visible import visible
from rolloutlint.simulate.plan import Pods, Share, Span
from rolloutlint.simulate.result import Bar, Simulation

WIDE = 920.0
NARROW = 360.0
MARGIN = 14.0
_PLOT = 190.0
_GUTTER_WIDE = 176.0
_GUTTER_NARROW = 44.0
_STRIP = 22.0
_LANE_WIDE = 34.0
_LANE_NARROW = 46.0
_BAR = 10.0
_TICKS_APART = 4.0
"""Measurements closer than that have no tick each."""

Anchor = Literal["start", "middle", "end"]


class Box(NamedTuple):
    """Left, top, right and bottom of something drawn."""

    left: float
    top: float
    right: float
    bottom: float


class Label(NamedTuple):
    """A text with its place: `x` is its start, middle or end, `y` its baseline."""

    text: str
    font: str
    x: float
    y: float
    anchor: Anchor = "start"

    @property
    def box(self) -> Box:
        """The room it takes at most."""
        size, _ = FONTS[self.font]
        width = text_width(self.text, self.font)
        left = self.x - {"start": 0.0, "middle": width / 2, "end": width}[self.anchor]
        return Box(left, self.y - 0.78 * size, left + width, self.y + 0.22 * size)


class Stair(NamedTuple):
    """Neighbouring stages with the same share and pods."""

    stages: tuple[int, ...]
    share: Share
    pods: Pods
    start: Span
    end: Span
    low: Box
    """What the new version gets at least: the filled area."""
    high: Box | None
    """What it gets at most beyond that; `None` where the share is one number."""


class Gate(NamedTuple):
    """What a stage waits for, in the strip below the axis."""

    stage: int
    kind: str
    box: Box


class Measured(NamedTuple):
    """A bar of a metric."""

    bar: Bar
    box: Box
    first: float
    """Where it is first measured."""
    ticks: tuple[float, ...]
    """Where each measurement is, if there is room to tell them apart."""


class Flag(NamedTuple):
    """A moment with a line through the staircase."""

    kind: Literal["aborted", "promoted"]
    x: float
    top: float
    bottom: float


class Key(NamedTuple):
    """An entry of the legend."""

    kind: str
    box: Box


class Layout(NamedTuple):
    """Everything in the picture of one rollout, in pixels."""

    simulation: Simulation
    width: float
    height: float
    axis: Timeline
    plot: Box
    labels: tuple[Label, ...]
    """Every text of the picture."""
    grid: tuple[tuple[int, float], ...] = ()
    """Times (nanoseconds) at the axis and where."""
    levels: tuple[tuple[Fraction, float], ...] = ()
    """Shares at the other axis and where."""
    stairs: tuple[Stair, ...] = ()
    bare: tuple[tuple[Stretch, tuple[Box, ...]], ...] = ()
    """Unguarded stretches, each with its pieces of the filled area."""
    gates: tuple[Gate, ...] = ()
    rows: tuple[tuple[Measured, ...], ...] = ()
    stretches: tuple[tuple[Stretch, Box], ...] = ()
    """The unguarded stretches in a row of their own."""
    flags: tuple[Flag, ...] = ()
    keys: tuple[Key, ...] = ()


def _meet(one: Box, other: Box, gap: float = 1.0) -> bool:
    return (
        one.left < other.right + gap
        and other.left < one.right + gap
        and one.top < other.bottom
        and other.top < one.bottom
    )


class _Page:
    """A picture while it is being made: what is placed already, and how far down it goes."""

    def __init__(self, simulation: Simulation, width: float) -> None:
        self.simulation = simulation
        self.width = width
        self.wide = width >= 640
        self.labels: list[Label] = []
        self.y = 0.0
        gutter = _GUTTER_WIDE if self.wide else _GUTTER_NARROW
        self.left, self.right = MARGIN + gutter, width - MARGIN - (10 if self.wide else 4)
        fixed = Fixed(open=64, gate=20, folded=130, tail=64) if self.wide else Fixed(30, 14, 60, 24)
        self.axis = timeline(simulation, self.left, self.right, fixed)

    def say(self, text: str, font: str, x: float, y: float, anchor: Anchor = "start") -> Label:
        label = Label(visible(text), font, x, y, anchor)
        self.labels.append(label)
        return label

    def free(self, label: Label, obstacles: Sequence[Box] = ()) -> bool:
        box = label.box
        if box.left < 0 or box.right > self.width:
            return False
        return not any(_meet(box, other, 3.0) for other in (*(each.box for each in self.labels), *obstacles))

    def try_one(self, candidates: Sequence[Label], obstacles: Sequence[Box] = ()) -> bool:
        """Place the first of the candidates that covers nothing."""
        for label in candidates:
            if self.free(label, obstacles):
                self.labels.append(label)
                return True
        return False


def layout(simulation: Simulation, width: float = WIDE, *, heading: bool = True) -> Layout:
    """The picture of one rollout, `width` pixels wide; `heading`: with its name and figures above."""
    page = _Page(simulation, width)
    if heading:
        _head(page)
    page.y += 6
    if not page.axis.columns:
        return _nothing(page)
    flags_top = page.y
    marks = _flag_marks(page)
    page.say("share of the traffic", "s", MARGIN, page.y + 10)
    flag_rows = _flag_labels(page, marks)
    page.y += flag_rows * 18 + 22
    plot = Box(page.left, page.y, page.axis.end, page.y + _PLOT)
    page.y = plot.bottom
    flags = tuple(Flag(kind, x, flags_top + row * 18 + 13, plot.bottom) for kind, x, row in marks)

    def level(share: Fraction) -> float:
        return plot.bottom - float(share) * _PLOT

    levels = tuple((Fraction(n, 4), level(Fraction(n, 4))) for n in range(5))
    for share, y in levels:
        page.say(words.percent(share), "s", page.left - 8, y + 3.5, "end")
    stairs = tuple(_stairs(page, plot))
    _stair_labels(page, stairs, plot)
    bare = tuple((each, tuple(_pieces(each, stairs))) for each in stretches(simulation, page.axis))
    grid = _axis(page)
    gates = tuple(_gates(page))
    rows = tuple(_rows(page))
    row_of_bare = tuple(_bare_row(page, [each for each, _ in bare]))
    keys = tuple(_legend(page, stairs, rows, bool(bare), flags))
    return Layout(
        simulation=simulation,
        width=width,
        height=page.y + 10,
        axis=page.axis,
        plot=plot,
        labels=tuple(page.labels),
        grid=grid,
        levels=levels,
        stairs=stairs,
        bare=bare,
        gates=gates,
        rows=rows,
        stretches=row_of_bare,
        flags=flags,
        keys=keys,
    )


def _nothing(page: _Page) -> Layout:
    """A picture of a rollout that never starts."""
    for reason in page.simulation.plan.refused or ("nothing to show",):
        for line in wrap(visible(reason), "h2", page.width - 2 * MARGIN):
            page.y += 18
            page.say(line, "h2", MARGIN, page.y)
    plot = Box(page.left, page.y, page.left, page.y)
    return Layout(page.simulation, page.width, page.y + 16, page.axis, plot, tuple(page.labels))


def _head(page: _Page) -> None:
    simulation = page.simulation
    room = page.width - 2 * MARGIN
    lines = [("h1", f"Rollout {words.name(simulation.plan)}", 20.0), ("h2", words.summary(simulation.plan), 18.0)]
    lines += [("ct", words.verdict(simulation), 21.0)]
    figures = "; ".join(f"{line.label} {line.words}" for line in words.headlines(simulation))
    lines.append(("h2", figures, 18.0))
    page.y += MARGIN
    for font, text, step in lines:
        for number, line in enumerate(wrap(visible(text), font, room)):
            page.y += step if not number else 17
            page.say(line, font, MARGIN, page.y)
    page.y += 14


# ---- the staircase -------------------------------------------------------------------------------------------

_Mark = tuple[Literal["aborted", "promoted"], float, int]


def _flag_marks(page: _Page) -> list[_Mark]:
    """The moments to mark, each in a row above the staircase."""
    marks: list[_Mark] = []
    place = broken_place(page.simulation, page.axis)
    if place is not None:
        marks.append(("aborted", place[1], 1))
    if page.simulation.promotion is not None:
        marks.append(("promoted", page.axis.right, 0))
    return marks


def _flag_labels(page: _Page, marks: Sequence[_Mark]) -> int:
    """Say what the marks are; answers how many rows that takes."""
    for kind, x, row in marks:
        if kind == "aborted":
            said = [
                f"broken version: aborted {words.broken_end(page.simulation)[1]}",
                "broken version aborted",
                "aborted",
            ]
        else:
            said = [words.promoted(page.simulation), "promoted"]
        y = page.y + row * 18 + 10
        page.try_one([Label(text, "b", x + side * 9, y, anchor) for text in said for side, anchor in _SIDES])
    return max((row for _, _, row in marks), default=0) + 1


_SIDES: Sequence[tuple[int, Anchor]] = ((1, "start"), (-1, "end"))


def _stairs(page: _Page, plot: Box) -> Iterator[Stair]:
    plan = page.simulation.plan
    rows = {row.stage: row for row in page.simulation.rows}

    def look(column: Column) -> tuple[Share, Pods]:
        stage = plan.stages[column.stage]
        return stage.share, stage.pods

    def box(left: float, right: float, low: Fraction, high: Fraction) -> Box:
        return Box(left, plot.bottom - float(high) * _PLOT, right, plot.bottom - float(low) * _PLOT)

    for (share, pods), group in groupby(page.axis.columns, key=look):
        columns = list(group)
        left, right = columns[0].left, columns[-1].right
        yield Stair(
            tuple(column.stage for column in columns),
            share,
            pods,
            rows[columns[0].stage].start,
            rows[columns[-1].stage].end,
            box(left, right, Fraction(0), share.least),
            None if share.exact else box(left, right, share.least, share.most),
        )


def _stair_labels(page: _Page, stairs: Sequence[Stair], plot: Box) -> None:
    """The share of each stair above its edge, and its pods where there is room."""
    areas = [stair.high._replace(bottom=stair.low.bottom) if stair.high else stair.low for stair in stairs]
    if page.axis.end > page.axis.right:
        areas.append(Box(page.axis.right, plot.top, page.axis.end, plot.bottom))
    lines = [Box(x - 1, plot.top - 18, x + 1, plot.bottom) for _, x, _ in _flag_marks(page)]
    tears = {column.stage: torn(column) for column in page.axis.columns}
    lines += [
        Box(x - 7, area.top - 12, x + 7, plot.bottom)
        for stair, area in zip(stairs, areas, strict=False)
        for x in (tears[stage] for stage in stair.stages)
        if x is not None
    ]
    bare = [Box(each.left, plot.top, each.right, plot.bottom) for each in stretches(page.simulation, page.axis)]
    for stair, area in zip(stairs, areas, strict=False):
        width = area.right - area.left
        if width < 1:
            continue
        others = [each for each in areas if each is not area and each.right - each.left >= 1] + lines
        text = words.share(stair.share)
        y = area.top - 6
        candidates = [
            Label(text, "n", area.left + 6, y),
            Label(text, "b", area.left + 2, y),
            Label(text, "n", area.right - 2, y, "end"),
            Label(text, "b", area.right - 1, y, "end"),
            Label(text, "b", area.right - 7, y, "end"),
            Label(text, "b", area.left + 2, y - 10),
        ]
        placed = page.try_one([each for each in candidates if each.box.left > plot.left], others)
        pods = words.pods(stair.pods)
        if not placed or not pods or page.labels[-1].anchor == "end":
            continue
        last = page.labels[-1]
        candidates = []
        if text_width(text, last.font) + 14 + text_width(pods, "s") <= width:
            candidates.append(Label(pods, "s", last.box.right + 6, y))
        short = pods.removesuffix(" pods")
        for said in (pods, short):
            inside = Label(said, "s", area.left + 6, area.top + 15)
            if (
                area.bottom - area.top >= 20
                and inside.box.right < area.right
                and not any(_meet(inside.box, each) for each in bare)
            ):
                candidates.append(inside)
            candidates.append(Label(said, "s", last.x, y - 14))
        page.try_one(candidates, others)


def _pieces(stretch: Stretch, stairs: Sequence[Stair]) -> Iterator[Box]:
    for stair in stairs:
        low = stair.low
        left, right = max(low.left, stretch.left), min(low.right, stretch.right)
        if right > left and low.bottom > low.top:
            yield Box(left, low.top, right, low.bottom)


def _axis(page: _Page) -> tuple[tuple[int, float], ...]:
    """The figures of the time axis."""
    y = page.y + 16
    grid = tuple(ticks(page.axis, 12, lambda time: text_width(words.time(time), "s")))
    for time, x in grid:
        page.say(words.time(time), "s", x, y, "middle")
    promotion = page.simulation.promotion
    title = "time" if promotion is not None and promotion.exact else "time, at least"
    page.try_one([Label(title, "s", MARGIN, y), Label("time", "s", MARGIN, y), Label("time", "s", MARGIN - 8, y)])
    page.y = y + 10
    return grid


def _gates(page: _Page) -> Iterator[Gate]:
    plan = page.simulation.plan
    top = page.y
    found = False
    for column in page.axis.columns:
        stage = plan.stages[column.stage]
        said = visible(words.gate(stage))
        width = column.right - column.left
        if not said or width < 1:
            continue
        found = True
        kind = words.wait_kind(stage.wait)
        yield Gate(column.stage, kind, Box(column.left, top, column.right, top + _STRIP))
        for text in (said, said.split(" ")[0]):
            if text_width(text, "s") + 26 <= width:
                page.say(text, "s", column.left + 21, top + 15)
                break
    if found:
        titles = [Label(text, "s", MARGIN, top + 15) for text in ("waits for", "waits", "...")]
        page.try_one([each for each in titles if each.box.right < page.left])
        page.y = top + _STRIP + 8


def _rows(page: _Page) -> Iterator[tuple[Measured, ...]]:
    for lane in lanes(page.simulation, page.axis):
        first = lane[0].bar
        detail = words.bar_words(first) if len(lane) == 1 else f"{len(lane)} times: {first.run} ..."
        if page.wide:
            room = page.left - MARGIN - 12
            page.say(fit(visible(first.label), "b", room), "b", MARGIN, page.y + 14)
            page.say(fit(visible(detail), "s", room), "s", MARGIN, page.y + 27)
            top = page.y + 11
        else:
            room = page.width - 2 * MARGIN
            page.say(fit(visible(first.label), "b", room), "b", MARGIN, page.y + 12)
            page.say(fit(visible(detail), "s", room), "s", MARGIN, page.y + 25)
            top = page.y + 30
        yield tuple(_measured(each, top, page.axis) for each in lane)
        page.y += _LANE_WIDE if page.wide else _LANE_NARROW


def _measured(each: Placed, top: float, axis: Timeline) -> Measured:
    bar, start, first, end = each
    box = Box(start, top, max(end, start + 4), top + _BAR)
    marks: list[float] = []
    if bar.first <= bar.end and bar.measurements is not None and 0 < bar.measurements <= 400:
        times = [bar.first + n * (bar.interval or 0) for n in range(bar.measurements)]
        marks = [min(max(axis.at(time), first), end) for time in times]
        if any(right - left < _TICKS_APART for left, right in pairwise(marks)):
            marks = []
    return Measured(bar, box, first, tuple(marks))


def _bare_row(page: _Page, found: Sequence[Stretch]) -> Iterator[tuple[Stretch, Box]]:
    if not found:
        return
    total = sum(each.unguarded.end - each.unguarded.start for each in found)
    lowest = min(each.unguarded.share.least for each in found)
    most = max(each.unguarded.share.most for each in found)
    # A break inside lasts as long as somebody wants.
    breaks = [c for c in page.axis.columns if c.kind == "open"]
    long = any(each.left < c.right and c.until < each.right for each in found for c in breaks)
    detail = f"{'at least ' * long}{words.time(total)} at {words.share(Share(lowest, most))}"
    if page.wide:
        room = page.left - MARGIN - 12
        page.say("unguarded", "b", MARGIN, page.y + 14)
        page.say(fit(detail, "s", room), "s", MARGIN, page.y + 27)
        top = page.y + 11
    else:
        page.say("unguarded", "b", MARGIN, page.y + 12)
        page.say(fit(detail, "s", page.width - 2 * MARGIN), "s", MARGIN, page.y + 25)
        top = page.y + 30
    for each in found:
        yield each, Box(each.left, top, each.right, top + _BAR)
    page.y += _LANE_WIDE if page.wide else _LANE_NARROW


def _legend(
    page: _Page, stairs: Sequence[Stair], rows: Sequence[Sequence[Measured]], bare: bool, flags: Sequence[Flag]
) -> Iterator[Key]:
    bars = [each.bar for row in rows for each in row]
    kinds = {column.kind for column in page.axis.columns}
    wanted = [
        ("area", "traffic to the new version", True),
        ("maybe", "up to here, but not known", any(stair.high for stair in stairs)),
        ("bare", "nothing that runs can abort it", bare),
        ("bar", "guards: measures and can abort", any(b.aborts and b.first <= b.end for b in bars)),
        ("dry", "dry run: cannot abort", any(b.dry_run for b in bars)),
        ("idle", "measures, but cannot abort", any(not b.aborts and not b.dry_run for b in bars)),
        ("delay", "not measured yet", any(b.first > b.start for b in bars)),
        ("aborted", "a broken version is aborted", any(flag.kind == "aborted" for flag in flags)),
        ("break", "nobody knows how long", "open" in kinds),
        ("fold", "longer than drawn", "folded" in kinds),
    ]
    x, y = MARGIN, page.y + 8
    for kind, said, used in wanted:
        if not used:
            continue
        needed = 30 + text_width(said, "s")
        if x > MARGIN and x + needed > page.width - MARGIN:
            x, y = MARGIN, y + 18
        yield Key(kind, Box(x, y, x + 22, y + 11))
        page.say(said, "s", x + 28, y + 9.5)
        x += needed + 16
    page.y = y + 14


def torn(column: Column) -> float | None:
    """Where the axis breaks."""
    if column.kind == "folded":
        return (column.left + column.right) / 2
    return (column.until + column.right) / 2 if column.kind == "open" else None
