"""The Experiment of a canary step: its phase, from the phases of its AnalysisRuns.

Mirrors argo-rollouts `experiments/experiment.go` (reconcileAnalysisRun, calculateStatus, assessTemplates,
assessAnalysisRuns) and `utils/experiment/experiment.go` (IsTerminating, RequiredAnalysisRunsSuccessful), which decide
alike in every release from 1.2 on. It speaks of experiments whose pods are available and stay so: pods that are not end
it as Failed, after its `progressDeadlineSeconds`.
"""

from __future__ import annotations

from collections.abc import Sequence

from rolloutlint.controllers.analysis_run import BAD, RunPhase, worse


def experiment_phase(required: Sequence[bool], phases: Sequence[RunPhase], expired: bool) -> RunPhase:
    """The phase of a running experiment when its runs have these `phases`.

    `required` tells of each analysis whether it has `requiredForCompletion`, `expired` whether the `duration` has
    passed since the pods became available; False where there is none. A run that is bad ends the experiment, required
    or not. Required runs that are all Successful end it as Successful, but only if the others are Successful as well:
    see `stuck`.
    """
    worst: RunPhase = "Successful"
    for phase in phases:
        worst = worse(worst, phase)
    if worst in BAD:
        return worst
    if any(required):
        return "Successful" if worst == "Successful" else "Running"
    return "Successful" if expired else "Running"


def stuck(required: Sequence[bool], phases: Sequence[RunPhase]) -> bool:
    """True where the experiment stays Running for ever, however its runs end and however long it lasts.

    Required runs that are all Successful make it terminate the others, and what terminates no longer reads how they
    end: it waits for a phase that it has stopped to look at. Only deleting such a run, which is an Error, ends it.
    """
    done = all(phase == "Successful" for must, phase in zip(required, phases, strict=True) if must)
    return done and experiment_phase(required, phases, True) == "Running"


def endless(required: Sequence[bool], has_duration: bool) -> bool:
    """True where no phases of the runs make the experiment Successful: no `duration`, and nothing is required.

    Then only a run that is Failed, Error or Inconclusive ends it.
    """
    return not has_duration and not any(required)
