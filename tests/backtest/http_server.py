"""A real HTTP server on the loopback that answers as a test says, also in ways that no server should."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit


class Request(NamedTuple):
    """What has arrived."""

    method: str
    path: str
    form: Mapping[str, str]
    """From the address and the body."""
    headers: Mapping[str, str]
    """Names in lower case."""


class Reply:
    """How to answer one request."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self._handler = handler

    def text(self, status: int, body: bytes | str, kind: str = "text/plain", **headers: str) -> None:
        """A complete answer; `Retry_After="1"` is the header `Retry-After`."""
        data = body.encode() if isinstance(body, str) else body
        self._handler.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **headers}.items():
            self._handler.send_header(name.replace("_", "-"), value)
        self._handler.end_headers()
        self._handler.wfile.write(data)

    def json(self, body: object, status: int = 200, **headers: str) -> None:
        """A complete answer in JSON."""
        self.text(status, json.dumps(body), "application/json", **headers)

    def error(self, status: int, text: str, kind: str = "bad_data", **headers: str) -> None:
        """An error as Prometheus words it."""
        self.json({"status": "error", "errorType": kind, "error": text}, status, **headers)

    def raw(self, data: bytes) -> None:
        """Bytes in place of an answer."""
        self._handler.wfile.write(data)
        self._handler.wfile.flush()

    def hang_up(self) -> None:
        """Close the connection."""
        self._handler.close_connection = True


class HttpServer:
    """Runs while it is used in a `with` statement; `answer` is called for each request, in threads."""

    def __init__(self, answer: Callable[[Request, Reply], None], tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        """In the order of arrival."""
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length).decode()
                url = urlsplit(self.path)
                request = Request(
                    self.command,
                    url.path,
                    dict(parse_qsl(url.query) + parse_qsl(body)),
                    {name.lower(): value for name, value in self.headers.items()},
                )
                requests.append(request)
                answer(request, Reply(self))

            do_POST = do_GET  # noqa: N815  # the name that http.server calls

            def log_message(self, *args: Any) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Clients that hang up are what some tests are about."""

        self._server = Quiet(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_address[1])
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> HttpServer:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
