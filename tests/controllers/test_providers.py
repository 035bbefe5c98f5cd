"""What the metric providers make of their configuration, against answers of the Go libraries they use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.controllers.metric_jobs import job_name_fault, jobs_shared
from rolloutlint.controllers.providers import (
    authentication_faults,
    datadog_fault,
    duration_fault,
    json_path_fault,
    kayenta_scope_fault,
    nrql_function,
    open_grouping,
    row_clause,
    step_fault,
    time_fault,
    url_fault,
    web_body_fault,
)
from rolloutlint.lang.expr.library import V1_15_5
from rolloutlint.settings import Version

NOW = Version(1, 9)
FACTS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "data" / "provider-facts.json").read_text("utf-8"))


@pytest.mark.parametrize("address, is_url", FACTS["urls"])
def test_an_address_is_a_url_where_go_says_so(address: str, is_url: bool) -> None:
    assert (url_fault(address) is None) is is_url


@given(st.text(alphabet="ahtp:/@[]?#. %\n{é0", max_size=16))
def test_no_address_is_called_faulty_that_has_scheme_host_and_plain_letters(rest: str) -> None:
    assert url_fault(f"http://host/{rest.translate(dict.fromkeys(range(32)))}") is None


@pytest.mark.parametrize("path, first, count", FACTS["json_paths"])
def test_a_json_path_gives_a_literal_or_several_values_as_client_go_finds_them(
    path: str, first: object, count: int
) -> None:
    fault = json_path_fault(path)
    if fault is None:
        assert first != path
    elif fault.code == "literal":
        assert fault.literal == first
        assert path[slice(*fault.piece)] == first
    else:
        assert count > 1


@pytest.mark.parametrize(
    "path", ["{.data.n", "{{args.path}}", "${PATH}", "$(PATH)", "{.a[?(@.b=='..')].c}", "{.a['x.*']}", ""]
)
def test_a_json_path_that_is_filled_in_later_or_quotes_an_operator_is_not_judged(path: str) -> None:
    fault = json_path_fault(path)
    assert (fault.code if fault else None) == ("unclosed" if path == "{.data.n" else None)


def test_the_text_before_a_placeholder_is_literal_whatever_fills_it() -> None:
    fault = json_path_fault("$.data.{{args.field}}")
    assert fault is not None
    assert (fault.code, fault.literal) == ("literal", "$.data.")


@pytest.mark.parametrize("expression, is_time", FACTS["times"])
def test_an_expression_is_a_time_where_expr_says_so(expression: str, is_time: bool) -> None:
    assert (time_fault(expression, V1_15_5) is None) is is_time


@pytest.mark.parametrize("expression", ["now() - duration('{{args.window}}')", "{{args.start}}", "${START}", 5, [], {}])
def test_an_expression_that_is_filled_in_later_or_malformed_is_not_judged(expression: object) -> None:
    assert time_fault(expression, V1_15_5) is None


@pytest.mark.parametrize(
    "step, fault",
    [
        (None, "missing"),
        ("", "missing"),
        ("1m", None),
        ("60", "invalid"),
        ("0s", "not-positive"),
        ("-1m", "not-positive"),
        ("{{args.step}}", None),
        (60, None),
    ],
)
def test_a_step_is_a_positive_go_duration(step: object, fault: str | None) -> None:
    assert step_fault(step) == fault


@pytest.mark.parametrize(
    "web, fault",
    [
        ({"body": "x"}, ("with-get", ("body",))),
        ({"body": '{"service": "{{args.service}}"}', "method": "GET"}, ("with-get", ("body",))),
        ({"body": "{{args.body}}"}, None),
        ({"body": "x", "method": "POST"}, None),
        ({"body": "x", "method": "{{args.method}}"}, None),
        ({"body": "x", "method": "get"}, None),
        ({"body": ""}, None),
        ({"jsonBody": {"a": 1}, "method": ""}, ("with-get", ("jsonBody",))),
        ({"jsonBody": None}, None),
        ({"jsonBody": {"a": 1}, "body": "x", "method": "PUT"}, ("both", ("jsonBody",))),
        ({}, None),
    ],
)
def test_a_web_request_has_one_body_and_none_with_get(web: dict[str, Any], fault: object) -> None:
    assert web_body_fault(web) == fault


OAUTH2 = {"tokenUrl": "https://login.example/token", "clientId": "a", "clientSecret": "{{args.secret}}"}


@pytest.mark.parametrize(
    "provider, config, codes",
    [
        ("web", {"authentication": {"sigv4": {"region": "eu"}}}, ["web-sigv4"]),
        ("web", {"authentication": {"sigv4": {}}}, []),
        ("web", {"authentication": {"oauth2": OAUTH2}}, []),
        ("web", {"authentication": {"oauth2": {**OAUTH2, "tokenUrl": ""}}}, ["no-token-url"]),
        ("web", {"authentication": {"oauth2": {**OAUTH2, "clientId": None}}}, ["oauth2"]),
        ("web", {"authentication": {"oauth2": {"tokenUrl": "{{args.url}}"}}}, []),
        ("web", {"authentication": {"basicAuth": {"username": "a", "password": "b"}}}, []),
        ("prometheus", {"address": "https://aps-workspaces.eu/x", "authentication": {"sigv4": {"region": "eu"}}}, []),
        ("prometheus", {"address": "http://prom", "authentication": {"sigv4": {"region": "eu"}}}, ["sigv4-address"]),
        ("prometheus", {"address": "{{args.prom}}", "authentication": {"sigv4": {"region": "eu"}}}, []),
        ("prometheus", {"authentication": {"sigv4": {"region": "eu"}}}, []),
        ("prometheus", {"authentication": ["sigv4"]}, []),
    ],
)
def test_authentication_that_has_no_effect_or_lacks_a_part(
    provider: Any, config: dict[str, Any], codes: list[str]
) -> None:
    assert [fault.code for fault in authentication_faults(provider, config, NOW)] == codes


def test_basic_authentication_exists_after_release_1_10() -> None:
    half = {"address": "http://prom", "authentication": {"basicAuth": {"username": "a"}}}
    assert [f.missing for f in authentication_faults("prometheus", half, Version(1, 11))] == ["password"]
    assert [f.code for f in authentication_faults("web", half, Version(1, 11))] == ["web-basic-auth"]
    assert list(authentication_faults("prometheus", half, Version(1, 10))) == []


@pytest.mark.parametrize(
    "config, code",
    [
        ({}, "no-query"),
        ({"query": "q", "queries": {"a": "q"}}, "query-and-queries"),
        ({"queries": {"a": "q"}}, "v1-needs-query"),
        ({"query": "q", "formula": "a"}, "formula-needs-queries"),
        ({"apiVersion": "v2", "queries": {"a": "q", "b": "q"}}, "queries-need-formula"),
        ({"query": "q", "aggregator": "last"}, "v1-aggregator"),
        ({"query": "q", "secretRef": {"namespaced": True}}, "secret-name"),
        ({"query": "q", "secretRef": {"namespaced": True, "name": "s"}}, None),
        ({"query": "q", "secretRef": {"name": ""}}, None),
        ({"query": "q"}, None),
        ({"query": "{{args.query}}", "queries": {"a": "q"}}, None),
        ({"query": "sum:{{args.metric}}", "queries": {"a": "q"}}, "query-and-queries"),
        ({"apiVersion": "v2", "queries": {"a": "q"}}, None),
        ({"apiVersion": "v2", "queries": {"a": "q", "b": "q"}, "formula": "a / b", "aggregator": "sum"}, None),
        ({"apiVersion": "v3", "query": "q", "aggregator": "sum"}, None),
        ({"queries": ["q"]}, None),
    ],
)
def test_the_first_reason_to_refuse_a_datadog_metric(config: dict[str, Any], code: str | None) -> None:
    fault = datadog_fault(config, NOW)
    assert (fault[0] if fault else None) == code


def test_old_releases_check_less_of_a_datadog_metric() -> None:
    assert datadog_fault({}, Version(1, 6)) is None
    assert datadog_fault({"query": "q", "secretRef": {"namespaced": True}}, Version(1, 7)) is None


@pytest.mark.parametrize(
    "query, tags",
    [
        ("avg:a{*} by {host}", ("host",)),
        ("avg:a{*} by {host,zone}", ("host", "zone")),
        ("avg:a{service:cart} by {service}", None),
        ("avg:a{service:cart} by {service,zone}", ("zone",)),
        ("avg:a{service:{{args.service}}} by {service}", None),
        ("avg:a{service:cart*} by {service}", ("service",)),
        ("avg:a{!service:cart} by {service}", ("service",)),
        ("sum:a{*}.as_count() / sum:b{*} by {zone}", ("zone",)),
        ("top(avg:a{*} by {host}, 1, 'last', 'desc')", None),
        ("sum(avg:a{*} by {host}) + avg:b{*}BY{zone}", ("zone",)),
        ("avg:a{*}", None),
        ("", None),
    ],
)
def test_a_grouping_is_open_where_several_groups_can_come(query: str, tags: tuple[str, ...] | None) -> None:
    grouping = open_grouping(query)
    assert (grouping.tags if grouping else None) == tags
    if grouping:
        assert query[slice(*grouping.piece)].lower().startswith("by")


@pytest.mark.parametrize(
    "query, clause",
    [
        ("SELECT average(a) FROM T FACET host", "FACET"),
        ("SELECT average(a) FROM T facet host, zone SINCE 5 minutes ago", "FACET"),
        ("SELECT average(a) FROM T FACET host LIMIT 1", None),
        ("SELECT average(a) FROM T WHERE appName = 'cart' FACET appName", None),
        ("SELECT average(a) FROM T WHERE appName = 'cart' FACET appName, host", "FACET"),
        ("SELECT average(a) FROM T TIMESERIES", "TIMESERIES"),
        ("SELECT average(a) FROM T WHERE b = 'FACET host'", None),
        ("SELECT average(a) FROM T WHERE b = '{{args.x}}' FACET `host`", "FACET"),
        ("SELECT average(a) FROM T ${MORE} FACET host", None),
        ("SELECT average(a) FROM T", None),
    ],
)
def test_a_new_relic_query_with_several_rows(query: str, clause: str | None) -> None:
    assert row_clause(query) == clause


@pytest.mark.parametrize(
    "query, named",
    [
        ("SELECT average(duration) FROM T", True),
        ("select Average( duration ) from T", True),
        ("SELECT average(duration) AS average FROM T", False),
        ("SELECT average(duration * 1000) FROM T", False),
        ("SELECT average(durations) FROM T", False),
        ("SELECT x.average(duration) FROM T", False),
        ("SELECT count(*) FROM T WHERE a = 'average(duration)'", False),
    ],
)
def test_a_function_of_new_relic_names_its_column(query: str, named: bool) -> None:
    assert nrql_function(query, "average", "duration") is named


def scopes(control: dict[str, Any], experiment: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"scopes": [{"name": "a", "controlScope": control, "experimentScope": experiment}], **more}


@pytest.mark.parametrize(
    "config, interval, code",
    [
        (scopes({}, {}), None, "no-interval"),
        (scopes({}, {}), "5m", None),
        (scopes({}, {}), "{{args.interval}}", None),
        (scopes({}, {}, lookback=True), None, None),
        (scopes({}, {}, lookback=False), None, "no-interval"),
        (scopes({"start": "a"}, {"start": "a"}), None, None),
        (scopes({"start": "a"}, {}), "5m", "start"),
        (scopes({"start": "a"}, {"start": "{{args.start}}"}), "5m", None),
        (scopes({}, {"end": "a"}), "5m", "end"),
        ({"scopes": [None, {"controlScope": {}}]}, None, None),
    ],
)
def test_kayenta_scopes_have_both_times_or_none(config: dict[str, Any], interval: object, code: str | None) -> None:
    fault = kayenta_scope_fault(config, interval)
    assert (fault.code if fault else None) == code


@pytest.mark.parametrize(
    "provider, config, version, code",
    [
        ("prometheus", {"timeout": -1}, NOW, "negative"),
        ("prometheus", {"timeout": 0}, NOW, "zero"),
        ("prometheus", {"timeout": 30}, NOW, None),
        ("prometheus", {"timeout": 0}, Version(1, 5), None),
        ("newRelic", {"timeout": -1}, NOW, "negative"),
        ("newRelic", {"timeout": 0}, NOW, None),
        ("newRelic", {"timeout": -1}, Version(1, 7), None),
        ("datadog", {"interval": "5"}, NOW, "invalid"),
        ("datadog", {"interval": ""}, NOW, None),
        ("datadog", {"requestTimeout": "0s"}, NOW, None),
        ("datadog", {"requestTimeout": "0s"}, Version(1, 10), "not-positive"),
        ("datadog", {"requestTimeout": "x"}, Version(1, 10), "invalid"),
        ("cloudWatch", {"interval": "5 m"}, NOW, "invalid"),
        ("cloudWatch", {"interval": "{{args.interval}}"}, NOW, None),
        ("web", {"interval": "x", "timeout": -1}, NOW, None),
    ],
)
def test_durations_with_which_no_measurement_succeeds(
    provider: str, config: dict[str, Any], version: Version, code: str | None
) -> None:
    fault = duration_fault(provider, config, version)
    assert (fault.code if fault else None) == code


@pytest.mark.parametrize(
    "name, now, before",
    [
        ("smoke-test", None, None),
        ("smoke.test", None, None),
        ("Smoke", "characters", "characters"),
        ("smoke_test", "characters", "characters"),
        ("smoke..test", "characters", "characters"),
        ("-smoke", "characters", "characters"),
        ("a" * 24, None, None),
        ("a" * 25, None, "too-long"),
        ("a" * 23 + "-b", "cut", "too-long"),
        ("{{args.name}}", None, None),
    ],
)
def test_names_of_jobs(name: str, now: str | None, before: str | None) -> None:
    assert job_name_fault(name, NOW) == now
    assert job_name_fault(name, Version(1, 8)) == before


def test_two_metrics_share_a_job_where_their_first_24_letters_are_alike() -> None:
    long = "a" * 24
    assert list(jobs_shared(["x", long, None, long + "b", long + "c", "a" * 23])) == [(1, 3), (1, 4)]
    assert list(jobs_shared([long + "b", long + "b"])) == []
