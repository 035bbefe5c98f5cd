"""Manifests that nobody here wrote: no crash anywhere, and on upstream's own no finding that was not reviewed.

The corpora stand beside the checkout and are never copied into it; without them these tests are skipped.
`reviewed.txt` lists every finding in the default profile on upstream's lint data, end-to-end tests and examples, each
file linted alone (as `kubectl argo rollouts lint` does), `field.txt` those on manifests from public repositories, with
the reason why each is true.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from rolloutlint.engine import lint_paths
from rolloutlint.result import Report
from rolloutlint.settings import Settings
from tests.harness import CATALOGUE

ROOT = Path(__file__).parents[2]
CORPUS = ROOT.parent / "shared" / "corpus"
REVIEWED = Path(__file__).with_name("reviewed.txt")
FIELD = Path(__file__).with_name("field.txt")
FIELD_CORPORA = ("argocd-example-apps", "rollouts-demo", "wild")

needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the corpora are not at {CORPUS}")

REJECTIONS = (
    "RL003",
    "RL004",
    "RL005",
    "RL006",
    "RL010",
    "RL102",
    "RL107",
    *(f"RL{number}" for number in range(109, 127)),
    "RL201",
    "RL202",
    "RL203",
    "RL501",
    "RL502",
)
"""Rules of validations (V, X) and of the schemas: upstream's valid files must not have them."""

UNCHECKED = {("valid-ingress-smi-multi.yml", "RL005")}
"""What the API server refuses all the same, and upstream's lint does not look at: an Ingress path without pathType."""


def lint(path: Path, **settings: object) -> Report:
    return lint_paths([str(path)], Settings(today="2026-11-21", **settings), CATALOGUE)  # type: ignore[arg-type]


def reviewed(file: Path = REVIEWED) -> dict[tuple[str, str], int]:
    table: dict[tuple[str, str], int] = {}
    for line in file.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            path, rule, count, reason = line.split(None, 3)
            assert reason.strip(), line
            table[path, rule] = int(count)
    return table


def upstream_files() -> list[Path]:
    base = CORPUS / "argo-rollouts"
    return sorted(p for p in base.rglob("*") if p.suffix in (".yaml", ".yml", ".json") and p.is_file())


@needs_corpus
@pytest.mark.slow
@pytest.mark.parametrize("profile", ["recommended", "strict"])
def test_no_rule_crashes_on_any_corpus(profile: str) -> None:
    report = lint(CORPUS, profile=profile, closed=True)
    assert [i for i in report.incomplete if i.reason == "rule-crashed"] == []
    assert report.counts.resources > 1000


@needs_corpus
@pytest.mark.slow
def test_every_finding_on_upstreams_own_manifests_is_reviewed() -> None:
    found: Counter[tuple[str, str]] = Counter()
    for path in upstream_files():
        for finding in lint(path).active:
            found[path.relative_to(CORPUS / "argo-rollouts").as_posix(), finding.finding.rule] += 1
    expected = reviewed()
    unreviewed = {k: n for k, n in found.items() if expected.get(k) != n}
    gone = {k: n for k, n in expected.items() if found.get(k) != n}
    assert not unreviewed, f"not in {REVIEWED.name}, or another count: {unreviewed}"
    assert not gone, f"in {REVIEWED.name}, but not found like that: {gone}"


@needs_corpus
def test_every_finding_on_manifests_of_the_field_is_reviewed() -> None:
    found: Counter[tuple[str, str]] = Counter()
    for corpus in FIELD_CORPORA:
        for finding in lint(CORPUS / corpus).active:
            found[Path(finding.file).resolve().relative_to(CORPUS.resolve()).as_posix(), finding.finding.rule] += 1
    assert dict(found) == reviewed(FIELD)


@needs_corpus
def test_no_validation_rule_fires_on_upstreams_valid_files() -> None:
    for path in sorted((CORPUS / "argo-rollouts" / "lint").glob("valid*")):
        rules = {f.finding.rule for f in lint(path).active}
        assert {(path.name, rule) for rule in rules.intersection(REJECTIONS)} <= UNCHECKED, (path.name, rules)


@needs_corpus
def test_upstreams_own_lint_errors_are_found() -> None:
    expected = {
        "invalid-service-labels.yml": "RL203",
        "invalid-ping-pong.yml": "RL203",
        "invalid-ingress-smi-multi.yml": "RL203",
        "invalid-unknown-field.yml": "RL003",
        "invalid-empty-rollout-vsvc.yml": "RL005",
        "invalid.yml": "RL116",
        "invalid.json": "RL116",
        "invalid-multiple-docs.yml": "RL116",
        "invalid-nginx-canary.yml": "RL118",
    }
    assert set(expected) == {path.name for path in (CORPUS / "argo-rollouts" / "lint").glob("invalid*")}
    for name, rule in expected.items():
        report = lint(CORPUS / "argo-rollouts" / "lint" / name)
        assert rule in {f.finding.rule for f in report.active}, (name, os.linesep.join(map(str, report.active)))
