"""From a question to decisions: environments, doors, ports and namespaces, and what Rollouts have written there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from rolloutlint.controllers.istio import Mesh
from rolloutlint.controllers.istio_hosts import HTTP, MESH, TLS, is_wildcard
from rolloutlint.controllers.istio_matching import Request
from rolloutlint.controllers.istio_routing import Decision, route_decision
from rolloutlint.controllers.istio_values import as_list, as_map, number_of, text_of
from rolloutlint.controllers.istio_writes import Written
from rolloutlint.errors import UsageError
from rolloutlint.graph import World
from rolloutlint.graph.mesh import Environment, environments
from rolloutlint.graph.rollouts import full_name, rollouts_named
from rolloutlint.lang.names import near
from rolloutlint.model import Rollout
from rolloutlint.routes.answer import Answer, Question
from rolloutlint.routes.places import Places, claiming, serves
from rolloutlint.routes.telling import Telling
from rolloutlint.settings import Settings
from rolloutlint.settle import Texts
from rolloutlint.simulate.in_force import InForce, Step, apply, in_force, managers
from rolloutlint.simulate.linked import plan_of

ELSEWHERE = "?"
"""A namespace that no object can have: that of a caller who is none of those the inputs tell apart."""


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
    if not host.partition(":")[0] or any(c in host for c in "/?#@ \t"):
        raise UsageError(f"HOST: `{question.host}`: write a host alone, and the rest with --path and --port")
    if host.count(":") == 1:
        host, _, number = host.partition(":")
        if not number.isascii() or not number.isdigit() or (port is not None and port != int(number)):
            raise UsageError(f"HOST: `{question.host}`: the port is no number, or not that of --port")
        port = int(number)
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
    return bool(mesh.backends(full) or any(claiming(mesh, full)) or any(claiming(mesh, host)))


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
        self.managers = world.derived(("managers",), lambda: managers(world))

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
        found = [config for host in sorted(full) for config in claiming(self.mesh, host)]
        return sorted({gateway for config in found for gateway in config.gateways} - {MESH})

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
            fitting = [s for s in servers if serves(s, self.question.host)] or servers
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
        who = "the caller runs" if request.gateway == MESH else "the gateway's pods run"
        said = f"it is another answer if {who} in namespace {listed}: say so with --from-namespace"
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
        standing = {moment.rollout.resource.number: moment for moment in moments}
        places = Places(self.world, self.texts, written, self.managers, standing)
        telling = Telling(places, mesh, request, decision, self.environment)
        return telling.answer(unknown, notes, writing if question.step is None else (), moments)

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
            if plan.refused:
                unknown.append(f"what Rollout {name} does at a step: the controller refuses it ({plan.refused[0]})")
            if rollout.service("pingService") is not None and rollout.service("canaryService") is None:
                unknown.append(f"whether ping or pong is the canary of Rollout {name}: shown as at its first update")
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
