"""RL44 to RL46: what the provider of a metric refuses, ignores or reads otherwise than it looks.

The facts stand in `controllers/providers.py`; rules that look into a condition too are in `provider_results`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from rolloutlint.checks.context import Context, check
from rolloutlint.controllers.providers import (
    authentication_faults,
    collapsed_dimensions,
    datadog_fault,
    datadog_version,
    duration_fault,
    given,
    json_path_fault,
    kayenta_scope_fault,
    kayenta_thresholds,
    open_grouping,
    step_fault,
    text_state,
    time_fault,
    url_fault,
    web_body_fault,
)
from rolloutlint.finding import Finding, Fix, Path
from rolloutlint.lang.duration import duration_error
from rolloutlint.lang.expr import library_of
from rolloutlint.model import AnalysisTemplate
from rolloutlint.model.values import has, mapping, text
from rolloutlint.settings import Version

AUTHENTICATED: tuple[Literal["prometheus", "web"], ...] = ("prometheus", "web")
TIMED = ("prometheus", "newRelic", "datadog", "cloudWatch")

GROUPS_READ_SINCE = Version(1, 11)
"""The Datadog provider reads all groups of a v2 answer from here on (argo-rollouts #4746)."""
SCALAR_SINCE = Version(1, 7)
"""Datadog's v2 API is asked for scalars from here on, for time series before."""


@check("RL440")
def prometheus_address_invalid(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """The address of a Prometheus that the provider takes for no URL."""
    for path, config, _ in ctx.resource.configured.get("prometheus", ()):
        address = config.get("address")
        fault = url_fault(address) if isinstance(address, str) and text_state(address) == "literal" else None
        if fault is None:
            continue
        yield ctx.finding(
            (*path, "address"),
            variant="" if fault in ("no-scheme", "no-host") else fault,
            fix=_address_fix(ctx, (*path, "address"), text(address)),
            address=address,
        )


@check("RL441")
def range_query_invalid(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A range query whose start, end or step the provider cannot read."""
    library = library_of(ctx.settings.targets.rollouts)
    for path, config, _ in ctx.resource.configured.get("prometheus", ()):
        ranged = config.get("rangeQuery")
        if not isinstance(ranged, dict):
            continue
        base = (*path, "rangeQuery")
        for field in ("start", "end"):
            problem = time_fault(ranged.get(field), library)
            if problem is not None:
                at = (*base, field) if has(ranged, field) else base
                yield ctx.finding(
                    at,
                    "value" if has(ranged, field) else "key",
                    piece=problem.piece,
                    variant=problem.code,
                    discriminator=field,
                    field=field,
                    reason=problem.reason,
                )
        fault = step_fault(ranged.get("step"))
        if fault is not None:
            yield ctx.finding(
                (*base, "step") if has(ranged, "step") else base,
                "value" if has(ranged, "step") else "key",
                variant="missing" if fault == "missing" else f"step-{fault}",
                discriminator="step",
                field="step",
                reason=duration_error(text(ranged.get("step"))) or "",
            )


@check("RL443")
def json_path_literal(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A `jsonPath` that begins outside of braces, so that `result` is that text."""
    for path, config, _ in ctx.resource.configured.get("web", ()):
        json_path = text(config.get("jsonPath"))
        fault = json_path_fault(json_path)
        if fault is None or fault.code == "several":
            continue
        bare = json_path.strip() if "{" not in json_path and "}" not in json_path else ""
        whole = bare[:1] in ("$", ".", "[")
        yield ctx.finding(
            (*path, "jsonPath"),
            piece=fault.piece,
            variant="unclosed" if fault.code == "unclosed" else "" if whole else "before",
            fix=_replace(ctx, (*path, "jsonPath"), f"{{{bare}}}") if whole else None,
            literal=fault.literal,
        )


@check("RL444")
def web_request_refused(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A web request that the provider does not send."""
    for path, config, _ in ctx.resource.configured.get("web", ()):
        fault = web_body_fault(config)
        if fault is not None:
            code, field = fault
            yield ctx.finding((*path, *field), "key", variant="both" if code == "both" else "", field=field[-1])


@check("RL445")
def authentication_ignored(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """Authentication that has no effect."""
    yield from _authentication(ctx, "ignored")


@check("RL446")
def datadog_query_refused(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A combination of fields that the Datadog provider refuses."""
    for path, config, _ in ctx.resource.configured.get("datadog", ()):
        fault = datadog_fault(config, ctx.settings.targets.rollouts)
        if fault is not None:
            code, field = fault
            at = (*path, *field)
            yield ctx.finding(at if has(config, *field or ("",)) else path, "key", variant=code)


@check("RL448")
def datadog_api_v1(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A metric that asks the first version of Datadog's API."""
    for path, config, _ in ctx.resource.configured.get("datadog", ()):
        if datadog_version(config) == "v1":
            set_to = config.get("apiVersion") is not None
            at = (*path, "apiVersion") if set_to else path
            yield ctx.finding(at, "value" if set_to else "key", variant="" if set_to else "default")


@check("RL449")
def datadog_groups_dropped(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A grouped Datadog query of which only the first group is judged."""
    version = ctx.settings.targets.rollouts
    for path, config, _ in ctx.resource.configured.get("datadog", ()):
        api = datadog_version(config)
        if api != "v1" and not (api == "v2" and version < SCALAR_SINCE):
            continue
        grouping = open_grouping(text(config.get("query")))
        if grouping is not None:
            yield ctx.finding(
                (*path, "query"),
                piece=grouping.piece,
                variant="v2" if api == "v2" else "",
                tags=", ".join(grouping.tags),
            )


@check("RL452")
def kayenta_thresholds_crossed(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """Kayenta thresholds with the marginal score above the one that passes."""
    for path, config, _ in ctx.resource.configured.get("kayenta", ()):
        thresholds = kayenta_thresholds(config)
        if thresholds is not None and thresholds[1] > thresholds[0]:
            passing, marginal = thresholds
            yield ctx.finding((*path, "threshold", "marginal"), passing=passing, marginal=marginal)


@check("RL457")
def skywalking_interval_missing(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A SkyWalking metric without an interval that can be read."""
    for path, config, _ in ctx.resource.configured.get("skywalking", ()):
        interval = config.get("interval")
        error = duration_error(text(interval)) if text_state(interval) == "literal" else None
        if given(interval) is False:
            yield ctx.finding(path, "key")
        elif error is not None:
            yield ctx.finding((*path, "interval"), variant="invalid", interval=interval)


@check("RL462")
def provider_duration_refused(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A timeout or interval of a provider with which no measurement succeeds."""
    for provider in TIMED:
        for path, config, _ in ctx.resource.configured.get(provider, ()):
            fault = duration_fault(provider, config, ctx.settings.targets.rollouts)
            if fault is not None:
                yield ctx.finding(
                    (*path, *fault.path),
                    variant="" if fault.code == "negative" else fault.code,
                    field=fault.path[-1],
                    value=fault.value,
                )


@check("RL463")
def json_path_first_match(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A `jsonPath` that can match several values, of which one is judged."""
    for path, config, _ in ctx.resource.configured.get("web", ()):
        fault = json_path_fault(text(config.get("jsonPath")))
        if fault is not None and fault.code == "several":
            start, end = fault.piece
            yield ctx.finding((*path, "jsonPath"), piece=fault.piece, operator=text(config.get("jsonPath"))[start:end])


@check("RL464")
def authentication_incomplete(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """Authentication that the provider refuses because a part of it is missing."""
    yield from _authentication(ctx, "incomplete")


@check("RL465")
def cloudwatch_dimensions_collapse(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """Several dimensions of a CloudWatch metric, of which old releases send the last one."""
    for path, config, _ in ctx.resource.configured.get("cloudWatch", ()):
        for below, last in collapsed_dimensions(config):
            yield ctx.finding((*path, *below), "key", last=text(last.get("name")))


@check("RL466")
def kayenta_scope_refused(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """Kayenta scopes from which the provider makes no request."""
    for path, config, metric in ctx.resource.configured.get("kayenta", ()):
        fault = kayenta_scope_fault(config, metric.get("interval"))
        if fault is None:
            continue
        other = "experimentScope" if fault.given == "controlScope" else "controlScope"
        at = (*path, *fault.path)
        one_sided = fault.code != "no-interval"
        yield ctx.finding(
            at,
            "key" if one_sided else "value",
            variant="one-sided" if one_sided else "",
            time=fault.code,
            scope=fault.given,
            other=other,
        )


@check("RL467")
def datadog_groups_refused(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A grouped query of Datadog's v2 API, whose answer the provider cannot read."""
    for path, config, _ in ctx.resource.configured.get("datadog", ()):
        if datadog_version(config) != "v2":
            continue
        queries = [((*path, "query"), config.get("query"))]
        queries += [((*path, "queries", name), query) for name, query in mapping(config.get("queries")).items()]
        for at, query in queries:
            grouping = open_grouping(text(query))
            if grouping is not None:
                yield ctx.finding(at, piece=grouping.piece, tags=", ".join(grouping.tags))


def _authentication(ctx: Context[AnalysisTemplate], effect: Literal["ignored", "incomplete"]) -> Iterator[Finding]:
    for provider in AUTHENTICATED:
        for path, config, _ in ctx.resource.configured.get(provider, ()):
            for fault in authentication_faults(provider, config, ctx.settings.targets.rollouts):
                if fault.effect == effect:
                    yield ctx.finding(
                        (*path, *fault.path),
                        "key",
                        variant=fault.code if fault.code in ctx.rule.messages else "",
                        provider=provider,
                        what=fault.path[-1],
                        missing=fault.missing,
                    )


def _address_fix(ctx: Context[AnalysisTemplate], path: Path, address: str) -> Fix | None:
    """The address with what was left out or is too much, where that gives a URL."""
    bare = "".join(address.split())
    meant = bare if url_fault(bare) is None else f"http://{bare}"
    if "://" in bare and meant != bare:
        return None
    return _replace(ctx, path, meant) if url_fault(meant) is None else None


def _replace(ctx: Context[AnalysisTemplate], path: Path, value: str) -> Fix:
    return ctx.fix(f"Replace by `{value}`", ctx.edit("replace", path, value), safety="unsafe")
