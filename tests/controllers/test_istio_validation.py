"""What istiod's webhook answers about VirtualServices, DestinationRules, Gateways and ServiceEntries.

Each row is a `spec` in flow style and the faults as `code @path`. The cases follow istio
`pkg/config/validation/validation_test.go`; a row without faults is one that istiod accepts, however odd it looks.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given

from rolloutlint.controllers.istio_destination_rules import validate_destination_rule
from rolloutlint.controllers.istio_gateways import validate_gateway, validate_service_entry
from rolloutlint.controllers.istio_virtual_services import validate_virtual_service
from tests.controllers.test_istio_routing import JSON

VALIDATORS = {
    "vs": validate_virtual_service,
    "dr": validate_destination_rule,
    "gw": validate_gateway,
    "se": validate_service_entry,
}
TO = "route: [{destination: {host: web}}]"


def route(text: str) -> str:
    return f"{{hosts: [web], http: [{{{text}}}]}}"


def match(text: str) -> str:
    return route(f"match: [{{{text}}}], {TO}")


def policy(text: str) -> str:
    return f"{{host: web, trafficPolicy: {{{text}}}}}"


def server(text: str) -> str:
    return f"{{servers: [{{{text}}}]}}"


def entry(text: str) -> str:
    return f"{{hosts: [a.test], {text}}}"


M, D, S, G = "spec.http.0.match.0", "spec.http.0.route", "spec.trafficPolicy", "spec.servers.0"
HTTP = "port: {number: 80, name: http, protocol: HTTP}"
HTTPS = "port: {number: 443, name: https, protocol: HTTPS}"

VIRTUAL_SERVICES = [
    ("vs", route(TO), ""),
    ("vs", "{}", "no-routes @spec"),
    ("vs", f"{{hosts: [web], gateways: [], http: [{{{TO}}}]}}", ""),
    ("vs", f"{{http: [{{{TO}}}]}}", ""),
    ("vs", f"{{gateways: [edge], http: [{{{TO}}}]}}", "delegate-gateways @spec.gateways"),
    ("vs", "{tcp: [{route: [{destination: {host: a}}]}]}", "delegate-tcp @spec.tcp"),
    ("vs", f"{{hosts: ['*'], http: [{{{TO}}}]}}", "host-wildcard @spec.hosts.0"),
    ("vs", f"{{hosts: ['*'], gateways: [edge], http: [{{{TO}}}]}}", ""),
    ("vs", f"{{hosts: ['*'], gateways: [edge, mesh], http: [{{{TO}}}]}}", "host-wildcard @spec.hosts.0"),
    ("vs", f"{{hosts: [we_b], http: [{{{TO}}}]}}", "host @spec.hosts.0"),
    ("vs", f"{{hosts: ['*foo.test', 10.0.0.1, Web], http: [{{{TO}}}]}}", ""),
    ("vs", f"{{hosts: [a.*.test], http: [{{{TO}}}]}}", "host @spec.hosts.0"),
    ("vs", f"{{hosts: [a.test, b.test, a.test], http: [{{{TO}}}]}}", "host-twice @spec.hosts.2"),
    ("vs", f"{{hosts: ['*.test', a.test], http: [{{{TO}}}]}}", "host-twice @spec.hosts.1"),
    ("vs", f"{{hosts: ['{{{{ host }}}}'], http: [{{{TO}}}]}}", ""),
    ("vs", f"{{hosts: [a], gateways: [infra/edge, mesh], http: [{{{TO}}}]}}", ""),
    ("vs", f"{{hosts: [a], gateways: [in_fra/edge], http: [{{{TO}}}]}}", "gateway-name @spec.gateways.0"),
    (
        "vs",
        f"{{hosts: [a], gateways: [edge.infra.svc.cluster.local], http: [{{{TO}}}]}}",
        "gateway-legacy @spec.gateways.0",
    ),
    ("vs", f"{{hosts: [a], exportTo: [., shop], http: [{{{TO}}}]}}", "export-twice @spec.exportTo.1"),
    ("vs", f"{{hosts: [a], exportTo: ['*', prod], http: [{{{TO}}}]}}", "export-mixed @spec.exportTo"),
    ("vs", f"{{hosts: [a], exportTo: ['~'], http: [{{{TO}}}]}}", "export-nobody @spec.exportTo.0"),
    ("vs", f"{{hosts: [a], exportTo: [a.b], http: [{{{TO}}}]}}", "export-name @spec.exportTo.0"),
    ("vs", "{hosts: [a], http: [null]}", "null @spec.http.0"),
    ("vs", route("name: empty"), "no-action @spec.http.0"),
    ("vs", route("route: []"), "no-action @spec.http.0"),
    ("vs", route(f"redirect: {{uri: /}}, {TO}"), "two-actions @spec.http.0.route"),
    ("vs", route("redirect: {uri: /}, rewrite: {uri: /a}"), "two-actions @spec.http.0.rewrite"),
    ("vs", route("redirect: {uri: /}, directResponse: {status: 200}"), "two-actions @spec.http.0.directResponse"),
    ("vs", route("directResponse: {status: 100}"), "status @spec.http.0.directResponse.status"),
    ("vs", route("redirect: {}"), "redirect @spec.http.0.redirect"),
    ("vs", route("redirect: {uri: /, redirectCode: 200}"), "redirect @spec.http.0.redirect.redirectCode"),
    ("vs", route("redirect: {scheme: ftp}"), "redirect @spec.http.0.redirect.scheme"),
    ("vs", route("delegate: {name: a}"), ""),
    ("vs", route(f"delegate: {{name: a}}, {TO}"), "root-route @spec.http.0.route"),
    ("vs", "{http: [{delegate: {name: a}}]}", "nested-delegate @spec.http.0.delegate no-action @spec.http.0"),
    (
        "vs",
        route(f"mirror: {{host: a}}, mirrors: [{{destination: {{host: b}}}}], {TO}"),
        "two-mirrors @spec.http.0.mirrors",
    ),
    ("vs", route(f"mirror: {{host: '*'}}, {TO}"), "destination-host @spec.http.0.mirror.host"),
    ("vs", route(f"mirrorPercentage: {{value: 101}}, {TO}"), "percentage @spec.http.0.mirrorPercentage.value"),
    ("vs", route(f"mirrorPercent: 50, {TO}"), "deprecated @spec.http.0.mirrorPercent"),
    ("vs", route(f"fault: {{}}, {TO}"), "fault @spec.http.0.fault"),
    ("vs", route(f"fault: {{delay: {{fixedDelay: 0s}}}}, {TO}"), "duration @spec.http.0.fault.delay.fixedDelay"),
    ("vs", route(f"fault: {{abort: {{httpStatus: 700}}}}, {TO}"), "status @spec.http.0.fault.abort.httpStatus"),
    ("vs", route(f"timeout: 0.1ms, {TO}"), "duration @spec.http.0.timeout"),
    ("vs", route(f"timeout: 1500ms, {TO}"), ""),
    ("vs", route(f"retries: {{attempts: 0, retryOn: 5xx}}, {TO}"), "retries @spec.http.0.retries.attempts"),
    ("vs", route(f"retries: {{attempts: 1, retryOn: '5xx,503,nope'}}, {TO}"), "retry-on @spec.http.0.retries.retryOn"),
    ("vs", route(f"retries: {{attempts: 0}}, {TO}"), ""),
    ("vs", route(f"rewrite: {{}}, {TO}"), "rewrite @spec.http.0.rewrite"),
    (
        "vs",
        route(f"headers: {{request: {{remove: [Host]}}}}, {TO}"),
        "header-name @spec.http.0.headers.request.remove.0",
    ),
    ("vs", route(f"headers: {{request: {{set: {{Host: a}}}}}}, {TO}"), ""),
    ("vs", route(f"corsPolicy: {{allowMethods: [get]}}, {TO}"), "cors-method @spec.http.0.corsPolicy.allowMethods.0"),
    ("vs", match("uri: {prefix: ''}"), ""),
    ("vs", match("method: {prefix: ''}"), f"empty-prefix @{M}.method.prefix"),
    ("vs", match("uri: {regex: '*'}"), f"regex @{M}.uri.regex"),
    ("vs", match("headers: {x: {regex: '*'}}"), f"regex @{M}.headers.x.regex"),
    ("vs", match("withoutHeaders: {x: {regex: '*'}}"), ""),
    ("vs", match("headers: {x: null}"), f"null @{M}.headers.x"),
    ("vs", match("headers: {'x y': {exact: a}}"), f"header-name @{M}.headers.x y"),
    ("vs", match("headers: {':method': {exact: GET}}"), ""),
    (
        "vs",
        match("headers: {'@request.auth.claims.a': {exact: b}}"),
        f"claim-in-mesh @{M}.headers.@request.auth.claims.a",
    ),
    ("vs", match("port: 70000"), f"port @{M}.port"),
    ("vs", match("sourceLabels: {'a b': c}"), f"label-key @{M}.sourceLabels.a b"),
    ("vs", match("sourceNamespace: a.b"), f"namespace @{M}.sourceNamespace"),
    ("vs", route("route: [null]"), f"null @{D}.0"),
    ("vs", route("route: [{weight: 1}]"), f"destination @{D}.0"),
    ("vs", route("route: [{destination: {}}]"), f"destination-host @{D}.0.destination"),
    ("vs", route("route: [{destination: {host: web, subset: a.b}}]"), f"subset-name @{D}.0.destination.subset"),
    ("vs", route("route: [{destination: {host: web, port: {number: 0}}}]"), f"port @{D}.0.destination.port"),
    ("vs", route("route: [{destination: {host: web, port: {number: '80'}}}]"), ""),
    ("vs", route("route: [{destination: {host: a}, weight: -1}]"), f"weight @{D}.0.weight"),
    ("vs", route("route: [{destination: {host: a}}, {destination: {host: b}}]"), f"total-weight @{D}"),
    (
        "vs",
        route("route: [{destination: {host: a}, weight: 0}, {destination: {host: b}, weight: 0}]"),
        f"total-weight @{D}",
    ),
    # Weights need not sum to 100 (TestValidateRouteDestination).
    ("vs", route("route: [{destination: {host: a}, weight: 50}, {destination: {host: b}, weight: 10}]"), ""),
    ("vs", route("route: [{destination: {host: a}, weight: 90}, {destination: {host: b}, weight: 90}]"), ""),
    ("vs", route("route: [{destination: {host: a}, weight: 0}]"), ""),
    ("vs", "{hosts: [a.test], tls: [{route: [{destination: {host: a}}]}]}", "tls-match @spec.tls.0"),
    (
        "vs",
        "{hosts: [a.test], tls: [{match: [{port: 1}], route: [{destination: {host: a}}]}]}",
        "sni-hosts @spec.tls.0.match.0",
    ),
    (
        "vs",
        "{hosts: [a.test], tls: [{match: [{sniHosts: [b.test]}], route: [{destination: {host: a}}]}]}",
        "sni-host @spec.tls.0.match.0.sniHosts.0",
    ),
    ("vs", "{hosts: ['*.test'], tls: [{match: [{sniHosts: [b.test]}], route: [{destination: {host: a}}]}]}", ""),
    (
        "vs",
        "{hosts: [a], tcp: [{match: [{destinationSubnets: [1.2.3.4/40]}]}]}",
        "subnet @spec.tcp.0.match.0.destinationSubnets.0 no-action @spec.tcp.0",
    ),
]

OTHERS = [
    ("dr", "{host: web}", ""),
    ("dr", "{}", "host @spec"),
    ("dr", "{host: 'web:80'}", "host @spec.host"),
    ("dr", "{host: '*.test'}", ""),
    ("dr", "{host: web, subsets: [{name: a}, {name: a}]}", "subset-twice @spec.subsets.1.name"),
    ("dr", "{host: web, subsets: [{labels: {a: b}}]}", "subset-name @spec.subsets.0"),
    ("dr", "{host: web, subsets: [{name: a.b}]}", "subset-name @spec.subsets.0.name"),
    ("dr", "{host: web, subsets: [{name: A}]}", ""),
    ("dr", "{host: web, subsets: [{name: a, labels: {x: 'a b'}}]}", "label-value @spec.subsets.0.labels.x"),
    ("dr", "{host: web, subsets: [null]}", "null @spec.subsets.0"),
    ("dr", policy(""), f"empty-policy @{S}"),
    ("dr", policy("retryBudget: {}"), ""),
    ("dr", policy("connectionPool: {}"), f"empty-policy @{S}.connectionPool"),
    ("dr", policy("connectionPool: {http: {maxRetries: -1}}"), f"negative @{S}.connectionPool.http.maxRetries"),
    ("dr", policy("connectionPool: {tcp: {idleTimeout: 0s}}"), ""),
    ("dr", policy("connectionPool: {tcp: {connectTimeout: 0s}}"), f"duration @{S}.connectionPool.tcp.connectTimeout"),
    (
        "dr",
        policy("outlierDetection: {maxEjectionPercent: 101}"),
        f"percentage @{S}.outlierDetection.maxEjectionPercent",
    ),
    ("dr", policy("outlierDetection: {consecutiveErrors: 3}"), f"deprecated @{S}.outlierDetection.consecutiveErrors"),
    (
        "dr",
        policy("loadBalancer: {consistentHash: {maglev: {tableSize: 6}}}"),
        f"maglev @{S}.loadBalancer.consistentHash.maglev",
    ),
    ("dr", policy("loadBalancer: {consistentHash: {maglev: {tableSize: 7}}}"), ""),
    ("dr", policy("tls: {mode: MUTUAL, clientCertificate: a}"), f"tls @{S}.tls"),
    ("dr", policy("tls: {mode: SIMPLE, credentialName: a, caCertificates: b}"), f"tls @{S}.tls.caCertificates"),
    ("dr", policy("tls: {mode: SIMPLE}"), ""),
    ("dr", policy("portLevelSettings: [{tls: {mode: SIMPLE}}]"), f"port @{S}.portLevelSettings.0"),
    ("dr", policy("portLevelSettings: [{port: {number: 80}}]"), f"empty-policy @{S}.portLevelSettings.0"),
    ("dr", "{host: web, workloadSelector: {matchLabels: {a: b}}, exportTo: ['*']}", "export-selector @spec.exportTo"),
    ("dr", "{host: web, workloadSelector: {matchLabels: {a: b}}, exportTo: [.]}", ""),
    ("dr", "{host: web, workloadSelector: {}}", "selector-empty @spec.workloadSelector"),
    ("gw", server(f"{HTTP}, hosts: ['*']"), ""),
    ("gw", "{}", "no-servers @spec"),
    ("gw", "{servers: [null]}", "null @spec.servers.0"),
    ("gw", server(HTTP), f"no-hosts @{G}"),
    ("gw", server("hosts: ['*']"), f"port @{G}"),
    ("gw", server(f"{HTTP}, hosts: [web]"), f"host-short @{G}.hosts.0"),
    ("gw", server(f"{HTTP}, hosts: [./a.test, '*/b.test', ns/c.test, 10.0.0.1]"), ""),
    ("gw", server(f"{HTTP}, hosts: ['*a.test']"), f"host @{G}.hosts.0"),
    ("gw", server("port: {number: 80, name: a, protocol: WS}, hosts: ['*']"), f"protocol @{G}.port.protocol"),
    ("gw", server("port: {number: 80, protocol: HTTP}, hosts: ['*']"), f"port-name @{G}.port"),
    ("gw", server("port: {number: 0, name: a, protocol: HTTP}, hosts: ['*']"), f"port @{G}.port"),
    ("gw", server(f"{HTTPS}, hosts: ['*']"), f"no-tls @{G}.port.protocol"),
    ("gw", server(f"{HTTPS}, tls: {{mode: SIMPLE, credentialName: a}}, hosts: ['*']"), ""),
    ("gw", server(f"{HTTPS}, tls: {{mode: SIMPLE}}, hosts: ['*']"), f"tls @{G}.tls tls @{G}.tls"),
    ("gw", server(f"{HTTP}, tls: {{httpsRedirect: true}}, hosts: ['*']"), ""),
    ("gw", server(f"{HTTP}, tls: {{mode: SIMPLE, credentialName: a}}, hosts: ['*']"), f"tls @{G}.tls"),
    (
        "gw",
        f"{{servers: [{{{HTTP}, hosts: ['*']}}, {{{HTTP}, hosts: ['*']}}]}}",
        "port-twice @spec.servers.1.port.name",
    ),
    ("se", entry("ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS"), ""),
    ("se", "{ports: []}", "no-hosts @spec"),
    ("se", "{hosts: ['*']}", "host @spec.hosts.0"),
    ("se", "{hosts: ['*.a.test']}", ""),
    ("se", "{hosts: ['*.a.test'], resolution: DNS}", "host @spec.hosts.0"),
    ("se", entry("addresses: [10.0.0.0/8], resolution: DNS"), "address @spec.addresses.0"),
    ("se", entry("addresses: [10.0.0.0/8]"), ""),
    ("se", entry("ports: [{number: 80, name: a}, {number: 80, name: b}]"), "port-twice @spec.ports.1.number"),
    ("se", entry("ports: [{number: 80}]"), "port-name @spec.ports.0"),
    ("se", entry("ports: [{number: 80, name: a, protocol: WS}]"), "protocol @spec.ports.0.protocol"),
    ("se", entry("endpoints: [{address: 1.1.1.1}]"), "endpoints @spec.endpoints"),
    ("se", entry("endpoints: [], workloadSelector: {labels: {a: b}}"), "endpoints @spec.endpoints"),
    ("se", entry("endpoints: [{address: a_b}], resolution: DNS"), "address @spec.endpoints.0.address"),
    (
        "se",
        "{hosts: [a.test, b.test], resolution: DNS, ports: [{number: 1, name: a, protocol: TCP}]}",
        "protocol @spec.ports.0",
    ),
    ("se", entry("exportTo: ['~']"), ""),
]


@pytest.mark.parametrize(("kind", "spec", "expected"), VIRTUAL_SERVICES + OTHERS)
def test_istiod_says_what_it_says(kind: str, spec: str, expected: str) -> None:
    value = {"metadata": {"name": "a", "namespace": "shop"}, "spec": yaml.safe_load(spec)}
    found = VALIDATORS[kind](value, "shop")
    assert " ".join(f"{f.code} @{'.'.join(map(str, f.path))}" for f in found) == expected
    assert all(f.message for f in found)


@pytest.mark.parametrize("kind", VALIDATORS)
def test_only_hints_are_warnings(kind: str) -> None:
    hints = {"deprecated", "gateway-legacy", "selector-empty", "sni-ip", "tls-ignored"}
    for of, spec, _ in VIRTUAL_SERVICES + OTHERS:
        for fault in VALIDATORS[kind]({"spec": yaml.safe_load(spec)}, "shop") if of == kind else ():
            assert (fault.severity == "warning") is (fault.code in hints)


@given(JSON)
def test_malformed_objects_are_never_an_exception(spec: Any) -> None:
    for validate in VALIDATORS.values():
        validate({"metadata": spec, "spec": spec})
        validate({"spec": {"http": [spec], "tls": [spec], "servers": [spec], "subsets": [spec], "trafficPolicy": spec}})
