"""The client against a real server on the loopback that misbehaves in every way we could think of."""

from __future__ import annotations

import gzip
import json
import logging
import math
import socket
import ssl
import subprocess
import threading
import time
import traceback
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rolloutlint.backtest.access import Access, access_of
from rolloutlint.backtest.client import Client, Limits
from rolloutlint.backtest.source import Failure
from tests.backtest.http_server import HttpServer, Reply, Request

QUICK = Limits(rate=10_000, backoff=0.001, connect=5, timeout=5, patience=20, total=60)
TOKEN = "s3cr3t-t0ken-of-the-shop"
ACCESS = access_of(
    {"ROLLOUTLINT_PROMETHEUS_TOKEN": TOKEN, "ROLLOUTLINT_PROMETHEUS_HEADERS": "X-Scope-OrgID: tenant-17-of-the-shop"}
)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def matrix(*series: tuple[dict[str, str], list[list[object]]], **more: object) -> dict[str, object]:
    result = [{"metric": labels, "values": values} for labels, values in series]
    return {"status": "success", "data": {"resultType": "matrix", "result": result}, **more}


def points(request: Request) -> list[float]:
    start, end, step = (round(float(request.form[key]) * 1000) for key in ("start", "end", "step"))
    return [at / 1000 for at in range(start, end + 1, step)]


def counting(request: Request, reply: Reply) -> None:
    """One series whose value is the time; no more than 11,000 points, as Prometheus wants it."""
    at = points(request)
    if len(at) > 11_001:
        reply.error(400, "exceeded maximum resolution of 11,000 points per timeseries")
        return
    reply.json(matrix(({"pod": "a"}, [[t, str(t)] for t in at])))


def failure(server: HttpServer, limits: Limits = QUICK, access: Access | None = None) -> Failure:
    with Client(server.url, access, limits) as client:
        found = client.ranges("up", 0, 60, 30)
    assert isinstance(found, Failure)
    return found


def said(answer: Callable[[Request, Reply], None], limits: Limits = QUICK, access: Access | None = None) -> str:
    """The message of the failure without the server's address."""
    with HttpServer(answer) as server:
        return failure(server, limits, access).message.replace(server.url, "SERVER")


def once(answer: Callable[[Request, Reply], None]) -> Callable[[Request, Reply], None]:
    """The first request is answered so, later ones with a series."""
    first = iter([answer])

    def both(request: Request, reply: Reply) -> None:
        next(first, counting)(request, reply)

    return both


# ---- what is asked -------------------------------------------------------------------------------------------------


def test_a_range_gives_its_first_and_its_last_point() -> None:
    with HttpServer(counting) as server, Client(server.url, limits=QUICK) as client:
        assert client.ranges("up", 1000, 1060, 30) == (
            ({"pod": "a"}, ((1000.0, 1000.0), (1030.0, 1030.0), (1060.0, 1060.0))),
        )


def test_a_long_range_is_split_and_put_together_without_gap_or_overlap() -> None:
    with HttpServer(counting) as server, Client(server.url, limits=QUICK) as client:
        found = client.ranges("up", 1_700_000_000.5, 1_700_000_000.5 + 7 * 86_400, 10)
    assert not isinstance(found, Failure)
    ((_, samples),) = found
    assert [at for at, _ in samples] == [1_700_000_000.5 + 10 * i for i in range(60_481)]
    assert len(server.requests) == 6


def test_a_series_that_is_in_some_parts_only_keeps_its_times() -> None:
    def half(request: Request, reply: Reply) -> None:
        at = points(request)
        series = [({"pod": "b"}, [[t, "1"] for t in at])]
        if at[0] >= 110_000:
            series.append(({"pod": "a"}, [[t, "2"] for t in at]))
        reply.json(matrix(*series))

    with HttpServer(half) as server, Client(server.url, limits=QUICK) as client:
        found = client.ranges("up", 0, 219_990, 10)
    assert not isinstance(found, Failure)
    assert [(labels["pod"], samples[0][0], len(samples)) for labels, samples in found] == [
        ("a", 110_000, 11_000),
        ("b", 0, 22_000),
    ]


def test_series_come_sorted_by_labels_however_the_server_sorts_them() -> None:
    def reversed_(request: Request, reply: Reply) -> None:
        reply.json(matrix(({"pod": "b"}, [[0, "2"]]), ({"pod": "a", "zone": "x"}, [[0, "1"]]), ({}, [[0, "3"]])))

    with HttpServer(reversed_) as server, Client(server.url, limits=QUICK) as client:
        found = client.ranges("up", 0, 0, 1)
    assert [dict(labels) for labels, _ in found] == [{}, {"pod": "a", "zone": "x"}, {"pod": "b"}]


