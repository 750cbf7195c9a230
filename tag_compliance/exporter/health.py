"""Whether the exporter's data can be relied on, and if not, why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from textwrap import shorten

from tag_compliance.exporter.watcher import State
from tag_compliance.exporter.wording import duration
from tag_compliance.snapshot.status import Outcome


@dataclass(frozen=True, slots=True)
class Health:
    """Healthy as long as there are no faults; remarks are worth knowing, and no fault."""

    faults: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def healthy(self) -> bool:
        return not self.faults


def judge(state: State, now: datetime) -> Health:
    """Everything that is wrong, so that nobody mends one thing to learn of the next."""
    faults: list[str] = []
    remarks: list[str] = []
    if state.fault:
        faults.append(state.fault.message)
    if state.last_scan and state.last_scan.outcome is Outcome.NOTHING:
        faults.append(f"the last scan failed: {_shortened(state.last_scan.failures)}")
    if state.served is None:
        if not faults:
            faults.append("no snapshot has been published yet")
        return Health(tuple(faults), ())
    status = state.served.status
    # Of the data: what the scan read first was read at its start.
    age = now - status.scan_started_at
    limit = timedelta(seconds=status.stale_after_seconds)
    if age > limit:
        faults.append(f"the snapshot is {duration(age)} old, and good for {duration(limit)}")
    if status.outcome is Outcome.PARTIAL:
        remarks.append(f"the last scan is partial: {_shortened(status.failures)}")
    if state.missing:
        gone = ", ".join(state.missing)
        remarks.append(f"gone from the storage: {gone}; a restart would find no snapshot to serve")
    return Health(tuple(faults), tuple(remarks))


def _shortened(failures: tuple[str, ...], most: int = 3) -> str:
    """The whole messages stand on the status page, beside their regions."""
    shown = [shorten(failure, 160, placeholder=" …") for failure in failures[:most]]
    more = len(failures) - most
    return "; ".join([*shown, f"and {more} more"] if more > 0 else shown)
