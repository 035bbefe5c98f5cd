"""Work divided among processes gives what one process gives, also when a worker dies."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from rolloutlint.engine import lint_paths
from rolloutlint.processes import cores, divided
from rolloutlint.settings import Settings
from tests.harness import CATALOGUE

WORKSPACES = Path(__file__).parents[1] / "fixtures" / "workspaces"

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


def squares(share: Sequence[int]) -> list[int]:
    return [number * number for number in share]


@pytest.mark.parametrize("workers", [1, 2, 3, 7])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 10])
@pytest.mark.parametrize("block", [1, 2, 100])
def test_the_answers_come_in_the_order_of_the_items(workers: int, count: int, block: int) -> None:
    found = [number for answer in divided(squares, list(range(count)), workers, block) for number in answer]
    assert found == [number * number for number in range(count)]


def test_blocks_are_dealt_in_turn_and_the_parent_gets_the_first() -> None:
    ids = divided(lambda block: os.getpid(), [1, 2, 3, 4, 5], 3, 1)
    assert ids[0] == os.getpid()
    assert len(set(ids)) == 3
    assert ids[3:] == ids[:2]


def test_an_answer_may_be_larger_than_a_pipe_holds() -> None:
    first, last = divided(lambda share: "x" * (1 << 20), [1, 2], 2, 1)
    assert len(first) == len(last) == 1 << 20


def test_the_parent_does_what_a_dead_worker_leaves() -> None:
    parent = os.getpid()

    def work(share: Sequence[int]) -> list[int]:
        if os.getpid() != parent:
            os._exit(9)
        return list(share)

    assert divided(work, [1, 2, 3, 4], 2, 2) == [[1, 2], [3, 4]]


def test_an_error_in_a_worker_is_raised_in_the_parent(capfd: pytest.CaptureFixture[str]) -> None:
    def work(share: Sequence[int]) -> list[int]:
        return [1 // number for number in share]

    with pytest.raises(ZeroDivisionError):
        divided(work, [1, 0], 2, 1)


def test_nothing_that_waited_to_be_printed_is_printed_twice(capfd: pytest.CaptureFixture[str]) -> None:
    print("once", end="")
    divided(squares, [1, 2], 2, 1)
    assert capfd.readouterr().out == "once"


def test_there_is_at_least_one_core() -> None:
    assert cores() >= 1


@pytest.mark.parametrize("workspace", sorted(p.name for p in WORKSPACES.iterdir()))
def test_a_report_does_not_depend_on_the_number_of_processes(workspace: str) -> None:
    folder = str(WORKSPACES / workspace)
    one = lint_paths([folder], Settings(), CATALOGUE, jobs=1)
    three = lint_paths([folder], Settings(), CATALOGUE, jobs=3)
    assert one == three
    assert one.findings or one.incomplete