def test_values_that_are_no_numbers_or_have_no_end_are_kept() -> None:
    def odd(request: Request, reply: Reply) -> None:
        reply.json(matrix(({}, [[0, "NaN"], [1, "+Inf"], [2, "-Inf"], [3, "1e-3"]])))

    with HttpServer(odd) as server, Client(server.url, limits=QUICK) as client:
        ((_, samples),) = client.ranges("up", 0, 3, 1)
    values = [value for _, value in samples]
    assert math.isnan(values[0])
    assert values[1:] == [math.inf, -math.inf, 0.001]


def test_a_native_histogram_is_the_zero_that_argo_sees() -> None:
    def histogram(request: Request, reply: Reply) -> None:
        sample = {"count": "5", "sum": "7", "buckets": []}
        result = [{"metric": {}, "histograms": [[0, sample], [30, sample]], "values": [[60, "4"]]}]
        reply.json({"status": "success", "data": {"resultType": "matrix", "result": result}})

    with HttpServer(histogram) as server, Client(server.url, limits=QUICK) as client:
        assert client.ranges("h", 0, 60, 30) == (({}, ((0.0, 0.0), (30.0, 0.0), (60.0, 4.0))),)


def test_an_answer_without_series_is_no_failure() -> None:
    with HttpServer(lambda request, reply: reply.json(matrix())) as server, Client(server.url, limits=QUICK) as client:
        assert client.ranges("up", 0, 60, 30) == ()


def test_a_range_that_ends_before_it_starts_is_not_asked() -> None:
    with HttpServer(counting) as server, Client(server.url, limits=QUICK) as client:
        assert client.ranges("up", 60, 0, 30) == ()
    assert not server.requests


def test_a_step_that_no_server_can_count_is_refused() -> None:
    with Client("http://127.0.0.1:9", limits=QUICK) as client:
        found = client.ranges("up", 0, 60, 1 / 3)
    assert isinstance(found, Failure)
    assert "counts in milliseconds" in found.message


def test_a_short_query_is_got_and_a_long_one_posted() -> None:
    with HttpServer(counting) as server, Client(server.url, limits=QUICK) as client:
        client.ranges("up", 0, 0, 1)
        client.ranges(f'up{{pod="{"x" * 5000}"}}', 0, 0, 1)
    assert [request.method for request in server.requests] == ["GET", "POST"]
    assert server.requests[1].form["query"] == f'up{{pod="{"x" * 5000}"}}'


def test_where_posting_is_not_allowed_a_long_query_is_got() -> None:
    def reading_only(request: Request, reply: Reply) -> None:
        if request.method == "POST":
            reply.text(405, "read only")
        else:
            counting(request, reply)

    with HttpServer(reading_only) as server, Client(server.url, limits=QUICK) as client:
        assert client.ranges(f"up # {'x' * 5000}", 0, 0, 1) == (({"pod": "a"}, ((0.0, 0.0),)),)


def test_where_an_address_is_too_long_the_query_is_posted() -> None:
    def short(request: Request, reply: Reply) -> None:
        if request.method == "GET":
            reply.text(414, "")
        else:
            counting(request, reply)

    with HttpServer(short) as server, Client(server.url, limits=QUICK) as client:
        assert client.ranges("up", 0, 0, 1) == (({"pod": "a"}, ((0.0, 0.0),)),)


def test_the_path_prefix_of_an_address_is_kept_and_the_version_of_the_api_is_not_doubled() -> None:
    with HttpServer(counting) as server:
        for path in ("/prom/", "/prom/api/v1", "/prom"):
            with Client(server.url + path, limits=QUICK) as client:
                client.ranges("up", 0, 0, 1)
    assert {request.path for request in server.requests} == {"/prom/api/v1/query_range"}


def test_names_and_values_are_asked_within_the_window() -> None:
    def listed(request: Request, reply: Reply) -> None:
        reply.json({"status": "success", "data": ["a", "b"]})

    with HttpServer(listed) as server, Client(server.url, limits=QUICK, window=(1000, 2000.5)) as client:
        assert client.names() == ("a", "b")
        assert client.values("code", 'http_requests_total{job="web"}') == ("a", "b")
        client.values("http.status_code", "")
    assert [request.path for request in server.requests] == [
        "/api/v1/label/__name__/values",
        "/api/v1/label/code/values",
        "/api/v1/label/U__http_2e_status__code/values",
    ]
    assert server.requests[1].form == {
        "match[]": 'http_requests_total{job="web"}',
        "start": "1000.000",
        "end": "2000.500",
    }


