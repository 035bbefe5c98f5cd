"""Path patterns of the configuration: `.gitignore` syntax, relative to the configuration file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from rolloutlint.settings import Settings


def matcher(patterns: Iterable[str]) -> Callable[[str], bool]:
    """A predicate on slash-separated relative paths. Raises `ValueError` for a pattern git would refuse."""
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(patterns).match_file


def relative_to_config(settings: Settings, file: str) -> str:
    """`file` (a display path, relative to the working directory) relative to the configuration file's directory."""
    directory = os.path.dirname(settings.config_file)
    if directory:
        try:
            file = os.path.relpath(file, directory)
        except ValueError:  # another drive on Windows: no pattern of ours can mean it
            return file
    return file.replace(os.sep, "/").removeprefix("./")
