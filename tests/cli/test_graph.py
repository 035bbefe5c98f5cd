"""`rolloutlint graph` as a command: formats, files, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rolloutlint.cli.main import run

ROLLOUT = """\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: cart, namespace: shop}
spec: {strategy: {canary: {canaryService: next}}}
"""


@pytest.fixture(autouse=True)
def _workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cart.yaml").write_text(ROLLOUT)


def test_mermaid_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["graph"]) == 0
    assert capsys.readouterr().out.startswith("flowchart LR\n")


@pytest.mark.parametrize(
    "name, start",
    [("x.svg", "<svg "), ("x.DOT", "digraph "), ("x.json", '{"version"'), ("x.mmd", "flowchart "), ("x", "flowchart ")],
)
def test_the_suffix_of_the_output_file_decides_the_format(name: str, start: str) -> None:
    assert run(["graph", "cart.yaml", "-o", name]) == 0
    assert Path(name).read_text().startswith(start)


def test_a_format_that_is_asked_for_beats_the_suffix() -> None:
    assert run(["graph", "-f", "json", "-o", "x.svg"]) == 0
    json.loads(Path("x.svg").read_text())


def test_findings_do_not_fail_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--closed"]) == 1
    assert run(["graph", "--closed", "-f", "json"]) == 0
    assert '"state": "missing"' in capsys.readouterr().out


def test_one_rollout_may_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["graph", "--rollout", "shop/cart", "-f", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["focus"] == ["n1"]


def test_an_unknown_rollout_is_2_with_what_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["graph", "--rollout", "shop/cat"]) == 2
    told = capsys.readouterr()
    assert (told.out, told.err) == (
        "",
        "rolloutlint: --rollout: no Rollout `shop/cat` among the inputs: did you mean `shop/cart`?\n",
    )


@pytest.mark.parametrize("form", ["mermaid", "dot", "json", "svg"])
def test_nothing_to_draw_is_3_unless_allowed(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty").mkdir()
    assert run(["graph", "empty", "-f", form, "--rollout", "shop/cart"]) == 3
    told = capsys.readouterr()
    assert "nothing to draw" in told.err
    assert told.out
    assert run(["graph", "empty", "-f", form, "--allow-empty"]) == 0


def test_lost_input_is_4_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    Path("binary.yaml").write_bytes(b"\0\1\2")
    assert run(["graph", "."]) in (0, 4)
    assert run(["graph", "cart.yaml", "binary.yaml"]) == 4
    assert "binary.yaml" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["graph", "-o", "no/such/dir/x.svg"]) == 2
    assert "cannot write no/such/dir/x.svg" in capsys.readouterr().err
