"""What Rollouts have written to Istio's objects and to Services while one step of a healthy update is in force.

Mirrors argo-rollouts `rollout/trafficrouting.go` and `rollout/service.go`; the weights are those of the plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

from rolloutlint.controllers.istio import Config
from rolloutlint.controllers.istio_values import as_map, text_of
from rolloutlint.controllers.istio_writes import (
    CANARY_HASH,
    STABLE_HASH,
    Phase,
    Written,
    destination_rule_written,
    service_written,
    virtual_service_written,
)
from rolloutlint.controllers.traffic import routers
from rolloutlint.finding import Path, Place
from rolloutlint.graph import World
from rolloutlint.graph.rollouts import ROLLOUT, full_name
from rolloutlint.model import Rollout
from rolloutlint.model.rollout import SERVICE_ROLES
from rolloutlint.model.values import dig
from rolloutlint.simulate.plan import Plan, Pods

Step: TypeAlias = "int | Literal['end']"

_CANARY_ROLES = ("canaryService", "pingService", "previewService")


class Manager(NamedTuple):
    """A Rollout that writes to an object."""

    rollout: Rollout
    role: str
    """`virtualService`, `destinationRule`, or the role of a Service."""
    path: Path
    """Where the Rollout names the object."""


class InForce(NamedTuple):
    """A Rollout at one step, once the pods of the step are there."""

    rollout: Rollout
    name: str
    """`namespace/name`."""
    step: Step
    """Counted from 1, as people do; 0 without an update, `end` after the promotion."""
    steps: int
    """How many there are."""
    words: str
    """`step 2 of 7 (pause 10m)`."""
    place: Place
    weight: int | None
    """What the router sends to the new version; `None` where nobody knows or nothing weighs."""
    pods: Pods
    phases: tuple[Phase, ...]

    @property
    def updating(self) -> bool:
        """Whether there are two versions."""
        return bool(self.phases)


def managers(world: World) -> Mapping[int, Sequence[Manager]]:
    """Number of an object -> the Rollouts that write to it."""
    found: dict[int, list[Manager]] = {}
    for resource in world.of_kind(*ROLLOUT):
        view = world.view(resource)
        if isinstance(view, Rollout):
            for reference in world.references(resource, "virtualService", "destinationRule", *SERVICE_ROLES):
                for target in reference.targets:
                    manager = Manager(view, reference.naming.role, reference.naming.path)
                    found.setdefault(target.number, []).append(manager)
    return found


def in_force(world: World, rollout: Rollout, plan: Plan, step: Step) -> InForce:
    """What is in force at a step of `plan`, the plan of `rollout`; there has to be such a step."""
    stages = plan.stages
    steps = sum(stage.step is not None for stage in stages)
    name = full_name(world, rollout.resource)
    if step in (0, "end"):
        words = "before the update" if step == 0 else "after the promotion"
        return InForce(rollout, name, step, steps, words, plan.place, 0, Pods(0, _replicas(plan)), ())
    assert isinstance(step, int)
    assert 0 < step <= steps
    phases = tuple(
        Phase(number - 1, stages[number].weight or 0, stages[number - 1].pods.canary != 0)
        for number in range(1, step + 1)
    )
    stage = stages[step - 1]
    words = f"step {step} of {steps} ({stage.label})"
    return InForce(rollout, name, step, steps, words, stage.place, stages[step].weight, stage.pods, phases)


def _replicas(plan: Plan) -> int | None:
    return plan.replicas.most if plan.replicas.exact else None


class Applied(NamedTuple):
    """The objects of a mesh with what the controller has written."""

    configs: tuple[Config, ...]
    written: Mapping[int, Written]
    """By number: the objects that were written to."""
    refused: tuple[str, ...]
    """What could not be written, in words."""


def apply(world: World, configs: Sequence[Config], moments: Sequence[InForce]) -> Applied:
    """The objects after each of the Rollouts has written what it writes at its step."""
    values = {config.key: config.value for config in configs}
    written: dict[int, Written] = {}
    refused: list[str] = []
    for moment in moments:
        for number, after in _writes(world, values, moment, refused):
            values[number] = after.value
            earlier = written.get(number)
            origins = {
                path: earlier.origin(o.path) if earlier and o.of == "object" else o for path, o in after.origins.items()
            }
            written[number] = Written(after.value, {**(earlier.origins if earlier and not origins else {}), **origins})
    return Applied(tuple(c._replace(value=values[c.key]) for c in configs), written, tuple(refused))


def _writes(
    world: World, values: Mapping[object, Mapping[str, object]], moment: InForce, refused: list[str]
) -> Iterator[tuple[int, Written]]:
    rollout = moment.rollout
    canary = rollout.canary
    istio = "istio" in routers(rollout.traffic_routing)
    rules = [t for r in world.references(rollout.resource, "destinationRule") for t in r.targets if t.number in values]
    new = CANARY_HASH if moment.updating else STABLE_HASH
    for target in rules if istio else ():
        after = destination_rule_written(values[target.number], canary, new, STABLE_HASH)
        if after is not None:
            yield target.number, after
    host = text_of(as_map(values[rules[0].number].get("spec")), "host") if rules else ""
    for reference in world.references(rollout.resource, "virtualService") if istio else ():
        for target in reference.targets:
            if target.number not in values:
                continue
            if moment.updating and moment.weight is None:
                refused.append(f"the weight of {moment.name} at {moment.words} is not known")
                continue
            use = dig(rollout.value, *reference.naming.path[:-1])
            after = virtual_service_written(values[target.number], use, canary, moment.phases, host)
            if after is None:
                refused.append(f"{moment.name} writes nothing to {target.id}: the controller refuses its routes")
            else:
                yield target.number, after
    has_pods = moment.updating and moment.pods.canary != 0
    for reference in world.references(rollout.resource, *SERVICE_ROLES):
        own = CANARY_HASH if has_pods and reference.naming.role in _CANARY_ROLES else STABLE_HASH
        for target in reference.targets:
            if target.number in values:
                yield target.number, service_written(values[target.number], own)
