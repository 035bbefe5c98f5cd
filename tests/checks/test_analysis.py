"""RL3: arguments and metrics of analyses, at their edges."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rolloutlint.engine import lint_paths
from rolloutlint.fix import apply_edits
from rolloutlint.result import Report
from rolloutlint.settings import Settings, Targets, Version
from tests.harness import CATALOGUE, found, lint

OURS = ("RL30", "RL310", "RL311", "RL312")
"""The rules of `checks/analysis.py`; those about limits and dry runs have tests of their own."""

FAMILY = Settings(select=OURS)
CORPUS = Path(__file__).parents[3] / "shared" / "corpus"

WEB = "provider: {web: {url: http://x, jsonPath: '{$.ok}'}}"


def template(args: str = "", metrics: str | None = None, name: str = "rate", more: str = "", kind: str = "") -> str:
    """An analysis template in flow style; `metrics` are entries without name and provider."""
    listed = f"name: {name}, {WEB}" if metrics is None else metrics
    return (
        f"apiVersion: argoproj.io/v1alpha1\nkind: {kind or 'AnalysisTemplate'}\nmetadata: {{name: {name}}}\n"
        f"spec: {{args: [{args}], metrics: [{{{listed}}}]{more}}}\n"
    )


def rollout(analysis: str, role: str = "step") -> str:
    """A Rollout with one analysis in flow style."""
    strategy = {
        "step": f"canary: {{steps: [{{setWeight: 20}}, {{analysis: {{{analysis}}}}}]}}",
        "background": f"canary: {{analysis: {{{analysis}}}}}",
        "prePromotion": f"blueGreen: {{activeService: a, prePromotionAnalysis: {{{analysis}}}}}",
        "postPromotion": f"blueGreen: {{activeService: a, postPromotionAnalysis: {{{analysis}}}}}",
        "experiment": f"canary: {{steps: [{{experiment: {{templates: [], analyses: [{{name: a, {analysis}}}]}}}}]}}",
    }[role]
    return (
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: cart}\n"
        f"spec: {{selector: {{matchLabels: {{a: b}}}}, strategy: {{{strategy}}}}}\n"
    )


def report_of(*documents: str, **changes: object) -> Report:
    report = lint("---\n".join(documents), Settings(**{"select": OURS, **changes}))  # type: ignore[arg-type]
    assert not report.lost
    return report


def run(*documents: str, **changes: object) -> list[tuple[str, str]]:
    """(rule, path) of the family's findings in one file."""
    return [(rule, path) for rule, _, path in found(report_of(*documents, **changes))]


USE = "templates: [{templateName: rate}]"
STEP = "spec.strategy.canary.steps[1].analysis"

ARGUMENTS = [
    ("nothing is passed", "{name: x}", USE, "step", [("RL301", f"{STEP}.templates[0].templateName")]),
    ("null args", "{name: x}", f"{USE}, args: null", "step", [("RL301", f"{STEP}.templates[0].templateName")]),
    (
        "another one is passed",
        "{name: ok, value: a}, {name: x}",
        f"{USE}, args: [{{name: ok, value: b}}]",
        "step",
        [("RL301", f"{STEP}.args")],
    ),
    ("a default", "{name: x, value: ''}", USE, "step", []),
    ("a null default", "{name: x, value: null}", USE, "step", [("RL301", f"{STEP}.templates[0].templateName")]),
    ("a secret", "{name: x, valueFrom: {secretKeyRef: {name: s, key: k}}}", USE, "step", []),
    ("it is passed", "{name: x}", f"{USE}, args: [{{name: x, value: a}}]", "step", []),
    (
        "it is passed by reference",
        "{name: x}",
        f"{USE}, args: [{{name: x, valueFrom: {{podTemplateHashValue: Latest}}}}]",
        "step",
        [],
    ),
    ("in the background", "{name: x}", USE, "background", [("RL301", "analysis.templates[0].templateName")]),
    ("before promotion", "{name: x}", USE, "prePromotion", [("RL301", "prePromotionAnalysis.templates[0]")]),
    ("after promotion", "{name: x}", USE, "postPromotion", [("RL301", "postPromotionAnalysis.templates[0]")]),
    ("an experiment is not validated", "{name: x}", "templateName: rate", "experiment", []),
    ("args of the wrong shape", "{name: x}", f"{USE}, args: {{x: a}}", "step", []),
    ("an argument without a name", "{value: x}", USE, "step", []),
    (
        "one that nobody declares",
        "{name: x, value: a}",
        f"{USE}, args: [{{name: x, value: a}}, {{name: z, value: b}}]",
        "step",
        [("RL305", f"{STEP}.args[1].name")],
    ),
    (
        "one that nobody declares, in the background",
        "",
        f"{USE}, args: [{{name: z, value: b}}]",
        "background",
        [("RL305", "analysis.args[0].name")],
    ),
    (
        "one that nobody declares, in an experiment",
        "",
        "templateName: rate, args: [{name: z, value: b}]",
        "experiment",
        [("RL305", "analyses[0].args[0].name")],
    ),
]


