"""RL442, RL447, RL450, RL451, RL458: conditions that read the answer of their provider otherwise than it comes.

What each provider hands over as `result` stands in argo-rollouts `metricproviders/*`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from rolloutlint.checks.context import Context, check
from rolloutlint.controllers.providers import datadog_version, given, nrql_function, row_clause
from rolloutlint.finding import Finding, Path
from rolloutlint.lang.expr import ExprError, Node, Shape, Span, decide, is_result, library_of, parse, program_of, walk
from rolloutlint.lang.expr.tree import Array, Binary, Call, Member, Number, String
from rolloutlint.model import AnalysisTemplate
from rolloutlint.model.values import text

CONDITIONS: tuple[Literal["successCondition", "failureCondition"], ...] = ("successCondition", "failureCondition")

WHOLE_BODY = ("{$}", "{}", "{@}", "{.}")
"""JSON paths that, like none, give the whole body."""

RESULT_FIELDS = ("Id", "Label", "Messages", "StatusCode", "Timestamps", "Values")
"""The fields of a `MetricDataResult` (aws-sdk-go-v2 `service/cloudwatch/types`)."""

_COMPARISONS = ("==", "!=", "contains", "startsWith", "endsWith", "matches")
_NUMERIC = ("<", ">", "<=", ">=", "==", "!=", "+", "-", "*", "/")
_STRING_FUNCTIONS = ("lower", "upper", "trim", "string")


class _Condition(NamedTuple):
    """A condition of a metric: which field, where, and its tree."""

    field: str
    path: Path
    node: Node


@check("RL442")
def web_text_passes(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A condition on the text of a web answer, which no release evaluates."""
    for path, config, metric in ctx.resource.configured.get("web", ()):
        json_path = config.get("jsonPath")
        if given(json_path) is not False and json_path not in WHOLE_BODY:
            continue
        for condition in _conditions(ctx, path, metric):
            compared = next((n for n in walk(condition.node) if isinstance(n, Binary) and _compares_text(n)), None)
            if compared is not None:
                yield ctx.finding(condition.path, piece=compared.span, condition=condition.field)


