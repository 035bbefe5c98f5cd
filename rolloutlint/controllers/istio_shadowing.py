"""Which matches and routes of a VirtualService can never be reached, because earlier ones take all their requests.

Istio tries http routes in order and stops at the first catch-all (istio `pilot/pkg/networking/core/route/route.go`
BuildHTTPRoutesForVirtualService); TLS filter chains are chosen by the most specific SNI host, so only equal hosts
shadow each other there; tcp routes end at the first one without a match (`pilot/pkg/networking/core/tls.go`).
Matches are found by what they ask for, so that thousands of routes take no quadratic number of comparisons.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from rolloutlint.controllers.istio_hosts import gateway_names
from rolloutlint.controllers.istio_matching import Match, Text, covers, literal_start, read_match

Section = Literal["http", "tls", "tcp"]


class Spot(NamedTuple):
    """An entry of `match`, by the index of its route; `match` is `None` for a route without one."""

    route: int
    match: int | None = None


class Shadow(NamedTuple):
    """Something that no request reaches."""

    section: Section
    at: Spot
    """With `match=None` the whole route."""
    by: Spot
    """An earlier place that takes all its requests; for a route, that of its last match."""


class _Entry(NamedTuple):
    spot: Spot
    match: Match
    needs: tuple[_Need, ...] = ()
    """Conditions of which whatever it covers has to state each one, or a stricter one."""


class _Need(NamedTuple):
    of: tuple[str, str]
    """What it is asked of: `("header", "x-user")`."""
    text: Text


def shadows(spec: Mapping[Any, Any], namespace: str) -> tuple[Shadow, ...]:
    """What is never reached of a VirtualService's `spec`, in document order: matches, and routes all of whose are.

    Matches of a route that is never reached are not listed beside it. Delegation is not looked into: a route that
    delegates takes nothing for certain.
    """
    bound = frozenset(gateway_names(spec.get("gateways"), namespace))
    return (
        *_http(spec.get("http"), namespace, bound),
        *_layer4("tls", spec.get("tls"), namespace),
        *_layer4("tcp", spec.get("tcp"), namespace),
    )


def _http(written: object, namespace: str, bound: frozenset[str]) -> Iterator[Shadow]:
    routes = written if isinstance(written, list) else []
    entries = [
        entry
        for index, route in enumerate(routes)
        if isinstance(route, dict)
        for entry in _matches(index, route, namespace)
    ]
    index = _Index(entries)
    position = 0
    for number, route in enumerate(routes):
        mine = []
        while position < len(entries) and entries[position].spot.route == number:
            mine.append(entries[position])
            position += 1
        found: list[tuple[_Entry, Spot]] = []
        takes = isinstance(route, dict) and route.get("delegate") is None
        for entry in mine:
            by = index.coverer(entry, bound)
            if by is not None:
                found.append((entry, by))
            elif takes:
                index.add(entry)
        dead = [by for _, by in found if by.route < number]
        if mine and len(dead) == len(mine):
            yield Shadow("http", Spot(number), dead[-1])
        else:
            yield from (Shadow("http", entry.spot, by) for entry, by in found)


def _matches(number: int, route: Mapping[Any, Any], namespace: str) -> Iterator[_Entry]:
    written = route.get("match")
    if written is None or written == []:
        yield _Entry(Spot(number), Match())
        return
    for index, value in enumerate(written if isinstance(written, list) else [None]):
        match = read_match(value, namespace)
        texts = [("header", match.headers), ("query", match.query), ("field", match.fields)]
        needs = [_Need((kind, name), text) for kind, conditions in texts for name, text in conditions]
        needs += [_Need(("port", ""), Text("exact", str(match.port)))] * bool(match.port)
        needs += [_Need(("label", key), Text("exact", value)) for key, value in match.labels]
        needs += [_Need(("namespace", ""), Text("exact", match.namespace))] * bool(match.namespace)
        needs = [need for need in needs if need.text.kind != "present"]
        needs += [_Need(("without", name), text) for name, text in match.without] * (not needs)
        yield _Entry(Spot(number, index), match, tuple(needs))


class _Index:
    """The matches so far, by path and by the rarest condition that a match covered by them has to state too."""

    def __init__(self, entries: Sequence[_Entry]) -> None:
        self._often = Counter(need for entry in entries for need in entry.needs)
        self._paths: dict[Text, dict[_Need | None, list[_Entry]]] = {}
        self._lengths: set[int] = set()
        self._starts: dict[str, set[Text]] = {}
        self._prefixes: dict[tuple[str, str], set[int]] = {}
        self._expressions: dict[tuple[str, str], set[_Need]] = {}
        self._absences: dict[str, set[_Need]] = {}

    def add(self, entry: _Entry) -> None:
        path = _folded(entry.match.path)
        if path.kind == "prefix":
            self._lengths.add(len(path.value))
        elif path.kind == "regex":
            start = literal_start(path.value).lower()
            self._lengths.add(len(start))
            self._starts.setdefault(start, set()).add(path)
        key = min(entry.needs, key=lambda need: (self._often[need], need.text.kind != "exact"), default=None)
        if key is not None and key.of[0] == "without":
            self._absences.setdefault(key.of[1], set()).add(key)
        elif key is not None and key.text.kind == "prefix":
            self._prefixes.setdefault(key.of, set()).add(len(key.text.value))
        elif key is not None and key.text.kind == "regex":
            self._expressions.setdefault(key.of, set()).add(key)
        self._paths.setdefault(path, {}).setdefault(key, []).append(entry)

    def coverer(self, entry: _Entry, bound: frozenset[str]) -> Spot | None:
        """The first earlier place whose match covers that of `entry`."""
        keys = {None, *self._keys(entry)}
        found = [
            other.spot
            for path in self._wider(_folded(entry.match.path))
            for rows in (self._paths.get(path, _NOTHING),)
            for key in (keys if len(keys) < len(rows) else [k for k in rows if k in keys])
            for other in rows.get(key, ())
            if covers(other.match, entry.match, bound)
        ]
        return min(found, default=None, key=lambda spot: (spot.route, -1 if spot.match is None else spot.match))

    def _wider(self, path: Text) -> Iterator[Text]:
        """The paths among those seen that may cover `path`, cases folded."""
        start = literal_start(path.value).lower() if path.kind == "regex" else path.value
        if path.kind != "prefix":
            yield path
        for length in self._lengths:
            if length <= len(start):
                yield Text("prefix", start[:length])
                if path.kind == "exact":
                    yield from self._starts.get(start[:length], ())

    def _keys(self, entry: _Entry) -> Iterator[_Need]:
        """The conditions that one of `entry` implies, among those by which earlier matches were put away."""
        for need in entry.needs:
            of, text = need
            yield need
            start = literal_start(text.value) if text.kind == "regex" else text.value
            for length in self._prefixes.get(of, ()):
                if length <= len(start):
                    yield _Need(of, Text("prefix", start[:length]))
            if text.kind == "exact":
                yield from self._expressions.get(of, ())
                yield from self._absences.get(of[1], ()) if of[0] == "header" else ()
        for name, text in entry.match.without:
            yield _Need(("without", name), text)
            yield from self._absences.get(name, ()) if text.kind != "exact" else ()


_NOTHING: Mapping[_Need | None, list[_Entry]] = {}


def _folded(path: Text | None) -> Text:
    """A path without case; none at all is the empty prefix. Expressions stay as they are."""
    if path is None:
        return Text("prefix")
    return path if path.kind == "regex" else Text(path.kind, path.value.lower())


def _layer4(section: Literal["tls", "tcp"], written: object, namespace: str) -> Iterator[Shadow]:
    """Only what is stated again word for word, and what follows a tcp route without a match."""
    seen: dict[Hashable, Spot] = {}
    catch_all: Spot | None = None
    for number, route in enumerate(written if isinstance(written, list) else ()):
        if not isinstance(route, dict):
            continue
        matches = route.get("match")
        if catch_all is not None:
            yield Shadow(section, Spot(number), catch_all)
            continue
        if section == "tcp" and matches in (None, []):
            catch_all = Spot(number)
            continue
        keys = [_stated(match, namespace) for match in (matches if isinstance(matches, list) else ())]
        found = [(i, seen[key]) for i, key in enumerate(keys) if key is not None and key in seen]
        if keys and len(found) == len(keys):
            yield Shadow(section, Spot(number), found[-1][1])
        else:
            yield from (Shadow(section, Spot(number, i), by) for i, by in found)
        for i, key in enumerate(keys):
            if key is not None:
                seen.setdefault(key, Spot(number, i))


def _stated(match: object, namespace: str) -> Hashable:
    """What an L4 match says, for comparison; `None` where it is malformed."""
    if not isinstance(match, dict) or not match:
        return None
    base = read_match({key: value for key, value in match.items() if key in _SHARED}, namespace)
    lists = [match.get(key) or [] for key in ("sniHosts", "destinationSubnets")]
    if not base.readable or not all(isinstance(v, list) and all(isinstance(e, str) for e in v) for v in lists):
        return None
    return base, *(frozenset(value) for value in lists), match.get("sourceSubnet")


_SHARED = frozenset({"port", "gateways", "sourceLabels", "sourceNamespace"})
