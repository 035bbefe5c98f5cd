"""RL440 to RL467: providers, their results, their Jobs and their credentials, at the edges of the rules."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rolloutlint.settings import Settings, Targets, Version
from tests.harness import found, lint

IDS = tuple(f"RL{number}" for number in range(440, 468))
HARMLESS = {
    "name": "harmless",
    "successCondition": "len(result) > 0 && result[0] >= 0.95",
    "provider": {"prometheus": {"address": "http://prometheus:9090", "query": "avg(up)"}},
}


def template(*metrics: dict[str, Any], kind: str = "AnalysisTemplate", args: Any = None) -> dict[str, Any]:
    spec = {"metrics": [HARMLESS, *metrics], **({"args": args} if args is not None else {})}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": kind, "metadata": {"name": "checkout"}, "spec": spec}


def metric(provider: str, config: Any, condition: str | None = None, **more: Any) -> dict[str, Any]:
    success = {} if condition is None else {"successCondition": condition}
    return {"name": "checkout", **success, "provider": {provider: config}, **more}


def run(*objects: dict[str, Any], version: Version | None = None, **changes: Any) -> list[tuple[str, str]]:
    """(rule, path below the last metric or of the whole object) of the family's findings."""
    chosen = Settings(**{"select": IDS, "targets": Targets(rollouts=version or Version(1, 9)), **changes})
    report = lint("\n---\n".join(json.dumps(o) for o in objects), chosen)
    assert not report.lost
    return [(rule, path.removeprefix("spec.metrics[1].")) for rule, _, path in found(report)]


WEB = "provider.web"
DATADOG = "provider.datadog"

