"""Sample snapshots, published as the pipeline publishes them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tag_compliance.snapshot.status import (
    AccountStatus,
    LastScan,
    Outcome,
    RegionStatus,
    ScanStatus,
    TagStatus,
)
from tag_compliance.snapshot.store import SnapshotStore
from tag_compliance.storage.folder import FolderStorage

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)

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


def scan_status(made_at: datetime | None = None, **changes: object) -> ScanStatus:
    """One account, one region, 3 of 4 resources compliant."""
    made_at = made_at or datetime.now(UTC)
    account = AccountStatus("111122223333", "shop", True, made_at, (region_status(made_at),))
    status = ScanStatus(
        scan_started_at=made_at - timedelta(seconds=20),
        made_at=made_at,
        outcome=Outcome.COMPLETE,
        stale_after_seconds=900,
        resources=4,
        compliant=3,
        accounts=(account,),
        tags=(TagStatus("Owner", 1),),
        failures=(),
        version="0.1.0",
    )
    return replace(status, **changes)  # type: ignore[arg-type]


def region_status(at: datetime | None, **changes: object) -> RegionStatus:
    status = RegionStatus("eu-west-1", "ok", "", 4, 1.5, at, 75.0)
    return replace(status, **changes)  # type: ignore[arg-type]


def failed_scan(ended_at: datetime, *failures: str) -> LastScan:
    return LastScan(ended_at - timedelta(seconds=5), ended_at, Outcome.NOTHING, failures)
