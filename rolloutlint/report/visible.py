"""Text from manifests made harmless: nothing a name contains may move a cursor, reorder a line or start a command.

Names and snippets come from files that anyone may have written. Whatever does not print is shown as an escape.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

_TAB = "    "
_WORKFLOW_COMMAND = "##["
"""The older spelling of GitHub's workflow commands, which the runner finds anywhere in a line."""

_ENCODE = json.JSONEncoder(ensure_ascii=False).encode
_ENCODE_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_BEYOND_ASCII = re.compile("[^ -~]+")


def _escape(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def visible(text: str) -> str:
    """`text` on one line: control, bidi, zero-width and other unprintable characters as `\\x1b` or `\\u202e`."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else _escape(c) for c in text)
    return text.replace(_WORKFLOW_COMMAND, "\\x23#[") if _WORKFLOW_COMMAND in text else text


def no_command(line: str) -> str:
    """A visible line that does not begin with `::`, where GitHub's runner would read a workflow command."""
    bare = line.lstrip()
    return f"{line[: len(line) - len(bare)]}\\x3a{bare[1:]}" if bare.startswith("::") else line


def cells(line: str) -> Iterator[tuple[str, int]]:
    """For each character of a source line, what is shown for it and how many terminal cells that takes."""
    for index, char in enumerate(line):
        if char == "\t":
            yield _TAB, len(_TAB)
        elif not char.isprintable() or line.startswith(_WORKFLOW_COMMAND, index):
            shown = _escape(char)
            yield shown, len(shown)
        elif char.isascii():
            yield char, 1
        elif unicodedata.category(char) in ("Mn", "Me"):
            yield char, 0
        else:
            yield char, 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cell_width(text: str) -> int:
    """Terminal cells that printable `text` takes."""
    return len(text) if text.isascii() else sum(width for _, width in cells(text))


def middle_out(text: str, width: float, width_of: Callable[[str], float], gap: str) -> str:
    """`text`, with its middle left out where it is wider than `width`: names differ at both ends."""
    if width_of(text) <= width:
        return text
    for keep in range(len(text) - 1, 1, -1):
        head = (keep + 1) // 2
        shown = f"{text[:head]}{gap}{text[len(text) - (keep - head) :]}"
        if width_of(shown) <= width:
            return shown
    return gap


def json_text(value: Any, *, compact: bool = False) -> str:
    """`value` as one line of JSON that is also safe to print: what `visible` hides is a `\\u` escape.

    Lone surrogates (undecodable bytes of a file name) become U+FFFD, since strict readers refuse them.
    """
    text = (_ENCODE_COMPACT if compact else _ENCODE)(value)
    if not text.isascii() or "\x7f" in text:
        text = _BEYOND_ASCII.sub(_json_escape, text)
    return text.replace(_WORKFLOW_COMMAND, "\\u0023#[")


def _json_escape(match: re.Match[str]) -> str:
    run = match[0]
    if run.isprintable():
        return run
    return "".join(
        c if c.isprintable() else "\\ufffd" if "\ud800" <= c <= "\udfff" else _json_character(c) for c in run
    )


def _json_character(char: str) -> str:
    return "\\u007f" if char == "\x7f" else json.dumps(char)[1:-1]
