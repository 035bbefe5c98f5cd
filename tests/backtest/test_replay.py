"""A backtest asks what a run would have asked, tells what it cannot know, and loses nothing of the rest."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from rolloutlint.backtest.result import Backtest, MetricHistory
from rolloutlint.backtest.source import Failure
from rolloutlint.errors import UsageError
from rolloutlint.lang.duration import SECOND
from rolloutlint.settings import Settings
from tests.backtest.samples import START, Days, replay
from tests.harness import found as found_by
from tests.harness import lint

TEMPLATE = """\
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: cart}
spec:
  args: %s
  metrics: [%s]
"""
ROLLOUT = """\
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: cart, labels: {team: shop}}
spec:
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec: {containers: [{name: cart, image: "cart:1"}]}
  strategy:
    canary:
      canaryService: cart-canary
      stableService: cart
      steps: [{setWeight: 20}, {pause: {duration: %s}}, {setWeight: 50}]
      analysis: {templates: [{templateName: cart}], args: %s}
"""


def metric(
    query: str = "max(errors_ratio)",
    name: str = "errors",
    condition: str = "result[0] <= 0.05",
    interval: str = "1m",
    count: int | None = 3,
    **more: Any,
) -> str:
    fields = {"name": name, "interval": interval, "successCondition": condition, **more}
    if count is not None:
        fields["count"] = count
    shown = ", ".join(f"{key}: {value!r}".replace("True", "true") for key, value in fields.items() if value != "")
    escaped = query.replace("'", "''")
    return f"{{{shown}, provider: {{prometheus: {{address: 'http://prometheus:9090', query: '{escaped}'}}}}}}"


def template(*metrics: str, args: str = "[]") -> str:
    return TEMPLATE % (args, ", ".join(metrics or (metric(),)))


def rollout(args: str = "[]", pause: str = "30m") -> str:
    return ROLLOUT % (pause, args)


def only(found: Backtest) -> MetricHistory:
    ((one,),) = [analysis.metrics for analysis in found.analyses]
    return one


def shares(found: MetricHistory) -> dict[str, Fraction]:
    assert found.starts is not None
    return {ending: share for ending, share in found.starts.endings if share}


def rules(found: Backtest) -> list[str]:
    return [finding.finding.rule for finding in found.findings]


STEADY = "0.01x60"


# ---- what is asked -------------------------------------------------------------------------------------------------


def test_a_query_is_asked_at_the_interval_of_its_metric() -> None:
    days = Days(STEADY)
    replay(template(), days)
    assert days.asked == [("max(errors_ratio)", START, START + 59 * 60, 60)]


def test_equal_queries_are_asked_once() -> None:
    days = Days(STEADY)
    replay(template(metric(name="a"), metric(name="b")), days)
    assert len(days.asked) == 1


def test_a_query_with_errors_is_asked_again_for_the_times_of_the_retries() -> None:
    days = Days("0.01x30 _x5 0.01x30")
    replay(template(), days)
    assert [step for *_, step in days.asked] == [60, 10]


def test_a_delay_that_is_no_multiple_of_the_interval_shifts_the_points() -> None:
    days = Days(STEADY)
    replay(template(metric(initialDelay="90s")), days)
    assert days.asked[0][1] == START + 30


def test_arguments_come_from_the_rollout() -> None:
    days = Days(STEADY)
    args = "[{name: app, value: cart}]"
    replay(template(metric('max(errors_ratio{app="{{args.app}}"})'), args="[{name: app}]") + rollout(args), days)
    assert days.asked[0][0] == 'max(errors_ratio{app="cart"})'


def test_arguments_come_from_a_field_of_the_rollout() -> None:
    days = Days(STEADY)
    args = "[{name: team, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['team']\"}}}]"
    replay(template(metric('max(errors_ratio{team="{{args.team}}"})'), args="[{name: team}]") + rollout(args), days)
    assert days.asked[0][0] == 'max(errors_ratio{team="shop"})'


def test_arguments_have_defaults() -> None:
    days = Days(STEADY)
    replay(template(metric('max(errors_ratio{app="{{args.app}}"})'), args="[{name: app, value: shop}]"), days)
    assert days.asked[0][0] == 'max(errors_ratio{app="shop"})'


def test_an_argument_of_the_command_line_wins() -> None:
    days = Days(STEADY)
    text = template(metric('max(errors_ratio{app="{{args.app}}"})'), args="[{name: app}]")
    replay(text + rollout("[{name: app, value: cart}]"), days, arguments={"app": "other"})
    assert days.asked[0][0] == 'max(errors_ratio{app="other"})'


def test_an_argument_that_nobody_gives_is_asked_for() -> None:
    days = Days(STEADY)
    found = replay(template(metric('max(errors_ratio{app="{{args.app}}"})'), args="[{name: app}]"), days)
    assert only(found).why == "the value of argument `app` is not known: give it with --arg"
    assert days.asked == []


def test_an_argument_that_no_template_declares_is_refused() -> None:
    text = template(metric('max(errors_ratio{app="{{args.app}}"})'), args="[{name: app}]")
    with pytest.raises(UsageError, match="no template declares `aap`: did you mean `app`"):
        replay(text, Days(STEADY), arguments={"aap": "cart"})


def test_an_argument_decides_about_a_limit() -> None:
    text = template(metric(failureLimit="{{args.most}}"), args="[{name: most, value: '2'}]")
    assert shares(only(replay(text, Days("0.01x30 0.9x2 0.01x30")))) == {"Successful": 1}


def test_an_argument_decides_about_a_threshold() -> None:
    text = template(metric(condition="result[0] <= {{args.most}}"), args="[{name: most, value: '0.5'}]")
    found = only(replay(text, Days("0.2x60")))
    assert (found.thresholds, shares(found)) == ((0.5,), {"Successful": 1})


def test_a_template_is_replayed_for_each_analysis_that_runs_it() -> None:
    found = replay(template() + rollout(), Days(STEADY))
    assert [(str(one.user), one.called) for one in found.analyses] == [("Rollout cart", "background analysis")]


def test_a_template_that_nobody_runs_is_replayed_alone() -> None:
    (one,) = replay(template(), Days(STEADY)).analyses
    assert (one.user, one.called, one.template.name) == (None, "", "cart")


def test_a_run_with_a_template_that_is_missing_is_told() -> None:
    found = replay(rollout(), Days(STEADY))
    assert [one.message for one in found.incomplete] == [
        "Rollout cart: background analysis: its templates are not all known"
    ]


def test_a_metric_that_the_controller_refuses_is_told() -> None:
    found = replay(template(metric(interval="")), Days(STEADY))
    assert [one.message for one in found.incomplete] == [
        "AnalysisTemplate cart: measures nothing: metrics[0]: interval must be specified when count > 1"
    ]


def test_metrics_of_other_providers_are_named_beside_those_that_are_replayed() -> None:
    job = "{name: load, provider: {job: {spec: {template: {}}}}}"
    (analysis,) = replay(template(metric(), job), Days(STEADY)).analyses
    assert [one.why for one in analysis.metrics] == ["", "metrics of job are not replayed"]
    assert analysis.starts is None


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("errors_ratio[5m]", "a range vector cannot be asked for over a time"),
        ("sum(errors_ratio", "the query cannot be parsed"),
        ("max(errors_ratio @ end())", "`@ start()` and `@ end()` mean the ends of what is asked"),
    ],
)
def test_a_query_that_cannot_be_asked_is_told(query: str, why: str) -> None:
    days = Days(STEADY)
    found = only(replay(template(metric(query)), days))
    assert found.why.startswith(why)
    assert (days.asked, found.starts) == ([], None)


def test_a_metric_without_an_interval_starts_every_minute() -> None:
    found = only(replay(template(metric(interval="", count=None)), Days(STEADY)))
    assert found.starts is not None
    assert found.starts.counted == 60


# ---- the new version -----------------------------------------------------------------------------------------------

HASH = "[{name: hash, valueFrom: {podTemplateHashValue: Latest}}]"
OF_HASH = template(metric('max(errors_ratio{rollouts_pod_template_hash="{{args.hash}}"})'), args="[{name: hash}]")


def test_a_pod_template_hash_has_no_history() -> None:
    days = Days(STEADY)
    found = only(replay(OF_HASH + rollout(HASH), days))
    assert (found.why[:8], found.starts, days.asked) == ("no data:", None, [])


def test_as_stable_any_hash_counts() -> None:
    found = only(replay(OF_HASH + rollout(HASH), Days(STEADY), as_stable=True))
    assert found.query == 'max(errors_ratio{rollouts_pod_template_hash=~"[a-z0-9]+"})'
    assert found.rewritten == (
        ('rollouts_pod_template_hash="{{args.hash}}"', 'rollouts_pod_template_hash=~"[a-z0-9]+"'),
    )
    assert shares(found) == {"Successful": 1}


def test_a_hash_within_a_name_is_replaced_there() -> None:
    text = template(metric('max(errors_ratio{pod=~"cart-{{args.hash}}-.*"})'), args="[{name: hash}]")
    found = only(replay(text + rollout(HASH), Days(STEADY), as_stable=True))
    assert found.query == 'max(errors_ratio{pod=~"cart-[a-z0-9]+-.*"})'


def test_a_hash_of_the_command_line_is_a_version_that_had_pods() -> None:
    found = only(replay(OF_HASH + rollout(HASH), Days(STEADY), arguments={"hash": "5d4f"}))
    assert (found.query, found.why) == ('max(errors_ratio{rollouts_pod_template_hash="5d4f"})', "")


CANARY = template(metric('max(errors_ratio{destination_service_name="cart-canary"})'))


def test_the_canary_service_has_no_history() -> None:
    assert only(replay(CANARY + rollout(), Days(STEADY))).why.startswith("no data: the query asks for the new version")


def test_as_stable_the_stable_service_is_asked_about() -> None:
    found = only(replay(CANARY + rollout(), Days(STEADY), as_stable=True))
    assert found.query == 'max(errors_ratio{destination_service_name="cart"})'


def test_a_word_for_the_new_version_becomes_the_one_for_the_old() -> None:
    found = only(replay(template(metric('max(errors_ratio{track="canary"})')), Days(STEADY), as_stable=True))
    assert found.rewritten == (('track="canary"', 'track="stable"'),)


def test_all_but_the_stable_version_is_the_new_one() -> None:
    text = template(metric('max(errors_ratio{version!="stable"})'))
    assert only(replay(text, Days(STEADY))).starts is None
    assert only(replay(text, Days(STEADY), as_stable=True)).query == 'max(errors_ratio{version="stable"})'


def test_what_has_no_certain_counterpart_is_not_guessed() -> None:
    text = template(metric('max(errors_ratio{app="shop-canary"})'))
    found = only(replay(text, Days(STEADY), as_stable=True))
    assert found.why == 'what `app="shop-canary"` is for the stable version is not known'


def test_a_query_for_all_that_serves_is_left_alone() -> None:
    text = template(metric('max(errors_ratio{app="cart",version!="canary"})'))
    assert only(replay(text + rollout(), Days(STEADY), as_stable=True)).rewritten == ()


# ---- what is told --------------------------------------------------------------------------------------------------


def test_a_steady_day_aborts_nothing_and_finds_nothing() -> None:
    found = replay(template(), Days(STEADY))
    assert only(found).false_aborts == 0
    assert (rules(found), found.lost) == ([], False)


def test_failures_that_are_not_tolerated_are_false_aborts() -> None:
    found = only(replay(template(), Days("0.01x30 0.9 0.01x29")))
    assert found.starts is not None
    assert (found.starts.counted, found.false_aborts) == (58, Fraction(3, 58))


def test_a_night_without_traffic_is_an_error_within_forty_seconds() -> None:
    found = only(replay(template(metric(count=1)), Days("0.01x60 _x60 0.01x60")))
    # Starts are ten seconds apart: from 3600 to 7190 each is an error, and those from 7160 on see data in time.
    assert found.starts is not None
    assert shares(found)["Error"] == Fraction(360 - 4, found.starts.counted)


def test_runs_that_pass_without_data_are_told() -> None:
    found = replay(template(metric(condition="len(result) == 0 || result[0] <= 0.05")), Days("0.01x30 _x30"))
    assert only(found).unseen == Fraction(28, 58)
    assert rules(found) == ["RL471"]


def test_runs_that_wait_for_a_person_are_told() -> None:
    text = template(metric(failureCondition="result[0] > 0.5"))
    found = replay(text, Days("0.01x30 0.2x30"))
    assert rules(found) == ["RL472"]


def test_an_endless_metric_is_watched_as_long_as_the_steps_take() -> None:
    found = only(replay(template(metric(count=None)) + rollout(pause="10m"), Days(STEADY)))
    assert found.notes == (
        "it has no end of its own: each run is watched for 10m, as long as the manifests say at least",
    )
    assert shares(found) == {"Running": 1}


def test_an_endless_metric_aborts_within_the_time_of_the_steps() -> None:
    found = only(replay(template(metric(count=None)) + rollout(pause="10m"), Days("0.01x30 0.9 0.01x29")))
    assert found.starts is not None
    assert shares(found)["Failed"] == Fraction(11, found.starts.counted)


def test_a_run_ends_as_the_worst_of_its_metrics() -> None:
    days = Days({"good": STEADY, "bad": "0.01x30 0.9 0.01x29"})
    (analysis,) = replay(template(metric("max(good_ratio)"), metric("max(bad_ratio)", name="bad")), days).analyses
    assert analysis.false_aborts == Fraction(3, 58)


def test_what_is_in_dry_run_aborts_nothing_and_is_still_counted() -> None:
    text = template().replace("spec:\n", "spec:\n  dryRun: [{metricName: errors}]\n")
    found = replay(text, Days("0.9x60"))
    (analysis,) = found.analyses
    assert (analysis.false_aborts, analysis.metrics[0].false_aborts) == (0, 1)
    assert (analysis.metrics[0].dry_run, rules(found)) == (True, [])


def test_gaps_and_shares_of_points_are_told() -> None:
    guarded = metric(condition="len(result) == 0 || result[0] <= 0.05")
    found = only(replay(template(guarded), Days("0.01x30 _x20 NaNx10")))
    assert (found.no_data, found.not_a_number) == (Fraction(20, 60), Fraction(10, 60))
    assert [(gap.start - START, gap.end - START) for gap in found.gaps] == [(1800, 3000)]


def test_the_order_of_several_series_is_not_guessed() -> None:
    found = only(replay(template(metric("errors_ratio")), Days("0.01x60;0.01x59 0.9")))
    assert found.why == "at 1 of 60 points the condition looks at one of several series, and which one is nowhere said"
    assert found.starts is None


def test_a_window_that_is_too_short_is_told() -> None:
    assert only(replay(template(), Days("0.01x2"))).why == "a run takes longer than the window"


# ---- what goes wrong -----------------------------------------------------------------------------------------------


def test_a_failure_loses_only_its_own_metric() -> None:
    days = Days({"bad": Failure("Prometheus answered 422: no"), "good": STEADY})
    found = replay(template(metric("max(good_ratio)"), metric("max(bad_ratio)", name="bad")), days)
    (analysis,) = found.analyses
    assert [(one.why, one.lost) for one in analysis.metrics] == [("", False), ("Prometheus answered 422: no", True)]
    assert shares(analysis.metrics[0]) == {"Successful": 1}
    assert (analysis.starts, found.lost) == (None, True)


def test_names_that_cannot_be_had_are_told_once() -> None:
    found = replay(template(metric(name="a"), metric(name="b")), Days(STEADY, names=Failure("timed out")))
    assert [(one.source, one.message, one.lost) for one in found.incomplete] == [("constructed", "timed out", True)]


def test_more_points_than_anybody_needs_are_not_asked_for() -> None:
    days = Days("0.01x2000")
    found = only(replay(template(metric(interval="10ms")), days))
    assert found.why == "11994001 points of one query are too many: ask for a shorter window"
    assert (found.lost, days.asked) == (True, [])


def test_progress_is_told_after_every_query() -> None:
    told: list[tuple[int, int]] = []
    replay(
        template(metric("max(a_ratio)"), metric("max(b_ratio)", name="b")),
        Days(STEADY),
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(1, 2), (2, 2)]


# ---- names ---------------------------------------------------------------------------------------------------------


def test_a_metric_that_nobody_exports_is_told_with_the_nearest_names() -> None:
    found = replay(template(), Days("_x60", names=["error_ratio", "http_requests_total"]))
    assert [(one.text, one.near, one.what) for one in found.unknown] == [("errors_ratio", ("error_ratio",), "metric")]
    assert "RL473" in rules(found)


def test_a_label_value_that_no_series_has_is_told_with_the_nearest() -> None:
    days = Days("_x60", labels={"app": ["carts", "checkout"]})
    found = replay(template(metric('max(errors_ratio{app="cart"})')), days)
    assert [(one.text, one.near, one.what) for one in found.unknown] == [('app="cart"', ("carts",), "value")]
    assert "RL474" in rules(found)


def test_a_label_that_no_series_has_is_told() -> None:
    found = replay(template(metric('max(errors_ratio{apq="cart"})')), Days("_x60"))
    assert [(one.text, one.what) for one in found.unknown] == [('apq="cart"', "label")]


@pytest.mark.parametrize("matcher", ['app=~"c.*"', 'app=~"cart|other"', 'app!="nothing"', 'app=~".*"', 'app=""'])
def test_a_matcher_that_some_series_meets_is_no_finding(matcher: str) -> None:
    days = Days(STEADY, labels={"app": ["cart"]})
    assert replay(template(metric(f"max(errors_ratio{{{matcher}}})")), days).unknown == ()


def test_a_pattern_that_no_value_matches_is_told() -> None:
    days = Days(STEADY, labels={"app": ["cart"]})
    found = replay(template(metric('max(errors_ratio{app=~"shop.*"})')), days)
    assert [one.text for one in found.unknown] == ['app=~"shop.*"']


def test_a_query_that_is_always_empty_is_told_where_nothing_explains_it() -> None:
    assert rules(replay(template(), Days("_x60"))) == ["RL475"]


# ---- findings ------------------------------------------------------------------------------------------------------


def test_a_finding_stands_at_the_query_and_names_who_runs_it() -> None:
    found = replay({"t.yaml": template(), "r.yaml": rollout().removeprefix("---\n")}, Days("0.9x60"))
    (finding,) = found.findings
    assert (finding.file, finding.path) == ("t.yaml", "spec.metrics[0].provider.prometheus.query")
    assert [(related.file, related.message) for related in finding.related] == [
        ("r.yaml", "run as background analysis")
    ]


def test_a_finding_can_be_suppressed_where_it_stands() -> None:
    text = template().replace("  metrics:", "  # rolloutlint: ignore RL470 -- an outage\n  metrics:")
    assert [f.disposition for f in replay(text, Days("0.9x60")).findings] == ["suppressed"]


def test_a_suppression_of_what_only_the_past_tells_is_not_unused_in_a_lint() -> None:
    text = template().replace("  metrics:", "  # rolloutlint: ignore RL470 -- an outage\n  metrics:")
    assert [rule for rule, *_ in found_by(lint(text, Settings(extend_select=("RL9",))))] == ["RL408"]


@pytest.mark.parametrize("provider", ["x", "[]", "{prometheus: x}", "{prometheus: {query: 5}}", "null"])
def test_a_provider_that_is_none_is_left_to_other_rules(provider: str) -> None:
    text = template().partition("provider:")[0] + f"provider: {provider}}}]\n"
    assert replay(text + rollout(), Days(STEADY)).findings == ()


def test_the_window_is_whole_seconds() -> None:
    found = replay(template(), Days(STEADY))
    assert (found.start, found.end) == (START, START + 59 * 60)
    assert only(found).step == 60 * SECOND
