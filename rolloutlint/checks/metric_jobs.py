"""RL453 to RL456: metrics that run a Kubernetes Job.

The Job's name is a fact of `controllers/metric_jobs.py`; the rest is what Kubernetes does with the pods.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rolloutlint.checks.context import Context, check
from rolloutlint.controllers.metric_jobs import JOB_NAMES_TRUNCATED_SINCE, job_name_fault, jobs_shared
from rolloutlint.controllers.providers import text_state
from rolloutlint.finding import Finding
from rolloutlint.graph.analyses import uses_of
from rolloutlint.lang.names import is_dns1123_subdomain
from rolloutlint.model import AnalysisTemplate, Rollout, Service
from rolloutlint.model.resource import containers
from rolloutlint.model.rollout import SERVICE_ROLES
from rolloutlint.model.values import dig, has, mapping, sequence, string_map, text

ENDING = ("Never", "OnFailure")
"""The restart policies that Kubernetes allows the pods of a Job (`pkg/apis/batch/validation`)."""


@check("RL453")
def job_restart_policy(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A Job whose pods do not say that they end, which Kubernetes refuses."""
    for path, job, _ in ctx.resource.configured.get("job", ()):
        pod = dig(job, "spec", "template", "spec")
        if not isinstance(pod, dict):
            continue
        policy = pod.get("restartPolicy")
        if policy in ENDING or text_state(policy) == "unknown":
            continue
        base = (*path, "spec", "template", "spec")
        written = text_state(policy) == "literal"
        at = (*base, "restartPolicy")
        edit = (
            ctx.edit("replace", at, "Never")
            if has(pod, "restartPolicy")
            else ctx.edit("insert", base, {"restartPolicy": "Never"})
        )
        yield ctx.finding(
            at if written else base,
            "value" if written else "key",
            variant="" if written else "missing",
            fix=ctx.fix("Set `restartPolicy: Never`", edit, safety="unsafe"),
            policy=policy,
        )


@check("RL454")
def job_without_deadline(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A Job that may run without end."""
    for path, job, metric in ctx.resource.configured.get("job", ()):
        spec = job.get("spec")
        pod = dig(spec, "template", "spec")
        if not isinstance(spec, dict) or not isinstance(pod, dict):
            continue
        if spec.get("activeDeadlineSeconds") is None and pod.get("activeDeadlineSeconds") is None:
            yield ctx.finding((*path, "spec"), "key", metric=text(metric.get("name")))


@check("RL455")
def job_metric_name(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A metric whose name cannot be part of the name of its Job, or gives two metrics one Job."""
    version = ctx.settings.targets.rollouts
    jobs = [(path, metric.get("name")) for path, _, metric in ctx.resource.configured.get("job", ())]
    for path, name in jobs:
        fault = job_name_fault(name, version) if isinstance(name, str) and name else None
        if fault is not None:
            at = (*path[:-2], "name")
            yield ctx.finding(at, variant=fault, name=name, length=len(text(name)), first="")
    if version < JOB_NAMES_TRUNCATED_SINCE:
        return
    names = [name if isinstance(name, str) and is_dns1123_subdomain(name) else None for _, name in jobs]
    for first, later in jobs_shared(names):
        yield ctx.finding(
            (*jobs[later][0][:-2], "name"),
            variant="shared",
            related=(ctx.resource.related((*jobs[first][0][:-2], "name"), "runs the Job"),),
            name=names[later],
            length=len(text(names[later])),
            first=names[first],
        )


@check("RL456")
def job_pods_get_traffic(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A Job whose pods a Service selects, so that they get a share of its requests."""
    for path, job, metric in ctx.resource.configured.get("job", ()):
        template = mapping(dig(job, "spec", "template"))
        labels = string_map(dig(template, "metadata", "labels"))
        if not labels or any(container.get("readinessProbe") is not None for _, container in containers(template)):
            continue
        told: set[str] = set()
        for rollout in _rollouts(ctx):
            for service in _selecting(ctx, rollout, labels, template):
                if service.name in told:
                    continue
                told.add(service.name)
                key = next(iter(service.selector or {}))
                yield ctx.finding(
                    (*path, "spec", "template", "metadata", "labels", key),
                    related=(service.related(("spec", "selector"), "selects the pods"),),
                    discriminator=service.name,
                    metric=text(metric.get("name")),
                    service=service.name,
                    labels=", ".join(f"{k}: {v}" for k, v in (service.selector or {}).items()),
                )


def _rollouts(ctx: Context[AnalysisTemplate]) -> Iterator[Rollout]:
    """The Rollouts that run the template, each once."""
    seen: set[int] = set()
    for use in uses_of(ctx.world, ctx.resource):
        if use.rollout.resource.number not in seen:
            seen.add(use.rollout.resource.number)
            yield use.rollout


def _selecting(
    ctx: Context[AnalysisTemplate], rollout: Rollout, labels: Mapping[str, str], template: Mapping[str, Any]
) -> Iterator[Service]:
    """The Services beside a Rollout that certainly send requests to pods with these labels.

    Not those that a Rollout manages: their selectors get a pod template hash (`rollout/service.go`), which no Job has.
    """
    named = {use.name for use in rollout.services}
    for resource in ctx.world.services_selecting(rollout.resource, labels):
        service = ctx.world.view(resource)
        if not isinstance(service, Service) or service.name in named:
            continue
        managed = ctx.world.referrers(resource, *SERVICE_ROLES)
        if not managed and not ctx.world.patched(resource, ("spec",)) and _reaches(service, template):
            yield service


def _reaches(service: Service, template: Mapping[str, Any]) -> bool:
    """True where a port of the Service ends at the pods: by number, or by a name that a container declares."""
    declared = {
        port.get("name")
        for _, container in containers(template)
        for port in sequence(container.get("ports"))
        if isinstance(port, dict)
    }
    for port in sequence(service.spec.get("ports")):
        if isinstance(port, dict):
            target = port.get("targetPort") or port.get("port")
            if isinstance(target, int) or (isinstance(target, str) and target in declared):
                return True
    return False
