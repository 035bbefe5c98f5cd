"""Random PromQL over the metrics of `worlds.py`, in the manner of canary analyses, and broken variants of it.

`query(seed)` is typed, so that Prometheus accepts most of what it gives; `mutation(seed)` changes tokens of one without
regard for the grammar. Equal seeds give equal texts.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

REQUESTS = "http_requests_total"
HISTOGRAM = "http_request_duration_seconds"
MATCHERS = {
    REQUESTS: (
        'code=~"5.."',
        'code!~"5.."',
        'code="500"',
        'code="200"',
        'code!="500"',
        'code=~"2.."',
        'code=~"5..|4.."',
        'pod="a"',
        'pod=~".+"',
        'pod=~"a|new"',
        'job="web"',
        'zone="x"',
        'zone=""',
        'nosuch="x"',
    ),
    "queue_depth": ('pod="a"', 'pod="b"', 'pod!="a"', 'job="web"', 'job=~"w.*"'),
    f"{HISTOGRAM}_bucket": ('le="0.5"', 'le="+Inf"', 'le!="+Inf"', 'le=~"0.5|1"', 'pod="a"', 'job="web"', 'le="0.3"'),
    f"{HISTOGRAM}_count": ('pod="a"', 'job="web"', 'pod=~".+"'),
    f"{HISTOGRAM}_sum": ('pod="a"', 'job="web"'),
    "up": ('job="prometheus"', 'job="web"', 'job=~".+"'),
    "nosuch": ('a="b"',),
}
COUNTERS = (REQUESTS, f"{HISTOGRAM}_bucket", f"{HISTOGRAM}_count", f"{HISTOGRAM}_sum")
NAMELESS = ('{job="web"}', '{__name__="queue_depth"}', '{__name__=~"queue_depth|up"}', '{__name__=~"http_.*",pod="a"}')
LABELS = ("pod", "code", "job", "le", "zone", "nosuch")
WINDOWS = ("15s", "30s", "1m", "2m", "5m", "5m", "5m", "10m", "2m30s", "1h")
NUMBERS = ("0", "1", "0.5", "0.05", "0.95", "100", "2", "1e-3", "0.001", "1000", "5", "3")
ODD_NUMBERS = ("-1", "NaN", "Inf", "-Inf", "-0.5", "0x1f", "1e3", "-2")
QUANTILES = ("0.95", "0.99", "0.5", "0.9", "0", "1", "95", "-1", "NaN")
COMPARISONS = (">", "<", ">=", "<=", "==", "!=")
ARITHMETIC = ("+", "-", "*", "/", "/", "/", "%", "^", "atan2")
AGGREGATIONS = ("sum", "sum", "sum", "sum", "avg", "max", "min", "count", "group", "stddev", "stdvar")
RATES = ("rate", "rate", "rate", "increase", "irate")
OVER_TIME = (
    *("avg_over_time", "max_over_time", "min_over_time", "sum_over_time", "count_over_time", "last_over_time"),
    *("present_over_time", "stddev_over_time", "stdvar_over_time", "absent_over_time"),
    *("rate", "increase", "irate", "delta", "idelta", "deriv", "changes", "resets"),
)
ONE_VECTOR = (
    *("abs", "ceil", "floor", "exp", "ln", "log2", "log10", "sqrt", "sgn", "round", "sort", "sort_desc", "timestamp"),
    *(
        "absent",
        "absent",
        "acos",
        "acosh",
        "asin",
        "asinh",
        "atan",
        "atanh",
        "cos",
        "cosh",
        "sin",
        "sinh",
        "tan",
        "tanh",
    ),
    *("deg", "rad", "minute", "hour", "day_of_week", "day_of_month", "day_of_year", "days_in_month", "month", "year"),
)

TOKEN = re.compile(
    r"""\s+|\#[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`|[a-zA-Z_:][\w:]*|[\d.][\w.]*|=~|!~|[=!<>]=|.""",
    re.DOTALL,
)
VOCABULARY = (
    *(
        "sum",
        "avg",
        "topk",
        "quantile",
        "count_values",
        "rate",
        "up",
        "nosuch",
        "http_requests_total",
        "vector",
        "scalar",
    ),
    *("by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset", "and", "or", "unless", "atan2"),
    *("histogram_quantile", "label_replace", "absent", "time()", "round", "clamp_max", "holt_winters", "pi()"),
    *(
        "start()",
        "end()",
        "start",
        "end",
        "@",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "()",
        "{}",
        "[5m]",
        "[5m:1m]",
        "[5m:]",
    ),
    *(
        "+",
        "-",
        "*",
        "/",
        "%",
        "^",
        "==",
        "!=",
        ">",
        "<",
        ">=",
        "<=",
        "=",
        "=~",
        "!~",
        "!",
        "~",
        ";",
        "$",
        "&",
        "|",
        "?",
    ),
    *(
        "1",
        "0",
        "-1",
        ".5",
        "1.",
        "1e3",
        "1e",
        "1e-3",
        "0x1F",
        "0x",
        "0b1",
        "017",
        "08",
        "Inf",
        "inf",
        "NaN",
        "nan",
        "+Inf",
    ),
    *("1.2.3", "1a", "5m", "5m30s", "30s5m", "1h30m", "1.5h", "1y2w3d", "5ms", "0s", "-5m", "m", "5M", "9" * 25 + "d"),
    *(
        '"x"',
        "'x'",
        "`x`",
        '"\\n"',
        '"\\q"',
        '"\\xff"',
        '"\\u00e9"',
        '"é"',
        '"(' + '"',
        '"[a-"',
        '".*"',
        '""',
        '"',
        "'",
        "`",
    ),
    *(
        '{job="x"}',
        '{job=~".*"}',
        '{job!=""}',
        "by (pod)",
        "by ()",
        "on ()",
        "on(pod)",
        "a:b",
        ":a",
        "a:",
        "__name__",
        "é",
    ),
    *("#", "# x\n", "\n", "\t", " ", "\u00a0", "SUM", "By", "OR", "Bool", "OFFSET", "NAN", "INF", "le", "job", "job="),
    *("offset 5m", "offset -5m", "@ 1000", "@ end()", "@ -1", "@ 1.5", "@ NaN", "or vector(0)", "> bool 1", "1 > 2"),
)


