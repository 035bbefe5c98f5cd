"""What a PromQL expression can return, as a value that stands for all of its results.

An `Abstract` says whether a result may be empty, may hold NaN or infinities, how many elements it may have, and
between which bounds the numbers lie. Each "may" is a set of reasons, and a reason knows where in the query it
arises; a set without reasons means "never".
"""

from __future__ import annotations

import math
from typing import Final, Literal, NamedTuple, TypeAlias

from .tree import Span, Type

Code: TypeAlias = Literal[
    "unknown",
    # empty
    "series-absent",
    "fewer-than-two-samples",
    "no-match",
    "never-match",
    "filtered-out",
    "nan-filtered-out",
    "condition-never-holds",
    "operand-present",
    "operand-never-absent",
    "excluded",
    "clamp-reversed",
    "k-below-one",
    "sampled-out",
    "no-step",
    "no-le-label",
    "le-label-missing",
    # NaN
    "raw-sample",
    "literal",
    "zero-by-zero",
    "infinity-by-infinity",
    "infinity-minus-infinity",
    "zero-times-infinity",
    "remainder-by-zero",
    "remainder-of-infinity",
    "negative-base",
    "no-observations",
    "malformed-buckets",
    "scalar-of-empty",
    "scalar-of-several",
    "outside-domain",
    "rounded-to-zero",
    # infinite
    "divided-by-zero",
    "logarithm-of-zero",
    "zero-to-negative-power",
    "overflow",
    "quantile-out-of-range",
    # execution errors
    "many-to-many",
    "many-to-one",
    "duplicate-labels",
    "impossible-k",
    "invalid-argument",
]


class Reason(NamedTuple):
    """Why something may happen, and the part of the query that makes it so."""

    code: Code
    span: Span
    """Of the node that introduces it: the selector that may be absent, the call that needs two samples, the
    denominator that may be zero, the comparison that drops elements, and so on."""


Reasons: TypeAlias = frozenset[Reason]

NEVER: Final[Reasons] = frozenset()
NO_LABELS: Final[frozenset[str]] = frozenset()

WORDS: Final[dict[Code, str]] = {
    "unknown": "it is not known what this returns",
    "series-absent": "no such series exists",
    "fewer-than-two-samples": "fewer than two samples lie in the window",
    "no-match": "no element has a partner on the other side",
    "never-match": "the label sets of the two sides differ",
    "filtered-out": "the comparison drops every element",
    "nan-filtered-out": "the comparison drops NaN",
    "condition-never-holds": "the comparison can never be true",
    "operand-present": "the operand is present",
    "operand-never-absent": "the operand is never absent",
    "excluded": "`unless` drops every element",
    "clamp-reversed": "the lower bound is above the upper bound",
    "k-below-one": "k is below 1",
    "sampled-out": "the sampling ratio keeps no element",
    "no-step": "the window of the subquery is shorter than its step",
    "no-le-label": "the `le` label was aggregated away",
    "le-label-missing": "no element has an `le` label",
    "raw-sample": "the exporter sends NaN or an infinity",
    "literal": "the number is written in the query",
    "zero-by-zero": "zero is divided by zero",
    "infinity-by-infinity": "an infinity is divided by an infinity",
    "infinity-minus-infinity": "an infinity is subtracted from an infinity",
    "zero-times-infinity": "zero is multiplied by an infinity",
    "remainder-by-zero": "the remainder of a division by zero is taken",
    "remainder-of-infinity": "the remainder of an infinity is taken",
    "negative-base": "a negative number is raised to a fraction",
    "no-observations": "nothing was observed in the window",
    "malformed-buckets": "the `+Inf` bucket is missing or is the only one",
    "scalar-of-empty": "`scalar()` makes NaN of an empty vector",
    "scalar-of-several": "`scalar()` makes NaN of several elements",
    "outside-domain": "the function is not defined there",
    "rounded-to-zero": "multiples of zero are rounded to",
    "divided-by-zero": "a number is divided by zero",
    "logarithm-of-zero": "the logarithm of zero is taken",
    "zero-to-negative-power": "zero is raised to a negative power",
    "overflow": "the result is too large",
    "quantile-out-of-range": "the quantile is not between 0 and 1",
    "many-to-many": "several elements of both sides have the same labels",
    "many-to-one": "several elements of one side match one of the other, without `group_left`",
    "duplicate-labels": "several elements get the same labels",
    "impossible-k": "k is NaN or too large",
    "invalid-argument": "an argument is not a label name or not a regular expression",
}
"""Each reason in words that complete "because ..."."""

MANY: Final = 2
"""The cardinality of a vector that may have several elements."""


class Abstract(NamedTuple):
    """All results that an expression may have.

    `low` and `high` bound every element that is not NaN. Where no element can be a number, `low > high`.
    """

    type: Type
    empty: Reasons = NEVER
    """Why the vector may have no element; always empty for scalars."""
    nan: Reasons = NEVER
    inf: Reasons = NEVER
    cardinality: int = MANY
    """At most so many elements: 0, 1 or 2 for many."""
    low: float = -math.inf
    high: float = math.inf
    nonzero: bool = False
    """No element is 0."""
    labels: frozenset[str] | None = None
    """The only labels that elements may have; `None` where any may occur. `ANY_LABEL` stands for one unknown name."""
    errors: Reasons = NEVER
    """Why Prometheus may answer with an execution error."""
    always_empty: bool = False

    @property
    def zero(self) -> bool:
        """Whether an element may be 0."""
        return not self.nonzero and self.low <= 0.0 <= self.high

    @property
    def numeric(self) -> bool:
        """Whether an element may be something else than NaN."""
        return self.low <= self.high


ANY_LABEL: Final = "*"


def reason(code: Code, span: Span) -> Reasons:
    """The set with this one reason."""
    return frozenset((Reason(code, span),))


def unknown(span: Span, kind: Type = None, errors: Reasons = NEVER) -> Abstract:
    """Anything: what a placeholder or an unknown function may return."""
    because = reason("unknown", span)
    return Abstract(kind, because, because, because, errors=errors)


def nothing(empty: Reasons, labels: frozenset[str] | None = None, errors: Reasons = NEVER) -> Abstract:
    """A vector that never has an element."""
    return Abstract("vector", empty, NEVER, NEVER, 0, math.inf, -math.inf, False, labels, errors, True)
