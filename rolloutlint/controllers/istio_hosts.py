"""Host names, visibility and gateway names as istiod resolves them.

Mirrors istio `pilot/pkg/model/config.go` (ResolveShortnameToFQDN, resolveGatewayName, MostSpecificHostMatch),
`pkg/config/host/name.go` (Matches, SubsetOf) and `pkg/config/visibility`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")

DOMAIN = "cluster.local"
"""The cluster's domain unless the mesh is told another."""

MESH = "mesh"
"""The reserved name that stands for all sidecars."""

EVERYWHERE = frozenset({"*"})
"""Where an object is visible that does not say it."""


class ServiceName(NamedTuple):
    """A Kubernetes Service, by its name."""

    name: str
    namespace: str


def is_ip(host: str) -> bool:
    """True for an IPv4 or IPv6 address."""
    if ":" not in host and not host[:1].isdigit():
        return False
    import ipaddress  # which few hosts need

    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_wildcard(host: str) -> bool:
    """True for `*` and names that begin with it."""
    return host.startswith("*")


def full_host(host: str, namespace: str, domain: str = DOMAIN) -> str:
    """The host as Istio resolves it: a name without a dot gets the namespace and domain, all others are full already.

    `namespace` is that of the object in which the host stands. `a.b` therefore is no Service of namespace `b`.
    """
    if not host or "." in host or host.startswith("*") or (":" in host and is_ip(host)):
        return host
    return f"{host}.{namespace}.svc.{domain}"


def service_of(host: str, domain: str = DOMAIN) -> ServiceName | None:
    """The Service that a full host means, `None` for any other host."""
    stem = host.removesuffix(f".svc.{domain}")
    name, dot, namespace = stem.partition(".")
    return ServiceName(name, namespace) if stem != host and dot and name and _is_label(namespace) else None


def half_host(host: str) -> ServiceName | None:
    """The Service that `name.namespace` or `name.namespace.svc` was meant to be; `None` for hosts of other shapes.

    Istio takes both as complete names, and there is no cluster of such a name (ResolveShortnameToFQDN).
    """
    if not 1 <= host.count(".") <= 2:
        return None
    labels = host.split(".")
    if len(labels) == 3 and labels[2] == "svc":
        labels.pop()
    if len(labels) != 2 or not all(map(_is_label, labels)) or is_ip(host):
        return None
    return ServiceName(labels[0], labels[1])


def _is_label(text: str) -> bool:
    return text.replace("-", "x").isalnum() and text.isascii() and text == text.lower() and text.strip("-") == text


def overlaps(one: str, other: str) -> bool:
    """True where some name is covered by both hosts (host.Name.Matches)."""
    return within(one, other) or within(other, one)


def within(narrow: str, wide: str) -> bool:
    """True where `wide` covers every name that `narrow` stands for (host.Name.SubsetOf)."""
    if not is_wildcard(wide):
        return narrow == wide
    if is_wildcard(narrow):
        return len(narrow) >= len(wide) and narrow[1:].endswith(wide[1:])
    return narrow.endswith(wide[1:])


def most_specific(host: str, known: Mapping[str, T]) -> tuple[str, T] | None:
    """The entry for `host` itself, else for the longest wildcard that covers it (MostSpecificHostMatch)."""
    if host in known:
        return host, known[host]
    tail = host.removeprefix("*")
    start = 1 if is_wildcard(host) else 0
    for cut in range(start, len(tail) + 1):  # from the longest suffix to the shortest: `*` alone is the last
        wide = "*" + tail[cut:]
        if wide in known and (wide != host):
            return wide, known[wide]
    return None


def meeting(server_hosts: Iterable[str], hosts: Iterable[str]) -> tuple[str, ...]:
    """The names that hosts of a gateway server and of a VirtualService have in common (host.Names.Intersection)."""
    wide = tuple(hosts)
    found: dict[str, None] = {}
    for server in server_hosts:
        for host in wide:
            if within(server, host):
                found[server] = None
            elif within(host, server):
                found[host] = None
    return tuple(found)


def server_hosts(written: object, gateway_namespace: str, namespace: str) -> tuple[str, ...]:
    """The hosts of a Gateway's server that a VirtualService of `namespace` may bind to (host.NamesForNamespace).

    `ns/host` binds that namespace only, `./host` the Gateway's own, `*/host` and `host` every one.
    """
    found = []
    for entry in written if isinstance(written, list) else ():
        if not isinstance(entry, str):
            continue
        where, slash, host = entry.partition("/")
        if not slash:
            found.append(entry)
        elif where == "*" or namespace == (gateway_namespace if where == "." else where):
            found.append(host)
    return tuple(found)


def exports(written: object, namespace: str) -> frozenset[str]:
    """The namespaces an object is visible in: `*` stands for all, an absent list means `*`, `.` the own namespace."""
    if not isinstance(written, list):
        return EVERYWHERE
    listed = [entry for entry in written if isinstance(entry, str)]
    return frozenset(namespace if entry == "." else entry for entry in listed) or EVERYWHERE


def visible(exported: frozenset[str], client: str | None) -> bool | None:
    """Whether a proxy in namespace `client` sees an object; `None` where the client is not known and it matters."""
    if "*" in exported:
        return True
    return None if client is None and exported != {"~"} else client in exported


def gateway_names(written: object, namespace: str) -> tuple[str, ...]:
    """The gateways of a VirtualService as `namespace/name`, `mesh` as itself; none written means `mesh`.

    A name with dots is the old form `name.namespace.svc.domain` (resolveGatewayName).
    """
    names = [entry for entry in written if isinstance(entry, str)] if isinstance(written, list) else []
    return tuple(_gateway_name(name, namespace) for name in names) or (MESH,)


def _gateway_name(name: str, namespace: str) -> str:
    if name == MESH:
        return name
    if "/" in name:
        where, _, rest = name.partition("/")
        return f"{namespace}/{rest}" if where == "." else name
    short, dot, rest = name.partition(".")
    return f"{rest.partition('.')[0]}/{short}" if dot else f"{namespace}/{name}"


def protocol_of(port: Mapping[str, Any]) -> str:
    """What Istio takes the protocol of a Service's or ServiceEntry's port to be, in lower case; `""`: it looks itself.

    Mirrors `pkg/config/kube/conversion.go` ConvertProtocol and `pkg/config/protocol/instance.go` Parse. For a port
    of a Service: UDP first, then `appProtocol`, then the name up to its first `-`, then well-known numbers.
    """
    transport = port.get("protocol")
    if transport == "UDP":
        return "udp"
    written = port.get("appProtocol")
    name = written if isinstance(written, str) else port.get("name")
    name = name if isinstance(name, str) else ""
    if isinstance(written, str) and written in _APP_PROTOCOLS:
        return _APP_PROTOCOLS[written]
    lowered = name.lower()
    if lowered.startswith("grpc-web"):
        return "grpc-web"
    prefix = lowered.partition("-")[0]
    if prefix in PROTOCOLS:
        return prefix
    return "tcp" if port.get("port") in _TCP_PORTS else ""


HTTP = frozenset({"http", "http2", "http_proxy", "grpc", "grpc-web", ""})
"""Protocols to which http routes apply; `""` is found out connection by connection."""

TLS = frozenset({"https", "tls"})
PROTOCOLS = HTTP - {""} | TLS | {"tcp", "udp", "mongo", "redis", "mysql"}
_APP_PROTOCOLS = {"kubernetes.io/h2c": "http2", "kubernetes.io/ws": "http", "kubernetes.io/wss": "https"}
_TCP_PORTS = frozenset({25, 53, 3306, 27017})
