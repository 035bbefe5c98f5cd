"""The functions and aggregations of PromQL, and which major version of Prometheus has them.

Mirrors prometheus `promql/parser/functions.go` and the aggregators of `promql/parser/lex.go` (2.42 to 3.14).
"""

from __future__ import annotations

from typing import NamedTuple

from .tree import Type


class Function(NamedTuple):
    """One function: the types of its arguments, how many it takes, and what it returns."""

    name: str
    arguments: tuple[Type, ...]
    """One type an argument; the last stands for every further one."""
    least: int
    most: int | None
    """`None`: any number."""
    returns: Type
    experimental: bool = False
    """Only with `--enable-feature=promql-experimental-functions`."""
    majors: tuple[int, ...] = (2, 3)
    """The major versions of Prometheus that have it (in their last release)."""


def _table() -> dict[str, Function]:
    kinds: dict[str, Type] = {"v": "vector", "s": "scalar", "m": "matrix", "t": "string"}
    found: dict[str, Function] = {}

    def add(
        names: str,
        arguments: str = "",
        optional: int = 0,
        returns: Type = "vector",
        experimental: bool = False,
        majors: tuple[int, ...] = (2, 3),
    ) -> None:
        """`optional`: that many arguments at the end may be left out or added; -1: any number may be added."""
        types = tuple(kinds[letter] for letter in arguments)
        least = len(types) - (1 if optional else 0)
        most = None if optional < 0 else least + optional if optional else len(types)
        for name in names.split():
            found[name] = Function(name, types, least, most, returns, experimental, majors)

    add("abs absent ceil exp floor ln log10 log2 sgn sort sort_desc sqrt timestamp deg rad", "v")
    add("acos acosh asin asinh atan atanh cos cosh sin sinh tan tanh", "v")
    add("histogram_avg histogram_count histogram_sum histogram_stddev histogram_stdvar", "v")
    add("absent_over_time avg_over_time changes count_over_time delta deriv idelta increase irate", "m")
    add("last_over_time max_over_time min_over_time present_over_time rate resets", "m")
    add("stddev_over_time stdvar_over_time sum_over_time", "m")
    add("first_over_time", "m", majors=(3,))
    add("mad_over_time", "m", experimental=True)
    add(
        "ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time",
        "m",
        experimental=True,
        majors=(3,),
    )
    add("clamp", "vss")
    add("clamp_max clamp_min", "vs")
    add("round", "vs", 1)
    add("day_of_month day_of_week day_of_year days_in_month hour minute month year", "v", 1)
    add("histogram_quantile", "sv")
    add("histogram_fraction", "ssv")
    add("histogram_quantiles", "vtss", 9, experimental=True, majors=(3,))
    add("holt_winters", "mss", majors=(2,))
    add("double_exponential_smoothing", "mss", experimental=True, majors=(3,))
    add("predict_linear", "ms")
    add("quantile_over_time", "sm")
    add("label_join", "vttt", -1)
    add("label_replace", "vtttt")
    add("sort_by_label sort_by_label_desc", "vt", -1, experimental=True)
    add("scalar", "v", returns="scalar")
    add("vector", "s")
    add("pi time", returns="scalar")
    add("start end step range", returns="scalar", experimental=True, majors=(3,))
    add("max_of min_of", "ss", returns="scalar", experimental=True, majors=(3,))
    add("start_timestamp", "v", experimental=True, majors=(3,))
    add("info", "vv", 1, experimental=True, majors=(3,))
    return found


FUNCTIONS = _table()
"""Every function of Prometheus 2 and 3. Names are case-sensitive."""

AGGREGATIONS: dict[str, Type] = {
    "sum": None,
    "avg": None,
    "count": None,
    "min": None,
    "max": None,
    "group": None,
    "stddev": None,
    "stdvar": None,
    "topk": "scalar",
    "bottomk": "scalar",
    "quantile": "scalar",
    "limitk": "scalar",
    "limit_ratio": "scalar",
    "count_values": "string",
}
"""Every aggregation and the type of its parameter, `None` where it has none. Names are case-insensitive."""

EXPERIMENTAL_AGGREGATIONS = frozenset({"limitk", "limit_ratio"})
