"""The Rollout as the controller reads it: strategy, steps, Services, routers and analyses.

Field meanings: argo-rollouts `pkg/apis/rollouts/v1alpha1/types.go`; defaults: `utils/defaults/defaults.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Literal, NamedTuple, get_args

from rolloutlint.controllers.pause import Pause, pause_duration
from rolloutlint.finding import Path
from rolloutlint.model.resource import View
from rolloutlint.model.values import dig, entries, mapping, sequence, string_map, text

ServiceRole = Literal["activeService", "previewService", "canaryService", "stableService", "pingService", "pongService"]
SERVICE_ROLES: tuple[ServiceRole, ...] = get_args(ServiceRole)
AnalysisRole = Literal["background", "step", "prePromotion", "postPromotion", "experiment"]

CANARY: Path = ("spec", "strategy", "canary")
BLUE_GREEN: Path = ("spec", "strategy", "blueGreen")

STEP_KINDS = (
    "pause",
    "setCanaryScale",
    "setWeight",
    "experiment",
    "analysis",
    "setHeaderRoute",
    "setMirrorRoute",
    "plugin",
)
"""In the order in which `completedCurrentCanaryStep` (rollout/canary.go) asks for them."""


class ServiceUse(NamedTuple):
    """A Service named by the strategy."""

    role: ServiceRole
    name: str
    path: Path


class TemplateUse(NamedTuple):
    """An AnalysisTemplate, or with `cluster_scope` a ClusterAnalysisTemplate, named by an analysis."""

    name: str
    cluster_scope: bool
    path: Path
    """Path of the name itself."""


class Analysis(NamedTuple):
    """One place of a Rollout that runs analysis templates together, with the arguments it passes."""

    role: AnalysisRole
    path: Path
    value: Mapping[str, Any]
    templates: tuple[TemplateUse, ...]
    step: int | None = None

    @property
    def arguments(self) -> tuple[tuple[Path, Mapping[str, Any]], ...]:
        """The entries of `args` with their paths."""
        return tuple(entries(self.value, self.path, "args"))


class Step:
    """One canary step. A step may wrongly hold several kinds; `kinds` keeps the controller's order."""

    __slots__ = ("index", "path", "value")

    def __init__(self, index: int, path: Path, value: Mapping[str, Any]) -> None:
        self.index = index
        self.path = path
        self.value = value

    @property
    def kinds(self) -> tuple[str, ...]:
        """The step kinds that are set (a null is not set)."""
        if len(self.value) == 1:  # as nearly every step is, and every rule about steps asks
            ((kind, value),) = self.value.items()
            return (kind,) if value is not None and kind in STEP_KINDS else ()
        return tuple(k for k in STEP_KINDS if self.value.get(k) is not None)

    @property
    def weight(self) -> int | None:
        """`setWeight` if it is an integer."""
        weight = self.value.get("setWeight")
        return weight if isinstance(weight, int) and not isinstance(weight, bool) else None

    @property
    def pause(self) -> Pause | None:
        """What the step's `pause` means; `None` without one, or where it is no mapping."""
        pause = self.value.get("pause")
        return pause_duration(pause.get("duration")) if isinstance(pause, dict) else None

    @property
    def holds(self) -> bool:
        """True where the step waits for time, a person, a measurement or a plugin, and not only for pods."""
        if self.pause is not None and self.pause.kind == "timed" and self.pause.seconds == 0:
            return False
        return any(kind in self.kinds for kind in ("pause", "analysis", "experiment", "plugin"))


class VirtualServiceUse(NamedTuple):
    """One VirtualService that a Rollout manages."""

    name: str
    """As written: `name`, `name.namespace` or a longer form."""
    path: Path
    value: Mapping[str, Any]

    @property
    def route_names(self) -> tuple[str, ...]:
        """`routes`; empty lets the controller choose."""
        return tuple(r for r in sequence(self.value.get("routes")) if isinstance(r, str))

    def split(self) -> tuple[str, str] | None:
        """(name, namespace or `""`); `None` for a name with several dots, which releases cut differently.

        Mirrors utils/istio/istio.go GetVirtualServiceNamespaceName: up to 1.9 the first two labels count, from
        1.10 the last one is the namespace.
        """
        labels = self.name.split(".")
        if len(labels) > 2:
            return None
        return labels[0], labels[1] if len(labels) == 2 else ""


class DestinationRuleUse(NamedTuple):
    """The DestinationRule whose subsets a Rollout manages (always in the Rollout's namespace)."""

    name: str
    canary_subset: str
    stable_subset: str
    path: Path


