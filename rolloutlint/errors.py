"""The only exceptions that rolloutlint raises on purpose.

Everything that is wrong with a *manifest* is a finding, never an exception.
"""

from __future__ import annotations


class RolloutlintError(Exception):
    """Base of all deliberate errors; `exit_code` is what the command line returns for it."""

    exit_code = 4


class UsageError(RolloutlintError):
    """The command line or the configuration asks for something that cannot be done.

    The message is complete: it names the file, line and column where there is one, and says what to do.
    """

    exit_code = 2
