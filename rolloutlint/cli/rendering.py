"""The options of commands that render kustomizations and charts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from rolloutlint.errors import UsageError
from rolloutlint.inputs.options import RenderOptions

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--no-render", is_flag=True, help="Do not run kustomize, kubectl and helm."),
    click.option("--no-cache", is_flag=True, help="Keep no rendered output, and use none that was kept."),
    click.option(
        "--rendered",
        multiple=True,
        metavar="APP=DIR",
        help="Output made elsewhere of an Application (or of the kustomization or chart in a directory).",
    ),
    click.option(
        "--render-timeout",
        type=click.FloatRange(0, min_open=True),
        default=60.0,
        metavar="SECONDS",
        help="How long rendering one of them may take. Default: 60.",
    ),
)


def rendering_options(function: F) -> F:
    """Give a command the options that decide how it renders."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def make_rendering(flags: Mapping[str, Any]) -> RenderOptions:
    """What the flags of `rendering_options` say. Raises `UsageError` for a `--rendered` that is no APP=DIR."""
    given = []
    for text in flags["rendered"]:
        name, _, directory = text.partition("=")
        if not name or not directory:
            raise UsageError(f"--rendered: `{text}` is no APP=DIR")
        given.append((name, directory))
    return RenderOptions(not flags["no_render"], not flags["no_cache"], tuple(given), flags["render_timeout"])
