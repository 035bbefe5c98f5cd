"""RL345 to RL347: experiment steps - what their duration leaves of an analysis, and whether they end.

What makes an AnalysisRun is imported when the first experiment is met: few Rollouts have one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from rolloutlint.checks.context import Context, check
from rolloutlint.checks.run_times import endless, passes_after, run_passes_after, taken_by
from rolloutlint.finding import Finding, Related
from rolloutlint.lang.duration import SECOND, format_duration, parse_duration
from rolloutlint.lang.intstr import int32
from rolloutlint.lang.placeholder import filled_later
from rolloutlint.model import Rollout
from rolloutlint.model.rollout import Analysis, Step
from rolloutlint.model.values import mapping, sequence, text

if TYPE_CHECKING:
    from rolloutlint.simulate.plan import Metric, Run


SCALE_DOWN_DELAY: Final = 30
"""Seconds for which the pods of an experiment outlive it (`utils/defaults/defaults.go`)."""


class Trial(NamedTuple):
    """An experiment step with its analyses."""

    step: Step
    value: Mapping[str, Any]
    duration: int | Literal["none", "unreadable", "unknown"]
    """Nanoseconds, or why there are none."""
    analyses: tuple[Analysis, ...]
    required: tuple[Analysis, ...]

    @property
    def optional(self) -> tuple[Analysis, ...]:
        """The analyses that the experiment does not wait for."""
        return tuple(one for one in self.analyses if one not in self.required)


@check("RL345")
def experiment_ends_before_analysis(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A duration that cuts an analysis of the experiment short."""
    for trial in _trials(ctx):
        if not isinstance(trial.duration, int):
            continue
        if trial.required:
            yield from _measured_without_pods(ctx, trial, trial.duration)
            continue
        for analysis in trial.analyses:
            for metric in _run(ctx, trial, analysis).metrics:
                variant = _cut_short(metric, trial.duration)
                if variant is None or metric.spec is None:
                    continue
                passed = passes_after(metric)
                yield ctx.finding(
                    (*trial.step.path, "experiment", "duration"),
                    variant=variant,
                    related=(Related(metric.place, f"run as analysis `{_name(analysis)}` of it", metric.template),),
                    discriminator=f"{_name(analysis)}/{metric.name}",
                    step=trial.step.index + 1,
                    metric=metric.name,
                    duration=_shown(trial.duration),
                    needed=_shown(passed.least) if passed else "",
                    taken=taken_by(metric.spec, trial.duration),
                    count=metric.spec.bounds.measurements,
                    limit=metric.spec.bounds.failure,
                    delay=_shown(metric.spec.delay),
                )


def _cut_short(metric: Metric, duration: int) -> str | None:
    """The RL345 variant for a metric that a duration cuts short; `None` where it does not."""
    spec = metric.spec
    if spec is None or metric.dry_run or "S" not in metric.outcomes:
        return None
    taken = taken_by(spec, duration)
    if not taken:
        return "never"
    if "F" in metric.outcomes and taken <= spec.bounds.failure < spec.bounds.measurements:
        return "cannot-fail"
    passed = passes_after(metric)
    return "" if passed is not None and passed.least > duration else None


def _measured_without_pods(ctx: Context[Rollout], trial: Trial, duration: int) -> Iterator[Finding]:
    """Required analyses that go on after the pods of the experiment are gone."""
    delay = trial.value.get("scaleDownDelaySeconds")
    kept = SCALE_DOWN_DELAY if delay is None else int32(delay)
    for analysis in trial.required if kept is not None and kept >= 0 else ():
        passed = run_passes_after(_run(ctx, trial, analysis))
        if kept is None or passed is None or passed.least <= duration + kept * SECOND:
            continue
        yield ctx.finding(
            (*trial.step.path, "experiment", "duration"),
            variant="required",
            related=(ctx.resource.related(analysis.path, "the analysis that takes longer"),),
            discriminator=_name(analysis),
            step=trial.step.index + 1,
            analysis=_name(analysis),
            duration=_shown(duration),
            needed=_shown(passed.least),
            kept=format_duration(kept),
        )


@check("RL346")
def experiment_never_ends(ctx: Context[Rollout]) -> Iterator[Finding]:
    """An experiment that nothing makes Successful."""
    for trial in _trials(ctx):
        duration = (*trial.step.path, "experiment", "duration")
        params: dict[str, Any] = {"step": trial.step.index + 1, "duration": trial.value.get("duration")}
        for analysis in trial.required:
            for metric in _run(ctx, trial, analysis).metrics:
                if metric.spec is not None and endless(metric.spec):
                    yield ctx.finding(
                        (*analysis.path, "requiredForCompletion"),
                        "key",
                        variant="required",
                        related=(Related(metric.place, "has an interval and no count", metric.template),),
                        discriminator=metric.name,
                        metric=metric.name,
                        analysis=_name(analysis),
                        **params,
                    )
        if trial.required or trial.duration not in ("none", "unreadable"):
            continue
        if trial.duration == "unreadable":
            yield ctx.finding(duration, variant="unreadable", **params)
        else:
            yield ctx.finding(
                (*trial.step.path, "experiment"), "key", variant="" if trial.analyses else "no-analysis", **params
            )


