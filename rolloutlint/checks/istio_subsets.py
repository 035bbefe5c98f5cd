"""RL532 and RL534 to RL537: whether a subset exists for those who call it, has pods, and is routed by http at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set

from rolloutlint.checks.context import Context, check
from rolloutlint.checks.istio_mesh import certain, mesh_of, view_of
from rolloutlint.controllers.istio import Config, Mesh, hosts_of
from rolloutlint.controllers.istio_hosts import HTTP, MESH, full_host, is_wildcard, protocol_of, visible
from rolloutlint.controllers.istio_values import as_list, as_map, strings_of, text_of
from rolloutlint.controllers.traffic import HASH_LABEL
from rolloutlint.finding import Finding, Path
from rolloutlint.graph import World
from rolloutlint.graph.mesh import WORKLOAD_KINDS
from rolloutlint.model import DestinationRule, Rollout, Service, View, VirtualService, Workload
from rolloutlint.model import view_of as view_of_kind
from rolloutlint.model.rollout import BLUE_GREEN, CANARY
from rolloutlint.model.values import dig, entries, filled_later

_ROLES = (
    (CANARY, "canaryMetadata"),
    (CANARY, "stableMetadata"),
    (BLUE_GREEN, "activeMetadata"),
    (BLUE_GREEN, "previewMetadata"),
)


@check("RL532")
def subset_without_pods(ctx: Context[DestinationRule]) -> Iterator[Finding]:
    """A subset whose labels no pods of the Service carry."""
    namespace = ctx.world.namespace(ctx.resource.resource)
    if namespace is None or not ctx.resource.host or filled_later(ctx.resource.host):
        return
    subsets = [(subset, wanted) for subset in ctx.resource.subsets if (wanted := _wanted(subset.labels))]
    if not subsets:
        return
    backends = mesh_of(ctx).backends(full_host(ctx.resource.host, namespace))
    if len(backends) != 1 or backends[0].kind != "Service" or not certain(ctx, backends[0].config):
        return
    service = view_of(ctx, backends[0].config)
    selector = service.selector if isinstance(service, Service) else None
    if not selector or any(map(filled_later, selector.values())):
        return
    # All that is selected has what the selector asks for, whoever it is.
    subsets = [(subset, wanted) for subset, wanted in subsets if not wanted.items() <= selector.items()]
    pods = _pods(ctx, service, selector) if subsets else None
    if not pods:
        return
    for subset, wanted in subsets:
        wrong = [key for key, value in wanted.items() if not any(value in labels.get(key, ()) for _, labels in pods)]
        if wrong:
            owner, labels = pods[0]
            key = wrong[0]
            yield ctx.finding(
                (*subset.path, "labels", key),
                related=(owner.related(("metadata", "name"), "its pods"),),
                discriminator=subset.name,
                subset=subset.name,
                key=key,
                value=wanted[key],
                service=service.name,
                have=f"`{key}: {min(labels[key])}`" if key in labels else f"no label `{key}`",
            )


def _wanted(labels: Mapping[str, str]) -> Mapping[str, str]:
    """What a subset asks of its pods' labels in Git; nothing where some of it is filled in later."""
    wanted = {key: value for key, value in labels.items() if key != HASH_LABEL and "topology." not in key}
    return {} if any(map(filled_later, wanted.values())) else wanted


_Labels = Mapping[str, Set[str]]
"""Label -> the values that it has in some of a workload's pods."""


def _pods(
    ctx: Context[DestinationRule], service: View, selector: Mapping[str, str]
) -> list[tuple[View, _Labels]] | None:
    """The workloads whose pods the Service selects, with the values that each label has in some of these pods.

    `None` where a template is not certain.
    """
    world = ctx.world
    namespace = world.namespace(service.resource)
    asked = {key: value for key, value in selector.items() if key != HASH_LABEL}
    if namespace is None or not asked:
        return None
    index = world.derived("pods by label", lambda: _by_label(world))
    pair = min(asked.items())
    candidates = {
        number for scope in world.scopes(service.resource) for number in index.get((namespace, scope, *pair), ())
    }
    found: list[tuple[View, _Labels]] = []
    for number in sorted(candidates):
        resource = world.resources[number]
        view = world.view(resource)
        labels = _labels(view)
        if all(value in labels.get(key, ()) for key, value in asked.items()):
            values = (value for some in labels.values() for value in some)
            if world.patched(resource, ("spec", "template")) or any(map(filled_later, values)):
                return None
            found.append((view, labels))
    return found


