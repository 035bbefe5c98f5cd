"""One decision in words and places: the way to the rule, what was not taken and why, and what nobody can know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rolloutlint.controllers.istio import Config, Mesh, export_rank, hosts_of
from rolloutlint.controllers.istio_delegates import Undelegated, http_routes
from rolloutlint.controllers.istio_hosts import MESH, visible, within
from rolloutlint.controllers.istio_matching import Request, matches, read_match
from rolloutlint.controllers.istio_reasons import conditions, unmet
from rolloutlint.controllers.istio_routing import Decision
from rolloutlint.controllers.istio_shadowing import Spot, shadows
from rolloutlint.controllers.istio_values import as_list, as_map, number_of
from rolloutlint.finding import Path
from rolloutlint.graph.mesh import Environment
from rolloutlint.graph.rollouts import full_name
from rolloutlint.model import Rollout
from rolloutlint.model.values import dig
from rolloutlint.routes.answer import Answer, Link, Location, Moment, Other, Shadowed, Skipped
from rolloutlint.routes.destinations import Destinations
from rolloutlint.routes.places import Places, claiming, name_of, serves
from rolloutlint.simulate.in_force import InForce


class Telling:
    """A decision on its way to an answer."""

    def __init__(
        self, places: Places, mesh: Mesh, request: Request, decision: Decision, environment: Environment
    ) -> None:
        self.places = places
        self.mesh = mesh
        self.request = request
        self.decision = decision
        self.environment = environment
        self.unknown: list[str] = []

    def answer(
        self,
        unknown: Sequence[str],
        notes: tuple[str, ...],
        writing: Sequence[tuple[Rollout, str]],
        moments: Sequence[InForce],
    ) -> Answer:
        """Everything there is to say: `writing` as the files are, or `moments` at a step."""
        decision = self.decision
        destination_of = Destinations(self.places, self.mesh, self.environment)
        chain = tuple(self._chain())
        skipped = tuple(self._skipped())
        destinations = tuple(destination_of.told(target) for target in decision.targets)
        mirrors = tuple(destination_of.told(target) for target in decision.mirrors)
        others = tuple(self._others())
        told = tuple(
            Moment(m.name, m.step, m.words, m.weight, self.places.at(m.rollout.resource.number, m.place.path, "key"))
            for m in moments
        )
        if writing:
            told = tuple(
                Moment(
                    full_name(self.places.world, rollout.resource),
                    None,
                    words,
                    None,
                    self.places.at(rollout.resource.number, ("metadata", "name")),
                )
                for rollout, words in writing
            )
        self._doubts(skipped)
        return Answer(
            (self.environment.scope,),
            self.request,
            decision.host,
            decision.action,
            decision.certain and not self.unknown,
            chain,
            others,
            skipped,
            tuple(self._shadowed()),
            destinations,
            mirrors,
            told,
            tuple(dict.fromkeys((*unknown, *self.unknown))),
            (*notes, *self._gaps()),
        )

    # ---- the way to the rule -------------------------------------------------------------------------------

    def _chain(self) -> Iterator[Link]:
        decision, request = self.decision, self.request
        if request.gateway != MESH:
            yield self._gateway_link()
        service = decision.virtual_service
        if service is None:
            return
        yield Link("virtual-service", f"VirtualService {name_of(service)}", self._host_place(service))
        config = decision.config
        if config is None or not decision.path:
            return
        if config.key != service.key:
            yield Link("delegate", f"delegate VirtualService {name_of(config)}", self._delegating(service, config))
        at, origin = self.places.place(config, decision.path)
        inserted = {"rollout": " (put in by the Rollout's step)", "experiment": ""}.get(origin.of, "")
        yield Link("rule", f"{self.places.rule(config, decision.path)}{inserted}", at)
        if decision.match_path:
            at, _ = self.places.place(config, decision.match_path)
            yield Link("match", self._match_words(config, decision.match_path), at)

    def _gateway_link(self) -> Link:
        namespace, _, name = self.request.gateway.partition("/")
        gateway = self.mesh.config("Gateway", namespace, name)
        if gateway is None:
            return Link("gateway", f"Gateway {self.request.gateway.removeprefix('/')} (not among the inputs)", None)
        servers = as_list(gateway.spec.get("servers"))
        position = next(
            (
                i
                for i, server in enumerate(servers)
                if number_of(as_map(as_map(server).get("port")), "number") == self.request.port
                and serves(as_map(server), self.request.host)
            ),
            None,
        )
        path: Path = ("spec", "servers", position) if position is not None else ("spec", "servers")
        at, _ = self.places.place(gateway, path)
        return Link("gateway", f"Gateway {name_of(gateway)}, port {self.request.port}", at)

    def _host_place(self, service: Config) -> Location:
        """The host of a VirtualService that covers the host: the most specific one."""
        hosts = as_list(service.spec.get("hosts"))
        fits = [
            (len(host), -i)
            for i, host in enumerate(hosts)
            if isinstance(host, str)
            for full in hosts_of(service._replace(value={"spec": {"hosts": [host]}}), self.mesh.domain)
            if within(self.decision.host, full.lower())
        ]
        path: Path = ("spec", "hosts", -max(fits)[1]) if fits else ("metadata", "name")
        return self.places.place(service, path)[0]

    def _delegating(self, service: Config, config: Config) -> Location | None:
        for route in http_routes(service, self.mesh):
            if isinstance(route, Undelegated) or route.root_position is None:
                continue
            if route.config.key == config.key and ("spec", "http", route.position) == self.decision.path:
                return self.places.place(service, ("spec", "http", route.root_position, "delegate"))[0]
        return None

    def _match_words(self, config: Config, path: Path) -> str:
        match = read_match(dig(config.value, *path), config.namespace)
        return ", ".join(conditions(match)) or "everything"

    # ---- what was not taken --------------------------------------------------------------------------------

    def _skipped(self) -> Iterator[Skipped]:
        """The matches before the one that was taken, in the order in which the proxy has them."""
        decision = self.decision
        chosen = decision.virtual_service
        if chosen is None:
            return
        configs = [chosen]
        if self.request.gateway != MESH:
            configs += [rival for rival in decision.rivals if rival.key != chosen.key]
            configs.sort(key=lambda c: (export_rank(c, self.request.namespace), c.name, c.namespace))
        if decision.path[1:2] != ("http",) and decision.path:
            for entry in decision.skipped:
                at, _ = self.places.place(entry.config, entry.path)
                yield Skipped(self.places.rule(entry.config, entry.path), ("other port or host",), entry.perhaps, at)
            return
        for config in configs:
            for route in http_routes(config, self.mesh):
                if isinstance(route, Undelegated):
                    at, _ = self.places.place(config, ("spec", "http", route.position, "delegate"))
                    named = f"{route.namespace}/{route.name}" if route.namespace else route.name
                    why = "is not exported to this namespace" if route.hidden else "is not there, or has hosts"
                    words = (f"delegates to VirtualService {named}, which {why}",)
                    yield Skipped(self.places.rule(config, ("spec", "http", route.position)), words, False, at)
                    continue
                base: Path = ("spec", "http", route.position)
                for condition in route.conditions:
                    path = base if condition.position is None else (*base, "match", condition.position)
                    if route.config.key == (decision.config.key if decision.config else None) and path == (
                        decision.match_path or decision.path
                    ):
                        return
                    answer = matches(condition.match, self.request, config.gateways)
                    if answer is True:  # at a gateway, a catch-all comes after what asks for something
                        continue
                    said = unmet(condition.match, self.request, config.gateways)
                    certain = [each.words for each in said if not each.perhaps]
                    why_not = tuple(certain or [each.words for each in said])
                    at, _ = self.places.place(route.config, path)
                    yield Skipped(self.places.rule(route.config, path), why_not, answer is None, at)

    def _shadowed(self) -> Iterator[Shadowed]:
        decision = self.decision
        config = decision.config or decision.virtual_service
        if config is None:
            return
        for shadow in shadows(config.spec, config.namespace):
            at, by = (self.places.place(config, path_of(shadow.section, spot))[0] for spot in (shadow.at, shadow.by))
            yield Shadowed(self.places.rule(config, path_of(shadow.section, shadow.at)), at, by)

    def _others(self) -> Iterator[Other]:
        """The VirtualServices for this host that were not taken."""
        decision = self.decision
        chosen = decision.virtual_service
        rivals = {config.key for config in decision.rivals}
        for config in claiming(self.mesh, decision.host):
            if chosen is None or config.key != chosen.key:
                why = self._why_not(config, chosen, config.key in rivals)
                yield Other(name_of(config), why, self._host_place(config))

    def _why_not(self, config: Config, chosen: Config | None, rival: bool) -> str:
        request = self.request
        if request.gateway not in config.gateways:
            bound = ["the mesh" if gateway == MESH else f"Gateway {gateway}" for gateway in config.gateways]
            return f"is bound to {' and '.join(bound)} only"
        if visible(config.exported, request.namespace) is False:
            return f"is not exported to namespace {request.namespace}"
        if not rival:
            return "has no server of the Gateway for it" if request.gateway != MESH else "has a less specific host"
        if chosen is None:
            return "has no route for this port and protocol"
        if request.gateway != MESH:
            return "has the same host: its routes follow, or come first if it is older"
        if export_rank(config, request.namespace) > export_rank(chosen, request.namespace):
            return "has the same host and is exported more widely"
        return "has the same host: the older of both counts, and no file tells which that is"

    def _gaps(self) -> Iterator[str]:
        """What may be elsewhere without making the answer for these inputs less certain."""
        if self.decision.action == "default" and not self.places.world.closed:
            yield "a VirtualService that is not among the inputs may have a route for it"

    def _doubts(self, skipped: Sequence[Skipped]) -> None:
        """What may be otherwise."""
        decision, world = self.decision, self.places.world
        for entry in skipped:
            if entry.perhaps:
                self.unknown.append(f"whether {entry.rule} matches: {', '.join(entry.why)}")
        if not decision.certain and any(rival for rival in decision.rivals):
            names = ", ".join(name_of(config) for config in decision.rivals)
            self.unknown.append(f"which VirtualService is older: it has the host together with {names}")
        if self.request.gateway != MESH:
            namespace, _, name = self.request.gateway.partition("/")
            if self.mesh.config("Gateway", namespace, name) is None:
                self.unknown.append(f"which hosts and ports Gateway {self.request.gateway.removeprefix('/')} takes")
        for target in (*decision.targets, *decision.mirrors):
            if target.rule_set is not None and not target.rule_set.certain:
                rules = ", ".join(name_of(rule) for rule in target.rule_set.rules)
                self.unknown.append(f"which DestinationRule counts for {target.host}: {rules or 'a selective one'}")
        seen = [c for c in (decision.virtual_service, decision.config) if c is not None]
        seen += [target.use.rule for target in decision.targets if target.use]
        for config in seen:
            assert isinstance(config.key, int)
            resource = world.resources[config.key]
            if world.patched(resource, ("spec",)):
                self.unknown.append(f"what a kustomization changes in {resource.id}")
        for resource in self.environment.left_out:
            if resource.id.kind in ("VirtualService", "DestinationRule", "Service"):
                self.unknown.append(f"the namespace of {resource.id}, which differs by overlay")
        called = decision.backend
        if called is not None and called.readable and self.request.port not in {port.number for port in called.ports}:
            words = f"{called.kind} {name_of(called.config)} has no such port"
            self.unknown.append(f"whether anything answers on port {self.request.port}: {words}")
        if decision.action == "passthrough":
            self.unknown.append(f"what answers to {decision.host}: no Service or ServiceEntry among the inputs has it")


def path_of(section: str, spot: Spot) -> Path:
    """The path of a place that is shadowed, or shadows."""
    base: Path = ("spec", section, spot.route)
    return base if spot.match is None else (*base, "match", spot.match)
