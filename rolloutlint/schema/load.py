"""The shipped schemas, read when a document of their kind is first seen."""

from __future__ import annotations

import functools
import json
import os
from typing import Any

from rolloutlint.resources import data_dir
from rolloutlint.schema.compile import Check, compile_schema

SHIPPED = frozenset(
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
"""(group, kind) of every schema below `schemas/crd/`."""


@functools.cache
def schema_of(group: str, kind: str) -> dict[str, Any]:
    """The JSON Schema of a kind in `SHIPPED`, shared: never change it. Raises `OSError` if it is not installed."""
    with open(os.path.join(data_dir("schemas"), "crd", group, f"{kind}.json"), "rb") as file:
        schema: dict[str, Any] = json.load(file)
    return schema


@functools.cache
def checker_of(group: str, kind: str) -> Check:
    """The compiled check of a kind in `SHIPPED`."""
    return compile_schema(schema_of(group, kind)) or (lambda value: True)