@pytest.mark.parametrize(
    "args, analysis, role, expected", [case[1:] for case in ARGUMENTS], ids=[case[0] for case in ARGUMENTS]
)
def test_arguments_between_a_rollout_and_its_template(
    args: str, analysis: str, role: str, expected: list[tuple[str, str]]
) -> None:
    findings = run(template(args), rollout(analysis, role))
    assert [rule for rule, _ in findings] == [rule for rule, _ in expected]
    assert all(path in where for (_, where), (_, path) in zip(findings, expected, strict=True))


def test_a_template_alone_leaves_its_arguments_open() -> None:
    assert run(template("{name: x}", f"name: m, interval: 1m, {WEB}")) == []


def test_one_absent_template_makes_the_arguments_unknown() -> None:
    both = "templates: [{templateName: rate}, {templateName: elsewhere}], args: [{name: z, value: b}]"
    assert run(template("{name: x}"), rollout(both)) == []


def test_a_templated_name_makes_the_arguments_unknown() -> None:
    both = "templates: [{templateName: rate}, {templateName: '${OTHER}'}], args: [{name: z, value: b}]"
    assert run(template("{name: x}"), rollout(both)) == []


def test_another_template_of_the_same_step_supplies_a_value_but_not_in_the_background() -> None:
    both = "templates: [{templateName: rate}, {templateName: base}]"
    documents = (template("{name: x}"), template("{name: x, value: a}", name="base"))
    assert run(*documents, rollout(both)) == []
    assert [r for r, _ in run(*documents, rollout(both, "background"))] == ["RL301"]


def test_a_cluster_template_is_found_by_its_scope_only() -> None:
    cluster = template("{name: x}", kind="ClusterAnalysisTemplate")
    scoped = "templates: [{templateName: rate, clusterScope: true}]"
    assert [r for r, _ in run(cluster, rollout(scoped))] == ["RL301"]
    assert run(cluster, rollout(USE)) == []


def test_a_nested_template_takes_part_with_its_arguments() -> None:
    parent = template(name="rate", more=", templates: [{templateName: child}]")
    child = template("{name: x}", name="child")
    ((rule, path),) = run(parent, child, rollout(USE))
    assert (rule, path) == ("RL301", f"{STEP}.templates[0].templateName")
    assert run(parent, child, rollout(f"{USE}, args: [{{name: x, value: a}}]")) == []


def test_templates_that_nest_each_other_come_to_an_end() -> None:
    one = template("{name: x}", name="rate", more=", templates: [{templateName: other}]")
    other = template("{name: z}", name="other", more=", templates: [{templateName: rate}]")
    assert [r for r, _ in run(one, other, rollout(USE))] == ["RL301", "RL301"]


def test_a_rollout_inside_a_list_is_told_at_its_own_place() -> None:
    items = "\n".join("  " + line for line in rollout(USE).splitlines())
    text = f"apiVersion: v1\nkind: List\nitems:\n-\n{items}\n"
    assert run(template("{name: x}"), text) == [("RL301", f"items[0].{STEP}.templates[0].templateName")]


