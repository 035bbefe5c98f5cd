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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, wraps
from itertools import islice, pairwise
from typing import Any, Concatenate, Literal, NamedTuple, ParamSpec, TypeAlias, TypeVar

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
)
from rolloutlint.lang.promql.interpret import interpret
from rolloutlint.lang.promql.lexer import PromQLError
from rolloutlint.lang.promql.parser import parse
from rolloutlint.lang.promql.slips import speaks_metricsql
from rolloutlint.lang.promql.tree import Node as QueryNode
from rolloutlint.lang.promql.tree import Span
from rolloutlint.lang.promql.values import Abstract, Reason
from rolloutlint.lang.promql.worlds import WhatIf, what_if
from rolloutlint.lang.template import Expanded, expand, open_names
from rolloutlint.settings import Targets, Version

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
    "idle": "no request in the window, every series is there",
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


P = ParamSpec("P")
T = TypeVar("T")


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
    memo: dict[object, Any] | None = None
    """What `remembered` functions answered about it."""

    def condition(self, field: str) -> Condition | None:
        """The condition of one field, if it is set."""
        return next((c for c in self.conditions if c.field == field), None)

    def verdict(self, world: WorldKey) -> Verdict | None:
        """The verdict in one world; `None` where the texts do not tell that world apart."""
        return next((v for v in self.verdicts if v.world == world), None)


def remembered(function: Callable[Concatenate[Judgement, P], T]) -> Callable[Concatenate[Judgement, P], T]:
    """Ask a pure function once about each judgement (and further hashable arguments): equal metrics share theirs."""

    @wraps(function)
    def asked(judgement: Judgement, /, *args: P.args, **named: P.kwargs) -> T:
        key = (function, args, tuple(named.items())) if named else (function, args)
        memo = judgement.memo
        if memo is None:
            return function(judgement, *args, **named)
        if key not in memo:
            memo[key] = function(judgement, *args, **named)
        answer: T = memo[key]
        return answer

    return asked


class Question(NamedTuple):
    """The arguments of `judge`."""

    form: str
    query: str
    success: str
    failure: str
    library: Library
    prometheus: Literal[2, 3]


class Measurement(NamedTuple):
    """A metric of a manifest: its judgement, and the way back from the filled-in texts to the written ones."""

    judgement: Judgement
    texts: Mapping[str, Expanded]
    """`query`, `successCondition`, `failureCondition` -> what was written there."""
    question: Question
    """What `judge` was asked."""

    def piece(self, field: str, span: Span) -> Span:
        """Offsets into the value as written of a span of the filled-in text of `field`."""
        return self.texts[field].origin(*span)


def depends_on_arguments(metric: Mapping[str, Any]) -> bool:
    """Whether a text of `metric` has a placeholder whose value `measure` would fill in."""
    provider = metric.get("provider")
    prometheus = provider.get("prometheus") if isinstance(provider, dict) else None
    query = prometheus.get("query") if isinstance(prometheus, dict) else None
    conditions = (metric.get("successCondition"), metric.get("failureCondition"))
    if any(isinstance(text, str) and "{{" in text and open_names(text) for text in conditions):
        return True
    return isinstance(query, str) and "{{" in query and bool(open_names(query, keep_in_strings=True))


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
        form = _prometheus_form(settings, targets.rollouts)
    elif name == "datadog" and settings.get("apiVersion") == "v2" and targets.rollouts == _ZERO_FOR_NULL:
        form = "datadog-zero"
    filled = {field: text.text for field, text in texts.items()}
    question = Question(
        form,
        filled.get("query", ""),
        filled.get("successCondition", ""),
        filled.get("failureCondition", ""),
        expr.library_of(targets.rollouts),
        2 if targets.prometheus.major < 3 else 3,
    )
    return Measurement(judge(*question), texts, question)


MATRICES_SINCE = Version(1, 8)
"""The release that brought `rangeQuery` and takes matrices (`metricproviders/prometheus/prometheus.go`)."""

_ZERO_FOR_NULL = Version(1, 7)
"""The release in which a null of Datadog's v2 API is 0 (`metricproviders/datadog/datadog.go`)."""


