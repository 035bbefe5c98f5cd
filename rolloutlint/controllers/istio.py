"""The configuration of a mesh as istiod indexes it: services, VirtualServices, DestinationRules, Gateways.

Mirrors istio `pilot/pkg/model/push_context.go` (destinationRule, setDestinationRules, VirtualServicesForGateway),
`destination_rule.go` (mergeDestinationRule) and `sidecar.go` (computeWildcardHostVirtualServiceIndex). Creation times
are unknown here, so where istiod lets the older of two objects win, the answer says that it is not certain.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, NamedTuple

from rolloutlint.controllers.istio_hosts import (
    DOMAIN,
    MESH,
    exports,
    full_host,
    gateway_names,
    is_wildcard,
    most_specific,
    protocol_of,
    visible,
    within,
)
from rolloutlint.controllers.istio_values import as_list, as_map, strings_of, text_of
from rolloutlint.controllers.traffic import HASH_LABEL

ROOT_NAMESPACE = "istio-system"
_NETWORKING = "networking.istio.io/"
_WORKLOADS = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Rollout"})
SERVICE_EXPORTS = "networking.istio.io/exportTo"


_Pool = Literal["local", "exported", "private"]


class Config(NamedTuple):
    """One object of the mesh, as plain values."""

    kind: str
    namespace: str
    name: str
    value: Mapping[Any, Any]
    key: Hashable = None
    """Whatever the caller knows the object by."""

    @property
    def spec(self) -> Mapping[Any, Any]:
        """`spec`, empty if malformed."""
        return as_map(self.value.get("spec"))

    @property
    def exported(self) -> frozenset[str]:
        """The namespaces in which it is visible, `*` for all."""
        if self.kind == "Service":
            written = as_map(as_map(self.value.get("metadata")).get("annotations")).get(SERVICE_EXPORTS)
            names = [name.strip() for name in written.split(",")] if isinstance(written, str) and written else None
            return exports(names, self.namespace)
        return exports(self.spec.get("exportTo"), self.namespace)

    @property
    def gateways(self) -> tuple[str, ...]:
        """Of a VirtualService: `mesh` and Gateways as `namespace/name`."""
        return gateway_names(self.spec.get("gateways"), self.namespace)


class Port(NamedTuple):
    """A port of a Service or ServiceEntry."""

    number: int
    name: str
    protocol: str
    """As Istio takes it to be, `""` where it looks at the traffic."""


class Backend(NamedTuple):
    """Something with a host in Istio's registry."""

    host: str
    config: Config
    ports: tuple[Port, ...]
    selector: Mapping[str, str] | None
    """The labels of its pods; `None` for a host outside the cluster or without a selector."""
    readable: bool = True
    """False where ports or hosts are malformed or not all known."""

    @property
    def kind(self) -> str:
        """`Service` or `ServiceEntry`."""
        return self.config.kind


class SubsetUse(NamedTuple):
    """One subset of the DestinationRules that apply to a host."""

    rule: Config
    position: int
    labels: Mapping[str, str]


class RuleSet(NamedTuple):
    """The DestinationRules that a client uses for a host."""

    found_in: Literal["client", "service", "root"]
    rules: tuple[Config, ...]
    subsets: Mapping[str, SubsetUse]
    dropped: tuple[SubsetUse, ...] = ()
    """Subsets whose name an earlier rule has taken."""
    certain: bool = True
    """False where it depends on which object is older, or on labels of the client."""


