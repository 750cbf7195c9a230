"""A receiver of alerts."""

from __future__ import annotations

import contextlib
import http.server
import json
import queue
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tag_compliance_tests.support.loopback import serving


@dataclass(frozen=True)
class Receiver:
    """A webhook that keeps what Alertmanager sends."""

    url: str
    notifications: queue.SimpleQueue[dict[str, Any]]


@contextlib.contextmanager
def running_receiver() -> Iterator[Receiver]:
    received: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            received.put(json.loads(body))

        def log_message(self, *_args: object) -> None:
            """Nothing goes to stderr."""

    with serving(Handler) as url:
        yield Receiver(f"{url}/alerts", received)
