"""The VirtualService, DestinationRule and Services of a Rollout as its controller leaves them while a step is in force.

Mirrors argo-rollouts `rollout/trafficrouting.go` (reconcileTrafficRouting) and `rollout/trafficrouting/istio/istio.go`
(processRoutes, createHeaderRoute, createMirrorRoute, orderRoutes, RemoveManagedRoutes, UpdateHash). Values are plain
and never changed in place; what cannot be read is left as it is. Every item of an answer knows where it comes from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from rolloutlint.controllers.istio_routes import Pair, Section, pair_of, select_routes
from rolloutlint.controllers.istio_values import as_list, as_map, number_of, strings_of, text_of
from rolloutlint.controllers.traffic import HASH_LABEL
from rolloutlint.finding import Path

CANARY_HASH, STABLE_HASH = "canary", "stable"
"""Stand for the hashes of the two pod templates, which no manifest tells."""

_SECTIONS: tuple[Section, ...] = ("http", "tls", "tcp")
_STEPS: Path = ("spec", "strategy", "canary", "steps")


class Origin(NamedTuple):
    """Where an item of a written object comes from."""

    of: Literal["object", "rollout", "experiment"]
    """The object itself as it stands in Git; or the Rollout: its step for a route, or a template of its experiment."""
    path: Path


class Written(NamedTuple):
    """An object with what the controller has written to it."""

    value: Mapping[Any, Any]
    origins: Mapping[Path, Origin]
    """Path of a route, destination or subset -> where it comes from."""

    def origin(self, path: Path) -> Origin:
        """Where what stands at `path` comes from."""
        for length in range(len(path), 0, -1):
            found = self.origins.get(path[:length])
            if found is not None:
                rest = path[length:]
                # Of what a step puts in, only the matches stand there as they are.
                own = found.of == "object" or rest[:1] == ("match",)
                return Origin(found.of, (*found.path, *rest) if own else found.path)
        return Origin("object", path)


class Phase(NamedTuple):
    """One step with what is in force once its pods are there."""

    step: int
    """Index in `steps`; -1 before the first one, and after the promotion."""
    weight: int
    """What the new version gets."""
    pods: bool
    """Whether the new version has pods: without, no managed route is kept."""


REST = Phase(-1, 0, False)
"""No update goes on."""


class _Destination(NamedTuple):
    value: Mapping[Any, Any]
    origin: Origin


class _Route(NamedTuple):
    value: Mapping[Any, Any]
    origin: Origin
    destinations: tuple[_Destination, ...]

    @property
    def name(self) -> str:
        return text_of(self.value, "name")

    def plain(self) -> Mapping[Any, Any]:
        if not self.destinations and "route" not in self.value:
            return self.value
        return {**self.value, "route": [destination.value for destination in self.destinations]}


_Routes = dict[Section, list[_Route]]


def virtual_service_written(
    value: Mapping[Any, Any], reference: object, canary: Mapping[Any, Any], phases: Sequence[Phase], host: str = ""
) -> Written | None:
    """A VirtualService after a Rollout has gone through `phases`, `REST` alone without an update.

    `canary` is the Rollout's `spec.strategy.canary`, `reference` its entry for this VirtualService, `host` the host of
    its DestinationRule. `None` where the controller refuses either or they cannot be read: then it writes nothing.
    """
    pair = pair_of(canary)
    selection = select_routes(as_map(value.get("spec")), reference, _managed(canary))
    if pair is None or selection is None or selection.unmatched or selection.ambiguous:
        return None
    writer = _Writer(value, as_map(reference), canary, pair, host or pair.canary_service)
    for phase in (REST, *phases):
        writer.enter(phase)
    return writer.written()


class _Writer:
    """The routes of a VirtualService on their way through the steps."""

    def __init__(
        self,
        value: Mapping[Any, Any],
        reference: Mapping[Any, Any],
        canary: Mapping[Any, Any],
        pair: Pair,
        host: str,
    ) -> None:
        self.value = value
        self.reference = reference
        self.steps = as_list(canary.get("steps"))
        self.managed = _managed(canary)
        self.pair = pair
        self.host = host
        self.routes: _Routes = {
            section: list(_read(section, as_map(value.get("spec")).get(section)))
            for section in _SECTIONS
            if as_map(value.get("spec")).get(section) is not None
        }

    def enter(self, phase: Phase) -> None:
        """What the controller does at one step, in its order."""
        step = as_map(self.steps[phase.step]) if 0 <= phase.step < len(self.steps) else {}
        if not phase.pods:
            own = {text_of(as_map(as_map(s).get(k)), "name") for s in self.steps for k in _SETTERS if as_map(s).get(k)}
            self._remove({*own, *self.managed})
        else:
            for kind in _SETTERS:
                if isinstance(step.get(kind), dict):
                    self._set(kind, step[kind], (*_STEPS, phase.step, kind))
        self._weigh(phase.weight, list(_experiment(step, (*_STEPS, phase.step))) if phase.step >= 0 else [])

    def _remove(self, names: set[str]) -> None:
        if "http" in self.routes:
            self.routes["http"] = [route for route in self.routes["http"] if route.name not in names or not route.name]

    def _set(self, kind: str, setting: Mapping[Any, Any], path: Path) -> None:
        """Put the header or mirror route in; without `match` it is removed."""
        http = self.routes.get("http")
        if http is None:
            return
        name = text_of(setting, "name")
        self._remove({name})
        if setting.get("match") is None:
            return
        weighed = next((self.routes["http"][i] for section, i in self._selected() if section == "http"), None)
        first = as_map(weighed.destinations[0].value.get("destination")) if weighed and weighed.destinations else {}
        port = {"port": first["port"]} if isinstance(first.get("port"), dict) else {}
        subset = {"subset": self.pair.canary_subset} if self.pair.canary_subset else {}
        target = {"host": self.host, **port, **subset}
        at = Origin("rollout", path)
        if kind == "setHeaderRoute":
            match = [_header_match(entry) for entry in as_list(setting.get("match"))]
            made = _Route(
                {"name": name, "match": match, "route": []},
                at,
                (_Destination({"destination": target, "weight": 100}, at),),
            )
            self.routes["http"].append(made)
        else:
            percent = setting.get("percentage")
            value = {
                "name": name,
                "match": [_mirror_match(entry) for entry in as_list(setting.get("match"))],
                "route": [],
                "mirror": target,
                "mirrorPercentage": {"value": 100 if percent is None else percent},
            }
            self.routes["http"].insert(0, _Route(value, at, weighed.destinations if weighed else ()))
        rank = {managed: position for position, managed in enumerate(self.managed)}
        self.routes["http"].sort(key=lambda route: rank.get(route.name, len(rank)) if rank else 0)

    def _selected(self) -> tuple[tuple[Section, int], ...]:
        """The routes whose weights are set, mirror routes among them (generateVirtualServicePatches)."""
        spec = {section: [route.plain() for route in routes] for section, routes in self.routes.items()}
        mirrors = [r.name for r in self.routes.get("http", ()) if r.name in self.managed and r.value.get("mirror")]
        written = self.reference.get("routes")
        names = [name for name in written if isinstance(name, str)] if isinstance(written, list) else []
        reference = {**self.reference, "routes": [*names, *mirrors]} if mirrors else self.reference
        selection = select_routes(spec, reference, self.managed)
        return selection.routes if selection else ()

    def _weigh(self, weight: int, experiment: Sequence[_Destination]) -> None:
        for section, index in self._selected():
            route = self.routes[section][index]
            if route.destinations:
                weighed = tuple(self._weighed(route.destinations, weight, experiment))
                self.routes[section][index] = route._replace(destinations=weighed)

    def _weighed(
        self, destinations: Sequence[_Destination], weight: int, experiment: Sequence[_Destination]
    ) -> Iterator[_Destination]:
        """The destinations with their weights; what is nobody's is deleted where it had one (processRoutes)."""
        known = [d for d in destinations if d.origin.of != "experiment"]
        kept = sum(_weight(d) for d in known if _place(d)[1] in self.pair.kept_subsets)
        stable = max(0, 100 - weight - sum(map(_weight, experiment)) - kept)
        for each in known:
            service, subset = _place(each)
            role = self.pair.role(service, subset) if service else "kept"
            if role == "canary":
                yield each._replace(value={**each.value, "weight": weight})
            elif role == "stable":
                yield each._replace(value={**each.value, "weight": stable})
            elif role == "kept" or _weight(each) == 0:
                yield each
        yield from experiment

    def written(self) -> Written:
        """The object as it is now."""
        origins: dict[Path, Origin] = {}
        spec = dict(as_map(self.value.get("spec")))
        for section, routes in self.routes.items():
            spec[section] = [route.plain() for route in routes]
            for index, route in enumerate(routes):
                origins["spec", section, index] = route.origin
                for number, destination in enumerate(route.destinations):
                    origins["spec", section, index, "route", number] = destination.origin
        return Written({**self.value, "spec": spec}, origins)


