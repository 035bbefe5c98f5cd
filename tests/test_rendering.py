"""What rendering replaces, what it leaves out, and where its findings point: the command, real and fake programs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rolloutlint.cli.main import run
from tests.renderers import absent, programs

ROOT = Path(__file__).parents[1]

needs_kustomize = pytest.mark.skipif(bool(absent("kustomize")), reason=absent("kustomize"))
needs_helm = pytest.mark.skipif(bool(absent("helm")), reason=absent("helm"))
needs_scripts = pytest.mark.skipif(sys.platform == "win32", reason="the renderers of these tests are scripts")

ROLLOUT = """\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web:1}]}
  strategy:
    canary:
      steps:
        - setWeight: 20
        - pause: {}
"""
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n"
APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: argocd}
spec:
  project: default
  source: {repoURL: https://git.example.com/config.git, path: over, targetRevision: main}
  destination: {server: https://prod.example.com, namespace: prod}
"""
PLAIN = {
    "base/kustomization.yaml": "resources: [web.yaml]\n",
    "base/web.yaml": ROLLOUT,
    "over/kustomization.yaml": "namespace: prod\nresources: [../base]\n",
}


class Checked:
    """The outcome of `rolloutlint check` on a tree of files."""

    def __init__(self, root: Path, files: Mapping[str, str], *flags: str, **environment: str) -> None:
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (root / ".git").mkdir(exist_ok=True)
        kept = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", **programs()}
        command = [sys.executable, "-m", "rolloutlint", "check", ".", "--no-config", "--no-cache", "-f", "json", *flags]
        done = subprocess.run(
            command, cwd=root, capture_output=True, text=True, env={**kept, **environment}, check=False
        )
        self.code = done.returncode
        self.errors = done.stderr
        self.report: dict[str, Any] = json.loads(done.stdout) if done.stdout else {}

    def places(self, rule: str) -> list[tuple[str, int, int]]:
        found = (f for f in self.report["findings"] if f["rule"] == rule)
        return [(f["file"], f["line"], f["column"]) for f in found]

    def finding(self, rule: str) -> dict[str, Any]:
        (found,) = (f for f in self.report["findings"] if f["rule"] == rule)
        return dict(found)

    def left(self, reason: str = "unrendered") -> list[tuple[str, str]]:
        return [(i["source"], i["message"]) for i in self.report["incomplete"] if i["reason"] == reason]


def fake(directory: Path, body: str) -> str:
    path = directory / "kustomize"
    path.write_text(f"#!{sys.executable}\nimport os, sys, time\n{body}\n")
    path.chmod(0o755)
    return str(path)


# ---- kustomize ---------------------------------------------------------------------------------------------


@needs_kustomize
def test_what_only_feeds_a_build_is_linted_once_and_at_its_own_place(tmp_path: Path) -> None:
    checked = Checked(tmp_path, PLAIN)
    assert checked.places("RL101") == [("base/web.yaml", 13, 18)]
    assert checked.report["summary"]["resources"] == 1
    assert checked.finding("RL101")["resource"]["namespace"] == "prod"
    assert checked.report["incomplete"] == []


@needs_kustomize
def test_the_rendered_line_is_a_related_place(tmp_path: Path) -> None:
    related = Checked(tmp_path, PLAIN).finding("RL101")["related"][-1]
    assert related["file"] == "over/(rendered)"
    assert related["message"] == "rendered by kustomize from over: `- pause: {}`"


@needs_kustomize
def test_several_overlays_say_it_once(tmp_path: Path) -> None:
    more = {"other/kustomization.yaml": "namespace: dev\nresources: [../base]\n"}
    checked = Checked(tmp_path, {**PLAIN, **more})
    assert checked.places("RL101") == [("base/web.yaml", 13, 18)]
    assert checked.report["summary"]["resources"] == 2


@needs_kustomize
def test_a_patch_is_where_its_finding_is(tmp_path: Path) -> None:
    patch = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: web}\nspec:\n  strategy:\n    canary:\n"
    patch += "      steps:\n        - setWeight: 5\n        - pause: {duration: 1m}\n        - pause: {}\n"
    over = "namePrefix: eu-\nresources: [../base]\npatches: [{path: steps.yaml}]\n"
    checked = Checked(tmp_path, {**PLAIN, "over/kustomization.yaml": over, "over/steps.yaml": patch})
    assert checked.places("RL101") == [("over/steps.yaml", 10, 18)]
    assert checked.left("patch") == []


