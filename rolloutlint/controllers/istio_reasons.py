"""Why a request is not matched by an entry of `match`, condition by condition, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rolloutlint.controllers.istio_hosts import MESH
from rolloutlint.controllers.istio_matching import Match, Request, Text, is_claim, matches


class Unmet(NamedTuple):
    """One condition that does not hold, or of which that is not known."""

    words: str
    perhaps: bool
    """True where it may hold after all."""


def unmet(match: Match, request: Request, bound: tuple[str, ...] = (MESH,)) -> tuple[Unmet, ...]:
    """The conditions of `match` that fail for a request, or may; empty where all hold.

    `bound`: the gateways of the VirtualService, as for `matches`.
    """
    found = []
    for words, single in _conditions(match):
        answer = matches(single, request, bound)
        if answer is not True:
            found.append(Unmet(words, answer is None))
    if not match.readable and not any(not each.perhaps for each in found):
        found.append(Unmet("a condition is malformed or filled in later", True))
    return tuple(found)


def conditions(match: Match) -> tuple[str, ...]:
    """What `match` asks for, condition by condition; empty where it asks for nothing."""
    return tuple(words for words, _ in _conditions(match))


def _conditions(match: Match) -> Iterator[tuple[str, Match]]:
    """Each condition alone, with what to say where it fails."""
    if match.gateways:
        yield f"only for {', '.join(sorted(match.gateways))}", Match(gateways=match.gateways)
    if match.port:
        yield f"only on port {match.port}", Match(port=match.port)
    if match.namespace:
        yield f"only from namespace {match.namespace}", Match(namespace=match.namespace)
    if match.labels:
        shown = ", ".join(f"{key}={value}" for key, value in sorted(match.labels))
        yield f"only from pods with {shown}", Match(labels=match.labels)
    if match.path is not None:
        case = " in any case" if match.any_case else ""
        yield f"path {_wanted(match.path)}{case}", Match(path=match.path, any_case=match.any_case)
    for name, text in match.fields:
        yield f"{name} {_wanted(text)}", Match(fields=((name, text),))
    for name, text in match.headers:
        kind = "claim" if is_claim(name) else "header"
        yield f"{kind} {name} {_wanted(text)}", Match(headers=((name, text),))
    for name, text in match.without:
        said = "absent" if text.kind == "present" else f"not {_wanted(text)}"
        yield f"header {name} {said}", Match(without=((name, text),))
    for name, text in match.query:
        yield f"query parameter {name} {_wanted(text)}", Match(query=((name, text),))


def _wanted(text: Text) -> str:
    if text.kind == "present":
        return "present"
    kind = {"exact": "", "prefix": "prefix ", "regex": "regex "}[text.kind]
    return f"{kind}{text.value}" if text.value else f"{kind}empty"
