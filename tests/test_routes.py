"""Where a request goes: as the files say it, at each step of a Rollout, and what of it nobody can know."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.errors import UsageError
from rolloutlint.routes import Answer
from rolloutlint.settings import Settings
from tests.routing import ask, only, told

SERVICES = """\
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: web-canary, namespace: shop}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
---
"""
BY_HOST = """\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web, namespace: shop}
spec:
  replicas: 10
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: app, image: app:1}]}}
  strategy:
    canary:
      canaryService: web-canary
      stableService: web
      trafficRouting:
        managedRoutes: [{name: beta}]
        istio: {virtualService: {name: web, routes: [main]}}
      steps:
        - setWeight: 5
        - setHeaderRoute: {name: beta, match: [{headerName: x-beta, headerValue: {exact: "yes"}}]}
        - pause: {}
        - experiment: {duration: 5m, templates: [{name: base, specRef: stable, weight: 10}]}
        - setWeight: 50
---
"""
ROUTES = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [web]
  http:
    - name: old
      match: [{uri: {prefix: /old}}]
      redirect: {uri: /new}
    - name: main
      route:
        - {destination: {host: web}, weight: 100}
        - {destination: {host: web-canary}, weight: 0}
    - name: dead
      route: [{destination: {host: web}}]
"""
WHOLE = SERVICES + BY_HOST + ROUTES
SUBSETS = """\
apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec: {selector: {app: api}, ports: [{name: http, port: 8080}]}
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: api, namespace: shop}
spec:
  replicas: 4
  selector: {matchLabels: {app: api}}
  template: {metadata: {labels: {app: api}}, spec: {containers: [{name: app, image: app:1}]}}
  strategy:
    canary:
      trafficRouting:
        istio:
          virtualService: {name: api}
          destinationRule: {name: api, canarySubsetName: canary, stableSubsetName: stable}
      steps: [{setWeight: 25}, {pause: {}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: api, namespace: shop}
spec: {host: api, subsets: [{name: v0}, {name: canary, labels: {app: api}}, {name: stable, labels: {app: api}}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: public, namespace: ingress}
spec:
  selector: {istio: ingress}
  servers:
    - {hosts: ["*.example.com"], port: {number: 80, name: http, protocol: HTTP}, tls: {httpsRedirect: true}}
    - {hosts: ["*.example.com"], port: {number: 443, name: https, protocol: HTTPS}, tls: {mode: SIMPLE}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: api, namespace: shop}
spec:
  hosts: [api.example.com, api]
  gateways: [ingress/public, mesh]
  http:
    - route:
        - {destination: {host: api, subset: stable}, weight: 100}
        - {destination: {host: api, subset: canary}, weight: 0}
"""


def test_without_a_step_the_weights_are_those_of_the_files_and_the_writer_is_named() -> None:
    answer = only(WHOLE, "web")
    assert told(answer) == ["100 web.shop: Rollout shop/web", "0 web-canary.shop: Rollout shop/web"]
    assert [d.role for d in answer.destinations] == ["stable", "canary"]
    assert [(m.rollout, m.step, m.words) for m in answer.moments] == [
        ("shop/web", None, "writes here while it updates")
    ]


@pytest.mark.parametrize(
    "step, expected",
    [
        (0, ["100 web.shop: stable Rollout shop/web", "0 web-canary.shop: stable Rollout shop/web"]),
        (1, ["95 web.shop: stable Rollout shop/web", "5 web-canary.shop: canary Rollout shop/web"]),
        (3, ["95 web.shop: stable Rollout shop/web", "5 web-canary.shop: canary Rollout shop/web"]),
        (4, ["85 web.shop: stable Rollout shop/web", "5 web-canary.shop: canary Rollout shop/web", "10 base.shop: "]),
        (5, ["50 web.shop: stable Rollout shop/web", "50 web-canary.shop: canary Rollout shop/web"]),
        ("end", ["100 web.shop: stable Rollout shop/web", "0 web-canary.shop: stable Rollout shop/web"]),
    ],
)
def test_the_destinations_at_each_step(step: Any, expected: list[str]) -> None:
    answer = only(WHOLE, "web", step=step)
    assert told(answer) == expected
    assert not answer.fails


def test_the_pods_of_a_running_experiment_are_called_what_they_are() -> None:
    last = only(WHOLE, "web", step=4).destinations[-1]
    assert (last.role, last.rollout, last.state, last.problem) == ("experiment", "shop/web", "found", "")
    (link,) = last.chain
    assert link.at is not None
    assert link.at.path == "spec.strategy.canary.steps[3].experiment.templates[0]"


