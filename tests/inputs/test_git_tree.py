"""The files of a commit: which are there, under which names, and what is said of those that cannot be."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from rolloutlint.errors import RolloutlintError, UsageError
from rolloutlint.inputs import git
from rolloutlint.inputs.git import opened
from tests.repository import Repository

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 1\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    made = Repository(tmp_path / "repo")
    monkeypatch.chdir(made.top)
    return made


def held(root: str) -> dict[str, str]:
    """Path -> content of all files below `root` that are no part of `.git`."""
    return {
        str(path.relative_to(root)): path.read_text()
        for path in sorted(Path(root).rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(root).parts
    }


def test_files_are_those_of_the_commit_and_not_of_the_work_tree(repository: Repository) -> None:
    repository.commit({"a.yaml": "a: 1\n", "gone.yaml": "b: 1\n"})
    repository.write({"a.yaml": "a: 2\n", "new.yaml": "c: 1\n"})
    (repository.top / "gone.yaml").unlink()
    with opened("HEAD", ["."]) as there:
        assert held(there.root) == {"a.yaml": "a: 1\n", "gone.yaml": "b: 1\n"}


def test_nothing_is_left_behind(repository: Repository) -> None:
    repository.commit({"a.yaml": "a: 1\n"})
    with opened("HEAD", ["."]) as there:
        assert os.path.isdir(there.root)
        assert os.stat(there.root).st_mode & 0o077 == 0
    assert not os.path.lexists(there.root)


def test_nothing_is_left_behind_by_a_failure(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({"a.yaml": "a: 1\n"})
    monkeypatch.setattr(git, "_SHARED_MEMORY", str(tmp_path / "missing"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(KeyError), opened("HEAD", ["."]) as there:
        held(there.root)["missing"]
    assert os.path.dirname(there.root) == str(tmp_path)
    assert list(tmp_path.glob("rolloutlint-*")) == []


def test_work_tree_and_index_stay_as_they_are(repository: Repository) -> None:
    repository.commit({"a.yaml": "a: 1\n"})
    repository.write({"a.yaml": "a: 2\n"})
    index = (repository.top / ".git" / "index").read_bytes()
    with opened("HEAD", ["."]):
        pass
    assert (repository.top / "a.yaml").read_text() == "a: 2\n"
    assert (repository.top / ".git" / "index").read_bytes() == index


def test_names_count_from_the_working_directory(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.commit({"apps/cart/a.yaml": "a: 1\n"})
    monkeypatch.chdir(repository.top / "apps")
    with opened("HEAD", ["cart"]) as there:
        assert os.path.relpath(there.base, there.root) == "apps"
        assert [os.path.relpath(path, there.base) for path in there.paths] == ["cart"]


def test_names_count_from_the_top_for_paths_outside_of_the_working_directory(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({"apps/a.yaml": "a: 1\n", "base/b.yaml": "b: 1\n"})
    monkeypatch.chdir(repository.top / "apps")
    with opened("HEAD", ["../base"]) as there:
        assert there.base == there.root
        assert there.shown_from == str(repository.top)
        assert [os.path.relpath(path, there.base) for path in there.paths] == ["base"]


def test_repository_is_that_of_the_paths_when_they_lie_elsewhere(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({"a.yaml": "a: 1\n"})
    monkeypatch.chdir(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.chdir(other)
    with opened("HEAD", [str(repository.top)]) as there:
        assert held(there.root) == {"a.yaml": "a: 1\n"}


def test_what_lies_outside_of_the_paths_is_there_for_kustomize_and_helm(repository: Repository) -> None:
    repository.commit({"apps/kustomization.yaml": "resources: [../base]\n", "base/b.yaml": "b: 1\n", "base/k.key": "x"})
    with opened("HEAD", ["apps"]) as there:
        assert set(held(there.root)) == {"apps/kustomization.yaml", "base/b.yaml", "base/k.key"}


def test_outside_of_the_paths_only_sources_of_manifests_are_read_above_the_limit(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({"apps/x.bin": "12345678\n", "src/main.c": "123456789012345\n", "base/b.yaml": "b: 1\n"})
    monkeypatch.setattr(git, "ELSEWHERE_BYTES", 10)
    with opened("HEAD", ["apps"]) as there:
        assert set(held(there.root)) == {"apps/x.bin", "base/b.yaml"}
        assert there.incomplete == ()


def test_what_is_not_read_outside_of_the_paths_is_said(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.commit({"apps/x.yaml": "a: 1\n", "base/b.yaml": "b: 1\n", ".gitignore": "*.tmp\n"})
    monkeypatch.setattr(git, "ELSEWHERE_FILES", 1)
    with opened("HEAD", ["apps"]) as there:
        assert set(held(there.root)) == {"apps/x.yaml", ".gitignore"}
        assert [(i.reason, i.lost) for i in there.incomplete] == [("unresolved", False)]


def test_paths_that_the_commit_does_not_have_are_named(repository: Repository) -> None:
    repository.commit({"a.yaml": "a: 1\n"})
    with opened("HEAD", ["a.yaml", "b.yaml", "x/*.yaml"]) as there:
        assert [os.path.basename(path) for path in there.paths] == ["a.yaml"]
        assert there.absent == ("b.yaml", "x/*.yaml")


def test_globs_are_matched_in_the_commit(repository: Repository) -> None:
    repository.commit({"x/a.yaml": "a: 1\n"})
    (repository.top / "x" / "a.yaml").unlink()
    with opened("HEAD", ["x/*.yaml"]) as there:
        assert len(there.paths) == 1


@pytest.mark.parametrize("ref", ["HEAD~1", "v1", "first", "origin/main"])
def test_branches_tags_remotes_and_expressions_name_commits(repository: Repository, ref: str) -> None:
    repository.commit({"a.yaml": "a: 1\n"})
    repository.git("branch", "first")
    repository.git("tag", "-a", "-m", "v1", "v1")
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    repository.commit({"a.yaml": "a: 2\n"})
    with opened(ref, ["."]) as there:
        assert held(there.root) == {"a.yaml": "a: 1\n"}


def test_names_with_spaces_line_breaks_and_other_letters_are_kept(repository: Repository) -> None:
    names = {"a b.yaml": "1\n", "zwei\nzeilen.yaml": "2\n", "größe/ä.yaml": "3\n", "-x.yaml": "4\n"}
    repository.commit(names)
    with opened("HEAD", ["."]) as there:
        assert held(there.root) == names


def test_large_and_empty_files_are_whole(repository: Repository) -> None:
    repository.commit({"large.yaml": "# 0123456789\n" * 200_000, "empty.yaml": ""})
    with opened("HEAD", ["."]) as there:
        assert (Path(there.root) / "large.yaml").stat().st_size == 2_600_000
        assert (Path(there.root) / "empty.yaml").stat().st_size == 0


# ---- links, submodules, pointers, strange trees --------------------------------------------------------------


def test_links_within_the_tree_are_followed(repository: Repository) -> None:
    (repository.top / "apps").mkdir()
    os.symlink("../real", repository.top / "apps" / "link")
    repository.commit({"real/a.yaml": "a: 1\n"})
    with opened("HEAD", ["apps"]) as there:
        assert (Path(there.root) / "apps" / "link" / "a.yaml").read_text() == "a: 1\n"
        assert there.incomplete == ()


@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside.yaml", "hop/../../outside.yaml"])
def test_links_out_of_the_tree_are_refused_and_said(repository: Repository, target: str) -> None:
    os.symlink(target, repository.top / "a.yaml")
    repository.commit({"hop/x.yaml": "x: 1\n"})
    with opened("HEAD", ["."]) as there:
        assert not os.path.lexists(os.path.join(there.root, "a.yaml"))
        assert [(i.source, i.reason, i.lost) for i in there.incomplete] == [("a.yaml", "symlink", True)]
        assert target in there.incomplete[0].message


def test_a_link_through_another_link_out_of_the_tree_is_refused(repository: Repository) -> None:
    os.symlink("sub/deep", repository.top / "up")
    os.symlink("up/../../../x.yaml", repository.top / "a.yaml")
    repository.commit({"sub/deep/x.yaml": "x: 1\n"})
    with opened("HEAD", ["."]) as there:
        assert sorted(os.listdir(there.root)) == [".git", "sub", "up"]


def test_a_submodule_is_named_and_lost_where_the_work_tree_has_its_files(repository: Repository) -> None:
    head = repository.commit({"a.yaml": "a: 1\n"})
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{head},modules/x")
    repository.git("commit", "-q", "-m", "Submodule")
    with opened("HEAD", ["."]) as there:
        assert [(i.source, i.lost) for i in there.incomplete] == [("modules/x", False)]
        assert "submodule" in there.incomplete[0].message
    repository.write({"modules/x/b.yaml": "b: 1\n"})
    with opened("HEAD", ["."]) as there:
        assert [(i.source, i.lost) for i in there.incomplete] == [("modules/x", True)]


def test_a_pointer_of_git_lfs_is_no_manifest(repository: Repository) -> None:
    repository.commit({"a.yaml": POINTER, "b.yaml": "b: 1\n"})
    with opened("HEAD", ["."]) as there:
        assert set(held(there.root)) == {"b.yaml"}
        assert [(i.source, i.lost) for i in there.incomplete] == [("a.yaml", True)]
        assert "Git LFS" in there.incomplete[0].message


@pytest.mark.parametrize("name", ["..", ".git", ".GIT"])
def test_a_tree_cannot_write_outside_of_its_directory(repository: Repository, name: str) -> None:
    made = repository.commit_tree([("100644", name, "x"), ("100644", "a.yaml", "a: 1\n")])
    with opened(made, ["."]) as there:
        assert held(there.root) == {"a.yaml": "a: 1\n"}
        assert [i.lost for i in there.incomplete] == [True]


def test_a_tree_cannot_write_through_a_link_of_its_own(repository: Repository, tmp_path: Path) -> None:
    inner = repository.git("hash-object", "-w", "--stdin", stdin=b"bad")
    sub = repository.git("mktree", stdin=f"100644 blob {inner}\tx.yaml\n".encode())
    link = repository.git("hash-object", "-w", "--stdin", stdin=str(tmp_path).encode())
    tree = b"120000 d\0" + bytes.fromhex(link) + b"40000 d\0" + bytes.fromhex(sub)
    made = repository.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=tree)
    with opened(repository.git("commit-tree", made, "-m", "x"), ["."]):
        assert not (tmp_path / "x.yaml").exists()


def test_the_name_of_the_repository_goes_along(repository: Repository) -> None:
    repository.git("remote", "add", "origin", "https://user:secret@git.example/acme/config-repo.git")
    repository.commit({"a.yaml": "a: 1\n"})
    with opened("HEAD", ["."]) as there:
        assert git.repository_name(there.root) == "config-repo"
        assert "secret" not in (Path(there.root) / ".git" / "config").read_text()


def test_a_linked_work_tree_is_a_repository_too(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.git("remote", "add", "origin", "https://git.example/acme/config-repo.git")
    repository.commit({"a.yaml": "a: 1\n"})
    repository.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "other")
    monkeypatch.chdir(tmp_path / "linked")
    with opened("main", ["."]) as there:
        assert held(there.root) == {"a.yaml": "a: 1\n"}
        assert git.repository_name(there.root) == "config-repo"


def test_a_bare_repository_has_commits(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.commit({"a.yaml": "a: 1\n"})
    repository.git("clone", "-q", "--bare", str(repository.top), str(tmp_path / "bare"))
    monkeypatch.chdir(tmp_path / "bare")
    with opened("main", ["."]) as there:
        assert held(there.root) == {"a.yaml": "a: 1\n"}


# ---- what goes wrong -----------------------------------------------------------------------------------------


def refusal(ref: str, paths: list[str]) -> str:
    with pytest.raises(UsageError) as caught, opened(ref, paths):
        pass
    return str(caught.value)


def test_outside_of_a_repository_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "is in no git repository" in refusal("HEAD", ["."])


def test_the_inside_of_a_repository_is_no_place_to_run_from(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({"a.yaml": "a: 1\n"})
    monkeypatch.chdir(repository.top / ".git")
    assert "run from its work tree" in refusal("HEAD", ["."])


@pytest.mark.parametrize(("ref", "meant"), [("mian", "git:main"), ("release", "git:origin/release")])
def test_an_unknown_ref_suggests_one_that_is_near(repository: Repository, ref: str, meant: str) -> None:
    repository.commit({"a.yaml": "a: 1\n"})
    repository.git("update-ref", "refs/remotes/origin/release", "HEAD")
    assert f"`{ref}` names no commit" in refusal(ref, ["."])
    assert f"did you mean `{meant}`?" in refusal(ref, ["."])


@pytest.mark.parametrize("ref", ["", "--output=x", "-x", "main:apps", "main..other", "a b", "a\nb"])
def test_what_can_be_no_ref_is_refused_before_git_sees_it(
    repository: Repository, ref: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({"a.yaml": "a: 1\n"})
    assert "names no commit: " in refusal(ref, ["."])


def test_an_unborn_branch_has_no_commit(repository: Repository) -> None:
    assert "`HEAD` names no commit" in refusal("HEAD", ["."])


def test_a_shallow_clone_says_how_to_get_the_commit(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({"a.yaml": "a: 1\n"})
    repository.git("branch", "feature")
    clone = str(tmp_path / "clone")
    repository.git("clone", "-q", "--depth=1", "--branch=feature", f"file://{repository.top}", clone)
    monkeypatch.chdir(clone)
    said = refusal("origin/main", ["."])
    assert "git fetch origin main" in said
    assert "fetch-depth: 0" in said


def test_a_path_outside_of_the_repository_is_refused(repository: Repository, tmp_path: Path) -> None:
    repository.commit({"a.yaml": "a: 1\n"})
    assert "is outside of the repository" in refusal("HEAD", [".", str(tmp_path / "other")])


def test_a_partial_clone_fetches_nothing(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({"a.yaml": "a: 1\n"})
    repository.git("config", "uploadpack.allowFilter", "true")
    clone = str(tmp_path / "clone")
    repository.git("clone", "-q", "--no-checkout", "--filter=blob:none", f"file://{repository.top}", clone)
    monkeypatch.chdir(clone)
    with pytest.raises(RolloutlintError, match="a partial clone"), opened("HEAD", ["."]):
        pass
    left = subprocess.run(
        ("git", "rev-list", "--objects", "--missing=print", "HEAD"), capture_output=True, text=True, check=True
    )
    assert "?" in left.stdout


def test_the_environment_of_a_hook_does_not_lead_elsewhere(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({"a.yaml": "a: 1\n"})
    other = Repository(tmp_path / "other")
    other.commit({"b.yaml": "b: 1\n"})
    monkeypatch.setenv("GIT_DIR", str(other.top / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.top / ".git" / "index"))
    with opened("HEAD", ["."]) as there:
        assert set(held(there.root)) == {"a.yaml"}


def test_the_configuration_of_the_repository_runs_nothing(repository: Repository, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    for key in ("core.fsmonitor", "core.pager", "core.sshCommand", "filter.x.smudge", "diff.x.textconv"):
        repository.git("config", key, f"touch {mark}")
    repository.commit({"a.yaml": "a: 1\n", ".gitattributes": "*.yaml filter=x diff=x\n"})
    mark.unlink(missing_ok=True)
    with opened("HEAD", ["."]):
        pass
    assert not mark.exists()


def test_without_git_it_is_said(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "needs the program git" in refusal("HEAD", ["."])


def test_git_that_hangs_is_ended(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(git, "TIME_LIMIT", 0.2)
    assert "did not answer within 0.2 s" in refusal("HEAD", ["."])
