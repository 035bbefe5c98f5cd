"""RL606: sync options. It looks at every object; alone here, so that runs without Applications need no more of RL6."""

from __future__ import annotations

from collections.abc import Iterator

from rolloutlint.checks.context import Context, check
from rolloutlint.controllers.sync_options import SYNC_OPTIONS_ANNOTATION, classify
from rolloutlint.finding import Finding, Path
from rolloutlint.model import Application, View
from rolloutlint.model.values import filled_later

_ANNOTATION: Path = ("metadata", "annotations", SYNC_OPTIONS_ANNOTATION)


@check("RL606")
def unknown_sync_option(ctx: Context[View]) -> Iterator[Finding]:
    """An option string that Argo CD does not read there."""
    view = ctx.resource
    if isinstance(view, Application):
        for path, option in view.sync_options:
            yield from _unread(ctx, option, path, None)
    if view.resource.mentions(SYNC_OPTIONS_ANNOTATION):
        written, start = view.annotations.get(SYNC_OPTIONS_ANNOTATION, ""), 0
        for part in written.split(","):
            option = part.strip()
            begin = start + part.find(option)
            start += len(part) + 1
            if option:
                yield from _unread(ctx, option, _ANNOTATION, (begin, begin + len(option)))


def _unread(ctx: Context[View], option: str, at: Path, piece: tuple[int, int] | None) -> Iterator[Finding]:
    """The finding about one option string, if Argo CD does not read it at this level."""
    if filled_later(option):
        return
    judged = classify(option, "application" if piece is None else "resource")
    if judged.verdict not in ("wrong-level", "unknown"):
        return
    meant = judged.suggestion
    variant = "wrong-level" if judged.verdict == "wrong-level" else "meant" if meant else ""
    if meant and classify(meant, "application" if piece is None else "resource").verdict == "wrong-level":
        meant, variant = None, ""
    yield ctx.finding(
        at,
        piece=piece,
        variant=variant,
        fix=ctx.fix(f"Write `{meant}`", ctx.edit("replace", at, meant, piece=piece)) if meant else None,
        discriminator=option,
        option=option,
        meant=meant,
        where="in a resource's annotation" if piece is None else "in the `syncOptions` of an Application",
    )
