"""RL1: steps, weights, pauses and blue-green, at their edges."""

from __future__ import annotations

import json
import os
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rolloutlint.controllers.pause import meant_duration
from rolloutlint.controllers.sync_waves import hooks, is_hook, wave
from rolloutlint.engine import lint_paths
from rolloutlint.settings import Settings, Targets, Version
from tests.harness import CATALOGUE, found, lint

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "argo-rollouts"
STRATEGY = tuple(f"RL10{number}" for number in range(1, 9))


def rollout(canary: str = "", spec: str = "", blue_green: str = "", name: str = "cart") -> str:
    """A Rollout with flow-style YAML under `canary` or `blueGreen`, and further flow entries of `spec`."""
    strategy = f"canary: {{{canary}}}" if not blue_green else f"blueGreen: {{{blue_green}}}"
    return f"""apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {{name: {name}}}
spec:
  strategy: {{{strategy}}}
  selector: {{matchLabels: {{app: cart}}}}
  template:
    metadata: {{labels: {{app: cart}}}}
    spec: {{containers: [{{name: cart, image: cart}}]}}
{spec}"""


def paths(text: str | dict[str, str], rule: str = "", **changes: object) -> list[tuple[str, str]]:
    """(rule, path below `spec.strategy`) of the findings of the family, or of one rule of it."""
    report = lint(text, Settings(select=(rule,) if rule else STRATEGY, **changes))  # type: ignore[arg-type]
    assert not report.lost
    return [(r, p.removeprefix("spec.strategy.")) for r, _, p in found(report)]


def steps(text: str) -> str:
    return f"steps: [{text}]"


PAUSES = [
    ("a pause first in the list", "pause: {}}, {setWeight: 20", [("RL101", "canary.steps[0].pause")]),
    ("a null duration", "setWeight: 20}, {pause: {duration: null}", [("RL101", "canary.steps[1].pause.duration")]),
    ("a null pause is no step", "setWeight: 20}, {pause: null}, {pause: {duration: 5m}", []),
    ("seconds", "setWeight: 20}, {pause: {duration: 300}", []),
    ("seconds in quotes", "setWeight: 20}, {pause: {duration: '300'}", []),
    ("a fraction of an hour", "setWeight: 20}, {pause: {duration: 1.5h}", []),
    ("days", "setWeight: 20}, {pause: {duration: 1d}", [("RL102", "canary.steps[1].pause.duration")]),
    ("nothing in quotes", "setWeight: 20}, {pause: {duration: ''}", [("RL102", "canary.steps[1].pause.duration")]),
    ("an exponent", "setWeight: 20}, {pause: {duration: '1e3'}", [("RL102", "canary.steps[1].pause.duration")]),
    ("a negative number", "setWeight: 20}, {pause: {duration: -1}", [("RL102", "canary.steps[1].pause.duration")]),
    ("a negative duration", "setWeight: 20}, {pause: {duration: -5m}", [("RL102", "canary.steps[1].pause.duration")]),
    ("a wrong type", "setWeight: 20}, {pause: {duration: 1.5}", []),
    ("a wrong type again", "setWeight: 20}, {pause: {duration: [5m]}", []),
    ("a value filled in later", "setWeight: 20}, {pause: {duration: '${PAUSE}'}", []),
    ("a pause that is no mapping", "setWeight: 20}, {pause: 5m", []),
    (
        "milliseconds",
        "setWeight: 20}, {pause: {duration: 999ms}}, {pause: {duration: 1s}",
        [("RL103", "canary.steps[1].pause.duration")],
    ),
    ("zero in quotes", "pause: {duration: '0'}}, {pause: {duration: 1}", [("RL103", "canary.steps[0].pause.duration")]),
]


@pytest.mark.parametrize(("case", "text", "expected"), PAUSES, ids=[p[0] for p in PAUSES])
def test_each_pause_is_read_as_the_controller_reads_it(case: str, text: str, expected: list[tuple[str, str]]) -> None:
    assert paths(rollout(steps(f"{{{text}}}"))) == expected


