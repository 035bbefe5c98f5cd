"""RL2: what a Rollout names - Services, selectors, templates, probes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rolloutlint.checks.context import Context, check
from rolloutlint.checks.neighbours import near_name, peers, pod_template, where
from rolloutlint.controllers.traffic import HASH_LABEL, routers
from rolloutlint.finding import Finding, Path, Related
from rolloutlint.graph import Reference
from rolloutlint.lang.intstr import int32
from rolloutlint.model import AnalysisTemplate, Experiment, Rollout, Service, View
from rolloutlint.model.resource import containers
from rolloutlint.model.rollout import BLUE_GREEN, CANARY, SERVICE_ROLES
from rolloutlint.model.values import dig, filled_later, mapping, string_map, text

ANALYSES = ("background", "step", "prePromotion", "postPromotion", "experiment", "nested")
EXCLUSIVE = (
    ("activeService", "previewService", BLUE_GREEN),
    ("stableService", "canaryService", CANARY),
    ("pingService", "pongService", (*CANARY, "pingPong")),
)
EPHEMERAL = (
    (*CANARY, "canaryMetadata"),
    (*CANARY, "stableMetadata"),
    (*BLUE_GREEN, "activeMetadata"),
    (*BLUE_GREEN, "previewMetadata"),
)


@check("RL201")
def service_missing(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A Service that the strategy names and that is not there."""
    for reference in ctx.refs(*SERVICE_ROLES, "rootService"):
        naming = reference.naming
        unchecked = naming.role == "rootService"
        # ALB takes its root Service only for the name of an annotation; no such Service has to exist.
        if not reference.missing or (unchecked and "smi" not in naming.path):
            continue
        used = {service.name for service in ctx.resource.services}
        hint = near_name(ctx, "", "Service", naming.name, used)
        yield ctx.finding(
            naming.path,
            variant="-".join(filter(None, ("root" if unchecked else "", "near" if hint else ""))),
            name=naming.name,
            role=naming.role,
            hint=hint,
            where=where(ctx),
        )


@check("RL202")
def service_used_twice(ctx: Context[Rollout]) -> Iterator[Finding]:
    """One Service in two roles, or named by two Rollouts."""
    rollout = ctx.resource
    for first, second, parent in EXCLUSIVE:
        if parent[2] != rollout.strategy_kind:
            continue
        spec = mapping(dig(rollout.value, *parent))
        name = spec.get(first)
        if name == "" and first == "activeService" and spec.get(second) in (None, ""):
            yield ctx.finding((*parent, first), variant="both-empty", first=first, second=second)
        elif text(name) and spec.get(second) == name:
            other = rollout.related((*parent, first), f"`{first}`")
            yield ctx.finding((*parent, second), related=(other,), first=first, second=second, name=name)
    seen: set[int] = set()
    for reference in ctx.refs(*SERVICE_ROLES):
        earlier = _earlier_user(ctx, reference)
        if earlier is None or reference.target is None or reference.target.number in seen:
            continue
        seen.add(reference.target.number)
        there = Related(earlier.origin.place(earlier.naming.path), "named here too", earlier.origin.id)
        yield ctx.finding(
            reference.naming.path,
            variant="two-rollouts",
            related=(there,),
            name=reference.naming.name,
            other=earlier.origin.id.name,
        )