@needs_kustomize
def test_a_json_patch_is_where_its_finding_is(tmp_path: Path) -> None:
    patch = "- op: add\n  path: /spec/strategy/canary/steps/-\n  value:\n    pause: {}\n"
    over = "resources: [../base]\npatches: [{path: p.yaml, target: {kind: Rollout}}]\n"
    base = ROLLOUT.replace("pause: {}", "pause: {duration: 1m}")
    checked = Checked(tmp_path, {**PLAIN, "base/web.yaml": base, "over/kustomization.yaml": over, "over/p.yaml": patch})
    assert checked.places("RL101") == [("over/p.yaml", 4, 12)]


@needs_kustomize
def test_an_inline_patch_is_where_its_finding_is(tmp_path: Path) -> None:
    over = (
        "resources: [../base]\npatches:\n  - target: {kind: Rollout}\n    patch: |-\n"
        "      - op: replace\n        path: /spec/strategy/canary/steps/1\n        value: {pause: {}}\n"
    )
    base = ROLLOUT.replace("pause: {}", "pause: {duration: 1m}")
    checked = Checked(tmp_path, {**PLAIN, "base/web.yaml": base, "over/kustomization.yaml": over})
    assert checked.places("RL101") == [("over/kustomization.yaml", 7, 24)]


@needs_kustomize
def test_suppressions_hold_where_they_are_written(tmp_path: Path) -> None:
    base = ROLLOUT.replace("- pause: {}", "- pause: {}  # rolloutlint: ignore RL101 -- we look at it")
    checked = Checked(tmp_path, {**PLAIN, "base/web.yaml": base})
    assert checked.finding("RL101")["disposition"] == "suppressed"
    assert checked.places("RL901") == []


@needs_kustomize
def test_suppressions_of_an_object_hold_also_for_what_patches_add(tmp_path: Path) -> None:
    note = "metadata: {name: web, annotations: {rolloutlint.dev/ignore: RL101 -- we look at it}}"
    patch = "- op: add\n  path: /spec/strategy/canary/steps/-\n  value: {pause: {}}\n"
    over = "resources: [../base]\npatches: [{path: p.yaml, target: {kind: Rollout}}]\n"
    base = ROLLOUT.replace("metadata: {name: web}", note)
    checked = Checked(tmp_path, {**PLAIN, "base/web.yaml": base, "over/kustomization.yaml": over, "over/p.yaml": patch})
    assert {f["disposition"] for f in checked.report["findings"] if f["rule"] == "RL101"} == {"suppressed"}


@needs_kustomize
def test_the_options_of_an_application_count(tmp_path: Path) -> None:
    application = APPLICATION.replace("path: over,", "path: over, kustomize: {namePrefix: x-},")
    checked = Checked(tmp_path, {**PLAIN, "app.yaml": application})
    assert checked.finding("RL101")["resource"]["name"] == "x-web"
    assert checked.finding("RL101")["related"][-1]["file"] == "over/(rendered for web)"


@needs_kustomize
def test_what_the_image_updater_wrote_counts_too(tmp_path: Path) -> None:
    files = {
        "over/.argocd-source.yaml": "kustomize: {namePrefix: x-, nameSuffix: -y}\n",
        "over/.argocd-source-web.yaml": "kustomize: {nameSuffix: null}\n",
        "app.yaml": APPLICATION,
    }
    assert Checked(tmp_path, {**PLAIN, **files}).finding("RL101")["resource"]["name"] == "x-web"


@needs_kustomize
def test_applications_of_one_name_are_rendered_apart(tmp_path: Path) -> None:
    files = {
        f"{cluster}/app.yaml": APPLICATION.replace("path: over,", f"path: over, kustomize: {{namePrefix: {cluster}-}},")
        for cluster in ("a", "b")
    }
    checked = Checked(tmp_path, {**PLAIN, **files, "over/kustomization.yaml": "resources: [../base]\n"})
    assert checked.report["summary"]["resources"] == 4
    assert checked.places("RL101") == [("base/web.yaml", 13, 18)]