def test_an_argument_that_a_metric_uses_without_declaring_it_is_dropped_and_missing() -> None:
    passed = rollout(f"{USE}, args: [{{name: service, value: cart}}]")
    report = report_of(template("", f"name: m, successCondition: '{{{{args.service}}}}', {WEB}"), passed)
    dropped, undeclared = sorted(report.active, key=lambda f: f.finding.rule, reverse=True)
    assert (dropped.finding.rule, undeclared.finding.rule) == ("RL305", "RL302")
    assert "uses but does not declare" in dropped.finding.message
    assert undeclared.finding.fix is not None
    assert undeclared.finding.fix.safety == "safe"


def test_a_misspelt_argument_is_one_fault_with_an_unsafe_rename() -> None:
    report = report_of(template("{name: service}"), rollout(f"{USE}, args: [{{name: serivce, value: a}}]"))
    (unresolved,) = (f for f in report.active if f.finding.rule in ("RL301", "RL305"))
    assert unresolved.finding.rule == "RL301"
    assert "`serivce`" in unresolved.finding.message
    assert unresolved.finding.fix is not None
    assert unresolved.finding.fix.safety == "unsafe"


def test_a_misspelt_argument_with_a_default_is_dropped() -> None:
    args = "{name: service, value: b}"
    report = report_of(template(args), rollout(f"{USE}, args: [{{name: serivce, value: a}}]"))
    (dropped,) = (f for f in report.active if f.finding.rule in ("RL301", "RL305"))
    assert dropped.finding.rule == "RL305"
    assert "`service`" in dropped.finding.message
    assert dropped.finding.fix is not None
    assert dropped.finding.fix.safety == "unsafe"


CONDITION = f"name: a, {WEB}}}, {{name: m, successCondition: 'result == {{{{args.x}}}}', {WEB}"
X = ("RL302", "spec.metrics[1].successCondition")

PLACEHOLDERS = [
    ("declared without a value", "{name: x}", CONDITION, []),
    ("declared", "{name: x, value: a}", CONDITION, []),
    ("not declared", "{name: xx, value: a}", CONDITION, [X]),
    ("spaces", "{name: x, value: a}", CONDITION.replace("args.x", " args.x "), []),
    ("args in wrong case", "{name: x, value: a}", CONDITION.replace("args.x", "Args.x"), [X]),
    ("a Go template", "{name: x, value: a}", CONDITION.replace("args.x", ".Values.x"), [X]),
    ("many foreign braces are one fault", "", CONDITION.replace("{{args.x}}", "{{a}} {{b}} {{c}}"), [X]),
    ("one argument twice is one fault", "", CONDITION.replace("{{args.x}}", "{{args.x}} {{args.x}}"), [X]),
    ("braces that stay open", "{name: x, value: a}", CONDITION.replace("}}'", "'"), [X]),
    ("single braces", "", CONDITION.replace("{{args.x}}", "{args.x}"), []),
    ("args of the wrong shape", "x", CONDITION, []),
]


@pytest.mark.parametrize(
    "args, metrics, expected", [case[1:] for case in PLACEHOLDERS], ids=[case[0] for case in PLACEHOLDERS]
)
def test_placeholders_of_a_template(args: str, metrics: str, expected: list[tuple[str, str]]) -> None:
    assert run(template(args, metrics)) == expected


def test_the_finding_stands_at_the_placeholder_itself() -> None:
    text = template("", f"name: m, successCondition: 'result == {{{{args.x}}}}', {WEB}")
    (finding,) = report_of(text).active
    line = text.splitlines()[finding.span.line - 1]
    assert line[finding.span.column - 1 : finding.span.end_column - 1] == "{{args.x}}"


def consequence(*documents: str) -> str:
    (finding,) = (f for f in report_of(*documents).active if f.finding.rule == "RL302")
    return finding.finding.consequence


def test_what_an_undeclared_argument_does_depends_on_its_use() -> None:
    used = template("", f"name: m, successCondition: '{{{{args.x}}}}', {WEB}")
    assert consequence(used).startswith("A Rollout that uses")
    assert "InvalidSpec" in consequence(used, rollout(USE))
    assert "aborts" in consequence(used, rollout(USE, "background"))
    assert "InvalidSpec" in consequence(used, rollout(USE, "background"), rollout(USE).replace("cart", "shop"))


