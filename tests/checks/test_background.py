"""RL334 to RL340: what a background analysis watches, and what it can still stop."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.settings import Settings, Targets, Version
from tests.harness import found, lint

RULES = ("RL334", "RL335", "RL336", "RL338", "RL339", "RL340")
"""RL337 has its own tests: a late start is nearly always one more finding."""

STEPS = "[{setWeight: 20}, {pause: {duration: 5m}}, {setWeight: 50}, {pause: {duration: 10m}}]"
SHORT = "[{setWeight: 20}, {pause: {duration: 15s}}, {setWeight: 50}, {pause: {duration: 15s}}]"
GAP = "failureCondition: 'result[0] < 0.5'"
NGINX = "canaryService: web-canary, stableService: web, trafficRouting: {nginx: {stableIngress: web}}"
INLINE = "{analysis: {templates: [{templateName: smoke}]}}"


def rollout(steps: str = STEPS, analysis: str = "", canary: str = "", spec: str = "replicas: 4") -> str:
    """A canary with a background analysis that runs the template `checks`."""
    background = f"analysis: {{templates: [{{templateName: checks}}]{', ' if analysis else ''}{analysis}}}"
    fields = ", ".join(filter(None, (background, canary, f"steps: {steps}")))
    return f"""\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {{name: web}}
spec:
  selector: {{matchLabels: {{app: web}}}}
  {spec}
  template: {{metadata: {{labels: {{app: web}}}}}}
  strategy: {{canary: {{{fields}}}}}
"""


def metric(fields: str = "interval: 1m", name: str = "success-rate", provider: str = "") -> str:
    source = provider or "{prometheus: {address: 'http://prometheus', query: up}}"
    return f"{{name: {name}, successCondition: 'result[0] > 0.9', {fields}, provider: {source}}}"


def template(*metrics: str, name: str = "checks", spec: str = "") -> str:
    fields = ", ".join(filter(None, (f"metrics: [{', '.join(metrics)}]", spec)))
    return f"""\
