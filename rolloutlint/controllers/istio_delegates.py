"""The http routes of a VirtualService with those of its delegates put in.

Mirrors istio `pilot/pkg/model/virtualservice_controller.go` (mergeVirtualServices) and `virtualservice.go`
(MergeHTTPRoutes, mergeHTTPMatchRequests, hasConflict).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from rolloutlint.controllers.istio import Config, Mesh
from rolloutlint.controllers.istio_hosts import gateway_names, visible
from rolloutlint.controllers.istio_matching import Match, read_match
from rolloutlint.controllers.istio_values import as_list, as_map, text_of

_INHERITED = (
    "rewrite", "directResponse", "timeout", "retries", "fault", "mirror", "mirrorPercent", "mirrorPercentage",
    "corsPolicy", "mirrors", "headers",
)  # fmt: skip


class Condition(NamedTuple):
    """One way in which a route matches."""

    match: Match
    position: int | None
    """Index in `match` of the route where its destinations stand; `None` where that route has none."""
    root_position: int | None = None
    """Index in `match` of the delegating route, likewise."""


class HttpRoute(NamedTuple):
    """One http route that proxies are given, with where it stands."""

    config: Config
    """The VirtualService in which its destinations stand: the delegate, if there is one."""
    position: int
    """Index in `spec.http` there."""
    value: Mapping[Any, Any]
    name: str
    conditions: tuple[Condition, ...]
    root_position: int | None = None
    """Index of the delegating route in the root VirtualService."""


class Undelegated(NamedTuple):
    """A route that delegates to nothing, and that istiod therefore leaves out."""

    position: int
    namespace: str
    name: str
    hidden: bool
    """True where the delegate is there and not exported to the namespace of the root."""


def http_routes(config: Config, mesh: Mesh) -> Iterator[HttpRoute | Undelegated]:
    """The http routes of a VirtualService that has hosts, in the order in which proxies try them.

    A delegated route whose conditions contradict those of the root is left out, as istiod does it.
    """
    for position, value in enumerate(as_list(config.spec.get("http"))):
        if not isinstance(value, dict):
            continue
        delegate = value.get("delegate")
        if not isinstance(delegate, dict):
            conditions = tuple(_conditions(value.get("match"), config.namespace))
            yield HttpRoute(config, position, value, text_of(value, "name"), conditions)
            continue
        namespace = text_of(delegate, "namespace") or config.namespace
        found = mesh.config("VirtualService", namespace, text_of(delegate, "name"))
        hidden = found is not None and not visible(found.exported, config.namespace)
        if found is None or hidden or as_list(found.spec.get("hosts")):
            yield Undelegated(position, namespace, text_of(delegate, "name"), hidden)
            continue
        for index, below in enumerate(as_list(found.spec.get("http"))):
            merged = _merged(value, below, config.namespace, namespace) if isinstance(below, dict) else None
            if merged is not None:
                inherited = {k: value[k] for k in _INHERITED if value.get(k) is not None and below.get(k) is None}
                names = "-".join(filter(None, (text_of(value, "name"), text_of(below, "name"))))
                yield HttpRoute(found, index, {**below, **inherited}, names, merged, position)


def _conditions(written: object, namespace: str) -> Iterator[Condition]:
    matches = written if isinstance(written, list) else []
    if not matches:
        yield Condition(Match(readable=written is None or written == []), None)
    for index, match in enumerate(matches):
        yield Condition(read_match(match, namespace), index)


def _merged(
    root: Mapping[Any, Any], leaf: Mapping[Any, Any], root_namespace: str, leaf_namespace: str
) -> tuple[Condition, ...] | None:
    """The conditions of a delegated route; `None` where one of its matches fits none of the root's."""
    above = [_resolved(match, root_namespace) for match in as_list(root.get("match"))]
    below = [_resolved(match, leaf_namespace) for match in as_list(leaf.get("match"))]
    if not above:
        return tuple(_conditions(leaf.get("match"), leaf_namespace))
    if not below:
        return tuple(c._replace(position=None, root_position=c.position) for c in _conditions(above, root_namespace))
    found = []
    for position, match in enumerate(below):
        fitting = [(i, wide) for i, wide in enumerate(above) if not _conflict(wide, match)]
        if not fitting:
            return None
        for root_position, wide in fitting:
            read = read_match(_joined(wide, match), leaf_namespace)
            found.append(Condition(read, position, root_position))
    return tuple(found)


def _resolved(match: object, namespace: str) -> Mapping[Any, Any]:
    value = as_map(match)
    return {**value, "gateways": list(gateway_names(value["gateways"], namespace))} if value.get("gateways") else value


def _joined(root: Mapping[Any, Any], leaf: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """The conditions of both; where both speak, the delegate's (mergeHTTPMatchRequest)."""
    joined = {**root, **{key: value for key, value in leaf.items() if value not in (None, [], "", 0)}}
    for key in ("headers", "withoutHeaders", "queryParams", "sourceLabels"):
        if isinstance(root.get(key), dict) and isinstance(leaf.get(key), dict):
            joined[key] = {**root[key], **leaf[key]}
    return joined


def _conflict(root: Mapping[Any, Any], leaf: Mapping[Any, Any]) -> bool:
    pairs = [(root.get(key), leaf.get(key)) for key in ("uri", "scheme", "method", "authority")]
    for key in ("headers", "withoutHeaders", "queryParams"):
        pairs += [(as_map(root.get(key)).get(name), text) for name, text in as_map(leaf.get(key)).items()]
    if any(_texts_conflict(wide, narrow) for wide, narrow in pairs):
        return True
    if bool(root.get("ignoreUriCase")) != bool(leaf.get("ignoreUriCase")):
        return True
    if root.get("port") and leaf.get("port") and root["port"] != leaf["port"]:
        return True
    if root.get("sourceNamespace") and root["sourceNamespace"] != leaf.get("sourceNamespace"):
        return True
    labels = as_map(root.get("sourceLabels"))
    if any(labels.get(key, value) != value for key, value in as_map(leaf.get("sourceLabels")).items()):
        return True
    above, below = as_list(root.get("gateways")), as_list(leaf.get("gateways"))
    return bool(above and below and (len(above) < len(below) or any(name not in above for name in below)))


def _texts_conflict(root: object, leaf: object) -> bool:
    if root is None or leaf is None:
        return False
    wide, narrow = as_map(root), as_map(leaf)
    if text_of(wide, "regex") or text_of(narrow, "regex"):
        return True  # istiod does not compare expressions, not even with themselves
    exact, prefix = text_of(wide, "exact"), text_of(wide, "prefix")
    if exact:
        return bool(text_of(narrow, "prefix")) or text_of(narrow, "exact") != exact
    if prefix:
        inner = text_of(narrow, "prefix") or text_of(narrow, "exact")
        return not inner or not inner.startswith(prefix)
    return True