_SETTERS = ("setHeaderRoute", "setMirrorRoute")


def _managed(canary: Mapping[Any, Any]) -> tuple[str, ...]:
    written = as_list(as_map(canary.get("trafficRouting")).get("managedRoutes"))
    return tuple(name for route in written if (name := text_of(as_map(route), "name")))


def _read(section: Section, written: object) -> Iterator[_Route]:
    for index, value in enumerate(as_list(written)):
        path: Path = ("spec", section, index)
        entries = as_list(as_map(value).get("route"))
        yield _Route(
            as_map(value),
            Origin("object", path),
            tuple(_Destination(as_map(e), Origin("object", (*path, "route", i))) for i, e in enumerate(entries)),
        )


def _experiment(step: Mapping[Any, Any], path: Path) -> Iterator[_Destination]:
    """The destinations that a running experiment adds: its templates that have a weight."""
    for index, template in enumerate(as_list(as_map(step.get("experiment")).get("templates"))):
        weight = number_of(as_map(template), "weight")
        if weight is not None:
            at = Origin("experiment", (*path, "experiment", "templates", index))
            name = text_of(as_map(template), "name") or "experiment"
            yield _Destination({"destination": {"host": name}, "weight": weight}, at)


def _weight(destination: _Destination) -> int:
    return number_of(destination.value, "weight") or 0


