"""`{{args.name}}` placeholders, split as Argo Rollouts splits them (valyala/fasttemplate,
`utils/template/template.go`).

The first `{{` opens a tag and the next `}}` closes it: there is no nesting and no escape. A tag that is not
the name of a declared argument fails the whole metric, so Go templates and jq inside a job script matter
too.
"""

from __future__ import annotations

from typing import Any, NamedTuple

# What strings.TrimSpace removes from a tag. Argo substitutes over the JSON of a metric, where control
# characters and U+2028/U+2029 stand as escapes: a line break inside the braces is therefore no white space
# but part of the name.
_SPACE = " \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"


class Placeholder(NamedTuple):
    """One `{{ tag }}`: half-open character offsets including the braces, and the tag without the space
    around it.
    """

    start: int
    end: int
    tag: str
    name: str | None
    """The argument it stands for, or `None` where the tag is not `args.<name>`."""


def placeholders(text: object) -> tuple[Placeholder, ...]:
    """Every closed `{{ }}` of `text`, in order; `()` for anything but a string."""
    if not isinstance(text, str) or "{{" not in text:
        return ()
    found: list[Placeholder] = []
    start = text.find("{{")
    while start >= 0:
        close = text.find("}}", start + 2)
        if close < 0:
            break
        tag = text[start + 2 : close].strip(_SPACE)
        found.append(Placeholder(start, close + 2, tag, tag[5:] if tag.startswith("args.") else None))
        start = text.find("{{", close + 2)
    return tuple(found)


def unterminated(text: object) -> int | None:
    """The offset of a `{{` that no `}}` follows, which fails the whole template; `None` without one."""
    if not isinstance(text, str):
        return None
    start = text.find("{{")
    while start >= 0:
        close = text.find("}}", start + 2)
        if close < 0:
            return start
        start = text.find("{{", close + 2)
    return None


def filled_later(value: Any) -> bool:
    """True for a string that a template engine or a controller completes before anyone reads it."""
    return isinstance(value, str) and ("{{" in value or ("$" in value and ("${" in value or "$(" in value)))
