"""RL0: broken files, fields, types, kinds and versions, at their edges."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rolloutlint.engine import lint_paths
from rolloutlint.fix import apply_edits
from rolloutlint.settings import Settings, Targets, Version
from tests.harness import CATALOGUE, found, lint

FILES = Settings(select=("RL0",))
CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "argo-rollouts"


def run(text: str | bytes | dict[str, str], **changes: object) -> list[tuple[str, int, str]]:
    """(rule, line, path) of the family's findings."""
    files = {"input.yaml": text} if isinstance(text, (str, bytes)) else text
    report = lint(files, Settings(**{"select": ("RL0",), **changes}))  # type: ignore[arg-type]
    assert not any(i.reason == "rule-crashed" for i in report.incomplete)
    return found(report)


def fixed(text: str, *, unsafe: bool = False) -> str:
    """`text` after the fixes of the family."""
    findings = [f for f in lint(text, FILES).active if f.finding.fix]
    safe = [f for f in findings if unsafe or (f.finding.fix and f.finding.fix.safety == "safe")]
    return apply_edits(text, [edit for f in safe for edit in f.edits])


def rollout(spec: str, metadata: str = "name: cart") -> str:
    """A Rollout with flow-style `spec` on line 4."""
    return f"apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {{{metadata}}}\nspec: {{{spec}}}\n"


def template(metric: str, spec: str = "") -> str:
    """An AnalysisTemplate whose one metric ends with flow entries."""
    provider = "name: m, provider: {web: {url: http://x, jsonPath: '{$.ok}'}}"
    return (
        "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {name: t}\n"
        f"spec: {{metrics: [{{{provider}{metric}}}]{spec}}}\n"
    )


BROKEN = [
    ("a mapping inside a line", "kind: A\napiVersion: v1\nmetadata: a: b\n", [("RL001", 3)]),
    ("a tab", "kind: A\nmetadata:\n\tname: a\n", [("RL001", 3)]),
    ("an alias without its anchor", "kind: A\nmetadata: *nowhere\n", [("RL001", 2)]),
    ("a tag that does not fit", "apiVersion: v1\nkind: A\nspec: !!int abc\n", [("RL001", 3)]),
    ("a null key", "apiVersion: v1\nkind: A\nspec:\n  null: 1\n", [("RL012", 4)]),
    ("a placeholder without quotes", "apiVersion: v1\nkind: A\nspec: {{args.x}}\n", [("RL012", 3)]),
    ("infinity", "apiVersion: v1\nkind: A\nspec: .inf\n", [("RL012", 3)]),
    ("an anchor around its alias", "apiVersion: v1\nkind: A\nspec: &a [*a]\n", [("RL009", 3)]),
    ("too deep", "apiVersion: v1\nkind: A\nspec: " + "[" * 250 + "]" * 250 + "\n", [("RL009", 3)]),
    ("a key twice", "apiVersion: v1\nkind: A\nspec: {a: 1, b: 2, a: 3}\n", [("RL002", 3)]),
    ("three times", "apiVersion: v1\nkind: A\nspec:\n  a: 1\n  a: 2\n  a: 3\n", [("RL002", 5), ("RL002", 6)]),
    ("a key twice in two spellings", "apiVersion: v1\nkind: A\nspec:\n  true: 1\n  yes: 2\n", [("RL002", 5)]),
    ("only the second document", "apiVersion: v1\nkind: A\n---\nkind: B\na: b: c\n", [("RL001", 5)]),
    ("no Kubernetes object", "a: 1\na: 2\n", []),
    ("broken text that is no object", "a: b: c\n", []),
    ("a key twice in two list items", "apiVersion: v1\nkind: A\nspec: [{a: 1}, {a: 1}]\n", []),
    ("an alias outside its anchor", "apiVersion: v1\nkind: A\nspec: {a: &a {x: 1}, b: *a}\n", []),
    ("a key that a merge brings again", "apiVersion: v1\nkind: A\nspec: {a: &a {x: 1}, b: {x: 2, <<: *a}}\n", []),
]


