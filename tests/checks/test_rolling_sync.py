"""RL646 to RL649: fleets that are synced step by step."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from rolloutlint.graph import Layout
from rolloutlint.settings import Settings
from tests.harness import lint

FAMILY = Settings(select=("RL646", "RL647", "RL648", "RL649"))
FORMS: tuple[Any, ...] = ({"setWeight": 20}, {"pause": {"duration": "5m"}})
WAITING: tuple[Any, ...] = ({"setWeight": 20}, {"pause": {}})
STEPS = "spec.strategy.rollingSync.steps"


def rollout(strategy: dict[str, Any]) -> str:
    spec = {"selector": {"matchLabels": {"app": "cart"}}, "strategy": strategy}
    value = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "cart"}, "spec": spec}
    return yaml.safe_dump(value, sort_keys=False)


def canary(*steps: Any) -> str:
    return rollout({"canary": {"steps": list(steps)}})


def select(*values: str, operator: str = "In", **more: Any) -> dict[str, Any]:
    return {"matchExpressions": [{"key": "stage", "operator": operator, "values": list(values)}], **more}


def fleet(*steps: Any, stages: tuple[str, ...] = ("first", "second"), kind: str = "RollingSync", **sync: Any) -> str:
    elements = [{"cluster": f"c{index}", "stage": stage} for index, stage in enumerate(stages)]
    spec = {
        "project": "shop",
        "source": {"repoURL": "https://git.example/shop.git", "path": "stages/{{stage}}"},
        "destination": {"name": "{{cluster}}", "namespace": "shop"},
        **({"syncPolicy": sync} if sync else {}),
    }
    value = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "metadata": {"name": "cart", "namespace": "argocd"},
        "spec": {
            "generators": [{"list": {"elements": elements}}],
            "strategy": {"type": kind, "rollingSync": {"steps": list(steps)}},
            "template": {"metadata": {"name": "cart-{{cluster}}", "labels": {"stage": "{{stage}}"}}, "spec": spec},
        },
    }
    return yaml.safe_dump(value, sort_keys=False)


def found(sets: str, first: str = canary(*FORMS), second: str = canary(*FORMS)) -> list[tuple[str, str]]:
    files = {"argocd/fleet.yaml": sets, "stages/first/rollout.yaml": first, "stages/second/rollout.yaml": second}
    report = lint(files, FAMILY, Layout(roots=dict.fromkeys(files, ".")))
    assert not report.lost
    return [(f.finding.rule, f.path) for f in report.active]


BOTH = fleet(select("first"), select("second"))


@pytest.mark.parametrize(
    "waiting",
    [
        canary(*WAITING),
        canary({"setWeight": 5}, {"pause": {"duration": "1h"}}, {"pause": {}}),
        rollout({"blueGreen": {"activeService": "cart", "autoPromotionEnabled": False}}),
    ],
)
def test_a_step_that_waits_for_a_person_is_found(waiting: str):
    assert found(BOTH, waiting) == [("RL646", f"{STEPS}[0]")]


def test_the_last_step_may_wait_for_a_person():
    assert found(BOTH, second=canary(*WAITING)) == []


@pytest.mark.parametrize(
    "fine",
    [
        canary(*FORMS),
        rollout({"blueGreen": {"activeService": "cart", "autoPromotionEnabled": False, "autoPromotionSeconds": 60}}),
        rollout({"blueGreen": {"activeService": "cart"}}),
        rollout({}),
    ],
)
def test_a_step_that_goes_on_by_itself_is_left_alone(fine: str):
    assert found(BOTH, fine) == []


def test_each_step_is_told_once_however_many_applications_it_has():
    sets = fleet(select("first"), select("second"), stages=("first", "first", "second"))
    assert found(sets, canary(*WAITING)) == [("RL646", f"{STEPS}[0]")]


def test_without_the_strategy_nothing_waits():
    assert found(fleet(select("first"), select("second"), kind="AllAtOnce"), canary(*WAITING)) == []


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((select("first"),), [("RL647", STEPS)]),
        ((select("first"), select("first", operator="NotIn")), []),
        ((select("first"), select("second", maxUpdate=0)), [("RL647", f"{STEPS}[1].maxUpdate")]),
        ((select("first"), select("second", maxUpdate="0%")), [("RL647", f"{STEPS}[1].maxUpdate")]),
        ((select("first"), select("second", maxUpdate="1%")), []),
        ((select("first"), select("second", maxUpdate="junk")), []),
        ((select("first", "second"), select("second")), [("RL648", f"{STEPS}[1]")]),
        ((select("first"), select("third"), select("second")), [("RL648", f"{STEPS}[1]")]),
        ((select("third", maxUpdate=0), select("first", "second")), [("RL648", f"{STEPS}[0]")]),
        (({}, select("second")), [("RL648", f"{STEPS}[1]")]),
        ((select("first"), {"matchExpressions": None}), [("RL648", f"{STEPS}[1]")]),
        (({"matchExpressions": "x"}, None), [("RL648", f"{STEPS}[1]")]),
    ],
)
def test_what_steps_select(steps: tuple[Any, ...], expected: list[tuple[str, str]]):
    assert found(fleet(*steps)) == expected


def test_what_another_generator_may_add_is_not_called_empty():
    value = yaml.safe_load(fleet(select("first"), select("third"), select("second")))
    value["spec"]["generators"].append({"clusters": {}})
    assert found(yaml.safe_dump(value)) == []


def test_labels_that_are_filled_in_later_say_nothing():
    value = yaml.safe_load(fleet(select("first")))
    value["spec"]["template"]["metadata"]["labels"]["stage"] = "${STAGE}"
    assert found(yaml.safe_dump(value)) == []


@pytest.mark.parametrize(
    ("automated", "path"),
    [({}, ""), ({"prune": True}, ""), ({"selfHeal": True}, ".selfHeal"), ({"enabled": False}, None), (None, None)],
)
def test_automated_sync_that_is_switched_off_is_told(automated: Any, path: str | None):
    expected = [] if path is None else [("RL649", f"spec.template.spec.syncPolicy.automated{path}")]
    assert found(fleet(select("first"), select("second"), automated=automated)) == expected
