from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.catalogue import Catalogue, Message, Profile, Rule, load_catalogue
from rolloutlint.finding import DocumentId, Edit, Finding, Place, ResourceId, SettledFinding, Span
from rolloutlint.settings import Override, Settings, Waiver
from rolloutlint.suppress import (
    ANNOTATION,
    AnnotationSuppression,
    Directive,
    judge,
    parse_comment,
    parse_suppression,
    read_annotations,
)

RL9 = {i: r for i, r in load_catalogue().rules.items() if i.startswith("RL90") and r.applies_to == ("settled",)}
CHECKOUT = ResourceId("argoproj.io", "v1alpha1", "Rollout", "shop", "checkout")


def rule(rule_id: str, name: str, needs: tuple[str, ...] = ()) -> Rule:
    return Rule(
        id=rule_id,
        name=name,
        summary=name,
        severity="warning",
        precision="high",
        stability="stable",
        since="0.1.0",
        applies_to=("argoproj.io/Rollout",),
        needs=needs,
        targets={},
        profiles=("recommended",),
        fix="none",
        messages={"": Message("m", "c", "r")},
        page="",
    )


RULES = {
    "RL101": rule("RL101", "pause-without-deadline"),
    "RL201": rule("RL201", "canary-service-missing", ("core/Service",)),
    "RL405": rule("RL405", "empty-result-passes"),
    "RL406": rule("RL406", "other-result-passes"),
}
CATALOGUE = Catalogue({**RULES, **RL9}, {"recommended": Profile("recommended", "", "")})
TODAY = Settings(today="2026-11-21", config_file=".rolloutlint.yaml")


@dataclass(frozen=True)
class Comment:
    line: int
    column: int
    text: str
    own_line: bool


