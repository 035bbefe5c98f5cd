"""RL520 to RL523 and RL532: whether what a VirtualService sends to is there - hosts, subsets, ports."""

from __future__ import annotations

from collections.abc import Iterator

from rolloutlint.checks.context import Context, check
from rolloutlint.checks.istio_mesh import (
    certain,
    complete,
    destinations,
    mesh_of,
    service_reference,
    view_of,
)
from rolloutlint.checks.neighbours import near_name
from rolloutlint.controllers.istio import Backend, Config, Mesh
from rolloutlint.controllers.istio_hosts import MESH, ServiceName, half_host, service_of, visible
from rolloutlint.finding import Finding, Path
from rolloutlint.lang.names import near
from rolloutlint.model import DestinationRule, View, VirtualService
from rolloutlint.model.values import dig, entries, filled_later, text


@check("RL520")
def host_stops_at_the_namespace(ctx: Context[View]) -> Iterator[Finding]:
    """A host `service.namespace` or `service.namespace.svc`, which Istio takes for a complete name."""
    written: list[tuple[Path, str]] = []
    if isinstance(ctx.resource, DestinationRule):
        written = [(("spec", "host"), ctx.resource.host)]
    elif isinstance(ctx.resource, VirtualService):
        written = [((*d.path, "host"), d.host) for d in destinations(ctx)]
    for path, host in written:
        meant = half_host(host)
        if meant is None:
            continue
        mesh = mesh_of(ctx)
        if mesh.backends(host) or not _is_service(ctx, mesh, meant):
            continue
        full = f"{meant.name}.{meant.namespace}.svc.{mesh.domain}"
        yield ctx.finding(
            path,
            variant="rule" if isinstance(ctx.resource, DestinationRule) else "",
            fix=ctx.fix(f"Write `{full}`", ctx.edit("replace", path, full)),
            host=host,
            full=full,
            service=meant.name,
            namespace=meant.namespace,
        )


def _is_service(ctx: Context[View], mesh: Mesh, meant: ServiceName) -> bool:
    """True where a Service of that name certainly is in that namespace, or may be and the namespace is one of ours."""
    if any(b.kind == "Service" for b in mesh.backends(f"{meant.name}.{meant.namespace}.svc.{mesh.domain}")):
        return True
    own = ctx.world.namespace(ctx.resource.resource)
    return meant.namespace == own and any(
        s.name == meant.name and s.namespace in ("", own) for s in mesh.of_kind("Service")
    )


@check("RL521")
def host_missing(ctx: Context[VirtualService]) -> Iterator[Finding]:
    """A destination whose Service is not there or not visible, and no ServiceEntry of that host either."""
    mesh = mesh_of(ctx)
    for destination in destinations(ctx):
        there = mesh.covering(destination.full)
        if destination.host.startswith("*") or any(_seen(ctx, b.config.exported) for b in there):
            continue
        path = (*destination.path, "host")
        if any(b.host == destination.full for b in there):
            yield from _hidden(ctx, there[0], path, destination.host)
            continue
        reference = service_reference(ctx, destination)
        if reference is None:
            outside = half_host(destination.host) is None or not _is_service_shape(mesh, destination.host)
            if ctx.world.closed and outside:
                yield ctx.finding(path, variant="outside", host=destination.host)
            continue
        if not reference.missing:
            continue
        hint = near_name(ctx, "", "Service", reference.naming.name) if not reference.naming.namespace else None
        namespace = reference.naming.namespace or ctx.world.namespace(ctx.resource.resource)
        yield ctx.finding(
            path,
            variant="near" if hint else "",
            host=destination.host,
            service=reference.naming.name,
            where=f"namespace `{namespace}`" if namespace else "its namespace",
            hint=hint,
        )


def _seen(ctx: Context[VirtualService], exported: frozenset[str]) -> bool:
    """Whether some of the callers may see what is exported like that."""
    return "*" in exported or any(visible(exported, caller) is not False for caller in _callers(ctx))