---
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {{name: {name}}}
spec: {{{fields}}}
"""


def settings(*, release: str = "1.9", select: tuple[str, ...] = RULES, **more: Any) -> Settings:
    major, minor = map(int, release.split("."))
    return Settings(select=select, targets=Targets(rollouts=Version(major, minor)), **more)


def rules(*documents: str, release: str = "1.9", **more: Any) -> list[str]:
    """The rules of this family that report something, in order."""
    return sorted({rule for rule, _, _ in found(lint("".join(documents), settings(release=release, **more)))})


def words(*documents: str, release: str = "1.9", **more: Any) -> str:
    """The one finding in words: message and consequence."""
    (one,) = lint("".join(documents), settings(release=release, **more)).active
    return f"{one.finding.message}. {one.finding.consequence}"


# ---- RL334 ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ("interval: 1m, count: 5", "complete 4m after its start, the steps last 15m or longer. After 5 measurements"),
        ("interval: 1m, count: 5, initialDelay: 3m", "complete 7m after its start"),
        ("interval: 1m, consecutiveSuccessLimit: 3", "complete 2m after its start"),
        ("failureLimit: 0", "measured once, 0s after the start"),
        ("count: 1", "measured once, 0s after the start"),
        ("count: 1, initialDelay: 2m", "measured once, 2m after the start"),
    ],
)
def test_a_metric_that_is_complete_before_the_pauses_are_over_is_reported(fields: str, said: str) -> None:
    assert said in words(rollout(), template(metric(fields)))


def test_the_steps_that_are_not_guarded_to_their_end_are_listed() -> None:
    said = words(rollout(), template(metric("interval: 2m, count: 4")))
    assert said.endswith("Not guarded to the end: step 4 (50 %).")


def test_a_pause_for_a_person_lasts_longer_than_any_count() -> None:
    steps = "[{setWeight: 20}, {pause: {duration: 1m}}, {setWeight: 50}, {pause: {}}]"
    said = words(rollout(steps), template(metric("interval: 1m, count: 500")))
    assert "a pause waits for a person" in said
    assert said.endswith("step 4 (50 %).")


@pytest.mark.parametrize(
    ("name", "documents"),
    [
        ("no count", (rollout(), template(metric()))),
        ("as long as the steps", (rollout(), template(metric("interval: 1m, count: 16")))),
        ("no room for another measurement", (rollout(), template(metric("interval: 1m, count: 15")))),
        ("a metric without end beside it", (rollout(), template(metric("count: 1"), metric(name="other")))),
        ("a count that is filled in later", (rollout(), template(metric("interval: 1m, count: '${COUNT}'")))),
        ("a template that is not among the inputs", (rollout(),)),
        (
            "no pause after the start",
            (rollout(analysis="startingStep: 3"), template(metric("interval: 20m, count: 1"))),
        ),
        ("a job, whose time nobody knows", (rollout(), template(metric("count: 1", provider="{job: {spec: {}}}")))),
        (
            "no traffic",
            (
                rollout("[{setCanaryScale: {weight: 50}}, {pause: {duration: 5m}}]", canary=NGINX),
                template(metric("count: 1")),
            ),
        ),
    ],
)
def test_a_guard_that_lasts_or_is_not_known_is_left_alone(name: str, documents: tuple[str, ...]) -> None:
    assert rules(*documents) == []


def test_a_count_that_an_argument_gives_counts() -> None:
    arguments = "args: [{name: count, value: '5'}]"
    made = template(metric("interval: 1m, count: '{{args.count}}'"), spec=arguments)
    assert rules(rollout(), made) == ["RL334"]


def test_metrics_in_dry_run_guard_nothing() -> None:
    made = template(metric("count: 1"), metric(name="other"), spec="dryRun: [{metricName: other}]")
    assert rules(rollout(), made) == ["RL334"]


def test_the_finding_points_at_both_sides_and_tells_the_way() -> None:
    (one,) = lint(rollout() + template(metric("interval: 1m, count: 5")), settings()).active
    assert one.path == "spec.strategy.canary.analysis.templates[0].templateName"
    assert [(r.message, r.span.line) for r in one.related] == [
        ("complete after so many", 13),
        ("not guarded to its end", 8),
    ]
    assert [step.message for step in one.trail] == [
        "the background analysis starts with step 1",
        "the next ones 1m apart",
        "complete after 5 measurements",
        "not guarded to its end, at 20 %",
        "the last step: then the new version gets all the traffic",
    ]


# ---- RL335 ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("analysis", "said"),
    [
        ("startingStep: 4", "`startingStep: 4` comes after the last step, which is number 3"),
        ("startingStep: 5", "`startingStep: 5` is beyond the last step, which is number 3"),
    ],
)
def test_a_starting_step_behind_the_last_one_is_reported(analysis: str, said: str) -> None:
    assert said in words(rollout(analysis=analysis), template(metric()))


def test_a_delay_longer_than_the_steps_is_reported() -> None:
    said = words(rollout(analysis="startingStep: 2"), template(metric("interval: 1m, initialDelay: 12m")))
    assert "is first measured 12m after its start, the steps last 10m" in said
    assert "unless new pods take 2m or longer" in said


@pytest.mark.parametrize(
    ("name", "documents"),
    [
        ("at the very end", (rollout(), template(metric("interval: 1m, initialDelay: 15m, consecutiveErrorLimit: 0")))),
        ("one metric measures", (rollout(), template(metric("interval: 1m, initialDelay: 1h"), metric(name="other")))),
        ("a person", (rollout("[{setWeight: 20}, {pause: {}}]"), template(metric("interval: 1m, initialDelay: 1h")))),
        (
            "pods take their time",
            (rollout(spec="minReadySeconds: 600"), template(metric("interval: 1m, initialDelay: 20m"))),
        ),
        (
            "a plugin",
            (
                rollout("[{setWeight: 20}, {plugin: {name: acme/wait}}]"),
                template(metric("interval: 1m, initialDelay: 1h")),
            ),
        ),
        ("a delay that is filled in later", (rollout(), template(metric("interval: 1m, initialDelay: '${DELAY}'")))),
        ("a last step", (rollout(analysis="startingStep: 3"), template(metric()))),
        ("no templates", (rollout().replace("{templateName: checks}", ""), "")),
    ],
)
def test_what_may_be_measured_is_left_alone(name: str, documents: tuple[str, ...]) -> None:
    assert rules(*documents) == []


def test_an_analysis_step_takes_its_time() -> None:
    steps = f"[{{setWeight: 20}}, {{pause: {{duration: 1m}}}}, {INLINE}]"
    inline = template(metric("interval: 1m, count: 10"), name="smoke")
    late = template(metric("interval: 1m, initialDelay: 5m"))
    assert rules(rollout(steps), late, inline) == []
    assert rules(rollout(steps), template(metric("interval: 1m, initialDelay: 11m")), inline) == ["RL335"]
    assert rules(rollout(steps), template(metric("interval: 1m, initialDelay: 11m"))) == []


# ---- RL336 ---------------------------------------------------------------------------------------------------------


def test_too_few_measurements_to_fail_are_reported() -> None:
    said = words(rollout(), template(metric("interval: 5m, failureLimit: 4")))
    assert "needs 20m to fail, the steps last 15m" in said
    assert "It takes 5 failed measurements and there is time for 4 measurements" in said


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("just in time", "interval: 5m, failureLimit: 3, consecutiveErrorLimit: 0"),
        (
            "it never fails",
            "failureCondition: '', successCondition: '', interval: 5m, failureLimit: 9, inconclusiveLimit: 0",
        ),
    ],
)
def test_what_can_fail_in_time_or_never_can_is_left_alone(name: str, fields: str) -> None:
    conditionless = template(metric(fields)).replace("successCondition: 'result[0] > 0.9', ", "")
    assert rules(rollout(), conditionless if "never" in name else template(metric(fields))) == []


def test_one_metric_that_can_fail_is_enough() -> None:
    made = template(metric("interval: 5m, failureLimit: 4"), metric("interval: 1m, failureLimit: 2", name="other"))
    assert rules(rollout(), made) == []


# ---- RL337 ---------------------------------------------------------------------------------------------------------


def test_traffic_before_the_start_is_reported() -> None:
    said = words(rollout(analysis="startingStep: 2"), template(metric()), select=("RL337",))
    assert said.startswith("The new version has up to 20 % of the traffic for 5m before")


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("it starts with the traffic", rollout(analysis="startingStep: 1")),
        (
            "no pods before",
            rollout(
                analysis="startingStep: 1", steps="[{pause: {duration: 5m}}, {setWeight: 5}, {pause: {duration: 1h}}]"
            ),
        ),
        (
            "an analysis step before",
            rollout(
                f"[{{setWeight: 5}}, {{pause: {{duration: 5m}}}}, {INLINE}, {{pause: {{duration: 1h}}}}]",
                "startingStep: 3",
            ),
        ),
        (
            "scaled to nothing",
            rollout(
                "[{setCanaryScale: {replicas: 0}}, {setWeight: 5}, {pause: {duration: 5m}}, {pause: {duration: 1h}}]",
                "startingStep: 3",
                NGINX,
            ),
        ),
    ],
)
def test_a_start_before_which_nothing_is_unguarded_is_left_alone(name: str, made: str) -> None:
    assert rules(made, template(metric()), template(metric("count: 1"), name="smoke"), select=("RL337",)) == []


# ---- RL338 and RL340 -----------------------------------------------------------------------------------------------


def test_before_1_8_a_pause_hides_an_inconclusive_analysis() -> None:
    made = rollout(), template(metric(f"interval: 1m, inconclusiveLimit: 2, {GAP}"))
    assert "can be Inconclusive 2m after its start, during the pause of step 2" in words(*made, release="1.7")
    assert rules(*made) == []


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("one condition", "interval: 1m"),
        ("opposite conditions", "interval: 1m, failureCondition: 'result[0] <= 0.9'"),
        ("not before the end", f"interval: 10m, inconclusiveLimit: 3, {GAP}"),
    ],
)
def test_what_is_not_inconclusive_in_time_is_not_hidden(name: str, fields: str) -> None:
    assert "RL338" not in rules(rollout(), template(metric(fields)), release="1.7")


def test_one_replica_behind_a_router_is_promoted_although_the_analysis_is_inconclusive() -> None:
    made = rollout(canary=NGINX, spec="replicas: 1"), template(metric(f"interval: 1m, {GAP}"))
    assert "no later step needs other pods" in words(*made)
    assert rules(*made, release="1.7") == ["RL338"]


def test_a_fixed_number_of_pods_lets_the_weights_go_on() -> None:
    steps = "[{setCanaryScale: {replicas: 3}}, {setWeight: 20}, {pause: {duration: 5m}}, {setWeight: 50}, {pause: {}}]"
    said = words(rollout(steps, canary=NGINX), template(metric(f"interval: 1m, {GAP}")))
    assert "the traffic rises from 20 % to 50 %" in said


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("more pods with each weight", rollout(canary=NGINX)),
        ("no router", rollout(spec="replicas: 1")),
        ("a person", rollout("[{setWeight: 20}, {pause: {}}]", canary=NGINX, spec="replicas: 1")),
        ("scaled by something else", rollout(canary=NGINX, spec="replicas: '${REPLICAS}'")),
    ],
)
def test_what_needs_other_pods_stops(name: str, made: str) -> None:
    assert rules(made, template(metric(f"interval: 1m, {GAP}"))) == []


# ---- RL339 ---------------------------------------------------------------------------------------------------------


def test_errors_to_the_end_are_no_evidence() -> None:
    said = words(rollout(SHORT), template(metric("interval: 10s")))
    assert (
        "can give nothing but errors until the promotion: the steps last 30s. Errors end the analysis only after 40s"
        in said
    )


def test_inconclusive_measurements_to_the_end_are_no_evidence() -> None:
    said = words(rollout(), template(metric(f"interval: 5m, inconclusiveLimit: 4, {GAP}")))
    assert "inconclusive at every measurement until the promotion" in said
    assert "only after 20m" in said


def test_one_metric_that_asks_for_a_success_is_evidence() -> None:
    lax, firm = metric("interval: 10s"), metric("interval: 10s, consecutiveErrorLimit: 2", name="other")
    assert rules(rollout(SHORT), template(lax, firm)) == []
    assert rules(rollout(SHORT), template(lax, firm, spec="dryRun: [{metricName: other}]")) == ["RL339"]


def test_an_analysis_step_that_asks_for_a_success_is_evidence() -> None:
    steps = SHORT[:-1] + f", {INLINE}]"
    background = template(metric("interval: 10s"))
    assert rules(rollout(steps), background, template(metric("failureLimit: 0"), name="smoke")) == []
    assert rules(rollout(steps), background, template(metric("failureLimit: 1"), name="smoke")) == ["RL339"]


def test_a_metric_that_cannot_fail_in_time_is_told_once() -> None:
    assert rules(rollout(SHORT), template(metric("interval: 20s, failureLimit: 5, consecutiveErrorLimit: 9"))) == [
        "RL336"
    ]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [(3, ""), (4, "The release can be promoted after 3 successful measurements, `min-evidence` asks for 4"), (0, "")],
)
def test_a_policy_asks_for_more(wanted: int, said: str) -> None:
    steps = f"[{{setWeight: 20}}, {INLINE}]"
    inline = template(metric("interval: 1m, count: 5, failureLimit: 2"), name="smoke")
    made = rollout(steps).replace("analysis: {templates: [{templateName: checks}]}, ", "") + inline
    report = lint(made, settings(min_evidence=wanted))
    assert [one.finding.message for one in report.active] == ([said] if said else [])


def test_a_policy_asks_blue_green_too_and_tells_the_way() -> None:
    made = rollout().replace("canary: {", "blueGreen: {activeService: web, ")
    made = made.replace("analysis: {", "prePromotionAnalysis: {").replace(f", steps: {STEPS}", "")
    (one,) = lint(made + template(metric("interval: 1m, count: 2")), settings(min_evidence=3)).active
    assert one.path == "spec.strategy.blueGreen"
    assert [step.message for step in one.trail if "success-rate" in step.message] == [
        "0s: success-rate: Successful",
        "1m: success-rate: Successful",
    ]


def test_a_policy_says_nothing_of_what_is_not_known() -> None:
    assert rules(rollout(), min_evidence=9) == []


def test_a_release_without_an_analysis_has_no_evidence() -> None:
    made = rollout().replace("analysis: {templates: [{templateName: checks}]}, ", "")
    assert words(made, min_evidence=1).startswith("The release can be promoted without a successful measurement")


# ---- malformed -----------------------------------------------------------------------------------------------------

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-3, 9), st.sampled_from(["", "1m", "x", "{{a}}", "checks"]))
KEYS = st.sampled_from(
    [
        "analysis",
        "steps",
        "startingStep",
        "templates",
        "templateName",
        "setWeight",
        "pause",
        "duration",
        "setCanaryScale",
    ]
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)


@given(
    TREES, TREES, st.sampled_from(["count", "interval", "initialDelay", "failureLimit", "inconclusiveLimit"]), SCALARS
)
def test_no_tree_makes_a_rule_raise(steps: object, analysis: object, field: str, value: object) -> None:
    made = yaml.safe_load(rollout())
    made["spec"]["strategy"]["canary"] = {"steps": steps, "analysis": analysis}
    proper = yaml.safe_load(rollout(canary=NGINX, spec="replicas: 1"))
    odd = yaml.safe_load(template(metric(f"interval: 1m, {GAP}"))[4:])
    odd["spec"]["metrics"][0][field] = value
    for release in ("1.7", "1.9"):
        documents = yaml.safe_dump_all([made, proper, odd])
        for wanted in (None, 1):
            assert not lint(
                documents, settings(release=release, select=(*RULES, "RL337"), min_evidence=wanted)
            ).incomplete
