from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from rolloutlint.catalogue import Catalogue
from rolloutlint.config import ConfigFile, load_config, merge, origins, show
from rolloutlint.settings import Override, PlanPolicy, Settings, Targets, Version, Waiver


def test_without_file_and_flags_the_defaults_hold() -> None:
    assert merge() == Settings()


def test_flags_that_were_not_given_change_nothing() -> None:
    config = ConfigFile("c.yaml", {"closed": True, "ignore": ("RL1",)})
    settings = merge(config, closed=None, ignore=(), profile=None)
    assert settings == Settings(closed=True, ignore=("RL1",), config_file="c.yaml")


@pytest.mark.parametrize(
    ("written", "flags", "field", "result"),
    [
        ({"profile": "strict"}, {"profile": "recommended"}, "profile", "recommended"),
        ({"closed": True}, {"closed": False}, "closed", False),
        ({"ignore": ("RL1",)}, {"ignore": ("RL2",)}, "ignore", ("RL1", "RL2")),
        ({"select": ("RL1",)}, {"select": ("RL2",)}, "select", ("RL2",)),
        ({"extend_select": ("RL1",)}, {"select": ("RL2",)}, "extend_select", ()),
        ({"ignore": ("RL405", "RL2")}, {"select": ("RL405",)}, "ignore", ("RL2",)),
        ({"select": ("RL405", "RL2")}, {"ignore": ("RL405",)}, "select", ("RL2",)),
        ({"severity": (("RL1", "note"),)}, {"severity": (("RL1", "error"),)}, "severity",
         (("RL1", "note"), ("RL1", "error"))),
        ({"max_pause": 5.0}, {"max_pause": 0.0}, "max_pause", 0.0),
        ({"max_first_share": Fraction(1, 5)}, {"max_first_share": Fraction(0)}, "max_first_share", 0),
        ({"min_evidence": 3}, {"min_evidence": 0}, "min_evidence", 0),
        ({"max_exposure": Fraction(9)}, {"max_exposure": None}, "max_exposure", 9),
        ({"targets": {"istio": Version(1, 20)}}, {"targets": {"rollouts": Version(1, 5)}}, "targets",
         Targets(rollouts=Version(1, 5), istio=Version(1, 20))),
    ],
)  # fmt: skip
def test_a_flag_beats_the_file_or_adds_to_it(
    written: dict[str, object], flags: dict[str, object], field: str, result: object
) -> None:
    assert getattr(merge(ConfigFile("c.yaml", written), **flags), field) == result


def test_a_flag_that_does_not_exist_is_a_fault_of_the_caller() -> None:
    with pytest.raises(TypeError):
        merge(None, profil="strict")


def test_origins_name_the_flag_or_the_line() -> None:
    config = ConfigFile("c.yaml", {}, {"ignore": "c.yaml:2", "closed": "c.yaml:3", "extend-select": "c.yaml:4"})
    assert origins(config, ignore=("RL1",), closed=True, select=("RL2",), targets={"istio": Version(1, 9)}) == {
        "ignore": "c.yaml:2 and --ignore",
        "closed": "--closed",
        "select": "--select",
        "targets.istio": "--target",
    }


SETTINGS = Settings(
    profile="strict",
    select=("RL1", "pause-without-deadline"),
    severity=(("RL405", "note"), ("RL4", "error")),
    targets=Targets(rollouts=Version(1, 10)),
    max_pause=0.5,
    max_first_share=Fraction(1, 8),
    max_exposure=Fraction(1, 10),
    min_evidence=0,
    max_time_to_detect=1234567.0,
    max_duration=1e-05,
    scrape_interval=15.0,
    plan=PlanPolicy(block_on=(), review_on=("any-prune",)),
    exclude=("vendor/", "*.tpl.yaml"),
    overrides=(Override(("dev/**",), ("RL101",)),),
    waivers=(Waiver(("RL201",), 'it\'s "fine": #1', name="on", expires="2026-12-31"),),
)


def test_what_is_shown_can_be_loaded_again(config: Path, catalogue: Catalogue) -> None:
    Path("c.yaml").write_text(show(SETTINGS, {}))
    again = merge(load_config("c.yaml", catalogue))
    assert show(again, {}) == show(SETTINGS, {})
    assert again.waivers[0].reason == 'it\'s "fine": #1'
    assert again._replace(waivers=(), config_file="") == SETTINGS._replace(waivers=())


def test_amounts_are_shown_in_full_and_with_their_unit() -> None:
    shown = [line.partition("  ")[0] for line in show(SETTINGS, {}).splitlines()]
    assert [line for line in shown if line.startswith(("max-", "min-"))] == [
        "max-pause: 0.5",
        "max-first-share: 12.5%",
        "max-exposure: 0.1",
        "min-evidence: 0",
        "max-time-to-detect: 1234567",
        "max-duration: 0.00001",
    ]


def test_the_defaults_are_shown_as_such(config: Path, catalogue: Catalogue) -> None:
    text = show(Settings(), {})
    Path("c.yaml").write_text(text)
    assert merge(load_config("c.yaml", catalogue)) == Settings(config_file="c.yaml")
    assert all(line.endswith("# default") for line in text.splitlines() if line not in ("targets:", "plan:"))


def test_the_origin_stands_beside_each_value() -> None:
    lines = show(SETTINGS, {"profile": "--profile", "waivers[0]": "c.yaml:9"}).splitlines()
    assert [line.split("  # ")[1] for line in lines if "profile:" in line or "RL201" in line] == [
        "--profile",
        "c.yaml:9",
    ]
