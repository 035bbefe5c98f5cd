"""`rolloutlint check --changed-since`: what has changed, what refers to it, and what is left out."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from rolloutlint.cli.main import run
from tests.repository import Repository

ROLLOUT = """\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {{name: {name}, namespace: shop}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template: {{metadata: {{labels: {{app: {name}}}}}, spec: {{containers: [{{name: main, image: "web:{image}"}}]}}}}
  strategy: {{canary: {{steps: [{{setWeight: {weight}}}, {{analysis: {{templates: [{{templateName: {uses}}}]}}}}]}}}}
"""
TEMPLATE = """\
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {{name: {name}, namespace: shop}}
spec:
  metrics:
  - name: errors
    count: {count}
    interval: 1m
    successCondition: result[0] < 1
    provider: {{prometheus: {{address: "http://prometheus", query: "up"}}}}
"""


def rollout(name: str, weight: int = 120, image: str = "1", uses: str = "errors") -> str:
    """A Rollout with a fault: a weight above 100."""
    return ROLLOUT.format(name=name, weight=weight, image=image, uses=uses)


def template(name: str = "errors", count: int = 3) -> str:
    return TEMPLATE.format(name=name, count=count)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    made = Repository(tmp_path / "repo")
    monkeypatch.chdir(made.top)
    made.commit({"cart.yaml": rollout("cart"), "web.yaml": rollout("web", uses="other"), "errors.yaml": template()})
    return made


def check(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """The JSON report with `--changed-since HEAD`."""
    code = run(["check", "--no-config", "--changed-since", "HEAD", "-f", "json", *arguments])
    out = capsys.readouterr().out
    report: dict[str, Any] = json.loads(out)
    assert report["summary"]["exit_code"] == code
    return report


def reported(report: dict[str, Any]) -> set[str]:
    return {f"{f['resource']['kind']} {f['resource']['name']}" for f in report["findings"] if f["resource"]}


def test_without_a_change_all_findings_are_left_out(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    report = check(capsys)
    assert report["findings"] == []
    assert report["summary"]["changed_resources"] == 0
    assert report["summary"]["left_out"] > 0
    assert report["summary"]["exit_code"] == 0


def test_only_the_changed_resource_is_reported(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    repository.write({"cart.yaml": rollout("cart", image="2")})
    report = check(capsys)
    assert reported(report) == {"Rollout cart"}
    assert report["summary"]["changed_resources"] == 1
    assert report["summary"]["exit_code"] == 1


def test_findings_are_those_of_a_whole_check(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    repository.write({"cart.yaml": rollout("cart", image="2")})
    report = check(capsys)
    run(["check", "--no-config", "-f", "json"])
    whole = json.loads(capsys.readouterr().out)
    assert [f for f in whole["findings"] if f["file"] == "cart.yaml"] == report["findings"]
    assert report["summary"]["left_out"] == len(whole["findings"]) - len(report["findings"])


def test_a_changed_template_concerns_the_rollouts_that_use_it(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.write({"errors.yaml": template(count=4)})
    report = check(capsys)
    assert "Rollout cart" in reported(report)
    assert "Rollout web" not in reported(report)
    assert report["summary"]["changed_resources"] == 2


def test_what_a_changed_rollout_uses_is_left_out(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    repository.commit({"errors.yaml": template().replace("result[0] < 1", "result[0] <")})
    assert "AnalysisTemplate errors" not in reported(check(capsys))
    repository.write({"cart.yaml": rollout("cart", image="2")})
    assert "AnalysisTemplate errors" not in reported(check(capsys))
    repository.write({"errors.yaml": template().replace("result[0] < 1", "result[0] ==")})
    assert "AnalysisTemplate errors" in reported(check(capsys))


def test_a_template_that_is_gone_concerns_the_rollouts_that_used_it(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository.top / "errors.yaml").unlink()
    report = check(capsys, "--closed")
    assert reported(report) == {"Rollout cart"}


def test_a_new_resource_is_changed(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    repository.write({"new.yaml": rollout("new")})
    assert reported(check(capsys)) == {"Rollout new"}


def test_a_resource_that_moved_is_unchanged(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    os.rename("cart.yaml", "moved.yaml")
    report = check(capsys)
    assert report["findings"] == []


def test_a_resource_that_moved_is_unchanged_where_only_its_new_file_is_given(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    os.rename("cart.yaml", "moved.yaml")
    report = check(capsys, "moved.yaml")
    assert report["findings"] == []


def test_a_copy_in_another_file_is_new(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    repository.write({"copy/cart.yaml": rollout("cart")})
    assert {f["file"] for f in check(capsys)["findings"]} == {"copy/cart.yaml"}


def test_another_resource_of_the_same_file_is_unchanged(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.commit({"both.yaml": f"{rollout('one')}---\n{rollout('two')}"})
    repository.write({"both.yaml": f"{rollout('one', image='2')}---\n{rollout('two')}"})
    assert reported(check(capsys)) == {"Rollout one"}


def test_comments_order_and_style_change_nothing(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    lines = rollout("cart").splitlines()
    turned = [lines[1], "# a comment", lines[0], *lines[2:]]
    repository.write({"cart.yaml": "\n".join(turned).replace("weight: 120", "weight: 0x78") + "\n"})
    assert check(capsys)["findings"] == []


def test_a_value_of_another_type_is_a_change(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    repository.commit({"cart.yaml": rollout("cart", image='1", securityContext: {runAsUser: 1}, x: "')})
    repository.write({"cart.yaml": rollout("cart", image='1", securityContext: {runAsUser: true}, x: "')})
    assert reported(check(capsys)) == {"Rollout cart"}


def test_environments_with_the_same_names_are_told_apart(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.commit({f"envs/{env}/api.yaml": rollout("api") for env in ("dev", "prod")})
    repository.write({"envs/dev/api.yaml": rollout("api", image="2")})
    assert {f["file"] for f in check(capsys)["findings"]} == {"envs/dev/api.yaml"}


def test_a_kustomization_that_patches_otherwise_changes_what_it_lists(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    kustomization = "resources: [api.yaml]\nnamespace: {}\n"
    repository.commit({"k/kustomization.yaml": kustomization.format("dev"), "k/api.yaml": rollout("api")})
    assert check(capsys, "--no-render")["findings"] == []
    repository.write({"k/kustomization.yaml": kustomization.format("prod")})
    assert reported(check(capsys, "--no-render")) == {"Rollout api"}


def test_a_broken_file_stays_where_it_changed(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    repository.write({"bad.yaml": "apiVersion: v1\nkind: Service\nspec: [\n"})
    assert [f["file"] for f in check(capsys)["findings"]] == ["bad.yaml"]
    repository.commit({})
    assert check(capsys)["findings"] == []


def test_a_broken_file_outside_of_the_working_directory_is_compared_too(
    repository: Repository, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({"a/bad.yaml": "apiVersion: v1\nkind: Service\nspec: [\n", "b/x.yaml": template("x")})
    monkeypatch.chdir(repository.top / "b")
    assert check(capsys, "../a")["findings"] == []
    repository.write({"a/bad.yaml": "apiVersion: v1\nkind: Service\nspec: [[\n"})
    assert len(check(capsys, "../a")["findings"]) == 1


def test_suppressions_of_changed_files_are_judged(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    comment = "# rolloutlint: ignore RL999 -- no such rule\n"
    repository.commit({"web.yaml": comment + rollout("web", uses="other")})
    assert check(capsys)["findings"] == []
    repository.write({"cart.yaml": comment + rollout("cart")})
    assert {f["file"] for f in check(capsys)["findings"]} == {"cart.yaml"}


def test_names_count_from_the_working_directory(
    repository: Repository, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({"apps/api.yaml": rollout("api"), "apps/sub/x.yaml": rollout("x")})
    repository.write({"apps/api.yaml": rollout("api", image="2")})
    monkeypatch.chdir(repository.top / "apps")
    assert {f["file"] for f in check(capsys)["findings"]} == {"api.yaml"}


def test_given_files_are_enough_as_pre_commit_gives_them(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.write({"cart.yaml": rollout("cart", image="2"), "new.yaml": template("new")})
    report = check(capsys, "--allow-empty", "--force-exclude", "cart.yaml", "web.yaml", "new.yaml")
    assert "Rollout cart" in reported(report)
    assert "Rollout web" not in reported(report)


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_what_is_left_out_is_said(repository: Repository, capsys: pytest.CaptureFixture[str], form: str) -> None:
    repository.write({"new.yaml": rollout("new", weight=20, uses="errors")})
    run(["check", "--changed-since", "HEAD", "-f", form])
    out = capsys.readouterr().out
    assert "1 changed or dependent resource" in out
    assert "findings in unchanged resources left out." in out


@pytest.mark.parametrize("form", ["sarif", "github", "gitlab", "junit", "rdjson"])
def test_every_format_leaves_the_same_out(
    repository: Repository, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    repository.write({"cart.yaml": rollout("cart", image="2")})
    run(["check", "--changed-since", "HEAD", "-f", form])
    out = capsys.readouterr().out
    assert "cart.yaml" in out
    assert "web.yaml" not in out


def test_a_state_may_be_spelled_as_for_a_plan(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--changed-since", "git:main"]) == 0


@pytest.mark.parametrize(("ref", "said"), [("mian", "did you mean `git:main`?"), ("--help", "names no commit")])
def test_a_ref_that_is_none_is_2(
    repository: Repository, capsys: pytest.CaptureFixture[str], ref: str, said: str
) -> None:
    assert run(["check", f"--changed-since={ref}"]) == 2
    assert said in capsys.readouterr().err


def test_outside_of_a_repository_it_is_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["check", "--changed-since", "HEAD"]) == 2
    assert "is in no git repository" in capsys.readouterr().err


def test_fixes_of_unchanged_resources_are_not_applied(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    faulty = rollout("{}").replace("weight: 120", "weight: 20").replace("setWeight", "setWieght")
    repository.commit({f"{name}.yaml": faulty.replace("{}", name) for name in ("cart", "web")})
    repository.write({"cart.yaml": faulty.replace("{}", "cart").replace("web:1", "web:2")})
    run(["check", "--changed-since", "HEAD", "--fix", "--unsafe-fixes"])
    assert "setWeight" in Path("cart.yaml").read_text()
    assert "setWieght" in Path("web.yaml").read_text()