def test_steps_written_under_both_strategies_are_left_to_the_rule_about_that() -> None:
    text = rollout("steps: [{pause: {}}]").replace("strategy: {", "strategy: {blueGreen: {activeService: a}, ")
    assert paths(text) == []


def test_steps_under_blue_green_are_no_steps() -> None:
    assert paths(rollout(blue_green="autoPromotionEnabled: false, steps: [{pause: {}}]")) == []


def test_a_fault_inside_a_list_is_found_where_it_stands() -> None:
    body = "".join(f"    {line}\n" for line in rollout("steps: [{pause: {}}]").splitlines())
    harmless = "  - {apiVersion: v1, kind: ConfigMap, metadata: {name: first}}\n"
    text = "apiVersion: v1\nkind: List\nitems:\n" + harmless + "  -\n" + body
    report = lint(text, Settings(select=STRATEGY))
    assert found(report) == [("RL101", 10, "items[1].spec.strategy.canary.steps[0].pause")]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1d", "24h"),
        ("5 m", "5m"),
        (" 5m", "5m"),
        ("10min", "10m"),
        ("90 seconds", "1m30s"),
        ("1d12h", "36h"),
        ("2 weeks", "336h"),
        ("5M", None),
        ("soon", None),
        ("", None),
        ("1.5d", None),
        ("-1d", None),
        ("1d?", None),
        ("3mo", None),
    ],
)
def test_a_duration_is_suggested_only_where_no_other_can_be_meant(written: str, meant: str | None) -> None:
    assert meant_duration(written) == meant


def share_of(canary: str, spec: str = "", others: str = "") -> str:
    report = lint(rollout(canary, spec) + others, Settings(select=("RL101",)))
    (finding,) = report.active
    return finding.finding.consequence.removeprefix("The Rollout stays at ").split(" until")[0]


HPA = """
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: cart}
spec: {scaleTargetRef: {apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: %s}, maxReplicas: 9}
"""
ROUTER = "trafficRouting: {nginx: {stableIngress: cart}}, "


@pytest.mark.parametrize(
    ("canary", "spec", "others", "share"),
    [
        ("steps: [{setWeight: 5}, {pause: {}}]", "  replicas: 3", "", "25 %"),
        ("steps: [{setWeight: 5}, {pause: {}}]", "", "", "about 5 %"),
        ("steps: [{setWeight: 5}, {pause: {}}]", "  replicas: 3", HPA % "cart", "about 5 %"),
        ("steps: [{setWeight: 5}, {pause: {}}]", "  replicas: 3", HPA % "basket", "25 %"),
        (ROUTER + "steps: [{setWeight: 5}, {pause: {}}]", "  replicas: 3", "", "5 %"),
        (ROUTER + "steps: [{pause: {}}]", "", "", "0 %"),
        (ROUTER + "steps: [{setWeight: '5'}, {pause: {}}]", "", "", "its weight"),
        (
            ROUTER.replace("cart}", "cart}, maxTrafficWeight: 1000") + "steps: [{setWeight: 5}, {pause: {}}]",
            "",
            "",
            "0.5 %",
        ),
    ],
)
def test_the_share_in_a_finding_is_the_real_one(canary: str, spec: str, others: str, share: str) -> None:
    assert share_of(canary, spec, others) == share


HEADER = "setHeaderRoute: {name: beta, match: [{headerName: beta, headerValue: {exact: y}}]}"


@pytest.mark.parametrize(
    ("before", "share"),
    [
        (f"{{setWeight: 5}}, {{{HEADER}}}", "5 % plus what its header routes match"),
        (f"{{setCanaryScale: {{weight: 5}}}}, {{{HEADER}}}", "0 % plus what its header routes match"),
        (f"{{{HEADER}}}", "0 %"),  # without pods the controller removes the route
        (f"{{setWeight: 5}}, {{{HEADER}}}, {{setHeaderRoute: {{name: beta}}}}", "5 %"),
        (
            f"{{setWeight: 5}}, {{{HEADER}}}, {{setHeaderRoute: {{name: other}}}}",
            "5 % plus what its header routes match",
        ),
        ("{setWeight: 5}, {setHeaderRoute: [beta]}", "5 %"),
    ],
)
def test_header_routes_come_on_top_of_the_weight(before: str, share: str) -> None:
    router = "trafficRouting: {managedRoutes: [{name: beta}, {name: other}], istio: {virtualService: {name: cart}}}"
    assert share_of(f"{router}, canaryService: c, stableService: s, steps: [{before}, {{pause: {{}}}}]") == share