def test_a_second_template_declares_it_for_a_background_analysis_only() -> None:
    used = template("", f"name: m, successCondition: '{{{{args.x}}}}', {WEB}")
    base = template("{name: x, value: a}", name="base")
    both = "templates: [{templateName: rate}, {templateName: base}]"
    assert run(used, base, rollout(both, "background")) == []
    assert [r for r, _ in run(used, base, rollout(both))] == ["RL302"]


def test_a_background_analysis_with_an_absent_template_is_unknown() -> None:
    used = template("", f"name: m, successCondition: '{{{{args.x}}}}', {WEB}")
    both = "templates: [{templateName: rate}, {templateName: elsewhere}]"
    assert run(used, rollout(both, "background")) == []


@pytest.mark.parametrize("written", ["args: [{name: z, value: b}], ", "args: [], ", "args: null, ", ""])
def test_the_fix_declares_the_argument_wherever_args_stand(written: str) -> None:
    text = template("", f"name: m, successCondition: '{{{{args.x}}}}', {WEB}").replace("args: [], ", written)
    (finding,) = lint(text, FAMILY).active
    assert finding.finding.fix is not None
    assert finding.finding.fix.safety == "unsafe"
    assert run(apply_edits(text, finding.edits)) == []


ENDLESS = [
    ("an interval without a count", "interval: 1m", "step", ["interval"]),
    ("before promotion", "interval: 1m", "prePromotion", ["interval"]),
    ("after promotion", "interval: 1m", "postPromotion", ["interval"]),
    ("in the background it ends with the Rollout", "interval: 1m", "background", []),
    ("a null count", "interval: 1m, count: null", "step", ["interval"]),
    ("a count of nothing", "interval: 1m, count: 0", "step", ["count"]),
    ("a count that is no number", "interval: 1m, count: many", "step", ["count"]),
    ("a success limit does not end it", "interval: 1m, consecutiveSuccessLimit: 2", "step", ["interval"]),
    ("a count", "interval: 1m, count: 3", "step", []),
    ("a count in quotes", "interval: 1m, count: '3'", "step", []),
    ("a count from an argument with a default", "interval: 1m, count: '{{args.k}}'", "step", []),
    ("a count from an argument without one", "interval: 1m, count: '{{args.o}}'", "step", ["count"]),
    ("neither: one measurement", "failureLimit: 0", "step", []),
]


@pytest.mark.parametrize("fields, role, expected", [case[1:] for case in ENDLESS], ids=[case[0] for case in ENDLESS])
def test_metrics_that_do_not_end(fields: str, role: str, expected: list[str]) -> None:
    text = template("{name: k, value: '3'}, {name: o}", f"name: a, {WEB}}}, {{name: m, {fields}, {WEB}")
    findings = run(text, rollout(f"{USE}, args: [{{name: o, value: '5'}}]", role))
    assert findings == [("RL303", f"spec.metrics[1].{field}") for field in expected]


def test_a_nested_template_must_end_like_the_one_that_nests_it() -> None:
    parent = template(name="rate", more=", templates: [{templateName: child}]")
    child = template("", f"name: k, interval: 1m, {WEB}", name="child")
    assert run(parent, child, rollout(USE)) == [("RL303", "spec.metrics[0].interval")]
    assert run(parent, child) == []


REJECTED = [
    ("a count without an interval", f"name: m, count: 3, {WEB}", ["metrics[0].count"]),
    ("an interval without a unit", f"name: m, count: 3, interval: '60', {WEB}", ["metrics[0].interval"]),
    ("a delay in days", f"name: m, initialDelay: 1d, {WEB}", ["metrics[0].initialDelay"]),
    ("limits above the count", f"name: m, count: 2, interval: 1m, failureLimit: 3, {WEB}", ["metrics[0].count"]),
    ("a negative limit", f"name: m, inconclusiveLimit: -1, {WEB}", ["metrics[0].inconclusiveLimit"]),
    ("one name twice", f"name: m, {WEB}}}, {{name: k, {WEB}}}, {{name: m, {WEB}", ["metrics[2].name"]),
    ("an empty provider", "name: m, provider: {}", ["metrics[0].provider"]),
    ("a provider without a value", "name: m, provider: {web: null}", ["metrics[0].provider"]),
    ("two providers", "name: m, provider: {web: {url: a}, job: {spec: {}}}", ["metrics[0].provider"]),
    ("no provider is the schema's business", "name: m", []),
    ("so is a misspelt one", "name: m, provider: {prometeus: {}}", []),
    ("a placeholder is not judged", f"name: m, count: '{{{{args.k}}}}', interval: '{{{{args.k}}}}', {WEB}", []),
    ("a metric of the wrong shape", f"name: m, {WEB}}}, null, {{name: k, {WEB}", []),
    ("all is well", f"name: m, count: 3, interval: 1m30s, failureLimit: 1, {WEB}", []),
]


