"""Whether the exporter's data can be relied on, and why not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from textwrap import shorten

from tag_compliance.domain.clock import CLOCK_TOLERANCE
from tag_compliance.domain.read_status import Outcome
from tag_compliance.exporter.formatting import format_duration
from tag_compliance.exporter.snapshot_watcher import State

_MAX_FAILURES = 3
_MAX_FAILURE_CHARACTERS = 160


@dataclass(frozen=True, slots=True)
class Health:
    """`reasons` make the exporter unhealthy; `remarks` do not."""

    reasons: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def healthy(self) -> bool:
        return not self.reasons


def evaluate_health(state: State, now: datetime) -> Health:
    """Reports all problems together, so that fixing one does not just reveal the next."""
    reasons: list[str] = []
    remarks: list[str] = []
    if state.failure:
        reasons.append(state.failure.message)
    if state.last_scan and state.last_scan.outcome is Outcome.NOTHING:
        reasons.append(f"the last scan failed: {_summarize(state.last_scan.failures)}")
    if state.snapshot is None:
        return Health(tuple(reasons) or ("no snapshot has been published yet",), ())
    status = state.snapshot.status
    # Measured from the start of the scan, when its oldest data was read.
    age = now - status.scan_started_at
    limit = timedelta(seconds=status.stale_after_seconds)
    if age > limit:
        old, most = format_duration(age), format_duration(limit)
        reasons.append(f"the snapshot is {old} old; the limit is {most}")
    if (ahead := status.made_at - now) > CLOCK_TOLERANCE:
        reasons.append(
            f"the snapshot is from the future: it was made {format_duration(ahead)} after the time "
            "of this host; correct the clock that is wrong, then scan again"
        )
    if status.outcome is Outcome.PARTIAL:
        remarks.append(f"the last scan is partial: {_summarize(status.failures)}")
    if status.discovery_failure:
        remarks.append(_summarize((status.discovery_failure,)))
    if state.missing_files:
        missing = ", ".join(state.missing_files)
        remarks.append(
            f"files of the snapshot are missing from the storage: {missing}; "
            "after a restart this snapshot could not be served"
        )
    return Health(tuple(reasons), tuple(remarks))


def _summarize(failures: tuple[str, ...]) -> str:
    """The first failures, shortened. The status page shows the full messages."""
    shown = [
        shorten(failure, _MAX_FAILURE_CHARACTERS, placeholder=" …")
        for failure in failures[:_MAX_FAILURES]
    ]
    more = len(failures) - _MAX_FAILURES
    return "; ".join([*shown, f"and {more} more"] if more > 0 else shown)