class Mesh:
    """The objects of one cluster. Pure and total: malformed objects are there, but offer nothing."""

    def __init__(self, configs: Iterable[Config], root_namespace: str = ROOT_NAMESPACE, domain: str = DOMAIN) -> None:
        self.root_namespace = root_namespace
        self.domain = domain
        self._by_kind: dict[str, list[Config]] = {}
        self._read: dict[str, Sequence[Backend]] = {}
        for config in configs:
            self._by_kind.setdefault(config.kind, []).append(config)

    def of_kind(self, *kinds: str) -> Iterator[Config]:
        """The objects of some kinds, in the order given."""
        for kind in kinds:
            yield from self._by_kind.get(kind, ())

    def config(self, kind: str, namespace: str, name: str) -> Config | None:
        """One object by name."""
        return self._named.get((kind, namespace, name))

    def keyed(self, key: Hashable) -> Config | None:
        """The object that the caller knows by `key`."""
        return self._keyed.get(key)

    @cached_property
    def _keyed(self) -> Mapping[Hashable, Config]:
        return {config.key: config for configs in self._by_kind.values() for config in configs}

    @cached_property
    def _named(self) -> Mapping[tuple[str, str, str], Config]:
        return {(c.kind, c.namespace, c.name): c for kind in self._by_kind for c in self._by_kind[kind]}

    # ---- hosts ---------------------------------------------------------------------------------------------

    @cached_property
    def _services(self) -> Mapping[str, Sequence[Config]]:
        """Host -> the Services that have it: what one offers is read when somebody asks, since few are asked about."""
        found: dict[str, list[Config]] = {}
        for config in self.of_kind("Service"):
            found.setdefault(_service_host(config, self.domain), []).append(config)
        return found

    @cached_property
    def _outside(self) -> Mapping[str, Sequence[Backend]]:
        """Host -> the ServiceEntries that have it."""
        found: dict[str, list[Backend]] = {}
        for config in self.of_kind("ServiceEntry"):
            for backend in _entries(config):
                found.setdefault(backend.host, []).append(backend)
        return found

    @cached_property
    def _wild(self) -> Mapping[str, None]:
        return {host: None for hosts in (self._services, self._outside) for host in hosts if is_wildcard(host)}

    def _has(self, host: str) -> bool:
        return host in self._services or host in self._outside

    def _having(self, host: str) -> Sequence[Backend]:
        found = self._read.get(host)
        if found is None and self._has(host):
            services = [_service(config, self.domain) for config in self._services.get(host, ())]
            found = self._read[host] = (*services, *self._outside.get(host, ()))
        return found or ()

    def backends(self, host: str) -> Sequence[Backend]:
        """Everything that has the full host `host`, else what has the longest wildcard that covers it."""
        direct = self._having(host)
        if direct or not self._wild:
            return direct
        found = most_specific(host, self._wild)
        return self._having(found[0]) if found else ()

    def covering(self, host: str) -> Sequence[Backend]:
        """Everything that has the full host `host` or a wildcard that covers it, the most specific first."""
        if not self._wild:
            return self._having(host)
        wide = (f"*{host[cut:]}" for cut in range(len(host) + 1))
        return [backend for name in (host, *wide) for backend in self._having(name)]

    def backend(self, host: str, client: str | None) -> Backend | None:
        """What a full host means to a proxy in namespace `client` (`None`: unknown), if that sees anything.

        Of several, the client's own namespace comes first, then Kubernetes Services, then names in order.
        """
        seen = [b for b in self.backends(host) if visible(b.config.exported, client) is not False]
        seen.sort(key=lambda b: (b.config.namespace != client, b.kind != "Service", b.config.namespace, b.config.name))
        return seen[0] if seen else None

    def called(self, host: str, client: str | None) -> str:
        """The full host that a caller in namespace `client` means by `web`, `web.shop` or `web.shop.svc`."""
        host = host.lower()
        if self._has(host) or is_wildcard(host):
            return host
        short = full_host(host, client or "", self.domain)
        for candidate in (short, f"{host}.svc.{self.domain}", f"{host}.{self.domain}"):
            if self._has(candidate):
                return candidate
        return short

    # ---- DestinationRules ----------------------------------------------------------------------------------

    @cached_property
    def _rules(self) -> Mapping[tuple[str, _Pool], Mapping[str, Sequence[Config]]]:
        """Namespace and pool -> full host -> the DestinationRules for it, by name."""
        found: dict[tuple[str, _Pool], dict[str, list[Config]]] = {}
        for rule in sorted(self.of_kind("DestinationRule"), key=lambda c: c.name):
            host = rule.spec.get("host")
            if not isinstance(host, str) or not host:
                continue
            host = full_host(host, rule.namespace, self.domain)
            selective = "workloadSelector" in rule.spec
            private = selective or rule.exported == {rule.namespace}
            pools: list[_Pool] = ["private" if private else "exported"]
            if selective or visible(rule.exported, rule.namespace):
                pools.append("local")
            for pool in pools:
                found.setdefault((rule.namespace, pool), {}).setdefault(host, []).append(rule)
        return found

    def rules_in(self, namespace: str, host: str, pool: _Pool = "local") -> Sequence[Config]:
        """The DestinationRules of a namespace for a full host: its own, else those of the longest wildcard.

        `pool`: what the namespace's own proxies see (`local`), what others may (`exported`), or what is `private`.
        """
        rows = self._rules.get((namespace, pool))
        found = most_specific(host, rows) if rows else None
        return found[1] if found else ()

    @cached_property
    def _rule_hosts(self) -> Mapping[str, Sequence[Config]]:
        found: dict[str, list[Config]] = {}
        for rule in self.of_kind("DestinationRule"):
            host = rule.spec.get("host")
            if isinstance(host, str) and host:
                found.setdefault(full_host(host, rule.namespace, self.domain), []).append(rule)
        return found

    def rules_for(self, host: str) -> Sequence[Config]:
        """The DestinationRules of all namespaces whose host is the full host `host`, or a wildcard that covers it."""
        if not self._wild_rules:
            return self._rule_hosts.get(host, ())
        wide = (f"*{host[cut:]}" for cut in range(len(host) + 1))
        return [rule for name in (host, *wide) for rule in self._rule_hosts.get(name, ())]

    @cached_property
    def _wild_rules(self) -> bool:
        return any(map(is_wildcard, self._rule_hosts))

    def destination_rules(
        self, host: str, service_namespace: str, client: str, labels: Mapping[str, str] | None = None
    ) -> RuleSet | None:
        """The DestinationRules that a proxy in namespace `client` uses for `host`: the first place that has any counts.

        The places are the client's namespace, the Service's (`""` for none) and the root namespace; nothing is
        inherited from one to the next. `labels` are those of the client's pod, for rules with a workload selector.
        """
        own = self.rules_in(client, host, "private" if client == self.root_namespace else "local")
        if own:
            return _merged("client", own, labels)
        places: tuple[tuple[Literal["service", "root"], str], ...] = (
            ("service", service_namespace),
            ("root", self.root_namespace),
        )
        for place, namespace in places:
            rules = [r for r in self.rules_in(namespace, host, "exported") if visible(r.exported, client)]
            if rules:
                return _merged(place, rules, labels)
        return None

    # ---- VirtualServices -----------------------------------------------------------------------------------

    @cached_property
    def _bound(self) -> Mapping[str, Sequence[Config]]:
        found: dict[str, list[Config]] = {}
        for config in self.of_kind("VirtualService"):
            if hosts_of(config, self.domain):
                for gateway in dict.fromkeys(config.gateways):
                    found.setdefault(gateway, []).append(config)
        return found

    def bound(self, gateway: str) -> Sequence[Config]:
        """The VirtualServices bound to `mesh` or to a Gateway (`namespace/name`); delegates are bound to nothing."""
        return self._bound.get(gateway, ())

    @cached_property
    def mesh_hosts(self) -> Mapping[str, Sequence[Config]]:
        """Full host -> the VirtualServices that claim it for the sidecars."""
        found: dict[str, list[Config]] = {}
        for config in self.bound(MESH):
            for host in hosts_of(config, self.domain):
                found.setdefault(host.lower(), []).append(config)
        return found

    def mesh_services(self, host: str, client: str | None) -> tuple[Config, ...]:
        """The VirtualServices that claim a host for sidecars in namespace `client`, the one that counts first.

        Those of the most specific host; among them private ones, then those exported to the namespace, then public
        ones. Inside one of these groups the oldest counts, which is not known: the first by name is given first.
        """
        seen = {
            name: [c for c in configs if visible(c.exported, client) is not False]
            for name, configs in self.mesh_hosts.items()
            if name == host or is_wildcard(name)
        }
        found = most_specific(host, {name: configs for name, configs in seen.items() if configs})
        return tuple(sorted(found[1], key=lambda c: (export_rank(c, client), c.name, c.namespace))) if found else ()

    def users(self, host: str) -> Sequence[Config]:
        """The VirtualServices, delegates among them, with a route to the full host `host`."""
        return self._users.get(host, ())

    def used_hosts(self, host: str) -> Sequence[str]:
        """The full hosts with users that a full host or wildcard covers."""
        if not is_wildcard(host):
            return (host,) if host in self._users else ()
        return [used for used in self._users if within(used, host)]

    @cached_property
    def _users(self) -> Mapping[str, Sequence[Config]]:
        found: dict[str, dict[int, Config]] = {}
        for config in self.of_kind("VirtualService"):
            for section in ("http", "tls", "tcp"):
                for route in as_list(config.spec.get(section)):
                    for entry in as_list(as_map(route).get("route")):
                        host = text_of(as_map(as_map(entry).get("destination")), "host")
                        if host:
                            full = full_host(host, config.namespace, self.domain)
                            found.setdefault(full, {})[id(config)] = config
        return {host: list(configs.values()) for host, configs in found.items()}

    # ---- pods ----------------------------------------------------------------------------------------------

    def workloads(self, namespace: str, labels: Mapping[str, str]) -> tuple[Config, ...]:
        """The workloads of a namespace whose pods carry `labels`; the hash of a Rollout's ReplicaSet is left aside."""
        wanted = {key: value for key, value in labels.items() if key != HASH_LABEL}
        return tuple(
            config
            for config in self.of_kind(*sorted(_WORKLOADS))
            if config.namespace == namespace and wanted.items() <= pod_labels(config).items()
        )


