"""RL6: GitOps - Application, ignoreDifferences, sync options."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rolloutlint.checks.context import Context, check
from rolloutlint.controllers.ignore_differences import (
    Fault,
    Rule,
    Target,
    covers,
    effect,
    entries_of,
    faults,
    rules_of,
)
from rolloutlint.controllers.sync_options import (
    SYNC_OPTIONS_ANNOTATION,
    applies_server_side,
    classify,
    diff_strategy,
    resource_options,
)
from rolloutlint.controllers.sync_waves import is_hook
from rolloutlint.controllers.traffic import HASH_LABEL
from rolloutlint.controllers.writes import Apply, Write, needs_ignore, reset_on_sync, with_inserted, writes
from rolloutlint.finding import Edit, Finding, Fix, Path, Related
from rolloutlint.lang.jsonpointer import of_path
from rolloutlint.model import Application, Resource, Rollout, View
from rolloutlint.model.rollout import SERVICE_ROLES
from rolloutlint.model.values import dig, filled_later, has, mapping, text

_IGNORE: Path = ("spec", "ignoreDifferences")
_OPTIONS: Path = ("spec", "syncPolicy", "syncOptions")
_ANNOTATION: Path = ("metadata", "annotations", SYNC_OPTIONS_ANNOTATION)
_ROUTED = frozenset(
    ("VirtualService", "HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "TraefikService", "ApisixRoute")
)
"""Kinds whose weights a controller writes; an Ingress of the ALB is written through an annotation."""
_IMAGES: tuple[Path, ...] = tuple(
    ("spec", "template", "spec", kind, 0, "image") for kind in ("containers", "initContainers")
)
_SPARING = "ApplyOutOfSyncOnly=true"
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Traffic:
    """A traffic object that an Application syncs and a Rollout writes into, and what the Application makes of that."""

    view: View
    rollout: View
    target: Target
    shown: tuple[Write, ...]
    """Writes that make the object OutOfSync, because no rule ignores them."""
    undone: tuple[Write, ...]
    """Writes that a sync takes back."""
    why: str = ""
    """What keeps a rule that is there from covering them: `jq-fails`, `index-shifts`; `""` where there is none."""
    at: Path = ()
    """Where that rule's entry stands in the Application."""
    error: str = ""

    @property
    def what(self) -> str:
        """What is written, in words."""
        names = {"weights-reset": "weights", "managed-route-lost": "managed routes"}
        kinds = dict.fromkeys(names[w.consequence] for w in self.shown or self.undone)
        return " and ".join(kinds)


@check("RL601")
def controller_fields_not_ignored(ctx: Context[Application]) -> Iterator[Finding]:
    """Self-heal takes back what the Rollouts controller writes, again and again."""
    if not ctx.resource.policy.self_heal:
        return
    for group in _grouped(t for t in _traffic(ctx) if t.shown):
        yield _about(ctx, group, ("spec", "syncPolicy", "automated", "selfHeal"))


@check("RL602")
def container_image_ignored(ctx: Context[Application]) -> Iterator[Finding]:
    """An ignore rule that hides the image, or the whole pod template."""
    application = ctx.resource
    for rule in application.ignore_rules:
        views = _workloads(ctx, rule)
        for entry, at in entries_of(rule):
            hidden = [(v, path) for v, value in views for path in effect(entry, value).removed if _hides_image(path)]
            if not hidden:
                continue
            view, path = hidden[0]
            kind = view.id.kind if view is not None else rule.kind
            respected = application.policy.respect_ignore_differences
            frozen = respected and (kind == "Rollout" or path[-1] != "image")
            yield ctx.finding(
                at,
                variant="frozen" if frozen else "respected" if respected else "",
                related=[v.related(p, "ignored") for v, p in hidden[:_SHOWN] if v is not None],
                kind=kind,
                what="container image" if path[-1] == "image" else "pod template" if len(path) <= 3 else "containers",
                frozen="pod template" if len(path) <= 3 else "`containers` list",
                application=application.name,
            )