def test_what_is_asked_at_once_is_bounded() -> None:
    lock, running, most = threading.Lock(), 0, 0

    def slow(request: Request, reply: Reply) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1
        counting(request, reply)

    limits = QUICK._replace(concurrency=3, points=10)
    with HttpServer(slow) as server, Client(server.url, limits=limits) as client:
        threads = [threading.Thread(target=client.ranges, args=("up", 0, 99, 1)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(server.requests) == 30
    assert 1 < most <= 3


def test_requests_are_spread_over_time() -> None:
    waits: list[float] = []
    limits = QUICK._replace(rate=0.5, points=1, concurrency=1)
    with HttpServer(counting) as server, Client(server.url, limits=limits, wait=waits.append) as client:
        client.ranges("up", 0, 2, 1)
    assert [round(wait / 2) for wait in waits] == [1, 2]


# ---- what goes wrong -----------------------------------------------------------------------------------------------


def test_a_server_that_is_slow_is_given_up() -> None:
    done = threading.Event()
    text = said(lambda request, reply: done.wait(10) and None, QUICK._replace(timeout=0.2, tries=2))
    done.set()
    assert text == "SERVER did not answer in time (2 tries)"


def test_a_server_that_drips_its_answer_is_given_up() -> None:
    def dripping(request: Request, reply: Reply) -> None:
        reply.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(200):
            reply.raw(b" ")
            time.sleep(0.05)

    assert said(dripping, QUICK._replace(timeout=0.3, tries=1)) == "SERVER did not finish its answer in time"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "closed the connection without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "before its answer was complete"),
        (b'HTTP/1.1 200 OK\r\n\r\n{"status":"success","data":{"res', "before its answer was complete"),
        (b'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{"status":', "before its answer was complete"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{", "before its answer was complete"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}", "closed the connection"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "closed the connection without an answer"),
    ],
)
def test_a_connection_that_is_closed_is_tried_again_and_then_told(data: bytes, text: str) -> None:
    def closing(request: Request, reply: Reply) -> None:
        reply.raw(data)
        reply.hang_up()

    assert text in said(closing)
    with HttpServer(once(closing)) as server, Client(server.url, limits=QUICK) as client:
        assert client.ranges("up", 0, 0, 1) == (({"pod": "a"}, ((0.0, 0.0),)),)
    assert len(server.requests) == 2


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Client(f"http://127.0.0.1:{port}", limits=QUICK) as client:
        first, second = (client.ranges("up", 0, 0, 1) for _ in range(2))
    assert first == Failure(f"cannot connect to http://127.0.0.1:{port}: connection refused (4 tries)")
    assert second == Failure(f"cannot connect to http://127.0.0.1:{port}: connection refused")


def test_a_name_that_does_not_exist() -> None:
    with Client("http://prometheus.invalid", limits=QUICK) as client:
        assert client.names() == Failure(
            "cannot connect to http://prometheus.invalid: its name cannot be resolved (4 tries)"
        )


def test_401_without_credentials_says_where_they_come_from() -> None:
    text = said(lambda request, reply: reply.text(401, "<html><title>Sign in</title>", "text/html"))
    assert text.startswith("SERVER answered 401 Unauthorized: Sign in: set ROLLOUTLINT_PROMETHEUS_TOKEN, or")


def test_401_with_credentials_says_that_they_are_not_accepted() -> None:
    with HttpServer(lambda request, reply: reply.text(401, "")) as server:
        assert failure(server, access=ACCESS).message == (
            f"{server.url} answered 401 Unauthorized: it does not accept the credentials"
        )
    assert len(server.requests) == 1


def test_422_is_told_in_the_words_of_the_server_and_not_tried_again() -> None:
    with HttpServer(lambda request, reply: reply.error(422, "found duplicate series", "execution")) as server:
        assert failure(server).message == f"{server.url} answered 422 {HTTPStatus(422).phrase}: found duplicate series"
    assert len(server.requests) == 1


def test_what_is_too_much_for_the_server_is_asked_in_halves() -> None:
    def small(request: Request, reply: Reply) -> None:
        if len(points(request)) > 30:
            reply.error(422, "query processing would load too many samples into memory in query execution", "execution")
        else:
            counting(request, reply)

    with HttpServer(small) as server, Client(server.url, limits=QUICK) as client:
        found = client.ranges("up", 0, 100, 1)
    assert found == (({"pod": "a"}, tuple((float(at), float(at)) for at in range(101))),)
    assert len(server.requests) == 7


def test_what_is_too_much_even_in_parts_is_a_failure() -> None:
    with (
        HttpServer(lambda request, reply: reply.error(422, "too many samples")) as server,
        Client(server.url, limits=QUICK) as client,
    ):
        found = client.ranges("up", 0, 10_000, 1)
    assert isinstance(found, Failure)
    assert "too many samples" in found.message
    assert len(server.requests) == 5


@pytest.mark.parametrize("body", ["<html><head><title>Log in | Corp</title>", "<!doctype html><TITLE>\nLog in | Corp"])
def test_a_web_page_in_place_of_an_answer_is_called_one(body: str) -> None:
    assert said(lambda request, reply: reply.text(200, body, "text/html; charset=utf-8")) == (
        "SERVER answered with a web page (`Log in | Corp`) in place of JSON: "
        "a login page, or not the address of a Prometheus"
    )


@pytest.mark.parametrize("body", ["ok", "[]", "42", "null", '{"a": 1}', '{"status"}', "[" * 100_000, b"\xff\xfe{}"])
def test_what_is_no_answer_of_the_api_is_told(body: str | bytes) -> None:
    text = said(lambda request, reply: reply.text(200, body, "application/json"))
    assert text == "SERVER answered with something else than the JSON of Prometheus' API"


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "x",
        {"resultType": "vector", "result": []},
        {"resultType": "matrix", "result": {}},
        {"resultType": "matrix", "result": [1]},
        {"resultType": "matrix", "result": [{"metric": {}, "values": [[1]]}]},
        {"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "x"]]}]},
        {"resultType": "matrix", "result": [{"metric": [], "values": []}]},
        {"resultType": "matrix", "result": [{"metric": {}, "values": [[10**400, "1"]]}]},
        {"resultType": "matrix", "result": [{"metric": {}, "values": 5}]},
    ],
)
def test_data_of_another_shape_is_told(data: object) -> None:
    text = said(lambda request, reply: reply.json({"status": "success", "data": data}))
    assert text == "SERVER: the answer is not what a range query gives"


