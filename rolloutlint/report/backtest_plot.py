"""One small plot per metric of a backtest, as SVG: values over time, thresholds, and what measurements gave.

A column of two pixels holds as many measurements as fall into it: a band from the least value to the most with a line
through the medians, and below it the outcomes by their shares. Hatching and height say what colour says.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from rolloutlint.backtest.result import MetricHistory
from rolloutlint.controllers.analysis_run import Outcome
from rolloutlint.lang.duration import SECOND
from rolloutlint.report import backtest_words as words
from rolloutlint.report.backtest_words import Bin
from rolloutlint.report.svg import FAMILY, escaped, fit, font_rules, px, text_at, text_width, tip
from rolloutlint.report.visible import visible

WIDE, NARROW = 1000.0, 360.0
_LEFT, _RIGHT, _TOP = 58.0, 8.0, 10.0
_HEIGHT = 130.0
_RIBBON = 16.0
_GAP = 7.0
_COLUMN = 2.0
_ZONE = 10.0
"""Pixels in which the pointer finds the figures of one stretch."""
_LABEL_ROOM = 18.0
_LEAST_MARK = 1.5
"""Pixels of an outcome that is there at all."""

NAMES: Mapping[Outcome, str] = MappingProxyType({"F": "fails", "E": "errors", "I": "open", "S": "passes"})
"""Class of each outcome, the worst first: the ribbon grows from the worst at its top."""

_COLOURS: Sequence[tuple[str, str, str, str]] = (
    ("text", "fill", "#1f2328", "#e6edf3"),
    (".s", "fill", "#57606a", "#9da7b1"),
    (".grid", "stroke", "#e3e7eb", "#262c34"),
    (".axis", "stroke", "#6e7781", "#8b949e"),
    (".band", "fill", "#bcdcf0", "#17466d"),
    (".value", "stroke", "#0072b2", "#56b4e9"),
    (".threshold", "stroke", "#8a3b00", "#ffb07c"),
    (".limit", "fill", "#8a3b00", "#ffb07c"),
    (".hole", "stroke", "#8c959f", "#6e7681"),
    (".passes", "fill", "#a6d9c8", "#1d5c49"),
    (".fails", "fill", "#d55e00", "#f0803c"),
    (".errors", "fill", "#7a1f6b", "#d68fc7"),
    (".open", "fill", "#f0c419", "#c9a20a"),
    (".stroke-errors", "stroke", "#ffffff", "#0d1117"),
    (".zone", "fill", "transparent", "transparent"),
)
"""Selector, property, and its colour in the light and in the dark; orange, blue and green differ for every eye."""

_SHAPES = """\
.plot .grid { stroke-width: 1; fill: none; }
.plot .axis { stroke-width: 1.2; fill: none; }
.plot .value { stroke-width: 1.5; fill: none; stroke-linejoin: round; stroke-linecap: round; }
.plot .threshold { stroke-width: 1.5; stroke-dasharray: 6 3; fill: none; }
.plot .beyond { fill: currentColor; }
.plot .hole { stroke-width: 1; }
.plot .holes { fill: url(#holes); }
.plot .cross { fill: url(#crosses); }
.plot .hot:hover .zone { fill: #8c959f33; }
"""

DEFS = (
    '<defs><pattern id="holes" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<line class="hole" x1="0" y1="0" x2="0" y2="7"/></pattern>'
    '<pattern id="crosses" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<line class="stroke-errors" x1="0" y1="0" x2="0" y2="4"/></pattern></defs>'
)
"""What the plots of a page share, in an `<svg class="plot">` of its own."""


def style() -> str:
    """The CSS of the plots."""
    light = "\n".join(f".plot {name} {{ {prop}: {colour}; }}" for name, prop, colour, _ in _COLOURS)
    dark = "\n".join(f"  .plot {name} {{ {prop}: {colour}; }}" for name, prop, _, colour in _COLOURS)
    fonts = font_rules(".plot ")
    return (
        f".plot {{ font-family: {FAMILY}; }}\n{light}\n{_SHAPES}{fonts}\n"
        f"@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}\n"
    )


class _Frame(NamedTuple):
    """Where the window and the values are on the plot."""

    left: float
    right: float
    start: float
    end: float
    low: float
    high: float

    def x(self, at: float) -> float:
        part = (at - self.start) / (self.end - self.start) if self.end > self.start else 0.0
        return self.left + (self.right - self.left) * min(max(part, 0.0), 1.0)

    def y(self, value: float) -> float:
        part = (value - self.low) / (self.high - self.low)
        return _TOP + _HEIGHT * (1 - min(max(part, 0.0), 1.0))


def picture(metric: MetricHistory, start: float, end: float, width: float = WIDE) -> str:
    """The plot of a metric between two times; empty where it has no measurements."""
    if not metric.points or end <= start:
        return ""
    low, high = _range(metric)
    frame = _Frame(_LEFT, width - _RIGHT, start, end, low, high)
    most = int((frame.right - frame.left) / _COLUMN)
    number = min(most, math.ceil((end - start) * SECOND / metric.step)) if metric.step else most
    columns = words.bins(metric.points, start, end, max(number, 1))
    ribbon = _TOP + _HEIGHT + _GAP
    height = ribbon + _RIBBON + _LABEL_ROOM
    said = f"{visible(metric.metric)}: {words.outcomes(metric.points)}"
    box = f'viewBox="0 0 {px(width)} {px(height)}"'
    out = [f'<svg class="plot" xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-label="{escaped(said)}">']
    out += _grid(frame)
    out += _holes(columns, frame)
    out += _values(columns, frame)
    out += _thresholds(metric, frame)
    out += _ribbon(columns, frame, ribbon)
    out += _times(frame, ribbon + _RIBBON)
    out += _zones(metric, frame, height - _LABEL_ROOM)
    out.append("</svg>")
    return "".join(out)


# ---- values ----------------------------------------------------------------------------------------------------


def _range(metric: MetricHistory) -> tuple[float, float]:
    """Least and most value of the plot: of all values and thresholds, unless a few outliers would flatten the rest."""
    values = sorted(p.value for p in metric.points if p.value is not None and math.isfinite(p.value))
    marks = [each for each in metric.thresholds if math.isfinite(each)]
    if not values and not marks:
        return 0.0, 1.0
    inner = [*marks]
    if values:
        inner += [values[len(values) // 100], values[-1 - len(values) // 100]]
    low, high = min(inner), max(inner)
    whole = min([low, *values[:1]]), max([high, *values[-1:]])
    if whole[1] - whole[0] <= 4 * (high - low) or high == low:
        low, high = whole
    if not math.isfinite(high - low):
        return low / 4, high / 4
    pad = (high - low) * 0.06 or abs(high) * 0.1 or 0.5
    bottom = 0.0 if 0 <= low < pad * 4 else low - pad
    return bottom, high + pad


def _ticks(low: float, high: float, number: int) -> list[float]:
    """Round values between two, about so many."""
    raw = (high - low) / number
    if not (raw > 0 and math.isfinite(raw)):
        return []
    unit = 10.0 ** math.floor(math.log10(raw))
    if not unit:
        return []
    size = next((factor * unit for factor in (1, 2, 5, 10) if factor * unit >= raw), 10 * unit)
    first, last = math.ceil(low / size), math.floor(high / size)
    return [each * size for each in range(first, min(last, first + 4 * number) + 1)]


def _grid(frame: _Frame) -> Iterator[str]:
    for tick in _ticks(frame.low, frame.high, 4):
        y = frame.y(tick)
        label = fit(words.value(tick), "s", frame.left - 8)
        yield f'<path class="grid" d="M{px(frame.left)} {px(y)}H{px(frame.right)}"/>'
        yield text_at(frame.left - 6 - text_width(label, "s"), y + 3.5, "s", label)


def _runs(columns: Sequence[Bin]) -> Iterator[list[Bin]]:
    """Columns with values in a row; a column without measurements parts nothing, one without values does."""
    row: list[Bin] = []
    for column in columns:
        if column.values:
            row.append(column)
        elif column.points and row:
            yield row
            row = []
    if row:
        yield row


def _values(columns: Sequence[Bin], frame: _Frame) -> Iterator[str]:
    """The band between least and most, the line through the medians, and marks where values lie beyond the plot."""
    band, line = [], []
    for row in _runs(columns):
        half = (row[0].end - row[0].start) / 2
        places = [(frame.x(each.start + half), each.values) for each in row]
        if any(values[0] < values[-1] for _, values in places):
            upper = "L".join(f"{px(x)} {px(frame.y(values[-1]))}" for x, values in places)
            lower = "L".join(f"{px(x)} {px(frame.y(values[0]))}" for x, values in reversed(places))
            band.append(f"M{upper}L{lower}Z")
        medians = [f"{px(x)} {px(frame.y(values[len(values) // 2]))}" for x, values in places]
        line.append("M" + "L".join(medians) + ("h.1" if len(medians) == 1 else ""))
    if band:
        yield f'<path class="band" d="{"".join(band)}"/>'
    if line:
        yield f'<path class="value" d="{"".join(line)}"/>'
    for over, edge, tall in ((True, _TOP - 8, 6), (False, _TOP + _HEIGHT + 6, -6)):
        marks, last = [], -math.inf
        for each in columns:
            x = frame.x((each.start + each.end) / 2)
            outside = each.values and (each.values[-1] > frame.high if over else each.values[0] < frame.low)
            if outside and x - last > 7:
                marks.append(f"M{px(x - 3)} {px(edge + tall)}h6l-3 {px(-tall)}z")
                last = x
        if marks:
            yield f'<path class="value beyond" d="{"".join(marks)}"/>'


def _holes(columns: Sequence[Bin], frame: _Frame) -> Iterator[str]:
    """Hatched, where no measurement had data."""
    start: float | None = None
    end = frame.start
    for column in columns:
        if column.points and column.empty == column.points:
            start = column.start if start is None else start
            end = column.end
        elif column.points and start is not None:
            yield _hole(frame, start, end)
            start = None
    if start is not None:
        yield _hole(frame, start, end)


def _hole(frame: _Frame, start: float, end: float) -> str:
    x = frame.x(start)
    width = max(frame.x(end) - x, 1)
    return f'<rect class="holes" x="{px(x)}" y="{px(_TOP)}" width="{px(width)}" height="{px(_HEIGHT)}"/>'


def _thresholds(metric: MetricHistory, frame: _Frame) -> Iterator[str]:
    taken: list[float] = []
    for threshold in sorted(set(metric.thresholds)):
        if not math.isfinite(threshold):
            continue
        y = frame.y(threshold)
        yield f'<path class="threshold" d="M{px(frame.left)} {px(y)}H{px(frame.right)}"/>'
        label = words.value(threshold)
        above = y - 4 if y - _TOP > 14 else y + 12
        if all(abs(above - other) > 11 for other in taken):
            taken.append(above)
            width = text_width(label, "b")
            yield (
                f'<text class="b limit" x="{px(frame.right - width - 3)}" y="{px(above)}">{escaped(label)}</text>'
            )  # fmt: skip


# ---- outcomes and time -----------------------------------------------------------------------------------------


def _ribbon(columns: Sequence[Bin], frame: _Frame, top: float) -> Iterator[str]:
    """Each outcome with its share of the height; neighbours that are alike are one piece."""
    filled = [column for column in columns if column.points]
    pieces: list[tuple[float, float, tuple[tuple[Outcome, float], ...]]] = []
    for number, column in enumerate(filled):
        until = filled[number + 1].start if number + 1 < len(filled) else column.end
        heights = _heights(column)
        if pieces and pieces[-1][2] == heights:
            pieces[-1] = (pieces[-1][0], until, heights)
        else:
            pieces.append((column.start, until, heights))
    for start, end, heights in pieces:
        x = frame.x(start)
        width = max(frame.x(end) - x, 0.5)
        y = top
        for outcome, height in heights:
            box = f'x="{px(x)}" y="{px(y)}" width="{px(width)}" height="{px(height)}"'
            yield f'<rect class="{NAMES[outcome]}" {box}/>'
            if outcome == "E":
                yield f'<rect class="cross" {box}/>'
            y += height


def _heights(column: Bin) -> tuple[tuple[Outcome, float], ...]:
    there = [(outcome, column.counts[outcome] / column.points) for outcome in NAMES if column.counts[outcome]]
    raised = [(outcome, max(share * _RIBBON, _LEAST_MARK)) for outcome, share in there]
    total = sum(height for _, height in raised)
    return tuple((outcome, round(height * _RIBBON / total, 1)) for outcome, height in raised)


_STEPS = (1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)


def _round(frame: _Frame, room: float) -> int:
    """The least round number of seconds that takes so many pixels."""
    pixels = (frame.right - frame.left) / (frame.end - frame.start)
    size = next((each for each in _STEPS if each * pixels >= room), _STEPS[-1])
    while size * pixels < room:
        size *= 2
    return size


def _times(frame: _Frame, top: float) -> Iterator[str]:
    """The axis: the hour, and the day where one begins."""
    room = 62 if frame.end - frame.start > 300 else 76
    size = _round(frame, room)
    yield f'<path class="axis" d="M{px(frame.left)} {px(top + 1)}H{px(frame.right)}"/>'
    for number in range(math.ceil(frame.start / size), math.floor(frame.end / size) + 1):
        at = number * size
        when = words.moment(at)
        if when is None:
            continue
        label = _clock(when, seconds=size < 60)
        width = text_width(label, "s")
        x = min(max(frame.x(at) - width / 2, 0), frame.right + _RIGHT - width)
        yield f'<path class="axis" d="M{px(frame.x(at))} {px(top + 1)}v3"/>'
        yield text_at(x, top + 15, "s", label)


def _clock(when: datetime, *, seconds: bool) -> str:
    """`14:00`, and the day where it is midnight."""
    if not (when.hour or when.minute or when.second):
        return f"{when:%b} {when.day}"
    return f"{when:%H:%M:%S}" if seconds or when.second else f"{when:%H:%M}"


def _zones(metric: MetricHistory, frame: _Frame, bottom: float) -> Iterator[str]:
    """Exact figures where the pointer is, of stretches of a round length."""
    size = _round(frame, _ZONE)
    number = math.ceil((frame.end - frame.start) / size)
    for each in words.bins(metric.points, frame.start, frame.start + number * size, number):
        if not each.points:
            continue
        x, right = frame.x(each.start), frame.x(each.end)
        box = f'x="{px(x)}" y="{px(_TOP)}" width="{px(right - x)}" height="{px(bottom - _TOP)}"'
        yield f'<g class="hot">{tip(_zone_lines(each))}<rect class="zone" {box}/></g>'


def _zone_lines(zone: Bin) -> list[str]:
    lines = [f"{words.span(zone.start, zone.end)} UTC"]
    lines.append(words.counted(zone.counts))
    if zone.values:
        least, middle, most = zone.values[0], zone.values[len(zone.values) // 2], zone.values[-1]
        one = words.value(least) if least == most else f"{words.value(least)} to {words.value(most)}"
        lines.append(one if least == most else f"{one}, median {words.value(middle)}")
    if zone.empty:
        lines.append(f"no data: {words.whole(zone.empty)} of {words.whole(zone.points)}")
    return lines
