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

BLOCK = 256
"""Most items that are dealt to a worker at once: neighbours share what is remembered about them."""

T = TypeVar("T")
R = TypeVar("R")


def cores() -> int:
    """How many processes can run at once; 1 where workers cannot be forked safely."""
    if not sys.platform.startswith("linux"):
        return 1
    return min(MOST_WORKERS, len(os.sched_getaffinity(0)))


def divided(work: Callable[[Sequence[T]], R], items: Sequence[T], workers: int, block: int = 0) -> list[R]:
    """The answers of `work` for consecutive blocks of so many `items` (0 chooses), in their order.

    The blocks are dealt to the workers in turn, since neighbours are often alike in what they cost; the parent is one
    of them. `work` must not depend on what it did with other blocks; its answers must be picklable. A worker that dies
    leaves its blocks to the parent, so that an error shows as it would without workers.
    """
    block = block or max(1, min(BLOCK, len(items) // (4 * workers)))
    blocks = [items[start : start + block] for start in range(0, len(items), block)]
    workers = min(workers, len(blocks))
    if workers < 2:
        return [work(items)]
    own, *others = [blocks[first::workers] for first in range(workers)]
    sys.stdout.flush()
    sys.stderr.flush()
    gc.freeze()  # a collection would write to every object, and so copy it
    try:
        pipes = [_fork(work, share) for share in others]
        answers = [[work(some) for some in own]]
        answers += [_answer(*pipe, work, share) for pipe, share in zip(pipes, others, strict=True)]
    finally:
        gc.unfreeze()
    return [answers[at % workers][at // workers] for at in range(len(blocks))]


def _fork(work: Callable[[Sequence[T]], R], share: Sequence[Sequence[T]]) -> tuple[int, int]:
    """Process id of a worker for some blocks, and the end of the pipe through which it will answer."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _serve(work, share, writing)
    os.close(writing)
    return pid, reading


def _serve(work: Callable[[Sequence[T]], R], share: Sequence[Sequence[T]], writing: int) -> NoReturn:
    """Answer and end, without running anything that the parent will run at its own end."""
    code = 1
    try:
        import pickle

        gc.disable()
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump([work(some) for some in share], pipe, pickle.HIGHEST_PROTOCOL)
        code = 0
    finally:
        os._exit(code)


def _answer(pid: int, reading: int, work: Callable[[Sequence[T]], R], share: Sequence[Sequence[T]]) -> list[R]:
    with os.fdopen(reading, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(pid, 0)
    if status != 0:
        return [work(some) for some in share]
    import pickle

    answers: list[R] = pickle.loads(data)
    return answers