@pytest.mark.parametrize("data", [None, "x", {}, [1], [None]])
def test_names_of_another_shape_are_told(data: object) -> None:
    with (
        HttpServer(lambda request, reply: reply.json({"status": "success", "data": data})) as server,
        Client(server.url, limits=QUICK) as client,
    ):
        found = client.names()
    assert isinstance(found, Failure)
    assert "no list of values" in found.message


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"isPartial": True}, "some of its stores did not answer"),
        ({"warnings": ["receive series from Addr: store-1: unavailable"]}, "receive series from Addr: store-1"),
        ({"warnings": ["PromQL warning: bad bucket", "remote_read: 500"]}, "remote_read: 500"),
    ],
)
def test_a_partial_answer_is_a_failure_that_says_so(more: dict[str, object], why: str) -> None:
    with HttpServer(lambda request, reply: reply.json(matrix(({}, [[0, "1"]]), **more))) as server:
        found = failure(server)
    assert found.partial
    assert why in found.message
    assert "partial" in found.message


def test_remarks_about_the_query_make_no_answer_partial() -> None:
    def remarking(request: Request, reply: Reply) -> None:
        warnings = ['PromQL warning: bucket label "le" is missing']
        infos = ["PromQL info: metric might not be a counter"]
        reply.json(matrix(({}, [[0, "1"]]), warnings=warnings, infos=infos, isPartial=False))

    with HttpServer(remarking) as server, Client(server.url, limits=QUICK) as client:
        assert client.ranges("up", 0, 0, 1) == (({}, ((0.0, 1.0),)),)


def test_a_huge_answer_is_given_up_before_it_is_read() -> None:
    sent = 0

    def huge(request: Request, reply: Reply) -> None:
        nonlocal sent
        reply.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        for _ in range(10_000):
            reply.raw(b" " * 100_000)
            sent += 100_000

    with HttpServer(huge) as server, Client(server.url, limits=QUICK._replace(size=1 << 20)) as client:
        found = client.ranges("up", 0, 0, 1)
    assert found == Failure(f"{server.url}: the answer is larger than 1 MiB: aggregate the query")
    assert sent < 200_000_000


