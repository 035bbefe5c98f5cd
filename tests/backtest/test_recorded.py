"""Recorded answers stand in for the server they came from: exactly, or not at all."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.backtest.recorded import Recorded, Recording
from rolloutlint.backtest.source import Failure, Series
from rolloutlint.errors import UsageError


def answer(*times: float, **more: object) -> dict[str, object]:
    values = [[at, str(at)] for at in times]
    return {
        "status": "success",
        "data": {"resultType": "matrix", "result": [{"metric": {}, "values": values}] if values else []},
        **more,
    }


def folder(path: Path, *entries: tuple[str, float, float, float, object], **more: object) -> Recorded:
    """Entries: query, start, end, step, the answer."""
    listed = []
    for number, (query, start, end, step, body) in enumerate(entries):
        file = f"{number}.json"
        (path / file).write_text(body if isinstance(body, str) else json.dumps(body))
        listed.append({"query": query, "start": start, "end": end, "step": step, "file": file})
    (path / "manifest.json").write_text(json.dumps({"ranges": listed, **more}))
    return Recorded(str(path))


def times(found: Series | Failure) -> list[float]:
    assert not isinstance(found, Failure), found
    return [at for _, samples in found for at, _ in samples]


class Constructed:
    """A source that knows one series."""

    name = "https://constructed.example"

    def ranges(self, query: str, start: float, end: float, step: float) -> Series | Failure:
        if query == "bad":
            return Failure("no")
        count = int((end - start) / step + 1e-9) + 1
        odd = (math.nan, math.inf, -math.inf, 0.1, 1e300)
        return (({"pod": "a"}, tuple((float(start + i * step), odd[i % 5]) for i in range(count))),) if query else ()

    def names(self) -> Sequence[str] | Failure:
        return ("up", "http_requests_total")

    def values(self, label: str, selector: str) -> Sequence[str] | Failure:
        return Failure("no") if label == "bad" else (f"{label} of {selector}",)


def test_what_was_recorded_is_given_again(tmp_path: Path) -> None:
    source = Constructed()
    recording = Recording(source, str(tmp_path / "new" / "data"), (0, 600))
    asked = [("sum(up)", 0, 600, 60), ("sum(up)", 0.5, 600, 10), ("", 0, 600, 60), ("bad", 0, 600, 60)]
    given = [recording.ranges(*one) for one in asked]
    names, values, bad = recording.names(), recording.values("code", "up"), recording.values("bad", "")
    recording.save()
    recorded = Recorded(str(tmp_path / "new" / "data"))
    assert repr([recorded.ranges(*one) for one in asked[:3]]) == repr(given[:3])
    assert (recorded.names(), recorded.values("code", "up")) == (names, values)
    assert isinstance(recorded.ranges(*asked[3]), Failure)
    assert isinstance(bad, Failure)
    assert isinstance(recorded.values("bad", ""), Failure)
    assert (recording.name, recorded.window) == (source.name, (0, 600))


def test_a_recording_overwrites_no_other(tmp_path: Path) -> None:
    Recording(Constructed(), str(tmp_path), (0, 1)).save()
    with pytest.raises(UsageError, match="already holds a recording"):
        Recording(Constructed(), str(tmp_path), (0, 1))


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot make"):
        Recording(Constructed(), str(tmp_path / "file" / "data"), (0, 1))


def test_a_part_of_what_was_recorded_answers(tmp_path: Path) -> None:
    source = folder(tmp_path, ("q", 0, 100, 10, answer(*range(0, 101, 10))))
    assert times(source.ranges("q", 20, 85, 20)) == [20, 40, 60, 80]


def test_several_files_answer_together(tmp_path: Path) -> None:
    source = folder(
        tmp_path,
        ("q", 0, 50, 10, answer(*range(0, 51, 10))),
        ("q", 40, 90, 10, answer(*range(40, 91, 10))),
        ("q", 100, 120, 5, answer(*range(100, 121, 5))),
    )
    assert times(source.ranges("q", 0, 120, 10)) == list(range(0, 121, 10))


def test_what_was_recorded_as_empty_is_empty_and_no_failure(tmp_path: Path) -> None:
    assert folder(tmp_path, ("q", 0, 100, 10, answer())).ranges("q", 0, 100, 10) == ()


@pytest.mark.parametrize(
    ("start", "end", "step"), [(0, 110, 10), (-10, 50, 10), (0, 100, 5), (5, 95, 10), (0, 100, 15), (200, 300, 10)]
)
def test_what_was_not_recorded_is_a_failure(tmp_path: Path, start: float, end: float, step: float) -> None:
    found = folder(tmp_path, ("q", 0, 100, 10, answer(*range(0, 101, 10)))).ranges("q", start, end, step)
    assert isinstance(found, Failure)
    assert "holds answers to this query, but none for" in found.message


def test_a_query_that_was_not_recorded_is_a_failure(tmp_path: Path) -> None:
    found = folder(tmp_path).ranges("q", 0, 1, 1)
    assert found == Failure(f"{tmp_path} holds no answer to this query")
    assert folder(tmp_path).window is None


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(1, 4)), min_size=1, max_size=4),
    st.integers(0, 20),
    st.integers(0, 20),
    st.integers(1, 6),
)
def test_the_answer_has_every_point_that_was_asked_for_or_is_a_failure(
    tmp_path_factory: pytest.TempPathFactory, ranges: list[tuple[int, int, int]], start: int, length: int, step: int
) -> None:
    entries = [
        ("q", first, first + span, pace, answer(*range(first, first + span + 1, pace))) for first, span, pace in ranges
    ]
    found = folder(tmp_path_factory.mktemp("data"), *entries).ranges("q", start, start + length, step)
    asked = list(range(start, start + length + 1, step))
    if not isinstance(found, Failure):
        assert times(found) == asked
    else:
        fitting = [
            {at for at in range(first, first + span + 1, pace) if step % pace == 0} for first, span, pace in ranges
        ]
        assert not set(asked) <= set().union(*fitting)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "is no successful answer"),
        ({"status": "error", "error": "x"}, "is no successful answer"),
        ({"status": "success", "data": {"resultType": "vector", "result": []}}, "is not what a range query gives"),
        (answer(0, 7), "holds a sample at 7.000, which the manifest does not say"),
    ],
)
def test_a_file_that_is_no_answer_is_the_failure_of_its_query_only(tmp_path: Path, body: object, message: str) -> None:
    source = folder(tmp_path, ("good", 0, 10, 10, answer(0, 10)), ("bad", 0, 10, 10, body))
    found = source.ranges("bad", 0, 10, 10)
    assert isinstance(found, Failure)
    assert message in found.message
    assert times(source.ranges("good", 0, 10, 10)) == [0, 10]


def test_a_partial_answer_stays_partial(tmp_path: Path) -> None:
    found = folder(tmp_path, ("q", 0, 10, 10, answer(0, warnings=["store-1 is away"]))).ranges("q", 0, 10, 10)
    assert isinstance(found, Failure)
    assert found.partial
    assert "store-1 is away" in found.message


def test_a_file_that_is_missing_is_told(tmp_path: Path) -> None:
    source = folder(tmp_path, ("q", 0, 10, 10, answer(0)))
    (tmp_path / "0.json").unlink()
    found = source.ranges("q", 0, 10, 10)
    assert isinstance(found, Failure)
    assert "cannot read" in found.message


def test_a_list_of_names_that_is_none_is_told(tmp_path: Path) -> None:
    source = folder(tmp_path, ("q", 0, 0, 1, answer()), values=[{"label": "__name__", "file": "0.json"}])
    found = source.names()
    assert isinstance(found, Failure)
    assert "is no list of values" in found.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "must hold an object"),
        ('{"ranges": {}}', "`ranges` must be a list"),
        ('{"values": [1]}', "`values` must be a list"),
        ('{"ranges": [{}]}', r"`ranges\[0\]`: `query` must be a string"),
        ('{"ranges": [{"query": "q", "file": "../x"}]}', "the name of a file in the same directory"),
        ('{"ranges": [{"query": "q", "file": "x", "start": "0"}]}', "`start` must be a number"),
        ('{"ranges": [{"query": "q", "file": "x", "start": NaN}]}', "`start` must be a number"),
        ('{"ranges": [{"query": "q", "file": "x", "start": 0, "end": 1, "step": 0}]}', "a millisecond or more"),
        ('{"values": [{"label": 1}]}', "`label` must be a string"),
        ('{"window": [1]}', "two times"),
    ],
)
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(UsageError, match=message):
        Recorded(str(tmp_path))


def test_a_directory_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="which file of the directory answers which query"):
        Recorded(str(tmp_path))
