"""Runs commands and measures wall time, CPU time and peak memory."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MB = 1_000_000


class CommandFailed(Exception):
    """A measured command failed."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one process and the children it waited for; the memory is the peak resident set."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Medians:
    """Of several runs of one command; `peak_bytes` is the maximum."""

    runs: int
    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    wall_spread: tuple[float, float]


def measure(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    stdout: Path | None = None,
    cwd: Path | None = None,
    stderr: Path | None = None,
) -> Usage:
    """Runs a command to its end; raises `CommandFailed` if the exit code is not 0.

    The kernel includes the memory that the process had before `exec`, a copy of the caller's. So
    the caller must stay small: benchmarks run everything large in another process.
    """
    with (
        (stdout or Path(os.devnull)).open("wb") as out,
        (stderr or Path(os.devnull)).open("wb") as err,
    ):
        started = time.perf_counter()
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=cwd
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    # `wait4` has already waited for the process; without this `Popen` would wait again.
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise CommandFailed(f"{' '.join(command)} exited with {process.returncode}")
    return Usage(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def medians(runs: Sequence[Usage]) -> Medians:
    walls = [run.wall_seconds for run in runs]
    return Medians(
        runs=len(runs),
        wall_seconds=statistics.median(walls),
        cpu_seconds=statistics.median(run.cpu_seconds for run in runs),
        peak_bytes=max(run.peak_bytes for run in runs),
        wall_spread=(min(walls), max(walls)),
    )


def program(*arguments: str) -> list[str]:
    """The command line of `tag-compliance` in this interpreter."""
    return [sys.executable, "-m", "tag_compliance", *arguments]


def module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"benchmarks.{name}", *arguments]


def read_json(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Any:
    """Runs a command and returns the JSON on the last line of its stdout."""
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    if done.returncode:
        stderr = done.stderr.decode(errors="replace")[-2000:]
        raise CommandFailed(f"{' '.join(command)} exited with {done.returncode}: {stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def clean_environment(**more: str) -> dict[str, str]:
    """The environment of this process without settings of AWS, Dagster, proxies or the program."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "TAG_COMPLIANCE_", "DAGSTER_"))
        and name.upper() not in {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}
    }
    # Without other credentials boto3 would ask the instance metadata service.
    return kept | {"AWS_EC2_METADATA_DISABLED": "true", **more}
