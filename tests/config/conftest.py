"""A small catalogue, so that these tests do not change with the rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolloutlint.catalogue import Catalogue, Message, Profile, Rule
from rolloutlint.finding import Severity


def rule(rule_id: str, name: str, *, severity: Severity = "warning", profile: str = "recommended") -> Rule:
    return Rule(
        id=rule_id,
        name=name,
        summary=name,
        severity=severity,
        precision="high",
        stability="stable",
        since="0.1.0",
        applies_to=("argoproj.io/Rollout",),
        needs=(),
        targets={},
        profiles=(profile,),
        fix="none",
        messages={"": Message("m", "c", "r")},
        page="",
    )


@pytest.fixture
def catalogue() -> Catalogue:
    rules = (
        rule("RL101", "pause-without-deadline"),
        rule("RL102", "pause-too-long", profile="strict"),
        rule("RL201", "canary-service-missing", severity="error"),
        rule("RL401", "limit-not-written", profile="strict"),
        rule("RL405", "empty-result-passes", severity="error"),
    )
    profiles = (Profile("recommended", "", ""), Profile("strict", "", "recommended"))
    return Catalogue({r.id: r for r in rules}, {p.name: p for p in profiles})


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
