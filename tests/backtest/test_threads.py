"""Questions asked several at a time: all of them answered, or none waited for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rolloutlint.backtest.threads import answered
from tests.backtest.http_server import HttpServer, Reply, Request

TEMPLATE = """\
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: cart}
spec:
  metrics:
  - {name: m, interval: 10s, count: 1, successCondition: "true", provider: {prometheus: {query: up}}}
"""


@pytest.mark.parametrize("threads", [0, 1, 3, 100])
def test_every_question_is_answered_once(threads: int) -> None:
    found = dict(answered(lambda number: number * number, range(50), threads))
    assert found == {number: number * number for number in range(50)}


def test_without_a_question_there_is_no_answer() -> None:
    assert list(answered(str, (), 4)) == []


def test_no_more_questions_are_asked_at_once_than_wanted() -> None:
    lock, running, most = threading.Lock(), 0, 0

    def ask(number: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.005)
        with lock:
            running -= 1

    list(answered(ask, range(20), 3))
    assert most == 3


def test_an_error_is_raised_where_the_answers_are_read() -> None:
    with pytest.raises(ZeroDivisionError):
        list(answered(lambda number: 1 // number, [1, 0, 2], 2))


def test_whoever_stops_reading_stops_the_asking() -> None:
    asked: list[int] = []
    stopped = threading.Event()

    def ask(number: int) -> int:
        asked.append(number)
        if number:
            stopped.wait(60)
        return number

    answers = answered(ask, range(1000), 1)
    assert next(iter(answers)) == (0, 0)
    del answers
    stopped.set()
    threading.Event().wait(0.2)
    assert set(asked) <= {0, 1}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send")
@pytest.mark.parametrize("window", ["1h", "7d"])
def test_an_interrupt_does_not_wait_for_a_server_that_does_not_answer(tmp_path: Path, window: str) -> None:
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    arrived, released = threading.Event(), threading.Event()

    def silent(request: Request, reply: Reply) -> None:
        arrived.set()
        released.wait(120)

    with HttpServer(silent) as server:
        options = ("--no-config", "--prometheus", server.url, "--window", window)
        environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2])}
        process = subprocess.Popen(
            [sys.executable, "-m", "rolloutlint", "backtest", str(tmp_path), *options],
            env=environment,
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert arrived.wait(60)
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=60)
        finally:
            released.set()
            process.kill()
    assert process.returncode == 130
    assert "Traceback" not in told
