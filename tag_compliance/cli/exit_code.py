"""The program's exit codes: a contract with pipelines and cron jobs."""

from __future__ import annotations

from enum import IntEnum
from typing import Self

from tag_compliance.domain.read_status import Outcome


class ExitCode(IntEnum):
    """Exit codes of all commands; only `scan` uses `PARTIAL`."""

    COMPLETE = 0
    FAILED = 1
    USAGE = 2
    PARTIAL = 3

    @classmethod
    def of(cls, outcome: Outcome) -> Self:
        """The exit code of a scan with this outcome."""
        return cls["FAILED" if outcome is Outcome.NOTHING else outcome.name]
