"""Go's `text/template` with the functions of ApplicationSets, evaluated for plain values.

`render` gives the text, or what Go refuses, or what is not modelled here and therefore unknown. It never raises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from rolloutlint.lang.gotemplate.evaluate import Execution, Gap, MissingKey
from rolloutlint.lang.gotemplate.functions import FUNCTIONS
from rolloutlint.lang.gotemplate.parser import Node, Word, fields, parse
from rolloutlint.lang.gotemplate.values import NO_VALUE, GoError, StringMap, UnsupportedError, go_value


class Rendered(NamedTuple):
    """What became of a template: exactly one of `text`, `error` and `unknown` is set (`text` may be `""`)."""

    text: str | None
    error: str = ""
    """Why Go refuses it, about in Go's words."""
    unknown: str = ""
    """What is not modelled."""
    gaps: tuple[Gap, ...] = ()
    """The actions that wrote `<no value>`."""


def render(template: str, parameters: Mapping[str, Any], missing: MissingKey = "default") -> Rendered:
    """Render a template.

    `parameters` are Go values (`values.go_value`); `missing` is the option `missingkey`.
    """
    if "{{" not in template:
        return Rendered(template)
    tree = read(template)
    if isinstance(tree, Rendered):
        return tree
    execution = Execution(parameters, missing)
    try:
        text = execution.run(tree)
    except GoError as error:
        return Rendered(None, error=str(error) or "error")
    except UnsupportedError as error:
        return Rendered(None, unknown=str(error) or "unsupported")
    except RecursionError:
        return Rendered(None, unknown="a template nested too deeply")
    return Rendered(text, gaps=tuple(execution.gaps))


@lru_cache(maxsize=512)
def read(template: str) -> tuple[Node, ...] | Rendered:
    """The tree of a template, or why there is none."""
    try:
        return parse(template, FUNCTIONS)
    except GoError as error:
        return Rendered(None, error=str(error) or "error")
    except UnsupportedError as error:
        return Rendered(None, unknown=str(error) or "unsupported")
    except RecursionError:
        return Rendered(None, unknown="a template nested too deeply")


def root_fields(template: str) -> Sequence[Word]:
    """The fields of the root that a template names; none where it cannot be read."""
    tree = read(template)
    return () if isinstance(tree, Rendered) else fields(tree)


__all__ = ["NO_VALUE", "Gap", "MissingKey", "Rendered", "StringMap", "go_value", "read", "render", "root_fields"]
