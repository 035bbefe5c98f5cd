"""The picture in every format: the same nodes and edges, whatever their names are, and nothing that covers anything."""

from __future__ import annotations

import importlib.util
import itertools
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator

from rolloutlint.engine import open_paths
from rolloutlint.finding import ResourceId
from rolloutlint.picture import Cluster, Edge, Node, Picture, Tally, Use, picture
from rolloutlint.report.graph import FORMATS
from rolloutlint.report.svg import FONTS, text_width
from rolloutlint.settings import Settings
from tests.harness import CATALOGUE

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "schemas" / "rolloutlint" / "graph-v1.json").read_text())
SVG = "{http://www.w3.org/2000/svg}"

HOSTILE = (
    'quote" and \\"both\\" \\N \\G',
    "end",
    "graph",
    "subgraph x[y](z){w}|v|",
    "line\nfeed\r\ttab\0",
    '"]:::x\n  n1 --> n2',
    "%%{init: {'theme': 'x'}}%%",
    "style a: #35; classDef",
    "<script>alert(1)</script>]]>&amp;",
    "`markdown` **bold**",
    "日本語 🎉 e\u0301 \u202eright to left\u200b",
    "\ud800 lone",
    "n" * 253,
    "-->",
    "",
)


def hostile() -> Picture:
    """Every hostile name as a node, each naming the next in a role of that name, in a cluster of that name."""
    states = itertools.cycle(("present", "missing", "unknown"))
    nodes = []
    for number, name in enumerate(HOSTILE, 1):
        nodes.append(
            Node(
                id=f"n{number}",
                state=next(states),  # type: ignore[arg-type]
                resource=ResourceId(name, "v1", name or "Kind", name, name),
                namespace=name,
                file=name,
                cluster=f"c{1 + number % 2}",
                synced_by=(),
                findings=Tally(number % 3, number % 2, number % 5),
                rules=(("RL101", 2),),
                note=name,
            )
        )
    uses = [(Use(name or "role", (name, 0)), Use("x", ())) for name in HOSTILE]
    ends = [(n, n % len(HOSTILE) + 1) for n in range(1, len(HOSTILE) + 1)] + [(3, 3), (5, 1), (1, 5), (2, 9), (9, 2)]
    edge_states = itertools.cycle(("resolved", "missing", "unknown"))
    edges = tuple(
        Edge(f"e{i}", f"n{s}", f"n{t}", next(edge_states), uses[i % len(uses)])  # type: ignore[arg-type]
        for i, (s, t) in enumerate(ends, 1)
    )
    clusters = (Cluster("c1", "application", HOSTILE[5], HOSTILE[0]), Cluster("c2", "environment", HOSTILE[8], None))
    return Picture(tuple(nodes), edges, clusters, ("n1",), ((HOSTILE[5], 3),), Tally(1), "1.0")


def empty() -> Picture:
    return Picture((), (), (), (), (), Tally(), "1.0")


@pytest.fixture(scope="session")
def fifty(tmp_path_factory: pytest.TempPathFactory) -> Picture:
    """Fifty applications, every third with a fault."""
    corpus = tmp_path_factory.mktemp("fifty") / "corpus"
    _generator().generate(str(corpus), 50, faults=0.3)
    run = open_paths((str(corpus),), Settings(), CATALOGUE)
    return picture(run.world, run.report())


