"""The latest scan as the storage has it: the basis of `report`, `explain`, `policy preview`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from tag_compliance.config import storage_of
from tag_compliance.domain.read_status import Outcome
from tag_compliance.errors import NothingPublished
from tag_compliance.logs import get_logger, on_one_line
from tag_compliance.pipeline.merge import merge_stored
from tag_compliance.pipeline.stored_findings import StoredFindings
from tag_compliance.pipeline.stored_scan import load_scan_config, load_scan_times
from tag_compliance.snapshot.layout import CURRENT, current_in
from tag_compliance.snapshot.status import LastScan, ScanStatus
from tag_compliance.snapshot.store import SnapshotStore
from tag_compliance.storage.open import open_storage

_SHOWN_DOUBTS = 5


@dataclass(frozen=True)
class LatestScan:
    """The current snapshot's status, and the findings behind its numbers."""

    snapshot_id: str
    status: ScanStatus
    last_scan: LastScan | None
    findings: StoredFindings

    def doubts(self, now: datetime) -> list[str]:
        """Why the findings are incomplete or too old, one line each; none if they are neither."""
        doubts: list[str] = []
        if self.last_scan and self.last_scan.outcome is Outcome.NOTHING:
            doubts += [f"the last scan failed: {line}" for line in self.last_scan.failures]
        results = self.findings.merged.results
        if Outcome.PARTIAL in {results.outcome, self.status.outcome}:
            unread = dict.fromkeys((*results.failures, *self.status.failures))
            doubts += [f"not read: {line}" for line in unread]
        age = now - self.status.scan_started_at
        if age > timedelta(seconds=self.status.stale_after_seconds):
            at = f"{self.status.scan_started_at:%Y-%m-%d %H:%M:%S} UTC"
            doubts.append(f"the snapshot is stale: its scan started at {at}")
        return doubts


def doubt_lines(doubts: Sequence[str]) -> list[str]:
    """The first doubts for a person, and how many more there are."""
    shown = list(doubts[:_SHOWN_DOUBTS])
    if len(doubts) > _SHOWN_DOUBTS:
        shown.append(f"and {len(doubts) - _SHOWN_DOUBTS} more")
    return [on_one_line(f"incomplete: {line}") for line in shown]


def load_latest_scan(
    config_path: Path, environment: Mapping[str, str], *, with_findings: bool = True
) -> LatestScan:
    """Reads only the key `storage` of the configuration; the rest is as the scan stored it.

    `with_findings` is as in `merge_stored`. Raises `NothingPublished`, and `TagComplianceError` for
    what cannot be read.
    """
    storage = open_storage(storage_of(config_path, environment))
    config, status = load_scan_config(storage), SnapshotStore(storage).status()
    if config is None or status is None:
        raise NothingPublished(storage.uri)
    stored = storage.read(CURRENT)
    current = current_in(stored.data if stored else None)
    snapshot_id = current.snapshot.snapshot_id if current.snapshot else ""
    warn = get_logger(__name__).warning
    times = load_scan_times(storage, warn)
    merged = merge_stored(config, storage, warn, times, with_findings=with_findings)
    findings = StoredFindings(config, merged, storage, warn)
    return LatestScan(snapshot_id, status, current.last_scan, findings)
