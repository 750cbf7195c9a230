"""Runs of the program in processes that are forked from one that has imported everything.

A test that needs a process, for signals or streams, saves the second that the imports take.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Self

from tag_compliance_tests.support.environment import isolated
from tag_compliance_tests.support.waiting import DEADLINE_SECONDS

Stream = int | IO[str]
"""`subprocess.PIPE`, a descriptor or a file, as for `subprocess.Popen`."""

_SERVER = "tag_compliance_tests.support.fork_server"


class ForkedProcess:
    """A run of the program, with the methods of `subprocess.Popen` that the tests use."""

    def __init__(
        self, args: Sequence[str], report: IO[str], stdout: IO[str] | None, stderr: IO[str] | None
    ) -> None:
        self.args = args
        self.stdout = stdout
        self.stderr = stderr
        self.returncode: int | None = None
        self._report = report
        self.pid = int(report.readline())

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float = DEADLINE_SECONDS) -> int:
        if self.returncode is None:
            if not select.select([self._report], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout)
            self.returncode = int(self._report.readline())
            self._report.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float = DEADLINE_SECONDS) -> tuple[str, str]:
        """Waits for the end of the process; returns stdout and stderr, empty if not pipes.

        Closes them. After the timeout, the process is killed.
        """
        try:
            with ThreadPoolExecutor(2) as pool:
                streams = (self.stdout, self.stderr)
                reading = [pool.submit(stream.read) if stream else None for stream in streams]
                try:
                    self.wait(timeout)
                except subprocess.TimeoutExpired:
                    self.kill()
                    self.wait()
                    raise
                out, err = (future.result() if future else "" for future in reading)
        finally:
            self._close()
        return out, err

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        self.wait()

    def _close(self) -> None:
        for stream in (self.stdout, self.stderr):
            if stream:
                stream.close()


class ForkServer:
    """The process that forks for each run; several runs may be in progress at the same time."""

    def __enter__(self) -> Self:
        self._requests, served = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with served:
            command = [sys.executable, "-m", _SERVER, str(served.fileno())]
            environment = isolated(os.environ, Path(tempfile.gettempdir()))
            self._process = subprocess.Popen(command, env=environment, pass_fds=[served.fileno()])
        return self

    def __exit__(self, *_: object) -> None:
        self._requests.close()
        self._process.wait(DEADLINE_SECONDS)

    def start(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        stdout: Stream = subprocess.PIPE,
        stderr: Stream = subprocess.PIPE,
        file_bytes: int = 0,
    ) -> ForkedProcess:
        """A new run in a new session; its files have at most `file_bytes`, unless that is 0."""
        request = json.dumps([arguments, str(folder), dict(environment), file_bytes])
        with contextlib.ExitStack() as given:
            stdin = given.enter_context(Path(os.devnull).open("rb"))
            report, reported = _pipe(given)
            out, written = _opened(stdout, given)
            err, error_written = _opened(stderr, given)
            descriptors = [stdin.fileno(), written, error_written, reported]
            socket.send_fds(self._requests, [request.encode()], descriptors)
        return ForkedProcess(arguments, report, out, err)


def _pipe(given: contextlib.ExitStack) -> tuple[IO[str], int]:
    """The read end as a file, and the descriptor of the write end, which is closed after use."""
    reader, writer = os.pipe()
    given.callback(os.close, writer)
    return os.fdopen(reader, encoding="utf-8"), writer


def _opened(stream: Stream, given: contextlib.ExitStack) -> tuple[IO[str] | None, int]:
    if stream == subprocess.PIPE:
        return _pipe(given)
    return None, stream if isinstance(stream, int) else stream.fileno()
