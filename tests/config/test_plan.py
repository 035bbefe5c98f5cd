from __future__ import annotations

import pytest

from rolloutlint.catalogue import Catalogue
from rolloutlint.config import decisions, plan
from rolloutlint.settings import Override, Settings


@pytest.mark.parametrize(
    ("settings", "rules"),
    [
        (Settings(), "RL101 RL201 RL405"),
        (Settings(profile="strict"), "RL101 RL102 RL201 RL401 RL405"),
        (Settings(ignore=("RL1",)), "RL201 RL405"),
        (Settings(ignore=("canary-service-missing",)), "RL101 RL405"),
        (Settings(ignore=("ALL",)), ""),
        (Settings(select=("ALL",)), "RL101 RL102 RL201 RL401 RL405"),
        (Settings(select=("RL4",)), "RL401 RL405"),
        (Settings(extend_select=("RL401",)), "RL101 RL201 RL401 RL405"),
        (Settings(select=("RL405",), ignore=("RL4",)), "RL405"),
        (Settings(select=("RL4",), ignore=("RL405",)), "RL401"),
        (Settings(select=("RL405",), ignore=("RL405",)), ""),
        (Settings(select=("empty-result-passes",), ignore=("RL40",)), "RL405"),
        (Settings(select=("RL40",), ignore=("RL4",)), "RL401 RL405"),
        (Settings(extend_select=("RL102",), ignore=("ALL",)), "RL102"),
    ],
)
def test_the_most_specific_selector_decides(catalogue: Catalogue, settings: Settings, rules: str) -> None:
    assert " ".join(plan(settings, catalogue).severity) == rules


@pytest.mark.parametrize(
    ("severity", "result"),
    [
        ((), "error"),
        ((("RL4", "note"),), "note"),
        ((("RL4", "note"), ("RL405", "warning")), "warning"),
        ((("RL405", "warning"), ("RL4", "note")), "note"),
    ],
)
def test_the_last_severity_that_matches_holds(catalogue: Catalogue, severity: tuple, result: str) -> None:
    assert plan(Settings(severity=severity), catalogue).severity["RL405"] == result


@pytest.mark.parametrize(
    ("config_file", "file", "result"),
    [
        (".rolloutlint.yaml", "dev/a.yaml", {"RL201": "note", "RL405": "error"}),
        (".rolloutlint.yaml", "./dev/a.yaml", {"RL201": "note", "RL405": "error"}),
        (".rolloutlint.yaml", "dev/x/a.yaml", {"RL405": "warning", "RL201": "note"}),
        (".rolloutlint.yaml", "prod/a.yaml", {"RL101": "warning", "RL201": "error", "RL405": "error"}),
        ("repo/.rolloutlint.yaml", "repo/dev/a.yaml", {"RL201": "note", "RL405": "error"}),
        ("../.rolloutlint.yaml", "../dev/a.yaml", {"RL201": "note", "RL405": "error"}),
    ],
)
def test_an_override_changes_only_its_files(
    catalogue: Catalogue, config_file: str, file: str, result: dict[str, str]
) -> None:
    overrides = (
        Override(("dev/**",), ("RL1",), (("RL201", "note"), ("RL101", "error"))),
        Override(("dev/x/",), (), (("RL405", "warning"),)),
    )
    made = plan(Settings(overrides=overrides, config_file=config_file), catalogue)
    assert made.for_file(file) == result


def test_the_decisions_about_a_rule_are_told_in_order(catalogue: Catalogue) -> None:
    settings = Settings(
        select=("RL405",),
        ignore=("RL4",),
        severity=(("RL4", "note"),),
        overrides=(Override(("dev/**",), ("ALL",)), Override(("prod/**",), ("ALL",))),
    )
    steps = [(d.setting, d.says, d.runs, d.severity) for d in decisions(settings, catalogue, "RL405", "dev/a.yaml")]
    assert steps == [
        ("profile", "replaced by select", False, "error"),
        ("ignore", "RL4", False, "error"),
        ("select", "RL405", True, "error"),
        ("severity", "RL4: note", True, "note"),
        ("overrides", "dev/**: ignore", False, "note"),
    ]


@pytest.mark.parametrize("rule", ["RL101", "RL102", "RL201", "RL401", "RL405"])
@pytest.mark.parametrize("file", ["dev/a.yaml", "prod/a.yaml"])
def test_the_last_decision_is_what_the_plan_does(catalogue: Catalogue, rule: str, file: str) -> None:
    settings = Settings(
        extend_select=("RL401",),
        ignore=("RL2",),
        severity=(("ALL", "note"),),
        overrides=(Override(("dev/**",), ("RL101",), (("RL405", "error"),)),),
    )
    last = decisions(settings, catalogue, rule, file)[-1]
    assert plan(settings, catalogue).for_file(file).get(rule) == (last.severity if last.runs else None)
