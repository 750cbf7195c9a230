"""From an interval in seconds to a cron schedule, whose smallest unit is a minute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often to scan: `cron` ticks at least that often; a tick counts if it `is_due`."""

    seconds: int

    @property
    def cron(self) -> str:
        """The coarsest expression with a tick at every multiple of the interval, if one exists."""
        if self.seconds % _DAY == 0:
            return "0 0 * * *"
        if self.seconds % _HOUR == 0:
            return _every(self.seconds // _HOUR, 24, "0 {} * * *")
        if self.seconds % _MINUTE == 0:
            return _every(self.seconds // _MINUTE, 60, "{} * * * *")
        return "* * * * *"

    def is_due(self, tick: datetime, last_scan: datetime | None) -> bool:
        """Whether a multiple of the interval lies between the last scan's start and this tick.

        Multiples are counted in Unix time: an interval of 90 seconds leads to two scans in three
        minutes, not to one scan in two minutes.
        """
        if last_scan is None:
            return True
        return int(tick.timestamp()) // self.seconds > int(last_scan.timestamp()) // self.seconds


def _every(n: int, of: int, form: str) -> str:
    return form.format(f"*/{n}" if 1 < n < of and of % n == 0 else "*")
