"""The staircase: every drawn figure is one of the JSON, nothing covers anything, and nothing in it can run or load."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from rolloutlint.lang.duration import format_duration
from rolloutlint.report.simulation import FORMATS, as_json
from rolloutlint.report.simulation_layout import NARROW, WIDE, Box, Layout, layout
from rolloutlint.report.simulation_svg import style
from rolloutlint.report.timeline import Column, Timeline
from rolloutlint.report.visible import visible
from rolloutlint.simulate.result import Simulation
from tests.report.simulations import ALL, canary, day, hostile, person, refused, thirty, unknown

SVG = "{http://www.w3.org/2000/svg}"
SECOND = 1_000_000_000
WIDTHS = [WIDE, NARROW]


@pytest.fixture(params=WIDTHS, ids=["wide", "narrow"])
def width(request: pytest.FixtureRequest) -> float:
    chosen: float = request.param
    return chosen


@pytest.fixture(params=ALL)
def simulation(request: pytest.FixtureRequest) -> Simulation:
    return ALL[request.param]


@pytest.fixture
def drawn(simulation: Simulation, width: float) -> Layout:
    return layout(simulation, width)


def overlap(one: Box, other: Box) -> bool:
    return one.left < other.right and other.left < one.right and one.top < other.bottom and other.top < one.bottom


# ---- nothing covers anything ---------------------------------------------------------------------------------


def test_no_two_labels_overlap(drawn: Layout) -> None:
    for one, other in itertools.combinations(drawn.labels, 2):
        assert not overlap(one.box, other.box), (one.text, other.text)


def test_every_label_is_inside_the_picture(drawn: Layout) -> None:
    for label in drawn.labels:
        box = label.box
        assert box.left >= 0, label
        assert box.right <= drawn.width, label
        assert box.top >= 0, label
        assert box.bottom <= drawn.height, label


def test_no_label_of_a_stair_lies_on_another_stair_or_where_the_axis_breaks(drawn: Layout) -> None:
    above = [label for label in drawn.labels if drawn.plot.left < label.box.left and label.y < drawn.plot.bottom]
    for label, stair in itertools.product(above, drawn.stairs):
        inside = stair.low.left <= label.box.left and label.box.right <= stair.low.right
        assert inside or not overlap(label.box, stair.low._replace(left=stair.low.left + 1)), label.text


def test_no_label_lies_on_a_bar(drawn: Layout) -> None:
    bars = [each.box for row in drawn.rows for each in row] + [box for _, box in drawn.stretches]
    for label, box in itertools.product(drawn.labels, bars):
        assert not overlap(label.box, box), label.text


def test_rows_do_not_overlap(drawn: Layout) -> None:
    boxes = [each.box for row in drawn.rows for each in row] + [box for _, box in drawn.stretches]
    boxes += [gate.box for gate in drawn.gates]
    for one, other in itertools.combinations(boxes, 2):
        shrunk = one._replace(left=one.left + 0.01, right=one.right - 0.01)
        assert not overlap(shrunk, other)


def test_everything_drawn_is_inside_the_picture(drawn: Layout) -> None:
    boxes = [*(stair.low for stair in drawn.stairs), *(gate.box for gate in drawn.gates), *(k.box for k in drawn.keys)]
    boxes += [each.box for row in drawn.rows for each in row]
    for box in boxes:
        assert 0 <= box.left <= box.right <= drawn.width
        assert 0 <= box.top <= box.bottom <= drawn.height


# ---- every figure is one of the JSON -------------------------------------------------------------------------


def spelt(simulation: Simulation) -> set[str]:
    """Every number that the JSON of a rollout can give as words."""
    document = as_json(simulation)
    found: set[str] = set()

    def visit(value: object) -> None:
        if isinstance(value, dict):
            for each in value.values():
                visit(each)
        elif isinstance(value, list):
            for each in value:
                visit(each)
        elif isinstance(value, str):
            found.update(re.findall(r"\d+(?:\.\d+)?", visible(value)))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found.update(re.findall(r"\d+(?:\.\d+)?", format_duration(value)))
            found.add(f"{value:.2f}".rstrip("0").rstrip("."))

    visit(json.loads(json.dumps(document)))
    return found


def test_every_number_in_words_is_one_of_the_json(simulation: Simulation, width: float) -> None:
    drawn = layout(simulation, width)
    known = spelt(simulation)
    axis = {f"{25 * n}" for n in range(5)} | {
        n for time, _ in drawn.grid for n in re.findall(r"[\d.]+", format_duration(time / SECOND))
    }
    lanes = {str(len(row)) for row in drawn.rows}
    bare = sum(each["end"] - each["start"] for each in as_json(simulation)["unguarded"])
    totals = set(re.findall(r"[\d.]+", format_duration(bare)))
    for label in drawn.labels:
        for number in re.findall(r"\d+(?:\.\d+)?", label.text):
            assert number in known | axis | lanes | totals, label.text


def nanoseconds(axis: Timeline, x: float) -> set[int]:
    """The times that a place at the axis can mean."""
    found = set()
    for column in axis.columns:
        if column.left - 0.001 <= x <= column.right + 0.001:
            found.add(_time(column, x))
    return found


def _time(column: Column, x: float) -> int:
    if x >= column.until - 0.001 or column.until == column.left:
        return column.end
    part = (x - column.left) / (column.until - column.left)
    return round(column.start + part * (column.end - column.start))


def near(times: set[int], wanted: int) -> bool:
    return any(abs(time - wanted) <= 1_000_000 for time in times)


def test_the_stairs_stand_where_the_json_says(simulation: Simulation, width: float) -> None:
    drawn = layout(simulation, width)
    stages = as_json(simulation)["stages"]
    for stair in drawn.stairs:
        first, last = stages[stair.stages[0]], stages[stair.stages[-1]]
        assert near(nanoseconds(drawn.axis, stair.low.left), int(first["start"]["least"] * SECOND))
        assert near(nanoseconds(drawn.axis, stair.low.right), int(last["end"]["least"] * SECOND))
        height = (stair.low.bottom - stair.low.top) / (drawn.plot.bottom - drawn.plot.top)
        assert height * 100 == pytest.approx(first["share"]["least"], abs=1e-4)
        if stair.high is not None:
            top = (stair.low.bottom - stair.high.top) / (drawn.plot.bottom - drawn.plot.top)
            assert top * 100 == pytest.approx(first["share"]["most"], abs=1e-4)


def test_every_stage_that_is_reached_is_part_of_one_stair(drawn: Layout) -> None:
    reached = [number for number, stage in enumerate(as_json(drawn.simulation)["stages"]) if stage["start"]]
    assert [stage for stair in drawn.stairs for stage in stair.stages] == reached


def test_the_bars_stand_where_the_json_says(simulation: Simulation, width: float) -> None:
    drawn = layout(simulation, width)
    shown = sorted((each for row in drawn.rows for each in row), key=lambda each: simulation.bars.index(each.bar))
    assert len(shown) == len(simulation.bars)
    for each, told in zip(shown, as_json(simulation)["bars"], strict=True):
        assert near(nanoseconds(drawn.axis, each.box.left), int(told["start"] * SECOND))
        if told["first"] <= told["end"]:
            assert near(nanoseconds(drawn.axis, each.first), int(told["first"] * SECOND))
        if each.ticks:
            assert len(each.ticks) == told["measurements"]


def test_unguarded_stretches_are_where_the_json_says(simulation: Simulation, width: float) -> None:
    drawn = layout(simulation, width)
    told = as_json(simulation)["unguarded"]
    for (_, box), each in zip(drawn.stretches, told, strict=True):
        assert near(nanoseconds(drawn.axis, box.left), int(each["start"] * SECOND))
        assert near(nanoseconds(drawn.axis, box.right), int(each["end"] * SECOND))


def test_the_figures_of_the_axis_are_where_their_times_are(drawn: Layout) -> None:
    for time, x in drawn.grid:
        assert near(nanoseconds(drawn.axis, x), time)


def test_the_abort_of_a_broken_version_is_flagged_at_its_time() -> None:
    drawn = layout(canary())
    (flag,) = (flag for flag in drawn.flags if flag.kind == "aborted")
    assert near(nanoseconds(drawn.axis, flag.x), as_json(canary())["broken"]["after"]["least"] * SECOND)


# ---- what is not to scale ------------------------------------------------------------------------------------


def test_the_axis_breaks_where_nobody_knows_how_long() -> None:
    kinds = {column.stage: column.kind for column in layout(person()).axis.columns}
    assert [stage for stage, kind in kinds.items() if kind == "open"] == [1, 4]


def test_unknown_times_break_the_axis_too() -> None:
    kinds = [column.kind for column in layout(unknown()).axis.columns]
    assert kinds == ["plain", "open", "open", "plain", "open", "open", "open"]


def test_a_gate_without_time_can_be_seen() -> None:
    drawn = layout(thirty())
    assert {round(c.right - c.left) for c in drawn.axis.columns if c.kind == "gate"} != {0}
    assert len([gate for gate in drawn.gates if gate.kind == "analysis"]) == 10


def test_a_stage_longer_than_all_others_together_is_folded() -> None:
    columns = layout(day()).axis.columns
    assert [c.stage for c in columns if c.kind == "folded"] == [3]
    five, ten = (next(c for c in columns if c.stage == stage) for stage in (1, 5))
    assert (ten.right - ten.left) == pytest.approx(2 * (five.right - five.left))


def test_what_is_to_scale_has_one_scale() -> None:
    plain = [c for c in layout(canary()).axis.columns if c.kind == "plain" and c.end > c.start]
    scales = {round((c.right - c.left) / (c.end - c.start) * SECOND, 6) for c in plain}
    assert len(plain) == 5
    assert len(scales) == 1


def test_a_rollout_that_never_starts_has_its_reason_for_a_picture() -> None:
    drawn = layout(refused())
    assert drawn.stairs == ()
    assert any("does not exist" in label.text for label in drawn.labels)


# ---- the documents -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_the_svg_is_well_formed_and_nothing_in_it_can_run_or_load(name: str) -> None:
    text = FORMATS["svg"]([ALL[name], canary()])
    tags = {element.tag.removeprefix(SVG) for element in ElementTree.fromstring(text).iter()}
    assert tags <= {"svg", "title", "desc", "style", "defs", "pattern", "path", "rect", "g", "text"}
    assert set(re.findall(r"https?://[^\"' <]+", text)) - {"http://b)&amp;lt;"} == {"http://www.w3.org/2000/svg"}
    assert not re.search(r" on\w+=", re.sub(r">[^<]*<", "><", re.sub(r'="[^"]*"', '=""', text)))


def test_dark_colours_replace_every_light_one() -> None:
    light, _, dark = style().partition("@media screen and (prefers-color-scheme: dark)")
    coloured = re.compile(r"^([^{\n]+) \{ \w+: #[0-9a-f]{6};", re.M)
    assert coloured.findall(light) == coloured.findall(dark)


def test_every_class_that_is_drawn_has_a_style() -> None:
    text = "".join(FORMATS["svg"]([each]) for each in ALL.values())
    names = {name for classes in re.findall(r'class="([^"]+)"', text) for name in classes.split()}
    styled = set(re.findall(r"\.([a-z0-9-]+)", style()))
    assert names - styled <= {"pause", "pods", "line", "instant"}


def test_several_rollouts_stand_below_each_other() -> None:
    root = ElementTree.fromstring(FORMATS["svg"]([canary(), person()]))
    tops = [float(re.findall(r"[\d.]+", g.get("transform", ""))[1]) for g in root.iter(f"{SVG}g") if g.get("id")]
    assert tops == [0, layout(canary()).height + 12]
    assert float(root.get("height", "")) == pytest.approx(tops[1] + layout(person()).height, abs=0.1)


class Page(HTMLParser):
    """The elements and attributes of a page, its texts by element, and ids and links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes |= {name for name, _ in attrs}
        values = {name: value or "" for name, value in attrs}
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values["href"]] if "href" in values else []


