from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from rolloutlint.catalogue import Catalogue
from rolloutlint.config import ConfigFile, check_profile, check_selectors, load_config
from rolloutlint.errors import UsageError
from rolloutlint.resources import data_dir
from rolloutlint.settings import Override, PlanPolicy, Version, Waiver

FULL = """\
profile: strict
select: [RL1, canary-service-missing]
extend-select: [RL405]
ignore: [RL101]
severity:
  RL4: note
  RL405: error
fail-on: warning
exit-zero: true
closed: true
inline-suppressions: false
targets:
  rollouts: "1.10"
no-data: pause
max-pause: 1h30m
max-first-share: 12.5%
max-exposure: 0.1
min-evidence: 3
max-time-to-detect: 10m
max-duration: 7200
scrape-interval: 30s
plan:
  block-on: [new-errors, prune-rollout]
  review-on: []
exclude: [vendor/]
overrides:
  - paths: [dev/**]
    ignore: [RL101]
    severity: {RL405: note}
waivers:
  - rules: [RL201]
    reason: made by an operator
    kind: Rollout
    namespace: shop-*
    name: checkout
    path: apps/**
    expires: 2026-12-31
"""


def loaded(text: str, catalogue: Catalogue, name: str = ".rolloutlint.yaml") -> ConfigFile:
    Path(name).write_text(text)
    return load_config(name, catalogue)


def refusal(text: str, catalogue: Catalogue, name: str = ".rolloutlint.yaml") -> list[str]:
    with pytest.raises(UsageError) as refused:
        loaded(text, catalogue, name)
    return str(refused.value).splitlines()


def test_every_key_is_read(config: Path, catalogue: Catalogue) -> None:
    assert loaded(FULL, catalogue).values == {
        "profile": "strict",
        "select": ("RL1", "canary-service-missing"),
        "extend_select": ("RL405",),
        "ignore": ("RL101",),
        "severity": (("RL4", "note"), ("RL405", "error")),
        "fail_on": "warning",
        "exit_zero": True,
        "closed": True,
        "inline_suppressions": False,
        "targets": {"rollouts": Version(1, 10)},
        "no_data": "pause",
        "max_pause": 5400.0,
        "max_first_share": Fraction(1, 8),
        "max_exposure": Fraction(1, 10),
        "min_evidence": 3,
        "max_time_to_detect": 600.0,
        "max_duration": 7200.0,
        "scrape_interval": 30.0,
        "plan": PlanPolicy(block_on=("new-errors", "prune-rollout"), review_on=()),
        "exclude": ("vendor/",),
        "overrides": (Override(("dev/**",), ("RL101",), (("RL405", "note"),)),),
        "waivers": (
            Waiver(
                ("RL201",),
                "made by an operator",
                "Rollout",
                "shop-*",
                "checkout",
                "apps/**",
                "2026-12-31",
                line=31,
                column=5,
                end_line=31,
                end_column=19,
            ),
        ),
    }


def test_the_schema_has_a_key_for_every_one_that_is_read(catalogue: Catalogue, config: Path) -> None:
    schema = json.loads(Path(data_dir("schemas"), "rolloutlint", "config-v1.json").read_text())
    Draft202012Validator.check_schema(schema)
    assert {k.replace("-", "_") for k in schema["properties"]} == set(loaded(FULL, catalogue).values)


