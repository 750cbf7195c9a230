"""A proxy in front of a simulated S3: it records the requests, and can fail all of them."""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tag_compliance_tests.support.loopback import Handler, serving


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


@contextlib.contextmanager
def recording_proxy(target: str) -> Iterator[RecordingProxy]:
    """Runs on loopback, in front of the server at this URL."""
    proxy = RecordingProxy()
    address = urlsplit(target).netloc

    class Proxy(Handler):
        def _forward(self) -> None:
            body = self.body()
            if proxy.down:
                self.respond(503, {}, b"")
                return
            with contextlib.closing(http.client.HTTPConnection(address, timeout=20)) as upstream:
                sent = {n: v for n, v in self.headers.items() if n.lower() != "expect"}
                upstream.request(self.command, self.path, body, sent)
                response = upstream.getresponse()
                data = response.read()
            url, is_conditional = urlsplit(self.path), "If-None-Match" in self.headers
            proxy.requests.append(
                Exchange(self.command, url.path, url.query, is_conditional, response.status)
            )
            own = {"content-length", "connection", "transfer-encoding"}
            headers = {n: v for n, v in response.getheaders() if n.lower() not in own}
            self.respond(response.status, headers, data)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _forward  # noqa: N815 - the names that http.server calls

    with serving(Proxy) as url:
        proxy.url = url
        yield proxy
