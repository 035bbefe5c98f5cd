"""Plans between two states given as texts in memory."""

from __future__ import annotations

from collections.abc import Mapping

from rolloutlint.change.result import Mode as Mode
from rolloutlint.change.result import SyncPlan, Task
from rolloutlint.engine import Run, open_sources
from rolloutlint.graph import Layout
from rolloutlint.plan.make import AUTOMATIC, Operation, planned
from rolloutlint.plan.state import State
from rolloutlint.result import Report
from rolloutlint.settings import Settings
from rolloutlint.source import Source
from tests.harness import CATALOGUE, sources

Texts = Mapping[str, "str | bytes"]


def opened(files: Texts | str, settings: Settings | None = None) -> Run:
    """A run over `files` (name -> text; a lone text is `input.yaml`)."""
    named: Texts = {"input.yaml": files} if isinstance(files, str) else files

    def fetch(name: str) -> Source | None:
        if name not in named:
            return None
        source = next(sources({name: named[name]}))
        return source if isinstance(source, Source) else None

    layout = Layout(roots=dict.fromkeys(named, "."))
    return open_sources(sources(named), lambda _: layout, fetch, settings or Settings(), CATALOGUE, debug=True)


def plan_and_report(
    before: Texts | str,
    after: Texts | str,
    settings: Settings | None = None,
    mode: Mode = "git",
    operation: Operation = AUTOMATIC,
) -> tuple[SyncPlan, Report]:
    """The plan from `before` to `after`, and the report of the desired state with the findings about changes."""
    settings = settings or Settings()
    return planned(
        State("before", opened(before, settings), mode),
        State("after", opened(after, settings)),
        settings,
        operation=operation,
    )


def plan_of(
    before: Texts | str,
    after: Texts | str,
    settings: Settings | None = None,
    mode: Mode = "git",
    operation: Operation = AUTOMATIC,
) -> SyncPlan:
    """The plan from `before` to `after`."""
    return plan_and_report(before, after, settings, mode, operation)[0]


def tasks(plan: SyncPlan) -> dict[str, Task]:
    """`Kind name` -> its task, of all Applications."""
    return {
        f"{task.resource.kind} {task.resource.name}": task
        for application in plan.applications
        for stage in application.stages
        for group in stage.groups
        for task in group
    }
