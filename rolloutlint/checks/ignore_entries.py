"""RL625, RL627 to RL629, RL641, RL653: entries of `ignoreDifferences` that do something else than they seem to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from rolloutlint.checks.context import Context, check
from rolloutlint.controllers.ignore_differences import (
    JqPath,
    Rule,
    Target,
    covers,
    effect,
    effect_of,
    entries_of,
    matches,
    uses_index,
)
from rolloutlint.controllers.sync_options import applies_server_side, diff_strategy, resource_options
from rolloutlint.controllers.sync_waves import is_hook
from rolloutlint.controllers.traffic import HASH_LABEL
from rolloutlint.controllers.writes import Write, reset_on_sync, writes
from rolloutlint.finding import Edit, Finding, Path
from rolloutlint.lang import jqpath, jsonpointer
from rolloutlint.model import Application, Resource, View
from rolloutlint.model.values import dig, filled_later, mapping
from rolloutlint.settings import Version

_OPTIONS: Path = ("spec", "syncPolicy", "syncOptions")
_SPARING = "ApplyOutOfSyncOnly=true"
_FREEZES_BEFORE, _RESTORES_FROM = Version(3, 3), Version(3, 5)
"""Argo CD froze the live list before 3.3 and gives Git's back since 3.5; the patches of 3.3 and 3.4 differ."""
_INSTANCE_LABEL, _TRACKING_ID = "app.kubernetes.io/instance", "argocd.argoproj.io/tracking-id"
"""What Argo CD adds to a manifest before it compares it, as it is set up (argo-cd `util/argo/resource_tracking.go`)."""
_ROUTERS = ("virtualService", "httpRoute", "grpcRoute", "tcpRoute", "tlsRoute", "traefikService", "apisixRoute")
_SHOWN = 3
_LOOKED_AT = re.compile(
    r"""\.metadata\??\.(labels|annotations)\??(?:\.?\[\s*"([^"\\]+)"\s*\]|\."([^"\\]+)"|\.([A-Za-z_]\w*))"""
)
_TEXT = re.compile(r'"([^"\\]*)"')
_STATUS_PATH = re.compile(r"\s*\.status\s*(?:$|[.\[?])")


@check("RL625")
def subset_hash_not_kept(ctx: Context[Application]) -> Iterator[Finding]:
    """An ignored hash label of a subset, of which RespectIgnoreDifferences makes something else than keeping it."""
    application, argocd = ctx.resource, ctx.settings.targets.argocd
    if not application.policy.respect_ignore_differences or ctx.world.unsettled(application.resource):
        return
    if _FREEZES_BEFORE <= argocd < _RESTORES_FROM:
        return
    for resource in ctx.world.delivered(application.resource):
        if resource.group_kind != ("networking.istio.io", "DestinationRule") or ctx.world.patched(resource, ()):
            continue
        view = ctx.world.view(resource)
        hashes, rollout = _hashes(ctx, view)
        entry = _covering(ctx, view, hashes) if hashes and rollout and not is_hook(view.annotations) else None
        if entry is None or rollout is None:
            continue
        if argocd >= _RESTORES_FROM and not _reset(ctx, view, hashes):
            continue
        yield ctx.finding(
            entry,
            variant="" if argocd >= _RESTORES_FROM else "frozen",
            related=[
                view.related(("spec", "subsets"), "the subsets", "key"),
                rollout.related(("metadata", "name"), "the Rollout that writes the hash"),
            ],
            fix=_spared(ctx) if argocd >= _RESTORES_FROM else None,
            discriminator=view.name,
            name=view.name,
            rollout=rollout.name,
            application=application.name,
        )


