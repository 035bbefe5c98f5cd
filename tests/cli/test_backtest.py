"""`rolloutlint backtest` as a command: who is asked, which code it exits with, and what it never says."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from rolloutlint.cli.backtest import FORMS
from rolloutlint.cli.main import run
from rolloutlint.report.backtest import FORMATS
from rolloutlint.resources import data_dir
from tests.backtest.http_server import HttpServer, Reply, Request

START = 1_795_046_400  # 2026-11-19 00:00 UTC
HOURS = 4
UNTIL = str(START + HOURS * 3600)
TOKEN = "s3cr3t-t0ken-of-the-shop"
QUIET_NIGHTS = Path(__file__).parents[2] / "fixtures" / "backtests" / "quiet-nights"
METRICS = ("http_requests_total", "queue_length")
FILES = """\
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: rates, namespace: shop}
spec:
  args:
  - {name: service}
  metrics:
  - name: errors
    interval: 1m
    count: 5
    failureLimit: 1
    successCondition: result[0] <= 0.05
    provider:
      prometheus:
        query: sum(rate(http_requests_total{service="{{args.service}}", code="500"}[2m]))
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: cart, namespace: shop}
spec:
  replicas: 4
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec: {containers: [{name: cart, image: "cart:1"}]}
  strategy:
    canary:
      analysis:
        templates: [{templateName: rates}]
        args:
        - {name: service, value: cart}
      steps: [{setWeight: 20}, {pause: {duration: 10m}}]
"""
QUEUE = """\
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: queue, namespace: shop}
spec:
  metrics:
  - name: queue
    interval: 1m
    count: 3
    successCondition: result[0] < 100
    provider: {prometheus: {query: max(queue_length)}}
