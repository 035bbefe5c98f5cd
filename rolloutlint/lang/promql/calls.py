"""What each PromQL function makes of abstract values; mirrors prometheus `promql/functions.go`.

A function that is not known here may return anything.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Final, Literal, NamedTuple, TypeAlias

from rolloutlint.lang.regexp import go_regexp

from .relations import RATES, grouping_of, nameless
from .tree import Aggregation, Call, Node, Range, Selector, String, Subquery, bare, selectors
from .values import ANY_LABEL, NEVER, NO_LABELS, Abstract, Reasons, nothing, reason, unknown

INF: Final = math.inf

_NAME_STAYS: Final = frozenset(
    {
        *("absent", "absent_over_time", "first_over_time", "histogram_quantile", "info", "label_join", "label_replace"),
        *("last_over_time", "scalar", "sort", "sort_by_label", "sort_by_label_desc", "sort_desc", "vector"),
    }
)
"""Functions that do not drop the metric name, or whose result it does not tell apart."""

_LABEL_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*").fullmatch

State: TypeAlias = Literal["absent", "new", "still", "some", "moving"]


class Assumption(NamedTuple):
    """How the series of a selector are in an imagined world.

    `absent`: there are none. `new`: each has one sample. `still`: they exist for longer and never change. `moving`:
    they exist, none is 0, and each counter grows. `some`: they exist, and some counters grow while the others do not
    change. All but `absent` mean that the series exist in every window, with finite numbers.
    """

    state: State
    split: frozenset[str] | None = None
    """For `some`: the labels whose values tell what grows from what does not, so that a group made of all of them
    grows; `None` where that is not known."""


Assume: TypeAlias = Callable[[Selector], Assumption | None]
Function: TypeAlias = Callable[[Call, list[Abstract], Assume | None], Abstract]


def call(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    """What a call returns for these arguments, execution errors of the arguments included."""
    function = _FUNCTIONS.get(node.func)
    try:
        found = unknown(node.span) if function is None else function(node, args, assume)
    except IndexError:  # a tree that was not made by the parser
        found = unknown(node.span)
    errors = found.errors
    for argument, operand in zip(args, node.args, strict=False):
        if argument.errors:
            errors |= argument.errors
        if argument.labels is None and node.func not in _NAME_STAYS and nameless(operand):
            errors |= reason("duplicate-labels", node.span)
    return found if errors is found.errors else found._replace(errors=errors)


def _assumed(node: Call, assume: Assume | None) -> Assumption | None:
    """What is assumed about the series of `f(series[w])`."""
    if assume is None:
        return None
    operand = bare(node.args[0])
    return assume(operand.selector) if isinstance(operand, Range) else None


# -- over a window


def _speed(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    """`rate`, `irate`, `increase`."""
    a = args[0]
    if a.always_empty:
        return a._replace(type="vector")
    low = 0.0 if a.low >= 0 else -INF
    if assume is not None:
        assumed = _assumed(node, assume)
        if assumed is not None:
            if assumed.state == "new":
                return nothing(reason("fewer-than-two-samples", node.span))
            if assumed.state == "still":
                return Abstract("vector", a.empty, NEVER, NEVER, a.cardinality, 0.0, 0.0, False, a.labels, a.errors)
            grows = assumed.state == "moving" and low == 0
            return Abstract("vector", a.empty, NEVER, NEVER, a.cardinality, low, INF, grows, a.labels, a.errors)
        if not a.empty and isinstance(bare(node.args[0]), Subquery):
            return Abstract("vector", NEVER, a.nan | a.inf, a.inf, a.cardinality, low, INF, False, a.labels, a.errors)
    few = a.empty | reason("fewer-than-two-samples", node.span)
    nan = a.nan
    if a.inf:
        nan |= reason("raw-sample", node.span)
    return Abstract("vector", few, nan, a.inf, a.cardinality, low, INF, False, a.labels, a.errors)


def _slope(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    """`delta`, `idelta`, `deriv`, `predict_linear` and smoothing."""
    a = args[0]
    if a.always_empty:
        return a._replace(type="vector")
    empty, low, high = a.empty, -INF, INF
    assumed = _assumed(node, assume)
    if assumed is not None:
        if assumed.state == "new":
            return nothing(reason("fewer-than-two-samples", node.span))
        if assumed.state == "still" and node.func in ("delta", "idelta", "deriv"):
            low = high = 0.0
    else:
        empty |= reason("fewer-than-two-samples", node.span)
    return Abstract("vector", empty, a.nan | a.inf, a.inf, a.cardinality, low, high, False, a.labels, a.errors)


def _changes(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    """`changes`, `resets`."""
    assumed = _assumed(node, assume)
    still = assumed is not None and assumed.state in ("still", "new")
    return _numbers(args[0], 0.0, 0.0 if still else INF)


def _numbers(a: Abstract, low: float, high: float, nonzero: bool = False) -> Abstract:
    """Finite numbers for whatever elements there are."""
    return Abstract(
        "vector", a.empty, NEVER, NEVER, a.cardinality, low, high, nonzero, a.labels, a.errors, a.always_empty
    )


def _count_over_time(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    return _numbers(args[0], 1.0, INF, True)


def _present_over_time(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    return _numbers(args[0], 1.0, 1.0, True)


def _pick_over_time(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    return args[0]._replace(type="vector")


def one_sign(a: Abstract) -> bool:
    """Whether no two elements can cancel each other."""
    return a.low >= 0 or a.high <= 0


def _avg_over_time(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    a = args[0]
    nan = a.nan | _cancelled(node, a) if a.inf else a.nan
    return a._replace(type="vector", nan=nan, nonzero=a.nonzero and one_sign(a))


def _sum_over_time(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    a = args[0]
    nan = a.nan | _cancelled(node, a) if a.inf else a.nan
    low, high = (a.low if a.low >= 0 else -INF, a.high if a.high <= 0 else INF) if a.numeric else (INF, -INF)
    return a._replace(type="vector", nan=nan, low=low, high=high, nonzero=a.nonzero and one_sign(a))


def _cancelled(node: Call, a: Abstract) -> Reasons:
    raw = all(found.code == "raw-sample" for found in a.inf)
    return reason("raw-sample" if raw else "infinity-minus-infinity", node.span)


def _deviation_over_time(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    a = args[0]
    return a._replace(type="vector", nan=a.nan | a.inf, low=0.0, high=INF, nonzero=False)


def _quantile_over_time(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    return quantile(args[0], args[1], args[1], node.args[0])


def quantile(phi: Abstract, a: Abstract, base: Abstract, where: Node) -> Abstract:
    """The `phi` quantile of the elements of `a`, in a vector otherwise like `base`; `where` is the quantile's node."""
    nan = a.nan | a.inf | phi.nan
    if phi.nan or phi.low < 0 or phi.high > 1:
        inf = a.inf | reason("quantile-out-of-range", where.span)
        return base._replace(type="vector", nan=nan, inf=inf, low=-INF, high=INF, nonzero=False)
    return base._replace(type="vector", nan=nan, nonzero=a.nonzero and one_sign(a))


