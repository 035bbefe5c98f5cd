"""What one metric decides in each world that a new version can meet.

A measurement is a query, the shape in which its provider hands over the answer (argo-rollouts `metricproviders/*`),
and the conditions on it (`utils/evaluate/evaluate.go` EvaluateResult). Queries are interpreted abstractly
(`lang.promql.worlds`), conditions are evaluated on every kind of value that the query can give. What the texts leave
open - a placeholder without a known value, a function that is not modelled - stays open here (`None` among the
phases) and is never claimed.

Equal texts are judged once: `judge` remembers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal, NamedTuple, TypeAlias

from rolloutlint.lang import expr
from rolloutlint.lang.expr import (
    CompileError,
    ExprError,
    Library,
    Phase,
    Program,
    Shape,
    breakpoints,
    decide,
    uses_index,
)
from rolloutlint.lang.promql.interpret import interpret
from rolloutlint.lang.promql.lexer import PromQLError
from rolloutlint.lang.promql.parser import parse
from rolloutlint.lang.promql.slips import speaks_metricsql
from rolloutlint.lang.promql.tree import Node as QueryNode
from rolloutlint.lang.promql.tree import Span
from rolloutlint.lang.promql.values import Abstract, Reason
from rolloutlint.lang.promql.worlds import WhatIf, what_if
from rolloutlint.lang.template import Expanded, expand
from rolloutlint.settings import Targets

WorldKey = Literal[
    "normal",
    "healthy",
    "healthy-no-failures",
    "failing",
    "failing-no-successes",
    "started",
    "absent",
    "idle",
    "unreachable",
]
"""The worlds, in the order in which a table shows them."""

WORLDS: Mapping[WorldKey, str] = {
    "normal": "requests, some of which may fail",
    "healthy": "no request fails",
    "healthy-no-failures": "no request has failed yet: no series of failures",
    "failing": "every request fails",
    "failing-no-successes": "every request fails: no series of successes",
    "started": "the pods just started: one sample",
    "absent": "no series at all",
    "idle": "no request in the window",
    "unreachable": "the provider does not answer",
}
"""World -> what it is, in words."""

WORLDS_ELSEWHERE: Mapping[WorldKey, str] = {
    "normal": "data",
    "absent": "no data",
    "unreachable": "the provider does not answer",
}
"""The same for providers other than Prometheus, of whose queries nothing is known."""

WITHOUT_TRAFFIC: frozenset[WorldKey] = frozenset(("started", "absent", "idle"))

PartKind = Literal["empty", "NaN", "infinite", "value", "nil", "fault", "open"]
Phases: TypeAlias = "frozenset[Phase | None]"

_ERROR: Phases = frozenset(("Error",))
_OPEN: Phases = frozenset((None,))


class Part(NamedTuple):
    """One kind of answer that a query can give in a world, and what the conditions make of it."""

    kind: PartKind
    words: str
    """The answer for people: `empty`, `NaN`, `0.99`, `0 to 1`."""
    phases: Phases
    """Every phase that such an answer can lead to; `None` among them where it cannot be known."""
    reasons: frozenset[Reason] = frozenset()
    """Why the query can give it, with the operands at which it arises."""
    bounds: tuple[float, float] = (-math.inf, math.inf)
    """Of a `value`: the least and the greatest number."""


class Verdict(NamedTuple):
    """What one measurement gives in one world."""

    world: WorldKey
    parts: tuple[Part, ...]

    @property
    def phases(self) -> Phases:
        """Every phase that is possible."""
        return frozenset().union(*(part.phases for part in self.parts))

    @property
    def phase(self) -> Phase | None:
        """The phase if there is only one; `None` otherwise."""
        phases = self.phases
        return next(iter(phases)) if len(phases) == 1 else None

    def certainly(self, *phases: Phase) -> bool:
        """Whether nothing but these phases is possible."""
        return bool(self.parts) and self.phases <= frozenset(phases)

    def part(self, kind: PartKind) -> Part | None:
        """The part of one kind."""
        return next((part for part in self.parts if part.kind == kind), None)


class Condition(NamedTuple):
    """A successCondition or failureCondition, with what is wrong with it if it cannot be parsed or compiled."""

    field: Literal["successCondition", "failureCondition"]
    text: str
    """With the placeholders of known values filled in."""
    node: expr.Node | None
    syntax: ExprError | None
    fault: CompileError | None
    """Why it never compiles for the shape of this metric's answers, whatever the value."""


