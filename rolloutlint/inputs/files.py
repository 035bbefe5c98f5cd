"""Reading one file without ever blocking, and the names under which files are shown."""

from __future__ import annotations

import errno
import os
import stat

from rolloutlint.finding import Incomplete

LIMIT = 64 * 1024 * 1024
"""Bytes. A larger file is no manifest: the API server itself stops at about 1.5 MB an object."""

_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)  # opening a FIFO without a writer would wait for ever
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_SPECIAL = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)


def printable(name: str) -> str:
    """`name` with the bytes that are no UTF-8 spelled `\\xff`, so that every report can encode it."""
    if name.isascii():
        return name
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def display(path: str, cwd: str) -> str:
    """How the absolute `path` is shown: relative to `cwd` when below it, with forward slashes."""
    if path == cwd:
        return "."
    prefix = cwd if cwd.endswith(os.sep) else cwd + os.sep
    if path.startswith(prefix):
        path = path[len(prefix) :]
    if os.sep != "/":
        path = path.replace(os.sep, "/")
    return printable(path)


def below(path: str, directory: str) -> bool:
    """Whether the absolute `path` is `directory` or lies in it. Both are normalised."""
    return path == directory or path.startswith(directory if directory.endswith(os.sep) else directory + os.sep)


def special(name: str, mode: int) -> Incomplete:
    """The entry for something that is no regular file: reading it could block or have effects."""
    what = next((text for test, text in _SPECIAL if test(mode)), "no regular file")
    hint = "" if stat.S_ISDIR(mode) else "; pipe its content into `rolloutlint check -` instead"
    return Incomplete(name, "unreadable", f"{what}, which is never opened{hint}", lost=True)


def unreadable(name: str, error: OSError) -> Incomplete:
    """The entry for a file or directory that the operating system refused to open or read."""
    if error.errno == errno.ENOENT:
        why = "it vanished while rolloutlint was running"
    elif error.errno == errno.ELOOP:
        why = "its symbolic links form a loop"
    else:
        why = (error.strerror or str(error)).lower()
    return Incomplete(name, "unreadable", f"cannot be read: {why}", lost=True)


def too_large(name: str, size: int, limit: int) -> Incomplete:
    """The entry for a file of `size` bytes, more than the `limit` that is read into memory."""
    mebi = 1024 * 1024
    message = f"larger than {limit // mebi} MiB ({size // mebi} MiB or more): split it into smaller files"
    return Incomplete(name, "too-large", message, lost=True)


def read_path(path: str, name: str, limit: int = LIMIT) -> bytes | Incomplete:
    """The bytes of the regular file at `path`; otherwise why not, under the display name `name`.

    Never raises for what the file system does, never blocks, never holds more than `limit` bytes.
    """
    try:
        handle = os.open(path, _FLAGS)
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket, or a device that is not there
            return special(name, _mode(path))
        return unreadable(name, error)
    try:
        info = os.fstat(handle)
        if not stat.S_ISREG(info.st_mode):
            return special(name, info.st_mode)
        size = info.st_size
        if size > limit:
            return too_large(name, size, limit)
        data = os.read(handle, size + 1)
        if len(data) == size and size:
            return data
        parts = [data]
        total = len(data)
        while data and total <= limit:  # it grows, or a pseudo file system knows no sizes
            data = os.read(handle, 1 << 20)
            parts.append(data)
            total += len(data)
        return b"".join(parts) if total <= limit else too_large(name, total, limit)
    except OSError as error:
        return unreadable(name, error)
    finally:
        os.close(handle)


def _mode(path: str) -> int:
    try:
        return os.stat(path).st_mode
    except OSError:
        return 0


def refuse_binary(data: bytes, name: str, asked_for: bool) -> bytes | Incomplete:
    """`data` unless it is no text. A NUL is text only behind a byte order mark of UTF-16 or UTF-32.

    `asked_for`: the file was named by the user, so that not reading it loses input.
    """
    if b"\0" not in data or data.startswith(_WIDE_BOMS):
        return data
    if data.startswith(b"\0GITCRYPT\0"):
        return Incomplete(name, "binary", "encrypted by git-crypt: unlock the repository to have it read")
    message = "a binary file (it holds NUL bytes), no YAML or JSON text"
    return Incomplete(name, "binary", message, lost=asked_for)