def comments_of(text: str) -> list[Comment]:
    """The comments of a text that has no `#` in its scalars."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        match = re.search(r"(?:^|(?<=\s))#.*", line)
        if match:
            own = not line[: match.start()].strip()
            found.append(Comment(number, match.start() + 1, match[0], own))
    return found


def found(rule_id: str, line: int, resource: ResourceId | None = CHECKOUT, file: str = "a.yaml") -> SettledFinding:
    finding = Finding(rule_id, Place(DocumentId(file, 0)), "m", resource=resource)
    return SettledFinding(finding, RULES[rule_id].name, "warning", file, Span(line, 1, line, 9), "", "")


def outcome(
    findings: Sequence[SettledFinding],
    text: str = "",
    annotations: Sequence[AnnotationSuppression] = (),
    settings: Settings = TODAY,
    ran: Sequence[str] = tuple(RULES),
    **others: object,
) -> tuple[list[str], list[str]]:
    """(`disposition: reason` of each finding, `rule line` of each finding about suppressions)."""
    comments: Mapping[str, Sequence[Comment]] = {"a.yaml": comments_of(text)}
    judged, about = judge(findings, comments, annotations, settings, CATALOGUE, frozenset(ran), **others)  # type: ignore[arg-type]
    places = [f"{f.rule} {f.at.span.line}" if f.at.span else f.rule for f in about]
    return [f"{f.disposition}: {f.reason}" if f.reason else f.disposition for f in judged], places


def said(text: str, settings: Settings = TODAY) -> list[Finding]:
    return list(judge((), {"a.yaml": comments_of(text)}, (), settings, CATALOGUE, frozenset(RULES))[1])


@pytest.mark.parametrize(
    ("text", "directive"),
    [
        ("# rolloutlint: ignore RL405 -- why", Directive("line", ("RL405",), "", "why")),
        ("#rolloutlint:ignore RL405 -- why", Directive("line", ("RL405",), "", "why")),
        ("# rolloutlint: ignore RL405,RL406 -- why", Directive("line", ("RL405", "RL406"), "", "why")),
        ("# rolloutlint: ignore RL405 RL406, RL4 -- why", Directive("line", ("RL405", "RL406", "RL4"), "", "why")),
        ("# rolloutlint: ignore empty-result-passes--why", Directive("line", ("empty-result-passes",), "", "why")),
        ("# rolloutlint: ignore RL405 — why", Directive("line", ("RL405",), "", "why")),
        (
            "# rolloutlint: ignore RL405 until 2026-12-31 -- see #12, -- ok",
            Directive("line", ("RL405",), "2026-12-31", "see #12, -- ok"),
        ),
        ("# rolloutlint: ignore-file RL405 -- why", Directive("file", ("RL405",), "", "why")),
        ("# rolloutlint: ignore RL405 -- why # more", Directive("line", ("RL405",), "", "why")),
        ("# by hand # rolloutlint: ignore RL405 -- why", Directive("line", ("RL405",), "", "why")),
        ("# rolloutlint: ignore RL405", Directive("line", ("RL405",))),
        ("# rolloutlint: ignore RL405 --", Directive("line", ("RL405",))),
        ("# rolloutlint: ignore RL405, RL405 -- why", Directive("line", ("RL405",), "", "why")),
        ("# rolloutlint: ignore", Directive(fault="no-rules")),
        ("# rolloutlint: ignore -- why", Directive(reason="why", fault="no-rules")),
        ("# rolloutlint: ignore ALL -- why", Directive("line", ("ALL",), "", "why", "blanket", "ALL")),
        ("# rolloutlint: ignore * -- why", Directive("line", ("*",), "", "why", "blanket", "*")),
        ("# rolloutlint: ignore RL405 until tomorrow -- y", Directive("line", ("RL405",), "", "y", "date", "tomorrow")),
        ("# rolloutlint: ignore RL405 until -- y", Directive("line", ("RL405",), "", "y", "date", "until")),
        (
            "# rolloutlint: ignore RL405 legacy system",
            Directive("line", ("RL405", "legacy", "system"), fault="words", detail="legacy system"),
        ),
        ("# rolloutlint: disable=RL405", Directive(fault="verb", detail="disable")),
        ("# rolloutlint:", Directive(fault="verb")),
        ("# rolloutlint ignore RL405 -- why", Directive(fault="colon")),
        ("# rolloutlint is run on this file", None),
        ("# see rolloutlint.dev: RL405", None),
        ("# replicas", None),
    ],
)
def test_a_comment_is_read(text: str, directive: Directive | None) -> None:
    read = parse_comment(text)
    assert read is directive is None or (read and read._replace(start=0, end=0)) == directive


def test_a_directive_knows_where_it_stands() -> None:
    text = "# by hand # rolloutlint: ignore RL405 -- why # more"
    directive = parse_comment(text)
    assert directive is not None
    assert text[directive.start : directive.end] == "# rolloutlint: ignore RL405 -- why"


@given(st.text() | st.text().map("# rolloutlint: ignore {}".format) | st.from_regex(r"#\s*rolloutlint\s*:.*"))
def test_reading_a_comment_never_raises(text: str) -> None:
    directive = parse_comment(text)
    assert directive is None or 0 <= directive.start <= directive.end <= len(text)


@given(st.text(alphabet="RL4 ,-—until2026#*\n") | st.text())
def test_reading_a_suppression_never_raises(text: str) -> None:
    assert parse_suppression(text).start == 0


@given(st.text())
def test_no_comment_makes_judging_raise(text: str) -> None:
    line = f"# rolloutlint: ignore {text}"
    judge([found("RL405", 1)], {"a.yaml": [Comment(1, 1, line, False)]}, (), TODAY, CATALOGUE, frozenset(RULES))


@pytest.mark.parametrize(
    ("text", "line", "suppressed"),
    [
        ("a: 1 # rolloutlint: ignore RL405 -- why\nb: 2\n", 1, True),
        ("a: 1 # rolloutlint: ignore RL405 -- why\nb: 2\n", 2, False),
        ("# rolloutlint: ignore RL405 -- why\nb: 2\n", 2, True),
        ("# rolloutlint: ignore RL405 -- why\n# more words\nb: 2\n", 3, True),
        ("# rolloutlint: ignore RL405 -- why\n\nb: 2\n", 3, False),
        ("a: 1 # rolloutlint: ignore empty-result-passes -- why\n", 1, True),
        ("a: 1 # rolloutlint: ignore RL4 -- why\n", 1, True),
        ("a: 1 # rolloutlint: ignore RL101 -- why\n", 1, False),
        ("a: 1\nb: 2\nc: 3\n# rolloutlint: ignore-file RL405 -- why\n", 1, True),
        ("a: 1 # rolloutlint: ignore RL405 until 2026-11-21 -- why\n", 1, True),
        ("a: 1 # rolloutlint: ignore RL405 until 2026-11-20 -- why\n", 1, False),
        ("a: 1 # rolloutlint: ignore RL405\n", 1, False),
        ("a: 1 # rolloutlint: ignore RL405 but why\n", 1, False),
        ("a: 1 # rolloutlint: ignore RL405, RL999 -- why\n", 1, True),
        ("a: 1 # rolloutlint: ignore-file RL405 -- why\n", 1, False),
    ],
)
def test_a_comment_suppresses_what_it_stands_by(text: str, line: int, suppressed: bool) -> None:
    assert outcome([found("RL405", line)], text)[0] == ["suppressed: why" if suppressed else "active"]


def test_comments_on_their_own_lines_stack() -> None:
    text = "# rolloutlint: ignore RL405 -- one\n# rolloutlint: ignore RL101 -- two\na: 1\n"
    assert outcome([found("RL405", 3), found("RL101", 3)], text) == (["suppressed: one", "suppressed: two"], [])


@pytest.mark.parametrize("text", ["a:\nq: | # rolloutlint: ignore RL405 -- why\n  x\n  y\n",
                                  "# rolloutlint: ignore RL405 -- why\nq: |\n  x\n  y\n"])  # fmt: skip
def test_a_comment_at_the_head_of_a_block_scalar_covers_its_text(text: str) -> None:
    assert outcome([found("RL405", 4)], text, covers={0: (2, 4)}) == (["suppressed: why"], [])
    assert outcome([found("RL405", 4)], text)[0] == ["active"]


def test_a_comment_of_one_file_leaves_another_alone() -> None:
    text = "a: 1 # rolloutlint: ignore RL405 -- why\n"
    assert outcome([found("RL405", 1, file="b.yaml")], text) == (["active"], ["RL901 1"])


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("a: 1 # rolloutlint: ignore RL101 -- why\n", ["RL901 1"]),
        ("a: 1 # rolloutlint: ignore RL405, RL101 -- why\n", ["RL901 1"]),
        ("a: 1 # rolloutlint: ignore RL405 -- why\n", []),
        ("a: 1 # rolloutlint: ignore RL4O5 -- why\n", ["RL902 1"]),
        ("a: 1 # rolloutlint: ignore RL405, RL999, no-such-rule -- why\n", ["RL902 1", "RL902 1"]),
        ("a: 1 # rolloutlint: ignore RL405 until 2026-01-01 -- why\n", ["RL903 1"]),
        ("a: 1 # rolloutlint: ignore RL101 until 2026-01-01\n", ["RL903 1"]),
        ("a: 1 # rolloutlint: ignore RL405\n", ["RL904 1"]),
        ("a: 1 # rolloutlint: ignore\n", ["RL905 1"]),
        ("a: 1 # rolloutlint: ignore-file RL405 -- why\n", ["RL905 1"]),
    ],
)
def test_what_is_wrong_with_a_comment_is_a_finding(text: str, about: list[str]) -> None:
    assert outcome([found("RL405", 1)], text)[1] == about


def test_without_a_date_of_today_nothing_expires() -> None:
    text = "a: 1 # rolloutlint: ignore RL405 until 2001-01-01 -- why\n"
    assert outcome([found("RL405", 1)], text, settings=Settings()) == (["suppressed: why"], [])


@pytest.mark.parametrize(
    ("selector", "message", "remedy"),
    [
        ("RL4O5", "The comment names `RL4O5`, which is no rule", "Write `RL405`, the rule most like it."),
        ("rl405", "The comment names `rl405`, which is no rule", "Write `RL405`, the rule most like it."),
        ("RL4xx", "The comment names `RL4xx`, which is no rule", "Write `RL4`, the rule most like it."),
        ("RL77", "The comment names `RL77`, which is no rule", "Use an id or a name that `rolloutlint rules` lists."),
    ],
)
def test_an_unknown_rule_is_answered_with_the_nearest(selector: str, message: str, remedy: str) -> None:
    (finding,) = said(f"a: 1 # rolloutlint: ignore {selector} -- why\n")
    assert (finding.message, finding.remedy) == (message, remedy)


@pytest.mark.parametrize("text", ["ignore", "ignore ALL -- x", "ignore RL405 until x -- y", "ignore RL405 { legacy }",
                                  "disable {0}", "ignore-file RL405 -- x", "ignore RL405 " + "word " * 99])  # fmt: skip
def test_the_message_about_a_malformed_comment_is_short_and_complete(text: str) -> None:
    (finding,) = said(f"a: 1 # rolloutlint: {text}\n")
    assert finding.rule == "RL905"
    assert 0 < len(finding.message) <= 120
    assert finding.consequence.endswith(".")
    assert finding.remedy.endswith((".", "`."))


def test_the_place_of_a_finding_is_the_directive() -> None:
    (finding,) = said("a: 1  # by hand # rolloutlint: ignore RL405\n")
    assert finding.at.span == Span(1, 17, 1, 44)


@pytest.mark.parametrize(
    ("text", "span", "value"),
    [
        ("# rolloutlint: ignore RL101 -- why\na: 1\n", Span(1, 1, 2, 1), ""),
        ("a: 1  # rolloutlint: ignore RL101 -- why\n", Span(1, 7, 1, 41), ""),
        ("# words # rolloutlint: ignore RL101 -- why\na: 1\n", Span(1, 9, 1, 43), ""),
        (
            "a: 1  # rolloutlint: ignore RL101, RL405 until 2027-01-01 -- why\n",
            Span(1, 7, 1, 65),
            "# rolloutlint: ignore RL405 until 2027-01-01 -- why",
        ),
        (
            "# rolloutlint: ignore-file RL101 empty-result-passes -- why\na: 1\n",
            Span(1, 1, 1, 60),
            "# rolloutlint: ignore-file empty-result-passes -- why",
        ),
    ],
)
def test_the_fix_takes_out_what_is_unused(text: str, span: Span, value: str) -> None:
    _, about = judge(
        [found("RL405", 1)], {"a.yaml": comments_of(text)}, (), TODAY, CATALOGUE, frozenset({"RL101", "RL405"})
    )
    (fix,) = [f.fix for f in about]
    assert fix is not None
    assert fix.safety == "safe"
    assert fix.edits == (Edit("text", Place(DocumentId("a.yaml", 0), span=span), value),)


def test_a_rule_that_did_not_run_is_not_called_unused() -> None:
    assert outcome([], "a: 1 # rolloutlint: ignore RL101 -- why\n", ran=["RL405"]) == ([], [])


def test_a_family_is_called_unused_only_if_all_of_it_ran() -> None:
    text = "a: 1 # rolloutlint: ignore RL4 -- why\n"
    assert outcome([], text, ran=["RL405"])[1] == []
    assert outcome([], text, ran=["RL405", "RL406"])[1] == ["RL901 1"]


def test_a_rule_that_could_not_know_is_not_called_unused() -> None:
    text = "a: 1 # rolloutlint: ignore RL201 -- why\n"
    service = ResourceId("", "v1", "Service", "shop", "checkout")
    assert outcome([], text)[1] == []
    assert outcome([], text, seen=[("s.yaml", service)])[1] == ["RL901 1"]
    assert outcome([], text, settings=TODAY._replace(closed=True))[1] == ["RL901 1"]


def test_a_rule_that_is_off_for_the_file_is_not_called_unused() -> None:
    settings = TODAY._replace(overrides=(Override(("a.yaml",), ("RL405",)),))
    assert outcome([], "a: 1 # rolloutlint: ignore RL405 -- why\n", settings=settings)[1] == []


def test_nothing_is_called_unused_in_a_file_read_in_part() -> None:
    assert outcome([], "a: 1 # rolloutlint: ignore RL405 -- why\n", partial=["a.yaml"])[1] == []


def test_findings_about_suppressions_obey_the_selection() -> None:
    text = "a: 1 # rolloutlint: ignore RL405 -- why\n"
    assert outcome([], text, settings=TODAY._replace(ignore=("RL901",)))[1] == []
    assert outcome([], text, settings=TODAY._replace(overrides=(Override(("*.yaml",), ("RL9",)),)))[1] == []


def test_inline_suppressions_can_be_turned_off() -> None:
    text = "a: 1 # rolloutlint: ignore RL405 -- why\n"
    annotated = read_annotations(CHECKOUT, DocumentId("a.yaml", 0), {ANNOTATION: "RL405 -- why"})
    settings = TODAY._replace(inline_suppressions=False)
    assert outcome([found("RL405", 1)], text, annotated, settings) == (["active"], [])


def annotated(text: object, document: int = 0, key: str = ANNOTATION) -> tuple[AnnotationSuppression, ...]:
    return read_annotations(CHECKOUT, DocumentId("a.yaml", document), {"team": "shop", key: text})


@pytest.mark.parametrize(
    ("text", "dispositions", "about"),
    [
        ("RL405, RL101 -- why", ["suppressed: why", "suppressed: why"], []),
        ("RL405 -- why", ["suppressed: why", "active"], []),
        ("RL405 -- why\nRL101 until 2027-01-01 -- later\n", ["suppressed: why", "suppressed: later"], []),
        ("RL405 until 2026-01-01 -- why", ["active", "active"], ["RL903"]),
        ("RL405", ["active", "active"], ["RL904"]),
        ("RL405 why not", ["active", "active"], ["RL905"]),
        ("", ["active", "active"], ["RL905"]),
        (True, ["active", "active"], ["RL905"]),
        ("RL406 -- why", ["active", "active"], ["RL901"]),
        ("RL40 -- why", ["suppressed: why", "active"], []),
    ],
)
def test_an_annotation_suppresses_findings_of_its_resource(
    text: object, dispositions: list[str], about: list[str]
) -> None:
    assert outcome([found("RL405", 5), found("RL101", 9)], "", annotated(text)) == (dispositions, about)


def test_an_annotation_leaves_other_resources_and_documents_alone() -> None:
    other = CHECKOUT._replace(name="cart")
    assert outcome([found("RL405", 5, other)], "", annotated("RL405 -- why"))[0] == ["active"]
    assert outcome([found("RL405", 5)], "", annotated("RL405 -- why", document=1))[0] == ["active"]


def test_a_misspelt_annotation_is_pointed_at_by_its_key() -> None:
    _, about = judge((), {}, annotated("x", key=f"{ANNOTATION}.RL405"), TODAY, CATALOGUE, frozenset(RULES))
    (finding,) = about
    assert (finding.rule, finding.at.part, finding.resource) == ("RL905", "key", CHECKOUT)
    assert finding.message == "The annotation `rolloutlint.dev/ignore.RL405` is not one that rolloutlint reads"


@pytest.mark.parametrize(
    ("text", "edit"),
    [
        ("RL406 -- why", ("remove", None)),
        ("RL406, RL405 -- why", ("replace", "RL405 -- why")),
        ("RL101 -- a\nRL406 -- b\nRL405 -- c", ("replace", "RL101 -- a\nRL405 -- c")),
    ],
)
def test_the_fix_of_an_annotation_keeps_the_rest(text: str, edit: tuple[str, object]) -> None:
    findings = [found("RL405", 5), found("RL101", 9)]
    _, about = judge(findings, {}, annotated(text), TODAY, CATALOGUE, frozenset(RULES))
    (fix,) = [f.fix for f in about]
    assert fix is not None
    assert [(e.op, e.value) for e in fix.edits] == [edit]


@pytest.mark.parametrize(
    ("waiver", "waived"),
    [
        (Waiver(("RL405",), "why"), True),
        (Waiver(("RL4",), "why", kind="Rollout", namespace="shop", name="checkout"), True),
        (Waiver(("RL405",), "why", namespace="sh*", name="[cd]heckout"), True),
        (Waiver(("RL405",), "why", path="a.yaml"), True),
        (Waiver(("RL405",), "why", path="*.yaml"), True),
        (Waiver(("RL405",), "why", expires="2026-11-21"), True),
        (Waiver(("RL101",), "why"), False),
        (Waiver(("RL405",), "why", kind="rollout"), False),
        (Waiver(("RL405",), "why", namespace="prod"), False),
        (Waiver(("RL405",), "why", name="check"), False),
        (Waiver(("RL405",), "why", path="apps/**"), False),
        (Waiver(("RL405",), "why", expires="2026-11-20"), False),
    ],
)
def test_a_waiver_holds_for_what_its_globs_match(waiver: Waiver, waived: bool) -> None:
    settings = TODAY._replace(waivers=(waiver,))
    assert outcome([found("RL405", 5)], settings=settings)[0] == ["waived: why" if waived else "active"]


def test_a_finding_without_a_resource_is_waived_by_path_only() -> None:
    named = TODAY._replace(waivers=(Waiver(("RL405",), "why", name="c*"),))
    pathed = TODAY._replace(waivers=(Waiver(("RL405",), "why", path="a.yaml"),))
    assert outcome([found("RL405", 5, None)], settings=named)[0] == ["active"]
    assert outcome([found("RL405", 5, None)], settings=pathed)[0] == ["waived: why"]


def test_an_expired_waiver_is_found_at_its_line() -> None:
    waiver = Waiver(("RL405",), "why", expires="2026-01-01", line=7, column=5, end_line=7, end_column=20)
    _, about = judge((), {}, (), TODAY._replace(waivers=(waiver,)), CATALOGUE, frozenset(RULES))
    assert [(f.rule, f.at) for f in about] == [
        ("RL903", Place(DocumentId(".rolloutlint.yaml", 0), span=Span(7, 5, 7, 20)))
    ]


@pytest.mark.parametrize(
    ("seen", "closed", "about"),
    [
        ([("a.yaml", CHECKOUT)], False, ["RL901 7"]),
        ([("a.yaml", CHECKOUT._replace(name="cart"))], False, []),
        ([], False, []),
        ([], True, ["RL901 7"]),
    ],
)
def test_a_waiver_is_unused_only_where_its_resource_was_seen(
    seen: list[tuple[str, ResourceId]], closed: bool, about: list[str]
) -> None:
    waivers = (Waiver(("RL405",), "why", name="checkout", line=7, column=5),)
    settings = TODAY._replace(waivers=waivers, closed=closed)
    assert outcome([], settings=settings, seen=seen)[1] == about


def test_a_comment_beats_a_waiver_and_both_are_used() -> None:
    settings = TODAY._replace(waivers=(Waiver(("RL405",), "later"),), closed=True)
    text = "a: 1 # rolloutlint: ignore RL405 -- why\n"
    assert outcome([found("RL405", 1)], text, settings=settings) == (["suppressed: why"], [])
