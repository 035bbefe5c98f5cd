from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.controllers.sync_windows import (
    Window,
    active,
    can_sync,
    concerning,
    concerns,
    ever,
    parse_schedule,
    windows,
)

APPLICATION = {
    "metadata": {"name": "cart"},
    "spec": {"destination": {"namespace": "shop", "server": "https://eu.example:6443"}},
}


def window(schedule: str = "0 8 * * *", duration: str = "1h", **more: Any) -> Window:
    item = {"kind": "allow", "schedule": schedule, "duration": duration, "applications": ["*"]} | more
    return windows({"syncWindows": [item]})[0]


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp())


@pytest.mark.parametrize(
    ("text", "readable"),
    [
        ("* * * * *", True),
        ("0 22 * * 1-5", True),
        ("0,30 8-18/2 ? JAN-mar sun", True),
        ("5/15 * * * *", True),
        ("0 8 * * MON-FRI", True),
        ("0 8 * * 7", False),
        ("60 8 * * *", False),
        ("0 24 * * *", False),
        ("0 8 0 * *", False),
        ("0 8 * * 5-1", False),
        ("0 8 * * 1-2-3", False),
        ("0 8 * * */0", False),
        ("0 8 * *", False),
        ("0 0 8 * * *", False),
        ("@daily", False),
        ("0 8 * * L", False),
        ("", False),
        (None, False),
        (8, False),
    ],
)
def test_which_schedules_are_read(text: object, readable: bool) -> None:
    assert (parse_schedule(text) is not None) is readable


def test_a_day_of_the_month_or_of_the_week_is_enough_unless_one_is_a_star() -> None:
    friday_13 = parse_schedule("0 0 13 * 5")
    assert friday_13 is not None
    assert friday_13.either_day
    assert not parse_schedule("0 0 13 * *").either_day  # type: ignore[union-attr]
    assert parse_schedule("0 0 */2 * 5").either_day  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("schedule", "duration", "time", "expected"),
    [
        ("0 8 * * *", "1h", "2026-03-02 08:00:01", True),
        ("0 8 * * *", "1h", "2026-03-02 08:00:00", False),
        ("0 8 * * *", "1h", "2026-03-02 08:59:59", True),
        ("0 8 * * *", "1h", "2026-03-02 09:00:00", False),
        ("0 22 * * *", "8h", "2026-03-02 05:30:00", True),
        ("0 22 * * 5", "60h", "2026-03-01 12:00:00", True),  # a Sunday
        ("0 22 * * 5", "60h", "2026-03-03 12:00:00", False),
        ("0 0 29 2 *", "24h", "2028-02-29 12:00:00", True),
        ("0 0 29 2 *", "24h", "2027-03-01 12:00:00", False),
        ("0 0 31 2 *", "1m", "2026-03-03 12:00:00", True),  # never comes, and counts as open
        ("0 8 * * *", "0s", "2026-03-02 08:00:01", False),
        ("0 8 * * *", "-1h", "2026-03-02 07:30:00", False),
        ("0 8 * * *", "1d", "2026-03-02 08:30:00", None),
        ("0 8 * * 9", "1h", "2026-03-02 08:30:00", None),
    ],
)
def test_when_a_window_is_open(schedule: str, duration: str, time: str, expected: bool | None) -> None:
    assert active(window(schedule, duration), at(time)) is expected


def test_a_time_zone_moves_the_window() -> None:
    tokyo = window("0 8 * * *", timeZone="Asia/Tokyo")
    assert active(tokyo, at("2026-03-01 23:30:00"), offset=9 * 3600)
    assert not active(tokyo, at("2026-03-02 08:30:00"), offset=9 * 3600)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"applications": ["cart"]}, True),
        ({"applications": ["c*"]}, True),
        ({"applications": ["*-prod"]}, False),
        ({"applications": ["other"], "namespaces": ["shop"]}, True),
        ({"applications": ["other"], "namespaces": ["shop"], "andOperator": True}, False),
        ({"applications": ["cart"], "namespaces": ["shop"], "andOperator": True}, True),
        ({"applications": ["cart"], "clusters": ["in-cluster"], "andOperator": True}, False),
        ({"applications": [], "clusters": ["https://eu.*"]}, True),
        ({"applications": [], "clusters": ["in-cluster"]}, False),
        ({"applications": [], "namespaces": ["default"]}, False),
        ({"applications": []}, False),
        ({"applications": [], "andOperator": True}, False),
    ],
)
def test_which_applications_a_window_concerns(more: dict[str, Any], expected: bool) -> None:
    one = window(**more)
    assert concerning([one], APPLICATION) == ((one,) if expected else ())


def test_a_cluster_is_compared_by_its_name_too() -> None:
    assert concerns(window(applications=[], clusters=["eu-*"]), "cart", "shop", name="eu-1")


NOON, NIGHT = at("2026-03-02 12:30:00"), at("2026-03-02 02:30:00")
ALLOW = window("0 12 * * *")
DENY = window("0 12 * * *", kind="deny")
MANUAL_DENY = window("0 12 * * *", kind="deny", manualSync=True)
MANUAL_ALLOW = window("0 12 * * *", manualSync=True)


