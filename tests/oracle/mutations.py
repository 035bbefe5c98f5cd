"""Rollouts that are nearly valid: one to three changes to those of `manifests.yaml`, the same ones for a seed.

A change drops a field or an item, repeats an item, gives a value another one of its type (numbers out of range, texts
that are no duration or no name, the value of another field), or adds a piece that is well-formed somewhere: a second
strategy, another router, a step. No value gets another type: of such ones the controller never learns.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

MANIFESTS = Path(__file__).with_name("manifests.yaml")
NUMBERS = (-2147483648, -1, 0, 1, 2, 99, 100, 101, 600, 1000, 1001, 65536, 2147483647)
TEXTS = ("", "a", "A_b", "x" * 64, "-5", "0", "5m", "1d", "0%", "30%", "12.5%", "metadata.labels", "metadata.uid.x")
ROUTERS: dict[str, Any] = {
    "istio": {"virtualService": {"name": "v"}},
    "nginx": {"stableIngress": "i"},
    "alb": {"ingress": "i", "servicePort": 80},
    "smi": {},
    "ambassador": {"mappings": ["m"]},
    "traefik": {"weightedTraefikServiceName": "t"},
    "apisix": {"route": {"name": "r"}},
    "plugins": {"example/router": {"any": "thing"}},
}
STEPS: tuple[Any, ...] = (
    {},
    {"pause": {}},
    {"pause": {"duration": "-1h"}},
    {"setWeight": 20, "pause": {"duration": 1}},
    {"setWeight": 20, "setCanaryScale": {"weight": 20}},
    {"setCanaryScale": {"replicas": 1}},
    {"setHeaderRoute": {"name": "by-header"}},
    {"setHeaderRoute": {"name": "new", "match": [{"headerName": "h", "headerValue": {"prefix": "p"}}]}},
    {"setHeaderRoute": {"name": "beta", "match": [{"headerName": "h", "headerValue": {"exact": "e", "regex": "r"}}]}},
    {"setHeaderRoute": {"name": "beta", "match": [{"headerName": "h", "headerValue": {}}]}},
    {"setMirrorRoute": {"name": "shadow", "match": [{"method": {}}]}},
    {"setMirrorRoute": {"name": "shadow", "match": [{"path": {"exact": "/", "prefix": "/"}}]}},
    {"setMirrorRoute": {"name": "other"}},
    {"experiment": {"templates": [{"name": "t", "specRef": "stable", "weight": 5}]}},
    {"plugin": {"name": "example/step"}},
    {"analysis": {"args": [{"name": "a", "valueFrom": {"fieldRef": {"fieldPath": "metadata.generation"}}}]}},
)
PIECES: tuple[tuple[tuple[str, ...], Any], ...] = (
    (("minReadySeconds",), 600),
    (("minReadySeconds",), -1),
    (("progressDeadlineSeconds",), 0),
    (("revisionHistoryLimit",), 1),
    (("revisionHistoryLimit",), -1),
    (("selector",), {}),
    (("selector",), {"matchExpressions": [{"key": "app", "operator": "In"}]}),
    (("selector",), {"matchLabels": {"tier": "none"}}),
    (("template",), {"metadata": {"labels": {"app": "borrowed"}}}),
    (("workloadRef",), {"apiVersion": "apps/v1", "kind": "Deployment", "name": "w"}),
    (("strategy",), {}),
    (("strategy", "canary"), {}),
    (("strategy", "blueGreen"), {"activeService": "same", "previewService": "same"}),
    (("strategy", "blueGreen", "scaleDownDelayRevisionLimit"), 11),
    (("strategy", "canary", "maxSurge"), "0%"),
    (("strategy", "canary", "maxUnavailable"), "none"),
    (("strategy", "canary", "maxUnavailable"), 0),
    (("strategy", "canary", "scaleDownDelaySeconds"), 0),
    (("strategy", "canary", "dynamicStableScale"), True),
    (("strategy", "canary", "stableService"), "meshed-canary"),
    (("strategy", "canary", "antiAffinity"), {}),
    (("strategy", "canary", "pingPong"), {"pingService": "one", "pongService": "one"}),
    (("strategy", "canary", "trafficRouting"), {}),
    (("strategy", "canary", "trafficRouting", "maxTrafficWeight"), 50),
    (("strategy", "canary", "trafficRouting", "managedRoutes"), [{"name": "beta"}]),
    *((("strategy", "canary", "trafficRouting"), {name: router}) for name, router in ROUTERS.items()),
    *((("strategy", "canary", "trafficRouting", name), router) for name, router in ROUTERS.items()),
)


def bases() -> list[dict[str, Any]]:
    """The Rollouts of `manifests.yaml`."""
    return list(yaml.safe_load_all(MANIFESTS.read_text(encoding="utf-8")))


def mutations(seed: object, count: int) -> Iterator[dict[str, Any]]:
    """That many Rollouts, one after the other from each base."""
    originals = bases()
    for number in range(count):
        chance = random.Random(f"{seed}/{number}")
        mutant = copy.deepcopy(originals[number % len(originals)])
        for _ in range(chance.choice((1, 1, 2, 3))):
            _change(mutant["spec"], chance)
        yield mutant


def _change(spec: dict[str, Any], chance: random.Random) -> None:
    places = list(_places(spec))
    kind = chance.choice(("drop", "value", "value", "piece", "piece", "step", "repeat"))
    if kind == "drop":
        parent, key = chance.choice(places)
        del parent[key]
    elif kind == "value":
        parent, key = chance.choice([(p, k) for p, k in places if isinstance(p[k], (str, int))])
        parent[key] = _other(spec, parent[key], chance)
    elif kind == "piece":
        path, piece = chance.choice(PIECES)
        parent = spec
        for name in path[:-1]:
            parent = parent.setdefault(name, {})
        parent[path[-1]] = copy.deepcopy(piece)
    elif kind == "step":
        canary = spec.get("strategy", {}).get("canary")
        if canary is not None:
            steps = canary.setdefault("steps", [])
            steps.insert(chance.randint(0, len(steps)), copy.deepcopy(chance.choice(STEPS)))
    else:
        lists = [p[k] for p, k in places if isinstance(p[k], list) and p[k]]
        if lists:
            items = chance.choice(lists)
            items.append(copy.deepcopy(chance.choice(items)))


def _other(spec: dict[str, Any], value: Any, chance: random.Random) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return chance.choice(NUMBERS)
    if chance.random() < 0.5:
        return chance.choice(TEXTS)
    return chance.choice(sorted({p[k] for p, k in _places(spec) if isinstance(p[k], str)}))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """(mapping or list, key or index) of everything inside."""
    items = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    for key, below in items:
        yield value, key
        yield from _places(below)
