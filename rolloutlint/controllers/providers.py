"""What the metric providers of Argo Rollouts refuse, ignore or read otherwise than it looks.

Mirrors argo-rollouts `metricproviders/*`. All of it happens at run time: the schema does not know it and
`ValidateMetrics` does not look below `provider`, so a fault shows as a measurement in Error with the canary already
up. A value that still holds a placeholder is unknown, and nothing is claimed of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from rolloutlint.finding import Path
from rolloutlint.lang.duration import duration_error, parse_duration
from rolloutlint.lang.expr import ExprError, Library, parse, walk
from rolloutlint.lang.expr.tree import (
    Array,
    Binary,
    Boolean,
    Call,
    Conditional,
    Hole,
    Map,
    Name,
    Nil,
    Node,
    Number,
    String,
    Unary,
)
from rolloutlint.lang.intstr import int32
from rolloutlint.settings import Version

_PLACEHOLDERS = ("{{", "${", "$(")

Text = Literal["empty", "unknown", "literal"]


def text_state(value: object) -> Text:
    """What is certain of a string field: `empty` (absent, null or `""`), `literal` or `unknown`."""
    if value is None or value == "":
        return "empty"
    return "literal" if isinstance(value, str) and not any(mark in value for mark in _PLACEHOLDERS) else "unknown"


_FILLED = re.compile(r"\{\{.*?\}\}|\$\{.*?\}|\$\(.*?\)", re.DOTALL)


def given(value: object) -> bool | None:
    """Whether a string field is certainly set to something, certainly not, or (`None`) one cannot tell."""
    if value is None or value == "":
        return False
    return True if isinstance(value, str) and _FILLED.sub("", value) else None


UrlFault = Literal["control-character", "no-scheme", "no-host", "host", "port"]

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NOT_IN_HOST = re.compile(r"[ {}|\\^`%]")


def url_fault(address: str) -> UrlFault | None:
    """Why the Prometheus provider takes an address for no URL; `None` where it does, or where that is not certain.

    Mirrors `IsUrl` (`metricproviders/prometheus/prometheus.go`): Go's `net/url.Parse` has to succeed and find a
    scheme and a host. `prometheus:9090` has the scheme `prometheus` and no host.
    """
    if _CONTROL.search(address):
        return "control-character"
    scheme = _SCHEME.match(address)
    if scheme is None:
        return "no-scheme"
    rest = re.split(r"[#?]", address[scheme.end() :], maxsplit=1)[0]
    if not rest.startswith("//"):
        return "no-host"
    host = rest[2:].partition("/")[0].rpartition("@")[2]
    if not host:
        return "no-host"
    if host.startswith("["):
        return None if "]" in host else "host"
    port = host.rpartition(":")[2] if ":" in host else ""
    if port and not (port.isascii() and port.isdigit()):
        return "port"
    return "host" if _NOT_IN_HOST.search(host) else None


def step_fault(step: object) -> Literal["missing", "invalid", "not-positive"] | None:
    """Why a range query cannot be made with its `step`; `None` where it can, or is unknown.

    `executeQuery` (`metricproviders/prometheus/prometheus.go`) reads it as a Go duration, and the Prometheus server
    refuses steps that are not positive ("zero or negative query resolution step widths are not accepted").
    """
    state = text_state(step)
    if state == "unknown":
        return None
    nanoseconds = parse_duration(step) if state == "literal" else None
    if nanoseconds is None:
        return "missing" if state == "empty" else "invalid"
    return "not-positive" if nanoseconds <= 0 else None


class TimeFault(NamedTuple):
    """Why the `start` or `end` of a range query is no time."""

    code: Literal["missing", "syntax", "duration", "not-a-time"]
    piece: tuple[int, int] | None = None
    """Where in the text, in characters."""
    reason: str = ""
    """The words of the library that refuses it."""


def time_fault(expression: object, library: Library) -> TimeFault | None:
    """Why the provider cannot read the `start` or `end` of a range query; `None` where it can, or that is not certain.

    Mirrors `EvalTime` (`utils/evaluate/evaluate.go`): an expression without `result`, whose value has to be a time,
    such as `now() - duration("5m")`.
    """
    state = text_state(expression)
    if not isinstance(expression, str) or not expression.strip():
        return TimeFault("missing") if state == "empty" or isinstance(expression, str) else None
    if state == "unknown":
        return None
    try:
        node = parse(expression, library)
    except ExprError as error:
        return TimeFault("syntax", (error.start, max(error.end, error.start)), error.message)
    nodes = tuple(walk(node))
    if any(isinstance(part, Conditional | Hole) for part in nodes):
        return None
    for part in nodes:
        if isinstance(part, Call) and part.name == "duration" and len(part.args) == 1:
            (argument,) = part.args
            if isinstance(argument, String) and (error_text := duration_error(argument.value)):
                return TimeFault("duration", argument.span, error_text)
    return TimeFault("not-a-time", node.span) if _is_no_time(node) else None


def _is_no_time(node: Node) -> bool:
    """True where the value of an expression is certainly no time, or it does not compile."""
    if isinstance(node, Call):
        return node.name == "duration"
    if isinstance(node, Binary) and node.op in ("-", "+"):
        return isinstance(node.right, Number | String) and (
            not isinstance(node.left, Number | String) or node.left.__class__ is node.right.__class__
        )
    return isinstance(node, Number | String | Boolean | Nil | Name | Unary | Array | Map)


class JsonPathFault(NamedTuple):
    """Why a `jsonPath` gives something other than what it names."""

    code: Literal["literal", "unclosed", "several"]
    literal: str
    """The text before the first brace, which is what `result` becomes; `""` for the other codes."""
    piece: tuple[int, int]
    """Where in the text of the path, in characters."""


_SEVERAL = re.compile(r"\[\s*\*\s*\]|\.\*|\.\.")


def json_path_fault(path: str) -> JsonPathFault | None:
    """Why a `jsonPath` does not give the one value it names; `None` where it does, or nothing is certain.

    Mirrors client-go `util/jsonpath` and `getValue` (`metricproviders/webmetric/webmetric.go`), which takes the first
    thing found: text outside of braces stands for itself, and of several matches only the first counts.
    """
    if "${" in path or "$(" in path or not path:
        return None
    brace = path.find("{")
    if brace != 0:
        literal = path if brace < 0 else path[:brace]
        return JsonPathFault("literal", literal, (0, len(literal)))
    if "{{" in path:
        return None
    end = path.find("}")
    if end < 0:
        return JsonPathFault("unclosed", "", (0, len(path)))
    several = _SEVERAL.search(path, 0, end) if '"' not in path[:end] and "'" not in path[:end] else None
    return JsonPathFault("several", "", several.span()) if several else None


def web_body_fault(web: Mapping[str, Any]) -> tuple[Literal["with-get", "both"], Path] | None:
    """Why the web provider refuses to send its request, and the field at fault; `None` where it sends it.

    Mirrors `Run` (`metricproviders/webmetric/webmetric.go`): one body at most, and none with GET, the default method.
    """
    body, json_body, method = given(web.get("body")), web.get("jsonBody"), web.get("method")
    if body and json_body is not None:
        return "both", ("jsonBody",)
    if method not in (None, "", "GET"):
        return None
    if json_body is not None:
        return "with-get", ("jsonBody",)
    return ("with-get", ("body",)) if body else None


class AuthenticationFault(NamedTuple):
    """A part of `authentication` that has no effect (`ignored`) or that the provider refuses (`incomplete`)."""

    effect: Literal["ignored", "incomplete"]
    code: Literal["web-sigv4", "web-basic-auth", "sigv4-address", "no-token-url", "oauth2", "basic-auth"]
    path: Path
    missing: str = ""
    """The field that an incomplete one lacks."""


def authentication_faults(
    provider: Literal["prometheus", "web"], config: Mapping[str, Any], version: Version
) -> Iterator[AuthenticationFault]:
    """What of a provider's `authentication` is ignored or refused.

    Mirrors `NewPrometheusAPI` (`metricproviders/prometheus/prometheus.go`) and `NewWebMetricHttpClient`
    (`metricproviders/webmetric/webmetric.go`): OAuth2 counts only with a `tokenUrl` and then needs id and secret; the
    web provider knows nothing else; SigV4 is used only for an address with `aps-workspaces`; basic authentication (no
    release up to 1.10 has it) needs both halves.
    """
    authentication = config.get("authentication")
    if not isinstance(authentication, dict):
        return
    basic = _set_fields(authentication.get("basicAuth")) if version >= Version(1, 11) else {}
    sigv4 = _set_fields(authentication.get("sigv4"))
    oauth2 = _set_fields(authentication.get("oauth2")) if version >= Version(1, 7) else {}
    if sigv4 and provider == "web":
        yield AuthenticationFault("ignored", "web-sigv4", ("authentication", "sigv4"))
    elif sigv4 and text_state(address := config.get("address")) == "literal" and "aps-workspaces" not in str(address):
        yield AuthenticationFault("ignored", "sigv4-address", ("authentication", "sigv4"))
    if basic and provider == "web":
        yield AuthenticationFault("ignored", "web-basic-auth", ("authentication", "basicAuth"))
    elif len(basic) == 1:
        missing = "password" if "username" in basic else "username"
        yield AuthenticationFault("incomplete", "basic-auth", ("authentication", "basicAuth"), missing)
    if oauth2 and "tokenUrl" not in oauth2:
        yield AuthenticationFault("ignored", "no-token-url", ("authentication", "oauth2"))
    elif oauth2 and given(oauth2["tokenUrl"]):
        missing = next((field for field in ("clientId", "clientSecret") if field not in oauth2), "")
        if missing:
            yield AuthenticationFault("incomplete", "oauth2", ("authentication", "oauth2"), missing)


def _set_fields(value: object) -> Mapping[str, Any]:
    """The fields of a block that are set to something."""
    return {k: v for k, v in value.items() if v not in (None, "", [])} if isinstance(value, dict) else {}


DatadogCode = Literal[
    "no-query",
    "query-and-queries",
    "v1-needs-query",
    "formula-needs-queries",
    "queries-need-formula",
    "v1-aggregator",
    "secret-name",
]


def datadog_version(config: Mapping[str, Any]) -> Literal["v1", "v2", ""]:
    """The API that a Datadog metric asks: v1 by the default of the CRD; `""` for a value that the schema refuses."""
    version = config.get("apiVersion")
    if version is None:
        return "v1"
    return version if version in ("v1", "v2") else ""


def datadog_fault(config: Mapping[str, Any], version: Version) -> tuple[DatadogCode, Path] | None:
    """The first reason for which the Datadog provider refuses its configuration, and the field at fault (`()`: itself).

    Mirrors `findCredentials` (since 1.8) and `validateIncomingProps` (since 1.7,
    `metricproviders/datadog/datadog.go`). What the CRD's default made of `aggregator` in 1.7.0 alone is not judged.
    """
    secret = config.get("secretRef")
    if not isinstance(secret, dict) or version < Version(1, 8):
        secret = {}
    if secret.get("namespaced") is True and given(secret.get("name")) is False:
        return "secret-name", ("secretRef",)
    if version < Version(1, 7):
        return None
    query, formula, api = given(config.get("query")), given(config.get("formula")), datadog_version(config)
    queries = config.get("queries")
    if queries is not None and not isinstance(queries, dict):
        return None
    several = len(queries or ())
    if query is False and not several:
        return "no-query", ()
    if query and several:
        return "query-and-queries", ("queries",)
    if api == "v1" and query is False:
        return "v1-needs-query", ("queries",)
    if formula and not several:
        return "formula-needs-queries", ("formula",)
    if formula is False and several > 1:
        return "queries-need-formula", ("queries",)
    if api == "v1" and given(config.get("aggregator")):
        return "v1-aggregator", ("aggregator",)
    return None


_ARGUMENT = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_GROUPED = re.compile(r"\{([^{}]*)\}\s*by\s*\{([^{}]*)\}", re.IGNORECASE)


class Grouping(NamedTuple):
    """A `by {tag}` of a Datadog query that can give more than one group."""

    tags: tuple[str, ...]
    """The tags that the filter of the query does not fix."""
    piece: tuple[int, int]
    """Where `by {...}` stands, in characters of the query."""


def open_grouping(query: str) -> Grouping | None:
    """The first `by {tag}` of a Datadog query that can give several groups and is no argument of a function.

    A function may pick or combine groups (`top(...)`), and a tag that the filter sets to one value (`{service:cart} by
    {service}`) gives one; of both nothing is claimed.
    """
    text = _ARGUMENT.sub(lambda found: "x" * len(found[0]), query)
    for match in _GROUPED.finditer(text):
        if text.count("(", 0, match.start()) > text.count(")", 0, match.start()):
            continue
        fixed = {
            tag.strip() for part in match[1].split(",") for tag, colon, value in [part.partition(":")] if _one(value)
        }
        tags = tuple(tag.strip() for tag in match[2].split(",") if tag.strip() and tag.strip() not in fixed)
        if tags:
            return Grouping(tags, (match.start(0) + len(match[1]) + 2 + _space(match), match.end()))
    return None


def _space(match: re.Match[str]) -> int:
    """How many characters stand between the filter and the word `by`."""
    between = match[0][len(match[1]) + 2 :]
    return len(between) - len(between.lstrip())


def _one(value: str) -> bool:
    """True where a filter's value is one value: no wildcard, nothing negated or listed."""
    return bool(value.strip()) and not any(sign in value for sign in "*!() ")