@needs_kustomize
def test_a_rendered_application_closes_its_namespace(tmp_path: Path) -> None:
    base = ROLLOUT.replace("canary:\n", "canary:\n      canaryService: web-next\n")
    files = {**PLAIN, "base/web.yaml": base, "app.yaml": APPLICATION}
    assert Checked(tmp_path, files).places("RL201") == [("base/web.yaml", 11, 22)]
    assert Checked(tmp_path, files, "--no-render").places("RL201") == []


@needs_kustomize
def test_names_that_kustomize_does_not_change_are_missing_afterwards(tmp_path: Path) -> None:
    base = ROLLOUT.replace("canary:\n", "canary:\n      canaryService: web\n") + "---\n" + SERVICE
    over = "namePrefix: eu-\nnamespace: prod\nresources: [../base]\n"
    checked = Checked(
        tmp_path, {**PLAIN, "base/web.yaml": base, "over/kustomization.yaml": over, "app.yaml": APPLICATION}
    )
    assert checked.places("RL201") == [("base/web.yaml", 11, 22)]


@needs_kustomize
def test_a_directory_application_still_applies_the_files(tmp_path: Path) -> None:
    application = APPLICATION.replace("path: over,", "path: base/raw, directory: {recurse: true},")
    files = {
        "base/kustomization.yaml": "namePrefix: a-\nresources: [raw/web.yaml]\n",
        "base/raw/web.yaml": ROLLOUT,
        "app.yaml": application,
    }
    checked = Checked(tmp_path, files)
    assert checked.report["summary"]["resources"] == 3
    assert checked.places("RL101") == [("base/raw/web.yaml", 13, 18)]


@needs_kustomize
def test_what_is_wrong_with_a_text_is_said_although_its_objects_are_rendered(tmp_path: Path) -> None:
    base = ROLLOUT.replace("spec:\n  selector", "spec:\n  unknownField: 1\n  selector")
    checked = Checked(tmp_path, {**PLAIN, "base/web.yaml": base})
    assert ("base/web.yaml", 5, 3) in checked.places("RL003")


@needs_kustomize
def test_a_remote_base_is_refused_and_the_rest_is_linted(tmp_path: Path) -> None:
    over = "resources: [../base, 'https://example.com/x.yaml']\n"
    checked = Checked(tmp_path, {**PLAIN, "over/kustomization.yaml": over})
    ((source, message),) = checked.left()
    assert source == "over"
    assert "remote" in message
    assert "--rendered" in message
    assert checked.places("RL101") == [("base/web.yaml", 13, 18)]
    assert checked.code == 0


@needs_kustomize
def test_output_made_elsewhere_takes_the_place_of_a_build(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "all.yaml").write_text(ROLLOUT)
    root = tmp_path / "repo"
    root.mkdir()
    over = "resources: [../base, 'https://example.com/x.yaml']\n"
    files = {**PLAIN, "over/kustomization.yaml": over, "app.yaml": APPLICATION}
    checked = Checked(root, files, "--rendered", f"argocd/web={elsewhere}")
    assert (str(elsewhere / "all.yaml"), 13, 18) in checked.places("RL101")
    assert checked.left() == []


def test_output_for_an_application_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    checked = Checked(tmp_path, PLAIN, "--rendered", "other=base")
    assert checked.code == 2
    assert "no Application, kustomization or chart `other`" in checked.errors


def test_rendered_needs_a_name_and_a_directory(tmp_path: Path) -> None:
    assert Checked(tmp_path, PLAIN, "--rendered", "base").code == 2


def test_without_a_program_everything_is_as_before(tmp_path: Path) -> None:
    with_flag = Checked(tmp_path, PLAIN, "--no-render").report
    nowhere = {"PATH": "/nowhere", "ROLLOUTLINT_KUSTOMIZE": "/nowhere/x", "ROLLOUTLINT_HELM": "/nowhere/x"}
    assert Checked(tmp_path, PLAIN, **nowhere).report == with_flag
    assert with_flag["summary"]["resources"] == 1


@needs_kustomize
def test_a_fix_is_made_in_the_base(tmp_path: Path) -> None:
    base = ROLLOUT.replace("kind: Rollout\n", "kind: Rollout\n").replace("web:1", "web:1, unknownField: 1")
    files = {**PLAIN, "base/web.yaml": base.replace("setWeight: 20", 'setWeight: "20"')}
    checked = Checked(tmp_path, files)
    fixes = [f["fix"] for f in checked.report["findings"] if f["fix"]]
    assert {edit["file"] for fix in fixes for edit in fix["edits"]} == {"base/web.yaml"}