def test_a_header_route_of_a_step_sends_all_to_the_canary_and_says_who_put_it_in() -> None:
    answer = only(WHOLE, "web", step=3, headers={"X-Beta": "yes"})
    assert told(answer) == ["100 web-canary.shop: canary Rollout shop/web"]
    rule = next(link for link in answer.chain if link.kind == "rule")
    assert rule.words == "http[0] beta (put in by the Rollout's step)"
    assert rule.at is not None
    assert (rule.at.path, rule.at.line) == ("spec.strategy.canary.steps[1].setHeaderRoute", line_of("setHeaderRoute"))


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(WHOLE.splitlines(), 1) if text in line)


def test_before_the_step_there_is_no_header_route() -> None:
    assert (
        told(only(WHOLE, "web", step=1, headers={"X-Beta": "yes"}))[1] == "5 web-canary.shop: canary Rollout shop/web"
    )


def test_every_link_has_its_line() -> None:
    answer = only(WHOLE, "web")
    assert [(link.kind, link.at and link.at.line) for link in answer.chain] == [
        ("virtual-service", line_of("hosts: [web]")),
        ("rule", line_of("name: main")),
    ]
    assert [link.at and link.at.line for link in answer.destinations[1].chain] == [line_of("{host: web-canary}"), 9]


def test_what_was_skipped_says_what_it_wants_and_what_is_dead_what_is_before_it() -> None:
    answer = only(WHOLE, "web", path="/?x=/old")
    assert [(s.rule, s.why, s.perhaps) for s in answer.skipped] == [("http[0] old", ("path prefix /old",), False)]
    assert [(s.rule, s.by.line) for s in answer.shadowed] == [("http[2] dead", line_of("name: main"))]


def test_a_redirect_has_no_destinations() -> None:
    answer = only(WHOLE, "web", path="/old/x")
    assert (answer.action, answer.destinations, answer.fails) == ("redirect", (), False)


def test_a_canary_without_a_router_is_split_by_pods() -> None:
    plain = BY_HOST.split("      trafficRouting:")[0].replace("      canaryService: web-canary\n", "")
    plain = plain.replace("      stableService: web\n", "") + "      steps: [{setWeight: 20}, {pause: {}}]\n"
    (destination,) = only(SERVICES + plain, "web", step=1).destinations
    assert [(r.version, r.share) for r in destination.receivers] == [("canary", 20), ("stable", 80)]


def test_the_canary_service_called_by_itself() -> None:
    assert told(only(WHOLE, "web-canary", step=0)) == ["100 web-canary.shop: stable Rollout shop/web"]
    assert told(only(WHOLE, "web-canary", step=1)) == ["100 web-canary.shop: canary Rollout shop/web"]


# ---- subsets and gateways ------------------------------------------------------------------------------------


def test_subsets_lead_to_the_versions() -> None:
    answer = only(SUBSETS, "api", step=2)
    assert told(answer) == [
        "75 api.shop/stable: stable Rollout shop/api",
        "25 api.shop/canary: canary Rollout shop/api",
    ]
    subset = next(link for link in answer.destinations[1].chain if link.kind == "subset")
    assert subset.at is not None
    assert subset.at.path == "spec.subsets[1]"
    assert dict(answer.destinations[1].labels) == {"app": "api", "rollouts-pod-template-hash": "<canary>"}


def test_a_subset_that_the_controller_dropped_is_missing() -> None:
    first = "    - {name: v0, match: [{uri: {prefix: /v0}}], route: [{destination: {host: api, subset: v0}}]}\n"
    more = SUBSETS.replace("  http:\n    - route", f"  http:\n{first}    - name: main\n      route")
    more = more.replace("virtualService: {name: api}", "virtualService: {name: api, routes: [main]}")
    assert [d.state for d in only(more, "api", path="/v0").destinations] == ["found"]
    answer = only(more, "api", path="/v0", step=1)
    assert [(d.state, d.problem) for d in answer.destinations] == [
        ("missing", "DestinationRule shop/api for api.shop has no subset v0")
    ]
    assert answer.fails


def test_the_mesh_is_asked_first_and_the_gateway_is_named() -> None:
    answer = only(SUBSETS, "api")
    assert answer.request.gateway == "mesh"
    assert "a VirtualService for it is also bound to ingress/public: ask with --from gateway" in answer.notes