def _labels(view: View) -> _Labels:
    """The labels of a workload's pods; a Rollout adds some to the pods of each role (`canaryMetadata` ...)."""
    template = view.template if isinstance(view, (Rollout, Workload)) else {}
    labels = {key: {value} for key, value in strings_of(dig(template, "metadata", "labels")).items()}
    for parent, role in _ROLES if isinstance(view, Rollout) else ():
        for key, value in strings_of(dig(view.value, *parent, role, "labels")).items():
            labels.setdefault(key, set()).add(value)
    return labels


def _by_label(world: World) -> Mapping[tuple[str | None, str, str, str], Sequence[int]]:
    """Namespace, scope, label and value -> the workloads of which some pods have it: nobody asks all of them again."""
    index: dict[tuple[str | None, str, str, str], list[int]] = {}
    for kind in WORKLOAD_KINDS:
        for resource in world.of_kind(*kind):
            for key, values in _labels(view_of_kind(resource)).items():
                for value in values:
                    for scope in world.scopes(resource):
                        index.setdefault((world.namespace(resource), scope, key, value), []).append(resource.number)
    return index


@check("RL534")
def rule_shadowed(ctx: Context[DestinationRule]) -> Iterator[Finding]:
    """A DestinationRule in a caller's namespace that stands in for the one with the subsets, and lacks one in use."""
    namespace = ctx.world.namespace(ctx.resource.resource)
    if not namespace or "workloadSelector" in ctx.resource.spec:
        return
    mesh, own = mesh_of(ctx), _host(ctx, namespace)
    if namespace == mesh.root_namespace:
        return
    for host in mesh.used_hosts(own) if is_wildcard(own) else (own,):
        backends = mesh.backends(host)
        home = backends[0].config.namespace if len(backends) == 1 else ""
        if home in ("", namespace):
            continue
        mine, local = mesh.keyed(ctx.resource.resource.number), mesh.destination_rules(host, home, namespace, {})
        if mine is None or not visible(mine.exported, namespace):
            return
        if local is None or local.found_in != "client" or mine not in local.rules:
            continue
        theirs = {s: rule for rule in mesh.rules_in(home, host, "exported") for s in _subsets(rule)}
        for subset, user, path in _uses(ctx, mesh, host, namespace):
            rule = theirs.get(subset)
            if rule is None or subset in local.subsets or not visible(rule.exported, namespace):
                continue
            if certain(ctx, rule):
                yield ctx.finding(
                    ("spec", "host"),
                    related=(
                        view_of(ctx, rule).related(("spec", "host"), "replaced by this one for those callers"),
                        view_of(ctx, user).related(path, "sends to the subset"),
                    ),
                    discriminator=f"{rule.name}/{subset}",
                    namespace=namespace,
                    other=rule.name,
                    home=home,
                    subset=subset,
                )
                break


def _subsets(rule: Config) -> list[str]:
    return [text_of(as_map(subset), "name") for subset in as_list(rule.spec.get("subsets"))]


def _host(ctx: Context[DestinationRule], namespace: str) -> str:
    return full_host(ctx.resource.host, namespace)


def _uses(ctx: Context[DestinationRule], mesh: Mesh, host: str, caller: str) -> Iterator[tuple[str, Config, Path]]:
    """The subsets of a host to which VirtualServices send that sidecars of a namespace use, with their place."""
    for config in mesh.users(host):
        if MESH not in config.gateways or not visible(config.exported, caller) or not certain(ctx, config):
            continue
        for section in ("http", "tls", "tcp"):
            for number, route in enumerate(as_list(config.spec.get(section))):
                for index, entry in enumerate(as_list(as_map(route).get("route"))):
                    target = as_map(as_map(entry).get("destination"))
                    subset, written = text_of(target, "subset"), text_of(target, "host")
                    if subset and full_host(written, config.namespace) == host and not filled_later(subset):
                        path: Path = ("spec", section, number, "route", index, "destination", "subset")
                        yield subset, config, path


