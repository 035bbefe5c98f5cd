"""What a canary's traffic routers allow, by version of the controller.

Mirrors argo-rollouts `pkg/apis/rollouts/validation/validation.go` and `utils/weightutil/weight.go`. All
functions take the plain value of `spec.strategy.canary` or of its `trafficRouting`; a router counts as
configured when its key has a value, even `{}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rolloutlint.lang.intstr import int32
from rolloutlint.settings import Targets, Version

HASH_LABEL = "rollouts-pod-template-hash"
"""Label by which the controller tells the pods of a revision (v1alpha1 DefaultRolloutUniqueLabelKey)."""

MANAGED_BY = "argo-rollouts.argoproj.io/managed-by-rollouts"
"""Annotation in which the controller writes the Rollout that manages a Service (v1alpha1 ManagedByRolloutsKey)."""

ROUTERS = ("istio", "nginx", "alb", "smi", "ambassador", "appMesh", "traefik", "apisix", "plugins")
"""Keys of `trafficRouting` in the order in which routers are reconciled (rollout/trafficrouting.go)."""

Support = Mapping[str, Version]
"""Router -> the first release in which it supports a feature."""

_FIRST = Version(0, 0)
HEADER_ROUTES: Support = {"istio": _FIRST, "alb": _FIRST, "apisix": Version(1, 5), "plugins": Version(1, 7)}
MIRROR_ROUTES: Support = {"istio": _FIRST, "plugins": Version(1, 10)}
EXPERIMENT_WEIGHTS: Support = {"alb": _FIRST, "smi": _FIRST, "istio": _FIRST, "plugins": Version(1, 8)}
PING_PONG: Support = {"alb": _FIRST, "istio": Version(1, 7), "plugins": Version(1, 10)}
MAX_TRAFFIC_WEIGHT: Support = {"nginx": Version(1, 7), "plugins": Version(1, 7)}

_ALWAYS_NEED_SERVICES = ("smi", "apisix", "ambassador", "nginx", "appMesh", "traefik")


def traffic_routing(canary: object) -> Mapping[str, Any] | None:
    """`trafficRouting` of a canary, or `None` where there is none; `{}` is one, with no router."""
    routing = canary.get("trafficRouting") if isinstance(canary, dict) else None
    return routing if isinstance(routing, dict) else None


def routers(routing: object) -> tuple[str, ...]:
    """The routers configured in a `trafficRouting`, in `ROUTERS` order; `plugins` only with at least one
    plugin.
    """
    if not isinstance(routing, dict):
        return ()
    return tuple(r for r in ROUTERS if (routing.get(r) if r == "plugins" else routing.get(r) is not None))


def supporting(routing: object, feature: Support, targets: Targets) -> tuple[str, ...]:
    """The configured routers for which validation accepts `feature` (`HEADER_ROUTES`, `PING_PONG`, ...).

    Validation asks for one of them; the others silently ignore the feature.
    """
    return tuple(r for r in routers(routing) if r in feature and feature[r] <= targets.rollouts)


def services_required_by(canary: object, targets: Targets) -> tuple[str, ...]:
    """The routers for which `canaryService` and `stableService` must both be set
    (`requireCanaryStableServices`).

    From 1.7 on: ALB and host-level Istio without `pingPong`, and SMI, APISIX, Ambassador, nginx, App Mesh
    and Traefik always. Before, every `trafficRouting` without an Istio `destinationRule` and without
    `pingPong`: then an empty `trafficRouting` gives `("trafficRouting",)`.
    """
    routing = traffic_routing(canary)
    if routing is None or not isinstance(canary, dict):
        return ()
    istio = routing.get("istio")
    subset_level = isinstance(istio, dict) and istio.get("destinationRule") is not None
    ping_pong = canary.get("pingPong") is not None
    configured = routers(routing)
    if targets.rollouts < Version(1, 7):
        return () if subset_level or ping_pong else (configured or ("trafficRouting",))
    return tuple(
        router
        for router in configured
        if router in _ALWAYS_NEED_SERVICES
        or (router == "alb" and not ping_pong)
        or (router == "istio" and not ping_pong and not subset_level)
    )


def requires_canary_stable_services(canary: object, targets: Targets) -> bool:
    """Whether the Rollout is refused without `canaryService` and `stableService`."""
    return bool(services_required_by(canary, targets))


def max_traffic_weight(canary: object) -> int | None:
    """The weight that means all traffic (`MaxTrafficWeight`): `maxTrafficWeight`, 100 without; `None` if
    malformed.

    Zero and negative values pass upstream's validation, so they come back as written.
    """
    routing = traffic_routing(canary)
    written = routing.get("maxTrafficWeight") if routing is not None else None
    return 100 if written is None else int32(written)