@pytest.mark.parametrize("metrics, expected", [case[1:] for case in REJECTED], ids=[case[0] for case in REJECTED])
def test_metrics_that_the_controller_refuses(metrics: str, expected: list[str]) -> None:
    assert run(template("{name: k, value: '1'}", metrics)) == [("RL304", f"spec.{path}") for path in expected]


def test_limits_are_judged_for_the_targeted_release() -> None:
    text = template("", f"name: m, count: 3, interval: 1m, failureLimit: 2, consecutiveSuccessLimit: 2, {WEB}")
    assert run(text) == [("RL304", "spec.metrics[0].count")]
    assert run(text, targets=Targets(rollouts=Version(1, 7))) == []


def test_a_template_without_metrics_is_refused_unless_another_one_brings_some() -> None:
    empty = "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {name: rate}\nspec: {metrics: []}\n"
    base = template(name="base")
    both = "templates: [{templateName: rate}, {templateName: base}]"
    assert run(empty) == [("RL304", "spec.metrics")]
    assert run(empty, rollout(USE)) == [("RL304", "spec.metrics")]
    assert run(empty, base, rollout(both)) == []
    assert run(empty.replace("metrics: []", "templates: [{templateName: base}]"), base) == []


SECRET = "{name: x, valueFrom: {secretKeyRef: {name: s, key: k}}}"
FIELD = "{name: x, valueFrom: {fieldRef: {fieldPath: metadata.name}}}"
HASH = "{name: x, valueFrom: {podTemplateHashValue: %s}}"
PASSED = [
    ("nothing behind the name", "{name: x, value: a}", "{name: x}", "step", ["RL306"]),
    ("a null value", "{name: x}", "{name: x, value: null}", "background", ["RL306"]),
    ("an empty string on purpose", "{name: x, value: a}", "{name: x, value: ''}", "step", []),
    ("a field of the Rollout", "{name: x}", FIELD, "step", []),
    ("the hash of the new pods", "{name: x}", HASH % "Latest", "step", []),
    ("the hash of no pods", "{name: x}", HASH % "Canary", "background", ["RL307"]),
    ("the hash in wrong case", "{name: x}", HASH % "stable", "prePromotion", ["RL307"]),
    ("a hash that is filled in later", "{name: x}", HASH % "'${HASH}'", "step", []),
    ("a value for a secret", SECRET, "{name: x, value: a}", "step", ["RL309"]),
    ("a value for a secret in the background", SECRET, "{name: x, value: a}", "background", ["RL309"]),
    ("a value for a field reference", FIELD, "{name: x, value: a}", "step", []),
    ("a field reference that stays", FIELD, "", "step", ["RL310"]),
    ("a field reference that stays in the background", FIELD, "", "background", ["RL310"]),
    ("a secret that stays", SECRET, "", "step", []),
    ("two sources", SECRET.replace("{name: x,", "{name: x, value: a,"), "", "step", ["RL308"]),
    ("two sources in the background", SECRET.replace("{name: x,", "{name: x, value: a,"), "", "background", ["RL308"]),
    ("a value beside a field, in the background", FIELD.replace("x,", "x, value: a,"), "", "background", []),
    ("a value and a null source", "{name: x, value: a, valueFrom: null}", "", "step", []),
]


