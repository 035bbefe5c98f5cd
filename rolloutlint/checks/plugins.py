"""RL215: plugins that the configuration of the controller does not list."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rolloutlint.checks.context import Context, check
from rolloutlint.finding import Finding, Part, Path
from rolloutlint.graph import Naming
from rolloutlint.lang.names import near
from rolloutlint.model import AnalysisTemplate, Rollout, View
from rolloutlint.model.rollout import CANARY
from rolloutlint.model.values import dig, entries, filled_later, mapping, text

CONFIG = "argo-rollouts-config"
"""Name of the controller's ConfigMap (utils/defaults/defaults.go DefaultRolloutsConfigMapName)."""

_NAME = re.compile(r"""\bname:\s*["']?([^\s"',}]+)""")


@check("RL215")
def plugin_not_configured(ctx: Context[View]) -> Iterator[Finding]:
    """A traffic router, step or metric provider plugin that no `argo-rollouts-config` of the inputs lists."""
    uses = list(_uses(ctx.resource))
    configs = _configs(ctx) if uses else ()
    if not configs or any(ctx.world.patched(config.resource, ("data",)) for config in configs):
        return
    for name, field, path, part in uses:
        lists = [text(dig(config.value, "data", field)) for config in configs]
        if filled_later(name) or any(name in listed or filled_later(listed) for listed in lists):
            continue
        known = sorted({n for listed in lists for n in _NAME.findall(listed)})
        hint = near(name, known)
        yield ctx.finding(
            path,
            part,
            variant="near" if hint else "",
            related=tuple(
                c.related(("data", field) if field in mapping(c.value.get("data")) else ("data",), "the plugins", "key")
                for c in configs
            ),
            name=name,
            field=field,
            hint=hint,
        )


def _uses(view: View) -> Iterator[tuple[str, str, Path, Part]]:
    """Each plugin that an object uses: its name, the list it must stand in, and where it is used."""
    if isinstance(view, Rollout) and view.strategy_kind == "canary":
        plugins: Path = (*CANARY, "trafficRouting", "plugins")
        for name in mapping(dig(view.value, *plugins)):
            yield name, "trafficRouterPlugins", (*plugins, name), "key"
        for step in view.steps:
            plugin = mapping(step.value.get("plugin"))
            if text(plugin.get("name")) and plugin.get("disabled") is not True:
                yield text(plugin["name"]), "stepPlugins", (*step.path, "plugin", "name"), "value"
    elif isinstance(view, AnalysisTemplate):
        for path, _ in entries(view.value, (), "spec", "metrics"):
            below: Path = (*path, "provider", "plugin")
            for name in mapping(dig(view.value, *below)):
                yield name, "metricProviderPlugins", (*below, name), "key"


def _configs(ctx: Context[View]) -> Sequence[View]:
    """The ConfigMaps that may be the controller's; none where one cannot be read as it stands."""
    naming = Naming("config", "", "ConfigMap", "", CONFIG, ())
    views = [ctx.world.view(found) for found in ctx.world.namesakes(ctx.resource.resource, naming)]
    return views if all(isinstance(view.value.get("data"), dict) for view in views) else ()
