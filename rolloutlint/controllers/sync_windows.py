"""When the sync windows of an AppProject let an Application sync.

Mirrors argo-cd `pkg/apis/application/v1alpha1/types.go` (SyncWindows: Matches, CanSync, active) and robfig/cron
(`parser.go`, `spec.go`) in the version that argo-cd uses. Nothing here reads a clock: a time comes from the caller,
as seconds since 1970 in UTC. Two surprises are mirrored: a schedule that never comes (31 February) counts as open at
all times, and one window that cannot be read blocks every sync of the Applications it concerns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from rolloutlint.lang.duration import SECOND, parse_duration
from rolloutlint.lang.glob import glob_matches
from rolloutlint.lang.intstr import atoi

Permission = Literal["yes", "no", "depends"]
"""`depends`: on the time, or on something that no manifest tells."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_NAMES: tuple[Mapping[str, int], ...] = (
    {},
    {},
    {},
    {name: number for number, name in enumerate(_MONTHS, 1)},
    {name: number for number, name in enumerate(_DAYS)},
)
_ZONED = ("TZ=", "CRON_TZ=")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_CYCLE = 28 * 366
"""Days after which the calendar repeats itself, until 2100."""


class Schedule(NamedTuple):
    """When a window begins: a cron expression of five fields, read."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    """True where a day counts that is in `days` or in `weekdays`; else it has to be in both."""


class Window(NamedTuple):
    """One sync window."""

    kind: str
    """`allow` or `deny`; anything else changes nothing."""
    schedule: Schedule | None
    """`None` where Argo CD cannot read it."""
    duration: int | None
    """Nanoseconds; `None` where Argo CD cannot read it."""
    zone: str
    """The name of its time zone; `""` for UTC, `TZ=...` where the schedule itself names one."""
    manual_sync: bool
    applications: tuple[str, ...]
    namespaces: tuple[str, ...]
    clusters: tuple[str, ...]
    all_of_them: bool
    """True where each of the three lists has to match (`andOperator`), not just one."""

    @property
    def readable(self) -> bool:
        """Whether Argo CD can evaluate the window at all."""
        return self.schedule is not None and self.duration is not None


def windows(project: Mapping[str, Any]) -> tuple[Window, ...]:
    """The windows in the `spec` of an AppProject; what is no mapping is left out."""
    listed = project.get("syncWindows")
    return tuple(_window(item) for item in listed if isinstance(item, Mapping)) if isinstance(listed, list) else ()


def parse_schedule(text: object) -> Schedule | None:
    """A cron expression of five fields; `None` where robfig/cron refuses it, `@daily` and a weekday 7 for example.

    A zone before it (`TZ=Asia/Tokyo 0 8 * * *`) is not part of it.
    """
    fields = text.split() if isinstance(text, str) else []
    if len(fields) != len(_BOUNDS):
        return None
    read = [_field(field, *bounds, names) for field, bounds, names in zip(fields, _BOUNDS, _NAMES, strict=True)]
    minutes, hours, days, months, weekdays = read
    if minutes is None or hours is None or days is None or months is None or weekdays is None:
        return None
    either = not (days[1] or weekdays[1])
    return Schedule(minutes[0], hours[0], days[0], months[0], weekdays[0], either)


def comes(schedule: Schedule) -> bool:
    """Whether a schedule ever comes: 31 February does not, and Argo CD takes its window to be open at all times."""
    return _next(schedule, 0) is not None


def concerns(window: Window, application: str, namespace: str, server: str = "", name: str = "") -> bool:
    """Whether a window is for an Application, by its name and its destination.

    The cluster is compared as the Application writes it, by URL or by name (`types.go Matches`).
    """
    matched = bool(window.applications) and _any(window.applications, application)
    if window.all_of_them and window.applications and not matched:
        return False
    if matched and not window.all_of_them:
        return True
    if window.clusters:
        matched = any(text and _any(window.clusters, text) for text in (name, server))
        if window.all_of_them and not matched:
            return False
        if matched and not window.all_of_them:
            return True
    if window.namespaces:
        matched = _any(window.namespaces, namespace)
    return matched


def concerning(listed: Iterable[Window], application: Mapping[str, Any]) -> tuple[Window, ...]:
    """The windows that are for an Application, given as its whole manifest."""
    destination = _mapping(_mapping(application.get("spec")).get("destination"))
    name = _text(_mapping(application.get("metadata")), "name")
    where = _text(destination, "namespace"), _text(destination, "server"), _text(destination, "name")
    return tuple(window for window in listed if concerns(window, name, *where))


def active(window: Window, seconds: int, offset: int = 0) -> bool | None:
    """Whether a window is open at a time in seconds since 1970 (UTC); `None` where it cannot be read.

    `offset`: how many seconds the window's time zone is ahead of UTC; Argo CD takes the one of today.
    """
    if window.schedule is None or window.duration is None:
        return None
    local = (seconds + offset) * SECOND
    begin = _next(window.schedule, (local - window.duration) // SECOND)
    return begin is None or begin * SECOND < local


def can_sync(
    listed: Sequence[Window], seconds: int, offsets: Mapping[str, int] | None = None, *, manual: bool = False
) -> Permission:
    """Whether windows that all concern an Application let it sync at a time (see `active`).

    `offsets`: seconds by name of a time zone; with a zone that it does not name, the answer is `depends`.
    """
    known = {"": 0, "UTC": 0} | dict(offsets or {})
    states: list[tuple[Window, bool]] = []
    for window in listed:
        if not window.readable:
            return "no"
        if window.zone not in known and window.kind in ("allow", "deny") and _always(window) is None:
            return "depends"
        states.append((window, active(window, seconds, known.get(window.zone, 0)) is True))
    denies = [window for window, is_open in states if is_open and window.kind == "deny"]
    if denies:
        return "yes" if manual and all(window.manual_sync for window in denies) else "no"
    allows = [(window, is_open) for window, is_open in states if window.kind == "allow"]
    if not allows or any(is_open for _, is_open in allows):
        return "yes"
    return "yes" if manual and all(window.manual_sync for window, _ in allows) else "no"


def ever(listed: Sequence[Window], *, manual: bool = False) -> Permission:
    """Whether windows that all concern an Application ever let it sync: `yes` at all times, `no` never."""
    if any(not window.readable for window in listed):
        return "no"
    denies = [window for window in listed if window.kind == "deny"]
    allows = [window for window in listed if window.kind == "allow"]
    if any(_always(window) is True and not (manual and window.manual_sync) for window in denies):
        return "no"
    if manual:
        denies = [window for window in denies if not window.manual_sync]
        if all(window.manual_sync for window in allows):
            allows = []
    if allows and all(_always(window) is False for window in allows):
        return "no"
    open_always = not allows or any(_always(window) is True for window in allows)
    return "yes" if open_always and all(_always(window) is False for window in denies) else "depends"


def _window(item: Mapping[str, Any]) -> Window:
    zone = _text(item, "timeZone")
    schedule = _text(item, "schedule")
    if schedule.startswith(_ZONED):
        zone, _, schedule = schedule.partition(" ")
    return Window(
        _text(item, "kind"),
        parse_schedule(schedule),
        parse_duration(item.get("duration")),
        "" if zone == "UTC" else zone,
        item.get("manualSync") is True,
        _texts(item, "applications"),
        _texts(item, "namespaces"),
        _texts(item, "clusters"),
        item.get("andOperator") is True,
    )


def _field(field: str, low: int, high: int, names: Mapping[str, int]) -> tuple[frozenset[int], bool] | None:
    """The values of one field, and whether it leaves all of them open (`*`, `?`)."""
    values: set[int] = set()
    star = False
    for part in filter(None, field.split(",")):
        read = _range(part, low, high, names)
        if read is None:
            return None
        values.update(read[0])
        star = star or read[1]
    return frozenset(values), star


def _range(part: str, low: int, high: int, names: Mapping[str, int]) -> tuple[range, bool] | None:
    body, *steps = part.split("/")
    first, *second = body.split("-")
    star = first in ("*", "?")
    begin: int | None = low
    end: int | None = high
    if not star:
        begin = end = _number(first, names)
        if len(second) == 1:
            end = _number(second[0], names)
        elif second:
            return None
    step: int | None = 1
    if steps:
        step = _number(steps[0], {}) if len(steps) == 1 else None
        if not second:
            end = high
    if begin is None or end is None or not step or not low <= begin <= end <= high:
        return None
    return range(begin, end + 1, step), star and step == 1


def _number(text: str, names: Mapping[str, int]) -> int | None:
    number = names.get(text.lower())
    if number is None:
        number = atoi(text)
    return number if number is not None and number >= 0 else None


def _next(schedule: Schedule, seconds: int) -> int | None:
    """The first time after `seconds` at which the schedule comes; `None` if it does not within five years."""
    moments = _moments(schedule)
    day, rest = divmod(seconds, _DAY)
    last = _date(day)[0] + 5
    while moments:
        year, month, of_month = _date(day)
        if year > last:
            return None
        if _comes(schedule, month, of_month, (day + 4) % 7):
            later = next((moment for moment in moments if moment > rest), None)
            if later is not None:
                return day * _DAY + later
        day, rest = day + 1, -1
    return None


@lru_cache(maxsize=256)
def _moments(schedule: Schedule) -> tuple[int, ...]:
    """The seconds of a day at which the schedule comes."""
    return tuple(
        hour * _HOUR + minute * _MINUTE for hour in sorted(schedule.hours) for minute in sorted(schedule.minutes)
    )


def _comes(schedule: Schedule, month: int, day: int, weekday: int) -> bool:
    if month not in schedule.months:
        return False
    if schedule.either_day:
        return day in schedule.days or weekday in schedule.weekdays
    return day in schedule.days and weekday in schedule.weekdays


@lru_cache(maxsize=256)
def _always(window: Window) -> bool | None:
    """True where a window is open at every time, False where it never is, `None` where it depends on the time."""
    if window.schedule is None or window.duration is None:
        return None
    if not comes(window.schedule):
        return True
    if window.duration <= 0:  # it is open between its begin and its end only
        return False
    if window.zone.startswith(_ZONED):
        return None
    return True if _longest_pause(window.schedule) * SECOND < window.duration else None


@lru_cache(maxsize=256)
def _longest_pause(schedule: Schedule) -> int:
    """The most seconds between two times at which a schedule comes, until 2100."""
    moments = _moments(schedule)
    within = max((after - before for before, after in pairwise(moments)), default=0)
    overnight = _DAY - moments[-1] + moments[0]
    days = [day for day in range(10_957, 10_957 + _CYCLE) if _comes(schedule, *_date(day)[1:], (day + 4) % 7)]
    apart = max((after - before for before, after in pairwise(days)), default=_CYCLE)
    return max(within, overnight + (apart - 1) * _DAY)


def _date(day: int) -> tuple[int, int, int]:
    """Year, month and day of a number of days since 1970, in the Gregorian calendar."""
    era, of_era = divmod(day + 719_468, 146_097)
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    first = (153 * month + 2) // 5
    return year + era * 400 + (month >= 10), month + 3 if month < 10 else month - 9, of_year - first + 1


def _any(patterns: Iterable[str], text: str) -> bool:
    return any(pattern == "*" or glob_matches(pattern, text) for pattern in patterns)


def _texts(item: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = item.get(key)
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, list) else ()


def _text(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    return value if isinstance(value, str) else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
