"""What a Rollout does when the controller skips its steps: on its first deploy, and on a fast rollback.

Mirrors argo-rollouts `rollout/sync.go` (shouldFullPromote, isRollbackWithinWindow, isFastRollback) and
`rollout/analysis.go` (reconcileAnalysisRuns): no step, no pause and no analysis, only pods that must become available.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from rolloutlint.simulate.plan import EVERYTHING, NO_TIME, NOTHING, Instant, Plan, Pods, Scaling, Span, Stage

Scenario: TypeAlias = Literal["update", "first-deploy", "rollback"]


def skipping(plan: Plan, scenario: Scenario) -> Plan:
    """The plan of an update as it is in a scenario.

    A rollback is fast within `rollbackWindow`, and for blue-green while the old ReplicaSet is kept for
    `scaleDownDelaySeconds`; elsewhere it is an update like any other.
    """
    if scenario == "update" or plan.refused:
        return plan
    if scenario == "first-deploy":
        share, label, why = EVERYTHING, "first deploy", "a first deploy skips all steps and analyses"
    elif plan.rollback_window or plan.strategy == "blueGreen":
        share, label, why = NOTHING, "fast rollback", _fast(plan)
    else:
        return plan._replace(notes=(*plan.notes, "no `rollbackWindow`: a rollback is an update like any other"))
    pods = plan.replicas.least if plan.replicas.exact else None
    stable = 0 if scenario == "first-deploy" else pods
    stages = [Stage(None, label, plan.place, Scaling(_until_available(plan)), share, None, Pods(pods, stable))]
    if scenario == "rollback":
        stages.append(Stage(None, "switch back", plan.place, Instant(), EVERYTHING, None, Pods(pods, stable)))
    return plan._replace(stages=tuple(stages), background=None, background_from=0, leak="", notes=(why,))


def _fast(plan: Plan) -> str:
    if plan.rollback_window:
        count = plan.rollback_window
        return f"a rollback over up to {count} revision{'s' * (count > 1)} skips all steps and analyses"
    return "a rollback while the old pods are kept skips the pause and the analyses"


def _until_available(plan: Plan) -> Span:
    """How long pods take to become available, as any stage of the update says that adds some."""
    spans = [stage.wait.span for stage in plan.stages if isinstance(stage.wait, Scaling)]
    return next((span for span in spans if not span.exact), NO_TIME)