@check("RL627")
def ignore_needs_live_label(ctx: Context[Application]) -> Iterator[Finding]:
    """A jq path that takes something out of objects with a label which Git's copy does not have."""
    for rule, views in _rules_with_views(ctx):
        for jq in rule.jq_paths:
            looked_at = _LOOKED_AT.search(jq.text)
            if looked_at is None:
                continue
            entry, field = replace(rule, pointers=(), jq_paths=(jq,)), looked_at[1]
            key = looked_at[2] or looked_at[3] or looked_at[4]
            values = [text for text in _TEXT.findall(jq.text) if text != key] + ["true"]
            for view in views:
                taken = _taken_with(entry, view, field, key, values)
                if taken is None or diff_strategy(ctx.resource.value, view.value) == "server-side":
                    continue
                yield ctx.finding(
                    (*rule.path, "jqPathExpressions", jq.index),
                    related=(view.related(taken, "stays in Git's copy"),),
                    what="label" if field == "labels" else "annotation",
                    key=key,
                    kind=view.id.kind,
                    name=view.name,
                    path=".".join(str(item) for item in taken if not isinstance(item, int)),
                    application=ctx.resource.name,
                )
                break


@check("RL628")
def ignore_pointer_by_index(ctx: Context[Application]) -> Iterator[Finding]:
    """A JSON pointer that names an item of a list by its place."""
    for rule, views in _rules_with_views(ctx):
        for pointer in rule.pointers:
            if not uses_index(pointer.text) or filled_later(pointer.text):
                continue
            tokens = pointer.text.split("/")
            at = next(n for n, (before, after) in enumerate(pairwise(tokens)) if before and after.isdigit())
            item = _item_named(views, tokens[1 : at + 2])
            yield ctx.finding(
                (*rule.path, "jsonPointers", pointer.index),
                variant="named" if item else "",
                list=tokens[at],
                index=tokens[at + 1],
                item=item,
            )


@check("RL629")
def ignore_pointer_shifted(ctx: Context[Application]) -> Iterator[Finding]:
    """A JSON pointer that names another item than it seems to, since an earlier one took an item out of its list."""
    for rule, views in _rules_with_views(ctx):
        numbered = [p for p in rule.pointers if any(token.isdigit() for token in p.text.split("/"))]
        if len(numbered) < 2:
            continue
        for view in views:
            removed = effect(replace(rule, jq_paths=()), view.value).removed
            meant = [(p, jsonpointer.resolve(view.value, p.text)) for p in numbered]
            missed = [(p, path) for p, path in meant if path and not any(path[: len(r)] == r for r in removed)]
            if not missed:
                continue
            pointer, path = missed[0]
            yield ctx.finding(
                (*rule.path, "jsonPointers", pointer.index),
                related=(view.related(path, "is compared all the same"),),
                fix=_swapped(ctx, rule, view),
                text=pointer.text,
                kind=view.id.kind,
                name=view.name,
                application=ctx.resource.name,
            )
            break


@check("RL641")
def ignore_status_redundant(ctx: Context[Application]) -> Iterator[Finding]:
    """An entry for `status`, which Argo CD leaves out by itself."""
    if _compares_status(ctx):
        return
    for rule in ctx.resource.ignore_rules:
        for pointer in rule.pointers:
            if pointer.text == "/status" or pointer.text.startswith("/status/"):
                yield ctx.finding((*rule.path, "jsonPointers", pointer.index), text=pointer.text)
        for jq in rule.jq_paths:
            if _STATUS_PATH.match(jq.text) and "," not in jq.text:
                yield ctx.finding((*rule.path, "jqPathExpressions", jq.index), text=jq.text)


@check("RL653")
def ignore_path_fails(ctx: Context[Application]) -> Iterator[Finding]:
    """A jq path that iterates over something that an object lacks, and is skipped for it whole."""
    if not any(_lenient(jq.text) != jq.text for rule in ctx.resource.ignore_rules for jq in rule.jq_paths):
        return
    for rule, views in _rules_with_views(ctx):
        for jq in rule.jq_paths:
            meant = _lenient(jq.text)
            if meant == jq.text or filled_later(jq.text):
                continue
            entry = replace(rule, pointers=(), jq_paths=(jq,))
            gentle = replace(entry, jq_paths=(JqPath(meant, jq.index, jqpath.parse(meant)),))
            failing = [(view, missed) for view in views if (missed := _missed(ctx, entry, gentle, view))]
            if not failing:
                continue
            view, (path, problem) = failing[0]
            at = (*rule.path, "jqPathExpressions", jq.index)
            yield ctx.finding(
                at,
                related=[v.related(p, "is compared all the same") for v, (p, _) in failing[:_SHOWN]],
                fix=ctx.fix(f"Write `{meant}`", ctx.edit("replace", at, meant)),
                text=jq.text,
                kind=view.id.kind,
                name=view.name,
                problem=problem,
                path=".".join(str(item) for item in path if not isinstance(item, int)),
                meant=meant,
            )


