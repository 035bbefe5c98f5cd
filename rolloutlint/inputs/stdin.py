"""Standard input as a source: read when `-` was given, and only then."""

from __future__ import annotations

import sys
from typing import BinaryIO

from rolloutlint.finding import Incomplete
from rolloutlint.inputs.files import LIMIT, refuse_binary, too_large, unreadable

STDIN = "-"
"""The argument that means standard input, and the `path` of its candidate."""

NAME = "<stdin>"
"""How standard input is shown where the user gave no name for it."""


def read_stdin(name: str = NAME, stream: BinaryIO | None = None, limit: int = LIMIT) -> bytes | Incomplete:
    """Everything on standard input (or `stream`), at most `limit` bytes; otherwise why not.

    A second call finds nothing more: `discover` gives `-` one candidate however often it is named.
    """
    try:
        data = (stream or sys.stdin.buffer).read(limit + 1)
    except OSError as error:
        return unreadable(name, error)
    if len(data) > limit:
        return too_large(name, len(data), limit)
    return refuse_binary(data, name, asked_for=True)
