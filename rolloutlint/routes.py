"""What `rolloutlint route` shows: where one request goes, link by link, each with its place in a file.

Plain data, made from the resolution model of `controllers.istio_routing` over the loaded objects, as they stand or with
what the Rollouts have written at one step; `report.route` renders it. What the inputs cannot tell is listed as unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qsl

from rolloutlint.controllers.istio import Config, Mesh, export_rank, hosts_of
from rolloutlint.controllers.istio_delegates import Undelegated, http_routes
from rolloutlint.controllers.istio_hosts import HTTP, MESH, TLS, half_host, is_wildcard, service_of, visible, within
from rolloutlint.controllers.istio_matching import Request, matches, read_match
from rolloutlint.controllers.istio_reasons import conditions, unmet
from rolloutlint.controllers.istio_routes import Role, pair_of, select_routes
from rolloutlint.controllers.istio_routing import Action, Decision, Target, route_decision
from rolloutlint.controllers.istio_shadowing import Spot, shadows
from rolloutlint.controllers.istio_values import as_list, as_map, number_of, text_of
from rolloutlint.controllers.istio_writes import CANARY_HASH, STABLE_HASH, Origin, Written
from rolloutlint.controllers.traffic import HASH_LABEL
from rolloutlint.errors import UsageError
from rolloutlint.finding import Path, ResourceId, show_path
from rolloutlint.graph import Naming, World
from rolloutlint.graph.mesh import ISTIO, Environment, environments
from rolloutlint.graph.rollouts import full_name, rollouts_named
from rolloutlint.lang.names import near
from rolloutlint.model import Rollout
from rolloutlint.model.resource import Resource
from rolloutlint.model.values import dig, filled_later
from rolloutlint.settings import Settings
from rolloutlint.settle import Texts
from rolloutlint.simulate.in_force import InForce, Manager, Step, apply, in_force, managers
from rolloutlint.simulate.linked import plan_of

State = Literal["found", "missing", "unknown"]
Version = Literal["canary", "stable", "both", ""]

ELSEWHERE = "?"
"""A namespace that no object can have: that of a caller who is none of those the inputs tell apart."""


class Question(NamedTuple):
    """A request, and when it is sent."""

    host: str
    """`web`, `web.shop`, `shop.example.com`, each with or without a port."""
    path: str = "/"
    """With the query string, if there is one."""
    method: str = "GET"
    headers: Mapping[str, str] = {}
    door: str = ""
    """`mesh`, `gateway`, `gateway/NAMESPACE/NAME`; empty: the mesh, or else the gateways that take the host."""
    namespace: str | None = None
    """Of the proxy that routes."""
    port: int | None = None
    labels: Mapping[str, str] | None = None
    """Of the pod of that proxy."""
    step: Step | None = None
    """`None`: the objects as they are written."""
    rollout: str = ""
    """The Rollout that is at that step, where several write what the request meets."""


class Location(NamedTuple):
    """A place in a file."""

    file: str
    line: int
    path: str
    resource: ResourceId


class Link(NamedTuple):
    """One link of the chain: what it says, and where that is written."""

    kind: Literal[
        "gateway", "virtual-service", "delegate", "rule", "match", "destination", "service", "subset", "experiment"
    ]
    words: str
    at: Location | None


class Other(NamedTuple):
    """A VirtualService that was not taken, and why."""

    name: str
    why: str
    at: Location


class Skipped(NamedTuple):
    """A match that was not taken, and why."""

    rule: str
    why: tuple[str, ...]
    perhaps: bool
    """True where it may be taken after all."""
    at: Location


class Shadowed(NamedTuple):
    """A rule or match that no request ever reaches."""

    rule: str
    at: Location
    by: Location


class Receiver(NamedTuple):
    """A workload whose pods get the requests of a destination."""

    workload: str
    """`Rollout shop/cart`."""
    version: Version
    """Of a Rollout: which of its versions; empty where that is not known or there is one only."""
    share: Fraction | None
    """Percent of the destination's requests; `None` where it is not known."""
    at: Location


class Destination(NamedTuple):
    """One destination of the rule that was taken."""

    host: str
    port: int
    subset: str
    share: Fraction
    """Percent of the requests, or for a mirror of the copies."""
    weight: int | None
    role: Literal["canary", "stable", "experiment", ""]
    """What it is to `rollout`."""
    rollout: str
    state: State
    problem: str
    """Why it is missing or unknown."""
    chain: tuple[Link, ...]
    labels: tuple[tuple[str, str], ...]
    receivers: tuple[Receiver, ...]
    pods: State


