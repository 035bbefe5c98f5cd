"""Conditions against expr-lang itself: every release that Argo Rollouts was built with, compiled and run in Argo's
environment."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rolloutlint.lang.expr import LIBRARIES, UNKNOWN, Fault, Program, Shape, decide, program_of, shape_of

DATA = Path(__file__).parents[2] / "data" / "expr"

# What the clock, a placeholder, the bytes of a Go string, or the order in which NaN is sorted decide.
UNDECIDED = {
    'now() > date("2020-01-01")': 27,
    "result[0] >= 0.95 && now().Year() > 2000": 5,
    "{{args.threshold}} < result[0]": 12,
    "result[0] < {{args.threshold}}": 12,
    "default(result, [0])[0] < 0.6": 2,
    "(result ?? [1])[0] >= 0.95": 2,
    "sort(result)[0] >= 0.95": 2,
}


def rows(name: str) -> Iterator[Any]:
    with gzip.open(DATA / name, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def measured(kind: str, value: Any) -> tuple[Any, Shape]:
    """The value and the shape of a result as the vectors write it."""
    if kind == "vector":
        return [float(number) for number in value], "float[]"
    if kind == "scalar" or (kind == "floatptr" and value is not None):
        return float(value), "float"
    if kind in ("nil", "floatptr"):
        return None, "nil"
    decoded = json.loads(json.dumps(value), parse_int=float)
    return decoded, shape_of(decoded)


def named(result: str) -> tuple[Any, Shape]:
    """The value and the shape of a result as the vectors by version name it."""
    kind, _, text = result.partition(":")
    if kind == "vec":
        return [float(number) for number in text.strip("[]").split(",") if number], "float[]"
    if kind == "scalar":
        return float(text), "float"
    if kind == "nr":
        return [{"a": 1.0}], "maps"
    if kind == "cw":
        values = {"[5]": [[5.0]], "empty": [[]], "none": []}[text]
        return [{"Id": "m", "Values": numbers} for numbers in values], "MetricDataResult[]"
    decoded = json.loads(text, parse_int=float) if kind == "json" else None
    return decoded, shape_of(decoded)


def test_every_measurement_gets_the_outcome_that_argo_gives_it() -> None:
    vectors = rows("truth.jsonl.gz")
    worlds = {name: measured(*result) for name, result in next(vectors)["worlds"].items()}
    undecided: Counter[str] = Counter()
    different = []
    for *conditions, outcomes in vectors:
        for world, expected in outcomes.items():
            value, shape = worlds[world]
            programs = [program_of(text, shape) if text else None for text in conditions]
            found: Any
            if len(programs) == 2:
                found = decide(programs[0], programs[1], value)
            else:
                found = programs[0].run(value) if isinstance(programs[0], Program) else None
                if found is UNKNOWN:
                    undecided[conditions[0]] += 1
                    continue
                found = "error" if isinstance(found, Fault) else found
            if found is not expected and found != expected:
                different.append((conditions, world, found, expected))
    assert different == []
    assert undecided == UNDECIDED


def test_every_release_of_expr_gives_its_own_kind_of_answer() -> None:
    kinds = {"compile": "compile_error", "run": "run_error", "type": "type_error", "panic": "panic"}
    undecided = []
    different = []
    for result, condition, expected in rows("by-version.jsonl.gz"):
        value, shape = named(result)
        for library in LIBRARIES:
            found = program_of(condition, shape, library).run(value)
            if found is UNKNOWN:
                undecided.append((condition, str(library)))
                continue
            shown = kinds[found.kind] if isinstance(found, Fault) else found
            if shown != expected[str(library)]:
                different.append((result, condition, str(library), shown, expected[str(library)]))
    assert different == []
    # `?.` of 1.9.0 swallowed more than nil; nobody relies on it.
    assert sorted(undecided) == [("result.nope?.ok == true", "1.9.0"), ("result?.zz?.y == nil", "1.9.0")]


def test_a_program_for_any_result_answers_as_one_for_the_shape_that_comes() -> None:
    vectors = rows("truth.jsonl.gz")
    worlds = {name: measured(*result) for name, result in next(vectors)["worlds"].items()}
    for *conditions, outcomes in vectors:
        program = program_of(conditions[0], "any")
        for world in outcomes:
            value, shape = worlds[world]
            if shape == shape_of(value) and program.error is None:
                assert program.run(value) == program_of(conditions[0], shape).run(value), (conditions, world)
