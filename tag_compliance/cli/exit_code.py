"""The program's exit codes: a contract with pipelines and cron jobs."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of all commands; only `scan` uses `PARTIAL`."""

    COMPLETE = 0
    FAILED = 1
    USAGE = 2
    PARTIAL = 3