def test_the_origin_of_each_value_is_its_line(config: Path, catalogue: Catalogue) -> None:
    origins = loaded(FULL, catalogue).origins
    assert origins["fail-on"] == ".rolloutlint.yaml:8"
    assert origins["targets.rollouts"] == ".rolloutlint.yaml:13"
    assert origins["waivers[0]"] == ".rolloutlint.yaml:31"


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n", "{}\n", "﻿"])
def test_an_empty_file_sets_nothing(config: Path, catalogue: Catalogue, text: str) -> None:
    assert loaded(text, catalogue).values == {}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ignores: []\n", "1:1: unknown key `ignores` (did you mean `ignore`?)"),
        ("fail_on: error\n", "1:1: unknown key `fail_on` (did you mean `fail-on`?)"),
        ("5: x\n", "1:1: unknown key `5`: known are `profile`,"),
        ("targets: {argo: '3.0'}\n", "1:11: unknown key `argo` in `targets` (did you mean `argocd`?)"),
        ("closed: 'yes'\n", "1:9: `closed` must be true or false, not the string `yes`"),
        ("closed:\n", "1:8: `closed` must be true or false, not empty"),
        ("ignore: RL101\n", "1:9: `ignore` must be a list: write [RL101]"),
        ("ignore: {RL101: x}\n", "1:9: `ignore` must be a list, not a mapping"),
        ("ignore: [101]\n", "1:10: `ignore[0]` must be a string, not the number 101"),
        ("fail-on: warn\n", "1:10: `fail-on` must be `error`, `warning` or `note`, not `warn` (did you mean"),
        ("no-data: 1\n", "1:10: `no-data` must be `any`, `fail`, `pause` or `pass`, not `1`"),
        ("targets:\n  rollouts: 1.10\n", "2:13: `targets.rollouts`: quote it: 1.10 is the number 1.1; a release"),
        ("targets:\n  rollouts: 1.9\n", '2:13: `targets.rollouts`: quote it; a release is written "1.9"'),
        ("targets: {istio: latest}\n", '1:18: `targets.istio` must be a release such as "1.9", not `latest`'),
        ("max-pause: 5 minutes\n", "1:12: `max-pause` must be a Go duration such as 30m or 1h30m, or seconds"),
        ("max-pause: -1\n", "1:12: `max-pause` must be a Go duration"),
        ("max-pause: true\n", "1:12: `max-pause` must be a Go duration"),
        ("scrape-interval: 0\n", "1:18: `scrape-interval` must be a Go duration"),
        ("plan: {block-on: [new-error]}\n", "1:19: `plan.block-on[0]` must be `new-errors`"),
        ("max-first-share: 20.5.1%\n", "1:18: `max-first-share` must be a percentage from 0 to 100 such as 20%, not"),
        ("max-first-share: 101%\n", "1:18: `max-first-share` must be a percentage from 0 to 100"),
        ("max-first-share: 100.5\n", "1:18: `max-first-share` must be a percentage from 0 to 100"),
        ("max-first-share: half\n", "not `half`"),
        ("max-first-share: true\n", "1:18: `max-first-share` must be a percentage from 0 to 100"),
        ("max-exposure: 0\n", "1:15: `max-exposure` must be a number of percent-minutes above 0 such as 120, which"),
        ("max-exposure: 120 %min\n", "not `120 %min`"),
        ("max-exposure: [120]\n", "1:15: `max-exposure` must be a number of percent-minutes"),
        ("max-exposure: 1e400\n", "1:15: `max-exposure` must be a number of percent-minutes"),
        ("\nmin-evidence: 1.5\n", "2:15: `min-evidence` must be a whole number of measurements, 0 or more, not `1.5`"),
        ("min-evidence: -1\n", "1:15: `min-evidence` must be a whole number of measurements, 0 or more, not `-1`"),
        ("min-evidence: false\n", "1:15: `min-evidence` must be a whole number of measurements"),
        ("max-time-to-detect: soon\n", "1:21: `max-time-to-detect` must be a Go duration such as 30m or 1h30m"),
        ("max-duration: 2 hours\n", "1:15: `max-duration` must be a Go duration such as 30m or 1h30m, or seconds"),
        ("max-duration:\n", "1:14: `max-duration` must be a Go duration such as 30m or 1h30m, or seconds, not empty"),
        ("max-durations: 2h\n", "1:1: unknown key `max-durations` (did you mean `max-duration`?)"),
        ("overrides:\n  - ignore: [RL101]\n", "2:5: `overrides[0]` lacks `paths`: add `paths:`"),
        ("overrides:\n  - paths: ['!']\n", "2:13: `!` is not a .gitignore pattern"),
        ("waivers:\n  - rules: [RL101]\n", "2:5: `waivers[0]` lacks `reason`: add `reason:` and say why"),
        ("waivers:\n  - {rules: [RL101], reason: ' '}\n", "2:30: `waivers[0].reason` must not be empty"),
        ("waivers: [{rules: [], reason: x}]\n", "1:19: `waivers[0].rules` must not be empty"),
        (
            "waivers: [{rules: [RL101], reason: x, expires: tomorrow}]\n",
            "1:48: `waivers[0].expires` must be a date such as",
        ),
        (
            "waivers: [{rules: [RL101], reason: x, expires: 2026-02-30}]\n",
            "1:48: `2026-02-30` is not a day of the calendar",
        ),
        ("ignore: [RL999]\n", "1:10: unknown rule `RL999`: `rolloutlint rules` lists them"),
        ("ignore: [RL1O1]\n", "1:10: unknown rule `RL1O1` (did you mean `RL101`?)"),
        ("ignore: [RL4xx]\n", "1:10: unknown rule `RL4xx` (did you mean `RL4`?)"),
        ("ignore: [rl405]\n", "1:10: unknown rule `rl405` (did you mean `RL405`?)"),
        ("select: [canary-service-mising]\n", "(did you mean `canary-service-missing`?)"),
        ("severity:\n  RL4: note\n  RL777: error\n", "3:3: unknown rule `RL777`"),
        ("overrides: [{paths: [a], severity: {RL7: note}}]\n", "1:37: unknown rule `RL7`"),
        ("waivers: [{rules: [RL9], reason: x}]\n", "1:20: unknown rule `RL9`"),
        ("profile: strikt\n", "1:10: unknown profile `strikt` (did you mean `strict`?)"),
        ("profile: x\n", "1:10: unknown profile `x` (there are `recommended` and `strict`)"),
        ("closed: true\nclosed: false\n", "2:1: `closed` is set twice"),
        ("- a\n", "1:1: the file must hold a mapping"),
        ("a: [\n", "2:1: not YAML: "),
        ("a: b\n---\nc: d\n", "2:1: not YAML: "),
        ("? [a]\n: b\n", "1:3: a key must be a plain string"),
        ("a: &a [*a]\n", "nested too deeply"),
    ],
)
def test_a_fault_is_named_with_its_place(config: Path, catalogue: Catalogue, text: str, problem: str) -> None:
    (line,) = refusal(text, catalogue)
    assert line.startswith("config: .rolloutlint.yaml:")
    assert problem in line


