"""RL328 to RL333: rules with the same name, and arguments that do not do what they say."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rolloutlint.graph import Layout
from rolloutlint.settings import Settings
from tests.graph.worlds import Built
from tests.harness import found, lint

OURS = tuple(f"RL{n}" for n in range(328, 334))

Found = list[tuple[str, str]]

HARMLESS_STEP = "{setWeight: 20}"
WEB = "interval: 1m, count: 5, successCondition: 'result == 1', provider: {web: {url: 'http://x"


def template(name: str, more: str = "", kind: str = "AnalysisTemplate", query: str = "") -> str:
    """A template with one metric called as itself; `more` is further text of its spec, `query` goes to the metric."""
    return (
        f"apiVersion: argoproj.io/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\n"
        f"spec: {{metrics: [{{name: {name}, {WEB}{query}'}}}}}}]{more}}}\n"
    )


def canary(*analyses: str, background: str = "", metadata: str = "", spec: str = "") -> str:
    """A canary whose steps are a weight and the analyses, each the text inside its braces."""
    steps = ", ".join((HARMLESS_STEP, *(f"{{analysis: {{{each}}}}}" for each in analyses)))
    beside = f"analysis: {{{background}}}, " if background else ""
    return (
        f"apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {{name: cart{metadata}}}\n"
        f"spec: {{{spec}strategy: {{canary: {{{beside}steps: [{steps}]}}}}}}\n"
    )


def blue_green(analysis: str, field: str = "prePromotionAnalysis") -> str:
    return (
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: cart}\n"
        f"spec: {{strategy: {{blueGreen: {{activeService: cart, {field}: {{{analysis}}}}}}}}}\n"
    )


def runs(*names: str, more: str = "", cluster: Sequence[str] = ()) -> str:
    listed = [f"{{templateName: {n}{', clusterScope: true' if n in cluster else ''}}}" for n in names]
    return f"templates: [{', '.join(listed)}]{more}"


def dry(*names: str, field: str = "dryRun") -> str:
    limit = ", limit: 5" if field == "measurementRetention" else ""
    return f", {field}: [{', '.join(f'{{metricName: {name}{limit}}}' for name in names)}]"


def run(*documents: str, layout: Layout | None = None) -> Found:
    """(rule, last part of the path) of the findings in one file."""
    report = lint("---\n".join(documents), Settings(select=OURS), layout)
    assert not report.lost
    return [(rule, path.removeprefix("spec.strategy.").removeprefix("canary.")) for rule, _, path in found(report)]


def test_a_rule_name_twice_in_a_template_is_told_at_the_second() -> None:
    assert run(template("a", dry("other", "a", "a"))) == [("RL328", "spec.dryRun[2].metricName")]


def test_retention_rules_are_held_against_retention_rules_only() -> None:
    both = dry("a") + dry("a", field="measurementRetention")
    assert run(template("a", both)) == []
    twice = dry("a", "a", field="measurementRetention")
    assert run(template("a", twice)) == [("RL328", "spec.measurementRetention[1].metricName")]


def test_names_that_differ_and_select_the_same_are_allowed() -> None:
    assert run(template("a", dry("a", "^a$", "a.*"))) == []


def test_two_templates_of_one_analysis_with_one_rule_name() -> None:
    templates = template("a", dry(".*")), template("b", dry(".*")), template("c")
    assert run(*templates, canary(runs("c", "a", "b"))) == [("RL328", "steps[1].analysis.templates[2].templateName")]
    assert run(*templates, canary(runs("a", "a"), runs("b"))) == []


def test_a_nested_template_with_the_rule_name_of_its_parent() -> None:
    parent = template("a", dry(".*") + ", templates: [{templateName: b}]")
    files = parent, template("b", dry(".*")), canary(runs("a"))
    assert run(*files) == [("RL328", "steps[1].analysis.templates[0].templateName")]


@pytest.mark.parametrize("field", ["prePromotionAnalysis", "postPromotionAnalysis"])
def test_a_promotion_analysis_with_the_rule_name_of_its_template(field: str) -> None:
    files = template("a", dry("a")), blue_green(runs("a", more=dry("x", "a")), field)
    assert run(*files) == [("RL328", f"blueGreen.{field}.dryRun[1].metricName")]


def test_the_consequence_says_whether_validation_sees_it() -> None:
    def told(*documents: str) -> list[str]:
        report = lint("---\n".join(documents), Settings(select=("RL328",)))
        return [f.finding.consequence for f in report.active]

    (step,) = told(template("a", dry("a")), canary(runs("a", more=dry("a"))))
    (background,) = told(template("a", dry("a")), canary(background=runs("a", more=dry("a"))))
    assert "InvalidSpec" in step
    assert "never be created" in background


def test_rules_of_an_analysis_without_templates_never_meet_unless_it_is_a_step() -> None:
    assert run(canary(background="dryRun: [{metricName: a}, {metricName: a}]")) == []
    step = canary("dryRun: [{metricName: a}, {metricName: a}]")
    assert run(step) == [("RL328", "steps[1].analysis.dryRun[1].metricName")]


STEP_RULE = ("RL329", "steps[1].analysis.dryRun[0].metricName")


def test_a_step_rule_with_the_name_of_a_background_rule() -> None:
    files = template("a"), template("b", dry("b"))
    assert run(*files, canary(runs("a", more=dry("b")), background=runs("b"))) == [STEP_RULE]


def test_a_step_rule_with_the_name_of_a_later_step_rule_of_a_template() -> None:
    files = template("a"), template("b", dry("b"))
    assert run(*files, canary(runs("a", more=dry("b")), runs("b"), runs("b"))) == [STEP_RULE]


def test_a_step_rule_that_selects_nothing_elsewhere_is_allowed() -> None:
    files = template("a"), template("b", dry("b"))
    assert run(*files, canary(runs("a", more=dry("a")), background=runs("b"))) == []


def test_rules_that_two_steps_bring_themselves_do_not_meet() -> None:
    step = runs("a", more=dry("a"))
    assert run(template("a"), canary(step, step, background=runs("a", more=dry("a")))) == []


def test_a_rule_that_meets_its_own_template_is_told_once() -> None:
    step = runs("a", more=dry("a"))
    found_ = run(template("a", dry("a")), canary(step, background=runs("a")))
    assert found_ == [("RL328", STEP_RULE[1])]


def test_templates_that_are_not_among_the_inputs_say_nothing() -> None:
    assert run(template("a"), canary(runs("a", more=dry("b")), background=runs("gone"))) == []


def declared(*arguments: str) -> str:
    return f", args: [{', '.join(f'{{{each}}}' for each in arguments)}]"


def test_an_argument_that_no_metric_uses() -> None:
    files = template("a", declared("name: used", "name: spare"), query="{{ args.used }}")
    assert run(files) == [("RL330", "spec.args[1].name")]


def test_an_argument_that_a_template_beside_it_uses_is_used() -> None:
    one, other = template("a", declared("name: x, value: '1'")), template("b", query="{{args.x}}")
    assert run(one, other, canary(background=runs("a", "b"))) == []
    assert run(one, other, canary(background=runs("a"))) == [("RL330", "spec.args[0].name")]


def test_an_argument_that_a_nested_template_uses_is_used() -> None:
    parent = template("a", declared("name: x") + ", templates: [{templateName: b}]")
    assert run(parent, template("b", declared("name: x"), query="{{args.x}}")) == []


@pytest.mark.parametrize(
    "documents",
    [
        (template("a", declared("name: x") + ", templates: [{templateName: gone}]"),),
        (template("a", declared("name: x")), canary(background=runs("a", "gone"))),
        (template("a", declared("name: x"), query="{{{args.x}}}"),),
        (template("a", declared("name: x"), query="{{args.x"),),
        (template("a", declared("name: '{{x}}'")),),
    ],
    ids=["nested-unknown", "beside-unknown", "glued", "unterminated", "templated-name"],
)
def test_an_argument_that_may_be_used_is_not_reported(documents: Sequence[str]) -> None:
    assert run(*documents) == []


SECRET = "name: t, valueFrom: {secretKeyRef: {name: s, key: k}}"
LOST = ("RL331", "steps[1].analysis.templates[1].templateName")


def secret_files(*later: str, kind: str = "AnalysisTemplate") -> tuple[str, ...]:
    use = "{{args.t}}"
    first = template("a", declared(SECRET), kind, query=use)
    return (first, *(template(name, declared(each), query=use) for name, each in zip("bc", later, strict=False)))


@pytest.mark.parametrize("later", ["name: t", "name: t, value: plain", "name: t, value: null"])
def test_a_later_template_takes_the_secret_away(later: str) -> None:
    assert run(*secret_files(later), canary(runs("a", "b"))) == [LOST]


def test_the_secret_stays_where_its_template_is_merged_last() -> None:
    assert run(*secret_files("name: t"), canary(runs("b", "a"))) == []


def test_cluster_scoped_templates_are_merged_last_wherever_they_are_listed() -> None:
    files = secret_files("name: t", kind="ClusterAnalysisTemplate")
    assert run(*files, canary(runs("a", "b", cluster="a"))) == []


def test_the_secret_stays_where_both_read_it_or_a_third_brings_it_back() -> None:
    assert run(*secret_files(SECRET), canary(runs("a", "b"))) == []
    assert run(*secret_files("name: t", SECRET), canary(runs("a", "b", "c"))) == []


def test_nested_templates_are_merged_where_their_parent_stands() -> None:
    parent = template("p", ", templates: [{templateName: b}]")
    files = (*secret_files("name: t"), parent)
    assert run(*files, canary(runs("p", "a"))) == []
    assert run(*files, canary(runs("a", "p"))) == [LOST]


def test_what_is_passed_beside_a_lost_secret_is_not_said_to_be_ignored() -> None:
    files = (*secret_files("name: t"), canary(runs("a", "b", more=declared("name: t, value: x"))))
    report = lint("---\n".join(files), Settings(select=("RL309", "RL331")))
    assert [f.finding.rule for f in report.active] == ["RL331"]
    assert "what the analysis passes" in report.active[0].finding.consequence


def field(path: str, more: str = "") -> str:
    return declared("name: first, value: x", f'name: x, valueFrom: {{fieldRef: {{fieldPath: "{path}"}}{more}}}')


AT = "steps[1].analysis.args[1].valueFrom.fieldRef.fieldPath"


@pytest.mark.parametrize(
    ("metadata", "path"),
    [
        ("", "metadata.labels['team']"),
        (", labels: null", "metadata.labels['team']"),
        (", labels: {other: x}", "metadata.labels['team']"),
        (", labels: {team: x}", "metadata.annotations['team']"),
        (", labels: {shop.example/team: x}", "metadata.labels['team']"),
    ],
)
def test_a_label_that_the_rollout_does_not_have(metadata: str, path: str) -> None:
    assert run(canary(runs("a", more=field(path)), metadata=metadata)) == [("RL332", AT)]


@pytest.mark.parametrize(
    ("metadata", "path"),
    [
        (", labels: {team: x}", "metadata.labels['team']"),
        (", annotations: {Team: x}", "metadata.annotations['Team']"),
        (", labels: '{{ labels }}'", "metadata.labels['team']"),
        (", labels: {'{{x}}': y}", "metadata.labels['team']"),
        ("", "metadata.labels"),
        ("", "metadata.name"),
        ("", "spec.template.metadata.labels['team']"),
        ("", "metadata.labels['team"),
        ("", "metadata.labels['${KEY}']"),
        ("", "metadata.labels['app.kubernetes.io/instance']"),
        ("", "metadata.annotations['rollout.argoproj.io/revision']"),
        ("", "metadata.annotations['argocd.argoproj.io/tracking-id']"),
        ("", "metadata.annotations['meta.helm.sh/release-name']"),
    ],
)
def test_fields_that_are_there_or_may_come_are_silent(metadata: str, path: str) -> None:
    assert run(canary(runs("a", more=field(path)), metadata=metadata)) == []


@pytest.mark.parametrize("kustomize", ["commonLabels: {team: x}", "commonAnnotations: {team: x}"])
def test_labels_that_an_application_adds_are_not_absent(kustomize: str) -> None:
    application = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop}\nspec:\n"
        "  source: {repoURL: 'https://git.example/deploy.git', path: cart%s}\n"
        "  destination: {server: 'https://kubernetes.default.svc', namespace: shop}\n"
    )
    text = canary(runs("a", more=field("metadata.labels['team']")))

    layout = Layout(roots={"app.yaml": ".", "cart/r.yaml": "."}, kustomizations={"cart": frozenset({"cart/r.yaml"})})

    def told(source: str) -> int:
        files = {"app.yaml": application % source, "cart/r.yaml": text}
        return len(lint(files, Settings(select=("RL332",)), layout).active)

    assert told("") == 1
    assert told(f", kustomize: {{{kustomize}}}") == 0


def test_labels_that_a_kustomization_adds_are_not_absent() -> None:
    text = canary(runs("a", more=field("metadata.labels['team']")))
    assert run(text, layout=Layout(overlays={"input.yaml": (Built("prod", patched=(("metadata", "labels"),)),)})) == []
    pods = (("spec", "template"),)
    assert run(text, layout=Layout(overlays={"input.yaml": (Built("prod", patched=pods),)})) == [("RL332", AT)]


def test_a_pod_template_hash_is_read_before_the_label() -> None:
    more = field("metadata.labels['team']", ", podTemplateHashValue: Latest")
    assert run(canary(runs("a", more=more))) == []


def test_labels_of_the_pods_are_named_where_they_were_meant() -> None:
    spec = "template: {metadata: {labels: {team: x}}}, "
    text = canary(runs("a", more=field("metadata.labels['team']")), spec=spec)
    (finding,) = lint(text, Settings(select=("RL332",))).active
    assert "the pods have" in finding.finding.message


INNER = "value: 'http://{{ args.zone }}/'"


def test_a_placeholder_in_the_value_that_an_analysis_passes() -> None:
    passed = declared("name: first, value: x", f"name: url, {INNER}")
    at = ("RL333", "steps[1].analysis.args[1].value")
    assert run(canary(runs("a", more=passed))) == [at]
    assert run(blue_green(runs("a", more=passed))) == [("RL333", "blueGreen.prePromotionAnalysis.args[1].value")]
    assert run(template("a", declared("name: url"), query="{{args.url}}"), canary(runs("a", more=passed))) == [at]


def test_an_argument_that_no_template_takes_is_left_to_another_rule() -> None:
    passed = declared(f"name: url, {INNER}")
    assert run(template("a"), canary(runs("a", more=passed))) == []


def test_a_placeholder_in_a_default_counts_where_the_default_does() -> None:
    one = template("a", declared("name: zone, value: eu", f"name: url, {INNER}"), query="{{args.url}}{{args.zone}}")
    at = ("RL333", "spec.args[1].value")
    assert run(one) == [at]
    assert run(one, canary(runs("a"))) == [at]
    assert run(one, canary(runs("a", more=declared("name: url, value: x")))) == []


@pytest.mark.parametrize("value", ["value: '{{.Values.x}}'", "value: '{{args.x'", "value: 3", "value: null"])
def test_other_braces_and_types_are_left_alone(value: str) -> None:
    assert run(canary(runs("a", more=declared(f"name: url, {value}")))) == []


def test_arguments_of_experiment_steps_have_placeholders_of_their_own() -> None:
    step = "{experiment: {analyses: [{name: a, templateName: a, args: [{name: x, value: '{{args.y}}'}]}]}}"
    assert run(canary().replace(HARMLESS_STEP, step)) == []


def test_a_router_without_steps_is_told_beside_a_background_analysis_too() -> None:
    text = canary(background=runs("a")).replace(
        "steps: [{setWeight: 20}]", "trafficRouting: {nginx: {stableIngress: cart}}"
    )
    report = lint(text, Settings(select=("RL104",)))
    assert [path for _, _, path in found(report)] == ["spec.strategy.canary.trafficRouting.nginx"]


def test_the_same_inside_a_list() -> None:
    items = [template("a", dry("a", "a"))]
    listed = "apiVersion: v1\nkind: List\nitems:\n" + "".join(
        "- " + each.replace("\n", "\n  ").rstrip() + "\n" for each in items
    )
    assert run(listed) == [("RL328", "items[0].spec.dryRun[1].metricName")]


LEAF = st.none() | st.booleans() | st.integers() | st.sampled_from(["", "a", "{{args.a}}", "metadata.labels['a']"])
KEYS = st.sampled_from(
    [
        *("args", "name", "value", "valueFrom", "fieldRef", "fieldPath", "secretKeyRef", "metrics", "dryRun"),
        *("metricName", "templates", "templateName", "measurementRetention"),
    ]
)
TREE = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(analysis=TREE, spec=TREE)
def test_malformed_trees_never_crash(analysis: object, spec: object) -> None:
    base = {"apiVersion": "argoproj.io/v1alpha1", "metadata": {"name": "a"}}
    rollout = {"strategy": {"canary": {"analysis": analysis, "steps": [{"analysis": analysis}]}}}
    text = json.dumps(base | {"kind": "AnalysisTemplate", "spec": spec})
    text += "\n---\n" + json.dumps(base | {"kind": "Rollout", "spec": rollout})
    assert not lint(text, Settings(select=OURS)).lost
