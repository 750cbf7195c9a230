"""A server whose responses never end."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

from tag_compliance.simulator.wire import Response
from tag_compliance_tests.fake_aws.faults import PIECES, Fault
from tag_compliance_tests.support.loopback import serving

UNFINISHED = [Fault.HANG, *PIECES]
_PAUSE_SECONDS = 0.02


@contextlib.contextmanager
def unfinished_responses(fault: Fault, status: int = 200) -> Iterator[str]:
    """The URL of a server whose responses have this fault; it stops when the block is left."""
    stopped = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def _respond(self) -> None:
            self.close_connection = True
            response = Response(status, "text/plain", b"slow" * 1_000)
            pieces = PIECES[fault](response) if fault in PIECES else iter(())
            with contextlib.suppress(OSError):
                while not stopped.wait(_PAUSE_SECONDS):
                    self.wfile.write(next(pieces, b""))

        do_GET = do_PUT = do_DELETE = _respond  # noqa: N815 - the names that http.server calls

        def log_message(self, *_args: object) -> None:
            """Nothing goes to stderr."""

    with serving(Handler) as url:
        try:
            yield url
        finally:
            stopped.set()