class Query(NamedTuple):
    """A PromQL query."""

    text: str
    """With the placeholders of known values filled in."""
    node: QueryNode | None
    syntax: PromQLError | None
    value: Abstract | None
    """What it can return at all."""
    worlds: WhatIf | None


class Judgement(NamedTuple):
    """What the texts of a metric come to. Spans are offsets into the filled-in texts."""

    provider: str
    query: Query | None
    conditions: tuple[Condition, ...]
    verdicts: tuple[Verdict, ...]
    shape: Shape | None
    """The static type of `result`; `None` where it depends on the answer."""
    library: Library = expr.NEWEST
    """The release of expr-lang that evaluates the conditions."""
    classified: bool = False
    """Whether the matchers of the query say which requests fail; else `healthy` and `failing` follow from the
    conditions: what passes while the narrower series stand still is called healthy."""

    def condition(self, field: str) -> Condition | None:
        """The condition of one field, if it is set."""
        return next((c for c in self.conditions if c.field == field), None)

    def verdict(self, world: WorldKey) -> Verdict | None:
        """The verdict in one world; `None` where the texts do not tell that world apart."""
        return next((v for v in self.verdicts if v.world == world), None)


class Measurement(NamedTuple):
    """A metric of a manifest: its judgement, and the way back from the filled-in texts to the written ones."""

    judgement: Judgement
    texts: Mapping[str, Expanded]
    """`query`, `successCondition`, `failureCondition` -> what was written there."""

    def piece(self, field: str, span: Span) -> Span:
        """Offsets into the value as written of a span of the filled-in text of `field`."""
        return self.texts[field].origin(*span)


def measure(metric: Mapping[str, Any], arguments: Mapping[str, str], targets: Targets) -> Measurement | None:
    """What `metric` (an entry of `spec.metrics`) decides. `arguments` are the values that are known for certain.

    `None` where the metric has not exactly one provider, or its texts are no strings: other rules say so.
    """
    provider = metric.get("provider")
    named = [(k, v) for k, v in provider.items() if v is not None] if isinstance(provider, dict) else []
    if len(named) != 1 or not isinstance(named[0][1], dict):
        return None
    (name, settings) = named[0]
    texts: dict[str, Expanded] = {}
    for field in ("successCondition", "failureCondition"):
        value = metric.get(field)
        if value is not None and not isinstance(value, str):
            return None
        if value:
            texts[field] = expand(value, arguments)
    form = name
    if name == "prometheus":
        query = settings.get("query")
        if not isinstance(query, str):
            return None
        texts["query"] = expand(query, arguments, keep_in_strings=True)
        if settings.get("rangeQuery") is not None:
            form = "prometheus-range"
        elif _is_victoria_metrics(settings.get("address")):
            form = "prometheus-like"
    filled = {field: text.text for field, text in texts.items()}
    judgement = judge(
        form,
        filled.get("query", ""),
        filled.get("successCondition", ""),
        filled.get("failureCondition", ""),
        expr.library_of(targets.rollouts),
        2 if targets.prometheus.major < 3 else 3,
    )
    return Measurement(judgement, texts)


def _is_victoria_metrics(address: object) -> bool:
    """Whether an address is that of VictoriaMetrics: its MetricsQL reads more than PromQL, and some of it otherwise."""
    return isinstance(address, str) and any(mark in address for mark in ("victoria", "vmselect", "vmsingle", "vmauth"))


@lru_cache(maxsize=8192)
def judge(form: str, query: str, success: str, failure: str, library: Library, prometheus: Literal[2, 3]) -> Judgement:
    """The judgement of one metric.

    `form` is the provider, with `prometheus-range` for a range query and `prometheus-like` for a server that is not
    Prometheus; `query` is PromQL (elsewhere empty); the conditions are empty where they are not set.
    """
    conditions = _Conditions(success, failure, library)
    if form.startswith("prometheus"):
        return _judge_prometheus(form, query, conditions, prometheus)
    return _judge_other(form, conditions)


