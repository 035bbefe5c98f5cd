"""`rolloutlint route` as a command: formats, files, flags, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rolloutlint.cli.main import run
from rolloutlint.cli.route import FORMS
from rolloutlint.report.route import FORMATS
from tests.test_routes import SERVICES, WHOLE, to, virtual_service


@pytest.fixture(autouse=True)
def _workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mesh.yaml").write_text(WHOLE)


def test_text_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["route", "web"]) == 0
    assert capsys.readouterr().out.startswith("GET http://web:80/   from a pod of the mesh, namespace shop\n")


@pytest.mark.parametrize(
    "name, start",
    [("x.svg", "<svg "), ("x.DOT", "digraph "), ("x.json", '{"version"'), ("x.mmd", "flowchart "), ("x", "GET http")],
)
def test_the_suffix_of_the_output_file_decides_the_format(name: str, start: str) -> None:
    assert run(["route", "web", "-o", name]) == 0
    assert Path(name).read_text(encoding="utf-8").startswith(start)


def test_the_command_offers_every_format() -> None:
    assert set(FORMS) == set(FORMATS)


def test_the_request_is_what_the_flags_say(capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--path", "cart?a=1", "--method", "POST", "--header", "X-Beta=yes", "--port", "80", "--label", "app=cli"]
    assert run(["route", "web", ".", *flags, "--from", "mesh", "--from-namespace", "shop", "-f", "json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)["answers"]
    assert answer["request"] == {
        "host": "web",
        "path": "/cart",
        "method": "POST",
        "headers": {"X-Beta": "yes"},
        "query": {"a": "1"},
        "scheme": "http",
        "port": 80,
        "from": "mesh",
        "namespace": "shop",
        "labels": {"app": "cli"},
    }


@pytest.mark.parametrize("step, share", [("0", 0), ("1", 5), ("end", 0)])
def test_a_step_gives_the_weights_of_that_step(step: str, share: float, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["route", "web", "--step", step, "-f", "json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)["answers"]
    assert answer["destinations"][1]["share"] == share


def test_a_request_that_the_proxy_answers_with_503_is_1(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mesh.yaml").write_text(SERVICES + virtual_service(http=to("wep")))
    assert run(["route", "web"]) == 1
    assert "missing: there is no Service shop/wep" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["wep"], "did you mean `web`"),
        (["web", "--step", "x"], "--step: `x`: write the number of a step from 1 on, 0, or end"),
        (["web", "--step", "-1"], "--step: `-1`"),
        (["web", "--step", "99"], "shop/web has 5 steps"),
        (["web", "--header", "x"], "--header: `x`: write NAME=VALUE"),
        (["web", "--label", "=x"], "--label: `=x`: write NAME=VALUE"),
        (["web", "--from", "x"], "--from: `x`: write mesh, gateway, or gateway/NAMESPACE/NAME"),
        (["web", "--port", "0"], "--port"),
        (["web", "nowhere"], "nowhere"),
        ([], "HOST"),
    ],
)
def test_what_cannot_be_meant_is_2(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["route", *arguments]) == 2
    told = capsys.readouterr()
    assert (told.out, said in told.err) == ("", True)


def test_nothing_that_routes_is_3(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mesh.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    assert run(["route", "web"]) == 3
    assert "nothing routes" in capsys.readouterr().err
    assert run(["route", "web", "--allow-empty"]) == 0


def test_an_input_that_is_lost_is_4(capsys: pytest.CaptureFixture[str]) -> None:
    Path("binary.yaml").write_bytes(b"\0\1\2" * 100)
    assert run(["route", "web", "mesh.yaml", "binary.yaml"]) == 4
    told = capsys.readouterr()
    assert told.out.startswith("GET http://web:80/")
    assert "binary.yaml" in told.err


def test_an_output_that_cannot_be_written_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["route", "web", "-o", "no/such/dir"]) == 2
    assert "cannot write" in capsys.readouterr().err
