"""Scans at the price of a fork: a process that has imported everything, and forks for each one.

Run as `python -m tag_compliance_tests.endurance.forked`: each line of its standard input is a JSON
list of the program's arguments, variables of its environment and the bytes that a file of it may
have; it answers with the child's process id, and with its exit code or, negative, its signal.
"""

from __future__ import annotations

import fcntl
import importlib
import json
import os
import resource
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tag_compliance.cli.main import main as program

_MOST_OUTPUT = 1_000_000
_IMPORTED_BY_A_SCAN = (
    "tag_compliance.cli.single_scan",
    "tag_compliance.pipeline.launch",
    "dagster._core.storage.sqlite_storage",
)


class ForkedScans:
    """The forking process, as a test holds it; one child at a time."""

    def __init__(self, log: Path, environment: Mapping[str, str]) -> None:
        self._log = log
        self._environment = environment

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tag_compliance_tests.endurance.forked", str(self._log)],
            env=dict(self._environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.communicate()

    def start(
        self, arguments: Sequence[str], environment: Mapping[str, str], file_bytes: int = 0
    ) -> int:
        """The process id of a new run, whose files may have that many bytes, if it is not 0."""
        assert self._process.stdin is not None
        line = json.dumps([arguments, dict(environment), file_bytes])
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._answer()

    def wait(self) -> int:
        """How the run ended."""
        return self._answer()

    def run(
        self, arguments: Sequence[str], environment: Mapping[str, str], file_bytes: int = 0
    ) -> int:
        self.start(arguments, environment, file_bytes)
        return self.wait()

    def _answer(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


def serve_forks(log: Path) -> None:
    for module in _IMPORTED_BY_A_SCAN:
        importlib.import_module(module)
    for line in sys.stdin:
        # A file would be under the limit that the child is given.
        reader, writer = os.pipe()
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, _MOST_OUTPUT)
        os.set_blocking(reader, False)
        pid = os.fork()
        if pid == 0:
            os._exit(_run(writer, *json.loads(line)))
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        os.close(writer)
        with os.fdopen(reader, "rb") as output, log.open("ab") as file:
            file.write(output.read(_MOST_OUTPUT) or b"")
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(output: int, arguments: list[str], environment: dict[str, str], file_bytes: int) -> int:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.update(environment)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    try:
        if file_bytes:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
        return program(arguments)
    except BaseException:  # noqa: BLE001 - as the interpreter would
        traceback.print_exc()
        return 1
    finally:
        sys.stderr.flush()


if __name__ == "__main__":
    serve_forks(Path(sys.argv[1]))
