"""What the API server accepts: closed schemas of custom resources and of some core kinds, and the kinds that exist.

`is_valid` is the fast answer for the many documents that have no fault; `violations` explains the others.
"""

from __future__ import annotations

from typing import Any

from rolloutlint.schema.explain import Violation, violations
from rolloutlint.schema.fields import as_kept, field_paths, show_field_path, too_new
from rolloutlint.schema.kinds import KINDS, KindProblem, kind_problem
from rolloutlint.schema.load import SHIPPED, checker_of, schema_key, schema_of
from rolloutlint.schema.nulls import prune
from rolloutlint.schema.spelling import nearest, same_but_for_spelling

__all__ = [
    "KINDS",
    "KindProblem",
    "Violation",
    "as_kept",
    "field_paths",
    "is_valid",
    "kind_problem",
    "known",
    "nearest",
    "same_but_for_spelling",
    "schema_key",
    "show_field_path",
    "too_new",
    "violations",
]


def known(group: str, kind: str) -> bool:
    """Whether the schema of this kind is shipped."""
    return (group, kind) in SHIPPED


def is_valid(group: str, kind: str, value: Any) -> bool:
    """Whether `value` (a whole object, plain Python values) is surely what the schema of its kind allows.

    `False` means "ask `violations`". Of kinds that are not `known` nothing is known to be wrong: `True`.
    """
    if (group, kind) not in SHIPPED:
        return True
    check = checker_of(group, kind)
    return check(value) or check(prune(value, schema_of(group, kind)))