class Moment(NamedTuple):
    """A Rollout that writes what the request meets."""

    rollout: str
    step: Step | None
    words: str
    weight: int | None
    at: Location


class Answer(NamedTuple):
    """Where the request goes in one environment, through one door."""

    environments: tuple[str, ...]
    request: Request
    host: str
    """In full."""
    action: Action
    certain: bool
    chain: tuple[Link, ...]
    others: tuple[Other, ...]
    skipped: tuple[Skipped, ...]
    shadowed: tuple[Shadowed, ...]
    destinations: tuple[Destination, ...]
    mirrors: tuple[Destination, ...]
    moments: tuple[Moment, ...]
    unknown: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def fails(self) -> bool:
        """Whether the proxy certainly answers some of the requests itself with 404 or 503."""
        if not self.certain:
            return False
        lost = any(d.share and "missing" in (d.state, d.pods) for d in self.destinations)
        return lost or self.action in ("not-found", "unbound")


def answers(world: World, texts: Texts, settings: Settings, question: Question) -> Sequence[Answer]:
    """The answers to a question, one for each environment and door that differ; none where there is no mesh at all.

    Raises `UsageError` for a host that nothing among the inputs knows, and for doors, steps and Rollouts that are not
    there.
    """
    host, port = _host(question)
    question = question._replace(host=host, port=port)
    found: list[Answer] = []
    meshes = [(environment, Mesh(environment.configs)) for environment in environments(world)]
    asked = [(environment, mesh) for environment, mesh in meshes if _namespaces_of(mesh, question)]
    if meshes and not asked:
        raise UsageError(_unknown_host(question.host, [mesh for _, mesh in meshes]))
    wanted = set(rollouts_named(world, question.rollout)) if question.rollout else None
    for environment, mesh in asked:
        asking = _Asking(world, texts, settings, question, environment, mesh, wanted)
        for answer in asking.answers():
            same = next((i for i, a in enumerate(found) if a._replace(environments=answer.environments) == answer), -1)
            if same >= 0:
                names = (*found[same].environments, *answer.environments)
                found[same] = found[same]._replace(environments=names)
            else:
                found.append(answer)
    return found


def _host(question: Question) -> tuple[str, int | None]:
    host = question.host.strip().rstrip(".").lower()
    port = question.port
    if host.count(":") == 1:
        host, _, number = host.partition(":")
        if not number.isascii() or not number.isdigit() or (port is not None and port != int(number)):
            raise UsageError(f"HOST: `{question.host}`: the port is no number, or not that of --port")
        port = int(number)
    if not host or any(c in host for c in "/?#@ \t"):
        raise UsageError(f"HOST: `{question.host}`: write a host alone, and the rest with --path and --port")
    if is_wildcard(host):
        raise UsageError(f"HOST: `{question.host}`: a request has one host: write a name that the wildcard covers")
    return host, port


def _known_hosts(mesh: Mesh) -> Iterator[str]:
    for service in mesh.of_kind("Service"):
        yield f"{service.name}.{service.namespace}" if service.namespace else service.name
    for config in mesh.of_kind("ServiceEntry", "VirtualService"):
        yield from (host for host in as_list(config.spec.get("hosts")) if isinstance(host, str))


def _unknown_host(host: str, meshes: Iterable[Mesh]) -> str:
    known = sorted({name for mesh in meshes for name in _known_hosts(mesh)} - {host})
    hint = near(host, [*known, *(name.partition(".")[0] for name in known)])
    if hint is None and "." in host:
        hint = next((name for name in known if name.partition(".")[0] == host.partition(".")[0]), None)
    there_is = ", ".join(f"`{name}`" for name in known[:5]) + (f" and {len(known) - 5} more" * (len(known) > 5))
    told = f"did you mean `{hint}`?" if hint else f"there is {there_is}" if known else "there is no host at all"
    return f"no Service, ServiceEntry or VirtualService among the inputs has the host `{host}`: {told}"


def _knows(mesh: Mesh, host: str, namespace: str | None) -> bool:
    full = mesh.called(host, namespace)
    return bool(mesh.backends(full) or any(_claiming(mesh, full)) or any(_claiming(mesh, host)))


def _claiming(mesh: Mesh, full: str) -> Iterator[Config]:
    """The VirtualServices with a host that covers a full host."""
    for config in mesh.of_kind("VirtualService"):
        if any(within(full, host.lower()) for host in hosts_of(config, mesh.domain)):
            yield config


