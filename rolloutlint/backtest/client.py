"""Asks a server with Prometheus' HTTP API about the past: Prometheus, Thanos, Mimir, VictoriaMetrics.

https://prometheus.io/docs/prometheus/latest/querying/api/ - reads only. Whatever goes wrong becomes a `Failure` that
names the server, what it said and, where there is one, the way out; never what we sent it in confidence (`access`).
Redirects, retries and decompression are done here and not by urllib3: they are where credentials, time and memory leak.
"""

from __future__ import annotations

import json
import re
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, unquote, urlencode, urljoin, urlsplit

from rolloutlint import __version__
from rolloutlint.backtest.access import Access, address_of, origin_of, redacted, tls_of
from rolloutlint.backtest.answers import Samples, added, lacking, names_of, samples_of, series_of
from rolloutlint.backtest.source import Failure, Series
from rolloutlint.backtest.threads import answered

if TYPE_CHECKING:
    import urllib3

_AGAIN: Final = frozenset((429, 502, 503, 504))
_MOVED: Final = frozenset((301, 302, 303, 307, 308))
_MOST_MOVES: Final = 5
_LONGEST_URL: Final = 3000
"""Longer queries are sent in the body: proxies cut addresses off at 4 or 8 KiB."""
_PHRASES: Final = {int(status): f" {status.phrase}" for status in HTTPStatus}
_CHUNK: Final = 1 << 16
_MOST_SPLITS: Final = 4
"""A range that is too much for the server is asked in halves so many times: down to 688 points."""
_LONGEST_QUOTE: Final = 300
_TOO_MUCH: Final = re.compile(
    "too many samples|maximum resolution|max samples|timed out|timeout|exceeds? the limit|too many points", re.I
)
"""What servers say of a range that they would answer a part of."""


class Limits(NamedTuple):
    """How much is asked of the server, and of our own time and memory."""

    concurrency: int = 4
    """Requests at once."""
    rate: float = 20.0
    """Requests a second."""
    tries: int = 4
    """For each request."""
    backoff: float = 0.5
    """Seconds before the second try; twice as many before each further one, unless the server says how many."""
    connect: float = 10.0
    """Seconds to connect."""
    timeout: float = 130.0
    """Seconds for one answer; a Prometheus gives up after 120."""
    patience: float = 400.0
    """Seconds for a question with all its requests and tries."""
    total: float = 3600.0
    """Seconds for all questions."""
    size: int = 32 << 20
    """Bytes of one answer, unpacked."""
    samples: int = 2_000_000
    """Samples of one query; each takes about 110 bytes."""
    points: int = 11_000
    """Points of a series in one answer: prometheus `web/api/v1/api.go` refuses more."""


class _Lost(NamedTuple):
    """What a request came to that has no answer."""

    message: str
    again: bool = False
    """Another try may succeed."""
    wait: float = 0.0
    """Seconds that the server wants to be left alone."""
    smaller: bool = False
    """A shorter range may succeed."""
    partial: bool = False


class _Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    left: str
    """The server that answered in place of the one that was asked, after a redirect; empty where it did not happen."""


