"""RL6: what an Application says of itself: its sources, its destination, its retries, and what it delivers twice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rolloutlint.checks.context import Context, check
from rolloutlint.controllers.source_paths import normal_path
from rolloutlint.controllers.sync_retry import retry_faults
from rolloutlint.controllers.sync_waves import is_hook
from rolloutlint.finding import Finding, Path
from rolloutlint.graph import Layout
from rolloutlint.model import Application, Resource
from rolloutlint.model.argocd import ApplicationSource
from rolloutlint.model.values import dig, filled_later, has, mapping, sequence, text

_RETRY: Path = ("spec", "syncPolicy", "retry")
_FINALIZER = "resources-finalizer.argocd.argoproj.io"
_RANGE = re.compile(r"[*^~<>| ]|(?:^|\.)[xX](?:\.|$)")


@check("RL614")
def source_beside_sources(ctx: Context[Application]) -> Iterator[Finding]:
    """Both `source` and `sources`: the first is ignored."""
    spec = ctx.resource.spec
    if mapping(spec.get("source")) and sequence(spec.get("sources")) and not spec.get("sourceHydrator"):
        yield ctx.finding(
            ("spec", "source"),
            "key",
            related=[ctx.resource.related(("spec", "sources"), "what is deployed", "key")],
            application=ctx.resource.name,
        )


@check("RL615")
def destination_not_one_cluster(ctx: Context[Application]) -> Iterator[Finding]:
    """A destination that names its cluster twice, or not at all."""
    destination = ctx.resource.spec.get("destination")
    if not isinstance(destination, dict):
        return
    server, name = destination.get("server"), destination.get("name")
    if any(value is not None and not isinstance(value, str) for value in (server, name)):
        return
    if _patched(ctx, ("spec", "destination")):
        return
    if bool(server) is not bool(name) or filled_later(text(server)) or filled_later(text(name)):
        return
    yield ctx.finding(
        ("spec", "destination", "name") if server else ("spec", "destination"),
        "key",
        variant="" if server else "none",
        application=ctx.resource.name,
        server=text(server),
        name=text(name),
    )


@check("RL616")
def chart_without_revision(ctx: Context[Application]) -> Iterator[Finding]:
    """A chart of a registry without the version to take."""
    for source in ctx.resource.sources:
        revision = source.value.get("targetRevision")
        if text(source.value.get("chart")) and revision in (None, "") and not _patched(ctx, source.path):
            yield ctx.finding((*source.path, "chart"), chart=source.value["chart"], application=ctx.resource.name)


@check("RL617")
def revision_floats(ctx: Context[Application]) -> Iterator[Finding]:
    """An automated sync of whatever is newest."""
    application = ctx.resource
    if not application.automated:
        return
    for source in application.sources:
        written = source.value.get("targetRevision")
        revision, chart = text(written), text(source.value.get("chart"))
        if (written is not None and not isinstance(written, str)) or filled_later(revision):
            continue
        floats = bool(_RANGE.search(revision)) if chart else revision in ("", "HEAD")
        if not source.repo_url or not floats or _patched(ctx, source.path):
            continue
        yield ctx.finding(
            (*source.path, "targetRevision") if revision else (*source.path, "repoURL"),
            "value" if revision else "key",
            variant="range" if chart else "",
            discriminator=source.repo_url,
            revision=revision,
            chart=chart,
            application=application.name,
        )


@check("RL618")
def source_path_unusable(ctx: Context[Application]) -> Iterator[Finding]:
    """A path that leads out of the repository, to a file, or to a directory written in another case."""
    for source in ctx.resource.sources:
        written = text(source.value.get("path"))
        if not written or filled_later(written) or text(source.value.get("chart")):
            continue
        path = normal_path(written)
        about: dict[str, Any] = {"path": written, "application": ctx.resource.name}
        if path is None:
            absolute = written.startswith("/")
            yield ctx.finding((*source.path, "path"), variant="absolute" if absolute else "", **about)
        elif path and _of_checkout(ctx, source):
            yield from _judge_path(ctx, source, path, about)


@check("RL619")
def directory_not_recursed(ctx: Context[Application]) -> Iterator[Finding]:
    """A directory whose manifests all lie in directories below it, of which Argo CD reads none."""
    application = ctx.resource
    for source in application.sources:
        directory = mapping(source.value.get("directory"))
        if directory.get("include") or directory.get("exclude") or directory.get("jsonnet"):
            continue
        passed_over = ctx.world.passed_over(application.resource).get(source.path)
        if not passed_over or not _of_checkout(ctx, source):
            continue
        if source.directory == "." and not ctx.world.layout.repository:
            continue  # every repository has a root
        options = ctx.resource.value
        written = has(options, *source.path, "directory", "recurse")
        inner = isinstance(dig(options, *source.path, "directory"), dict)
        if written:
            edit = ctx.edit("replace", (*source.path, "directory", "recurse"), True)
        elif inner:
            edit = ctx.edit("insert", (*source.path, "directory"), {"recurse": True})
        else:
            edit = ctx.edit("insert", source.path, {"directory": {"recurse": True}})
        yield ctx.finding(
            (*source.path, "path"),
            fix=ctx.fix("Read the directories below too", edit, safety="unsafe"),
            path=text(source.value.get("path")),
            count=len(passed_over),
            first=passed_over[0],
            application=application.name,
        )


@check("RL622")
def delivered_twice(ctx: Context[Application]) -> Iterator[Finding]:
    """The same object twice among what an Application delivers."""
    seen: dict[tuple[str, str, str, str], Resource] = {}
    for resource in ctx.world.delivered(ctx.resource.resource):
        identity, namespace = resource.id, ctx.world.namespace(resource)
        if not identity.name or namespace is None or filled_later(identity.name) or filled_later(namespace):
            continue
        if ctx.world.layout.overlays_of(resource.document.source):
            continue  # kustomize itself refuses the same object twice, unless an overlay moves it
        first = seen.setdefault((*resource.group_kind, namespace, identity.name), resource)
        if first is resource or _hooks(ctx, first, resource):
            continue
        yield ctx.finding(
            resource.place(("metadata", "name")),
            related=[ctx.world.view(first).related(("metadata", "name"), "the other one")],
            discriminator=f"{identity.kind}/{namespace}/{identity.name}",
            kind=identity.kind,
            name=identity.name,
            application=ctx.resource.name,
        )


@check("RL623")
def deletion_leaves_objects(ctx: Context[Application]) -> Iterator[Finding]:
    """An Application without the finalizer that deletes what it delivered."""
    metadata = ctx.resource.metadata
    finalizers = metadata.get("finalizers")
    if metadata.get("ownerReferences") or (finalizers is not None and not isinstance(finalizers, list)):
        return
    if any(isinstance(f, str) and (f.split("/")[0] == _FINALIZER or filled_later(f)) for f in finalizers or ()):
        return
    if _patched(ctx, ("metadata", "finalizers")):
        return
    at: Path = ("metadata", "finalizers") if finalizers else ("metadata",)
    insert: Any = [_FINALIZER] if finalizers else {"finalizers": [_FINALIZER]}
    fix = ctx.fix("Delete the objects with the Application", ctx.edit("insert", at, insert), safety="unsafe")
    yield ctx.finding(("metadata", "name"), fix=None if finalizers == [] else fix, application=ctx.resource.name)


@check("RL624")
def retry_broken(ctx: Context[Application]) -> Iterator[Finding]:
    """A backoff that Argo CD cannot read, or that never comes into play."""
    retry = dig(ctx.resource.value, *_RETRY)
    if not isinstance(retry, dict) or _patched(ctx, _RETRY):
        return
    for fault in retry_faults(retry):
        if filled_later(fault.text) or filled_later(fault.other) or retry.get("limit") == 0:
            continue
        if fault.kind == "no-limit" and not ctx.resource.automated:
            continue
        yield ctx.finding(
            (*_RETRY, *fault.key),
            "key" if fault.kind == "no-limit" else "value",
            variant="" if fault.kind == "duration" else fault.kind,
            key=fault.key[-1],
            text=fault.text,
            other=fault.other,
            application=ctx.resource.name,
        )


def _patched(ctx: Context[Application], path: Path) -> bool:
    return ctx.world.patched(ctx.resource.resource, path)


def _of_checkout(ctx: Context[Application], source: ApplicationSource) -> bool:
    """True where the source is, as far as can be told, the newest of the repository that was checked out."""
    revision, here = source.value.get("targetRevision"), ctx.world.layout.repository
    if revision not in (None, "", "HEAD", "main", "master"):
        return False
    named = source.repo_url.rstrip("/").rpartition("/")[2].rpartition(":")[2].removesuffix(".git")
    return bool(named) and not filled_later(source.repo_url) and (not here or here.lower() == named.lower())


def _judge_path(
    ctx: Context[Application], source: ApplicationSource, path: str, about: Mapping[str, Any]
) -> Iterator[Finding]:
    """The finding about a path that is a file of the inputs, or a directory of them in another case."""
    files, directories = _known_paths(ctx)
    at = (*source.path, "path")
    if path in files and path not in directories.values():
        yield ctx.finding(at, variant="file", **about)
        return
    meant = directories.get(path.lower(), path)
    if meant != path and path not in ctx.world.layout.charts and path not in ctx.world.layout.kustomizations:
        fix = ctx.fix(f"Write `{meant}`", ctx.edit("replace", at, meant))
        yield ctx.finding(at, variant="case", fix=fix, meant=meant, **about)


def _known_paths(ctx: Context[Application]) -> tuple[frozenset[str], Mapping[str, str]]:
    """The files that were found, and their directories by their names in lower case, counted from the checkout's root.

    Where one directory is there in two cases, neither is listed; so nothing is said of them.
    """
    return ctx.world.derived("paths-in-checkout", lambda: _paths(ctx.world.layout))


def _paths(layout: Layout) -> tuple[frozenset[str], Mapping[str, str]]:
    below = ""
    if layout.base != layout.project_root:
        if not layout.base.startswith(layout.project_root + "/"):
            return frozenset(), {}
        below = layout.base[len(layout.project_root) + 1 :] + "/"
    files = {below + name for name in (*layout.roots, *layout.unread) if not name.startswith(("/", "../"))}
    found: dict[str, set[str]] = {}
    known: set[str] = set()
    for file in files:
        directory = file.rpartition("/")[0]
        while directory and directory not in known:
            known.add(directory)
            found.setdefault(directory.lower(), set()).add(directory)
            directory = directory.rpartition("/")[0]
    return frozenset(files), {low: next(iter(names)) for low, names in found.items() if len(names) == 1}


def _hooks(ctx: Context[Application], *resources: Resource) -> bool:
    return any(is_hook(ctx.world.view(resource).annotations) for resource in resources)
