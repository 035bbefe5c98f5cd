"""Repairs are the smallest ones that do it, are proved, fail closed, and change nothing but what they say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.controllers.measurement import Judgement, judge, measure
from rolloutlint.controllers.repairs import FAULTS, Repair, faults, pieces, repair
from rolloutlint.controllers.verdicts import counts_only_failures
from rolloutlint.finding import Edit
from rolloutlint.lang.expr import NEWEST
from rolloutlint.lang.rewrite import rewritten
from rolloutlint.settings import NoData, Targets
from tests.fix.fixing import fixed, place, values

ALL = "sum(rate(http_requests_total[5m]))"
ERR = 'sum(rate(http_requests_total{code=~"5.."}[5m]))'
OK = 'sum(rate(http_requests_total{code!~"5.."}[5m]))'
BUCKETS = "rate(http_request_duration_seconds_bucket[5m])"
HQ = f"histogram_quantile(0.95, sum by (le) ({BUCKETS}))"
LOW, HIGH = "result[0] <= 0.05", "result[0] >= 0.95"

Texts = tuple[str, str, str]
"""Query, successCondition, failureCondition."""


def judged(query: str, success: str = "", failure: str = "", form: str = "prometheus") -> Judgement:
    return judge(form, query, success, failure, NEWEST, 3)


def mended(
    texts: Texts, want: str, no_data: NoData = "any", form: str = "prometheus"
) -> tuple[Repair | None, Texts | None]:
    """The repair and the texts after it."""
    made = repair(judged(*texts, form), lambda q, s, f: judged(q, s, f, form), want=want, no_data=no_data)
    if made is None:
        return None, None
    fields = ("query", "successCondition", "failureCondition")
    after = tuple(rewritten(text, made.changes.get(field, ())) for field, text in zip(fields, texts, strict=True))
    return made, after  # type: ignore[return-value]


# ---- which repair --------------------------------------------------------------------------------------------

NUMERATOR = f"({ERR} or vector(0)) / {ALL}"
CLEAN = f"({ERR} or vector(0)) / ({ALL} > 0)"


@pytest.mark.parametrize(
    "want, no_data, before, after, safety",
    [
        # a healthy version is stopped because no request has failed yet
        ("RL404", "any", (f"{ERR} / {ALL}", LOW, ""), (NUMERATOR, LOW, ""), "unsafe"),
        ("RL404", "any", (f"1 - {ERR} / ({ALL} > 0)", HIGH, ""), (f"1 - {CLEAN}", HIGH, ""), "unsafe"),
        (
            "RL404",
            "any",
            (f"1 - {ERR} / clamp_min({ALL}, 1)", HIGH, ""),
            (f"1 - {CLEAN}", f"len(result) > 0 && {HIGH}", ""),
            "unsafe",
        ),
        (
            "RL404",
            "any",
            ('sum(increase(http_requests_total{code=~"5.."}[5m]))', "result[0] <= 5", ""),
            ('sum(increase(http_requests_total{code=~"5.."}[5m])) or vector(0)', "result[0] <= 5", ""),
            "unsafe",
        ),
        # no data passes
        (
            "RL405",
            "any",
            (CLEAN, f"len(result) == 0 || {LOW}", ""),
            (CLEAN, f"len(result) > 0 && {LOW}", ""),
            "safe",
        ),
        ("RL405", "any", (f"{CLEAN} or vector(0)", LOW, ""), (CLEAN, f"len(result) > 0 && {LOW}", ""), "safe"),
        (
            "RL405",
            "any",
            (f"{HQ} >= 0 or vector(0)", "result[0] <= 0.5", ""),
            (f"{HQ} >= 0", "len(result) > 0 && result[0] <= 0.5", ""),
            "safe",
        ),
        # NaN passes
        (
            "RL406",
            "any",
            (CLEAN.replace(" > 0", ""), "", "len(result) == 0 || result[0] > 0.05"),
            (CLEAN, "", "len(result) == 0 || result[0] > 0.05"),
            "safe",
        ),
        # nobody decided what no data means
        ("RL408", "any", (NUMERATOR, LOW, ""), (CLEAN, f"len(result) > 0 && {LOW}", ""), "safe"),
        ("RL408", "any", (CLEAN, LOW, ""), (CLEAN, f"len(result) > 0 && {LOW}", ""), "safe"),
        ("RL408", "any", (CLEAN, "", "result[0] > 0.05"), (CLEAN, "", "len(result) == 0 || result[0] > 0.05"), "safe"),
        (
            "RL408",
            "any",
            (CLEAN, LOW, "result[0] > 0.05"),
            (CLEAN, f"len(result) > 0 && {LOW}", "len(result) > 0 && result[0] > 0.05"),
            "safe",
        ),
        (
            "RL408",
            "any",
            (HQ, "result[0] <= 0.5", ""),
            (f"{HQ} >= 0", "len(result) > 0 && result[0] <= 0.5", ""),
            "safe",
        ),
        # what never compiles
        ("RL403", "any", (CLEAN, "result <= 0.05", ""), (CLEAN, f"len(result) > 0 && {LOW}", ""), "unsafe"),
        (
            "RL403",
            "any",
            (f"scalar(1 - {CLEAN})", HIGH, ""),
            (f"scalar(1 - {CLEAN})", "!isNaN(result) && result >= 0.95", ""),
            "unsafe",
        ),
        (
            "RL403",
            "any",
            (CLEAN, "default(result, 0) <= 0.05", ""),
            (CLEAN, f"len(result) > 0 && {LOW}", ""),
            "unsafe",
        ),
        # guards that come too late or ask in vain
        ("RL410", "any", (CLEAN, f"{LOW} && len(result) > 0", ""), (CLEAN, f"len(result) > 0 && {LOW}", ""), "safe"),
        ("RL409", "any", (CLEAN, f"isNil(result) || {LOW}", ""), (CLEAN, LOW, ""), "safe"),
        # what is always empty
        (
            "RL421",
            "any",
            (f"histogram_quantile(0.95, sum({BUCKETS})) >= 0", "len(result) > 0 && result[0] <= 0.5", ""),
            (f"{HQ} >= 0", "len(result) > 0 && result[0] <= 0.5", ""),
            "unsafe",
        ),
        # a clamp that distorts
        (
            "RL423",
            "any",
            (f"({ERR} or vector(0)) / clamp_min({ALL}, 1)", f"len(result) > 0 && {LOW}", ""),
            (CLEAN, f"len(result) > 0 && {LOW}", ""),
            "unsafe",
        ),
        # what the setting asks for
        ("RL430", "pass", (CLEAN, LOW, ""), (CLEAN, f"len(result) == 0 || {LOW}", ""), "safe"),
        ("RL430", "pass", (f"{NUMERATOR} or vector(0)", LOW, ""), (f"{CLEAN} or vector(0)", LOW, ""), "safe"),
        ("RL430", "fail", (f"{CLEAN} or vector(0)", LOW, ""), (CLEAN, LOW, ""), "safe"),
        (
            "RL430",
            "pause",
            (CLEAN, LOW, "result[0] > 0.05"),
            (CLEAN, f"len(result) > 0 && {LOW}", "len(result) > 0 && result[0] > 0.05"),
            "safe",
        ),
    ],
)
def test_the_smallest_change_that_does_it_is_made(
    want: str, no_data: NoData, before: Texts, after: Texts, safety: str
) -> None:
    made, texts = mended(before, want, no_data)
    assert texts == after
    assert made is not None
    assert made.safety == safety


@pytest.mark.parametrize(
    "no_data, before, after",
    [
        ("any", "result <= 0.05", "default(result, 1) <= 0.05"),
        ("any", "default(result, 0) <= 0.05", "default(result, 1) <= 0.05"),
        ("any", "default(result, 1) >= 0.95", "default(result, 0) >= 0.95"),
        ("pass", "result <= 0.05", "default(result, 0) <= 0.05"),
    ],
)
def test_nil_gets_a_value_that_certainly_does_what_is_wanted(no_data: NoData, before: str, after: str) -> None:
    (want,) = faults(judged("", before, "", "datadog"), no_data)
    _, texts = mended(("", before, ""), want, no_data, "datadog")
    assert texts == ("", after, "")


def test_a_single_condition_cannot_pause():
    assert mended((CLEAN, LOW, ""), "RL430", "pause") == (None, None)


@pytest.mark.parametrize("query", ["{{args.query}}", "http_requests_total", f"{ERR} / {ALL}", "sum(queue_depth)"])
def test_what_is_not_wrong_is_not_mended_and_nothing_raises(query: str) -> None:
    for condition in ("let x = result[0]; x > 1", "{{args.condition}}", "true", "result[0] > {{args.limit}}", "("):
        for want in FAULTS:
            mended((query, condition, ""), want)


# ---- what is promised ----------------------------------------------------------------------------------------

QUERIES = [
    f"{ERR} / {ALL}",
    f"{ERR} / {ALL} or vector(0)",
    NUMERATOR,
    CLEAN,
    f"{CLEAN} or vector(0)",
    f"({ERR} or vector(0)) / ({ALL} or vector(1))",
    f"({ERR} / {ALL}) > 0 or vector(0)",
    f"{ERR} / clamp_min({ALL}, 0.001) or vector(0)",
    f"({ERR} or vector(0)) / clamp_min({ALL}, 1)",
    f"100 * {ERR} / {ALL}",
    f"{OK} / {ALL}",
    f"{OK} / {ALL} or vector(1)",
    f"{OK} / ({ALL} > 0) or vector(1)",
    f"({OK} or vector(0)) / ({ALL} > 0) or vector(1)",
    f"{OK} / clamp_min({ALL}, 1)",
    f"1 - {ERR} / {ALL}",
    f"1 - ({ERR} or vector(0)) / {ALL} or vector(1)",
    f"vector(scalar({OK} / {ALL})) or vector(1)",
    f"scalar({ERR} / {ALL})",
    HQ,
    f"{HQ} or vector(0)",
    f"{HQ} >= 0 or vector(0)",
    f"histogram_quantile(0.95, sum({BUCKETS}))",
    f"histogram_quantile(0.95, sum by (pod, le) ({BUCKETS}))",
    "sum(rate(s_sum[5m])) / sum(rate(s_count[5m]))",
    'sum(increase(http_requests_total{code=~"5.."}[5m]))',
    f"sum by (pod) (rate(http_requests_total[5m])) / scalar({ALL})",
]
CONDITIONS = [
    (LOW, ""),
    (HIGH, ""),
    ("", "result[0] > 0.05"),
    (LOW, "result[0] > 0.05"),
    ("result <= 0.05", ""),
    (f"len(result) == 0 || {LOW}", ""),
    (f"len(result) == 0 || isNaN(result[0]) || {LOW}", ""),
    (f"{HIGH} || len(result) == 0", ""),
    (f"{LOW} && len(result) > 0", ""),
    ("default(result, 0) <= 0.05", ""),
    ("all(result, # <= 0.05)", ""),
    ("isNil(result) || result[0] >= 0.95", ""),
    ("result[0] >= 0.95 and result[0] <= 1", ""),
]
POLICIES: list[NoData] = ["any", "fail", "pause", "pass"]
WITHOUT_DATA = ("absent", "started", "idle")


@given(st.sampled_from(QUERIES), st.sampled_from(CONDITIONS), st.sampled_from(POLICIES))
@settings(max_examples=100, deadline=None)
def test_a_repair_removes_its_fault_brings_no_other_and_fails_closed(
    query: str, conditions: tuple[str, str], no_data: NoData
) -> None:
    before = judged(query, *conditions)
    wrong = faults(before, no_data)
    for want in wrong:
        made, texts = mended((query, *conditions), want, no_data)
        if made is None or texts is None:
            continue
        after = judged(*texts)
        assert want not in faults(after, no_data)
        assert faults(after, no_data) <= wrong
        for verdict in after.verdicts:
            old = before.verdict(verdict.world)
            was = old.phases if old is not None else frozenset()
            newly = "Successful" in verdict.phases and "Successful" not in was
            if verdict.world in WITHOUT_DATA and counts_only_failures(after):
                assert not newly or made.safety == "unsafe", "no failures and no data are one to such a query"
            elif verdict.world in WITHOUT_DATA:
                assert not newly or no_data == "pass"
            elif made.safety == "safe":
                assert not newly
                assert verdict.world != "normal" or verdict.phases == was


@given(st.sampled_from(QUERIES), st.sampled_from(CONDITIONS), st.sampled_from(POLICIES))
@settings(max_examples=50, deadline=None)
def test_repairs_one_after_the_other_come_to_an_end(query: str, conditions: tuple[str, str], no_data: NoData) -> None:
    texts: Texts = (query, *conditions)
    seen = [texts]
    for _ in range(8):
        every = (mended(texts, want, no_data)[1] for want in sorted(faults(judged(*texts), no_data)))
        following = next((after for after in every if after is not None), None)
        if following is None:
            return
        assert following not in seen
        texts = following
        seen.append(texts)
    pytest.fail(f"still mending {seen}")


def test_what_is_shown_is_one_short_line_with_the_change():
    long = f'sum(rate(a{{v="{"x" * 300}"}}[5m])) # why\n  / {ALL}'
    made, _ = mended((long, f"len(result) > 0 && {LOW}", ""), "RL408")
    assert made is not None
    assert "\n" not in made.shown
    assert "why" not in made.shown
    assert "> 0)" in made.shown
    assert len(made.shown) < 120
    made, _ = mended((CLEAN, LOW, ""), "RL408")
    assert made is not None
    assert made.shown == f"len(result) > 0 && {LOW}"


# ---- in a manifest -------------------------------------------------------------------------------------------


def applied(text: str, want: str, arguments: Mapping[str, str] | None = None) -> str | None:
    """A manifest `{query, successCondition, failureCondition}` after the repair; `None` where it cannot be made."""

    def measured(document: Mapping[str, Any]) -> Any:
        metric = {"name": "m", **document, "provider": {"prometheus": {"query": document["query"]}}}
        return measure(metric, arguments or {}, Targets())

    found = measured(values(text)[0])
    made = repair(found.judgement, judged, want=want, no_data="any")
    where = pieces(made, found.texts) if made is not None else None
    if where is None:
        return None
    edits = [Edit("replace", place(field, piece=p), new) for field, several in where.items() for p, new in several]
    after = fixed(text, *edits)
    if after is not None:
        assert want not in faults(measured(values(after)[0]).judgement, "any")
    return after


@pytest.mark.parametrize(
    "before, after",
    [
        (
            f"""
