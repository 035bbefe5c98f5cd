"""`rolloutlint route` as text, JSON (`schemas/rolloutlint/route-v1.json`) and pictures."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from rolloutlint.controllers.istio_hosts import MESH
from rolloutlint.report.visible import cell_width, json_text, no_command, visible
from rolloutlint.routes import Answer, Destination, Link, Location, Moment, Receiver

VERSION = 1
"""Of the JSON. A field may be added within a version only together with its schema."""

WIDTH = 100
_SHOWN = 20
"""So many entries of one kind are listed in text."""

ACTIONS: Mapping[str, str] = {
    "route": "goes to",
    "default": "goes to the Service itself: no VirtualService has a route for it",
    "redirect": "is answered by the proxy with a redirect",
    "respond": "is answered by the proxy itself (directResponse)",
    "not-found": "is answered by the proxy with 404: no route matches",
    "passthrough": "leaves the mesh as it is",
    "unbound": "is answered by nobody: the Gateway has no server for it",
}


def percent(share: Fraction) -> str:
    """`5 %`, `33.33 %`."""
    number = f"{float(share):.2f}".rstrip("0").rstrip(".")
    return f"{number} %"


def door_words(answer: Answer) -> str:
    """Through which proxy the request comes."""
    request = answer.request
    where = f", namespace {request.namespace}" if request.namespace else ""
    door = request.gateway.removeprefix("/")
    return f"from a pod of the mesh{where}" if request.gateway == MESH else f"at Gateway {door}{where}"


def request_words(answer: Answer) -> str:
    """`GET http://web.shop:80/cart`."""
    request = answer.request
    query = "&".join(f"{name}={value}" for name, value in request.query.items())
    return f"{request.method} {request.scheme}://{request.host}:{request.port}{request.path}{'?' * bool(query)}{query}"


def receiver_words(receiver: Receiver) -> str:
    """`canary pods of Rollout shop/cart`."""
    words = {
        "canary": "canary pods of ",
        "stable": "stable pods of ",
        "both": "canary and stable pods of ",
        "": "pods of ",
    }
    share = f" ({percent(receiver.share)} of these)" if receiver.share not in (None, 100) else ""
    return f"{words[receiver.version]}{receiver.workload}{share}"


def destination_words(destination: Destination) -> str:
    """Who gets the requests of a destination, in one line."""
    said = ", ".join(map(receiver_words, destination.receivers))
    if destination.role == "experiment":
        said = f"pods of the experiment's template {destination.host.partition('.')[0]}"
    elif not said:
        lost = "missing" in (destination.state, destination.pods)
        known = destination.state == "found"
        said = "nobody: the proxy answers 503" if lost else f"pods of {'no workload' if known else 'nothing'} that is"
        said += "" if lost else " among the inputs"
    if destination.role in ("canary", "stable") and not any(r.version for r in destination.receivers):
        known = all(receiver.workload == f"Rollout {destination.rollout}" for receiver in destination.receivers)
        whose = "its" if destination.receivers and known else f"Rollout {destination.rollout}'s"
        said += f", {whose} {destination.role} destination"
    return said


# ---- text ----------------------------------------------------------------------------------------------------


def _text(answers: Sequence[Answer]) -> str:
    named = len({answer.environments for answer in answers}) > 1
    return "\n".join("\n".join(map(no_command, _lines(answer, named))) + "\n" for answer in answers)


def _aside(left: str, at: Location | None) -> list[str]:
    """A line with the place at its right end, or below it where there is no room."""
    shown = visible(left)
    if at is None:
        return [shown]
    place = visible(f"{at.file}:{at.line}")
    gap = WIDTH - cell_width(shown) - cell_width(place)
    if gap >= 2:
        return [shown + " " * gap + place]
    lines = _wrapped(left.strip(), " " * (len(left) - len(left.lstrip())))
    return [*lines, " " * max(WIDTH - cell_width(place), 0) + place]


def _wrapped(words: str, indent: str, first: str = "") -> list[str]:
    return textwrap.wrap(
        visible(words),
        WIDTH,
        initial_indent=first or indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first or indent]


def _lines(answer: Answer, named: bool) -> Iterator[str]:
    """An answer line by line; with `named` it says for which environments it is."""
    yield visible(f"{request_words(answer)}   {door_words(answer)}")
    for name, value in answer.request.headers.items():
        yield visible(f"   {name}: {value}")
    if named:
        yield from _wrapped(f"in {', '.join(map(_environment, answer.environments))}", "   ")
    for moment in answer.moments:
        yield from _aside(f"   {moment_words(moment)}", moment.at)
    if not answer.certain:
        yield "   This may be otherwise: see what is unknown below"
    yield ""
    for link in answer.chain:
        yield from _aside(f"   {link.words}", link.at)
    if answer.action != "route" or not answer.destinations:
        yield f"   {ACTIONS[answer.action] if answer.action != 'route' else 'has no destination: the proxy answers'}"
    for word, destinations in (("", answer.destinations), ("copy ", answer.mirrors)):
        for destination in destinations:
            yield ""
            yield from _destination(destination, word)
    yield from _behind("not taken", [(f"VirtualService {o.name} {o.why}", o.at) for o in answer.others])
    yield from _behind("skipped", [(_skip(s.rule, s.why, s.perhaps), s.at) for s in answer.skipped])
    shadowed = [(f"{s.rule}, behind {s.by.file}:{s.by.line}", s.at) for s in answer.shadowed]
    yield from _behind("never reached", shadowed)
    yield from _behind("unknown", [(words, None) for words in answer.unknown])
    yield from _behind("note", [(words, None) for words in answer.notes])


def moment_words(moment: Moment) -> str:
    """Where a Rollout stands."""
    if moment.step is None:
        return f"Rollout {moment.rollout} {moment.words} (see --step)"
    weight = f", canary weight {moment.weight}" if moment.weight is not None and moment.step not in (0, "end") else ""
    return f"Rollout {moment.rollout}: {moment.words}{weight}"


def _environment(scope: str) -> str:
    kind, _, name = scope.partition(":")
    words = {"dir": "directory", "kustomize": "kustomization", "cluster": "cluster"}.get(kind, kind)
    return f"{words} {'.' if name in ('', '.') else name}"


def _skip(rule: str, why: Sequence[str], perhaps: bool) -> str:
    wants = ", ".join(why)
    return f"{rule}: {'may match: ' if perhaps else 'wants '}{wants}" if wants else rule


def _destination(destination: Destination, word: str) -> Iterator[str]:
    share = percent(destination.share)
    weight = f" (weight {destination.weight})" if destination.weight is not None else ""
    yield from _wrapped(f"{word}{destination_words(destination)}{weight}", " " * 12, f"   {share:>8} ")
    for link in destination.chain:
        yield from _aside(f"            {link.words}", link.at)
    labels = ", ".join(f"{key}={value}" for key, value in destination.labels)
    if labels:
        yield from _wrapped(f"pods with {labels}", " " * 14, " " * 12)
    for workload, at in dict.fromkeys((receiver.workload, receiver.at) for receiver in destination.receivers):
        yield from _aside(f"            {workload}", at)
    if destination.problem:
        yield from _wrapped(f"{destination.state}: {destination.problem}", " " * 14, " " * 12)


def _behind(title: str, entries: Sequence[tuple[str, Location | None]]) -> Iterator[str]:
    if entries:
        yield ""
        yield f"   {title}"
        for words, at in entries[:_SHOWN]:
            yield from _aside(f"      {words}", at) if at is not None else _wrapped(words, " " * 6)
        if len(entries) > _SHOWN:
            yield f"      and {len(entries) - _SHOWN} more, which -f json lists"


# ---- JSON ----------------------------------------------------------------------------------------------------


def _json(answers: Sequence[Answer]) -> str:
    shown = ",\n".join(json_text(_answer(answer)) for answer in answers)
    return f'{{"version": {VERSION}, "answers": [{shown}]}}\n'


def _location(at: Location | None) -> dict[str, Any] | None:
    return None if at is None else {**at._asdict(), "resource": at.resource._asdict()}


def _links(links: Sequence[Link]) -> list[dict[str, Any]]:
    return [{"kind": link.kind, "words": link.words, "at": _location(link.at)} for link in links]


def _number(share: Fraction | None) -> float | None:
    return None if share is None else round(float(share), 4)


def _destination_object(destination: Destination) -> dict[str, Any]:
    return {
        **destination._asdict(),
        "share": _number(destination.share),
        "chain": _links(destination.chain),
        "labels": dict(destination.labels),
        "receivers": [
            {**receiver._asdict(), "share": _number(receiver.share), "at": _location(receiver.at)}
            for receiver in destination.receivers
        ],
    }


def _answer(answer: Answer) -> dict[str, Any]:
    request = answer.request
    return {
        "environments": list(answer.environments),
        "request": {
            "host": request.host,
            "path": request.path,
            "method": request.method,
            "headers": dict(request.headers),
            "query": dict(request.query),
            "scheme": request.scheme,
            "port": request.port,
            "from": request.gateway,
            "namespace": request.namespace,
            "labels": None if request.labels is None else dict(request.labels),
        },
        "host": answer.host,
        "action": answer.action,
        "certain": answer.certain,
        "fails": answer.fails,
        "rollouts": [{**m._asdict(), "at": _location(m.at)} for m in answer.moments],
        "chain": _links(answer.chain),
        "destinations": [_destination_object(each) for each in answer.destinations],
        "mirrors": [_destination_object(each) for each in answer.mirrors],
        "others": [{**other._asdict(), "at": _location(other.at)} for other in answer.others],
        "skipped": [{**s._asdict(), "why": list(s.why), "at": _location(s.at)} for s in answer.skipped],
        "shadowed": [{"rule": s.rule, "at": _location(s.at), "by": _location(s.by)} for s in answer.shadowed],
        "unknown": list(answer.unknown),
        "notes": list(answer.notes),
    }


# ---- pictures ------------------------------------------------------------------------------------------------


def _drawn(form: str) -> Callable[[Sequence[Answer]], str]:
    def render(answers: Sequence[Answer]) -> str:
        from rolloutlint.report import graph
        from rolloutlint.report.route_picture import route_picture

        return graph.FORMATS[form](route_picture(answers))

    return render


FORMATS: Mapping[str, Callable[[Sequence[Answer]], str]] = MappingProxyType(
    {"text": _text, "json": _json, **{form: _drawn(form) for form in ("mermaid", "dot", "svg")}}
)
"""Format name -> renderer of answers; each answer ends in a newline."""

SUFFIXES: Mapping[str, str] = MappingProxyType(
    {".json": "json", ".svg": "svg", ".mmd": "mermaid", ".mermaid": "mermaid", ".dot": "dot", ".gv": "dot"}
)
"""Suffix of an output file -> the format it asks for."""
