"""Which Rollouts are simulated, in which order, with which outcomes, and one history replayed."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolloutlint.engine import open_paths
from rolloutlint.errors import UsageError
from rolloutlint.graph import World
from rolloutlint.settings import Settings
from rolloutlint.simulations import plans, replays, simulations
from tests.harness import CATALOGUE

TEMPLATE = """\
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: rates, namespace: shop}
spec:
  metrics:
    - name: errors
      interval: 1m
      count: 3
      failureLimit: 1
      successCondition: result[0] < 0.05
      provider:
        prometheus:
          address: http://prometheus:9090
          query: sum(rate(x_total{code=~"5.."}[5m])) / sum(rate(x_total[5m]))
"""

ROLLOUT = """\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: NAME, namespace: shop}
spec:
  replicas: 10
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec: {containers: [{name: app, image: app:1}]}
  strategy:
    canary:
      steps:
        - setWeight: 20
        - pause: {duration: 5m}
        STEP
        - setWeight: 60
        - pause: {duration: 5m}
"""


def world(folder: Path, *, together: str = "") -> World:
    folder.joinpath("rates.yaml").write_text(TEMPLATE + together)
    measured = "- analysis: {templates: [{templateName: rates}]}"
    folder.joinpath("a.yaml").write_text(ROLLOUT.replace("NAME", "measured").replace("STEP", measured))
    folder.joinpath("b.yaml").write_text(ROLLOUT.replace("NAME", "blind").replace("STEP", "- setWeight: 40"))
    return open_paths((str(folder),), Settings(), CATALOGUE).world


def test_the_worst_rollout_comes_first(tmp_path: Path) -> None:
    found = simulations(plans(world(tmp_path), Settings()))
    assert [each.plan.rollout.name for each in found] == ["blind", "measured"]


def test_one_rollout_may_be_asked_for(tmp_path: Path) -> None:
    found = plans(world(tmp_path), Settings(), "shop/measured")
    assert [plan.rollout.name for plan in found] == ["measured"]


def test_an_unknown_rollout_is_a_usage_error_with_what_was_meant(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean `shop/measured`"):
        plans(world(tmp_path), Settings(), "shop/mesured")


def test_a_query_world_narrows_what_measurements_give(tmp_path: Path) -> None:
    (plan,) = plans(world(tmp_path), Settings(), "shop/measured", "absent")
    (metric,) = (m for stage in plan.stages for m in _metrics(stage))
    assert metric.outcomes == "E"
    assert plan.notes[-1] == "measurements as in the world `absent`: no series at all"


def test_what_cannot_be_judged_in_a_world_stays_open_and_is_said(tmp_path: Path) -> None:
    later = "    - {name: later, count: 1, provider: {web: {url: http://x}}, successCondition: '{{args.x}}'}\n"
    (plan,) = plans(world(tmp_path, together=later), Settings(), "shop/measured", "idle")
    found = {m.name: m.outcomes for stage in plan.stages for m in _metrics(stage)}
    assert found.get("later", "SFIE") != ""
    assert "not known for later" in plan.notes[-1]


def _metrics(stage: object) -> tuple[object, ...]:
    run = getattr(getattr(stage, "wait", None), "run", None)
    return () if run is None else run.metrics


# ---- one history ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["errors", "rates:errors"])
def test_a_history_is_replayed_and_its_last_letter_repeats(tmp_path: Path, name: str) -> None:
    (replay,) = replays(plans(world(tmp_path), Settings()), [(name, "SF")])
    assert [one.outcome for one in replay.walk.taken] == ["S", "F", "F"]
    assert replay.walk.kind == "aborted"


def test_the_longer_name_of_a_metric_wins(tmp_path: Path) -> None:
    (replay,) = replays(plans(world(tmp_path), Settings()), [("rates:errors", "S"), ("errors", "F")])
    assert replay.walk.kind == "promoted"


def test_only_rollouts_that_have_the_metric_are_replayed(tmp_path: Path) -> None:
    found = replays(plans(world(tmp_path), Settings()), [("errors", "S")])
    assert [each.plan.rollout.name for each in found] == ["measured"]


def test_an_unknown_metric_is_a_usage_error_with_what_was_meant(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no metric `error` in .*: did you mean `errors`"):
        replays(plans(world(tmp_path), Settings()), [("error", "S")])


def test_an_unknown_metric_without_a_near_one_lists_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is `errors`"):
        replays(plans(world(tmp_path), Settings()), [("saturation", "S")])
