"""Simulations made by hand, one for each kind of rollout that the reports draw, also with names that attack them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

from rolloutlint.controllers.analysis_run import MetricSpec
from rolloutlint.controllers.limits import Bounds
from rolloutlint.finding import DocumentId, Place, ResourceId
from rolloutlint.lang.duration import SECOND
from rolloutlint.simulate.plan import (
    EVERYTHING,
    NO_TIME,
    NOTHING,
    Analysed,
    Experimented,
    Instant,
    Metric,
    Never,
    Person,
    Plan,
    Pods,
    Run,
    Scaling,
    Share,
    Span,
    Stage,
    Timed,
    Wait,
)
from rolloutlint.simulate.result import (
    Bar,
    Broken,
    Detection,
    Ending,
    Event,
    Figure,
    Gate,
    Hang,
    Row,
    Simulation,
    Unguarded,
)

MINUTE = 60 * SECOND
DOCUMENT = DocumentId("apps/cart/rollout.yaml", 0)
TEMPLATES = DocumentId("apps/cart/analysis.yaml", 1)
HOSTILE = "<img src=x onerror=alert(1)>|`x`*_[a](http://b)&lt; @team \x1b[31m\u202e\n::error::gone ##[warning]"
LONG = "a-name-that-nobody-would-give-but-that-kubernetes-accepts-because-it-has-less-than-253-characters"


def place(*path: str | int) -> Place:
    return Place(DOCUMENT, ("spec", "strategy", *path))


def percent(least: int | Fraction, most: int | Fraction | None = None) -> Share:
    return Share(Fraction(least) / 100, Fraction(least if most is None else most) / 100)


def span(minutes: float) -> Span:
    return Span(int(minutes * MINUTE), int(minutes * MINUTE))


def metric(name: str, *, interval: float | None = 1, delay: float = 0, dry_run: bool = False) -> Metric:
    spec = MetricSpec(
        name,
        Bounds(float("inf"), 0, 0, 0, 4),
        None if interval is None else int(interval * MINUTE),
        int(delay * MINUTE),
        dry_run,
    )
    template = ResourceId("argoproj.io", "v1alpha1", "AnalysisTemplate", "shop", "rates")
    return Metric(spec, name, "prometheus", "SFE", template, Place(TEMPLATES, ("spec", "metrics", 0)), NO_TIME)


def run(label: str, *metrics: Metric, role: Literal["background", "step", "postPromotion"] = "step") -> Run:
    return Run(role, label, place("canary", "analysis"), metrics)


def stage(
    step: int | None, label: str, wait: Wait, share: Share, pods: tuple[int | None, int | None] = (None, None)
) -> Stage:
    weight = int(share.least * 100) if share.exact else None
    where = place("canary", "steps", step) if step is not None else place("canary")
    return Stage(step, label, where, wait, share, weight, Pods(*pods))


def plan(stages: Sequence[Stage], *, name: str = "cart", router: str = "istio", **other: object) -> Plan:
    made = Plan(
        rollout=ResourceId("argoproj.io", "v1alpha1", "Rollout", "shop", name),
        place=Place(DOCUMENT),
        strategy="canary",
        replicas=Span(10, 10),
        router=router,
        stages=tuple(stages),
        background=None,
        background_from=0,
        deadline=600 * SECOND,
        deadline_aborts=False,
        leak="",
        refused=(),
        notes=(),
    )
    return made._replace(**other)  # type: ignore[arg-type]


def rows(stages: Sequence[Stage], lasts: dict[int, Span] | None = None) -> tuple[Row, ...]:
    """The stairs, with the time that the plan or `lasts` (stage -> time) gives for each."""
    out = []
    now = NO_TIME
    for index, each in enumerate(stages):
        wait = each.wait
        took = (lasts or {}).get(index)
        if took is None:
            took = (
                wait.span
                if isinstance(wait, (Timed, Scaling))
                else NO_TIME
                if isinstance(wait, Instant)
                else Span(0, None, ("somebody decides",))
            )
        end = Span(
            now.least + took.least,
            None if now.most is None or took.most is None else now.most + took.most,
            (*now.why, *took.why),
        )
        out.append(Row(index, now, end))
        now = end
    return tuple(out)


def bar(
    label: str,
    run: str,
    start: float,
    first: float,
    end: float,
    *,
    interval: float | None = 1,
    reason: Literal["rollout-ends", "complete", "unknown"] = "rollout-ends",
    dry_run: bool = False,
    aborts: bool = True,
) -> Bar:
    taken = 1 if interval is None else int((end - first) // interval) + 1
    return Bar(
        label=label,
        run=run,
        place=Place(TEMPLATES, ("spec", "metrics", label)),
        start=int(start * MINUTE),
        first=int(first * MINUTE),
        end=int(end * MINUTE),
        interval=None if interval is None else int(interval * MINUTE),
        measurements=None if reason == "unknown" else max(taken, 0),
        end_reason=reason,
        dry_run=dry_run,
        aborts=aborts and not dry_run,
    )


def event(minutes: float, words: str, at: int | None = None) -> Event:
    return Event(int(minutes * MINUTE), words, place("canary", "steps", at or 0), at)


def unguarded(start: float, end: float, share: Share) -> Unguarded:
    return Unguarded(int(start * MINUTE), int(end * MINUTE), share)


def _promoted(stages: Sequence[Stage], after: Span, evidence: int | None, people: int = 0) -> Ending:
    trace = tuple(
        Event(row.start.least, each.label, each.place, row.stage)
        for row, each in zip(rows(stages), stages, strict=False)
    )
    return Ending(
        kind="promoted",
        phase="",
        cause="",
        place=None,
        stage=None,
        share=EVERYTHING,
        at=after,
        people=people,
        evidence=evidence,
        trace=trace,
    )


def canary() -> Simulation:
    """Routed by Istio; a background analysis that starts late, one in dry run, and one analysis as a step."""
    rate, slow = metric("success-rate", delay=2), metric("latency-p99", dry_run=True)
    check = metric("errors-in-logs")
    stages = (
        stage(0, "setWeight 5", Instant(), percent(5), (1, 10)),
        stage(1, "pause 10m", Timed(span(10)), percent(5), (1, 10)),
        stage(2, "setWeight 20", Instant(), percent(20), (2, 10)),
        stage(3, "analysis", Analysed(run("analysis of step 4", check)), percent(20), (2, 10)),
        stage(4, "pause 8m", Timed(span(8)), percent(20), (2, 10)),
        stage(5, "setWeight 50", Instant(), percent(50), (5, 10)),
        stage(6, "pause 10m", Timed(span(10)), percent(50), (5, 10)),
        stage(7, "setWeight 100", Instant(), EVERYTHING, (10, 10)),
        stage(8, "pause 2m", Timed(span(2)), EVERYTHING, (10, 10)),
        stage(None, "scale up", Scaling(Span(0, None, ("readiness is not known",))), EVERYTHING, (10, 0)),
    )
    made = plan(
        stages,
        background=run("background analysis", rate, slow, role="background"),
        background_from=3,
        notes=("a header route sends staff to the new version from step 2 on",),
    )
    after = Span(34 * MINUTE, None, ("spec.minReadySeconds",))
    broken = (
        event(0, "step 1: setWeight 5", 0),
        event(10, "step 3: setWeight 20", 2),
        event(10, "background analysis starts", 3),
        event(10, "errors-in-logs: Failed (0 tolerated)", 3),
        event(10, "aborted", 3),
    )
    return Simulation(
        plan=made,
        rows=rows(stages, {3: span(4)}),
        bars=(
            bar("success-rate", "background analysis", 10, 12, 34),
            bar("latency-p99", "background analysis", 10, 10, 34, dry_run=True),
            bar("errors-in-logs", "analysis of step 4", 10, 10, 14, reason="complete"),
        ),
        unguarded=(unguarded(0, 10, percent(5)),),
        endings=(
            _promoted(stages, after, 26),
            Ending(
                kind="aborted",
                phase="Failed",
                cause="errors-in-logs of the analysis of step 4",
                place=place("canary", "steps", 3),
                stage=3,
                share=percent(20),
                at=Span(10 * MINUTE, None, ("spec.minReadySeconds",)),
                people=0,
                evidence=None,
                trace=broken,
            ),
            Ending(
                kind="aborted",
                phase="Error",
                cause="errors-in-logs of the analysis of step 4",
                place=place("canary", "steps", 3),
                stage=3,
                share=percent(20),
                at=Span(10 * MINUTE + 40 * SECOND, None, ("spec.minReadySeconds",)),
                people=0,
                evidence=None,
                trace=broken,
            ),
            Ending(
                kind="aborted",
                phase="Failed",
                cause="success-rate of the background analysis",
                place=place("canary", "analysis"),
                stage=6,
                share=percent(50),
                at=Span(24 * MINUTE, None, ("spec.minReadySeconds",)),
                people=0,
                evidence=None,
                trace=broken,
            ),
        ),
        promotion=Figure(34 * MINUTE, None, ("spec.minReadySeconds is not written",)),
        evidence=26,
        evidence_why=(),
        gates=(
            Gate("background analysis", place("canary", "analysis"), 21, ()),
            Gate("analysis of step 4", place("canary", "steps", 3), 5, ()),
        ),
        broken=Broken(
            ending="aborted",
            after=Figure(10 * MINUTE, 12 * MINUTE),
            share=percent(20),
            exposure=Figure(50, 90),
            by="errors-in-logs of the analysis of step 4",
            trace=broken,
        ),
        detections=(
            Detection(1, percent(5), True, Figure(10 * MINUTE, 12 * MINUTE), Figure(50, 90), "errors-in-logs"),
            Detection(3, percent(20), True, Figure(0, 2 * MINUTE), Figure(0, 40), "errors-in-logs"),
            Detection(6, percent(50), True, Figure(0, MINUTE), Figure(0, 50), "success-rate"),
            Detection(8, EVERYTHING, True, Figure(0, MINUTE), Figure(0, 100), "success-rate"),
        ),
        people=0,
        hangs=(),
        bounds=("how long pods take to become ready is in no manifest",),
    )


def person() -> Simulation:
    """Pods alone decide the share; a person is asked twice, and nothing is measured."""
    stages = (
        stage(0, "setWeight 20", Scaling(Span(30 * SECOND, None, ("readiness",))), percent(20), (1, 4)),
        stage(1, "pause until resumed", Person(), percent(20), (1, 4)),
        stage(2, "setWeight 60", Scaling(Span(30 * SECOND, None, ("readiness",))), percent(60), (3, 2)),
        stage(3, "pause 5m", Timed(span(5)), percent(60), (3, 2)),
        stage(4, "pause until resumed", Person(), percent(60), (3, 2)),
        stage(None, "scale up", Scaling(Span(30 * SECOND, None, ("readiness",))), EVERYTHING, (5, 0)),
    )
    made = plan(stages, name="search", router="", replicas=Span(5, 5))
    after = Span(6 * MINUTE + 30 * SECOND, None, ("pause of step 2 ends when a person resumes it",))
    trace = (event(0, "step 1: setWeight 20", 0), event(0.5, "step 2: waits for a person", 1))
    return Simulation(
        plan=made,
        rows=rows(stages),
        bars=(),
        unguarded=(unguarded(0, 6.5, percent(20, 100)),),
        endings=(
            _promoted(stages, after, 0, people=2),
            Ending(
                kind="waits",
                phase="",
                cause="pause of step 2",
                place=place("canary", "steps", 1),
                stage=1,
                share=percent(20),
                at=Span(30 * SECOND, None),
                people=0,
                evidence=None,
                trace=trace,
            ),
            Ending(
                kind="waits",
                phase="",
                cause="pause of step 5",
                place=place("canary", "steps", 4),
                stage=4,
                share=percent(60),
                at=Span(6 * MINUTE, None),
                people=1,
                evidence=None,
                trace=trace,
            ),
        ),
        promotion=Figure(after.least, None, after.why),
        evidence=0,
        evidence_why=(),
        gates=(),
        broken=Broken("waits", None, percent(20), Figure(10, None, ("a person decides",)), "", trace),
        detections=(
            Detection(1, percent(20), False, None, Figure(10, None, ("a person decides",)), ""),
            Detection(3, percent(60), False, None, Figure(300, None, ("a person decides",)), ""),
        ),
        people=2,
        hangs=(Hang("waits until a person resumes it", place("canary", "steps", 1), 1),),
        bounds=("a person ends the pauses of steps 2 and 5",),
    )


def blue_green() -> Simulation:
    """Nothing is shown to users before the switch; an analysis before it and one behind it."""
    smoke, rate = metric("smoke", interval=None), metric("success-rate")
    stages = (
        stage(None, "preview pods", Scaling(Span(30 * SECOND, None, ("readiness",))), NOTHING, (3, 3)),
        stage(None, "prePromotionAnalysis", Analysed(run("prePromotionAnalysis", smoke)), NOTHING, (3, 3)),
        stage(None, "switch active Service", Instant(), EVERYTHING, (3, 3)),
        stage(None, "postPromotionAnalysis", Analysed(run("postPromotionAnalysis", rate)), EVERYTHING, (3, 3)),
        stage(None, "scale down in 30s", Timed(span(0.5)), EVERYTHING, (3, 3)),
    )
    made = plan(stages, name="web", router="", strategy="blueGreen", replicas=Span(3, 3))
    lasts = {1: Span(0, None, ("nobody knows how long a job takes",)), 3: span(5)}
    trace = (event(0.5, "prePromotionAnalysis starts", 1), event(0.5, "smoke: Failed (0 tolerated)", 1))
    return Simulation(
        plan=made,
        rows=rows(stages, lasts),
        bars=(
            bar("smoke", "prePromotionAnalysis", 0.5, 0.5, 0.5, interval=None, reason="complete"),
            bar("success-rate", "postPromotionAnalysis", 0.5, 0.5, 5.5, reason="complete"),
        ),
        unguarded=(),
        endings=(
            _promoted(stages, Span(6 * MINUTE, None, ("a job",)), 7),
            Ending(
                kind="aborted",
                phase="Failed",
                cause="smoke of the prePromotionAnalysis",
                place=place("blueGreen", "prePromotionAnalysis"),
                stage=1,
                share=NOTHING,
                at=Span(30 * SECOND, None),
                people=0,
                evidence=None,
                trace=trace,
            ),
        ),
        promotion=Figure(6 * MINUTE, None, ("nobody knows how long the job of smoke takes",)),
        evidence=7,
        evidence_why=(),
        gates=(
            Gate("prePromotionAnalysis", place("blueGreen", "prePromotionAnalysis"), 1, ()),
            Gate("postPromotionAnalysis", place("blueGreen", "postPromotionAnalysis"), 6, ()),
        ),
        broken=Broken("aborted", Figure(30 * SECOND, None, ("a job",)), NOTHING, Figure(0, 0), "smoke", trace),
        detections=(Detection(2, EVERYTHING, True, Figure(0, MINUTE), Figure(0, 100), "success-rate"),),
        people=0,
        hangs=(),
        bounds=("nobody knows how long the job of smoke takes",),
    )


def refused() -> Simulation:
    """The controller takes nothing of it."""
    made = plan((), name="broken", refused=("spec.strategy.canary.canaryService `next` does not exist",))
    return Simulation(
        plan=made,
        rows=(),
        bars=(),
        unguarded=(),
        endings=(
            Ending("refused", "", made.refused[0], place("canary"), None, NOTHING, NO_TIME, 0, None, ()),
        ),
        promotion=None,
        evidence=None,
        evidence_why=(),
        gates=(),
        broken=None,
        detections=(),
        people=0,
        hangs=(Hang(made.refused[0], place("canary"), None),),
        bounds=(),
    )  # fmt: skip


def unknown() -> Simulation:
    """A pause and a template that are filled in later, an autoscaler, and an experiment that never ends."""
    why = "spec.strategy.canary.steps[1].pause.duration is filled in later"
    lost = Run("step", "analysis of step 3", place("canary", "steps", 2), (), unknown=("template `x` is not there",))
    stages = (
        stage(0, "setWeight 10", Instant(), percent(10, 20), (None, None)),
        stage(1, "pause ?", Timed(Span(0, None, (why,))), percent(10, 20)),
        stage(2, "analysis", Analysed(lost), percent(10, 20)),
        stage(3, "setWeight 50", Instant(), percent(40, 50)),
        stage(4, "pause 5m to 10m", Timed(Span(5 * MINUTE, 10 * MINUTE, (why,))), percent(40, 50)),
        stage(5, "experiment", Experimented((run("experiment of step 6", metric("e")),), None), percent(40, 50)),
        stage(
            6, "for ever", Never("the experiment has no duration and no analysis that it waits for"), percent(40, 50)
        ),
    )
    made = plan(stages, name="maybe", replicas=Span(2, None, ("an autoscaler decides",)))
    return Simulation(
        plan=made,
        rows=rows(stages, {2: Span(0, None, ("template `x` is not there",))}),
        bars=(
            bar("e", "experiment of step 6", 5, 5, 5, reason="unknown"),
            bar("never-measures", "background analysis", 0, 9, 5, reason="rollout-ends", aborts=False),
        ),
        unguarded=(unguarded(0, 5, percent(10, 50)),),
        endings=(
            Ending(
                kind="stuck",
                phase="",
                cause="experiment of step 6",
                place=place("canary", "steps", 5),
                stage=6,
                share=percent(40, 50),
                at=Span(5 * MINUTE, None, (why,)),
                people=0,
                evidence=None,
                trace=(event(5, "step 6: experiment", 5),),
            ),
        ),
        promotion=None,
        evidence=None,
        evidence_why=("template `x` is not there",),
        gates=(Gate("analysis of step 3", place("canary", "steps", 2), None, ("template `x` is not there",)),),
        broken=Broken("stuck", None, percent(40, 50), Figure(200, None, (why,)), "", (event(5, "stuck", 6),)),
        detections=(Detection(1, percent(10, 20), False, None, None, ""),),
        people=0,
        hangs=(Hang("the experiment has no duration and no analysis that it waits for", place("canary"), 6),),
        bounds=(why, "template `x` is not there", "an autoscaler decides how many pods there are"),
    )


def thirty() -> Simulation:
    """Thirty steps up, each with a pause and every third with an analysis that takes no time."""
    stages: list[Stage] = []
    check = metric("error-rate", interval=None)
    for number in range(1, 31):
        share = percent(Fraction(10 * number, 3))
        stages.append(stage(len(stages), f"setWeight {number * 3}", Instant(), share, (number, 30)))
        stages.append(stage(len(stages), "pause 2m", Timed(span(2)), share, (number, 30)))
        if number % 3 == 0:
            label = f"analysis of step {len(stages) + 1}"
            stages.append(stage(len(stages), "analysis", Analysed(run(label, check)), share, (number, 30)))
    lasts = {i: NO_TIME for i, each in enumerate(stages) if isinstance(each.wait, Analysed)}
    bars = [
        bar("error-rate", each.wait.run.label, row.start.least / MINUTE, row.start.least / MINUTE,
            row.start.least / MINUTE, interval=None, reason="complete")
        for row, each in zip(rows(stages, lasts), stages, strict=True)
        if isinstance(each.wait, Analysed)
    ]  # fmt: skip
    made = plan(stages, name="slow", replicas=Span(30, 30))
    trace = (event(6, "error-rate: Failed (0 tolerated)", 6),)
    return Simulation(
        plan=made,
        rows=rows(stages, lasts),
        bars=tuple(bars),
        unguarded=(unguarded(0, 60, percent(Fraction(10, 3), 100)),),
        endings=(_promoted(stages, span(60), 10),),
        promotion=Figure(60 * MINUTE, 60 * MINUTE),
        evidence=10,
        evidence_why=(),
        gates=tuple(
            Gate(f"analysis of step {i + 1}", each.place, 1, ())
            for i, each in enumerate(stages)
            if isinstance(each.wait, Analysed)
        ),
        broken=Broken("aborted", Figure(6 * MINUTE, 6 * MINUTE), percent(10), Figure(40, 40), "error-rate", trace),
        detections=(),
        people=0,
        hangs=(),
        bounds=(),
    )


def instant() -> Simulation:
    """Three weights and no time in any of them."""
    stages = tuple(
        stage(i, f"setWeight {weight}", Instant(), percent(weight), (1, 1)) for i, weight in enumerate((10, 50, 100))
    )
    return Simulation(
        plan=plan(stages, name="rush", replicas=Span(1, 1)),
        rows=rows(stages),
        bars=(),
        unguarded=(),
        endings=(_promoted(stages, NO_TIME, 0),),
        promotion=Figure(0, None, ("spec.minReadySeconds",)),
        evidence=0,
        evidence_why=(),
        gates=(),
        broken=Broken("promoted", Figure(0, 0), EVERYTHING, Figure(0, None, ("for ever",)), "", ()),
        detections=(),
        people=0,
        hangs=(),
        bounds=(),
    )


def day() -> Simulation:
    """Minutes, then a whole day."""
    stages = (
        stage(0, "setWeight 1", Instant(), percent(1), (1, 20)),
        stage(1, "pause 5m", Timed(span(5)), percent(1), (1, 20)),
        stage(2, "setWeight 25", Instant(), percent(25), (5, 20)),
        stage(3, "pause 24h", Timed(span(24 * 60)), percent(25), (5, 20)),
        stage(4, "setWeight 75", Instant(), percent(75), (15, 20)),
        stage(5, "pause 10m", Timed(span(10)), percent(75), (15, 20)),
    )
    first = event(1, "success-rate: Failed (0 tolerated)", 1)
    total = 24 * 60 + 15
    return Simulation(
        plan=plan(stages, name="payments", replicas=Span(20, 20)),
        rows=rows(stages),
        bars=(
            bar("success-rate", "background analysis", 0, 0, total, interval=1),
            bar("saturation", "background analysis", 0, 30, 90, interval=30, reason="complete"),
        ),
        unguarded=(),
        endings=(_promoted(stages, span(total), 1455),),
        promotion=Figure(total * MINUTE, total * MINUTE),
        evidence=1455,
        evidence_why=(),
        gates=(Gate("background analysis", place("canary", "analysis"), 1455, ()),),
        broken=Broken("aborted", Figure(MINUTE, MINUTE), percent(1), Figure(1, 1), "success-rate", (first,)),
        detections=(Detection(1, percent(1), True, Figure(MINUTE, MINUTE), Figure(1, 1), "success-rate"),),
        people=0,
        hangs=(),
        bounds=(),
    )


def hostile() -> Simulation:
    """Every text is an attack."""
    from_canary = canary()
    stages = tuple(each._replace(label=HOSTILE) for each in from_canary.plan.stages)
    made = from_canary.plan._replace(
        rollout=from_canary.plan.rollout._replace(name=HOSTILE, namespace=HOSTILE),
        place=Place(DocumentId(HOSTILE, 0)),
        router=HOSTILE,
        stages=stages,
        notes=(HOSTILE,),
    )
    return from_canary._replace(
        plan=made,
        bars=tuple(each._replace(label=HOSTILE) for each in from_canary.bars),
        endings=tuple(
            each._replace(cause=HOSTILE, trace=tuple(e._replace(words=HOSTILE) for e in each.trace))
            for each in from_canary.endings
        ),
        gates=tuple(each._replace(label=HOSTILE, why=(HOSTILE,)) for each in from_canary.gates),
        detections=tuple(each._replace(by=HOSTILE) for each in from_canary.detections),
        broken=from_canary.broken._replace(by=HOSTILE) if from_canary.broken else None,
        hangs=(Hang(HOSTILE, place("canary"), 1),),
        bounds=(HOSTILE,),
        evidence_why=(HOSTILE,),
        promotion=Figure(1, None, (HOSTILE,)),
    )


def long_names() -> Simulation:
    """The canary with names as long as Kubernetes allows."""
    made = canary()
    return made._replace(
        plan=made.plan._replace(rollout=made.plan.rollout._replace(name=LONG, namespace=LONG)),
        bars=tuple(each._replace(label=f"{LONG}-{number}") for number, each in enumerate(made.bars)),
        gates=tuple(each._replace(label=f"{LONG} {LONG}") for each in made.gates),
    )


ALL = {
    "canary": canary(),
    "person": person(),
    "blue-green": blue_green(),
    "refused": refused(),
    "unknown": unknown(),
    "thirty": thirty(),
    "instant": instant(),
    "day": day(),
    "long-names": long_names(),
    "hostile": hostile(),
}
"""What each is called in the names of tests."""