@needs_kustomize
def test_files_may_lie_anywhere_where_argo_cd_lets_them(tmp_path: Path) -> None:
    configuration = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm}\ndata:\n"
    configuration += "  kustomize.buildOptions: --load-restrictor LoadRestrictionsNone\n"
    files = {"over/kustomization.yaml": "resources: [../base/web.yaml]\n", "base/web.yaml": ROLLOUT}
    before = Checked(tmp_path, files)
    assert before.code == 4
    assert "file 'base/web.yaml' is not in or below 'over'" in before.left()[0][1]
    checked = Checked(tmp_path, {**files, "argocd-cm.yaml": configuration})
    assert checked.left() == []
    assert checked.places("RL101") == [("base/web.yaml", 13, 18)]


# ---- renderers that misbehave --------------------------------------------------------------------------------


@needs_scripts
@pytest.mark.parametrize(
    "body, said",
    [
        ("time.sleep(600)", "`kustomize build` did not end within 2 s"),
        ("sys.exit('Error: accumulating resources: no such field')", "failed: accumulating resources: no such field"),
        ("os.kill(os.getpid(), 9)", "was ended by signal 9"),
    ],
)
def test_a_build_that_fails_is_lost_and_the_rest_is_linted(tmp_path: Path, body: str, said: str) -> None:
    program = fake(tmp_path, body)
    checked = Checked(tmp_path, PLAIN, "--render-timeout", "2", ROLLOUTLINT_KUSTOMIZE=program)
    ((source, message),) = checked.left()
    assert source == "over"
    assert said in message
    assert checked.places("RL101") == [("base/web.yaml", 13, 18)]
    assert checked.code == 4


@needs_scripts
@pytest.mark.parametrize("output", ["", "null\n", "just text\n", "a: [\n", "\\xff\\x00\n"])
def test_any_output_is_survived(tmp_path: Path, output: str) -> None:
    program = fake(
        tmp_path, f"sys.stdout.buffer.write(b'{output.encode().decode()}'.replace(b'~', b''))".replace("\n'", "\\n'")
    )
    checked = Checked(tmp_path, PLAIN, ROLLOUTLINT_KUSTOMIZE=program)
    assert checked.errors == ""
    assert "incomplete" in checked.report


# ---- helm ----------------------------------------------------------------------------------------------------

CHART = {
    "chart/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    "chart/values.yaml": "weight: 20\nsteps:\n  - setWeight: 20\n  - pause: {}\n",
    "chart/templates/rollout.yaml": ROLLOUT.replace("name: web}\nspec", "name: {{ .Release.Name }} }\nspec").replace(
        "        - setWeight: 20\n        - pause: {}\n",
        "      {{- with .Values.steps }}\n{{ toYaml . | indent 8 }}\n      {{- end }}\n",
    ),
}


@needs_helm
def test_a_value_is_where_its_finding_is(tmp_path: Path) -> None:
    checked = Checked(tmp_path, CHART)
    assert checked.places("RL101") == [("chart/values.yaml", 4, 12)]
    assert checked.left("chart") == []


@needs_helm
def test_a_line_of_a_template_is_where_its_finding_is(tmp_path: Path) -> None:
    lines = "        - setWeight: {{ .Values.weight }}\n        - pause: {}\n"
    template = ROLLOUT.replace("        - setWeight: 20\n        - pause: {}\n", lines)
    checked = Checked(tmp_path, {**CHART, "chart/templates/rollout.yaml": template})
    assert checked.places("RL101") == [("chart/templates/rollout.yaml", 13, 18)]


@needs_helm
def test_which_of_two_lines_was_printed_is_not_guessed(tmp_path: Path) -> None:
    lines = "        {{- toYaml .Values.steps | nindent 8 }}\n        - pause: {}\n"
    template = ROLLOUT.replace("        - setWeight: 20\n        - pause: {}\n", lines)
    checked = Checked(tmp_path, {**CHART, "chart/templates/rollout.yaml": template})
    assert checked.places("RL101") == [("chart/templates/rollout.yaml", 2, 1)] * 2


@needs_helm
def test_manifests_beside_a_chart_are_still_manifests(tmp_path: Path) -> None:
    definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x}\n"
    checked = Checked(tmp_path, {**CHART, "chart/crds/x.yaml": definition, "chart/beside.yaml": SERVICE})
    assert checked.report["summary"]["resources"] == 3


