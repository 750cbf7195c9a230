"""Exporters on loopback, and a simple client for them."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import uvicorn

from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.findings_access import FindingsAccess
from tag_compliance.exporter.app import create_app
from tag_compliance.exporter.auth import Credentials
from tag_compliance.exporter.findings_access import Access
from tag_compliance.exporter.http_limits import LimitedHttpProtocol
from tag_compliance.snapshot.store import SnapshotStore
from tag_compliance_tests.support.exposition import Exposition
from tag_compliance_tests.support.process import listening_url
from tag_compliance_tests.support.snapshots import open_store
from tag_compliance_tests.support.waiting import DEADLINE_SECONDS

BASE_BYTES = 65_000_000
"""The memory of a process without a snapshot, as docs/operations.md says."""

_SERVE = """
import json, sys
from datetime import datetime
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
        return Exposition(self.text).plain(name)


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

    def resident_bytes(self) -> int:
        """The memory of the process."""
        assert self.process is not None
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def run_in_thread(
    storage: Path | SnapshotStore,
    credentials: tuple[Credentials, ...] = (),
    tls: ssl.SSLContext | None = None,
    now: Callable[[], datetime] = utc_now,
    findings_access: FindingsAccess = FindingsAccess.CREDENTIALS,
    **settings: Any,
) -> Iterator[Exporter]:
    """`settings` are for uvicorn; `tls` is the context of the client."""
    store = open_store(storage) if isinstance(storage, Path) else storage
    access = Access(credentials, findings_access)
    app = create_app(store, poll_interval=0.02, access=access, now=now)
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
    storage: Path | str,
    *,
    poll_interval: float = 0.02,
    tls: ssl.SSLContext | None = None,
    **files: Path,
) -> Iterator[Exporter]:
    """Runs `serve`, and continues once it listens."""
    given = {"storage": str(storage), "port": 0, "poll_interval": poll_interval}
    arguments = json.dumps({**given, "files": {name: str(path) for name, path in files.items()}})
    command = [sys.executable, "-c", _SERVE, arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        exporter = Exporter(0, tls, process)
        assert process.stderr is not None
        lines = _logged(process.stderr, exporter.log)
        reader = threading.Thread(target=lambda: [*lines])
        try:
            exporter.port = int(listening_url(lines).rpartition(":")[2])
            reader.start()
            yield exporter
        finally:
            process.kill()
            if reader.is_alive():
                reader.join()


def _logged(stderr: Iterable[str], log: list[dict[str, Any]]) -> Iterator[str]:
    """The lines, each of which is added to the log as soon as it is there."""
    for line in stderr:
        log.append(json.loads(line) if line.startswith("{") else {"event": line.rstrip("\n")})
        yield line