@check("RL603")
def ignore_pointer_cannot_match(ctx: Context[Application]) -> Iterator[Finding]:
    """An entry of `jsonPointers` that is no JSON pointer, or leads nowhere."""
    for fault in _faults(ctx):
        if fault.kind.startswith("pointer-"):
            variant = fault.kind.removeprefix("pointer-")
            yield _faulty(ctx, fault, variant if variant != "no-slash" else "" if fault.suggestion else "no-path")


@check("RL604")
def ignore_group_missing(ctx: Context[Application]) -> Iterator[Finding]:
    """A rule without `group` about a kind that is not in the core group."""
    for fault in _faults(ctx):
        if fault.kind != "group-missing":
            continue
        group, at = fault.suggestion, (*fault.path, "kind")
        written = has(ctx.resource.value, *fault.path, "group")
        op, where = ("replace", (*fault.path, "group")) if written else ("insert", fault.path)
        value = group if written else {"group": group}
        yield ctx.finding(
            at,
            variant="" if group else "several",
            fix=ctx.fix(f"Write `group: {group}`", ctx.edit(op, where, value)) if group else None,
            kind=fault.text,
            group=group,
        )


@check("RL605")
def ignore_kind_or_group_misspelt(ctx: Context[Application]) -> Iterator[Finding]:
    """A kind or group that no object has, spelt that way."""
    for fault in _faults(ctx):
        if fault.kind in ("kind-case", "group-has-version", "group-other", "glob-invalid"):
            yield _faulty(ctx, fault, "" if fault.kind == "kind-case" else fault.kind)


@check("RL607")
def server_side_apply_drops_selector(ctx: Context[Application]) -> Iterator[Finding]:
    """A sync that replaces the selector of a Service, and with it the hash that the controller put there."""
    application = ctx.resource
    if ctx.world.unsettled(ctx.resource.resource):
        return
    found: dict[tuple[Path, int], list[tuple[View, View]]] = {}
    for resource in ctx.world.delivered(application.resource):
        if resource.group_kind != ("", "Service"):
            continue
        view = ctx.world.view(resource)
        apply = _apply(application, view)
        rollouts = [r.origin for r in ctx.world.referrers(resource, *SERVICE_ROLES)] if apply != "client" else []
        if not rollouts or not mapping(view.spec.get("selector")) or ctx.world.patched(resource, ()):
            continue
        rollout = ctx.world.view(rollouts[0])
        if is_hook(view.annotations) or not _loses_hash(ctx, view, rollout, apply):
            continue
        option = "Replace=true" if apply == "replace" else "ServerSideApply=true"
        at = next((path for path, o in application.sync_options if o == option), ())
        own = option in resource_options(view.value) or not at
        found.setdefault(((), resource.number) if own else (at, 0), []).append((view, rollout))
    for (at, _), pairs in found.items():
        yield _drops(ctx, at, pairs)


@check("RL608")
def sync_resets_controller_fields(ctx: Context[Application]) -> Iterator[Finding]:
    """A sync takes back what the Rollouts controller wrote, once each time."""
    policy = ctx.resource.policy
    traffic = [t for t in _traffic(ctx) if t.undone and not (policy.self_heal and t.shown)]
    for group in _grouped(t for t in traffic if t.shown):
        yield _about(ctx, group, _deepest(ctx.resource, _IGNORE), "automated" if policy.automated else "manual")
    for group in _grouped(t for t in traffic if not t.shown):
        yield _about(ctx, group, _deepest(ctx.resource, _OPTIONS), "")


@check("RL609")
def ignore_jq_invalid(ctx: Context[Application]) -> Iterator[Finding]:
    """A jq path that does not compile."""
    for fault in _faults(ctx):
        if fault.kind == "jq-invalid":
            end = len(fault.text)
            yield ctx.finding(
                fault.path,
                piece=(fault.offset, end) if 0 < fault.offset < end else None,
                variant="dot" if _lacks_dot(fault.text) else "",
                text=fault.text,
                problem=fault.message,
            )


# ---- what controllers write and Argo CD takes back ---------------------------------------------------------


def _traffic(ctx: Context[Application]) -> Sequence[Traffic]:
    """The traffic objects of the Application that a Rollout certainly writes into, where a release changes weights."""
    return ctx.world.shared(ctx.resource.resource, "traffic", lambda: tuple(_find_traffic(ctx)))


