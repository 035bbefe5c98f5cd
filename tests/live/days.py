"""Days whose every request is known: what Prometheus stores of them, and what a query of it must give, computed from
the requests alone.

A day is said as requests per interval of a scrape, by pod and by whether they fail; counters are made from that, with
restarts. What is asked for is asked 15 s (or 5, or 25) after a scrape: then a window of five minutes holds ten samples
with any Prometheus, whether it counts both ends of the window (2.x) or only its end (3.x).
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Literal, NamedTuple, TypeAlias

from tests.live.worlds import INTERVAL, Sample, World

HOURS = 3600 // INTERVAL
"""Scrapes of an hour."""
DAY = 24 * HOURS
FIRST = 615
"""Seconds after the first scrape when measuring begins: all windows are full then."""
WINDOW = 5 * 60
LENGTH = (DAY * INTERVAL - FIRST - INTERVAL) // 60 * 60
"""Seconds for which is measured."""

Answer: TypeAlias = Fraction | Literal["NaN", "empty"]


class Day(NamedTuple):
    """Requests by pod and code (`200`, `500`): how many between each scrape and the one before it."""

    requests: Mapping[tuple[str, str], Sequence[int]]
    restarts: frozenset[int] = frozenset()
    """The scrapes before which every pod was restarted: its counters begin at 0 again."""

    @property
    def world(self) -> World:
        """The counters that were scraped."""
        series: dict[str, list[Sample]] = {}
        for (pod, code), requests in self.requests.items():
            value = 1000
            samples: list[Sample] = [float(value)]
            for scrape, count in enumerate(requests[1:], 1):
                value = (0 if scrape in self.restarts else value) + count
                samples.append(float(value))
            series[f'http_requests_total{{code="{code}",job="web",pod="{pod}"}}'] = samples
        return series

    def seen(self, code: str, at: float, pod: str = "") -> int | None:
        """How many requests with a code five minutes of counters show at a time (seconds after the first scrape), all
        pods together or one of them; `None` where there is no such series."""
        last, first = int(at // INTERVAL), int((at - WINDOW) // INTERVAL) + 1
        assert at % INTERVAL
        assert first >= 0
        chosen = [counts for (p, c), counts in self.requests.items() if code in ("", c) and pod in ("", p)]
        return sum(sum(counts[first + 1 : last + 1]) for counts in chosen) if chosen else None

    def failing(self, at: float, pod: str = "") -> Answer:
        """Failed requests by all requests: `sum(rate(..."5.."...)) / sum(rate(...))`."""
        failed, total = self.seen("500", at, pod), self.seen("", at, pod)
        if failed is None or total is None:
            return "empty"
        return Fraction(failed, total) if total else "NaN"

    def failing_with_traffic(self, at: float) -> Answer:
        """The same as `(failed or vector(0)) / (all > 0)`."""
        total = self.seen("", at)
        return Fraction(self.seen("500", at) or 0, total) if total else "empty"

    def failing_on_average(self, at: float) -> Answer:
        """The average of the pods' ratios: one that is NaN makes it so."""
        pods = sorted({pod for pod, _ in self.requests})
        answers = [answer for pod in pods if (answer := self.failing(at, pod)) != "empty"]
        if not answers:
            return "empty"
        numbers = [answer for answer in answers if isinstance(answer, Fraction)]
        return sum(numbers, Fraction(0)) / len(answers) if len(numbers) == len(answers) else "NaN"


def _bursts(seed: int, often: int) -> list[int]:
    """Few failures, and many of them for 1 to 20 scrapes at a time."""
    chance = random.Random(seed)
    counts = [3] * DAY
    for _ in range(often):
        start = chance.randrange(DAY)
        for scrape in range(start, min(DAY, start + chance.randint(1, 20))):
            counts[scrape] = 400
    return counts


def _asleep(counts: Sequence[int], since: float, until: float) -> list[int]:
    """Nothing between two hours of the day."""
    return [0 if since * HOURS <= scrape < until * HOURS else count for scrape, count in enumerate(counts)]


GOOD, FEW, NONE = [270] * DAY, [3] * DAY, [0] * DAY

DAYS: dict[str, Day] = {
    "steady": Day({("a", "200"): GOOD, ("a", "500"): FEW}),
    "without failures": Day({("a", "200"): GOOD, ("a", "500"): NONE}),
    "noisy": Day({("a", "200"): GOOD, ("a", "500"): _bursts(1, 12)}),
    "very noisy": Day({("a", "200"): GOOD, ("a", "500"): _bursts(2, 60)}),
    "asleep at night": Day({("a", "200"): _asleep(GOOD, 1, 5.25), ("a", "500"): _asleep(FEW, 1, 5.25)}),
    "asleep and noisy": Day(
        {("a", "200"): _asleep(GOOD, 2.1, 4.4), ("a", "500"): _asleep(_bursts(3, 20), 2.1, 4.4)},
    ),
    "restarted every three hours": Day(
        {("a", "200"): GOOD, ("a", "500"): FEW}, frozenset(range(3 * HOURS, DAY, 3 * HOURS))
    ),
    "noisy and restarted": Day({("a", "200"): GOOD, ("a", "500"): _bursts(4, 15)}, frozenset(range(HOURS, DAY, HOURS))),
    "no series of failures": Day({("a", "200"): GOOD}),
    "no series of failures, asleep": Day({("a", "200"): _asleep(GOOD, 3, 4)}),
    "one pod idle": Day(
        {
            ("a", "200"): GOOD,
            ("a", "500"): FEW,
            ("b", "200"): _asleep(GOOD, 6, 9),
            ("b", "500"): _asleep(FEW, 6, 9),
        }
    ),
    "nothing": Day({}),
}

SHORT = 80
"""Scrapes of a state."""
SOME, ALL_FAIL, STILL = [270] * SHORT, [30] * SHORT, [0] * SHORT

STATES: dict[str, tuple[Day, str]] = {
    "some fail": (Day({("a", "200"): SOME, ("a", "500"): ALL_FAIL}), "normal"),
    "half of them fail": (Day({("a", "200"): SOME, ("a", "500"): SOME}), "normal"),
    "none fails": (Day({("a", "200"): SOME, ("a", "500"): STILL}), "healthy"),
    "none has failed yet": (Day({("a", "200"): SOME}), "healthy-no-failures"),
    "all fail": (Day({("a", "200"): STILL, ("a", "500"): ALL_FAIL}), "failing"),
    "none has succeeded yet": (Day({("a", "500"): ALL_FAIL}), "failing-no-successes"),
    "nothing at all": (Day({}), "absent"),
    "no requests": (Day({("a", "200"): STILL, ("a", "500"): STILL}), "idle"),
    "two pods, some fail": (
        Day({("a", "200"): SOME, ("a", "500"): ALL_FAIL, ("b", "200"): SOME, ("b", "500"): SOME}),
        "normal",
    ),
}
"""Days in which nothing changes -> the world of a verdict (`controllers.measurement.WORLDS`) that they are."""
STATE_LENGTH = (SHORT * INTERVAL - FIRST - INTERVAL) // 60 * 60
