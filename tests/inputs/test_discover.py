from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from rolloutlint.errors import UsageError
from rolloutlint.inputs.discover import Discovery, discover, read
from rolloutlint.inputs.files import read_path
from rolloutlint.inputs.stdin import read_stdin

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"


def write(root: Path, *files: str, text: str = "kind: Service\n") -> None:
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def names(found: Discovery) -> list[str]:
    return [c.name for c in found.candidates]


def left_out(found: Discovery) -> list[tuple[str, str]]:
    return [(i.source, i.reason) for i in found.incomplete]


def test_a_directory_gives_its_yaml_and_json_in_order_of_name(tmp_path: Path) -> None:
    write(tmp_path, "b/x.yml", "a.YAML", "c.json", "notes.txt", "b/a.yaml")
    found = discover(["."], cwd=str(tmp_path))
    assert names(found) == ["a.YAML", "b/a.yaml", "b/x.yml", "c.json"]
    assert {c.root for c in found.candidates} == {"."}


def test_an_explicit_file_may_have_any_name(tmp_path: Path) -> None:
    write(tmp_path, "manifest.txt")
    (candidate,) = discover(["manifest.txt"], cwd=str(tmp_path)).candidates
    assert (candidate.name, candidate.root, candidate.explicit) == ("manifest.txt", "", True)


def test_a_path_outside_the_working_directory_is_shown_absolute(tmp_path: Path) -> None:
    write(tmp_path, "other/x.yaml", "here/y.yaml")
    assert names(discover(["../other"], cwd=str(tmp_path / "here"))) == [f"{tmp_path}/other/x.yaml"]


def test_a_file_given_twice_is_read_once_and_counts_as_explicit(tmp_path: Path) -> None:
    write(tmp_path, "a/x.yaml")
    for paths in (["a", "a/x.yaml", "./a/x.yaml"], ["a/x.yaml", "a"]):
        (candidate,) = discover(paths, cwd=str(tmp_path)).candidates
        assert candidate.explicit


def test_the_order_of_arguments_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, "a/b/x.yaml", "a/y.yaml", "c/z.yaml")
    paths = ["a", "a/b", "c", "c/z.yaml"]
    assert discover(paths, cwd=str(tmp_path)) == discover(paths[::-1], cwd=str(tmp_path))


def test_a_missing_path_is_a_usage_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^gone\.yaml: no such file or directory$"):
        discover(["gone.yaml"], cwd=str(tmp_path))


def test_a_path_through_a_file_is_a_usage_error(tmp_path: Path) -> None:
    write(tmp_path, "x.yaml")
    with pytest.raises(UsageError):
        discover(["x.yaml/y"], cwd=str(tmp_path))


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_a_path_no_file_can_have_is_a_usage_error(tmp_path: Path, path: str) -> None:
    with pytest.raises(UsageError):
        discover([path], cwd=str(tmp_path))


def test_directories_of_tools_are_skipped_and_other_hidden_ones_read(tmp_path: Path) -> None:
    write(tmp_path, ".git/x.yaml", "node_modules/x.yaml", ".venv/x.yaml", ".deploy/x.yaml")
    write(tmp_path, "env/x.yaml", "env/pyvenv.cfg")
    assert names(discover(["."], cwd=str(tmp_path))) == [".deploy/x.yaml"]


def test_a_skipped_directory_is_read_when_given(tmp_path: Path) -> None:
    write(tmp_path, ".cache/x.yaml")
    assert names(discover([".cache"], cwd=str(tmp_path))) == [".cache/x.yaml"]


