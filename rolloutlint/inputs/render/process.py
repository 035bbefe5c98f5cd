"""One run of a renderer: without a shell, without a network, within limits of time and output.

The environment is made from nothing: a temporary home, no configuration of kubectl, helm or git, and proxies that
nobody answers at, so that a template or a plugin which still tries to reach something fails at once.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Sequence
from typing import IO, NamedTuple

TIME_LIMIT = 60.0
"""Seconds. kustomize needs 0.1 s for an ordinary overlay, helm 1 s for its largest charts."""
OUTPUT_LIMIT = 64 * 1024 * 1024
"""Bytes, as much as a file that is read may have."""
_MESSAGE_LIMIT = 64 * 1024
_LINE_LIMIT = 2000
_PASSED_ON = ("PATH", "SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "PATHEXT", "WINDIR", "LD_LIBRARY_PATH")
_LOGGED = re.compile(r'[IWEF]\d{4} .*\berr="(.*)"$')
"""A line of klog, as some builds of kubectl end with."""
_NOBODY = "http://127.0.0.1:9"


class Outcome(NamedTuple):
    """What came of a run: the output, or the reason why there is none."""

    output: bytes = b""
    error: str = ""
    """One line; empty where the run succeeded."""


def environment(home: str) -> dict[str, str]:
    """The environment of a renderer whose only place of its own is the directory `home`."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    proxies = {f"{scheme}_proxy": _NOBODY for scheme in ("http", "https", "all")}
    return {
        **kept,
        **proxies,
        **{name.upper(): value for name, value in proxies.items()},
        "HOME": home,
        "USERPROFILE": home,
        "TMPDIR": home,
        "TEMP": home,
        "TMP": home,
        "XDG_CONFIG_HOME": os.path.join(home, "config"),
        "XDG_CACHE_HOME": os.path.join(home, "cache"),
        "XDG_DATA_HOME": os.path.join(home, "data"),
        "HELM_PLUGINS": os.path.join(home, "plugins"),
        "KUBECONFIG": os.path.join(home, "kubeconfig"),
        "KUSTOMIZE_PLUGIN_HOME": os.path.join(home, "plugins"),
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "LANG": "C.UTF-8",
    }


def run(
    arguments: Sequence[str],
    directory: str,
    home: str,
    *,
    time_limit: float = TIME_LIMIT,
    output_limit: int = OUTPUT_LIMIT,
) -> Outcome:
    """Runs a program in `directory` and gives its standard output. Never raises; never leaves a process behind."""
    try:
        process = subprocess.Popen(
            arguments,
            cwd=directory,
            env=environment(home),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return Outcome(error=f"cannot be started: {getattr(error, 'strerror', None) or error}")
    stopped: list[str] = []
    ended = threading.Event()

    def stop(why: str) -> None:
        if not ended.is_set():
            stopped.append(why)
            _kill(process)

    timer = threading.Timer(time_limit, stop, (f"did not end within {time_limit:g} s",))
    timer.daemon = True
    timer.start()
    too_much = f"printed more than {output_limit // 1024} KiB"
    said: list[bytes] = []
    listener = threading.Thread(target=lambda: said.append(_read(process.stderr, _MESSAGE_LIMIT)[0]), daemon=True)
    listener.start()
    output, whole = _read(process.stdout, output_limit, lambda: stop(too_much))
    code = process.wait()
    ended.set()
    timer.cancel()
    _kill(process)  # children that it may have left
    listener.join(1)
    if stopped:
        return Outcome(error=stopped[0])
    if not whole:
        return Outcome(error=too_much)
    if code:
        how = f"was ended by signal {-code}" if code < 0 else f"failed with exit code {code}"
        return Outcome(error=first_line(b"".join(said)) or how)
    return Outcome(output)


def _read(stream: IO[bytes] | None, limit: int, overflow: object = None) -> tuple[bytes, bool]:
    """At most `limit` bytes; what comes after them is taken and dropped, so that the writer can end."""
    if stream is None:
        return b"", True
    parts: list[bytes] = []
    total = 0
    with stream:
        while data := stream.read1(1 << 16):  # type: ignore[attr-defined]
            if total <= limit:
                parts.append(data)
            elif callable(overflow):
                overflow()
            total += len(data)
    return b"".join(parts)[:limit], total <= limit


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends the program and, where the system knows process groups, whatever it has started."""
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, 9)
        else:
            process.kill()
    except OSError:
        pass  # it has ended by itself


def first_line(said: bytes) -> str:
    """The first line of a message that tells something: notices and decoration before it are passed over."""
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines()]
    telling = [line for line in lines if line and not line.startswith(("#", "WARNING", "Warning", "coalesce.go"))]
    logged = [found[1].replace('\\"', '"') for one in telling if (found := _LOGGED.match(one))]
    telling = logged or telling
    line = next((one for one in telling if one.lower().startswith("error")), (telling or lines or [""])[0])
    text = "".join(c if c.isprintable() else " " for c in line.removeprefix("Error: ").removeprefix("error: "))
    return text[:_LINE_LIMIT]