def _find_traffic(ctx: Context[Application]) -> Iterator[Traffic]:
    if ctx.world.unsettled(ctx.resource.resource):
        return
    delivered = list(ctx.world.delivered(ctx.resource.resource))
    rollouts = [r for r in delivered if r.group_kind == ("argoproj.io", "Rollout")]
    for resource in delivered:
        if resource.id.kind in _ROUTED or resource.group_kind == ("networking.k8s.io", "Ingress"):
            managers = _managers(ctx, resource, rollouts)
            if not managers or ctx.world.patched(resource, ("spec",)):
                continue
            for manager in managers:
                traffic = _judge(ctx, ctx.world.view(resource), ctx.world.view(manager))
                if traffic is not None:
                    yield traffic
                    break


def _managers(ctx: Context[Application], resource: Resource, rollouts: list[Resource]) -> list[Resource]:
    """The Rollouts that may write into a traffic object: those that name it, or stand beside it."""
    if resource.id.kind == "VirtualService":
        return [r.origin for r in ctx.world.referrers(resource, "virtualService")]
    return [r for r in rollouts if r.mentions(resource.id.name)]


def _judge(ctx: Context[Application], view: View, rollout: View) -> Traffic | None:
    """What the Application makes of the writes of `rollout` into `view`; `None` where that is nothing or unknown."""
    application, world = ctx.resource, ctx.world
    if not isinstance(rollout, Rollout) or rollout.strategy_kind != "canary" or is_hook(view.annotations):
        return None
    if not any(step.weight for step in rollout.steps) or world.patched(rollout.resource, ("spec", "strategy")):
        return None
    manifest = _placed(ctx, view)
    every = writes(_placed(ctx, rollout), [manifest])
    wanted = [w for w in every if w.consequence in ("weights-reset", "managed-route-lost")]
    wanted = [w for w in wanted if (w.target.kind, w.target.name) == (view.id.kind, view.name)]
    if not wanted:
        return None
    target = wanted[0].target
    # With the namespace unknown, a rule about one namespace gets the benefit of the doubt.
    rules = [r if target.namespace else replace(r, namespace="") for r in application.ignore_rules]
    added = [w.path for w in wanted if w.how == "insert"]
    weights = covers(rules, manifest, target, [w.path for w in wanted if w.how != "insert"])
    inserted = covers(rules, with_inserted(manifest, wanted, target) if added else manifest, target, added)
    shifting = set(weights.index_dependent) if inserted.answers else set()
    strategy = diff_strategy(application.value, manifest)
    shown, undone = [], []
    for write in wanted:
        answer = (inserted if write.how == "insert" else weights).answers[write.path]
        if answer == "unknown":
            return None
        ignored = answer == "yes" and write.path not in shifting
        if not ignored and needs_ignore(write, strategy):
            shown.append(write)
        if reset_on_sync(
            write,
            strategy,
            apply=_apply(application, view),
            ignored=ignored,
            out_of_sync_only=application.policy.apply_out_of_sync_only,
            respect_ignore=application.policy.respect_ignore_differences,
            argocd=ctx.settings.targets.argocd,
        ):
            undone.append(write)
    if shown and application.policy.apply_out_of_sync_only:
        undone = list(wanted)  # the object is OutOfSync as a whole, so every sync applies it
    if not (shown or undone) or (shown and (_system_rules(ctx, target) or _meant_to_cover(ctx, target))):
        return None
    if not shown and _meant_option(application):
        return None
    failures = weights.failures if any(w.how != "insert" for w in shown) else ()
    traffic = Traffic(view, rollout, target, tuple(shown), tuple(undone))
    if failures:
        return replace(traffic, why="jq-fails", at=failures[0].path, error=failures[0].message)
    if shifting and shown:
        return replace(traffic, why="index-shifts", at=_pointer_at(rules, target, manifest))
    return traffic


def _placed(ctx: Context[Any], view: View) -> Mapping[str, Any]:
    """The manifest with the namespace in which it ends."""
    namespace = ctx.world.namespace(view.resource) or view.id.namespace
    return {**view.value, "metadata": {**view.metadata, "namespace": namespace}}


