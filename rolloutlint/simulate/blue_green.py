"""The stages of a blue-green update, in the order of argo-rollouts `rollout/bluegreen.go` and `rollout/service.go`.

The new version gets pods, is looked at, waited for, and then gets all traffic at once. What follows the switch happens
with everybody on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from rolloutlint.finding import Path
from rolloutlint.graph import World
from rolloutlint.lang.duration import SECOND, format_duration
from rolloutlint.lang.intstr import int32
from rolloutlint.model import Rollout
from rolloutlint.model.rollout import BLUE_GREEN
from rolloutlint.model.values import sequence
from rolloutlint.settings import Settings
from rolloutlint.simulate.canary import UNTIMED, analysed, minimum_ready
from rolloutlint.simulate.plan import (
    EVERYTHING,
    NO_TIME,
    NOTHING,
    Instant,
    Person,
    Pods,
    Scaling,
    Share,
    Span,
    Stage,
    Timed,
    Wait,
)
from rolloutlint.simulate.runs import run_of, shown


def blue_green_stages(world: World, rollout: Rollout, replicas: Span, settings: Settings) -> tuple[Stage, ...]:
    """The stages from the first new pod to the promotion."""
    return tuple(_stages(world, rollout, replicas, settings))


def _stages(world: World, rollout: Rollout, replicas: Span, settings: Settings) -> Iterator[Stage]:
    full = replicas.least if replicas.exact else None
    written = rollout.blue_green.get("previewReplicaCount")
    preview = full if written is None else int32(written)

    def stage(label: str, field: str, wait: Wait, canary: int | None, share: Share = NOTHING) -> Stage:
        path: Path = (*BLUE_GREEN, field) if field else BLUE_GREEN
        return Stage(None, label, rollout.place(path, "key"), wait, share, None, Pods(canary, full))

    field = "" if written is None else "previewReplicaCount"
    yield stage("scale up the new version", field, _scaling(world, rollout, 0, preview), preview)
    before = _analysis(world, rollout, settings, "prePromotion")
    if before is not None:
        yield stage("prePromotionAnalysis", "prePromotionAnalysis", before, preview)
    pause = _pause(rollout)
    if pause is not None:
        field, words, wait = pause
        yield stage(words, field, wait, preview)
    if written is not None and (preview is None or full is None or preview != full):
        yield stage("scale up to all pods", "previewReplicaCount", _scaling(world, rollout, preview, full), full)
    yield stage("switch active Service", "activeService", Instant(), full)
    after = _analysis(world, rollout, settings, "postPromotion")
    if after is not None:
        yield stage("postPromotionAnalysis", "postPromotionAnalysis", after, full, EVERYTHING)


def _scaling(world: World, rollout: Rollout, have: int | None, need: int | None) -> Wait:
    """Until all pods are available. `None` is a number that is not known."""
    if have is not None and need is not None and need <= have:
        return Scaling(NO_TIME)
    ready, why = minimum_ready(world, rollout)
    certain = have == 0 or (have is not None and need is not None)
    return Scaling(Span(ready if certain else 0, None, (*UNTIMED, *why)))


def _pause(rollout: Rollout) -> tuple[str, str, Wait] | None:
    """(field, words, what ends it) of the pause before the switch; `None` without one (`rollout/pause.go`).

    `autoPromotionSeconds` counts only while promotion is automatic.
    """
    spec = rollout.blue_green
    enabled, seconds = spec.get("autoPromotionEnabled"), spec.get("autoPromotionSeconds")
    if enabled is False:
        return "autoPromotionEnabled", "pause", Person()
    number = 0 if seconds is None else int32(seconds)
    if enabled not in (None, True) or number is None:
        field = "autoPromotionSeconds" if number is None else "autoPromotionEnabled"
        return field, "pause", Timed(Span(0, None, (f"{shown((*BLUE_GREEN, field))} is filled in later",)))
    if number <= 0:
        return None
    return "autoPromotionSeconds", f"pause {format_duration(number)}", Timed(Span(number * SECOND, number * SECOND))


def _analysis(
    world: World, rollout: Rollout, settings: Settings, role: Literal["prePromotion", "postPromotion"]
) -> Wait | None:
    """What ends the stage of a promotion analysis; `None` without one."""
    analysis = next((each for each in rollout.analyses if each.role == role), None)
    if analysis is None:
        return None
    run = run_of(world, rollout, analysis, settings)
    return analysed(run, sequence(analysis.value.get("templates")), settings)
