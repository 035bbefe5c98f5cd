"""Kustomizations and charts as Argo CD renders them, by the programs of this machine, offline.

What cannot be rendered without a network, or without starting programs that the inputs name, is refused before anything
runs. Builds run beside each other, each within limits, and their outputs are kept by content.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from rolloutlint.inputs.files import below, display
from rolloutlint.inputs.render import chart, kustomization
from rolloutlint.inputs.render.build import LIMITS, Command, Kind, Limits, Origin, Refusal, Rendered, Request
from rolloutlint.inputs.render.cache import Cache, key_of, user_directory
from rolloutlint.inputs.render.process import run
from rolloutlint.inputs.render.tools import Tool, Tools, find_tools

__all__ = [
    "LIMITS",
    "Cache",
    "Failure",
    "Kind",
    "Limits",
    "Origin",
    "Rendered",
    "Renderer",
    "Request",
    "Tools",
    "chart_name",
    "find_tools",
    "user_directory",
]

chart_name = chart.chart_name

_OUTSIDE = re.compile(r"file '[^']*' is not in or below '[^']*'")
_SAID_LIMIT = 300
_FORMAT = b"3"
"""Changes when what is kept of an output does."""


class Failure(NamedTuple):
    """A build that gave nothing."""

    request: Request
    message: str
    lost: bool = False
    """True where it was tried and failed, or would fail in Argo CD too."""
    no_tool: bool = False
    """True where there is no program to render with."""


class Renderer:
    """Renders requests with the tools it was given; remembers what it has rendered in this run."""

    def __init__(self, tools: Tools, cache: Cache, cwd: str, limits: Limits = LIMITS) -> None:
        self.tools = tools
        self.cache = cache
        self.cwd = cwd
        self.limits = limits

    def render(self, requests: Sequence[Request]) -> list[Rendered | Failure]:
        """The outcome of each request, in order."""
        if len(requests) < 2:
            outcomes = [self._one(request) for request in requests]
        else:
            with ThreadPoolExecutor(max_workers=min(len(requests), os.cpu_count() or 1)) as pool:
                outcomes = list(pool.map(self._one, requests))
        self.cache.trim()
        return outcomes

    def _one(self, request: Request) -> Rendered | Failure:
        tool: Tool | None = getattr(self.tools, request.kind)
        if tool is None:
            return Failure(request, "", no_tool=True)
        values: tuple[str, ...] = ()
        prepared: Command | Refusal
        if request.kind == "kustomize":
            prepared = kustomization.prepare(request, self.cwd)
        else:
            both = chart.prepare(request, self.cwd)
            if isinstance(both, Refusal):
                return Failure(request, both.message, both.lost)
            prepared, values = both
        if isinstance(prepared, Refusal):
            return Failure(request, prepared.message, prepared.lost)
        output = self._output(tool, request, prepared)
        if isinstance(output, Failure):
            return output
        text = output.decode("utf-8", "replace")
        if request.kind == "kustomize":
            text, origins = kustomization.read_output(text, prepared, request)
        else:
            text, origins = chart.read_output(text, request)
        return Rendered(request, text, origins, frozenset(prepared.inputs), values)

    def _output(self, tool: Tool, request: Request, command: Command) -> bytes | Failure:
        key = self._key(tool, request, command)
        kept = self.cache.get(key)
        if kept is not None:
            return kept
        home = tempfile.mkdtemp(prefix="rolloutlint-")
        try:
            directory = _lay_out(command, home)
            arguments = [part.replace("{home}", home) for part in command.arguments]
            outcome = run(
                [*tool.command, *arguments],
                directory,
                home,
                time_limit=self.limits.seconds,
                output_limit=self.limits.output,
            )
        except OSError as error:
            return Failure(request, f"cannot be laid out for {tool.name}: {error.strerror}", lost=True)
        finally:
            shutil.rmtree(home, ignore_errors=True)
        if outcome.error:
            base = display(command.base, self.cwd)
            said = outcome.error
            for place in (os.path.realpath(home), home):
                top = os.path.join(place, "copies")
                said = (
                    said.replace(top + os.sep, f"{base}/" if base != "." else "").replace(top, base).replace(place, "")
                )
            outside = _OUTSIDE.search(said)
            if outside is not None:
                said = f"{outside[0]}, and no `kustomize.buildOptions` in an argocd-cm of the inputs allows that"
            said = said if len(said) <= _SAID_LIMIT else f"{said[: _SAID_LIMIT - 1]}…"
            return Failure(request, f"`{' '.join(_shown(tool))}` {_verb(said)}", lost=True)
        self.cache.put(key, outcome.output)
        return outcome.output

    def _key(self, tool: Tool, request: Request, command: Command) -> str:
        parts = [_FORMAT, tool.identity.encode(), repr(command.arguments).encode(), request.directory.encode()]
        for files in (command.copies, command.inputs):
            for path in sorted(files):
                parts += (os.fsencode(path), files[path])
        return key_of(parts)


def _shown(tool: Tool) -> list[str]:
    program = os.path.basename(tool.command[0])
    return [program, *(tool.command[1:] or ("template",))]


def _verb(said: str) -> str:
    return said if said.startswith(("did not", "printed", "cannot", "was ended", "failed")) else f"failed: {said}"


def _lay_out(command: Command, home: str) -> str:
    """Writes the copies; the directory to run in."""
    top = os.path.join(home, "copies") if not command.directory else home
    os.makedirs(top, exist_ok=True)
    for relative, data in command.copies.items():
        path = os.path.normpath(os.path.join(top, relative))
        if not below(path, top):
            raise OSError(0, "a file would lie outside")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as handle:
            handle.write(data)
    return command.directory or top
