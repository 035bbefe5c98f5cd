"""The process in which jq runs, started by its file name: one request a line, one answer a line.

It imports nothing of this project, may use little memory and open no files, and the kernel ends it when one
expression takes too long.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from typing import Any


def main(seconds: float, memory: int) -> None:
    """Answer requests `[expression, manifest]` with `["value", ...]`, `["failed", reason]` or `["refused", reason]`."""
    import jq

    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    for line in sys.stdin:
        expression, manifest = json.loads(line)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        answer = evaluate(jq, expression, manifest)
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def evaluate(jq: Any, expression: str, manifest: Any) -> list[Any]:
    """What `del(expression)` leaves of `manifest`."""
    try:
        program = jq.compile(f"del({expression})")
    except ValueError as error:
        return ["refused", str(error)[:200]]
    try:
        results = program.input_text(json.dumps(manifest, sort_keys=True)).all()
    except ValueError as error:
        return ["failed", str(error)[:200]]
    return ["value", results[0]] if len(results) == 1 else ["failed", "more or fewer than one result"]


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