@check("RL203")
def service_selector_mismatch(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A Service whose selector asks for a label that the pod template does not have."""
    owner, base, template = pod_template(ctx)
    labels_path: Path = (*base, "metadata", "labels")
    raw = mapping(dig(template, "metadata", "labels"))
    if owner is None or not raw or ctx.world.patched(owner.resource, labels_path):
        return
    for reference in ctx.refs(*SERVICE_ROLES):
        service = ctx.world.view(reference.target) if reference.target is not None else None
        if not isinstance(service, Service) or ctx.world.patched(service.resource, ("spec", "selector")):
            continue
        wrong = [key for key, value in (service.selector or {}).items() if _differs(key, value, raw)]
        if not wrong:
            continue
        key = wrong[0]
        entries = tuple(service.related(("spec", "selector", k), "the Service asks for this") for k in wrong)
        pods = owner.related((*labels_path, key) if key in raw else labels_path, "the pods carry this")
        yield ctx.finding(
            reference.naming.path,
            variant="" if raw.get(key) is not None else "ephemeral" if _is_ephemeral(ctx.resource, key) else "absent",
            related=(*entries, pods),
            discriminator=key,
            service=service.name,
            role=reference.naming.role,
            key=key,
            wanted=(service.selector or {})[key],
            label=raw.get(key),
        )


@check("RL204")
def analysis_template_missing(ctx: Context[View]) -> Iterator[Finding]:
    """An analysis template that is not there."""
    for reference in ctx.refs(*ANALYSES):
        naming = reference.naming
        # A ClusterAnalysisTemplate names templates of whichever namespace its Rollout is in.
        elsewhere = naming.role == "nested" and ctx.resource.id.kind.startswith("Cluster") and not ctx.world.closed
        if not reference.missing or (elsewhere and naming.kind == "AnalysisTemplate"):
            continue
        hint, params, related = _template_hint(ctx, reference)
        place = naming.role if naming.role in ("experiment", "nested") else ""
        if isinstance(ctx.resource, Experiment):
            place = "alone"
        yield ctx.finding(
            naming.path,
            variant="-".join(filter(None, (place, hint))),
            related=related,
            kind=naming.kind,
            name=naming.name,
            where="the cluster" if naming.kind.startswith("Cluster") else where(ctx),
            **params,
        )


@check("RL205")
def readiness_probe_missing(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A container that serves the traffic of the rollout without a readiness probe."""
    rollout = ctx.resource
    owner, base, template = pod_template(ctx)
    if owner is None or dig(template, "spec", "readinessGates"):
        return
    if not rollout.services and not routers(rollout.traffic_routing):
        return
    for below, container in _serving(ctx, template):
        path: Path = (*base, *below)
        probed = any(container.get(p) not in (None, {}) for p in ("readinessProbe", "startupProbe"))
        if probed or ctx.world.patched(owner.resource, (*path, "readinessProbe")):
            continue
        seconds = int32(rollout.spec.get("minReadySeconds")) or 0
        at = (*path, "name") if "name" in container else path
        yield ctx.finding(
            owner.place(at),
            variant="min-ready" if seconds > 0 else "",
            discriminator="" if owner is rollout else rollout.name,
            container=text(container.get("name")),
            seconds=seconds,
        )


def _earlier_user(ctx: Context[Rollout], reference: Reference) -> Reference | None:
    """The reference of another Rollout, loaded before this one and of the same place, to the same Service."""
    mine, target = reference.origin, reference.target
    if target is None:
        return None
    for other in ctx.world.referrers(target, *SERVICE_ROLES):
        rival = other.origin
        if (
            rival.number < mine.number
            and rival.id.name != mine.id.name
            and other.target == target
            and ctx.world.namespace(rival) == ctx.world.namespace(mine) is not None
            and ctx.world.scopes(rival) & ctx.world.scopes(mine)
        ):
            return other
    return None


def _differs(key: str, wanted: str, labels: Mapping[str, Any]) -> bool:
    """True where the pods certainly do not carry `key: wanted`, as the controller compares it."""
    label = labels.get(key)
    if key == HASH_LABEL or filled_later(wanted) or filled_later(label):
        return False
    if label is None:
        return bool(wanted) or key not in labels
    return isinstance(label, str) and label != wanted


def _is_ephemeral(rollout: Rollout, key: str) -> bool:
    """True where the metadata that the controller adds to the pods of one role has the label."""
    return any(key in string_map(dig(rollout.value, *path, "labels")) for path in EPHEMERAL)


def _template_hint(ctx: Context[View], reference: Reference) -> tuple[str, dict[str, Any], tuple[Related, ...]]:
    """What may have been meant instead: the RL204 variant, its parameters, and the place to look at."""
    naming = reference.naming
    other_kind = "AnalysisTemplate" if naming.kind.startswith("Cluster") else "ClusterAnalysisTemplate"
    twin = ctx.world.resolve(reference.origin, naming._replace(kind=other_kind)).target
    if twin is not None:
        scope = "true" if other_kind.startswith("Cluster") else "false"
        related = Related(twin.place(("metadata", "name")), f"a {other_kind} of that name", twin.id)
        return "scope", {"other": other_kind, "scope": scope}, (related,)
    could_be = (*peers(ctx, naming.group, naming.kind), *peers(ctx, naming.group, other_kind))
    for peer in (p for p in could_be if p.mentions(naming.name)):
        template = ctx.world.view(peer)
        assert isinstance(template, AnalysisTemplate)
        for path, metric in template.metrics:
            if metric.get("name") == naming.name:
                related = template.related((*path, "name"), "the metric")
                return "is-a-metric", {"template": peer.id.name, "other": peer.id.kind}, (related,)
    hint = near_name(ctx, naming.group, naming.kind, naming.name)
    return ("near", {"hint": hint}, ()) if hint else ("", {}, ())


def _serving(ctx: Context[Rollout], template: Mapping[str, Any]) -> list[tuple[Path, Mapping[str, Any]]]:
    """The containers that certainly get the traffic of the Rollout's Services.

    With all Services known: those that declare a port they target, else the only container if they target a number
    (a port name that no container declares has no endpoints). With a Service unknown: the only container, if it
    declares ports.
    """
    every = list(containers(template))
    references = ctx.refs(*SERVICE_ROLES)
    targets = [ctx.world.view(r.target) for r in references if r.target is not None]
    if not targets or len(targets) < len(references):
        return every if len(every) == 1 and every[0][1].get("ports") else []
    wanted = {port for service in targets for port in _target_ports(service)}
    matching = [entry for entry in every if wanted & _declared(entry[1])]
    by_number = any(isinstance(port, int) for port in wanted)
    return matching or (every if len(every) == 1 and by_number else [])


def _target_ports(service: View) -> Iterable[int | str]:
    """The container ports, by number or name, to which a Service sends."""
    for port in _mappings(service.spec.get("ports")):
        target = port.get("targetPort")
        target = port.get("port") if target is None else target
        if isinstance(target, (int, str)):
            yield target


def _declared(container: Mapping[str, Any]) -> set[int | str]:
    """The numbers and names of a container's declared ports."""
    values = (port.get(key) for port in _mappings(container.get("ports")) for key in ("containerPort", "name"))
    return {value for value in values if isinstance(value, (int, str))}


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())