def application(options: str = "") -> str:
    return f"""apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: shop}}
spec:
  source: {{repoURL: https://git.example/deploy.git, path: cart}}
  destination: {{server: https://kubernetes.default.svc, namespace: shop}}
  syncPolicy: {{syncOptions: [{options}]}}
"""


def job(annotations: str) -> str:
    return f"apiVersion: batch/v1\nkind: Job\nmetadata: {{name: later, annotations: {{{annotations}}}}}\n"


@pytest.mark.parametrize(
    ("options", "annotations", "consequence"),
    [
        ("", "argocd.argoproj.io/hook: PostSync", "Job `later` waits for it"),
        ("", "argocd.argoproj.io/sync-wave: '1'", "Job `later` waits for it"),
        ("", "helm.sh/hook: 'pre-install,post-upgrade'", "Job `later` waits for it"),
        ("ApplyOutOfSyncOnly=true", "argocd.argoproj.io/hook: PostSync", "Job `later` waits for it"),
        ("ApplyOutOfSyncOnly=true", "argocd.argoproj.io/sync-wave: '1'", "Suspended"),
        ("", "argocd.argoproj.io/sync-wave: '-1'", "Suspended"),
        ("", "argocd.argoproj.io/sync-wave: last", "Suspended"),
        ("", "argocd.argoproj.io/hook: PreSync", "Suspended"),
        ("", "argocd.argoproj.io/hook: post-sync", "Suspended"),
        ("PruneLast=true", "a: b", "something to prune"),
        ("Prune=true", "a: b", "Suspended"),
    ],
)
def test_a_pause_says_what_of_its_application_waits(options: str, annotations: str, consequence: str) -> None:
    files = {
        "apps/shop.yaml": application(options),
        "cart/rollout.yaml": rollout("steps: [{setWeight: 20}, {pause: {}}]"),
        "cart/job.yaml": job(annotations),
    }
    (finding,) = lint(files, Settings(select=("RL101",))).active
    assert consequence in finding.finding.consequence


def test_an_object_that_waits_in_another_application_does_not_count() -> None:
    files = {
        "apps/shop.yaml": application(),
        "cart/rollout.yaml": rollout("steps: [{setWeight: 20}, {pause: {}}]"),
        "basket/job.yaml": job("argocd.argoproj.io/hook: PostSync"),
    }
    (finding,) = lint(files, Settings(select=("RL101",))).active
    assert "Suspended" in finding.finding.consequence


def test_waves_and_hooks_are_read_as_argo_cd_reads_them() -> None:
    assert wave({"argocd.argoproj.io/sync-wave": "-3"}) == -3
    assert wave({"argocd.argoproj.io/sync-wave": "x", "helm.sh/hook-weight": "4"}) == 4
    assert hooks({"argocd.argoproj.io/hook": "PreSync, PostSync"}) == ("PreSync", "PostSync")
    assert hooks({"argocd.argoproj.io/hook": "Nope", "helm.sh/hook": "post-install"}) == ("PostSync",)
    assert is_hook({"argocd.argoproj.io/hook": "Nope"})
    assert not is_hook({})