def test_a_huge_answer_of_a_long_range_is_asked_in_halves() -> None:
    with HttpServer(counting) as server, Client(server.url, limits=QUICK._replace(size=10_000)) as client:
        found = client.ranges("up", 0, 1000, 1)
    assert found == (({"pod": "a"}, tuple((float(at), float(at)) for at in range(1001))),)
    assert len(server.requests) > 2


def test_a_small_answer_that_unpacks_into_a_huge_one_is_given_up() -> None:
    bomb = gzip.compress(b" " * 50_000_000)

    def exploding(request: Request, reply: Reply) -> None:
        reply.text(200, bomb, "application/json", Content_Encoding="gzip")

    with HttpServer(exploding) as server, Client(server.url, limits=QUICK._replace(size=1 << 20)) as client:
        found = client.names()
    assert found == Failure(f"{server.url}: the answer is larger than 1 MiB: aggregate the query")


def test_more_samples_than_fit_are_a_failure() -> None:
    with HttpServer(counting) as server, Client(server.url, limits=QUICK._replace(samples=50, points=20)) as client:
        found = client.ranges("up", 0, 99, 1)
    assert isinstance(found, Failure)
    assert "more than 50 samples (1 series)" in found.message


def test_a_packed_answer_is_unpacked() -> None:
    def packed(request: Request, reply: Reply) -> None:
        assert request.headers["accept-encoding"] == "gzip"
        body = gzip.compress(json.dumps(matrix(({}, [[at, "1"] for at in range(5000)]))).encode())
        reply.text(200, body, "application/json", Content_Encoding="gzip")

    with HttpServer(packed) as server, Client(server.url, limits=QUICK) as client:
        ((_, samples),) = client.ranges("up", 0, 4999, 1)
    assert len(samples) == 5000


@pytest.mark.parametrize(
    ("body", "encoding", "text"),
    [
        (b"no gzip at all", "gzip", "damaged gzip data"),
        (gzip.compress(b'{"status": "success"}' * 99)[:-20], "gzip", "before its answer was complete"),
        (b"{}", "br", "in the encoding br, which nobody asked for"),
    ],
)
def test_an_answer_that_cannot_be_unpacked_is_told(body: bytes, encoding: str, text: str) -> None:
    assert text in said(lambda request, reply: reply.text(200, body, "application/json", Content_Encoding=encoding))


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
PIECES = (
    b"HTTP/1.1 ",
    b"200 OK",
    b"302 Found",
    b"-1",
    b"99999",
    b"\r\n",
    b"\r\n\r\n",
    b"Content-Length: ",
    b"-5",
    b"7",
    b"1e9",
    b"Transfer-Encoding: chunked\r\n",
    b"ffffffffffffffffffff\r\n",
    b"0\r\n\r\n",
    b"Content-Encoding: gzip\r\n",
    b"Location: ",
    b"//",
    b"http://[::1",
    b"/\x01\x7f \xe9",
    b"http://127.0.0.1:1/",
    b"Retry-After: ",
    b"Connection: close",
    b"HTTP/1.1 503 x\r\nRetry-After: -1\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    HEAD,
    gzip.compress(b"{}"),
    b'{"status":"success","data":{"resultType":"matrix","result":[',
    b'{"metric":{},"values":[[0,"1"]]}',
    b"]}}",
    b": ",
    b"\x00",
    b"\xff\xfe",
    b"x" * 70_000,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=8), max_size=9), st.booleans())
def test_whatever_a_server_sends_is_an_answer_or_a_failure_that_can_be_shown(pieces: list[bytes], begun: bool) -> None:
    def answer(request: Request, reply: Reply) -> None:
        reply.raw((HEAD if begun else b"") + b"".join(pieces))
        reply.hang_up()

    limits = QUICK._replace(tries=1, timeout=2)
    with HttpServer(answer) as server, Client(server.url, ACCESS, limits, wait=lambda seconds: None) as client:
        found = client.ranges("up", 0, 0, 1)
    if isinstance(found, Failure):
        assert found.message.isprintable()
        assert len(found.message) < 600
    else:
        assert all(at == 0 for _, samples in found for at, _ in samples)


# ---- trying again ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_server_that_is_busy_is_asked_again(status: int) -> None:
    with (
        HttpServer(once(lambda request, reply: reply.text(status, "busy"))) as server,
        Client(server.url, limits=QUICK) as client,
    ):
        assert client.ranges("up", 0, 0, 1) == (({"pod": "a"}, ((0.0, 0.0),)),)
    assert len(server.requests) == 2


