"""RL345 to RL347: what a duration leaves of an analysis, and experiments that do not end."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rolloutlint.result import Report
from rolloutlint.settings import Settings
from tests.harness import found, lint

RULES = ("RL345", "RL346", "RL347")
TWICE = "interval: 1m, count: 3"
ENDLESS = "interval: 1m"
HOLE = "'{{required}}'"


def rollout(experiment: str, before: str = "{setWeight: 20}, ") -> str:
    return f"""apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {{name: cart}}
spec:
  strategy: {{canary: {{steps: [{before}{{experiment: {experiment}}}]}}}}
"""


def template(name: str, *metrics: str, extra: str = "") -> str:
    """A template whose metrics have these fields besides a name, a condition and a query."""
    query = "provider: {prometheus: {address: http://prometheus:9090, query: 'sum(rate(errors_total[1m]))'}}"
    listed = [f"{{name: {name}-{i}, successCondition: 'result[0] < 1', {query}, {m}}}" for i, m in enumerate(metrics)]
    return f"""---
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {{name: {name}}}
spec:
  metrics: [{", ".join(listed)}]
{extra}
"""


def analyses(**required: object) -> str:
    """`analyses`, one for each name, that run the template of their name."""
    words = {None: "", True: ", requiredForCompletion: true", False: ", requiredForCompletion: false"}
    listed = [
        f"{{name: {name}, templateName: {name}{words.get(must, f', requiredForCompletion: {must}')}}}"  # type: ignore[call-overload]
        for name, must in required.items()
    ]
    return f"analyses: [{', '.join(listed)}]"


def run(text: str, *rules: str) -> Report:
    report = lint(text, Settings(select=rules or RULES))
    assert not report.lost
    return report


def said(text: str, *rules: str) -> list[tuple[str, str]]:
    """(rule, path below the step) of the findings."""
    return [(rule, path.rpartition("experiment")[2].lstrip(".")) for rule, _, path in found(run(text, *rules))]


def message(text: str, rule: str) -> str:
    (finding,) = run(text, rule).active
    return finding.finding.message


@pytest.mark.parametrize(
    ("duration", "metric", "expected"),
    [
        ("2m", TWICE, []),
        ("119s", TWICE, ["duration"]),
        ("2m", "interval: 1m, count: 4", ["duration"]),
        ("4m", "initialDelay: 2m, interval: 1m, count: 3", []),
        ("3m", "initialDelay: 2m, interval: 1m, count: 3", ["duration"]),
        ("1m", "initialDelay: 61s", ["duration"]),
        ("1m", "initialDelay: 1m", []),
        ("1m", ENDLESS, []),
        ("1m", f"{ENDLESS}, failureLimit: 1", []),
        ("1m", f"{ENDLESS}, failureLimit: 2", ["duration"]),
        ("1m", "interval: 1m, count: 9, consecutiveSuccessLimit: 2", []),
        ("1m", "interval: 1m, count: 9, consecutiveSuccessLimit: 3", ["duration"]),
        ("'{{inputs.time}}'", TWICE, []),
        ("1m", "interval: 1m, count: '${COUNT}'", []),
    ],
)
def test_a_duration_cuts_an_analysis_short(duration: str, metric: str, expected: list[str]) -> None:
    text = rollout(f"{{duration: {duration}, {analyses(errors=None)}}}") + template("errors", metric)
    assert [path for _, path in said(text, "RL345")] == expected


def test_the_message_counts_what_fits_into_the_duration() -> None:
    text = rollout(f"{{duration: 5m, {analyses(errors=None)}}}") + template("errors", "interval: 1m, count: 10")
    (finding,) = run(text, "RL345").active
    assert finding.finding.message == "The experiment of step 2 ends after 5m, but `errors-0` takes at least 9m"
    assert "6 of its 10 measurements" in finding.finding.consequence


def test_a_metric_that_may_fail_as_often_as_it_is_measured_cannot_end_the_experiment() -> None:
    text = rollout(f"{{duration: 60s, {analyses(errors=None)}}}") + template(
        "errors", "interval: 5s, failureLimit: 100"
    )
    assert message(text, "RL345").startswith("`errors-0` is measured at most 13 times in the 1m")


def test_each_metric_that_is_cut_short_is_named_once() -> None:
    text = rollout(f"{{duration: 1m, {analyses(errors=None)}}}") + template("errors", ENDLESS, TWICE, TWICE)
    messages = [finding.finding.message for finding in run(text, "RL345").active]
    assert [m.split("`")[1] for m in messages] == ["errors-1", "errors-2"]


def test_a_metric_in_dry_run_may_be_cut_short() -> None:
    experiment = f"{{duration: 1m, dryRun: [{{metricName: errors-0}}], {analyses(errors=None)}}}"
    assert said(rollout(experiment) + template("errors", TWICE), "RL345") == []


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("duration: 89s", ["duration"]),
        ("duration: 90s", []),
        ("duration: 2m", []),
        ("duration: 1m, scaleDownDelaySeconds: 59", ["duration"]),
        ("duration: 1m, scaleDownDelaySeconds: 60", []),
    ],
)
def test_a_required_analysis_is_not_cut_short_but_may_outlive_the_pods(more: str, expected: list[str]) -> None:
    text = rollout(f"{{{more}, {analyses(errors=True)}}}") + template("errors", TWICE)
    assert [path for _, path in said(text, "RL345")] == expected


@pytest.mark.parametrize(
    ("experiment", "expected"),
    [
        ("{templates: []}", [""]),
        ("{duration: 5m}", []),
        ("{duration: ''}", [""]),
        ("{duration: null}", [""]),
        ("{duration: '{{time}}'}", []),
        ("{duration: 1d}", ["duration"]),
        (f"{{{analyses(errors=None)}}}", [""]),
        (f"{{{analyses(errors=False)}}}", [""]),
        (f"{{{analyses(errors=True)}}}", []),
        (f"{{{analyses(latency=False, errors=True)}}}", []),
        (f"{{duration: 1d, {analyses(errors=True)}}}", []),
        (f"{{{analyses(errors=HOLE)}}}", []),
        ("{analyses: '{{analyses}}'}", []),
    ],
)
def test_time_or_a_required_analysis_ends_an_experiment(experiment: str, expected: list[str]) -> None:
    assert [path for _, path in said(rollout(experiment), "RL346")] == expected


def test_a_required_analysis_without_a_last_measurement_never_ends_it() -> None:
    text = rollout(f"{{{analyses(errors=True)}}}")
    assert said(text + template("errors", TWICE, ENDLESS), "RL346") == [("RL346", "analyses[0].requiredForCompletion")]
    assert said(text + template("errors", f"{ENDLESS}, consecutiveSuccessLimit: 3"), "RL346") == []
    assert said(text + template("errors", TWICE), "RL346") == []


def test_before_successes_in_a_row_counted_they_ended_nothing() -> None:
    text = rollout(f"{{{analyses(errors=True)}}}") + template("errors", f"{ENDLESS}, consecutiveSuccessLimit: 3")
    old = Settings()
    old = old._replace(select=("RL346",), targets=old.targets._replace(rollouts=old.targets.rollouts._replace(minor=7)))
    assert len(lint(text, old).active) == 1


@pytest.mark.parametrize(
    ("required", "other", "expected"),
    [
        (TWICE, TWICE, []),
        (TWICE, "interval: 1m, count: 2", []),
        (TWICE, "interval: 1m, count: 4", ["analyses[1]"]),
        (TWICE, "initialDelay: 121s", ["analyses[1]"]),
        (TWICE, ENDLESS, ["analyses[1]"]),
        (TWICE, f"{ENDLESS}, consecutiveSuccessLimit: 3", []),
        (TWICE, f"{ENDLESS}, consecutiveSuccessLimit: 4", ["analyses[1]"]),
        (ENDLESS, ENDLESS, []),
        ("interval: 1m, count: '${COUNT}'", "interval: 1m, count: 9", []),
        ("interval: 1m, count: '${COUNT}'", ENDLESS, ["analyses[1]"]),
        ("count: 5", ENDLESS, []),
    ],
)
def test_what_still_runs_when_the_required_analyses_are_done_hangs_the_experiment(
    required: str, other: str, expected: list[str]
) -> None:
    text = rollout(f"{{{analyses(errors=True, latency=None)}}}")
    text += template("errors", required) + template("latency", other)
    assert [path for _, path in said(text, "RL347")] == expected


def test_nothing_hangs_where_all_are_required_or_none() -> None:
    templates = template("errors", TWICE) + template("latency", ENDLESS)
    assert said(rollout(f"{{{analyses(errors=True, latency=True)}}}") + templates, "RL347") == []
    assert said(rollout(f"{{{analyses(errors=None, latency=False)}}}") + templates, "RL347") == []


def test_the_slowest_required_analysis_counts() -> None:
    text = rollout(f"{{{analyses(errors=True, slow=True, latency=None)}}}") + template("errors", TWICE)
    text += template("slow", "interval: 1m, count: 9") + template("latency", "interval: 1m, count: 8")
    assert said(text, "RL347") == []


def test_the_trail_leads_from_the_success_to_the_hang() -> None:
    text = rollout(f"{{{analyses(errors=True, latency=None)}}}") + template("errors", TWICE)
    (finding,) = run(text + template("latency", ENDLESS), "RL347").active
    assert [step.message for step in finding.finding.trail] == [
        "analysis `errors` is Successful",
        "`latency-0` still runs: its run is terminated",
        "the experiment no longer reads how that run ended, and stays Running",
    ]


def test_a_job_whose_time_nobody_knows_is_left_alone() -> None:
    job = "provider: {job: {spec: {template: {spec: {restartPolicy: Never, containers: []}}}}}"
    text = rollout(f"{{{analyses(errors=True, latency=None)}}}") + template("latency", "interval: 1m, count: 4")
    text += f"""---
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {{name: errors}}
spec: {{metrics: [{{name: job, {job}}}]}}
"""
    assert said(text, "RL347") == []


def test_a_missing_template_says_nothing_about_time() -> None:
    text = rollout(f"{{duration: 1s, {analyses(errors=None)}}}")
    assert said(text) == []


def test_the_other_strategy_has_no_experiments() -> None:
    text = rollout("{templates: []}").replace("{canary: ", "{blueGreen: {activeService: cart}, canary: ")
    assert said(text) == []


def test_experiments_in_a_list_are_found() -> None:
    item = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "cart"},
        "spec": {"strategy": {"canary": {"steps": [{"setWeight": 5}, {"experiment": {"templates": []}}]}}},
    }
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": [item]})
    assert [rule for rule, _ in said(text)] == ["RL346"]


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 300) | st.sampled_from(["", "5m", "1d", "{{x}}", "errors", "latency"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["duration", "analyses", "templates", "name", "templateName", "requiredForCompletion", "dryRun"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(JUNK)
def test_nothing_in_an_experiment_makes_the_checks_fail(value: object) -> None:
    text = rollout(json.dumps(value)) + template("errors", TWICE) + template("latency", ENDLESS)
    assert not lint(text, Settings(select=RULES)).lost
