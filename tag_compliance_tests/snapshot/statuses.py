"""The status and the exposition of a scan, for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tag_compliance.domain.account import AccountId, AccountName, RegionName
from tag_compliance.domain.counts import Counts
from tag_compliance.domain.read_status import Outcome
from tag_compliance.snapshot.status import AccountStatus, RegionStatus, ScanStatus

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def status_of(minutes: int = 0, outcome: Outcome = Outcome.COMPLETE) -> ScanStatus:
    """The status of a scan that started so many minutes after noon."""
    at = NOON + timedelta(minutes=minutes)
    counts = Counts(returned=3, excluded=1, counted=2, compliant=1)
    region = RegionStatus(RegionName("eu-west-1"), "ok", "", 1.5, at, counts)
    return ScanStatus(
        scan_started_at=at,
        made_at=at + timedelta(seconds=20),
        outcome=outcome,
        stale_after_seconds=900,
        counts=counts,
        accounts=(
            AccountStatus(AccountId("111122223333"), AccountName('sh"op'), True, at, (region,)),
        ),
        tags=(),
        failures=(),
        version="0.1.0",
    )


def exposition_of(minutes: int, lines: int = 1) -> bytes:
    """A valid exposition that differs from those of other minutes."""
    return b"".join(b'scan{line="%d"} %d\n' % (line, minutes) for line in range(lines))
