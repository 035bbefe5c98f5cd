"""The README shows what the program prints and names only what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from rolloutlint.cli.main import cli
from rolloutlint.report import FORMATS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_screen_is_real_output() -> None:
    screen = README.split("$ rolloutlint check .\n", 1)[1].split("```", 1)[0]
    real = (ROOT / "fixtures" / "workspaces" / "istio-shop" / "expected.txt").read_text(encoding="utf-8").splitlines()
    shown = [line for line in screen.splitlines() if line.strip() and not line.startswith("[...")]
    assert len(shown) > 20
    assert [line for line in shown if line not in real] == []


@pytest.mark.parametrize("option", sorted(set(re.findall(r"rolloutlint check [^\n`]*?(--[a-z-]+)", README))))
def test_options_of_check_exist(option: str) -> None:
    known = {o for p in cli.commands["check"].params for o in p.opts}
    assert option in known


def test_the_table_of_the_tutorials_is_real_output() -> None:
    done = CliRunner().invoke(cli, ["simulate", str(ROOT / "fixtures" / "seeds"), "--no-config", "-f", "markdown"])
    table = done.stdout.split("\n\n")[0]
    assert table.count("\n") > 10
    assert table in README


def test_the_picture_is_real_output() -> None:
    picture = ROOT / "fixtures" / "pictures" / "storefront-guarded.svg"
    arguments = ["simulate", str(ROOT / "fixtures" / "seeds"), "--no-config", "-f", "svg"]
    done = CliRunner().invoke(cli, [*arguments, "--rollout", "shop/storefront-guarded"])
    assert done.stdout == picture.read_text(encoding="utf-8")


def test_the_route_is_real_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "fixtures" / "workspaces" / "three-strategies" / "input")
    done = CliRunner().invoke(cli, ["route", "checkout", "--step", "1", "--no-config"])
    assert done.stdout.rstrip() in README


def test_all_formats_are_named() -> None:
    assert [name for name in FORMATS if f"`{name}`" not in README] == []


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_links_lead_somewhere(target: str) -> None:
    assert (ROOT / target).exists()
