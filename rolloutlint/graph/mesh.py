"""The meshes of a world: for each environment, its Istio objects, Services and workloads as plain values.

A `Config.key` is the number of its resource. A Rollout with a `workloadRef` has the pod template of the workload that
it takes over, and that workload, scaled down, gets no requests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rolloutlint.controllers.istio import Config, config_of
from rolloutlint.graph.world import World
from rolloutlint.model import Resource
from rolloutlint.model.values import dig, mapping

ISTIO = "networking.istio.io"
MESH_KINDS = (
    ("", "Service"),
    (ISTIO, "VirtualService"),
    (ISTIO, "DestinationRule"),
    (ISTIO, "ServiceEntry"),
    (ISTIO, "Gateway"),
)
WORKLOAD_KINDS = (
    ("argoproj.io", "Rollout"),
    ("apps", "Deployment"),
    ("apps", "ReplicaSet"),
    ("apps", "StatefulSet"),
    ("apps", "DaemonSet"),
)


class Environment(NamedTuple):
    """What can meet in one cluster."""

    scope: str
    configs: tuple[Config, ...]
    left_out: tuple[Resource, ...]
    """Objects whose namespace differs by overlay: nobody knows here what they are to others."""


def environments(world: World) -> Sequence[Environment]:
    """The environments in which there is anything of a mesh, by name."""
    found: dict[str, list[Config]] = {}
    left: dict[str, list[Resource]] = {}
    replaced = dict(_taken_over(world))
    taken = {target.number for target in replaced.values()}
    routed = {scope for kind in MESH_KINDS for resource in world.of_kind(*kind) for scope in world.scopes(resource)}
    for resource in _members(world, taken):
        scopes = world.scopes(resource) & routed
        if not scopes:
            continue
        namespace = world.namespace(resource)
        config = config_of(_value(resource, replaced), key=resource.number)
        for scope in scopes if config is not None else ():
            if namespace is None or config is None:
                left.setdefault(scope, []).append(resource)
            else:
                found.setdefault(scope, []).append(config._replace(namespace=namespace))
    return [
        Environment(scope, tuple(found.get(scope, ())), tuple(left.get(scope, ()))) for scope in sorted({*found, *left})
    ]


def _members(world: World, taken: set[int]) -> Iterator[Resource]:
    for kind in (*MESH_KINDS, *WORKLOAD_KINDS):
        for resource in world.of_kind(*kind):
            if resource.number not in taken:
                yield resource


def _taken_over(world: World) -> Iterator[tuple[int, Resource]]:
    """Number of a Rollout -> the workload whose pod template it runs."""
    for rollout in world.of_kind("argoproj.io", "Rollout"):
        for reference in world.references(rollout, "workloadRef"):
            if reference.target is not None:
                yield rollout.number, reference.target


def _value(resource: Resource, replaced: Mapping[int, Resource]) -> Mapping[Any, Any]:
    value = resource.thaw()
    source = replaced.get(resource.number)
    if source is None:
        return value
    template = dig(source.thaw(), "spec", "template")
    return {**value, "spec": {**mapping(value.get("spec")), "template": template}}