_NRQL_STRING = re.compile(r"'(?:[^'\\]|\\.)*'")
_SEVERAL_ROWS = re.compile(r"\b(FACET|TIMESERIES)\b", re.IGNORECASE)
_NRQL_CLAUSE = re.compile(
    r"\b(?:LIMIT|SINCE|UNTIL|TIMESERIES|WHERE|FROM|SELECT|ORDER|WITH|COMPARE|AS|EXTRAPOLATE)\b", re.I
)


def row_clause(query: str) -> str | None:
    """The clause of an NRQL query that makes it answer with several rows: `FACET` or `TIMESERIES`.

    `None` where there is none, or where a facet may well have one value: `LIMIT 1`, or a `WHERE` that fixes all its
    attributes. New Relic answers a query with several rows by a list (`processResponse`,
    `metricproviders/newrelic/newrelic.go`).
    """
    if any(mark in query for mark in ("${", "$(")):
        return None
    text = _NRQL_STRING.sub(lambda found: "'" + "s" * (len(found[0]) - 2) + "'", query)
    text = _ARGUMENT.sub(lambda found: "x" * len(found[0]), text)
    for match in _SEVERAL_ROWS.finditer(text):
        word = match[1].upper()
        if word == "FACET":
            rest = text[match.end() :]
            clause = _NRQL_CLAUSE.search(rest)
            attributes = [a.strip(" `\n\t") for a in rest[: clause.start() if clause else len(rest)].split(",")]
            if re.search(r"\bLIMIT\s+1\b", text, re.IGNORECASE) or all(_equals(text, a) for a in attributes):
                continue
        return word
    return None


