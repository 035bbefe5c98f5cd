"""What istiod's webhook refuses about a VirtualService, or warns about.

Mirrors istio `pkg/config/validation/validation.go` (ValidateVirtualService and what it calls) and `virtualservice.go`.
What it says about routes that are never reached is left to `istio_shadowing`, which is sound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from rolloutlint.controllers.istio_hosts import MESH, is_ip, overlaps, within
from rolloutlint.controllers.istio_matching import is_claim
from rolloutlint.controllers.istio_validation import (
    Fault,
    domain_fault,
    duration_fault,
    export_faults,
    gateway_faults,
    is_header_name,
    is_label,
    port_fault,
    regex_fault,
    subnet_fault,
    tags,
    texts,
)
from rolloutlint.controllers.istio_values import as_list, as_map, number_of, text_of
from rolloutlint.finding import Path
from rolloutlint.lang.placeholder import filled_later

_RETRY_ON = frozenset(
    {
        "5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "retriable-4xx", "refused-stream",
        "retriable-status-codes", "retriable-headers", "envoy-ratelimited", "http3-post-connect-failure", "cancelled",
        "deadline-exceeded", "internal", "resource-exhausted", "unavailable",
    }
)  # fmt: skip
_STATUS = frozenset(str(status.value) for status in HTTPStatus)
_GRPC_STATUS = frozenset(
    {
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
        "PERMISSION_DENIED", "UNAUTHENTICATED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
        "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
    }
)  # fmt: skip
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "*"})


def validate_virtual_service(value: Mapping[Any, Any], namespace: str = "") -> tuple[Fault, ...]:
    """The faults of a VirtualService manifest in document order by section; `namespace` is where it ends up."""
    spec = as_map(value.get("spec"))
    hosts = [entry for entry in as_list(spec.get("hosts")) if isinstance(entry, str)]
    delegate = not as_list(spec.get("hosts"))
    gateways = [entry for entry in as_list(spec.get("gateways")) if isinstance(entry, str)]
    in_mesh = not gateways or MESH in gateways
    found: list[Fault] = []
    if delegate and spec.get("hosts") in (None, []):
        for field in ("gateways", "tls", "tcp"):
            if as_list(spec.get(field)):
                named = field if field == "gateways" else f"{field} route"
                said = f"delegate virtual service must have no {named} specified"
                found.append(Fault(("spec", field), f"delegate-{field}", said))
    found += gateway_faults(spec.get("gateways"), ("spec", "gateways"))
    if in_mesh:
        found += _claims(spec)
    found += _hosts(spec, in_mesh)
    if isinstance(value.get("spec"), dict) and all(spec.get(key) in (None, []) for key in ("http", "tls", "tcp")):
        found.append(Fault(("spec",), "no-routes", "http, tcp or tls must be provided in virtual service"))
    for index, route in enumerate(as_list(spec.get("http"))):
        path: Path = ("spec", "http", index)
        if route is None:
            found.append(Fault(path, "null", "http route may not be null"))
        elif isinstance(route, dict):
            found += _http(route, path, delegate)
    for index, route in enumerate(as_list(spec.get("tls"))):
        if isinstance(route, dict):
            found += _tls(route, ("spec", "tls", index), hosts)
    for index, route in enumerate(as_list(spec.get("tcp"))):
        if isinstance(route, dict):
            found += _tcp(route, ("spec", "tcp", index))
    return (*found, *export_faults(spec, namespace))


def _claims(spec: Mapping[Any, Any]) -> Iterator[Fault]:
    for index, route in enumerate(as_list(spec.get("http"))):
        for position, match in enumerate(as_list(as_map(route).get("match"))):
            for field in ("headers", "withoutHeaders"):
                for name in as_map(as_map(match).get(field)):
                    if isinstance(name, str) and is_claim(name):
                        said = f"JWT claim based routing (key: {name}) is only supported for gateway"
                        yield Fault(("spec", "http", index, "match", position, field, name), "claim-in-mesh", said)


def _hosts(spec: Mapping[Any, Any], in_mesh: bool) -> Iterator[Fault]:
    valid = True
    written = list(texts(spec.get("hosts"), ("spec", "hosts")))
    sni = any(
        as_list(as_map(m).get("sniHosts")) for r in as_list(spec.get("tls")) for m in as_list(as_map(r).get("match"))
    )
    for path, host in written:
        fault = "" if sni and not in_mesh and host.startswith("outbound_") else domain_fault(host)
        if fault and not is_ip(host):
            valid = False
            yield Fault(path, "host", fault)
        elif in_mesh and host == "*":
            valid = False
            said = "wildcard host * is not allowed for virtual services bound to the mesh gateway"
            yield Fault(path, "host-wildcard", said)
    for later in range(len(written) if valid else 0):
        path, host = written[later]
        for _, earlier in written[:later]:
            if overlaps(earlier, host):
                yield Fault(path, "host-twice", f"duplicate hosts in virtual service: {earlier} & {host}")


# ---- http --------------------------------------------------------------------------------------------------


def _http(route: Mapping[Any, Any], path: Path, delegate: bool) -> Iterator[Fault]:
    yield from _conflicts(route, path, delegate)
    for index, match in enumerate(as_list(route.get("match"))):
        if isinstance(match, dict):
            yield from _match(match, (*path, "match", index))
    if route.get("headers"):  # few routes have any of these, and every VirtualService is asked
        yield from _headers(route["headers"], (*path, "headers"))
    if route.get("corsPolicy"):
        yield from _cors(as_map(route["corsPolicy"]), (*path, "corsPolicy"))
    yield from _fault_injection(route.get("fault"), (*path, "fault"))
    if route.get("mirrorPercent") is not None:
        percent = number_of(route, "mirrorPercent")
        if percent is not None and percent > 100:
            said = f"mirror_percent must have a max value of 100 (it has {percent})"
            yield Fault((*path, "mirrorPercent"), "mirror-percent", said)
        said = 'using deprecated setting "mirrorPercent", use "mirrorPercentage" instead'
        yield Fault((*path, "mirrorPercent"), "deprecated", said, "warning")
    if route.get("mirrorPercentage"):
        yield from _percentage(route["mirrorPercentage"], (*path, "mirrorPercentage"), "mirror_percentage")
    if route.get("mirror") is not None:
        yield from _destination(route["mirror"], (*path, "mirror"))
    for index, mirror in enumerate(as_list(route.get("mirrors"))):
        at: Path = (*path, "mirrors", index)
        if mirror is None:
            yield Fault(at, "null", "mirror cannot be null")
        elif isinstance(mirror, dict):
            if mirror.get("destination") is None:
                yield Fault(at, "destination", "destination is required for mirrors")
            yield from _destination(mirror.get("destination"), (*at, "destination"))
            yield from _percentage(mirror.get("percentage"), (*at, "percentage"), "mirror percentage")
    if route.get("redirect") is not None:
        yield from _redirect(route, path)
    response = as_map(route.get("directResponse"))
    if response:
        yield from _status(response.get("status", 0), (*path, "directResponse", "status"))
    if route.get("retries"):
        yield from _retries(as_map(route["retries"]), (*path, "retries"))
    if route.get("rewrite") is not None or route.get("headers"):
        yield from _rewrite(route, path)
    yield from _destinations(route, path)
    if duration_fault(route.get("timeout")):
        yield Fault((*path, "timeout"), "duration", duration_fault(route.get("timeout")))


def _conflicts(route: Mapping[Any, Any], path: Path, delegate: bool) -> Iterator[Fault]:
    """What of a route excludes each other (validateHTTPRouteConflict)."""
    has = {key: route.get(key) is not None for key in ("redirect", "fault", "rewrite", "directResponse", "delegate")}
    sends = bool(as_list(route.get("route")))
    if not isinstance(route.get("route"), (list, type(None))):
        return
    if has["delegate"] and not delegate:
        if has["redirect"]:
            yield Fault((*path, "redirect"), "root-redirect", "root HTTP route must not specify redirect")
        if route.get("route") is not None:
            yield Fault((*path, "route"), "root-route", "root HTTP route must not specify route")
        return
    if has["delegate"]:
        yield Fault((*path, "delegate"), "nested-delegate", "delegate HTTP route cannot contain delegate")
    first = "redirect" if has["redirect"] else "directResponse" if has["directResponse"] else ""
    if first:
        word = "redirect" if first == "redirect" else "direct_response"
        if sends:
            yield Fault((*path, "route"), "two-actions", f"HTTP route cannot contain both route and {word}")
        for other in ("fault", "rewrite", *(("directResponse",) if first == "redirect" else ())):
            if has[other]:
                named = "direct_response" if other == "directResponse" else other
                yield Fault((*path, other), "two-actions", f"HTTP route cannot contain both {named} and {word}")
    elif not sends:
        yield Fault(path, "no-action", "HTTP route, redirect or direct_response is required")
    if route.get("mirror") is not None and as_list(route.get("mirrors")):
        yield Fault((*path, "mirrors"), "two-mirrors", "HTTP route cannot contain both mirror and mirrors")


def _match(match: Mapping[Any, Any], path: Path) -> Iterator[Fault]:
    for field in ("headers", "withoutHeaders", "queryParams"):
        for name, text in as_map(match.get(field)).items():
            at = (*path, field, name)
            if not isinstance(name, str):
                continue
            if field == "headers" and text is None:
                yield Fault(at, "null", f"header match {name} cannot be null")
            if field != "queryParams" and not is_claim(name) and not is_header_name(name):
                said = f"header name {name} is not a valid header name" if name else "header name cannot be empty"
                yield Fault(at, "header-name", said)
            if field != "withoutHeaders" or as_map(text).get("regex") != "*":
                yield from _text(text, at, field)
    uri = as_map(match.get("uri"))
    if isinstance(uri.get("regex"), str):
        yield from _text({"regex": uri["regex"]}, (*path, "uri"), "uri")
    for field in ("scheme", "method", "authority"):
        yield from _text(match.get(field), (*path, field), field)
    yield from _layer4_match(match, path)
    where = text_of(match, "sourceNamespace")
    if where and not filled_later(where) and not is_label(where):
        yield Fault((*path, "sourceNamespace"), "namespace", f"sourceNamespace match {where} is invalid")


def _text(value: object, path: Path, where: str) -> Iterator[Fault]:
    written = as_map(value)
    if written.get("prefix") == "":
        said = f'"{where}": prefix string match should not be empty'
        yield Fault((*path, "prefix"), "empty-prefix", said)
    pattern = written.get("regex")
    if isinstance(pattern, str) and not filled_later(pattern):
        fault = regex_fault(pattern, where)
        if fault and not (pattern == "*" and where == "withoutHeaders"):
            yield Fault((*path, "regex"), "regex", fault)


def _layer4_match(match: Mapping[Any, Any], path: Path) -> Iterator[Fault]:
    for at, subnet in texts(match.get("destinationSubnets"), (*path, "destinationSubnets")):
        if subnet_fault(subnet):
            yield Fault(at, "subnet", subnet_fault(subnet))
    if match.get("port") not in (None, 0) and port_fault(match.get("port")):
        yield Fault((*path, "port"), "port", port_fault(match.get("port")))
    yield from tags(match.get("sourceLabels"), (*path, "sourceLabels"))
    yield from gateway_faults(match.get("gateways"), (*path, "gateways"))


def _destinations(route: Mapping[Any, Any], path: Path) -> Iterator[Fault]:
    """The destinations of a route and their weights (validateHTTPRouteDestinations, validateRouteDestinations)."""
    entries = as_list(route.get("route"))
    total: int | None = 0
    for index, entry in enumerate(entries):
        at: Path = (*path, "route", index)
        if entry is None:
            yield Fault(at, "null", "weight may not be nil")
            continue
        if not isinstance(entry, dict):
            total = None
            continue
        if entry.get("destination") is None:
            yield Fault(at, "destination", "destination is required")
        if entry.get("headers"):
            yield from _headers(entry["headers"], (*at, "headers"))
        yield from _destination(entry.get("destination"), (*at, "destination"))
        weight = entry.get("weight", 0) or 0
        if not isinstance(weight, int):
            total = None
            continue
        if weight < 0:
            yield Fault((*at, "weight"), "weight", f"weight {weight} < 0")
        total = None if total is None else total + weight
    if len(entries) > 1 and total == 0:
        yield Fault((*path, "route"), "total-weight", "total destination weight = 0")


def _destination(value: object, path: Path) -> Iterator[Fault]:
    if not isinstance(value, dict):
        return
    host = value.get("host", "")
    if isinstance(host, str) and not filled_later(host):
        fault = "invalid destination host *" if host == "*" else domain_fault(host)
        if fault:
            yield Fault((*path, "host") if host else path, "destination-host", fault)
    subset = text_of(value, "subset")
    if subset and not filled_later(subset) and not is_label(subset):
        yield Fault((*path, "subset"), "subset-name", f"subset name is invalid: {subset}")
    port = value.get("port")
    if isinstance(port, dict) and port_fault(port.get("number", 0)):
        yield Fault((*path, "port"), "port", port_fault(port.get("number", 0)))


def _headers(value: object, path: Path) -> Iterator[Fault]:
    """Names that cannot be added, set or removed."""
    if not isinstance(value, dict):
        return
    for side in ("request", "response"):
        for action in ("add", "set", "remove"):
            written = as_map(value.get(side)).get(action)
            names = written if isinstance(written, dict) else as_list(written)
            for index, name in enumerate(names):
                at: Path = (*path, side, action, name if isinstance(written, dict) else index)
                if not isinstance(name, str) or filled_later(name):
                    continue
                authority = name.lower() in (":authority", "host")
                if not name:
                    yield Fault(at, "header-name", "header name cannot be empty")
                elif authority and side == "request" and action != "remove":
                    continue
                elif name.lower() == "host" or name.startswith(":"):
                    yield Fault(at, "header-name", f'invalid header "{name}": header cannot be changed')


def _percentage(value: object, path: Path, name: str) -> Iterator[Fault]:
    percent = as_map(value).get("value")
    if isinstance(percent, (int, float)) and not isinstance(percent, bool) and not 0 <= percent <= 100:
        bound = "max value of 100" if percent > 100 else "min value of 0"
        yield Fault((*path, "value"), "percentage", f"{name} must have a {bound} (it has {percent})")


def _redirect(route: Mapping[Any, Any], path: Path) -> Iterator[Fault]:
    redirect = route.get("redirect")
    at: Path = (*path, "redirect")
    if not isinstance(redirect, dict):
        return
    uri, prefix = text_of(redirect, "uri"), text_of(redirect, "prefixRewrite")
    code, scheme = number_of(redirect, "redirectCode"), text_of(redirect, "scheme")
    kinds = [as_map(as_map(match).get("uri")) for match in as_list(route.get("match"))]
    placed = redirect.get("port") is not None or redirect.get("derivePort") is not None
    if uri and prefix:
        yield Fault((*at, "prefixRewrite"), "redirect", "redirect may only specify one of uri or prefix_rewrite")
    elif prefix and any(kind and "prefix" not in kind for kind in kinds):
        said = "redirect prefix_rewrite requires all URI matches to use prefix match type"
        yield Fault((*at, "prefixRewrite"), "redirect", said)
    elif not (uri or prefix or text_of(redirect, "authority") or placed or scheme):
        yield Fault(at, "redirect", "redirect must specify URI, authority, scheme, or port")
    elif code and not 300 <= code <= 399:
        yield Fault((*at, "redirectCode"), "redirect", f"{code} is not a valid redirect code, must be 3xx")
    elif scheme not in ("", "http", "https") and not filled_later(scheme):
        yield Fault((*at, "scheme"), "redirect", 'invalid redirect scheme, must be "http" or "https"')
    elif redirect.get("port") and port_fault(redirect.get("port")):
        yield Fault((*at, "port"), "port", port_fault(redirect.get("port")))


def _status(value: object, path: Path) -> Iterator[Fault]:
    if isinstance(value, int) and not isinstance(value, bool) and not 200 <= value <= 600:
        yield Fault(path, "status", f"HTTP status {value} is not in range 200-599")


def _retries(retries: Mapping[Any, Any], path: Path) -> Iterator[Fault]:
    attempts = retries.get("attempts", 0) or 0
    if not isinstance(attempts, int):
        return
    if attempts < 0:
        yield Fault((*path, "attempts"), "retries", "attempts cannot be negative")
    idle = [k for k in ("perTryTimeout", "retryOn", "retryRemoteLocalities") if retries.get(k) not in (None, "")]
    if attempts == 0 and idle:
        said = "http retry policy configured when attempts are set to 0 (disabled)"
        yield Fault((*path, "attempts") if "attempts" in retries else path, "retries", said)
    for field in ("perTryTimeout", "backoff"):
        if duration_fault(retries.get(field)):
            yield Fault((*path, field), "duration", duration_fault(retries.get(field)))
    written = text_of(retries, "retryOn")
    for policy in written.split(",") if written and not filled_later(written) else ():
        if policy not in _RETRY_ON and policy not in _STATUS:
            yield Fault((*path, "retryOn"), "retry-on", f'"{policy}" is not a valid retryOn policy')


def _rewrite(route: Mapping[Any, Any], path: Path) -> Iterator[Fault]:
    rewrite = route.get("rewrite")
    at: Path = (*path, "rewrite")
    authority = text_of(as_map(rewrite), "authority")
    if isinstance(rewrite, dict):
        uri, regex = text_of(rewrite, "uri"), rewrite.get("uriRegexRewrite")
        if uri and regex is not None:
            yield Fault((*at, "uriRegexRewrite"), "rewrite", "rewrite may only contain one of URI or UriRegexRewrite")
        elif not uri and regex is None and not authority:
            said = "rewrite must specify at least one of URI, UriRegexRewrite, or authority"
            yield Fault(at, "rewrite", said)
        elif isinstance(regex, dict):
            pattern = text_of(regex, "match")
            if not pattern or not text_of(regex, "rewrite"):
                said = "UriRegexRewrite requires both Rewrite and Match fields to be specified"
                yield Fault((*at, "uriRegexRewrite"), "rewrite", said)
            elif not filled_later(pattern) and regex_fault(pattern, "HTTPRewrite.UriRegexRewrite.Match"):
                fault = regex_fault(pattern, "HTTPRewrite.UriRegexRewrite.Match")
                yield Fault((*at, "uriRegexRewrite", "match"), "regex", fault)
    request = as_map(as_map(route.get("headers")).get("request"))
    for action in ("set", "add"):
        for name in as_map(request.get(action)):
            if isinstance(name, str) and name.lower() in (":authority", "host"):
                if authority:
                    said = "authority header cannot be set multiple times"
                    yield Fault((*path, "headers", "request", action, name), "authority-twice", said)
                authority = authority or name


def _cors(policy: Mapping[Any, Any], path: Path) -> Iterator[Fault]:
    for index, origin in enumerate(as_list(policy.get("allowOrigins"))):
        at: Path = (*path, "allowOrigins", index)
        if isinstance(origin, dict) and not any(origin.get(key) for key in ("exact", "prefix", "regex")):
            yield Fault(at, "cors-origin", "'' is not a valid match type for CORS allow origins")
        elif isinstance(origin, dict):
            yield from _text({"regex": origin.get("regex")}, at, "corsPolicy.allowOrigins")
    for at, method in texts(policy.get("allowMethods"), (*path, "allowMethods")):
        if method not in _METHODS:
            yield Fault(at, "cors-method", f'"{method}" is not a supported HTTP method')
    for field in ("allowHeaders", "exposeHeaders"):
        for at, name in texts(policy.get(field), (*path, field)):
            if name != "*" and (not name or name.startswith(":") or not is_header_name(name)):
                yield Fault(at, "header-name", f"header name {name} is not a valid header name")
    if duration_fault(policy.get("maxAge")):
        yield Fault((*path, "maxAge"), "duration", duration_fault(policy.get("maxAge")))


def _fault_injection(value: object, path: Path) -> Iterator[Fault]:
    if not isinstance(value, dict):
        return
    abort, delay = value.get("abort"), value.get("delay")
    if abort is None and delay is None:
        yield Fault(path, "fault", "HTTP fault injection must have an abort and/or a delay")
    for name, part in (("abort", abort), ("delay", delay)):
        percent = as_map(as_map(part).get("percentage")).get("value")
        if isinstance(percent, (int, float)) and not isinstance(percent, bool) and not 0 <= percent <= 100:
            said = f"percentage {percent} is not in range 0..100"
            yield Fault((*path, name, "percentage", "value"), "percentage", said)
    if isinstance(abort, dict):
        if "http2Error" in abort:
            said = "HTTP/2 abort fault injection not supported yet"
            yield Fault((*path, "abort", "http2Error"), "fault", said)
        status = text_of(abort, "grpcStatus")
        if status and not filled_later(status) and status not in _GRPC_STATUS:
            yield Fault((*path, "abort", "grpcStatus"), "status", f'gRPC status "{status}" is not supported')
        if abort.get("httpStatus") is not None:
            yield from _status(abort["httpStatus"], (*path, "abort", "httpStatus"))
    if isinstance(delay, dict):
        if duration_fault(delay.get("fixedDelay")):
            yield Fault((*path, "delay", "fixedDelay"), "duration", duration_fault(delay.get("fixedDelay")))
        if delay.get("exponentialDelay") is not None:
            yield Fault((*path, "delay", "exponentialDelay"), "fault", "exponentialDelay not supported yet")
        if delay.get("percent") is not None:
            said = 'using deprecated setting "percent", use "percentage" instead'
            yield Fault((*path, "delay", "percent"), "deprecated", said, "warning")


# ---- tls and tcp -------------------------------------------------------------------------------------------


def _tls(route: Mapping[Any, Any], path: Path, hosts: list[str]) -> Iterator[Fault]:
    if route.get("match") in (None, []):
        yield Fault(path, "tls-match", "TLS route must have at least one match condition")
    for index, match in enumerate(as_list(route.get("match"))):
        at: Path = (*path, "match", index)
        if match is None:
            yield Fault(at, "null", "TLS match may not be null")
        elif isinstance(match, dict):
            if match.get("sniHosts") in (None, []):
                yield Fault(at, "sni-hosts", "TLS match must have at least one SNI host")
            for place, host in texts(match.get("sniHosts"), (*at, "sniHosts")):
                yield from _sni_host(host, place, hosts)
            yield from _layer4_match(match, at)
    if route.get("route") in (None, []):
        yield Fault(path, "no-action", "TLS route is required")
    yield from _destinations(route, path)


def _sni_host(host: str, path: Path, hosts: list[str]) -> Iterator[Fault]:
    fault = "" if host.startswith("outbound_") else domain_fault(host)
    if is_ip(host):
        said = f'using an IP address ("{host}") goes against SNI spec and most clients do not support this'
        yield Fault(path, "sni-ip", said, "warning")
    elif fault:
        yield Fault(path, "sni-host", fault)
    elif not any(within(host, known) for known in hosts) and not any(map(filled_later, hosts)):
        said = f'SNI host "{host}" is not a compatible subset of any of the virtual service hosts'
        yield Fault(path, "sni-host", said)


def _tcp(route: Mapping[Any, Any], path: Path) -> Iterator[Fault]:
    for index, match in enumerate(as_list(route.get("match"))):
        if match is None:
            yield Fault((*path, "match", index), "null", "tcp match may not be nil")
        elif isinstance(match, dict):
            yield from _layer4_match(match, (*path, "match", index))
    if route.get("route") in (None, []):
        yield Fault(path, "no-action", "TCP route is required")
    yield from _destinations(route, path)
