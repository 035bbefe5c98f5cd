"""`rolloutlint graph` as one SVG: no script, no network, no font of its own; light or dark as the reader's system says.

Every text is measured with the widest of the usual sans-serif fonts, so that it fits in its box with any of them. A
reference that leaves its cluster ends in a link to the node instead of a line across the picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rolloutlint.finding import SEVERITIES, Severity
from rolloutlint.picture import Cluster, Edge, Node, Picture, Tally
from rolloutlint.report.graph import (
    by_cluster,
    cluster_title,
    counted,
    details,
    edge_details,
    elsewhere,
    headline,
    kind_words,
    look,
    remarks,
)
from rolloutlint.report.layered import Box, Drawing, Link, Rectangle, Route, layered, pack
from rolloutlint.report.svg import FAMILY, escaped, fit, font_rules, px, text_at, text_width, tip, wrap
from rolloutlint.report.visible import visible

_PAD = 14.0
"""Between a cluster's edge and what is in it."""
_TITLE = 34.0
_MARGIN = 24.0
_NAME_AT_MOST = 300.0
_CONNECTOR_AT_MOST = 280.0
_TITLE_AT_MOST = 560.0
_NARROWEST = 620.0
_RATIO = 1.6
"""Width to height of a good picture."""


class _Sizes(NamedTuple):
    """The lines of a node's box."""

    kind: str
    name: str
    small: tuple[str, ...]
    width: float
    height: float


class _Part(NamedTuple):
    """Nodes of one cluster that hang together, drawn around (0, 0)."""

    drawing: Drawing
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    """Those that have a line."""


class _Panel(NamedTuple):
    """A cluster with its parts in place."""

    cluster: Cluster
    title: str
    findings: Tally
    parts: tuple[tuple[float, float, _Part], ...]
    width: float
    height: float


# ---- layout --------------------------------------------------------------------------------------------------


def _badges(tally: Tally) -> list[tuple[Severity, str, float]]:
    """Severity, figure and width of every mark to draw."""
    found = []
    for severity in SEVERITIES:
        number = getattr(tally, severity)
        if number:
            found.append((severity, str(number), 13 + text_width(str(number), "b") + 7))
    return found


def _measure(node: Node, cluster: Cluster, callers: int, itself: Edge | None) -> _Sizes:
    kind = fit(kind_words(node), "k", _NAME_AT_MOST)
    name = fit(visible(node.resource.name) or "no name", "n", _NAME_AT_MOST)
    small = [elsewhere(node, cluster)]
    small.append(f"names itself: {visible(itself.label)}" if itself else "")
    small.append(f"{counted(callers, 'link')} from other boxes" if callers else "")
    shown = tuple(fit(line, "s", _NAME_AT_MOST) for line in small if line)
    head = text_width(kind, "k") + sum(width for _, _, width in _badges(node.findings)) + 14
    width = max(head, text_width(name, "n"), *(text_width(line, "s") for line in shown), 90.0)
    return _Sizes(kind, name, shown, width + 26, 44 + 15 * len(shown))


def _connector(node: Node) -> str:
    spelt = f"{visible(node.resource.kind)} {visible(node.resource.name)}"
    return fit(spelt + ("" if node.state == "present" else f", {node.state}"), "s", _CONNECTOR_AT_MOST)