class _Conditions:
    """The two conditions of a metric, compiled once for each shape of the answer they are asked about."""

    def __init__(self, success: str, failure: str, library: Library) -> None:
        self.library = library
        self.texts = (("successCondition", success), ("failureCondition", failure))
        self.nodes: dict[str, expr.Node | None] = {}
        self.syntax: dict[str, ExprError] = {}
        self.programs: dict[Shape, tuple[Program | CompileError | None, ...]] = {}
        for field, text in self.texts:
            self.nodes[field] = None
            if text:
                try:
                    self.nodes[field] = expr.parse(text, library)
                except ExprError as error:
                    self.syntax[field] = error
        parsed = [node for node in self.nodes.values() if node is not None]
        elements = [access.index for node in parsed for access in uses_index(node)]
        self.longest = max((k + 1 for k in elements if k is not None and 0 <= k < _LONGEST), default=1)
        self.several = any(expr.looks_at_several(node) for node in parsed)
        edges = sorted(set(breakpoints(*parsed)))
        between = [(low + high) / 2 for low, high in pairwise(edges)]
        beyond = [edges[0] - 1, edges[-1] + 1] if edges else [0.0]
        self.samples = sorted({*edges, *between, *beyond})
        """One number of each cell: every constant, one between any two, one beyond both ends."""

    def compiled(self, shape: Shape) -> tuple[Program | CompileError | None, ...]:
        """The success and the failure condition for one shape; an error where it does not compile."""
        found = self.programs.get(shape)
        if found is None:
            found = tuple(self._compile(field, shape) for field, _ in self.texts)
            self.programs[shape] = found
        return found

    def _compile(self, field: str, shape: Shape) -> Program | CompileError | None:
        node = self.nodes[field]
        if node is None:
            return None
        try:
            return expr.compile(node, shape, self.library)
        except CompileError as error:
            return error

    def phases(self, shape: Shape, values: Iterable[object]) -> Phases:
        """The phases that the values lead to."""
        if self.syntax:
            return _ERROR
        success, failure = self.compiled(shape)
        if isinstance(success, CompileError) or isinstance(failure, CompileError):
            return _ERROR
        return frozenset(decide(success, failure, value) for value in values)

    def points(self, low: float, high: float) -> list[float]:
        """Numbers between `low` and `high` that stand for all of them."""
        inside = [number for number in self.samples if low < number < high]
        edges = [edge for edge in (low, high) if math.isfinite(edge)]
        if math.isfinite(low) and low < high:  # between an end and the first number inside there is a cell, too
            inside.append((low + min(inside, default=high if math.isfinite(high) else low + 2)) / 2)
        if math.isfinite(high) and low < high:
            inside.append((high + max(inside, default=high - 2)) / 2)
        return sorted({*inside, *edges}) or [0.0]

    def described(self, shape: Shape | None) -> tuple[Condition, ...]:
        """The conditions that are set, with their faults for one shape of answer."""
        compiled = self.compiled(shape) if shape is not None else (None, None)
        return tuple(
            Condition(
                field,  # type: ignore[arg-type]
                text,
                self.nodes[field],
                self.syntax.get(field),
                program if isinstance(program, CompileError) else None,
            )
            for (field, text), program in zip(self.texts, compiled, strict=True)
            if text
        )


_LONGEST = 100
"""An index above this needs no result of that length to be tried."""

_IMPROBABLE = frozenset(("raw-sample", "malformed-buckets"))
"""Reasons that no exporter in its right mind gives, and that every query could have."""


def phases_by_region(judgement: Judgement, part: Part) -> tuple[tuple[str, Phase | None], ...]:
    """For a `value` part: its intervals in ascending order, in words, with the phase that each leads to.

    `()` where the conditions do not compile.
    """
    programs: list[Program | None] = []
    for field in ("successCondition", "failureCondition"):
        condition = judgement.condition(field)
        if condition is None:
            programs.append(None)
        elif condition.node is None or condition.fault is not None or judgement.shape is None:
            return ()
        else:
            programs.append(expr.compile(condition.node, judgement.shape, judgement.library))
    low, high = part.bounds
    return tuple((_in_words(region), region.outcome) for region in expr.regions(*programs, low=low, high=high))


