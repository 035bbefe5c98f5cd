"""RL109-RL126: what the Rollout controller refuses, so that nothing of the Rollout is reconciled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rolloutlint.checks.context import Context, check
from rolloutlint.checks.neighbours import pod_template
from rolloutlint.controllers.pod_template import template_faults
from rolloutlint.controllers.traffic import (
    EXPERIMENT_WEIGHTS,
    HEADER_ROUTES,
    MAX_TRAFFIC_WEIGHT,
    MIRROR_ROUTES,
    PING_PONG,
    routers,
)
from rolloutlint.controllers.validation import (
    DEFAULT_DEADLINE,
    DEFAULT_HISTORY,
    Refusal,
    before_template,
    mismatch,
    refusals,
)
from rolloutlint.finding import Finding, Part, Path, Related
from rolloutlint.lang.names import is_dns1123_subdomain
from rolloutlint.model import Rollout
from rolloutlint.model.rollout import CANARY
from rolloutlint.model.values import dig, filled_later, mapping
from rolloutlint.schema import as_kept

_ROUTING: Path = (*CANARY, "trafficRouting")
_TEMPLATE: Path = ("spec", "template")
_FEATURES = {
    "V20": ("pingPong", PING_PONG),
    "V28": ("maxTrafficWeight", MAX_TRAFFIC_WEIGHT),
    "V34": ("setHeaderRoute", HEADER_ROUTES),
    "V38": ("setMirrorRoute", MIRROR_ROUTES),
    "V43": ("weight` of an experiment `template", EXPERIMENT_WEIGHTS),
}
_RESTS_ON: Mapping[str, tuple[Path, ...]] = {
    "V02": (("spec", "selector"), ("spec", "workloadRef")),
    "V11": (("spec", "minReadySeconds"), ("spec", "progressDeadlineSeconds")),
    "V15": (("spec", "revisionHistoryLimit"),),
    "V18": ((*CANARY, "maxSurge"), (*CANARY, "maxUnavailable")),
    "V23": ((*_ROUTING, "alb", "rootService"), (*CANARY, "pingPong")),
    "V31": ((*_ROUTING, "maxTrafficWeight"),),
    "V40": ((*_ROUTING, "managedRoutes"),),
    "V41": ((*_ROUTING, "managedRoutes"),),
    **dict.fromkeys(("V20", "V25", "V26", "V27", "V28", "V33", "V34", "V36", "V37", "V38", "V42", "V43"), (_ROUTING,)),
}
"""Places that a refusal rests on beside its own: what a kustomization changes there is not known."""


@check("RL109")
def strategy_not_one(ctx: Context[Rollout]) -> Iterator[Finding]:
    """No strategy, or two of them."""
    if ctx.resource.value.get("status"):
        return  # a test's expectation names only what it asks for
    for refusal in _refused(ctx, "V12", "V13"):
        variant = "" if refusal.reason == "missing" else refusal.reason
        yield _finding(ctx, refusal, "key", variant, field=refusal.field)


@check("RL110")
def negative_number(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A number of pods, seconds or revisions below 0."""
    for refusal in _refused(ctx, "V01", "V08", "V09", "V10"):
        yield _finding(ctx, refusal, field=refusal.path[-1], value=refusal.value)


