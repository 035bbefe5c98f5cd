"""`istioctl analyze` on its own test inputs, object by object, against our rules for the same questions.

Vectors: istio `pkg/config/analysis/analyzers/analyzers_test.go`. Each difference is deliberate and listed with its
reason in tests/data/istio/analyze.txt, as are the analyzers that ask what no rule of ours does.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest

from rolloutlint.settings import Settings
from tests.harness import lint

HERE = os.path.dirname(__file__)
SHARED = os.path.join(HERE, "..", "..", "..", "shared")
VECTORS = os.path.join(SHARED, "oracles", "istio-analyze.json")
INPUTS = os.path.join(SHARED, "corpus", "istio", "analyzers")
LISTED = os.path.join(HERE, "..", "data", "istio", "analyze.txt")

RULES: Mapping[str, tuple[str, ...]] = {
    "virtualservice.DestinationHostAnalyzer": ("RL520", "RL521", "RL523", "RL538", "RL540"),
    "virtualservice.DestinationRuleAnalyzer": ("RL522",),
    "virtualservice.JWTClaimRouteAnalyzer": ("RL542",),
    "virtualservice.GatewayAnalyzer": ("RL530", "RL531"),
    "virtualservice.ConflictingMeshGatewayHostsAnalyzer": ("RL524",),
    "schemaValidation.CollectionValidationAnalyzer(collections.VirtualService)": ("RL525", "RL527"),
    "deprecation.FieldAnalyzer": ("RL539",),
    "destinationrule.CaCertificateAnalyzer": ("RL537",),
}
"""Analyzer -> the rules that answer its questions."""


class Vector(NamedTuple):
    line: int
    analyzer: str
    files: tuple[str, ...]
    expected: frozenset[str]


def vectors() -> Iterator[Vector]:
    if os.path.exists(VECTORS):
        with open(VECTORS, encoding="utf-8") as handle:
            for case in json.load(handle):
                files = tuple(name.removeprefix("testdata/") for name in case["files"])
                analyzer = case["analyzer"].removeprefix("&").removesuffix("{}")
                yield Vector(case["line"], analyzer, files, frozenset(name for _, name in case["expected"]))


def listed(word: str) -> list[list[str]]:
    with open(LISTED, encoding="utf-8") as handle:
        rows = [[cell.strip() for cell in line.split("|")] for line in handle if "|" in line and line[0] != "#"]
    return [row[1:] for row in rows if row[0] == word]


CASES = list(vectors())
COMPARED = [case for case in CASES if case.analyzer in RULES]
needs_vectors = pytest.mark.skipif(
    not CASES, reason="istioctl's vectors are not beside this checkout (../shared/oracles)"
)


def ours(case: Vector) -> set[str]:
    texts: dict[str, str | bytes] = {}
    for name in case.files:
        with open(os.path.join(INPUTS, name), encoding="utf-8") as handle:
            texts[name] = handle.read()
    report = lint(texts, Settings(select=RULES[case.analyzer], closed=True))
    assert not report.lost
    both = {named(r.resource) for f in report.active if f.finding.rule == "RL524" for r in f.finding.related}
    return both | {named(f.finding.resource) for f in report.active}


def named(resource: Any) -> str:
    place = f"{resource.namespace}/" if resource.namespace else ""
    return f"{resource.kind} {place}{resource.name}"


@needs_vectors
@pytest.mark.parametrize("case", COMPARED, ids=lambda case: f"{case.line}-{case.files[0]}")
def test_the_same_objects_are_reported_but_for_the_listed_ones(case: Vector) -> None:
    found = ours(case)
    differences = {("more", name) for name in found - case.expected} | {
        ("less", name) for name in case.expected - found
    }
    known = {(row[1], row[2]) for row in listed("difference") if row[0] == str(case.line)}
    assert differences == known


@needs_vectors
def test_every_listed_difference_belongs_to_a_vector_and_has_a_reason() -> None:
    lines = {str(case.line) for case in COMPARED}
    for line, way, name, reason in listed("difference"):
        assert line in lines
        assert way in ("more", "less")
        assert " " in name
        assert len(reason) > 20


@needs_vectors
def test_every_analyzer_is_compared_or_listed_as_not_ours() -> None:
    skipped = {row[0] for row in listed("analyzer")}
    assert {case.analyzer for case in CASES} == skipped | set(RULES)
    assert not skipped & set(RULES)
