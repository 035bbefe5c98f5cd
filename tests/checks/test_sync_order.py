"""RL632 against Applications that sync a Rollout and what it names in several waves."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from rolloutlint.settings import Settings
from tests.harness import lint

WAVE = "argocd.argoproj.io/sync-wave"


def obj(api: str, kind: str, name: str, wave: Any, **more: Any) -> dict[str, Any]:
    metadata = {"name": name, **({"annotations": {WAVE: wave}} if wave is not None else {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **more}


def rollout(wave: Any = None) -> dict[str, Any]:
    steps = [{"setWeight": 10}, {"analysis": {"templates": [{"templateName": "errors"}]}}]
    routing = {"istio": {"virtualService": {"name": "web"}, "destinationRule": {"name": "web"}}}
    canary = {"canaryService": "canary", "stableService": "stable", "trafficRouting": routing, "steps": steps}
    return obj("argoproj.io/v1alpha1", "Rollout", "web", wave, spec={"strategy": {"canary": canary}})


def service(wave: Any = None, name: str = "stable") -> dict[str, Any]:
    return obj("v1", "Service", name, wave, spec={})


def template(wave: Any = None) -> dict[str, Any]:
    return obj("argoproj.io/v1alpha1", "AnalysisTemplate", "errors", wave, spec={})


def istio(kind: str, wave: Any = None) -> dict[str, Any]:
    return obj("networking.istio.io/v1", kind, "web", wave, spec={})


def application(path: str) -> dict[str, Any]:
    source = {"repoURL": "https://git.example/shop/deploy.git", "path": path, "targetRevision": "main"}
    destination = {"server": "https://kubernetes.default.svc", "namespace": "shop"}
    return obj("argoproj.io/v1alpha1", "Application", path, None, spec={"source": source, "destination": destination})


def found(*delivered: dict[str, Any], apart: dict[str, Any] | None = None, synced: bool = True) -> list[str]:
    files = {
        "web/all.yaml": yaml.safe_dump_all(delivered),
        "other/all.yaml": yaml.safe_dump(apart or service(name="x")),
    }
    if synced:
        files["apps.yaml"] = yaml.safe_dump_all([application("web"), application("other")])
    report = lint(files, Settings(select=("RL632",)))
    assert not report.lost
    return [f.finding.message.partition("brings ")[2] for f in report.active]


@pytest.mark.parametrize(
    ("delivered", "names"),
    [
        ((rollout(), service("1")), "Service `stable`"),
        ((rollout("-1"), service()), "Service `stable`"),
        ((rollout("2"), service("3"), service("4", "canary")), "Service `stable`, Service `canary`"),
        ((rollout(), service(), template("1")), "AnalysisTemplate `errors`"),
        ((rollout(), istio("VirtualService", "1")), "VirtualService `web`"),
        (({"apiVersion": "v1", "kind": "List", "items": [service("1"), rollout()]},), "Service `stable`"),
    ],
)
def test_what_comes_after_the_rollout_that_names_it_is_found(delivered: Any, names: str):
    assert found(*delivered) == [names]


HOOK = service("1")
HOOK["metadata"]["annotations"]["argocd.argoproj.io/hook"] = "PreSync"


@pytest.mark.parametrize(
    ("name", "delivered"),
    [
        ("one wave", (rollout("1"), service("1"), template("1"))),
        ("before it", (rollout("1"), service(), template("-1"))),
        ("no waves", (rollout(), service(), template())),
        ("not named", (rollout(), service(), service("1", "other"))),
        ("a DestinationRule refuses nothing", (rollout(), istio("DestinationRule", "1"))),
        ("a hook", (rollout(), HOOK)),
        ("filled in later", (rollout(), service("{{ wave }}"))),
        ("filled in later here", (rollout("${WAVE}"), service("1"))),
        ("no integer is wave 0", (rollout(), service("late"))),
        ("null", (rollout(), {**service(), "metadata": {"name": "stable", "annotations": None}})),
        ("another type", (rollout(), {**service(), "metadata": {"name": "stable", "annotations": [WAVE]}})),
    ],
)
def test_other_orders_are_left_alone(name: str, delivered: Any):
    assert found(*delivered) == [], name


def test_another_application_has_waves_of_its_own():
    assert found(rollout(), template("0"), apart=service("1")) == []


def test_without_an_application_there_are_no_waves():
    assert found(rollout(), service("1"), synced=False) == []


def test_the_finding_stands_at_the_wave_that_is_written():
    texts = {"apps.yaml": yaml.safe_dump(application("."))}
    for mine, later, kind in (("-1", None, "Rollout"), (None, "1", "Service")):
        texts["all.yaml"] = yaml.safe_dump_all([rollout(mine), service(later)])
        (finding,) = lint(texts, Settings(select=("RL632",))).active
        assert finding.finding.at.document.number == (0 if kind == "Rollout" else 1)
        assert WAVE in finding.path