def _prometheus_form(settings: Mapping[str, Any], rollouts: Version) -> str:
    """What kind of answer a query of the provider `prometheus` gets: see `judge`."""
    if _is_victoria_metrics(settings.get("address")):
        return "prometheus-like"
    if rollouts < MATRICES_SINCE:
        return "prometheus-vector"
    return "prometheus-range" if settings.get("rangeQuery") is not None else "prometheus"


def _is_victoria_metrics(address: object) -> bool:
    """Whether an address is that of VictoriaMetrics: its MetricsQL reads more than PromQL, and some of it otherwise."""
    return isinstance(address, str) and any(mark in address for mark in ("victoria", "vmselect", "vmsingle", "vmauth"))


@lru_cache(maxsize=8192)
def judge(form: str, query: str, success: str, failure: str, library: Library, prometheus: Literal[2, 3]) -> Judgement:
    """The judgement of one metric.

    `form` is the provider, with `prometheus-range` for a range query, `prometheus-vector` for a release that takes no
    matrices, `prometheus-like` for a server that is not Prometheus, and `datadog-zero` where a null is read as 0;
    `query` is PromQL (elsewhere empty); the conditions are empty where they are not set.
    """
    conditions = _conditions(success, failure, library)
    if form.startswith("prometheus"):
        return _judge_prometheus(form, query, conditions, prometheus)._replace(memo={})
    return _judge_other(form, conditions)._replace(memo={})


@lru_cache(maxsize=1024)
def _conditions(success: str, failure: str, library: Library) -> _Conditions:
    """Metrics with queries of their own often share their conditions."""
    return _Conditions(success, failure, library)


class _Conditions:
    """The two conditions of a metric, compiled once for each shape of the answer they are asked about."""

    def __init__(self, success: str, failure: str, library: Library) -> None:
        self.library = library
        self.texts = (("successCondition", success), ("failureCondition", failure))
        self.nodes: dict[str, expr.Node | None] = {}
        self.syntax: dict[str, ExprError] = {}
        self._programs: dict[Shape, tuple[Program | CompileError | None, ...]] = {}
        self._known: dict[tuple[object, ...], Phases] = {}
        for field, text in self.texts:
            self.nodes[field] = None
            if text:
                try:
                    self.nodes[field] = expr.parse(text, library)
                except ExprError as error:
                    self.syntax[field] = error
        parsed = [node for node in self.nodes.values() if node is not None]
        self.lengths, self.most = _lengths(parsed)
        self.several = len(self.lengths) > 1 and any(map(expr.looks_at_several, parsed))
        edges = sorted(set(breakpoints(*parsed)))
        self.capped = len(edges) >= expr.MAX_POINTS
        """Whether there are more constants than are looked at: then no number speaks for its neighbours."""
        between = [low / 2 + high / 2 for low, high in pairwise(edges)]
        beyond = [edges[0] - max(1.0, abs(edges[0])), edges[-1] + max(1.0, abs(edges[-1]))] if edges else [0.0]
        self.samples = sorted({*edges, *between, *beyond})
        """One number of each cell: every constant, one between any two, one beyond both ends."""

    def compiled(self, shape: Shape) -> tuple[Program | CompileError | None, ...]:
        """The success and the failure condition for one shape; an error where it does not compile."""
        found = self._programs.get(shape)
        if found is None:
            found = tuple([self._compile(field, shape) for field, _ in self.texts])
            self._programs[shape] = found
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
        """The phases that the values lead to; of very many values the rest counts as unknown."""
        if self.syntax:
            return _ERROR
        success, failure = self.compiled(shape)
        if isinstance(success, CompileError) or isinstance(failure, CompileError):
            return _ERROR
        rest = iter(values)
        found: set[Phase | None] = {decide(success, failure, value) for value in islice(rest, self.most)}
        if next(rest, rest) is not rest:
            found.add(None)
        return frozenset(found)

    def nothing(self, shape: Shape) -> Phases:
        """The phases of an empty vector."""
        key = (shape,)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self.phases(shape, ([],))
        return found

    def numbers(
        self, kind: Literal["NaN", "infinite", "value"], shape: Shape, value: Abstract, *, many: bool
    ) -> Phases:
        """The phases of the results with an element of that kind which `value` stands for."""
        low, high, nonzero = value.low, value.high, value.nonzero
        key = (kind, shape, low, high, nonzero, many)
        found = self._known.get(key)
        if found is not None:
            return found
        finite = self.points(low, high) if low <= high else []
        if nonzero and 0 in finite:
            finite = _around_zero(finite, low, high)
        wanted = finite
        if kind == "NaN":
            wanted = [math.nan]
        elif kind == "infinite":
            wanted = [end for end in (low, high) if math.isinf(end)]
        found = self.phases(shape, wanted if shape == "float" else self._vectors(wanted, finite, many))
        if self.capped and kind == "value" and not self.syntax:
            found |= _OPEN
        self._known[key] = found
        return found

    def _vectors(self, wanted: Sequence[float], others: Sequence[float], many: bool) -> Iterator[list[float]]:
        """Vectors of the wanted numbers; where there may be many elements, also beside others."""
        for number in wanted:
            for length in self.lengths if many else (1,):
                yield [number] * length
        if many and self.several:
            for number in wanted:
                for other in others:
                    if number != other:
                        yield [number, other]
                        yield [other, number]

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


