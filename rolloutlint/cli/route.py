"""`rolloutlint route`: where one request goes, link by link, at a step of a Rollout or as the files say it."""

from __future__ import annotations

from typing import Any

import click

from rolloutlint.catalogue import load_catalogue
from rolloutlint.cli.check import NOTHING_TO_LINT
from rolloutlint.cli.rendering import make_rendering, rendering_options
from rolloutlint.cli.settings import make_settings, settings_options
from rolloutlint.cli.writing import LOST, form_of, output_options, say_lost, write
from rolloutlint.errors import UsageError

FORMS = ("text", "json", "mermaid", "dot", "svg")
FAILS = 1


@click.command()
@click.argument("host")
@click.argument("paths", nargs=-1)
@click.option("--path", default="/", metavar="PATH", help="Path of the request, with its query string. Default: /.")
@click.option("--method", default="GET", metavar="METHOD", help="Default: GET.")
@click.option("--header", "headers", multiple=True, metavar="NAME=VALUE", help="A header. May be repeated.")
@click.option("--port", type=click.IntRange(1, 65535), help="Default: 80, or the first http port of the host.")
@click.option(
    "--from",
    "door",
    default="",
    metavar="DOOR",
    help="mesh (a pod with a sidecar), gateway (every Gateway that takes the host), or gateway/NAMESPACE/NAME. "
    "Default: mesh where that knows the host, else gateway.",
)
@click.option(
    "--from-namespace", "namespace", metavar="NAMESPACE", help="Where the caller's, or the Gateway's, pods run."
)
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="A label of these pods. May be repeated.")
@click.option(
    "--step",
    metavar="N",
    help="What is in force at step N of the Rollout's steps, once the pods of the step are there: 1 is the first, "
    "0 before the update, `end` after the promotion. Default: what the files say.",
)
@click.option("--rollout", default="", metavar="NS/NAME", help="Whose step it is, where several Rollouts write here.")
@output_options(FORMS, "text")
@rendering_options
@settings_options
@click.option("--allow-empty", is_flag=True, help="Exit 0 where there is nothing that routes.")
def route(
    host: str,
    paths: tuple[str, ...],
    path: str,
    method: str,
    headers: tuple[str, ...],
    port: int | None,
    door: str,
    namespace: str | None,
    labels: tuple[str, ...],
    step: str | None,
    rollout: str,
    form: str | None,
    output: str,
    **flags: Any,
) -> int:
    """Tell where a request to HOST goes among the objects in PATHS, as Istio routes it.

    HOST is what the caller writes: `web`, `web.shop`, `shop.example.com`, each with or without `:PORT`. PATHS as in
    `check`.

    Exit codes: 0 the request gets somewhere, or nobody can know; 1 the proxy certainly answers it, or a part of it,
    with 404 or 503; 2 usage, also for a host that no object has; 3 nothing that routes among the inputs; 4 lost input.
    """
    from rolloutlint.engine import open_paths
    from rolloutlint.report.route import FORMATS, SUFFIXES
    from rolloutlint.routes import Question, answers

    allow_empty = flags.pop("allow_empty")
    question = Question(
        host,
        path if path.startswith("/") else f"/{path}",
        method,
        _pairs("--header", headers),
        _door(door),
        namespace,
        port,
        _pairs("--label", labels) if labels else None,
        _step(step),
        rollout,
    )
    catalogue = load_catalogue()
    settings, _ = make_settings(catalogue, flags)
    run = open_paths(paths or (".",), settings, catalogue, render=make_rendering(flags))
    lost = say_lost(run.incomplete)
    found = answers(run.world, run.texts, settings, question)
    text = FORMATS[form_of(form, output, SUFFIXES, "text")](found)
    if not found:
        click.echo("rolloutlint: nothing routes: no Service or Istio object among the inputs could be read", err=True)
    write(text, output)
    if lost:
        return LOST
    if not found:
        return 0 if allow_empty else NOTHING_TO_LINT
    return FAILS if any(answer.fails for answer in found) else 0


def _pairs(flag: str, texts: tuple[str, ...]) -> dict[str, str]:
    """The values of a flag that is written NAME=VALUE. Raises `UsageError` for any other form."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"{flag}: `{text}`: write NAME=VALUE")
        found[name] = value
    return found


def _door(text: str) -> str:
    parts = text.split("/")
    if text in ("", "mesh", "gateway") or (parts[0] == "gateway" and len(parts) == 3 and parts[2]):
        return text
    raise UsageError(f"--from: `{text}`: write mesh, gateway, or gateway/NAMESPACE/NAME")


def _step(text: str | None) -> Any:
    """A step as it is counted. Raises `UsageError` for anything else."""
    if text is None or text == "end":
        return text
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise UsageError(f"--step: `{text}`: write the number of a step from 1 on, 0, or end")
    return int(text)