@needs_helm
def test_no_fix_is_offered_in_a_template(tmp_path: Path) -> None:
    assert all(f["fix"] is None for f in Checked(tmp_path, CHART).report["findings"])


@needs_helm
def test_an_application_renders_a_chart_with_its_values(tmp_path: Path) -> None:
    application = APPLICATION.replace(
        "path: over,",
        "path: chart, helm: {valuesObject: {steps: [{setWeight: 30}, {pause: {}}, {setWeight: 40}, {pause: {}}]}},",
    )
    checked = Checked(tmp_path, {**CHART, "app.yaml": application})
    said = [f["message"] for f in checked.report["findings"] if f["rule"] == "RL101"]
    assert said == ["The pause in step 2 has no duration", "The pause in step 4 has no duration"]
    assert {place[0] for place in checked.places("RL101")} == {"app.yaml"}


@needs_helm
def test_applications_that_come_out_of_a_chart_are_followed(tmp_path: Path) -> None:
    apps = {
        "apps/Chart.yaml": "apiVersion: v2\nname: apps\nversion: 1.0.0\n",
        "apps/templates/web.yaml": APPLICATION.replace("path: over", "path: {{ .Values.path }}"),
        "apps/values.yaml": "path: chart\n",
    }
    checked = Checked(tmp_path, {**CHART, **apps})
    names = {f["related"][-1]["file"] for f in checked.report["findings"] if f["rule"] == "RL101"}
    assert names == {"chart/(rendered for web)"}


@needs_helm
def test_a_chart_that_needs_values_is_left_out_but_not_lost(tmp_path: Path) -> None:
    files = {**CHART, "chart/templates/x.yaml": '{{ required "say which team" .Values.team }}\n'}
    checked = Checked(tmp_path, {**files, "other.yaml": SERVICE})
    ((source, message),) = checked.left()
    assert source == "chart"
    assert "say which team" in message
    assert checked.code == 0


@needs_helm
def test_the_same_chart_of_an_application_is_lost(tmp_path: Path) -> None:
    files = {**CHART, "chart/templates/x.yaml": '{{ required "say which team" .Values.team }}\n'}
    checked = Checked(tmp_path, {**files, "app.yaml": APPLICATION.replace("path: over", "path: chart")})
    assert "Application argocd/web: `helm template` failed" in checked.left()[0][1]
    assert checked.code == 4


def test_sources_that_nobody_here_can_render_are_named(tmp_path: Path) -> None:
    sources = (
        "{path: jsonnet}",
        "{path: plugin, plugin: {name: x}}",
        "{chart: redis, targetRevision: '1'}",
        "{path: nowhere}",
    )
    applications = "---\n".join(
        APPLICATION.replace("name: web,", f"name: app-{n},").replace(
            "{repoURL: https://git.example.com/config.git, path: over, targetRevision: main}",
            source.replace("{", "{repoURL: https://git.example.com/config.git, ", 1),
        )
        for n, source in enumerate(sources)
    )
    files = {
        "apps.yaml": applications,
        "jsonnet/a.jsonnet": "{}",
        "jsonnet/b.yaml": SERVICE,
        "plugin/a.yaml": SERVICE,
        "chart/Chart.yaml": "name: x\n",
    }
    said = "\n".join(message for _, message in Checked(tmp_path, files, "--no-render").left())
    assert "argocd/app-0: `jsonnet` holds Jsonnet" in said
    assert "argocd/app-1: `plugin` is rendered by a plugin" in said
    assert "argocd/app-2: the chart `redis` of https://git.example.com/config.git is not among the inputs" in said
    assert "argocd/app-3: `nowhere` of https://git.example.com/config.git is not among the inputs" in said


SEEN = [(("simulate",), "Rollout shop-dev/cart"), (("route", "cart-canary.shop-dev"), "100 %")]


@needs_kustomize
@pytest.mark.parametrize(("command", "shown"), SEEN)
def test_simulate_and_route_see_what_is_rendered(
    command: tuple[str, ...], shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = str(ROOT / "fixtures" / "workspaces" / "gitops-kustomize" / "input")
    run([*command, workspace, "--no-cache"])
    assert shown in capsys.readouterr().out
    run([*command, workspace, "--no-render"])
    assert shown not in capsys.readouterr().out