@pytest.mark.parametrize(
    ("listed", "time", "automated", "manual"),
    [
        ([], NOON, "yes", "yes"),
        ([ALLOW], NOON, "yes", "yes"),
        ([ALLOW], NIGHT, "no", "no"),
        ([MANUAL_ALLOW], NIGHT, "no", "yes"),
        ([MANUAL_ALLOW, ALLOW], NIGHT, "no", "no"),
        ([DENY], NOON, "no", "no"),
        ([DENY], NIGHT, "yes", "yes"),
        ([MANUAL_DENY], NOON, "no", "yes"),
        ([MANUAL_DENY, DENY], NOON, "no", "no"),
        ([ALLOW, DENY], NOON, "no", "no"),
        ([ALLOW, window("0 2 * * *")], NIGHT, "yes", "yes"),
        ([window("bad"), ALLOW], NOON, "no", "no"),
        ([window(timeZone="Asia/Tokyo")], NOON, "depends", "depends"),
        ([window("TZ=Asia/Tokyo 0 8 * * *")], NOON, "depends", "depends"),
        ([window("0 0 31 2 *", timeZone="Asia/Tokyo", kind="deny")], NOON, "no", "no"),
    ],
)
def test_whether_an_application_syncs_at_a_time(listed: list[Window], time: int, automated: str, manual: str) -> None:
    assert (can_sync(listed, time), can_sync(listed, time, manual=True)) == (automated, manual)


def test_a_known_offset_answers_for_a_time_zone() -> None:
    assert can_sync([window("0 8 * * *", timeZone="X")], at("2026-03-01 23:30:00"), {"X": 9 * 3600}) == "yes"


@pytest.mark.parametrize(
    ("listed", "automated", "manual"),
    [
        ([], "yes", "yes"),
        ([ALLOW], "depends", "depends"),
        ([MANUAL_ALLOW], "depends", "yes"),
        ([DENY], "depends", "depends"),
        ([window("* * * * *", "2m", kind="deny")], "no", "no"),
        ([window("* * * * *", "1m", kind="deny")], "depends", "depends"),
        ([window("0 0 * * *", "25h", kind="deny", manualSync=True)], "no", "yes"),
        ([window("0 0 * * *", "24h", kind="deny")], "depends", "depends"),
        ([window("0 0 * * 1", "192h", kind="deny")], "no", "no"),
        ([window("0 0 1 * *", "745h", kind="deny")], "no", "no"),
        ([window("0 0 1 * *", "744h", kind="deny")], "depends", "depends"),
        ([window("0 0 * * *", "25h")], "yes", "yes"),
        ([window("0 0 * * *", "0s")], "no", "no"),
        ([window("0 0 * * *", "0s"), ALLOW], "depends", "depends"),
        ([window("0 0 * * *", "0s", kind="deny")], "yes", "yes"),
        ([window("0 0 31 2 *", "1m", kind="deny")], "no", "no"),
        ([window("0 0 31 2 *", "1m")], "yes", "yes"),
        ([window("0 0 * * *", "1 hour")], "no", "no"),
        ([window("TZ=Asia/Tokyo * * * * *", "2h", kind="deny")], "depends", "depends"),
    ],
)
def test_whether_an_application_ever_syncs(listed: list[Window], automated: str, manual: str) -> None:
    assert (ever(listed), ever(listed, manual=True)) == (automated, manual)


@pytest.mark.parametrize(
    "spec", [{}, {"syncWindows": None}, {"syncWindows": {}}, {"syncWindows": [None, 3, {"kind": 4, "schedule": []}]}]
)
def test_malformed_windows_are_read_without_a_fault(spec: dict[str, Any]) -> None:
    listed = windows(spec)
    assert ever(listed) == ("no" if listed else "yes")
    assert concerning(listed, {"spec": {"destination": 3}}) == ()


def test_windows_are_open_when_argo_cd_s_own_library_says_so() -> None:
    rows = json.loads((Path(__file__).parents[1] / "data/sync-windows.json").read_text())
    wrong = [row for row in rows if active(window(row[0], f"{row[1]}m"), row[2]) is not row[3]]
    assert wrong == []


def brute_force(schedule: str, duration: timedelta, time: datetime) -> bool:
    """Looks at each minute before `time`."""
    read = parse_schedule(schedule)
    assert read is not None
    minute = time.replace(second=0, microsecond=0)
    while minute > time - duration:
        weekday = (minute.weekday() + 1) % 7
        days = (minute.day in read.days, weekday in read.weekdays)
        today = any(days) if read.either_day else all(days)
        then = minute.month in read.months and minute.hour in read.hours and minute.minute in read.minutes
        if today and then and minute < time:
            return True
        minute -= timedelta(minutes=1)
    return False


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["0", "*/17", "5,45"]),
    st.sampled_from(["*", "3", "8-18/5", "23"]),
    st.sampled_from(["*", "1", "29-31", "*/10"]),
    st.sampled_from(["*", "2", "jan,jul"]),
    st.sampled_from(["*", "0", "1-5"]),
    st.integers(1, 60 * 30),
    st.datetimes(datetime(1999, 1, 1), datetime(2045, 1, 1)),
)
def test_a_window_is_open_when_a_minute_before_was_its_begin(
    minute: str, hour: str, day: str, month: str, weekday: str, length: int, time: datetime
) -> None:
    time = time.replace(microsecond=0)
    schedule = f"{minute} {hour} {day} {month} {weekday}"
    expected = brute_force(schedule, timedelta(minutes=length), time)
    assert active(window(schedule, f"{length}m"), at(time.isoformat())) is expected
