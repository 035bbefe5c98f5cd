"""The command line as a process: exit codes, what goes to which stream, fixes, and what is imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

WAITING = """\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web, namespace: shop}
spec:
  strategy:
    canary:
      steps:
        - setWeight: 20
        - pause: {}
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: web:1
"""
CLEAN = WAITING.replace("pause: {}", "pause: {duration: 10m}")
WRONG = WAITING.replace("pause: {}", "pause: {duration: 5 minutes}")
ERROR = ("--select", "RL101", "--severity", "RL101=error")
UNUSED = CLEAN.replace("setWeight: 20", "setWeight: 20 # rolloutlint: ignore RL101 -- once needed")
SUPPRESSION_RULES = ("--select", "RL101,RL901")


def run(*arguments: str, given: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    plain = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "TERM")}
    return subprocess.run(
        [sys.executable, "-m", "rolloutlint", *arguments],
        input=given,
        stdin=subprocess.DEVNULL if given is None else None,
        capture_output=True,
        text=True,
        check=False,
        env={**plain, "PYTHONPATH": str(ROOT), "TERM": "xterm", **environment},
    )


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("web.yaml").write_text(WAITING)
    Path("clean.yaml").write_text(CLEAN)
    return tmp_path


# ---- exit codes ----------------------------------------------------------------------------------------------


def test_nothing_found_is_0():
    done = run("check", "clean.yaml", "--select", "RL101")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_finding_below_the_limit_is_0_and_at_it_1():
    assert run("check", "web.yaml", "--select", "RL101").returncode == 0
    assert run("check", "web.yaml", "--select", "RL101", "--fail-on", "warning").returncode == 1
    assert run("check", "web.yaml", *ERROR).returncode == 1
    assert run("check", "web.yaml", *ERROR, "--exit-zero").returncode == 0


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["check", "--nonsense"], "nonsense"),
        (["nonsense"], "nonsense"),
        (["check", "absent.yaml"], "absent.yaml: no such file or directory"),
        (["check", "web.yaml", "-f", "pdf"], "unknown format `pdf`"),
        (["check", "web.yaml", "--select", "RL999"], "unknown rule `RL999`"),
        (["check", "web.yaml", "--profile", "strikt"], "did you mean `strict`?"),
        (["check", "web.yaml", "--severity", "RL101=bad"], "--severity"),
        (["check", "web.yaml", "--target", "rollouts=new"], "--target"),
        (["check", "web.yaml", "--max-pause", "soon"], "--max-pause"),
        (["check", "web.yaml", "--max-first-share", "half"], "--max-first-share: `half`: write a percentage"),
        (["check", "web.yaml", "--max-exposure", "0"], "--max-exposure: `0`: write a number of percent-minutes"),
        (["check", "web.yaml", "--min-evidence", "-1"], "--min-evidence: `-1`: write a whole number"),
        (["check", "web.yaml", "--max-time-to-detect", "soon"], "--max-time-to-detect: `soon`: write a Go duration"),
        (["check", "web.yaml", "--max-duration", "1d"], "--max-duration: `1d`: write a Go duration"),
        (["check", "web.yaml", "--config", "absent.yaml"], "--config: absent.yaml: no such file"),
        (["check", "web.yaml", "-f", "json=no/such/dir/x"], "cannot write no/such/dir/x"),
        (["rules", "--profile", "x"], "unknown profile `x`"),
    ],
)
def test_usage_errors_are_2_and_say_why_on_stderr(arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_to_lint_is_3_unless_allowed():
    Path("empty").mkdir()
    assert run("check", "empty").returncode == 3
    done = run("check", "empty", "--allow-empty")
    assert done.returncode == 0
    assert "nothing to lint" in done.stderr


def test_lost_input_is_4_even_with_findings():
    Path("binary.yaml").write_bytes(b"\0\1\2")
    assert run("check", "web.yaml", "binary.yaml", *ERROR).returncode == 4


def test_a_file_that_is_no_utf8_is_a_finding_and_not_nothing():
    Path("latin.yaml").write_bytes(b"kind: \xe9\n")
    assert run("check", "latin.yaml", "--select", "RL011").returncode == 1


def test_a_bad_configuration_is_2_with_its_place():
    Path(".rolloutlint.yaml").write_text("profile: strict\nignore: RL101\n")
    done = run("check", "web.yaml")
    assert done.returncode == 2
    assert ".rolloutlint.yaml:2:9: `ignore` must be a list" in done.stderr
    assert run("check", "clean.yaml", "--no-config", "--select", "RL101").returncode == 0


# ---- standard input and output -------------------------------------------------------------------------------


def test_a_dash_reads_standard_input():
    done = run("check", "-", *ERROR, "-f", "json", given=WAITING)
    assert json.loads(done.stdout)["findings"][0]["file"] == "<stdin>"


def test_standard_input_may_have_a_name():
    done = run("check", "-", *ERROR, "--stdin-filename", "apps/web.yaml", "-f", "json", given=WAITING)
    assert json.loads(done.stdout)["findings"][0]["file"] == "apps/web.yaml"
    assert done.returncode == 1


def test_without_a_dash_standard_input_is_not_read():
    assert json.loads(run("check", "clean.yaml", *ERROR, "-f", "json", given=WAITING).stdout)["findings"] == []


@pytest.mark.parametrize("form", ["json", "sarif", "gitlab"])
def test_machine_formats_leave_nothing_else_on_stdout(form: str) -> None:
    Path("binary.yaml").write_bytes(b"\0\1")
    json.loads(run("check", "web.yaml", "binary.yaml", "-f", form, *ERROR).stdout)


def test_several_formats_go_to_several_places():
    done = run("check", "web.yaml", *ERROR, "-f", "text", "-f", "json=out.json", "-f", "sarif=out.sarif")
    assert "RL101" in done.stdout
    assert json.loads(Path("out.json").read_text())["findings"]
    assert json.loads(Path("out.sarif").read_text())["runs"]


def test_quiet_prints_nothing_on_success_only():
    assert run("check", "clean.yaml", "--select", "RL101", "-q").stdout == ""
    assert run("check", "web.yaml", *ERROR, "-q").stdout != ""


@pytest.mark.parametrize(
    "flags, environment, colored",
    [
        ([], {}, False),
        (["--color", "always"], {}, True),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
        ([], {"FORCE_COLOR": "1"}, True),
        ([], {"FORCE_COLOR": "0"}, False),
        ([], {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (["--color", "never"], {"FORCE_COLOR": "1"}, False),
    ],
)
def test_color_is_a_choice(flags: list[str], environment: dict[str, str], colored: bool) -> None:
    done = run("check", "web.yaml", *ERROR, *flags, **environment)
    assert ("\x1b[" in done.stdout) is colored


def test_a_reader_that_leaves_early_is_no_error():
    Path("many.yaml").write_text("---\n".join(WAITING.replace("name: web", f"name: web{i}") for i in range(800)))
    command = [sys.executable, "-m", "rolloutlint", "check", "many.yaml", *ERROR, "-v"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    process.wait()
    assert errors == b""


# ---- fixes ---------------------------------------------------------------------------------------------------


def test_fix_changes_the_file_and_reports_what_is_left():
    Path("web.yaml").write_text(UNUSED)
    os.chmod("web.yaml", 0o640)
    done = run("check", "web.yaml", *SUPPRESSION_RULES, "--fix")
    assert Path("web.yaml").read_text() == CLEAN
    assert Path("web.yaml").stat().st_mode & 0o777 == 0o640
    assert "applied 1 edit" in done.stderr
    assert done.returncode == 0
    assert [p.name for p in Path().iterdir() if p.name.startswith(".rolloutlint-")] == []


def test_fixing_twice_changes_nothing_more():
    Path("web.yaml").write_text(UNUSED)
    run("check", "web.yaml", *SUPPRESSION_RULES, "--fix")
    first = Path("web.yaml").read_bytes()
    assert "applied" not in run("check", "web.yaml", *SUPPRESSION_RULES, "--fix").stderr
    assert Path("web.yaml").read_bytes() == first


def test_a_byte_order_mark_and_crlf_survive_a_fix():
    Path("web.yaml").write_bytes(b"\xef\xbb\xbf" + UNUSED.replace("\n", "\r\n").encode())
    run("check", "web.yaml", *SUPPRESSION_RULES, "--fix")
    assert Path("web.yaml").read_bytes() == b"\xef\xbb\xbf" + CLEAN.replace("\n", "\r\n").encode()


def test_diff_shows_the_change_and_makes_none():
    Path("web.yaml").write_text(UNUSED)
    done = run("check", "web.yaml", *SUPPRESSION_RULES, "--diff")
    assert (
        "-        - setWeight: 20 # rolloutlint: ignore RL101 -- once needed\n+        - setWeight: 20\n" in done.stdout
    )
    assert Path("web.yaml").read_text() == UNUSED
    assert done.returncode == 1
    assert run("check", "clean.yaml", *SUPPRESSION_RULES, "--diff").returncode == 0


def test_a_link_is_fixed_where_it_leads():
    Path("real").mkdir()
    Path("real/web.yaml").write_text(UNUSED)
    Path("link.yaml").symlink_to("real/web.yaml")
    run("check", "link.yaml", *SUPPRESSION_RULES, "--fix")
    assert Path("link.yaml").is_symlink()
    assert Path("real/web.yaml").read_text() == CLEAN


# ---- the other commands --------------------------------------------------------------------------------------


def test_files_that_would_be_read_are_listed():
    Path("sub").mkdir()
    Path("sub/binary.txt").write_text("x")
    done = run("check", ".", "--show-files")
    assert done.stdout.split() == ["clean.yaml", "web.yaml"]
    assert done.returncode == 0


@pytest.mark.parametrize("rule", ["RL101", "pause-without-deadline"])
def test_a_rule_is_explained_by_id_and_name(rule: str) -> None:
    done = run("explain", rule)
    assert done.returncode == 0
    assert "RL101" in done.stdout
    assert "## When to ignore" in done.stdout


def test_an_explanation_as_json_holds_the_page():
    told = json.loads(run("explain", "RL101", "--format", "json").stdout)
    assert told["id"] == "RL101"
    assert told["page"].startswith("# pause-without-deadline")


def test_an_unknown_rule_gets_a_suggestion():
    done = run("explain", "pause-without-deadlin")
    assert done.returncode == 2
    assert "did you mean `pause-without-deadline`?" in done.stderr


def test_rules_are_listed_for_programs():
    rules = json.loads(run("rules", "--format", "json").stdout)
    assert [r["id"] for r in rules] == sorted(r["id"] for r in rules)
    assert {"id", "name", "summary", "severity", "profiles", "fix"} <= set(rules[0])


def test_the_configuration_in_force_tells_its_origin():
    Path(".rolloutlint.yaml").write_text("profile: strict\nfail-on: warning\n")
    shown = run("config", "show", "--fail-on", "note").stdout
    assert ".rolloutlint.yaml:1" in shown
    fail_on = next(line for line in shown.splitlines() if line.startswith("fail-on:"))
    assert "note" in fail_on


def test_a_rule_tells_why_it_is_off():
    done = run("config", "show", "--rule", "RL101", "--ignore", "RL101")
    assert done.returncode == 0
    assert "off" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_for_the_shell(shell: str) -> None:
    if shell == "bash" and not any(os.access(p, os.X_OK) for p in ("/bin/bash", "/usr/bin/bash")):
        pytest.skip("click asks bash for its version, and there is no bash")
    done = run("completion", shell)
    assert done.returncode == 0
    assert "_ROLLOUTLINT_COMPLETE" in done.stdout


# ---- start-up ------------------------------------------------------------------------------------------------


LISTING = """
import atexit, sys
atexit.register(lambda: print(*sys.modules, sep="\\n", file=sys.stderr))
from rolloutlint.__main__ import main
main()
"""


def imported(*arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", LISTING, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return set(done.stderr.split())


def test_the_version_is_told_before_anything_is_imported():
    assert run("--version").stdout.startswith("rolloutlint ")
    modules = imported("--version")
    assert "rolloutlint" in modules
    assert modules.isdisjoint({"click", "yaml", "re", "dataclasses", "typing", "json", "rolloutlint.cli.main"})


def test_checking_one_clean_file_imports_nothing_heavy():
    heavy = {
        *("networkx", "jsonschema", "sarif_om", "ruamel", "ruamel.yaml", "pathspec", "importlib.metadata"),
        *("subprocess", "socket", "asyncio", "multiprocessing", "email", "http", "urllib.request", "html"),
        *("xml.etree.ElementTree", "difflib", "tempfile", "configparser", "logging", "random", "json.tool"),
        *("yaml", "dataclasses", "tomllib", "rolloutlint.source.compose", "rolloutlint.fix", "rolloutlint.cli.fixing"),
        *("rolloutlint.lang.jqpath", "rolloutlint.controllers.ignore_differences", "rolloutlint.controllers.writes"),
        *("rolloutlint.checks.gitops", "rolloutlint.report.json", "rolloutlint.report.sarif"),
        *("rolloutlint.change.objects", "rolloutlint.plan.make", "rolloutlint.backtest.make", "urllib3"),
        *("rolloutlint.rendering", "rolloutlint.origins", "rolloutlint.inputs.render", "concurrent.futures"),
    }
    if sys.version_info < (3, 11):
        heavy.remove("subprocess")  # click imports uuid, and there uuid imports it
    modules = imported("check", "clean.yaml")
    assert "rolloutlint.checks.strategy" in modules
    assert sorted(modules & heavy) == []