@pytest.mark.parametrize(
    "args, passed, role, expected", [case[1:] for case in PASSED], ids=[case[0] for case in PASSED]
)
def test_where_the_value_of_an_argument_comes_from(args: str, passed: str, role: str, expected: list[str]) -> None:
    first = "{name: first, value: a}"
    findings = run(template(f"{first}, {args}"), rollout(f"{USE}, args: [{first}, {passed}]", role))
    assert [rule for rule, _ in findings] == expected


def test_a_template_that_nobody_uses_is_told_what_would_happen() -> None:
    assert [r for r, _ in run(template(FIELD))] == ["RL310"]
    assert [r for r, _ in run(template(SECRET.replace("x,", "x, value: a,")))] == ["RL308"]


def test_the_default_that_a_blank_argument_replaces_is_named() -> None:
    (finding,) = report_of(template("{name: x, value: blue}"), rollout(f"{USE}, args: [{{name: x}}]")).active
    assert "`blue`" in finding.finding.consequence


def test_a_blank_argument_is_found_when_only_the_second_template_declares_it() -> None:
    both = "templates: [{templateName: base}, {templateName: rate}], args: [{name: x}]"
    base = template(name="base", metrics=f"name: b, {WEB}")
    assert run(base, template("{name: x, value: a}"), rollout(both)) == [("RL306", f"{STEP}.args[0].name")]


PAIRS = [
    ("different values", "value: a", "value: b", "other", ["RL311"]),
    ("equal values", "value: a", "value: a", "other", []),
    ("a value and none", "value: a", "value: null", "other", []),
    ("none and a value", "value: null", "value: a", "other", []),
    ("one metric name", "value: a", "value: a", "rate", ["RL312"]),
    ("both", "value: a", "value: b", "rate", ["RL311", "RL312"]),
]


@pytest.mark.parametrize("role", ["step", "background", "postPromotion"])
@pytest.mark.parametrize("one, two, metric, expected", [case[1:] for case in PAIRS], ids=[case[0] for case in PAIRS])
def test_templates_that_run_together(one: str, two: str, metric: str, expected: list[str], role: str) -> None:
    both = "templates: [{templateName: rate}, {templateName: base}], args: [{name: x, value: c}]"
    documents = (
        template(f"{{name: x, {one}}}"),
        template(f"{{name: x, {two}}}", f"name: {metric}, {WEB}", name="base"),
    )
    assert [rule for rule, _ in run(*documents, rollout(both, role))] == expected
    assert run(*documents) == []


def test_one_template_named_twice_runs_once() -> None:
    twice = "templates: [{templateName: rate}, {templateName: rate}]"
    assert run(template("{name: x, value: a}"), rollout(twice)) == []


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of public manifests is not beside this checkout")
@pytest.mark.parametrize("folder", ["argo-rollouts/lint", "argo-rollouts/examples", "rollouts-demo", "wild"])
def test_public_manifests_that_work_are_left_alone(folder: str) -> None:
    report = lint_paths([os.path.relpath(CORPUS / folder)], FAMILY, CATALOGUE, use_gitignore=False)
    assert report.counts.resources
    assert [(f.finding.rule, f.file, f.path) for f in report.active] == []


SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "rate", "x", "{{args.x}}", "{{", "1m"])
KEYS = st.sampled_from(
    ["name", "value", "valueFrom", "args", "metrics", "templates", "templateName", "count", "interval", "provider"]
)
TREES = st.recursive(SCALARS, lambda t: st.lists(t, max_size=3) | st.dictionaries(KEYS, t, max_size=4), max_leaves=15)
SPECS = st.dictionaries(KEYS, TREES, max_size=4)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SPECS, SPECS, TREES)
def test_no_tree_crashes_the_family(spec: object, analysis: object, background: object) -> None:
    documents = [
        {"kind": "AnalysisTemplate", "metadata": {"name": "rate"}, "spec": spec},
        {
            "kind": "Rollout",
            "metadata": {"name": "cart"},
            "spec": {"strategy": {"canary": {"steps": [{"analysis": analysis}], "analysis": background}}},
        },
    ]
    items = [{"apiVersion": "argoproj.io/v1alpha1", **document} for document in documents]
    assert not lint(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), FAMILY).lost