def test_a_server_that_stays_busy_is_given_up_with_its_words() -> None:
    with HttpServer(lambda request, reply: reply.text(502, "<html><title>Bad Gateway</title>", "text/html")) as server:
        assert failure(server).message == f"{server.url} answered 502 Bad Gateway: Bad Gateway (4 tries)"
    assert len(server.requests) == 4


def test_each_try_waits_twice_as_long_as_the_one_before() -> None:
    waits: list[float] = []
    with (
        HttpServer(lambda request, reply: reply.text(503, "")) as server,
        Client(server.url, limits=QUICK._replace(backoff=2), wait=waits.append) as client,
    ):
        client.names()
    assert [wait for wait in waits if wait > 1] == [2, 4, 8]


@pytest.mark.parametrize("date", [False, True])
def test_the_server_says_how_long_to_wait(date: bool) -> None:
    waits: list[float] = []

    def busy(request: Request, reply: Reply) -> None:
        reply.text(429, "", Retry_After=formatdate(time.time() + 60, usegmt=True) if date else "60")

    limits = QUICK._replace(patience=1000, total=1000)
    with HttpServer(once(busy)) as server, Client(server.url, limits=limits, wait=waits.append) as client:
        assert client.ranges("up", 0, 0, 1) == (({"pod": "a"}, ((0.0, 0.0),)),)
    assert 30 < max(waits) <= 60


def test_a_wait_longer_than_our_patience_is_not_waited() -> None:
    waits: list[float] = []
    with (
        HttpServer(lambda request, reply: reply.text(429, "", Retry_After="3600")) as server,
        Client(server.url, limits=QUICK, wait=waits.append) as client,
    ):
        assert client.names() == Failure(
            f"{server.url} answered 429 Too Many Requests, and asks to wait 3600 s (gave up after 1 try)"
        )
    assert max(waits, default=0) < 1


def test_a_retry_after_that_says_nothing_is_ignored() -> None:
    answer = once(lambda request, reply: reply.text(503, "", Retry_After="soon"))
    with HttpServer(answer) as server, Client(server.url, limits=QUICK) as client:
        assert not isinstance(client.ranges("up", 0, 0, 1), Failure)


def test_one_question_that_fails_costs_the_others_nothing() -> None:
    def picky(request: Request, reply: Reply) -> None:
        if request.form["query"] == "bad":
            reply.hang_up()
        else:
            counting(request, reply)

    with HttpServer(picky) as server, Client(server.url, limits=QUICK) as client:
        found = [client.ranges(query, 0, 0, 1) for query in ("good", "bad", "good")]
    assert [isinstance(one, Failure) for one in found] == [False, True, False]


def test_when_the_time_for_all_questions_is_over_none_is_asked() -> None:
    with HttpServer(counting) as server, Client(server.url, limits=QUICK._replace(total=0)) as client:
        found = client.names()
    assert isinstance(found, Failure)
    assert "is used up" in found.message
    assert not server.requests


# ---- credentials ----------------------------------------------------------------------------------------------------


def test_credentials_and_headers_go_with_every_request() -> None:
    with HttpServer(counting) as server, Client(server.url, ACCESS, QUICK) as client:
        client.ranges("up", 0, 0, 1)
    (request,) = server.requests
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["x-scope-orgid"] == "tenant-17-of-the-shop"


def test_credentials_in_the_address_are_sent_as_basic_ones_and_not_shown() -> None:
    with HttpServer(lambda request, reply: reply.text(401, "")) as server:
        url = server.url.replace("://", "://ann:p%40ss-of-ann@")
        with Client(url, ACCESS, QUICK) as client:
            shown = f"{client!r} {client.name} {client.names()}"
    assert server.requests[0].headers["authorization"] == "Basic YW5uOnBAc3Mtb2YtYW5u"
    assert "ann" not in shown


def redirecting(target: str, status: int = 302) -> Callable[[Request, Reply], None]:
    return lambda request, reply: reply.text(status, "", Location=target)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("query", ["up", f"up # {'x' * 5000}"])
def test_a_redirect_to_another_server_carries_no_credentials(status: int, query: str) -> None:
    with HttpServer(counting) as other:

        def elsewhere(request: Request, reply: Reply) -> None:
            reply.text(status, "", Location=f"{other.url}/x?query=up&start=0&end=0&step=1")

        with HttpServer(elsewhere) as server, Client(server.url, ACCESS, QUICK) as client:
            client.ranges(query, 0, 0, 1)
    (request,) = other.requests
    assert TOKEN not in str(request)
    assert "authorization" not in request.headers
    assert "x-scope-orgid" not in request.headers