def _generator() -> ModuleType:
    folder = ROOT / "benchmarks"
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    spec = importlib.util.spec_from_file_location("generate", folder / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["generate"] = module
    spec.loader.exec_module(module)
    return module


def tied() -> Picture:
    """Many templates that many Rollouts share: one large part with long lines and crossings."""
    nodes = [
        Node(f"n{i}", "present", ResourceId("g", "v1", "Kind", "", f"name-{i}"), "", "f", "c1", (), Tally(), (), "")
        for i in range(1, 61)
    ]
    pairs = [(s, t) for s in range(1, 21) for t in (21 + s % 7, 21 + (s * 5) % 20, 41 + (s * 3) % 20)]
    pairs += [(s, 41 + s % 13) for s in range(21, 41)]
    edges = [Edge(f"e{i}", f"n{s}", f"n{t}", "resolved", (Use("role", ("a",)),)) for i, (s, t) in enumerate(pairs, 1)]
    return Picture(tuple(nodes), tuple(edges), (Cluster("c1", "environment", "apps", None),), (), (), Tally(), "1.0")


def uneven() -> Picture:
    """One very large cluster among many small ones."""
    large = tied()
    alone = [large.nodes[0]._replace(id=f"n{i}", cluster=f"c{i}") for i in range(61, 91)]
    clusters = [Cluster(f"c{i}", "environment", "a" * (i % 9), None) for i in range(61, 91)]
    return large._replace(nodes=(*large.nodes, *alone), clusters=(*clusters[:9], *large.clusters, *clusters[9:]))


@pytest.fixture(params=["hostile", "empty", "tied", "uneven", "fifty"])
def drawn(request: pytest.FixtureRequest) -> Picture:
    if request.param == "fifty":
        made: Picture = request.getfixturevalue("fifty")
        return made
    return {"hostile": hostile, "empty": empty, "tied": tied, "uneven": uneven}[request.param]()


def as_json(drawn: Picture) -> dict[str, list[dict[str, str]]]:
    value: dict[str, list[dict[str, str]]] = json.loads(FORMATS["json"](drawn))
    return value


# ---- JSON ----------------------------------------------------------------------------------------------------


def test_json_is_what_the_schema_says(drawn: Picture) -> None:
    assert list(Draft202012Validator(SCHEMA).iter_errors(as_json(drawn))) == []


def test_the_schema_refuses_what_it_does_not_know() -> None:
    value = as_json(hostile())
    value["nodes"][0]["colour"] = "red"
    assert list(Draft202012Validator(SCHEMA).iter_errors(value))


# ---- Mermaid -------------------------------------------------------------------------------------------------


def test_mermaid_holds_exactly_the_nodes_edges_and_clusters(drawn: Picture) -> None:
    text, value = FORMATS["mermaid"](drawn), as_json(drawn)
    nodes = re.findall(r'^    (n\d+)\["', text, re.M)
    assert sorted(nodes) == sorted(n["id"] for n in value["nodes"])
    clusters = re.findall(r'^  subgraph (c\d+)\["', text, re.M)
    edges = re.findall(r'^  (n\d+) -\.?->?\|"[^"|]*"\| (n\d+)$', text, re.M)
    assert clusters == [c["id"] for c in value["clusters"]]
    assert edges == [(e["source"], e["target"]) for e in value["edges"]]


def test_every_line_of_mermaid_is_one_that_we_meant() -> None:
    label = r'"(?:[\w .,/()?*+=-]|#\d+;|<br/>)*"'
    meant = (
        r"flowchart LR",
        rf"  subgraph c\d+\[{label}\]",
        r"    direction LR",
        r"  end",
        rf"    n\d+\[{label}\]:::(?:clean|error|warning|note|missing|unknown)",
        rf"  n\d+ (?:-->|-\.->)\|{label}\| n\d+",
        r"  classDef \w+ [\w#:,\- ]+",
        r"  linkStyle [\d,]+ stroke:#\w{6}",
    )
    for line in FORMATS["mermaid"](hostile()).splitlines():
        assert any(re.fullmatch(pattern, line, re.ASCII) for pattern in meant), line


def test_mermaid_says_when_it_is_larger_than_mermaid_draws() -> None:
    many = tied()
    assert "larger than Mermaid draws" not in FORMATS["mermaid"](many)
    assert "larger than Mermaid draws" in FORMATS["mermaid"](many._replace(edges=many.edges * 7))


# ---- DOT -----------------------------------------------------------------------------------------------------

_STRING = r'"(?:[^"\\\n]|\\.)*"'


def test_dot_holds_exactly_the_nodes_edges_and_clusters(drawn: Picture) -> None:
    bare = re.sub(_STRING, '""', FORMATS["dot"](drawn))
    value = as_json(drawn)
    assert sorted(re.findall(r"^    (n\d+) \[", bare, re.M)) == sorted(n["id"] for n in value["nodes"])
    assert re.findall(r"^  (n\d+) -> (n\d+) \[", bare, re.M) == [(e["source"], e["target"]) for e in value["edges"]]
    assert re.findall(r"^  subgraph cluster_(c\d+) \{", bare, re.M) == [c["id"] for c in value["clusters"]]


def test_every_line_of_dot_is_one_that_we_meant() -> None:
    attribute = r"\w+=(?:\"\"|[\w.]+)"
    meant = (
        r"digraph rolloutlint \{",
        r"  rankdir=LR;",
        rf"  (?:graph|node|edge) \[{attribute}(?:, {attribute})*\];",
        r"  subgraph cluster_c\d+ \{",
        r'    label="";',
        rf"    n\d+ \[{attribute}(?:, {attribute})*\];",
        rf"  n\d+ -> n\d+ \[{attribute}(?:, {attribute})*\];",
        r"  \}|\}",
    )
    for line in re.sub(_STRING, '""', FORMATS["dot"](hostile())).splitlines():
        assert any(re.fullmatch(pattern, line) for pattern in meant), line


def test_a_name_cannot_use_the_escapes_of_graphviz() -> None:
    assert r"\\N \\G" in FORMATS["dot"](hostile())


# ---- SVG -----------------------------------------------------------------------------------------------------

Extent = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def svg(drawn: Picture) -> ElementTree.Element:
    return ElementTree.fromstring(FORMATS["svg"](drawn))


def rectangle(element: ElementTree.Element) -> Extent:
    x, y, width, height = (float(element.get(name, "0")) for name in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


def label(element: ElementTree.Element) -> Extent:
    font = element.get("class", "")
    size, _ = FONTS[font]
    x, baseline = float(element.get("x", "0")), float(element.get("y", "0"))
    return x, baseline - 0.78 * size, x + text_width(element.text or "", font), baseline + 0.22 * size


def inside(inner: Extent, outer: Extent) -> bool:
    return outer[0] <= inner[0] and outer[1] <= inner[1] and inner[2] <= outer[2] and inner[3] <= outer[3]


def overlaps(extents: list[Extent]) -> list[tuple[Extent, Extent]]:
    """Pairs that share more than a hair's breadth, by a sweep over x."""
    found = []
    active: list[Extent] = []
    for one in sorted(extents):
        active = [other for other in active if other[2] > one[0] + 0.2]
        found += [(one, other) for other in active if one[1] + 0.2 < other[3] and other[1] + 0.2 < one[3]]
        active.append(one)
    return found


def groups(root: ElementTree.Element, word: str) -> list[ElementTree.Element]:
    return [g for g in root.iter(f"{SVG}g") if word in g.get("class", "").split() and g.get("data-id")]


def test_svg_shows_exactly_the_nodes_edges_and_clusters(drawn: Picture) -> None:
    root, value = svg(drawn), as_json(drawn)
    for word, key in (("node", "nodes"), ("edge", "edges"), ("cluster", "clusters")):
        assert sorted(g.get("data-id", "") for g in groups(root, word)) == sorted(item["id"] for item in value[key])


def test_svg_states_are_those_of_the_json(drawn: Picture) -> None:
    root, value = svg(drawn), as_json(drawn)
    shown = {g.get("data-id"): g.get("class", "").split()[1] for g in (*groups(root, "node"), *groups(root, "edge"))}
    for node in value["nodes"]:
        assert shown[node["id"]] == (node["state"] if node["state"] != "present" else node["severity"] or "clean")
    for edge in value["edges"]:
        assert shown[edge["id"]] == edge["state"]


def test_no_two_labels_of_the_svg_overlap(drawn: Picture) -> None:
    assert overlaps([label(text) for text in svg(drawn).iter(f"{SVG}text")]) == []


def test_no_two_boxes_of_the_svg_overlap(drawn: Picture) -> None:
    root = svg(drawn)
    boxes = [rectangle(r) for r in root.iter(f"{SVG}rect") if r.get("class") in ("box", "out")]
    assert overlaps(boxes) == []
    assert overlaps([rectangle(g.findall(f"{SVG}rect")[0]) for g in groups(root, "cluster")]) == []


def test_no_label_of_an_edge_lies_on_a_box(drawn: Picture) -> None:
    root = svg(drawn)
    boxes = [rectangle(r) for r in root.iter(f"{SVG}rect") if r.get("class") in ("box", "out")]
    words = [label(text) for g in groups(root, "edge") for text in g.findall(f"{SVG}text")]
    assert overlaps([*boxes, *words]) == []


def test_every_label_lies_in_its_box(drawn: Picture) -> None:
    root = svg(drawn)
    for group in (*groups(root, "node"), *groups(root, "cluster"), *root.iter(f"{SVG}a")):
        box = rectangle(group.findall(f"{SVG}rect")[0])
        for text in group.findall(f"{SVG}text"):
            assert inside(label(text), box), text.text


def test_every_node_lies_in_its_cluster_and_all_in_the_picture(drawn: Picture) -> None:
    root = svg(drawn)
    whole = (0.0, 0.0, float(root.get("width", "")), float(root.get("height", "")))
    panels = {g.get("data-id"): rectangle(g.findall(f"{SVG}rect")[0]) for g in groups(root, "cluster")}
    home = {n["id"]: n["cluster"] for n in as_json(drawn)["nodes"]}
    for node in groups(root, "node"):
        assert inside(rectangle(node.findall(f"{SVG}rect")[0]), panels[home[node.get("data-id", "")]])
    for element in (*root.iter(f"{SVG}text"), *root.iter(f"{SVG}rect")):
        if element.get("width") != "100%":
            assert inside(label(element) if element.tag == f"{SVG}text" else rectangle(element), whole)


def test_every_edge_starts_and_ends_at_its_nodes(drawn: Picture) -> None:
    root = svg(drawn)
    boxes = {g.get("data-id"): rectangle(g.findall(f"{SVG}rect")[0]) for g in groups(root, "node")}
    for edge in as_json(drawn)["edges"]:
        (group,) = (g for g in groups(root, "edge") if g.get("data-id") == edge["id"])
        line = group.findall(f"{SVG}path")[0]
        start = [float(n) for n in re.findall(r"-?[\d.]+", line.get("d", ""))[:2]]
        first = edge["target"] if line.get("marker-start") else edge["source"]
        left, top, right, bottom = boxes[first]
        assert left <= start[0] <= right + 3
        assert top <= start[1] <= bottom


def test_what_leads_to_another_cluster_links_to_the_node() -> None:
    drawn = hostile()
    root = svg(drawn)
    home = {node.id: node.cluster for node in drawn.nodes}
    leaving = {edge.id: edge.target for edge in drawn.edges if home[edge.source] != home[edge.target]}
    links = {g.get("data-id"): a.get("href") for g in groups(root, "edge") for a in g.findall(f"{SVG}a")}
    assert leaving
    assert links == {edge: f"#{target}" for edge, target in leaving.items()}


def test_fifty_applications_fit_a_screen_in_shape(fifty: Picture) -> None:
    root = svg(fifty)
    assert len(fifty.clusters) == 50
    assert 1.0 <= float(root.get("width", "")) / float(root.get("height", "")) <= 2.5


def test_nothing_in_the_svg_can_run_or_load() -> None:
    text = FORMATS["svg"](hostile())
    tags = {element.tag.removeprefix(SVG) for element in ElementTree.fromstring(text).iter()}
    assert tags <= {"svg", "title", "desc", "style", "defs", "marker", "path", "rect", "g", "text", "a"}
    assert set(re.findall(r"https?://[^\"' <]+", text)) == {"http://www.w3.org/2000/svg"}
    assert " on" not in re.sub(r">[^<]*<", "><", text)


def test_dark_colours_replace_every_light_one() -> None:
    style = svg(hostile()).findtext(f"{SVG}style") or ""
    light, _, dark = style.partition("@media (prefers-color-scheme: dark)")
    coloured = re.compile(r"^([^{\n]+) \{[^}]*#[0-9a-f]{6}", re.M)
    assert set(coloured.findall(light)) == set(coloured.findall(dark))


# Advance widths in thousandths from Adobe's metrics of Helvetica, which Arial and Liberation Sans share.
_HELVETICA = {
    "a": 556,
    "e": 556,
    "i": 222,
    "m": 833,
    "t": 278,
    "w": 722,
    "-": 333,
    "0": 556,
    "r": 333,
    "S": 667,
    "R": 722,
    "M": 833,
}


@pytest.mark.parametrize("text", ["tie-time-0", "SMeeMm", "meet-at-0-war", "000-00-tim"])
def test_text_is_measured_wider_than_it_is_in_helvetica(text: str) -> None:
    assert text_width(text, "k") >= sum(_HELVETICA[c] for c in text) * FONTS["k"][0] / 1000


def test_all_formats_are_deterministic(drawn: Picture) -> None:
    for form, render in FORMATS.items():
        assert render(drawn) == render(drawn), form
        assert render(drawn).endswith("\n")
