"""What `simulate` shows of small realistic repositories, to the letter, beside the input.

Those that have an (even empty) file `simulation.*` are compared. Renew them with `pytest tests/scenarios --renew`, and
look at the pictures in a browser before committing them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKSPACES = ROOT / "fixtures" / "workspaces"
FORMATS = {"txt": "text", "json": "json", "md": "markdown", "svg": "svg", "html": "html"}
GOLDEN = sorted(str(path.relative_to(WORKSPACES)) for path in WORKSPACES.glob("*/simulation.*"))


@pytest.mark.parametrize("name", GOLDEN)
def test_the_simulation_is_as_expected(name: str, request: pytest.FixtureRequest) -> None:
    golden = WORKSPACES / name
    form = FORMATS[golden.suffix.removeprefix(".")]
    done = subprocess.run(
        [sys.executable, "-m", "rolloutlint", "simulate", ".", "--no-config", "-f", form],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        cwd=golden.parent / "input",
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    if request.config.getoption("--renew"):
        golden.write_text(done.stdout, encoding="utf-8")
    assert done.stdout == golden.read_text(encoding="utf-8")
