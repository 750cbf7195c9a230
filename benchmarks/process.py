"""Runs commands and functions in other processes; measures wall time, CPU time and memory."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tag_compliance_tests.support.environment import isolated

MB = 1_000_000


class CommandFailed(Exception):
    """A measured command failed."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one process and the children it waited for; the memory is the peak resident set."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


def measure(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    stdout: Path | None = None,
) -> Usage:
    """Runs a command to its end; raises `CommandFailed` if the exit code is not 0.

    The kernel includes the memory that the process had before `exec`, a copy of the caller's. So
    the caller must stay small: benchmarks run everything large in another process.
    """
    output = stdout or Path(os.devnull)
    with output.open("wb") as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        # `wait4` has already waited for the process; without this `Popen` would wait again.
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            err.seek(0)
            raise _failure(command, process.returncode, err.read())
    return Usage(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def median_of(runs: Sequence[Usage]) -> Usage:
    """The medians of several runs of one command, and the highest of their peaks."""
    return Usage(
        statistics.median(run.wall_seconds for run in runs),
        statistics.median(run.cpu_seconds for run in runs),
        max(run.peak_bytes for run in runs),
    )


def program(*arguments: str) -> list[str]:
    """The command line of `tag-compliance` in this interpreter."""
    return [sys.executable, "-m", "tag_compliance", *arguments]


def call(function: str, *arguments: Any) -> Any:
    """Calls a function of this package, named `module.function`, in a new process.

    Arguments and result are JSON values. The process has only the settings of
    `clean_environment`. Raises `CommandFailed` if the function raises.
    """
    module, name = function.split(".")
    code = (
        f"import json, sys; from benchmarks.{module} import {name} as function; "
        "print(json.dumps(function(*json.loads(sys.argv[1]))))"
    )
    command = [sys.executable, "-c", code, json.dumps(arguments)]
    done = subprocess.run(command, env=clean_environment(), capture_output=True, check=False)
    if done.returncode:
        raise _failure([function, *map(str, arguments)], done.returncode, done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def clean_environment(**more: str) -> dict[str, str]:
    """The environment of this process without settings of AWS, Dagster, proxies or the program."""
    return isolated(os.environ, Path(os.devnull)) | more


class Stopwatch:
    """`phases` maps each name to (wall seconds, CPU seconds) of this process."""

    def __init__(self) -> None:
        self.phases: dict[str, tuple[float, float]] = {}

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.phases[name] = (time.perf_counter() - wall, time.process_time() - cpu)


def _failure(command: Sequence[str], code: int, stderr: bytes) -> CommandFailed:
    end = stderr.decode(errors="replace")[-2000:]
    return CommandFailed(f"{' '.join(command)} exited with {code}: {end}")