class Rollout(View):
    """argoproj.io Rollout."""

    @cached_property
    def replicas(self) -> int:
        """`spec.replicas`; 1 where absent or not an integer (utils/defaults: DefaultReplicas)."""
        value = self.spec.get("replicas")
        return value if isinstance(value, int) and not isinstance(value, bool) else 1

    @cached_property
    def strategy_kind(self) -> Literal["canary", "blueGreen", ""]:
        """Which strategy is set. Both, or neither, is `""`: the controller rejects it (V12, V13)."""
        strategy = mapping(self.spec.get("strategy"))
        canary, blue_green = strategy.get("canary"), strategy.get("blueGreen")
        if isinstance(canary, dict) and blue_green is None:
            return "canary"
        if isinstance(blue_green, dict) and canary is None:
            return "blueGreen"
        return ""

    @cached_property
    def canary(self) -> Mapping[str, Any]:
        """`spec.strategy.canary`, empty if absent."""
        return mapping(dig(self.value, *CANARY))

    @cached_property
    def blue_green(self) -> Mapping[str, Any]:
        """`spec.strategy.blueGreen`, empty if absent."""
        return mapping(dig(self.value, *BLUE_GREEN))

    @cached_property
    def traffic_routing(self) -> Mapping[str, Any] | None:
        """`canary.trafficRouting`; `None` where there is none (a basic canary)."""
        value = self.canary.get("trafficRouting")
        return value if isinstance(value, dict) else None

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The canary steps that are mappings."""
        return tuple(Step(int(p[-1]), p, v) for p, v in entries(self.canary, CANARY, "steps"))

    @cached_property
    def template(self) -> Mapping[str, Any]:
        """The pod template, empty where `workloadRef` supplies it."""
        return mapping(self.spec.get("template"))

    @cached_property
    def pod_labels(self) -> Mapping[str, str]:
        """Labels of the pod template, string values only."""
        return string_map(dig(self.template, "metadata", "labels"))

    @cached_property
    def workload_ref(self) -> Mapping[str, Any] | None:
        """`spec.workloadRef`, if any: the pod template comes from another object."""
        value = self.spec.get("workloadRef")
        return value if isinstance(value, dict) else None

    @cached_property
    def services(self) -> tuple[ServiceUse, ...]:
        """Every Service that the strategy names (rollout/controller.go getReferencedServices)."""
        uses: list[ServiceUse] = []
        places: tuple[tuple[ServiceRole, Path], ...] = (
            ("activeService", (*BLUE_GREEN, "activeService")),
            ("previewService", (*BLUE_GREEN, "previewService")),
            ("canaryService", (*CANARY, "canaryService")),
            ("stableService", (*CANARY, "stableService")),
            ("pingService", (*CANARY, "pingPong", "pingService")),
            ("pongService", (*CANARY, "pingPong", "pongService")),
        )
        for role, path in places:
            name = dig(self.value, *path)
            if isinstance(name, str) and name:
                uses.append(ServiceUse(role, name, path))
        return tuple(uses)

    def service(self, role: ServiceRole) -> ServiceUse | None:
        """The Service in `role`, if one is named."""
        return next((u for u in self.services if u.role == role), None)

    @cached_property
    def analyses(self) -> tuple[Analysis, ...]:
        """Every analysis the Rollout can run: background, steps, experiments, pre- and post-promotion."""
        return tuple(self._analyses())

    def _analyses(self) -> Iterator[Analysis]:
        background = self.canary.get("analysis")
        if isinstance(background, dict):
            path = (*CANARY, "analysis")
            yield Analysis("background", path, background, _templates(background, path))
        for step in self.steps:
            inline = step.value.get("analysis")
            if isinstance(inline, dict):
                path = (*step.path, "analysis")
                yield Analysis("step", path, inline, _templates(inline, path), step.index)
            for path, run in entries(step.value, step.path, "experiment", "analyses"):
                name = text(run.get("templateName"))
                use = (TemplateUse(name, run.get("clusterScope") is True, (*path, "templateName")),) if name else ()
                yield Analysis("experiment", path, run, use, step.index)
        promotions: tuple[tuple[str, AnalysisRole], ...] = (
            ("prePromotionAnalysis", "prePromotion"),
            ("postPromotionAnalysis", "postPromotion"),
        )
        for field, role in promotions:
            promotion = self.blue_green.get(field)
            if isinstance(promotion, dict):
                path = (*BLUE_GREEN, field)
                yield Analysis(role, path, promotion, _templates(promotion, path))

    @cached_property
    def virtual_services(self) -> tuple[VirtualServiceUse, ...]:
        """The VirtualServices of the Istio router (`virtualService`, `virtualServices`)."""
        istio = mapping(mapping(self.traffic_routing).get("istio"))
        base: Path = (*CANARY, "trafficRouting", "istio")
        single = istio.get("virtualService")
        uses: list[tuple[Path, Mapping[str, Any]]] = []
        if isinstance(single, dict):
            uses.append(((*base, "virtualService"), single))
        uses.extend(entries(istio, base, "virtualServices"))
        return tuple(VirtualServiceUse(text(v.get("name")), (*p, "name"), v) for p, v in uses if text(v.get("name")))

    @cached_property
    def destination_rule(self) -> DestinationRuleUse | None:
        """The Istio DestinationRule, if the split is by subset."""
        path: Path = (*CANARY, "trafficRouting", "istio", "destinationRule")
        value = dig(self.value, *path)
        if not isinstance(value, dict):
            return None
        return DestinationRuleUse(
            text(value.get("name")),
            text(value.get("canarySubsetName")),
            text(value.get("stableSubsetName")),
            path,
        )

    @cached_property
    def managed_routes(self) -> tuple[str, ...]:
        """Names in `trafficRouting.managedRoutes`: routes the controller itself creates and deletes."""
        return tuple(
            text(r.get("name"))
            for r in sequence(mapping(self.traffic_routing).get("managedRoutes"))
            if isinstance(r, dict)
        )


def _templates(analysis: Mapping[str, Any], path: Path) -> tuple[TemplateUse, ...]:
    return tuple(
        TemplateUse(text(t.get("templateName")), t.get("clusterScope") is True, (*p, "templateName"))
        for p, t in entries(analysis, path, "templates")
        if text(t.get("templateName"))
    )