CASES: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    ("an address of Argo's argument", metric("prometheus", {"address": "{{args.prometheus}}:9090"}), []),
    ("no address", metric("prometheus", {"query": "up"}), []),
    ("an empty address", metric("prometheus", {"address": ""}), []),
    ("a null address", metric("prometheus", {"address": None}), []),
    ("no host", metric("prometheus", {"address": "http:///api"}), [("RL440", "provider.prometheus.address")]),
    ("no port number", metric("prometheus", {"address": "http://p:web"}), [("RL440", "provider.prometheus.address")]),
    ("braces in the host", metric("prometheus", {"address": "http://{p}"}), [("RL440", "provider.prometheus.address")]),
    ("a null range query", metric("prometheus", {"rangeQuery": None}), []),
    (
        "a range query without anything",
        metric("prometheus", {"rangeQuery": {}}),
        [("RL441", "provider.prometheus.rangeQuery")] * 3,
    ),
    (
        "a duration of days",
        metric("prometheus", {"rangeQuery": {"start": "now() - duration('1d')", "end": "now()", "step": "0s"}}),
        [("RL441", "provider.prometheus.rangeQuery.start"), ("RL441", "provider.prometheus.rangeQuery.step")],
    ),
    ("text in a field", metric("web", {"jsonPath": "{$.status}"}, "result == 'OK'"), []),
    ("text of the whole body", metric("web", {"jsonPath": "{$}"}, "result == 'OK'"), [("RL442", "successCondition")]),
    ("a list of texts", metric("web", {}, "lower(result) in ['ok', 'up']"), [("RL442", "successCondition")]),
    (
        "text that fails",
        metric("web", {}, None, failureCondition="result contains 'x'"),
        [("RL442", "failureCondition")],
    ),
    ("a field of the body", metric("web", {}, "result.status == 'OK'"), []),
    ("a number", metric("web", {}, "result == 1"), []),
    ("text against an argument", metric("web", {}, "result == '{{args.text}}'"), [("RL442", "successCondition")]),
    ("no condition", metric("web", {}), []),
    ("a condition that cannot be read", metric("web", {}, "result == 'OK"), []),
    ("a path in an argument", metric("web", {"jsonPath": "{{args.path}}"}, "result == 'OK'"), []),
    ("text before the path", metric("web", {"jsonPath": " {$.a}"}, "result == 1"), [("RL443", f"{WEB}.jsonPath")]),
    ("a brace that stays open", metric("web", {"jsonPath": "{$.a"}, "result == 1"), [("RL443", f"{WEB}.jsonPath")]),
    ("an index", metric("web", {"jsonPath": "{$.a[0].b}"}, "result == 1"), []),
    ("a filter", metric("web", {"jsonPath": "{$.a[?(@.b==1)].c}"}, "result == 1"), []),
    ("all elements", metric("web", {"jsonPath": "{$.a[*].b}"}, "result == 1"), [("RL463", f"{WEB}.jsonPath")]),
    ("all fields", metric("web", {"jsonPath": "{$.a.*}"}, "result == 1"), [("RL463", f"{WEB}.jsonPath")]),
    ("both bodies", metric("web", {"method": "POST", "body": "a", "jsonBody": {}}), [("RL444", f"{WEB}.jsonBody")]),
    ("a null body", metric("web", {"body": None, "jsonBody": None}), []),
    (
        "OAuth2 without a URL and SigV4",
        metric("web", {"authentication": {"sigv4": {"region": "eu"}, "oauth2": {"clientId": "a"}}}),
        [("RL445", f"{WEB}.authentication.sigv4"), ("RL445", f"{WEB}.authentication.oauth2")],
    ),
    (
        "OAuth2 without a secret",
        metric("prometheus", {"authentication": {"oauth2": {"tokenUrl": "http://a", "clientId": "a"}}}),
        [("RL464", "provider.prometheus.authentication.oauth2")],
    ),
    ("no query", metric("datadog", {"apiVersion": "v2"}, "default(result, 1) < 1"), [("RL446", DATADOG)]),
    (
        "the old API",
        metric("datadog", {"query": "a{*}", "apiVersion": "v1"}, "result < 0.05"),
        [("RL447", "successCondition"), ("RL448", f"{DATADOG}.apiVersion")],
    ),
    ("missing data that passes", metric("datadog", {"query": "a{*}"}, "default(result, 0) < 1"), [("RL448", DATADOG)]),
    ("a value that fails at 0", metric("datadog", {"query": "a{*}"}, "result > 0.95"), [("RL448", DATADOG)]),
    (
        "a failure above a bound",
        metric("datadog", {"query": "a{*}"}, None, failureCondition="result > 0.05"),
        [("RL448", DATADOG), ("RL447", "failureCondition")],
    ),
    ("a bound in an argument", metric("datadog", {"query": "a{*}"}, "result < {{args.max}}"), [("RL448", DATADOG)]),
    ("a Datadog metric without conditions", metric("datadog", {"query": "a{*}"}), [("RL448", DATADOG)]),
    (
        "groups of the old API",
        metric("datadog", {"query": "a{*} by {host}"}, "result > 0.95"),
        [("RL448", DATADOG), ("RL449", f"{DATADOG}.query")],
    ),
    (
        "groups of the new API",
        metric("datadog", {"apiVersion": "v2", "queries": {"a": "b{*}", "c": "d{*} by {host}"}, "formula": "a / c"}),
        [("RL467", f"{DATADOG}.queries.c")],
    ),
    (
        "a row of several",
        metric("newRelic", {"query": "SELECT count(*) AS n FROM T FACET host"}, "result.n > 1 && result.n < 9"),
        [("RL450", "successCondition")],
    ),
    (
        "rows that are judged as such",
        metric("newRelic", {"query": "SELECT count(*) AS n FROM T FACET host"}, "all(result, {#.n > 1})"),
        [],
    ),
    ("one row", metric("newRelic", {"query": "SELECT count(*) AS n FROM T"}, "result['n'] > 1"), []),
    (
        "a column inside of a map",
        metric("newRelic", {"query": "SELECT percentile(duration, 95) AS p FROM T"}, "result.p['95'] < 1"),
        [],
    ),
    ("a CloudWatch value", metric("cloudWatch", {}, "all(result[0].Values, # < 1)"), []),
    ("CloudWatch by pieces", metric("cloudWatch", {}, "all(result, {all(.Values, {# <= 0.01})})"), []),
    ("the values of CloudWatch", metric("cloudWatch", {}, "1 > result[0].Values"), [("RL451", "successCondition")]),
    ("a field of the list", metric("cloudWatch", {}, "result.Values[0] < 1"), [("RL451", "successCondition")]),
    ("an unknown field", metric("cloudWatch", {}, "result[0].Value < 1"), [("RL451", "successCondition")]),
    ("the length of the list", metric("cloudWatch", {}, "len(result) == 1 && result[0].Label == 'a'"), []),
    ("equal thresholds", metric("kayenta", {"threshold": {"pass": 90, "marginal": 90}}), []),
    ("thresholds in quotes", metric("kayenta", {"threshold": {"pass": "60", "marginal": 90}}), []),
    ("a SkyWalking interval", metric("skywalking", {"interval": "{{args.window}}"}, "result.a > 1"), []),
    (
        "a SkyWalking interval without a unit",
        metric("skywalking", {"interval": "3"}, "result.a > 1"),
        [("RL457", "provider.skywalking.interval")],
    ),
    ("Wavefront at 0", metric("wavefront", {"query": "ts(a)"}, "result <= 1"), [("RL458", "successCondition")]),
    ("Wavefront series at 0", metric("wavefront", {}, "all(result, # <= 1)"), [("RL458", "successCondition")]),
    ("Wavefront above 0", metric("wavefront", {}, "result >= 0.9"), []),
    ("verified TLS", metric("web", {"insecure": False}), []),
    ("unverified TLS", metric("prometheus", {"insecure": True}), [("RL461", "provider.prometheus.insecure")]),
    ("a provider of another shape", metric("web", ["x"]), []),
    ("a null provider", metric("web", None), []),
]


