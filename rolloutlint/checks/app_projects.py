"""RL6: what an AppProject forbids its Applications."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rolloutlint.checks.context import Context, check
from rolloutlint.controllers.app_projects import destination_permitted, kind_permitted, source_permitted
from rolloutlint.finding import Finding
from rolloutlint.model import Application, Resource, View
from rolloutlint.model.resource import CLUSTER_SCOPED
from rolloutlint.model.values import dig, filled_later, mapping, sequence, text

_NAMESPACED = frozenset(
    (
        *(("argoproj.io", kind) for kind in ("Rollout", "AnalysisTemplate", "AnalysisRun", "Experiment")),
        *(("networking.istio.io", k) for k in ("VirtualService", "DestinationRule", "Gateway", "ServiceEntry")),
        *(("gateway.networking.k8s.io", kind) for kind in ("Gateway", "HTTPRoute", "GRPCRoute")),
        *(("", kind) for kind in ("Service", "ConfigMap", "Secret", "ServiceAccount", "PersistentVolumeClaim", "Pod")),
        *(("apps", kind) for kind in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")),
        *(("batch", kind) for kind in ("Job", "CronJob")),
        *(("networking.k8s.io", kind) for kind in ("Ingress", "NetworkPolicy")),
        *(("rbac.authorization.k8s.io", kind) for kind in ("Role", "RoleBinding")),
        ("autoscaling", "HorizontalPodAutoscaler"),
        ("keda.sh", "ScaledObject"),
        ("policy", "PodDisruptionBudget"),
    )
)
"""Kinds known to be namespaced; of others nothing is said."""
_SECRETS = (("", "Secret"), ("bitnami.com", "SealedSecret"), ("external-secrets.io", "ExternalSecret"))
_SECRET_TYPE = "argocd.argoproj.io/secret-type"
_SHOWN = 3


@check("RL620")
def project_denies(ctx: Context[Application]) -> Iterator[Finding]:
    """A source, a destination or a kind that the AppProject of the Application does not permit."""
    application = ctx.resource
    project = _project(ctx)
    if project is None:
        return
    spec, destination = project.spec, mapping(application.spec.get("destination"))
    about: dict[str, Any] = {"application": application.name, "project": project.name}
    for source in application.sources:
        if source.repo_url and not filled_later(source.repo_url) and not source_permitted(spec, source.repo_url):
            yield ctx.finding(
                (*source.path, "repoURL"),
                variant="source",
                related=[project.related(_deepest(project, "sourceRepos"), "the repositories it permits", "key")],
                text=source.repo_url,
                **about,
            )
    server, name = text(destination.get("server")), text(destination.get("name"))
    where = (server, name, application.destination_namespace)
    if bool(server) is bool(name) or any(map(filled_later, where)):
        return
    if not destination_permitted(spec, *where):
        yield ctx.finding(
            ("spec", "destination"),
            "key",
            variant="destination",
            related=[project.related(_deepest(project, "destinations"), "the destinations it permits", "key")],
            cluster=server or name,
            namespace=where[2],
            **about,
        )
        return
    yield from _denied_objects(ctx, project, server, name)


@check("RL621")
def project_permits_nothing(ctx: Context[View]) -> Iterator[Finding]:
    """An AppProject with repositories and destinations that permits no kind at all."""
    project = ctx.resource
    spec = project.spec
    if not sequence(spec.get("sourceRepos")) or not sequence(spec.get("destinations")):
        return  # a project that is locked on purpose
    if spec.get("namespaceResourceWhitelist") == [] and not spec.get("clusterResourceWhitelist"):
        yield ctx.finding(("spec", "namespaceResourceWhitelist"), "key", project=project.name)


def _project(ctx: Context[Application]) -> View | None:
    """The AppProject of the Application, where there is exactly one that certainly stands as it is written."""
    wanted, world = text(ctx.resource.spec.get("project")) or "default", ctx.world
    named = world.derived(
        "app-projects",
        lambda: {
            name: [r for r in world.of_kind("argoproj.io", "AppProject") if r.id.name == name]
            for name in {r.id.name for r in world.of_kind("argoproj.io", "AppProject")}
        },
    ).get(wanted, [])
    if len(named) != 1 or world.patched(named[0], ("spec",)) or world.patched(ctx.resource.resource, ("spec",)):
        return None
    spaces = {world.namespace(named[0]), ctx.resource.id.namespace} - {""}
    return world.view(named[0]) if len(spaces) < 2 and None not in spaces and not _widened(ctx, wanted) else None


def _widened(ctx: Context[Application], project: str) -> bool:
    """True where something among the inputs may permit more than the AppProject: global projects, or its own secrets.

    argo-cd `util/argo/argo.go` adds the lists of global projects (`globalProjects` of `argocd-cm`), and the
    repositories and clusters whose secret names the project.
    """
    world = ctx.world
    if world.derived(
        "globalProjects", lambda: any(r.mentions("globalProjects") for r in world.of_kind("", "ConfigMap"))
    ):
        return True
    secrets = world.derived(
        "cluster-and-repository-secrets",
        lambda: [r for kind in _SECRETS for r in world.of_kind(*kind) if r.mentions(_SECRET_TYPE)],
    )
    return any(r.mentions(project) or r.id.kind != "Secret" for r in secrets)


def _denied_objects(ctx: Context[Application], project: View, server: str, name: str) -> Iterator[Finding]:
    """One finding for each kind, and each namespace, of what is delivered that the project does not permit."""
    kinds: dict[tuple[str, str], list[Resource]] = {}
    spaces: dict[str, list[Resource]] = {}
    for resource in ctx.world.delivered(ctx.resource.resource):
        namespaced = resource.group_kind in _NAMESPACED
        if not (namespaced or resource.group_kind in CLUSTER_SCOPED) or ctx.world.patched(resource, ()):
            continue
        if not kind_permitted(project.spec, *resource.group_kind, namespaced):
            kinds.setdefault(resource.group_kind, []).append(resource)
        space = resource.id.namespace if namespaced and not _moved(ctx, resource) else ""
        if space and not filled_later(space) and not destination_permitted(project.spec, server, name, space):
            spaces.setdefault(space, []).append(resource)
    about: dict[str, Any] = {"application": ctx.resource.name, "project": project.name}
    for (group, kind), objects in kinds.items():
        list_name = "namespaceResource" if (group, kind) in _NAMESPACED else "clusterResource"
        at = next((f for f in (f"{list_name}Whitelist", f"{list_name}Blacklist") if f in project.spec), "")
        yield ctx.finding(
            ("spec", "project"),
            related=[
                project.related(_deepest(project, at), "what it says of kinds", "key"),
                *(o.related(("kind",), "not permitted") for o in map(ctx.world.view, objects[:_SHOWN])),
            ],
            discriminator=f"{group}/{kind}",
            kind=kind,
            group=group or "core",
            **about,
        )
    for space, objects in spaces.items():
        yield ctx.finding(
            ("spec", "project"),
            variant="namespace",
            related=[
                project.related(_deepest(project, "destinations"), "the destinations it permits", "key"),
                *(o.related(("metadata", "namespace"), "not permitted") for o in map(ctx.world.view, objects[:_SHOWN])),
            ],
            discriminator=space,
            namespace=space,
            kind=objects[0].id.kind,
            name=objects[0].id.name,
            **about,
        )


def _moved(ctx: Context[Application], resource: Resource) -> bool:
    return bool(ctx.world.layout.overlays_of(resource.document.source))


def _deepest(project: View, key: str) -> tuple[str, ...]:
    return ("spec", key) if key and dig(project.value, "spec", key) is not None else ("spec",)
