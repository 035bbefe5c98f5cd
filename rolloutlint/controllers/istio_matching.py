"""What an HTTP match of a VirtualService matches, and when an earlier match leaves a later one nothing.

Mirrors istio `pilot/pkg/networking/core/route/route.go` (TranslateRouteMatch, sourceMatchHTTP) and Envoy's route and
header matching. `covers` is sound: true only where it follows from the texts; istioctl's heuristic is not copied.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from rolloutlint.controllers.istio_hosts import MESH, gateway_names
from rolloutlint.lang.placeholder import filled_later
from rolloutlint.lang.regexp import go_regexp

JWT_CLAIMS = "@request.auth.claims"


class Text(NamedTuple):
    """A condition on one text: equal, beginning with, wholly matching an RE2 expression, or merely there."""

    kind: Literal["exact", "prefix", "regex", "present"]
    value: str = ""

    def accepts(self, text: str) -> bool | None:
        """Whether a text that is there meets the condition; `None` for an expression that cannot be run here."""
        if self.kind == "exact":
            return text == self.value
        if self.kind == "prefix":
            return text.startswith(self.value)
        if self.kind == "present":
            return True
        matcher = go_regexp(self.value).matcher
        return None if matcher is None else matcher.fullmatch(text) is not None


class Match(NamedTuple):
    """The conditions of one `match` entry; all have to hold. An empty one holds for every request."""

    path: Text | None = None
    any_case: bool = False
    """`ignoreUriCase`, for exact and prefix only."""
    fields: tuple[tuple[str, Text], ...] = ()
    """Conditions on what each request has: `method`, `authority`, `scheme`."""
    headers: tuple[tuple[str, Text], ...] = ()
    """By name in lower case (claims of a token as written)."""
    without: tuple[tuple[str, Text], ...] = ()
    query: tuple[tuple[str, Text], ...] = ()
    port: int = 0
    gateways: frozenset[str] = frozenset()
    """`mesh` and `namespace/name`; empty: all of the VirtualService's. With any, the source is not asked."""
    labels: frozenset[tuple[str, str]] = frozenset()
    namespace: str = ""
    readable: bool = True
    """False where something is malformed or filled in later: nothing then follows from it."""

    @property
    def everything(self) -> bool:
        """True where every request of every client is matched."""
        return self == _EVERYTHING


_EVERYTHING = Match()


class Request(NamedTuple):
    """One request, as the proxy that routes it sees it. `None` is not known."""

    host: str
    path: str = "/"
    method: str = "GET"
    headers: Mapping[str, str] = {}
    query: Mapping[str, str] = {}
    scheme: str = "http"
    port: int = 80
    """The port of the Service that is called, or that of the Gateway's server."""
    gateway: str = MESH
    """`mesh`, or a Gateway as `namespace/name`."""
    namespace: str | None = None
    """The namespace of the routing proxy: the calling pod's, or the gateway pod's."""
    labels: Mapping[str, str] | None = None
    """Labels of the pod of the routing proxy."""
    claims: Mapping[str, str] | None = None
    """The claims of the request's token by header name (`@request.auth.claims.sub`)."""


def read_match(value: object, namespace: str) -> Match:
    """The conditions of an entry of `spec.http[].match`, in a VirtualService of `namespace`."""
    if not isinstance(value, dict):
        return Match(readable=False)
    read = _Reader(value)
    path = read.text("uri", optional=True)
    if path is not None and path.kind == "regex":
        path = _plainer(path)
    any_case = value.get("ignoreUriCase") is True and path is not None and path.kind in ("exact", "prefix")
    if path is not None and (path.kind == "present" or (path.kind == "prefix" and path.value in ("", "/"))):
        path = None
        any_case = False
    fields = tuple(
        (name, text) for name in ("method", "authority", "scheme") if (text := read.text(name, optional=True))
    )
    port = value.get("port")
    gateways = value.get("gateways")
    named = frozenset(gateway_names(gateways, namespace)) if gateways else frozenset()
    labels = read.strings("sourceLabels")
    where = value.get("sourceNamespace")
    read.need(value.get("ignoreUriCase") in (None, True, False))
    read.need(port is None or (isinstance(port, int) and not isinstance(port, bool)))
    read.need(gateways is None or (isinstance(gateways, list) and all(isinstance(g, str) for g in gateways)))
    read.need(where is None or (isinstance(where, str) and not filled_later(where)))
    return Match(
        path,
        any_case,
        tuple((name, text) for name, text in fields if text.kind != "present"),
        read.texts("headers", fold=True),
        tuple((name, _unwanted(value, name, text)) for name, text in read.texts("withoutHeaders", fold=True)),
        read.texts("queryParams"),
        port if isinstance(port, int) else 0,
        named,
        frozenset() if named else frozenset(labels.items()),
        where if isinstance(where, str) and not named else "",
        read.readable,
    )


