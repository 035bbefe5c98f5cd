"""The destinations of a rule: what they are to a Rollout, whether they are there, and which pods get the requests."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Literal

from rolloutlint.controllers.istio import Config, Mesh
from rolloutlint.controllers.istio_hosts import half_host, service_of
from rolloutlint.controllers.istio_routes import Role, pair_of, select_routes
from rolloutlint.controllers.istio_routing import Target
from rolloutlint.controllers.istio_values import as_map, text_of
from rolloutlint.controllers.istio_writes import CANARY_HASH, STABLE_HASH, Origin
from rolloutlint.controllers.traffic import HASH_LABEL
from rolloutlint.finding import Path
from rolloutlint.graph import Naming
from rolloutlint.graph.mesh import ISTIO, Environment
from rolloutlint.graph.rollouts import full_name
from rolloutlint.model.resource import Resource
from rolloutlint.model.values import dig, filled_later
from rolloutlint.routes.answer import Destination, Link, Receiver, State, Version
from rolloutlint.routes.places import Places, name_of, short_host


class Destinations:
    """The destinations of one decision."""

    def __init__(self, places: Places, mesh: Mesh, environment: Environment) -> None:
        self.places = places
        self.mesh = mesh
        self.environment = environment

    def told(self, target: Target) -> Destination:
        """Everything there is to say of one."""
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
            tuple(sorted((key, _shown_label(key, value, bool(self.places.moments))) for key, value in labels.items())),
            receivers,
            pods,
        )

    def _destination_chain(self, target: Target, origin: Origin | None) -> Iterator[Link]:
        named = f"{short_host(target.host)}{' subset ' * bool(target.subset)}{target.subset}"
        if target.config is not None:
            at, _ = self.places.place(target.config, target.path)
            kind: Literal["experiment", "destination"] = (
                "experiment" if origin is not None and origin.of == "experiment" else "destination"
            )
            words = (
                f"destination {named}" if kind == "destination" else f"experiment template {named.partition('.')[0]}"
            )
            yield Link(kind, words, at)
        backend = target.backend
        if backend is not None:
            index = next((i for i, port in enumerate(backend.ports) if port.number == target.port), None)
            path: Path = ("spec", "ports", index) if index is not None else ("spec", "ports")
            name = next((p.name for p in backend.ports if p.number == target.port), "")
            at, _ = self.places.place(backend.config, path)
            service = f"{backend.kind} {name_of(backend.config)}, port {target.port}{' ' * bool(name)}{name}"
            yield Link("service", service, at)
        if target.use is not None:
            rule = target.use.rule
            at, _ = self.places.place(rule, ("spec", "subsets", target.use.position))
            yield Link("subset", f"DestinationRule {name_of(rule)}, subset {target.subset}", at)

    def _role(self, target: Target) -> tuple[Literal["canary", "stable", "experiment", ""], str, Origin | None]:
        """What a destination is to the Rollout that weighs it."""
        if target.config is None:
            return self._service_role(target)
        _, origin = self.places.place(target.config, target.path)
        for manager in self.places.managing(target.config):
            if manager.role != "virtualService":
                continue
            name = full_name(self.places.world, manager.rollout.resource)
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
            for manager in self.places.managing(target.backend.config):
                name = full_name(self.places.world, manager.rollout.resource)
                if manager.role in ("canaryService", "stableService"):
                    return ("canary" if manager.role == "canaryService" else "stable"), name, None
        return "", "", None

    def _state(self, target: Target) -> tuple[State, str]:
        """Whether the destination is there: missing only where the inputs would have it."""
        if not target.fault:
            return "found", ""
        if target.fault == "port" and target.backend is not None:
            return "missing", f"{target.backend.kind} {name_of(target.backend.config)} has no port {target.port}"
        if target.fault == "host":
            return self._host_state(target)
        where = short_host(target.host)
        if target.rule_set is not None:
            rules = " and ".join(name_of(rule) for rule in target.rule_set.rules)
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
        mine = self.places.world.namespace(origin) or ""
        namespace = "" if named.namespace == mine else named.namespace
        naming = Naming("destination", "", "Service", namespace, named.name, target.path)
        reference = self.places.world.resolve(origin, naming)
        words = f"there is no Service {named.namespace}/{named.name}"
        return ("missing", words) if reference.missing else ("unknown", reference.reason or words)

    def _complete(self, kind: str, namespace: str, config: Config | None) -> bool:
        """Whether all objects of an Istio kind in a namespace are known."""
        origin = self._resource(config)
        naming = Naming("any", ISTIO, kind, namespace, "", ())  # no object has an empty name
        return self.places.world.closed or (origin is not None and self.places.world.resolve(origin, naming).missing)

    def _resource(self, config: Config | None) -> Resource | None:
        key = config.key if config is not None else next((c.key for c in self.environment.configs), None)
        return self.places.world.resources[key] if isinstance(key, int) else None

    def _receivers(self, target: Target) -> tuple[tuple[Receiver, ...], State]:
        """The workloads that get the requests: missing where there are certainly none."""
        if target.fault or target.labels is None:
            return (), "unknown"
        found = [receiver for pod in target.pods for receiver in self._versions(target, pod)]
        if found:
            return tuple(found), "found"
        clash = self._hashes(target)
        return (), "missing" if self.places.world.closed or len(clash) > 1 else "unknown"

    def _hashes(self, target: Target) -> set[str]:
        """The hashes that the Service and the subset both ask for."""
        selector = target.backend.selector if target.backend else None
        labels = target.use.labels if target.use else {}
        return {found[HASH_LABEL] for found in (selector or {}, labels) if HASH_LABEL in found}

    def _versions(self, target: Target, pod: Config) -> Iterator[Receiver]:
        """The version or versions of a workload that get requests."""
        assert isinstance(pod.key, int)
        workload = f"{pod.kind} {name_of(pod)}"
        at = self.places.at(pod.key, ("metadata", "name"))
        alone = Fraction(100) if len(target.pods) == 1 else None
        moment = self.places.moments.get(pod.key)
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


def _shown_label(key: str, value: str, simulated: bool) -> str:
    return f"<{value}>" if simulated and key == HASH_LABEL else value
