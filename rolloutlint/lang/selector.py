"""Label selectors as apimachinery evaluates them (`pkg/apis/meta/v1/helpers.go`, `pkg/labels/selector.go`)."""

from __future__ import annotations

from collections.abc import Mapping

from rolloutlint.lang.names import is_label_value, is_qualified_name


def _labels(value: object) -> Mapping[str, str] | None:
    """A map of strings, empty for null; `None` where it is something else."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        return None
    if not all(isinstance(k, str) and isinstance(v, str) for k, v in value.items()):
        return None
    return value


def matches_map(selector: object, labels: object) -> bool | None:
    """Whether `labels` hold every pair of a plain selector map, such as `spec.selector` of a Service.

    An empty or absent map gives `False`: a Service without a selector selects no pods. `None` where one of
    the two is not a map of strings.
    """
    wanted = _labels(selector)
    have = _labels(labels)
    if wanted is None or have is None:
        return None
    return bool(wanted) and all(have.get(k) == v for k, v in wanted.items())


def matches_selector(selector: object, labels: object) -> bool | None:
    """Whether a LabelSelector (`matchLabels`, `matchExpressions`) matches `labels`.

    Mirrors `LabelSelectorAsSelector`: an absent selector (`None`) matches nothing, an empty one everything.
    `None` where the selector is malformed (wrong types, invalid keys or values, unknown operator, values
    that the operator forbids or lacks) or `labels` is not a map of strings.
    """
    have = _labels(labels)
    if have is None:
        return None
    if selector is None:
        return False
    if not isinstance(selector, dict):
        return None
    wanted = _labels(selector.get("matchLabels"))
    if wanted is None:
        return None
    matched = True
    for key, value in wanted.items():
        if not is_qualified_name(key) or not is_label_value(value):
            return None
        matched = matched and have.get(key) == value
    expressions = selector.get("matchExpressions")
    if expressions is None:
        return matched
    if not isinstance(expressions, list):
        return None
    for expression in expressions:
        one = _expression(expression, have)
        if one is None:
            return None
        matched = matched and one
    return matched


def _expression(expression: object, labels: Mapping[str, str]) -> bool | None:
    """One requirement of `matchExpressions`; `NotIn` also matches where the label is absent."""
    if not isinstance(expression, dict):
        return None
    key = expression.get("key")
    values = expression.get("values")
    if values is None:
        values = []
    if not is_qualified_name(key) or not isinstance(values, list) or not all(is_label_value(v) for v in values):
        return None
    operator = expression.get("operator")
    if operator in ("In", "NotIn"):
        if not values:
            return None
        return (labels.get(str(key)) in values) is (operator == "In")
    if operator in ("Exists", "DoesNotExist"):
        if values:
            return None
        return (key in labels) is (operator == "Exists")
    return None