def test_all_faults_are_named_in_the_order_of_the_file(config: Path, catalogue: Catalogue) -> None:
    lines = refusal("closed: 1\nignores: []\nseverity:\n  RL9: fatal\n", catalogue)
    assert [line.split(": ", 2)[1] for line in lines] == [
        ".rolloutlint.yaml:1:9",
        ".rolloutlint.yaml:2:1",
        ".rolloutlint.yaml:4:3",
        ".rolloutlint.yaml:4:8",
    ]


def test_a_file_that_is_not_utf_8_is_refused(config: Path, catalogue: Catalogue) -> None:
    Path("c.yaml").write_bytes(b"profile: \xff\n")
    with pytest.raises(UsageError, match="not UTF-8 at byte 9"):
        load_config("c.yaml", catalogue)


def test_a_file_that_is_not_there_is_refused(config: Path, catalogue: Catalogue) -> None:
    with pytest.raises(UsageError, match=r"config: none\.yaml: cannot read it"):
        load_config("none.yaml", catalogue)


PYPROJECT = """\
[project]
name = "closed"

[tool.rolloutlint]
profile = "strict"
closed = true
targets = { rollouts = "1.9" }

[tool.rolloutlint.severity]
RL101 = "note"

[[tool.rolloutlint.waivers]]
rules = ["RL101"]
reason = "first"

[[tool.rolloutlint.waivers]]
rules = ["RL201"]
reason = "second"
expires = 2026-12-31
"""


def test_a_pyproject_says_the_same_as_yaml(config: Path, catalogue: Catalogue) -> None:
    values = loaded(PYPROJECT, catalogue, "pyproject.toml").values
    assert values["severity"] == (("RL101", "note"),)
    assert values["targets"] == {"rollouts": Version(1, 9)}
    assert [(w.line, w.expires) for w in values["waivers"]] == [(12, ""), (16, "2026-12-31")]


@pytest.mark.parametrize(
    ("written", "share"),
    [("20", Fraction(1, 5)), ("20%", Fraction(1, 5)), ("'0.5 %'", Fraction(1, 200)), ("0", 0), ("100", 1), ("100%", 1)],
)
def test_a_first_share_is_written_in_percent(
    config: Path, catalogue: Catalogue, written: str, share: Fraction | int
) -> None:
    assert loaded(f"max-first-share: {written}\n", catalogue).values == {"max_first_share": share}


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("closed = true", "closed = 'yes'", "pyproject.toml:6:1: `closed` must be true or false"),
        ('"1.9"', "1.9", "pyproject.toml:7:1: `targets.rollouts`: quote it"),
        ('RL101 = "note"', 'RL101 = "bad"', "pyproject.toml:10:1: `severity.RL101` must be"),
        ('reason = "second"', "", "pyproject.toml:16:1: `waivers[1]` lacks `reason`"),
        ('profile = "strict"', "profile = ", "pyproject.toml:5:11: not TOML"),
        ("closed = true", "max-exposure = inf", "pyproject.toml:6:1: `max-exposure` must be a number"),
        ("closed = true", "max-pause = nan", "pyproject.toml:6:1: `max-pause` must be a Go duration"),
        ('["RL201"]', '["RL2O1"]', "pyproject.toml:17:1: unknown rule `RL2O1`"),
    ],
)
def test_a_fault_in_a_pyproject_is_named_with_its_line(
    config: Path, catalogue: Catalogue, old: str, new: str, problem: str
) -> None:
    assert problem in refusal(PYPROJECT.replace(old, new), catalogue, "pyproject.toml")[0]


def test_selectors_on_the_command_line_are_checked_too(catalogue: Catalogue) -> None:
    check_selectors("--ignore", ["RL1", "ALL", "empty-result-passes"], catalogue)
    with pytest.raises(UsageError, match=r"--ignore: unknown rule `RL1O1` \(did you mean `RL101`\?\)"):
        check_selectors("--ignore", ["RL1O1"], catalogue)


def test_the_profile_on_the_command_line_is_checked_too(catalogue: Catalogue) -> None:
    with pytest.raises(UsageError, match="--profile: unknown profile `stric`"):
        check_profile("--profile", "stric", catalogue)