@pytest.mark.parametrize("text, expected", [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_what_cannot_be_loaded_is_told_where_it_stands(text: str, expected: list[tuple[str, int]]) -> None:
    assert [(rule, line) for rule, line, _ in run(text)] == expected


def test_a_duplicate_key_names_the_place_of_the_first() -> None:
    (finding,) = lint("apiVersion: v1\nkind: A\nspec:\n  a: 1\n  a: 2\n", FILES).active
    assert "`a`" in finding.finding.message
    assert [r.span.line for r in finding.related] == [4]


def test_bytes_of_another_encoding_and_binary_files_are_told() -> None:
    assert run("apiVersion: v1\nkind: Ä\n".encode("latin-1")) == [("RL011", 2, "")]
    assert run(b"\x7fELF\x00\xff\xfe") == [("RL011", 1, "")]
    assert run("apiVersion: v1\nkind: Ä\n".encode("utf-16")) == []


UNKNOWN = [
    ("a misspelt field", "replica: 3, strategy: {canary: {}}", "RL003", "spec.replica"),
    ("a field of the other strategy", "strategy: {canary: {previewService: a}}", "RL003", "spec.strategy.canary"),
    ("a field at the wrong level", "strategy: {canary: {}, steps: []}", "RL003", "spec.strategy.steps"),
    ("a field nobody knows", "strategy: {canary: {quux: 1}}", "RL003", "spec.strategy.canary.quux"),
    ("a field in the second step", "strategy: {canary: {steps: [{setWeight: 1}, {weigth: 2}]}}", "RL003", "steps[1]"),
    ("a null unknown field", "strategy: {canary: {quux: null}}", "RL003", "spec.strategy.canary.quux"),
    ("text for an integer", "replicas: '3'", "RL004", "spec.replicas"),
    ("a mapping for a list", "strategy: {canary: {steps: {setWeight: 20}}}", "RL004", "spec.strategy.canary.steps"),
    ("a list for a mapping", "strategy: [{canary: {}}]", "RL004", "spec.strategy"),
    ("a null list item", "strategy: {canary: {steps: [null]}}", "RL004", "spec.strategy.canary.steps[0]"),
]


@pytest.mark.parametrize("spec, rule, path", [case[1:] for case in UNKNOWN], ids=[case[0] for case in UNKNOWN])
def test_fields_and_types_of_a_rollout(spec: str, rule: str, path: str) -> None:
    ((found_rule, line, found_path),) = run(rollout(spec))
    assert (found_rule, line) == (rule, 4)
    assert path in found_path


VALID = [
    ("a generated manifest", rollout("strategy: {canary: {}}", "name: cart, creationTimestamp: null")),
    ("a strategy without a value", rollout("strategy: {canary: null}")),
    ("a pause in seconds or text", rollout("strategy: {canary: {steps: [{pause: {duration: 5}}, {pause: {}}]}}")),
    ("a count from an argument", template(", count: '{{args.count}}', interval: 1m")),
    ("a foreign kind of that name", "apiVersion: rollouts.example/v7\nkind: Rollout\nspec: {quux: 1}\n"),
    ("a kind without a schema", "apiVersion: v1\nkind: Namespace\nspec: {quux: 1}\n"),
    ("strings in metadata", rollout("replicas: 1", 'name: cart, labels: {version: "1.10", on: "yes"}')),
    ("a null annotation", rollout("replicas: 1", "name: cart, annotations: {note: null}")),
    ("numbers elsewhere", "apiVersion: v1\nkind: A\nmetadata: {generation: 3}\nspec: {labels: {a: 1}}\n"),
]


@pytest.mark.parametrize("text", [case[1] for case in VALID], ids=[case[0] for case in VALID])
def test_what_the_api_server_accepts_is_left_alone(text: str) -> None:
    assert run(text) == []


def test_an_unknown_field_hides_what_stands_below_it() -> None:
    assert [p for _, _, p in run(rollout("strategy: {canarry: {quux: {quux: [1, 2, {a: b}]}}}"))] == [
        "spec.strategy.canarry"
    ]


def test_a_fault_inside_a_list_is_found_at_its_own_place() -> None:
    items = "\n".join("  " + line for line in rollout("replica: 3").splitlines())
    text = f"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n-\n{items}\n"
    assert run(text) == [("RL003", 10, "items[1].spec.replica")]


def test_a_field_of_the_other_strategy_is_said_to_be_one() -> None:
    (finding,) = lint(rollout("strategy: {canary: {autoPromotionEnabled: false}}"), FILES).active
    assert "`spec.strategy.blueGreen`" in finding.finding.message
    (finding,) = lint(rollout("strategy: {blueGreen: {activeService: a, maxSurge: 1}}"), FILES).active
    assert "`spec.strategy.canary`" in finding.finding.message


def test_a_misspelt_required_field_is_one_finding() -> None:
    text = "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {name: t}\nspec: {metrics: [{nam: m, "
    text += "provider: {web: {url: http://x}}}]}\n"
    (finding,) = lint(text, FILES).active
    assert finding.finding.rule == "RL003"
    assert "refuses" in finding.finding.consequence


def test_a_rename_in_spelling_only_is_safe_and_any_other_is_not() -> None:
    assert "failureLimit: 2" in fixed(template(", failure-limit: 2"))
    assert "failureLimit" not in fixed(template(", failurLimit: 2"))
    assert "failureLimit: 2" in fixed(template(", failurLimit: 2"), unsafe=True)


def test_no_rename_is_offered_where_the_right_name_is_there() -> None:
    (finding,) = lint(template(", failurelimit: 2, failureLimit: 3"), FILES).active
    assert finding.finding.fix is None
    assert "beside" in finding.finding.message


def test_quotes_go_from_exact_integers_and_booleans_only() -> None:
    assert "replicas: 3," in fixed(rollout("replicas: '3', paused: 'true'"))
    assert "paused: true" in fixed(rollout("replicas: '3', paused: 'true'"))
    for value in ("'3.0'", "'0x3'", "'03'", "' 3'", "three", "'{{r}}'"):
        assert fixed(rollout(f"replicas: {value}")) == rollout(f"replicas: {value}")


def test_a_number_in_an_environment_variable_is_quoted_as_it_is_written() -> None:
    spec = "template: {spec: {containers: [{name: a, image: a, env: [{name: P, value: 0x1F}, {name: Q, value: yes}]}]}}"
    assert fixed(rollout(spec)) == rollout(spec.replace("0x1F", "'0x1F'").replace("value: yes", "value: 'yes'"))


def test_a_number_for_a_duration_has_no_fix() -> None:
    text = template(", interval: 60")
    assert [r for r, _, _ in run(text)] == ["RL004"]
    assert fixed(text) == text


MISSING = [
    ("no spec", "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: a}\n", 1, ""),
    ("an empty step analysis argument", rollout("strategy: {canary: {analysis: {args: [{value: a}]}}}"), 4, "args[0]"),
    ("a null name", rollout("strategy: {canary: {analysis: {args: [{name: null}]}}}"), 4, "args[0].name"),
]


@pytest.mark.parametrize("text, line, path", [case[1:] for case in MISSING], ids=[case[0] for case in MISSING])
def test_a_required_field_is_missed_at_its_parent_or_at_the_null(text: str, line: int, path: str) -> None:
    ((rule, found_line, found_path),) = run(text)
    assert (rule, found_line) == ("RL005", line)
    assert found_path.endswith(path)


def test_what_kubectl_prints_of_a_pod_template_loses_nothing() -> None:
    assert run(rollout("template: {metadata: {creationTimestamp: null}, spec: {containers: [{name: c}]}}")) == []


def test_what_a_test_expects_of_an_object_is_not_missing_anything() -> None:
    assertion = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: a}\nstatus: {phase: Healthy}\n"
    assert run(assertion) == []


def test_an_empty_status_does_not_make_an_assertion() -> None:
    scaffold = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: a}\nstatus: {}\n"
    assert [rule for rule, _, _ in run(scaffold)] == ["RL005"]


