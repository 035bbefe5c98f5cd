"""What istiod's webhook checks in several kinds: names, hosts, exports, selectors, durations, ports.

Mirrors istio `pkg/config/validation/agent/validation.go` and the shared parts of `pkg/config/validation/validation.go`.
Values of a wrong type and values that are filled in later are passed over: the schema says the former.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from rolloutlint.controllers.istio_values import as_list, as_map
from rolloutlint.finding import Path
from rolloutlint.lang.duration import parse_duration
from rolloutlint.lang.placeholder import filled_later
from rolloutlint.lang.regexp import go_regexp


class Fault(NamedTuple):
    """Something that istiod refuses (`error`) or warns about when an object is applied."""

    path: Path
    code: str
    """What is wrong, in one word of ours."""
    message: str
    """What istiod says, in short."""
    severity: Literal["error", "warning"] = "error"


_LABEL = re.compile(r"[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?")
_WILD_LABEL = re.compile(r"\*|(?:\*|\*-)?[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?")
_TAG = re.compile(r"(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_HEADER = re.compile(r"[!#$%&'*+\-.^_`|~A-Za-z0-9]+")
_MILLISECOND = 1_000_000


def is_label(text: str) -> bool:
    """A DNS-1123 label as Istio reads it, capitals allowed (`pkg/config/labels` IsDNS1123Label)."""
    return len(text) <= 63 and _LABEL.fullmatch(text) is not None


def is_header_name(name: str) -> bool:
    """A name of a header that can be matched, pseudo headers among them (ValidateHTTPHeaderNameOrJwtClaimRoute)."""
    return name in (":method", ":scheme", ":authority", ":path", ":status") or _HEADER.fullmatch(name) is not None


def texts(value: object, path: Path) -> Iterator[tuple[Path, str]]:
    """The strings of a list with their paths, without those that are filled in later."""
    for index, entry in enumerate(as_list(value)):
        if isinstance(entry, str) and not filled_later(entry):
            yield (*path, index), entry


def fqdn_fault(name: str) -> str:
    """Why ValidateFQDN refuses a name; `""` where it accepts it."""
    return _length_fault(name) or _labels_fault(name, name)


@lru_cache(maxsize=1024)  # the objects of one application name the same hosts again and again
def domain_fault(host: str) -> str:
    """Why ValidateWildcardDomain refuses a host; `""` where it accepts it."""
    fault = _length_fault(host)
    if fault:
        return fault
    first, dot, rest = host.partition(".")
    if len(first) > 63 or _WILD_LABEL.fullmatch(first) is None:
        return f'domain name "{host}" invalid (label "{first}" invalid)'
    return _labels_fault(rest, rest) if dot else ""


def _length_fault(name: str) -> str:
    if len(name) > 255:
        return f'domain name "{name}" too long (max 255)'
    return "" if name else "empty domain name not allowed"


def _labels_fault(domain: str, said: str) -> str:
    labels = domain.split(".")
    if re.fullmatch(r"[+-]?[0-9]+", labels[-1]):
        return f'domain name "{said}" invalid (top level domain "{labels[-1]}" cannot be all-numeric)'
    if len(labels) > 1 and not labels[-1]:
        labels.pop()
    bad = next((label for label in labels if not is_label(label)), None)
    return "" if bad is None else f'domain name "{said}" invalid (label "{bad}" invalid)'


def port_fault(value: object) -> str:
    """Why ValidatePort refuses a number; `""` where it accepts it or there is none to read."""
    if not isinstance(value, int) or isinstance(value, bool) or 1 <= value <= 65535:
        return ""
    return f"port number {value} must be in the range 1..65535"


def duration_fault(value: object) -> str:
    """Why ValidateDuration refuses a duration; `""` where it accepts it or none can be read."""
    nanoseconds = parse_duration(value) if isinstance(value, str) and not filled_later(value) else None
    if nanoseconds is None:
        return ""
    if nanoseconds < _MILLISECOND:
        return "duration must be greater than 1ms"
    return "only durations to ms precision are supported" if nanoseconds % _MILLISECOND else ""


def regex_fault(pattern: str, where: str) -> str:
    """Why validateStringRegexp refuses an expression; `""` where it accepts it, or that is not known here."""
    if not pattern:
        return f'"{where}": regex string match should not be empty'
    if len(pattern.encode("utf-8", "surrogatepass")) > 1024:
        return f'"{where}": regex is too large, max length allowed is 1024'
    error = go_regexp(pattern).error
    return f'"{where}": error parsing regexp: {error}' if error else ""


def subnet_fault(text: str) -> str:
    """Why ValidateIPSubnet refuses an address or block; `""` where it accepts it."""
    import ipaddress  # which few VirtualServices need

    try:
        if text.count("/") == 1:
            ipaddress.ip_interface(text)
        else:
            ipaddress.ip_address(text)
    except ValueError:
        return f"{text} is not a valid CIDR block" if "/" in text else f'"{text}" is not a valid IP'
    return ""


def tags(value: object, path: Path) -> Iterator[Fault]:
    """Labels whose key or value Istio refuses (`pkg/config/labels` Instance.Validate)."""
    for key, text in as_map(value).items():
        if not isinstance(key, str) or filled_later(key) or filled_later(text):
            continue
        prefix, slash, name = key.rpartition("/")
        fit = len(name) <= 63 and _TAG.fullmatch(name) is not None
        if not fit or (slash and not all(map(is_label, prefix.split(".")))):
            yield Fault((*path, key), "label-key", f'invalid tag key: "{key}"')
        if isinstance(text, str) and text and _TAG.fullmatch(text) is None:
            yield Fault((*path, key), "label-value", f'invalid tag value: "{text}"')


def selector(value: object, path: Path, field: str) -> Iterator[Fault]:
    """A workload selector with wildcards or empty keys, which are refused, or without labels, which is warned about."""
    if not isinstance(value, dict):
        return
    for key, text in as_map(value.get(field)).items():
        if key == "":
            yield Fault((*path, field), "selector-key", "empty key is not supported in selector")
        elif isinstance(key, str) and ("*" in key or (isinstance(text, str) and "*" in text)):
            yield Fault((*path, field, key), "selector-wildcard", "wildcard is not supported in selector")
    if not as_map(value.get(field)) and value.get(field) in (None, {}):
        yield Fault(path, "selector-empty", "workload selector specified without labels", "warning")


def export_faults(spec: Mapping[Any, Any], namespace: str, entry: bool = False) -> Iterator[Fault]:
    """What validateExportTo refuses. `entry`: a ServiceEntry, which may be exported to nobody (`~`).

    `namespace` is the object's, `""` where it is not known: then nothing is said that hangs on it.
    """
    path: Path = ("spec", "exportTo")
    written = list(texts(spec.get("exportTo"), path))
    seen: set[str] = set()
    for at, name in written:
        key = namespace or name if name == "." else name
        if key in seen:
            said = f"for entry {name}" if key == name else f": . and current namespace {namespace}"
            yield Fault(at, "export-twice", f"duplicate entries in exportTo {said}")
        elif name == "~" and not entry:
            yield Fault(at, "export-nobody", "exportTo ~ (none) is not allowed for Istio configuration objects")
        elif name not in (".", "*", "~") and not is_label(name):
            yield Fault(at, "export-name", "only .,*, or a valid DNS 1123 label is allowed as exportTo entry")
        seen.add(key)
    if "*" in seen and len(as_list(spec.get("exportTo"))) > 1:
        yield Fault(path, "export-mixed", "cannot have both public (*) and non-public exportTo values for a resource")
    if entry and "~" in seen and len(as_list(spec.get("exportTo"))) > 1:
        yield Fault(path, "export-mixed", "cannot export service entry to no one (~) and someone")


def gateway_faults(written: object, path: Path) -> Iterator[Fault]:
    """Names of gateways that validateGatewayNames refuses; the old form with dots is warned about."""
    for at, name in texts(written, path):
        namespace, slash, short = name.partition("/")
        if not slash:
            if "." in name:
                labels = name.split(".")
                said = f'using legacy gatewayName format "{name}"; prefer "{labels[1]}/{labels[0]}"'
                yield Fault(at, "gateway-legacy", said, "warning")
            fault = fqdn_fault(name)
            if fault:
                yield Fault(at, "gateway-name", fault)
            return  # istiod looks no further
        if not namespace or not short:
            yield Fault(at, "gateway-name", "config namespace and gateway name cannot be empty")
        elif not is_label(namespace):
            yield Fault(at, "gateway-name", f'invalid value for namespace: "{namespace}"')
        elif not is_label(short):
            yield Fault(at, "gateway-name", f'invalid value for gateway name: "{short}"')
