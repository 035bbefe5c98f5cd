"""What the Rollout controller refuses in the spec of a Rollout: `ValidateRollout`, every fault with its true path.

Mirrors argo-rollouts `pkg/apis/rollouts/validation/validation.go` (releases 1.5 to 1.10 differ only in what routers
support, see `controllers.traffic`). The controller stops at its first fault; here all are listed, in its order. The
paths are those of the manifest, not upstream's, which leave out `canary` and `blueGreen`.

Input is the object as the API server keeps it (plain values; fields that the targeted release does not know are taken
out before). Nulls are absent. A value of another type than the field has, or one that is filled in later, is unknown:
nothing that depends on it is claimed. The pod template has a module of its own, `controllers.pod_template`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from rolloutlint.controllers.pause import pause_duration
from rolloutlint.controllers.traffic import (
    EXPERIMENT_WEIGHTS,
    HEADER_ROUTES,
    MAX_TRAFFIC_WEIGHT,
    MIRROR_ROUTES,
    PING_PONG,
    max_traffic_weight,
    routers,
    services_required_by,
    supporting,
)
from rolloutlint.finding import Path
from rolloutlint.lang.intstr import atoi, int32, int_value
from rolloutlint.lang.names import is_qualified_name, label_value_fault, qualified_name_fault
from rolloutlint.lang.placeholder import filled_later
from rolloutlint.settings import Targets, Version

Check = Literal[
    "V01", "V02", "V03", "V04", "V05", "V08", "V09", "V10", "V11", "V12", "V13", "V14", "V15", "V16", "V17", "V18",
    "V19", "V20", "V21", "V22", "V23", "V24", "V25", "V26", "V27", "V28", "V29", "V30", "V31", "V32", "V33", "V34",
    "V35", "V36", "V37", "V38", "V39", "V40", "V41", "V42", "V43", "V44",
]  # fmt: skip
"""Our numbers for upstream's checks, as `rules/controller-parity.md` lists them (V06 is V03 asked again)."""

DEFAULT_DEADLINE = 600
"""`progressDeadlineSeconds` where it is absent (`utils/defaults/defaults.go`)."""
DEFAULT_HISTORY = 10
"""`revisionHistoryLimit` where it is absent (`utils/defaults/defaults.go`)."""

STEP_KINDS = (
    "experiment",
    "pause",
    "setWeight",
    "analysis",
    "setCanaryScale",
    "setHeaderRoute",
    "setMirrorRoute",
    "plugin",
)
EXCLUSIVE_STEP_KINDS = ("setWeight", "pause", "experiment", "analysis")
"""Only two of these in one step are refused (`hasMultipleStepsType`)."""
MATCHES = ("exact", "regex", "prefix")

_CANARY: Path = ("strategy", "canary")
_BLUE_GREEN: Path = ("strategy", "blueGreen")
_ROUTING: Path = (*_CANARY, "trafficRouting")


class Refusal(NamedTuple):
    """One reason for InvalidSpec."""

    check: Check
    path: Path
    """Below `spec`: the field at fault, or the mapping that lacks one."""
    answer: str
    """The controller's words, e.g. `must be greater than minReadySeconds`."""
    field: str = ""
    """The missing or refused field's own name where `path` does not end in it."""
    value: object = None
    """The value that is refused, where there is one."""
    reason: str = ""
    """Which of several faults of one check it is: `missing`, `several`, `router`, ..."""
    other: Path = ()
    """A second place below `spec` that takes part."""


def refusals(spec: Mapping[str, Any], targets: Targets) -> tuple[Refusal, ...]:
    """Every reason for which the controller of the targeted release refuses `spec`, in its order.

    Without what it says of the pod template, which comes after `spec.selector` (see `before_template`).
    """
    return (*_selector_and_ref(spec), *_numbers(spec), *_strategy(spec, targets))


def before_template(refusal: Refusal) -> bool:
    """Whether the controller meets `refusal` before it looks at the pod template."""
    return refusal.check in ("V01", "V02", "V03", "V04", "V05")


# ---- spec ----------------------------------------------------------------------------------------------------------


