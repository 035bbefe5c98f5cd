"""A long rollout as YAML, and how long its simulation takes in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time

GATES = 10
METRICS = 5
MEASUREMENTS = 20


def long_rollout() -> str:
    """A Rollout of 30 steps, every third an analysis of five metrics with 20 measurements, and five more beside it."""
    steps = "".join(
        f"      - setWeight: {(number + 1) * 100 // GATES}\n"
        "      - pause: {duration: 5m}\n"
        "      - analysis: {templates: [{templateName: gate}]}\n"
        for number in range(GATES)
    )
    return f"""\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {{name: long, namespace: shop}}
spec:
  replicas: 20
  selector: {{matchLabels: {{app: long}}}}
  template:
    metadata: {{labels: {{app: long}}}}
    spec: {{containers: [{{name: web, image: web:1}}]}}
  strategy:
    canary:
      canaryService: long-canary
      stableService: long
      trafficRouting: {{nginx: {{stableIngress: long}}}}
      analysis: {{templates: [{{templateName: beside}}]}}
      steps:
{steps}{_template("gate", f"count: {MEASUREMENTS}, failureLimit: 2")}{_template("beside", "failureLimit: 2")}"""


def _template(name: str, limits: str) -> str:
    metrics = "".join(
        f"  - name: {name}-{number}\n"
        f"    initialDelay: {number * 10}s\n"
        f"    interval: 1m\n"
        + "".join(f"    {limit}\n" for limit in limits.split(", "))
        + "    successCondition: result[0] >= 0.95\n"
        "    failureCondition: result[0] < 0.9\n"
        "    provider: {prometheus: {address: 'http://prometheus:9090', query: sum(up)}}\n"
        for number in range(METRICS)
    )
    return f"""\
---
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {{name: {name}, namespace: shop}}
spec:
  metrics:
{metrics}"""


def seconds(folder: str, rounds: int) -> float:
    """Wall time of `rolloutlint simulate` on it, the best of the rounds."""
    path = os.path.join(folder, "long.yaml")
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(long_rollout())
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "rolloutlint", "simulate", path], check=True, stdout=subprocess.DEVNULL)
        best = min(best, time.perf_counter() - start)
    return best
