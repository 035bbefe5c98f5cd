"""`rolloutlint simulate` for a terminal: the figures that decide, the staircase in plain ASCII, and what can happen.

A hundred columns whatever the names are.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from rolloutlint.report import simulation_words as words
from rolloutlint.report.timeline import Fixed, Placed, Timeline, broken_place, lanes, shares, stretches, ticks, timeline
from rolloutlint.report.visible import cell_width, middle_out, no_command, visible
from rolloutlint.simulate.plan import Share
from rolloutlint.simulate.result import Event, Simulation

WIDTH = 100
_LEFT = 3
_MOST_LEVELS = 12
"""So many different shares have a line each; of more, each line stands for a tenth of the traffic."""
_LABEL_AT_MOST = 20


def _put(line: list[str], at: int, text: str) -> None:
    """Write `text` into a line of cells as far as it has room."""
    for offset, char in enumerate(text):
        if 0 <= at + offset < len(line):
            line[at + offset] = char


def _cut(text: str, width: int) -> str:
    """`text`, with its middle left out where it is wider than `width` cells."""
    return middle_out(visible(text), width, cell_width, "..")


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    """`text` in lines; a number stays on one line with its percent sign."""
    lines = textwrap.wrap(
        visible(text).replace(" %", "\u00a0%"),
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace("\u00a0", " ") for line in lines] or [first.rstrip()]


def _labelled(label: str, lines: Sequence[str]) -> Iterator[str]:
    """Lines behind a label that stands before the first of them."""
    for position, line in enumerate(lines):
        head = label if not position else ""
        yield from _wrapped(line, f"   {head:<15}", " " * 18)


class _Chart:
    """The staircase in cells: lines of equal length behind a gutter."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        names = [visible(bar.label) for bar in simulation.bars]
        longest = max((cell_width(name) for name in names), default=0)
        self.gutter = min(max(longest, 9 if simulation.unguarded else 5), _LABEL_AT_MOST) + 1
        self.width = WIDTH - _LEFT - self.gutter - 2
        self.axis: Timeline = timeline(simulation, 0, self.width - 2, Fixed(open=7, gate=2, folded=16, tail=6))
        self.bare = list(stretches(simulation, self.axis))
        self.used: dict[str, str] = {}

    def line(self, label: str, cells: Sequence[str]) -> str:
        padding = " " * (self.gutter - 1 - cell_width(label))
        return f"{' ' * _LEFT}{label}{padding} {''.join(cells)}".rstrip()

    def blank(self) -> list[str]:
        return [" "] * self.width

    def lines(self) -> Iterator[str]:
        levels = shares(self.simulation)
        tenths = len(levels) > _MOST_LEVELS
        if tenths:
            levels = [Fraction(n, 10) for n in range(10, 0, -1)]
        rows = {level: self.blank() for level in levels}
        for column in self.axis.columns:
            stage = self.simulation.plan.stages[column.stage]
            self._stair(rows, stage.share, column.left, column.right)
        if self.axis.end > self.axis.right:
            self._stair(rows, Share(Fraction(1), Fraction(1)), self.axis.right, self.axis.end)
            self._use("#", "share of the traffic that the new version gets")
        self._cross(rows)
        for level, cells in rows.items():
            if all(cell == " " for cell in cells):
                continue
            yield self.line(f"{words.number(level * 100):>{self.gutter - 3}} |", cells).replace(" | ", " |", 1)
        yield from self._axis()
        yield from self._gates()
        for lane in lanes(self.simulation, self.axis):
            yield self._lane(lane)
        if self.bare:
            cells = self.blank()
            for each in self.bare:
                left, right = round(each.left), max(round(each.right), round(each.left) + 1)
                _put(cells, left, "*" * (right - left))
            yield self.line("unguarded", cells)
            self._use("*", "nothing that runs can abort it")
        if self.used:
            yield ""
            line = ""
            for said in (f"{sign} {said}" for sign, said in self.used.items()):
                if line and len(line) + 3 + len(said) > self.width:
                    yield f"{'':{_LEFT + self.gutter + 1}}{line}"
                    line = ""
                line += f"   {said}" if line else said
            yield f"{'':{_LEFT + self.gutter + 1}}{line}"

    def _use(self, sign: str, said: str) -> None:
        self.used.setdefault(sign, said)

    def _level(self, rows: Mapping[Fraction, list[str]], share: Fraction) -> list[str] | None:
        if share in rows:
            return rows[share]
        above = [level for level in rows if level >= share]
        return rows[min(above)] if above and share else None

    def _stair(self, rows: Mapping[Fraction, list[str]], share: Share, left: float, right: float) -> None:
        start, end = round(left), round(right)
        for position in range(start, end):
            bare = any(s.left <= position + 0.5 < s.right for s in self.bare)
            sign = "*" if bare else "#"
            lower, upper = self._level(rows, share.least), self._level(rows, share.most)
            if upper is not None and upper is not lower:
                upper[position] = "?"
                self._use("?", "up to here")
            if lower is not None:
                lower[position] = sign
                if not bare and share.least:
                    self._use("#", "share of the traffic that the new version gets")

    def _cross(self, rows: Mapping[Fraction, list[str]]) -> None:
        place = broken_place(self.simulation, self.axis)
        if place is None:
            return
        cells = self._level(rows, self.simulation.plan.stages[place[0]].share.most)
        if cells is not None:
            cells[min(round(place[1]), self.width - 1)] = "X"
            self._use("X", "a broken version is aborted")

    def _axis(self) -> Iterator[str]:
        line, figures = list("-" * self.width), self.blank()
        for column in self.axis.columns:
            if column.kind == "open":
                _put(line, round(column.until), "~" * (round(column.right) - round(column.until)))
                self._use("~", "nobody knows how long")
            elif column.kind == "folded":
                _put(line, round(column.left), "/" * (round(column.right) - round(column.left)))
                self._use("/", "not to scale")
        line[-1] = ">"
        for time, place in ticks(self.axis, 2, lambda time: float(len(words.time(time)))):
            text = words.time(time)
            _put(figures, max(round(place - len(text) / 2), 0), text)
            if round(place):
                line[min(round(place), self.width - 2)] = "+"
        yield self.line("", line)[: -self.width - 1] + "+" + "".join(line)
        yield self.line("time", figures)

    def _gates(self) -> Iterator[str]:
        cells = self.blank()
        for column in self.axis.columns:
            stage = self.simulation.plan.stages[column.stage]
            said = visible(words.gate(stage))
            left, right = round(column.left), round(column.right)
            if not said or right <= left:
                continue
            letter = {"person": "P", "analysis": "A", "experiment": "E", "external": "?", "never": "!"}.get(
                words.wait_kind(stage.wait), "|"
            )
            short = next((text for text in (said, said.split(" ")[0]) if len(text) < right - left), "")
            _put(cells, left, f"|{short}" if short else letter)
            if not short and letter != "|":
                self._use(letter, words.wait_kind(stage.wait))
        if any(cell != " " for cell in cells):
            yield self.line("waits for", cells)

    def _lane(self, lane: Sequence[Placed]) -> str:
        cells = self.blank()
        for each in lane:
            bar, left, opened = each.bar, round(each.left), round(each.first)
            right = max(round(each.right), left + 1)
            never = bar.first > bar.end
            _put(cells, left, "." * ((right if never else opened) - left))
            if not never:
                sign = "-" if bar.dry_run else ":" if not bar.aborts else "="
                _put(cells, opened, sign * (right - opened))
                _put(cells, right - 1, {"rollout-ends": ">", "complete": "]", "unknown": "?"}[bar.end_reason])
                if right - opened > 1:
                    _put(cells, opened, "[")
        first, last = lane[0], lane[-1]
        said = words.bar_words(first.bar) if len(lane) == 1 else f"{len(lane)} times"
        self._explain(cells, said, round(first.left), max(round(last.right), round(first.left) + 1))
        return self.line(_cut(first.bar.label, self.gutter - 1), cells)

    def _explain(self, cells: list[str], said: str, left: int, right: int) -> None:
        """Write `said` behind the bar, before it, or into it: wherever there is room."""
        if right + 1 + len(said) <= self.width:
            _put(cells, right + 1, said)
        elif len(said) + 1 <= left:
            _put(cells, left - 1 - len(said), said)
        elif len(said) + 6 <= right - left and "".join(cells[left:right]).strip():
            _put(cells, left + (right - left - len(said)) // 2 - 1, f" {said} ")


def _traced(events: Sequence[Event]) -> Iterator[str]:
    for each in events:
        yield from _wrapped(each.words, f"{'':18}{words.time(each.at):>8}  ", " " * 28)


def render(simulations: Sequence[Simulation], verbose: bool = False) -> str:
    """The rollouts below each other; `verbose` with why figures are bounds and the way to each ending."""
    return "\n".join("\n".join(map(no_command, _text_of(each, verbose))) + "\n" for each in simulations)


def _text_of(simulation: Simulation, verbose: bool) -> Iterator[str]:
    plan = simulation.plan
    left = f"Rollout {visible(words.name(plan))}   {visible(words.summary(plan))}"
    right = visible(plan.place.document.source)
    gap = WIDTH - cell_width(left) - cell_width(right)
    if gap >= 2:
        yield f"{left}{' ' * gap}{right}"
    else:
        yield from _wrapped(left, "", "   ")
        yield f"   {right}"
    yield from _wrapped(words.verdict(simulation), "   ", "   ")
    for reason in plan.refused:
        yield from _labelled("refused", [reason])
    for line in words.headlines(simulation):
        yield from _labelled(line.label, [line.words])
        if verbose:
            for why in line.why:
                yield from _wrapped(f"because {why}", " " * 18, " " * 20)
    if simulation.rows:
        yield ""
        yield from _Chart(simulation).lines()
    yield ""
    if verbose:
        for each in simulation.endings:
            yield from _labelled("ending", [words.ending([each])])
            yield from _traced(each.trace)
    else:
        yield from _labelled("endings", list(words.endings(simulation.endings)))
    if not verbose:
        yield from _labelled("gates", list(words.gates(simulation.gates)))
    for gate in simulation.gates if verbose else ():
        yield from _labelled("gate", [f"{gate.label}: {words.evidence(gate.evidence)}"])
        for why in gate.why:
            yield from _wrapped(f"because {why}", " " * 18, " " * 20)
    yield from _labelled("detection", [words.broken_from(each) for each in simulation.detections])
    if verbose and simulation.broken is not None and simulation.broken.trace:
        yield from _labelled("broken", ["a version that fails every measurement"])
        yield from _traced(simulation.broken.trace)
    yield from _labelled("hangs", [hang.words for hang in simulation.hangs])
    yield from _labelled("bounds", simulation.bounds)
    yield from _labelled("notes", plan.notes)
