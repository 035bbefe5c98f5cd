"""What istiod's webhook refuses about a Gateway or a ServiceEntry, or warns about.

Mirrors istio `pkg/config/validation/validation.go` (ValidateGateway, ValidateServiceEntry and what they call).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rolloutlint.controllers.istio_hosts import HTTP, PROTOCOLS, TLS, is_ip, is_wildcard
from rolloutlint.controllers.istio_validation import (
    Fault,
    domain_fault,
    export_faults,
    fqdn_fault,
    is_label,
    port_fault,
    selector,
    subnet_fault,
    texts,
)
from rolloutlint.controllers.istio_values import as_list, as_map, text_of
from rolloutlint.finding import Path
from rolloutlint.lang.placeholder import filled_later

_OWN_CERTIFICATE = ("serverCertificate", "privateKey", "caCertificates", "credentialName")
_SOCKET = "unix://"


def validate_gateway(value: Mapping[Any, Any], namespace: str = "") -> tuple[Fault, ...]:
    """The faults of a Gateway manifest (networking.istio.io). `namespace` plays no part."""
    spec = as_map(value.get("spec"))
    found: list[Fault] = []
    name = text_of(as_map(value.get("metadata")), "name")
    if name and not is_label(name) and not filled_later(name):
        found.append(Fault(("metadata", "name"), "name", f'invalid gateway name: "{name}"'))
    if spec.get("servers") in (None, []) and isinstance(value.get("spec"), dict):
        found.append(Fault(("spec",), "no-servers", "gateway must have at least one server"))
    names: set[str] = set()
    for index, server in enumerate(as_list(spec.get("servers"))):
        path: Path = ("spec", "servers", index)
        if server is None:
            found.append(Fault(path, "null", "server may not be nil"))
        if not isinstance(server, dict):
            continue
        found += _server(server, path)
        port = as_map(server.get("port"))
        named = text_of(port, "name")
        if named and named in names and not filled_later(named):
            said = f"port names in servers must be unique: duplicate name {named}"
            found.append(Fault((*path, "port", "name"), "port-twice", said))
        names.add(named)
    return tuple(found)


def _server(server: Mapping[Any, Any], path: Path) -> Iterator[Fault]:
    if server.get("hosts") in (None, []):
        yield Fault(path, "no-hosts", "server config must contain at least one host")
    for at, host in texts(server.get("hosts"), (*path, "hosts")):
        yield from _host(host, at)
    port, tls = server.get("port"), server.get("tls")
    if port is None:
        yield Fault(path, "port", "port is required")
        return
    if not isinstance(port, dict):
        return
    protocol = text_of(port, "protocol")
    lowered = protocol.lower()
    known = lowered in PROTOCOLS
    if not known and not filled_later(protocol):
        at = (*path, "port", "protocol") if "protocol" in port else (*path, "port")
        yield Fault(at, "protocol", f'invalid protocol "{protocol}"')
    socket = text_of(server, "bind").startswith(_SOCKET)
    if port_fault(port.get("number", 0)) and not (socket and port.get("number") in (None, 0)):
        yield Fault((*path, "port"), "port", port_fault(port.get("number", 0)))
    if port.get("name", "") == "":
        yield Fault((*path, "port"), "port-name", "port name must be set")
    if port.get("targetPort"):
        yield Fault((*path, "port", "targetPort"), "target-port", "targetPort has no impact on Gateways")
    bind = text_of(server, "bind")
    if bind and not socket and not is_ip(bind) and not filled_later(bind):
        yield Fault((*path, "bind"), "bind", f'"{bind}" is not a valid IP')
    yield from _server_tls(as_map(tls), (*path, "tls"))
    if not known or port_fault(port.get("number", 0)) or port.get("name", "") == "":
        return
    if lowered in TLS and tls is None:
        yield Fault((*path, "port", "protocol"), "no-tls", "server must have TLS settings for HTTPS/TLS protocols")
    elif lowered not in TLS and isinstance(tls, dict):
        passed = text_of(tls, "mode") in ("", "PASSTHROUGH", "AUTO_PASSTHROUGH")
        if lowered not in HTTP:
            yield Fault((*path, "tls"), "tls", "server cannot have TLS settings for non HTTPS/TLS ports")
        elif not passed or any(tls.get(key) for key in _OWN_CERTIFICATE[:3]):
            yield Fault((*path, "tls"), "tls", "server cannot have TLS settings for plain text HTTP ports")


def _host(host: str, path: Path) -> Iterator[Fault]:
    namespace, slash, name = host.partition("/")
    if not slash:
        namespace, name = "*", host
    if not namespace or not name:
        yield Fault(path, "host", "config namespace and dnsName in host entry cannot be empty")
    elif namespace not in ("*", ".") and not is_label(namespace):
        yield Fault(path, "host", f'invalid namespace value "{namespace}" in gateway')
    elif name != "*" and "." not in name and not is_ip(name):
        yield Fault(path, "host-short", "short names (non FQDN) are not allowed")
    elif domain_fault(name) and not is_ip(name):
        yield Fault(path, "host", domain_fault(name))
    elif is_wildcard(name) and len(name) > 1 and not name.startswith("*."):
        yield Fault(path, "host", f'partial wildcard "{name}" not allowed')


def _server_tls(tls: Mapping[Any, Any], path: Path) -> Iterator[Fault]:
    mode = text_of(tls, "mode")
    if mode == "ISTIO_MUTUAL":
        for field in (*_OWN_CERTIFICATE, "credentialNames", "tlsCertificates"):
            if tls.get(field):
                yield Fault((*path, field), "tls", f"ISTIO_MUTUAL TLS cannot have associated {field}")
        return
    if mode in ("PASSTHROUGH", "AUTO_PASSTHROUGH") and any(tls.get(field) for field in _OWN_CERTIFICATE):
        said = f"{mode} mode does not use certificates, they will be ignored"
        yield Fault((*path, "mode"), "tls-ignored", said, "warning")
    if mode not in ("SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL") or tls.get("credentialName") or tls.get("credentialNames"):
        return
    kind = "SIMPLE TLS" if mode == "SIMPLE" else "MUTUAL TLS"
    if mode != "SIMPLE" and not tls.get("caCertificates"):
        yield Fault(path, "tls", f"{kind} requires a client CA bundle")
    if not tls.get("tlsCertificates"):
        for field, named in (("serverCertificate", "server certificate"), ("privateKey", "private key")):
            if not tls.get(field):
                yield Fault(path, "tls", f"{kind} requires a {named}")


def validate_service_entry(value: Mapping[Any, Any], namespace: str = "") -> tuple[Fault, ...]:
    """The faults of a ServiceEntry manifest; `namespace` is where it ends up, `""` if that is not known."""
    spec = as_map(value.get("spec"))
    if not isinstance(value.get("spec"), dict):
        return ()
    found: list[Fault] = [*selector(spec.get("workloadSelector"), ("spec", "workloadSelector"), "labels")]
    resolution = spec.get("resolution") or "NONE"
    hosts = list(texts(spec.get("hosts"), ("spec", "hosts")))
    endpoints = as_list(spec.get("endpoints"))
    if spec.get("workloadSelector") is not None and spec.get("endpoints") is not None:
        said = "only one of WorkloadSelector or Endpoints is allowed in Service Entry"
        found.append(Fault(("spec", "endpoints"), "endpoints", said))
    if spec.get("hosts") in (None, []):
        found.append(Fault(("spec",), "no-hosts", "service entry must have at least one host"))
    path: Path
    for path, host in hosts:
        fault = f"invalid host {host}" if host == "*" else domain_fault(host)
        if fault:
            found.append(Fault(path, "host", fault))
        elif is_wildcard(host) and not host.startswith("*.") and resolution != "DYNAMIC_DNS":
            found.append(Fault(path, "host", f'partial wildcard "{host}" not allowed', "warning"))
    for path, address in texts(spec.get("addresses"), ("spec", "addresses")):
        if subnet_fault(address):
            found.append(Fault(path, "address", subnet_fault(address)))
        elif "/" in address and resolution not in ("NONE", "STATIC"):
            said = "CIDR addresses are allowed only for NONE/STATIC resolution types"
            found.append(Fault(path, "address", said))
    found += _entry_ports(spec)
    if resolution == "NONE" and endpoints:
        said = "no endpoints should be provided for resolution type none"
        found.append(Fault(("spec", "endpoints"), "endpoints", said))
    if resolution in ("DNS", "DNS_ROUND_ROBIN"):
        bad = next(((path, host) for path, host in hosts if not endpoints and fqdn_fault(host)), None)
        if bad is not None:
            said = f"hosts must be FQDN if no endpoints are provided for resolution mode {resolution}"
            found.append(Fault(bad[0], "host", said))
        if resolution == "DNS_ROUND_ROBIN" and len(endpoints) > 1:
            said = "there must only be 0 or 1 endpoint for resolution mode DNS_ROUND_ROBIN"
            found.append(Fault(("spec", "endpoints"), "endpoints", said))
        for index, endpoint in enumerate(endpoints):
            where = as_map(endpoint).get("address")
            if isinstance(where, str) and not filled_later(where) and not is_ip(where) and fqdn_fault(where):
                said = f'endpoint address "{where}" is not a valid FQDN or an IP address'
                found.append(Fault(("spec", "endpoints", index, "address"), "address", said))
    protocols = [text_of(as_map(port), "protocol").lower() for port in as_list(spec.get("ports"))]
    if resolution != "NONE" and len(as_list(spec.get("hosts"))) > 1:
        plain = next((i for i, p in enumerate(protocols) if p not in (HTTP | TLS) - {""}), None)
        if plain is not None and not filled_later(protocols[plain]):
            said = "multiple hosts provided with non-HTTP, non-TLS ports"
            found.append(Fault(("spec", "ports", plain), "protocol", said))
    return (*found, *export_faults(spec, namespace, entry=True))


def _entry_ports(spec: Mapping[Any, Any]) -> Iterator[Fault]:
    names: set[object] = set()
    numbers: set[object] = set()
    for index, port in enumerate(as_list(spec.get("ports"))):
        path: Path = ("spec", "ports", index)
        if port is None:
            yield Fault(path, "null", "service entry port may not be null")
        if not isinstance(port, dict):
            continue
        name, number = port.get("name", ""), port.get("number", 0)
        protocol = text_of(port, "protocol")
        if isinstance(name, str) and not filled_later(name):
            if name in names:
                yield Fault((*path, "name"), "port-twice", f'service entry port name "{name}" already defined')
            elif not is_label(name):
                yield Fault((*path, "name") if name else path, "port-name", f"invalid port name: {name}")
            names.add(name)
        if isinstance(number, int):
            if number in numbers:
                yield Fault((*path, "number"), "port-twice", f"service entry port {number} already defined")
            elif port_fault(number):
                yield Fault((*path, "number") if "number" in port else path, "port", port_fault(number))
            numbers.add(number)
        if protocol and protocol.lower() not in PROTOCOLS and not filled_later(protocol):
            yield Fault((*path, "protocol"), "protocol", f"unsupported protocol: {protocol}")
        if port.get("targetPort") and port_fault(port.get("targetPort")):
            yield Fault((*path, "targetPort"), "port", port_fault(port.get("targetPort")))
