"""Plans of Rollouts written in few words."""

from __future__ import annotations

import textwrap

from rolloutlint.graph import Layout
from rolloutlint.model import Rollout
from rolloutlint.settings import Settings, Targets, Version
from rolloutlint.simulate.linked import plan_of
from rolloutlint.simulate.plan import Plan, Stage
from tests.graph.worlds import header, only, world

POD = "selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}}"

NGINX = "canaryService: web-canary, stableService: web, trafficRouting: {nginx: {stableIngress: web}}"

SURGE_ONE = "maxSurge: 1, maxUnavailable: 0"


def rollout(strategy: str, spec: str = "replicas: 4") -> str:
    """A Rollout in flow style: the fields of `spec` beside its pod template, and those of `strategy`."""
    return header("Rollout", "web") + f"spec: {{{POD}, {spec}, strategy: {{{strategy}}}}}\n"


def canary(steps: str = "", fields: str = "", spec: str = "replicas: 4") -> str:
    """A canary with the fields and the steps, both in flow style."""
    given = ", ".join(filter(None, (fields, f"steps: [{steps}]" if steps else "")))
    return rollout(f"canary: {{{given}}}", spec)


def template(metrics: str, name: str = "checks", kind: str = "AnalysisTemplate", spec: str = "") -> str:
    """A template with the metrics, and further fields of its spec, all in flow style."""
    fields = ", ".join(filter(None, (f"metrics: [{metrics}]" if metrics else "", spec)))
    return header(kind, name) + f"spec: {{{fields}}}\n"


def metric(fields: str = "", name: str = "success-rate", condition: str = "result[0] >= 0.95") -> str:
    """A metric of Prometheus in flow style."""
    judged = f', successCondition: "{condition}"' if condition else ""
    more = f", {fields}" if fields else ""
    return f"{{name: {name}{judged}{more}, provider: {{prometheus: {{query: up, address: 'http://prometheus'}}}}}}"


def maybe_planned(
    *documents: str, release: str = "1.9", layout: Layout | None = None, closed: bool = False
) -> Plan | None:
    """The plan of the one Rollout among the documents."""
    made = world({"web.yaml": "".join(map(textwrap.dedent, documents))}, layout, closed=closed)
    view = made.view(only(made, "Rollout"))
    assert isinstance(view, Rollout)
    major, minor = release.split(".")
    return plan_of(made, view, Settings(targets=Targets(rollouts=Version(int(major), int(minor)))))


def planned(*documents: str, release: str = "1.9", layout: Layout | None = None, closed: bool = False) -> Plan:
    """The same, which there is."""
    plan = maybe_planned(*documents, release=release, layout=layout, closed=closed)
    assert plan is not None
    return plan


def brief(stage: Stage) -> tuple[str, str, str, tuple[int | None, int | None]]:
    """(label, share, what ends it, pods) in short."""
    least, most = stage.share
    share = f"{float(least * 100):g}" if least == most else f"{float(least * 100):g}-{float(most * 100):g}"
    return stage.label, share, type(stage.wait).__name__, tuple(stage.pods)


def walk(plan: Plan) -> list[tuple[str, str, str, tuple[int | None, int | None]]]:
    """All stages in short."""
    return [brief(stage) for stage in plan.stages]
