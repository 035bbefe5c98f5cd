"""`{{name}}` placeholders of ApplicationSets without Go templates.

Mirrors argo-cd `applicationset/utils/utils.go` Replace and valyala/fasttemplate: the first `}}` closes a tag, there is
no nesting and no escape, and a tag that no parameter fills stays as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_TEMPLATED = re.compile(r"\{\{.*\}\}")  # on one line, or the text is left alone


class Tag(NamedTuple):
    """A placeholder that nothing filled; offsets include the braces."""

    start: int
    end: int
    name: str


class Filled(NamedTuple):
    """A text with its placeholders filled in."""

    text: str | None
    """`None` where Argo CD refuses the text: a `{{` is never closed."""
    left: tuple[Tag, ...] = ()


def fill(template: str, parameters: Mapping[str, str]) -> Filled:
    """`template` with the values of `parameters`, whose names may hold dots and brackets (`path[0]`, `values.tier`)."""
    if "{{" not in template or not _TEMPLATED.search(template):
        return Filled(template)
    out: list[str] = []
    left: list[Tag] = []
    end = 0
    while (start := template.find("{{", end)) >= 0:
        out.append(template[end:start])
        close = template.find("}}", start + 2)
        if close < 0:
            return Filled(None)
        end = close + 2
        name = template[start + 2 : close].strip()
        value = parameters.get(name) if name else None
        if value is None:
            left.append(Tag(start, end, name))
            value = template[start:end]
        out.append(value)
    return Filled("".join([*out, template[end:]]), tuple(left))