def _hashes(ctx: Context[Application], view: View) -> tuple[list[Write], View | None]:
    """The hash labels that a Rollout adds to the subsets of a DestinationRule, and that Rollout."""
    manifest = _placed(ctx, view)
    for reference in ctx.world.referrers(view.resource, "destinationRule"):
        rollout = ctx.world.view(reference.origin)
        every = writes(_placed(ctx, rollout), [manifest])
        found = [w for w in every if w.path[-1] == HASH_LABEL and w.path[:2] == ("spec", "subsets") and w.how == "add"]
        if found:
            return found, rollout
    return [], None


def _covering(ctx: Context[Application], view: View, hashes: Sequence[Write]) -> Path | None:
    """Where the entry stands that ignores all of the labels, and nothing that Git has in those lists."""
    manifest, target = _placed(ctx, view), hashes[0].target
    paths = [write.path for write in hashes]
    for rule in ctx.resource.ignore_rules:
        for entry, at in entries_of(rule):
            if effect(entry, view.value).removed:
                continue
            placed = entry if target.namespace else replace(entry, namespace="")
            if covers([placed], manifest, target, paths).all_covered:
                return at
    return None


def _reset(ctx: Context[Application], view: View, hashes: Sequence[Write]) -> bool:
    """Whether a sync takes the labels out although they are ignored; RL610 has what replaces objects."""
    application = ctx.resource
    if "Replace=true" in application.policy.options or "Replace=true" in resource_options(view.value):
        return False
    return any(
        reset_on_sync(
            write,
            diff_strategy(application.value, view.value),
            apply="server" if applies_server_side(application.value, view.value) else "client",
            ignored=True,
            out_of_sync_only=application.policy.apply_out_of_sync_only,
            respect_ignore=True,
            changes_git_copy=False,
            argocd=ctx.settings.targets.argocd,
        )
        for write in hashes
    )


def _spared(ctx: Context[Application]) -> Any:
    """The fix that lets a sync leave alone what differs in ignored fields only."""
    return ctx.fix(f"Add `{_SPARING}`", ctx.edit("insert", _OPTIONS, [_SPARING]))


def _rules_with_views(ctx: Context[Application]) -> Iterator[tuple[Rule, list[View]]]:
    """The ignore rules with the objects that they are certainly about, as Git has them."""
    if not ctx.resource.ignore_rules or ctx.world.unsettled(ctx.resource.resource):
        return
    delivered = list(ctx.world.delivered(ctx.resource.resource))
    for rule in ctx.resource.ignore_rules:
        if any(map(filled_later, (rule.group, rule.kind, rule.name, rule.namespace))):
            continue
        matched = [r for r in delivered if matches(rule, *_identity(ctx, r)) and not ctx.world.patched(r, ())]
        views = [ctx.world.view(resource) for resource in matched]
        yield rule, [view for view in views if not is_hook(view.annotations)]


def _identity(ctx: Context[Application], resource: Resource) -> Target:
    namespace = ctx.world.namespace(resource) or resource.id.namespace
    return Target(resource.id.group, resource.id.kind, namespace, resource.id.name)


def _placed(ctx: Context[Application], view: View) -> Mapping[str, Any]:
    """The manifest with the namespace in which it ends."""
    namespace = ctx.world.namespace(view.resource) or view.id.namespace
    return {**view.value, "metadata": {**view.metadata, "namespace": namespace}}