@pytest.mark.parametrize("door", ["", "gateway", "gateway/ingress/public"])
def test_at_a_gateway_the_port_that_does_not_redirect_is_taken(door: str) -> None:
    answer = only(SUBSETS, "api.example.com", door=door, step=1)
    assert (answer.request.gateway, answer.request.port, answer.request.scheme) in [
        ("ingress/public", 443, "https"),
        ("mesh", 80, "http"),
    ]
    if door:
        assert told(answer)[1] == "25 api.shop/canary: canary Rollout shop/api"
        assert [link.kind for link in answer.chain] == ["gateway", "virtual-service", "rule"]


def test_the_plain_port_redirects() -> None:
    assert only(SUBSETS, "api.example.com", door="gateway", port=80).action == "redirect"


def test_a_host_that_the_gateway_does_not_take_is_404() -> None:
    answer = only(SUBSETS, "api.shop.svc.cluster.local", door="gateway/ingress/public", port=443)
    assert (answer.action, answer.fails) == ("not-found", True)


def test_a_gateway_that_is_not_there_is_unknown_and_not_missing() -> None:
    bare = "\n---\n".join(part for part in SUBSETS.split("\n---\n") if "kind: Gateway" not in part)
    answer = only(bare, "api.example.com", door="gateway")
    assert not answer.certain
    assert not answer.fails
    assert "which hosts and ports Gateway ingress/public takes" in answer.unknown


def test_a_rollout_whose_routes_the_controller_refuses_writes_nothing() -> None:
    more = SUBSETS.replace("  http:\n", "  http:\n    - {match: [{port: 1}], route: [{destination: {host: api}}]}\n")
    answer = only(more, "api", step=1)
    assert answer.unknown == ("shop/api writes nothing to VirtualService shop/api: the controller refuses its routes",)
    assert [d.share for d in answer.destinations] == [100, 0]


def test_a_rollout_that_the_controller_refuses_has_no_steps_to_speak_of() -> None:
    answer = only(WHOLE.replace("setWeight: 50", "setWeight: 500"), "web", step=1)
    assert not answer.certain
    assert answer.unknown[0].startswith("what Rollout shop/web does at a step: the controller refuses it (")


def test_ping_and_pong_change_places_with_every_update() -> None:
    text = WHOLE.replace("canaryService: web-canary", "pingPong: {pingService: web-canary, pongService: web}")
    answer = only(text.replace("      stableService: web\n", ""), "web", step=1)
    assert told(answer) == ["95 web.shop: stable Rollout shop/web", "5 web-canary.shop: canary Rollout shop/web"]
    assert answer.unknown == ("whether ping or pong is the canary of Rollout shop/web: shown as at its first update",)


# ---- what nobody can know ------------------------------------------------------------------------------------


def virtual_service(name: str = "web", namespace: str = "shop", **spec: Any) -> str:
    value = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"hosts": ["web"], **spec},
    }
    return yaml.safe_dump(value) + "---\n"


def to(*hosts: str, **more: Any) -> list[dict[str, Any]]:
    return [{"route": [{"destination": {"host": host, **more}} for host in hosts]}]


def test_a_match_on_unknown_labels_may_be_taken() -> None:
    http = [{"match": [{"sourceLabels": {"app": "cli"}}], **to("web-canary")[0]}, *to("web")]
    text = SERVICES + virtual_service(http=http)
    answer = only(text, "web")
    assert [(s.rule, s.perhaps) for s in answer.skipped] == [("http[0]", True)]
    assert answer.unknown == ("whether http[0] matches: only from pods with app=cli",)
    assert told(only(text, "web", labels={"app": "cli"}))[0].startswith("100 web-canary")
    assert only(text, "web", labels={"app": "x"}).certain


def test_two_virtual_services_for_a_host_are_a_matter_of_age() -> None:
    text = SERVICES + virtual_service("a", http=to("web")) + virtual_service("b", http=to("web-canary"))
    answer = only(text, "web")
    assert not answer.certain
    assert [(o.name, o.why) for o in answer.others] == [
        ("shop/b", "has the same host: the older of both counts, and no file tells which that is")
    ]


@pytest.mark.parametrize(
    "spec, why",
    [
        ({"gateways": ["gate"]}, "is bound to Gateway shop/gate only"),
        ({"hosts": ["*.shop.svc.cluster.local"]}, "has a less specific host"),
    ],
)
def test_why_another_virtual_service_was_not_taken(spec: dict[str, Any], why: str) -> None:
    text = SERVICES + virtual_service(http=to("web")) + virtual_service("b", http=to("web-canary"), **spec)
    assert [(o.name, o.why) for o in only(text, "web").others] == [("shop/b", why)]


