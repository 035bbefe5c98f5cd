"""Repositories that nobody here wrote, rendered: no crash, nothing skipped in silence, and only reviewed findings."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from rolloutlint.engine import lint_paths
from rolloutlint.inputs.options import RenderOptions
from rolloutlint.result import Report
from rolloutlint.settings import Settings
from tests.harness import CATALOGUE
from tests.renderers import absent, programs

ROOT = Path(__file__).parents[2]
CORPUS = ROOT.parent / "shared" / "corpus"
REVIEWED = Path(__file__).with_name("rendered.txt")

pytestmark = [
    pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the corpora are not at {CORPUS}"),
    pytest.mark.skipif(bool(absent("kustomize")), reason=absent("kustomize")),
    pytest.mark.skipif(bool(absent("helm")), reason=absent("helm")),
]

SKIPPED = {
    "argocd-example-apps": [
        ("apps/templates/applications.yaml", "`jsonnet-guestbook` of https://github.com/argoproj/argocd-example-apps"),
        ("apps/templates/applications.yaml", "`jsonnet-guestbook-tla` of"),
        ("apps/templates/applications.yaml", "`plugins/kasane` of"),
        ("apps/templates/applications.yaml", "plugins/kustomized-helm` is rendered by a plugin"),
        ("apps/templates/applications.yaml", "`plugins/nix` of"),
        ("helm-dependency", "`wordpress` not vendored"),
        ("plugins/kustomized-helm", "names `./all.yaml`, which does not exist"),
        ("plugins/kustomized-helm", "`helm-guestbook` not vendored"),
    ],
    "wild": [],
}
"""What cannot be rendered there: where, and the words that say why."""


def lint(corpus: str, render: bool, monkeypatch: pytest.MonkeyPatch) -> Report:
    for variable, path in programs().items():
        monkeypatch.setenv(variable, path)
    options = RenderOptions(cache=False) if render else None
    return lint_paths([str(CORPUS / corpus)], Settings(today="2026-11-21"), CATALOGUE, render=options)


def counted(report: Report) -> Counter[tuple[str, str]]:
    found = (Path(f.file).resolve().relative_to(CORPUS.resolve()).as_posix() for f in report.active)
    return Counter(zip(found, (f.finding.rule for f in report.active), strict=True))


def reviewed(corpus: str) -> dict[tuple[str, str], int]:
    lines = (line.split(None, 3) for line in REVIEWED.read_text().splitlines() if not line.startswith("#"))
    return {(path, rule): int(count) for path, rule, count, reason in lines if path.startswith(f"{corpus}/") and reason}


@pytest.mark.slow
@pytest.mark.parametrize("corpus", SKIPPED)
def test_rendering_finds_what_was_reviewed_and_loses_nothing(corpus: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = lint(corpus, False, monkeypatch), lint(corpus, True, monkeypatch)
    found, expected = counted(after), counted(before)
    assert found - expected == reviewed(corpus)
    assert expected - found == {}
    assert [i for i in after.incomplete if i.lost] == []


@pytest.mark.slow
@pytest.mark.parametrize("corpus", SKIPPED)
def test_every_source_that_was_skipped_is_named(corpus: str, monkeypatch: pytest.MonkeyPatch) -> None:
    skipped = [i for i in lint(corpus, True, monkeypatch).incomplete if i.reason == "unrendered"]
    for place, words in SKIPPED[corpus]:
        assert [i for i in skipped if i.source.endswith(f"{corpus}/{place}") and words in i.message], words
    assert len(skipped) == len(SKIPPED[corpus])


@pytest.mark.slow
def test_no_chart_and_no_kustomization_stays_unmentioned(monkeypatch: pytest.MonkeyPatch) -> None:
    report = lint(".", True, monkeypatch)
    assert [i for i in report.incomplete if i.reason == "rule-crashed"] == []
    assert [i for i in report.incomplete if i.reason in ("chart", "kustomize")] == []
