"""The whole path from texts to a report, with the rules that speak about any object."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rolloutlint
from rolloutlint.engine import lint_paths, lint_sources
from rolloutlint.finding import Incomplete
from rolloutlint.graph import Layout
from rolloutlint.report import Options, render
from rolloutlint.result import Report
from rolloutlint.settings import Settings, Waiver
from rolloutlint.source import Problem, Source, decode
from tests.graph.worlds import Built
from tests.harness import CATALOGUE, found, lint, sources

ONLY = Settings(select=("RL101", "RL9"), today="2026-11-21")
"""The one rule that these tests are about, and those about suppressions."""


def rollout(name: str = "web", *, steps: str = "[{setWeight: 20}, {pause: {}}]", metadata: str = "") -> str:
    return (
        f"apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {{name: {name}, namespace: shop{metadata}}}\n"
        f"spec: {{replicas: 5, strategy: {{canary: {{steps: {steps}}}}}}}\n"
    )


LONG = """\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata:
  name: web
  namespace: shop
spec:
  replicas: 5
  strategy:
    canary:
      steps:
        - setWeight: 20
        - pause: {}
"""


def places(report: Report) -> list[tuple[str, int]]:
    return [(f.file, f.span.line) for f in report.active if f.finding.rule == "RL101"]


def prints(report: Report, rule: str = "RL101") -> set[str]:
    return {f.fingerprint for f in report.findings if f.finding.rule == rule}


def dispositions(report: Report) -> list[str]:
    return [f.disposition for f in report.findings if f.finding.rule == "RL101"]


def as_json(report: Report) -> str:
    return render(report, "json", Options())


# ---- loading -------------------------------------------------------------------------------------------------


def test_every_document_of_a_file_is_linted():
    report = lint(f"{rollout('a')}---\n{rollout('b')}---\n# nothing\n---\n{rollout('c')}", ONLY)
    assert [line for _, line in places(report)] == [4, 9, 16]
    assert (report.counts.files, report.counts.documents, report.counts.resources) == (1, 3, 3)


def test_the_items_of_a_list_are_linted_at_their_places():
    items = "".join("- " + rollout(n).replace("\n", "\n  ").rstrip() + "\n" for n in ("a", "b"))
    report = lint("apiVersion: v1\nkind: List\nitems:\n" + items, ONLY)
    assert [f.path for f in report.active] == [f"items[{i}].spec.strategy.canary.steps[1].pause" for i in (0, 1)]
    assert [line for _, line in places(report)] == [7, 11]


def test_json_is_linted():
    value = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "web"},
        "spec": {"strategy": {"canary": {"steps": [{"pause": {}}]}}},
    }
    assert places(lint({"a.json": json.dumps(value, indent=2)}, ONLY)) == [("a.json", 12)]
    assert places(lint({"a.json": json.dumps(value)}, ONLY)) == [("a.json", 1)]


def test_yaml_that_is_no_kubernetes_object_is_left_alone():
    report = lint({"values.yaml": "a: 1\na: 2\nb: .inf\n", "list.yaml": "- 1\n"})
    assert report.findings == ()
    assert report.incomplete == ()
    assert report.counts.resources == 0


def test_broken_yaml_without_any_kind_is_listed_and_no_finding():
    report = lint({"notes.yaml": "a: [\n"})
    assert report.findings == ()
    assert [(i.source, i.reason, i.lost) for i in report.incomplete] == [("notes.yaml", "not-kubernetes", False)]
    assert report.exit_code == 0


def test_a_broken_document_does_not_hide_the_others():
    report = lint(f"{rollout('a')}---\nkind: [\n---\n{rollout('c')}")
    assert [line for _, line in places(report)] == [4, 11]
    assert [f.span.line for f in report.active if f.finding.rule == "RL001"] == [7]
    assert report.exit_code == 1


def test_a_broken_document_is_lost_input_where_no_rule_reports_it():
    report = lint(f"{rollout('a')}---\nkind: [\n", ONLY)
    assert [(i.reason, i.lost) for i in report.incomplete] == [("unreadable", True)]
    assert report.exit_code == 4


def test_a_text_that_cannot_be_decoded_counts_as_a_file_and_is_reported():
    report = lint({"a.yaml": b"kind: \xff\n"})
    assert report.counts.files == 1
    assert [f.finding.rule for f in report.active] == ["RL011"]
    assert report.exit_code == 1


def test_what_the_feed_could_not_read_is_in_the_report():
    lost = Incomplete("b.yaml", "unreadable", "cannot be read", lost=True)
    report = lint_sources([lost], lambda _: Layout(), lambda _: None, Settings(), CATALOGUE)
    assert report.incomplete == (lost,)
    assert report.exit_code == 4


# ---- a crash -------------------------------------------------------------------------------------------------


@pytest.fixture
def crashing() -> Mapping[str, object]:
    """A page of RL101 that lacks a message, so that its check raises where it finds something."""
    rule = CATALOGUE.rules["RL101"]
    broken = rule._replace(messages={k: m._replace(message="{absent}") for k, m in rule.messages.items()})
    return {"catalogue": CATALOGUE._replace(rules={**CATALOGUE.rules, "RL101": broken})}


def test_a_check_that_raises_is_a_finding_and_the_others_go_on(crashing: Mapping[str, object]) -> None:
    files = {"a.yaml": rollout(), "b.yaml": "kind: [\n"}
    report = lint_sources(
        sources(files),
        lambda _: Layout(),
        lambda name: next(s for s in sources({name: files[name]}) if isinstance(s, Source)),
        Settings(),
        crashing["catalogue"],  # type: ignore[arg-type]
    )
    crash = next(f for f in report.active if f.finding.rule == "RL099")
    assert "RL101" in crash.finding.message
    assert (crash.file, crash.span.line) == ("a.yaml", 1)
    assert any(f.finding.rule == "RL001" for f in report.active)
    assert [i.reason for i in report.incomplete if i.lost] == ["rule-crashed"]
    assert report.exit_code == 4


def test_a_suppression_of_a_rule_that_crashed_is_not_called_unused(crashing: Mapping[str, object]) -> None:
    text = rollout().replace("spec:", "# rolloutlint: ignore RL101 -- why not\nspec:")
    source = next(iter(sources({"a.yaml": text})))
    assert isinstance(source, Source)
    catalogue = crashing["catalogue"]
    report = lint_sources([source], lambda _: Layout(), lambda _: source, ONLY, catalogue)  # type: ignore[arg-type]
    assert [f.finding.rule for f in report.active if f.finding.rule.startswith("RL9")] == []


# ---- a file that changes meanwhile ---------------------------------------------------------------------------


@pytest.mark.parametrize("now", [b"other: 1\n", None])
def test_a_file_that_changes_while_it_is_linted_is_lost(now: bytes | None) -> None:
    def fetch(name: str) -> Source | None:
        again = decode(now, name) if now is not None else None
        return again if isinstance(again, Source) else None

    report = lint_sources(sources({"a.yaml": rollout()}), lambda _: Layout(), fetch, ONLY, CATALOGUE)
    assert [(i.source, i.reason, i.lost) for i in report.incomplete] == [("a.yaml", "changed", True)]
    assert report.exit_code == 4
    assert len(report.findings) == 1, "the finding itself is kept, without its line"
    assert report.sources == {}


# ---- fingerprints --------------------------------------------------------------------------------------------

NOTE = ", annotations: {rolloutlint.dev/ignore: 'RL102 -- nothing there'}"
GOLDEN = {
    "two equal findings of one object": (
        LONG + "        - pause: {}\n",
        "RL101",
        {"d599b363513ba5b8a68563996f185446", "d599b363513ba5b8a68563996f185446:2"},
    ),
    "a suppression": (rollout(metadata=NOTE), "RL901", {"1fa35fd4ab07870dee1a2772709ef925"}),
    "a document that cannot be read": ("kind: Rollout\na: 'open\n", "RL001", {"65618e106f68ac54f67df20f5807721f"}),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_fingerprints_are_held_for_ever(name: str) -> None:
    """Baselines and code scanning know findings by them: a change here makes every known finding a new one."""
    text, rule, held = GOLDEN[name]
    assert prints(lint(text, ONLY._replace(select=("RL001", "RL101", "RL102", "RL9"))), rule) == held


def flow(text: str) -> str:
    source = decode(text.encode(), "x")
    assert isinstance(source, Source)
    from rolloutlint.source import Document, load

    (document,) = load(source)
    assert isinstance(document, Document)
    return json.dumps(document.value)


def listed(text: str) -> str:
    return "apiVersion: v1\nkind: List\nitems:\n- " + text.replace("\n", "\n  ").rstrip() + "\n"


SAME: Mapping[str, Callable[[str], str]] = {
    "CRLF": lambda t: t.replace("\n", "\r\n"),
    "comments": lambda t: "# top\n" + t.replace("- setWeight", "# here\n        - setWeight"),
    "flow style": flow,
    "a List": listed,
    "another document before it": lambda t: rollout("other") + "---\n" + t,
    "another step before it": lambda t: t.replace(
        "        - setWeight: 20", "        - setWeight: 5\n        - setWeight: 20"
    ),
    "another field": lambda t: t.replace("replicas: 5", "replicas: 7"),
    "another API version": lambda t: t.replace("v1alpha1", "v1beta1"),
}


@pytest.mark.parametrize("change", SAME)
def test_a_fingerprint_survives(change: str) -> None:
    assert prints(lint(LONG, ONLY)) <= prints(lint(SAME[change](LONG), ONLY))


def test_a_fingerprint_survives_moving_the_file():
    assert prints(lint({"a.yaml": LONG}, ONLY)) == prints(lint({"x/b.yaml": LONG}, ONLY))


OTHER: Mapping[str, Callable[[str], str]] = {
    "name": lambda t: t.replace("name: web", "name: api"),
    "namespace": lambda t: t.replace("namespace: shop", "namespace: else"),
    "path": lambda t: t.replace("pause: {}", "pause: {duration: null}"),
}


@pytest.mark.parametrize("change", OTHER)
def test_a_fingerprint_differs_by(change: str) -> None:
    assert prints(lint(LONG, ONLY)).isdisjoint(prints(lint(OTHER[change](LONG), ONLY)))


def test_equal_findings_of_one_object_are_numbered():
    report = lint(LONG + "        - pause: {}\n", ONLY)
    first, second = (f.fingerprint for f in report.active)
    assert second == f"{first}:2"


# ---- order ---------------------------------------------------------------------------------------------------

SEEDS = Path(__file__).parent.parent / "fixtures" / "seeds"


def corpus() -> dict[str, bytes]:
    files = {str(p.relative_to(SEEDS)): p.read_bytes() for p in sorted(SEEDS.rglob("*.yaml"))}
    assert len(files) >= 3
    return {**files, "again.yaml": LONG.encode(), "twice.yaml": LONG.encode() * 2}


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_files_changes_no_byte_of_the_report(seed: int) -> None:
    files = corpus()
    shuffled = list(files.items())
    random.Random(seed).shuffle(shuffled)
    assert as_json(lint(dict(shuffled), Settings(profile="strict"))) == as_json(lint(files, Settings(profile="strict")))


@given(st.permutations(["a.yaml", "b.yaml", "x/c.yaml", "x/d.yaml"]))
@settings(max_examples=24, deadline=None)
def test_namesakes_in_any_order_give_the_same_report(order: list[str]) -> None:
    texts = {"a.yaml": rollout(), "b.yaml": rollout(), "x/c.yaml": listed(LONG), "x/d.yaml": rollout() + "---\n" + LONG}
    assert as_json(lint({name: texts[name] for name in order})) == as_json(lint(texts))


# ---- suppressions --------------------------------------------------------------------------------------------


def test_a_comment_at_the_end_of_the_line_suppresses():
    report = lint(LONG.replace("pause: {}", "pause: {} # rolloutlint: ignore RL101 -- by hand"), ONLY)
    assert [(f.disposition, f.reason) for f in report.findings] == [("suppressed", "by hand")]
    assert report.exit_code == 0


def test_a_comment_above_the_line_suppresses():
    report = lint(
        LONG.replace("        - pause", "        # rolloutlint: ignore RL101 -- by hand\n        - pause"), ONLY
    )
    assert dispositions(report) == ["suppressed"]


def test_an_annotation_suppresses_in_its_object_only():
    note = ", annotations: {rolloutlint.dev/ignore: 'RL101 -- by hand'}"
    report = lint(rollout("a", metadata=note) + "---\n" + rollout("b"), ONLY)
    assert dispositions(report) == ["suppressed", "active"]


def test_an_annotation_in_a_list_suppresses_and_is_found_at_its_place():
    note = ", annotations: {rolloutlint.dev/ignore: 'RL101 -- by hand', rolloutlint.dev/ignores: x}"
    report = lint(listed(rollout(metadata=note)), ONLY)
    assert dispositions(report) == ["suppressed"]
    assert [(f.finding.rule, f.path) for f in report.active] == [
        ("RL905", 'items[0].metadata.annotations["rolloutlint.dev/ignores"]')
    ]


def test_a_finding_about_an_annotation_is_known_by_its_object():
    note = ", annotations: {rolloutlint.dev/ignore: 'RL102 -- nothing there'}"
    settings = ONLY._replace(select=("RL101", "RL102", "RL9"))
    alone, in_list = (
        prints(lint({"a.yaml": text}, settings), "RL901")
        for text in (rollout(metadata=note), listed(rollout(metadata=note)))
    )
    assert len(alone) == 1
    assert alone == in_list


def test_an_annotation_that_is_no_string_is_malformed():
    report = lint(rollout(metadata=", annotations: {rolloutlint.dev/ignore: 5}"), ONLY)
    assert {f.finding.rule for f in report.active} == {"RL101", "RL905"}


def test_a_waiver_accepts_and_an_idle_one_is_reported_at_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("web.yaml").write_text(LONG)
    Path(".rolloutlint.toml").write_text("# first line\n# second line\n")
    waivers = (
        Waiver(("RL101",), "by hand", name="web", line=1, column=1),
        Waiver(
            ("RL101",),
            "never used",
            kind="Rollout",
            name="w*",
            path="none/*",
            line=2,
            column=1,
            end_line=2,
            end_column=9,
        ),
    )
    settings = ONLY._replace(closed=True, waivers=waivers, config_file=".rolloutlint.toml")
    report = lint_paths(["web.yaml"], settings, CATALOGUE)
    assert dispositions(report) == ["waived"]
    (idle,) = report.active
    assert (idle.finding.rule, idle.file, idle.span.line) == ("RL901", ".rolloutlint.toml", 2)
    assert idle.lines == {2: "# second line"}
    assert report.incomplete == ()


def test_suppressions_can_be_switched_off():
    text = rollout(metadata=", annotations: {rolloutlint.dev/ignore: 'RL101 -- by hand'}").replace(
        "{pause: {}}]}}}", "{pause: {}}]}}} # rolloutlint: ignore RL101 -- by hand"
    )
    assert dispositions(lint(text, ONLY)) == ["suppressed"]
    assert dispositions(lint(text, ONLY._replace(inline_suppressions=False))) == ["active"]


def test_the_word_may_be_written_in_capitals():
    report = lint(LONG.replace("pause: {}", "pause: {} # RolloutLint: ignore RL101 -- by hand"), ONLY)
    assert dispositions(report) == ["suppressed"]


def test_a_comment_for_the_key_of_a_long_scalar_suppresses_what_lies_in_it():
    text = "kind: X\nmetadata:\n  name: a\n  labels:\n    x: >  # rolloutlint: ignore RL004 -- c\n      a\n"
    from rolloutlint.finding import DocumentId, Place
    from rolloutlint.settle import Texts

    source = next(iter(sources({"a.yaml": text})))
    assert isinstance(source, Source)
    texts = Texts(lambda _: source, {"a.yaml": [(0, len(text))]})
    assert texts.lines_of_scalar(Place(DocumentId("a.yaml", 0), ("metadata", "labels", "x"))) == (5, 6)
    assert texts.lines_of_scalar(Place(DocumentId("a.yaml", 0), ("metadata", "name"))) is None
    assert texts.lines_of_scalar(Place(DocumentId("a.yaml", 0), ("metadata",))) is None


def test_no_suppression_is_called_unused_in_a_file_that_was_read_in_part():
    text = rollout(steps="[]").replace("spec:", "# rolloutlint: ignore RL101 -- why not\nspec:")
    assert [f.finding.rule for f in lint(text, ONLY).active] == ["RL901"]
    assert "RL901" not in {f.finding.rule for f in lint(text + "---\nkind: [\n").active}


# ---- what rendering would change -----------------------------------------------------------------------------


def test_a_finding_about_what_is_patched_is_withheld_and_listed():
    layout = Layout(overlays={"input.yaml": (Built("prod", patched=(("spec", "strategy"),)),)})
    report = lint(LONG, ONLY, layout)
    assert report.findings == ()
    assert [(i.source, i.reason, i.lost) for i in report.incomplete] == [("input.yaml", "patch", False)]


def test_a_suppression_of_what_is_patched_is_not_called_unused():
    layout = Layout(overlays={"input.yaml": (Built("prod", patched=(("spec", "strategy"),)),)})
    report = lint(LONG.replace("pause: {}", "pause: {} # rolloutlint: ignore RL101 -- by hand"), ONLY, layout)
    assert report.findings == ()


# ---- from paths ----------------------------------------------------------------------------------------------


def test_a_template_is_listed_and_changes_no_exit_code(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: {{ .Values.kind }}\n{{ if x }}\n")
    (tmp_path / "b.yaml").write_text(rollout(steps="[]"))
    report = lint_paths([str(tmp_path)], ONLY, CATALOGUE)
    assert [i.reason for i in report.incomplete] == ["templated"]
    assert report.exit_code == 0


def test_a_kustomization_decides_the_namespace_of_what_it_includes(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("namespace: prod\nresources: [r.yaml, s.yaml]\n")
    text = LONG.replace("      steps:", "      canaryService: web\n      steps:")
    (tmp_path / "r.yaml").write_text(text)
    (tmp_path / "s.yaml").write_text("apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: else}\n")
    report = lint_paths([str(tmp_path)], Settings(), CATALOGUE)
    assert report.counts.unknown_references == 0


def test_a_broken_kustomization_never_raises(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: " + "[" * 5000)
    (tmp_path / "r.yaml").write_text(rollout())
    report = lint_paths([str(tmp_path)], ONLY, CATALOGUE)
    assert [i.reason for i in report.incomplete] == ["kustomize", "not-kubernetes"]
    assert len(report.active) == 1


# ---- one reader ----------------------------------------------------------------------------------------------


def package_texts() -> Iterator[tuple[str, str]]:
    root = Path(rolloutlint.__file__).parent
    for file in sorted(root.rglob("*.py")):
        yield str(file.relative_to(root)), file.read_text()


def test_nothing_composes_yaml_with_pyyaml():
    """Its composer recurses: libyaml's crashes the process, Python's exhausts the stack, on 100 KB of brackets."""
    used = {name for name, text in package_texts() if re.search(r"yaml\.compose|\bcompose(?:_all)?\(|safe_load", text)}
    assert used == set()


def test_inputs_and_configuration_are_read_by_the_one_reader():
    allowed = {"catalogue.py", "schema/generate.py"}  # our own pages and upstream's CRDs, no input of a run
    loads = {name for name, text in package_texts() if re.search(r"yaml\.(?:load|parse|scan)", text)}
    assert loads <= allowed
    imports = {name for name, text in package_texts() if re.search(r"^\s*(?:import|from) yaml\b", text, re.M)}
    assert {name for name in imports if not name.startswith("source/")} <= allowed


def test_found_tells_rule_line_and_path():
    assert found(lint(LONG, ONLY), "RL101") == [("RL101", 12, "spec.strategy.canary.steps[1].pause")]


def test_problems_of_texts_are_no_sources():
    assert isinstance(next(iter(sources({"a": b"\xff"}))), Problem)
