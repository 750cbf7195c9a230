"""What a command costs, as the kernel accounts for it: wall time, CPU, peak memory."""

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
    """A measured command ended otherwise than it should have."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one process and those that it has waited for; memory is the peak of the resident set."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Medians:
    """Of several runs of one command; the peak is the highest."""

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
    """Runs a command to its end; raises `CommandFailed` where that is not exit code 0.

    The kernel counts what a process held before it became the command as the command's own, so the
    process that calls this must stay small: whatever is heavy here runs in a process of its own.
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
    # It has been waited for already; this keeps `Popen` from looking for it once more.
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise CommandFailed(f"{' '.join(command)} ended with {process.returncode}")
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


def answer_of(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Any:
    """What a command prints as JSON on the last line of its stdout."""
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    if done.returncode:
        told = done.stderr.decode(errors="replace")[-2000:]
        raise CommandFailed(f"{' '.join(command)} ended with {done.returncode}: {told}")
    return json.loads(done.stdout.splitlines()[-1])


def clean_environment(**more: str) -> dict[str, str]:
    """This process's, without what would lead the program elsewhere."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "TAG_COMPLIANCE_", "DAGSTER_"))
        and name.upper() not in {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}
    }
    # boto3 would look for an instance's role where other credentials are missing.
    return kept | {"AWS_EC2_METADATA_DISABLED": "true", **more}