def _in_words(region: expr.Region) -> str:
    """An interval in words: `0.95 to 1`, `0 to below 0.95`, `above 0.05`."""
    low, high = region.low, region.high
    if low == high or (region.low_closed and region.high_closed):
        return _between(low, high)
    if math.isinf(low) and math.isinf(high):
        return "any number"
    if math.isinf(low):
        return f"{high:g} or less" if region.high_closed else f"below {high:g}"
    if math.isinf(high):
        return f"{low:g} or more" if region.low_closed else f"above {low:g}"
    return f"{'' if region.low_closed else 'above '}{low:g} to {'' if region.high_closed else 'below '}{high:g}"


_UNREACHABLE = Verdict("unreachable", (Part("fault", "-", _ERROR),))


def _judge_unknown(conditions: _Conditions) -> Judgement:
    """A query in a language that is not PromQL: only what the conditions make of no data is known."""
    absent = Verdict("absent", (Part("empty", "empty", conditions.phases("float[]", ([],))),))
    return Judgement(
        "prometheus", None, conditions.described("float[]"), (absent, _UNREACHABLE), "float[]", conditions.library
    )


def _judge_prometheus(form: str, text: str, conditions: _Conditions, prometheus: Literal[2, 3]) -> Judgement:
    if form == "prometheus-like":
        return _judge_unknown(conditions)
    try:
        node = parse(text)
    except PromQLError as error:
        if speaks_metricsql(text):
            return _judge_unknown(conditions)
        query = Query(text, None, error, None, None)
        return Judgement(
            "prometheus", query, conditions.described("float[]"), (_UNREACHABLE,), "float[]", conditions.library
        )
    value = interpret(node, prometheus=prometheus)
    worlds = what_if(node, prometheus=prometheus)
    shape: Shape | None = "float[]"
    if form != "prometheus-range":
        shape = {"scalar": "float", "vector": "float[]", "matrix": "float[]"}.get(value.type or "")  # type: ignore[assignment]
    many = form == "prometheus-range" or value.type == "matrix"
    classified, verdicts = _verdicts(worlds, shape, many, conditions)
    query = Query(text, node, None, value, worlds)
    described = conditions.described(shape)
    return Judgement("prometheus", query, described, (*verdicts, _UNREACHABLE), shape, conditions.library, classified)


def _verdicts(worlds: WhatIf, shape: Shape | None, many: bool, conditions: _Conditions) -> tuple[bool, list[Verdict]]:
    """The verdicts, and whether the matchers of the query say by themselves what a failure is.

    Where they do not, the conditions do: series that pass when they stand still while the rest moves are failures.
    """

    def verdict(key: WorldKey, value: Abstract | None) -> list[Verdict]:
        return [] if value is None else [_verdict(key, value, shape, many, conditions)]

    found = verdict("normal", worlds.normal)
    classified = worlds.healthy is not None or worlds.all_failing is not None
    if classified:
        found += verdict("healthy", worlds.healthy_zero_errors) + verdict("healthy-no-failures", worlds.healthy)
        found += verdict("failing", worlds.all_failing_zero) + verdict("failing-no-successes", worlds.all_failing)
    elif worlds.narrow_zero is not None:
        still = _verdict("healthy", worlds.narrow_zero, shape, many, conditions)
        if still.phase == "Successful":
            found += [still, *verdict("healthy-no-failures", worlds.narrow_absent)]
        elif still.phase == "Failed":
            found += [still._replace(world="failing"), *verdict("failing-no-successes", worlds.narrow_absent)]
    found += verdict("started", worlds.started) + verdict("absent", worlds.absent) + verdict("idle", worlds.idle)
    return classified, found


