from __future__ import annotations

import math
from typing import Any

import pytest

from rolloutlint.controllers.metrics import effective_count, providers_of, validate_metrics
from rolloutlint.settings import Targets, Version

NOW = Targets()
OLD = Targets(rollouts=Version(1, 7))
ANCIENT = Targets(rollouts=Version(1, 4))


def metric(**fields: Any) -> dict[str, Any]:
    return {"name": "success-rate", "provider": {"prometheus": {}}, **fields}


def messages(targets: Targets, **fields: Any) -> list[str]:
    return [p.message for p in validate_metrics([metric(**fields)], targets)]


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"consecutiveSuccessLimit": -1}, "consecutiveSuccessLimit must be >= 0"),
        ({"failureLimit": -2}, "failureLimit must be >= 0, or -1 to be disabled"),
        ({"failureLimit": -1}, "failureLimit and consecutiveSuccessLimit cannot both be disabled"),
        ({"inconclusiveLimit": -1}, "inconclusiveLimit must be >= 0"),
        ({"consecutiveErrorLimit": "-1"}, "consecutiveErrorLimit must be >= 0"),
        (
            {"count": 3, "interval": "1m", "failureLimit": 2, "consecutiveSuccessLimit": 2},
            "count (3) must be >= failureLimit + consecutiveSuccessLimit (2 + 2) if both >= 0",
        ),
        (
            {"count": 3, "interval": "1m", "failureLimit": -1, "consecutiveSuccessLimit": 4},
            "count must be >= consecutiveSuccessLimit",
        ),
        ({"count": 1, "inconclusiveLimit": 2}, "count must be >= inconclusiveLimit"),
        ({"count": 2}, "interval must be specified when count > 1"),
        ({"interval": "60"}, 'invalid interval string: time: missing unit in duration "60"'),
        (
            {"initialDelay": "1d"},
            'invalid startDelay string: time: unknown unit "d" in duration "1d"',
        ),
        ({"provider": {}}, "no provider specified"),
        ({"provider": {"prometheus": None}}, "no provider specified"),
        ({"provider": {"prometheus": {}, "web": {}}}, "multiple providers specified"),
        ({"provider": {"plugin": {"a/b": {}, "c/d": {}}}}, "multiple providers specified"),
    ],
)
def test_speaks_the_controllers_words(fields: dict[str, Any], message: str) -> None:
    assert messages(NOW, **fields) == [f"metrics[0]: {message}"]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"count": 5, "interval": "1m", "failureLimit": 5},
        {"count": -1},
        {"count": "abc", "failureLimit": 3},
        {"failureLimit": -1, "consecutiveSuccessLimit": 3, "interval": "10s"},
        {"interval": "-5s"},
        {"provider": {"prometheus": {}, "unknown": {}}},
    ],
)
def test_accepts_what_the_controller_accepts(fields: dict[str, Any]) -> None:
    assert messages(NOW, **fields) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"count": "{{args.count}}", "failureLimit": 5},
        {"count": 3, "interval": "1m", "failureLimit": "{{args.limit}}"},
        {"interval": "{{args.interval}}"},
        {"count": 2, "interval": "{{args.interval}}"},
        {"count": 1.5, "failureLimit": []},
        {"provider": "prometheus"},
    ],
)
def test_claims_nothing_of_values_it_does_not_know(fields: dict[str, Any]) -> None:
    assert messages(NOW, **fields) == []


def test_before_1_8_a_failure_limit_cannot_be_disabled() -> None:
    assert messages(OLD, failureLimit=-1, consecutiveSuccessLimit=3) == ["metrics[0]: failureLimit must be >= 0"]


def test_before_1_8_the_success_limit_does_not_exist() -> None:
    fields = {"count": 2, "interval": "1m", "failureLimit": 3, "consecutiveSuccessLimit": -1}
    assert messages(OLD, **fields) == ["metrics[0]: count must be >= failureLimit"]


def test_a_provider_newer_than_the_target_is_not_seen() -> None:
    assert messages(ANCIENT, provider={"skywalking": {}}) == ["metrics[0]: no provider specified"]


def test_the_first_of_several_faults_is_the_one_upstream_reports() -> None:
    codes = [p.code for p in validate_metrics([metric(count=2, inconclusiveLimit=3, interval="x")], NOW)]
    assert codes == ["count-below-inconclusive-limit", "interval-invalid"]


def test_a_fault_carries_its_place_and_its_numbers() -> None:
    problem = validate_metrics([metric(), metric(name="errors", count="4")], NOW)[0]
    assert (problem.index, problem.code, problem.values) == (1, "interval-missing", {"count": 4})


def test_a_name_may_occur_once() -> None:
    problems = validate_metrics([metric(), metric()], NOW)
    assert [(p.path, p.message) for p in problems] == [(("name",), "metrics[1]: duplicate name 'success-rate'")]


@pytest.mark.parametrize("metrics", [None, []])
def test_an_analysis_without_metrics_is_refused(metrics: object) -> None:
    assert [p.message for p in validate_metrics(metrics, NOW)] == ["no metrics specified"]


@pytest.mark.parametrize(
    "fields, count",
    [
        ({}, 1),
        ({"interval": "1m"}, math.inf),
        ({"count": 0, "interval": "1m"}, math.inf),
        ({"count": "10%", "interval": "1m"}, math.inf),
        ({"count": "5"}, 5),
        ({"count": -1, "interval": "1m"}, -1),
        ({"count": "{{args.count}}"}, None),
        ({"interval": "{{args.interval}}"}, None),
        ({"count": True}, None),
    ],
)
def test_the_effective_count(fields: dict[str, Any], count: float | None) -> None:
    assert effective_count(metric(**fields)) == count


def test_each_plugin_is_a_provider() -> None:
    assert providers_of({"provider": {"job": {}, "plugin": {"a/b": {}}}}, NOW) == ("job", "a/b")
