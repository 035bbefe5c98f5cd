"""RL633, RL656: generated ConfigMaps and Secrets that a Rollout loses in a sync, or names without their hash."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Any, NamedTuple

from rolloutlint.checks.context import Context, check
from rolloutlint.controllers.generated_names import HASH_LENGTH, ConfigUse, config_uses, hashed_name
from rolloutlint.controllers.sync_options import resource_options
from rolloutlint.controllers.sync_waves import is_hook, wave
from rolloutlint.finding import Finding, Fix, Path
from rolloutlint.graph import World
from rolloutlint.model import Application, Resource, Rollout, View
from rolloutlint.model.kubernetes import Workload
from rolloutlint.model.values import dig, has

_PRUNE: Path = ("spec", "syncPolicy", "automated", "prune")
_OPTIONS: Path = ("spec", "syncPolicy", "syncOptions")
_LAST = "PruneLast=true"
_KEEPING = frozenset((_LAST, "Prune=false", "Prune=confirm"))
_CONFIG = frozenset((("", "ConfigMap"), ("", "Secret")))
_ROLLOUT = ("argoproj.io", "Rollout")
_SHOWN = 3


class _Use(NamedTuple):
    config: View
    rollout: Rollout
    template: View
    """The Rollout itself, or the workload that it names."""
    use: ConfigUse


@check("RL633")
def hashed_config_no_prunelast(ctx: Context[Application]) -> Iterator[Finding]:
    """A ConfigMap or Secret with a hash in its name, used by a Rollout and pruned while old pods need it."""
    application = ctx.resource
    policy = application.policy
    if (
        not (policy.automated and policy.prune)
        or policy.options & _KEEPING
        or ctx.world.unsettled(application.resource)
    ):
        return
    delivered = list(ctx.world.delivered(application.resource))
    configs = {(r.id.kind, ctx.world.namespace(r), r.id.name): r for r in delivered if r.group_kind in _CONFIG}
    if not configs:
        return
    found: dict[int, _Use] = {}
    for resource in delivered:
        for use in _uses(ctx, resource) if resource.group_kind == _ROLLOUT else ():
            config = configs.get((use.use.kind, ctx.world.namespace(resource), use.use.name))
            if config is not None and config.number not in found:
                view = ctx.world.view(config)
                if _pruned(ctx, view, use.rollout):
                    found[config.number] = use._replace(config=view)
    if not found:
        return
    uses = [found[number] for number in sorted(found)]
    first = uses[0]
    others = len(uses) - 1
    yield ctx.finding(
        _PRUNE,
        variant="several" if others else "",
        related=[u.config.related(("metadata", "name"), "its name changes with what it holds") for u in uses[:_SHOWN]]
        + [first.template.related(_at(first), "old pods use it until the update is through")],
        fix=_prune_last(ctx),
        kind=first.config.id.kind,
        name=first.config.name,
        more=others,
        rollout=first.rollout.name,
        application=application.name,
    )


@check("RL656")
def generated_config_not_named(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A ConfigMap or Secret that a Rollout names as in the source, where a build has put a hash behind the name."""
    rollout = ctx.resource
    if rollout.workload_ref is not None or ctx.world.patched(rollout.resource, ("spec", "template")):
        return
    said: set[tuple[str, str]] = set()
    for use in config_uses(rollout.template):
        if (use.kind, use.name) in said or dig(rollout.template, *use.path[:-1], "optional") is True:
            continue
        said.add((use.kind, use.name))
        if (use.kind, use.name) not in _stems(ctx.world):
            continue
        beside = [r for r in ctx.world.beside(rollout.resource, "", use.kind) if r.id.name.startswith(use.name)]
        if any(resource.id.name == use.name for resource in beside):
            continue
        long = [r for r in beside if len(r.id.name) == len(use.name) + 1 + HASH_LENGTH]
        made = next((v for v in map(ctx.world.view, long) if hashed_name(v.value) == use.name), None)
        if made is not None:
            yield ctx.finding(
                ("spec", "template", *use.path),
                related=(made.related(("metadata", "name"), "is what the build has made"),),
                discriminator=f"{use.kind} {use.name}",
                kind=use.kind,
                name=use.name,
                made=made.name,
                rollout=rollout.name,
            )


def _stems(world: World) -> Set[tuple[str, str]]:
    """Kind and name before the last hyphen of the ConfigMaps and Secrets that may have a hash behind it."""

    def stems() -> frozenset[tuple[str, str]]:
        named = (r.id for kind in _CONFIG for r in world.of_kind(*kind))
        return frozenset((n.kind, n.name[: -1 - HASH_LENGTH]) for n in named if n.name[-1 - HASH_LENGTH :][:1] == "-")

    return world.derived("stems of hashed names", stems)


def _prune_last(ctx: Context[Application]) -> Fix | None:
    options = dig(ctx.resource.spec, *_OPTIONS[1:])
    if isinstance(options, list):
        return ctx.fix(f"Set `{_LAST}`", ctx.edit("insert", _OPTIONS, [_LAST]), safety="unsafe")
    if has(ctx.resource.spec, *_OPTIONS[1:]):
        return None
    return ctx.fix(f"Set `{_LAST}`", ctx.edit("insert", _OPTIONS[:-1], {"syncOptions": [_LAST]}), safety="unsafe")


def _uses(ctx: Context[Application], resource: Resource) -> Iterator[_Use]:
    """What the pod template of a Rollout names, its own template or a workload's."""
    rollout = ctx.world.view(resource)
    if not isinstance(rollout, Rollout) or ctx.world.patched(resource, ("spec",)):
        return
    holder: Any = rollout
    if rollout.workload_ref is not None:
        named = (r.target for r in ctx.world.references(resource, "workloadRef"))
        target = next((t for t in named if t is not None), None)
        holder = ctx.world.view(target) if target is not None else None
        if not isinstance(holder, Workload) or ctx.world.patched(holder.resource, ("spec",)):
            return
    for use in config_uses(holder.template):
        yield _Use(rollout, rollout, holder, use)


def _pruned(ctx: Context[Application], config: View, rollout: Rollout) -> bool:
    """Whether the next content of a ConfigMap or Secret deletes this one, before the Rollout is done with it."""
    if ctx.world.patched(config.resource, ()) or not hashed_name(config.value):
        return False
    if is_hook(config.annotations) or resource_options(config.value) & _KEEPING:
        return False
    return wave(config.annotations) <= wave(rollout.annotations)


def _at(use: _Use) -> Path:
    return (*(() if use.template.id.kind == "PodTemplate" else ("spec",)), "template", *use.use.path)