def _around_zero(numbers: Sequence[float], low: float, high: float) -> list[float]:
    """The numbers without 0, which may have stood for the numbers to both of its sides: those are there instead."""
    found = {number for number in numbers if number}
    if low < 0:
        found.add(max((number for number in found if number < 0), default=-1.0) / 2)
    if high > 0:
        found.add(min((number for number in found if number > 0), default=1.0) / 2)
    return sorted(found) or list(numbers)


_LONGEST = 100
"""A result of more elements than this is not tried."""

_MOST_RESULTS = 2000
"""So many results are tried for one kind of answer; what more of them would lead to is left open."""

_MOST_LOOPS = 50
"""The same where a condition runs through ranges, of which each evaluation may take milliseconds."""

_MOST_ROUNDS = 200_000
"""Results times rounds of loops within loops."""


def _lengths(nodes: Sequence[expr.Node]) -> tuple[tuple[int, ...], int]:
    """The lengths of results that conditions tell apart, and how many results may be tried.

    An element that is asked for needs to be there once and to be missing once; lengths that are compared are tried
    with their neighbours, and where an index is computed a long result is tried.
    """
    found, whole = {1}, {1}
    counts = several = loops = ranges = False
    for node in nodes:
        for inner in expr.walk(node):
            if isinstance(inner, expr.Number):
                if isinstance(inner.value, int) and 0 < inner.value < _LONGEST:
                    whole.add(inner.value)
            elif isinstance(inner, expr.Member):
                several |= not (isinstance(inner.key, expr.Number) and inner.key.value == 0)
                found.add(_needed(inner.key))
            elif isinstance(inner, expr.Call):
                counts |= inner.name in ("len", "count")
                if inner.name == "get" and len(inner.args) == 2:
                    found.add(_needed(inner.args[1]))
                several |= inner.name not in _OF_ONE
            elif isinstance(inner, expr.Predicate | expr.Slice):
                several = loops = True
            elif isinstance(inner, expr.Binary) and inner.op == "..":
                ranges = True
    if counts:
        found |= {length + step for length in whole for step in (-1, 0, 1)} - {0}
    if several or counts:
        found.add(2)
    most = _MOST_LOOPS if loops and ranges else _MOST_RESULTS
    if loops:
        depth = max(map(_loops_within, nodes))
        most = min(most, _MOST_ROUNDS // max(found) ** min(depth, 20))
    return tuple(sorted(found)), most


def _loops_within(node: expr.Node) -> int:
    """How many predicates stand in each other."""
    inner = max(map(_loops_within, expr.children(node)), default=0)
    return inner + isinstance(node, expr.Predicate)


_OF_ONE = frozenset(("isNaN", "isInf", "isNil", "asInt", "asFloat", "default", "float", "int", "abs", "first"))
"""Functions to which it is all the same whether there are more elements."""


def _needed(key: expr.Node) -> int:
    """How many elements there must be for an index: at least 1, and many where it is computed."""
    sign = 1
    if isinstance(key, expr.Unary) and key.op == "-":
        key, sign = key.operand, -1
    if isinstance(key, expr.String):
        return 1
    if not isinstance(key, expr.Number) or not isinstance(key.value, int):
        return _LONGEST
    return min(max(1, key.value + 1 if sign > 0 else key.value), _LONGEST)


_IMPROBABLE = frozenset(("raw-sample", "malformed-buckets"))
"""Reasons that no exporter in its right mind gives, and that every query could have."""


def phases_by_region(judgement: Judgement, part: Part) -> tuple[tuple[str, Phase | None], ...]:
    """For a `value` part: its intervals in ascending order, in words, with the phase that each leads to.

    `()` where the conditions do not compile, or where more than one number of a result counts.
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
    found = expr.regions(*programs, low=low, high=high)
    if {region.outcome for region in found} != part.phases:
        return ()
    return tuple((_in_words(region), region.outcome) for region in found)


def _in_words(region: expr.Region) -> str:
    """An interval in words: `0.95 to 1`, `0 to below 0.95`, `above 0.05`."""
    low, high = region.low, region.high
    if low == high or (region.low_closed and region.high_closed):
        return _between(low, high)
    if math.isinf(low) and math.isinf(high):
        return "any number"
    if math.isinf(low):
        return f"{high:.15g} or less" if region.high_closed else f"below {high:.15g}"
    if math.isinf(high):
        return f"{low:.15g} or more" if region.low_closed else f"above {low:.15g}"
    return f"{'' if region.low_closed else 'above '}{low:.15g} to {'' if region.high_closed else 'below '}{high:.15g}"


_UNKNOWN = Part("open", "unknown", _OPEN)
_UNREACHABLE = Verdict("unreachable", (Part("fault", "-", _ERROR),))


def _judge_unknown(conditions: _Conditions) -> Judgement:
    """A query that cannot be followed, or is no PromQL: only what the conditions make of no data is known."""
    absent = Verdict("absent", (Part("empty", "empty", conditions.nothing("float[]")),))
    return Judgement(
        "prometheus", None, conditions.described("float[]"), (absent, _UNREACHABLE), "float[]", conditions.library
    )


def _judge_prometheus(form: str, text: str, conditions: _Conditions, prometheus: Literal[2, 3]) -> Judgement:
    if form == "prometheus-like":
        return _judge_unknown(conditions)
    try:
        node = parse(text)
    except PromQLError as error:
        if error.kind == "depth" or speaks_metricsql(text):
            return _judge_unknown(conditions)
        query = Query(text, None, error, None, None)
        return Judgement(
            "prometheus", query, conditions.described("float[]"), (_UNREACHABLE,), "float[]", conditions.library
        )
    value = interpret(node, prometheus=prometheus)
    worlds = what_if(node, prometheus=prometheus)
    query = Query(text, node, None, value, worlds)
    refused = _refused(form, value)
    if refused:
        verdicts = [Verdict(world, (Part("fault", refused, _ERROR),)) for world in ("normal", "absent", "idle")]
        described = conditions.described(None)
        return Judgement("prometheus", query, described, (*verdicts, _UNREACHABLE), None, conditions.library)
    shape: Shape | None = "float[]"
    if form != "prometheus-range":
        shape = {"scalar": "float", "vector": "float[]", "matrix": "float[]"}.get(value.type or "")  # type: ignore[assignment]
    many = form == "prometheus-range" or value.type == "matrix"
    classified, found = _verdicts(worlds, shape, many, conditions)
    described = conditions.described(shape)
    return Judgement("prometheus", query, described, (*found, _UNREACHABLE), shape, conditions.library, classified)


def _refused(form: str, value: Abstract) -> str:
    """What a query gives that the provider cannot use, in words (`metricproviders/prometheus/prometheus.go`
    processResponse; range queries of strings and matrices are refused by Prometheus)."""
    if value.type == "string":
        return "a string"
    if value.type == "matrix" and form != "prometheus":
        return "a matrix"
    return ""


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
    if shape is None or value.type is None:
        return Verdict(world, (_UNKNOWN,))
    scalar = shape == "float"
    many = not scalar and (many or value.cardinality > 1)
    parts: list[Part] = []
    if value.empty and not scalar:
        parts.append(Part("empty", "empty", conditions.nothing(shape), value.empty))
        if value.always_empty:
            return Verdict(world, tuple(parts))
    if value.nan:
        nan = frozenset([reason for reason in value.nan if reason.code not in _IMPROBABLE])
        if nan:
            parts.append(Part("NaN", "NaN", conditions.numbers("NaN", shape, value, many=many), nan))
    if value.inf and (math.isinf(value.low) or math.isinf(value.high)):
        infinite = frozenset([reason for reason in value.inf if reason.code not in _IMPROBABLE])
        if infinite:
            phases = conditions.numbers("infinite", shape, value, many=many)
            parts.append(Part("infinite", "infinite", phases, infinite))
    if value.low <= value.high:
        words, bounds = _between(value.low, value.high), (value.low, value.high)
        parts.append(Part("value", words, conditions.numbers("value", shape, value, many=many), bounds=bounds))
    return Verdict(world, tuple(parts) or (_UNKNOWN,))


def _between(low: float, high: float) -> str:
    """An interval in words: `0.99`, `0 to 1`, `0 or more`, `any number`."""
    if low == high:
        return f"{low:.15g}"
    if math.isinf(low):
        return "any number" if math.isinf(high) else f"{high:.15g} or less"
    return f"{low:.15g} or more" if math.isinf(high) else f"{low:.15g} to {high:.15g}"


def _judge_other(form: str, conditions: _Conditions) -> Judgement:
    """Providers without PromQL: what they hand over with data and without."""
    provider = form.partition("-")[0]
    shape = _SHAPES.get(provider)
    verdicts: list[Verdict] = []
    if shape in ("float", "float[]", "MetricDataResult[]"):
        numbers = conditions.points(-math.inf, math.inf)
        longest = max(conditions.lengths)
        results: Iterable[object] = numbers
        if shape == "float[]":
            results = [[number] * length for number in numbers for length in conditions.lengths]
        elif shape == "MetricDataResult[]":
            results = [_rows([number] * longest, longest) for number in numbers]
        phases = conditions.phases(shape, results)
        words = "any numbers" if shape == "float[]" else "any number"
        verdicts.append(Verdict("normal", (Part("value", words, phases | _OPEN if conditions.capped else phases),)))
    absent = _without_data(form, conditions)
    if absent:
        verdicts.append(Verdict("absent", absent))
    if provider not in ("job", "plugin"):
        verdicts.append(_UNREACHABLE)
    return Judgement(provider, None, conditions.described(shape), tuple(verdicts), shape, conditions.library)


_SHAPES: Mapping[str, Shape] = {
    "datadog": "float",
    "cloudWatch": "MetricDataResult[]",
    "graphite": "float[]",
    "influxdb": "any[]",
    "skywalking": "any",
    "web": "any",
}
"""Provider -> the shape of its answers; absent where it depends on the answer, or where no condition is asked."""


def _without_data(form: str, conditions: _Conditions) -> tuple[Part, ...]:
    """What a provider makes of no data (`metricproviders/*`): `()` where it decides that itself."""
    if form in ("datadog", "datadog-zero", "web"):
        nil = Part("nil", "nil", conditions.phases("nil", (None,)))
        if form == "datadog":
            return (nil,)
        if form == "datadog-zero":
            return (nil, Part("value", "0", conditions.phases("float", (0.0,)), bounds=(0.0, 0.0)))
        return (nil, Part("fault", "no value at the path", _ERROR), _UNKNOWN)
    if form == "cloudWatch":
        rows = _rows([], max(conditions.lengths))
        return (Part("empty", "empty", conditions.phases("MetricDataResult[]", (rows,))),)
    if form == "graphite":
        return (Part("empty", "empty", conditions.nothing("float[]")), Part("fault", "no values", _ERROR))
    if form == "skywalking":
        return (Part("fault", "no answer", _ERROR), _UNKNOWN)
    if form == "kayenta":
        return (Part("fault", "no score", _ERROR),)
    return (Part("fault", "no row", _ERROR),) if form in ("newRelic", "wavefront", "influxdb") else ()


def _rows(values: Sequence[float], count: int) -> list[dict[str, object]]:
    """An answer of CloudWatch to that many queries."""
    return [{"Id": "", "Label": "", "Values": list(values)} for _ in range(count)]


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