def test_what_comes_back_after_another_server_carries_no_credentials_either() -> None:
    with HttpServer(lambda request, reply: redirecting(f"{server.url}/back")(request, reply)) as other:

        def bounce(request: Request, reply: Reply) -> None:
            if request.path == "/back":
                reply.json({"status": "success", "data": []})
            else:
                redirecting(other.url)(request, reply)

        with HttpServer(bounce) as server, Client(server.url, ACCESS, QUICK) as client:
            client.names()
    assert ["authorization" in request.headers for request in server.requests] == [True, False]


def test_another_server_that_wants_credentials_is_named() -> None:
    with HttpServer(lambda request, reply: reply.text(401, "")) as other, HttpServer(redirecting(other.url)) as server:
        text = failure(server, access=ACCESS).message
    assert text.endswith(f"it redirects to {other.url}, which gets no credentials: name the address that answers")


def test_a_login_page_on_another_server_is_named() -> None:
    with (
        HttpServer(lambda request, reply: reply.text(200, "<title>SSO</title>", "text/html")) as other,
        HttpServer(redirecting(f"{other.url}/sso?return=1")) as server,
    ):
        text = failure(server, access=ACCESS).message
    assert f"from {other.url}, to which it redirects, with a web page (`SSO`)" in text


def test_a_redirect_within_the_server_keeps_credentials_method_and_query() -> None:
    def moved(request: Request, reply: Reply) -> None:
        if request.path.startswith("/new"):
            counting(request, reply)
        else:
            reply.text(308, "", Location=f"/new{request.path}")

    with HttpServer(moved) as server, Client(server.url, ACCESS, QUICK) as client:
        found = client.ranges(f"up # {'x' * 5000}", 0, 0, 1)
    assert not isinstance(found, Failure)
    assert [request.method for request in server.requests] == ["POST", "POST"]
    assert "authorization" in server.requests[1].headers


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("/again", "redirects more than 5 times"),
        ("file:///etc/passwd", "redirects to what is no web address"),
        ("http://[", "redirects to what is no address"),
        ("http://host:99999999/", "redirects to what is no address"),
    ],
)
def test_a_redirect_that_leads_nowhere_is_told(target: str, text: str) -> None:
    assert said(redirecting(target)) == f"SERVER {text}"


ECHOES: dict[str, Callable[[Request, Reply], None]] = {
    "the token": lambda request, reply: reply.error(401, f"bad token {TOKEN}"),
    "the headers": lambda request, reply: reply.error(400, json.dumps(dict(request.headers))),
    "the headers on a page": lambda request, reply: reply.text(500, f"<title>{dict(request.headers)}</title>"),
    "the headers as text": lambda request, reply: reply.text(502, str(dict(request.headers))),
    "a warning": lambda request, reply: reply.json(matrix(warnings=[f"tenant {request.headers['x-scope-orgid']}"])),
    "an encoding": lambda request, reply: reply.text(200, "", Content_Encoding=TOKEN),
    "a page": lambda request, reply: reply.text(200, f"<title>{TOKEN}</title>", "text/html"),
}


@pytest.mark.parametrize("echo", ECHOES)
def test_a_server_that_repeats_the_credentials_is_not_repeated(echo: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with HttpServer(ECHOES[echo]) as server:
        text = failure(server, access=ACCESS).message
    for secret in (TOKEN, TOKEN[:14], "tenant-17"):
        assert secret not in text
        assert secret not in caplog.text


def test_no_error_holds_the_credentials_in_its_traceback() -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    with HttpServer(lambda request, reply: reply.text(503, TOKEN)) as server:
        client = Client(server.url, ACCESS, QUICK, wait=interrupted)
        with pytest.raises(KeyboardInterrupt) as caught:
            client.names()
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "503" in shown
    assert TOKEN not in shown.replace(f"b'{TOKEN}'", "")  # what the server repeats of itself is in no message


def test_what_the_server_says_cannot_command_a_terminal() -> None:
    text = said(lambda request, reply: reply.error(422, "a\x1b[31mb\n\tc\x07\u202ed" + "e" * 900))
    assert text.split(": ", 1)[1].startswith("a [31mb c d")
    assert text.isprintable()
    assert len(text) < 400


# ---- TLS ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`ca.pem` has signed `server.pem` for 127.0.0.1, `named.pem` for metrics.example, and `client.pem`."""
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*arguments: str) -> None:
        try:
            subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)
        except FileNotFoundError:
            pytest.skip("there is no openssl here to make certificates with")

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA", "-days", "2")
    for name, alternative in (("server", "IP:127.0.0.1"), ("named", "DNS:metrics.example"), ("client", "DNS:us")):
        openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (folder / "ext").write_text(f"subjectAltName={alternative}\nauthorityKeyIdentifier=keyid\n")
        signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "ext")
        openssl("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", *signing)
    return folder