def config_of(value: Mapping[Any, Any], namespace: str = "", key: Hashable = None) -> Config | None:
    """The mesh's look at a manifest, in `namespace` if it states none; `None` for kinds that say nothing to a mesh."""
    kind, version = value.get("kind"), value.get("apiVersion")
    metadata = as_map(value.get("metadata"))
    own, name = metadata.get("namespace"), metadata.get("name")
    if not isinstance(kind, str) or not isinstance(version, str) or not isinstance(name, str):
        return None
    istio = kind in ("VirtualService", "DestinationRule", "Gateway", "ServiceEntry")
    if not (version.startswith(_NETWORKING) if istio else kind in _WORKLOADS or (kind, version) == ("Service", "v1")):
        return None
    return Config(kind, own if isinstance(own, str) and own else namespace, name, value, key)


def hosts_of(config: Config, domain: str = DOMAIN) -> tuple[str, ...]:
    """The full hosts of a VirtualService; none for a delegate."""
    written = config.spec.get("hosts")
    return tuple(
        full_host(host, config.namespace, domain)
        for host in (written if isinstance(written, list) else ())
        if isinstance(host, str) and host
    )


def export_rank(config: Config, client: str | None) -> int:
    """0 for an object private to the client's namespace, 1 for one exported to it by name, 2 for a public one."""
    exported = config.exported
    if "*" in exported or client is None:
        return 2
    return 0 if config.namespace == client else 1