def _equals(query: str, attribute: str) -> bool:
    """True where the query compares an attribute with one value."""
    return bool(attribute) and re.search(rf"(?<![\w.]){re.escape(attribute)}`?\s*=", query) is not None


def nrql_function(query: str, function: str, attribute: str) -> bool:
    """Whether an NRQL query certainly returns a column `function.attribute`, such as `average.duration`.

    True for a call `function(attribute)` that no `AS` renames.
    """
    text = _NRQL_STRING.sub(lambda found: "'" + "s" * (len(found[0]) - 2) + "'", query)
    call = re.search(
        rf"(?<![\w.]){re.escape(function)}\s*\(\s*{re.escape(attribute)}\s*\)\s*(AS\b)?", text, re.IGNORECASE
    )
    return call is not None and call[1] is None


def collapsed_dimensions(config: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The CloudWatch queries whose dimensions all become the last one (before 1.6), with that one.

    `convertType` (`metricproviders/cloudwatch/cloudwatch.go`) took the addresses of one loop variable.
    """
    queries = config.get("metricDataQueries")
    for index, query in enumerate(queries if isinstance(queries, list) else ()):
        stat = query.get("metricStat") if isinstance(query, dict) else None
        metric = stat.get("metric") if isinstance(stat, dict) else None
        dimensions = metric.get("dimensions") if isinstance(metric, dict) else None
        if not isinstance(dimensions, list) or not all(isinstance(d, dict) for d in dimensions):
            continue
        if any(d != dimensions[-1] for d in dimensions):
            yield ("metricDataQueries", index, "metricStat", "metric", "dimensions"), dimensions[-1]


def kayenta_thresholds(config: Mapping[str, Any]) -> tuple[int, int] | None:
    """(pass, marginal) of a Kayenta metric, where both are integers."""
    threshold = config.get("threshold")
    if not isinstance(threshold, dict):
        return None
    passing, marginal = int32(threshold.get("pass")), int32(threshold.get("marginal"))
    return None if passing is None or marginal is None else (passing, marginal)


class ScopeFault(NamedTuple):
    """Why Kayenta scopes give no request."""

    code: Literal["start", "end", "no-interval"]
    path: Path
    given: str = ""
    """The scope that has the time which the other lacks."""


def kayenta_scope_fault(config: Mapping[str, Any], interval: object) -> ScopeFault | None:
    """The first reason for which the Kayenta provider makes no request; `None` where it does (since 1.9).

    Mirrors `getScopeRequest` (`metricproviders/kayenta/kayenta.go`): start and end are set in both scopes or in none,
    and without a start it is counted back from now by the metric's `interval`, unless `lookback` is true.
    """
    scopes = config.get("scopes")
    for index, scope in enumerate(scopes if isinstance(scopes, list) else ()):
        control = scope.get("controlScope") if isinstance(scope, dict) else None
        experiment = scope.get("experimentScope") if isinstance(scope, dict) else None
        if not isinstance(control, dict) or not isinstance(experiment, dict):
            continue
        times: tuple[Literal["start", "end"], ...] = ("start", "end")
        for time in times:
            states = given(control.get(time)), given(experiment.get(time))
            if None not in states and states[0] != states[1]:
                which = "controlScope" if states[0] else "experimentScope"
                return ScopeFault(time, ("scopes", index, which, time), which)
        from_now = given(control.get("start")) is False and given(experiment.get("start")) is False
        if from_now and given(interval) is False and config.get("lookback") in (None, False):
            return ScopeFault("no-interval", ("scopes", index))
    return None


class DurationFault(NamedTuple):
    """A timeout or interval below `provider` with which no measurement succeeds."""

    code: Literal["negative", "zero", "invalid", "not-positive"]
    path: Path
    value: object


_INTERVALS: tuple[tuple[str, str], ...] = (("datadog", "interval"), ("cloudWatch", "interval"))


def duration_fault(provider: str, config: Mapping[str, Any], version: Version) -> DurationFault | None:
    """The first timeout or interval of a provider with which no measurement succeeds; `None` where none is certain.

    Prometheus: `timeout` in seconds (since 1.6) below 0 is refused, and with 0 the context is over before the request
    (`NewPrometheusProvider`, `Run`). New Relic: `timeout` (since 1.8) below 0 (`Query`). Datadog: `interval` no Go
    duration (`Run`), `requestTimeout` (since 1.10) no positive one (`validateIncomingProps`). CloudWatch: `interval`
    no Go duration (`Run`). An absent or empty field has its default.
    """
    if provider == "prometheus" and version >= Version(1, 6):
        seconds = int32(config.get("timeout"))
        if seconds is not None and seconds <= 0:
            return DurationFault("negative" if seconds else "zero", ("timeout",), seconds)
    if provider == "newRelic" and version >= Version(1, 8):
        seconds = int32(config.get("timeout"))
        if seconds is not None and seconds < 0:
            return DurationFault("negative", ("timeout",), seconds)
    for name, field in _INTERVALS:
        value = config.get(field)
        if provider == name and text_state(value) == "literal" and parse_duration(value) is None:
            return DurationFault("invalid", (field,), value)
    if provider == "datadog" and version >= Version(1, 10):
        value = config.get("requestTimeout")
        if text_state(value) == "literal":
            nanoseconds = parse_duration(value)
            if nanoseconds is None or nanoseconds <= 0:
                return DurationFault("invalid" if nanoseconds is None else "not-positive", ("requestTimeout",), value)
    return None
