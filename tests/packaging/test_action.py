"""The GitHub action: its scripts do what its inputs say, tried in a shell with programs that note their arguments."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from rolloutlint.cli.main import cli

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"] if "name" in step}
MARK = "<!-- rolloutlint apply-plan rolloutlint-plan -->"

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")


def program(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/bash\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def script(name: str, tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the script of a step as GitHub does, with `bash -e -o pipefail`."""
    environment = {
        "PATH": f"{tmp_path}/bin:{os.environ['PATH']}",
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        **variables,
    }
    command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", STEPS[name]["run"]]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=30)


def arguments(tmp_path: Path, **inputs: str) -> list[str]:
    """What rolloutlint is started with for these inputs."""
    program(tmp_path / "rolloutlint" / "bin" / "rolloutlint", f'printf "%s\\n" "$@" > {tmp_path}/arguments; exit 5')
    given = {f"INPUT_{name.upper()}": value for name, value in inputs.items()}
    defaults = {
        "INPUT_PATHS": ".",
        "INPUT_PROFILE": "",
        "INPUT_ARGS": "",
        "INPUT_ADVANCED_SECURITY": "true",
        "INPUT_CATEGORY": "rolloutlint",
        "INPUT_FROM": "",
        "INPUT_SINCE": "",
    }
    done = script("Run rolloutlint", tmp_path, **{**defaults, **given})
    assert done.returncode == 0, done.stderr
    assert "exit-code=5\n" in (tmp_path / "output").read_text()
    return (tmp_path / "arguments").read_text().splitlines()


@pytest.mark.parametrize("name", STEPS)
def test_no_input_is_text_of_a_script(name: str) -> None:
    assert "${{" not in STEPS[name].get("run", "")


def test_without_a_previous_state_it_checks(tmp_path: Path) -> None:
    called = arguments(tmp_path, paths="apps\ncharts")
    assert called[0] == "check"
    assert called[-3:] == ["--", "apps", "charts"]


def test_with_a_previous_state_it_plans(tmp_path: Path) -> None:
    called = arguments(tmp_path, **{"from": "git:HEAD^1", "args": "--app=cart"})
    assert called[0] == "apply-plan"
    assert "--from=git:HEAD^1" in called
    assert "--app=cart" in called
    assert f"markdown={tmp_path}/rolloutlint.md" in called


def test_only_what_has_changed_is_reported_where_it_is_asked_for(tmp_path: Path) -> None:
    assert "--changed-since=HEAD^1" in arguments(tmp_path, since="HEAD^1")
    assert not any("changed-since" in each for each in arguments(tmp_path))


@pytest.mark.parametrize("inputs", [{}, {"since": "HEAD^1"}, {"from": "git:HEAD^1"}])
def test_it_uses_options_that_exist(inputs: dict[str, str], tmp_path: Path) -> None:
    command, *called = arguments(tmp_path, profile="strict", **inputs)
    known = {option for parameter in cli.commands[command].params for option in parameter.opts}
    assert [each for each in called if each.startswith("-") and each != "--" and each.split("=")[0] not in known] == []


@pytest.mark.parametrize(
    "code, fails, exits", [("0", "false", 0), ("1", "false", 1), ("5", "false", 0), ("5", "true", 5), ("4", "false", 4)]
)
def test_a_review_fails_the_job_where_it_is_asked_to(code: str, fails: str, exits: int, tmp_path: Path) -> None:
    assert script("Result", tmp_path, CODE=code, REVIEW_FAILS=fails).returncode == exits


@pytest.mark.parametrize("found, method, path", [("", "POST", "issues/7/comments"), ("42\n43", "PATCH", "comments/42")])
def test_one_comment_is_written_or_updated(found: str, method: str, path: str, tmp_path: Path) -> None:
    program(
        tmp_path / "bin" / "gh",
        f'if [[ $* == *--paginate* ]]; then printf "%s" "{found}"; else printf "%s\\n" "$*" > {tmp_path}/called; fi',
    )
    (tmp_path / "plan.md").write_text(f"{MARK}\n### plan\n")
    done = script(
        "Comment",
        tmp_path,
        PLAN=str(tmp_path / "plan.md"),
        COMMENTS="repos/shop/deploy/issues/7/comments",
        COMMENT="repos/shop/deploy/issues/comments",
    )
    assert done.returncode == 0, done.stderr
    called = (tmp_path / "called").read_text()
    assert method in called
    assert path in called
    assert f"body=@{tmp_path}/plan.md" in called
