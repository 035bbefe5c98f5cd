"""A real Prometheus holds days whose every request is known: what a backtest reports of them is exactly what they were.

The expected shares come from a walk through each run, one measurement after the other, that shares no code with what
it is compared with.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rolloutlint.backtest.client import Client, Limits
from rolloutlint.backtest.make import Options, backtest
from rolloutlint.backtest.recorded import Recorded, Recording
from rolloutlint.backtest.result import Backtest, MetricHistory
from rolloutlint.backtest.source import Failure, Source
from rolloutlint.controllers.analysis_run import Outcome
from rolloutlint.controllers.measurement import judge
from rolloutlint.controllers.measurement_runs import outcome
from rolloutlint.lang.duration import SECOND
from rolloutlint.lang.expr import NEWEST, Phase
from rolloutlint.settings import Settings, Targets, Version
from tests.live.days import DAYS, FIRST, LENGTH, STATE_LENGTH, STATES, Answer, Day
from tests.live.server import ROOT, NoPrometheusError, Server
from tests.live.test_repairs_live import ALL, ERR, FAILURES, SUCCESSES, conditions_of
from tests.live.worlds import World
from tests.plan.planning import opened

LIMITS = Limits(rate=1000)
TOLERATED = Fraction(1, 100)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    up: World = {'up{job="prometheus"}': [1.0]}
    try:
        days = DAYS | {name: day for name, (day, _) in STATES.items()}
        made = Server({name: {**up, **day.world} for name, day in days.items()})
    except NoPrometheusError as reason:
        pytest.skip(f"Prometheus cannot be had: {reason}")
    with made:
        yield made


# ---- what must come out --------------------------------------------------------------------------------------------


class Measure(NamedTuple):
    """A metric, and what it must decide."""

    query: str
    answer: Callable[[Day, float], Answer]
    """What the query must give at a time."""
    outcome: Callable[[Answer], str]
    """What the conditions must make of that."""
    success: str
    failure: str = ""


def strict(answer: Answer) -> str:
    return "E" if answer == "empty" else "F" if answer == "NaN" or answer > Fraction(1, 20) else "S"


def lenient(answer: Answer) -> str:
    return "S" if answer in ("empty", "NaN") else strict(answer)


def careful(answer: Answer) -> str:
    return "I" if answer in ("empty", "NaN") else strict(answer)


BELOW = "result[0] <= 0.05"
PER_POD = (
    'avg(sum by (pod) (rate(http_requests_total{code=~"5.."}[5m])) / sum by (pod) (rate(http_requests_total[5m])))'
)
MEASURES = {
    "ratio": Measure(f"{ERR} / {ALL}", Day.failing, strict, BELOW),
    "ratio with traffic": Measure(f"({ERR} or vector(0)) / ({ALL} > 0)", Day.failing_with_traffic, strict, BELOW),
    "ratio or nothing": Measure(
        f"{ERR} / {ALL}", Day.failing, lenient, f"len(result) == 0 || isNaN(result[0]) || {BELOW}"
    ),
    "ratio with care": Measure(
        f"{ERR} / {ALL}",
        Day.failing,
        careful,
        f"len(result) > 0 && {BELOW}",
        "len(result) > 0 && result[0] > 0.05",
    ),
    "average of pods": Measure(PER_POD, Day.failing_on_average, strict, BELOW),
}


class Bounds(NamedTuple):
    """The limits of a metric; as in an AnalysisTemplate, with its defaults."""

    interval: int = 60
    count: int = 5
    failures: int = 0
    inconclusive: int = 0
    errors: int = 4
    delay: int = 0

    @property
    def fields(self) -> dict[str, Any]:
        return {
            "interval": f"{self.interval}s",
            "count": self.count,
            "failureLimit": self.failures,
            "inconclusiveLimit": self.inconclusive,
            "consecutiveErrorLimit": self.errors,
            "initialDelay": f"{self.delay}s",
        }


BOUNDS = (
    Bounds(),
    Bounds(failures=2),
    Bounds(interval=30, count=10, failures=3, errors=20),
    Bounds(interval=120, count=3, inconclusive=2, delay=90),
    Bounds(interval=300, count=1),
)


def walk(outcome: Callable[[int], str], start: int, bounds: Bounds) -> str:
    """How the run ends that starts then (seconds after the first scrape), measurement by measurement."""
    at, counted, failed, inconclusive, errors = start + bounds.delay, 0, 0, 0, 0
    while at <= FIRST + LENGTH:
        found = outcome(at)
        if found == "E":
            errors += 1
            if errors > bounds.errors:
                return "Error"
            at += 10
            continue
        errors = 0
        counted += 1
        failed += found == "F"
        inconclusive += found == "I"
        if failed > bounds.failures:
            return "Failed"
        if inconclusive > bounds.inconclusive:
            return "Inconclusive"
        if counted == bounds.count:
            return "Successful"
        at += bounds.interval
    return "Running"


def walked(outcome: Callable[[int], str], bounds: Bounds, step: int) -> dict[str, Fraction]:
    """The share of each ending, over every start `step` seconds apart from which the run fits into the window."""
    last = FIRST + LENGTH - bounds.delay - (bounds.count - 1) * bounds.interval
    ends = Counter(walk(outcome, start, bounds) for start in range(FIRST, last + 1, step))
    return {ending: Fraction(count, ends.total()) for ending, count in ends.items()}


def known(day: Day, measure: Measure) -> Callable[[int], str]:
    """The outcome at a time, remembered."""
    outcomes: dict[int, str] = {}

    def outcome(at: int) -> str:
        if at not in outcomes:
            outcomes[at] = measure.outcome(measure.answer(day, at))
        return outcomes[at]

    return outcome


# ---- what comes out ------------------------------------------------------------------------------------------------


def manifest(name: str, query: str, success: str, failure: str, fields: dict[str, Any]) -> str:
    metric = {
        "name": "m",
        **fields,
        **{k: v for k, v in (("successCondition", success), ("failureCondition", failure)) if v},
        "provider": {"prometheus": {"address": "http://prometheus:9090", "query": query}},
    }
    return json.dumps(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AnalysisTemplate",
            "metadata": {"name": name},
            "spec": {"metrics": [metric]},
        }
    )


def asked(
    server: Server,
    source: Source,
    day: str,
    manifests: Sequence[str],
    length: int = LENGTH,
    settings: Settings | None = None,
) -> Backtest:
    options = Options(server.start(day) + FIRST + length, length * SECOND, tolerated=TOLERATED)
    return backtest(opened("\n---\n".join(manifests), settings), source, options)


def by_name(found: Backtest) -> dict[str, MetricHistory]:
    return {analysis.template.name: analysis.metrics[0] for analysis in found.analyses}


@pytest.mark.parametrize("name", DAYS)
def test_the_reported_shares_are_exactly_those_of_the_day(server: Server, name: str) -> None:
    day, start = DAYS[name], server.start(name)
    cases = {
        f"case-{at}-{number}": (measure, bounds)
        for at, measure in enumerate(MEASURES.values())
        for number, bounds in enumerate(BOUNDS)
    }
    texts = [
        manifest(case, measure.query, measure.success, measure.failure, bounds.fields)
        for case, (measure, bounds) in cases.items()
    ]
    with Client(server.url, limits=LIMITS) as client:
        found = by_name(asked(server, client, name, texts))
    outcomes = {measure: known(day, measure) for measure in MEASURES.values()}
    for case, (measure, bounds) in cases.items():
        told, outcome = found[case], outcomes[measure]
        step = told.step // SECOND
        answers = [measure.answer(day, point.at - start) for point in told.points]
        assert not told.lost, told.why
        numbers = [answer for answer in answers if isinstance(answer, Fraction)]
        assert not any(Fraction(4, 100) < number < Fraction(6, 100) for number in numbers), "too near to the threshold"
        assert [point.outcome for point in told.points] == [measure.outcome(answer) for answer in answers]
        assert [point.empty for point in told.points] == [answer == "empty" for answer in answers]
        assert told.no_data == Fraction(answers.count("empty"), len(answers))
        assert told.not_a_number == Fraction(answers.count("NaN"), len(answers))
        assert sum(gap.end - gap.start for gap in told.gaps) == answers.count("empty") * step
        assert step == (10 if "E" in {outcome(at) for at in _grid(bounds)} else bounds.interval)
        assert told.starts is not None
        expected = walked(outcome, bounds, step)
        assert {ending: share for ending, share in told.starts.endings if share} == expected
        assert told.false_aborts == expected.get("Failed", 0) + expected.get("Error", 0)
        for limit in told.limits:
            if limit.field == "failureLimit":
                changed = walked(outcome, bounds._replace(failures=int(limit.wanted)), step)
                assert limit.aborts == changed.get("Failed", 0) + changed.get("Error", 0) <= TOLERATED


def _grid(bounds: Bounds) -> range:
    """The times of measurements where none is an error."""
    return range(FIRST + bounds.delay % bounds.interval, FIRST + LENGTH + 1, bounds.interval)


def test_some_of_these_days_end_in_every_way(server: Server) -> None:
    text = [
        manifest(f"m-{n}", m.query, m.success, m.failure, BOUNDS[0].fields) for n, m in enumerate(MEASURES.values())
    ]
    endings: Counter[str] = Counter()
    with Client(server.url, limits=LIMITS) as client:
        for name in ("steady", "asleep at night", "no series of failures", "very noisy"):
            for told in by_name(asked(server, client, name, text)).values():
                assert told.starts is not None
                endings.update(ending for ending, share in told.starts.endings if share)
    assert {"Successful", "Failed", "Error", "Inconclusive"} <= set(endings)


def test_a_recording_tells_what_the_server_told(server: Server, tmp_path: Path) -> None:
    day = "asleep and noisy"
    texts = [
        manifest(f"m-{n}", m.query, m.success, m.failure, BOUNDS[2].fields) for n, m in enumerate(MEASURES.values())
    ]
    begin = server.start(day) + FIRST
    with Client(server.url, limits=LIMITS, window=(begin, begin + LENGTH)) as client:
        recording = Recording(client, str(tmp_path / "data"), (begin, begin + LENGTH))
        live = asked(server, recording, day, texts)
        recording.save()
    recorded = Recorded(str(tmp_path / "data"))
    assert recorded.window == (begin, begin + LENGTH)
    again = asked(server, recorded, day, texts)
    assert repr(again._replace(source="")) == repr(live._replace(source=""))


def test_a_long_range_in_parts_is_the_range_in_one(server: Server) -> None:
    start, end = server.start("noisy") + FIRST, server.start("noisy") + FIRST + LENGTH
    with Client(server.url, limits=LIMITS) as client, Client(server.url, limits=LIMITS._replace(points=500)) as other:
        assert client.ranges(ERR, start, end, 10) == other.ranges(ERR, start, end, 10)
        more = client.ranges(ERR, start, start + 11_500, 1)
    assert not isinstance(more, Failure)
    assert len(more[0][1]) == 11_501


def test_what_prometheus_refuses_is_told_in_its_words(server: Server) -> None:
    with Client(server.url, limits=LIMITS) as client:
        one = client.ranges("sum(", 0, 60, 60)
        other = client.ranges("up * on() group_left () up * on () group_left () {job=~'.+'}", 0, 60, 60)
    assert isinstance(one, Failure)
    assert "400 Bad Request: " in one.message
    assert "parse error" in one.message
    assert other == () or isinstance(other, Failure)


def test_names_and_values_are_those_of_the_window(server: Server) -> None:
    begin = server.start("one pod idle")
    with Client(server.url, limits=LIMITS, window=(begin, begin + 3600)) as client:
        assert client.names() == ("http_requests_total", "up")
        assert client.values("code", 'http_requests_total{job="web"}') == ("200", "500")
        assert client.values("pod", 'http_requests_total{pod!="a"}') == ("b",)
        assert client.values("nowhere", "") == ()


def test_names_that_do_not_exist_are_told_with_those_that_do(server: Server) -> None:
    texts = [
        manifest("metric", "sum(rate(http_request_total[5m]))", BELOW, "", BOUNDS[0].fields),
        manifest("value", 'sum(rate(http_requests_total{code="50O"}[5m]))', BELOW, "", BOUNDS[0].fields),
        manifest("fine", ERR, BELOW, "", BOUNDS[0].fields),
    ]
    begin = server.start("steady")
    with Client(server.url, limits=LIMITS, window=(begin, begin + FIRST + LENGTH)) as client:
        found = asked(server, client, "steady", texts)
    told = {(selector.what, selector.near[0]) for selector in found.unknown}
    assert told == {("metric", "http_requests_total"), ("value", "500")}


# ---- agreement with what is said without data -----------------------------------------------------------------------

TEMPLATES = [
    (query, *conditions)
    for queries, success, failure in (
        (FAILURES, "result[0] <= 0.2", "result[0] > 0.2"),
        (SUCCESSES, "result[0] >= 0.8", "result[0] < 0.8"),
    )
    for query in queries
    for conditions in conditions_of(success, failure)
]
PHASES: dict[Outcome, Phase] = {"S": "Successful", "F": "Failed", "I": "Inconclusive", "E": "Error"}
ENDS = {"succeeds": {"Successful"}, "aborts": {"Failed", "Error"}, "pauses": {"Inconclusive"}, "goes-on": {"Running"}}


@pytest.mark.parametrize("state", STATES)
def test_no_day_contradicts_what_is_said_without_data(server: Server, state: str) -> None:
    _, world = STATES[state]
    targets = Targets(prometheus=Version(*server.version))
    fields = [bounds.fields for bounds in BOUNDS]
    texts = [
        manifest(f"m-{number}", query, success, failure, fields[number % len(fields)])
        for number, (query, success, failure) in enumerate(TEMPLATES)
    ]
    with Client(server.url, limits=LIMITS) as client:
        found = by_name(asked(server, client, state, texts, STATE_LENGTH, Settings(targets=targets)))
    compared = certain = 0
    for number, (query, success, failure) in enumerate(TEMPLATES):
        told = found[f"m-{number}"]
        judgement = judge("prometheus", query, success, failure, NEWEST, 2 if server.version[0] < 3 else 3)
        verdict = next((each for each in judgement.verdicts if each.world == world), None)
        if verdict is None or not told.points or None in verdict.phases:
            continue
        compared += 1
        seen = {PHASES[point.outcome] for point in told.points}
        assert seen <= verdict.phases, (query, success, failure, verdict, told.points[0])
        if verdict.phase is None or told.starts is None:
            continue
        certain += 1
        ends = {ending for ending, share in told.starts.endings if share}
        expected = ENDS[outcome(verdict.phase, {"name": "m", **fields[number % len(fields)]}, targets).kind]
        # Retries after the last possible measurement may leave the window.
        assert ends - ({"Running"} if verdict.phase == "Error" else set()) <= expected, (query, success, failure)
    assert compared > len(TEMPLATES) / 2
    assert certain > len(TEMPLATES) / 5


# ---- as it is used --------------------------------------------------------------------------------------------------


def test_the_command_reports_the_shares_of_a_day(server: Server, tmp_path: Path) -> None:
    measure, bounds, day = MEASURES["ratio"], BOUNDS[0], "noisy"
    file = tmp_path / "template.yaml"
    file.write_text(manifest("cart", measure.query, measure.success, measure.failure, bounds.fields))
    end = server.start(day) + FIRST + LENGTH
    options = ("--prometheus", server.url, "--until", str(end), "--window", f"{LENGTH}s", "--no-config", "-f", "json")
    done = subprocess.run(
        [sys.executable, "-m", "rolloutlint", "backtest", str(file), *options],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
    )
    assert done.stderr == ""
    ((metric,),) = [analysis["metrics"] for analysis in json.loads(done.stdout)["analyses"]]
    expected = walked(known(DAYS[day], measure), bounds, 60)
    counted = metric["starts"]["counted"]
    shares = {each["ending"]: Fraction(each["starts"], counted) for each in metric["starts"]["endings"]}
    assert {ending: share for ending, share in shares.items() if share} == expected
    assert expected["Failed"] > TOLERATED
