"""Runs the exporter and nginx, and reads their CPU time and memory from /proc."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.process import clean_environment, program
from tag_compliance_tests.support.loopback import free_port

_START_TIMEOUT_SECONDS = 30.0
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


@dataclass(frozen=True, slots=True)
class Server:
    """A server on loopback, and the path of its exposition."""

    name: str
    port: int
    path: str
    pid: int
    ready_seconds: float

    def cpu_seconds(self) -> float:
        """The CPU time so far of the process, its threads and its children."""
        return sum(_cpu_seconds(pid) for pid in self._family())

    def resident_bytes(self) -> int:
        return sum(_status(pid, "VmRSS") for pid in self._family())

    def _family(self) -> list[int]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]


@contextlib.contextmanager
def run_exporter(storage: Path) -> Iterator[Server]:
    """`tag-compliance serve`, yielded when `/ready` returns 200."""
    port = free_port()
    config = storage.parent / "none.yaml"
    arguments = ("--config", str(config), "--host", "127.0.0.1", "--port", str(port))
    command = program("serve", *arguments, "--log-level", "error")
    environment = clean_environment(TAG_COMPLIANCE_STORAGE=str(storage))
    with _running(command, environment) as (process, started):
        _wait_for(process, port, b"/ready", started)
        ready = time.perf_counter() - started
        yield Server("exporter", port, "/metrics", process.pid, ready)


def nginx_program() -> str | None:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/sbin")


@contextlib.contextmanager
def run_nginx(root: Path, path: str, folder: Path) -> Iterator[Server]:
    """One worker that sends the plain and the compressed file by `sendfile`."""
    port = free_port()
    user = "user root;" if os.geteuid() == 0 else ""
    settings = folder / "nginx.conf"
    settings.write_text(_NGINX.format(folder=folder, root=root, port=port, user=user))
    command = [nginx_program() or "nginx", "-c", str(settings), "-p", str(folder)]
    with _running(command, clean_environment()) as (process, started):
        _wait_for(process, port, path.encode(), started)
        ready = time.perf_counter() - started
        yield Server("nginx", port, path, process.pid, ready)


@contextlib.contextmanager
def _running(
    command: list[str], environment: dict[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    started = time.perf_counter()
    with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL) as process:
        try:
            yield process, started
        finally:
            process.terminate()


def _wait_for(process: subprocess.Popen[bytes], port: int, path: bytes, started: float) -> None:
    while time.perf_counter() - started < _START_TIMEOUT_SECONDS and process.poll() is None:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), timeout=5) as connection,
        ):
            connection.sendall(b"HEAD %b HTTP/1.1\r\nHost: localhost\r\n\r\n" % path)
            if connection.recv(64).startswith(b"HTTP/1.1 200"):
                return
        time.sleep(0.005)
    raise RuntimeError(
        f"port {port} did not return 200 for {path.decode()} within {_START_TIMEOUT_SECONDS:g} s"
    )


def _cpu_seconds(pid: int) -> float:
    """From the scheduler's nanoseconds; `/proc/PID/stat` has a resolution of only 10 ms."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def _status(pid: int, key: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    return 0