VERSIONS = [
    ("a version that never was", "argoproj.io/v1", "Rollout", "argoproj.io/v1alpha1", "Rollout", "safe"),
    ("a misspelt group", "argoprj.io/v1alpha1", "AnalysisTemplate", "argoproj.io/v1alpha1", "AnalysisTemplate", "safe"),
    ("the group of another kind", "apps/v1", "Rollout", "argoproj.io/v1alpha1", "Rollout", "safe"),
    ("a kind in lower case", "argoproj.io/v1alpha1", "rollout", "argoproj.io/v1alpha1", "Rollout", "safe"),
    ("both", "argoproj.io/v1", "rollout", "argoproj.io/v1alpha1", "Rollout", "safe"),
    ("one of several versions", "autoscaling/v3", "HorizontalPodAutoscaler", "autoscaling/v2", "", "unsafe"),
]


@pytest.mark.parametrize(
    "version, kind, right, right_kind, safety", [case[1:] for case in VERSIONS], ids=[case[0] for case in VERSIONS]
)
def test_an_unserved_kind_is_one_finding_with_a_fix(
    version: str, kind: str, right: str, right_kind: str, safety: str
) -> None:
    text = f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\nspec: {{}}\n"
    (finding,) = lint(text, FILES).active
    assert finding.finding.rule == "RL006"
    assert finding.finding.fix is not None
    assert finding.finding.fix.safety == safety
    assert fixed(text, unsafe=True).startswith(f"apiVersion: {right}\nkind: {right_kind or kind}\n")


