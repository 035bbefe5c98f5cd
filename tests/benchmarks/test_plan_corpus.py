"""The repository that `apply-plan` is measured on: as many Rollouts change as the table says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from generate import generate
from syncs import command, repository

from rolloutlint.cli.main import run


@pytest.mark.parametrize("changed", [1, 4])
def test_as_many_rollouts_start_as_were_changed(
    changed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    generate(str(tmp_path / "corpus"), 4)
    repository(str(tmp_path / "corpus"), str(tmp_path / "plan"), changed)
    monkeypatch.chdir(tmp_path / "plan")
    assert run([*command(()), "-f", "json", "--no-config"]) == 0
    applications = json.loads(capsys.readouterr().out)["applications"]
    kinds = [
        task["rollout"]["classification"]
        for application in applications
        for stage in application["stages"]
        for group in stage["groups"]
        for task in group
        if task["rollout"]
    ]
    assert len(applications) == 4
    assert kinds.count("new-revision") == changed