class Client:
    """A `Source` that asks a server. Threads may share it."""

    def __init__(
        self,
        url: str,
        access: Access | None = None,
        limits: Limits | None = None,
        window: tuple[float, float] | None = None,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        """`window`: the first and last second that `names` and `values` are about; without one the server chooses.

        Raises `UsageError` for an address or certificate that cannot be used; nothing is sent yet.
        """
        address = address_of(url)
        access = access or Access()
        if address.authorization is not None:
            access = access._replace(authorization=address.authorization, hidden=(*access.hidden, *address.hidden))
        self._url = address.url
        self._origin = origin_of(urlsplit(address.url))
        self._access = access
        self._limits = limits or Limits()
        self._window = window
        self._wait = wait
        self._until = time.monotonic() + self._limits.total
        self._seats = threading.BoundedSemaphore(self._limits.concurrency)
        self._lock = threading.Lock()
        self._next = 0.0
        """When the next request may be sent (`time.monotonic`)."""
        self._pools: dict[tuple[bool, bool, str], urllib3.PoolManager] = {}
        self._unreachable = False
        """Whether the last question could not even connect: the next ones try that once only."""
        if self._origin[0] == "https" or access.ca_file or access.client_certificate:
            tls_of(access)

    def __repr__(self) -> str:
        return f"Client({self._url!r})"

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connections that are kept."""
        with self._lock:
            pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            pool.clear()

    @property
    def name(self) -> str:
        """The server, without credentials."""
        return self._url

    def ranges(self, query: str, start: float, end: float, step: float) -> Series | Failure:
        """The values of a query at `start`, `start + step`, ... up to and including `end` (seconds).

        Asked in parts where they are more than a server answers at once.
        """
        first, pace = round(start * 1000), round(step * 1000)
        if pace < 1 or abs(pace - step * 1000) > 1e-6:
            return Failure(f"{self._url}: a step of {step:g} s cannot be asked for: Prometheus counts in milliseconds")
        count = (round(end * 1000) - first) // pace + 1
        if count < 1:
            return ()
        deadline = self._deadline()
        parts = [
            _Part(query, first + at * pace, min(self._limits.points, count - at), pace)
            for at in range(0, count, self._limits.points)
        ]
        merged: Samples = {}
        room = self._limits.samples
        for found in self._all(parts, deadline):
            if isinstance(found, _Lost):
                return Failure(found.message, found.partial)
            room -= sum(map(len, found.values()))
            added(merged, found)
            if room < 0:
                return Failure(
                    f"{self._url}: the query gives more than {self._limits.samples:,} samples ({len(merged)} series):"
                    " aggregate it, or choose a shorter window"
                )
        return series_of(merged)

    def names(self) -> Sequence[str] | Failure:
        """Every metric name that has samples."""
        return self.values("__name__", "")

    def values(self, label: str, selector: str) -> Sequence[str] | Failure:
        """Every value of a label among the series that a selector matches (`""`: all series)."""
        form: list[tuple[str, str]] = []
        if selector:
            form.append(("match[]", selector))
        if self._window is not None:
            start, end = (_seconds(round(at * 1000)) for at in self._window)
            form += [("start", start), ("end", end)]
        found = self._data(f"label/{quote(_escaped(label), safe='')}/values", form, self._deadline())
        if isinstance(found, _Lost):
            return Failure(found.message, found.partial)
        names = names_of(found)
        if names is None:
            return Failure(f"{self._url}: the answer is no list of values: is this the address of a Prometheus?")
        return names

    # ---- ranges -----------------------------------------------------------------------------------------------------

    def _all(self, parts: Sequence[_Part], deadline: float) -> Iterator[Samples | _Lost]:
        """The answers for parts of a range, in their order, several asked at once."""
        if len(parts) == 1:
            yield self._part(parts[0], deadline, 0)
            return
        early: dict[int, Samples | _Lost] = {}
        wanted = 0
        for number, found in answered(lambda part: self._part(part, deadline, 0), parts, self._limits.concurrency):
            early[number] = found
            while wanted in early:
                yield early.pop(wanted)
                wanted += 1

    def _part(self, part: _Part, deadline: float, splits: int) -> Samples | _Lost:
        """The answer for one part; in halves where it is too much at once."""
        found = self._data("query_range", part.form(), deadline)
        if isinstance(found, _Lost):
            if not found.smaller or part.points < 2 or splits >= _MOST_SPLITS:
                return found
            merged: Samples = {}
            for half in part.halves():
                more = self._part(half, deadline, splits + 1)
                if isinstance(more, _Lost):
                    return more
                added(merged, more)
            return merged
        series = samples_of(found)
        return _Lost(f"{self._url}: the answer is not what a range query gives") if series is None else series

    # ---- one question -----------------------------------------------------------------------------------------------

    def _deadline(self) -> float:
        return min(time.monotonic() + self._limits.patience, self._until)

    def _data(self, path: str, form: Sequence[tuple[str, str]], deadline: float) -> Any | _Lost:
        """The field `data` of an answer, after as many tries as it takes."""
        lost = _Lost(f"{self._url}: not asked, since the time for all questions ({self._limits.total:g} s) is used up")
        tries = 1 if self._unreachable else self._limits.tries
        for number in range(1, tries + 1):
            if number > 1:
                pause = max(lost.wait, self._limits.backoff * 2 ** (number - 2))
                if time.monotonic() + pause >= deadline:
                    return lost._replace(message=f"{lost.message} (gave up after {_times(number - 1)})")
                if lost.wait:
                    with self._lock:  # the server is too busy for the other questions as well
                        self._next = max(self._next, time.monotonic() + pause)
                else:
                    self._wait(pause)
            elif time.monotonic() >= deadline:
                return lost
            with self._seats:
                self._pace()
                answer = self._sent(path, urlencode(form), min(deadline, time.monotonic() + self._limits.timeout))
            found = answer if isinstance(answer, _Lost) else self._understood(answer)
            if not isinstance(found, _Lost) or not found.again:
                return found
            lost = found
        return lost._replace(message=f"{lost.message} ({_times(tries)})" if tries > 1 else lost.message)

    def _pace(self) -> None:
        """Waits until another request may be sent."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + 1 / self._limits.rate
        if turn > now:
            self._wait(turn - now)

    def _understood(self, answer: _Answer) -> Any | _Lost:
        """The data of an answer, or what there is instead."""
        status = answer.status
        try:
            body = json.loads(answer.body)
        except (ValueError, RecursionError):
            return self._not_json(answer)
        if not isinstance(body, dict) or "status" not in body:
            return self._refused(answer, "") if status >= 400 else self._not_json(answer)
        if status >= 400 or body["status"] != "success":
            text = self._quoted(body.get("error") or body.get("message") or "")
            return self._refused(answer, text)
        missing = lacking(body)
        if missing is not None:
            why = "; ".join(map(self._quoted, missing[:3])) or "some of its stores did not answer"
            return _Lost(f"{self._url}: the answer is partial, so shares of it would be wrong: {why}", partial=True)
        return body.get("data")

    def _refused(self, answer: _Answer, text: str) -> _Lost:
        """A status that is an error, with what the server says about it."""
        status = answer.status
        said = f"{self._url} answered {status}{_PHRASES.get(status, '')}"
        if text:
            said += f": {text}"
        if status in (401, 403):
            return _Lost(f"{said}: {self._way_in(answer.left)}")
        if answer.left:
            said += f" (after a redirect to {answer.left}, which gets no credentials)"
        if status == 404 and not text:
            return _Lost(f"{said}: is this the address of a Prometheus, with its path prefix?")
        if (status in (400, 413, 422) and _TOO_MUCH.search(text)) or (status == 503 and "query timed out" in text):
            return _Lost(said, smaller=True)
        wait = _seconds_of(answer.headers.get("retry-after", "")) if status in _AGAIN else 0.0
        return _Lost(f"{said}{f', and asks to wait {wait:g} s' if wait else ''}", again=status in _AGAIN, wait=wait)

    def _way_in(self, left: str) -> str:
        if left:
            return f"it redirects to {left}, which gets no credentials: name the address that answers"
        if self._access.authorization is not None:
            return "it does not accept the credentials"
        return (
            "set ROLLOUTLINT_PROMETHEUS_TOKEN, or ROLLOUTLINT_PROMETHEUS_USERNAME and ROLLOUTLINT_PROMETHEUS_PASSWORD"
        )

    def _not_json(self, answer: _Answer) -> _Lost:
        """Errors of proxies, login pages, and what was cut off."""
        kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
        start = answer.body[:4096].decode("utf-8", "replace")
        title = re.search(r"<title[^>]*>([^<]*)", start, re.I)
        page = "html" in kind or start.lstrip()[:1] == "<"
        if answer.status >= 400:
            return self._refused(answer, self._quoted(title[1] if title else "" if page else start))
        if not answer.body or (start[:1] == "{" and not answer.body.rstrip().endswith(b"}")):
            return _Lost(f"{self._url} closed the connection before its answer was complete", again=True)
        where = f" from {answer.left}, to which it redirects," if answer.left else ""
        if not page:
            return _Lost(f"{self._url} answered{where} with something else than the JSON of Prometheus' API")
        named = f" (`{self._quoted(title[1])}`)" if title and title[1].strip() else ""
        return _Lost(
            f"{self._url} answered{where} with a web page{named} in place of JSON: a login page, or not the address of"
            " a Prometheus"
        )

    def _quoted(self, text: object) -> str:
        """What the server said, on one line, without what we told it, and without what a terminal would obey."""
        shown = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
        shown = redacted(shown, self._access.hidden)
        return shown if len(shown) <= _LONGEST_QUOTE else f"{shown[: _LONGEST_QUOTE - 3]}..."

    # ---- one request ------------------------------------------------------------------------------------------------

    def _sent(self, path: str, form: str, deadline: float) -> _Answer | _Lost:
        """The answer to a request, after redirects: read in full, within limits, whatever its status."""
        base = f"{self._url}/api/v1/{path}"
        url = f"{base}?{form}" if form else base
        method, body, own = "GET", "", True
        if len(url) > _LONGEST_URL:
            method, url, body = "POST", base, form
        swapped = False
        for _ in range(_MOST_MOVES + 2):
            answer = self._exchanged(method, url, body, own, deadline)
            if isinstance(answer, _Lost):
                return answer
            if answer.status in (405, 501) and method == "POST" and not swapped:
                method, url, body, swapped = "GET", f"{url}?{body}", "", True  # so do client_golang, `api/client.go`
                continue
            if answer.status in (414, 431) and method == "GET" and form and not swapped:
                method, url, body, swapped = "POST", url.partition("?")[0], form, True
                continue
            location = answer.headers.get("location", "")
            if answer.status not in _MOVED or not location:
                return answer._replace(left="" if own else _shown_origin(url))
            try:
                target = urlsplit(urljoin(url, location))
                origin = origin_of(target)
            except ValueError:
                return _Lost(f"{self._url} redirects to what is no address")
            if origin[0] not in ("http", "https") or not origin[1]:
                return _Lost(f"{self._url} redirects to what is no web address")
            own = own and origin == self._origin  # once left, what leads back is not trusted either
            host = f"[{origin[1]}]" if ":" in origin[1] else origin[1]
            url = f"{origin[0]}://{host}:{origin[2]}{target.path or '/'}{f'?{target.query}' if target.query else ''}"
            if method == "POST" and answer.status == 303:
                method, body = "GET", ""
        return _Lost(f"{self._url} redirects more than {_MOST_MOVES} times")

    def _exchanged(self, method: str, url: str, body: str, own: bool, deadline: float) -> _Answer | _Lost:
        """One request and its answer. `own`: it goes to the server that credentials are for."""
        import urllib3

        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": f"rolloutlint/{__version__}",
        }
        if own:
            headers.update((name, value.reveal()) for name, value in self._access.headers)
            if self._access.authorization is not None:
                headers["Authorization"] = self._access.authorization.reveal()
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        left = deadline - time.monotonic()
        if left <= 0:
            return _Lost(f"{self._url} did not answer in time")
        pool = self._pool(url, own)
        if isinstance(pool, _Lost):
            return pool
        begun = False
        try:
            response = pool.request(
                method,
                url,
                body=body or None,
                headers=headers,
                timeout=urllib3.Timeout(connect=min(left, self._limits.connect), read=left),
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            begun = True
            try:
                self._unreachable = False
                text = self._read(response, deadline)
                if isinstance(text, _Lost):
                    response.close()
                    return text
            finally:
                response.release_conn()
            return _Answer(response.status, {k.lower(): v for k, v in response.headers.items()}, text, "")
        except urllib3.exceptions.HTTPError as error:
            return self._broken(error, url, begun)
        except (OSError, ValueError) as error:  # says only what kind it is: the text may hold a header
            return _Lost(f"cannot ask {self._url}: {type(error).__name__}", again=isinstance(error, OSError))

    def _read(self, response: urllib3.BaseHTTPResponse, deadline: float) -> bytes | _Lost:
        """The body of a response, unpacked piece by piece so that neither size nor time get out of hand."""
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in ("identity", "", "gzip", "x-gzip"):
            return _Lost(f"{self._url} answered in the encoding {self._quoted(encoding)}, which nobody asked for")
        unpacking = zlib.decompressobj(16 + zlib.MAX_WBITS) if "gzip" in encoding else None
        parts: list[bytes] = []
        room = self._limits.size
        while True:
            piece = response.read1(_CHUNK, decode_content=False)
            if not piece:
                break
            while piece and room >= 0:
                if unpacking is not None:
                    try:
                        part, piece = unpacking.decompress(piece, room + 1), unpacking.unconsumed_tail
                    except zlib.error:
                        return _Lost(f"{self._url} answered with damaged gzip data", again=True)
                else:
                    part, piece = piece, b""
                parts.append(part)
                room -= len(part)
            if room < 0:
                megabytes = self._limits.size / (1 << 20)
                return _Lost(
                    f"{self._url}: the answer is larger than {megabytes:g} MiB: aggregate the query", smaller=True
                )
            if time.monotonic() > deadline:
                return _Lost(f"{self._url} did not finish its answer in time", again=True)
        if unpacking is not None and not unpacking.eof and parts:
            return _Lost(f"{self._url} closed the connection before its answer was complete", again=True)
        return b"".join(parts)

    def _broken(self, error: urllib3.exceptions.HTTPError, url: str, begun: bool) -> _Lost:
        """What there is to say of a connection that failed, before or after the answer had `begun`."""
        from urllib3 import exceptions

        who = _shown_origin(url)
        cause = error.__cause__ or error.__context__
        if isinstance(error, exceptions.ProxyError):
            return _Lost(f"cannot reach {who} through the proxy that the environment names", again=True)
        if isinstance(error, exceptions.SSLError):
            why = getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or "the handshake failed"
            hint = ""
            if hasattr(cause, "verify_message"):
                hint = ": name the certificate of its authority in ROLLOUTLINT_PROMETHEUS_CA_FILE"
            return _Lost(f"no TLS with {who}: {self._quoted(why)}{hint}")
        if isinstance(error, exceptions.ConnectTimeoutError | exceptions.NewConnectionError):
            self._unreachable = True
            if isinstance(error, exceptions.NameResolutionError):
                return _Lost(f"cannot connect to {who}: its name cannot be resolved", again=True)
            if isinstance(error, exceptions.NewConnectionError):
                why = getattr(cause, "strerror", "") or "the connection failed"
                return _Lost(f"cannot connect to {who}: {str(why)[:1].lower()}{str(why)[1:]}", again=True)
            return _Lost(f"cannot connect to {who}: no answer within {self._limits.connect:g} s", again=True)
        if isinstance(error, exceptions.ReadTimeoutError):
            return _Lost(f"{who} did not answer in time", again=True)
        if isinstance(error, exceptions.ProtocolError):
            when = "before its answer was complete" if begun else "without an answer"
            return _Lost(f"{who} closed the connection {when}", again=True)
        return _Lost(f"cannot ask {who}: {type(error).__name__}")

    def _pool(self, url: str, own: bool) -> urllib3.PoolManager | _Lost:
        """The connections to use; others than the server's own never present our certificate."""
        import urllib3

        parts = urlsplit(url)
        proxy = _proxy_of(parts.scheme, parts.hostname or "")
        secure = "https" in (parts.scheme, urlsplit(proxy).scheme)  # certificates take long to load
        with self._lock:
            known = self._pools.get((own, secure, proxy))
            if known is not None:
                return known
            access = self._access
            if access.insecure:
                urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # whoever asked for it knows
            options: dict[str, Any] = {"maxsize": self._limits.concurrency}
            if secure:
                options["ssl_context"] = tls_of(access, own)
            if secure and own and access.server_name:
                options |= {"server_hostname": access.server_name, "assert_hostname": access.server_name}
            if not proxy:
                made = urllib3.PoolManager(**options)
            else:
                at = urlsplit(proxy)
                if at.scheme not in ("http", "https") or not at.hostname:
                    return _Lost("the proxy that the environment names is no http or https address")
                if at.username is not None:
                    user = f"{unquote(at.username)}:{unquote(at.password or '')}"
                    options["proxy_headers"] = urllib3.make_headers(proxy_basic_auth=user)
                made = urllib3.ProxyManager(f"{at.scheme}://{at.netloc.rpartition('@')[2]}", **options)
            self._pools[own, secure, proxy] = made
            return made


class _Part(NamedTuple):
    """A range of points that is asked for at once; times in milliseconds."""

    query: str
    first: int
    points: int
    step: int

    def form(self) -> list[tuple[str, str]]:
        """`nocache`: otherwise VictoriaMetrics moves the times to multiples of the step; the others ignore it."""
        last = self.first + (self.points - 1) * self.step
        times = (("start", self.first), ("end", last), ("step", self.step))
        return [("query", self.query), *((name, _seconds(at)) for name, at in times), ("nocache", "1")]

    def halves(self) -> tuple[_Part, _Part]:
        half = self.points // 2
        return self._replace(points=half), self._replace(first=self.first + half * self.step, points=self.points - half)


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds // 1000}.{milliseconds % 1000:03d}"


def _times(number: int) -> str:
    return "1 try" if number == 1 else f"{number} tries"


def _escaped(label: str) -> str:
    """A label's name as it stands in a path (prometheus/common `model/metric.go`, `ValueEncodingEscaping`)."""
    if re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", label):
        return label
    plain = re.compile(r"[a-zA-Z0-9:]")
    return "U__" + "".join("__" if c == "_" else c if plain.match(c) else f"_{ord(c):x}_" for c in label)


def _seconds_of(retry_after: str) -> float:
    """Seconds from a `Retry-After` header, which holds seconds or a date (RFC 9110); 0 where it holds neither."""
    if re.fullmatch(r"\d{1,9}", retry_after.strip()):
        return float(retry_after)
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except (ValueError, TypeError):
        return 0.0


def _shown_origin(url: str) -> str:
    """Scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _proxy_of(scheme: str, host: str) -> str:
    """The proxy that the environment wants for a host (`HTTPS_PROXY`, `NO_PROXY`); as for Go's clients none for the
    loopback."""
    from urllib.request import getproxies, proxy_bypass

    if host == "localhost" or host == "::1" or host.startswith("127.") or proxy_bypass(host):
        return ""
    return getproxies().get(scheme, "")
