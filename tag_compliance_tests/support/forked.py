"""The program for the price of a fork: a process that has imported everything forks for each run.

A test that needs a process of the program, for signals, streams or its own kill, saves the second
that the imports take. `python -m tag_compliance_tests.support.forked FD` serves the socket FD: each
message is a JSON list and comes with four descriptors, the streams of the run and one for what is
reported of it: its process id, and, when it has ended, its exit code or, negative, its signal.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tag_compliance_tests.support.child import prepare_child
from tag_compliance_tests.support.waiting import DEADLINE_SECONDS

Stream = int | IO[str]
"""`subprocess.PIPE`, a descriptor or a file, as for `subprocess.Popen`."""

_MOST_BYTES = 200_000
_IMPORTED_BY_A_SCAN = (
    "tag_compliance.cli.main",
    "tag_compliance.cli.single_scan",
    "tag_compliance.cli.check_config",
    "tag_compliance.cli.doctor",
    "tag_compliance.pipeline.run_once",
    "dagster._core.storage.sqlite_storage",
)


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
        """All of stdout and stderr, as far as they are pipes; the process has then ended."""
        streams = [stream for stream in (self.stdout, self.stderr) if stream]
        with ThreadPoolExecutor(2) as pool:
            reading = {stream: pool.submit(stream.read) for stream in streams}
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
            texts = {stream: future.result() for stream, future in reading.items()}
        self._close()
        out, err = (texts[stream] if stream else "" for stream in (self.stdout, self.stderr))
        return out, err

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()
        self.wait()

    def _close(self) -> None:
        for stream in (self.stdout, self.stderr):
            if stream:
                stream.close()


class ForkServer:
    """Starts its process with the first run; runs may be under way at the same time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process:
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
        """A new run, in a session of its own; its files may have `file_bytes`, if that is not 0."""
        self._start_process()
        request = json.dumps([arguments, str(folder), dict(environment), file_bytes])
        with contextlib.ExitStack() as given:
            stdin = given.enter_context(Path(os.devnull).open("rb"))
            report, reported = _pipe(given)
            out, written = _opened(stdout, given)
            err, error_written = _opened(stderr, given)
            descriptors = [stdin.fileno(), written, error_written, reported]
            socket.send_fds(self._requests, [request.encode()], descriptors)
        return ForkedProcess(arguments, report, out, err)

    def _start_process(self) -> None:
        if self._process is None:
            self._requests, served = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with served:
                number = served.fileno()
                command = [sys.executable, "-m", __name__, str(number)]
                self._process = subprocess.Popen(command, pass_fds=[number])


def _pipe(given: contextlib.ExitStack) -> tuple[IO[str], int]:
    """A file to read, and the descriptor to be given away."""
    reader, writer = os.pipe()
    given.callback(os.close, writer)
    return os.fdopen(reader, encoding="utf-8"), writer


def _opened(stream: Stream, given: contextlib.ExitStack) -> tuple[IO[str] | None, int]:
    if stream == subprocess.PIPE:
        return _pipe(given)
    return None, stream if isinstance(stream, int) else stream.fileno()


def serve_forks(requests: socket.socket) -> Callable[[], int] | None:
    """In a run: the program, to be called; in the server: None, after the last request."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in _IMPORTED_BY_A_SCAN:
            importlib.import_module(module)
    while True:
        request, descriptors, _, _ = socket.recv_fds(requests, _MOST_BYTES, 4)
        _wait_for_those_that_ended()
        if not request:
            return None
        if os.fork() == 0:
            requests.close()
            return _report(json.loads(request), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _wait_for_those_that_ended() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _report(request: list[object], *descriptors: int) -> Callable[[], int]:
    """Forks once more: the child is the run, the parent reports of it and ends."""
    *streams, reported = descriptors
    pid = os.fork()
    if pid == 0:
        os.close(reported)
        return _prepared(streams, *request)  # type: ignore[arg-type]
    for descriptor in streams:
        os.close(descriptor)
    with os.fdopen(reported, "w") as report, contextlib.suppress(BrokenPipeError):
        print(pid, file=report, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), file=report, flush=True)
    os._exit(0)


def _prepared(
    streams: Sequence[int],
    arguments: list[str],
    folder: str,
    environment: dict[str, str],
    file_bytes: int,
) -> Callable[[], int]:
    from tag_compliance.cli.main import main

    os.setsid()
    os.chdir(folder)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(environment)
    prepare_child(file_bytes)
    return lambda: main(arguments)


if __name__ == "__main__":
    program = serve_forks(socket.socket(fileno=int(sys.argv[1])))
    # Ending as the real program ends: with all that the interpreter does at its exit.
    sys.exit(program() if program else 0)
