"""A renderer that hangs, fails, complains, prints without end or looks around; and what is kept of its output."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from rolloutlint.inputs.render import LIMITS, Cache, Failure, Rendered, Renderer, Request, Tools
from rolloutlint.inputs.render.process import first_line, run
from rolloutlint.inputs.render.tools import Tool, find_tools

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the renderers of these tests are scripts")


def program(directory: Path, body: str, name: str = "fake") -> str:
    path = directory / name
    path.write_text(f"#!{sys.executable}\nimport os, subprocess, sys, time\n{body}\n")
    path.chmod(0o755)
    return str(path)


def outcome(tmp_path: Path, body: str, **limits: float) -> tuple[bytes, str]:
    found = run([program(tmp_path, body), "--", "x"], str(tmp_path), str(tmp_path), **limits)  # type: ignore[arg-type]
    return found.output, found.error


def test_the_output_is_given(tmp_path: Path) -> None:
    assert outcome(tmp_path, "print(*sys.argv[1:])") == (b"-- x\n", "")


def test_one_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    child = "import time; time.sleep(600)"
    body = f"subprocess.Popen([sys.executable, '-c', {child!r}])\nprint('x', flush=True)\ntime.sleep(600)"
    assert outcome(tmp_path, body, time_limit=1.0) == (b"", "did not end within 1 s")


def test_one_that_leaves_a_child_behind_is_not_waited_for(tmp_path: Path) -> None:
    child = "import time; time.sleep(600)"
    body = f"subprocess.Popen([sys.executable, '-c', {child!r}])\nprint('x')"
    assert outcome(tmp_path, body, time_limit=2.0)[1] == "did not end within 2 s"


def test_one_that_fails_is_quoted(tmp_path: Path) -> None:
    body = "print('# Warning: old field\\nError: no such file: a.yaml\\nmore', file=sys.stderr)\nsys.exit(3)"
    assert outcome(tmp_path, body) == (b"", "no such file: a.yaml")


def test_one_that_fails_without_a_word_has_an_exit_code(tmp_path: Path) -> None:
    assert outcome(tmp_path, "sys.exit(3)") == (b"", "failed with exit code 3")


def test_what_it_says_beside_its_output_is_no_failure(tmp_path: Path) -> None:
    assert outcome(tmp_path, "print('careful', file=sys.stderr)\nprint('a: 1')") == (b"a: 1\n", "")


def test_endless_output_is_cut_off(tmp_path: Path) -> None:
    body = "while True: os.write(1, b'x' * 65536)"
    assert outcome(tmp_path, body, output_limit=1 << 20, time_limit=30.0) == (b"", "printed more than 1024 KiB")


def test_endless_complaints_do_not_block_it(tmp_path: Path) -> None:
    assert outcome(tmp_path, "sys.stderr.write('x' * 10_000_000)\nprint('a: 1')") == (b"a: 1\n", "")


def test_a_program_that_cannot_be_started_is_said(tmp_path: Path) -> None:
    assert run([str(tmp_path / "none")], str(tmp_path), str(tmp_path)).error.startswith("cannot be started")


def test_it_sees_no_configuration_and_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELM_NAMESPACE", "prod")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("https_proxy", "http://proxy.example.com")
    output, _ = outcome(tmp_path, "print(sorted(os.environ.items()))")
    seen = dict(eval(output))
    assert seen["HOME"] == seen["TMPDIR"] == str(tmp_path)
    assert seen["https_proxy"] == seen["HTTPS_PROXY"] == "http://127.0.0.1:9"
    assert seen["GIT_ALLOW_PROTOCOL"] == "none"
    assert not {"HELM_NAMESPACE", "AWS_SECRET_ACCESS_KEY"} & set(seen)


@pytest.mark.parametrize(
    "said, shown",
    [
        (b"", ""),
        (b"\n  \nWARNING: x\nError: y\n", "y"),
        (b"WARNING: only this", "WARNING: only this"),
        (b"\x1b[31mred\x1b[0m", " [31mred [0m"),
        (b"\xff", "�"),
        (b"x" * 5000, "x" * 2000),
        (b'E1121 14:59:46.36 1 run.go:72] "command failed" err="no \\"a\\""', 'no "a"'),
    ],
)
def test_the_line_that_tells_something_is_found(said: bytes, shown: str) -> None:
    assert first_line(said) == shown


COUNTING = "open(os.environ['PATH'].split(':')[0] + '/runs', 'a').write('x')\nprint('apiVersion: v1\\nkind: Service')"


class Counted:
    """A renderer whose program counts its runs."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, body: str = COUNTING) -> None:
        monkeypatch.setenv("PATH", f"{root}{os.pathsep}{os.environ['PATH']}")
        (root / "kustomization.yaml").write_text("resources: [a.yaml]\n")
        (root / "a.yaml").write_text("apiVersion: v1\nkind: Service\n")
        self.root = root
        self.path = program(root, body, "kustomize")
        self.cache = Cache(str(root / "cache"))

    def render(self, **options: object) -> Rendered | Failure:
        tools = Tools(Tool("kustomize", (self.path, "build"), "1"))
        renderer = Renderer(tools, self.cache, str(self.root), LIMITS._replace(seconds=20))
        return renderer.render([Request("kustomize", str(self.root), "out", options)])[0]

    @property
    def runs(self) -> int:
        return len((self.root / "runs").read_text())


def test_the_same_content_is_rendered_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(tmp_path, monkeypatch)
    first, second = counted.render(), counted.render()
    assert isinstance(first, Rendered)
    assert first == second
    assert counted.runs == 1


def test_any_other_byte_or_option_is_rendered_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(tmp_path, monkeypatch)
    counted.render()
    (tmp_path / "a.yaml").write_text("apiVersion: v1\nkind: Service \n")
    counted.render()
    counted.render(namePrefix="a-")
    assert counted.runs == 3


def test_a_kept_output_that_was_cut_short_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(tmp_path, monkeypatch)
    first = counted.render()
    (entry,) = (tmp_path / "cache").iterdir()
    entry.write_bytes(entry.read_bytes()[:-1])
    assert counted.render() == first
    assert counted.runs == 2


def test_failures_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(tmp_path, monkeypatch, COUNTING + "\nsys.exit('Error: no')")
    failure = counted.render()
    assert isinstance(failure, Failure)
    assert (failure.message, failure.lost) == ("`kustomize build` failed: no", True)
    counted.render()
    assert counted.runs == 2


def test_a_cache_that_cannot_be_written_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(tmp_path, monkeypatch)
    (tmp_path / "file").write_text("")
    counted.cache = Cache(str(tmp_path / "file" / "below"))
    assert isinstance(counted.render(), Rendered)


def test_kustomize_is_preferred_to_kubectl_and_variables_to_both(tmp_path: Path) -> None:
    kubectl = program(tmp_path, "", "kubectl")
    assert find_tools({"PATH": str(tmp_path)}).kustomize == find_tools({"ROLLOUTLINT_KUSTOMIZE": kubectl}).kustomize
    assert find_tools({"PATH": str(tmp_path)}).kustomize[1] == (kubectl, "kustomize")  # type: ignore[index]
    kustomize = program(tmp_path, "", "kustomize")
    assert find_tools({"PATH": str(tmp_path)}).kustomize[1] == (kustomize, "build")  # type: ignore[index]
    assert find_tools({"PATH": "/nowhere"}) == Tools()
