"""A proxy in front of a simulated S3: it records the requests, and can fail all of them."""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tag_compliance_tests.support.loopback import serving


@dataclass(frozen=True)
class Exchange:
    """One request and the status of its response; a listing has a `query`."""

    method: str
    path: str
    query: str
    conditional: bool
    status: int


@dataclass
class RecordingProxy:
    url: str = ""
    down: bool = False
    requests: list[Exchange] = field(default_factory=list)

    def since(self, count: int) -> list[Exchange]:
        return self.requests[count:]


@contextlib.contextmanager
def recording_proxy(target: str) -> Iterator[RecordingProxy]:
    """Runs on loopback, in front of the server at this URL."""
    proxy = RecordingProxy()
    address = urlsplit(target).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if proxy.down:
                self._respond(503, {}, b"")
                return
            with contextlib.closing(http.client.HTTPConnection(address, timeout=20)) as upstream:
                headers = {n: v for n, v in self.headers.items() if n.lower() != "expect"}
                upstream.request(self.command, self.path, body, headers)
                response = upstream.getresponse()
                data = response.read()
            url = urlsplit(self.path)
            proxy.requests.append(
                Exchange(
                    self.command,
                    url.path,
                    url.query,
                    bool(self.headers.get("If-None-Match")),
                    response.status,
                )
            )
            self._respond(response.status, dict(response.getheaders()), data)

        def _respond(self, status: int, headers: dict[str, str], data: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                if name.lower() not in {"content-length", "connection", "transfer-encoding"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _forward  # noqa: N815 - the names that http.server calls

        def log_message(self, *_args: object) -> None:
            """Nothing goes to stderr."""

    with serving(Handler) as url:
        proxy.url = url
        yield proxy
