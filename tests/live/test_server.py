"""The judge itself: Prometheus holds the worlds as they are written, and answers for one of them as for all."""

from __future__ import annotations

import math
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.live.server import ROOT, NoPrometheusError, Sample, Server, find

RATIO = 'sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))'


def values(server: Server, query: str, world: str, after: int = 600) -> list[float]:
    return [sample.value for sample in server.evaluate(query, world, after).samples]


def test_a_world_holds_its_last_sample_when_its_queries_are_evaluated(prometheus: Server) -> None:
    samples = prometheus.evaluate("queue_depth", "gauge/rising").samples
    assert samples == (Sample({"__name__": "queue_depth", "job": "web", "pod": "a"}, 21.0),)


def test_a_world_sees_nothing_of_the_world_before_it(prometheus: Server) -> None:
    assert values(prometheus, "count_over_time(queue_depth[20h])", "gauge/absent") == []


def test_a_series_that_was_marked_stale_is_gone_at_once(prometheus: Server) -> None:
    assert values(prometheus, "queue_depth", "gauge/removed") == []
    assert values(prometheus, "queue_depth", "gauge/removed", after=500) == [5.0]


def test_a_ratio_is_nan_without_traffic(prometheus: Server) -> None:
    (value,) = values(prometheus, RATIO, "counter/zero_traffic")
    assert math.isnan(value)


def test_a_ratio_is_what_the_worlds_say_it_is(prometheus: Server) -> None:
    assert values(prometheus, RATIO, "counter/normal") == [0.1]


def test_all_worlds_at_once_answer_as_each_alone(prometheus: Server) -> None:
    for query in (RATIO, "queue_depth > 4", "max(queue_depth) or vector(time())", "hour()"):
        together = prometheus.evaluate_everywhere(query)
        for world in prometheus.worlds:
            alone = prometheus.evaluate(query, world)
            assert str(sorted(together[world].samples, key=str)) == str(sorted(alone.samples, key=str)), (query, world)


def test_what_fails_in_one_world_is_an_error_only_there(prometheus: Server) -> None:
    answers = prometheus.evaluate_everywhere("up * on() group_left () queue_depth")
    assert answers["gauge/two_pods"].error.startswith("found duplicate series")
    assert not answers["gauge/normal"].error


def test_what_cannot_be_parsed_is_rejected_with_a_reason(prometheus: Server) -> None:
    assert "unclosed left parenthesis" in prometheus.rejection("sum(up")
    assert prometheus.rejection("sum(up)") == ""


def test_a_program_that_is_named_and_does_not_run_is_not_replaced_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLOUTLINT_PROMETHEUS", "/nowhere/prometheus")
    with pytest.raises(NoPrometheusError, match="/nowhere/prometheus does not run"):
        find()


def test_where_none_can_be_downloaded_the_reason_is_kept_and_nothing_fails(tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("bash", "dirname", "mkdir"):
        (programs / name).symlink_to(shutil.which(name) or name)
    (tmp_path / ".ci").mkdir()
    script = shutil.copy(ROOT / ".ci" / "prometheus", tmp_path / ".ci")
    run = subprocess.run(["bash", script], env={"PATH": str(programs)}, capture_output=True, text=True)
    assert run.returncode == 0
    reason = (tmp_path / ".tools" / "prometheus.missing").read_text()
    assert reason.startswith("there is no apt-get here")
    assert reason.strip() in run.stderr