class _Layout:
    """Where everything goes."""

    def __init__(self, picture: Picture) -> None:
        self.nodes = {node.id: node for node in picture.nodes}
        self.loops = {edge.source: edge for edge in picture.edges if edge.source == edge.target}
        self.outgoing: dict[str, list[Edge]] = {}
        callers: dict[str, int] = {}
        for edge in picture.edges:
            self.outgoing.setdefault(edge.source, []).append(edge)
            if self.leaves(edge):
                callers[edge.target] = callers.get(edge.target, 0) + 1
        clusters = {cluster.id: cluster for cluster in picture.clusters}
        self.sizes = {
            node.id: _measure(node, clusters[node.cluster], callers.get(node.id, 0), self.loops.get(node.id))
            for node in picture.nodes
        }
        members = by_cluster(picture)
        self.panels = [self._panel(cluster, members[cluster.id]) for cluster in picture.clusters]

    def leaves(self, edge: Edge) -> bool:
        """Whether an edge leads to another cluster."""
        return self.nodes[edge.source].cluster != self.nodes[edge.target].cluster

    def _panel(self, cluster: Cluster, members: Sequence[Node]) -> _Panel:
        parts = [self._part(nodes) for nodes in self._connected(members)]
        sizes = [(part.drawing.width, part.drawing.height) for part in parts]
        places, width, height = pack(sizes, 26, _RATIO)
        title = fit(cluster_title(cluster), "ct", max(width, _TITLE_AT_MOST))
        findings = Tally(*(sum(column) for column in zip(*(node.findings for node in members), strict=True)))
        marks = sum(needed for _, _, needed in _badges(findings))
        width = max(width, text_width(title, "ct") + 20 + marks, 160.0)
        placed = tuple((x, y, part) for (x, y), part in zip(places, parts, strict=True))
        return _Panel(cluster, title, findings, placed, width + 2 * _PAD, height + _TITLE + _PAD)

    def _connected(self, members: Sequence[Node]) -> Iterator[tuple[Node, ...]]:
        """The members that hang together by edges inside the cluster, in the order of their first."""
        near: dict[str, list[str]] = {node.id: [] for node in members}
        for node in members:
            for edge in self.outgoing.get(node.id, ()):
                if edge.target in near:
                    near[node.id].append(edge.target)
                    near[edge.target].append(node.id)
        seen: set[str] = set()
        for node in members:
            together: set[str] = set()
            todo = [node.id]
            while todo:
                here = todo.pop()
                if here not in seen:
                    seen.add(here)
                    together.add(here)
                    todo += near[here]
            if together:
                yield tuple(each for each in members if each.id in together)

    def _part(self, nodes: tuple[Node, ...]) -> _Part:
        boxes = [Box(node.id, self.sizes[node.id].width, self.sizes[node.id].height) for node in nodes]
        links = []
        edges = []
        for node in nodes:
            for edge in self.outgoing.get(node.id, ()):
                if edge.source == edge.target:
                    continue
                edges.append(edge)
                target = edge.target
                if self.leaves(edge):
                    target = edge.id
                    boxes.append(
                        Box(edge.id, text_width(_connector(self.nodes[edge.target]), "s") + 36, 24, loose=True)
                    )
                links.append(Link(edge.id, edge.source, target, text_width(_label(edge), "l")))
        return _Part(layered(boxes, links), nodes, tuple(edges))


def _label(edge: Edge) -> str:
    return fit(visible(edge.label), "l", 220)


# ---- drawing -------------------------------------------------------------------------------------------------

_STYLE = """\
svg { font-family: %(family)s; }
.bg { fill: #ffffff; }
text { fill: #1f2328; }
%(fonts)s
.k, .s, .h2 { fill: #57606a; }
.cluster rect { fill: #f6f8fa; stroke: #d0d7de; }
.node rect.box { fill: #ffffff; stroke: #8c959f; stroke-width: 1.2; }
.node.error rect.box { fill: #fdeee5; stroke: #d55e00; }
.node.warning rect.box { fill: #fef6dd; stroke: #b87a00; }
.node.note rect.box { fill: #e8f3fb; stroke: #0072b2; }
.node.missing rect.box { fill: none; stroke: #d55e00; stroke-width: 2; stroke-dasharray: 7 4; }
.node.missing .k, .edge.missing text { fill: #a34700; }
.node.unknown rect.box { fill: none; stroke: #8c959f; stroke-width: 1.6; stroke-dasharray: 2 3; }
.node.focus rect.box { stroke-width: 3; }
.error .bar, .mark.error { fill: #d55e00; }
.warning .bar, .mark.warning { fill: #e69f00; }
.note .bar, .mark.note { fill: #0072b2; }
.edge path.line { fill: none; stroke: #8c959f; stroke-width: 1.4; }
.edge.missing path.line { stroke: #d55e00; stroke-dasharray: 6 4; }
.edge.unknown path.line { stroke-dasharray: 2 3; }
.edge text { fill: #424a53; }
.edge rect.out { fill: #eaeef2; stroke: #afb8c1; }
.edge a text { fill: #0550ae; }
.head { fill: #8c959f; }
.head.missing { fill: #d55e00; }
.node:hover rect.box { stroke-width: 3; }
.edge:hover path.line { stroke-width: 2.6; }
@media (prefers-color-scheme: dark) {
.bg { fill: #0d1117; }
text { fill: #e6edf3; }
.k, .s, .h2 { fill: #9198a1; }
.cluster rect { fill: #161b22; stroke: #30363d; }
.node rect.box { fill: #21262d; stroke: #6e7681; }
.node.error rect.box { fill: #43200a; stroke: #e8732a; }
.node.warning rect.box { fill: #3a2d05; stroke: #d29922; }
.node.note rect.box { fill: #0b2a42; stroke: #4aa3df; }
.node.missing rect.box { fill: none; stroke: #e8732a; }
.node.missing .k, .edge.missing text { fill: #ff9d5c; }
.node.unknown rect.box { fill: none; stroke: #8b949e; }
.error .bar, .mark.error { fill: #e8732a; }
.warning .bar, .mark.warning { fill: #e6b422; }
.note .bar, .mark.note { fill: #4aa3df; }
.edge path.line { stroke: #7d8590; }
.edge.missing path.line { stroke: #e8732a; }
.edge text { fill: #b1bac4; }
.edge rect.out { fill: #21262d; stroke: #484f58; }
.edge a text { fill: #79c0ff; }
.head { fill: #7d8590; }
.head.missing { fill: #e8732a; }
}
"""
"""Vermilion, orange and blue of the Okabe-Ito palette; marks of different shapes and the words say it again."""


