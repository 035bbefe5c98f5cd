"""RL642 to RL644: sync windows of an AppProject that block for ever, or change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rolloutlint.checks.context import Context, check
from rolloutlint.controllers.pause import meant_duration
from rolloutlint.controllers.sync_windows import Window, comes, parse_schedule, windows
from rolloutlint.finding import Finding, Fix, Path
from rolloutlint.model import View
from rolloutlint.model.values import entries, filled_later, text

_KINDS = ("allow", "deny")
_LISTS = ("applications", "namespaces", "clusters")
_DESCRIPTORS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


@check("RL642")
def sync_window_unreadable(ctx: Context[View]) -> Iterator[Finding]:
    """A window that Argo CD cannot read, which blocks all syncs of the Applications it is for."""
    for path, item, window in _windows(ctx):
        if window.readable or not _is_for_any(window):
            continue
        field = "duration" if window.schedule is not None else "schedule"
        written = item.get(field)
        if written is not None and not isinstance(written, str):
            continue
        meant = _meant_schedule(text(written)) if field == "schedule" else meant_duration(text(written))
        at = (*path, field)
        yield ctx.finding(
            at if field in item else path,
            variant=("" if field == "schedule" else field) if written else f"no-{field}",
            fix=_written_as(ctx, at, meant) if written and meant else None,
            discriminator=str(path[-1]),
            text=text(written),
            project=ctx.resource.name,
        )


@check("RL643")
def sync_window_never_comes(ctx: Context[View]) -> Iterator[Finding]:
    """A schedule that names no day of any year: Argo CD takes the window to be open."""
    for path, item, window in _windows(ctx):
        if window.kind not in _KINDS or not window.readable or not _is_for_any(window):
            continue
        if window.schedule is not None and not comes(window.schedule):
            yield ctx.finding(
                (*path, "schedule"),
                variant="" if window.kind == "deny" else "allow",
                text=item.get("schedule"),
                project=ctx.resource.name,
            )


@check("RL644")
def sync_window_without_effect(ctx: Context[View]) -> Iterator[Finding]:
    """A window of no kind that Argo CD knows, or for no Application."""
    for path, item, window in _windows(ctx):
        if "kind" in item and isinstance(item["kind"], str) and window.kind not in _KINDS:
            meant = window.kind.strip().lower()
            fix = _written_as(ctx, (*path, "kind"), meant) if meant in _KINDS else None
            yield ctx.finding((*path, "kind"), variant="kind", fix=fix, text=window.kind, project=ctx.resource.name)
        elif not _is_for_any(window) and all(item.get(name) in (None, []) for name in _LISTS):
            yield ctx.finding(path, discriminator=str(path[-1]), kind=window.kind, project=ctx.resource.name)


def _windows(ctx: Context[View]) -> Iterator[tuple[Path, dict[str, Any], Window]]:
    """The windows with their paths, as far as nothing in them is filled in later."""
    for path, item in entries(ctx.resource.value, (), "spec", "syncWindows"):
        if not any(filled_later(value) for value in item.values() if isinstance(value, str)):
            (window,) = windows({"syncWindows": [item]})
            yield path, dict(item), window


def _is_for_any(window: Window) -> bool:
    return bool(window.applications or window.namespaces or window.clusters)


def _meant_schedule(written: str) -> str:
    """The schedule that can only have been meant; `""` where it is a guess."""
    if written.strip() in _DESCRIPTORS:
        return _DESCRIPTORS[written.strip()]
    fields = written.split()
    meant = " ".join((*fields[:-1], "0")) if len(fields) == 5 and fields[-1] == "7" else ""
    return meant if parse_schedule(meant) else ""


def _written_as(ctx: Context[View], at: Path, meant: str) -> Fix:
    return ctx.fix(f"Write `{meant}`", ctx.edit("replace", at, meant))
