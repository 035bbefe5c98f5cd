"""Objects as the Rollouts controller leaves them while no release goes on: what stands in for a cluster.

Also used to take its writes out of a comparison: two copies of an object that are levelled differ only in what people
and Argo CD changed. The rules of the writes are those of `controllers.istio_writes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from rolloutlint.change.pairing import Key
from rolloutlint.controllers.istio_writes import (
    STABLE_HASH,
    destination_rule_written,
    service_written,
    virtual_service_written,
)
from rolloutlint.controllers.traffic import HASH_LABEL, routers
from rolloutlint.graph.references import Naming, namings
from rolloutlint.model import Rollout
from rolloutlint.model.rollout import SERVICE_ROLES
from rolloutlint.model.values import dig, mapping, sequence, text

TRAFFIC_ROLES = ("virtualService", "destinationRule", *SERVICE_ROLES)

Value = Mapping[str, Any]


class Writer(NamedTuple):
    """A Rollout that writes to an object, and how it names it."""

    rollout: Rollout
    naming: Naming
    host: str = ""
    """For a VirtualService: the host of the DestinationRule beside it."""


def writers(rollouts: Iterable[tuple[Key, Rollout]], values: Mapping[Key, Value]) -> Mapping[Key, Sequence[Writer]]:
    """Which Rollouts write to which of the objects `values`, as far as their manifests say."""
    found: dict[Key, list[Writer]] = {}
    for where, rollout in rollouts:
        names = [naming for naming in namings(rollout) if naming.role in TRAFFIC_ROLES]
        rules = [_key(naming, where) for naming in names if naming.role == "destinationRule"]
        host = text(dig(values.get(rules[0]), "spec", "host")) if rules else ""
        for naming in names:
            found.setdefault(_key(naming, where), []).append(Writer(rollout, naming, host))
    return found


def _key(naming: Naming, rollout: Key) -> Key:
    return Key(naming.group, naming.kind, naming.namespace or rollout.namespace, naming.name, rollout.copy)


def at_rest(value: Value, writers: Sequence[Writer]) -> Value:
    """The object after its Rollouts have written what they write when nothing is released.

    Hashes become the same placeholder whatever they were. What the controller refuses is left as it is.
    """
    for writer in writers:
        role, canary = writer.naming.role, writer.rollout.canary
        istio = "istio" in routers(writer.rollout.traffic_routing)
        if role in SERVICE_ROLES:
            value = service_written(value, STABLE_HASH).value
        elif role == "destinationRule" and istio:
            written = destination_rule_written(value, canary, STABLE_HASH, STABLE_HASH)
            value = written.value if written else value
        elif role == "virtualService" and istio:
            use = dig(writer.rollout.value, *writer.naming.path[:-1])
            written = virtual_service_written(value, use, canary, (), writer.host)
            value = written.value if written else value
    return value


def levelled(value: Value, writers: Sequence[Writer]) -> Value:
    """The object with the same value wherever its Rollouts write one; subsets that they remove stay to be seen."""
    for writer in writers:
        rule = writer.naming.role == "destinationRule"
        value = _with_one_hash(value, writer) if rule else at_rest(value, (writer,))
    return value


def _with_one_hash(rule: Value, writer: Writer) -> Value:
    use = writer.rollout.destination_rule
    own = (use.canary_subset, use.stable_subset) if use else ()
    spec = mapping(rule.get("spec"))
    subsets = [
        {**subset, "labels": {**mapping(subset.get("labels")), HASH_LABEL: STABLE_HASH}}
        if subset.get("name") in own
        else subset
        for subset in map(mapping, sequence(spec.get("subsets")))
    ]
    return {**rule, "spec": {**spec, "subsets": subsets}} if subsets else rule
