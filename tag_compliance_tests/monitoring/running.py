"""Real programs on free ports of loopback, and what they answer."""

from __future__ import annotations

import contextlib
import http.server
import json
import queue
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "monitoring"

_Found = TypeVar("_Found")

_WRONG_QUERY = {400, 422}

Sample = tuple[str, frozenset[tuple[str, str]], float]


def eventually(look: Callable[[], _Found | None], seconds: float = 60.0) -> _Found:
    """What `look` finds, as soon as it finds something; an unreachable program is nothing yet."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if found := look():
                return found
        except urllib.error.HTTPError as error:
            error.close()
        except OSError:
            pass
        assert time.monotonic() < deadline, "it has not come to pass"
        time.sleep(0.05)


@contextlib.contextmanager
def program(command: Sequence[str], log: Path, folder: Path | None = None) -> Iterator[None]:
    """Runs it until the block is left; its output goes to `log`."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder
        )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(60)
            finally:
                process.kill()
                process.wait()


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        body: bytes = answer.read()
        return body


def samples_of(exposition: str) -> set[Sample]:
    """The samples, without regard to their order and to that of their labels."""
    return {
        (sample.name, frozenset(sample.labels.items()), float(sample.value))
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
    }


class Prometheus:
    """Its HTTP API."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}/api/v1/"

    def api(self, path: str, **parameters: str) -> Any:
        """The data of the answer; a query that is wrong fails with what Prometheus says of it."""
        url = f"{self._base}{path}?{urllib.parse.urlencode(parameters)}"
        try:
            return json.loads(get(url))["data"]
        except urllib.error.HTTPError as error:
            with error:
                if error.code not in _WRONG_QUERY:
                    raise  # it is still starting
                raise AssertionError(json.load(error)["error"]) from None

    def query(self, expr: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api("query", query=expr)["result"]
        return found

    def value(self, expr: str) -> float | None:
        """Of the one series that the query finds; None where it is not one."""
        found = self.query(expr)
        return float(found[0]["value"][1]) if len(found) == 1 else None


class Receiver:
    """A webhook that keeps what Alertmanager sends."""

    def __init__(self) -> None:
        self.notifications: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        received = self.notifications

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.end_headers()
                received.put(json.loads(body))

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/alerts"

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        thread = threading.Thread(target=self._server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()
