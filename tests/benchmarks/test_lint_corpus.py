"""The linter and the corpora agree: nothing to say about a clean one, something about every planted fault."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from applications import BLUE_GREEN_FAULTS, CANARY_FAULTS
from generate import LAYOUTS, Layout, generate


def lint(directory: Path) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "rolloutlint", "check", "--no-config", "-f", "json", directory.name]
    done = subprocess.run(command, cwd=directory.parent, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    findings: list[dict[str, Any]] = json.loads(done.stdout)["findings"]
    return findings


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_clean_corpus_has_no_findings(tmp_path: Path, layout: Layout) -> None:
    generate(str(tmp_path / "corpus"), 24, layout)
    assert [(f["rule"], f["file"], f["line"], f["message"]) for f in lint(tmp_path / "corpus")] == []


def test_every_planted_fault_is_found_in_its_application(tmp_path: Path) -> None:
    corpus = generate(str(tmp_path / "corpus"), 300, faults=1.0)
    text = [f"{f['file']} {f['message']} {f['resource']}" for f in lint(tmp_path / "corpus")]
    missed = {fault.fault for app, fault in corpus.planted.items() if not any(app in line for line in text)}
    assert missed == set()
    assert {f.fault for f in corpus.planted.values()} == {f.name for f in (*CANARY_FAULTS, *BLUE_GREEN_FAULTS)}
