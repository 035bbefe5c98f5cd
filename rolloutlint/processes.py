"""One piece of work divided among processes, for large inputs on several cores.

Workers are forks: they see what the parent has loaded without copying or pickling it, and only answers travel back.
Where that is not possible the parent does all of it; the answers are the same either way.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn, TypeVar

MOST_WORKERS = 4
"""More do not help: what is not divided, loading and placing, then takes longest."""

T = TypeVar("T")
R = TypeVar("R")


def cores() -> int:
    """How many processes can run at once; 1 where workers cannot be forked safely."""
    if not sys.platform.startswith("linux"):
        return 1
    return min(MOST_WORKERS, len(os.sched_getaffinity(0)))


def divided(work: Callable[[Sequence[T]], R], items: Sequence[T], workers: int) -> list[R]:
    """The answers of `work` for consecutive shares of `items`, in their order, each from a process of its own.

    The last share is the parent's. `work` must not depend on what other shares do; its answers must be picklable. A
    worker that dies leaves its share to the parent, so that an error shows as it would without workers.
    """
    if workers < 2 or len(items) < workers:
        return [work(items)]
    size = -(-len(items) // workers)
    *others, own = [items[start : start + size] for start in range(0, len(items), size)]
    sys.stdout.flush()
    sys.stderr.flush()
    gc.freeze()  # a collection would write to every object, and so copy it
    try:
        pipes = [_fork(work, share) for share in others]
        last = work(own)
        return [*(_answer(pid, end, work, share) for (pid, end), share in zip(pipes, others, strict=True)), last]
    finally:
        gc.unfreeze()


def _fork(work: Callable[[Sequence[T]], R], share: Sequence[T]) -> tuple[int, int]:
    """Process id of a worker for one share, and the end of the pipe through which it will answer."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _serve(work, share, writing)
    os.close(writing)
    return pid, reading


def _serve(work: Callable[[Sequence[T]], R], share: Sequence[T], writing: int) -> NoReturn:
    """Answer and end, without running anything that the parent will run at its own end."""
    code = 1
    try:
        import pickle

        gc.disable()
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(work(share), pipe, pickle.HIGHEST_PROTOCOL)
        code = 0
    finally:
        os._exit(code)


def _answer(pid: int, reading: int, work: Callable[[Sequence[T]], R], share: Sequence[T]) -> R:
    with os.fdopen(reading, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(pid, 0)
    if status != 0:
        return work(share)
    import pickle

    answer: R = pickle.loads(data)
    return answer
