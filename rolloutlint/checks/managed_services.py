"""The VirtualServices of a Rollout and the routes in them that it weighs: what several families of rules ask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rolloutlint.checks.context import Context
from rolloutlint.controllers.istio_routes import Pair, Selection, select_routes
from rolloutlint.model import DestinationRule, Rollout, VirtualService
from rolloutlint.model.istio import Route
from rolloutlint.model.rollout import VirtualServiceUse
from rolloutlint.model.values import filled_later, sequence


class Managed(NamedTuple):
    """A VirtualService that a Rollout certainly manages, as the controller reads it."""

    use: VirtualServiceUse
    service: VirtualService
    selection: Selection

    def routes(self) -> Iterator[Route]:
        """The routes whose weights the controller sets."""
        for section, index in self.selection.routes:
            yield getattr(self.service, section)[index]


def managed_services(ctx: Context[Rollout], rollout: Rollout | None = None) -> tuple[Managed, ...]:
    """The VirtualServices of a Rollout, by default that of `ctx`, whose routes no patch and no template changes."""
    asked = rollout or ctx.resource
    return ctx.world.shared(asked.resource, "managed services", lambda: tuple(_managed(ctx, asked)))


def _managed(ctx: Context[Rollout], rollout: Rollout) -> Iterator[Managed]:
    if rollout.strategy_kind != "canary":
        return
    uses = {use.path: use for use in rollout.virtual_services}
    for reference in ctx.world.references(rollout.resource, "virtualService"):
        use = uses.get(reference.naming.path)
        if use is None or reference.target is None or ctx.world.patched(reference.target, ("spec",)):
            continue
        service = ctx.world.view(reference.target)
        selection = select_routes(service.spec, use.value, rollout.managed_routes)
        if not isinstance(service, VirtualService) or selection is None or "spec" not in service.value:
            continue
        texts = (d for r in (*service.http, *service.tls, *service.tcp) for d in r.destinations)
        if any(filled_later(r.name) for r in service.http) or any(filled_later(d.host + d.subset) for d in texts):
            continue
        yield Managed(use, service, selection)


def subset_names(ctx: Context[Rollout]) -> Sequence[str] | None:
    """The names of the subsets of the Rollout's DestinationRule; `None` where they are not certain."""
    target = ctx.target("destinationRule")
    if not isinstance(target, DestinationRule) or ctx.world.patched(target.resource, ("spec", "subsets")):
        return None
    written = target.spec.get("subsets")
    names = [subset.name for subset in target.subsets]
    readable = isinstance(written, (list, type(None))) and len(names) == len(sequence(written))
    return names if readable and not any(map(filled_later, names)) else None


def lacking_of(pair: Pair, route: Route) -> tuple[tuple[str, str], ...] | None:
    """(role, name) of what a route has no destination for, the canary first as the controller asks.

    `None` where an entry of the route is malformed. Mirrors istio.go validateVirtualServiceRouteDestinations.
    """
    if len(route.destinations) != len(sequence(route.value.get("route"))):
        return None
    if pair.by_subset:
        present = {d.subset for d in route.destinations}
        wanted = (("canary", pair.canary_subset), ("stable", pair.stable_subset))
    else:
        present = {d.service for d in route.destinations}
        wanted = (("canary", pair.canary_service), ("stable", pair.stable_service))
    if any(filled_later(name) for _, name in wanted):
        return None
    return tuple((role, name) for role, name in wanted if name not in present)
