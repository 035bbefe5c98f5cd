"""Manifests about traffic, as plain values, for the tests of several families of rules."""

from __future__ import annotations

from typing import Any

import yaml

from rolloutlint.settings import Settings, Targets, Version
from tests.harness import found, lint

Manifest = dict[str, Any]


def obj(api: str, kind: str, name: str, spec: Any, namespace: str = "shop", **metadata: Any) -> Manifest:
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": {"name": name, **({"namespace": namespace} if namespace else {}), **metadata},
        "spec": spec,
    }


def canary(name: str = "cart", namespace: str = "shop", more: Any = None, **strategy: Any) -> Manifest:
    """A Rollout with a canary strategy; `more` goes beside the strategy."""
    return _rollout(name, namespace, {"canary": strategy}, more)


def blue_green(name: str = "cart", more: Any = None, **strategy: Any) -> Manifest:
    return _rollout(name, "shop", {"blueGreen": strategy}, more)


def _rollout(name: str, namespace: str, strategy: Any, more: Any) -> Manifest:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "app", "image": "app:1"}]}}
    spec = {"selector": {"matchLabels": {"app": name}}, "template": template, "strategy": strategy, **(more or {})}
    return obj("argoproj.io/v1alpha1", "Rollout", name, spec, namespace)


PAIR = {"canaryService": "cart-canary", "stableService": "cart"}


def service(name: str, *ports: Any, selector: Any = None, **more: Any) -> Manifest:
    listed = list(ports) or [{"name": "http", "port": 80}]
    return obj("v1", "Service", name, {"selector": selector or {"app": "cart"}, "ports": listed, **more})


def ingress(*backends: Any, name: str = "cart", **spec: Any) -> Manifest:
    """Each backend is a Service's name, with port 80, or a mapping."""
    full = [{"service": {"name": b, "port": {"number": 80}}} if isinstance(b, str) else b for b in backends]
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend} for backend in full]
    return obj("networking.k8s.io/v1", "Ingress", name, {"rules": [{"http": {"paths": paths}}], **spec})


def virtual_service(*http: Any, name: str = "cart", namespace: str = "shop", **sections: Any) -> Manifest:
    spec = {"hosts": ["cart"], **({"http": list(http)} if http else {}), **sections}
    return obj("networking.istio.io/v1", "VirtualService", name, spec, namespace)


def destination_rule(*subsets: str, host: str = "cart", namespace: str = "shop", name: str = "cart") -> Manifest:
    listed = [{"name": subset, "labels": {"app": "cart"}} for subset in subsets]
    return obj("networking.istio.io/v1", "DestinationRule", name, {"host": host, "subsets": listed}, namespace)


def to(host: str, weight: int | None = None, subset: str = "", port: int | None = None) -> Any:
    destination: dict[str, Any] = {"host": host, **({"subset": subset} if subset else {})}
    if port is not None:
        destination["port"] = {"number": port}
    return {"destination": destination, **({} if weight is None else {"weight": weight})}


def route(*destinations: Any, name: str = "primary", **more: Any) -> Any:
    return {**({"name": name} if name else {}), **more, "route": list(destinations)}


PRIMARY = route(to("cart", 100), to("cart-canary", 0))
BY_SUBSET = route(to("cart", 100, "stable"), to("cart", 0, "canary"))
SUBSETS = {"name": "cart", "canarySubsetName": "canary", "stableSubsetName": "stable"}


def use(**more: Any) -> Any:
    """The `istio` router with the VirtualService `cart` and its route `primary`."""
    return {"virtualService": {"name": "cart", "routes": ["primary"]}, **more}


MATCH = [{"headerName": "x-tester", "headerValue": {"exact": "yes"}}]
HEADER = {"setHeaderRoute": {"name": "testers", "match": MATCH}}
MIRROR = {"setMirrorRoute": {"name": "testers", "match": [{"method": {"exact": "GET"}}]}}
MANAGED = [{"name": "testers"}]


def findings(rule: str, *objects: Manifest, rollouts: str = "1.9", closed: bool = False) -> list[str]:
    """The paths of the findings of one rule, in report order."""
    major, _, minor = rollouts.partition(".")
    targets = Targets(rollouts=Version(int(major), int(minor)))
    report = lint(_yaml(*objects), Settings(select=(rule,), targets=targets, closed=closed))
    assert not report.lost
    return [path for _, _, path in found(report)]


def messages(rule: str, *objects: Manifest, rollouts: str = "1.9") -> list[str]:
    major, _, minor = rollouts.partition(".")
    targets = Targets(rollouts=Version(int(major), int(minor)))
    report = lint(_yaml(*objects), Settings(select=(rule,), targets=targets))
    return [f.finding.message for f in report.active]


def related(rule: str, *objects: Manifest) -> list[list[str]]:
    """The kinds of object that each finding of one rule names beside its own."""
    report = lint(_yaml(*objects), Settings(select=(rule,)))
    return [[r.resource.kind for r in f.finding.related if r.resource is not None] for f in report.active]


def _yaml(*objects: Manifest) -> str:
    text: str = yaml.dump_all(objects, Dumper=_Dumper, sort_keys=False)
    return text


class _Dumper(yaml.SafeDumper):
    """Writes shared values out each time: an alias is another place."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
