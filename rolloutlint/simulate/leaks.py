"""How far a canary walks on although its background analysis is Inconclusive.

The pause that this makes stops the scaling of pods and new analyses, but neither traffic weights nor the steps
themselves: argo-rollouts `rollout/context.go` (haltProgress), `rollout/canary.go` (completedCurrentCanaryStep),
`rollout/pause.go` (CompletedCanaryPauseStep), `rollout/experiment.go` (reconcileExperiments) and `rollout/sync.go`
(shouldFullPromote), read in 1.7 to 1.9, not run.
"""

from __future__ import annotations

from collections.abc import Sequence

from rolloutlint.simulate.plan import Analysed, Instant, Person, Plan, Pods, Scaling, Stage, Timed


def drift(plan: Plan, stage: int) -> int | None:
    """The stage at which the rollout really stops, `None` where it is promoted all the same.

    `stage` is the one in which the background analysis turned Inconclusive. A timed pause that is active runs out, an
    analysis that is active is taken to succeed, and pods that were asked for come. After it a pause counts as resumed
    before it begins, with a duration or without; no analysis and no experiment starts; and a stage that needs other
    pods than there are waits for them for ever. What is not known to go on stops. Releases before 1.8 replace the
    run during a pause (`Plan.leak` is `respawn`) and get here when it is Inconclusive in another stage.
    """
    stages = plan.stages
    if not _outlasted(plan, stage):
        return stage
    have = stages[stage].pods
    for index in range(stage + 1, len(stages)):
        if not _passed(plan, stages[index], have, last=index == len(stages) - 1):
            return index
    return None


def _outlasted(plan: Plan, stage: int) -> bool:
    """Whether the stage that is active still ends."""
    active = plan.stages[stage]
    if isinstance(active.wait, Scaling):
        # a router leaves the stable pods alone, so that all pods were asked for when the stage began
        last = stage == len(plan.stages) - 1
        return bool(plan.router) or _passed(plan, active, _before(plan.stages, stage), last=last)
    return isinstance(active.wait, Instant | Timed | Analysed)


def _passed(plan: Plan, stage: Stage, have: Pods, *, last: bool) -> bool:
    """Whether a stage after it ends with the pods that there are; the last one asks for those of the canary only."""
    if isinstance(stage.wait, Scaling):
        want = stage.pods
        only_canary = last or bool(plan.router)
        return want.canary is not None and want.canary == have.canary and (only_canary or want.stable == have.stable)
    return isinstance(stage.wait, Instant | Timed | Person)


def _before(stages: Sequence[Stage], stage: int) -> Pods:
    return stages[stage - 1].pods if stage else Pods(0, None)
