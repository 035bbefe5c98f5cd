"""The name of the checked-out repository comes from git's own configuration file."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolloutlint.inputs.git import repository_name

REMOTE = '[remote "{name}"]\n\turl = {url}\n\tfetch = +refs/heads/*:refs/remotes/{name}/*\n'


def checkout(tmp_path: Path, text: str) -> str:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text(text)
    return str(tmp_path)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://git.example/acme/config-repo.git", "config-repo"),
        ("git@git.example:acme/config-repo.git", "config-repo"),
        ("git@git.example:config-repo", "config-repo"),
        ("/srv/git/config-repo/", "config-repo"),
    ],
)
def test_name_is_the_last_part_of_the_remote(tmp_path: Path, url: str, name: str) -> None:
    assert repository_name(checkout(tmp_path, REMOTE.format(name="origin", url=url))) == name


def test_origin_wins_over_other_remotes(tmp_path: Path) -> None:
    text = REMOTE.format(name="fork", url="/srv/other.git") + REMOTE.format(name="origin", url="/srv/mine.git")
    assert repository_name(checkout(tmp_path, text)) == "mine"


@pytest.mark.parametrize("text", ["", "[core]\n\tbare = false\n", "not an ini file"])
def test_without_a_remote_the_name_is_unknown(tmp_path: Path, text: str) -> None:
    assert repository_name(checkout(tmp_path, text)) == ""


def test_outside_a_checkout_the_name_is_unknown(tmp_path: Path) -> None:
    assert repository_name(str(tmp_path)) == ""