def _mark(severity: Severity, x: float, y: float) -> str:
    """A shape of ten pixels: an octagon for errors, a triangle for warnings, a circle for notes."""
    at = f"M{px(x)} {px(y)}"
    shape = {
        "error": f"{at}m3 0h4l3 3v4l-3 3h-4l-3-3v-4z",
        "warning": f"{at}m5 0l5.5 10h-11z",
        "note": f"{at}m0 5a5 5 0 1 0 10 0a5 5 0 1 0-10 0z",
    }[severity]
    return f'<path class="mark {severity}" d="{shape}"/>'


def _draw_node(node: Node, sizes: _Sizes, at: Rectangle, focus: bool) -> list[str]:
    shape = look(node)
    out = [
        f'<g class="node {shape}{" focus" if focus else ""}" id="{node.id}" data-id="{node.id}">{tip(details(node))}'
    ]
    out.append(
        f'<rect class="box" x="{px(at.x)}" y="{px(at.y)}" width="{px(at.width)}" height="{px(at.height)}" rx="7"/>'
    )
    if node.findings.worst:
        out.append(
            f'<rect class="bar" x="{px(at.x + 5)}" y="{px(at.y + 7)}" width="4" height="{px(at.height - 14)}" rx="2"/>'
        )
    x = at.x + 15
    out.append(text_at(x, at.y + 17, "k", sizes.kind))
    out += _draw_badges(node.findings, at.x + at.width - 6, at.y + 17)
    out.append(text_at(x, at.y + 34, "n", sizes.name))
    out += [text_at(x, at.y + 49 + 15 * index, "s", line) for index, line in enumerate(sizes.small)]
    out.append("</g>")
    return out


def _draw_badges(tally: Tally, right: float, baseline: float) -> list[str]:
    """A mark and a figure for each severity, up to `right`."""
    badges = _badges(tally)
    x = right - sum(width for _, _, width in badges)
    out = []
    for severity, figure, width in badges:
        out.append(_mark(severity, x, baseline - 9))
        out.append(text_at(x + 13, baseline, "b", figure))
        x += width
    return out


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    """The rest of a path that leads level out of one point and level into the next."""
    if abs(to_y - y) < 0.05:
        return f"H{px(to_x)}"
    middle = (x + to_x) / 2
    return f"C{px(middle)} {px(y)} {px(middle)} {px(to_y)} {px(to_x)} {px(to_y)}"


def _line(route: Route, label: float, dx: float, dy: float) -> str:
    """The path of an edge, with a gap where its label stands."""
    x, y = route.start[0] + dx, route.start[1] + dy
    if route.backwards:
        x += 2
    path = [f"M{px(x)} {px(y)}"]
    for station in route.stations:
        left, right, level = station.left + dx, station.right + dx, station.y + dy
        labelled = station is route.label
        path.append(_curve(x, y, left - (5 if labelled else 0), level))
        if labelled:
            path.append(f"M{px(left + label + 5)} {px(level)}")
        path.append(f"H{px(max(right, left + label + 8) if labelled else right)}")
        x, y = right, level
    end = route.end[0] + dx - (0 if route.backwards else 2)
    path.append(_curve(x, y, end, route.end[1] + dy))
    return "".join(path)


def _draw_edge(edge: Edge, part: _Part, target: Node | None, dx: float, dy: float) -> list[str]:
    """A line with its label; with `target`, it ends in a link to that node of another cluster."""
    route = part.drawing.routes[edge.id]
    words = _label(edge)
    head = "missing" if edge.state == "missing" else "plain"
    marker = f'marker-{"start" if route.backwards else "end"}="url(#{head})"'
    out = [f'<g class="edge {edge.state}" data-id="{edge.id}">{tip(edge_details(edge))}']
    out.append(f'<path class="line" d="{_line(route, text_width(words, "l"), dx, dy)}" {marker}/>')
    if route.label:
        out.append(text_at(route.label.left + dx, route.label.y + dy + 3.5, "l", words))
    if target is not None:
        box = part.drawing.boxes[edge.id]
        x, y = box.x + dx, box.y + dy
        out.append(f'<a href="#{target.id}">')
        out.append(
            f'<rect class="out" x="{px(x)}" y="{px(y)}" width="{px(box.width)}" height="{px(box.height)}" rx="12"/>'
        )
        out.append(text_at(x + 12, y + 16, "s", f"{_connector(target)} ↗"))
        out.append("</a>")
    out.append("</g>")
    return out