def _apply(application: Application, view: View) -> Apply:
    """How a sync applies one object."""
    if "Replace=true" in application.policy.options or "Replace=true" in resource_options(view.value):
        return "replace"
    return "server" if applies_server_side(application.value, view.value) else "client"


def _system_rules(ctx: Context[Application], target: Target) -> bool:
    """True where an `argocd-cm` of the inputs has ignore rules that may be about `target`."""
    for resource in ctx.world.of_kind("", "ConfigMap"):
        if resource.id.name != "argocd-cm" or not resource.mentions("ignoreDifferences"):
            continue
        for key, value in mapping(ctx.world.view(resource).value.get("data")).items():
            last = str(key).rpartition("ignoreDifferences.")[2]
            if str(key).startswith("resource.customizations") and (
                last in ("all", f"{target.group}_{target.kind}") or "ignoreDifferences" in text(value)
            ):
                return True
    return False


def _meant_to_cover(ctx: Context[Application], target: Target) -> bool:
    """True where a rule about such objects cannot work as it is written: that fault is reported in its own words."""
    broken = {fault.path[: len(_IGNORE) + 1] for fault in _faults(ctx)}
    rules = ctx.resource.ignore_rules
    return any(rule.path in broken and rule.kind.lower().rstrip("s") == target.kind.lower() for rule in rules)


def _meant_option(application: Application) -> bool:
    """True where an option that would keep the fields is there, misspelt: RL606 says so."""
    kept = ("ApplyOutOfSyncOnly=true", "RespectIgnoreDifferences=true")
    return any(classify(option).suggestion in kept for _, option in application.sync_options)


def _pointer_at(rules: list[Rule], target: Target, manifest: Mapping[str, Any]) -> Path:
    """Where the first JSON pointer stands that names something in `manifest` by its index."""
    for rule in rules:
        for pointer in rule.pointers:
            entry = replace(rule, pointers=(pointer,), jq_paths=())
            if any(isinstance(item, int) for path in effect(entry, manifest).removed for item in path):
                return (*rule.path, "jsonPointers", pointer.index)
    return ()


def _grouped(traffic: Iterable[Traffic]) -> list[list[Traffic]]:
    """One group for each kind, and cause, and words."""
    groups: dict[tuple[object, ...], list[Traffic]] = {}
    for one in traffic:
        groups.setdefault((one.target.group, one.target.kind, one.why, one.at, one.what), []).append(one)
    return list(groups.values())


def _about(ctx: Context[Application], group: list[Traffic], at: Path, variant: str = "") -> Finding:
    """The finding about objects of one kind to which the same happens."""
    first = group[0]
    fix = _ignore_fix(ctx, group)
    related = [Related(_tightest(t), f"written by Rollout `{t.rollout.name}`", t.view.id) for t in group[:_SHOWN]]
    return ctx.finding(
        first.at or at,
        "value" if first.at or at[-1] == "selfHeal" else "key",
        variant="-".join(filter(None, (variant, first.why))),
        related=related,
        fix=fix,
        discriminator=f"{first.target.kind} {first.what}",
        what=first.what,
        kind=first.target.kind,
        names=_names([t.view.name for t in group]),
        application=ctx.resource.name,
        error=first.error,
    )


def _tightest(traffic: Traffic) -> Any:
    write = next((w for w in traffic.shown or traffic.undone if w.how == "set"), None)
    return traffic.view.place(write.path) if write else traffic.view.place(("metadata", "name"))