GATES = [
    ("a pause", "steps: [{setWeight: 20}, {pause: {duration: 1m}}]", []),
    ("a pause for ever", "steps: [{setWeight: 20}, {pause: {}}]", []),
    ("an analysis", "steps: [{setWeight: 20}, {analysis: {templates: [{templateName: a}]}}]", []),
    ("an experiment", "steps: [{setWeight: 20}, {experiment: {templates: []}}]", []),
    ("a plugin", "steps: [{setWeight: 20}, {plugin: {name: a/b}}]", []),
    ("a background analysis", "analysis: {templates: [{templateName: a}]}, steps: [{setWeight: 20}]", []),
    (
        "a background analysis without templates",
        "analysis: {templates: []}, steps: [{setWeight: 20}]",
        ["canary.steps"],
    ),
    ("weights alone", "steps: [{setWeight: 20}, {setWeight: 50}]", ["canary.steps"]),
    ("a pause of no time", "steps: [{setWeight: 20}, {pause: {duration: 0}}]", ["canary.steps"]),
    ("a step that cannot be read", "steps: [{setWeight: 20}, '{{ more }}']", []),
    ("a rolling update", "maxSurge: 1", []),
    ("a rolling update with no steps", "steps: []", []),
    ("a router without steps", "trafficRouting: {nginx: {stableIngress: a}}", ["canary.trafficRouting.nginx"]),
    ("a router with null steps", "steps: null, trafficRouting: {smi: {}}", ["canary.trafficRouting.smi"]),
    ("no router at all", "trafficRouting: {}", []),
]


@pytest.mark.parametrize(("case", "canary", "expected"), GATES, ids=[g[0] for g in GATES])
def test_a_canary_is_reported_only_where_nothing_gates_it(case: str, canary: str, expected: list[str]) -> None:
    assert [p for _, p in paths(rollout(canary), "RL104")] == expected


@pytest.mark.parametrize(
    ("blue_green", "reported"),
    [
        ("activeService: a", True),
        ("activeService: a, autoPromotionEnabled: true", True),
        ("activeService: a, autoPromotionEnabled: null, autoPromotionSeconds: 0", True),
        ("activeService: a, postPromotionAnalysis: {templates: [{templateName: t}]}", True),
        ("activeService: a, autoPromotionEnabled: false", False),
        ("activeService: a, autoPromotionEnabled: '{{ x }}'", False),
        ("activeService: a, autoPromotionSeconds: 30", False),
        ("activeService: a, autoPromotionSeconds: '30'", False),
        ("activeService: a, prePromotionAnalysis: {templates: [{templateName: t}]}", False),
    ],
)
def test_a_blue_green_switch_is_reported_only_where_nothing_holds_it(blue_green: str, reported: bool) -> None:
    assert paths(rollout(blue_green=blue_green), "RL104") == ([("RL104", "blueGreen")] if reported else [])


SHARES = [
    ("half is not more than half", ROUTER + steps("{setWeight: 50}, {pause: {duration: 1m}}"), "", []),
    ("a big weight", ROUTER + steps("{setWeight: 51}, {pause: {duration: 1m}}"), "", [0]),
    ("a pause before there are pods", ROUTER + steps("{pause: {}}, {setWeight: 80}, {pause: {}}"), "", [1]),
    ("weight 0 makes no pods", ROUTER + steps("{setWeight: 0}, {pause: {}}, {setWeight: 80}, {pause: {}}"), "", [2]),
    (
        "pods without traffic that a pause looks at",
        ROUTER + steps("{setCanaryScale: {replicas: 1}}, {pause: {}}, {setWeight: 80}, {pause: {}}"),
        "",
        [],
    ),
    ("a gate before the big weight", ROUTER + steps("{setWeight: 5}, {pause: {}}, {setWeight: 80}"), "", []),
    ("no gate before the big weight", ROUTER + steps("{setWeight: 5}, {setWeight: 80}, {pause: {}}"), "", [1]),
    (
        "a background analysis watches",
        "analysis: {templates: [{templateName: a}]}, " + ROUTER + steps("{setWeight: 5}, {setWeight: 80}"),
        "",
        [],
    ),
    (
        "out of another maximum",
        "trafficRouting: {nginx: {}, maxTrafficWeight: 1000}, " + steps("{setWeight: 80}, {pause: {}}"),
        "",
        [],
    ),
    ("one pod of two", steps("{setWeight: 20}, {pause: {}}"), "  replicas: 1", []),
    ("the only pod", "maxSurge: 0, " + steps("{setWeight: 50}, {pause: {}}"), "  replicas: 1", [0]),
    ("two pods of three", steps("{setWeight: 60}, {pause: {}}"), "  replicas: 2", [0]),
    ("an unknown number of pods", steps("{setWeight: 80}, {pause: {}}"), "", []),
    ("replicas in quotes", steps("{setWeight: 80}, {pause: {}}"), "  replicas: '5'", []),
    ("an autoscaler decides", steps("{setWeight: 80}, {pause: {}}"), "  replicas: 5\n" + HPA % "cart", []),
    ("an autoscaler of another", steps("{setWeight: 80}, {pause: {}}"), "  replicas: 5\n" + HPA % "basket", [0]),
    ("no router in trafficRouting", "trafficRouting: {}, " + steps("{setWeight: 80}, {pause: {}}"), "", []),
]