def _namespaces_of(mesh: Mesh, question: Question) -> Sequence[str | None]:
    """The namespaces from which the host of a question means something; `None` where that does not matter."""
    if question.namespace is not None:
        return [question.namespace] if _knows(mesh, question.host, question.namespace) else []
    if "." in question.host:
        return [None] if _knows(mesh, question.host, None) else []
    named = {config.namespace for config in mesh.of_kind("Service", "VirtualService")}
    return [n for n in sorted(named) if mesh.backends(mesh.called(question.host, n))] or [
        n for n in sorted(named) if mesh.mesh_hosts.get(mesh.called(question.host, n))
    ]


class _Asking:
    """One question to one environment."""

    def __init__(
        self,
        world: World,
        texts: Texts,
        settings: Settings,
        question: Question,
        environment: Environment,
        mesh: Mesh,
        wanted: set[int] | None,
    ) -> None:
        self.world = world
        self.texts = texts
        self.settings = settings
        self.question = question
        self.environment = environment
        self.mesh = mesh
        self.wanted = wanted
        self.managers = world.derived("managers", lambda: managers(world))

    def answers(self) -> Iterator[Answer]:
        """One for each door."""
        question, notes = self.question, []
        namespaces = _namespaces_of(self.mesh, question)
        if len(namespaces) > 1:
            listed = ", ".join(f"`{name or 'none'}`" for name in namespaces)
            raise UsageError(
                f"`{question.host}` is the short name of Services in the namespaces {listed}: say with "
                "--from-namespace where the caller is, or write NAME.NAMESPACE"
            )
        (namespace,) = namespaces
        if question.namespace is None and namespace:
            notes.append(f"asked from namespace {namespace}: elsewhere the short name means another host")
        doors = list(self._doors(namespace))
        if not doors:
            raise UsageError(f"--from: no VirtualService for `{question.host}` is bound to a Gateway")
        for door in doors:
            more = self._other_doors(namespace, door) if not question.door else ()
            at_door = namespace if door == MESH or question.namespace is not None else None
            yield self._answer(self._request(door, at_door), (*notes, *more))

    # ---- doors, ports and namespaces -----------------------------------------------------------------------

    def _gateways(self, namespace: str | None) -> Sequence[str]:
        """The gateways that the VirtualServices for the host are bound to."""
        full = {self.mesh.called(self.question.host, namespace), self.question.host}
        claiming = [config for host in sorted(full) for config in _claiming(self.mesh, host)]
        return sorted({gateway for config in claiming for gateway in config.gateways} - {MESH})

    def _in_mesh(self, namespace: str | None) -> bool:
        full = self.mesh.called(self.question.host, namespace)
        return bool(self.mesh.backends(full) or self.mesh.mesh_services(full, namespace))

    def _doors(self, namespace: str | None) -> Iterator[str]:
        asked = self.question.door
        gateways = self._gateways(namespace)
        if asked == MESH or (not asked and self._in_mesh(namespace)):
            yield MESH
        elif asked in ("", "gateway"):
            yield from gateways
            if not asked and not gateways:
                yield MESH
        else:
            name = asked.removeprefix("gateway/")
            there = {*gateways, *(f"{c.namespace}/{c.name}" for c in self.mesh.of_kind("Gateway"))}
            if name not in there:
                hint = near(name, sorted(there))
                told = f"did you mean `gateway/{hint}`?" if hint else f"there is {', '.join(sorted(there)) or 'none'}"
                raise UsageError(f"--from: no Gateway `{name}` among the inputs: {told}")
            yield name

    def _other_doors(self, namespace: str | None, door: str) -> Sequence[str]:
        gateways = self._gateways(namespace) if door == MESH else ()
        return (
            [f"a VirtualService for it is also bound to {', '.join(gateways)}: ask with --from gateway"]
            if (gateways)
            else []
        )

    def _request(self, door: str, namespace: str | None) -> Request:
        question = self.question
        path, _, query = question.path.partition("?")
        port, scheme = self._port(door, namespace)
        return Request(
            question.host,
            path or "/",
            question.method,
            question.headers,
            dict(parse_qsl(query, keep_blank_values=True)),
            scheme,
            port,
            door,
            namespace,
            question.labels,
        )

    def _port(self, door: str, namespace: str | None) -> tuple[int, str]:
        """The port that is called, and the scheme that proxies see on it."""
        asked = self.question.port
        if door == MESH:
            backend = self.mesh.backend(self.mesh.called(self.question.host, namespace), namespace)
            ports = backend.ports if backend else ()
            plain = [port for port in ports if port.protocol in HTTP and port.protocol]
            chosen = next((p.number for p in ports if p.number == 80), None)
            for port in (*plain, *ports):
                chosen = port.number if chosen is None else chosen
            port_number = asked if asked is not None else chosen if chosen is not None else 80
            secured = any(p.number == port_number and p.protocol in TLS for p in ports)
            return port_number, "https" if secured else "http"
        servers = self._servers(door)
        if asked is None:
            fitting = [s for s in servers if self._serves(s)] or servers
            plain_ones = [s for s in fitting if as_map(s.get("tls")).get("httpsRedirect") is not True]
            numbers = [number_of(as_map(s.get("port")), "number") for s in (plain_ones or fitting)]
            asked = next((n for n in numbers if n is not None), 80)
        secure = any(
            text_of(as_map(s.get("port")), "protocol").lower() in TLS
            for s in servers
            if number_of(as_map(s.get("port")), "number") == asked
        )
        return asked, "https" if secure else "http"

    def _servers(self, door: str) -> list[Mapping[Any, Any]]:
        namespace, _, name = door.partition("/")
        gateway = self.mesh.config("Gateway", namespace, name)
        return [as_map(server) for server in as_list(gateway.spec.get("servers") if gateway else None)]

    def _serves(self, server: Mapping[Any, Any]) -> bool:
        hosts = [h for h in as_list(server.get("hosts")) if isinstance(h, str)]
        return any(within(self.question.host, h.lower().rpartition("/")[2]) for h in hosts)

    def _callers(self) -> Sequence[str]:
        """A namespace of each kind that objects tell apart, and one of all others."""
        named = {ELSEWHERE, self.mesh.root_namespace}
        for config in self.mesh.of_kind("DestinationRule", "VirtualService", "Service", "ServiceEntry"):
            if config.kind == "DestinationRule" or "*" not in config.exported:
                named |= {config.namespace, *config.exported}
            if config.kind == "VirtualService":
                for route in as_list(config.spec.get("http")):
                    for match in as_list(as_map(route).get("match")):
                        named.add(text_of(as_map(match), "sourceNamespace") or ELSEWHERE)
        return sorted(named - {"*", "~", "."})

    # ---- the decision --------------------------------------------------------------------------------------

    def _decide(self, mesh: Mesh, request: Request) -> tuple[Decision, tuple[str, ...]]:
        """The decision, and what about it depends on the unknown namespace of the caller."""
        if request.namespace is not None:
            return route_decision(mesh, request), ()
        told: dict[object, tuple[Decision, list[str]]] = {}
        for caller in self._callers():
            decision = route_decision(mesh, request._replace(namespace=caller))
            told.setdefault(_essence(decision), (decision, []))[1].append(caller)
        decisions = list(told.values())
        usual = next(d for d, callers in decisions if ELSEWHERE in callers)
        others = [name for d, callers in decisions if d is not usual for name in callers]
        if not others:
            return usual, ()
        listed = ", ".join(others[:5]) + ", ..." * (len(others) > 5)
        who = "the caller" if request.gateway == MESH else "the gateway's pods"
        said = f"it is another answer if {who} run in namespace {listed}: say so with --from-namespace"
        return usual._replace(certain=False), (said,)

    def _answer(self, request: Request, notes: tuple[str, ...]) -> Answer:
        question = self.question
        decision, unknown = self._decide(self.mesh, request)
        writing = self._writing(decision)
        moments: list[InForce] = []
        written: Mapping[int, Written] = {}
        mesh = self.mesh
        if question.step is not None:
            moments, missing = self._moments([rollout for rollout, _ in writing], question.step)
            applied = apply(self.world, self.environment.configs, moments)
            mesh = Mesh(applied.configs)
            written = applied.written
            decision, unknown = self._decide(mesh, request)
            unknown = (*unknown, *missing, *applied.refused)
            decision = decision._replace(certain=decision.certain and not missing and not applied.refused)
        told = _Telling(self, mesh, request, decision, written, {m.rollout.resource.number: m for m in moments})
        return told.answer(unknown, notes, writing, moments)

    def _writing(self, decision: Decision) -> Sequence[tuple[Rollout, str]]:
        """The Rollouts that write anything that the decision met, or that have the pods, and which of both."""
        met = [c for c in (decision.virtual_service, decision.config, *decision.rivals) if c is not None]
        for target in (*decision.targets, *decision.mirrors):
            met += [target.backend.config] if target.backend else []
            met += target.rule_set.rules if target.rule_set else ()
        found: dict[int, tuple[Rollout, str]] = {}
        for config in met:
            assert isinstance(config.key, int)
            for manager in self.managers.get(config.key, ()):
                found[manager.rollout.resource.number] = (manager.rollout, "writes here while it updates")
        for target in decision.targets:
            for pod in target.pods:
                assert isinstance(pod.key, int)
                view = self.world.view(self.world.resources[pod.key])
                if isinstance(view, Rollout) and view.strategy_kind:
                    found.setdefault(view.resource.number, (view, "has two versions of these pods while it updates"))
        return [found[number] for number in sorted(found)]

    def _moments(self, writing: Sequence[Rollout], step: Step) -> tuple[list[InForce], tuple[str, ...]]:
        """Where each Rollout stands: the one that is asked for at the step, all others between updates."""
        chosen = [r for r in writing if self.wanted is None or r.resource.number in self.wanted]
        if len(chosen) > 1 and step not in (0, "end"):
            listed = ", ".join(f"`{full_name(self.world, r.resource)}`" for r in chosen)
            raise UsageError(f"--step: several Rollouts write what the request meets ({listed}): choose with --rollout")
        moments, unknown = [], []
        for rollout in writing:
            plan = plan_of(self.world, rollout, self.settings)
            name = full_name(self.world, rollout.resource)
            if plan is None:
                unknown.append(f"what Rollout {name} does at a step: its strategy cannot be read or is changed later")
                continue
            mine: Step = step if rollout in chosen else 0
            steps = sum(stage.step is not None for stage in plan.stages)
            if plan.strategy == "blueGreen":
                steps = 0
            if isinstance(mine, int) and not 0 <= mine <= steps:
                there = f"has {steps} steps: write 0 to {steps}, or end" if steps else "has no steps: write 0 or end"
                raise UsageError(f"--step {mine}: {name} {there}")
            moments.append(in_force(self.world, rollout, plan, mine))
        return moments, tuple(unknown)