def _draw_loop(edge: Edge, at: Rectangle) -> str:
    """A node that names itself: an arc over its right upper corner; the words stand in the node."""
    x, y = at.x + at.width - 16, at.y
    return (
        f'<g class="edge {edge.state}" data-id="{edge.id}">{tip(edge_details(edge))}'
        f'<path class="line" d="M{px(x)} {px(y)}v-6h26v26h-8" marker-end="url(#plain)"/></g>'
    )


def _draw_panel(panel: _Panel, layout: _Layout, focus: Sequence[str], x: float, y: float) -> list[str]:
    out = [f'<g class="cluster" data-id="{panel.cluster.id}">{tip([cluster_title(panel.cluster)])}']
    out.append(f'<rect x="{px(x)}" y="{px(y)}" width="{px(panel.width)}" height="{px(panel.height)}" rx="10"/>')
    out.append(text_at(x + _PAD, y + 22, "ct", panel.title))
    out += _draw_badges(panel.findings, x + panel.width - 8, y + 22)
    out.append("</g>")
    for left, top, part in panel.parts:
        dx, dy = x + _PAD + left, y + _TITLE + top
        for edge in part.edges:
            out += _draw_edge(edge, part, layout.nodes[edge.target] if layout.leaves(edge) else None, dx, dy)
        for node in part.nodes:
            box = part.drawing.boxes[node.id]
            at = box._replace(x=box.x + dx, y=box.y + dy)
            out += _draw_node(node, layout.sizes[node.id], at, node.id in focus)
            if node.id in layout.loops:
                out.append(_draw_loop(layout.loops[node.id], at))
    return out


_LEGEND = (
    ("clean", "no finding"),
    ("error", "error"),
    ("warning", "warning"),
    ("note", "note"),
    ("missing", "missing: certainly not there"),
    ("unknown", "unknown: the inputs cannot tell"),
)


def _legend(picture: Picture, y: float, width: float) -> tuple[list[str], float]:
    """What the colours and lines mean, as far as they occur, and the y below it."""
    used = {look(node) for node in picture.nodes}
    out = []
    x = _MARGIN
    for shape, words in _LEGEND:
        if shape not in used:
            continue
        needed = 34 + text_width(words, "h2") + 20
        if x > _MARGIN and x + needed > width - _MARGIN:
            x, y = _MARGIN, y + 22
        out.append(f'<g class="node {shape}"><rect class="box" x="{px(x)}" y="{px(y)}" width="26" height="14" rx="4"/>')
        if shape in SEVERITIES:
            out.append(_mark(shape, x + 8, y + 2))
        out.append(text_at(x + 34, y + 11, "h2", words) + "</g>")
        x += needed
    return out, y + (22 if out else 0)


def render(picture: Picture) -> str:
    """The picture as a complete SVG document."""
    layout = _Layout(picture)
    places, inner, height = pack([(panel.width, panel.height) for panel in layout.panels], 22, _RATIO)
    width = max(inner + 2 * _MARGIN, _NARROWEST)
    focus = [layout.nodes[number] for number in picture.focus]
    title = f"{picture.clusters[0].title} and what is linked with it" if focus else "Objects and what they name"
    out = []
    y = _MARGIN + 15
    for font, text, step in (
        ("h1", title, 22.0),
        ("h2", headline(picture), 17.0),
        *(("h2", r, 17.0) for r in remarks(picture)),
    ):
        for line in wrap(visible(text), font, width - 2 * _MARGIN):
            out.append(text_at(_MARGIN, y, font, line))
            y += step
    legend, y = _legend(picture, y, width)
    out += legend
    y += 8
    if not picture.nodes:
        out.append(text_at(_MARGIN, y + 12, "h2", "Nothing to show."))
        y += 20
    for panel, (left, top) in zip(layout.panels, places, strict=True):
        out += _draw_panel(panel, layout, picture.focus, _MARGIN + left, y + top)
    size = f'width="{px(width)}" height="{px(y + height + _MARGIN)}"'
    style = _STYLE.replace("%(family)s", FAMILY).replace("%(fonts)s", font_rules())
    heads = "".join(
        f'<marker id="{name}" viewBox="0 0 8 8" refX="6.5" refY="4" markerWidth="8" markerHeight="8" '
        'markerUnits="userSpaceOnUse" orient="auto-start-reverse">'
        f'<path class="head {name}" d="M0 .5L8 4L0 7.5z"/></marker>'
        for name in ("plain", "missing")
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {px(width)} {px(y + height + _MARGIN)}">',
            f"<title>{escaped(title)}</title>",
            f"<desc>{escaped(headline(picture))}</desc>",
            f"<style>\n{style}</style>",
            f"<defs>{heads}</defs>",
            '<rect class="bg" width="100%" height="100%"/>',
            *out,
            "</svg>",
            "",
        ]
    )
