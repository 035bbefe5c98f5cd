"""The verdict: what the configuration names blocks or asks for a review."""

from __future__ import annotations

import pytest

from rolloutlint.settings import PlanPolicy, Settings
from tests.plan.planning import plan_of

APP = """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd}
spec:
  source: {repoURL: https://git.example/shop.git, path: apps}
  destination: {server: https://kubernetes.default.svc, namespace: shop}
  syncPolicy: {automated: {prune: true}}
"""
ROLLOUT = """
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: cart}
spec:
  replicas: 4
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec:
      containers:
      - {name: cart, image: "cart:1", readinessProbe: {httpGet: {path: /, port: 8080}}}
  strategy:
    canary: {canaryService: cart-canary, stableService: cart, steps: [{setWeight: 20}, {pause: {duration: 5m}}]}
---
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {selector: {app: cart}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: cart-canary}
spec: {selector: {app: cart}, ports: [{port: 80}]}
"""
JOB = """
---
apiVersion: batch/v1
kind: Job
metadata: {name: done, annotations: {argocd.argoproj.io/sync-wave: "1"}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: done, image: "done:1"}]}}}
"""


def decided(before: str, after: str, policy: PlanPolicy = PlanPolicy(), app: str = APP) -> tuple[str, list[str]]:  # noqa: B008
    plan = plan_of(
        {"apps/a.yaml": before, "shop.yaml": app}, {"apps/a.yaml": after, "shop.yaml": app}, Settings(plan=policy)
    )
    return plan.verdict, [reason.key for reason in plan.reasons]


def test_a_new_image_is_allowed() -> None:
    assert decided(ROLLOUT, ROLLOUT.replace("cart:1", "cart:2")) == ("allow", [])


def test_a_new_error_blocks() -> None:
    assert decided(ROLLOUT, ROLLOUT.replace("  replicas: 4\n", "")) == ("block", ["new-errors"])


def test_an_old_error_does_not() -> None:
    wrong = ROLLOUT.replace("name: cart-canary}", "name: cart-other}")
    assert decided(wrong, wrong.replace("cart:1", "cart:2"))[0] == "allow"


def test_a_pruned_service_of_a_rollout_is_reviewed() -> None:
    fewer = ROLLOUT[: ROLLOUT.rindex("---")]
    assert "prune-service" in decided(ROLLOUT, fewer)[1]


def test_a_wait_for_a_person_is_reviewed_in_automated_applications_only() -> None:
    held = ROLLOUT.replace("pause: {duration: 5m}", "pause: {}") + JOB
    new = held.replace("cart:1", "cart:2")
    assert decided(held, new) == ("review", ["indefinite-wait"])
    assert decided(held, new, app=APP.replace("  syncPolicy: {automated: {prune: true}}\n", "")) == ("allow", [])


def test_another_strategy_is_reviewed() -> None:
    blue_green = (
        "strategy: {blueGreen: {activeService: cart, previewService: cart-canary, autoPromotionSeconds: 60}}\n---"
    )
    start = ROLLOUT.index("strategy:")
    switched = ROLLOUT[:start] + blue_green + ROLLOUT[ROLLOUT.index("---") + 3 :]
    assert "strategy-switch" in decided(ROLLOUT, switched)[1]


@pytest.mark.parametrize(
    ("policy", "answer"),
    [
        (PlanPolicy((), ()), ("allow", [])),
        (PlanPolicy(("prune-rollout",), ()), ("block", ["prune-rollout"])),
        (
            PlanPolicy((), ("any-prune", "new-errors")),
            ("review", ["any-prune", "any-prune", "any-prune", "new-errors"]),
        ),
        (PlanPolicy(("any-prune",), ("any-prune",)), ("block", ["any-prune"] * 3)),
    ],
)
def test_the_configuration_decides(policy: PlanPolicy, answer: tuple[str, list[str]]) -> None:
    other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n"
    assert decided(ROLLOUT + "---\n" + other, other, policy) == answer


def test_a_new_revision_can_be_reviewed() -> None:
    new = ROLLOUT.replace("cart:1", "cart:2")
    assert decided(ROLLOUT, new, PlanPolicy((), ("new-revision",))) == ("review", ["new-revision"])