@pytest.mark.parametrize("faulty, expected", [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_metric_behind_a_harmless_one(faulty: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert run(template(faulty)) == expected


@pytest.mark.parametrize("faulty, expected", [case[1:] for case in CASES if case[2]], ids=[c[0] for c in CASES if c[2]])
def test_the_same_metric_in_a_cluster_template_inside_a_list(
    faulty: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    inner = template(faulty, kind="ClusterAnalysisTemplate")
    places = run({"apiVersion": "v1", "kind": "List", "items": [inner]})
    assert places == [(rule, f"items[0].spec.metrics[1].{path}") for rule, path in expected]


@pytest.mark.parametrize(
    "version, faulty, rules",
    [
        ((1, 10), metric("web", {}, "result == 'OK'"), ["RL442"]),
        ((1, 11), metric("web", {}, "result == 'OK'"), []),
        ((1, 7), metric("prometheus", {"rangeQuery": {}}), []),
        ((1, 6), metric("datadog", {"apiVersion": "v2", "query": "a{*} by {b}"}, "result > 1"), ["RL449"]),
        ((1, 7), metric("datadog", {"apiVersion": "v2", "query": "a{*} by {b}"}, "result > 1"), ["RL467"]),
        ((1, 11), metric("datadog", {"apiVersion": "v2", "query": "a{*} by {b}"}, "all(result, # > 1)"), []),
        ((1, 8), metric("kayenta", {"scopes": [{"controlScope": {}, "experimentScope": {}}]}), []),
        ((1, 9), metric("kayenta", {"scopes": [{"controlScope": {}, "experimentScope": {}}]}), ["RL466"]),
    ],
)
def test_a_finding_holds_for_its_releases(version: tuple[int, int], faulty: dict[str, Any], rules: list[str]) -> None:
    assert [rule for rule, _ in run(template(faulty), version=Version(*version))] == rules


def job(name: str = "smoke", labels: Any = None, pod: Any = None, **spec: Any) -> dict[str, Any]:
    pod = {"restartPolicy": "Never", "containers": [{"name": "smoke"}]} if pod is None else pod
    pods = {"spec": pod, **({"metadata": {"labels": labels}} if labels else {})}
    return {**metric("job", {"spec": {"activeDeadlineSeconds": 60, "template": pods, **spec}}), "name": name}


POD = "provider.job.spec.template.spec"


@pytest.mark.parametrize(
    "faulty, expected",
    [
        (job(), []),
        (job(pod={"restartPolicy": "OnFailure"}), []),
        (job(pod={"restartPolicy": "{{args.policy}}"}), []),
        (job(pod={"restartPolicy": "Always"}), [("RL453", f"{POD}.restartPolicy")]),
        (job(pod={"restartPolicy": None}), [("RL453", POD)]),
        (job(pod={"restartPolicy": ""}), [("RL453", POD)]),
        (job(pod=[]), []),
        (job(activeDeadlineSeconds=None), [("RL454", "provider.job.spec")]),
        (job(activeDeadlineSeconds=None, pod={"restartPolicy": "Never", "activeDeadlineSeconds": 5}), []),
        (job("{{args.name}}_A"), []),
        (job("smoke test"), [("RL455", "name")]),
        (job("a" * 30), []),
        (job("a" * 23 + "-b"), [("RL455", "name")]),
    ],
)
def test_jobs_that_kubernetes_refuses_or_never_ends(faulty: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert run(template(faulty)) == expected


def test_two_jobs_of_one_name_are_reported_at_the_later_since_1_9() -> None:
    two = template(job("a" * 24 + "-x"), job("a" * 24 + "-y"))
    assert run(two) == [("RL455", "spec.metrics[2].name")]
    assert [rule for rule, _ in run(two, version=Version(1, 8))] == ["RL455", "RL455"]


def rollout(**canary: Any) -> dict[str, Any]:
    steps = [{"analysis": {"templates": [{"templateName": "checkout"}]}}]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "cart"},
        "spec": {"strategy": {"canary": {"steps": steps, **canary}}},
    }


def service(selector: Any, namespace: str = "", **port: Any) -> dict[str, Any]:
    metadata = {"name": "cart", **({"namespace": namespace} if namespace else {})}
    ports = [{"port": 80, **port}]
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"selector": selector, "ports": ports}}


APP = {"app": "cart"}
PROBED = {"restartPolicy": "Never", "containers": [{"name": "a", "readinessProbe": {"exec": {"command": ["a"]}}}]}
NAMED = {"restartPolicy": "Never", "containers": [{"name": "a", "ports": [{"name": "http", "containerPort": 8080}]}]}


@pytest.mark.parametrize(
    "labels, pod, canary, there, hit",
    [
        (APP, None, {}, service(APP), True),
        ({**APP, "tier": "web"}, None, {}, service(APP), True),
        (APP, NAMED, {}, service(APP, targetPort="http"), True),
        (APP, None, {}, service(APP, targetPort="http"), False),
        (APP, PROBED, {}, service(APP), False),
        (APP, None, {}, service({**APP, "tier": "web"}), False),
        (APP, None, {}, service({}), False),
        (APP, None, {}, service(None), False),
        (APP, None, {}, service(APP, namespace="other"), False),
        (APP, None, {"canaryService": "cart"}, service(APP), False),
        ({"app": "{{args.app}}"}, None, {}, service(APP), False),
        (None, None, {}, service(APP), False),
    ],
)
def test_pods_of_a_job_that_a_service_selects(
    labels: Any, pod: Any, canary: dict[str, Any], there: dict[str, Any], hit: bool
) -> None:
    labelled = template(job(labels=labels, pod=pod))
    expected = [("RL456", "provider.job.spec.template.metadata.labels.app")] if hit else []
    assert run(labelled, rollout(**canary), there) == expected
    assert run(labelled, there) == []


SECRET = "7f3b09d2c4e84a61b5d0"


@pytest.mark.parametrize(
    "config, hit",
    [
        ({"headers": [{"key": "Authorization", "value": f"Bearer {SECRET}"}]}, True),
        ({"headers": [{"key": "accept", "value": "text/html"}, {"key": "x-api-key", "value": SECRET}]}, True),
        ({"headers": [{"key": "X-Scope-OrgID", "value": SECRET}]}, False),
        ({"headers": [{"key": "Authorization", "value": "Bearer {{args.token}}"}]}, False),
        ({"headers": [{"key": "Authorization", "value": "Bearer ${TOKEN}"}]}, False),
        ({"headers": [{"key": "Authorization", "value": "Bearer <your token>"}]}, False),
        ({"headers": [{"key": "Authorization", "value": "Basic <path:kv/data/a#b>"}]}, False),
        ({"headers": [{"key": "Authorization", "value": "Bearer CHANGE_ME_PLEASE"}]}, False),
        ({"headers": [{"key": "Authorization", "value": "none"}]}, False),
        ({"headers": [{"key": "Authorization", "value": None}, None]}, False),
        ({"url": f"https://user:{SECRET}@scores.example/cart"}, True),
        ({"url": "https://user:{{args.password}}@scores.example/cart"}, False),
        ({"url": f"https://scores.example/cart?api_key={SECRET}"}, True),
        ({"url": "https://scores.example/cart@8080:x"}, False),
        ({"authentication": {"oauth2": {"tokenUrl": "u", "clientId": "i", "clientSecret": SECRET}}}, True),
    ],
)
def test_credentials_in_clear_text(config: dict[str, Any], hit: bool) -> None:
    findings = [rule for rule, _ in run(template(metric("web", config)))]
    assert findings == (["RL459"] if hit else [])


def test_a_report_does_not_show_the_credential() -> None:
    text = (
        "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {name: checkout}\nspec:\n  metrics:\n"
        "  - name: score\n    provider:\n      web:\n        url: https://scores.example\n        headers:\n"
        f"        - key: X-Api-Key\n          value: {SECRET}\n"
    )
    (finding,) = lint(text, Settings(select=("RL459",))).active
    assert SECRET not in text.splitlines()[finding.span.line - 1]
    assert SECRET not in str(finding.finding)


def test_a_credential_in_an_argument_is_reported_once_and_there() -> None:
    header = {"key": "Authorization", "value": "Bearer {{args.token}}"}
    twice = [metric("web", {"headers": [header]}), metric("prometheus", {"headers": [header]})]
    given_here = template(*twice, args=[{"name": "a"}, {"name": "token", "value": SECRET}])
    assert run(given_here) == [("RL459", "spec.args[1].name")]
    from_secret = [{"name": "token", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]
    assert run(template(*twice, args=from_secret)) == []


ARGS = [{"name": "token", "valueFrom": {"secretKeyRef": {"name": "scores", "key": "token"}}}]
AT = "spec.args[0].valueFrom.secretKeyRef"


def made(kind: str, api: str = "v1", name: str = "scores", **more: Any) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, **more}


@pytest.mark.parametrize(
    "there, opened, closed",
    [
        ([], [], [("RL460", f"{AT}.name")]),
        ([made("Secret", name="other", data={"a": "b"})], [], [("RL460", f"{AT}.name")]),
        ([made("Secret", data={"token": "x"})], [], []),
        ([made("Secret", stringData={"token": "x"})], [], []),
        ([made("Secret", stringData={"tokens": "x"})], [("RL460", f"{AT}.key")], [("RL460", f"{AT}.key")]),
        ([made("Secret")], [], []),
        ([made("Secret", data=None, stringData=["token"])], [], []),
        ([made("SealedSecret", "bitnami.com/v1alpha1")], [], []),
        ([made("ExternalSecret", "external-secrets.io/v1", "other", spec={"target": {"name": "scores"}})], [], []),
    ],
)
def test_secrets_of_arguments(there: list[dict[str, Any]], opened: list[Any], closed: list[Any]) -> None:
    reading = template(args=ARGS)
    assert run(reading, *there) == opened
    assert run(reading, *there, closed=True) == closed
    assert run(template(args=ARGS, kind="ClusterAnalysisTemplate"), *there, closed=True) == []


def test_a_datadog_secret_counts_only_in_the_namespace_of_the_template() -> None:
    config = {"apiVersion": "v2", "query": "a{*}", "secretRef": {"name": "datadog", "namespaced": True}}
    assert run(template(metric("datadog", config)), closed=True) == [("RL460", "provider.datadog.secretRef.name")]
    elsewhere = {**config, "secretRef": {"name": "datadog"}}
    assert run(template(metric("datadog", elsewhere)), closed=True) == []


SCALARS = (
    st.none() | st.booleans() | st.integers(-2, 5) | st.sampled_from(["", "x", "{{args.x}}", "{", "result < 1", "5m"])
)
WORDS = (
    "address rangeQuery start end step timeout authentication oauth2 sigv4 tokenUrl query queries formula "
    "apiVersion interval threshold pass marginal scopes controlScope experimentScope metricDataQueries "
    "metricStat metric dimensions headers key value body jsonBody jsonPath method url spec template metadata "
    "labels restartPolicy containers secretRef name namespaced insecure"
)
KEYS = st.sampled_from(WORDS.split())
TREES = st.recursive(SCALARS, lambda t: st.lists(t, max_size=3) | st.dictionaries(KEYS, t, max_size=4), max_leaves=12)
PROVIDERS = st.sampled_from(
    ["prometheus", "web", "datadog", "newRelic", "cloudWatch", "kayenta", "job", "skywalking", "wavefront"]
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PROVIDERS, TREES, SCALARS, TREES)
def test_no_tree_below_a_provider_crashes_the_family(provider: str, config: Any, condition: Any, args: Any) -> None:
    one = {"name": condition, "interval": condition, "successCondition": condition, "provider": {provider: config}}
    random = {**template(one), "spec": {"metrics": [one], "args": args}}
    chosen = Settings(select=IDS, closed=True)
    assert not lint(json.dumps({"apiVersion": "v1", "kind": "List", "items": [random, rollout()]}), chosen).lost