class _Writer:
    """Writes one query. What it has written may be written again: guards repeat what they guard."""

    def __init__(self, seed: object) -> None:
        self.random = random.Random(str(seed))
        self.written: list[str] = []

    def pick(self, choices: Sequence[str]) -> str:
        return self.random.choice(choices)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def query(self) -> str:
        depth = self.pick("1122233")
        kind = self.random.random()
        if kind < 0.9:
            return self.vector(int(depth))
        if kind < 0.96:
            return self.scalar(int(depth))
        if kind < 0.99:
            return self.matrix(1)
        return '"text"'

    # Instant vectors.

    def vector(self, depth: int) -> str:
        if self.written and self.chance(0.15):
            return self.pick(self.written)
        if depth <= 0:
            text = self.leaf()
        else:
            writers: tuple[Callable[[int], str], ...] = (
                *(self.ratio, self.ratio, self.ratio, self.guarded, self.guarded, self.guarded, self.compared),
                *(self.aggregation, self.aggregation, self.arithmetic, self.sets, self.over_time, self.function),
                *(self.histogram_quantile, self.clamped, self.relabelled, self.of_scalar, self.negated),
            )
            text = self.random.choice(writers)(depth - 1)
        if len(text) < 300:
            self.written.append(text)
        return text

    def operand(self, depth: int) -> str:
        """A vector in parentheses, where something follows; without them now and then, to ask for the precedence."""
        text = self.vector(depth)
        return text if self.chance(0.12) or re.fullmatch(r"[\w:]+(\{[^{}]*\})?", text) else f"({text})"

    def selector(self, metric: str = "") -> str:
        if not metric:
            metric = self.pick([*MATCHERS, REQUESTS, REQUESTS, "queue_depth"])
            if self.chance(0.02):
                return self.pick(NAMELESS)
        count = self.pick("0011123")
        matchers = self.random.sample(MATCHERS[metric], min(int(count), len(MATCHERS[metric])))
        return metric + (f"{{{','.join(matchers)}}}" if matchers or self.chance(0.05) else "")

    def modifier(self) -> str:
        if self.chance(0.9):
            return ""
        return self.pick(
            (" offset 1m", " offset 5m", " offset -1m", " @ end()", " @ start()", " @ 90600", " offset 2m @ end()")
        )

    def leaf(self) -> str:
        kind = self.random.random()
        if kind < 0.35:
            return f"sum{self.grouping()} ({self.rate(self.pick(COUNTERS))})"
        if kind < 0.55:
            return self.rate(self.pick(COUNTERS))
        if kind < 0.9:
            return self.selector() + self.modifier()
        return f"vector({self.number()})"

    def rate(self, metric: str, window: str = "") -> str:
        return f"{self.pick(RATES)}({self.selector(metric)}[{window or self.pick(WINDOWS)}]{self.modifier()})"

    def grouping(self) -> str:
        if self.chance(0.5):
            return ""
        labels = self.random.sample(LABELS, int(self.pick("011112")))
        return f" {self.pick(('by', 'by', 'by', 'without'))} ({', '.join(labels)})"

    def ratio(self, _: int) -> str:
        """A part over the whole, or a sum over a count: what most canaries measure."""
        window, function, grouping = self.pick(WINDOWS), self.pick(RATES), self.grouping()
        kind = self.random.random()
        if kind < 0.7:
            part, whole = self.selector(REQUESTS), self.pick((REQUESTS, self.selector(REQUESTS)))
        elif kind < 0.85:
            part, whole = f"{HISTOGRAM}_sum", f"{HISTOGRAM}_count"
        else:
            part = f'{HISTOGRAM}_bucket{{le="0.5"}}'
            whole = self.pick((f"{HISTOGRAM}_count", f'{HISTOGRAM}_bucket{{le="+Inf"}}', f"{HISTOGRAM}_bucket"))
        other = self.pick((window, window, window, self.pick(WINDOWS)))
        above, below = f"{function}({part}[{window}])", f"{function}({whole}[{other}])"
        if self.chance(0.9):
            operation = self.pick(("sum", "sum", "sum", "sum", "avg", "count", "max"))
            groupings = self.pick((grouping, grouping, grouping, self.grouping()))
            above, below = f"{operation}{grouping} ({above})", f"{operation}{groupings} ({below})"
        for text in (above, below):
            self.written.append(text)
        if self.chance(0.3):
            above = f"({above} or {self.fallback()})"
        if self.chance(0.5):
            below = self.denominator(below)
        matching = "" if self.chance(0.8) else self.matching()
        text = f"{above} /{matching} {below}"
        change = self.random.random()
        if change < 0.15:
            return f"1 - {text}"
        if change < 0.3:
            return f"100 * ({text})"
        return text

    def denominator(self, text: str) -> str:
        number = self.number()
        return self.pick(
            (
                f"({text} > 0)",
                f"({text} > 0)",
                f"({text} != 0)",
                f"({text} >= {number})",
                f"({text} or vector({number}))",
                f"({text} > 0 or vector(1))",
                f"clamp_min({text}, {number})",
                f"clamp_min({text} or vector(0), 0.001)",
                f"({text} + {number})",
                f"scalar({text})",
                f"({text} == {text})",
                f"(0.01 + {text})",
            )
        )

    def fallback(self) -> str:
        return self.pick(
            (
                "vector(0)",
                "vector(0)",
                "vector(1)",
                "on() vector(0)",
                "on() vector(1)",
                f"vector({self.number()})",
                f"absent({self.selector()})",
                f"{self.selector()} * 0",
                f"on(pod) {self.selector()}",
                f"label_replace(vector(0), {self.pick(LABELS)!r}, 'x', '', '')",
            )
        )

    def guarded(self, depth: int) -> str:
        inner, number = self.operand(depth), self.number()
        guard = self.operand(depth - 1)
        on = self.pick(("", "", " on()", self.matching(False)))
        return self.pick(
            (
                f"{inner} or {self.fallback()}",
                f"{inner} or {self.fallback()}",
                f"{inner} >= 0 or vector({number})",
                f"{inner} > 0 or {self.fallback()}",
                f"{inner} == {inner}",
                f"{inner} and{on} {guard} > {number}",
                f"{inner} and{on} {guard} != 0",
                f"{inner} unless{on} {guard} == 0",
                f"{inner} and{on} ({guard} > 0) or {self.fallback()}",
                f"{inner} * ({guard} > bool 0)",
                f"{inner} unless {inner} != {inner}",
                f"{inner} and {inner} >= {number}",
            )
        )

    def compared(self, depth: int) -> str:
        operation, modifier = self.pick(COMPARISONS), self.pick(("", "", " bool"))
        kind = self.random.random()
        if kind < 0.75:
            return f"{self.operand(depth)} {operation}{modifier} {self.number()}"
        if kind < 0.82:
            return f"{self.number()} {operation}{modifier} {self.operand(depth)}"
        return f"{self.operand(depth)} {operation}{modifier}{self.matching()} {self.operand(depth)}"

    def aggregation(self, depth: int) -> str:
        inner, grouping = self.vector(depth), self.grouping()
        kind = self.random.random()
        if kind < 0.7:
            name, arguments = self.pick(AGGREGATIONS), inner
        elif kind < 0.85:
            name, arguments = (
                self.pick(("topk", "bottomk")),
                f"{self.pick(('1', '2', '0', '3', '1.5', '-1', 'NaN'))}, {inner}",
            )
        elif kind < 0.95:
            name, arguments = "quantile", f"{self.pick(QUANTILES)}, {inner}"
        else:
            name, arguments = "count_values", f"{self.pick(LABELS)!r}, {inner}"
        return f"{name}{grouping} ({arguments})" if self.chance(0.7) else f"{name}({arguments}){grouping}"

    def matching(self, many: bool = True) -> str:
        if self.chance(0.4):
            return ""
        labels = self.random.sample(LABELS, int(self.pick("001112")))
        text = f" {self.pick(('on', 'on', 'ignoring'))}({', '.join(labels)})"
        if many and self.chance(0.35):
            include = [label for label in self.random.sample(LABELS, int(self.pick("0001"))) if label not in labels]
            text += f" {self.pick(('group_left', 'group_left', 'group_right'))}({', '.join(include)})"
        return text

    def arithmetic(self, depth: int) -> str:
        operation = self.pick(ARITHMETIC)
        kind = self.random.random()
        if kind < 0.35:
            return f"{self.operand(depth)} {operation} {self.number_or_scalar(depth)}"
        if kind < 0.6:
            return f"{self.number_or_scalar(depth)} {operation} {self.operand(depth)}"
        if kind < 0.7:
            same = self.operand(depth)
            return f"{same} {operation} {same}"
        return f"{self.operand(depth)} {operation}{self.matching()} {self.operand(depth)}"

    def sets(self, depth: int) -> str:
        operation = self.pick(("and", "or", "or", "unless"))
        return f"{self.operand(depth)} {operation}{self.matching(False)} {self.operand(depth)}"

    def over_time(self, depth: int) -> str:
        matrix = self.matrix(depth)
        kind = self.random.random()
        if kind < 0.75:
            return f"{self.pick(OVER_TIME)}({matrix})"
        if kind < 0.9:
            return f"quantile_over_time({self.pick(QUANTILES)}, {matrix})"
        if kind < 0.95:
            return f"predict_linear({matrix}, {self.pick(('60', '3600', '-60', '0'))})"
        return f"holt_winters({matrix}, 0.5, 0.5)"

    def function(self, depth: int) -> str:
        name = self.pick(ONE_VECTOR)
        rest = f", {self.pick(('0.01', '1', '5', '0', '-1'))}" if name == "round" and self.chance(0.5) else ""
        return f"{name}({self.vector(depth)}{rest})"

    def histogram_quantile(self, depth: int) -> str:
        quantile, buckets = self.pick(QUANTILES[:4] * 3 + QUANTILES), f"{HISTOGRAM}_bucket"
        rate = self.rate(buckets) if self.chance(0.9) else self.selector(buckets)
        grouping = self.pick((" by (le)",) * 4 + (" by (le, pod)", " by (pod, le)", "", " by (pod)", " without (pod)"))
        inner = f"sum{grouping} ({rate})" if self.chance(0.85) else rate
        if self.chance(0.1):
            inner = self.pick((f"{inner} > 0", f"{inner} or vector(0)", self.vector(depth)))
        return f"histogram_quantile({quantile}, {inner})"

    def clamped(self, depth: int) -> str:
        inner = self.vector(depth)
        if self.chance(0.3):
            return f"clamp({inner}, {self.number()}, {self.number()})"
        return f"{self.pick(('clamp_min', 'clamp_min', 'clamp_max'))}({inner}, {self.number_or_scalar(depth - 1)})"

    def relabelled(self, depth: int) -> str:
        inner, to = self.vector(depth), self.pick((*LABELS, "new"))
        if self.chance(0.3):
            return f'label_join({inner}, "{to}", "-", "pod", "code")'
        rest = self.pick(
            ('"$1", "pod", "(.*)"', '"same", "", ""', '"", "", ""', '"x", "code", "5.."', '"$1", "le", "(.*)"')
        )
        return f'label_replace({inner}, "{to}", {rest})'

    def of_scalar(self, depth: int) -> str:
        return f"vector({self.scalar(depth)})"

    def negated(self, depth: int) -> str:
        return f"{self.pick('-+-')}{self.operand(depth)}"

    # Range vectors.

    def matrix(self, depth: int) -> str:
        if self.chance(0.5):
            return f"{self.selector()}[{self.pick(WINDOWS)}]{self.modifier()}"
        step = self.pick(("1m", "30s", "1m", "", "2m", "15s"))
        return f"{self.operand(depth)}[{self.pick(('5m', '5m', '2m', '10m', '1m', '30s'))}:{step}]{self.modifier()}"

    # Scalars.

    def number(self) -> str:
        return self.pick(NUMBERS) if self.chance(0.85) else self.pick(ODD_NUMBERS)

    def number_or_scalar(self, depth: int) -> str:
        return self.number() if self.chance(0.8) else self.scalar(depth)

    def scalar(self, depth: int) -> str:
        kind = self.random.random()
        if depth <= 0 or kind < 0.25:
            return self.pick((self.number(), self.number(), "time()", "pi()"))
        if kind < 0.7:
            return f"scalar({self.vector(depth - 1)})"
        left, right = self.scalar(depth - 1), self.scalar(depth - 1)
        if kind < 0.85:
            return f"({left}) {self.pick(ARITHMETIC)} {right}"
        return f"({left} {self.pick(COMPARISONS)} bool {right})"


