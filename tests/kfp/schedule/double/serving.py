"""The double as a server: real HTTP, by the published routes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .kubeflow_double import Dropped, KubeflowDouble
from .published_api import Refused, routes_of


@contextmanager
def serving(double: KubeflowDouble) -> Iterator[KubeflowDouble]:
    """The double behind a port of loopback."""
    routes, written = routes_of(double.api), double.api.ApiClient()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65536  # head and body in one packet, which no delayed acknowledgement holds up

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            try:
                self._answer(200, written.sanitize_for_serialization(self._asked(raw)))
            except Refused as refused:
                self._answer(refused.status, {"error": refused.message, "code": 3, "message": refused.message, "details": []})
            except Dropped:
                self.close_connection = True
                self.connection.shutdown(2)

        do_GET = do_POST = do_DELETE = _serve

        def _asked(self, raw: bytes) -> Any:
            if double.token is not None and self.headers.get("Authorization") != f"Bearer {double.token}":
                raise Refused(401, "Request header error: there is no valid identity header")
            url = urlsplit(self.path)
            for route in routes:
                found = route.pattern.fullmatch(url.path)
                if found and route.method == self.command:
                    query = {name: values[-1] for name, values in parse_qs(url.query).items()}
                    if unknown := set(query) - route.query:
                        raise Refused(400, f"unknown query parameters {sorted(unknown)}")
                    return double.answer(route, found.groupdict(), query, json.loads(raw) if raw else None)
            raise Refused(404, f"{self.command} {url.path} is no route of the published API")

        def _answer(self, status: int, document: Any) -> None:
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    double.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield double
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
