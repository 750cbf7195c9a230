"""When the exporter is healthy, and the reasons when it is not."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tag_compliance.domain.read_status import Outcome
from tag_compliance.exporter.health import evaluate_health
from tag_compliance.exporter.snapshot_watcher import PollFailure, State
from tag_compliance_tests.support.snapshots import NOON, failed_scan, scan_status, snapshot_with

COMPLETE = snapshot_with(scan_status(NOON))
PARTIAL = snapshot_with(
    scan_status(NOON, outcome=Outcome.PARTIAL, failures=("1", "2", "3", "4")),
)
UNDISCOVERED = snapshot_with(
    scan_status(NOON, discovery_failure="AWS Organizations: access_denied: denied")
)
UNREADABLE = PollFailure("unreadable", True)
MISSING = (
    "files of the snapshot are missing from the storage: metrics.txt; "
    "after a restart this snapshot could not be served"
)
LIMIT = timedelta(minutes=14, seconds=40)
OLD = "the snapshot is 15 min 1 s old; the limit is 15 min"
FUTURE = (
    "the snapshot is from the future: it was made 5 min 1 s after the time of this host; "
    "correct the clock that is wrong, then scan again"
)
REMARK = "the last scan is partial: 1; 2; 3; and 1 more"


@pytest.mark.parametrize(
    ("state", "now", "reasons", "remarks"),
    [
        (State(), NOON, ["no snapshot has been published yet"], []),
        (State(COMPLETE), NOON - timedelta(minutes=5), [], []),
        (State(COMPLETE), NOON - timedelta(minutes=5, seconds=1), [FUTURE], []),
        (State(COMPLETE), NOON + LIMIT, [], []),
        (State(COMPLETE), NOON + LIMIT + timedelta(seconds=1), [OLD], []),
        (State(COMPLETE, missing_files=("metrics.txt",)), NOON, [], [MISSING]),
        (State(PARTIAL), NOON, [], [REMARK]),
        (State(UNDISCOVERED), NOON, [], ["AWS Organizations: access_denied: denied"]),
        (State(failure=UNREADABLE), NOON, ["unreadable"], []),
        (
            State(PARTIAL, failed_scan(NOON, "denied"), UNREADABLE),
            NOON + LIMIT + timedelta(seconds=1),
            ["unreadable", "the last scan failed: denied", OLD],
            [REMARK],
        ),
    ],
)
def test_all_reasons_are_reported_together_and_a_partial_scan_is_only_a_remark(
    state: State, now: datetime, reasons: list[str], remarks: list[str]
) -> None:
    health = evaluate_health(state, now)
    assert (list(health.reasons), list(health.remarks)) == (reasons, remarks)
    assert health.healthy is (not reasons)
