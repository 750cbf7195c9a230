"""Exporters on loopback, and a simple client for them."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn

from tag_compliance.exporter.app import create_app
from tag_compliance.exporter.auth import Credentials
from tag_compliance.exporter.http_limits import LimitedHttpProtocol
from tag_compliance_tests.exporter.snapshots import open_store

DEADLINE_SECONDS = 20.0

_SERVE = """
import json, sys
from pathlib import Path
from typing import Any
from tag_compliance.exporter.server import ExporterSettings, serve
from tag_compliance.logs import LogFormat, configure_logs
configure_logs("info", LogFormat.JSON)
given = json.loads(sys.argv[1])
paths = {k: Path(v) for k, v in given.pop("files").items()}
serve(ExporterSettings(host="127.0.0.1", **given, **paths))
"""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def sample(self, name: str) -> float | None:
        """The value of an unlabelled sample."""
        lines = (line.split(" ") for line in self.text.splitlines())
        return next((float(line[1]) for line in lines if line[0] == name), None)


@dataclass
class Exporter:
    port: int
    tls: ssl.SSLContext | None = None
    process: subprocess.Popen[str] | None = None
    log: list[dict[str, Any]] = field(default_factory=list)

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Header names have underscores instead of hyphens."""
        if self.tls:
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                "127.0.0.1", self.port, timeout=DEADLINE_SECONDS, context=self.tls
            )
        else:
            connection = http.client.HTTPConnection(
                "127.0.0.1", self.port, timeout=DEADLINE_SECONDS
            )
        with contextlib.closing(connection):
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers=named)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_SECONDS)


def eventually(condition: Callable[[], object]) -> None:
    """Returns as soon as the condition holds."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition has not come true"
        time.sleep(0.02)


@contextlib.contextmanager
def run_in_thread(
    folder: Path,
    credentials: tuple[Credentials, ...] = (),
    tls: ssl.SSLContext | None = None,
    **settings: Any,
) -> Iterator[Exporter]:
    """`settings` are for uvicorn; `tls` is the context of the client."""
    app = create_app(open_store(folder), poll_interval=0.02, credentials=credentials)
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        config = uvicorn.Config(
            app,
            http=LimitedHttpProtocol,
            lifespan="on",
            log_config=None,
            access_log=False,
            **settings,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield Exporter(listener.getsockname()[1], tls)
        finally:
            server.should_exit = server.force_exit = True
            thread.join(DEADLINE_SECONDS)


@contextlib.contextmanager
def run_in_process(
    folder: Path, *, port: int = 0, tls: ssl.SSLContext | None = None, **files: Path
) -> Iterator[Exporter]:
    """Runs `serve`, and continues once it listens or has ended."""
    given = {"storage": str(folder), "port": port, "poll_interval": 0.02}
    arguments = json.dumps({**given, "files": {name: str(path) for name, path in files.items()}})
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVE, arguments], stderr=subprocess.PIPE, text=True
    )
    exporter = Exporter(0, tls, process)
    assert process.stderr is not None
    for line in process.stderr:
        if not line.startswith("{"):
            exporter.log.append({"event": line.rstrip("\n")})
            continue
        event = json.loads(line)
        exporter.log.append(event)
        if event["event"] == "listening":
            exporter.port = int(event["url"].rpartition(":")[2])
            break
    reader = threading.Thread(target=_collect, args=(process, exporter.log))
    reader.start()
    try:
        yield exporter
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stderr.close()


def _collect(process: subprocess.Popen[str], log: list[dict[str, Any]]) -> None:
    assert process.stderr is not None
    log.extend(
        json.loads(line) if line.startswith("{") else {"event": line.rstrip("\n")}
        for line in process.stderr
    )
