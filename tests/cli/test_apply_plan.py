"""`rolloutlint apply-plan` as a command: states, formats, files, options of a sync, exit codes."""

from __future__ import annotations

import json
import subprocess
from io import BytesIO, TextIOWrapper
from pathlib import Path

import jsonschema
import pytest
import yaml

from rolloutlint.cli.apply_plan import FORMS
from rolloutlint.cli.main import run
from rolloutlint.report.plan import FORMATS, SUFFIXES
from rolloutlint.resources import data_dir

ROLLOUT = """\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: cart, namespace: shop}
spec:
  replicas: 5
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec:
      containers:
      - name: cart
        image: shop/cart:1.4.2
        resources: {requests: {cpu: 100m}}
  strategy:
    canary:
      steps:
      - setWeight: 20
      - pause: {duration: 10m}
"""
APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd}
spec:
  project: default
  source: {repoURL: https://git.example/shop/deploy.git, path: apps, targetRevision: main}
  destination: {server: https://kubernetes.default.svc, namespace: shop}
  syncPolicy: {automated: {prune: true, selfHeal: true}}
"""


def git(*arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "init.defaultBranch=main")
    subprocess.run(("git", *identity, *arguments), check=True, capture_output=True)


@pytest.fixture(autouse=True)
def _repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository with a Rollout and a ConfigMap, committed; the work tree has a new image."""
    monkeypatch.chdir(tmp_path)
    Path("apps").mkdir()
    Path("apps/cart.yaml").write_text(ROLLOUT)
    git("init")
    git("remote", "add", "origin", "https://git.example/shop/deploy.git")
    git("add", ".")
    git("commit", "-m", "previous")
    Path("apps/cart.yaml").write_text(ROLLOUT.replace("1.4.2", "1.5.0"))


def planned(*arguments: str) -> int:
    return run(["apply-plan", "--from", "git:HEAD", "--no-config", *arguments])


def test_a_new_image_starts_a_revision(capsys: pytest.CaptureFixture[str]) -> None:
    assert planned() == 0
    out = capsys.readouterr().out
    assert "~ Rollout shop/cart   STARTS A REVISION" in out
    assert '"shop/cart:1.4.2" -> "shop/cart:1.5.0"' in out
    assert "10m at least" in out
    assert out.splitlines()[-1] == "Decision: ALLOW. Nothing was applied."


def test_nothing_that_changes_is_allowed(capsys: pytest.CaptureFixture[str]) -> None:
    Path("apps/cart.yaml").write_text(ROLLOUT)
    assert planned("--exit-code") == 0
    assert "Nothing changes in a cluster" in capsys.readouterr().out


def test_changes_that_are_allowed_are_6_when_asked() -> None:
    assert planned("--exit-code") == 6


def test_a_new_error_blocks(capsys: pytest.CaptureFixture[str]) -> None:
    Path("apps/cart.yaml").write_text(ROLLOUT.replace("setWeight: 20", "setWeight: 200"))
    assert planned("--exit-code") == 1
    assert "Decision: BLOCK (new-errors" in capsys.readouterr().out


def test_a_pruned_rollout_asks_for_a_review(capsys: pytest.CaptureFixture[str]) -> None:
    Path("apps/cart.yaml").unlink()
    Path("apps/other.yaml").write_text(ROLLOUT.replace("cart", "other"))
    assert planned("--select", "RL101") == 5
    out = capsys.readouterr().out
    assert "- Rollout shop/cart" in out
    assert "prune-rollout" in out


@pytest.mark.parametrize(
    "flags, code",
    [
        (["--block-on", "new-revision"], 1),
        (["--review-on", "any-prune,new-revision"], 5),
        (["--block-on", "none", "--review-on", "none"], 0),
    ],
)
def test_flags_say_what_decides(flags: list[str], code: int) -> None:
    assert planned(*flags) == code


def test_findings_never_fail_with_exit_zero() -> None:
    Path("apps/cart.yaml").write_text(ROLLOUT.replace("setWeight: 20", "setWeight: 200"))
    assert planned("--exit-zero") == 0


def test_an_application_names_its_sync(capsys: pytest.CaptureFixture[str]) -> None:
    Path("shop.yaml").write_text(APPLICATION)
    assert planned() in (0, 5)
    out = capsys.readouterr().out
    assert "Application argocd/shop -> namespace shop" in out
    assert "automated" in out


def test_one_application_of_several(capsys: pytest.CaptureFixture[str]) -> None:
    Path("shop.yaml").write_text(APPLICATION)
    Path("more.yaml").write_text(APPLICATION.replace("name: shop", "name: more").replace("path: apps", "path: more"))
    assert planned("--app", "shop", "-f", "json") in (0, 5)
    (application,) = json.loads(capsys.readouterr().out)["applications"]
    assert application["application"]["name"] == "shop"


def test_an_application_that_is_not_there_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    Path("shop.yaml").write_text(APPLICATION)
    assert planned("--app", "shp") == 2
    assert "shop" in capsys.readouterr().err


def test_a_manual_sync_prunes_only_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    Path("shop.yaml").write_text(APPLICATION)
    git("add", ".")
    git("commit", "-m", "with an Application")
    Path("apps/cart.yaml").unlink()
    Path("apps/other.yaml").write_text(ROLLOUT.replace("cart", "other"))
    actions = []
    for flags in ((), ("--manual",), ("--manual", "--prune")):
        planned("-f", "json", *flags)
        (application,) = json.loads(capsys.readouterr().out)["applications"]
        actions += [
            task["action"]
            for stage in application["stages"]
            for group in stage["groups"]
            for task in group
            if task["resource"]["name"] == "cart"
        ]
    assert actions == ["prune", "keep", "prune"]


@pytest.mark.parametrize("state", ["before", "before/cart.yaml", "-"])
def test_a_directory_a_file_and_standard_input_are_states_too(
    state: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("before").mkdir()
    Path("before/cart.yaml").write_text(ROLLOUT)
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(ROLLOUT.encode())))
    assert run(["apply-plan", "apps", "--from", state, "--no-config"]) == 0
    assert "STARTS A REVISION" in capsys.readouterr().out


def test_objects_of_a_cluster_tell_of_an_update_under_way(capsys: pytest.CaptureFixture[str]) -> None:
    live = yaml.safe_load(ROLLOUT)
    live["metadata"] |= {"uid": "7c1", "resourceVersion": "5", "creationTimestamp": "2026-01-01T00:00:00Z"}
    live["status"] = {"phase": "Paused", "stableRS": "a", "currentPodHash": "b", "currentStepIndex": 1}
    Path("live.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [live]}))
    assert run(["apply-plan", "apps", "--from", "live.json", "--no-config", "--select", "RL101", "--app", "shop"]) == 0
    out = capsys.readouterr().out
    assert "SUPERSEDES THE REVISION UNDER WAY (as far as the inputs tell" in out
    assert "Application shop" in out


def test_two_refs_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    git("commit", "-am", "desired")
    assert run(["apply-plan", "--from", "git:HEAD^", "--to", "git:HEAD", "--no-config"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("From git:HEAD^ to git:HEAD")
    assert "STARTS A REVISION" in out


def test_several_formats_in_one_run(capsys: pytest.CaptureFixture[str]) -> None:
    outputs = [f"-f{form}=plan.{form}" for form in FORMS]
    assert planned("-f", "text", *outputs) == 0
    assert capsys.readouterr().out == Path("plan.text").read_text(encoding="utf-8")
    schema = json.loads((Path(data_dir("schemas")) / "rolloutlint" / "plan-v1.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(json.loads(Path("plan.json").read_text(encoding="utf-8")))
    assert Path("plan.markdown").read_text(encoding="utf-8").startswith("<!-- rolloutlint apply-plan -->\n")
    assert "<svg" in Path("plan.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name, start",
    [("x.html", "<!DOCTYPE html>"), ("x.json", '{\n  "version"'), ("x.md", "<!-- rolloutlint"), ("x", "From ")],
)
def test_the_suffix_of_the_output_file_decides_the_format(name: str, start: str) -> None:
    assert planned("-o", name) == 0
    assert Path(name).read_text(encoding="utf-8").startswith(start)


def test_a_category_is_in_the_mark(capsys: pytest.CaptureFixture[str]) -> None:
    planned("-f", "markdown", "--category", "prod")
    assert capsys.readouterr().out.startswith("<!-- rolloutlint apply-plan prod -->")


def test_colour_is_for_terminals_and_for_those_who_ask(capsys: pytest.CaptureFixture[str]) -> None:
    planned()
    plain = capsys.readouterr().out
    planned("--color", "always")
    assert "\x1b[" not in plain
    assert "\x1b[" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["-f", "yaml"], "unknown format `yaml`: choose from text"),
        (["-f", "text", "-f", "json", "-o", "x"], "2 of the formats would go to x"),
        (["--prune"], "add --manual"),
        (["--sync-options", "Replace=true"], "add --manual"),
        (["--rendered", "web"], "APP=DIR"),
        (["--fail-on", "warning"], "a plan is judged by --block-on and --review-on"),
        (["--block-on", "prunes"], "--block-on: `prunes`: choose from new-errors"),
        (["-o", "no/such/x.html"], "cannot write no/such/x.html"),
        (["--to", "git:nowhere"], "nowhere"),
        (["no-such-directory"], "no-such-directory"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_2(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert planned(*arguments) == 2
    assert told in capsys.readouterr().err


def test_a_state_that_is_not_there_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["apply-plan", "--from", "git:v9", "--no-config"]) == 2
    assert "v9" in capsys.readouterr().err
    assert run(["apply-plan", "--from", "no-such.yaml", "--no-config"]) == 2
    assert "no-such.yaml" in capsys.readouterr().err


def test_nothing_to_plan_is_3_unless_allowed(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a").mkdir()
    Path("b").mkdir()
    assert run(["apply-plan", "a", "--from", "b", "--no-config"]) == 3
    assert "nothing to plan" in capsys.readouterr().err
    assert run(["apply-plan", "a", "--from", "b", "--no-config", "--allow-empty"]) == 0


def test_lost_input_is_4_and_the_rest_is_planned(capsys: pytest.CaptureFixture[str]) -> None:
    Path("broken.yaml").write_bytes(b"\0\1\2")
    assert planned("apps", "broken.yaml") == 4
    told = capsys.readouterr()
    assert "Lost: broken.yaml" in told.out
    assert "STARTS A REVISION" in told.out


def test_lost_input_is_named_where_no_text_does_it(capsys: pytest.CaptureFixture[str]) -> None:
    Path("broken.yaml").write_bytes(b"\0\1\2")
    assert planned("apps", "broken.yaml", "-f", "html=plan.html") == 4
    assert "broken.yaml" in capsys.readouterr().err


def test_the_choices_of_the_command_line_are_those_there_are() -> None:
    assert tuple(FORMATS) == FORMS
    assert set(SUFFIXES.values()) == set(FORMS)
