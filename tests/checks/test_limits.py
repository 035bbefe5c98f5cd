"""RL3: counts, limits, intervals and dry-run rules of metrics, at their edges."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rolloutlint.fix import apply_edits
from rolloutlint.result import Report
from rolloutlint.settings import Settings, Targets, Version
from tests.harness import found, lint

OURS = (*(f"RL{n}" for n in range(313, 317)), *(f"RL{n}" for n in range(319, 328)))
"""All but RL318, which is about every metric."""

ONE = "successCondition: 'result == 1'"
BOTH = "successCondition: 'result > 9', failureCondition: 'result < 5'"
FIVE = "interval: 1m, count: 5"
HARMLESS = f"{{name: first, {FIVE}, {ONE}, provider: {{web: {{url: http://x}}}}}}"


def template(*metrics: str, more: str = "", name: str = "rate", kind: str = "AnalysisTemplate") -> str:
    """A template in flow style; `metrics` are entries without provider, a name stands for one of that name."""
    full = [m if "name:" in m else f"name: {m}" for m in metrics]
    supplied = [m if "provider:" in m else f"{m}, provider: {{web: {{url: http://x}}}}" for m in full]
    listed = ", ".join(m if m.startswith("{") else f"{{{m}}}" for m in supplied)
    return (
        f"apiVersion: argoproj.io/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\n"
        f"spec: {{metrics: [{listed}]{more}}}\n"
    )


def rollout(analysis: str) -> str:
    return (
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: cart}\n"
        f"spec: {{strategy: {{canary: {{steps: [{{setWeight: 20}}, {{analysis: {{{analysis}}}}}]}}}}}}\n"
    )


def report_of(*documents: str, **changes: object) -> Report:
    report = lint("---\n".join(documents), Settings(**{"select": OURS, **changes}))  # type: ignore[arg-type]
    assert not report.lost
    return report


def run(*documents: str, **changes: object) -> list[tuple[str, str]]:
    """(rule, path below the metric or `spec.`) of the findings in one file."""
    places = [(rule, path) for rule, _, path in found(report_of(*documents, **changes))]
    return [(rule, path.removeprefix("spec.").removeprefix("metrics[1].")) for rule, path in places]


def of_metric(fields: str, **changes: object) -> list[tuple[str, str]]:
    return run(template(HARMLESS, f"name: m, {fields}"), **changes)


NEVER, LUCKY, MASKED = ("RL313", "failureLimit"), ("RL315", "failureLimit"), ("RL314", "inconclusiveLimit")
DEAD, STRING = ("RL316", "inconclusiveLimit"), "RL320"
JOB = "provider: {job: {spec: {}}}"

METRICS: list[tuple[str, str, list[tuple[str, str]]]] = [
    ("as many failures as measurements", f"{FIVE}, failureLimit: 5", [NEVER]),
    ("in quotes", "interval: 1m, count: '5', failureLimit: '5'", [NEVER]),
    ("more, which is refused", f"{FIVE}, failureLimit: 6", []),
    ("one fewer", f"{FIVE}, failureLimit: 4", [LUCKY]),
    ("two fewer", f"{FIVE}, failureLimit: 3", []),
    ("null limits", f"{FIVE}, failureLimit: null, inconclusiveLimit: null", []),
    ("one measurement of its own accord", "failureLimit: 3", [NEVER]),
    ("one measurement", "count: 1, failureLimit: 1", [NEVER]),
    ("one measurement and no failure", "count: 1, failureLimit: 0", []),
    ("no last measurement", "interval: 1m, failureLimit: 100", []),
    ("a count of zero with an interval", "interval: 1m, count: 0, failureLimit: 100", []),
    ("a count from an argument", "interval: 1m, count: '{{args.n}}', failureLimit: 5", []),
    ("a count from a template engine", "interval: 1m, count: '${N}', failureLimit: 5", []),
    ("a limit from an argument", f"{FIVE}, failureLimit: '{{{{args.n}}}}'", []),
    ("failures switched off", f"{FIVE}, failureLimit: -1, consecutiveSuccessLimit: 2", []),
    ("wrong types", "interval: 1m, count: [5], failureLimit: {a: b}, inconclusiveLimit: 1.5", []),
    ("all may be inconclusive", f"{FIVE}, inconclusiveLimit: 5, {BOTH}", [MASKED]),
    ("the only one may be", f"inconclusiveLimit: 1, {BOTH}", [MASKED]),
    ("together", f"{FIVE}, failureLimit: 2, inconclusiveLimit: 3, {BOTH}", [MASKED]),
    ("nearly together", f"{FIVE}, failureLimit: 2, inconclusiveLimit: 2, {BOTH}", []),
    ("one short with some inconclusive", f"{FIVE}, failureLimit: 4, inconclusiveLimit: 1, {BOTH}", [MASKED]),
    ("never fails, and more", f"{FIVE}, failureLimit: 5, inconclusiveLimit: 5, {BOTH}", [NEVER]),
    ("never inconclusive", f"{FIVE}, inconclusiveLimit: 5, {ONE}", [DEAD]),
    ("no condition", f"{FIVE}, inconclusiveLimit: 1", [DEAD]),
    ("an inconclusive limit of zero", f"{FIVE}, inconclusiveLimit: 0, {ONE}", []),
    ("a limit that says nothing", f"{FIVE}, inconclusiveLimit: x, {ONE}", [(STRING, "inconclusiveLimit")]),
    (
        "opposites",
        f"{FIVE}, inconclusiveLimit: 2, successCondition: 'result > 9', failureCondition: 'result <= 9'",
        [DEAD],
    ),
    ("a job", f"{FIVE}, inconclusiveLimit: 5, {JOB}", [DEAD]),
    ("a plugin", f"{FIVE}, inconclusiveLimit: 5, provider: {{plugin: {{a/b: {{}}}}}}", []),
    ("no provider", f"{FIVE}, failureLimit: 5, inconclusiveLimit: 5, provider: {{}}", []),
    ("a negative count", "interval: 1m, count: -1", [("RL319", "count")]),
    ("a negative count in quotes", "count: '-5'", [("RL319", "count")]),
    ("a negative count and a limit", "count: -1, consecutiveSuccessLimit: 2", [("RL319", "count")]),
    ("a percentage", f"{FIVE}, failureLimit: 10%", [(STRING, "failureLimit")]),
    ("a decimal", "interval: 1m, count: '5.0'", [(STRING, "count")]),
    ("nothing", "count: ''", [(STRING, "count")]),
    ("a word for errors", "consecutiveErrorLimit: four", [(STRING, "consecutiveErrorLimit")]),
    ("a signed number", "interval: 1m, count: '+5'", []),
    ("a number beyond 64 bits", "interval: 1m, count: '99999999999999999999'", []),
    ("more successes than measurements", "consecutiveSuccessLimit: 2", [("RL321", "consecutiveSuccessLimit")]),
    (
        "the same with failures switched off",
        "consecutiveSuccessLimit: 2, failureLimit: -1",
        [("RL321", "consecutiveSuccessLimit")],
    ),
    ("one success in one measurement", "consecutiveSuccessLimit: 1", []),
    ("successes until there are enough", "interval: 1m, consecutiveSuccessLimit: 3, failureLimit: 9", []),
    ("refused", f"{FIVE}, consecutiveSuccessLimit: 6", []),
    ("tight", f"{FIVE}, consecutiveSuccessLimit: 3, failureLimit: 1", [("RL327", "count")]),
    ("roomy", "interval: 1m, count: 6, consecutiveSuccessLimit: 3, failureLimit: 1", []),
    ("no failure allowed", f"{FIVE}, consecutiveSuccessLimit: 5", []),
    ("no error allowed", "consecutiveErrorLimit: 0", [("RL322", "consecutiveErrorLimit")]),
    ("99 errors", "consecutiveErrorLimit: 99", []),
    ("100 errors", "consecutiveErrorLimit: 100", [("RL322", "consecutiveErrorLimit")]),
    ("fewer errors than none", "consecutiveErrorLimit: -1", []),
    ("no time", "interval: 0s", [("RL326", "interval")]),
    ("less than no time", "interval: -1m, count: 3", [("RL326", "interval")]),
    ("no time after the only one", "interval: 0s, count: 1", []),
    ("a short time", "interval: 1ms", []),
    ("no duration", "interval: 5", []),
]


@pytest.mark.parametrize("fields, expected", [case[1:] for case in METRICS], ids=[case[0] for case in METRICS])
def test_the_limits_of_a_metric(fields: str, expected: list[tuple[str, str]]) -> None:
    assert of_metric(fields) == expected


def test_the_fault_is_found_in_a_list_and_in_a_cluster_template() -> None:
    inside = (
        template(HARMLESS, "name: m, failureLimit: 1", kind="ClusterAnalysisTemplate").replace("\n", "\n  ").strip()
    )
    report = report_of(f"apiVersion: v1\nkind: List\nitems:\n- {inside}\n")
    assert found(report) == [("RL313", 7, "items[0].spec.metrics[1].failureLimit")]


def test_a_job_can_be_inconclusive_from_1_10_on() -> None:
    later = Targets(rollouts=Version(1, 10))
    assert of_metric(f"{FIVE}, inconclusiveLimit: 5, {JOB}", targets=later) == [MASKED]


@pytest.mark.parametrize("fields", ["consecutiveSuccessLimit: 2", "consecutiveSuccessLimit: x"])
def test_before_1_8_there_is_no_success_limit(fields: str) -> None:
    assert of_metric(fields, targets=Targets(rollouts=Version(1, 7))) == []


def test_a_metric_in_dry_run_need_not_decide() -> None:
    assert run(template("name: m, failureLimit: 1", HARMLESS, more=", dryRun: [{metricName: ^m$}]")) == []


@pytest.mark.parametrize(
    "fields", ["count: 1", "inconclusiveLimit: null", "inconclusiveLimit: 0", "inconclusiveLimit: 3"]
)
def test_the_convention_wants_every_inconclusive_limit_written(fields: str) -> None:
    report = report_of(template(f"name: m, {fields}"), select=("RL318",))
    written = "0" in fields or "3" in fields
    assert [rule for rule, _, _ in found(report)] == ([] if written else ["RL318"])


def fixed(text: str, rule: str) -> str:
    report = lint(text, Settings(select=(rule,)))
    edits = [edit for finding in report.active for edit in finding.edits]
    after = apply_edits(text, edits)
    assert found(lint(after, Settings(select=(rule,)))) == []
    return after


@pytest.mark.parametrize("written, number", [("'10 '", "10"), ("'5.0'", "5"), ("' +7'", "7"), ("'3.'", "3")])
def test_an_integer_that_is_certainly_meant_is_written(written: str, number: str) -> None:
    assert f"count: {number}," in fixed(template(f"name: m, count: {written}, interval: 1m"), "RL320")


@pytest.mark.parametrize("written", ["10%", "'5.5'", "five", "''", "1e3", "1_000"])
def test_what_is_no_integer_is_not_made_one(written: str) -> None:
    report = report_of(template(f"name: m, failureLimit: {written}"))
    assert [f.finding.fix for f in report.active] == [None]


def test_a_null_inconclusive_limit_is_filled() -> None:
    assert "inconclusiveLimit: 0," in fixed(template("name: m, inconclusiveLimit: null"), "RL318")


# ---- dryRun and measurementRetention --------------------------------------------------------------------------------

STEP = "strategy.canary.steps[1].analysis"
NOTHING, MORE, ALL = "RL323", "RL324", "RL325"


def dry(*rules: str) -> str:
    return f", dryRun: [{', '.join(f'{{metricName: {rule}}}' for rule in rules)}]"


ALONE: list[tuple[str, tuple[str, ...], tuple[str, ...], list[str]]] = [
    ("a name", ("a", "b"), ("a",), []),
    ("a star", ("a", "b"), ("'*'",), [NOTHING]),
    ("a star after another", ("a", "b"), ("a", "'*'"), [NOTHING]),
    ("an expression that is none", ("a", "b"), ("'a['",), [NOTHING]),
    ("another name", ("a", "b"), ("c",), [NOTHING]),
    ("another case", ("a", "b"), ("A",), [NOTHING]),
    ("everything", ("a", "b"), (".*",), [ALL]),
    ("the empty expression", ("a", "b"), ("''",), [ALL]),
    ("each by name", ("a", "b"), ("a", "b"), [ALL]),
    ("part of both names", ("rate", "rate-slow"), ("rate",), [MORE, ALL]),
    ("part of another name", ("rate", "rate-slow", "c"), ("rate",), [MORE]),
    ("both by name", ("rate", "rate-slow", "c"), ("rate", "rate-slow"), []),
    ("anchored", ("rate", "rate-slow", "c"), ("^rate$",), []),
    ("open on purpose", ("rate", "rate-slow", "c"), ("rate.*",), []),
    ("a common part that is no name", ("http-rate", "rate-slow", "c"), ("rate",), []),
    ("a name that an argument completes", ("a", "'{{args.m}}'"), ("c",), []),
    ("all but one that an argument completes", ("a", "'{{args.m}}'"), ("a",), []),
    ("everything, arguments too", ("a", "'{{args.m}}'"), (".*",), [ALL]),
    ("a rule filled in later", ("a", "b"), ("'${METRIC}'",), []),
    ("an expression beyond us", ("a", "b"), ("'(?i)C'",), []),
    ("rules of the wrong type", ("a", "b"), ("5", "null", "[a]"), []),
]


@pytest.mark.parametrize("metrics, rules, expected", [case[1:] for case in ALONE], ids=[case[0] for case in ALONE])
def test_dry_run_of_a_template(metrics: tuple[str, ...], rules: tuple[str, ...], expected: list[str]) -> None:
    assert sorted(rule for rule, _ in run(template(*metrics, more=dry(*rules)))) == expected


@pytest.mark.parametrize("metrics, rules, expected", [case[1:] for case in ALONE], ids=[case[0] for case in ALONE])
def test_dry_run_of_a_step(metrics: tuple[str, ...], rules: tuple[str, ...], expected: list[str]) -> None:
    use = f"templates: [{{templateName: rate}}]{dry(*rules)}"
    assert sorted(rule for rule, _ in run(template(*metrics), rollout(use))) == expected


def test_dry_run_faults_stand_at_their_rules() -> None:
    use = f"templates: [{{templateName: rate}}]{dry('rate', 'x')}"
    documents = (template("rate", "rate-slow", "c", more=dry("^c$", "z")), rollout(use))
    assert sorted(run(*documents)) == [
        (NOTHING, "dryRun[1].metricName"),
        (NOTHING, f"{STEP}.dryRun[1].metricName"),
        (MORE, f"{STEP}.dryRun[0].metricName"),
        (ALL, f"{STEP}.dryRun"),
    ]


def test_a_rule_may_match_a_metric_of_the_other_template() -> None:
    both = rollout("templates: [{templateName: rate}, {templateName: other}]")
    documents = (template("a", more=dry("b")), template("b", "c", name="other"), both)
    assert run(*documents) == []


def test_a_rule_that_matches_nothing_in_one_of_two_analyses() -> None:
    both = rollout("templates: [{templateName: rate}, {templateName: other}]")
    lone = rollout("templates: [{templateName: rate}]").replace("name: cart", "name: shop")
    documents = (template("a", more=dry("b")), template("b", "c", name="other"), both, lone)
    (finding,) = report_of(*documents).active
    (user, *_) = finding.finding.related
    assert (user.message, user.resource.name) == ("the analysis of step 2 runs it", "shop")


def test_a_nested_template_has_the_metric() -> None:
    documents = (template("a", more=f"{dry('b')}, templates: [{{templateName: other}}]"), template("b", name="other"))
    assert run(*documents) == []


def test_nothing_is_said_of_templates_that_are_not_there() -> None:
    assert run(template("a", more=f"{dry('b')}, templates: [{{templateName: other}}]")) == []
    assert run(rollout(f"templates: [{{templateName: rate}}]{dry('b')}")) == []


def test_a_star_is_wrong_whatever_the_templates_are() -> None:
    use = f"templates: [{{templateName: rate}}]{dry(chr(39) + '*' + chr(39))}"
    assert run(rollout(use)) == [(NOTHING, f"{STEP}.dryRun[0].metricName")]


def test_another_template_decides_where_one_is_in_dry_run() -> None:
    both = rollout("templates: [{templateName: rate}, {templateName: other}]")
    assert run(template("a", more=dry("a")), template("b", name="other"), both) == []


def test_retention_has_to_match_and_may_match_more() -> None:
    more = ", measurementRetention: [{metricName: rate, limit: 5}, {metricName: x, limit: 5}]"
    assert run(template("rate", "rate-slow", more=more)) == [(NOTHING, "measurementRetention[1].metricName")]


def test_a_misspelt_name_is_corrected() -> None:
    assert "dryRun: [{metricName: latency}]" in fixed(template("latency", "errors", more=dry("latencyy")), NOTHING)


def trees() -> st.SearchStrategy[object]:
    keys = st.sampled_from(
        ("metrics", "dryRun", "measurementRetention", "metricName", "name", "count", "interval", "provider", "kayenta")
    )
    leaves = st.none() | st.booleans() | st.integers(-2, 6) | st.sampled_from(("*", "a", "1m", "0s", "5%", "{{", "("))
    return st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner), max_leaves=20)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree=trees())
def test_no_tree_breaks_the_rules(tree: object) -> None:
    for value in shapes(tree):
        text = json.dumps({"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate", "spec": value})
        assert not lint(text, Settings(select=("RL3",))).lost
        steps = {"strategy": {"canary": {"analysis": value}}}
        text = json.dumps({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "spec": steps})
        assert not lint(text, Settings(select=("RL3",))).lost


def shapes(tree: object) -> Iterator[object]:
    """The tree itself, and as the metrics and the rules of something."""
    yield tree
    yield {"metrics": [tree], "dryRun": [tree], "templates": [{"templateName": "rate"}]}
    yield {"metrics": tree, "dryRun": tree, "measurementRetention": [{"metricName": tree}]}
