"""The manifests that a tutorial shows, taken out of its prose so that they can be linted as they are.

A tutorial shows alternatives: the same Rollout twice, or only another `strategy:` for the one before. Such a
variant is a manifest too, in a directory of its own, because a cluster has room for only one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

_FENCE = re.compile(r"^```ya?ml\n(.*?)^```", re.MULTILINE | re.DOTALL)
_TOP_LEVEL = re.compile(r"---|[A-Za-z]+:( |$)")
_ELISION = re.compile(r"^\s+\.\.\.\s", re.MULTILINE)


class LostIndentationError(ValueError):
    """The text's manifests have no indentation left: what belongs to what cannot be told any more."""


def extract(text: str) -> dict[str, str]:
    """File name -> YAML of every complete manifest in `text`; `variant-<n>/<name>` for the alternatives.

    Blocks that are fenced as YAML are taken where there are any, else blocks that start with `apiVersion:`.
    A block with something left out (`...`) is none. Raises `LostIndentationError` where lines have lost it.
    """
    files: dict[str, str] = {}
    rollout: dict[str, Any] | None = None
    variants = 0
    for document in _documents(text):
        manifest = _complete(document, rollout)
        if manifest is None:
            continue
        if manifest["kind"] == "Rollout":
            rollout = manifest
        name = f"{manifest['kind']}-{manifest['metadata']['name']}.yaml".lower()
        if name in files:
            variants += 1
            name = f"variant-{variants}/{name}"
        files[name] = yaml.safe_dump(manifest, sort_keys=False)
    return files


def workspaces(files: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """What may stand in one cluster together: everything first shown, then that with one variant in its place."""
    first = {name: text for name, text in files.items() if "/" not in name}
    yield first
    for name, text in files.items():
        if "/" in name:
            yield {**first, name.partition("/")[2]: text}


def _documents(text: str) -> Iterator[Any]:
    for block in _blocks(text):
        if not _ELISION.search(block):
            yield from yaml.safe_load_all(block)


def _blocks(text: str) -> Iterator[str]:
    fences = _FENCE.findall(text)
    if fences:
        yield from fences
        return
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("apiVersion:")]
    if any(number + 3 < len(lines) and lines[number + 3].startswith("name:") for number in starts):
        raise LostIndentationError("`name:` stands at the margin, below `metadata:`")
    end = 0
    for start in starts:
        if start < end:
            continue
        end = start
        while end < len(lines) and (lines[end][:1] in ("", " ") or _TOP_LEVEL.match(lines[end])):
            end += 1
        yield "\n".join(lines[start:end])


def _complete(document: Any, rollout: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The manifest a document is, or makes of the Rollout before it; `None` for other fragments."""
    if not isinstance(document, dict):
        return None
    if {"apiVersion", "kind", "metadata"} <= document.keys():
        return document
    if document.keys() == {"strategy"} and rollout is not None:
        return {**rollout, "spec": {**rollout["spec"], **document}}
    return None