def serving(folder: Path, name: str = "server", asking: bool = False) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    if asking:
        context.load_verify_locations(folder / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def test_a_certificate_that_nobody_vouches_for_is_refused(certificates: Path) -> None:
    with HttpServer(counting, serving(certificates)) as server:
        text = failure(server, access=ACCESS).message
    assert text.startswith(f"no TLS with {server.url}: unable to get local issuer certificate: name the certificate of")
    assert not server.requests


def test_a_named_authority_vouches_for_a_certificate(certificates: Path) -> None:
    access = Access(ca_file=str(certificates / "ca.pem"))
    with HttpServer(counting, serving(certificates)) as server, Client(server.url, access, QUICK) as client:
        assert not isinstance(client.ranges("up", 0, 0, 1), Failure)


def test_a_certificate_for_another_name_is_refused_unless_that_name_is_expected(certificates: Path) -> None:
    access = Access(ca_file=str(certificates / "ca.pem"))
    with HttpServer(counting, serving(certificates, "named")) as server:
        assert "not valid for '127.0.0.1'" in failure(server, access=access).message
        with Client(server.url, access._replace(server_name="metrics.example"), QUICK) as client:
            assert not isinstance(client.ranges("up", 0, 0, 1), Failure)


def test_a_certificate_is_not_checked_where_that_is_asked_for(
    certificates: Path, recwarn: pytest.WarningsRecorder
) -> None:
    with (
        HttpServer(counting, serving(certificates)) as server,
        Client(server.url, Access(insecure=True), QUICK) as client,
    ):
        assert not isinstance(client.ranges("up", 0, 0, 1), Failure)
    assert not recwarn.list


def test_our_certificate_is_shown_to_a_server_that_wants_one(certificates: Path) -> None:
    ca = Access(ca_file=str(certificates / "ca.pem"))
    ours = ca._replace(client_certificate=str(certificates / "client.pem"), client_key=str(certificates / "client.key"))
    with HttpServer(counting, serving(certificates, asking=True)) as server:
        with Client(server.url, ours, QUICK) as client:
            assert not isinstance(client.ranges("up", 0, 0, 1), Failure)
        assert failure(server, access=ca).message


def test_our_certificate_is_not_shown_after_a_redirect(certificates: Path) -> None:
    access = Access(
        ca_file=str(certificates / "ca.pem"),
        client_certificate=str(certificates / "client.pem"),
        client_key=str(certificates / "client.key"),
    )
    with (
        HttpServer(counting, serving(certificates, asking=True)) as other,
        HttpServer(redirecting(f"{other.url}/api")) as server,
    ):
        failure(server, access=access)
    assert not other.requests


def test_text_where_tls_is_expected_is_told() -> None:
    with HttpServer(counting) as server, Client(server.url.replace("http:", "https:"), limits=QUICK) as client:
        found = client.names()
    assert isinstance(found, Failure)
    assert found.message.startswith("no TLS with")


# ---- proxies --------------------------------------------------------------------------------------------------------


def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with HttpServer(counting) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("://", "://ann:word-of-ann@"))
        with Client("http://prometheus.invalid:9090", limits=QUICK) as client:
            assert not isinstance(client.ranges("up", 0, 0, 1), Failure)
    assert proxy.requests[0].headers["proxy-authorization"].startswith("Basic ")
    assert proxy.requests[0].headers["host"] == "prometheus.invalid:9090"


def test_the_loopback_needs_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://ann:word-of-ann@proxy.invalid:1")
    with HttpServer(counting) as server, Client(server.url, limits=QUICK) as client:
        assert not isinstance(client.ranges("up", 0, 0, 1), Failure)


def test_a_proxy_that_does_not_answer_is_told_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://ann:word-of-ann@127.0.0.1:9")
    with Client("http://prometheus.invalid:9090", limits=QUICK) as client:
        found = client.names()
    assert isinstance(found, Failure)
    assert "word-of-ann" not in found.message
    assert "prometheus.invalid" in found.message


def test_secrets_do_not_show_in_what_holds_them() -> None:
    shown = f"{ACCESS} {ACCESS.hidden!r} {ACCESS.headers} {Client('http://h', ACCESS)!r}"
    assert TOKEN not in shown
    assert "tenant-17" not in shown
