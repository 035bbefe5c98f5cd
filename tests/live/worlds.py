"""What Prometheus may have stored when a canary is measured: counters, gauges and classic histograms, each in every
state that has surprised a query.

A world maps series to 21 samples taken every 30 s; queries are evaluated at the last one, ten minutes after the first.
In every world `up{job="prometheus"}` is 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

Sample: TypeAlias = float | Literal["stale"] | None
"""A value, Prometheus' staleness marker, or `None` where nothing was scraped."""
World: TypeAlias = Mapping[str, Sequence[Sample]]
"""Series, written as PromQL selectors with `=` matchers only, to their samples."""

INTERVAL = 30
"""Seconds between two samples."""
COUNT = 21
"""Samples of a world."""

MISSING: list[Sample] = [None]


def ramp(start: float, step: float, count: int = COUNT) -> list[Sample]:
    """`count` samples that grow by `step`."""
    return [start + step * i for i in range(count)]


def flat(value: float, count: int = COUNT) -> list[Sample]:
    """The same value `count` times."""
    return [value] * count


def late(*values: float) -> list[Sample]:
    """Only the last samples: the series has just appeared."""
    return MISSING * (COUNT - len(values)) + list(values)


def removed(start: float, step: float) -> list[Sample]:
    """Scraped for 8.5 minutes; then the target went away and Prometheus marked the series as stale."""
    return [*ramp(start, step, COUNT - 3), "stale", None, None]


def lost(start: float, step: float) -> list[Sample]:
    """Scraped for 2.5 minutes, then nothing, and no marker either."""
    return [*ramp(start, step, 6), *MISSING * (COUNT - 6)]


def requests(pod: str, code: str, samples: Sequence[Sample], **labels: str) -> dict[str, Sequence[Sample]]:
    """One series of `http_requests_total`."""
    zone = "".join(f',{name}="{value}"' for name, value in labels.items())
    return {f'http_requests_total{{code="{code}",job="web",pod="{pod}"{zone}}}': samples}


def depth(pod: str, samples: Sequence[Sample]) -> dict[str, Sequence[Sample]]:
    """One series of `queue_depth`."""
    return {f'queue_depth{{job="web",pod="{pod}"}}': samples}


def latency(
    pod: str, buckets: Mapping[str, Sequence[Sample]], count: Sequence[Sample], total: Sequence[Sample]
) -> dict[str, Sequence[Sample]]:
    """The histogram `http_request_duration_seconds`: cumulative buckets by `le`, their count and the sum of seconds."""
    name = "http_request_duration_seconds"
    return {
        **{f'{name}_bucket{{job="web",le="{le}",pod="{pod}"}}': samples for le, samples in buckets.items()},
        f'{name}_count{{job="web",pod="{pod}"}}': count,
        f'{name}_sum{{job="web",pod="{pod}"}}': total,
    }


BUCKETS = {"0.1": ramp(0, 60), "0.5": ramp(0, 90), "1": ramp(0, 99), "+Inf": ramp(0, 100)}
NAN, INF = math.nan, math.inf
FINE, BROKEN, IDLE = ramp(1000, 270), ramp(10, 30), flat(1000)

COUNTERS: dict[str, World] = {
    "absent": {},
    "zero_traffic": requests("a", "200", IDLE) | requests("a", "500", flat(10)),
    "all_zero": requests("a", "200", flat(0)) | requests("a", "500", flat(0)),
    "only_success": requests("a", "200", ramp(1000, 30)),
    "only_success_idle": requests("a", "200", IDLE),
    "only_errors": requests("a", "500", BROKEN),
    "normal": requests("a", "200", FINE) | requests("a", "500", BROKEN),
    "no_errors_yet": requests("a", "200", FINE) | requests("a", "500", flat(0)),
    "all_failing": requests("a", "200", IDLE) | requests("a", "500", BROKEN),
    "two_pods": requests("a", "200", FINE)
    | requests("a", "500", BROKEN)
    | requests("b", "200", ramp(500, 150))
    | requests("b", "500", ramp(20, 150)),
    "one_pod_idle": requests("a", "200", FINE)
    | requests("a", "500", BROKEN)
    | requests("b", "200", flat(500))
    | requests("b", "500", flat(20)),
    "one_pod_without_errors": requests("a", "200", FINE)
    | requests("a", "500", BROKEN)
    | requests("b", "200", ramp(500, 150)),
    "single_sample": requests("a", "200", late(1000)) | requests("a", "500", late(10)),
    "two_samples": requests("a", "200", late(1000, 1270)) | requests("a", "500", late(10, 40)),
    "errors_just_appeared": requests("a", "200", FINE) | requests("a", "500", late(1)),
    "removed": requests("a", "200", removed(1000, 270)) | requests("a", "500", removed(10, 30)),
    "lost": requests("a", "200", lost(1000, 270)) | requests("a", "500", lost(10, 30)),
    "reset": requests("a", "200", ramp(1000, 270, 15) + ramp(0, 270, 6))
    | requests("a", "500", ramp(10, 30, 15) + ramp(0, 30, 6)),
    "low_traffic": requests("a", "200", flat(100, 12) + flat(101, 9)) | requests("a", "500", flat(3, 15) + flat(4, 6)),
    "churn": requests("old", "200", removed(1000, 270))
    | requests("old", "500", removed(10, 30))
    | requests("new", "200", late(3))
    | requests("new", "500", late(0)),
    "nan": requests("a", "200", flat(NAN)) | requests("a", "500", BROKEN),
    "zones": requests("a", "200", FINE, zone="x")
    | requests("a", "200", FINE, zone="y")
    | requests("a", "500", BROKEN, zone="x")
    | requests("a", "500", BROKEN, zone="y"),
}

