"""What is wrong with Prometheus queries by themselves: the place of a fault in every way to write a scalar, what is
proved and what is not, and queries that only look wrong."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from rolloutlint.fix import apply_edits
from rolloutlint.result import Report
from rolloutlint.settings import Settings, Targets, Version
from tests.harness import found, lint

QUERIES = ("RL401", "RL420", "RL421", "RL422", "RL423", "RL424", "RL426", "RL428")
ONLY = Settings(select=QUERIES)

ROLLOUT = """\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: cart}
spec:
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec: {containers: [{name: cart, image: "registry.example/cart:1"}]}
  strategy:
"""


def template(*metrics: str, args: str = "[]", kind: str = "AnalysisTemplate") -> str:
    """A template of metrics, each given as the lines of its `query:`."""
    head = (
        f"apiVersion: argoproj.io/v1alpha1\nkind: {kind}\nmetadata: {{name: cart}}\nspec:\n  args: {args}\n  metrics:\n"
    )
    return head + "".join(
        f"  - name: m{number}\n"
        "    successCondition: result[0] <= 0.05\n"
        "    provider:\n"
        "      prometheus:\n"
        "        address: http://prometheus:9090\n" + textwrap.indent(f"query: {query}", "        ").rstrip() + "\n"
        for number, query in enumerate(metrics)
    )


def quoted(query: str) -> str:
    return "'" + query.replace("'", "''") + "'"


def rules(report: Report) -> list[str]:
    return [finding.finding.rule for finding in report.active]


def of(query: str, settings: Settings = ONLY, args: str = "[]") -> list[str]:
    """The rules that one query breaks."""
    return rules(lint(template(quoted(query), args=args), settings))


def marked(text: str, settings: Settings = ONLY) -> list[tuple[str, int, str]]:
    """(rule, line, the characters that the finding points at) of every finding in one file."""
    lines = text.splitlines()
    return [
        (f.finding.rule, f.span.line, lines[f.span.line - 1][f.span.column - 1 : f.span.end_column - 1])
        for f in lint(text, settings).active
        if f.span.line == f.span.end_line
    ]


# ---- places --------------------------------------------------------------------------------------------------

SCALARS = [
    ("plain", 'sum(x{a="b" code="5"})', 12),
    ("plain over two lines", 'sum(\n  x{a="b" code="5"})', 13),
    ("single quotes", '\'sum(x{a="b" code="5"})\'', 12),
    ("single quotes with a doubled one", "'sum(x{a=''b'' code=''5''})'", 12),
    ("double quotes", '"sum(x{a=\\"b\\" code=\\"5\\"})"', 12),
    ("double quotes over two lines", '"sum(\n\n  x{a=\\"b\\" code=\\"5\\"})"', 14),
    ("literal", '|\n  sum(\n    x{a="b" code="5"})', 14),
    ("literal with an indentation", '|2-\n    sum(\n  x{a="b" code="5"})', 14),
    ("folded", '>-\n  sum(\n  x{a="b" code="5"})', 14),
    ("folded with deeper lines", '>\n  sum(\n\n    x{a="b" code="5"}\n  )', 15),
    ("behind an anchor", '&q |\n  sum(\n    x{a="b" code="5"})', 14),
    ("behind a tag", '!!str >-\n  sum(\n  x{a="b" code="5"})', 14),
    ("behind a comment of PromQL", '|\n  # failures "of all\n  x{a="b" code="5"}', 14),
    ("behind other scripts", '|\n  x{a="größe 🙂" code="5"}', 13),
]


@pytest.mark.parametrize(("name", "query", "line"), SCALARS, ids=[name for name, _, _ in SCALARS])
def test_the_finding_points_at_the_character_where_prometheus_stops(name: str, query: str, line: int) -> None:
    assert marked(template(query)) == [("RL401", line, "code")]


@pytest.mark.parametrize(("name", "query", "line"), SCALARS, ids=[name for name, _, _ in SCALARS])
def test_the_correction_is_made_where_the_fault_is(name: str, query: str, line: int) -> None:
    text = template(query)
    [finding] = lint(text, ONLY).active
    mended = apply_edits(text, list(finding.edits))
    assert mended.splitlines()[line - 1].count(", code") == 1
    assert rules(lint(mended, ONLY)) == []


def test_a_query_that_is_an_alias_is_reported_where_it_is_written() -> None:
    text = template('&q x{a="b" code="5"}', "*q")
    assert [(rule, line) for rule, line, _ in marked(text)] == [("RL401", 12), ("RL401", 18)]


def test_the_places_of_a_list_of_objects_are_those_of_its_file() -> None:
    item = textwrap.indent(template("vector(1)", "histogram_quantile(95, sum by (le) (rate(x_bucket[5m])))"), "  ")
    text = "apiVersion: v1\nkind: List\nitems:\n- " + item.lstrip()
    assert [(rule, piece) for rule, _, piece in marked(text)] == [("RL422", "95")]


def test_cluster_templates_are_read_too() -> None:
    assert rules(lint(template("sum(x", kind="ClusterAnalysisTemplate"), ONLY)) == ["RL401"]


# ---- RL401: placeholders -------------------------------------------------------------------------------------


def test_a_fault_in_a_value_that_is_filled_in_points_at_the_placeholder() -> None:
    text = template("sum(rate(x[{{args.window}}]))", args='[{name: window, value: "5 minutes"}]')
    assert marked(text) == [("RL401", 12, "{{args.window}}")]
    assert not lint(text, ONLY).active[0].edits


def test_a_fault_behind_a_value_that_is_filled_in_keeps_its_place() -> None:
    text = template('sum(rate(x{a="b" code="5"}[{{args.window}}])) / {{args.by}}', args="[{name: by, value: '2'}]")
    assert marked(text) == [("RL401", 12, "code")]


@pytest.mark.parametrize(
    ("value", "query"),
    [
        ('a"b', 'x{a="{{args.v}}"}'),
        ("a\nb", 'x{a="{{args.v}}"}'),
        ("a\\.b", 'x{a=~"{{args.v}}"}'),
        ("a(b", 'x{a=~"{{args.v}}"}'),
        ("first\nsecond third", "x # of {{args.v}}"),
    ],
)
def test_a_value_that_breaks_the_string_or_comment_it_stands_in_is_reported(value: str, query: str) -> None:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    report = lint(template(quoted(query), args=f'[{{name: v, value: "{escaped}"}}]'), ONLY)
    assert rules(report) == ["RL401"]
    assert report.active[0].finding.message.startswith("With the value")


@pytest.mark.parametrize("value", ["a\\\\.b", "it's", "a|b", "größe", "first second"])
def test_a_value_that_fits_into_its_string_is_fine(value: str) -> None:
    escaped = value.replace("\\", "\\\\")
    assert of('x{a=~"{{args.v}}"} # {{args.v}}', args=f'[{{name: v, value: "{escaped}"}}]') == []


def test_a_value_that_a_rollout_replaces_is_not_judged() -> None:
    steps = "    canary: {steps: [{setWeight: 5}, {analysis: {templates: [{templateName: cart}], args: [%s]}}]}\n"
    given = ROLLOUT + steps % "{name: v, valueFrom: {fieldRef: {fieldPath: metadata.name}}}"
    text = template(quoted('x{a="{{args.v}}"}'), args="[{name: v, value: 'a\"b'}]")
    assert rules(lint({"a.yaml": text, "b.yaml": given}, Settings(select=("RL401",)))) == []
    assert rules(lint({"a.yaml": text}, Settings(select=("RL401",)))) == ["RL401"]


@pytest.mark.parametrize(
    "query",
    [
        "{{args.query}}",
        "sum(rate({{args.metric}}[{{args.window}}]))",
        "sum by ({{args.labels}}) (x{ {{args.matchers}} })",
        'x{a="${NAMESPACE}"} > $(LIMIT',
        "sum(rate(x[${WINDOW}]))",
        "x default 0",
        "rate(x)",
        "x offset -5m",
        "sum_over_time(x[5m:30s] @ end())",
        "mad_over_time(x[5m])",
        "rate(x[5m * 2])",
        '{"http.requests", code="5"}',
        "((((((((((x))))))))))",
    ],
)
def test_what_some_server_takes_or_somebody_completes_is_not_refused(query: str) -> None:
    assert of(query) == []


def test_an_expression_too_deep_for_us_is_not_refused() -> None:
    assert of("(" * 400 + "x" + ")" * 400) == []


def test_victoria_metrics_may_take_what_prometheus_refuses() -> None:
    text = template('x{a="b" code="5"}')
    assert rules(lint(text.replace("//prometheus:", "//vmselect.monitoring:"), ONLY)) == []


def test_a_tag_that_is_no_argument_is_one_finding() -> None:
    text = template(quoted("x{{{args.v}}}"), args="[{name: v, value: a}]")
    assert rules(lint(text, Settings(select=("RL302", "RL401")))) == ["RL302"]
    commented = template("|\n  x  # {{pod}}\n")
    assert rules(lint(commented, Settings(select=("RL302", "RL401")))) == ["RL302"]


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ("", "after 5 in a row (about 40s) the"),
        ("consecutiveErrorLimit: 0", "after the first one the"),
        ("consecutiveErrorLimit: '{{args.n}}'", "after too many in a row the"),
        ("initialDelay: 1m", "after 5 in a row (about 1m40s) the"),
    ],
)
def test_the_consequence_counts_the_errors_that_are_tolerated(limits: str, words: str) -> None:
    text = template("sum(x").replace("    provider:", f"    {limits}\n    provider:" if limits else "    provider:")
    assert words in lint(text, ONLY).active[0].finding.consequence


# ---- RL420 to RL423 ------------------------------------------------------------------------------------------

RATE = 'rate(requests_total{app="cart"}[5m])'
FAILED = 'rate(requests_total{app="cart",code=~"5.."}[5m])'
BUCKETS = "rate(duration_seconds_bucket[5m])"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"{FAILED} / {RATE}", ["RL420"]),
        (f"100 * {FAILED} / ({RATE} > 0)", ["RL420"]),
        (f"sum({FAILED} / {RATE})", ["RL420"]),
        (f"sum({FAILED}) / sum({RATE})", []),
        (f"{FAILED} / ignoring (code) {RATE}", []),
        (f"{FAILED} / on (app) group_left () {RATE}", []),
        (f"{FAILED} / sum({RATE})", []),
        ("errors_total / requests_total", []),
        (f"{FAILED} / {RATE.replace('5m', '10m')}", []),
    ],
)
def test_only_a_ratio_of_series_with_themselves_is_always_one(query: str, expected: list[str]) -> None:
    assert of(query) == expected


@pytest.mark.parametrize(
    "query",
    [
        f"histogram_quantile(0.9, sum({BUCKETS}))",
        f"histogram_quantile(0.9, sum by (pod) ({BUCKETS})) or on () vector(0)",
        f"sum({RATE}) < 0",
        f"sum({FAILED}) / sum({RATE}) > 1",
        f"topk(0, {RATE})",
        "clamp(temperature, 10, 1)",
        "absent(vector(1))",
        "sum(x) unless on () vector(1)",
        f"sum by (pod) ({FAILED}) / sum({RATE})",
        f"sum by (pod) ({FAILED}) * sum by (node) ({RATE})",
    ],
)
def test_an_operand_that_is_always_empty_is_reported_once(query: str) -> None:
    assert of(query) == ["RL421"]


@pytest.mark.parametrize(
    "query",
    [
        f"histogram_quantile(0.9, sum by (le) ({BUCKETS}))",
        f"histogram_quantile(0.9, {BUCKETS})",
        "histogram_quantile(0.9, sum by ({{args.labels}}) (rate(duration_seconds_bucket[5m])))",
        "histogram_quantile(0.9, sum(rate(native_duration_seconds[5m])))",
        f"sum({RATE}) > 0",
        "temperature < 0",
        f"sum({FAILED}) / sum({RATE}) > 0.05",
        f"sum({FAILED}) / sum({RATE}) > bool 1",
        f"topk(1, {RATE})",
        "topk({{args.k}}, x)",
        "absent(x)",
        f"sum by (pod) ({FAILED}) / on () group_left () sum({RATE})",
        f"sum by (pod, code) ({FAILED}) / sum by (pod) ({RATE})",
        f"sum by (pod) ({FAILED}) and sum({RATE}) > 0",
        f"sum by (pod) ({FAILED}) / scalar(sum({RATE}))",
        "count(x) - 1",
    ],
)
def test_what_can_have_an_element_is_not_called_empty(query: str) -> None:
    assert "RL421" not in of(query)


def test_what_stands_in_for_an_empty_operand_changes_the_wording() -> None:
    def message(query: str) -> str:
        return lint(template(quoted(query)), ONLY).active[0].finding.message

    assert message("topk(0, x)") == "The query of `m0` never returns anything: k is below 1"
    assert message("topk(0, x) or vector(0)") == "A part of the query of `m0` never returns anything: k is below 1"


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("result[0] > 1", "Every measurement is an error"),
        ("len(result) == 0", "Every measurement is a success"),
        ("len(result) > 0", "Every measurement fails"),
    ],
)
def test_the_consequence_of_an_empty_query_is_what_the_condition_makes_of_it(condition: str, words: str) -> None:
    text = template("topk(0, x)").replace("result[0] <= 0.05", condition)
    assert lint(text, ONLY).active[0].finding.consequence.startswith(words)


@pytest.mark.parametrize(
    ("quantile", "expected"),
    [("95", ["RL422"]), ("-0.5", ["RL422"]), ("1.01", ["RL422"]), ("1", []), ("0", []), ("0.999", []), ("NaN", [])],
)
def test_a_quantile_is_between_0_and_1(quantile: str, expected: list[str]) -> None:
    assert of(f"histogram_quantile({quantile}, sum by (le) ({BUCKETS}))") == expected
    assert of(f"quantile({quantile}, temperature)") == expected


def test_a_quantile_that_is_an_argument_is_judged_by_its_value() -> None:
    query = f"histogram_quantile({{{{args.q}}}}, sum by (le) ({BUCKETS}))"
    assert of(query) == []
    assert of(query, args="[{name: q, value: '0.95'}]") == []
    text = template(quoted(query), args="[{name: q, value: '95'}]")
    assert marked(text) == [("RL422", 12, "{{args.q}}")]
    assert not lint(text, ONLY).active[0].edits


@pytest.mark.parametrize(
    ("denominator", "expected"),
    [
        (f"clamp_min(sum({RATE}), 1)", ["RL423"]),
        (f"(clamp_min(sum({RATE}), 0.1))", ["RL423"]),
        (f"clamp_min(sum({RATE}), 0.001)", []),
        (f"clamp_min(sum({RATE.replace('rate', 'increase')}), 1)", []),
        ("clamp_min(sum(temperature), 1)", []),
        (f"(sum({RATE}) > 0)", []),
        (f"clamp_max(sum({RATE}), 1)", []),
    ],
)
def test_a_floor_under_a_rate_is_reported_where_it_is_high(denominator: str, expected: list[str]) -> None:
    assert of(f"(sum({FAILED}) or vector(0)) / {denominator}") == expected


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("result[0] <= 0.05", "a version that gets few requests passes"),
        ("result[0] >= 0.95", "a version that gets few requests fails"),
        ("result[0] > 0 && result[0] {{args.op}} 1", "with less traffic ever smaller."),
    ],
)
def test_which_way_a_floor_errs_follows_from_the_condition(condition: str, words: str) -> None:
    query = quoted(f"(sum({FAILED}) or vector(0)) / clamp_min(sum({RATE}), 1)")
    text = template(query).replace("result[0] <= 0.05", f"'{condition}'")
    assert words in lint(text, ONLY).active[0].finding.consequence


# ---- windows -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "interval", "expected"),
    [
        ("20s", None, ["RL424"]),
        ("30s", None, ["RL424"]),
        ("31s", None, []),
        ("1m", None, []),
        ("30s", 30.0, ["RL421"]),
        ("29s", 30.0, ["RL421"]),
        ("45s", 30.0, ["RL424"]),
        ("1m", 30.0, []),
        ("1m", 60.0, ["RL421"]),
        ("20s", 10.0, []),
        ("{{args.w}}", None, []),
    ],
)
def test_a_window_is_measured_by_the_scrape_interval(window: str, interval: float | None, expected: list[str]) -> None:
    settings = ONLY._replace(scrape_interval=interval)
    for function in ("rate", "irate", "increase", "deriv"):
        assert of(f"sum({function}(requests_total[{window}]))", settings) == expected


def test_a_window_of_one_interval_now_and_then_holds_two_samples_before_prometheus_3() -> None:
    older = ONLY._replace(scrape_interval=30.0, targets=Targets(prometheus=Version(2, 53)))
    assert of("sum(rate(requests_total[30s]))", older) == ["RL424"]
    assert of("sum(rate(requests_total[29s]))", older) == ["RL421"]


@pytest.mark.parametrize(
    "query", ["max_over_time(x[10s])", "count_over_time(x[10s])", "rate(job:requests:sum[10s])", "rate(x[10s:1s])"]
)
def test_windows_that_need_no_two_scrapes_are_left_alone(query: str) -> None:
    assert of(query) == []
    assert of(query, ONLY._replace(scrape_interval=30.0)) == []


def test_windows_of_one_length_are_one_finding() -> None:
    query = f"sum({FAILED}) / sum({RATE})".replace("5m", "20s")
    [finding] = lint(template(quoted(query)), ONLY).active
    assert [related.message for related in finding.related] == ["the same window"]


# ---- RL426 ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("sum by (pod) (x) or vector(0)", "is added to the result"),
        (f"{RATE} or vector(0)", "is added to the result"),
        (f"100 * ({RATE} or vector(0))", "is added to the result"),
        ('absent(x{job="cart"}) or vector(0)', "is added to the result"),
        ("vector(scalar(sum(x))) or vector(1)", "`scalar` makes NaN"),
        ("(sum(x) or vector(0)) or vector(1)", "is never used"),
        ("1 - (sum(x) or vector(0)) or vector(1)", "is never used"),
        ("(sum by (pod) (x) or vector(0)) / sum by (pod) (y)", "is paired with nothing"),
        (f"sum({FAILED}) / sum({RATE}) or vector(0)", "does not stand in for 0/0"),
        (f"histogram_quantile(0.9, sum by (le) ({BUCKETS})) or vector(0)", "does not stand in for a quantile"),
        (f"(sum({FAILED}) or vector(0)) / (sum({RATE}) or vector(1))", "does not keep the denominator"),
    ],
)
def test_a_fallback_that_is_none_is_told_why(query: str, words: str) -> None:
    [finding] = lint(template(quoted(query)), ONLY).active
    assert finding.finding.rule == "RL426"
    assert words in finding.finding.message


@pytest.mark.parametrize(
    "query",
    [
        "sum(x) or vector(0)",
        "sum by (pod) (x) or on () vector(0)",
        "sum by (pod) (x) or ignoring (pod) vector(0)",
        "sum(rate(x_total[5m]) or vector(0))",
        "max(sum by (pod) (x) or vector(0))",
        "sum by (pod) (x) or sum by (pod) (y)",
        "absent(x) or vector(0)",
        f"(sum({FAILED}) or vector(0)) / (sum({RATE}) > 0) or vector(0)",
        f"(sum({FAILED}) or vector(0)) / (sum({RATE}) > 0 or vector(1))",
        f"histogram_quantile(0.9, sum by (le) ({BUCKETS})) >= 0 or vector(0)",
        "{{args.query}} or vector(0)",
        "sum by ({{args.labels}}) (x) or on () vector(0)",
    ],
)
def test_a_fallback_that_works_is_left_alone(query: str) -> None:
    assert of(query) == []


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("result[0] <= 0.05", ["RL426"]),
        ("isNaN(result[0]) || result[0] <= 0.05", []),
        ("result[0] >= 0.95", []),
    ],
)
def test_a_fallback_that_is_no_guard_matters_only_where_nan_fares_otherwise(
    condition: str, expected: list[str]
) -> None:
    text = template(quoted(f"sum({FAILED}) / sum({RATE}) or vector(0)")).replace("result[0] <= 0.05", condition)
    assert rules(lint(text, ONLY)) == expected


def mended(query: str) -> str:
    text = template(quoted(query))
    report = lint(text, ONLY)
    return apply_edits(text, [e for f in report.active for e in f.edits]).splitlines()[11].strip()[len("query: '") : -1]


@pytest.mark.parametrize(
    ("query", "after"),
    [
        ("sum by (pod) (x) or vector(0)", "sum by (pod) (x) or on () vector(0)"),
        ("vector(scalar(sum(x))) or vector(1)", "sum(x) or vector(1)"),
        ("(sum(x) or vector(0)) or vector(1)", "(sum(x) or vector(0))"),
        ("sum(x) or 0", "sum(x) or vector(0)"),
        (f"histogram_quantile(0.9, sum({BUCKETS}))", f"histogram_quantile(0.9, sum by (le) ({BUCKETS}))"),
        (f"histogram_quantile(95, sum by (le) ({BUCKETS}))", f"histogram_quantile(0.95, sum by (le) ({BUCKETS}))"),
        (f"{FAILED} / {RATE}", f"sum({FAILED}) / sum({RATE})"),
        (f"sum(a) / clamp_min(sum({RATE}), 1)", f"sum(a) / clamp_min(sum({RATE}), 0.001)"),
    ],
)
def test_a_fix_leaves_the_rest_of_the_query_as_it_is(query: str, after: str) -> None:
    assert mended(query) == after
    assert of(after) == []


# ---- RL428 ---------------------------------------------------------------------------------------------------


def canary(steps: str, services: str = "") -> str:
    return ROLLOUT + f"    canary: {{{services} steps: [{steps}]}}\n"


STEP = "{setWeight: 5}, {analysis: {templates: [{templateName: cart}], args: [%s]}}"
DILUTED = 'sum(rate(requests_total{app="{{args.app}}"}[5m]))'


def diluted(query: str, rollout: str, args: str = "[{name: app, value: cart}]") -> list[str]:
    report = lint({"a.yaml": template(quoted(query), args=args), "b.yaml": rollout}, Settings(select=("RL428",)))
    return [finding.finding.consequence for finding in report.active]


def test_a_query_for_all_pods_is_told_how_much_the_new_ones_can_show() -> None:
    [words] = diluted(DILUTED, canary(STEP % ""))
    assert "about 5 % failures while it has a weight of 5" in words


@pytest.mark.parametrize(
    ("query", "given"),
    [
        (DILUTED, "{name: app, valueFrom: {podTemplateHashValue: Latest}}"),
        (DILUTED, "{name: app, valueFrom: {fieldRef: {fieldPath: 'metadata.labels[''version'']'}}}"),
        (DILUTED, "{name: app, value: cart-fresh}"),
        (DILUTED, "{name: app, value: cart-preview}"),
        ('sum(x{app="cart",version="{{args.app}}"})', ""),
        ('sum(x{pod=~"cart-canary-.*"})', ""),
        ("sum by (version) (x)", ""),
        ("sum(x_{{args.other}}_total)", ""),
        ("sum(x{ {{args.other}} })", ""),
        ("vector(1)", ""),
        ("{{args.query}}", ""),
    ],
)
def test_a_query_that_may_be_about_one_version_is_left_alone(query: str, given: str) -> None:
    services = "canaryService: cart-fresh, stableService: cart,"
    assert diluted(query, canary(STEP % given, services)) == []


@pytest.mark.parametrize(
    "rollout",
    [
        canary("{setWeight: 100}, {analysis: {templates: [{templateName: cart}]}}"),
        canary("{analysis: {templates: [{templateName: cart}]}}"),
        ROLLOUT + "    blueGreen: {activeService: a, postPromotionAnalysis: {templates: [{templateName: cart}]}}\n",
        "",
    ],
)
def test_where_one_version_serves_alone_nothing_is_diluted(rollout: str) -> None:
    assert diluted(DILUTED, rollout) == []


def test_before_a_promotion_the_old_version_has_all_requests() -> None:
    blue_green = "    blueGreen: {activeService: a, prePromotionAnalysis: {templates: [{templateName: cart}]}}\n"
    [words] = diluted(DILUTED, ROLLOUT + blue_green)
    assert words.startswith("Before the promotion of Rollout `cart`")


def test_a_background_analysis_is_judged_by_its_first_weight() -> None:
    background = (
        "    canary: {analysis: {templates: [{templateName: cart}]}, steps: [{setWeight: 10}, {setWeight: 50}]}\n"
    )
    [words] = diluted(DILUTED, ROLLOUT + background)
    assert "a weight of 10" in words


def test_the_rule_is_of_the_strict_profile() -> None:
    files = {"a.yaml": template(quoted(DILUTED), args="[{name: app, value: cart}]"), "b.yaml": canary(STEP % "")}
    assert found(lint(files), "RL428") == []
    assert len(found(lint(files, Settings(profile="strict")), "RL428")) == 1


# ---- hostile -------------------------------------------------------------------------------------------------

LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["", "x", "{{args.a}}", "sum(x", "x or 0"])
)


def trees(names: Iterable[str]) -> st.SearchStrategy[object]:
    keys = st.sampled_from(sorted(names))
    return st.recursive(LEAVES, lambda t: st.lists(t, max_size=3) | st.dictionaries(keys, t, max_size=4), max_leaves=12)


NAMES = (
    "metrics",
    "provider",
    "prometheus",
    "query",
    "name",
    "args",
    "value",
    "successCondition",
    "address",
    "valueFrom",
)


@effort(max_examples=60, deadline=None)
@given(trees(NAMES))
def test_nothing_below_spec_makes_a_check_stumble(spec: object) -> None:
    document = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {"name": "a"},
        "spec": spec,
    }
    report = lint(json.dumps(document), ONLY._replace(scrape_interval=30.0))
    assert not report.lost
    assert "RL099" not in rules(report)


@pytest.mark.parametrize("query", ["null", "5", "[x]", "{a: b}", "true", "''"])
def test_a_query_that_is_no_text_is_for_the_schema(query: str) -> None:
    assert [rule for rule in rules(lint(template(query), ONLY)) if rule != "RL401"] == []