def pod_labels(config: Config) -> Mapping[str, str]:
    """The labels of a workload's pod template."""
    return strings_of(as_map(as_map(config.spec.get("template")).get("metadata")).get("labels"))


def _service(config: Config, domain: str) -> Backend:
    spec = config.spec
    written = spec.get("ports")
    ports = []
    for entry in written if isinstance(written, list) else ():
        number = as_map(entry).get("port")
        if isinstance(number, int) and not isinstance(number, bool):
            ports.append(Port(number, text_of(as_map(entry), "name"), protocol_of(as_map(entry))))
    selector = strings_of(spec.get("selector"))
    whole = isinstance(written, list) and len(ports) == len(written)
    return Backend(_service_host(config, domain), config, tuple(ports), selector or None, whole)


def _service_host(config: Config, domain: str) -> str:
    return f"{config.name}.{config.namespace}.svc.{domain}"


def _entries(config: Config) -> Iterator[Backend]:
    spec = config.spec
    ports = []
    for entry in as_list(spec.get("ports")):
        number = as_map(entry).get("number")
        if isinstance(number, int) and not isinstance(number, bool):
            protocol = text_of(as_map(entry), "protocol").lower()
            ports.append(Port(number, text_of(as_map(entry), "name"), protocol))
    labels = strings_of(as_map(spec.get("workloadSelector")).get("labels"))
    for host in as_list(spec.get("hosts")):
        if isinstance(host, str) and host:
            whole = len(ports) == len(as_list(spec.get("ports")))
            yield Backend(host.lower(), config, tuple(ports), labels or None, whole)


def _merged(
    place: Literal["client", "service", "root"], rules: Sequence[Config], labels: Mapping[str, str] | None
) -> RuleSet:
    """What several DestinationRules of one host and namespace amount to (mergeDestinationRule).

    A rule with a workload selector that selects the client counts alone. Others are merged where they are exported
    alike: subsets by name, the older rule's first.
    """
    certain = True
    plain = [rule for rule in rules if "workloadSelector" not in rule.spec]
    for rule in rules:
        if "workloadSelector" in rule.spec:
            wanted = strings_of(as_map(rule.spec.get("workloadSelector")).get("matchLabels"))
            if labels is None:
                certain = False
            elif wanted.items() <= labels.items():
                plain = [rule]
                break
    alike = [rule for rule in plain if rule.exported == plain[0].exported]
    certain = certain and len(alike) == len(plain)
    subsets: dict[str, SubsetUse] = {}
    dropped = []
    for rule in alike:
        for index, entry in enumerate(as_list(rule.spec.get("subsets"))):
            name = text_of(as_map(entry), "name")
            use = SubsetUse(rule, index, strings_of(as_map(entry).get("labels")))
            if name in subsets:
                dropped.append(use)
            elif name:
                subsets[name] = use
    certain = certain and all(use.rule == subsets[_subset_name(use)].rule for use in dropped)
    return RuleSet(place, tuple(alike), subsets, tuple(dropped), certain)


def _subset_name(use: SubsetUse) -> str:
    return text_of(as_map(as_list(use.rule.spec.get("subsets"))[use.position]), "name")
