"""Rollouts that differ in names and places only are simulated once, and told each with its own."""

from __future__ import annotations

import pytest

from rolloutlint.settings import Settings
from rolloutlint.simulate.alike import Seen, simulate_alike
from rolloutlint.simulate.linked import plan_of
from rolloutlint.simulate.simulation import simulate
from tests.plan.planning import opened

TEMPLATE = """
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {{name: rate, namespace: {name}}}
spec:
  metrics:
  - name: rate
    interval: 1m
    count: 5
    failureLimit: 1
    provider: {{job: {{spec: {{}}}}}}
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {{name: {name}, namespace: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: x}}}}
  template: {{metadata: {{labels: {{app: x}}}}, spec: {{containers: [{{name: x, image: x}}]}}}}
  strategy:
    canary:
      analysis: {{templates: [{{templateName: rate}}], startingStep: 1}}
      steps: [{{setWeight: 20}}, {{pause: {{duration: 10m}}}}, {{analysis: {{templates: [{{templateName: rate}}]}}}}]
"""


@pytest.mark.parametrize(("replicas", "forms"), [(4, 1), (10, 2)])
def test_the_answer_is_that_of_a_simulation_of_its_own(replicas: int, forms: int) -> None:
    other = TEMPLATE.format(name="search", replicas=replicas)
    texts = {"a.yaml": TEMPLATE.format(name="cart", replicas=4), "b.yaml": f"# second\n{other}"}
    world = opened(texts).world
    seen: Seen = {}
    for resource in world.of_kind("argoproj.io", "Rollout"):
        plan = plan_of(world, world.view(resource), Settings())  # type: ignore[arg-type]
        assert plan is not None
        assert simulate_alike(plan, seen) == simulate(plan)
    assert len(seen) == forms