def test_one_that_is_not_exported_to_the_caller() -> None:
    text = SERVICES + virtual_service("b", "ops", hosts=["web.shop.svc.cluster.local"], exportTo=["."], http=to("x"))
    answer = only(text, "web.shop", namespace="shop")
    assert [(o.name, o.why) for o in answer.others] == [("ops/b", "is not exported to namespace shop")]
    assert answer.action == "default"


def test_an_answer_that_depends_on_the_callers_namespace_says_so() -> None:
    text = SERVICES + virtual_service("b", "ops", hosts=["web.shop.svc.cluster.local"], exportTo=["."], http=to("x"))
    answer = only(text, "web.shop")
    assert not answer.certain
    assert answer.unknown[0].startswith("it is another answer if the caller runs in namespace ops")


@pytest.mark.parametrize("closed, state, fails", [(False, "unknown", False), (True, "missing", True)])
def test_a_host_that_is_not_there_is_missing_only_in_a_closed_world(closed: bool, state: str, fails: bool) -> None:
    text = SERVICES + virtual_service(http=to("far.other.svc.cluster.local"))
    answer = only(text, "web", settings=Settings(closed=closed))
    assert [d.state for d in answer.destinations] == [state]
    assert answer.fails == fails


def test_a_service_missing_beside_others_of_its_namespace_is_missing() -> None:
    answer = only(SERVICES + virtual_service(http=to("wep")), "web")
    assert [(d.state, d.problem) for d in answer.destinations] == [("missing", "there is no Service shop/wep")]


def test_half_a_host_is_no_host() -> None:
    answer = only(SERVICES + virtual_service(http=to("web.shop")), "web")
    (destination,) = answer.destinations
    assert destination.problem == "web.shop is taken as a complete name, and no Service has such a name"


def test_a_port_that_the_service_does_not_have() -> None:
    answer = only(SERVICES + virtual_service(http=to("web", port={"number": 81})), "web")
    assert [(d.state, d.problem) for d in answer.destinations] == [("missing", "Service shop/web has no port 81")]


def test_calling_a_port_that_is_not_there_is_not_certain() -> None:
    assert "whether anything answers on port 81: Service shop/web has no such port" in only(WHOLE, "web:81").unknown


def test_a_delegate_is_a_link_of_its_own() -> None:
    root = virtual_service(http=[{"match": [{"uri": {"prefix": "/a"}}], "delegate": {"name": "leaf"}}, *to("web")])
    leaf = virtual_service("leaf", http=to("web-canary")).replace("  hosts:\n  - web\n", "")
    answer = only(SERVICES + root + leaf, "web", path="/a")
    assert [link.kind for link in answer.chain] == ["virtual-service", "delegate", "rule"]
    assert told(answer) == ["100 web-canary.shop: "]
    gone = only(SERVICES + root, "web", path="/a")
    assert [s.why for s in gone.skipped] == [
        ("delegates to VirtualService shop/leaf, which is not there, or has hosts",)
    ]


def test_environments_that_answer_alike_are_one_answer() -> None:
    files = {"dev/mesh.yaml": WHOLE, "prod/mesh.yaml": WHOLE.replace("setWeight: 5\n", "setWeight: 8\n")}
    assert [told(answer)[1][:2] for answer in ask(files, "web", step=1)] == ["5 ", "8 "]
    assert [answer.environments for answer in ask(files, "web", step=1)] == [("dir:dev",), ("dir:prod",)]