def test_the_page_has_no_element_or_attribute_that_a_name_brought() -> None:
    ours, theirs = Page(FORMATS["html"]([canary(), unknown()])), Page(FORMATS["html"]([hostile(), hostile()]))
    assert set(theirs.elements) <= set(ours.elements)
    assert theirs.attributes <= ours.attributes


def test_the_page_asks_the_network_for_nothing() -> None:
    text = FORMATS["html"]([canary(), person()])
    page = Page(text)
    assert set(page.elements).isdisjoint({"img", "link", "iframe", "object", "image", "use"})
    assert "src" not in page.attributes
    assert "http" not in text.replace("http-equiv", "")
    assert "default-src 'none'" in text


def test_the_only_script_is_the_one_that_the_policy_names() -> None:
    text = FORMATS["html"]([hostile()])
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.S)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text


def test_every_link_of_the_page_leads_somewhere_and_no_id_is_twice() -> None:
    page = Page(FORMATS["html"]([canary(), person(), refused()]))
    assert page.links == ["#rollout-1", "#rollout-2", "#rollout-3"]
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert len(set(page.ids)) == len(page.ids)


def test_the_page_follows_the_system_and_prints_light() -> None:
    text = FORMATS["html"]([canary()])
    assert "color-scheme: light dark" in text
    assert "@media screen and (prefers-color-scheme: dark)" in text
    assert "@media print" in text


def test_the_first_screen_answers_for_the_first_rollout() -> None:
    text = FORMATS["html"]([canary(), person()]).replace("\u00a0", " ")
    first = text[: text.index('id="all"')]
    assert "<h1>shop/cart</h1>" in first
    for said in ("50 to 90 %·min", "up to 20 %", "after 10m to 12m", "after at least 34m", "26+ successes"):
        assert said in first


def test_exact_values_are_in_the_page_without_its_script() -> None:
    text = re.sub(r"<script>.*</script>", "", FORMATS["html"]([canary()]), flags=re.S).replace("\u00a0", " ")
    assert "<title>step 2: pause 10m\n5 % of the traffic\n1 new + 10 old pods\nfrom 0s to 10m" in text
    assert '<th scope="row">step 2: pause 10m</th><td>0s</td><td>10m</td><td>5 %</td>' in text
