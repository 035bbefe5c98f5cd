"""The real command on two states of small repositories, or on a cluster and a repository: the whole output.

Each directory of fixtures/plans says in its README.md which behaviour of the controllers it follows. Renew the
expectations with `pytest tests/scenarios/test_plans.py --renew` and read the difference as a user would.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLANS = ROOT / "fixtures" / "plans"
SCENARIOS = sorted(p.name for p in PLANS.iterdir() if p.is_dir())


def run(scenario: str, data: Path) -> tuple[str, str]:
    """What the command prints, with its exit code, and its JSON."""
    live = (PLANS / scenario / "live.yaml").exists()
    arguments = ["after", "--from", "live.yaml" if live else "before", "--no-config", "--no-render"]
    done = subprocess.run(
        [sys.executable, "-m", "rolloutlint", "apply-plan", *arguments, "-f", "text", "-f", f"json={data}"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        cwd=PLANS / scenario,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
    )
    return f"{done.stdout}{done.stderr}exit code {done.returncode}\n", data.read_text(encoding="utf-8")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_output_is_as_expected(scenario: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    text, data = run(scenario, tmp_path / "plan.json")
    for name, output in (("expected.txt", text), ("expected.json", data)):
        golden = PLANS / scenario / name
        if request.config.getoption("--renew"):
            golden.write_text(output, encoding="utf-8")
        assert output == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_says_which_fact_it_follows(scenario: str) -> None:
    said = (PLANS / scenario / "README.md").read_text(encoding="utf-8")
    assert re.search(r"argo-rollouts|argo-cd|gitops-engine|kubectl|Kubernetes|Application", said)


def test_there_are_scenarios_for_all_that_a_plan_tells() -> None:
    assert len(SCENARIOS) >= 25
