"""The pictures of small realistic repositories, to the letter, beside the input.

Renew them with `pytest tests/scenarios --renew`, and look at the SVG in a browser before committing it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKSPACES = ROOT / "fixtures" / "workspaces"
SCENARIOS = sorted(p.name for p in WORKSPACES.glob("[!g]*") if (p / "input").is_dir())
"""The others (`gitops-*`) hold what must be rendered first, and `graph` draws files as they are."""
FORMATS = {"mermaid": "mmd", "dot": "dot", "json": "json", "svg": "svg"}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_picture_is_as_expected(scenario: str, form: str, request: pytest.FixtureRequest) -> None:
    golden = WORKSPACES / scenario / f"graph.{FORMATS[form]}"
    done = subprocess.run(
        [sys.executable, "-m", "rolloutlint", "graph", ".", "--no-config", "-f", form],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        cwd=WORKSPACES / scenario / "input",
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    if request.config.getoption("--renew"):
        golden.write_text(done.stdout, encoding="utf-8")
    assert done.stdout == golden.read_text(encoding="utf-8")
