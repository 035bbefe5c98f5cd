"""One side of a comparison: the inputs of one moment, opened, with what the user calls them."""

from __future__ import annotations

from typing import NamedTuple

from rolloutlint.change.result import Mode
from rolloutlint.engine import Run
from rolloutlint.model import Resource


class State(NamedTuple):
    """The previous or the desired state."""

    label: str
    """As the user said it: `git:origin/main`, `live.yaml`, `.`."""
    run: Run
    mode: Mode = "git"
    """`live` for objects of a cluster with their status; the desired state is always `git`."""
    made: tuple[Resource, ...] = ()
    """Of a cluster: what controllers made there, such as ReplicaSets. No sync is about it, and the world has it not."""
