"""Every hostile file is reported within limits of time and memory; none crashes or hangs the command."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

HOSTILE = Path(__file__).parents[1] / "fixtures" / "hostile"

EXPECTED = {
    "alias-bomb.yaml": {"RL009"},
    "cyclic-alias.yaml": {"RL009"},
    "deep-flow.yaml": {"RL009"},
    "deep-map.yaml": {"RL009"},
    "deep-block.yaml": {"RL009"},
    "nul.yaml": set(),
    "latin-1.yaml": {"RL011"},
    "utf-16.yaml": {"RL003"},
    "crlf.yaml": {"RL003"},
    "bom.yaml": {"RL003"},
    "tabs.yaml": {"RL001"},
    "names.yaml": {"RL003"},
    "huge-scalar.yaml": {"RL003"},
    "duplicate-keys.yaml": {"RL002"},
    "three-documents.yaml": {"RL001", "RL003"},
    "infinite.yaml": {"RL012"},
    "null-key.yaml": {"RL012"},
    "empty.yaml": set(),
    "not-an-object.yaml": set(),
}
"""Rules that must be among the findings of each file; what has none must be listed as not read."""

HARMLESS = ("empty.yaml", "not-an-object.yaml")


def limits() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))


def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "rolloutlint", "check", "--no-config", *arguments],
        capture_output=True,
        timeout=120,
        check=False,
        preexec_fn=limits,
        cwd=HOSTILE.parent,
        env={**os.environ, "PYTHONPATH": str(HOSTILE.parents[1])},
    )


def test_every_hostile_file_is_expected() -> None:
    assert {p.name for p in HOSTILE.iterdir()} - {"README.md"} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_hostile_file_is_reported(name: str) -> None:
    done = run(f"hostile/{name}", "-f", "json")
    assert done.returncode in (0, 1, 4), done.stderr.decode()
    report = json.loads(done.stdout)
    rules = {f["rule"] for f in report["findings"]}
    assert rules >= EXPECTED[name], (rules, report["incomplete"])
    assert rules or report["incomplete"] or name in HARMLESS
    assert "RL099" not in rules
    assert all(f["line"] >= 1 and f["column"] >= 1 for f in report["findings"])


def test_documents_around_a_broken_one_are_still_linted() -> None:
    report = json.loads(run("hostile/three-documents.yaml", "-f", "json").stdout)
    lines = {(f["rule"], f["line"]) for f in report["findings"] if f["rule"] in ("RL001", "RL003")}
    assert {line for rule, line in lines if rule == "RL003"} == {5, 15}
    assert any(rule == "RL001" and 7 <= line <= 10 for rule, line in lines)


@pytest.mark.parametrize("form", ["text", "github", "gitlab", "junit", "rdjson", "markdown", "sarif", "json"])
def test_names_cannot_speak_to_terminal_or_runner(form: str) -> None:
    output = run("hostile/names.yaml", "-f", form).stdout.decode()
    assert "\x1b" not in output
    assert "\u202e" not in output
    commands = [line for line in output.splitlines() if line.startswith("::")]
    assert all(line.split(" ")[0].split("::")[1] in ("error", "warning", "notice") for line in commands)
    assert "set-output name" not in "".join(line for line in commands if line.startswith("::set-output"))
