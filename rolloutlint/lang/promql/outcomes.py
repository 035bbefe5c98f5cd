"""Which series of a query count requests that succeed and which count failures, as far as their matchers say so.

A label is understood where its name and its values are those that exporters use: HTTP and gRPC codes, Istio's, Envoy's
and Linkerd's labels, Micrometer's `outcome`. Each matcher is tried on a value of a success and on one of a failure;
where that does not tell them apart, nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from rolloutlint.lang.regexp import go_regexp

from .tree import Matcher, Selector

Pair: TypeAlias = tuple[str, str]
"""The value of a label on requests that succeed, and on those that fail."""

_HTTP: Final[tuple[Pair, ...]] = (
    ("200", "500"),
    ("200", "503"),
    ("200", "502"),
    ("200", "504"),
    ("201", "500"),
    ("204", "500"),
    ("2xx", "5xx"),
    ("2XX", "5XX"),
    ("2", "5"),
)
_GRPC: Final[tuple[Pair, ...]] = (
    ("OK", "Internal"),
    ("OK", "Unavailable"),
    ("OK", "Unknown"),
    ("OK", "DeadlineExceeded"),
    ("0", "13"),
    ("0", "14"),
    ("0", "2"),
    ("0", "4"),
)
_WORDS: Final[tuple[Pair, ...]] = (
    ("success", "error"),
    ("success", "failure"),
    ("success", "failed"),
    ("SUCCESS", "SERVER_ERROR"),
    ("SUCCESS", "ERROR"),
    ("SUCCESS", "FAILURE"),
    ("Success", "Error"),
    ("Success", "Failure"),
    ("ok", "error"),
    ("OK", "ERROR"),
    ("succeeded", "failed"),
)

_LABELS: Final[dict[str, tuple[Pair, ...]]] = {
    **dict.fromkeys(
        (
            "responsecode",
            "statuscode",
            "httpcode",
            "httpstatus",
            "httpstatuscode",
            "httpresponsecode",
            "httpresponsestatuscode",
            "responsestatus",
            "responsestatuscode",
            "envoyresponsecode",
            "envoyresponsecodeclass",
            "responsecodeclass",
            "statusclass",
            "codeclass",
        ),
        _HTTP,
    ),
    **dict.fromkeys(
        ("grpccode", "grpcstatus", "grpcstatuscode", "grpcresponsestatus", "rpcgrpcstatuscode"),
        _GRPC,
    ),
    **dict.fromkeys(("classification", "outcome", "result"), _WORDS),
    "code": _HTTP + _GRPC,
    "status": _HTTP + _GRPC + _WORDS,
    "success": (("true", "false"),),
    "error": (("false", "true"),),
    "failed": (("false", "true"),),
}
"""Name of a label, in lower case and without underscores -> the values that are tried, in this order."""


class Outcome(NamedTuple):
    """What a selector selects of the requests that it would select if it said nothing about their outcome."""

    successes: bool
    failures: bool
    labels: frozenset[str]
    """The labels that tell successes from failures, in all selectors of the same metric."""


def outcomes(found: Iterable[Selector]) -> dict[int, Outcome] | None:
    """The outcome of each selector, by `id`; those of metrics whose outcomes are not told apart are left out.

    `None` where no matcher tells successes from failures, or where a placeholder hides whether one does.
    """
    metrics: dict[object, list[Selector]] = {}
    for selector in found:
        for matcher in selector.matchers:
            label = matcher.label
            if label is None or "{{" in label or ("{{" in matcher.value and _normal(label) in _LABELS):
                return None
        metrics.setdefault(_metric(selector), []).append(selector)
    known: dict[int, Outcome] = {}
    for group in metrics.values():
        told = _told_apart(group)
        if not told:
            continue
        labels = frozenset(told)
        for selector in group:
            successes = failures = True
            for matcher in selector.matchers:
                pair = told.get(matcher.label or "")
                if pair is not None:
                    successes = successes and _matches(matcher, pair[0]) is True
                    failures = failures and _matches(matcher, pair[1]) is True
            known[id(selector)] = Outcome(successes, failures, labels)
    return known or None


def _metric(selector: Selector) -> object:
    if selector.name is not None:
        return selector.name
    return frozenset((m.op, m.value) for m in selector.matchers if m.label == "__name__")


def _normal(label: str) -> str:
    return label.replace("_", "").lower()


def _told_apart(group: list[Selector]) -> dict[str, Pair]:
    """Label -> the values of successes and failures, for the labels whose matchers tell them apart."""
    matchers: dict[str, list[Matcher]] = {}
    for selector in group:
        for matcher in selector.matchers:
            if matcher.label is not None and _normal(matcher.label) in _LABELS:
                matchers.setdefault(matcher.label, []).append(matcher)
    told: dict[str, Pair] = {}
    for label, on_it in matchers.items():
        best = 0
        for pair in _LABELS[_normal(label)]:
            apart = 0
            for matcher in on_it:
                success, failure = _matches(matcher, pair[0]), _matches(matcher, pair[1])
                if success is None or failure is None:
                    return {}
                apart += success is not failure
            if apart > best:
                best, told[label] = apart, pair
            if apart == len(on_it):
                break
    return told


def _matches(matcher: Matcher, value: str) -> bool | None:
    return _holds(matcher.op, matcher.value, value)


@lru_cache(maxsize=4096)
def _holds(op: str, expected: str, value: str) -> bool | None:
    """Whether a label of this value passes; `None` where the pattern is not understood."""
    if op in ("=", "!="):
        return (value == expected) is (op == "=")
    matcher = go_regexp(f"^(?:{expected})$").matcher
    return None if matcher is None else (matcher.search(value) is not None) is (op == "=~")
