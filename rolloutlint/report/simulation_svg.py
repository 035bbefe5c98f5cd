"""`rolloutlint simulate` as one SVG: the staircase of each rollout, what measures it, and where nothing guards it.

`simulation_layout` says where everything stands. No script, no network, no font of its own; light or dark as the
reader's system says, and light on paper.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from rolloutlint.report import simulation_words as words
from rolloutlint.report.simulation_layout import MARGIN, WIDE, Box, Key, Label, Layout, Measured, layout, torn
from rolloutlint.report.svg import FAMILY, escaped, font_rules, px, tip
from rolloutlint.report.visible import visible
from rolloutlint.simulate.result import Bar, Simulation

_COLOURS: Sequence[tuple[str, str, str, str]] = (
    (".bg", "fill", "#ffffff", "#0d1117"),
    ("text", "fill", "#1f2328", "#e6edf3"),
    (".k, .s, .h2", "fill", "#57606a", "#9da7b1"),
    (".grid", "stroke", "#e3e7eb", "#262c34"),
    (".axis", "stroke", "#6e7781", "#8b949e"),
    (".area", "fill", "#c9e2f2", "#12395a"),
    (".edge", "stroke", "#0072b2", "#56b4e9"),
    (".limit", "stroke", "#0072b2", "#56b4e9"),
    (".maybe", "fill", "#e4f0f8", "#0f2940"),
    (".bare", "fill", "#fcd9c0", "#4a2208"),
    (".stripe", "stroke", "#d55e00", "#f0803c"),
    (".bare-edge", "stroke", "#d55e00", "#f0803c"),
    (".gate", "fill", "#eef1f4", "#21262d"),
    (".gate", "stroke", "#c3cad2", "#444c56"),
    (".gate.analysis, .gate.experiment", "fill", "#d7eaf6", "#10304c"),
    (".gate.person, .gate.external", "fill", "#fdf0c4", "#3d3208"),
    (".gate.never", "fill", "#fcd9c0", "#4a2208"),
    (".icon", "stroke", "#424a53", "#c3cbd3"),
    (".bar", "fill", "#0072b2", "#4ba3dc"),
    (".dry", "stroke", "#57606a", "#9da7b1"),
    (".idle", "stroke", "#57606a", "#9da7b1"),
    (".delay", "stroke", "#57606a", "#9da7b1"),
    (".tick", "stroke", "#ffffff", "#0d1117"),
    (".outer", "stroke", "#57606a", "#9da7b1"),
    (".flag.aborted", "stroke", "#b34700", "#ff9d5c"),
    (".flag.promoted", "stroke", "#00694a", "#3fc79a"),
    (".zig", "fill", "#ffffff", "#0d1117"),
    (".zag", "stroke", "#6e7781", "#8b949e"),
)
"""Selector, property, and its colour in the light and in the dark: blue, vermilion, yellow and green of the Okabe-Ito
palette. Stripes, dashes, shapes and words say the same."""

_SHAPES = """\
.grid { stroke-width: 1; fill: none; }
.axis { stroke-width: 1.2; fill: none; }
.edge { stroke-width: 2.4; fill: none; stroke-linejoin: round; }
.stripe { stroke-width: 2; }
.bare-edge { stroke-width: 1; fill: url(#stripes); }
.bare-area { fill: url(#stripes); }
.limit { stroke-width: 1.6; stroke-dasharray: 4 3; fill: none; }
.gate { stroke-width: 1; }
.icon { stroke-width: 1.5; fill: none; stroke-linecap: round; stroke-linejoin: round; }
.dry { stroke-width: 1.3; fill: url(#dots); }
.idle { stroke-width: 1.3; fill: none; }
.delay { stroke-width: 1.6; stroke-dasharray: 2 3; fill: none; }
.tick { stroke-width: 1.2; }
.outer { stroke-width: 1.2; fill: none; }
.flag { stroke-width: 2; fill: none; stroke-linecap: round; }
.flag.line { stroke-width: 1.3; stroke-dasharray: 5 3; }
.zag { stroke-width: 1.2; fill: none; }
.hit { fill: transparent; stroke: none; }
.hot:hover .hit { fill: #8888882e; }
.hot:hover .bar, .hot:hover .gate { filter: brightness(1.12); }
"""


def style(scope: str = "svg") -> str:
    """The CSS of a picture, for what lies below `scope`."""
    prefix = f"{scope} "

    def rules(dark: bool) -> str:
        out = []
        for selector, name, *pair in _COLOURS:
            whole = ", ".join(prefix + part for part in selector.split(", "))
            out.append(f"{whole} {{ {name}: {pair[dark]}; }}")
        return "\n".join(out)

    shapes = "".join(f"{prefix}{line}\n" for line in _SHAPES.splitlines())
    return (
        f"{scope} {{ font-family: {FAMILY}; }}\n{rules(False)}\n{font_rules(prefix)}\n{shapes}"
        f"@media screen and (prefers-color-scheme: dark) {{\n{rules(True)}\n}}\n"
    )


DEFS = (
    '<defs><pattern id="stripes" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect class="bare" width="7" height="7"/><path class="stripe" d="M0 0V7"/></pattern>'
    '<pattern id="dots" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)">'
    '<path class="dry" d="M0 0V6"/></pattern></defs>'
)
"""What fills refer to; once in a document."""


def _rect(box: Box, names: str, radius: float = 0) -> str:
    rounded = f' rx="{px(radius)}"' if radius else ""
    return (
        f'<rect class="{names}" x="{px(box.left)}" y="{px(box.top)}" width="{px(box.right - box.left)}" '
        f'height="{px(box.bottom - box.top)}"{rounded}/>'
    )


def _line(names: str, *path: str) -> str:
    return f'<path class="{names}" d="{"".join(path)}"/>'


def _label(label: Label) -> str:
    anchor = "" if label.anchor == "start" else f' text-anchor="{label.anchor}"'
    return f'<text class="{label.font}" x="{px(label.x)}" y="{px(label.y)}"{anchor}>{escaped(label.text)}</text>'


_ICONS: Mapping[str, str] = MappingProxyType(
    {
        "pause": "M3 2V10M8 2V10",
        "person": "M3.2 3.2a2.6 2.6 0 1 0 5.2 0a2.6 2.6 0 1 0-5.2 0M.8 11.5a5 4.6 0 0 1 10 0",
        "analysis": "M.8 4.8a4 4 0 1 0 8 0a4 4 0 1 0-8 0M7.8 7.8L11.5 11.5",
        "experiment": "M4 .8V4.5L.8 11H11L7.8 4.5V.8M2.8 .8H9",
        "pods": "M1 1H5V5H1zM7 1H11V5H7zM1 7H5V11H1zM7 7H11V11H7z",
        "external": "M6 .5L11.5 6L6 11.5L.5 6z",
        "never": "M1 1L11 11M11 1L1 11",
        "instant": "",
    }
)
"""Twelve pixels each."""


def _icon(kind: str, x: float, y: float) -> str:
    return f'<path class="icon" transform="translate({px(x)} {px(y)})" d="{_ICONS[kind]}"/>'


def _zigzag(x: float, top: float, bottom: float, names: str) -> str:
    """A torn edge from top to bottom."""
    path = [f"M{px(x)} {px(top)}"]
    y, side = top, 1
    while y < bottom:
        y = min(y + 9, bottom)
        path.append(f"L{px(x + 2.5 * side)} {px(y)}")
        side = -side
    return _line(names, *path)


def _tear(x: float, top: float, bottom: float) -> Iterator[str]:
    yield _rect(Box(x - 3, top, x + 3, bottom), "zig")
    for edge in (x - 3, x + 3):
        yield _zigzag(edge, top, bottom, "zag")


def stage_lines(simulation: Simulation, number: int) -> Sequence[str]:
    """Everything known of a stage, line by line, as visible text."""
    stage = simulation.plan.stages[number]
    row = next(row for row in simulation.rows if row.stage == number)
    lines = [words.step(stage), f"{words.share(stage.share)} of the traffic"]
    if stage.pods != (None, None):
        lines.append(words.pods(stage.pods))
    lines.append(f"from {words.duration(row.start)} to {words.duration(row.end)}")
    gate = words.gate(stage)
    if gate and gate != stage.label:
        lines.append(f"waits for: {gate}")
    return [visible(line) for line in lines]


def _bar_lines(bar: Bar) -> Sequence[str]:
    lines = [f"{bar.label}, {bar.run}", words.bar_words(bar)]
    if bar.first <= bar.end:
        lines.append(
            f"from {words.time(bar.start)} to {words.time(bar.end)}, first measured at {words.time(bar.first)}"
        )
    return [visible(line) for line in (*lines, words.guards(bar))]


def _hot(lines: Sequence[str], parts: Sequence[str]) -> list[str]:
    """A group that tells its lines on hover."""
    return [f'<g class="hot">{tip(lines)}', *parts, "</g>"]


def draw(drawn: Layout) -> list[str]:
    """The elements of a picture, line by line, without the document around them."""
    plot, axis = drawn.plot, drawn.axis
    if not axis.columns:
        return [_label(label) for label in drawn.labels]
    out = [_line("grid", f"M{px(plot.left)} {px(y)}H{px(axis.end)}") for share, y in drawn.levels if share]
    bottom = max((each.box.bottom for row in drawn.rows for each in row), default=plot.bottom) + 4
    out += [_line("grid", f"M{px(x)} {px(plot.top)}V{px(max(bottom, plot.bottom))}") for _, x in drawn.grid]
    for stair in drawn.stairs:
        out.append(_rect(stair.low, "area"))
        if stair.high is not None:
            high = stair.high
            out.append(_rect(high, "maybe"))
            out.append(
                _line("limit", f"M{px(high.left)} {px(high.bottom)}V{px(high.top)}H{px(high.right)}V{px(high.bottom)}")
            )
    if axis.end > axis.right:
        out.append(_rect(Box(axis.right, plot.top, axis.end, plot.bottom), "area"))
    for _, pieces in drawn.bare:
        out += [_rect(piece, "bare-area") for piece in pieces]
    out.append(_outline(drawn))
    out.append(_line("axis", f"M{px(plot.left)} {px(plot.top)}V{px(plot.bottom)}H{px(axis.end)}"))
    out += [_line("axis", f"M{px(x)} {px(plot.bottom)}v4") for _, x in drawn.grid]
    for column in axis.columns:
        x = torn(column)
        if x is not None:
            top = min(each.low.top for each in drawn.stairs if column.stage in each.stages)
            out += _tear(x, min(top, plot.bottom - 8) - 8, plot.bottom + 6)
    for column in axis.columns:
        if column.right - column.left >= 1:
            hit = _rect(Box(column.left, plot.top, column.right, plot.bottom), "hit")
            out += _hot(stage_lines(drawn.simulation, column.stage), [hit])
    out += _draw_flags(drawn)
    for gate in drawn.gates:
        parts = [_rect(gate.box, f"gate {gate.kind}", 3)]
        width = gate.box.right - gate.box.left
        if width >= 14:
            x = gate.box.left + (5 if width > 24 else (width - 12) / 2)
            parts.append(_icon(gate.kind, x, gate.box.top + 5))
        out += _hot(stage_lines(drawn.simulation, gate.stage), parts)
    for row in drawn.rows:
        for each in row:
            out += _draw_bar(each)
    for stretch, box in drawn.stretches:
        bare = stretch.unguarded
        lines = [
            f"unguarded from {words.time(bare.start)} to {words.time(bare.end)}",
            f"{words.share(bare.share)} of the traffic, and nothing that runs can abort it",
        ]
        out += _hot(lines, [_rect(box, "bare-edge")])
    out += [_draw_key(key) for key in drawn.keys]
    out += [_label(label) for label in drawn.labels]
    return out


def _outline(drawn: Layout) -> str:
    """The edge of the staircase: what the new version gets at least."""
    path = [f"M{px(drawn.plot.left)} {px(drawn.stairs[0].low.top)}"]
    path += [f"V{px(stair.low.top)}H{px(stair.low.right)}" for stair in drawn.stairs]
    if drawn.axis.end > drawn.axis.right:
        path.append(f"V{px(drawn.plot.top)}H{px(drawn.axis.end)}")
    return _line("edge", *path)


def _draw_flags(drawn: Layout) -> Iterator[str]:
    for flag in drawn.flags:
        yield _line(f"flag line {flag.kind}", f"M{px(flag.x)} {px(flag.top)}V{px(flag.bottom)}")
        y = flag.top - 7
        if flag.kind == "aborted":
            yield _line("flag aborted", f"M{px(flag.x - 4)} {px(y - 4)}l8 8m-8 0l8-8")
        else:
            yield _line("flag promoted", f"M{px(flag.x - 5)} {px(y)}l4 4l6-8")


def _draw_bar(each: Measured) -> list[str]:
    bar, box = each.bar, each.box
    middle = (box.top + box.bottom) / 2
    parts = []
    never = bar.first > bar.end
    if never or each.first > box.left:
        end = box.right if never else each.first
        parts.append(_line("delay", f"M{px(box.left)} {px(middle)}H{px(end)}"))
        parts.append(_line("outer", f"M{px(box.left)} {px(box.top + 1)}V{px(box.bottom - 1)}"))
    if not never:
        names = "dry" if bar.dry_run else "bar" if bar.aborts else "idle"
        parts.append(_rect(box._replace(left=min(each.first, box.right - 4)), names, 2))
        if names == "bar":
            parts += [_line("tick", f"M{px(x)} {px(box.top)}V{px(box.bottom)}") for x in each.ticks if _inner(x, each)]
        if bar.end_reason == "unknown":
            parts.append(_line("delay", f"M{px(box.right)} {px(middle)}h14"))
        elif bar.end_reason == "complete":
            parts.append(_line("outer", f"M{px(box.right + 1.5)} {px(box.top - 3)}V{px(box.bottom + 3)}"))
    parts.append(_rect(Box(box.left, box.top - 6, max(box.right, box.left + 6), box.bottom + 6), "hit"))
    return _hot(_bar_lines(bar), parts)


def _inner(x: float, each: Measured) -> bool:
    return each.first + 2 < x < each.box.right - 2


def _draw_key(key: Key) -> str:
    box = key.box
    middle = (box.top + box.bottom) / 2
    if key.kind in ("area", "maybe"):
        edge = "edge" if key.kind == "area" else "limit"
        return _rect(box, key.kind) + _line(edge, f"M{px(box.left)} {px(box.top)}H{px(box.right)}")
    if key.kind == "bare":
        return _rect(box, "bare-edge")
    if key.kind in ("bar", "dry", "idle"):
        return _rect(box._replace(top=box.top + 1, bottom=box.bottom - 1), key.kind, 2)
    if key.kind == "delay":
        return _line("delay", f"M{px(box.left)} {px(middle)}H{px(box.right)}")
    if key.kind == "aborted":
        return _line("flag aborted", f"M{px(box.left + 7)} {px(middle - 4)}l8 8m-8 0l8-8")
    x = (box.left + box.right) / 2
    return _zigzag(x - 3, box.top - 2, box.bottom + 2, "zag") + _zigzag(x + 3, box.top - 2, box.bottom + 2, "zag")


def picture(drawn: Layout, extra: str = "") -> str:
    """One picture as an `<svg>` element without style, for a page that has `style()` and `DEFS` once."""
    title = escaped(f"{words.name(drawn.simulation.plan)}: {words.verdict(drawn.simulation)}")
    size = f'viewBox="0 0 {px(drawn.width)} {px(drawn.height)}" width="{px(drawn.width)}" height="{px(drawn.height)}"'
    return "\n".join([f'<svg {size} role="img" aria-label="{title}"{extra}>', *draw(drawn), "</svg>"])


def render(simulations: Sequence[Simulation]) -> str:
    """The rollouts below each other as a complete SVG document."""
    pictures = [layout(each) for each in simulations]
    height = sum(each.height for each in pictures) + 12 * max(len(pictures) - 1, 0)
    out = []
    y = 0.0
    for number, each in enumerate(pictures, 1):
        out += [f'<g id="rollout-{number}" transform="translate(0 {px(y)})">', *draw(each), "</g>"]
        y += each.height + 12
    if not pictures:
        height = 40
        out.append(_label(Label("No Rollout to show.", "h2", MARGIN, 24)))
    size = f'width="{px(WIDE)}" height="{px(height)}" viewBox="0 0 {px(WIDE)} {px(height)}"'
    title = "; ".join(words.name(each.plan) for each in simulations) or "No Rollout"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
            f"<title>{escaped(title)}</title>",
            f"<desc>{escaped('. '.join(words.verdict(each) for each in simulations))}</desc>",
            f"<style>\n{style()}</style>",
            DEFS,
            '<rect class="bg" width="100%" height="100%"/>',
            *out,
            "</svg>",
            "",
        ]
    )