# -- presence and types


def _absent(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    """`absent`, `absent_over_time`."""
    a, operand = args[0], bare(node.args[0])
    labels: frozenset[str] | None = NO_LABELS
    selector = operand.selector if isinstance(operand, Range) else operand
    if isinstance(selector, Selector):
        known = [m.label for m in selector.matchers if m.op == "=" and m.label is not None]
        labels = None if any(m.label is None for m in selector.matchers) else frozenset(known)
    if not a.empty:
        return nothing(reason("operand-never-absent", operand.span), labels, a.errors)
    empty = NEVER if a.always_empty else reason("operand-present", operand.span)
    return Abstract("vector", empty, NEVER, NEVER, 1, 1.0, 1.0, True, labels, a.errors)


def _scalar(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    a = args[0]
    nan = a.nan
    if a.empty:
        nan |= reason("scalar-of-empty", node.span)
    if a.cardinality > 1:
        nan |= reason("scalar-of-several", node.span)
    return Abstract("scalar", NEVER, nan, a.inf, 1, a.low, a.high, a.nonzero, NO_LABELS, a.errors)


def _vector(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    a = args[0]
    return Abstract("vector", NEVER, a.nan, a.inf, 1, a.low, a.high, a.nonzero, NO_LABELS, a.errors)


def _time(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    """`time`, `start`, `end`, `range`, `step`."""
    low = 0.0 if node.func in ("range", "step") else -INF
    return Abstract("scalar", NEVER, NEVER, NEVER, 1, low, INF, False, NO_LABELS)


def _pi(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    return Abstract("scalar", NEVER, NEVER, NEVER, 1, math.pi, math.pi, True, NO_LABELS)


def _timestamp(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    return _numbers(args[0], -INF, INF)


def _calendar(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    if not args:
        return Abstract("vector", NEVER, NEVER, NEVER, 1, 0.0, INF, False, NO_LABELS)
    return _numbers(args[0], -INF, INF)


def _unchanged(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    return args[0]


def _relabel(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    """`label_replace`, `label_join`."""
    a, target = args[0], bare(node.args[1])
    written = target.value if isinstance(target, String) and "{{" not in target.value else ANY_LABEL
    labels = None if a.labels is None else a.labels | {written}
    errors = a.errors | reason("duplicate-labels", node.span) if a.cardinality > 1 else a.errors
    return a._replace(labels=labels, errors=errors)


def is_label_name(node: Node, prometheus: int) -> bool:
    """Whether a string may name a label: since 3.0 every name may that is not empty."""
    node = bare(node)
    if not isinstance(node, String) or "{{" in node.value:
        return True
    return bool(node.value) if prometheus >= 3 else _LABEL_NAME(node.value) is not None


def refused_argument(node: Call, prometheus: int) -> bool:
    """Whether `label_replace` or `label_join` fails for a label name or regular expression that it is given."""
    if node.func == "label_replace" and len(node.args) > 4:
        pattern = bare(node.args[4])
        if isinstance(pattern, String) and "{{" not in pattern.value and go_regexp(pattern.value).error:
            return True
        return not is_label_name(node.args[1], prometheus)
    if node.func == "label_join" and len(node.args) > 2:
        return not all(is_label_name(name, prometheus) for name in (node.args[1], *node.args[3:]))
    return False


def _info(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    return args[0]._replace(labels=None)


# -- element by element


def _elementwise(change: Function) -> Function:
    """NaN stays NaN: where there is no number, there is nothing to change."""

    def changed(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
        infinite = any(bound.inf for bound in args[1:])  # Go's `math.Max(NaN, +Inf)` is +Inf
        return change(node, args, assume) if args[0].numeric or infinite else args[0]

    return changed


def _abs(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    a = args[0]
    low = 0.0 if a.low <= 0 <= a.high else min(abs(a.low), abs(a.high))
    return a._replace(low=low, high=max(abs(a.low), abs(a.high)))


def _whole(value: float, rounded: Callable[[float], int]) -> float:
    if math.isinf(value):
        return value
    found = float(rounded(value))
    return -0.0 if found == 0 and value < 0 else found


def _round(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    """`ceil`, `floor`, `round`."""
    a, func = args[0], node.func
    if len(args) > 1:
        to = args[1]
        nan = a.nan | to.nan | a.inf | to.inf
        if to.zero:
            nan |= reason("rounded-to-zero", node.args[1].span)
        low = 0.0 if a.low >= 0 and to.low > 0 else -INF
        return a._replace(low=low, high=INF, nonzero=False, nan=nan, inf=a.inf | to.inf)
    low = _whole(a.low, math.floor)
    return a._replace(
        low=-0.0 if low == 0 and a.low < 0 else low,
        high=_whole(a.high, math.ceil),
        nonzero=a.nonzero and func == "ceil" and a.low >= 0,
    )


def _exp(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    a = args[0]
    inf = reason("overflow", node.span) if a.high > 709 else NEVER
    return a._replace(low=0.0, high=INF, inf=inf, nonzero=False)


def _logarithm(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    """`ln`, `log2`, `log10`."""
    a = args[0]
    nan = a.nan | reason("outside-domain", node.span) if a.low < 0 else a.nan
    inf = a.inf | reason("logarithm-of-zero", node.span) if a.zero else a.inf
    return a._replace(nan=nan, inf=inf, low=-INF if a.low < 1 else 0.0, high=INF, nonzero=False)


def _sqrt(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    a = args[0]
    nan = a.nan | reason("outside-domain", node.span) if a.low < 0 else a.nan
    if a.high < 0:
        return a._replace(nan=nan, inf=NEVER, low=INF, high=-INF)
    return a._replace(nan=nan, low=0.0, high=INF if a.high > 1 else 1.0)


def _sgn(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    a = args[0]
    return a._replace(inf=NEVER, low=-1.0 if a.low < 0 else min(a.low, 1.0), high=1.0 if a.high > 0 else 0.0)


def _clamp_min(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    a, least = args
    if not least.numeric:
        return a._replace(nan=a.nan | least.nan, low=INF, high=-INF)
    nonzero = least.low > 0 or (a.nonzero and least.low >= 0 and a.low >= 0)
    return Abstract(
        a.type,
        a.empty,
        a.nan | least.nan,
        a.inf | least.inf,
        a.cardinality,
        max(a.low, least.low),
        max(a.high, least.high),
        nonzero,
        a.labels,
        a.errors,
        a.always_empty,
    )


def _clamp_max(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    a, most = args
    if not most.numeric:
        return a._replace(nan=a.nan | most.nan, low=INF, high=-INF)
    low, high = min(a.low, most.low), min(a.high, most.high)
    nonzero = most.high < 0 or (a.nonzero and not most.zero and a.low >= 0)
    inf = NEVER if low > -INF and high < INF else a.inf | most.inf
    return a._replace(nan=a.nan | most.nan, low=low, high=high, nonzero=nonzero, inf=inf)


def _clamp(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    a, least, most = args
    nan = a.nan | least.nan | most.nan
    if not least.numeric or not most.numeric:
        return a._replace(nan=nan, low=INF, high=-INF)
    if not least.nan and not most.nan and least.low > most.high:
        return nothing(reason("clamp-reversed", node.span), a.labels, a.errors)
    empty = a.empty | reason("clamp-reversed", node.span) if least.high > most.low else a.empty
    if not a.numeric and not least.inf and not most.inf:
        return a._replace(nan=nan, empty=empty)
    low, high = max(least.low, min(a.low, most.low)), max(min(a.high, most.high), least.high)
    inf = NEVER if low > -INF and high < INF else a.inf | least.inf | most.inf
    return a._replace(nan=nan, low=low, high=high, nonzero=least.low > 0, inf=inf, empty=empty)


def _trigonometric(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    """`sin`, `cos`, `tan` and the inverse functions with a domain."""
    a, func = args[0], node.func
    if func in ("sin", "cos"):
        return a._replace(low=-1.0, high=1.0, nonzero=False, nan=a.nan | a.inf, inf=NEVER)
    if func == "tan":
        return a._replace(low=-INF, high=INF, nonzero=False, nan=a.nan | a.inf, inf=NEVER)
    outside = a.low < 1 if func == "acosh" else a.low < -1 or a.high > 1
    nan = a.nan | reason("outside-domain", node.span) if outside else a.nan
    if func == "acosh":
        return a._replace(low=0.0, high=INF, nonzero=False, nan=nan)
    if func == "atanh":
        inf = reason("overflow", node.span) if a.low <= -1 or a.high >= 1 else NEVER
        return a._replace(low=-INF, high=INF, nonzero=False, nan=nan, inf=inf)
    return a._replace(low=0.0 if func == "acos" else -2.0, high=math.pi, nonzero=False, nan=nan, inf=NEVER)


def _unbounded(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    """`cosh`, `sinh`, `asinh`, `atan`, `tanh`, `deg`, `rad`."""
    a = args[0]
    inf = a.inf | reason("overflow", node.span) if node.func in ("cosh", "sinh") else a.inf
    return a._replace(low=-INF, high=INF, nonzero=False, inf=inf)


# -- histograms


def _is_classic(buckets: Node) -> bool:
    """Whether all series are buckets with a label `le` of their own: a native histogram needs none."""
    return all(s.name is not None and s.name.endswith("_bucket") for s in selectors(buckets))


def _histogram_quantile(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    phi, b = args
    labels = None if b.labels is None else b.labels - {"le"}
    cardinality = min(b.cardinality, 1) if labels == NO_LABELS else b.cardinality
    if b.always_empty:
        return nothing(b.empty, labels, b.errors)
    empty = b.empty
    if b.labels is not None and "le" not in b.labels and ANY_LABEL not in b.labels:
        lacking = reason("no-le-label", node.args[1].span)
        if _is_classic(node.args[1]):
            return nothing(lacking, labels, b.errors)
        empty |= lacking
    seen = _observed(node.args[1], assume) if assume is not None else None
    if not empty and seen is None:
        empty = reason("le-label-missing", node.args[1].span)
    inside = not phi.nan and phi.low >= 0 and phi.high <= 1
    outside = not phi.nan and (phi.high < 0 or phi.low > 1)
    nan = inf = NEVER
    low, high = -INF, INF
    if not outside:
        nan = phi.nan
        if seen is not True:
            nan |= reason("no-observations", node.args[1].span)
        if seen is None:
            nan |= reason("malformed-buckets", node.args[1].span)
        if not phi.numeric or (seen is False and inside):
            low, high = INF, -INF
    if not inside and phi.numeric:
        inf = reason("quantile-out-of-range", node.args[0].span)
    return Abstract("vector", empty, nan, inf, cardinality, low, high, False, labels, b.errors)


def _observed(buckets: Node, assume: Assume) -> bool | None:
    """Whether each histogram of `[sum by (le, ..)] (rate(x_bucket[w]))` has observations; `None`: not known.

    Whatever is assumed of buckets is assumed of well-formed ones.
    """
    node, grouping = bare(buckets), None
    if isinstance(node, Aggregation):
        if node.op != "sum":
            return None
        grouping = grouping_of(node.grouping)
        node = bare(node.expr)
    if isinstance(node, Call) and node.func in RATES and node.args:
        operand = bare(node.args[0])
        selector = operand.selector if isinstance(operand, Range) else None
        rate = True
    else:
        selector = node if isinstance(node, Selector) else None
        rate = False
    if selector is None or not selector.name or not selector.name.endswith("_bucket"):
        return None
    if any(m.label == "le" or m.label is None for m in selector.matchers):
        return None
    assumed = assume(selector)
    if assumed is None or assumed.state == "absent":
        return None
    if assumed.state == "still":
        return False if rate else None
    if assumed.state == "new" or assumed.split is None:
        return None
    return True if apart(grouping, assumed.split - {"le"}) else None


def apart(grouping: tuple[bool, frozenset[str]] | None, split: frozenset[str]) -> bool:
    """Whether a grouping (`None`: no aggregation) mixes all values of the labels in `split` into each of its groups."""
    if not split:
        return True
    if grouping is None:
        return False
    by, labels = grouping
    if any("{{" in label for label in labels):
        return False
    return not labels & split if by else split <= labels


def _histogram_share(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    """Functions of native histograms that divide by the number of observations."""
    b = args[-1]
    nan = reason("no-observations", node.args[-1].span)
    return Abstract("vector", b.empty, nan, NEVER, b.cardinality, -INF, INF, False, b.labels, b.errors, b.always_empty)


def _histogram_part(node: Call, args: list[Abstract], assume: Assume | None) -> Abstract:
    """`histogram_count`, `histogram_sum`."""
    return args[0]._replace(type="vector", low=-INF, high=INF, nonzero=False)


def _table() -> dict[str, Function]:
    families: list[tuple[str, Function]] = [
        ("rate irate increase", _speed),
        ("delta idelta deriv predict_linear holt_winters double_exponential_smoothing", _slope),
        ("changes resets", _changes),
        ("count_over_time", _count_over_time),
        ("present_over_time", _present_over_time),
        ("min_over_time max_over_time last_over_time first_over_time", _pick_over_time),
        ("avg_over_time", _avg_over_time),
        ("sum_over_time", _sum_over_time),
        ("stddev_over_time stdvar_over_time mad_over_time", _deviation_over_time),
        ("quantile_over_time", _quantile_over_time),
        ("absent absent_over_time", _absent),
        ("scalar", _scalar),
        ("vector", _vector),
        ("time start end range step", _time),
        ("pi", _pi),
        ("timestamp start_timestamp", _timestamp),
        ("day_of_month day_of_week day_of_year days_in_month hour minute month year", _calendar),
        ("sort sort_desc sort_by_label sort_by_label_desc", _unchanged),
        ("label_replace label_join", _relabel),
        ("info", _info),
        ("abs", _elementwise(_abs)),
        ("ceil floor round", _elementwise(_round)),
        ("exp", _elementwise(_exp)),
        ("ln log2 log10", _elementwise(_logarithm)),
        ("sqrt", _elementwise(_sqrt)),
        ("sgn", _elementwise(_sgn)),
        ("clamp_min", _elementwise(_clamp_min)),
        ("clamp_max", _elementwise(_clamp_max)),
        ("clamp", _clamp),
        ("sin cos tan acos asin acosh atanh", _elementwise(_trigonometric)),
        ("cosh sinh asinh atan tanh deg rad", _elementwise(_unbounded)),
        ("histogram_quantile", _histogram_quantile),
        ("histogram_avg histogram_fraction histogram_stddev histogram_stdvar", _histogram_share),
        ("histogram_count histogram_sum", _histogram_part),
    ]
    return {name: function for names, function in families for name in names.split()}


_FUNCTIONS: Final = _table()