def _unwanted(value: Mapping[Any, Any], name: str, text: Text) -> Text:
    """A condition of `withoutHeaders`: the expression `.*` also meets a header that is absent, which `*` does not."""
    written = value.get("withoutHeaders")
    for key, condition in written.items() if isinstance(written, dict) and text.kind == "present" else ():
        if key == name or key.lower() == name:
            return Text("prefix") if isinstance(condition, dict) and condition.get("regex") == ".*" else text
    return text


class _Reader:
    """Takes conditions out of a plain value and remembers whether all could be read."""

    def __init__(self, value: Mapping[Any, Any]) -> None:
        self.value = value
        self.readable = True

    def need(self, condition: bool) -> None:
        self.readable = self.readable and condition

    def text(self, key: str, optional: bool = False) -> Text | None:
        written = self.value.get(key)
        return None if written is None and optional else self._read(written)

    def texts(self, key: str, fold: bool = False) -> tuple[tuple[str, Text], ...]:
        written = self.value.get(key)
        self.need(written is None or (isinstance(written, dict) and all(isinstance(k, str) for k in written)))
        if not isinstance(written, dict):
            return ()
        return tuple(
            sorted(
                (name.lower() if fold and not is_claim(name) else name, self._read(condition))
                for name, condition in written.items()
                if isinstance(name, str)
            )
        )

    def strings(self, key: str) -> Mapping[str, str]:
        written = self.value.get(key)
        if written is None:
            return {}
        fit = isinstance(written, dict) and all(isinstance(k, str) and isinstance(v, str) for k, v in written.items())
        self.need(fit and not any(map(filled_later, written.values())))
        return written if fit else {}

    def _read(self, condition: object) -> Text:
        """A StringMatch; none of the three set asks for nothing but presence (canBeConvertedToPresentMatch)."""
        if condition is None:
            return Text("present")
        self.need(isinstance(condition, dict))
        found = [(k, v) for k, v in condition.items() if v is not None] if isinstance(condition, dict) else []
        if not found:
            return Text("present")
        kind, value = found[0]
        self.need(len(found) == 1 and isinstance(value, str) and not filled_later(value))
        if not isinstance(value, str):
            return Text("present")
        if kind == "exact":
            return Text("exact", value)
        if kind == "prefix":
            return Text("prefix", value)
        self.need(kind == "regex")
        return _plainer(Text("regex", value))


def is_claim(name: str) -> bool:
    """True for the name of a header match that asks for a claim of a token (`pkg/jwt/routing.go` ToRoutingClaim)."""
    if not name.lower().startswith(JWT_CLAIMS):
        return False
    rest = name[len(JWT_CLAIMS) :]
    return (rest.startswith(".") and len(rest) > 1) or (rest.startswith("[") and rest.endswith("]") and len(rest) > 2)


_ESCAPED = re.compile(r"\\([^A-Za-z0-9])")
_OPERATOR = re.compile(r"[.+*?()|\[\]{}^$\\]")


def _plainer(text: Text) -> Text:
    """A regular expression as an exact text or prefix, where it means no more than that."""
    pattern = text.value
    if text.kind != "regex" or not pattern:
        return text
    if pattern in ("*", ".*"):  # a lone star is no RE2 but Istio's word for "is there"
        return Text("present")
    inner = pattern.removeprefix("^")
    if inner.endswith("$") and not inner.endswith("\\$"):
        inner = inner[:-1]
    tail = inner.endswith(".*") and not inner.endswith("\\.*")
    stem = inner[:-2] if tail else inner
    if _OPERATOR.search(_ESCAPED.sub("", stem)):
        return text
    return Text("prefix" if tail else "exact", _ESCAPED.sub(r"\1", stem))


def literal_start(pattern: str) -> str:
    """A text with which everything begins that an RE2 expression wholly matches; `""` where none is certain."""
    if "|" in pattern:
        return ""
    out = []
    rest = pattern.removeprefix("^")
    position = 0
    while position < len(rest):
        escaped = _ESCAPED.match(rest, position)
        if escaped is None and _OPERATOR.match(rest, position):
            break
        end = escaped.end() if escaped else position + 1
        if rest[end : end + 1] in ("*", "?", "{", "+"):  # the character before it is repeated, or may be absent
            break
        out.append(escaped.group(1) if escaped else rest[position])
        position = end
    return "".join(out)


def matches(match: Match, request: Request, bound: tuple[str, ...] = (MESH,)) -> bool | None:
    """Whether a request is matched by an entry of a VirtualService that is bound to the gateways `bound`.

    `None` where it depends on what is not known: labels of the caller, claims, an expression, a malformed entry.
    """
    answers = [*_source(match, request), *_request(match, request)]
    if False in answers:
        return False
    return None if None in answers or not match.readable else True