@pytest.mark.parametrize(("case", "canary", "spec", "expected"), SHARES, ids=[s[0] for s in SHARES])
def test_the_first_share_is_the_one_before_anything_looks(
    case: str, canary: str, spec: str, expected: list[int]
) -> None:
    assert paths(rollout(canary, spec), "RL105") == [("RL105", f"canary.steps[{i}].setWeight") for i in expected]


@pytest.mark.parametrize(
    ("limit", "canary", "expected"),
    [
        (Fraction(1, 5), ROUTER + steps("{setWeight: 20}, {pause: {}}, {setWeight: 80}"), []),
        (Fraction(1, 5), ROUTER + steps("{setWeight: 21}, {pause: {}}"), [0]),
        (Fraction(1, 5), ROUTER + steps("{setWeight: 5}, {setWeight: 25}, {pause: {}}"), [1]),
        (Fraction(3, 4), ROUTER + steps("{setWeight: 75}, {pause: {}}"), []),
        (Fraction(1), ROUTER + steps("{setWeight: 100}, {pause: {}}"), []),
        (Fraction(0), ROUTER + steps("{setWeight: 0}, {setWeight: 1}, {pause: {}}"), [1]),
        (Fraction(1, 5), steps("{setWeight: 20}, {pause: {}}"), [0]),
        (Fraction(1, 3), steps("{setWeight: 20}, {pause: {}}"), []),
    ],
)
def test_a_policy_takes_the_place_of_half(limit: Fraction, canary: str, expected: list[int]) -> None:
    text = rollout(canary, "  replicas: 2")
    shown = paths(text, "RL105", max_first_share=limit)
    assert shown == [("RL105", f"canary.steps[{i}].setWeight") for i in expected]


def test_the_limit_of_the_policy_is_named() -> None:
    settings = Settings(select=("RL105",), max_first_share=Fraction(1, 8))
    routed = lint(rollout(ROUTER + steps("{setWeight: 20}, {pause: {}}")), settings).active[0].finding
    assert "20 % of the traffic before anything looks at it, over the 12.5 % of `max-first-share`" in routed.message
    basic = lint(rollout(steps("{setWeight: 20}, {pause: {}}"), "  replicas: 2"), settings).active[0].finding
    assert "33.3 % of the pods before anything looks at it, over the 12.5 % of `max-first-share`" in basic.message


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ("{setWeight: 5}, {setWeight: 20}, {setWeight: 20}", []),
        ("{setWeight: 20}, {pause: {}}, {setWeight: 10}, {setWeight: 50}", [2]),
        ("{setWeight: 20}, {setWeight: 0}", [1]),
        ("{setWeight: 60}, {setWeight: 40}, {setWeight: 20}", [1, 2]),
        ("{setWeight: 60}, {setWeight: '40'}, {setWeight: null}, {setWeight: 80}", []),
        ("{setCanaryScale: {weight: 80}}, {setWeight: 10}, {setCanaryScale: {weight: 5}}", []),
    ],
)
def test_only_falling_weights_are_reported(weights: str, expected: list[int]) -> None:
    text = rollout(ROUTER + steps(weights))
    assert paths(text, "RL106") == [("RL106", f"canary.steps[{i}].setWeight") for i in expected]