def _taken_with(entry: Rule, view: View, field: str, key: str, values: Sequence[str]) -> Path | None:
    """What the entry takes out once the object has a label (or annotation); `None` where that is not its doing."""
    if key in mapping(view.metadata.get(field)):
        return None
    without = effect(entry, view.value)
    if without.removed or without.unknown:
        return None
    for value in values:
        metadata = {**view.metadata, field: {**mapping(view.metadata.get(field)), key: value}}
        removed = effect(entry, {**view.value, "metadata": metadata}).removed
        taken = [path for path in removed if path[:1] != ("metadata",)]
        if taken:
            return taken[0]
    return None


def _item_named(views: Sequence[View], tokens: Sequence[str]) -> str:
    """The name of the list item at a place of the first object that has one."""
    for view in views:
        path = jsonpointer.resolve(view.value, "/" + "/".join(tokens))
        name = mapping(dig(view.value, *path)).get("name") if path else None
        if isinstance(name, str):
            return name
    return ""


def _swapped(ctx: Context[Application], rule: Rule, view: View) -> Any:
    """The fix that puts two pointers the other way round, where all of them then name what they seem to."""
    pointers = rule.pointers
    for first, second in pairwise(pointers):
        order = [replace(p, text={first: second.text, second: first.text}.get(p, p.text)) for p in pointers]
        removed = effect_of([replace(rule, pointers=tuple(order), jq_paths=())], view.value).removed
        meant = [jsonpointer.resolve(view.value, pointer.text) for pointer in pointers]
        if all(path is None or any(path[: len(r)] == r for r in removed) for path in meant):
            edits = [_rewrite(ctx, rule, first.index, second.text), _rewrite(ctx, rule, second.index, first.text)]
            return ctx.fix("Take the later item out first", *edits)
    return None


def _rewrite(ctx: Context[Application], rule: Rule, index: int, text: str) -> Edit:
    return ctx.edit("replace", (*rule.path, "jsonPointers", index), text)


def _compares_status(ctx: Context[Application]) -> bool:
    """True where an `argocd-cm` of the inputs says itself whether status is compared."""
    found: bool = ctx.world.derived(
        "argocd-cm status",
        lambda: any(
            r.id.name == "argocd-cm" and r.mentions("ignoreResourceStatusField")
            for r in ctx.world.of_kind("", "ConfigMap")
        ),
    )
    return found


def _lenient(text: str) -> str:
    """The expression with a `?` behind every `[]` that iterates without one."""
    out: list[str] = []
    quoted = False
    for index, char in enumerate(text):
        out.append(char)
        if char == '"' and text[index - 1 : index] != "\\":
            quoted = not quoted
        if quoted or char != "]" or text[index - 1 : index] != "[" or text[index + 1 : index + 2] == "?":
            continue
        before = text[index - 2 : index - 1]
        if before and (before.isalnum() or before in '_.])?"'):
            out.append("?")
    return "".join(out)


def _missed(ctx: Context[Application], entry: Rule, gentle: Rule, view: View) -> tuple[Path, str] | None:
    """What a failing entry leaves in Git's copy although it was meant, with the reason why it fails.

    Nothing for what a Rollout routes with: RL601 and RL608 are about that.
    """
    tracked = {
        **view.metadata,
        "labels": {**mapping(view.metadata.get("labels")), _INSTANCE_LABEL: "x"},
        "annotations": {**view.annotations, _TRACKING_ID: "x"},
    }
    failures = effect(entry, view.value).failures
    if not failures or not effect(entry, {**view.value, "metadata": tracked}).failures:
        return None
    if ctx.world.referrers(view.resource, *_ROUTERS):
        return None
    target = _identity(ctx, view.resource)
    others = effect_of([rule for rule in ctx.resource.ignore_rules if matches(rule, *target)], view.value).removed
    for path in effect(gentle, view.value).removed:
        if path[:1] not in (("metadata",), ("status",)) and not any(path[: len(gone)] == gone for gone in others):
            return path, failures[0].message
    return None
