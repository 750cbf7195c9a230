"""Runs the exporter and nginx, and reads their CPU time and memory from /proc."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.process import clean_environment, program
from tag_compliance_tests.support.loopback import fetch, free_port
from tag_compliance_tests.support.process import running
from tag_compliance_tests.support.waiting import eventually

_SAMPLE_SECONDS = 0.005
_NGINX = """
daemon off;
worker_processes 1;
error_log stderr error;
pid {folder}/nginx.pid;
{user}
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    gzip_static on;
    keepalive_requests 1000000;
    types {{ }}
    default_type "text/plain; version=0.0.4; charset=utf-8";
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port} backlog=1024; root {root}; }}
}}
"""


@dataclass(slots=True)
class Server:
    """A server on loopback, and the path of its exposition."""

    name: str
    port: int
    path: str
    pid: int = 0
    ready_seconds: float = 0.0

    def cpu_seconds(self) -> float:
        """The CPU time so far of the process, its threads and its children.

        From the scheduler's nanoseconds; `/proc/PID/stat` has a resolution of only 10 ms.
        """
        tasks = (task for process in self._processes() for task in (process / "task").iterdir())
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def resident_bytes(self) -> int:
        pages = [(process / "statm").read_text().split()[1] for process in self._processes()]
        return sum(map(int, pages)) * os.sysconf("SC_PAGE_SIZE")

    def peak_bytes_while(self, work: Callable[[], object]) -> int:
        """The highest resident set from before the work until its end."""
        peak, ended = self.resident_bytes(), threading.Event()

        def watch() -> None:
            nonlocal peak
            while not ended.wait(_SAMPLE_SECONDS):
                peak = max(peak, self.resident_bytes())

        with ThreadPoolExecutor(1) as watcher:
            watching = watcher.submit(watch)
            try:
                work()
            finally:
                ended.set()
        watching.result()
        return peak

    def _processes(self) -> list[Path]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [Path("/proc", pid) for pid in (str(self.pid), *children)]


def run_exporter(storage: Path) -> AbstractContextManager[Server]:
    """`tag-compliance serve`, yielded when `/ready` returns 200."""
    port = free_port()
    config = storage.parent / "none.yaml"
    arguments = ("--config", str(config), "--host", "127.0.0.1", "--port", str(port))
    command = program("serve", *arguments, "--log-level", "error")
    environment = clean_environment(TAG_COMPLIANCE_STORAGE=str(storage))
    server = Server("exporter", port, "/metrics")
    return _running(server, command, environment, storage.parent, "/ready")


def nginx_program() -> str | None:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/sbin")


def run_nginx(nginx: str, root: Path, file: str) -> AbstractContextManager[Server]:
    """One worker that sends the plain and the compressed file by `sendfile`."""
    port, folder = free_port(), root.parent
    user = "user root;" if os.geteuid() == 0 else ""
    settings = folder / "nginx.conf"
    settings.write_text(_NGINX.format(folder=folder, root=root, port=port, user=user))
    command = [nginx, "-c", str(settings), "-p", str(folder)]
    server = Server("nginx", port, f"/{file}")
    return _running(server, command, clean_environment(), folder, server.path)


@contextlib.contextmanager
def _running(
    server: Server, command: list[str], environment: dict[str, str], folder: Path, ready_path: str
) -> Iterator[Server]:
    started, log = time.perf_counter(), folder / f"{server.name}.log"
    with running(command, log, env=environment) as process:
        url = f"http://127.0.0.1:{server.port}{ready_path}"
        eventually(lambda: fetch(url), pause=0.005, explain=log.read_text)
        server.ready_seconds = time.perf_counter() - started
        server.pid = process.pid
        yield server
