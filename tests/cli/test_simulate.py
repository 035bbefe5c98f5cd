"""`rolloutlint simulate` as a command: formats, files, histories, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from rolloutlint.cli.main import run
from rolloutlint.cli.simulate import FORMS, QUERY_WORLDS
from rolloutlint.controllers.measurement import WORLDS
from rolloutlint.report.simulation import FORMATS
from rolloutlint.resources import data_dir
from tests.test_simulations import ROLLOUT, TEMPLATE

MEASURED = ROLLOUT.replace("NAME", "cart").replace("STEP", "- analysis: {templates: [{templateName: rates}]}")


@pytest.fixture(autouse=True)
def _workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cart.yaml").write_text(MEASURED)
    Path("rates.yaml").write_text(TEMPLATE)


def test_text_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate"]) == 0
    assert capsys.readouterr().out.startswith("Rollout shop/cart   canary, 10 pods, split by pods")


@pytest.mark.parametrize(
    "name, start",
    [
        ("x.svg", "<svg "),
        ("x.HTML", "<!DOCTYPE html>"),
        ("x.json", '{\n  "version"'),
        ("x.md", "### Rollout"),
        ("x", "Rollout shop"),
    ],
)
def test_the_suffix_of_the_output_file_decides_the_format(name: str, start: str) -> None:
    assert run(["simulate", "-o", name]) == 0
    assert Path(name).read_text(encoding="utf-8").startswith(start)


def test_a_format_that_is_asked_for_beats_the_suffix() -> None:
    assert run(["simulate", "-f", "json", "-o", "x.svg"]) == 0
    json.loads(Path("x.svg").read_text())


@pytest.mark.parametrize("outcome", [[], ["--outcome", "errors=SFF"], ["--query-world", "absent"]])
def test_the_json_is_as_published(outcome: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", "-f", "json", *outcome]) == 0
    schema = json.loads((Path(data_dir("schemas")) / "rolloutlint" / "simulation-v1.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(json.loads(capsys.readouterr().out))


def test_verbose_tells_the_way_to_each_ending(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", "-v"]) == 0
    assert "errors: Failed" in capsys.readouterr().out


def test_a_history_is_replayed_step_by_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", "--outcome", "errors=SF"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Rollout shop/cart   errors=SF\n")
    assert shown.count("errors: Successful") == 1
    assert shown.count("errors: Failed") == 2
    assert "aborted after 7m at 20 %: Failed, errors of the analysis of step 3" in shown


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_a_history_in_each_format(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", "--outcome", "rates:errors=S", "-f", form]) == 0
    assert "promoted" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["--outcome", "error=S"], "--outcome: no metric `error` in the Rollouts that are simulated: did you mean"),
        (["--outcome", "errors"], "write METRIC=LETTERS"),
        (["--outcome", "errors=SX"], "write METRIC=LETTERS"),
        (["--outcome", "errors=S", "-f", "svg"], "a history is written as text, json, markdown, not as svg"),
        (["--rollout", "shop/crat"], "did you mean `shop/cart`?"),
        (["-o", "no/such/dir/x.svg"], "cannot write no/such/dir/x.svg"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_2(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", *arguments]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("form", FORMS)
def test_nothing_to_simulate_is_3_unless_allowed(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty").mkdir()
    assert run(["simulate", "empty", "-f", form, "--rollout", "shop/cart"]) == 3
    assert "nothing to simulate" in capsys.readouterr().err
    assert run(["simulate", "empty", "-f", form, "--allow-empty"]) == 0


def test_lost_input_is_4_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    Path("binary.yaml").write_bytes(b"\0\1\2")
    assert run(["simulate", "cart.yaml", "binary.yaml"]) == 4
    assert "binary.yaml" in capsys.readouterr().err


def test_the_choices_of_the_command_line_are_those_there_are() -> None:
    assert list(WORLDS) == list(QUERY_WORLDS)
    assert tuple(FORMATS) == FORMS


def test_findings_do_not_fail_the_command() -> None:
    assert run(["simulate", "--closed", "--select", "ALL"]) == 0