GAUGES: dict[str, World] = {
    "absent": {},
    "zero": depth("a", flat(0)),
    "normal": depth("a", flat(5)),
    "fraction": depth("a", flat(0.5)),
    "rising": depth("a", ramp(1, 1)),
    "two_pods": depth("a", flat(5)) | depth("b", flat(8)),
    "one_zero": depth("a", flat(5)) | depth("b", flat(0)),
    "nan": depth("a", flat(NAN)),
    "nan_first": depth("a", flat(NAN)) | depth("b", flat(3)),
    "nan_last": depth("a", flat(3)) | depth("b", flat(NAN)),
    "nan_twice": depth("a", flat(NAN)) | depth("b", flat(NAN)),
    "nan_until_lately": depth("a", flat(NAN, 15) + flat(4, 6)),
    "nan_lately": depth("a", flat(4, 18) + flat(NAN, 3)),
    "negative": depth("a", flat(-4)),
    "infinite": depth("a", flat(INF)),
    "infinite_both_ways": depth("a", flat(INF)) | depth("b", flat(-INF)),
    "removed": depth("a", removed(5, 0)),
    "lost": depth("a", lost(5, 0)),
    "single_sample": depth("a", late(7)),
    "across_zero": depth("a", ramp(-10, 1)),
}

HISTOGRAMS: dict[str, World] = {
    "absent": {},
    "normal": latency("a", BUCKETS, ramp(0, 100), ramp(0, 20)),
    "zero_traffic": latency(
        "a", {"0.1": flat(60), "0.5": flat(90), "1": flat(99), "+Inf": flat(100)}, flat(100), flat(20)
    ),
    "all_zero": latency("a", dict.fromkeys(BUCKETS, flat(0)), flat(0), flat(0)),
    "two_pods": latency("a", BUCKETS, ramp(0, 100), ramp(0, 20))
    | latency(
        "b",
        {"0.1": ramp(0, 10), "0.5": ramp(0, 50), "1": ramp(0, 90), "+Inf": ramp(0, 100)},
        ramp(0, 100),
        ramp(0, 60),
    ),
    "one_pod_idle": latency("a", BUCKETS, ramp(0, 100), ramp(0, 20))
    | latency("b", dict.fromkeys(BUCKETS, flat(5)), flat(5), flat(1)),
    "no_inf_bucket": latency("a", {le: BUCKETS[le] for le in ("0.1", "0.5", "1")}, ramp(0, 100), ramp(0, 20)),
    "only_inf_bucket": latency("a", {"+Inf": BUCKETS["+Inf"]}, ramp(0, 100), ramp(0, 20)),
    "all_overflow": latency("a", {**dict.fromkeys(BUCKETS, flat(0)), "+Inf": ramp(0, 100)}, ramp(0, 100), ramp(0, 900)),
    "all_in_first_bucket": latency("a", dict.fromkeys(BUCKETS, ramp(0, 100)), ramp(0, 100), ramp(0, 1)),
    "one_finite_bucket": latency("a", {"0.5": ramp(0, 90), "+Inf": ramp(0, 100)}, ramp(0, 100), ramp(0, 20)),
    "not_cumulative": latency("a", {**BUCKETS, "0.5": ramp(0, 50)}, ramp(0, 100), ramp(0, 20)),
    "negative_bound": latency(
        "a", {"-1": ramp(0, 60), "0.5": ramp(0, 90), "+Inf": ramp(0, 100)}, ramp(0, 100), ramp(0, 20)
    ),
    "single_sample": latency(
        "a", {"0.1": late(60), "0.5": late(90), "1": late(99), "+Inf": late(100)}, late(100), late(20)
    ),
    "removed": latency(
        "a",
        {"0.1": removed(0, 60), "0.5": removed(0, 90), "1": removed(0, 99), "+Inf": removed(0, 100)},
        removed(0, 100),
        removed(0, 20),
    ),
    "lost": latency(
        "a", {"0.1": lost(0, 60), "0.5": lost(0, 90), "1": lost(0, 99), "+Inf": lost(0, 100)}, lost(0, 100), lost(0, 20)
    ),
}

FAMILIES = {"counter": COUNTERS, "gauge": GAUGES, "histogram": HISTOGRAMS}


def _worlds() -> dict[str, World]:
    """`<family>/<state>` for each alone, then `mixed/<n>`, in which all three are stored and every state occurs."""
    up: World = {'up{job="prometheus"}': flat(1)}
    worlds: dict[str, World] = {
        f"{family}/{name}": {**up, **world} for family, states in FAMILIES.items() for name, world in states.items()
    }
    states = [list(family.values()) for family in FAMILIES.values()]
    for number in range(max(map(len, states))):
        parts = [family[(number * 7 + 6 * place) % len(family)] for place, family in enumerate(states)]
        worlds[f"mixed/{number}"] = {name: samples for part in (up, *parts) for name, samples in part.items()}
    return worlds


def is_dishonest(world: World) -> bool:
    """Whether a counter is NaN there, which no client library sends."""
    return any(x != x for name, samples in world.items() if not name.startswith("queue_depth") for x in samples)


WORLDS: dict[str, World] = _worlds()