def test_a_file_name_that_is_no_utf8_is_shown_escaped(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/\xff.yaml"
    with open(raw, "wb") as handle:
        handle.write(b"kind: Service\n")
    (candidate,) = discover(["."], cwd=str(tmp_path)).candidates
    assert candidate.name == "\\xff.yaml"
    assert read(candidate) == b"kind: Service\n"


def test_a_quoted_glob_is_expanded_with_double_stars(tmp_path: Path) -> None:
    write(tmp_path, "apps/a/prod/r.yaml", "apps/b/prod/r.yaml", "apps/b/test/r.yaml", "apps/prod/r.yaml")
    found = discover(["apps/**/prod/*.yaml"], cwd=str(tmp_path))
    assert names(found) == ["apps/a/prod/r.yaml", "apps/b/prod/r.yaml", "apps/prod/r.yaml"]
    assert {(c.root, c.explicit) for c in found.candidates} == {("apps", False)}


def test_a_glob_that_matches_directories_walks_them(tmp_path: Path) -> None:
    write(tmp_path, "apps/a/x/r.yaml", "apps/a/x/notes.txt", "lib/r.yaml")
    assert names(discover(["ap*"], cwd=str(tmp_path))) == ["apps/a/x/r.yaml"]


def test_a_glob_takes_other_extensions_only_when_it_spells_them(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "b.yaml")
    assert names(discover(["*"], cwd=str(tmp_path))) == ["b.yaml"]
    assert names(discover(["*.txt"], cwd=str(tmp_path))) == ["a.txt"]


def test_a_glob_without_a_match_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="glob"):
        discover(["*.yaml"], cwd=str(tmp_path))


def test_a_file_whose_name_looks_like_a_glob_is_itself(tmp_path: Path) -> None:
    write(tmp_path, "[a].yaml", "a.yaml")
    assert names(discover(["[a].yaml"], cwd=str(tmp_path))) == ["[a].yaml"]


