"""Simulations of plans that differ in names and places only: the Rollouts of a fleet are mostly alike.

One of them is simulated; for the others its answer is told with their own names and places.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rolloutlint.finding import Place, ResourceId
from rolloutlint.simulate.plan import Plan
from rolloutlint.simulate.result import Simulation
from rolloutlint.simulate.simulation import simulate

Seen = dict[object, "tuple[tuple[object, ...], Simulation]"]
"""Form of a plan -> the names and places in the plan of that form that was simulated, and its simulation."""


def simulate_alike(plan: Plan, seen: Seen) -> Simulation:
    """What `simulate` says; remembers in `seen` what it has simulated."""
    names: dict[object, int] = {}
    form = _form(plan, names)
    own = tuple(names)
    known = seen.get(form)
    if known is None:
        simulation = simulate(plan)
        seen[form] = (own, simulation)
        return simulation
    others, simulation = known
    told: Simulation = _with(simulation, dict(zip(others, own, strict=True)), {})
    return told


def _form(value: Any, names: dict[object, int]) -> object:
    """The value with each name and each place as a number, equal ones as the same."""
    if isinstance(value, (Place, ResourceId)):
        return names.setdefault(value, len(names)), type(value)
    if isinstance(value, tuple):
        return type(value), tuple(_form(item, names) for item in value)
    if isinstance(value, list):
        return list, tuple(_form(item, names) for item in value)
    return type(value), value


def _with(value: Any, names: Mapping[object, object], made: dict[int, Any]) -> Any:
    """The value with other names and places; parts that it has several times are made once."""
    if isinstance(value, (Place, ResourceId)):
        return names.get(value, value)
    if not isinstance(value, tuple):
        return value
    known = made.get(id(value))
    if known is None:
        items = [_with(item, names, made) for item in value]
        same = all(new is old for new, old in zip(items, value, strict=True))
        known = value if same else type(value)._make(items) if hasattr(value, "_make") else tuple(items)
        made[id(value)] = known
    return known
