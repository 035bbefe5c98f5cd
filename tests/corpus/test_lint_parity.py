"""Manifests that `kubectl argo rollouts lint` (argo-rollouts `cmd/lint/lint.go`) judges wrongly, and we do not.

`pytest --renew` writes `fixtures/lint-parity/<case>/expected.txt`; the names of the tests say what upstream does.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rolloutlint.engine import lint_paths
from rolloutlint.settings import Settings
from tests.harness import CATALOGUE

CASES = Path(__file__).parents[2] / "fixtures" / "lint-parity"


@pytest.fixture
def rules(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Lints a case, holds every finding against its golden file, and gives the rules that found something."""

    def lint(case: str) -> list[str]:
        folder = CASES / case
        monkeypatch.chdir(folder / "input")
        report = lint_paths(["."], Settings(today="2026-11-21"), CATALOGUE)
        assert report.incomplete == ()
        found = [f"{f.file}:{f.span.line} {f.finding.rule} {f.path}" for f in report.active]
        text = "".join(f"{line}\n" for line in found).replace(os.sep, "/")
        expected = folder / "expected.txt"
        if request.config.getoption("--renew"):
            expected.write_bytes(text.encode())
        assert text == expected.read_bytes().decode()
        return [f.finding.rule for f in report.active]

    return lint


def test_every_case_has_its_test() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [case.name for case in CASES.iterdir() if case.is_dir() and f'rules("{case.name}")' not in text] == []


def test_a_route_is_missed_upstream_behind_a_rollout_without_traffic_routing(
    rules: Callable[[str], list[str]],
) -> None:
    assert rules("several-rollouts-in-one-file") == ["RL501"]


def test_a_service_in_another_file_is_never_compared_upstream(rules: Callable[[str], list[str]]) -> None:
    assert rules("several-files") == ["RL203"]


def test_a_service_of_another_namespace_is_blamed_upstream(rules: Callable[[str], list[str]]) -> None:
    assert rules("namespaces") == []


def test_the_service_of_a_rollout_with_workload_ref_is_blamed_upstream(rules: Callable[[str], list[str]]) -> None:
    assert rules("workload-ref") == []


def test_the_items_of_a_list_are_not_linted_upstream(rules: Callable[[str], list[str]]) -> None:
    assert rules("list-kinds") == ["RL202"]


def test_a_key_in_the_wrong_case_is_accepted_upstream(rules: Callable[[str], list[str]]) -> None:
    assert rules("wrong-case-keys") == ["RL109", "RL003"]


def test_an_ingress_with_a_resource_backend_makes_upstream_panic(rules: Callable[[str], list[str]]) -> None:
    assert rules("ingress-resource-backend") == ["RL510"]


def test_a_selector_on_ephemeral_labels_is_blamed_upstream_without_the_cause(
    rules: Callable[[str], list[str]],
) -> None:
    assert rules("ephemeral-labels") == ["RL203"]
