"""`rolloutlint apply-plan`: what a sync would do, and whether to let it through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, get_args

import click

from rolloutlint.catalogue import Catalogue, load_catalogue
from rolloutlint.cli.check import NOTHING_TO_LINT
from rolloutlint.cli.rendering import make_rendering, rendering_options
from rolloutlint.cli.settings import make_settings, settings_options
from rolloutlint.cli.writing import LOST, named_outputs, report_options, say_lost, write
from rolloutlint.errors import UsageError
from rolloutlint.finding import ResourceId
from rolloutlint.inputs.options import RenderOptions
from rolloutlint.settings import PlanEvent, PlanPolicy, Settings

if TYPE_CHECKING:
    from rolloutlint.change.build import Operation
    from rolloutlint.change.result import SyncPlan, Verdict
    from rolloutlint.graph import World
    from rolloutlint.report.plan import Shown

FORMS = ("text", "json", "markdown", "html", "sarif")
EVENTS: tuple[PlanEvent, ...] = get_args(PlanEvent)
CHANGES = 6
"""Exit code with `--exit-code` where the plan is allowed and changes something."""
VERDICT_CODES: Mapping[Verdict, int] = MappingProxyType({"allow": 0, "block": 1, "review": 5})


@click.command("apply-plan")
@click.argument("paths", nargs=-1)
@click.option(
    "--from",
    "previous",
    required=True,
    metavar="STATE",
    help="What is there now: git:REF, a directory, a file such as the output of `kubectl get ... -o yaml`, or - for "
    "standard input.",
)
@click.option(
    "--to", "desired", default="", metavar="STATE", help="What shall be: git:REF or a directory. Default: PATHS."
)
@click.option(
    "-f",
    "--format",
    "formats",
    multiple=True,
    metavar="FORMAT[=FILE]",
    help=f"How to show the plan, several times if need be: {', '.join(FORMS)}. Default: what the suffix of the output "
    "file says, or text.",
)
@click.option("-o", "--output", default="", metavar="FILE", help="Write to FILE what goes to no file of its own.")
@click.option("--exit-code", is_flag=True, help="Exit 6 where the plan is allowed and changes something.")
@click.option("--app", default="", metavar="NAME", help="Plan this Application only, or take all inputs for its own.")
@click.option("--manual", is_flag=True, help="Plan a sync that somebody starts: it prunes only with --prune.")
@click.option("--prune", is_flag=True, help="With --manual: prune too, as `argocd app sync --prune` does.")
@click.option(
    "--sync-options",
    "sync_options",
    multiple=True,
    metavar="OPTION=VALUE",
    help="With --manual: the options that are ticked, such as ServerSideApply=true. As in Argo CD they replace those "
    "of the Application, all of them.",
)
@click.option("--block-on", multiple=True, metavar="EVENT", help=f"What blocks: {', '.join(EVENTS)}, or none.")
@click.option("--review-on", multiple=True, metavar="EVENT", help="What asks for a review: the same words.")
@rendering_options
@settings_options
@click.option("--allow-empty", is_flag=True, help="Exit 0 where there is nothing to plan.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Default: auto.")
@click.option(
    "--category",
    "sarif_category",
    default="",
    metavar="NAME",
    help="Tells apart several plans of one pull request: in the mark of the Markdown, and in SARIF.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show everything: what does not change, all fields, all files.")
@click.option("--debug", is_flag=True, help="Show tracebacks of internal errors.")
def apply_plan(paths: tuple[str, ...], **flags: Any) -> int:
    """Show what a sync of PATHS would do, and decide whether to let it through. Nothing is applied.

    Which Rollouts start and how they go, in which order, what is waited for, what is pruned, reset, lost or frozen,
    and which findings are new. Exit codes: 0 allow, 1 block, 5 review, 3 nothing to plan, 4 an input was lost.
    """
    from rolloutlint.report.plan import SUFFIXES

    catalogue = load_catalogue()
    if flags["fail_on"]:
        raise UsageError("--fail-on: a plan is judged by --block-on and --review-on (`plan` in the configuration)")
    settings, _ = make_settings(catalogue, flags)
    settings = settings._replace(plan=_policy(settings.plan, flags))
    outputs = named_outputs(flags["formats"], flags["output"], FORMS, SUFFIXES)
    rendering = make_rendering(flags)
    shown, empty = _planned(paths or (".",), settings, catalogue, rendering, flags)
    plan = shown.plan
    if ("text", "") not in outputs:
        say_lost(plan.incomplete)
    if empty and not plan.lost:
        click.echo("rolloutlint: nothing to plan: no object among the inputs that could be read", err=True)
    _write(shown, outputs, flags)
    if plan.lost:
        return LOST
    if empty:
        return 0 if flags["allow_empty"] else NOTHING_TO_LINT
    return _code(plan, settings, flags["exit_code"])


def _policy(policy: PlanPolicy, flags: Mapping[str, Any]) -> PlanPolicy:
    """What decides: the flags where they are given, else the configuration. Raises `UsageError` for unknown events."""
    for flag in ("block_on", "review_on"):
        words = [word for text in flags[flag] for word in text.replace(",", " ").split()]
        unknown = [word for word in words if word not in EVENTS and word != "none"]
        if unknown:
            known = ", ".join(EVENTS)
            raise UsageError(f"--{flag.replace('_', '-')}: `{unknown[0]}`: choose from {known}, or none")
        if words:
            policy = policy._replace(**{flag: tuple(word for word in words if word != "none")})
    return policy


def _planned(
    paths: Sequence[str], settings: Settings, catalogue: Catalogue, rendering: RenderOptions, flags: Mapping[str, Any]
) -> tuple[Shown, bool]:
    """The plan with the rules and texts that its formats need, and whether neither state has any object."""
    from rolloutlint.plan.make import planned
    from rolloutlint.plan.states import Inputs, open_states
    from rolloutlint.report.plan import Shown

    operation = _operation(flags)
    inputs = Inputs(debug=flags["debug"], render=rendering)
    with open_states(flags["previous"], flags["desired"], paths, settings, catalogue, inputs) as (before, after):
        for note in (*before.notes, *after.notes):
            click.echo(f"rolloutlint: {note}", err=True)
        app, alone = _chosen(flags["app"], before.state.run.world, after.state.run.world)
        plan, report = planned(before.state, after.state, settings, operation=operation, app=app)
        if alone is not None:
            own = (each._replace(application=alone) for each in plan.applications)
            plan = plan._replace(applications=tuple(own))
        empty = not (before.state.run.world.resources or after.state.run.world.resources)
        return Shown(plan, catalogue.rules, report.sources), empty


def _operation(flags: Mapping[str, Any]) -> Operation:
    """How the sync is started. Raises `UsageError` for options of a manual sync without `--manual`."""
    from rolloutlint.change.build import Operation

    options = frozenset(each for text in flags["sync_options"] for each in text.replace(",", " ").split())
    if (flags["prune"] or options) and not flags["manual"]:
        raise UsageError("--prune and --sync-options are those of a sync that somebody starts: add --manual")
    return Operation(flags["manual"], flags["prune"], options or None)


def _chosen(name: str, *worlds: World) -> tuple[str, ResourceId | None]:
    """The Application to plan, or the one that everything belongs to where none is among the inputs.

    Raises `UsageError` where there are others, but not this one.
    """
    if not name:
        return "", None
    names = {each.id.name for world in worlds for each in world.of_kind("argoproj.io", "Application")}
    if not names:
        return "", ResourceId("argoproj.io", "v1alpha1", "Application", "", name)
    if name not in names:
        from difflib import get_close_matches

        near = get_close_matches(name, names, 1)
        hint = f": did you mean `{near[0]}`?" if near else f", but {', '.join(sorted(names)[:5])}"
        raise UsageError(f"--app: no Application `{name}` among the inputs{hint}")
    return name, None


def _code(plan: SyncPlan, settings: Settings, detailed: bool) -> int:
    code = 0 if settings.exit_zero else VERDICT_CODES[plan.verdict]
    return CHANGES if detailed and not code and plan.changes else code


def _write(shown: Shown, outputs: Sequence[tuple[str, str]], flags: Mapping[str, Any]) -> None:
    from rolloutlint.report.plan import FORMATS

    for name, file in outputs:
        write(FORMATS[name](shown, report_options(flags, to_file=bool(file))), file)