def _callers(ctx: Context[VirtualService]) -> frozenset[str | None]:
    """The namespaces whose sidecars certainly use a VirtualService; `None`: not known, or only gateways do."""
    config = mesh_of(ctx).keyed(ctx.resource.resource.number)
    if config is None or MESH not in config.gateways or config.namespace == "":
        return frozenset({None})
    return frozenset({config.namespace}) if "*" in config.exported else config.exported


def _hidden(ctx: Context[VirtualService], backend: Backend, path: Path, host: str) -> Iterator[Finding]:
    """The finding about a Service or ServiceEntry that is there and that those callers do not see."""
    if certain(ctx, backend.config, ()):
        place = ("metadata", "annotations") if backend.kind == "Service" else ("spec", "exportTo")
        yield ctx.finding(
            path,
            variant="hidden",
            related=(view_of(ctx, backend.config).related(place, "exported here", "key"),),
            kind=backend.kind,
            service=backend.config.name,
            host=host,
            where=", ".join(f"`{name}`" for name in sorted(backend.config.exported)),
            callers=", ".join(f"`{name}`" for name in sorted(filter(None, _callers(ctx)))),
        )


def _is_service_shape(mesh: Mesh, host: str) -> bool:
    meant = half_host(host)
    return meant is not None and bool(mesh.backends(f"{meant.name}.{meant.namespace}.svc.{mesh.domain}"))


@check("RL522")
def subset_missing(ctx: Context[VirtualService]) -> Iterator[Finding]:
    """A subset of a destination that no DestinationRule of its host defines."""
    own = ctx.world.namespace(ctx.resource.resource)
    for destination in destinations(ctx):
        if not destination.subset:
            continue
        named = service_of(destination.full) if "." in destination.host else None
        home = own if "." not in destination.host else named.namespace if named else None
        if home is None:
            continue
        rules = mesh_of(ctx).rules_for(destination.full)
        names = [name for rule in rules for name in _subsets(rule)]
        if destination.subset in names or any(not _readable(ctx, rule) for rule in rules):
            continue
        place = "" if home == own else home
        if not complete(ctx, "DestinationRule", place):
            continue
        hint = near(destination.subset, names)
        yield ctx.finding(
            (*destination.path, "subset"),
            variant="near" if hint else "" if rules else "no-rule",
            related=[view_of(ctx, rule).related(("spec", "host"), "its host") for rule in rules[:3]],
            subset=destination.subset,
            host=destination.host,
            hint=hint,
            names=", ".join(f"`{name}`" for name in names) or "none",
        )


def _subsets(rule: Config) -> list[str]:
    return [text(subset.get("name")) for _, subset in entries(rule.value, (), "spec", "subsets")]


def _readable(ctx: Context[VirtualService], rule: Config) -> bool:
    written = rule.spec.get("subsets")
    whole = written is None or (isinstance(written, list) and len(_subsets(rule)) == len(written))
    return whole and certain(ctx, rule) and not any(map(filled_later, _subsets(rule)))


@check("RL523")
def port_missing(ctx: Context[VirtualService]) -> Iterator[Finding]:
    """A port of a destination that its Service does not have."""
    for destination in destinations(ctx):
        number = dig(destination.value, "port", "number")
        if not isinstance(number, int) or isinstance(number, bool):
            continue
        backends = mesh_of(ctx).backends(destination.full)
        if len(backends) != 1:
            continue
        (backend,) = backends
        numbers = sorted(port.number for port in backend.ports)
        sure = backend.readable and certain(ctx, backend.config)
        if not sure or not numbers or number in numbers:
            continue
        service = view_of(ctx, backend.config)
        only = numbers[0] if len(numbers) == 1 else None
        path = (*destination.path, "port", "number")
        yield ctx.finding(
            path,
            related=(service.related(("spec", "ports"), "the ports it has", "key"),),
            fix=ctx.fix(f"Write {only}", ctx.edit("replace", path, only), safety="unsafe") if only else None,
            port=number,
            kind=backend.kind,
            service=backend.config.name,
            ports=", ".join(map(str, numbers)),
        )