def _essence(decision: Decision) -> object:
    """What a decision comes to, for comparison."""
    service = decision.virtual_service
    targets = tuple(
        (t.path, t.host, t.port, t.subset, t.share, t.fault, t.use and (t.use.rule.key, t.use.position))
        for t in (*decision.targets, *decision.mirrors)
    )
    keys = (service.key if service else None, decision.config.key if decision.config else None)
    return decision.action, keys, decision.path, decision.match_path, targets


class _Telling:
    """A decision in words and places."""

    def __init__(
        self,
        asking: _Asking,
        mesh: Mesh,
        request: Request,
        decision: Decision,
        written: Mapping[int, Written],
        moments: Mapping[int, InForce],
    ) -> None:
        self.asking = asking
        self.world = asking.world
        self.mesh = mesh
        self.request = request
        self.decision = decision
        self.written = written
        self.moments = moments
        self.unknown: list[str] = []

    def answer(
        self,
        unknown: Sequence[str],
        notes: tuple[str, ...],
        writing: Sequence[tuple[Rollout, str]],
        moments: Sequence[InForce],
    ) -> Answer:
        """Everything there is to say."""
        decision = self.decision
        chain = tuple(self._chain())
        skipped = tuple(self._skipped())
        destinations = tuple(self._destination(target) for target in decision.targets)
        mirrors = tuple(self._destination(target) for target in decision.mirrors)
        others = tuple(self._others())
        told = tuple(
            Moment(m.name, m.step, m.words, m.weight, self._at(m.rollout.resource.number, m.place.path, "key"))
            for m in moments
        )
        if self.asking.question.step is None:
            told = tuple(
                Moment(
                    full_name(self.world, rollout.resource),
                    None,
                    words,
                    None,
                    self._at(rollout.resource.number, ("metadata", "name")),
                )
                for rollout, words in writing
            )
        self._doubts(skipped)
        return Answer(
            (self.asking.environment.scope,),
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
            notes,
        )

    # ---- places --------------------------------------------------------------------------------------------

    def _at(self, number: int, path: Path, part: Literal["key", "value"] = "value") -> Location:
        resource = self.world.resources[number]
        place = resource.place(path, part)
        span, _ = self.asking.texts.span(place)
        return Location(place.document.source, span.line, show_path(path), resource.id)

    def _place(self, config: Config, path: Path) -> tuple[Location, Origin]:
        """Where `path` of an object stands in a file, and whether it is the object's own or the Rollout's doing."""
        assert isinstance(config.key, int)
        written = self.written.get(config.key)
        origin = written.origin(path) if written else Origin("object", path)
        if origin.of == "object":
            return self._at(config.key, origin.path), origin
        rollout = next(m.rollout.resource.number for m in self._managing(config))
        return self._at(rollout, origin.path, "key"), origin

    def _managing(self, config: Config) -> Sequence[Manager]:
        assert isinstance(config.key, int)
        return self.asking.managers.get(config.key, ())

    def _name(self, config: Config) -> str:
        return f"{config.namespace}/{config.name}" if config.namespace else config.name

    def _rule(self, config: Config, path: Path) -> str:
        """`http[0] primary`."""
        section, index = path[1], path[2]
        name = text_of(as_map(dig(config.value, *path[:3])), "name")
        return f"{section}[{index}]{' ' * bool(name)}{name}"

    # ---- the way to the rule -------------------------------------------------------------------------------

    def _chain(self) -> Iterator[Link]:
        decision, request = self.decision, self.request
        if request.gateway != MESH:
            yield self._gateway_link()
        service = decision.virtual_service
        if service is None:
            return
        yield Link("virtual-service", f"VirtualService {self._name(service)}", self._host_place(service))
        config = decision.config
        if config is None or not decision.path:
            return
        if config.key != service.key:
            yield Link("delegate", f"delegate VirtualService {self._name(config)}", self._delegating(service, config))
        at, origin = self._place(config, decision.path)
        inserted = {"rollout": " (put in by the Rollout's step)", "experiment": ""}.get(origin.of, "")
        yield Link("rule", f"{self._rule(config, decision.path)}{inserted}", at)
        if decision.match_path:
            at, _ = self._place(config, decision.match_path)
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
                and self.asking._serves(as_map(server))
            ),
            None,
        )
        path: Path = ("spec", "servers", position) if position is not None else ("spec", "servers")
        at, _ = self._place(gateway, path)
        return Link("gateway", f"Gateway {self._name(gateway)}, port {self.request.port}", at)

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
        return self._place(service, path)[0]

    def _delegating(self, service: Config, config: Config) -> Location | None:
        for route in http_routes(service, self.mesh):
            if isinstance(route, Undelegated) or route.root_position is None:
                continue
            if route.config.key == config.key and ("spec", "http", route.position) == self.decision.path:
                return self._place(service, ("spec", "http", route.root_position, "delegate"))[0]
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
                at, _ = self._place(entry.config, entry.path)
                yield Skipped(self._rule(entry.config, entry.path), ("other port or host",), entry.perhaps, at)
            return
        for config in configs:
            for route in http_routes(config, self.mesh):
                if isinstance(route, Undelegated):
                    at, _ = self._place(config, ("spec", "http", route.position, "delegate"))
                    named = f"{route.namespace}/{route.name}" if route.namespace else route.name
                    why = "is not exported to this namespace" if route.hidden else "is not there, or has hosts"
                    words = (f"delegates to VirtualService {named}, which {why}",)
                    yield Skipped(self._rule(config, ("spec", "http", route.position)), words, False, at)
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
                    at, _ = self._place(route.config, path)
                    yield Skipped(self._rule(route.config, path), why_not, answer is None, at)

    def _shadowed(self) -> Iterator[Shadowed]:
        decision = self.decision
        config = decision.config or decision.virtual_service
        if config is None:
            return
        for shadow in shadows(config.spec, config.namespace):
            at, by = (self._place(config, _path_of(shadow.section, spot))[0] for spot in (shadow.at, shadow.by))
            yield Shadowed(self._rule(config, _path_of(shadow.section, shadow.at)), at, by)

    def _others(self) -> Iterator[Other]:
        """The VirtualServices for this host that were not taken."""
        decision = self.decision
        chosen = decision.virtual_service
        rivals = {config.key for config in decision.rivals}
        for config in _claiming(self.mesh, decision.host):
            if chosen is None or config.key != chosen.key:
                why = self._why_not(config, chosen, config.key in rivals)
                yield Other(self._name(config), why, self._host_place(config))

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

    def _doubts(self, skipped: Sequence[Skipped]) -> None:
        """What may be otherwise."""
        decision, world = self.decision, self.world
        for entry in skipped:
            if entry.perhaps:
                self.unknown.append(f"whether {entry.rule} matches: {', '.join(entry.why)}")
        if not decision.certain and any(rival for rival in decision.rivals):
            names = ", ".join(self._name(config) for config in decision.rivals)
            self.unknown.append(f"which VirtualService is older: it has the host together with {names}")
        if self.request.gateway != MESH:
            namespace, _, name = self.request.gateway.partition("/")
            if self.mesh.config("Gateway", namespace, name) is None:
                self.unknown.append(f"which hosts and ports Gateway {self.request.gateway} takes")
        for target in (*decision.targets, *decision.mirrors):
            if target.rule_set is not None and not target.rule_set.certain:
                rules = ", ".join(self._name(rule) for rule in target.rule_set.rules)
                self.unknown.append(f"which DestinationRule counts for {target.host}: {rules or 'a selective one'}")
        seen = [c for c in (decision.virtual_service, decision.config) if c is not None]
        seen += [target.use.rule for target in decision.targets if target.use]
        for config in seen:
            assert isinstance(config.key, int)
            resource = world.resources[config.key]
            if world.patched(resource, ("spec",)):
                self.unknown.append(f"what a kustomization changes in {resource.id}")
        for resource in self.asking.environment.left_out:
            if resource.id.kind in ("VirtualService", "DestinationRule", "Service"):
                self.unknown.append(f"the namespace of {resource.id}, which differs by overlay")
        called = decision.backend
        if called is not None and called.readable and self.request.port not in {port.number for port in called.ports}:
            words = f"{called.kind} {self._name(called.config)} has no such port"
            self.unknown.append(f"whether anything answers on port {self.request.port}: {words}")
        if decision.action == "passthrough":
            self.unknown.append(f"what answers to {decision.host}: no Service or ServiceEntry among the inputs has it")

    # ---- destinations --------------------------------------------------------------------------------------

    def _destination(self, target: Target) -> Destination:
        role, rollout, origin = self._role(target)
        state, problem = self._state(target) if role != "experiment" else ("unknown", "")
        labels = target.labels or {}
        receivers, pods = self._receivers(target) if role != "experiment" else ((), "unknown")
        return Destination(
            target.host,
            target.port,
            target.subset,
            target.share,
            target.weight,
            role,
            rollout,
            "found" if role == "experiment" else state,
            problem,
            tuple(self._destination_chain(target, origin)),
            tuple(sorted((key, _shown_label(key, value, bool(self.moments))) for key, value in labels.items())),
            receivers,
            pods,
        )

    def _destination_chain(self, target: Target, origin: Origin | None) -> Iterator[Link]:
        named = f"{_short(target.host)}{' subset ' * bool(target.subset)}{target.subset}"
        if target.config is not None:
            at, _ = self._place(target.config, target.path)
            kind: Literal["experiment", "destination"] = (
                "experiment" if origin is not None and origin.of == "experiment" else "destination"
            )
            yield Link(kind, f"destination {named}", at)
        backend = target.backend
        if backend is not None:
            index = next((i for i, port in enumerate(backend.ports) if port.number == target.port), None)
            path: Path = ("spec", "ports", index) if index is not None else ("spec", "ports")
            name = next((p.name for p in backend.ports if p.number == target.port), "")
            at, _ = self._place(backend.config, path)
            words = f"{backend.kind} {self._name(backend.config)}, port {target.port}{' ' * bool(name)}{name}"
            yield Link("service", words, at)
        if target.use is not None:
            rule = target.use.rule
            at, _ = self._place(rule, ("spec", "subsets", target.use.position))
            yield Link("subset", f"DestinationRule {self._name(rule)}, subset {target.subset}", at)

    def _role(self, target: Target) -> tuple[Literal["canary", "stable", "experiment", ""], str, Origin | None]:
        """What a destination is to the Rollout that weighs it."""
        if target.config is None:
            return self._service_role(target)
        _, origin = self._place(target.config, target.path)
        for manager in self._managing(target.config):
            if manager.role != "virtualService":
                continue
            name = full_name(self.world, manager.rollout.resource)
            if origin.of == "experiment":
                return "experiment", name, origin
            use = dig(manager.rollout.value, *manager.path[:-1])
            spec = as_map(target.config.spec)
            selection = select_routes(spec, use, manager.rollout.managed_routes)
            weighed = selection is not None and target.path[1:3] in selection.routes
            pair = pair_of(manager.rollout.canary)
            if pair is None or not (weighed or origin.of == "rollout"):
                continue
            host = text_of(as_map(dig(target.config.value, *target.path)), "host").partition(".")[0]
            role: Role = pair.role(host, target.subset)
            if role in ("canary", "stable"):
                return role, name, origin
        return "", "", origin

    def _service_role(self, target: Target) -> tuple[Literal["canary", "stable", ""], str, None]:
        if target.backend is not None:
            for manager in self._managing(target.backend.config):
                name = full_name(self.world, manager.rollout.resource)
                if manager.role in ("canaryService", "stableService"):
                    return ("canary" if manager.role == "canaryService" else "stable"), name, None
        return "", "", None

    def _state(self, target: Target) -> tuple[State, str]:
        """Whether the destination is there: missing only where the inputs would have it."""
        if not target.fault:
            return "found", ""
        if target.fault == "port" and target.backend is not None:
            return "missing", f"{target.backend.kind} {self._name(target.backend.config)} has no port {target.port}"
        if target.fault == "host":
            return self._host_state(target)
        where = _short(target.host)
        if target.rule_set is not None:
            rules = " and ".join(self._name(rule) for rule in target.rule_set.rules)
            return "missing", f"DestinationRule {rules} for {where} has no subset {target.subset}"
        home = target.backend.config.namespace if target.backend else ""
        state: State = "missing" if self._complete("DestinationRule", home, target.config) else "unknown"
        return state, f"no DestinationRule for {where} that this proxy uses is among the inputs"

    def _host_state(self, target: Target) -> tuple[State, str]:
        named = service_of(target.host, self.mesh.domain)
        if filled_later(target.host):
            return "unknown", f"the host {target.host} is filled in later"
        if named is None:
            half = half_host(target.host)
            if half is not None and self.mesh.backends(f"{half.name}.{half.namespace}.svc.{self.mesh.domain}"):
                return "missing", f"{target.host} is taken as a complete name, and no Service has such a name"
            return "unknown", f"no ServiceEntry among the inputs has the host {target.host}"
        origin = self._resource(target.config)
        if origin is None:
            return "unknown", f"no Service {named.namespace}/{named.name} is among the inputs"
        mine = self.world.namespace(origin) or ""
        namespace = "" if named.namespace == mine else named.namespace
        naming = Naming("destination", "", "Service", namespace, named.name, target.path)
        reference = self.world.resolve(origin, naming)
        words = f"there is no Service {named.namespace}/{named.name}"
        return ("missing", words) if reference.missing else ("unknown", reference.reason or words)

    def _complete(self, kind: str, namespace: str, config: Config | None) -> bool:
        """Whether all objects of an Istio kind in a namespace are known."""
        origin = self._resource(config)
        naming = Naming("any", ISTIO, kind, namespace, "", ())  # no object has an empty name
        return self.world.closed or (origin is not None and self.world.resolve(origin, naming).missing)

    def _resource(self, config: Config | None) -> Resource | None:
        key = config.key if config is not None else next((c.key for c in self.asking.environment.configs), None)
        return self.world.resources[key] if isinstance(key, int) else None

    def _receivers(self, target: Target) -> tuple[tuple[Receiver, ...], State]:
        """The workloads that get the requests: missing where there are certainly none."""
        if target.fault or target.labels is None:
            return (), "unknown"
        found = [receiver for pod in target.pods for receiver in self._versions(target, pod)]
        if found:
            return tuple(found), "found"
        clash = self._hashes(target)
        return (), "missing" if self.world.closed or len(clash) > 1 else "unknown"

    def _hashes(self, target: Target) -> set[str]:
        """The hashes that the Service and the subset both ask for."""
        selector = target.backend.selector if target.backend else None
        labels = target.use.labels if target.use else {}
        return {found[HASH_LABEL] for found in (selector or {}, labels) if HASH_LABEL in found}

    def _versions(self, target: Target, pod: Config) -> Iterator[Receiver]:
        """The version or versions of a workload that get requests."""
        assert isinstance(pod.key, int)
        workload = f"{pod.kind} {self._name(pod)}"
        at = self._at(pod.key, ("metadata", "name"))
        alone = Fraction(100) if len(target.pods) == 1 else None
        moment = self.moments.get(pod.key)
        hashes = self._hashes(target)
        if moment is None or pod.kind != "Rollout":
            yield Receiver(workload, "", alone, at)
        elif len(hashes) == 1 and hashes <= {CANARY_HASH, STABLE_HASH}:
            (version,) = hashes
            yield Receiver(workload, "canary" if version == CANARY_HASH else "stable", alone, at)
        elif hashes:
            return
        elif not moment.updating:
            yield Receiver(workload, "stable", alone, at)
        else:
            canary, stable = moment.pods
            total = (canary or 0) + (stable or 0)
            if canary is None or stable is None or not total or alone is None:
                yield Receiver(workload, "both", alone, at)
                return
            counts: tuple[tuple[Version, int], ...] = (("canary", canary), ("stable", stable))
            for which, count in counts:
                if count:
                    yield Receiver(workload, which, Fraction(100 * count, total), at)


def _path_of(section: str, spot: Spot) -> Path:
    base: Path = ("spec", section, spot.route)
    return base if spot.match is None else (*base, "match", spot.match)


def _short(host: str) -> str:
    """A full host as people call it."""
    named = service_of(host)
    if host.endswith("..svc.cluster.local"):
        return host.removesuffix("..svc.cluster.local")
    return f"{named.name}.{named.namespace}" if named else host


def _shown_label(key: str, value: str, simulated: bool) -> str:
    return f"<{value}>" if simulated and key == HASH_LABEL else value
