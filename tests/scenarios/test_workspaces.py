"""The real command on small realistic repositories: the whole output, to the letter, beside the input.

Renew the expectations with `pytest tests/scenarios --renew` and read the difference as a user would.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.renderers import absent, programs

ROOT = Path(__file__).parents[2]
WORKSPACES = ROOT / "fixtures" / "workspaces"
SCENARIOS = sorted(p.name for p in WORKSPACES.iterdir() if (p / "input").is_dir())
NEEDS = {"gitops-kustomize": "kustomize", "gitops-chart": "helm"}
"""What renders a workspace; all the others are checked as on a machine where nothing does."""
FORMATS = {"text": "txt", "json": "json", "markdown": "md"}


def rendering(scenario: str) -> list[str]:
    program = NEEDS.get(scenario, "")
    if not program:
        return ["--no-render"]
    if reason := absent(program):
        pytest.skip(reason)
    return ["--no-cache"]


def run(scenario: str, form: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "rolloutlint", "check", ".", "--no-config", "-f", form, *rendering(scenario)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        cwd=WORKSPACES / scenario / "input",
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", **programs()},
    )
    return f"{done.stdout}{done.stderr}exit code {done.returncode}\n"


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_output_is_as_expected(scenario: str, form: str, request: pytest.FixtureRequest) -> None:
    golden = WORKSPACES / scenario / f"expected.{FORMATS[form]}"
    output = run(scenario, form)
    if request.config.getoption("--renew"):
        golden.write_text(output, encoding="utf-8")
    assert output == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_two_runs_give_the_same_bytes(scenario: str) -> None:
    assert run(scenario, "json") == run(scenario, "json")