def _selector_and_ref(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    replicas = int32(spec.get("replicas"))
    if replicas is not None and replicas < 0:
        yield _negative("V01", "replicas", replicas)
    selector, workload = spec.get("selector"), spec.get("workloadRef")
    if workload is None:
        if selector is None:
            yield Refusal("V02", (), "Rollout has missing field '.spec.selector'", field="selector")
        elif isinstance(selector, dict):
            for path, answer, value in selector_faults(selector):
                yield Refusal("V03", ("selector", *path), answer, value=value)
            if all(selector.get(part) in (None, {}, []) for part in ("matchLabels", "matchExpressions")):
                yield Refusal("V04", ("selector",), "empty selector is invalid for deployment")
    elif isinstance(workload, dict):
        if isinstance(selector, dict) and any(selector_faults(selector)):
            yield Refusal("V03", ("selector",), "invalid label selector")
        template = spec.get("template")
        metadata = template.get("metadata") if isinstance(template, dict) else None
        for part in ("labels", "annotations"):
            if isinstance(metadata, dict) and isinstance(metadata.get(part), dict) and metadata[part]:
                answer = "template must be empty for workload reference rollout"
                yield Refusal("V05", ("template",), answer, field=part)
                break


def selector_faults(selector: Mapping[str, Any]) -> Iterator[tuple[Path, str, object]]:
    """(path below the selector, upstream's words, value) of everything malformed in a LabelSelector.

    Mirrors `ValidateLabelSelector` (apimachinery `pkg/apis/meta/v1/validation/validation.go`).
    """
    labels = selector.get("matchLabels")
    for key, value in labels.items() if isinstance(labels, dict) else ():
        if filled_later(key):
            continue
        if isinstance(key, str) and (fault := qualified_name_fault(key)):
            yield ("matchLabels", key), fault, key
        if isinstance(value, str) and not filled_later(value) and (fault := label_value_fault(value)):
            yield ("matchLabels", key), fault, value
    expressions = selector.get("matchExpressions")
    for index, each in enumerate(expressions if isinstance(expressions, list) else ()):
        if isinstance(each, dict):
            yield from _expression_faults(each, ("matchExpressions", index))


def _expression_faults(each: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, str, object]]:
    operator, values, key = each.get("operator"), each.get("values"), each.get("key")
    if values is not None and not isinstance(values, list):
        return
    if operator in ("In", "NotIn"):
        if not values:
            at: Path = (*path, "values") if "values" in each else path
            yield at, "must be specified when `operator` is 'In' or 'NotIn'", None
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            yield (*path, "values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'", None
    elif isinstance(operator, str) and not filled_later(operator):
        yield (*path, "operator"), "not a valid selector operator", operator
    if isinstance(key, str) and not filled_later(key) and (fault := qualified_name_fault(key)):
        yield (*path, "key"), fault, key
    for index, value in enumerate(values or ()):
        if isinstance(value, str) and not filled_later(value) and (fault := label_value_fault(value)):
            yield (*path, "values", index), fault, value


def _negative(check: Check, field: str, value: int) -> Refusal:
    return Refusal(check, (field,), "must be greater than or equal to 0", value=value)


def _number(parent: Mapping[str, Any], field: str, default: int) -> int | None:
    """An int32 field, its default where absent, `None` where unknown."""
    value = parent.get(field)
    return default if value is None else int32(value)


def _numbers(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    ready = _number(spec, "minReadySeconds", 0)
    history = _number(spec, "revisionHistoryLimit", DEFAULT_HISTORY)
    deadline = _number(spec, "progressDeadlineSeconds", DEFAULT_DEADLINE)
    if ready is not None and ready < 0:
        yield _negative("V08", "minReadySeconds", ready)
    if history is not None and history < 0:
        yield _negative("V09", "revisionHistoryLimit", history)
    if deadline is not None and deadline < 0:
        yield _negative("V10", "progressDeadlineSeconds", deadline)
    if deadline is not None and ready is not None and deadline <= ready:
        written = spec.get("progressDeadlineSeconds") is not None
        yield Refusal(
            "V11",
            ("progressDeadlineSeconds",) if written else ("minReadySeconds",),
            "must be greater than minReadySeconds",
            value=deadline,
            reason="" if written else "default",
            other=("minReadySeconds",) if written and spec.get("minReadySeconds") is not None else (),
        )


# ---- strategies ----------------------------------------------------------------------------------------------------


def _strategy(spec: Mapping[str, Any], targets: Targets) -> Iterator[Refusal]:
    strategy = spec.get("strategy")
    if strategy is not None and not isinstance(strategy, dict):
        return
    canary, blue_green = ((strategy or {}).get(name) for name in ("canary", "blueGreen"))
    if canary is None and blue_green is None:
        answer = "Rollout has missing field '.spec.strategy.canary or .spec.strategy.blueGreen'"
        null = next((name for name in ("canary", "blueGreen") if name in (strategy or {})), "")
        at: Path = ("strategy", null) if null else ("strategy",) if "strategy" in spec else ()
        yield Refusal("V12", at, answer, field=null, reason="no-value" if null else "missing")
    elif canary is not None and blue_green is not None:
        if isinstance(canary, dict) and isinstance(blue_green, dict):
            yield Refusal("V13", ("strategy",), "Multiple Strategies can not be listed", reason="several")
    elif isinstance(blue_green, dict):
        yield from _blue_green(spec, blue_green)
    elif isinstance(canary, dict):
        yield from _canary(canary, targets)


def _text(parent: Mapping[str, Any], field: str) -> str | None:
    """A string field, `""` where absent, `None` where unknown."""
    value = parent.get(field)
    if value is None:
        return ""
    return value if isinstance(value, str) and not filled_later(value) else None


def _same(kind: str) -> str:
    return f"This rollout uses the same service for the {kind} services, but two different services are required."


def _blue_green(spec: Mapping[str, Any], blue_green: Mapping[str, Any]) -> Iterator[Refusal]:
    active = _text(blue_green, "activeService")
    if active is not None and active == _text(blue_green, "previewService"):
        yield Refusal("V14", (*_BLUE_GREEN, "activeService"), _same("active and preview"), value=active)
    history = _number(spec, "revisionHistoryLimit", DEFAULT_HISTORY)
    limit = int32(blue_green.get("scaleDownDelayRevisionLimit"))
    if limit is not None and history is not None and history < limit:
        yield Refusal(
            "V15",
            (*_BLUE_GREEN, "scaleDownDelayRevisionLimit"),
            "This rollout's revision history limit can not be smaller than the rollout's scale down limit",
            value=limit,
            reason="" if spec.get("revisionHistoryLimit") is not None else "default",
            other=("revisionHistoryLimit",) if spec.get("revisionHistoryLimit") is not None else (),
        )
    yield from _anti_affinity(blue_green.get("antiAffinity"), (*_BLUE_GREEN, "antiAffinity"))


def _anti_affinity(value: object, path: Path) -> Iterator[Refusal]:
    if not isinstance(value, dict):
        return
    preferred = value.get("preferredDuringSchedulingIgnoredDuringExecution")
    required = value.get("requiredDuringSchedulingIgnoredDuringExecution")
    known = all(each is None or isinstance(each, dict) for each in (preferred, required))
    if known and (preferred is None) is (required is None):
        reason = "missing" if preferred is None else "several"
        yield Refusal("V16", path, "AntiAffinity must have exactly one strategy listed", reason=reason)
    if isinstance(preferred, dict):
        weight = _number(preferred, "weight", 0)
        if weight is not None and not 1 <= weight <= 100 and preferred.get("weight") is not None:
            at: Path = (*path, "preferredDuringSchedulingIgnoredDuringExecution", "weight")
            yield Refusal("V17", at, "AntiAffinity weight must be between 1-100", value=weight)


def _canary(canary: Mapping[str, Any], targets: Targets) -> Iterator[Refusal]:
    yield from _surge(canary)
    stable, other = _text(canary, "stableService"), _text(canary, "canaryService")
    if stable and stable == other:
        yield Refusal("V19", (*_CANARY, "stableService"), _same("stable and canary"), value=stable)
    routing = canary.get("trafficRouting")
    if routing is not None and not isinstance(routing, dict):
        yield from _steps_without_routing(canary)
        yield from _anti_affinity(canary.get("antiAffinity"), (*_CANARY, "antiAffinity"))
        return
    yield from _ping_pong(canary, routing, targets)
    if services_required_by(canary, targets):
        answer = "Canary service and Stable service must to be set to use Traffic Routing"
        for field, name in (("stableService", stable), ("canaryService", other)):
            if name == "":
                yield Refusal("V24", _CANARY, answer, field=field)
    yield from _scaling(canary, routing, targets)
    steps = canary.get("steps")
    for index, step in enumerate(steps if isinstance(steps, list) else ()):
        if isinstance(step, dict):
            yield from _step(step, (*_CANARY, "steps", index), canary, targets)
    yield from _anti_affinity(canary.get("antiAffinity"), (*_CANARY, "antiAffinity"))


def _surge(canary: Mapping[str, Any]) -> Iterator[Refusal]:
    values = [_surge_value(canary.get(field)) for field in ("maxSurge", "maxUnavailable")]
    if values == [0, 0]:
        yield Refusal(
            "V18",
            (*_CANARY, "maxSurge"),
            "MaxSurge and MaxUnavailable both can not be zero",
            value=canary["maxSurge"],
            other=(*_CANARY, "maxUnavailable"),
        )


def _surge_value(value: object) -> int | None:
    """`getIntOrPercentValue`: 25 where absent, 0 for every text that is no number; `None` where unknown."""
    if value is None:
        return 25
    if filled_later(value):
        return None
    if isinstance(value, str) and value.endswith("%") and value[:-1].isascii() and value[:-1].isdigit():
        return atoi(value[:-1]) or 0
    return int_value(value)


def _words(words: Mapping[Version, str], targets: Targets) -> str:
    """What the targeted release says."""
    return words[max(since for since in words if since <= targets.rollouts)]


PING_PONG_WORDS: Mapping[Version, str] = {
    Version(0, 0): "Ping-pong feature works with the ALB traffic routing only",
    Version(1, 7): "Ping-pong feature works with the ALB and Istio traffic routers only",
    Version(1, 10): "Ping-pong feature works with the ALB, Istio, and plugin-based traffic routers only",
}
MIRROR_WORDS: Mapping[Version, str] = {
    Version(0, 0): "SetMirrorRoute requires TrafficRouting, supports Istio only",
    Version(1, 10): "SetMirrorRoute requires TrafficRouting, supports Istio and Plugins",
}
HEADER_WORDS: Mapping[Version, str] = {
    Version(0, 0): "SetHeaderRoute requires TrafficRouting, supports Istio and ALB",
    Version(1, 5): "SetHeaderRoute requires TrafficRouting, supports Istio and ALB and Apisix",
}
EXPERIMENT_WORDS: Mapping[Version, str] = {
    Version(0, 0): "Experiment template weight is only available for TrafficRouting with SMI, ALB, and Istio"
    " at this time",
    Version(1, 8): "Experiment template weight is only available for TrafficRouting with SMI, ALB, Istio and Plugins"
    " at this time",
}
STEP_WORDS: Mapping[Version, str] = {
    Version(0, 0): "Step must have one of the following set: experiment, setWeight, setCanaryScale or pause",
    Version(1, 8): "Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause",
}
"""What the releases say, each from the one named on."""


def _ping_pong(canary: Mapping[str, Any], routing: Mapping[str, Any] | None, targets: Targets) -> Iterator[Refusal]:
    ping_pong = canary.get("pingPong")
    if not isinstance(ping_pong, dict):
        return
    path: Path = (*_CANARY, "pingPong")
    if routing is not None and not supporting(routing, PING_PONG, targets):
        yield Refusal("V20", path, _words(PING_PONG_WORDS, targets), reason="router")
    ping, pong = (_text(ping_pong, field) for field in ("pingService", "pongService"))
    for field, name in (("pingService", ping), ("pongService", pong)):
        if name == "":
            answer = "Ping service and Pong service must to be set to use Ping-Pong feature"
            yield Refusal("V21", (*path, field), answer, field=field)
    if ping is not None and ping == pong:
        yield Refusal("V22", (*path, "pingService"), _same("ping and pong"), value=ping)
    alb = (routing or {}).get("alb")
    if isinstance(alb, dict) and _text(alb, "rootService") == "":
        answer = "Root service field is required for the configuration with ALB and ping-pong feature enabled"
        yield Refusal("V23", (*_ROUTING, "alb"), answer, field="rootService")


def _scaling(canary: Mapping[str, Any], routing: Mapping[str, Any] | None, targets: Targets) -> Iterator[Refusal]:
    delay: Path = (*_CANARY, "scaleDownDelaySeconds")
    dynamic: Path = (*_CANARY, "dynamicStableScale")
    seconds = int32(canary.get("scaleDownDelaySeconds"))
    scales = canary.get("dynamicStableScale") is True
    if routing is None:
        if seconds is not None:
            answer = "Canary scaleDownDelaySeconds can only be used with traffic routing"
            yield Refusal("V25", delay, answer, value=seconds)
        if scales:
            yield Refusal("V26", dynamic, "Canary dynamicStableScale can only be used with traffic routing", value=True)
        return
    if seconds is not None and scales:
        answer = "Canary dynamicStableScale cannot be used with scaleDownDelaySeconds"
        yield Refusal("V27", dynamic, answer, value=True, other=delay)
    weight = int32(routing.get("maxTrafficWeight"))
    if weight is not None and not supporting(routing, MAX_TRAFFIC_WEIGHT, targets):
        answer = "Canary maxTrafficWeight in traffic routing only supported in Nginx and Plugins"
        yield Refusal("V28", (*_ROUTING, "maxTrafficWeight"), answer, value=weight, reason="router")


# ---- steps ---------------------------------------------------------------------------------------------------------


def _steps_without_routing(canary: Mapping[str, Any]) -> Iterator[Refusal]:
    """What is wrong with steps whatever the routers are."""
    steps = canary.get("steps")
    for index, step in enumerate(steps if isinstance(steps, list) else ()):
        if isinstance(step, dict):
            yield from _step_kinds(step, (*_CANARY, "steps", index), Targets())


def _step(step: Mapping[str, Any], path: Path, canary: Mapping[str, Any], targets: Targets) -> Iterator[Refusal]:
    routing = canary.get("trafficRouting")
    yield from _step_kinds(step, path, targets)
    weight, most = int32(step.get("setWeight")), max_traffic_weight(canary)
    if weight is not None and most is not None and not 0 <= weight <= most:
        answer = f"SetWeight needs to be between 0 and {most}"
        yield Refusal("V31", (*path, "setWeight"), answer, field=str(most), value=weight)
    pause = step.get("pause")
    if isinstance(pause, dict):
        duration = pause.get("duration")
        readable = duration is None or (isinstance(duration, (int, str)) and not isinstance(duration, bool))
        if readable and not filled_later(duration) and pause_duration(duration).kind == "invalid":
            yield Refusal("V32", (*path, "pause", "duration"), "Duration needs to be greater than 0", value=duration)
    if isinstance(step.get("setCanaryScale"), dict) and routing is None:
        yield Refusal("V33", (*path, "setCanaryScale"), "SetCanaryScale requires TrafficRouting to be set")
    yield from _header_route(step.get("setHeaderRoute"), (*path, "setHeaderRoute"), routing, targets)
    yield from _mirror_route(step.get("setMirrorRoute"), (*path, "setMirrorRoute"), routing, targets)
    if isinstance(routing, dict):
        yield from _managed_routes(step, path, routing)
    yield from _experiment(step.get("experiment"), (*path, "experiment"), routing, targets)
    yield from _arguments(step, path)


def _step_kinds(step: Mapping[str, Any], path: Path, targets: Targets) -> Iterator[Refusal]:
    answer = _words(STEP_WORDS, targets)
    kinds = [kind for kind in EXCLUSIVE_STEP_KINDS if step.get(kind) is not None]
    if len(kinds) > 1:
        at: Path = (*path, kinds[1])
        yield Refusal("V29", at, answer, field=kinds[1], value=kinds[0], reason="several", other=(*path, kinds[0]))
    if all(step.get(kind) is None for kind in STEP_KINDS):
        null = next((kind for kind in STEP_KINDS if kind in step), "")
        yield Refusal("V30", path, answer, field=null, reason="no-value" if null else "missing")


def _header_route(route: object, path: Path, routing: object, targets: Targets) -> Iterator[Refusal]:
    if not isinstance(route, dict):
        return
    if not supporting(routing, HEADER_ROUTES, targets):
        reason = "router" if isinstance(routing, dict) else "no-routing"
        yield Refusal("V34", path, _words(HEADER_WORDS, targets), reason=reason)
        return
    matches = route.get("match")
    alb = "alb" in routers(routing)
    for index, match in enumerate(matches if isinstance(matches, list) else ()):
        if not isinstance(match, dict):
            continue
        at: Path = (*path, "match", index)
        value = match.get("headerValue")
        if value is None:
            yield Refusal("V35", at, _MISSED, field="headerValue")
        elif isinstance(value, dict) and alb:
            yield from _exact_only(value, (*at, "headerValue"))
        elif isinstance(value, dict):
            yield from _one_match("V37", value, (*at, "headerValue"))


_MISSED = "StringMatch value missed, match value must have one of the following: exact, regex, prefix"
_SEVERAL = "StringMatch match value must have exactly one of the following: exact, regex, prefix"


def _exact_only(value: Mapping[str, Any], path: Path) -> Iterator[Refusal]:
    written = [kind for kind in MATCHES if _text(value, kind) != ""]
    known = all(_text(value, kind) is not None for kind in MATCHES)
    if written != ["exact"] and (known or written[-1] != "exact"):
        answer = "SetHeaderRoute match value invalid. ALB supports 'exact' value only"
        others = [kind for kind in written if kind != "exact"]
        at: Path = (*path, others[0]) if others else path
        yield Refusal("V36", at, answer, field=others[0] if others else "exact", reason="alb")


def _one_match(check: Check, value: Mapping[str, Any], path: Path) -> Iterator[Refusal]:
    written = [kind for kind in MATCHES if _text(value, kind) != ""]
    if not written:
        yield Refusal(check, path, _MISSED, reason="missing")
    elif len([kind for kind in written if _text(value, kind)]) > 1:
        yield Refusal(check, (*path, written[1]), _SEVERAL, field=written[1], value=written[0], reason="several")


def _mirror_route(route: object, path: Path, routing: object, targets: Targets) -> Iterator[Refusal]:
    if not isinstance(route, dict):
        return
    if not supporting(routing, MIRROR_ROUTES, targets):
        reason = "router" if isinstance(routing, dict) else "no-routing"
        yield Refusal("V38", path, _words(MIRROR_WORDS, targets), reason=reason)
    matches = route.get("match")
    for index, match in enumerate(matches if isinstance(matches, list) else ()):
        for part in ("method", "path"):
            if isinstance(match, dict) and isinstance(match.get(part), dict):
                yield from _one_match("V39", match[part], (*path, "match", index, part))


def _managed_routes(step: Mapping[str, Any], path: Path, routing: Mapping[str, Any]) -> Iterator[Refusal]:
    managed = routing.get("managedRoutes")
    setters = [kind for kind in ("setHeaderRoute", "setMirrorRoute") if isinstance(step.get(kind), dict)]
    if managed is None and setters:
        answer = "Rollout has missing field 'spec.strategy.canary.trafficRouting.managedRoutes'"
        yield Refusal("V40", (*path, setters[0]), answer, field=setters[0])
    if not isinstance(managed, list):
        return
    names = {_text(route, "name") if isinstance(route, dict) else None for route in managed}
    for kind in setters:
        name = _text(step[kind], "name")
        if None not in names and name is not None and name not in names:
            answer = "Steps define a route that does not exist in spec.strategy.canary.trafficRouting.managedRoutes"
            at: Path = (*path, kind, "name") if step[kind].get("name") is not None else (*path, kind)
            yield Refusal("V41", at, answer, field=kind, value=name, reason="" if name else "unnamed")


def _experiment(experiment: object, path: Path, routing: object, targets: Targets) -> Iterator[Refusal]:
    templates = experiment.get("templates") if isinstance(experiment, dict) else None
    for index, template in enumerate(templates if isinstance(templates, list) else ()):
        weight = int32(template.get("weight")) if isinstance(template, dict) else None
        if weight is None:
            continue
        at: Path = (*path, "templates", index, "weight")
        if routing is None:
            answer = "Experiment template weight cannot be set unless TrafficRouting is enabled"
            yield Refusal("V42", at, answer, value=weight)
        elif not supporting(routing, EXPERIMENT_WEIGHTS, targets):
            yield Refusal("V43", at, _words(EXPERIMENT_WORDS, targets), value=weight, reason="router")


# ---- arguments -----------------------------------------------------------------------------------------------------

_WHOLE_PATHS = frozenset(f"metadata.{name}" for name in ("name", "namespace", "uid", "labels", "annotations"))


def _arguments(step: Mapping[str, Any], path: Path) -> Iterator[Refusal]:
    for at, arguments in _argument_lists(step, path):
        for index, argument in enumerate(arguments):
            source = argument.get("valueFrom") if isinstance(argument, dict) else None
            reference = source.get("fieldRef") if isinstance(source, dict) else None
            written = _text(reference, "fieldPath") if isinstance(reference, dict) else None
            if written is not None and written.startswith("metadata") and not extractable(written):
                answer = "Analyses arguments must refer to valid object metadata supported by downwardAPI"
                where: Path = (*at, index, "valueFrom", "fieldRef", "fieldPath")
                yield Refusal("V44", where, answer, value=written)


def _argument_lists(step: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, list[Any]]]:
    experiment, analysis = step.get("experiment"), step.get("analysis")
    analyses = experiment.get("analyses") if isinstance(experiment, dict) else None
    for index, each in enumerate(analyses if isinstance(analyses, list) else ()):
        if isinstance(each, dict) and isinstance(each.get("args"), list):
            yield (*path, "experiment", "analyses", index, "args"), each["args"]
    if isinstance(analysis, dict) and isinstance(analysis.get("args"), list):
        yield (*path, "analysis", "args"), analysis["args"]


def extractable(field_path: str) -> bool:
    """Whether `ExtractFieldPathAsString` (Kubernetes `pkg/fieldpath/fieldpath.go`) reads a path below `metadata`.

    `metadata.labels['team']` and `metadata.annotations['team']` take a valid key in brackets; an annotation's is
    read in lower case.
    """
    if field_path in _WHOLE_PATHS:
        return True
    whole, bracket, rest = field_path.partition("['")
    if not bracket or not rest.endswith("']"):
        return False
    key = rest[:-2]
    if whole == "metadata.annotations":
        return is_qualified_name(key.lower())
    return whole == "metadata.labels" and is_qualified_name(key)


# ---- selector and labels -------------------------------------------------------------------------------------------


class Mismatch(NamedTuple):
    """A requirement of a selector that labels do not fulfil."""

    path: Path
    """Below the selector."""
    key: str
    wanted: str
    """The value of a `matchLabels` entry, or the operator and values of an expression."""
    label: str | None
    """What the labels have under that key."""


def mismatch(selector: object, labels: object) -> Mismatch | None:
    """The first requirement of a well-formed selector that a pod template's labels certainly do not fulfil.

    Mirrors "`selector` does not match template `labels`" of `ValidatePodTemplateSpecForReplicaSet` (Kubernetes
    `pkg/apis/apps/validation/validation.go`). Keys and values that are filled in later fulfil everything.
    """
    if not isinstance(selector, dict) or not (labels is None or isinstance(labels, dict)):
        return None
    have: Mapping[Any, Any] = labels or {}
    if any(filled_later(key) for key in have) or any(selector_faults(selector)):
        return None
    wanted = selector.get("matchLabels")
    for key, value in wanted.items() if isinstance(wanted, dict) else ():
        label = have.get(key)
        if not isinstance(value, str) or filled_later(value) or filled_later(key) or not _readable(label):
            continue
        if label != value:
            return Mismatch(("matchLabels", key), str(key), value, label)
    expressions = selector.get("matchExpressions")
    for index, each in enumerate(expressions if isinstance(expressions, list) else ()):
        key = each.get("key") if isinstance(each, dict) else None
        label = have.get(key) if isinstance(key, str) else None
        if isinstance(key, str) and not filled_later(key) and _readable(label) and not _fulfils(each, label):
            values = ", ".join(str(value) for value in each.get("values") or ())
            words = f"{each['operator']} ({values})" if values else str(each["operator"])
            return Mismatch(("matchExpressions", index), key, words, label)
    return None


def _readable(label: object) -> bool:
    return label is None or (isinstance(label, str) and not filled_later(label))


def _fulfils(expression: Mapping[str, Any], label: object) -> bool:
    """Whether a label fulfils a well-formed expression; True where that is not known."""
    operator, values = expression.get("operator"), expression.get("values") or []
    if operator == "Exists":
        return label is not None
    if operator == "DoesNotExist":
        return label is None
    if operator not in ("In", "NotIn") or not all(isinstance(v, str) and not filled_later(v) for v in values):
        return True
    return (label in values) is (operator == "In")