@check("RL535")
def rule_not_exported(ctx: Context[DestinationRule]) -> Iterator[Finding]:
    """Subsets that callers of other namespaces do not have, though a VirtualService sends those callers there."""
    mesh = mesh_of(ctx)
    namespace = ctx.world.namespace(ctx.resource.resource)
    if not namespace or "workloadSelector" in ctx.resource.spec or not ctx.resource.spec.get("exportTo"):
        return
    host = _host(ctx, namespace)
    rules = mesh.rules_for(host)
    mine = mesh.keyed(ctx.resource.resource.number)
    if mine is None or "*" in mine.exported:
        return
    names = {subset.name for subset in ctx.resource.subsets}
    for config in mesh.users(host):
        left_out = config.exported - mine.exported
        if not left_out or not certain(ctx, config) or MESH not in config.gateways:
            continue
        for subset, user, path in _uses(ctx, mesh, host, next(iter(sorted(left_out)))):
            elsewhere = any(subset in _subsets(rule) for rule in rules if rule is not mine)
            if user is config and subset in names and not elsewhere:
                yield ctx.finding(
                    ("spec", "exportTo"),
                    "key",
                    related=(view_of(ctx, user).related(path, "sends to the subset"),),
                    discriminator=f"{user.name}/{subset}",
                    subset=subset,
                    host=ctx.resource.host,
                    service=user.name,
                    where=", ".join(f"`{name}`" for name in sorted(mine.exported)),
                    callers="every namespace" if "*" in left_out else ", ".join(f"`{n}`" for n in sorted(left_out)),
                )
                break


@check("RL536")
def port_is_not_http(ctx: Context[VirtualService]) -> Iterator[Finding]:
    """Http routes for a Service none of whose ports Istio takes for HTTP."""
    mesh, mine = mesh_of(ctx), ctx.resource.resource
    me = mesh.keyed(mine.number)
    if me is None or MESH not in me.gateways or not as_list(me.spec.get("http")):
        return
    for host in dict.fromkeys(hosts_of(me, mesh.domain)):
        backends = mesh.backends(host.lower())
        if len(backends) != 1 or backends[0].kind != "Service" or backends[0].host != host.lower():
            continue
        (backend,) = backends
        if any(port.protocol in HTTP for port in backend.ports):
            continue
        ports = [(path, port) for path, port in entries(backend.config.value, (), "spec", "ports")]
        if not backend.readable or not ports or not certain(ctx, backend.config, ("spec", "ports")):
            continue
        spoken = [protocol_of(port) for _, port in ports]
        texts = [port.get(key) for _, port in ports for key in ("name", "appProtocol")]
        if any(protocol in HTTP for protocol in spoken) or any(map(filled_later, texts)):
            continue
        service = view_of(ctx, backend.config)
        path, port = ports[0]
        key = next((k for k in ("appProtocol", "name") if isinstance(port.get(k), str)), "port")
        yield ctx.finding(
            ("spec", "http"),
            "key",
            variant="managed" if ctx.world.referrers(mine, "virtualService") else "",
            related=(service.related((*path, key), f"means {spoken[0].upper()}"),),
            discriminator=host,
            service=service.name,
            port=port.get("port"),
            protocol=spoken[0].upper(),
            said=f"`{key}: {port.get(key)}`",
        )


@check("RL537")
def server_not_verified(ctx: Context[DestinationRule]) -> Iterator[Finding]:
    """TLS to a server whose certificate nothing checks."""
    policy = as_map(ctx.resource.spec.get("trafficPolicy"))
    places: list[tuple[Path, object]] = [(("spec", "trafficPolicy", "tls"), policy.get("tls"))]
    for index, entry in enumerate(as_list(policy.get("portLevelSettings"))):
        path: Path = ("spec", "trafficPolicy", "portLevelSettings", index, "tls")
        places.append((path, as_map(entry).get("tls")))
    selective = bool(ctx.resource.spec.get("workloadSelector"))
    for path, value in places:
        tls = as_map(value)
        checked = tls.get("caCertificates") or (tls.get("credentialName") and selective)
        if tls.get("mode") in ("SIMPLE", "MUTUAL") and not checked and tls.get("insecureSkipVerify") is not True:
            yield ctx.finding((*path, "mode"), mode=tls["mode"], host=ctx.resource.host)