def test_a_glob_obeys_gitignore(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", "b.yaml")
    (tmp_path / ".gitignore").write_text("b.yaml\n")
    assert names(discover(["*.yaml"], cwd=str(tmp_path))) == ["a.yaml"]


def test_links_within_the_tree_are_read_once_under_the_real_name(tmp_path: Path) -> None:
    write(tmp_path, "real/x.yaml")
    (tmp_path / "a").symlink_to("real")
    (tmp_path / "b.yaml").symlink_to("real/x.yaml")
    found = discover(["."], cwd=str(tmp_path))
    assert (names(found), left_out(found)) == (["real/x.yaml"], [])


def test_a_link_to_a_skipped_directory_is_followed(tmp_path: Path) -> None:
    write(tmp_path, "node_modules/kit/deploy/x.yaml")
    (tmp_path / "deploy").symlink_to("node_modules/kit/deploy")
    assert names(discover(["."], cwd=str(tmp_path))) == ["deploy/x.yaml"]


def test_a_link_to_a_directory_above_it_is_listed_as_a_loop(tmp_path: Path) -> None:
    write(tmp_path, "a/x.yaml")
    (tmp_path / "a" / "up").symlink_to("..")
    found = discover(["."], cwd=str(tmp_path))
    assert (names(found), left_out(found)) == (["a/x.yaml"], [("a/up", "symlink")])
    assert not found.incomplete[0].lost


def test_links_that_point_at_each_other_are_listed(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    found = discover(["."], cwd=str(tmp_path))
    assert left_out(found) == [("a", "symlink"), ("b", "symlink")]


def test_directories_that_link_into_each_other_end(tmp_path: Path) -> None:
    write(tmp_path, "a/x.yaml", "b/y.yaml")
    (tmp_path / "a" / "b").symlink_to("../b")
    (tmp_path / "b" / "a").symlink_to("../a")
    assert names(discover(["."], cwd=str(tmp_path))) == ["a/x.yaml", "b/y.yaml"]


def test_a_link_out_of_the_tree_is_listed_and_not_followed(tmp_path: Path) -> None:
    write(tmp_path, "out/x.yaml", "in/y.yaml")
    (tmp_path / "in" / "dir").symlink_to("../out")
    (tmp_path / "in" / "file.yaml").symlink_to("../out/x.yaml")
    found = discover(["in"], cwd=str(tmp_path))
    assert names(found) == ["in/y.yaml"]
    assert left_out(found) == [("in/dir", "symlink"), ("in/file.yaml", "symlink")]


def test_a_link_out_of_the_tree_to_what_is_read_anyway_is_not_listed(tmp_path: Path) -> None:
    write(tmp_path, "out/x.yaml", "in/y.yaml")
    (tmp_path / "in" / "dir").symlink_to("../out")
    found = discover(["in", "out"], cwd=str(tmp_path))
    assert (names(found), left_out(found)) == (["in/y.yaml", "out/x.yaml"], [])


def test_a_dangling_link_is_listed_but_not_the_lock_of_an_editor(tmp_path: Path) -> None:
    (tmp_path / "gone.yaml").symlink_to("nowhere")
    (tmp_path / ".#x.yaml").symlink_to("user@host.1")
    assert left_out(discover(["."], cwd=str(tmp_path))) == [("gone.yaml", "symlink")]


def test_a_dangling_link_given_by_name_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "gone.yaml").symlink_to("nowhere")
    with pytest.raises(UsageError, match="nowhere, which does not exist"):
        discover(["gone.yaml"], cwd=str(tmp_path))


def test_a_loop_given_by_name_is_lost_input(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").symlink_to("x.yaml")
    (entry,) = discover(["x.yaml"], cwd=str(tmp_path)).incomplete
    assert (entry.reason, entry.lost) == ("symlink", True)


@pytest.mark.parametrize("paths", [["."], ["pipe.yaml"]])
def test_a_fifo_is_lost_input_and_never_opened(tmp_path: Path, paths: list[str]) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (entry,) = discover(paths, cwd=str(tmp_path)).incomplete
    assert (entry.source, entry.reason, entry.lost) == ("pipe.yaml", "unreadable", True)
    assert "FIFO" in entry.message


def test_a_device_given_by_name_is_lost_input(tmp_path: Path) -> None:
    (entry,) = discover([os.devnull], cwd=str(tmp_path)).incomplete
    assert (entry.lost, "character device" in entry.message) == (True, True)


def test_reading_a_fifo_or_a_socket_does_not_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        pipe, sock = read_path("pipe", "pipe"), read_path("socket", "socket")
    assert not isinstance(pipe, bytes)
    assert not isinstance(sock, bytes)
    assert ("FIFO" in pipe.message, "a socket" in sock.message) == (True, True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_without_permission_a_file_and_a_directory_are_lost_input(tmp_path: Path) -> None:
    write(tmp_path, "x.yaml", "closed/y.yaml")
    (tmp_path / "x.yaml").chmod(0)
    (tmp_path / "closed").chmod(0)
    found = discover(["."], cwd=str(tmp_path))
    (tmp_path / "closed").chmod(0o755)
    entry = read(found.candidates[0])
    assert not isinstance(entry, bytes)
    assert ("permission denied" in entry.message, entry.lost) == (True, True)
    assert left_out(found) == [("closed", "unreadable")]
    assert found.incomplete[0].lost


def test_a_file_that_vanishes_is_lost_input(tmp_path: Path) -> None:
    write(tmp_path, "x.yaml")
    (candidate,) = discover(["."], cwd=str(tmp_path)).candidates
    (tmp_path / "x.yaml").unlink()
    entry = read(candidate)
    assert not isinstance(entry, bytes)
    assert (entry.reason, entry.lost, "vanished" in entry.message) == ("unreadable", True, True)


def test_a_huge_file_is_lost_input_and_not_read(tmp_path: Path) -> None:
    with open(tmp_path / "x.yaml", "wb") as handle:
        handle.truncate(65 * 1024 * 1024)
    entry = read(discover(["."], cwd=str(tmp_path)).candidates[0])
    assert not isinstance(entry, bytes)
    assert (entry.reason, entry.lost) == ("too-large", True)


def test_a_file_of_a_pseudo_file_system_is_read_to_its_end() -> None:
    if not os.path.exists("/proc/self/status"):
        pytest.skip("there is no /proc here")
    data = read_path("/proc/self/status", "status")
    assert isinstance(data, bytes)
    assert data.startswith(b"Name:")


@pytest.mark.parametrize("paths, lost", [(["."], False), (["x.yaml"], True)])
def test_a_binary_file_is_lost_only_when_it_was_asked_for(tmp_path: Path, paths: list[str], lost: bool) -> None:
    (tmp_path / "x.yaml").write_bytes(b"a\0b")
    entry = read(discover(paths, cwd=str(tmp_path)).candidates[0])
    assert not isinstance(entry, bytes)
    assert (entry.reason, entry.lost) == ("binary", lost)


def test_utf_16_with_a_byte_order_mark_is_no_binary_file(tmp_path: Path) -> None:
    data = "kind: Service\n".encode("utf-16")
    (tmp_path / "x.yaml").write_bytes(data)
    assert read(discover(["x.yaml"], cwd=str(tmp_path)).candidates[0]) == data


def test_a_file_locked_by_git_crypt_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"\0GITCRYPT\0rest")
    entry = read(discover(["x.yaml"], cwd=str(tmp_path)).candidates[0])
    assert not isinstance(entry, bytes)
    assert ("git-crypt" in entry.message, entry.lost) == (True, False)


def test_a_dash_gives_standard_input_once(tmp_path: Path) -> None:
    (candidate,) = discover(["-", "-"], cwd=str(tmp_path)).candidates
    assert (candidate.name, candidate.path, candidate.explicit) == ("<stdin>", "-", True)


def test_standard_input_replaces_the_file_it_is_named_after(tmp_path: Path) -> None:
    write(tmp_path, "a/x.yaml", "a/y.yaml")
    found = discover(["a", "-"], cwd=str(tmp_path), stdin_filename="a/x.yaml")
    assert [(c.name, c.path == "-") for c in found.candidates] == [("a/x.yaml", True), ("a/y.yaml", False)]


def test_standard_input_is_read_to_its_end_and_no_further_than_the_limit() -> None:
    source, sink = os.pipe()
    os.write(sink, b"kind: Service\n")
    os.close(sink)
    with os.fdopen(source, "rb") as stream:
        entry = read_stdin("<stdin>", stream, limit=4)
        assert not isinstance(entry, bytes)
        assert (entry.reason, entry.lost) == ("too-large", True)
        assert read_stdin("<stdin>", stream) == b" Service\n"


def chart(root: Path, directory: str) -> None:
    write(root, f"{directory}/Chart.yaml", f"{directory}/values.yaml", f"{directory}/values-prod.yaml")
    write(root, f"{directory}/templates/a.yaml", f"{directory}/templates/sub/b.yaml")


def test_a_chart_is_one_entry_that_counts_its_templates(tmp_path: Path) -> None:
    chart(tmp_path, "web")
    found = discover(["."], cwd=str(tmp_path))
    assert (names(found), left_out(found)) == ([], [("web", "chart")])
    assert "2 templates" in found.incomplete[0].message
    assert not found.incomplete[0].lost


def test_definitions_and_other_files_of_a_chart_are_read(tmp_path: Path) -> None:
    chart(tmp_path, "web")
    write(tmp_path, "web/crds/crd.yaml", "web/argocd/app.yaml")
    assert names(discover(["."], cwd=str(tmp_path))) == ["web/argocd/app.yaml", "web/crds/crd.yaml"]


def test_subcharts_belong_to_their_parent(tmp_path: Path) -> None:
    chart(tmp_path, "web")
    chart(tmp_path, "web/charts/db")
    found = discover(["."], cwd=str(tmp_path))
    assert (names(found), left_out(found)) == ([], [("web", "chart")])
    assert "4 templates" in found.incomplete[0].message


def test_charts_side_by_side_are_an_entry_each(tmp_path: Path) -> None:
    chart(tmp_path, "charts/a")
    chart(tmp_path, "charts/b")
    found = discover(["."], cwd=str(tmp_path))
    assert left_out(found) == [("charts/a", "chart"), ("charts/b", "chart")]


@pytest.mark.parametrize("path", ["templates", "templates/sub/b.yaml", "values.yaml", "Chart.yaml"])
def test_a_part_of_a_chart_given_by_name_stands_for_the_chart(tmp_path: Path, path: str) -> None:
    chart(tmp_path, "web")
    found = discover([f"web/{path}"], cwd=str(tmp_path))
    assert (names(found), left_out(found)) == ([], [("web", "chart")])


def test_a_directory_named_charts_without_a_chart_above_is_read(tmp_path: Path) -> None:
    write(tmp_path, "charts/templates/values.yaml")
    assert names(discover(["."], cwd=str(tmp_path))) == ["charts/templates/values.yaml"]


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the shared corpus is not beside the checkout")
def test_the_corpus_is_read_whole() -> None:
    found = discover([str(CORPUS)], cwd=str(CORPUS))
    assert ("argo-rollouts/examples/helm-blue-green", "chart") in left_out(found)
    assert all(isinstance(read(c), bytes) for c in found.candidates)
    assert len(found.candidates) > 500
