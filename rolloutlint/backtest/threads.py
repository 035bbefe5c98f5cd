"""Questions asked several at a time, by threads that nobody waits for who has given up."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def answered(ask: Callable[[T], R], questions: Sequence[T], threads: int) -> Iterator[tuple[int, R]]:
    """The number of each question with its answer, in the order of the answers; what `ask` raises is raised here.

    Whoever stops iterating, or is interrupted, leaves at once: no further question is asked, and the threads are
    daemons, so that the end of the program waits for none of their answers (it would for `concurrent.futures`).
    """
    todo: queue.SimpleQueue[int] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, R] | BaseException] = queue.SimpleQueue()
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            try:
                number = todo.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((number, ask(questions[number])))
            except BaseException as error:
                done.put(error)

    for number in range(len(questions)):
        todo.put(number)
    for _ in range(min(max(1, threads), len(questions))):
        threading.Thread(target=serve, daemon=True).start()
    try:
        for _ in questions:
            answer = done.get()
            if isinstance(answer, BaseException):
                raise answer
            yield answer
    finally:
        over.set()
