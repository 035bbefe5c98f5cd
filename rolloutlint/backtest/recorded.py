"""Recorded answers in a directory, in place of a server: `manifest.json` says which file answers which question.

Each file holds the JSON with which Prometheus answered, as `curl` saves it. The manifest:

    {"source": "https://prometheus.example", "window": [1763600000, 1763686400],
     "ranges": [{"query": "sum(rate(...))", "start": 1763600000, "end": 1763686400, "step": 60, "file": "a.json"}],
     "values": [{"label": "__name__", "selector": "", "file": "names.json"}]}

`source`, `window` and `values` may be left out. Times are seconds since 1970, `step` is seconds.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from rolloutlint.backtest.answers import (
    Samples,
    added,
    lacking,
    names_of,
    samples_of,
    series_of,
    written,
    written_names,
)
from rolloutlint.backtest.source import Failure, Series, Source
from rolloutlint.errors import UsageError

MANIFEST: Final = "manifest.json"


class _Range(NamedTuple):
    """One recorded range; milliseconds."""

    file: str
    first: int
    last: int
    step: int


class Recorded:
    """A `Source` that reads a directory."""

    def __init__(self, directory: str) -> None:
        """Raises `UsageError` where the manifest cannot be read; a file that cannot be is the failure of its query."""
        self._directory = directory
        manifest = _manifest(directory)
        self._ranges: dict[str, list[_Range]] = {}
        self._values: dict[tuple[str, str], str] = {}
        path = os.path.join(directory, MANIFEST)
        for number, entry in enumerate(manifest.get("ranges", [])):
            where = f"{path}: `ranges[{number}]`"
            query, file = (_text(entry, key, where) for key in ("query", "file"))
            first, last, step = (round(_seconds(entry, key, where) * 1000) for key in ("start", "end", "step"))
            if step < 1:
                raise UsageError(f"{where}: `step` must be a millisecond or more")
            self._ranges.setdefault(query, []).append(_Range(file, first, last, step))
        for number, entry in enumerate(manifest.get("values", [])):
            where = f"{path}: `values[{number}]`"
            label, selector, file = (_text(entry, key, where) for key in ("label", "selector", "file"))
            self._values[label, selector] = file
        self._window = manifest.get("window")

    @property
    def name(self) -> str:
        """The directory."""
        return self._directory

    @property
    def window(self) -> tuple[float, float] | None:
        """The first and last second that the recording is about; `None` where it holds no range."""
        if self._window is not None:
            return self._window[0], self._window[1]
        ranges = [one for some in self._ranges.values() for one in some]
        if not ranges:
            return None
        return min(one.first for one in ranges) / 1000, max(one.last for one in ranges) / 1000

    def ranges(self, query: str, start: float, end: float, step: float) -> Series | Failure:
        """The values of a query at `start`, `start + step`, ... up to and including `end`, where all were recorded.

        What was recorded in smaller steps or for a longer time answers as well, and so do several files together.
        """
        first, pace = round(start * 1000), max(1, round(step * 1000))
        count = (round(end * 1000) - first) // pace + 1
        known = self._ranges.get(query, [])
        if not known:
            return Failure(f"{self._directory} holds no answer to this query")
        found: Samples = {}
        done = 0
        while done < count:
            last, best = max(((_last(one, first, pace, done), one) for one in known), default=(-1, known[0]))
            if last < done:
                return Failure(
                    f"{self._directory} holds answers to this query, but none for {(first + done * pace) / 1000:.3f}"
                    f" as part of every {step:g} s from {start:.3f} to {end:.3f}"
                )
            upto = min(last, count - 1)
            part = self._read_samples(best, first + done * pace, first + upto * pace, pace)
            if isinstance(part, Failure):
                return part
            added(found, part)
            done = upto + 1
        return series_of(found)

    def names(self) -> Sequence[str] | Failure:
        """Every metric name that was recorded."""
        return self.values("__name__", "")

    def values(self, label: str, selector: str) -> Sequence[str] | Failure:
        """The values of a label among the series that a selector matches, where that was recorded."""
        file = self._values.get((label, selector))
        if file is None:
            among = f" among `{selector}`" if selector else ""
            return Failure(f"{self._directory} does not hold the values of `{label}`{among}")
        data = self._data(file)
        if isinstance(data, Failure):
            return data
        names = names_of(data)
        return Failure(f"{os.path.join(self._directory, file)} is no list of values") if names is None else names

    def _read_samples(self, recorded: _Range, first: int, last: int, pace: int) -> Samples | Failure:
        data = self._data(recorded.file)
        if isinstance(data, Failure):
            return data
        series = samples_of(data)
        if series is None:
            return Failure(f"{os.path.join(self._directory, recorded.file)} is not what a range query gives")
        wanted: Samples = {}
        for labels, samples in series.items():
            kept = []
            for at, value in samples:
                moment = round(at * 1000)
                if (moment - recorded.first) % recorded.step:
                    return Failure(
                        f"{os.path.join(self._directory, recorded.file)} holds a sample at {at:.3f}, which the manifest"
                        " does not say"
                    )
                if first <= moment <= last and not (moment - first) % pace:
                    kept.append((at, value))
            if kept:
                wanted[labels] = kept
        return wanted

    def _data(self, file: str) -> Any | Failure:
        path = os.path.join(self._directory, file)
        try:
            with open(path, "rb") as handle:
                answer = json.load(handle)
        except OSError as error:
            return Failure(f"cannot read {path}: {error.strerror}")
        except (ValueError, RecursionError):
            return Failure(f"{path} is not JSON")
        if not isinstance(answer, dict) or answer.get("status") != "success":
            return Failure(f"{path} is no successful answer of Prometheus")
        missing = lacking(answer)
        if missing is not None:
            why = "; ".join(missing[:3]) or "some stores did not answer"
            return Failure(f"{path} is a partial answer, so shares of it would be wrong: {why}", partial=True)
        return answer.get("data")


def _last(one: _Range, first: int, pace: int, index: int) -> int:
    """Up to which of the points asked for a recorded range has all of them from `index` on; -1 where it lacks that."""
    at = first + index * pace
    if pace % one.step or (at - one.first) % one.step or not one.first <= at <= one.last:
        return -1
    return index + (one.last - at) // pace


def _manifest(directory: str) -> Mapping[str, Any]:
    path = os.path.join(directory, MANIFEST)
    try:
        with open(path, "rb") as handle:
            manifest = json.load(handle)
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {error.strerror}; it says which file of the directory answers which query"
        ) from None
    except (ValueError, RecursionError):
        raise UsageError(f"{path} is not JSON") from None
    if not isinstance(manifest, dict):
        raise UsageError(f"{path} must hold an object with a list `ranges`")
    for key in ("ranges", "values"):
        entries = manifest.get(key, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise UsageError(f"{path}: `{key}` must be a list of objects")
    window = manifest.get("window")
    if window is not None and not (isinstance(window, list) and len(window) == 2 and all(map(_is_time, window))):
        raise UsageError(f"{path}: `window` must be a list of two times in seconds since 1970")
    return manifest


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12


def _text(entry: Mapping[str, Any], key: str, where: str) -> str:
    value = entry.get(key, "" if key == "selector" else None)
    if not isinstance(value, str):
        raise UsageError(f"{where}: `{key}` must be a string")
    if key == "file" and (os.path.basename(value) != value or value in ("", ".", "..")):
        raise UsageError(f"{where}: `file` must be the name of a file in the same directory")
    return value


def _seconds(entry: Mapping[str, Any], key: str, where: str) -> float:
    value = entry.get(key)
    if not _is_time(value):
        raise UsageError(f"{where}: `{key}` must be a number of seconds")
    return float(value)  # type: ignore[arg-type]  # _is_time


class Recording:
    """A `Source` that asks another one and keeps what it answers, for `Recorded` to read. Threads may share it."""

    def __init__(self, source: Source, directory: str, window: tuple[float, float]) -> None:
        """`directory` is made where it does not exist. Raises `UsageError` where it cannot be, or holds a manifest."""
        self._source = source
        self._directory = directory
        self._window = window
        self._lock = threading.Lock()
        self._entries: dict[str, dict[str, dict[str, Any]]] = {"ranges": {}, "values": {}}
        if os.path.lexists(os.path.join(directory, MANIFEST)):
            raise UsageError(f"{directory} already holds a recording: name another directory, or remove it")
        try:
            os.makedirs(directory, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot make {directory}: {error.strerror}") from None

    @property
    def name(self) -> str:
        """The source that is asked."""
        return self._source.name

    def ranges(self, query: str, start: float, end: float, step: float) -> Series | Failure:
        """What the source gives; kept unless it is a failure."""
        found = self._source.ranges(query, start, end, step)
        if not isinstance(found, Failure):
            self._keep("ranges", query, {"query": query, "start": start, "end": end, "step": step}, written(found))
        return found

    def names(self) -> Sequence[str] | Failure:
        """What the source gives; kept unless it is a failure."""
        found = self._source.names()
        if not isinstance(found, Failure):
            self._keep("values", "names", {"label": "__name__", "selector": ""}, written_names(found))
        return found

    def values(self, label: str, selector: str) -> Sequence[str] | Failure:
        """What the source gives; kept unless it is a failure."""
        found = self._source.values(label, selector)
        if not isinstance(found, Failure):
            about = {"label": label, "selector": selector}
            self._keep("values", f"values-{label}-{selector}", about, written_names(found))
        return found

    def save(self) -> None:
        """Write the manifest: what was kept until now can then be read. Raises `UsageError` where it cannot."""
        with self._lock:
            listed = {kind: [entries[file] for file in sorted(entries)] for kind, entries in self._entries.items()}
        self._write(MANIFEST, {"source": self.name, "window": list(self._window), **listed}, indent=2)

    def _keep(self, kind: str, title: str, about: dict[str, Any], answer: Mapping[str, Any]) -> None:
        code = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:10]
        words = re.sub(r"[^a-z0-9]+", "-", title.lower())[:40].strip("-")
        file = f"{words}-{code}.json"
        self._write(file, answer)
        with self._lock:
            self._entries[kind][file] = {**about, "file": file}

    def _write(self, file: str, value: object, indent: int | None = None) -> None:
        path = os.path.join(self._directory, file)
        try:
            with open(path, "w", encoding="utf-8", newline="") as handle:
                json.dump(value, handle, indent=indent, allow_nan=False)
                handle.write("\n")
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}") from None
