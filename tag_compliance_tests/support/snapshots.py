"""Sample snapshots, published as the pipeline publishes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from tag_compliance.domain.account import AccountId, AccountName, RegionName
from tag_compliance.domain.counts import Counts
from tag_compliance.domain.read_status import Outcome
from tag_compliance.snapshot.appendable_gzip import Appendable, compress
from tag_compliance.snapshot.status import (
    AccountStatus,
    LastScan,
    RegionStatus,
    ScanStatus,
    TagStatus,
)
from tag_compliance.snapshot.store import Snapshot, SnapshotStore
from tag_compliance.storage.folder import FolderStorage

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
FORMAT_1 = Path(__file__).parent.parent / "snapshot" / "format_1"
"""The storage of a program that wrote format 1: three resources of one account are counted, two of
them are compliant, and another account could not be read.
"""

COUNTS = Counts(returned=6, excluded=2, counted=4, compliant=3)

EXPOSITION = b"""\
# HELP compliance_percentage Share of resources that carry every required tag.
# TYPE compliance_percentage gauge
compliance_percentage{account_name="shop",account_id="111122223333",region="eu-west-1"} 75
"""


def open_store(folder: Path) -> SnapshotStore:
    return SnapshotStore(FolderStorage(folder))


def publish(folder: Path, exposition: bytes = EXPOSITION, status: ScanStatus | None = None) -> str:
    """Publishes a snapshot, by default a fresh one of a complete scan, and returns its id."""
    snapshot_id = open_store(folder).publish(exposition, status or scan_status())
    assert snapshot_id is not None
    return snapshot_id


def publish_all(root: Path, minutes: Sequence[int], start: Barrier) -> None:
    """Publishes the scans of these minutes; after each one it deletes all but the newest."""
    store = open_store(root)
    start.wait()
    for minute in minutes:
        store.publish(exposition_of(minute, 1000), status_of(minute))
        store.retain(1)


def snapshot_with(status: ScanStatus) -> Snapshot:
    """A snapshot in memory, without samples."""
    return Snapshot("id", status, b"", Appendable.of(compress(b"")))


def scan_status(made_at: datetime | None = None, **changes: Any) -> ScanStatus:
    """One account with one region, whose numbers are `COUNTS`."""
    made_at = made_at or datetime.now(UTC)
    status = ScanStatus(
        scan_started_at=made_at - timedelta(seconds=20),
        made_at=made_at,
        outcome=Outcome.COMPLETE,
        stale_after_seconds=900,
        counts=COUNTS,
        accounts=(account_status("shop", region_status(made_at)),),
        tags=(TagStatus("Owner", 1),),
        failures=(),
        version="0.1.0",
        samples=1,
    )
    return replace(status, **changes)


def status_of(minutes: int = 0, **changes: Any) -> ScanStatus:
    """The status of a scan that started so many minutes after noon."""
    return scan_status(NOON + timedelta(minutes=minutes, seconds=20), **changes)


def exposition_of(minutes: int, lines: int = 1) -> bytes:
    """A valid exposition that differs from those of other minutes."""
    return b"".join(b'scan{line="%d"} %d\n' % (line, minutes) for line in range(lines))


def account_status(name: str, *regions: RegionStatus) -> AccountStatus:
    """An account; it was fully read if all its regions were."""
    succeeded = all(region.reason == "ok" for region in regions)
    at = min((r.last_success_at for r in regions if r.last_success_at), default=None)
    id_ = AccountId("111122223333")
    return AccountStatus(id_, AccountName(name), succeeded, at if succeeded else None, regions)


def region_status(
    at: datetime | None, reason: str = "ok", counts: Counts | None = None, **changes: Any
) -> RegionStatus:
    """A region that was read, with `COUNTS` unless given, or one that was not and has none."""
    if reason == "ok":
        counts = counts or COUNTS
    status = RegionStatus(RegionName("eu-west-1"), reason, "", 1.5, at, counts)
    return replace(status, **changes)


def failed_scan(ended_at: datetime, *failures: str) -> LastScan:
    return LastScan(ended_at - timedelta(seconds=5), ended_at, Outcome.NOTHING, failures)
