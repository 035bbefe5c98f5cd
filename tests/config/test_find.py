from __future__ import annotations

from pathlib import Path

import pytest

from rolloutlint.config import find_config


def test_the_nearest_file_is_found_from_a_directory_below(config: Path) -> None:
    (config / ".rolloutlint.yaml").write_text("profile: strict\n")
    (config / "apps" / "api").mkdir(parents=True)
    assert find_config("apps/api") == ".rolloutlint.yaml"


def test_a_nearer_file_hides_a_farther_one(config: Path) -> None:
    (config / ".rolloutlint.yaml").write_text("profile: strict\n")
    (config / "apps").mkdir()
    (config / "apps" / ".rolloutlint.yml").write_text("profile: strict\n")
    assert find_config("apps") == "apps/.rolloutlint.yml"


def test_the_search_ends_at_the_root_of_the_checkout(config: Path) -> None:
    (config / ".rolloutlint.yaml").write_text("profile: strict\n")
    (config / "repo" / ".git").mkdir(parents=True)
    (config / "repo" / "apps").mkdir()
    assert find_config("repo/apps") is None


def test_the_root_of_the_checkout_itself_is_searched(config: Path) -> None:
    (config / "repo" / ".git").mkdir(parents=True)
    (config / "repo" / ".rolloutlint.yaml").write_text("profile: strict\n")
    assert find_config("repo") == "repo/.rolloutlint.yaml"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[tool.rolloutlint]\nprofile = 'strict'\n", "pyproject.toml"),
        ("[tool.rolloutlint.severity]\nRL101 = 'note'\n", "pyproject.toml"),
        ("tool.rolloutlint.closed = true\n", "pyproject.toml"),
        ("[tool.rolloutlint]\nbroken = \n", "pyproject.toml"),
        ("[project]\nname = 'rolloutlint'\n", None),
        ("[tool.ruff]\nline-length = 110\n", None),
        ("tool = 5  # rolloutlint\n", None),
    ],
)
def test_a_pyproject_counts_only_with_our_table(config: Path, text: str, found: str | None) -> None:
    (config / "pyproject.toml").write_text(text)
    (config / ".git").mkdir()
    assert find_config(".") == found


def test_our_own_file_comes_before_a_pyproject_beside_it(config: Path) -> None:
    (config / "pyproject.toml").write_text("[tool.rolloutlint]\n")
    (config / ".rolloutlint.yaml").write_text("")
    assert find_config(".") == ".rolloutlint.yaml"