@check("RL347")
def experiment_stuck(ctx: Context[Rollout]) -> Iterator[Finding]:
    """An experiment that stops to look at an analysis which is still running when all required ones are done."""
    for trial in _trials(ctx):
        if not trial.required or not trial.optional:
            continue
        runs = [_run(ctx, trial, analysis) for analysis in trial.required]
        if any(run.fault or any(m.spec is not None and endless(m.spec) for m in run.metrics) for run in runs):
            continue  # it never comes to that, RL346
        done = [run_passes_after(run) for run in runs]
        certain = [span.most for span in done if span is not None and span.most is not None]
        latest = max(certain) if len(certain) == len(done) else None
        for analysis in trial.optional:
            late = _late(_run(ctx, trial, analysis), latest)
            if late is None:
                continue
            metric, variant = late
            passed = passes_after(metric)
            yield ctx.finding(
                analysis.path,
                variant=variant,
                related=(Related(metric.place, "still runs then", metric.template),),
                trail=tuple(_to_the_end(ctx, trial, metric)),
                discriminator=_name(analysis),
                step=trial.step.index + 1,
                analysis=_name(analysis),
                required=", ".join(f"`{_name(one)}`" for one in trial.required),
                metric=metric.name,
                after=_shown(latest) if latest is not None else "",
                needed=_shown(passed.least) if passed else "",
            )


def _late(run: Run, latest: int | None) -> tuple[Metric, str] | None:
    """The metric of an optional run that still runs when the required ones are done, and the RL347 variant."""
    if run.fault:
        return None
    for metric in run.metrics:
        if metric.spec is not None and endless(metric.spec):
            return metric, ""
    for metric in run.metrics:
        passed = passes_after(metric)
        if passed is not None and latest is not None and passed.least > latest:
            return metric, "longer"
    return None


def _to_the_end(ctx: Context[Rollout], trial: Trial, metric: Metric) -> Iterator[Related]:
    """How the experiment comes to be stuck."""
    for analysis in trial.required:
        yield ctx.resource.related(analysis.path, f"analysis `{_name(analysis)}` is Successful")
    yield Related(metric.place, f"`{metric.name}` still runs: its run is terminated", metric.template)
    words = "the experiment no longer reads how that run ended, and stays Running"
    yield ctx.resource.related((*trial.step.path, "experiment"), words, "key")


def _trials(ctx: Context[Rollout]) -> Sequence[Trial]:
    """The experiment steps of a canary that can be read; none where a kustomization may change them."""
    return ctx.world.shared(ctx.resource.resource, "trials", lambda: tuple(_find_trials(ctx)))


def _find_trials(ctx: Context[Rollout]) -> Iterator[Trial]:
    rollout = ctx.resource
    if rollout.strategy_kind != "canary":
        return
    for step in rollout.steps:
        value = step.value.get("experiment")
        if not isinstance(value, dict) or step.kinds[:1] != ("experiment",):
            continue
        if ctx.world.patched(rollout.resource, (*step.path, "experiment")):
            continue
        analyses = tuple(one for one in rollout.analyses if one.role == "experiment" and one.step == step.index)
        written = value.get("analyses")
        if len(analyses) != len(sequence(written)) or not (written is None or isinstance(written, list)):
            continue
        required = [one.value.get("requiredForCompletion") for one in analyses]
        if any(one not in (None, True, False) for one in required):
            continue
        yield Trial(
            step,
            value,
            _duration(value.get("duration")),
            analyses,
            tuple(one for one, must in zip(analyses, required, strict=True) if must),
        )


def _duration(written: object) -> int | Literal["none", "unreadable", "unknown"]:
    """`duration` in nanoseconds; what is no text is left to the schema."""
    if written is None or written == "":
        return "none"
    if not isinstance(written, str) or filled_later(written):
        return "unknown"
    nanoseconds = parse_duration(written)
    return "unreadable" if nanoseconds is None else max(0, nanoseconds)


def _run(ctx: Context[Rollout], trial: Trial, analysis: Analysis) -> Run:
    from rolloutlint.simulate.runs import run_of

    rules = trial.value.get("dryRun")
    key = ("experiment run", analysis.path)
    return ctx.world.shared(
        ctx.resource.resource,
        key,
        lambda: run_of(ctx.world, ctx.resource, analysis, ctx.settings, label=_name(analysis), dry_run=rules),
    )


def _name(analysis: Analysis) -> str:
    return text(mapping(analysis.value).get("name")) or text(analysis.value.get("templateName"))


def _shown(nanoseconds: int) -> str:
    return format_duration(nanoseconds / SECOND)
