"""Where requests go, as istiod and Envoy decide it: a table of configurations and requests, and what holds for all.

The configurations stand in tests/data/istio/meshes.yaml. An answer reads `service#route.match target*share`: the
VirtualService (and delegate), the index of the route and match, hosts without `.svc.cluster.local`, ports, subsets with
the value of their label `version`, `!` and what is not there, `?` in front where the objects leave it open.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.controllers.istio import Mesh, config_of
from rolloutlint.controllers.istio_matching import Request, covers, matches, read_match
from rolloutlint.controllers.istio_routing import Decision, Target, route_decision, shares
from rolloutlint.controllers.istio_shadowing import Spot, shadows

HERE = os.path.dirname(__file__)
with open(os.path.join(HERE, "..", "data", "istio", "meshes.yaml"), encoding="utf-8") as handle:
    MESHES: Mapping[str, list[Any]] = yaml.safe_load(handle)


def mesh_of(*objects: Any, **options: str) -> Mesh:
    return Mesh(filter(None, (config_of(value, "shop", number) for number, value in enumerate(objects))), **options)


def told(decision: Decision) -> str:
    words = []
    if decision.virtual_service is not None and decision.config is not None:
        names = dict.fromkeys((decision.virtual_service.name, decision.config.name))
        section = "" if decision.path[1] == "http" else str(decision.path[1])
        match = f".{decision.match_path[-1]}" if decision.match_path else ""
        words.append(f"{'>'.join(names)}#{section}{decision.path[2]}{match}")
    elif decision.virtual_service is not None:
        words.append(decision.virtual_service.name)
    if decision.action != "route":
        words.append(decision.action)
    words += [target_told(target) for target in decision.targets]
    words += [f"+{target_told(target)}" for target in decision.mirrors]
    return ("" if decision.certain else "?") + " ".join(words)


def target_told(target: Target) -> str:
    subset = f"/{target.subset}" if target.subset else ""
    version = f"({target.use.labels.get('version', '')})" if target.use else ""
    share = f"*{float(target.share):g}" if target.share != 100 else ""
    host = target.host.removesuffix(".svc.cluster.local")
    return f"{host}:{target.port}{subset}{version}{share}" + (f"!{target.fault}" if target.fault else "")


def ask(mesh: str, host: str = "web", path: str = "/", **more: Any) -> str:
    more.setdefault("namespace", "shop")
    more.setdefault("labels", {})
    return told(route_decision(mesh_of(*MESHES[mesh]), Request(host, path, **more)))


Row = tuple[str, str, str, dict[str, Any], str]

PLAIN: list[Row] = [
    # Without a VirtualService a host is its own destination (buildSidecarVirtualHostForService).
    ("plain", "web", "/", {}, "default web.shop:80"),
    # A short name is one of the caller's namespace, by DNS and by the domains of the virtual host.
    ("plain", "web", "/", {"namespace": "prod"}, "default web.prod:80"),
    ("plain", "web.prod", "/", {}, "default web.prod:80"),
    ("plain", "web.prod.svc", "/", {}, "default web.prod:80"),
    ("plain", "web.prod.svc.cluster.local", "/", {}, "default web.prod:80"),
    ("plain", "WEB.prod", "/", {}, "default web.prod:80"),
    ("plain", "web:80", "/", {}, "default web.shop:80"),
    # An unknown host is passed through as it is (outboundTrafficPolicy ALLOW_ANY).
    ("plain", "api.example.com", "/", {}, "passthrough"),
    ("plain", "missing", "/", {}, "passthrough"),
    # A Service exported to its own namespace only does not exist for others (annotation networking.istio.io/exportTo).
    ("plain", "hidden.prod", "/", {}, "passthrough"),
    ("plain", "hidden.prod", "/", {"namespace": "prod"}, "default hidden.prod:80"),
    # A Service has the ports it has; a sole one is taken whatever is called (GetDestinationCluster).
    ("plain", "two", "/", {"port": 8080}, "default two.shop:8080"),
    ("plain", "two", "/", {"port": 81}, "default two.shop:81!port"),
    ("plain", "cart", "/", {"port": 9000}, "default cart.shop:9000"),
]

MATCHING: list[Row] = [
    # uri.exact: the whole path, without the query (Envoy `path`).
    ("matching", "web", "/exact", {}, "vs#0.0 a.shop:80!host"),
    ("matching", "web", "/exact?a=1", {}, "vs#0.0 a.shop:80!host"),
    ("matching", "web", "/exact/", {}, "vs#23 web.shop:80"),
    ("matching", "web", "/EXACT", {}, "vs#23 web.shop:80"),
    # uri.prefix: a prefix of the text, not of path segments.
    ("matching", "web", "/prefix", {}, "vs#1.0 b.shop:80!host"),
    ("matching", "web", "/prefixed", {}, "vs#1.0 b.shop:80!host"),
    ("matching", "web", "/pre", {}, "vs#23 web.shop:80"),
    # uri.regex: RE2, the whole path.
    ("matching", "web", "/v12/x", {}, "vs#2.0 c.shop:80!host"),
    ("matching", "web", "/v12", {}, "vs#23 web.shop:80"),
    ("matching", "web", "/a/v12/x", {}, "vs#23 web.shop:80"),
    # ignoreUriCase: for exact and prefix.
    ("matching", "web", "/fOLD", {}, "vs#3.0 d.shop:80!host"),
    ("matching", "web", "/folD/x", {}, "vs#3.1 d.shop:80!host"),
    # headers: names without case, values with; all of one match have to hold.
    ("matching", "web", "/", {"headers": {"X-User": "tester"}}, "vs#4.0 e.shop:80!host"),
    ("matching", "web", "/", {"headers": {"x-user": "Tester"}}, "vs#23 web.shop:80"),
    ("matching", "web", "/", {"headers": {"x-group": "beta-1"}}, "vs#5.0 f.shop:80!host"),
    ("matching", "web", "/", {"headers": {"x-group": "abeta-"}}, "vs#23 web.shop:80"),
    ("matching", "web", "/", {"headers": {"cookie": "a=b; user=qa"}}, "vs#6.0 g.shop:80!host"),
    ("matching", "web", "/", {"headers": {"cookie": "user=qa2"}}, "vs#23 web.shop:80"),
    # A header match without a kind asks for presence, and so does the regex `*`.
    ("matching", "web", "/", {"headers": {"x-present": ""}}, "vs#7.0 h.shop:80!host"),
    ("matching", "web", "/", {"headers": {"x-star": "1"}}, "vs#8.0 i.shop:80!host"),
    # method, scheme, authority.
    ("matching", "web", "/", {"method": "DELETE"}, "vs#9.0 j.shop:80!host"),
    ("matching", "web", "/write", {"method": "PUT"}, "vs#10.0 k.shop:80!host"),
    ("matching", "web", "/write", {"method": "GET"}, "vs#23 web.shop:80"),
    ("matching", "web", "/", {"scheme": "https"}, "vs#11.0 l.shop:80!host"),
    # queryParams: exact, regex, present.
    ("matching", "web", "/", {"query": {"debug": "true"}}, "vs#13.0 n.shop:80!host"),
    ("matching", "web", "/", {"query": {"debug": "1"}}, "vs#23 web.shop:80"),
    ("matching", "web", "/", {"query": {"page": "12"}}, "vs#14.0 o.shop:80!host"),
    ("matching", "web", "/", {"query": {"page": "12a"}}, "vs#23 web.shop:80"),
    ("matching", "web", "/", {"query": {"any": ""}}, "vs#15.0 p.shop:80!host"),
    ("matching", "web", "/and", {"headers": {"x-a": "1", "x-b": "2"}}, "vs#16.0 q.shop:80!host"),
    ("matching", "web", "/and", {"headers": {"x-a": "1"}}, "vs#23 web.shop:80"),
    # withoutHeaders: a missing header counts as empty (treat_missing_header_as_empty), except where presence is asked.
    ("matching", "web", "/without", {}, "vs#17.0 r.shop:80!host"),
    ("matching", "web", "/without", {"headers": {"x-skip": "no"}}, "vs#17.0 r.shop:80!host"),
    ("matching", "web", "/without", {"headers": {"x-skip": "yes"}}, "vs#23 web.shop:80"),
    ("matching", "web", "/absent", {}, "vs#18.0 s.shop:80!host"),
    ("matching", "web", "/absent", {"headers": {"X-Skip": ""}}, "vs#23 web.shop:80"),
    ("matching", "web", "/all", {}, "vs#23 web.shop:80"),
    # Several matches of a route: one is enough.
    ("matching", "web", "/dot.html", {}, "vs#20.0 u.shop:80!host"),
    ("matching", "web", "/dot.htm", {}, "vs#20.1 u.shop:80!host"),
    ("matching", "web", "/dotxhtm", {}, "vs#23 web.shop:80"),
    # redirect and directResponse have no destinations.
    ("matching", "web", "/moved", {}, "vs#21.0 redirect"),
    ("matching", "web", "/teapot", {}, "vs#22.0 respond"),
    # Nothing behind a route without a match is ever reached.
    ("matching", "web", "/never", {}, "vs#23 web.shop:80"),
    # What cannot be read may match or not: the answer then is what happens if it does not.
    ("broken", "web", "/", {}, "?vs#2 web.shop:80"),
    # A request that no route takes gets 404.
    ("unmatched", "web", "/only/x", {}, "vs#0.0 web.shop:80"),
    ("unmatched", "web", "/", {}, "vs not-found"),
]

SOURCE: list[Row] = [
    # port: that of the Service that is called; sourceLabels, sourceNamespace: of the calling pod (sourceMatchHTTP).
    ("source", "two", "/", {"port": 8080}, "vs#0.0 web.shop:80/port!subset"),
    ("source", "web", "/", {"labels": {"app": "a", "x": "y"}}, "vs#1.0 b.shop:80!host"),
    ("source", "web", "/", {"labels": {"app": "b"}}, "vs#6 web.shop:80"),
    ("source", "web.shop", "/", {"namespace": "qa"}, "vs#2.0 c.shop:80!host"),
    # Labels that are not known leave it open.
    ("source", "web", "/", {"labels": None}, "?vs#6 web.shop:80"),
    # gateways of a match: in its place; with them the source is not asked.
    ("source", "web.shop.svc.cluster.local", "/", {"gateway": "shop/edge"}, "vs#3.0 d.shop:80!host"),
    ("source", "web.shop.svc.cluster.local", "/", {"gateway": "infra/public"}, "vs#4.0 e.shop:80!host"),
    ("source", "web", "/x", {}, "vs#5.0 f.shop:80!host"),
    # Without any route for this proxy and port, the VirtualService does not count there ("no routes matched").
    ("ports-only", "two", "/", {"port": 8080}, "vs#0.0 two.shop:80"),
    ("ports-only", "two", "/", {"port": 80}, "default two.shop:80"),
]

HOSTS: list[Row] = [
    # A host without a dot gets the namespace of the VirtualService, not of the caller (ResolveShortnameToFQDN).
    ("hosts", "web", "/short", {}, "vs#0.0 web.shop:80"),
    ("hosts", "web.shop", "/short", {"namespace": "prod"}, "vs#0.0 web.shop:80"),
    ("hosts", "web", "/full", {}, "vs#1.0 web.prod:80"),
    # With a dot it is complete: there is no cluster `web.prod`.
    ("hosts", "web", "/half", {}, "vs#2.0 web.prod:80!host"),
    ("hosts", "web", "/svc", {}, "vs#3.0 web.prod.svc:80!host"),
    ("hosts", "web", "/none", {}, "vs#4.0 nothing.shop:80!host"),
    # Port: the one written, else the sole one, else that of the listener.
    ("hosts", "web", "/two-none", {}, "vs#5.0 two.shop:80"),
    ("hosts", "web", "/two-8080", {}, "vs#6.0 two.shop:8080"),
    ("hosts", "web", "/two-bad", {}, "vs#7.0 two.shop:81!port"),
    ("hosts", "web", "/sole/", {}, "vs#8.0 cart.shop:9000"),
    ("hosts", "web", "/sole-bad", {}, "vs#9.0 cart.shop:80!port"),
    # exportTo of Services and ServiceEntries.
    ("hosts", "web", "/hidden", {}, "vs#10.0 hidden.prod:80!host"),
    ("hosts", "web.shop", "/hidden", {"namespace": "prod"}, "vs#10.0 hidden.prod:80"),
    ("hosts", "web", "/external", {}, "vs#11.0 api.example.com:443"),
    ("hosts", "web", "/wild", {}, "vs#12.0 eu.partner.example:80"),
    ("hosts", "web", "/private", {}, "vs#13.0 private.example.com:80!host"),
    ("hosts", "web.shop", "/private", {"namespace": "infra"}, "vs#13.0 private.example.com:80"),
    # A quoted number is no port, a destination without a host no destination: the schema refuses both.
    ("hosts", "web", "/quoted", {}, "vs#14.0 cart.shop:9000"),
    ("hosts", "web", "/nohost", {}, "vs#15.0 :80!host"),
    # Hosts of ServiceEntries without a VirtualService.
    ("hosts", "api.example.com", "/", {"port": 443}, "default api.example.com:443"),
    ("hosts", "us.partner.example", "/", {}, "default us.partner.example:80"),
]

WEIGHTS: list[Row] = [
    # A sole destination gets everything, whatever its weight (applyHTTPRouteDestination).
    ("weights", "web", "/one", {}, "vs#0.0 web.shop:80"),
    ("weights", "web", "/zero", {}, "vs#1.0 web.shop:80"),
    # Several: relative weights, an absent one is 0; they need not sum to 100.
    ("weights", "web", "/pair", {}, "vs#2.0 web.shop:80*90 web-canary.shop:80*10"),
    ("weights", "web", "/thirds", {}, "vs#3.0 web.shop:80*66.6667 web-canary.shop:80*33.3333"),
    ("weights", "web", "/rest", {}, "vs#4.0 web.shop:80 web-canary.shop:80*0"),
    ("weights", "web", "/nothing", {}, "vs#5.0 web.shop:80*0 web-canary.shop:80*0"),
    ("weights", "web", "/over", {}, "vs#6.0 web.shop:80*75 web-canary.shop:80*25"),
    ("weights", "web", "/odd", {}, "vs#7.0 web.shop:80*0 web-canary.shop:80*0 web.shop:80"),
    # Mirrors get copies: all without a percentage.
    ("weights", "web", "/mirror", {}, "vs#8.0 web.shop:80 +web-canary.shop:80*12.5"),
    ("weights", "web", "/copy", {}, "vs#9.0 web.shop:80 +web-canary.shop:80"),
    ("weights", "web", "/both", {}, "vs#10.0 web.shop:80 +web-canary.shop:80*5 +web.shop:80"),
    ("weights", "web", "/empty", {}, "vs#11.0"),
]

SUBSETS: list[Row] = [
    # A subset is one of the DestinationRule of that very host.
    ("subsets", "web", "/", {}, "vs#3 web.shop:80/v1(v1)"),
    ("subsets", "web", "/v2", {}, "vs#0.0 web.shop:80/v2(v2)"),
    ("subsets", "web", "/gone", {}, "vs#1.0 web.shop:80/v9!subset"),
    ("subsets", "web", "/other", {}, "vs#2.0 web-canary.shop:80/v1!subset"),
    # Lookup: the client's namespace, the Service's, the root namespace; the first that has one counts alone.
    ("shadowed", "web", "/", {}, "vs#0 web.shop:80/v1(v1)"),
    ("shadowed", "web.shop", "/", {"namespace": "client"}, "vs#0 web.shop:80/v1!subset"),
    ("shadowed", "web.shop", "/", {"namespace": "elsewhere"}, "vs#0 web.shop:80/v1(v1)"),
    # `web.shop` as a DestinationRule's host is another host.
    ("shadowed", "web.shop", "/", {"namespace": "dotted"}, "vs#0 web.shop:80/v1(v1)"),
    # A wildcard in the client's namespace comes before the exact host in the Service's.
    ("shadowed", "web.shop", "/", {"namespace": "wild"}, "vs#0 web.shop:80/v1(wild)"),
    # Proxies of the root namespace do not take its exported rules for their own.
    ("shadowed", "web.shop", "/", {"namespace": "istio-system"}, "vs#0 web.shop:80/v1(v1)"),
    ("root-rule", "web", "/", {}, "vs#0 web.shop:80/v1(root)"),
    ("root-rule", "web.shop", "/", {"namespace": "istio-system"}, "vs#0 web.shop:80/v1(root)"),
    ("root-private", "web", "/", {}, "vs#0 web.shop:80/v1!subset"),
    ("root-private", "web.shop", "/", {"namespace": "istio-system"}, "vs#0 web.shop:80/v1(root)"),
    # exportTo of a DestinationRule.
    ("not-exported", "web", "/", {}, "vs#0 web.shop:80/v1(v1)"),
    ("not-exported", "web.shop", "/", {"namespace": "infra"}, "vs#0 web.shop:80/v1!subset"),
    ("exported-to", "web.shop", "/", {"namespace": "friend"}, "vs#0 web.shop:80/v1(v1)"),
    ("exported-to", "web.shop", "/", {"namespace": "infra"}, "vs#0 web.shop:80/v1!subset"),
    ("exported-to", "web", "/", {}, "vs#0 web.shop:80/v1(v1)"),
    # Two rules of one host and namespace are merged by the names of subsets (mergeDestinationRule).
    ("merged", "web", "/", {}, "vs#2 web.shop:80/v1(v1)"),
    ("merged", "web", "/v2", {}, "vs#0.0 web.shop:80/v2(v2)"),
    ("merged", "web", "/v3", {}, "vs#1.0 web.shop:80/v3!subset"),
    # Of two subsets of one name the older rule's counts, and nobody knows here which that is.
    ("twice", "web", "/", {}, "?vs#0 web.shop:80/v1(v1)"),
    # A rule with a workload selector counts alone for the pods it selects, and for nobody else.
    ("selective", "web", "/", {"labels": {"app": "cart"}}, "vs#0 web.shop:80/v1(chosen)"),
    ("selective", "web", "/", {"labels": {"app": "web"}}, "vs#0 web.shop:80/v1(v1)"),
    ("selective", "web.shop", "/", {"namespace": "infra", "labels": {"app": "cart"}}, "vs#0 web.shop:80/v1(v1)"),
    ("selective", "web", "/", {"labels": None}, "?vs#0 web.shop:80/v1(v1)"),
    ("wild-rule", "web", "/", {}, "vs#0 web.shop:80/v1(wild)"),
]

CHOICE: list[Row] = [
    # exportTo of VirtualServices: private before exported by name before public (SelectVirtualServices).
    ("visibility", "web", "/", {}, "private#0 own.shop:80!host"),
    ("visibility", "web.shop", "/", {"namespace": "friend"}, "named#0 for-friends.infra:80!host"),
    ("visibility", "web.shop", "/", {"namespace": "else"}, "public#0 for-all.team:80!host"),
    ("visibility", "web.shop", "/", {"namespace": None}, "?named#0 for-friends.infra:80!host"),
    # Two public ones for one host: the older one, alone; nothing is merged for sidecars.
    ("rivals", "web", "/a", {}, "?a#0.0 web.shop:80"),
    ("rivals", "web", "/b", {}, "?a not-found"),
    # The most specific host counts (MostSpecificHostMatch).
    ("specific", "web", "/", {}, "web#0 from-web.shop:80!host"),
    ("specific", "cart", "/", {"port": 9000}, "shop#0 from-shop.shop:9000!host"),
    # A host that is in no registry is routed on port 80 only.
    ("specific", "legacy.example.com", "/", {}, "legacy#0 web.shop:80"),
    ("specific", "legacy.example.com", "/", {"port": 8080}, "passthrough"),
    # The dot trap in `hosts`: `cart.shop` claims no Service.
    ("specific", "cart.shop", "/", {"port": 9000}, "shop#0 from-shop.shop:9000!host"),
    # Bound to a Gateway alone, a VirtualService says nothing to sidecars.
    ("gateway-only", "web", "/", {}, "default web.shop:80"),
    ("gateway-only", "web.example.com", "/", {"gateway": "shop/edge"}, "vs#0 web.shop:80"),
    ("gateway-only", "web.shop.svc.cluster.local", "/", {"gateway": "shop/edge"}, "not-found"),
    ("gateway-only", "web.example.com", "/", {"gateway": "shop/edge", "port": 443}, "unbound"),
    ("gateway-only", "web.example.com", "/", {"gateway": "shop/missing"}, "?unbound"),
]

EDGE = {"gateway": "infra/edge", "namespace": "infra"}
GATEWAYS: list[Row] = [
    # The virtual host with the most specific domain is taken, and its routes only.
    ("edge", "a.example.com", "/", EDGE, "a#1 web.shop:80"),
    ("edge", "a.example.com", "/canary/x", EDGE, "a#0.0 web-canary.shop:80"),
    ("edge", "A.Example.com:80", "/", EDGE, "a#1 web.shop:80"),
    ("edge", "b.example.com", "/", EDGE, "wide#0 wide.shop:80!host"),
    ("edge", "example.com", "/", EDGE, "not-found"),
    ("edge", "other.test", "/", EDGE, "not-found"),
    # `ns/host` binds VirtualServices of that namespace, `./host` those of the Gateway's.
    ("edge", "only.test", "/", EDGE, "only#0 web.shop:80"),
    ("edge", "own.test", "/", EDGE, "own#0 web.shop:80"),
    # Hosts of each server count by themselves.
    # On 443 only `a.example.com` is served, so there the wildcard joins that virtual host, and age decides.
    ("edge", "a.example.com", "/", {**EDGE, "port": 443}, "?a#1 web.shop:80"),
    ("edge", "b.example.com", "/", {**EDGE, "port": 443}, "not-found"),
    ("edge", "a.example.com", "/", {**EDGE, "port": 444}, "unbound"),
    ("edge", "a.example.com", "/", {**EDGE, "port": 81}, "redirect"),
    # TLS that is passed through goes by SNI, the most specific name first, whatever the order of the routes.
    ("edge", "db.example.com", "/", {**EDGE, "port": 8443}, "pass#tls1.0 web.shop:80"),
    ("edge", "y.db.example.com", "/", {**EDGE, "port": 8443}, "pass#tls0.0 wide-db.shop:8443!host"),
    ("edge", "x.db.example.com", "/", {**EDGE, "port": 8443}, "pass#tls2.0 x-db.shop:8443!host"),
    # TCP has no host: the first route of the port.
    ("edge", "10.0.0.1", "/", {**EDGE, "port": 9000}, "raw#tcp1.0 web.shop:80*75 web-canary.shop:80*25"),
    # The old form of a gateway's name.
    ("edge", "old.example.com", "/", EDGE, "old#0 web.shop:80"),
    # A VirtualService that is not exported to the gateway's pods does not exist for them.
    ("edge", "secret.example.com", "/", EDGE, "wide#0 wide.shop:80!host"),
    ("edge", "secret.example.com", "/", {**EDGE, "namespace": "shop"}, "secret#0 web.shop:80"),
    ("edge", "secret.example.com", "/", {**EDGE, "namespace": None}, "?secret#0 web.shop:80"),
    # Several VirtualServices of one host follow each other; catch-alls come last (SortVHostRoutes).
    ("two-at-edge", "x.test", "/b/1", {"gateway": "shop/edge"}, "?b#0.0 web.shop:80"),
    ("two-at-edge", "x.test", "/", {"gateway": "shop/edge"}, "?a#0 everything.shop:80!host"),
    # Claims of a token are known to the gateway alone.
    ("claims", "x.test", "/", {"gateway": "shop/edge"}, "?vs#1 web.shop:80"),
    (
        "claims",
        "x.test",
        "/",
        {"gateway": "shop/edge", "claims": {"@request.auth.claims.group": "dev"}},
        "vs#0.0 dev.shop:80!host",
    ),
    ("claims", "x.test", "/", {"gateway": "shop/edge", "claims": {}}, "vs#1 web.shop:80"),
]

LAYER4: list[Row] = [
    # Ports of TCP and TLS never see http routes; tcp routes go in order.
    ("layer4", "db", "/", {"port": 5432}, "db#tcp2 db.shop:5432"),
    ("layer4", "db", "/", {"port": 5432, "labels": {"app": "batch"}}, "db#tcp1.0 db.shop:5432/batch!subset"),
    ("layer4", "vault", "/", {"port": 443}, "vault#tls0.0 vault.shop:443"),
    ("layer4", "web", "/", {}, "default web.shop:80"),
]

DELEGATES: list[Row] = [
    # A delegate's routes stand in for the delegating one; their matches have to fit inside the root's.
    ("delegates", "web", "/cart/items/1", {}, "root>cart#0.0 cart.shop:9000"),
    ("delegates", "web", "/cart/other", {}, "root>cart#2 web.shop:80"),
    ("delegates", "web", "/elsewhere", {}, "root#6 web.shop:80"),
    # Hosts of a delegate are those of its own namespace.
    ("delegates", "web", "/team", {}, "root>team#0 web.prod:80!host"),
    # A delegate that is missing, or not exported to the root's namespace, is left out with its route.
    ("delegates", "web", "/lost", {}, "root#6 web.shop:80"),
    ("delegates", "web", "/secret", {}, "root#6 web.shop:80"),
    # Expressions are never compared: a delegate with a match of its own conflicts with a regex above it.
    ("delegates", "web", "/re/x", {}, "root>cart#2 web.shop:80"),
    # Headers of both have to hold.
    ("delegates", "web", "/x", {"headers": {"x-a": "1", "x-b": "2"}}, "root>header#0.0 web.shop:80"),
    ("delegates", "web", "/x", {"headers": {"x-a": "1"}}, "root#6 web.shop:80"),
    # Delegates are bound to nothing themselves.
    ("delegates", "cart", "/", {"port": 9000}, "default cart.shop:9000"),
]

ROWS = PLAIN + MATCHING + SOURCE + HOSTS + WEIGHTS + SUBSETS + CHOICE + GATEWAYS + LAYER4 + DELEGATES


@pytest.mark.parametrize(("mesh", "host", "path", "more", "expected"), ROWS)
def test_a_request_goes_where_istio_sends_it(
    mesh: str, host: str, path: str, more: dict[str, Any], expected: str
) -> None:
    assert ask(mesh, host, path, **more) == expected


def test_the_table_is_as_long_as_it_has_to_be() -> None:
    assert len(ROWS) >= 150
    assert len({(m, h, p, repr(r)) for m, h, p, r, _ in ROWS}) == len(ROWS)


# ---- what holds for every configuration --------------------------------------------------------------------

PATHS = ("/", "/a", "/a/b", "/A/b", "/ab", "/b", "/b/a")
TEXTS = st.one_of(
    st.builds(lambda v: {"exact": v}, st.sampled_from(PATHS)),
    st.builds(lambda v: {"prefix": v}, st.sampled_from(PATHS)),
    st.builds(lambda v: {"regex": v}, st.sampled_from(("/a/.*", "/[ab]", "/a", ".*", "/a|/b", "/a.*", "/b?/a"))),
)
WORDS = st.one_of(
    st.builds(lambda v: {"exact": v}, st.sampled_from(("x", "xy", "y"))),
    st.builds(lambda v: {"prefix": v}, st.sampled_from(("x", "y"))),
    st.builds(lambda v: {"regex": v}, st.sampled_from(("x.*", "*", ".*", "[xy]", "x|y"))),
    st.just({}),
)
NAMED = st.dictionaries(st.sampled_from(("h", "k")), WORDS, max_size=2)
MATCHES = st.fixed_dictionaries(
    {},
    optional={
        "uri": TEXTS,
        "ignoreUriCase": st.booleans(),
        "headers": NAMED,
        "withoutHeaders": NAMED,
        "queryParams": NAMED,
        "method": st.sampled_from(({"exact": "GET"}, {"prefix": "P"}, {"regex": "GET|PUT"})),
        "port": st.sampled_from((80, 8080)),
        "sourceLabels": st.sampled_from(({"app": "a"}, {"app": "a", "b": "c"})),
        "sourceNamespace": st.sampled_from(("shop", "qa")),
        "gateways": st.sampled_from((["mesh"], ["edge"], ["mesh", "edge"])),
    },
)
VALUES = st.dictionaries(st.sampled_from(("h", "k")), st.sampled_from(("", "x", "xy", "y", "z")), max_size=2)
REQUESTS = st.builds(
    Request,
    st.just("web"),
    st.sampled_from(PATHS),
    st.sampled_from(("GET", "PUT", "POST")),
    VALUES,
    VALUES,
    port=st.sampled_from((80, 8080)),
    gateway=st.sampled_from(("mesh", "shop/edge")),
    namespace=st.sampled_from(("shop", "qa")),
    labels=st.sampled_from(({}, {"app": "a"}, {"app": "a", "b": "c"})),
)
BOUND = ["mesh", "edge"]


def service_with(*routes: dict[str, Any]) -> dict[str, Any]:
    spec = {"hosts": ["web", "two"], "gateways": BOUND, "http": list(routes)}
    metadata = {"name": "vs", "namespace": "shop"}
    return {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": metadata, "spec": spec}


def to(host: str) -> list[Any]:
    return [{"destination": {"host": host}}]


@given(MATCHES, MATCHES, REQUESTS)
def test_a_match_that_is_covered_takes_nothing_that_the_other_does_not(
    one: dict[str, Any], other: dict[str, Any], request: Request
) -> None:
    first, second = read_match(one, "shop"), read_match(other, "shop")
    bound = ("mesh", "shop/edge")
    if covers(first, second, frozenset(bound)) and matches(second, request, bound) is True:
        assert matches(first, request, bound) is True


@given(st.lists(st.lists(MATCHES, max_size=3), min_size=1, max_size=6), REQUESTS)
def test_what_is_called_unreachable_is_never_taken(routes: list[list[Any]], request: Request) -> None:
    written = [{"match": entries, "route": to(f"r{i}")} for i, entries in enumerate(routes)]
    value = service_with(*written)
    decision = route_decision(mesh_of(MESHES["plain"][0], MESHES["plain"][2], value), request)
    if decision.action == "route":
        dead = {(s.at.route, s.at.match) for s in shadows(value["spec"], "shop")}
        assert (decision.path[2], None) not in dead
        assert (decision.path[2], decision.match_path[-1] if decision.match_path else None) not in dead


@given(st.lists(MATCHES, max_size=4), st.lists(MATCHES, min_size=1, max_size=4), REQUESTS)
def test_a_route_behind_a_catch_all_is_never_taken(before: list[Any], after: list[Any], request: Request) -> None:
    routes = [{"match": [m], "route": to("before")} for m in before] + [{"route": to("all")}]
    value = service_with(*routes, *({"match": [m], "route": to("after")} for m in after))
    decision = route_decision(mesh_of(MESHES["plain"][0], value), request)
    assert all(t.host != "after.shop.svc.cluster.local" for t in decision.targets)
    found = {s.at.route for s in shadows(value["spec"], "shop") if s.at.match is None}
    assert set(range(len(routes), len(routes) + len(after))) <= found


@given(st.permutations(PATHS), st.sampled_from(PATHS))
def test_the_order_of_disjoint_routes_changes_nothing(order: list[str], path: str) -> None:
    value = service_with(*({"match": [{"uri": {"exact": p}}], "route": to(f"r{PATHS.index(p)}")} for p in order))
    decision = route_decision(mesh_of(MESHES["plain"][0], value), Request("web", path, namespace="shop"))
    assert [t.host for t in decision.targets] == [f"r{PATHS.index(path)}.shop.svc.cluster.local"]
    assert shadows(value["spec"], "shop") == ()


@given(st.lists(st.one_of(st.none(), st.integers(-5, 500), st.text(max_size=2)), min_size=1, max_size=6))
def test_shares_of_a_route_sum_to_100_or_to_nothing(weights: list[Any]) -> None:
    found = shares({"route": [{"weight": w} if w is not None else {} for w in weights]})
    assert sum(found) in (Fraction(100), Fraction(0))
    assert all(share >= 0 for share in found)
    usable = any(isinstance(w, int) and w > 0 for w in weights)
    assert (sum(found) == 100) is (usable or len(weights) == 1)


def test_a_covered_match_is_found_among_thousands_of_routes() -> None:
    routes = [
        {"match": [{"uri": {"prefix": f"/p{i}/"}, "headers": {"x": {"exact": f"{i}"}}}], "route": to("a")}
        for i in range(2000)
    ]
    routes.append({"match": [{"uri": {"exact": "/p77/x"}, "headers": {"x": {"exact": "77"}}}], "route": to("b")})
    found = shadows(service_with(*routes)["spec"], "shop")
    assert [(s.at.route, s.by) for s in found] == [(2000, Spot(77, 0))]


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2, 70000), st.sampled_from(("", "*", "web", "a.b", "mesh", "80"))),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                (
                    "hosts", "http", "tls", "tcp", "match", "route", "destination", "host", "port", "number", "subset",
                    "subsets", "name", "labels", "weight", "uri", "exact", "prefix", "regex", "headers", "gateways",
                    "exportTo", "servers", "ports", "selector", "mirror", "delegate", "sniHosts", "workloadSelector",
                )
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=20,
)  # fmt: skip
KINDS = ("VirtualService", "DestinationRule", "Gateway", "ServiceEntry")


@given(st.lists(st.tuples(st.sampled_from(KINDS), JSON), max_size=5), JSON, st.sampled_from(("mesh", "shop/o0")))
def test_malformed_objects_never_raise(specs: list[tuple[str, Any]], service: Any, gateway: str) -> None:
    objects = [
        {"apiVersion": "networking.istio.io/v1", "kind": kind, "metadata": {"name": f"o{i}"}, "spec": spec}
        for i, (kind, spec) in enumerate(specs)
    ]
    objects.append({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": service})
    decision = route_decision(mesh_of(*objects), Request("web", gateway=gateway, namespace="shop"))
    assert decision.action
    for value in objects:
        if isinstance(value["spec"], dict):
            shadows(value["spec"], "shop")