@check("RL447")
def datadog_null_is_zero(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A Datadog v1 metric that passes with 0, which is what a point without a value is read as."""
    for path, config, metric in ctx.resource.configured.get("datadog", ()):
        as_zero = datadog_version(config) == "v1" and _passes(ctx, metric, "float", 0.0)
        if as_zero and not _passes(ctx, metric, "nil", None):
            yield from _at_condition(ctx, path, metric)


@check("RL450")
def newrelic_several_rows(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A condition on the one row of an NRQL query that answers with several, or on a column by half its name."""
    for path, config, metric in ctx.resource.configured.get("newRelic", ()):
        query = text(config.get("query"))
        clause = row_clause(query)
        for condition in _conditions(ctx, path, metric):
            dotted = next((found for n in walk(condition.node) if (found := _dotted(n, query))), None)
            column = next((n for n in walk(condition.node) if _is_column(n)), None)
            if dotted is not None:
                span, name = dotted
                edit = ctx.edit("replace", condition.path, f"result['{name}']", piece=span)
                yield ctx.finding(
                    condition.path,
                    piece=span,
                    variant="dotted",
                    fix=ctx.fix(f"Write `result['{name}']`", edit),
                    column=name,
                    clause="",
                )
            elif clause is not None and isinstance(column, Member) and isinstance(column.key, String):
                yield ctx.finding(
                    condition.path,
                    piece=column.span,
                    related=(ctx.resource.related((*path, "query"), f"answers with several rows: `{clause}`"),),
                    column=column.key.value,
                    clause=clause,
                )


@check("RL451")
def cloudwatch_result_shape(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A condition that takes a CloudWatch result for a number, or asks for a field that it does not have."""
    for path, _, metric in ctx.resource.configured.get("cloudWatch", ()):
        for condition in _conditions(ctx, path, metric):
            fault = next((found for node in walk(condition.node) if (found := _shape_fault(node))), None)
            if fault is None:
                continue
            meant = next((f for f in RESULT_FIELDS if f.lower() == fault.field.lower()), "") if fault.field else ""
            variant = "case" if meant and fault.code == "field" else fault.code
            fix = None
            if variant == "case":
                edit = ctx.edit("replace", condition.path, meant, piece=fault.span)
                fix = ctx.fix(f"Write `{meant}`", edit)
            yield ctx.finding(
                condition.path,
                piece=fault.span,
                variant=variant,
                fix=fix,
                field=fault.field,
                meant=meant,
                what=fault.what,
            )


@check("RL458")
def wavefront_empty_series_is_zero(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A Wavefront metric that passes with 0, which is what a series without points is read as."""
    for path, _, metric in ctx.resource.configured.get("wavefront", ()):
        if _passes(ctx, metric, "float", 0.0) or _passes(ctx, metric, "float[]", [0.0, 0.0]):
            yield from _at_condition(ctx, path, metric)


def _passes(ctx: Context[AnalysisTemplate], metric: Mapping[str, Any], shape: Shape, value: object) -> bool:
    """Whether a metric with a condition is certainly Successful with a result."""
    library = library_of(ctx.settings.targets.rollouts)
    texts = [metric.get(field) for field in CONDITIONS]
    if not any(texts) or not all(text is None or isinstance(text, str) for text in texts):
        return False
    success, failure = (program_of(text, shape, library) if text else None for text in texts)
    return decide(success, failure, value) == "Successful"


def _at_condition(ctx: Context[AnalysisTemplate], provider: Path, metric: Mapping[str, Any]) -> Iterator[Finding]:
    """A finding at the condition that lets a metric pass."""
    field = next(field for field in CONDITIONS if metric.get(field))
    yield ctx.finding((*provider[:-2], field), condition=field)


class _ShapeFault(NamedTuple):
    """Why a condition does not compile for what CloudWatch answers."""

    code: Literal["number", "field", "list-field"]
    span: Span
    what: str = ""
    field: str = ""


def _conditions(ctx: Context[AnalysisTemplate], provider: Path, metric: Mapping[str, Any]) -> Iterator[_Condition]:
    """The conditions of a metric that can be read."""
    library = library_of(ctx.settings.targets.rollouts)
    for field in CONDITIONS:
        condition = metric.get(field)
        if isinstance(condition, str) and "result" in condition and "${" not in condition:
            try:
                yield _Condition(field, (*provider[:-2], field), parse(condition, library))
            except ExprError:
                continue


def _is_text(node: Node) -> bool:
    """True for `result`, or a function of it that gives text."""
    if isinstance(node, Call) and node.name in _STRING_FUNCTIONS and len(node.args) == 1:
        return _is_text(node.args[0])
    return is_result(node)


def _compares_text(node: Binary) -> bool:
    if node.op in _COMPARISONS:
        sides = (node.left, node.right)
        return any(isinstance(side, String) for side in sides) and any(_is_text(side) for side in sides)
    listed = isinstance(node.right, Array) and node.right.items and all(isinstance(i, String) for i in node.right.items)
    return node.op == "in" and _is_text(node.left) and bool(listed)


def _is_column(node: Node) -> bool:
    """True for `result.x` and `result["x"]`."""
    return isinstance(node, Member) and isinstance(node.key, String) and is_result(node.object)


def _dotted(node: Node, query: str) -> tuple[Span, str] | None:
    """Place and name of a column such as `average.duration` that is written as a path."""
    inner = node.object if isinstance(node, Member) else node
    if not isinstance(node, Member) or not isinstance(inner, Member) or not _is_column(inner):
        return None
    function, attribute = inner.key, node.key
    if not isinstance(function, String) or not isinstance(attribute, String) or function.open or attribute.open:
        return None
    named = nrql_function(query, function.value, attribute.value)
    return (node.span, f"{function.value}.{attribute.value}") if named else None


def _shape_fault(node: Node) -> _ShapeFault | None:
    """What is wrong with one node, as `EvalCondition` would refuse to compile it for a list of results."""
    if isinstance(node, Binary) and node.op in _NUMERIC:
        for side, other in ((node.left, node.right), (node.right, node.left)):
            what = _no_number(side) if isinstance(other, Number) else ""
            if what:
                return _ShapeFault("number", side.span, what)
    if isinstance(node, Member) and isinstance(node.key, String) and not node.key.open:
        if is_result(node.object):
            return _ShapeFault("list-field", node.span, field=node.key.value)
        if _is_element(node.object) and node.key.value not in RESULT_FIELDS:
            return _ShapeFault("field", node.key.span, field=node.key.value)
    return None


def _is_element(node: Node) -> bool:
    """True for `result[0]`."""
    return isinstance(node, Member) and isinstance(node.key, Number) and is_result(node.object)


def _no_number(node: Node) -> str:
    """What a node is that looks like a number and is none: a list, a result, the values of one."""
    if is_result(node):
        return "the list of all results"
    if _is_element(node):
        return "the result of one query"
    values = isinstance(node, Member) and _is_element(node.object) and isinstance(node.key, String)
    return "the list of its values" if values and node.key.value == "Values" else ""  # type: ignore[union-attr]
