from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from rolloutlint.errors import UsageError
from rolloutlint.inputs.discover import discover


def write(root: Path, files: dict[str, str]) -> None:
    for file, text in files.items():
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def found(root: Path, *paths: str, **options: object) -> list[str]:
    return [c.name for c in discover(paths or ["."], cwd=str(root), **options).candidates]  # type: ignore[arg-type]


TREE = [
    "a.yaml",
    "keep.yaml",
    "build/a.yaml",
    "build/keep.yaml",
    "apps/a.yaml",
    "apps/build/x.yaml",
    "apps/deep/er/a.yaml",
    "apps/deep/er/keep.yaml",
    "apps/keep/a.yaml",
    "apps/out/a.yaml",
    "out/a.yaml",
    "foo bar.yaml",
    "x[1].yaml",
    "#a.yaml",
    "!a.yaml",
    "tmp/a/b.yaml",
]
CASES = [
    {".gitignore": "build/\n"},
    {".gitignore": "/out\n"},
    {".gitignore": "*.yaml\n!keep.yaml\n"},
    {".gitignore": "*.yaml\n!keep\n"},
    {".gitignore": "apps/*\n!apps/keep\n"},
    {".gitignore": "/*\n!/apps\n"},
    {".gitignore": "/*\n!/apps/\n/apps/*\n!/apps/keep/\n"},
    {".gitignore": "apps/\n!apps/a.yaml\n"},
    {".gitignore": "**/er/*\n!**/keep.yaml\n"},
    {".gitignore": "apps/**/a.yaml\n"},
    {".gitignore": "tmp/**\n!tmp/a\n"},
    {".gitignore": "*\n!*/\n!a.yaml\n"},
    {".gitignore": "\\#a.yaml\n\\!a.yaml\n# comment\n\nfoo bar.yaml  \nx\\[1\\].yaml\n"},
    {".gitignore": "*.yaml\r\n!keep.yaml\r\n"},
    {".gitignore": "\ufeffbuild/\n"},
    {".gitignore": "a.yaml\n", "apps/.gitignore": "!a.yaml\n/build\n"},
    {".gitignore": "apps/deep\n", "apps/deep/.gitignore": "!*\n"},
    {"apps/.gitignore": "deep/er/*\n!deep/er/keep.yaml\n"},
    {".git/info/exclude": "keep.yaml\n", "apps/.gitignore": "!keep.yaml\n"},
    {".gitignore": "er\nk[a-f]ep.yaml\n?.yaml\n"},
]


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize("rules", CASES, ids=[repr(c)[:60] for c in CASES])
def test_ignore_files_mean_what_they_mean_to_git(tmp_path: Path, rules: dict[str, str]) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    write(tmp_path, {**dict.fromkeys(TREE, ""), **rules})
    command = ["git", "-c", "core.excludesFile=", "ls-files", "-z", "--others", "--exclude-standard", "*.yaml"]
    listed = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True).stdout.decode()
    assert found(tmp_path) == sorted(filter(None, listed.split("\0")))


def test_ignore_files_above_the_argument_count_up_to_the_git_root(tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": "*\n", "repo/.gitignore": "b.yaml\n"})
    write(tmp_path, {"repo/.git/HEAD": "", "repo/x/a.yaml": "", "repo/x/b.yaml": ""})
    assert found(tmp_path / "repo" / "x") == ["a.yaml"]


def test_without_a_git_root_ignore_files_count_from_the_argument_down(tmp_path: Path) -> None:
    write(tmp_path, {"x/.gitignore": "b.yaml\n", ".gitignore": "a.yaml\n", "x/a.yaml": "", "x/b.yaml": ""})
    assert found(tmp_path, "x") == ["x/a.yaml"]


def test_a_repository_inside_another_has_rules_of_its_own(tmp_path: Path) -> None:
    write(tmp_path, {".git/HEAD": "", ".gitignore": "a.yaml\n", "sub/.git": "gitdir: ../x\n", "sub/a.yaml": ""})
    assert found(tmp_path) == ["sub/a.yaml"]


def test_an_ignored_file_or_directory_is_read_when_given(tmp_path: Path) -> None:
    write(tmp_path, {".git/HEAD": "", ".gitignore": "out/\nx.yaml\n", "out/a.yaml": "", "x.yaml": ""})
    assert found(tmp_path, "out", "x.yaml") == ["out/a.yaml", "x.yaml"]


def test_force_exclude_leaves_out_even_what_is_given(tmp_path: Path) -> None:
    write(tmp_path, {".git/HEAD": "", ".gitignore": "out/\n", "out/a.yaml": "", "old/b.yaml": "", "c.yaml": ""})
    options = {"exclude": ["old"], "force_exclude": True}
    assert found(tmp_path, "out", "out/a.yaml", "old", "old/b.yaml", "c.yaml", **options) == ["c.yaml"]


def test_gitignore_can_be_turned_off(tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": "a.yaml\n", "a.yaml": ""})
    assert found(tmp_path, use_gitignore=False) == ["a.yaml"]


def test_exclude_patterns_start_at_the_project_root(tmp_path: Path) -> None:
    write(tmp_path, {".git/HEAD": "", "x/a.yaml": "", "x/x/a.yaml": "", "old/a.yaml": "", "x/b.yaml": ""})
    assert found(tmp_path / "x", "..", exclude=["/x/a.yaml", "old/"]) == ["b.yaml", "x/a.yaml"]


def test_an_excluded_directory_is_read_when_given(tmp_path: Path) -> None:
    write(tmp_path, {"vendor/kit/a.yaml": ""})
    assert found(tmp_path, "vendor/kit", exclude=["vendor/"]) == ["vendor/kit/a.yaml"]


def test_a_bad_exclude_pattern_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="`!`"):
        found(tmp_path, exclude=["!"])


def test_a_bad_line_in_an_ignore_file_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": "!\nb.yaml\n", "a.yaml": "", "b.yaml": ""})
    assert found(tmp_path) == ["a.yaml"]


def test_a_linked_work_tree_obeys_the_exclude_file_of_the_main_one(tmp_path: Path) -> None:
    write(tmp_path, {"main/.git/info/exclude": "b.yaml\n", "main/.git/worktrees/w/commondir": "../..\n"})
    write(tmp_path, {"w/.git": "gitdir: ../main/.git/worktrees/w\n", "w/a.yaml": "", "w/b.yaml": ""})
    assert found(tmp_path / "w") == ["a.yaml"]
