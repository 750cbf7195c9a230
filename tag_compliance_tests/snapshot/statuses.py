"""The status of a scan, for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tag_compliance.snapshot.status import AccountStatus, Outcome, RegionStatus, ScanStatus

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def status_of(minutes: int = 0, outcome: Outcome = Outcome.COMPLETE) -> ScanStatus:
    """The status of a scan that started so many minutes after noon."""
    at = NOON + timedelta(minutes=minutes)
    region = RegionStatus("eu-west-1", "ok", "", 2, 1.5, at, 50.0)
    return ScanStatus(
        scan_started_at=at,
        made_at=at + timedelta(seconds=20),
        outcome=outcome,
        stale_after_seconds=900,
        resources=2,
        compliant=1,
        accounts=(AccountStatus("111122223333", 'sh"op', True, at, (region,)),),
        tags=(),
        failures=(),
        version="0.1.0",
    )