# ---- questions that have no answer ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host, question, said",
    [
        ("wep", {}, "did you mean `web`"),
        ("web.shpo", {}, "did you mean `web.shop`"),
        ("nothing.at.all", {}, "there is `web`"),
        ("web", {"namespace": "ops"}, "no Service, ServiceEntry or VirtualService among the inputs has the host `web`"),
        ("http://web/", {}, "write a host alone"),
        ("", {}, "write a host alone"),
        (":80", {}, "write a host alone"),
        ("*.shop", {}, "a request has one host"),
        ("web:x", {}, "the port is no number"),
        ("web:80", {"port": 81}, "the port is no number, or not that of --port"),
        ("web", {"step": 6}, "shop/web has 5 steps: write 0 to 5, or end"),
        ("web", {"rollout": "shop/wep", "step": 1}, "did you mean `shop/web`"),
        ("web", {"door": "gateway"}, "is bound to a Gateway"),
        ("web", {"door": "gateway/a/b"}, "no Gateway `a/b`"),
    ],
)
def test_a_question_that_cannot_be_answered_says_why(host: str, question: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as error:
        ask(WHOLE, host, **question)
    assert said in str(error.value)


def test_a_short_name_in_two_namespaces_needs_one() -> None:
    text = SERVICES + SERVICES.replace("namespace: shop", "namespace: ops")
    with pytest.raises(UsageError, match="in the namespaces `ops`, `shop`"):
        ask(text, "web")
    assert told(only(text, "web", namespace="ops")) == ["100 web.ops: "]


def test_several_rollouts_on_the_way_need_a_choice() -> None:
    other = BY_HOST.replace("metadata: {name: web,", "metadata: {name: web2,")
    with pytest.raises(UsageError, match="choose with --rollout"):
        ask(WHOLE + "---\n" + other, "web", step=1)
    assert {m.rollout: m.step for m in only(WHOLE + "---\n" + other, "web", step=1, rollout="web").moments} == {
        "shop/web": 1,
        "shop/web2": 0,
    }


def test_nothing_that_routes_gives_no_answer() -> None:
    assert ask("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", "web") == []


# ---- bad input -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"http": []},
        {"http": [{}]},
        {"http": [None, 5]},
        {"http": [{"route": []}]},
        {"http": [{"route": [{}]}]},
        {"http": [{"route": [{"destination": {}}]}]},
        {"http": [{"route": [{"destination": {"host": 5}}]}]},
        {"http": [{"route": [{"destination": {"host": "web"}, "weight": -5}, {"destination": {"host": "web"}}]}]},
        {"http": [{"route": [{"destination": {"host": "*"}}]}]},
        {"http": [{"route": [{"destination": {"host": "web", "port": {"number": "80"}}}]}]},
        {"http": [{"match": "x", "route": [{"destination": {"host": "web"}}]}]},
        {"tcp": [{"match": [None], "route": None}]},
    ],
)
@pytest.mark.parametrize("step", [None, 1])
def test_malformed_virtual_services_get_an_answer(spec: dict[str, Any], step: int | None) -> None:
    answer = only(SERVICES + BY_HOST + virtual_service(**spec), "web", step=step)
    assert sum(d.share for d in answer.destinations) in (0, 100)


JUNK = st.none() | st.integers(-3, 120) | st.sampled_from(["", "web", "web-canary", "x.y", "*", "{{ x }}"])
ENTRY = st.fixed_dictionaries(
    {},
    optional={
        "destination": st.fixed_dictionaries(
            {}, optional={"host": JUNK, "subset": JUNK, "port": st.just({"number": 80})}
        ),
        "weight": JUNK,
    },
)
ROUTE = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["main", "beta", "", 5]),
        "match": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "uri": st.fixed_dictionaries({}, optional={"prefix": JUNK, "exact": JUNK, "regex": JUNK}),
                    "gateways": st.lists(JUNK, max_size=2),
                    "port": JUNK,
                    "sourceNamespace": JUNK,
                },
            ),
            max_size=2,
        ),
        "route": st.lists(ENTRY, max_size=3),
        "mirror": JUNK | st.just({"host": "web"}),
        "delegate": JUNK | st.just({"name": "web"}),
    },
)


@settings(max_examples=60)
@given(
    st.lists(ROUTE, max_size=4),
    st.sampled_from(["web", "web.shop", "web:80", "web-canary", "other", "web.shop.svc.cluster.local"]),
    st.sampled_from(["/", "/web", "?", "//", "/a?b=c&d"]),
    st.sampled_from([None, 0, 1, 2, 3, 4, 5, "end"]),
    st.sampled_from(["", "mesh", "gateway", "gateway/ingress/public"]),
    st.sampled_from([None, "shop", "ops", ""]),
)
def test_a_request_gets_an_answer_or_a_reason(
    http: list[Any], host: str, path: str, step: Any, door: str, namespace: str | None
) -> None:
    text = SERVICES + BY_HOST + virtual_service(http=http, gateways=["mesh", "ingress/public"])
    found: Sequence[Answer] = ()
    with suppress(UsageError):
        found = ask(text, host, path=path, step=step, door=door, namespace=namespace)
    for answer in found:
        assert sum(d.share for d in answer.destinations) in (0, 100)
        assert all(0 <= d.share <= 100 for d in (*answer.destinations, *answer.mirrors))