query: |
  # share of failures
  ({ERR} or vector(0))
  /
  {ALL} # all of them
successCondition: {LOW} # 5 %
""",
            f"""
query: |
  # share of failures
  ({ERR} or vector(0))
  /
  ({ALL} > 0) # all of them
successCondition: len(result) > 0 && {LOW} # 5 %
""",
        ),
        (
            f"""
query: >-
  ({ERR} or vector(0)) /
  {ALL}
successCondition: '{LOW}'
""",
            f"""
query: >-
  ({ERR} or vector(0)) /
  ({ALL} > 0)
successCondition: 'len(result) > 0 && {LOW}'
""",
        ),
        (
            """
query: 'sum(rate(a_total{v="{{args.v}}"}[{{args.w}}])) / sum(rate(b_total[{{args.w}}]))'
successCondition: "result[0] <= {{args.limit}}"
""",
            """
query: 'sum(rate(a_total{v="{{args.v}}"}[{{args.w}}])) / (sum(rate(b_total[{{args.w}}])) > 0)'
successCondition: "len(result) > 0 && result[0] <= {{args.limit}}"
""",
        ),
    ],
)
def test_a_manifest_keeps_its_comments_layout_and_placeholders(before: str, after: str) -> None:
    assert applied(before, "RL408", {"w": "5m", "limit": "0.05"}) == after
    assert applied(before.replace("\n", "\r\n"), "RL408", {"w": "5m", "limit": "0.05"}) == after.replace("\n", "\r\n")


def test_a_change_inside_of_what_is_filled_in_is_refused():
    text = "query: '{{args.all}}'\nsuccessCondition: result[0] <= 0.05\n"
    assert applied(text, "RL408", {"all": f"({ERR} or vector(0)) / {ALL}"}) is None


def test_a_change_at_the_edge_of_what_is_filled_in_goes_around_it():
    text = f"query: ({ERR} or vector(0)) / {{{{args.all}}}}\nsuccessCondition: result[0] <= 0.05\n"
    after = applied(text, "RL408", {"all": ALL})
    assert after is not None
    assert "/ ({{args.all}} > 0)\n" in after


SPELLINGS = ["query: |\n  {}\n", "query: >\n  {}\n", "query: '{}'\n", "query: |-\n    {}\n", "query:\n  {}\n"]


@given(
    st.sampled_from([f"( {ERR} or vector(0) ) / {ALL}", f"1 - {ERR} / {ALL} or vector(1)", HQ, f"{OK} / {ALL}"]),
    st.sampled_from(SPELLINGS),
    st.sampled_from(["successCondition: {}\n", "successCondition: '{}' # why\n", 'successCondition: "{}"\n']),
    st.sampled_from([LOW, HIGH, f"len(result) == 0 || {LOW}"]),
    st.lists(st.booleans(), min_size=20, max_size=20),
    st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_every_layout_can_be_mended(
    query: str, spelling: str, condition: str, test: str, breaks: list[bool], windows: bool
) -> None:
    words = query.split(" ")
    indent = "\n    " if spelling.startswith("query: |-") else "\n  "
    written = "".join(w + (indent if b else " ") for w, b in zip(words, [*breaks, *breaks], strict=False)).rstrip()
    text = spelling.format(written) + condition.format(test)
    if windows:
        text = text.replace("\n", "\r\n")
    if "query" not in values(text)[0]:
        return
    document = values(text)[0]
    for want in sorted(faults(judged(document["query"], document["successCondition"]), "any")):
        after = applied(text, want)
        possible, _ = mended((document["query"], document["successCondition"], ""), want)
        assert (after is None) == (possible is None)
        if after is not None:
            assert after.count("\r\n") == (after.count("\n") if windows else 0)
            assert ("# why" in after) == ("# why" in text)