@pytest.mark.parametrize(
    ("canary", "expected"),
    [
        ("trafficRouting: {nginx: {}}", ["nginx"]),
        ("canaryService: a, stableService: '', trafficRouting: {alb: {}}", ["alb"]),
        ("canaryService: a, stableService: b, trafficRouting: {nginx: {}}", []),
        ("canaryService: '{{ a }}', stableService: b, trafficRouting: {nginx: {}}", []),
        ("pingPong: {pingService: a, pongService: b}, trafficRouting: {alb: {}}", []),
        ("pingPong: {pingService: a, pongService: b}, trafficRouting: {alb: {}, nginx: {}}", ["nginx"]),
        ("trafficRouting: {istio: {virtualService: {name: a}}}", ["istio"]),
        ("trafficRouting: {istio: {destinationRule: {name: a}}}", []),
        ("trafficRouting: {plugins: {a/b: {}}}", []),
        ("trafficRouting: {}", []),
        ("trafficRouting: null", []),
    ],
)
def test_services_are_asked_for_by_the_routers_that_need_them(canary: str, expected: list[str]) -> None:
    text = rollout(canary + ", " + steps("{setWeight: 5}, {pause: {}}"))
    assert paths(text, "RL107") == [("RL107", f"canary.trafficRouting.{r}") for r in expected]


def test_old_controllers_ask_for_services_even_without_a_router() -> None:
    text = rollout("trafficRouting: {}, " + steps("{setWeight: 5}, {pause: {}}"))
    old = Targets(rollouts=Version(1, 6))
    assert paths(text, "RL107", targets=old) == [("RL107", "canary.trafficRouting")]


@pytest.mark.parametrize(
    ("limit", "expected"),
    [(None, []), (599.0, ["canary.steps[1].pause.duration"]), (600.0, []), (0.5, ["canary.steps[1].pause.duration"])],
)
def test_a_pause_is_too_long_only_against_a_configured_limit(limit: float | None, expected: list[str]) -> None:
    text = rollout(steps("{setWeight: 5}, {pause: {duration: 10m}}, {pause: {}}, {pause: {duration: 1d}}"))
    assert [p for _, p in paths(text, "RL108", max_pause=limit)] == expected


def test_what_a_kustomization_patches_is_unknown() -> None:
    patched = _patched("strategy")
    assert patched == []


def _patched(section: str) -> list[tuple[str, int, str]]:
    from dataclasses import dataclass

    from rolloutlint.graph import Layout

    @dataclass
    class Overlay:
        root: str = "."
        namespace: str | None = None
        renames: bool = False

        def touches(self, kind: str, name: str, path: tuple[str | int, ...] = ()) -> bool:
            return kind == "Rollout" and section in path

    layout = Layout(roots={"input.yaml": "."}, overlays={"input.yaml": (Overlay(),)})
    return found(lint(rollout("steps: [{pause: {}}]"), Settings(select=STRATEGY), layout))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["canary", "blueGreen", "steps", "pause", "duration", "setWeight", "trafficRouting", "nginx", "istio",
         "analysis", "templates", "autoPromotionSeconds", "postPromotionAnalysis", "plugins", "canaryService"]
    ), inner, max_size=5),
    max_leaves=25,
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(VALUES, VALUES, VALUES)
def test_no_strategy_however_malformed_crashes_a_check(strategy: object, canary: object, replicas: object) -> None:
    spec = {"strategy": {"canary": canary, "blueGreen": None} if canary else strategy, "replicas": replicas}
    value = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "a"}, "spec": spec}
    report = lint(json.dumps(value), Settings(select=STRATEGY, max_pause=1.0))
    assert not report.lost


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the upstream manifests are not beside the repository")
def test_upstream_examples_have_no_errors_of_this_family() -> None:
    report = lint_paths(
        [os.fspath(CORPUS / d) for d in ("examples", "e2e", "lint")], Settings(select=STRATEGY), CATALOGUE
    )
    assert report.counts.resources > 100
    assert [(f.file, f.span.line, f.finding.rule) for f in report.active if f.severity == "error"] == []


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the upstream manifests are not beside the repository")
def test_the_upstream_rolling_update_is_not_blamed_for_having_no_gate() -> None:
    file = CORPUS / "examples" / "rollout-rolling-update.yaml"
    assert found(lint_paths([os.fspath(file)], Settings(select=STRATEGY), CATALOGUE)) == []
