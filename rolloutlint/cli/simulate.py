"""`rolloutlint simulate`: what an update of each Rollout does, with every outcome of its measurements."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

import click

from rolloutlint.catalogue import load_catalogue
from rolloutlint.cli.check import NOTHING_TO_LINT
from rolloutlint.cli.rendering import make_rendering, rendering_options
from rolloutlint.cli.settings import make_settings, settings_options
from rolloutlint.cli.writing import LOST, form_of, output_options, say_lost, write
from rolloutlint.errors import UsageError

if TYPE_CHECKING:
    from rolloutlint.simulate.skips import Scenario

FORMS = ("text", "json", "markdown", "svg", "html")
QUERY_WORLDS = (
    "normal",
    "healthy",
    "healthy-no-failures",
    "failing",
    "failing-no-successes",
    "started",
    "absent",
    "idle",
    "unreachable",
)


@click.command()
@click.argument("paths", nargs=-1)
@click.option("--rollout", default="", metavar="NS/NAME", help="Simulate one Rollout only.")
@output_options(FORMS, "text")
@click.option(
    "--outcome",
    "outcomes",
    multiple=True,
    metavar="METRIC=SSFFE",
    help="Replay one history step by step: what METRIC gives, measurement by measurement (Success, Failure, "
    "Inconclusive, Error). The last letter repeats, and each AnalysisRun starts from the first again. METRIC is a "
    "name, for all metrics of that name, or TEMPLATE:METRIC, which wins. All others succeed. May be repeated.",
)
@click.option(
    "--query-world",
    type=click.Choice(QUERY_WORLDS),
    help="Measurements give what queries and conditions give in this world (see explain-metric).",
)
@click.option(
    "--scenario",
    type=click.Choice(("update", "first-deploy", "rollback")),
    default="update",
    help="What happens to the Rollout: an update (the default), its first deploy, which skips all steps and analyses, "
    "or a rollback within `rollbackWindow` (blue-green: also within `scaleDownDelaySeconds`), which does too.",
)
@click.option("-v", "--verbose", is_flag=True, help="In text: why figures are bounds, and the way to each ending.")
@rendering_options
@settings_options
@click.option("--allow-empty", is_flag=True, help="Exit 0 where there is no Rollout to simulate.")
def simulate(
    paths: tuple[str, ...],
    rollout: str,
    form: str | None,
    output: str,
    outcomes: tuple[str, ...],
    query_world: str | None,
    scenario: str,
    verbose: bool,
    **flags: Any,
) -> int:
    """Show what an update of the Rollouts in PATHS does: how long it takes, and what stops a broken version.

    PATHS as in `check`. Every possible outcome of every measurement is followed. The worst Rollout comes first: the
    one whose broken version would be seen by the most users for the longest time.
    """
    from rolloutlint import simulations
    from rolloutlint.engine import open_paths
    from rolloutlint.report import replay, simulation
    from rolloutlint.simulate.skips import skipping

    allow_empty = flags.pop("allow_empty")
    histories = [_history(text) for text in outcomes]
    wanted = form_of(form, output, simulation.SUFFIXES, "text")
    if histories and wanted not in replay.FORMATS:
        raise UsageError(f"--outcome: a history is written as {', '.join(replay.FORMATS)}, not as {wanted}")
    catalogue = load_catalogue()
    settings, _ = make_settings(catalogue, flags)
    run = open_paths(paths or (".",), settings, catalogue, render=make_rendering(flags))
    lost = say_lost(run.incomplete)
    none = not run.world.of_kind("argoproj.io", "Rollout")
    world = cast("Any", query_world)
    plans = [
        skipping(plan, cast("Scenario", scenario))
        for plan in simulations.plans(run.world, settings, "" if none else rollout, world)
    ]
    if histories and plans:
        text = replay.FORMATS[wanted](simulations.replays(plans, histories), verbose)
    else:
        text = simulation.FORMATS[wanted](simulations.simulations(plans), verbose)
    if not plans:
        click.echo("rolloutlint: nothing to simulate: no Rollout among the inputs that could be read", err=True)
    write(text, output)
    if lost:
        return LOST
    return 0 if plans or allow_empty else NOTHING_TO_LINT


def _history(text: str) -> tuple[str, str]:
    """Metric and letters. Raises `UsageError` where they are not written as METRIC=LETTERS."""
    metric, _, letters = text.rpartition("=")
    if not metric or not re.fullmatch("[SFIE]+", letters):
        raise UsageError(f"--outcome: `{text}`: write METRIC=LETTERS with letters of S, F, I and E, e.g. errors=SSF")
    return metric, letters
