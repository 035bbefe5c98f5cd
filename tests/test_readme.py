"""The README shows what the program prints and names only what exists."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
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


@pytest.mark.parametrize("option", sorted(set(re.findall(r"rolloutlint apply-plan [^\n`]*?(--[a-z-]+)", README))))
def test_options_of_apply_plan_exist(option: str) -> None:
    assert option in {o for p in cli.commands["apply-plan"].params for o in p.opts}


def test_the_plan_is_real_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "fixtures" / "plans" / "config-pruned-early")
    done = CliRunner().invoke(cli, ["apply-plan", "after", "--from", "before", "--no-config"])
    assert done.stdout.rstrip() in README


def fenced(language: str) -> list[str]:
    """The blocks of a language, without the indent of their fence."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", fenced("yaml"))
def test_what_is_yaml_parses(block: str) -> None:
    assert all(document is not None for document in yaml.safe_load_all(block))


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize("block", fenced("bash"))
def test_what_is_shell_parses(block: str) -> None:
    assert subprocess.run(["bash", "-n"], input=block, text=True, check=False).returncode == 0


def test_the_workflow_uses_inputs_of_the_action() -> None:
    known = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))["inputs"]
    (block,) = (block for block in fenced("yaml") if "apply-plan-from" in block)
    used = next(step for step in yaml.safe_load(block)["jobs"]["plan"]["steps"] if "rolloutlint" in step["uses"])
    assert set(used["with"]) <= set(known)


def test_the_hook_is_one_and_may_read_what_it_asks_for() -> None:
    job = next(yaml.safe_load(block) for block in fenced("yaml") if "kind: Job" in block)
    assert job["metadata"]["annotations"]["argocd.argoproj.io/hook"] == "PreSync"
    (script,) = job["spec"]["template"]["spec"]["containers"][0]["args"]
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
    rules = next(list(yaml.safe_load_all(block)) for block in fenced("yaml") if "kind: RoleBinding" in block)
    readable = {name for each in rules for rule in each.get("rules", ()) for name in rule["resources"]}
    asked = re.search(r"kubectl get (\S+,\S+)", script)
    assert asked is not None
    assert {*asked[1].split(","), "applications"} == readable


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


def test_the_backtest_is_real_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    day = "fixtures/backtests/quiet-nights"
    done = CliRunner().invoke(cli, ["backtest", "--data", f"{day}/day", day, "--no-config"])
    assert done.stdout.rstrip() in README


@pytest.mark.parametrize("option", sorted(set(re.findall(r"rolloutlint backtest [^\n`]*?(--[a-z-]+)", README))))
def test_options_of_backtest_exist(option: str) -> None:
    assert option in {o for p in cli.commands["backtest"].params for o in p.opts}


def test_all_formats_are_named() -> None:
    assert [name for name in FORMATS if f"`{name}`" not in README] == []


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_links_lead_somewhere(target: str) -> None:
    assert (ROOT / target).exists()
