"""A Prometheus of our own that has stored every world of `worlds.py`, and says what it makes of a query in each.

One server holds all worlds, one after the other in time, `SLOT` seconds apart: farther than any query here looks back.
A query is therefore asked of a world by asking it at a time, and of all worlds at once as a range query whose step is
`SLOT`. `.ci/prometheus` gets the program; which one is used: `ROLLOUTLINT_PROMETHEUS`, else the one on the PATH, else
`.tools/prometheus` of the checkout.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from tests.live import remote_write
from tests.live.worlds import COUNT, INTERVAL, WORLDS, World, is_dishonest

ROOT = Path(__file__).parents[2]
SLOT = 25 * 3600
"""Seconds from one world to the next; not a day, so that functions of the time of day differ."""
SPAN = (COUNT - 1) * INTERVAL
"""Seconds from a world's first to its last sample: when its queries are evaluated."""
OLDEST = (2, 40)
"""Older ones have no `/api/v1/format_query`."""


class NoPrometheusError(Exception):
    """There is no Prometheus that can be used; the text says why."""


class Sample(NamedTuple):
    """One element of a result: its labels (with `__name__`, if it has one) and its value."""

    labels: Mapping[str, str]
    value: float


class Result(NamedTuple):
    """What a query returned: `error` is empty, or Prometheus' words and there are no samples.

    `type` is `vector`, `scalar`, `matrix` or `string`; a matrix has one sample for every point of every series.
    """

    type: str
    samples: tuple[Sample, ...]
    error: str = ""


def find() -> tuple[Path, tuple[int, int]]:
    """The program and its version; raises `NoPrometheusError`."""
    named = os.environ.get("ROLLOUTLINT_PROMETHEUS")
    cached = ROOT / ".tools" / "prometheus"
    path = named or shutil.which("prometheus") or (str(cached) if cached.exists() else "")
    if not path:
        reason = cached.with_name("prometheus.missing")
        raise NoPrometheusError(
            reason.read_text().strip() if reason.exists() else "`make tools` has not looked for it yet"
        )
    try:
        run = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoPrometheusError(f"{path} does not run: {error}") from None
    found = re.search(r"version v?(\d+)\.(\d+)", run.stdout + run.stderr)
    if not found:
        raise NoPrometheusError(f"{path} does not tell its version")
    version = (int(found[1]), int(found[2]))
    if version < OLDEST:
        raise NoPrometheusError(f"{path} is version {version[0]}.{version[1]}, older than {OLDEST[0]}.{OLDEST[1]}")
    return Path(path), version


class Server:
    """A running Prometheus that holds `worlds`; close it, or use it in a `with` statement. Threads may share it."""

    def __init__(self, worlds: Mapping[str, World] | None = None) -> None:
        program, self.version = find()
        self.worlds = WORLDS if worlds is None else worlds
        """The worlds by name."""
        self.dishonest = frozenset(name for name, world in self.worlds.items() if is_dishonest(world))
        """The names of those with a counter that is NaN."""
        self._start = {name: (index + 1) * SLOT for index, name in enumerate(self.worlds)}
        self._local = threading.local()
        self._folder = tempfile.TemporaryDirectory(prefix="rolloutlint-prometheus-", ignore_cleanup_errors=True)
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._run(program)
            for name, world in self.worlds.items():
                status, text = self._ask(
                    "/api/v1/write", remote_write.body(world, self._start[name]), remote_write.HEADERS
                )
                if status not in (200, 204):
                    raise NoPrometheusError(f"it does not store {name}: {text.decode(errors='replace')}")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Server:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process and removes what it stored."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self._folder.cleanup()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    def start(self, world: str) -> int:
        """When the first sample of a world was taken, in seconds since 1970."""
        return self._start[world]

    def evaluate(self, query: str, world: str, after: int = SPAN) -> Result:
        """The instant query in the world of that name, `after` seconds after its first sample."""
        form = {"query": query, "time": str(self._start[world] + after)}
        answer = self._api("query", form)
        if answer["status"] != "success":
            return Result("error", (), str(answer["error"]))
        kind, data = answer["data"]["resultType"], answer["data"]["result"]
        if kind == "string":
            return Result(kind, ())
        if kind == "scalar":
            return Result(kind, (Sample({}, float(data[1])),))
        points = ((series["metric"], series["values"] if kind == "matrix" else [series["value"]]) for series in data)
        return Result(kind, tuple(Sample(metric, float(value)) for metric, values in points for _, value in values))

    def evaluate_everywhere(self, query: str, after: int = SPAN) -> dict[str, Result]:
        """The query in every world; `type` is that of `evaluate`, except that a range query tells no scalar from a
        vector and both are `vector`."""
        form = {
            "query": query,
            "start": str(SLOT + after),
            "end": str(len(self._start) * SLOT + after),
            "step": str(SLOT),
        }
        answer = self._api("query_range", form)
        if answer["status"] != "success":
            # One world's error is the error of the whole range, and range selectors and strings have no range query.
            first = self.evaluate(query, next(iter(self.worlds)), after)
            if answer["errorType"] == "bad_data" and first.error:
                return dict.fromkeys(self.worlds, first)
            return {name: self.evaluate(query, name, after) for name in self.worlds}
        samples: dict[int, list[Sample]] = {}
        for series in answer["data"]["result"]:
            metric = series["metric"]
            for at, value in series["values"]:
                samples.setdefault(int(at) - after, []).append(Sample(metric, float(value)))
        return {name: Result("vector", tuple(samples.get(start, ()))) for name, start in self._start.items()}

    def rejection(self, query: str) -> str:
        """Why Prometheus cannot parse the query; empty if it can."""
        return self._format(query)[1]

    def formatted(self, query: str) -> str:
        """The query as Prometheus prints it; empty if it cannot parse it."""
        return self._format(query)[0]

    def _format(self, query: str) -> tuple[str, str]:
        answer = self._api("format_query", {"query": query})
        return (str(answer["data"]), "") if answer["status"] == "success" else ("", str(answer["error"]))

    def _run(self, program: Path) -> None:
        folder = Path(self._folder.name)
        (folder / "prometheus.yml").write_text("global: {}\n")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = int(free.getsockname()[1])
        options = {
            "config.file": folder / "prometheus.yml",
            "storage.tsdb.path": folder / "data",
            "storage.tsdb.retention.time": "100y",
            # All worlds stay in one block in memory, which takes samples as old as half of its duration.
            "storage.tsdb.min-block-duration": "3y",
            "storage.tsdb.max-block-duration": "3y",
            "web.listen-address": f"127.0.0.1:{self._port}",
            "log.level": "warn",
        }
        log = folder / "log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [
                    program,
                    "--web.enable-remote-write-receiver",
                    *(f"--{name}={value}" for name, value in options.items()),
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=folder,
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if self._ask("/-/ready", b"", {})[0] == 200:
                    return
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.02)
        raise NoPrometheusError(f"{program} does not start: {log.read_text(errors='replace')[-500:].strip()}")

    def _api(self, name: str, form: Mapping[str, str]) -> dict[str, Any]:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        text = self._ask(f"/api/v1/{name}", urllib.parse.urlencode(form).encode(), headers)[1]
        answer: dict[str, Any] = json.loads(text)
        return answer

    def _ask(self, path: str, data: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Over one connection per thread, made anew when the server has closed it."""
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        method = "POST" if data else "GET"
        try:
            connection.request(method, path, data, dict(headers))
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            self._local.connection = None
            connection.close()
            raise
