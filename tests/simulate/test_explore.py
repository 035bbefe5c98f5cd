"""The joined search finds what playing every history finds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random

import pytest

from rolloutlint.lang.duration import SECOND
from rolloutlint.simulate.explore import Exploration, Reached, explore
from rolloutlint.simulate.plan import Metric, Plan, Span
from rolloutlint.simulate.times import NEVER, Times, sums, ticks, union
from rolloutlint.simulate.traces import walk_to
from tests.simulate.plans import (
    Analysed,
    Experimented,
    Instant,
    Key,
    Never,
    TooManyError,
    endings_of,
    every_walk,
    metric,
    plan,
    run,
    stage,
    timed,
)


def key_of(ending: Reached) -> Key:
    cause = ending.run.run if ending.run is not None else None
    name = ""
    if ending.run is not None and ending.fall is not None and ending.fall.metric is not None:
        name = ending.run.run.metrics[ending.fall.metric].name
    return Key(ending.kind, ending.phase, cause.label if cause is not None else "", name, ending.stage)


def explored(found: Exploration) -> Mapping[Key, Times]:
    endings: dict[Key, Times] = {}
    for ending in found.endings:
        times = sums(ending.origin, ending.times)
        endings[key_of(ending)] = union(endings.get(key_of(ending), NEVER), times)
    return endings


def assert_same(of: Plan, most: int = 200_000) -> None:
    """Playing every history gives the endings of the search, at its times; beside an endless stage, the first one."""
    played, evidence = endings_of(every_walk(of, most=most))
    found = explore(of)
    assert not found.cut
    assert explored(found).keys() == played.keys()
    for key, times in explored(found).items():
        moments = {at // found.tick for at in played[key]}
        assert min(moments) == times.first
        if times.open is None:
            assert moments == set(ticks(times))
        else:
            assert all(at in times for at in moments)
    assert found.evidence == evidence


CASES = {
    "one inline analysis": plan(stage(Instant()), stage(Analysed(run(metric(count=3, failure=1, error=1))))),
    "a metric that must succeed in a row": plan(stage(Analysed(run(metric(count=4, success=2, failure=1, error=1))))),
    "an inconclusive metric": plan(stage(Analysed(run(metric(outcomes="SFI", count=3, inconclusive=1))))),
    "two metrics with different clocks": plan(
        stage(
            Analysed(
                run(
                    metric("one", count=2, interval=60, error=1),
                    metric("two", "SFI", count=2, interval=30, delay=45, failure=1),
                )
            )
        )
    ),
    "a dry run is awaited and not heard": plan(
        stage(Analysed(run(metric("one", "SF"), metric("dry", count=2, interval=90, error=0, dry_run=True))))
    ),
    "a background analysis beside pauses": plan(
        stage(timed(60)),
        stage(timed(120)),
        background=run(metric(count=float("inf"), interval=60, failure=1, error=1), role="background"),
    ),
    "a background analysis that starts late": plan(
        stage(Analysed(run(metric(error=1)))),
        stage(timed(60)),
        stage(timed(30)),
        background=run(metric("late", count=2, interval=30, delay=15, error=1), role="background"),
        background_from=1,
    ),
    "a background analysis beside an inline one": plan(
        stage(Analysed(run(metric("inline", "SFIE", count=2, interval=30, error=1)))),
        stage(timed(20)),
        background=run(metric("back", "SFI", count=float("inf"), interval=30), role="background"),
    ),
    "a background that can only err": plan(
        stage(timed(15)),
        stage(Analysed(run(metric("inline", "SI", count=2, interval=20)))),
        background=run(metric("back", "E", count=float("inf"), interval=60, error=2), role="background"),
    ),
    "inconclusive and failed in one moment": plan(
        stage(Analysed(run(metric("inline", "I"), metric("other", "SF")))),
        background=run(metric("back", "SFI"), role="background"),
    ),
    "nothing ends the stage": plan(
        stage(timed(10)),
        stage(Never("no templates")),
        background=run(metric("back", "SF", count=2, interval=30), role="background"),
    ),
    "a run that the controller refuses": plan(stage(timed(10)), stage(Analysed(run(fault="no metrics specified")))),
}


@pytest.mark.parametrize("name", CASES)
def test_the_search_finds_what_every_history_finds(name: str) -> None:
    assert_same(CASES[name])


def _shapes(longest: int) -> list[tuple[str, ...]]:
    shapes: list[tuple[str, ...]] = [()]
    for _ in range(longest):
        shapes += [(*shape, kind) for shape in shapes if len(shape) == max(map(len, shapes)) for kind in "wpa"]
    return [shape for shape in shapes if shape]


PAIRS = (
    (metric("one", "SF", count=2, failure=1), metric("two", "SI", count=1)),
    (metric("one", "SE", count=1, error=1), metric("two", "SF", count=2, interval=25, delay=5)),
)


@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize("pair", PAIRS)
def test_of_up_to_four_steps_and_two_metrics_the_endings_are_those_of_every_history(
    background: bool, pair: tuple[Metric, Metric]
) -> None:
    for shape in _shapes(4):
        if shape.count("a") > 2:
            continue
        inline = run(pair[0]) if background else run(*pair)
        waits = {"w": Instant(), "p": timed(30), "a": Analysed(inline)}
        stages = [stage(waits[kind]) for kind in shape]
        beside = run(pair[1]._replace(name="beside"), role="background") if background else None
        assert_same(plan(*stages, background=beside, background_from=0))


def _random_metric(random: Random, name: str, endless: bool) -> Metric:
    count = math.inf if endless and random.random() < 0.6 else random.randint(1, 3)
    success = random.choice((0, 0, 0, 1, 2))
    failure = random.choice((0, 0, 1, -1 if success else 0))
    if not math.isinf(count):
        success = min(success, int(count))
        failure = min(failure, int(count) - success)
    return metric(
        name,
        random.choice(("SF", "SI", "SE", "SFE", "SFI", "E", "FI")),
        count=count,
        interval=random.choice((10, 20, 30)) if count != 1 else random.choice((None, 10)),
        delay=random.choice((0, 0, 5, 25)),
        failure=failure,
        inconclusive=random.choice((0, 0, 1)),
        error=random.choice((0, 1)),
        success=success,
        dry_run=not endless and random.random() < 0.15,
    )


def _random_plan(random: Random) -> Plan:
    stages = []
    for number in range(random.randint(1, 4)):
        kind = random.choice("wpapN" if number == 3 else "wpaapx")
        if kind == "x":
            runs = [
                run(
                    _random_metric(random, f"x{number}{i}", random.random() < 0.3),
                    role="experiment",
                    label=f"analysis {i} of step {number + 1}",
                    required=random.random() < 0.5,
                )
                for i in range(random.randint(0, 2))
            ]
            seconds = random.choice((20, 45, None))
            length = None if seconds is None else Span(seconds * SECOND, seconds * SECOND)
            if length is not None or any(one.required for one in runs):
                stages.append(stage(Experimented(tuple(runs), length)))
            else:
                stages.append(stage(Instant()))
        elif kind == "a":
            metrics = [_random_metric(random, f"m{number}{i}", False) for i in range(random.randint(1, 2))]
            stages.append(stage(Analysed(run(*metrics, label=f"analysis of step {number + 1}"))))
        else:
            stages.append(stage({"w": Instant(), "p": timed(random.choice((10, 25, 40))), "N": Never("")}[kind]))
    background = None
    if random.random() < 0.6:
        metrics = [_random_metric(random, f"b{i}", True) for i in range(random.randint(1, 2))]
        background = run(*metrics, role="background")
    return plan(*stages, background=background, background_from=random.randrange(len(stages)))


@pytest.mark.parametrize("seed", range(300))
def test_of_any_small_rollout_the_endings_are_those_of_every_history(seed: int) -> None:
    try:
        assert_same(_random_plan(Random(seed)), most=1_500)
    except TooManyError:
        pytest.skip("too many histories to play one by one")


@pytest.mark.parametrize("seed", range(300))
def test_each_ending_has_a_history_that_leads_there_at_its_earliest(seed: int) -> None:
    of = _random_plan(Random(seed))
    found = explore(of)
    for ending in found.endings:
        walk = walk_to(of, found, ending)
        if walk is None:  # a history without end that alternates: a trace would have none either
            assert ending.kind == "stuck"
            continue
        key = key_of(ending)
        causes = {(cause.phase, cause.metric.name if cause.metric else "") for cause in walk.causes}
        assert not walk.causes or (key.phase, key.metric) in causes
        if ending.kind == "promoted":
            assert walk.successes == found.evidence
        else:
            assert walk.at == ending.least * found.tick


def test_a_lattice_that_is_too_fine_is_given_up_and_not_tried() -> None:
    fine = metric(count=math.inf, interval=60)
    assert fine.spec is not None
    fine = fine._replace(spec=fine.spec._replace(interval=1))
    found = explore(plan(stage(timed(7_200_000)), background=run(fine, role="background")))
    assert found.cut
    assert found.endings == ()