def _verdict(world: WorldKey, value: Abstract, shape: Shape | None, many: bool, conditions: _Conditions) -> Verdict:
    """What the conditions make of an abstract value. Raw samples that are NaN or infinite are left aside: an exporter
    that exports them is rare, and every query could then be both."""
    if value.type == "string":
        return Verdict(world, (Part("fault", "a string", _ERROR),))
    if shape is None or value.type is None:
        return Verdict(world, (Part("open", "unknown", _OPEN),))
    scalar = shape == "float"
    parts: list[Part] = []
    if value.empty and not scalar:
        parts.append(Part("empty", "empty", conditions.phases(shape, ([],)), value.empty))
    if value.always_empty and not scalar:
        return Verdict(world, tuple(parts))
    lengths = {1, max(2, conditions.longest)} if many or value.cardinality > 1 else {1}
    pairs = conditions.several and len(lengths) > 1

    def results(points: Iterable[float]) -> Iterable[object]:
        if scalar:
            return points
        numbers = list(points)
        mixed = [[one, other] for one in numbers for other in numbers] if pairs else []
        return [[point] * length for point in numbers for length in lengths] + mixed

    nan = frozenset(reason for reason in value.nan if reason.code not in _IMPROBABLE)
    if nan:
        parts.append(Part("NaN", "NaN", conditions.phases(shape, results((math.nan,))), nan))
    infinite = frozenset(reason for reason in value.inf if reason.code not in _IMPROBABLE)
    if infinite:
        ends = [end for end in (value.low, value.high) if math.isinf(end)]
        if ends:
            parts.append(Part("infinite", "infinite", conditions.phases(shape, results(ends)), infinite))
    if value.low <= value.high:
        points = conditions.points(value.low, value.high)
        if value.nonzero and len(points) > 1:
            points = [p for p in points if p != 0] or points
        parts.append(
            Part(
                "value",
                _between(value.low, value.high),
                conditions.phases(shape, results(points)),
                bounds=(value.low, value.high),
            )
        )
    return Verdict(world, tuple(parts))


def _between(low: float, high: float) -> str:
    """An interval in words: `0.99`, `0 to 1`, `0 or more`, `any number`."""
    if low == high:
        return f"{low:g}"
    if math.isinf(low):
        return "any number" if math.isinf(high) else f"{high:g} or less"
    return f"{low:g} or more" if math.isinf(high) else f"{low:g} to {high:g}"


_ANSWERS: Mapping[str, tuple[Shape | None, Shape | None, tuple[object, ...]]] = {
    "datadog": ("float", "nil", (None,)),
    "wavefront": (None, None, ()),
    "newRelic": (None, None, ()),
    "cloudWatch": ("MetricDataResult[]", "MetricDataResult[]", ([{"Id": "", "Label": "", "Values": []}],)),
    "graphite": ("float[]", "float[]", ([],)),
    "influxdb": ("any[]", None, ()),
    "skywalking": ("any", None, ()),
    "web": ("any", None, ()),
}
"""Provider -> the shape of an answer, the shape without data, and what `result` then is. Without data the others do
not answer at all, which is an error of the provider (facts: `metricproviders/*`)."""


def _judge_other(form: str, conditions: _Conditions) -> Judgement:
    """Providers without PromQL: what they hand over with data and without."""
    shape, bare, values = _ANSWERS.get(form, (None, None, ()))
    verdicts: list[Verdict] = []
    if shape == "float":
        points = conditions.points(-math.inf, math.inf)
        verdicts.append(Verdict("normal", (Part("value", "any number", conditions.phases(shape, points)),)))
    elif shape == "MetricDataResult[]":
        points = conditions.points(-math.inf, math.inf)
        rows = [[{"Id": "", "Label": "", "Values": [point]}] for point in points]
        verdicts.append(Verdict("normal", (Part("value", "any number", conditions.phases(shape, rows)),)))
    elif shape == "float[]":
        points = conditions.points(-math.inf, math.inf)
        results = [[point] * max(2, conditions.longest) for point in points]
        verdicts.append(Verdict("normal", (Part("value", "any numbers", conditions.phases(shape, results)),)))
    if bare is not None:
        kind: PartKind = "nil" if bare == "nil" else "empty"
        verdicts.append(Verdict("absent", (Part(kind, kind, conditions.phases(bare, values)),)))
    elif form in ("newRelic", "wavefront", "influxdb"):
        verdicts.append(Verdict("absent", (Part("fault", "no row", _ERROR),)))
    if form not in ("job", "kayenta", "plugin"):
        verdicts.append(_UNREACHABLE)
    return Judgement(form, None, conditions.described(shape), tuple(verdicts), shape, conditions.library)


__all__ = [
    "WITHOUT_TRAFFIC",
    "WORLDS",
    "WORLDS_ELSEWHERE",
    "Condition",
    "Judgement",
    "Measurement",
    "Part",
    "Query",
    "Verdict",
    "judge",
    "measure",
]