LABELS = [
    ("an integer", "annotations: {a: b, wave: 2}", ["metadata.annotations.wave"], "wave: '2'"),
    ("an octal number", "annotations: {mode: 0755}", ["metadata.annotations.mode"], "mode: '0755'"),
    ("a float", "labels: {version: 1.10}", ["metadata.labels.version"], "version: '1.10'"),
    ("a boolean of YAML 1.1", "labels: {public: on}", ["metadata.labels.public"], "public: 'on'"),
    ("a list", "annotations: {owners: [a, b]}", ["metadata.annotations.owners"], "owners: [a, b]"),
    ("labels of the wrong shape are the schema's", "labels: [a]", [], "labels: [a]"),
]


@pytest.mark.parametrize("metadata, paths, after", [case[1:] for case in LABELS], ids=[case[0] for case in LABELS])
def test_metadata_of_any_kind_holds_strings(metadata: str, paths: list[str], after: str) -> None:
    text = f"apiVersion: example.com/v1\nkind: Thing\nmetadata: {{name: a, {metadata}}}\n"
    assert [(r, p) for r, _, p in run(text)] == [("RL007", p) for p in paths]
    assert after in fixed(text)


def test_a_label_of_the_pods_is_one_finding_for_workloads_and_none_for_strangers() -> None:
    spec = "template: {metadata: {labels: {version: 2}}}"
    assert [(r, p) for r, _, p in run(rollout(spec))] == [("RL007", "spec.template.metadata.labels.version")]
    assert run(f"apiVersion: example.com/v1\nkind: Thing\nspec: {{{spec}}}\n") == []


def test_a_field_is_too_new_only_for_the_releases_before_it() -> None:
    text = template(", consecutiveSuccessLimit: 2")
    assert [r for r, _, _ in run(text, targets=Targets(rollouts=Version(1, 7)))] == ["RL008"]
    assert run(text, targets=Targets(rollouts=Version(1, 8))) == []


def test_a_value_outside_the_schema_is_told_at_the_value() -> None:
    text = (
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a}\n"
        "spec:\n  host: a\n  trafficPolicy:\n    loadBalancer:\n      simple: FASTEST\n"
    )
    assert run(text) == [("RL010", 8, "spec.trafficPolicy.loadBalancer.simple")]


def test_two_fields_of_which_one_may_be_set_are_told_at_their_mapping() -> None:
    balancer = "{simple: RANDOM, consistentHash: {useSourceIp: true}}"
    text = (
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a}\n"
        f"spec: {{host: a, trafficPolicy: {{loadBalancer: {balancer}}}}}\n"
    )
    (finding,) = lint(text, FILES).active
    assert finding.finding.rule == "RL010"
    assert "`simple` and `consistentHash`" in finding.finding.message


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of public manifests is not beside this checkout")
def test_valid_manifests_of_argo_rollouts_are_accepted() -> None:
    files = [str(f) for f in sorted((CORPUS / "lint").glob("valid*.y*ml"))]
    assert files
    report = lint_paths([os.path.relpath(f) for f in files], FILES, CATALOGUE, use_gitignore=False)
    # Upstream's lint reads the backends of an Ingress and nothing else; the API server requires a `pathType`.
    refused = {("RL005", "valid-ingress-smi-multi.yml", f"spec.rules[{rule}].http.paths[0]") for rule in (0, 1)}
    assert {(f.finding.rule, os.path.basename(f.file), f.path) for f in report.active} == refused


SCALARS = st.none() | st.booleans() | st.integers(-5, 500) | st.sampled_from(["", "a", "{{args.x}}", "10%", "5m"])
KEYS = st.sampled_from(
    ["metadata", "labels", "annotations", "spec", "strategy", "canary", "steps", "template", "args", "metrics", "x y"]
)
TREES = st.recursive(SCALARS, lambda t: st.lists(t, max_size=3) | st.dictionaries(KEYS, t, max_size=4), max_leaves=20)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(["Rollout", "AnalysisTemplate", "Application"]), st.dictionaries(KEYS, TREES, max_size=5))
def test_no_tree_crashes_the_family(kind: str, tree: dict[str, object]) -> None:
    text = json.dumps({"apiVersion": "argoproj.io/v1alpha1", "kind": kind, **tree})
    assert not lint(text, FILES).lost