def _source(match: Match, request: Request) -> list[bool | None]:
    answers: list[bool | None] = [not match.port or match.port == request.port]
    if match.gateways:
        answers.append(request.gateway in match.gateways)
    if match.labels:
        have = request.labels
        answers.append(None if have is None else all(have.get(key) == value for key, value in match.labels))
    if match.namespace:
        answers.append(None if request.namespace is None else match.namespace == request.namespace)
    return answers


def _request(match: Match, request: Request) -> list[bool | None]:
    answers: list[bool | None] = []
    if match.path is not None:
        path = request.path.partition("?")[0].partition("#")[0]
        wanted = match.path
        if match.any_case:
            path, wanted = path.lower(), Text(wanted.kind, wanted.value.lower())
        answers.append(wanted.accepts(path))
    have = {"method": request.method, "authority": request.host, "scheme": request.scheme}
    answers += [text.accepts(have[name]) for name, text in match.fields]
    headers = {name.lower(): value for name, value in request.headers.items()}
    headers |= {":method": request.method, ":authority": request.host, ":scheme": request.scheme, ":path": request.path}
    for name, text in match.headers:
        if is_claim(name):
            answers.append(_claim(name, text, request))
        else:
            answers.append(text.accepts(headers[name]) if name in headers else False)
    for name, text in match.without:
        found: bool | None
        if is_claim(name):
            found = _claim(name, text, request)
        elif text.kind == "present":
            found = name in headers
        else:
            found = text.accepts(headers.get(name, ""))  # a header that is absent counts as empty here
        answers.append(None if found is None else not found)
    answers += [text.accepts(request.query[n]) if n in request.query else False for n, text in match.query]
    return answers


def _claim(name: str, text: Text, request: Request) -> bool | None:
    if request.claims is None:
        return None
    return text.accepts(request.claims[name]) if name in request.claims else False


def covers(first: Match, second: Match, bound: frozenset[str] = frozenset({MESH})) -> bool:
    """True only when every request that `second` matches is matched by `first`, of one VirtualService bound to `bound`.

    Every condition of the first has to be absent, or implied by a condition of the second.
    """
    if not first.readable or not second.readable:
        return False
    if first.port and first.port != second.port:
        return False
    if first.gateways and not (second.gateways or bound) <= first.gateways:
        return False
    if not first.labels <= second.labels or first.namespace not in ("", second.namespace):
        return False
    return (
        _path_implied(first, second)
        and _all_implied(first.fields, second.fields)
        and _all_implied(first.headers, second.headers)
        and _all_implied(first.query, second.query)
        and _absence_implied(first, second)
    )


def implies(narrow: Text, wide: Text) -> bool:
    """True only when every text that meets `narrow` meets `wide`."""
    if wide.kind == "present" or narrow == wide:
        return True
    if narrow.kind == "exact":
        return wide.accepts(narrow.value) is True
    if wide.kind != "prefix":
        return False
    start = narrow.value if narrow.kind == "prefix" else literal_start(narrow.value) if narrow.kind == "regex" else ""
    return start.startswith(wide.value)


def _path_implied(first: Match, second: Match) -> bool:
    wide, narrow = first.path, second.path
    if wide is None:
        return True
    if narrow is None:
        return False
    if not first.any_case and second.any_case:
        letters = wide.kind == "regex" or wide.value.lower() != wide.value.upper()
        return not letters and implies(narrow, wide)
    if first.any_case:
        if narrow.kind == "regex":
            narrow = Text("prefix", literal_start(narrow.value))
        wide, narrow = Text(wide.kind, wide.value.lower()), Text(narrow.kind, narrow.value.lower())
    return implies(narrow, wide)


def _all_implied(first: tuple[tuple[str, Text], ...], second: tuple[tuple[str, Text], ...]) -> bool:
    if not first:
        return True
    if len(first) > len(second):
        return False
    have = dict(second)
    return all(name in have and implies(have[name], wide) for name, wide in first)


def _absence_implied(first: Match, second: Match) -> bool:
    """Whether the second's conditions rule out every header that the first must not see."""
    absent, present = dict(second.without), dict(second.headers)
    for name, unwanted in first.without:
        other = absent.get(name)
        if other == unwanted:
            continue
        if other is not None and unwanted.value and unwanted.kind in ("exact", "prefix") and implies(unwanted, other):
            continue  # what is wholly absent also lacks the part; an absent header counts as empty
        have = present.get(name)
        if have is not None and have.kind == "exact" and not is_claim(name) and unwanted.accepts(have.value) is False:
            continue
        return False
    return True
