"""The shipped schemas, read when a document of their kind is first seen."""

from __future__ import annotations

import functools
import json
import os
from typing import Any

from rolloutlint.resources import data_dir
from rolloutlint.schema.compile import Check, compile_schema

CUSTOM = frozenset(
    (
        ("argoproj.io", "AnalysisRun"),
        ("argoproj.io", "AnalysisTemplate"),
        ("argoproj.io", "Application"),
        ("argoproj.io", "ClusterAnalysisTemplate"),
        ("argoproj.io", "Experiment"),
        ("argoproj.io", "Rollout"),
        ("networking.istio.io", "DestinationRule"),
        ("networking.istio.io", "VirtualService"),
    )
)
"""(group, kind) of every schema below `schemas/crd/`: all versions of a custom resource have the same fields."""

BUILT_IN = frozenset(
    (
        ("apps/v1", "Deployment"),
        ("apps/v1", "ReplicaSet"),
        ("autoscaling/v1", "HorizontalPodAutoscaler"),
        ("autoscaling/v2", "HorizontalPodAutoscaler"),
        ("networking.k8s.io/v1", "Ingress"),
        ("policy/v1", "PodDisruptionBudget"),
        ("v1", "ConfigMap"),
        ("v1", "PodTemplate"),
        ("v1", "Secret"),
        ("v1", "Service"),
    )
)
"""(apiVersion, kind) of every schema below `schemas/core/`: the versions of a kind differ."""

SHIPPED = CUSTOM | BUILT_IN
"""What the functions of this package take as `group` and `kind`; other pairs have no schema."""


def schema_key(group: str, version: str, kind: str) -> tuple[str, str]:
    """What names the schema of an object, if there is one: its (group, kind), or (apiVersion, kind) if built in."""
    if (group, kind) in CUSTOM:
        return group, kind
    return f"{group}/{version}" if group else version, kind


@functools.cache
def schema_of(group: str, kind: str) -> dict[str, Any]:
    """The JSON Schema of a kind in `SHIPPED`, shared: never change it. Raises `OSError` if it is not installed."""
    folder = "crd" if (group, kind) in CUSTOM else "core"
    with open(os.path.join(data_dir("schemas"), folder, *group.split("/"), f"{kind}.json"), "rb") as file:
        schema: dict[str, Any] = json.load(file)
    return schema


@functools.cache
def checker_of(group: str, kind: str) -> Check:
    """The compiled check of a kind in `SHIPPED`."""
    return compile_schema(schema_of(group, kind)) or (lambda value: True)
