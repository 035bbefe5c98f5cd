"""`rolloutlint graph` as JSON (`schemas/rolloutlint/graph-v1.json`), Mermaid and Graphviz DOT; SVG is in `graph_svg`.

Nodes, edges and clusters keep their ids in every format. Names are data: whatever a format could read as its own syntax
is escaped, so a hostile name changes nothing but its label.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from rolloutlint.finding import SEVERITIES, show_path
from rolloutlint.picture import Cluster, Edge, Node, Picture, Tally
from rolloutlint.report.visible import json_text, visible

VERSION = 1
"""Of the JSON. A field may be added within a version only together with its schema."""

MERMAID_EDGES = 500
MERMAID_CHARACTERS = 50_000
"""What Mermaid draws unless it is configured otherwise (`maxEdges`, `maxTextSize`)."""


# ---- words that all pictures share ---------------------------------------------------------------------------


def counted(number: int, word: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number} {word}{'s' * (number != 1)}"


def tally_words(tally: Tally) -> str:
    """`2 errors, 1 note`; empty without findings."""
    return ", ".join(counted(n, severity) for severity in SEVERITIES if (n := getattr(tally, severity)))


def headline(picture: Picture) -> str:
    """What the picture holds, in figures."""
    lacks = {state: sum(node.state == state for node in picture.nodes) for state in ("missing", "unknown")}
    present = len(picture.nodes) - sum(lacks.values())
    found = Tally(*(sum(column) for column in zip(*(node.findings for node in picture.nodes), strict=True)))
    parts = [counted(present, "object"), counted(len(picture.edges), "link")]
    parts += [f"{number} {state}" for state, number in lacks.items() if number]
    return ", ".join(parts) + "; " + (tally_words(found) or "no findings")


def remarks(picture: Picture) -> Sequence[str]:
    """What is left out of the picture."""
    said = []
    if picture.others:
        number = sum(count for _, count in picture.others)
        kinds = ", ".join(f"{count} {visible(kind)}" for kind, count in picture.others[:6])
        more = ", ..." * (len(picture.others) > 6)
        said.append(f"Not shown: {counted(number, 'object')} without links and findings ({kinds}{more})")
    if picture.loose.worst:
        said.append(f"About files and not about objects: {tally_words(picture.loose)}")
    return said


def cluster_title(cluster: Cluster) -> str:
    """The title with the namespace."""
    title = visible(cluster.title)
    return f"{title}, namespace {visible(cluster.namespace)}" if cluster.namespace else title


def kind_words(node: Node) -> str:
    """`Service`, `Service, missing`."""
    kind = visible(node.resource.kind) or "no kind"
    return kind if node.state == "present" else f"{kind}, {node.state}"


def elsewhere(node: Node, cluster: Cluster) -> str:
    """Where the node ends up, if that is not what its cluster says."""
    if node.namespace is None:
        return "namespace differs by overlay"
    if node.namespace in ("", cluster.namespace):
        return ""
    return f"namespace {visible(node.namespace)}"


def details(node: Node) -> Sequence[str]:
    """Everything known of a node, line by line."""
    spelt = "/".join(visible(part) for part in (node.namespace, node.resource.name) if part)
    lines = [f"{visible(node.resource.kind)} {spelt}" + ("" if node.state == "present" else f": {node.state}")]
    if node.note:
        lines.append(visible(node.note))
    if node.file:
        lines.append(visible(node.file))
    if node.rules:
        rules = ", ".join(rule + (f" ({number} times)" if number > 1 else "") for rule, number in node.rules)
        lines.append(f"{tally_words(node.findings)}: {rules}")
    return lines


def edge_details(edge: Edge) -> Sequence[str]:
    """Where an edge is written, line by line."""
    lines = [visible(f"{use.role}: {show_path(use.path)}" if use.path else use.role) for use in edge.uses]
    return lines if edge.state == "resolved" else [edge.state, *lines]


def look(node: Node) -> str:
    """What decides the colours of a node: its state, else its worst severity, else `clean`."""
    return node.state if node.state != "present" else node.findings.worst or "clean"


def by_cluster(picture: Picture) -> Mapping[str, Sequence[Node]]:
    """Cluster id -> its nodes."""
    found: dict[str, list[Node]] = {cluster.id: [] for cluster in picture.clusters}
    for node in picture.nodes:
        found[node.cluster].append(node)
    return found


# ---- JSON ----------------------------------------------------------------------------------------------------


def _node_object(node: Node) -> dict[str, Any]:
    return {
        "id": node.id,
        "state": node.state,
        "group": node.resource.group,
        "version": node.resource.version,
        "kind": node.resource.kind,
        "namespace": node.namespace,
        "name": node.resource.name,
        "file": node.file,
        "cluster": node.cluster,
        "synced_by": list(node.synced_by),
        "severity": node.findings.worst,
        "findings": node.findings._asdict(),
        "rules": dict(node.rules),
        "note": node.note,
    }


def _edge_object(edge: Edge) -> dict[str, Any]:
    return {
        "id": edge.id,
        "source": edge.source,
        "target": edge.target,
        "state": edge.state,
        "label": edge.label,
        "uses": [{"role": use.role, "path": show_path(use.path)} for use in edge.uses],
    }


def _array(items: Sequence[dict[str, Any]]) -> str:
    return "[\n" + ",\n".join(json_text(item) for item in items) + "\n]" if items else "[]"


def _json(picture: Picture) -> str:
    tool = {"name": "rolloutlint", "version": picture.tool_version}
    return (
        f'{{"version": {VERSION}, "tool": {json_text(tool)}, "focus": {json_text(list(picture.focus))},\n'
        f'"clusters": {_array([cluster._asdict() for cluster in picture.clusters])},\n'
        f'"nodes": {_array([_node_object(node) for node in picture.nodes])},\n'
        f'"edges": {_array([_edge_object(edge) for edge in picture.edges])},\n'
        f'"others": {json_text(dict(picture.others))}, "loose": {json_text(picture.loose._asdict())}}}\n'
    )


# ---- Mermaid -------------------------------------------------------------------------------------------------

_MERMAID_CLASSES = {
    "clean": "fill:#f6f8fa,stroke:#6e7781,color:#1f2328",
    "error": "fill:#fbdccb,stroke:#d55e00,stroke-width:3px,color:#1f2328",
    "warning": "fill:#fdefc3,stroke:#b87a00,stroke-width:2px,color:#1f2328",
    "note": "fill:#d9ebf7,stroke:#0072b2,stroke-width:2px,color:#1f2328",
    "missing": "fill:#ffffff,stroke:#d55e00,stroke-width:3px,stroke-dasharray:8 4,color:#a34700",
    "unknown": "fill:#ffffff,stroke:#6e7781,stroke-dasharray:2 3,color:#57606a",
}
"""Colours of the Okabe-Ito palette, told apart by colour-blind readers; the words say the same."""

_NOT_PLAIN = re.compile(r"[^\w .,/()?*+=\-]", re.ASCII)


def _mermaid_text(value: str) -> str:
    """Text for a quoted label. Everything that is not plainly text becomes an entity code, as Mermaid spells them."""
    shown = visible(value)
    return _NOT_PLAIN.sub(lambda match: f"#{ord(match[0])};", shown) or "#8203;"


def _mermaid_node(node: Node, cluster: Cluster) -> str:
    lines = [kind_words(node), node.resource.name, elsewhere(node, cluster), tally_words(node.findings)]
    label = "<br/>".join(_mermaid_text(line) for line in (lines[0], lines[1] or "no name", *filter(None, lines[2:])))
    return f'    {node.id}["{label}"]:::{look(node)}'


def _mermaid(picture: Picture) -> str:
    clusters = {cluster.id: cluster for cluster in picture.clusters}
    lines = ["flowchart LR"]
    for cluster, nodes in by_cluster(picture).items():
        lines.append(f'  subgraph {cluster}["{_mermaid_text(cluster_title(clusters[cluster]))}"]')
        lines.append("    direction LR")
        lines += [_mermaid_node(node, clusters[cluster]) for node in nodes]
        lines.append("  end")
    styled: dict[str, list[int]] = {"missing": [], "unknown": []}
    for number, edge in enumerate(picture.edges):
        arrow = "-->" if edge.state == "resolved" else "-.->"
        lines.append(f'  {edge.source} {arrow}|"{_mermaid_text(edge.label)}"| {edge.target}')
        if edge.state != "resolved":
            styled[edge.state].append(number)
    used = {look(node) for node in picture.nodes}
    lines += [f"  classDef {name} {style}" for name, style in _MERMAID_CLASSES.items() if name in used]
    for state, colour in (("missing", "#d55e00"), ("unknown", "#6e7781")):
        if styled[state]:
            lines.append(f"  linkStyle {','.join(map(str, styled[state]))} stroke:{colour}")
    text = "\n".join(lines) + "\n"
    if len(picture.edges) > MERMAID_EDGES or len(text) > MERMAID_CHARACTERS:
        text += f"  %% larger than Mermaid draws unless maxEdges ({MERMAID_EDGES}) and maxTextSize are raised\n"
    return text


# ---- Graphviz ------------------------------------------------------------------------------------------------

_DOT_LOOKS = {
    "clean": 'fillcolor="#f6f8fa", color="#6e7781"',
    "error": 'fillcolor="#fbdccb", color="#d55e00", penwidth=3',
    "warning": 'fillcolor="#fdefc3", color="#b87a00", penwidth=2',
    "note": 'fillcolor="#d9ebf7", color="#0072b2", penwidth=2',
    "missing": 'style="rounded,dashed", color="#d55e00", fontcolor="#a34700", penwidth=2',
    "unknown": 'style="rounded,dotted", color="#6e7781", fontcolor="#57606a"',
}
_DOT_EDGES = {
    "resolved": "",
    "missing": ', style=dashed, color="#d55e00", fontcolor="#a34700"',
    "unknown": ', style=dotted, color="#6e7781"',
}


def _dot_text(lines: Sequence[str]) -> str:
    """A quoted string of DOT, in which a backslash starts an escape of Graphviz and `&` an entity."""
    shown = (visible(line).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;") for line in lines)
    return '"' + "\\n".join(shown) + '"'


def _dot_node(node: Node, cluster: Cluster) -> str:
    lines = [kind_words(node), node.resource.name or "no name", elsewhere(node, cluster), tally_words(node.findings)]
    label = _dot_text([line for line in lines if line])
    return f"    {node.id} [label={label}, tooltip={_dot_text(details(node))}, {_DOT_LOOKS[look(node)]}];"


def _dot(picture: Picture) -> str:
    clusters = {cluster.id: cluster for cluster in picture.clusters}
    lines = ["digraph rolloutlint {", "  rankdir=LR;"]
    lines.append('  graph [fontname="sans-serif", fontsize=12, labeljust=l, style=rounded, color="#afb8c1"];')
    lines.append('  node [fontname="sans-serif", fontsize=11, shape=box, style="rounded,filled"];')
    lines.append('  edge [fontname="sans-serif", fontsize=9, color="#57606a"];')
    for cluster, nodes in by_cluster(picture).items():
        lines.append(f"  subgraph cluster_{cluster} {{")
        lines.append(f"    label={_dot_text([cluster_title(clusters[cluster])])};")
        lines += [_dot_node(node, clusters[cluster]) for node in nodes]
        lines.append("  }")
    for edge in picture.edges:
        label, tip = _dot_text([edge.label]), _dot_text(edge_details(edge))
        lines.append(
            f'  {edge.source} -> {edge.target} [id="{edge.id}", label={label}, tooltip={tip}{_DOT_EDGES[edge.state]}];'
        )
    return "\n".join([*lines, "}"]) + "\n"


def _svg(picture: Picture) -> str:
    from rolloutlint.report.graph_svg import render

    return render(picture)


FORMATS: Mapping[str, Callable[[Picture], str]] = MappingProxyType(
    {"mermaid": _mermaid, "dot": _dot, "json": _json, "svg": _svg}
)
"""Format name -> renderer; each answer ends in a newline."""

SUFFIXES: Mapping[str, str] = MappingProxyType(
    {".mmd": "mermaid", ".mermaid": "mermaid", ".dot": "dot", ".gv": "dot", ".json": "json", ".svg": "svg"}
)
"""Suffix of an output file -> the format it asks for."""
