"""What the program's exit codes mean; a contract with pipelines and cron jobs."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Of every command; `PARTIAL` is for `scan` alone."""

    COMPLETE = 0
    FAILED = 1
    USAGE = 2
    PARTIAL = 3