def query(seed: object) -> str:
    """A query that is meant to be valid; operands that do not fit together make a few of them invalid."""
    return _Writer(seed).query()


def mutation(seed: object) -> str:
    """A query with a few tokens removed, repeated, swapped, replaced or added."""
    writer = _Writer(f"{seed}/mutation")
    tokens = TOKEN.findall(writer.vector(int(writer.pick("0112"))))
    for _ in range(int(writer.pick("11111223"))):
        at = writer.random.randrange(len(tokens)) if tokens else 0
        match writer.pick(("drop", "repeat", "swap", "kin", "kin", "kin", "kin", "replace", "add", "glue")):
            case "drop":
                del tokens[at : at + 1]
            case "repeat":
                tokens[at:at] = tokens[at : at + 1]
            case "swap":
                tokens[at : at + 2] = reversed(tokens[at : at + 2])
            case "kin" if tokens:
                alike = [token for token in VOCABULARY if _kind(token) == _kind(tokens[at])]
                tokens[at] = writer.pick(alike or VOCABULARY)
            case "replace":
                tokens[at : at + 1] = [writer.pick(VOCABULARY)]
            case "add":
                tokens[at:at] = [" ", writer.pick(VOCABULARY), " "]
            case _:
                tokens[at:at] = [writer.pick(VOCABULARY)]
    return "".join(tokens)


def _kind(token: str) -> str:
    """Which tokens may take one another's place without much ado."""
    for name, pattern in (("word", r"[a-zA-Z_:]"), ("number", r"[\d.]"), ("string", "[\"'`]"), ("space", r"\s|#")):
        if re.match(pattern, token):
            return name
    return "bracket" if token in "()[]{}," else "operator"
