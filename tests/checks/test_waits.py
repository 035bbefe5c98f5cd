"""RL626: syncs that wait for a person."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.settings import Settings
from tests.harness import lint

FAMILY = Settings(select=("RL626",))
LATER = {"argocd.argoproj.io/sync-wave": "1"}
POST_SYNC = {"argocd.argoproj.io/hook": "PostSync"}


def application(*options: str, path: str = "cart") -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "shop", "namespace": "argocd"},
        "spec": {
            "source": {"repoURL": "https://git.example/deploy.git", "path": path},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
            "syncPolicy": {"automated": {}, "syncOptions": list(options)},
        },
    }


def rollout(annotations: Any = None, strategy: Any = None, **spec: Any) -> dict[str, Any]:
    blue_green = {"blueGreen": {"activeService": "cart", "autoPromotionEnabled": False}}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "cart", **({"annotations": annotations} if annotations else {})},
        "spec": {"strategy": blue_green if strategy is None else strategy, **spec},
    }


def job(annotations: Any) -> dict[str, Any]:
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "later", "annotations": annotations}}


def report(app: dict[str, Any], *delivered: Any) -> Any:
    files = {"apps/shop.yaml": yaml.safe_dump(app), "cart/all.yaml": yaml.safe_dump_all(delivered)}
    result = lint(files, FAMILY)
    assert not result.lost
    return result


def found(app: dict[str, Any], *delivered: Any) -> list[str]:
    return [f.path for f in report(app, *delivered).active]


PROMOTION = "spec.strategy.blueGreen.autoPromotionEnabled"
SECONDS = {"blueGreen": {"activeService": "cart", "autoPromotionEnabled": False, "autoPromotionSeconds": 60}}
AUTOMATIC = {"blueGreen": {"activeService": "cart", "autoPromotionSeconds": 60}}
CANARY = {"canary": {"steps": [{"setWeight": 20}]}}


@pytest.mark.parametrize(
    ("name", "app", "delivered", "expected"),
    [
        ("a later wave", application(), (rollout(), job(LATER)), [PROMOTION]),
        ("a hook", application(), (rollout(), job(POST_SYNC)), [PROMOTION]),
        ("prunes", application("PruneLast=true"), (rollout(),), [PROMOTION]),
        ("seconds beside it count for nothing", application(), (rollout(strategy=SECONDS), job(LATER)), [PROMOTION]),
        ("paused", application(), (rollout(strategy=CANARY, paused=True), job(LATER)), ["spec.paused"]),
        ("both", application(), (rollout(paused=True), job(POST_SYNC)), ["spec.paused"]),
        ("nothing later", application(), (rollout(), job({})), []),
        ("an earlier wave", application(), (rollout(LATER), job(LATER)), []),
        ("only what has changed", application("ApplyOutOfSyncOnly=true"), (rollout(), job(LATER)), []),
        ("another Application", application(path="other"), (rollout(), job(LATER)), []),
        ("promoted after a time", application(), (rollout(strategy=AUTOMATIC), job(LATER)), []),
        ("a canary", application(), (rollout(strategy=CANARY), job(LATER)), []),
        ("not paused", application(), (rollout(strategy=CANARY, paused=False), job(LATER)), []),
        ("filled in later", application(), (rollout(strategy=CANARY, paused="{{ paused }}"), job(LATER)), []),
        ("a Rollout that is a hook", application(), (rollout(POST_SYNC), job(LATER)), []),
        ("null", application(), (rollout(strategy={"blueGreen": None}), job(LATER)), []),
    ],
)
def test_a_release_that_a_person_ends_holds_what_comes_later(name: str, app: Any, delivered: Any, expected: Any):
    assert found(app, *delivered) == expected, name


def test_the_finding_names_what_waits():
    (finding,) = report(application(), rollout(), job(POST_SYNC)).active
    assert "Job `later` waits" in finding.finding.message
    assert [r.message for r in finding.finding.related] == ["waits for it"]


def test_an_object_inside_a_list_is_found_too():
    items = {"apiVersion": "v1", "kind": "List", "items": [job(LATER), rollout()]}
    assert found(application(), items) == [f"items[1].{PROMOTION}"]


trees = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "x", "{{ y }}"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["blueGreen", "autoPromotionEnabled", "canary"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(trees, trees)
def test_no_strategy_crashes_the_check(strategy: Any, paused: Any):
    report(application(), {**rollout(paused=paused), "spec": {"strategy": strategy, "paused": paused}}, job(LATER))
