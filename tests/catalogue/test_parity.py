"""Every check of the Rollout controller has a rule of ours: `rules/controller-parity.md` says which.

The page is made from the `mirrors` of the rules and the titles in `rules/candidates.md`; `pytest --renew` writes it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import get_args

import pytest

from rolloutlint.controllers.pod_template import Code
from rolloutlint.controllers.validation import Check
from rolloutlint.resources import data_dir
from tests.catalogue.test_candidates import DECISIONS, SECTIONS, rules_of
from tests.harness import CATALOGUE

PAGE = Path(data_dir("rules"), "controller-parity.md")
OPEN: frozenset[str] = frozenset()
"""Checks without a rule; the list may only become shorter."""
DECLINED = {"X23"}
"""Checks that `rules/candidates.md` declines, with the reason there."""

INTRODUCTION = """\
# Controller parity

What the Rollout controller validates before it does anything, and which rule of ours says it. Made from the `mirrors`
of the rule pages by `pytest tests/catalogue/test_parity.py --renew`; the same test fails where a check has no rule.

V are the validations of a spec (argo-rollouts `pkg/apis/rollouts/validation/validation.go`), X those of what it
references (`validation_references.go` there, `rollout/controller.go`, `rollout/trafficrouting/`,
`rollout/templateref.go`). The controller answers with the first fault alone and with paths that leave out `canary` and
`blueGreen`; rolloutlint reports all of them, each where it stands.
"""


def titles() -> dict[str, str]:
    """Number -> what the controller refuses, of every V and X row of the research."""
    rows = (re.fullmatch(r"([VX]\d\d) (.*)", row[0]) for row in SECTIONS["rollout"])
    return {row[1]: row[2] for row in rows if row}


def mirrored() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for rule in CATALOGUE.rules.values():
        for number in rule.mirrors:
            found.setdefault(number, []).append(rule.id)
    return found


def link(rule_id: str) -> str:
    rule = CATALOGUE.rules[rule_id]
    path = Path(rule.page).relative_to(PAGE.parent).as_posix()
    return f"[{rule.id} {rule.name}]({path})"


def answer(number: str) -> str:
    rules = mirrored().get(number, [])
    if rules:
        return ", ".join(map(link, rules))
    return "open" if number in OPEN else DECISIONS["rollout", number]


def render() -> str:
    lines = [INTRODUCTION, "| check | what is refused | rule |", "|---|---|---|"]
    lines += [f"| {number} | {title} | {answer(number)} |" for number, title in titles().items()]
    lines += ["", "## Pod templates", "", f"What {link('RL115')} knows of V07; {link('RL113')} has the selector.", ""]
    lines += ["| fault | finding |", "|---|---|"]
    lines += [f"| {code} | {CATALOGUE.rules['RL115'].messages[code].message} |" for code in get_args(Code)]
    return "\n".join(lines) + "\n"


def test_the_page_says_what_the_rules_mirror(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--renew"):
        PAGE.write_text(render(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == render(), f"renew it: pytest {os.path.relpath(__file__)} --renew"


def test_every_check_of_the_controller_has_a_rule() -> None:
    assert {number for number in titles() if number not in mirrored()} == OPEN | DECLINED


def test_rules_mirror_only_checks_that_there_are() -> None:
    assert set(mirrored()) <= set(titles())


def test_what_is_declined_is_declined_in_the_candidates_too() -> None:
    assert all(DECISIONS["rollout", number].startswith("not built") for number in DECLINED)


def test_the_candidates_name_the_same_rules() -> None:
    named = {number: rules_of(DECISIONS["rollout", number]) for number in titles()}
    assert {n: sorted(rules) for n, rules in named.items() if rules} == {
        n: rules for n, rules in mirrored().items() if named[n]
    }


def test_every_check_of_a_spec_is_mirrored_by_the_model_of_the_controller() -> None:
    specs = {number for number in titles() if number.startswith("V")}
    same_as_another = {"V06": "V03", "V07": "controllers.pod_template"}
    assert specs == set(get_args(Check)) | set(same_as_another)


@pytest.mark.parametrize("code", get_args(Code))
def test_every_kind_of_fault_of_a_pod_template_has_its_own_words(code: str) -> None:
    texts = CATALOGUE.rules["RL115"].messages
    assert texts[code].message != texts[""].message
    assert texts[code].remedy != texts[""].remedy


def test_links_lead_to_pages() -> None:
    targets = re.findall(r"\]\(([^)]+)\)", render())
    assert targets
    assert [target for target in targets if not (PAGE.parent / target).is_file()] == []
