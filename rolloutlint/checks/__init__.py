"""The checks, one module per rule family; each is a short generator declared with `@check(id)`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rolloutlint.checks import analysis, files, gitops, references, strategy, traffic
from rolloutlint.checks.context import Check, Context, check

FAMILIES = (files, strategy, references, analysis, traffic, gitops)


def all_checks() -> Mapping[str, Check[Any]]:
    """Rule id -> the generator that implements it, in id order."""
    found = {
        function.rule_id: function
        for family in FAMILIES
        for function in vars(family).values()
        if hasattr(function, "rule_id")
    }
    return dict(sorted(found.items()))


__all__ = ["Check", "Context", "all_checks", "check"]
