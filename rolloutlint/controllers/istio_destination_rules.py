"""What istiod's webhook refuses about a DestinationRule, or warns about.

Mirrors istio `pkg/config/validation/validation.go` (ValidateDestinationRule, validateTrafficPolicy and what it calls)
and `agent/validation.go` (ValidateTLS). Settings of localities are not looked into.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rolloutlint.controllers.istio_hosts import is_ip
from rolloutlint.controllers.istio_validation import (
    Fault,
    domain_fault,
    duration_fault,
    export_faults,
    fqdn_fault,
    is_label,
    port_fault,
    selector,
    tags,
)
from rolloutlint.controllers.istio_values import as_list, as_map, number_of, text_of
from rolloutlint.finding import Path
from rolloutlint.lang.placeholder import filled_later

_POLICY = ("outlierDetection", "connectionPool", "loadBalancer", "tls", "portLevelSettings", "tunnel", "proxyProtocol")
_PORT_POLICY = _POLICY[:4]
_HTTP_COUNTS = {
    "http1MaxPendingRequests": "http1 max pending requests",
    "http2MaxRequests": "http2 max requests",
    "maxRequestsPerConnection": "max requests per connection",
    "maxRetries": "max retries",
    "maxConcurrentStreams": "max concurrent streams",
}
_LARGEST_TABLE = 5000011


def validate_destination_rule(value: Mapping[Any, Any], namespace: str = "") -> tuple[Fault, ...]:
    """The faults of a DestinationRule manifest; `namespace` is where it ends up, `""` if that is not known."""
    spec = as_map(value.get("spec"))
    found: list[Fault] = []
    host = spec.get("host", "")
    if isinstance(host, str) and isinstance(value.get("spec"), dict) and not filled_later(host) and domain_fault(host):
        found.append(Fault(("spec", "host") if "host" in spec else ("spec",), "host", domain_fault(host)))
    found += _policy(spec.get("trafficPolicy"), ("spec", "trafficPolicy"))
    seen: set[str] = set()
    for index, subset in enumerate(as_list(spec.get("subsets"))):
        path: Path = ("spec", "subsets", index)
        if subset is None:
            found.append(Fault(path, "null", "subset may not be null"))
        if not isinstance(subset, dict):
            continue
        name = subset.get("name", "")
        if isinstance(name, str) and not filled_later(name):
            at = (*path, "name") if "name" in subset else path
            if name in seen:
                found.append(Fault(at, "subset-twice", f"duplicate subset names: {name}"))
            seen.add(name)
            if not is_label(name):
                said = f"subset name is invalid: {name}" if name else "subset name cannot be empty"
                found.append(Fault(at, "subset-name", said))
        found += tags(subset.get("labels"), (*path, "labels"))
        found += _policy(subset.get("trafficPolicy"), (*path, "trafficPolicy"))
    found += export_faults(spec, namespace)
    if spec.get("workloadSelector") is not None and namespace:
        exported = {namespace if e == "." else e for e in as_list(spec.get("exportTo")) if isinstance(e, str)}
        if exported - {namespace}:
            several = namespace in exported
            said = (
                "cannot have multiple entries in exportTo" if several else "cannot have exportTo beyond its namespace"
            )
            found.append(Fault(("spec", "exportTo"), "export-selector", f"destination rule with selector {said}"))
    found += selector(spec.get("workloadSelector"), ("spec", "workloadSelector"), "matchLabels")
    return tuple(found)


def _policy(policy: object, path: Path) -> Iterator[Fault]:
    if not isinstance(policy, dict):
        return
    if all(policy.get(key) is None for key in (*_POLICY, "retryBudget")):
        yield Fault(path, "empty-policy", "traffic policy must have at least one field")
        return
    if policy.get("tunnel") is not None and policy.get("proxyProtocol") is not None:
        yield Fault((*path, "proxyProtocol"), "tunnel", "tunnel and proxyProtocol must not be set together")
        return
    yield from _common(policy, path)
    for index, entry in enumerate(as_list(policy.get("portLevelSettings"))):
        at: Path = (*path, "portLevelSettings", index)
        if entry is None:
            yield Fault(at, "null", "traffic policy may not be null")
        elif isinstance(entry, dict):
            if entry.get("port") is None:
                yield Fault(at, "port", "portTrafficPolicy must have valid port")
            if all(entry.get(key) is None for key in _PORT_POLICY):
                yield Fault(at, "empty-policy", "port traffic policy must have at least one field")
            yield from _common(entry, at)
    yield from _tunnel(policy.get("tunnel"), (*path, "tunnel"))


def _common(policy: Mapping[Any, Any], path: Path) -> Iterator[Fault]:
    yield from _outliers(as_map(policy.get("outlierDetection")), (*path, "outlierDetection"))
    yield from _pool(policy.get("connectionPool"), (*path, "connectionPool"))
    if policy.get("loadBalancer"):
        yield from _balancer(as_map(policy["loadBalancer"]), (*path, "loadBalancer"))
    if policy.get("tls"):
        yield from _tls(as_map(policy["tls"]), (*path, "tls"))


def _tunnel(tunnel: object, path: Path) -> Iterator[Fault]:
    if not isinstance(tunnel, dict):
        return
    protocol, host = text_of(tunnel, "protocol"), text_of(tunnel, "targetHost")
    if protocol not in ("", "CONNECT", "POST"):
        yield Fault((*path, "protocol"), "tunnel", 'tunnel protocol must be "CONNECT" or "POST"')
    if fqdn_fault(host) and not is_ip(host) and not filled_later(host):
        yield Fault(path, "tunnel", "tunnel target host must be valid FQDN or IP address")
    if port_fault(tunnel.get("targetPort", 0)):
        yield Fault(path, "port", "tunnel target port is invalid")


def _outliers(outlier: Mapping[Any, Any], path: Path) -> Iterator[Fault]:
    for field in ("baseEjectionTime", "interval"):
        yield from _duration(outlier, field, path)
    if number_of(outlier, "consecutiveErrors"):
        said = "outlier detection consecutive errors is deprecated, use consecutive5xxErrors instead"
        yield Fault((*path, "consecutiveErrors"), "deprecated", said, "warning")
    split = outlier.get("splitExternalLocalOriginErrors") is True
    if not split and (number_of(outlier, "consecutiveLocalOriginFailures") or 0) > 0:
        said = "consecutive local origin failures is specified, but split external local origin errors is false"
        yield Fault((*path, "consecutiveLocalOriginFailures"), "outlier", said)
    for field in ("maxEjectionPercent", "minHealthPercent"):
        percent = number_of(outlier, field)
        if percent is not None and not 0 <= percent <= 100:
            yield Fault((*path, field), "percentage", f"percentage {percent} is not in range 0..100")


def _pool(pool: object, path: Path) -> Iterator[Fault]:
    if not isinstance(pool, dict):
        return
    if pool.get("http") is None and pool.get("tcp") is None:
        yield Fault(path, "empty-policy", "connection pool must have at least one field")
    http, tcp = as_map(pool.get("http")), as_map(pool.get("tcp"))
    for field, said in _HTTP_COUNTS.items():
        if field in http and (number_of(http, field) or 0) < 0:
            yield Fault((*path, "http", field), "negative", f"{said} must be non-negative")
    if (number_of(tcp, "maxConnections") or 0) < 0:
        yield Fault((*path, "tcp", "maxConnections"), "negative", "max connections must be non-negative")
    yield from _duration(http, "idleTimeout", (*path, "http"))
    if http.get("h2UpgradePolicy") == "UPGRADE" and http.get("useClientProtocol") is True:
        said = "use client protocol must not be true when H2UpgradePolicy is UPGRADE"
        yield Fault((*path, "http", "useClientProtocol"), "pool", said)
    if not tcp:
        return
    for field in ("connectTimeout", "maxConnectionDuration", "idleTimeout"):
        if field != "idleTimeout" or tcp.get(field) not in ("0s", "0"):
            yield from _duration(tcp, field, (*path, "tcp"))
    alive = as_map(tcp.get("tcpKeepalive"))
    for field in ("time", "interval"):
        yield from _duration(alive, field, (*path, "tcp", "tcpKeepalive"))


def _balancer(balancer: Mapping[Any, Any], path: Path) -> Iterator[Fault]:
    hashing = as_map(balancer.get("consistentHash"))
    cookie = hashing.get("httpCookie")
    if isinstance(cookie, dict) and not cookie.get("name"):
        yield Fault((*path, "consistentHash", "httpCookie"), "cookie", "name required for HttpCookie")
    if number_of(hashing, "minimumRingSize"):
        at = (*path, "consistentHash", "minimumRingSize")
        said = "consistent hash MinimumRingSize is deprecated, use ConsistentHashLB's RingHash configuration instead"
        yield Fault(at, "deprecated", said, "warning")
        if hashing.get("ringHash") is not None or hashing.get("maglev") is not None:
            yield Fault(at, "hash", "only one of MinimumRingSize or Maglev/Ringhash can be specified")
    maglev = hashing.get("maglev")
    if isinstance(maglev, dict):
        size = maglev.get("tableSize", 0)
        at = (*path, "consistentHash", "maglev")
        if size == 0:
            yield Fault(at, "maglev", "tableSize must be set for maglev")
        elif isinstance(size, int) and size >= _LARGEST_TABLE:
            yield Fault(at, "maglev", f"tableSize must be less than {_LARGEST_TABLE} for maglev")
        elif isinstance(size, int) and not _is_prime(size):
            yield Fault(at, "maglev", "tableSize must be a prime number for maglev")
    warmup = balancer.get("warmup")
    if isinstance(warmup, dict):
        at = (*path, "warmup")
        if warmup.get("duration") is None:
            yield Fault(at, "warmup", "duration is required")
        yield from _duration(warmup, "duration", at)


def _is_prime(number: int) -> bool:
    return number in (1, 2, 3) or (number % 2 > 0 and all(number % f for f in range(3, int(number**0.5) + 1, 2)))


def _tls(tls: Mapping[Any, Any], path: Path) -> Iterator[Fault]:
    mode, credential = text_of(tls, "mode"), text_of(tls, "credentialName")
    authority = text_of(tls, "caCertificates")
    if tls.get("insecureSkipVerify") is True:
        names = tls.get("subjectAltNames") is not None
        if mode in ("SIMPLE", "MUTUAL") and (authority or names or (credential and mode == "SIMPLE")):
            said = "cannot specify CaCertificates or SubjectAltNames when InsecureSkipVerify is set true"
            yield Fault((*path, "insecureSkipVerify"), "tls", said)
    if mode in ("SIMPLE", "MUTUAL") and credential:
        written = next((k for k in ("clientCertificate", "caCertificates", "privateKey", "caCrl") if tls.get(k)), "")
        if written:
            said = "cannot specify client certificates or CA certificate or CA CRL If credentialName is set"
            yield Fault((*path, written), "tls", said)
        return
    if mode == "MUTUAL":
        for field, named in (("clientCertificate", "client certificate"), ("privateKey", "private key")):
            if not tls.get(field):
                yield Fault(path, "tls", f"{named} required for mutual tls")


def _duration(values: Mapping[Any, Any], field: str, path: Path) -> Iterator[Fault]:
    if duration_fault(values.get(field)):
        yield Fault((*path, field), "duration", duration_fault(values.get(field)))