"""


@pytest.fixture(autouse=True)
def _workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    Path("cart.yaml").write_text(FILES)


def prometheus(value: Callable[[str, int], float | None]) -> Callable[[Request, Reply], None]:
    """A server with two metrics; `value` says what a query gives at a time, in seconds from the start."""

    def answer(request: Request, reply: Reply) -> None:
        if "query_range" not in request.path:
            label = request.path.split("/")[-2]
            known = {"__name__": METRICS, "service": ("cart",), "code": ("200", "500")}
            reply.json({"status": "success", "data": list(known.get(label, ()))})
            return
        start, end, step = (float(request.form[key]) for key in ("start", "end", "step"))
        times = [start + n * step for n in range(int((end - start) / step) + 1)]
        found = [(at, value(request.form["query"], round(at) - START)) for at in times]
        values = [[at, str(each)] for at, each in found if each is not None]
        result = [{"metric": {}, "values": values}] if values else []
        reply.json({"status": "success", "data": {"resultType": "matrix", "result": result}})

    return answer


def steady(query: str, at: int) -> float:
    return 0.01


def noisy(query: str, at: int) -> float:
    """Every twentieth minute two measurements in a row fail."""
    return 0.2 if at // 60 % 20 in (7, 8) else 0.01


def ask(server: HttpServer, *arguments: str) -> int:
    common = ["--no-config", "--window", f"{HOURS}h", "--until", UNTIL, "--rate", "10000"]
    return run(["backtest", "--prometheus", server.url, *common, *arguments])


def test_a_steady_past_aborts_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with HttpServer(prometheus(steady)) as server:
        assert ask(server) == 0
    shown = capsys.readouterr().out
    assert "Would have aborted a good version at none of" in shown
    assert shown.splitlines()[-1] == "1 analysis would have aborted no more than 1 % of good versions."


def test_noise_is_a_finding_that_fail_on_decides_about(capsys: pytest.CaptureFixture[str]) -> None:
    with HttpServer(prometheus(noisy)) as server:
        assert ask(server, "--fail-on", "warning") == 1
        assert "RL470" in capsys.readouterr().out
        assert ask(server, "--fail-on", "warning", "--ignore", "RL470") == 0
        assert ask(server, "--fail-on", "warning", "--exit-zero") == 0
        assert ask(server, "--fail-on", "warning", "--max-false-aborts", "100%") == 0


def test_the_share_is_the_one_that_was_constructed(capsys: pytest.CaptureFixture[str]) -> None:
    """A run of five minutes fails where it holds both bad minutes: at 4 of 20 starts."""
    with HttpServer(prometheus(noisy)) as server:
        ask(server, "-f", "json")
    (found,) = json.loads(capsys.readouterr().out)["analyses"]
    failed = next(each["starts"] for each in found["starts"]["endings"] if each["ending"] == "Failed")
    counted = found["starts"]["counted"]
    assert failed == sum(minute % 20 in (4, 5, 6, 7) for minute in range(counted))
    assert found["false_aborts"] == pytest.approx(100 * failed / counted, abs=1e-6)


def test_the_query_has_the_arguments_of_the_rollout_and_the_flag_wins() -> None:
    def asked(server: HttpServer) -> set[str]:
        queries = [each.form.get("query", "") for each in server.requests if "query_range" in each.path]
        return {match[1] for query in queries if (match := re.search('service="([^"]*)"', query))}

    with HttpServer(prometheus(steady)) as server:
        ask(server)
        assert asked(server) == {"cart"}
    with HttpServer(prometheus(steady)) as server:
        ask(server, "--arg", "service=other=one")
        assert asked(server) == {"other=one"}


@pytest.mark.parametrize("form", FORMS)
def test_every_format_is_written_to_its_file(form: str) -> None:
    with HttpServer(prometheus(noisy)) as server:
        assert ask(server, "-f", f"{form}=out", "-f", "text") == 0
    written = Path("out").read_text(encoding="utf-8")
    assert "rates" in written
    assert set(FORMS) == set(FORMATS)


def test_the_json_is_as_published() -> None:
    with HttpServer(prometheus(noisy)) as server:
        assert ask(server, "-o", "out.json") == 0
    schema = json.loads((Path(data_dir("schemas")) / "rolloutlint" / "backtest-v1.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(json.loads(Path("out.json").read_text()))


# ---- what is lost ----------------------------------------------------------------------------------------------


def test_a_metric_that_is_refused_loses_nothing_of_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    Path("queue.yaml").write_text(QUEUE)
    good = prometheus(steady)

    def answer(request: Request, reply: Reply) -> None:
        if "queue_length" in request.form.get("query", ""):
            reply.error(422, "found duplicate series for the match group", "execution")
        else:
            good(request, reply)

    with HttpServer(answer) as server:
        assert ask(server) == 4
    printed = capsys.readouterr()
    assert "found duplicate series" in printed.err
    assert "Would have aborted a good version at none of" in printed.out


def test_a_server_that_is_not_there_is_said_once_and_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    with HttpServer(prometheus(steady)) as server:
        url = server.url
    arguments = ["backtest", "--prometheus", url, "--no-config", "--until", UNTIL, "--rate", "10000"]
    assert run(arguments) == 4
    assert "cannot" in capsys.readouterr().err


def test_credentials_are_in_no_output(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ROLLOUTLINT_PROMETHEUS_TOKEN", TOKEN)

    def repeats(request: Request, reply: Reply) -> None:
        reply.error(401, f"no entry with {request.headers.get('authorization')}", "unauthorized")

    with HttpServer(repeats) as server:
        for form in FORMS:
            assert ask(server, "-f", form, "--debug", "-v") == 4
        assert {each.headers["authorization"] for each in server.requests} == {f"Bearer {TOKEN}"}
    printed = capsys.readouterr()
    assert TOKEN not in printed.out
    assert TOKEN not in printed.err


def test_a_password_in_the_address_is_in_no_output(capsys: pytest.CaptureFixture[str]) -> None:
    with HttpServer(prometheus(steady)) as server:
        url = server.url.replace("http://", "http://shop:pa55w0rd-of-it@")
        for form in FORMS:
            arguments = ["--no-config", "--until", UNTIL, "--window", "1h", "-f", form]
            assert run(["backtest", "--prometheus", url, *arguments]) == 0
    printed = capsys.readouterr()
    assert "pa55w0rd" not in printed.out
    assert "pa55w0rd" not in printed.err


# ---- recordings ------------------------------------------------------------------------------------------------


def test_what_is_recorded_gives_the_same_without_a_server(capsys: pytest.CaptureFixture[str]) -> None:
    with HttpServer(prometheus(noisy)) as server:
        ask(server, "--record", "day", "-f", "json")
        live: Any = json.loads(capsys.readouterr().out)
    assert run(["backtest", "--data", "day", "--no-config", "-f", "json", "cart.yaml"]) == 0
    recorded: Any = json.loads(capsys.readouterr().out)
    assert recorded.pop("source") == "day"
    live.pop("source")
    assert recorded == live


def test_a_recording_without_a_range_is_no_answer(capsys: pytest.CaptureFixture[str]) -> None:
    Path("manifest.json").write_text("{}")
    assert run(["backtest", "--data", ".", "--no-config"]) == 2
    assert "--data: . holds no range" in capsys.readouterr().err


def test_a_part_of_a_recording_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    day = ["--data", str(QUIET_NIGHTS / "day"), "--window", "6h", "--until", "2026-11-20T06:00Z"]
    assert run(["backtest", str(QUIET_NIGHTS), *day, "--no-config"]) == 0
    assert "over 6h, 2026-11-20 00:00 to 06:00 UTC" in capsys.readouterr().out


def test_the_environment_names_the_server_where_no_flag_does(monkeypatch: pytest.MonkeyPatch) -> None:
    with HttpServer(prometheus(steady)) as server:
        monkeypatch.setenv("ROLLOUTLINT_PROMETHEUS_URL", server.url)
        assert run(["backtest", "--no-config", "--window", "1h", "--until", UNTIL, "--rate", "10000"]) == 0
        assert server.requests


# ---- usage -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments, said",
    [
        ([], "needs --prometheus URL"),
        (["--data", "x", "--prometheus", "http://x"], "leave out --prometheus"),
        (["--data", "nowhere"], "nowhere"),
        (["--prometheus", "nowhere"], "must be a URL"),
        (["--prometheus", "http://x", "--window", "0"], "--window: `0`"),
        (["--prometheus", "http://x", "--window", "a day"], "--window: `a day`"),
        (["--prometheus", "http://x", "--until", "soon"], "--until: `soon`"),
        (["--prometheus", "http://x", "--arg", "service"], "--arg: write NAME=VALUE"),
        (["--prometheus", "http://x", "--max-false-aborts", "101%"], "--max-false-aborts: `101%`"),
        (["--prometheus", "http://x", "--degradation", "0"], "--degradation: `0`"),
        (["--prometheus", "http://x", "-f", "pdf"], "unknown format `pdf`"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["backtest", "--no-config", *arguments]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("window", ["4h", "0d4h", "14400", "240m"])
def test_windows_may_be_written_in_several_ways(window: str, capsys: pytest.CaptureFixture[str]) -> None:
    with HttpServer(prometheus(steady)) as server:
        assert ask(server, "--window", window, "--until", "2026-11-19T04:00Z") == 0
    assert "over 4h, 2026-11-19 00:00 to 04:00 UTC" in capsys.readouterr().out


def test_without_an_analysis_there_is_nothing_to_backtest(capsys: pytest.CaptureFixture[str]) -> None:
    Path("cart.yaml").write_text("apiVersion: v1\nkind: Service\nmetadata: {name: cart}\n")
    with HttpServer(prometheus(steady)) as server:
        assert ask(server) == 3
        assert "nothing to backtest" in capsys.readouterr().err
        assert ask(server, "--allow-empty") == 0


def test_a_bar_is_shown_to_who_watches_and_to_nobody_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with HttpServer(prometheus(steady)) as server:
        ask(server)
        assert capsys.readouterr().err == ""
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        ask(server)
    assert "queries" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["text", "json", "markdown", "html"])
def test_queries_for_the_canary_have_a_rate_only_when_the_stable_version_is_asked_and_shown(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["backtest", str(QUIET_NIGHTS), "--data", str(QUIET_NIGHTS / "day"), "--no-config", "-f", form]
    assert run(arguments) == 0
    without = capsys.readouterr().out
    assert "has no history between rollouts" in without
    assert "cart-stable" not in without
    assert run([*arguments, "--as-stable"]) == 0
    rewritten = capsys.readouterr().out
    assert "has no history between rollouts" not in rewritten
    assert "cart-stable" in rewritten
