"""The stages of a canary: one for each step, and the full scale-up that the controller adds to them.

Mirrors argo-rollouts `rollout/canary.go` (completedCurrentCanaryStep), `rollout/trafficrouting.go`
(reconcileTrafficRouting: a weight is only set when the pods for it are there, and never on a version without pods) and
`rollout/sync.go` (shouldFullPromote).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from rolloutlint.controllers.pause import Pause
from rolloutlint.controllers.replicas import (
    Counts,
    Weights,
    canary_scale,
    desired_weight,
    fenceposts,
    pods_needed,
)
from rolloutlint.controllers.traffic import max_traffic_weight, routers
from rolloutlint.finding import Path, Place
from rolloutlint.graph import World
from rolloutlint.lang.duration import SECOND, format_duration, parse_duration
from rolloutlint.lang.intstr import int32
from rolloutlint.lang.placeholder import filled_later
from rolloutlint.model import Rollout
from rolloutlint.model.rollout import CANARY, Step
from rolloutlint.model.values import dig, entries, mapping, sequence, text
from rolloutlint.settings import Settings, Version
from rolloutlint.simulate.plan import (
    EVERYTHING,
    NO_TIME,
    NOTHING,
    Analysed,
    Experimented,
    External,
    Instant,
    Never,
    Person,
    Pods,
    Run,
    Scaling,
    Share,
    Span,
    Stage,
    Timed,
    Wait,
    Why,
)
from rolloutlint.simulate.pods import ANY_SHARE, Row, basic_row, range_of, routed_row, row_over, share_over
from rolloutlint.simulate.runs import run_of, shown

NEEDS_TEMPLATES_SINCE = Version(1, 9)
"""The release since which a step or promotion analysis without templates is never run, so that it never ends
(`rollout/analysis.go`); before, its run ended with an Error."""

UNTIMED: Why = ("how long new pods take to become available is not in the manifests",)

_SCALES = ("setCanaryScale", "setWeight")
"""Kinds of steps that end when their pods are there."""


class Rest(NamedTuple):
    """What is in force once the pods of a step are there."""

    share: Share
    weight: int | None
    row: Row


def canary_stages(world: World, rollout: Rollout, replicas: Span, settings: Settings) -> tuple[Stage, ...] | None:
    """The stages of a canary; `None` where its steps are no list of mappings."""
    written = rollout.canary.get("steps")
    if len(rollout.steps) != len(sequence(written)) or not (written is None or isinstance(written, list)):
        return None
    return tuple(_Climb(world, rollout, replicas, settings).stages())


class _Climb:
    """The way up the steps."""

    def __init__(self, world: World, rollout: Rollout, replicas: Span, settings: Settings) -> None:
        self.world = world
        self.rollout = rollout
        self.settings = settings
        self.canary = rollout.canary
        self.steps: Sequence[object] = sequence(self.canary.get("steps"))
        self.routed = rollout.traffic_routing is not None
        self.weighed = bool(routers(rollout.traffic_routing))
        self.range = range_of(replicas)
        self.values = range(self.range[0], self.range[1] + 1)
        self.maximum = max_traffic_weight(self.canary)
        self.dynamic = self.canary.get("dynamicStableScale") is True
        self.least_pods = int32(self.canary.get("minPodsPerReplicaSet"))
        self.threshold = self.canary.get("replicaProgressThreshold")
        self.ready, self.ready_why = minimum_ready(world, rollout)

    def stages(self) -> Iterator[Stage]:
        nothing = row_over(self.values, lambda number: Counts(0, number))
        rest = Rest(NOTHING, 0 if self.weighed else None, nothing)
        for step in self.rollout.steps:
            reached, after = self._reached(step.index, rest), self._rest(step.index)
            kind = step.kinds[0] if step.kinds else ""
            held = rest if kind in _SCALES else after
            wait = self._scaling(rest.row, after.row) if kind in _SCALES else self._wait(step, kind)
            yield Stage(step.index, label_of(step), self._place(step, kind), wait, held.share, held.weight, reached)
            rest = after
        reached, after = self._reached(len(self.steps), rest), self._rest(len(self.steps))
        place = self.rollout.place((*CANARY, "steps") if self.steps else CANARY, "key")
        wait = self._scaling(rest.row, after.row, last=True)
        yield Stage(None, "full scale-up", place, wait, rest.share, rest.weight, reached)

    def _place(self, step: Step, kind: str) -> Place:
        return self.rollout.place((*step.path, kind), "key") if kind else self.rollout.place(step.path)

    # ---- pods and shares -------------------------------------------------------------------------------------------

    def _reached(self, index: int, before: Rest) -> Pods:
        """The pods asked for while step `index` runs, with the weight still what it was before."""
        return self._row(index, self._weight(index), before.weight).pods

    def _rest(self, index: int) -> Rest:
        """What is in force once the pods of step `index` are there."""
        weight = self._weight(index)
        row = self._row(index, weight, weight)
        if not self.weighed:
            return Rest(row.by_pods, None, row)
        if weight is None or self.maximum is None or self.maximum <= 0:
            return Rest(ANY_SHARE, None, row)
        part = max(NOTHING.least, min(EVERYTHING.most, Fraction(weight, self.maximum)))
        share = share_over(row.counts, lambda counts: part if counts.canary > 0 else NOTHING.least)
        return Rest(share, 0 if share.most == 0 else weight, row)

    def _weight(self, index: int) -> int | None:
        """The weight that step `index` asks for; `None` where it is not known."""
        return None if self.maximum is None else desired_weight(self.steps, index, self.maximum)

    def _row(self, index: int, weight: int | None, in_force: int | None) -> Row:
        """The pods at step `index`, which asks for `weight` while the router has the weight `in_force`."""
        surge, unavailable = (self.canary.get(field) for field in ("maxSurge", "maxUnavailable"))
        maximum = self.maximum
        if not self.routed and weight is not None and _int_or_text(surge) and _int_or_text(unavailable):
            return basic_row(*self.range, weight, surge, unavailable)
        if not self.routed or weight is None or maximum is None or not _readable_scale(self.steps, index):
            return row_over(self.values, lambda _: None)
        current = Weights(in_force, maximum - in_force) if self.dynamic and in_force is not None else None
        scale = canary_scale(self.steps, index)
        return routed_row(*self.range, weight, scale, current, self.dynamic, self.least_pods, maximum)

    # ---- what ends a stage -----------------------------------------------------------------------------------------

    def _scaling(self, before: Row, after: Row, *, last: bool = False) -> Wait:
        """Until the pods are there: at least `minReadySeconds` where the canary gets more of them."""
        if last and (deadlock := self._deadlock()):
            return Never(deadlock)
        added: set[bool] = set()
        never = True
        for number, have, want in zip(self.values, before.counts, after.counts, strict=True):
            need = None if want is None else pods_needed(self.threshold, want.canary)
            if want is None or have is None or need is None:
                return Scaling(Span(0, None, (*UNTIMED, *self.ready_why)))
            need = min(need, number) if last else need
            never = never and need > max(want.canary, have.canary)
            added.add(need > have.canary)
        if never:
            return Never("`replicaProgressThreshold` asks for more pods than the step has")
        if added == {False}:
            return Scaling(NO_TIME)
        return Scaling(Span(self.ready if added == {True} else 0, None, (*UNTIMED, *self.ready_why)))

    def _deadlock(self) -> str:
        """Why a canary without traffic routing never gets a pod (`resolveFenceposts` drops its error)."""
        if self.routed:
            return ""
        for field in ("maxSurge", "maxUnavailable"):
            value = self.canary.get(field)
            if isinstance(value, str) and not filled_later(value) and not fenceposts(value, None, 1).valid:
                return f"`{field}: {value}` cannot be read: no pod is added or removed"
        return ""

    def _wait(self, step: Step, kind: str) -> Wait:
        if kind == "pause":
            return pause_wait(step.pause, mapping(step.value.get("pause")).get("duration"), (*step.path, "pause"))
        if kind == "analysis":
            return self._analysis(step)
        if kind == "experiment":
            return self._experiment(step)
        if kind == "plugin":
            plugin = mapping(step.value.get("plugin"))
            if plugin.get("disabled") is True:
                return Instant()
            return External(f"step plugin {text(plugin.get('name'))}".rstrip())
        if kind in ("setHeaderRoute", "setMirrorRoute"):
            return Instant()
        return Never("the step has nothing that the controller could complete")

    def _analysis(self, step: Step) -> Wait:
        analysis = next((a for a in self.rollout.analyses if a.role == "step" and a.step == step.index), None)
        if analysis is None:
            return Never("`analysis` cannot be read")
        run = run_of(self.world, self.rollout, analysis, self.settings)
        return analysed(run, sequence(analysis.value.get("templates")), self.settings)

    def _experiment(self, step: Step) -> Wait:
        experiment = mapping(step.value.get("experiment"))
        analyses = [a for a in self.rollout.analyses if a.role == "experiment" and a.step == step.index]
        for _, template in entries(experiment, (), "templates"):
            written = template.get("specRef")
            if written not in ("canary", "stable") and not filled_later(written):
                return Never(f"`specRef: {written}` is neither canary nor stable")
        runs = tuple(
            run_of(
                self.world,
                self.rollout,
                each,
                self.settings,
                label=f"analysis {text(each.value.get('name'))} of the experiment of step {step.index + 1}",
                dry_run=experiment.get("dryRun"),
            )
            for each in analyses
        )
        duration = _experiment_time(experiment.get("duration"), (*step.path, "experiment", "duration"))
        if duration is None and not runs:
            return Never("the experiment has neither a duration nor an analysis")
        return Experimented(runs, duration)


def _int_or_text(value: object) -> bool:
    return value is None or isinstance(value, str) or int32(value) is not None


def _readable_scale(steps: Sequence[object], index: int) -> bool:
    """Whether the `setCanaryScale` in force at a step is no placeholder."""
    for step in reversed(steps[: index + 1] if index < len(steps) else ()):
        scale = step.get("setCanaryScale") if isinstance(step, dict) else None
        if scale is not None:
            return isinstance(scale, dict) and all(
                scale.get(field) is None or int32(scale[field]) is not None for field in ("replicas", "weight")
            )
    return True


def _experiment_time(written: object, path: Path) -> Span | None:
    """How long an experiment lasts; `None` without a duration, and where it cannot be read, which is never over."""
    if written is None or written == "":
        return None
    if filled_later(written):
        return Span(0, None, (f"{shown(path)} is filled in later",))
    nanoseconds = parse_duration(written)
    return None if nanoseconds is None else Span(max(0, nanoseconds), max(0, nanoseconds))


def minimum_ready(world: World, rollout: Rollout) -> tuple[int, Why]:
    """Nanoseconds of `minReadySeconds`, and why it may be more."""
    written = rollout.spec.get("minReadySeconds")
    if world.patched(rollout.resource, ("spec", "minReadySeconds")):
        return 0, ("`spec.minReadySeconds` is changed by a kustomization",)
    seconds = 0 if written is None else int32(written)
    if seconds is None:
        return 0, ("`spec.minReadySeconds` is filled in later",)
    return max(0, seconds) * SECOND, ()


def pause_wait(pause: Pause | None, written: object, path: Path) -> Wait:
    """What ends a pause."""
    if filled_later(written):
        return Timed(Span(0, None, (f"{shown((*path, 'duration'))} is filled in later",)))
    if pause is None or pause.kind == "invalid":
        return Never(f"{shown(path)} cannot be read")
    if pause.kind == "indefinite":
        return Person()
    return Timed(Span(pause.seconds * SECOND, pause.seconds * SECOND))


def analysed(run: Run, templates: Sequence[object], settings: Settings) -> Wait:
    """What ends a stage with an analysis that the Rollout waits for."""
    if templates:
        return Analysed(run)
    if settings.targets.rollouts >= NEEDS_TEMPLATES_SINCE:
        return Never("an analysis without templates is never run, and so never ends")
    return Analysed(run._replace(fault="no metrics specified", unknown=(), metrics=()))


def label_of(step: Step) -> str:
    """What a step does, in few words."""
    words = [_LABELS[kind](mapping(step.value.get(kind)), step) for kind in step.kinds]
    return " + ".join(words) or "step without a kind"


def _pause_label(value: Mapping[str, Any], step: Step) -> str:
    if step.pause is not None and step.pause.kind == "timed":
        return f"pause {format_duration(step.pause.seconds)}"
    return "pause" if value.get("duration") is None else f"pause {value['duration']}"


def _scale_label(value: Mapping[str, Any], step: Step) -> str:
    if value.get("matchTrafficWeight") is True or value.get("replicas") == value.get("weight") is None:
        return "setCanaryScale matchTrafficWeight"
    if value.get("replicas") is not None:
        return f"setCanaryScale {value['replicas']} pods"
    return f"setCanaryScale {value['weight']}%"


def _named(kind: str) -> Callable[[Mapping[str, Any], Step], str]:
    return lambda value, _: f"{kind} {text(value.get('name'))}".rstrip()


_LABELS: Mapping[str, Callable[[Mapping[str, Any], Step], str]] = {
    "pause": _pause_label,
    "setCanaryScale": _scale_label,
    "setWeight": lambda _, step: f"setWeight {dig(step.value, 'setWeight')}",
    "experiment": lambda *_: "experiment",
    "analysis": lambda *_: "analysis",
    "setHeaderRoute": _named("setHeaderRoute"),
    "setMirrorRoute": _named("setMirrorRoute"),
    "plugin": _named("plugin"),
}
