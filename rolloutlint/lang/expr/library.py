"""Which release of expr-lang evaluates a condition, and what that release knows.

Each release of Argo Rollouts is built with one release of expr-lang (`go.mod`); builtins and syntax differ between
them (`builtin/builtin.go`, `parser/`). The environment of a condition is the same everywhere
(argo-rollouts `utils/evaluate/evaluate.go`).
"""

from __future__ import annotations

from typing import NamedTuple

from rolloutlint.settings import Version


class Library(NamedTuple):
    """A release of expr-lang; ordered: `Library(1, 9, 0) < Library(1, 12, 5)`."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


V1_9_0 = Library(1, 9, 0)
V1_12_5 = Library(1, 12, 5)
V1_13_0 = Library(1, 13, 0)
V1_15_3 = Library(1, 15, 3)
V1_15_5 = Library(1, 15, 5)
V1_17_7 = Library(1, 17, 7)
V1_17_8 = Library(1, 17, 8)
LIBRARIES = (V1_9_0, V1_12_5, V1_13_0, V1_15_3, V1_15_5, V1_17_7, V1_17_8)
"""Every release that a release of Argo Rollouts was built with, oldest first."""
NEWEST = V1_17_8

_BY_MINOR = (
    (Version(1, 11), V1_17_8),
    (Version(1, 10), V1_17_7),
    (Version(1, 7), V1_15_5),
    (Version(1, 6), V1_15_3),
    (Version(1, 5), V1_12_5),
)


def library_of(rollouts: Version) -> Library:
    """The expr-lang of a minor release of Argo Rollouts.

    That of its newest patch where patches differ: 1.6.0 alone has 1.13.0, the rest of 1.6 has 1.15.3. Releases before
    1.5 have 1.9.0, those that are not known yet have the newest.

    >>> str(library_of(Version(1, 9)))
    '1.15.5'
    """
    for version, library in _BY_MINOR:
        if rollouts >= version:
            return library
    return V1_9_0


def rollouts_of(library: Library) -> str:
    """The first release of Argo Rollouts whose expr-lang is at least `library`, as a user would name it.

    >>> rollouts_of(V1_17_7)
    '1.10'
    """
    if library <= V1_9_0:
        return "1.2"
    if library == V1_13_0:
        return "1.6"
    return str(min(version for version, known in _BY_MINOR if known >= library))


ENVIRONMENT = frozenset({"result", "asInt", "asFloat", "isNaN", "isInf", "isNil", "default"})
"""The names that Argo gives to every condition."""

PREDICATES: dict[str, str] = {
    "all": "ep",
    "none": "ep",
    "any": "ep",
    "one": "ep",
    "filter": "ep",
    "map": "ep",
    "count": "eP",
    "sum": "eP",
    "find": "ep",
    "findIndex": "ep",
    "findLast": "ep",
    "findLastIndex": "ep",
    "groupBy": "ep",
    "sortBy": "epE",
    "reduce": "epE",
}
"""Builtins that look at each element, and what they take: an expression `e` or a predicate `p`; capital if optional."""

OPERATOR_WORDS = frozenset(
    ("in", "or", "and", "not", "matches", "contains", "startsWith", "endsWith", "let", "if", "else")
)


def _since() -> dict[str, Library]:
    names: dict[str, Library] = {}
    for library, added in (
        (V1_9_0, "len all none any one filter map count"),
        (V1_12_5, "abs int float"),
        (
            V1_15_3,
            (
                "find findIndex findLast findLastIndex groupBy reduce sum mean median min max sort sortBy first last"
                " get take keys values toPairs fromPairs type string trim trimPrefix trimSuffix upper lower split"
                " splitAfter replace repeat join indexOf lastIndexOf hasPrefix hasSuffix toJSON fromJSON toBase64"
                " fromBase64 now duration date"
            ),
        ),
        (V1_15_5, "ceil floor round"),
        (
            V1_17_7,
            "concat flatten reverse uniq timezone bitand bitor bitxor bitnand bitshl bitshr bitushr bitnot",
        ),
    ):
        names.update((name, library) for name in added.split())
    return names


BUILTINS: dict[str, Library] = _since()
"""Every builtin function, and the release it came with (`builtin/builtin.go`; before 1.15 `parser/parser.go`)."""