@check("RL111")
def progress_deadline_too_short(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A deadline that ends before a pod can be available."""
    for refusal in _refused(ctx, "V11"):
        if isinstance(refusal.value, int) and refusal.value < 0:
            continue  # RL110 says so
        ready = ctx.resource.spec.get("minReadySeconds") or 0
        variant = refusal.reason or ("" if refusal.value else "zero")
        yield _finding(ctx, refusal, variant=variant, deadline=refusal.value, ready=ready, default=DEFAULT_DEADLINE)


@check("RL112")
def selector_invalid(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A selector that is missing, empty or malformed."""
    for refusal in _refused(ctx, "V02", "V03", "V04"):
        if refusal.check == "V02" and ctx.resource.value.get("status"):
            continue
        variant = {"V02": "", "V03": "malformed", "V04": "empty"}[refusal.check]
        yield _finding(ctx, refusal, "value" if refusal.check == "V03" else "key", variant)


@check("RL113")
def selector_misses_template(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A selector that the labels of the pod template do not fulfil."""
    rollout = ctx.resource
    owner, base, template = pod_template(ctx)
    selector, at = rollout.spec.get("selector"), ("spec", "selector")
    metadata = template.get("metadata")
    known = metadata is None or isinstance(metadata, dict)
    if owner is None or not template or not known or not _applied(rollout) or ctx.world.patched(rollout.resource, at):
        return
    labels_at: Path = (*base, "metadata", "labels")
    wrong = mismatch(selector, mapping(metadata).get("labels"))
    if wrong is None or ctx.world.patched(owner.resource, labels_at):
        return
    labels = mapping(mapping(metadata).get("labels"))
    place = labels_at if labels else (*base, "metadata") if metadata else base
    there = owner.related((*labels_at, wrong.key) if wrong.key in labels else place, "the labels of the pods", "key")
    expression = wrong.path[0] == "matchExpressions"
    yield ctx.finding(
        (*at, *wrong.path),
        variant="expression" if expression else "absent" if wrong.label is None else "",
        related=(there,),
        key=wrong.key,
        wanted=wrong.wanted,
        label=wrong.label,
        answer="`selector` does not match template `labels`",
    )


@check("RL114")
def template_labels_beside_workload_ref(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A pod template of its own beside one from another object."""
    for refusal in _refused(ctx, "V05"):
        there = (ctx.resource.related(("spec", "workloadRef"), "the pod template comes from here", "key"),)
        yield _finding(ctx, refusal, "key", related=there, field=refusal.field)


@check("RL115")
def pod_template_refused(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A pod template that Kubernetes would refuse in a ReplicaSet."""
    rollout = ctx.resource
    if rollout.value.get("status") or not _applied(rollout):
        return
    template = rollout.spec.get("template")
    if rollout.spec.get("workloadRef") is not None:
        return  # the API server has judged the template where it stands
    if template is None:
        yield ctx.finding(("spec",), "key", variant="missing", related=_first(ctx, None), answer="Required value")
        return
    for fault in template_faults(template) if isinstance(template, dict) else ():
        path: Path = (*_TEMPLATE, *fault.path)
        other = (rollout.related((*_TEMPLATE, *fault.other), "the other one"),) if fault.other else ()
        yield ctx.finding(
            path,
            _part(rollout, path),
            variant=fault.code,
            related=(*other, *_first(ctx, None)),
            discriminator=f"{fault.code}/{fault.field}",
            answer=fault.answer,
            field=fault.field or path[-1],
            value=fault.value,
        )


@check("RL116")
def surge_and_unavailable_zero(ctx: Context[Rollout]) -> Iterator[Finding]:
    """No pod may be added and none be missing."""
    for refusal in _refused(ctx, "V18"):
        canary = ctx.resource.canary
        yield _finding(ctx, refusal, surge=canary.get("maxSurge"), unavailable=canary.get("maxUnavailable"))


@check("RL117")
def anti_affinity_invalid(ctx: Context[Rollout]) -> Iterator[Finding]:
    """An antiAffinity without exactly one of its two forms, or with a weight out of range."""
    for refusal in _refused(ctx, "V16", "V17"):
        variant = "weight" if refusal.check == "V17" else "" if refusal.reason == "missing" else refusal.reason
        yield _finding(ctx, refusal, "value" if refusal.check == "V17" else "key", variant, value=refusal.value)


@check("RL118")
def router_lacks_feature(ctx: Context[Rollout]) -> Iterator[Finding]:
    """Something that none of the configured routers can do."""
    configured, target = routers(ctx.resource.traffic_routing), ctx.settings.targets.rollouts
    for refusal in _refused(ctx, *_FEATURES):
        if refusal.reason != "router":
            continue
        feature, support = _FEATURES[refusal.check]
        later = [support[router] for router in configured if router in support]
        yield _finding(
            ctx,
            refusal,
            "key",
            "newer" if later else "" if configured else "no-router",
            feature=feature,
            able=_or([router for router in support if support[router] <= target]),
            configured=", ".join(f"`{router}`" for router in configured),
            since=min(later, default=target),
            target=target,
        )


@check("RL119")
def ping_pong_incomplete(ctx: Context[Rollout]) -> Iterator[Finding]:
    """Ping-pong without one of the Services that it needs."""
    for refusal in _refused(ctx, "V21", "V23"):
        root = refusal.check == "V23"
        if not root and dig(ctx.resource.value, "spec", *refusal.path) is None:
            continue  # the schema requires it: RL005
        yield _finding(ctx, refusal, "key" if root else "value", "root-service" if root else "", field=refusal.field)


@check("RL120")
def needs_traffic_routing(ctx: Context[Rollout]) -> Iterator[Finding]:
    """Something that only a canary with traffic routing has."""
    for refusal in _refused(ctx, "V25", "V26", "V33", "V34", "V38", "V42"):
        if refusal.reason != "router":
            field = "weight` of an experiment `template" if refusal.check == "V42" else refusal.path[-1]
            yield _finding(ctx, refusal, "key", field=field)


@check("RL121")
def step_not_one_kind(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A step that is nothing, or two things at once."""
    for refusal in _refused(ctx, "V29", "V30"):
        several = refusal.reason == "several"
        yield _finding(
            ctx,
            refusal,
            "key" if several else "value",
            "" if refusal.reason == "missing" else refusal.reason,
            step=_step(refusal),
            first=refusal.value,
            second=refusal.field,
            field=refusal.field,
        )


@check("RL122")
def weight_out_of_range(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A `setWeight` below 0 or above the weight that is everything."""
    for refusal in _refused(ctx, "V31"):
        yield _finding(ctx, refusal, step=_step(refusal), weight=refusal.value, most=refusal.field)


@check("RL123")
def route_match_invalid(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A match of a header or mirror route that does not say exactly one thing."""
    for refusal in _refused(ctx, "V36", "V37", "V39"):
        variant = "alb" if refusal.check == "V36" else "" if refusal.reason != "several" else "several"
        field = next(str(p) for p in reversed(refusal.path) if p in ("headerValue", "method", "path"))
        yield _finding(
            ctx,
            refusal,
            "key" if isinstance(refusal.path[-1], str) else "value",
            variant,
            step=_step(refusal),
            field=field,
            first=refusal.value,
            second=refusal.field,
        )


@check("RL124")
def managed_route_missing(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A header or mirror route that `managedRoutes` does not name."""
    unlisted = False
    for refusal in _refused(ctx, "V40", "V41"):
        if refusal.check == "V40" and unlisted:
            continue  # one list is missing, however many steps need it
        if refusal.reason == "unnamed" and refusal.field == "setMirrorRoute" and refusal.path[-1] != "name":
            continue  # the schema requires it: RL005
        unlisted = unlisted or refusal.check == "V40"
        variant = "no-list" if refusal.check == "V40" else refusal.reason
        part: Part = "key" if refusal.path[-1] == refusal.field else "value"
        yield _finding(ctx, refusal, part, variant, step=_step(refusal), kind=refusal.field, route=refusal.value)


@check("RL125")
def scale_down_settings_conflict(ctx: Context[Rollout]) -> Iterator[Finding]:
    """Settings for scaling down old pods that contradict each other."""
    for refusal in _refused(ctx, "V15", "V27"):
        history = ctx.resource.spec.get("revisionHistoryLimit")
        variant = "dynamic" if refusal.check == "V27" else refusal.reason
        other = (ctx.resource.related(("spec", *refusal.other), "it contradicts this"),) if refusal.other else ()
        yield _finding(
            ctx,
            refusal,
            "key" if variant == "dynamic" else "value",
            variant,
            other,
            limit=refusal.value,
            history=DEFAULT_HISTORY if history is None else history,
        )


@check("RL126")
def argument_path_refused(ctx: Context[Rollout]) -> Iterator[Finding]:
    """An argument from a field of the metadata that cannot be read."""
    for refusal in _refused(ctx, "V44"):
        yield _finding(ctx, refusal, path=refusal.value, step=_step(refusal))


def _refused(ctx: Context[Rollout], *checks: str) -> Iterator[Refusal]:
    """The refusals by one of `checks`, except where a kustomization may change what they rest on."""
    return (r for r in _all(ctx) if r.check in checks and not _patched(ctx, *_RESTS_ON.get(r.check, ())))


def _patched(ctx: Context[Rollout], *paths: Path) -> bool:
    return any(ctx.world.patched(ctx.resource.resource, path) for path in paths)


def _all(ctx: Context[Rollout]) -> tuple[Refusal, ...]:
    """Everything that the controller refuses, found once for all rules."""
    return ctx.world.shared(ctx.resource.resource, "refusals", lambda: _judge(ctx))


def _judge(ctx: Context[Rollout]) -> tuple[Refusal, ...]:
    rollout, targets = ctx.resource, ctx.settings.targets
    if not _applied(rollout):
        return ()
    spec = as_kept("argoproj.io", "Rollout", rollout.value, targets.rollouts)["spec"]
    return refusals(spec, targets)


def _applied(rollout: Rollout) -> bool:
    """False where the API server refuses the object itself, as it does the templates that a script fills in."""
    named = not rollout.name or filled_later(rollout.name) or is_dns1123_subdomain(rollout.name)
    return named and isinstance(rollout.value.get("spec"), dict)


def _finding(
    ctx: Context[Rollout],
    refusal: Refusal,
    part: Part = "value",
    variant: str = "",
    related: tuple[Related, ...] = (),
    **params: Any,
) -> Finding:
    return ctx.finding(
        ("spec", *refusal.path),
        part,
        variant=variant,
        related=(*related, *_first(ctx, refusal)),
        discriminator=refusal.field if refusal.check == "V21" else "",
        answer=refusal.answer,
        **params,
    )


def _first(ctx: Context[Rollout], refusal: Refusal | None) -> tuple[Related, ...]:
    """The fault that the controller reports in place of `refusal` (`None`: one of the pod template)."""
    earlier = next((r for r in _all(ctx) if refusal is not None or before_template(r)), None)
    if earlier is None or earlier is refusal:
        return ()
    if _patched(ctx, ("spec", *earlier.path), *_RESTS_ON.get(earlier.check, ())):
        return ()
    return (ctx.resource.related(("spec", *earlier.path), "the controller names this fault first", "key"),)


def _part(rollout: Rollout, path: Path) -> Part:
    """The value of a scalar, the key of anything else."""
    collection = isinstance(dig(rollout.value, *path), (dict, list))
    return "key" if collection and isinstance(path[-1], str) else "value"


def _step(refusal: Refusal) -> int:
    """The number of the step that a path leads through, from 1."""
    return int(refusal.path[3]) + 1


def _or(names: list[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return " or ".join(filter(None, (", ".join(quoted[:-1]), quoted[-1])))