def _place(destination: _Destination) -> tuple[str, str]:
    """The first label of the host, and the subset (getHost)."""
    value = as_map(destination.value.get("destination"))
    return text_of(value, "host").partition(".")[0], text_of(value, "subset")


def _header_match(entry: object) -> Mapping[str, Any]:
    value = as_map(as_map(entry).get("headerValue"))
    kinds = {kind: value[kind] for kind in ("exact", "regex", "prefix") if text_of(value, kind)}
    return {"headers": {text_of(as_map(entry), "headerName"): kinds}}


def _mirror_match(entry: object) -> Mapping[str, Any]:
    value = as_map(entry)
    fields = {"method": value.get("method"), "uri": value.get("path"), "headers": value.get("headers")}
    return {key: condition for key, condition in fields.items() if condition is not None}


def destination_rule_written(
    value: Mapping[Any, Any], canary: Mapping[Any, Any], canary_hash: str, stable_hash: str
) -> Written | None:
    """The DestinationRule of a Rollout with the hashes of two pod templates in its subsets; others are dropped.

    `None` where the Rollout does not say which subsets are its own.
    """
    pair = pair_of(canary)
    if pair is None or not pair.by_subset:
        return None
    subsets: list[Any] = []
    origins: dict[Path, Origin] = {}
    hashes = {pair.stable_subset: stable_hash, pair.canary_subset: canary_hash}
    for index, subset in enumerate(as_list(as_map(value.get("spec")).get("subsets"))):
        name = text_of(as_map(subset), "name")
        if name in hashes:
            origins["spec", "subsets", len(subsets)] = Origin("object", ("spec", "subsets", index))
            labels = {**strings_of(as_map(subset).get("labels")), HASH_LABEL: hashes[name]}
            subsets.append({**as_map(subset), "labels": labels})
    return Written({**value, "spec": {**as_map(value.get("spec")), "subsets": subsets}}, origins)


def service_written(value: Mapping[Any, Any], template_hash: str) -> Written:
    """A Service that a Rollout manages, with the hash of one pod template in its selector (`rollout/service.go`)."""
    spec = as_map(value.get("spec"))
    selector = {**as_map(spec.get("selector")), HASH_LABEL: template_hash}
    return Written({**value, "spec": {**spec, "selector": selector}}, {})