def _names(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"


def _ignore_fix(ctx: Context[Application], group: list[Traffic]) -> Fix:
    """The rule that covers all writes, and `ApplyOutOfSyncOnly=true` so that a sync leaves the ignored fields alone."""
    target = group[0].target
    mended = _passing_over(ctx, group)
    if mended:
        return ctx.fix(f"Write `{mended}`", ctx.edit("replace", group[0].at, mended), *_inserted(ctx, []))
    pointers: dict[str, None] = {}
    paths: dict[str, None] = {}
    for write in (w for t in group for w in t.shown):
        if write.how == "insert":
            paths[f".spec.http[]? | select(.name == {json.dumps(write.item['name'])})"] = None
        elif any(isinstance(item, int) for item in write.path):
            paths["".join("[]?" if isinstance(item, int) else f".{item}" for item in write.path)] = None
        else:
            pointers[of_path(write.path)] = None
    entry: dict[str, Any] = {"group": target.group, "kind": target.kind}
    if pointers:
        entry["jsonPointers"] = list(pointers)
    if paths:
        entry["jqPathExpressions"] = list(paths)
    rules = [entry] if pointers or paths else []
    title = "Ignore what the controller writes" if rules else f"Add `{_SPARING}`"
    return ctx.fix(title, *_inserted(ctx, rules))


def _passing_over(ctx: Context[Application], group: list[Traffic]) -> str:
    """The jq path that fails here, with `[]?` for `[]`, where that covers everything; else `""`."""
    written = dig(ctx.resource.value, *group[0].at) if group[0].why == "jq-fails" else None
    if not isinstance(written, str):
        return ""
    mended = written.replace("[]?", "[]").replace("[]", "[]?")
    (rule,) = rules_of({"ignoreDifferences": [{"jqPathExpressions": [mended]}]})
    for one in group:
        removed = effect(rule, one.view.value).removed
        if not all(any(w.path[: len(gone)] == gone for gone in removed) for w in one.shown):
            return ""
    return mended


def _inserted(ctx: Context[Application], rules: list[dict[str, Any]]) -> list[Edit]:
    """The edits that add ignore rules and the option that spares what they cover, wherever their lists begin."""
    options = [] if ctx.resource.policy.apply_out_of_sync_only else [_SPARING]
    edits: list[Edit] = []
    tree: dict[str, Any] = {}
    for path, items in ((_IGNORE, rules), (_OPTIONS, options)):
        if not items:
            continue
        at = _deepest(ctx.resource, path)
        if at == path:
            edits.append(ctx.edit("insert", at, items))
            continue
        value: Any = items
        for key in reversed(path[len(at) + 1 :]):
            value = {key: value}
        if at == ("spec",):
            tree[str(path[1])] = value
        else:
            edits.append(ctx.edit("insert", at, {path[len(at)]: value}))
    if tree:
        edits.append(ctx.edit("insert", ("spec",), tree))
    return edits


def _deepest(application: Application, path: Path) -> Path:
    """As much of `path` as the Application has, with a value to insert into."""
    while len(path) > 1 and not isinstance(dig(application.value, *path), (dict, list)):
        path = path[:-1]
    return path


# ---- single rules ------------------------------------------------------------------------------------------


def _workloads(ctx: Context[Application], rule: Rule) -> list[tuple[View | None, Mapping[str, Any]]]:
    """The Rollouts and Deployments that `rule` is about; where none is known, one as all of them look."""
    if filled_later(rule.kind) or not (rule.pointers or rule.jq_paths):
        return []
    found: list[tuple[View | None, Mapping[str, Any]]] = []
    for resource in ctx.world.delivered(ctx.resource.resource):
        if resource.group_kind in (("argoproj.io", "Rollout"), ("apps", "Deployment")) and _means(rule, resource.id):
            view = ctx.world.view(resource)
            found.append((view, view.value))
    if found or ctx.world.whole(ctx.resource.resource):
        return found
    if (rule.group, rule.kind) not in (("argoproj.io", "Rollout"), ("apps", "Deployment")):
        return []
    pods = {"containers": [{"name": "", "image": ""}]}
    return [(None, {"spec": {"template": {"metadata": {}, "spec": pods}}})]


def _means(rule: Rule, identity: Any) -> bool:
    """Whether a rule names this very kind; a rule about every kind (`*`) means something else than images."""
    return (rule.group, rule.kind) == (identity.group, identity.kind) and rule.name in ("", identity.name)


def _hides_image(path: Path) -> bool:
    """True where taking `path` out takes an image out: it is one, or something around one."""
    flat = tuple(0 if isinstance(item, int) else item for item in path)
    return len(flat) > 0 and any(image[: len(flat)] == flat for image in _IMAGES)


def _faults(ctx: Context[Application]) -> Iterator[Fault]:
    """What in the ignore rules can never work; texts that are filled in later are not judged."""
    application = ctx.resource
    if not application.ignore_rules:
        return
    kinds = {resource.group_kind for resource in ctx.world.delivered(application.resource)}
    for rule in application.ignore_rules:
        for fault in faults(rule, kinds):
            if not any(map(filled_later, (fault.text, rule.group, rule.kind))):
                yield fault


def _faulty(ctx: Context[Application], fault: Fault, variant: str) -> Finding:
    """The finding about a fault whose suggestion, if any, replaces the text at fault."""
    meant = fault.suggestion
    return ctx.finding(
        fault.path,
        variant=variant,
        fix=ctx.fix(f"Write `{meant}`", ctx.edit("replace", fault.path, meant)) if meant else None,
        text=fault.text,
        meant=meant,
        problem=fault.message,
    )


def _lacks_dot(expression: str) -> bool:
    return expression[:1].isalpha() and expression.split(".")[0] in ("spec", "metadata", "data", "status")


def _loses_hash(ctx: Context[Application], view: View, rollout: View, apply: Apply) -> bool:
    """Whether a sync certainly takes the hash out of the selector of a Service."""
    application, manifest = ctx.resource, _placed(ctx, view)
    hashes = [w for w in writes(_placed(ctx, rollout), [manifest]) if w.path == ("spec", "selector", HASH_LABEL)]
    if not hashes:
        return False
    write = hashes[0]
    rules = [r if write.target.namespace else replace(r, namespace="") for r in application.ignore_rules]
    answer = covers(rules, manifest, write.target, [write.path]).answers[write.path]
    if answer == "unknown" or (answer == "no" and _system_rules(ctx, write.target)):
        return False
    return reset_on_sync(
        write,
        diff_strategy(application.value, manifest),
        apply=apply,
        ignored=answer == "yes",
        out_of_sync_only=application.policy.apply_out_of_sync_only,
        respect_ignore=application.policy.respect_ignore_differences,
        argocd=ctx.settings.targets.argocd,
    )


def _gated_switch(rollout: View, service: View) -> bool:
    """True where a blue-green switch to this Service waits for something."""
    if not isinstance(rollout, Rollout) or rollout.strategy_kind != "blueGreen":
        return False
    spec = rollout.blue_green
    gated = spec.get("autoPromotionEnabled") is False or spec.get("prePromotionAnalysis") is not None
    return spec.get("activeService") == service.name and (gated or bool(spec.get("autoPromotionSeconds")))


def _drops(ctx: Context[Application], at: Path, pairs: list[tuple[View, View]]) -> Finding:
    """The finding about Services whose selector a sync replaces, those first where that promotes a release."""
    gated = [pair for pair in pairs if _gated_switch(pair[1], pair[0])]
    pairs = [*gated, *(pair for pair in pairs if pair not in gated)]
    service, rollout = pairs[0]
    option = text(dig(ctx.resource.value, *at)) if at else ""
    option = option or ("Replace=true" if _apply(ctx.resource, service) == "replace" else "ServerSideApply=true")
    edits = [edit for view, _ in pairs for edit in _client_side(view)] if option.startswith("Server") and at else []
    return ctx.finding(
        at or service.place(_ANNOTATION),
        variant="promotes" if gated else "",
        related=[v.related(("spec", "selector"), f"used by Rollout `{r.name}`", "key") for v, r in pairs[:_SHOWN]],
        fix=Fix("Apply these Services on the client", "unsafe", tuple(edits)) if edits else None,
        discriminator="" if at else service.name,
        option=option,
        names=_names([view.name for view, _ in pairs]),
        rollout=rollout.name,
        application=ctx.resource.name,
    )


def _client_side(service: View) -> Iterator[Edit]:
    """The edit that exempts one Service; an annotation that is there gets one more option."""
    option, written = "ServerSideApply=false", service.annotations.get(SYNC_OPTIONS_ANNOTATION)
    if written is not None:
        yield Edit("replace", service.place(_ANNOTATION), f"{written},{option}" if written.strip() else option)
    elif isinstance(service.metadata.get("annotations"), dict):
        yield Edit("insert", service.place(("metadata", "annotations")), {SYNC_OPTIONS_ANNOTATION: option})
    elif "annotations" not in service.metadata:
        yield Edit("insert", service.place(("metadata",)), {"annotations": {SYNC_OPTIONS_ANNOTATION: option}})
