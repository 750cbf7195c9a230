"""When the exporter is healthy, and the reasons when it is not."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tag_compliance.domain.read_status import Outcome
from tag_compliance.exporter.health import evaluate_health
from tag_compliance.exporter.loaded_snapshot import LoadedSnapshot
from tag_compliance.exporter.snapshot_watcher import PollFailure, State
from tag_compliance.snapshot.appendable_gzip import compress
from tag_compliance.snapshot.store import Snapshot
from tag_compliance_tests.exporter.snapshots import NOON, failed_scan, scan_status

COMPLETE = LoadedSnapshot.of(Snapshot("a", scan_status(NOON), b"", compress(b"")))
PARTIAL = LoadedSnapshot.of(
    Snapshot(
        "b",
        scan_status(NOON, outcome=Outcome.PARTIAL, failures=("1", "2", "3", "4")),
        b"",
        compress(b""),
    )
)
MISSING = (
    "files of the snapshot are missing from the storage: metrics.txt; "
    "after a restart there would be no snapshot to serve"
)
LATER = NOON + timedelta(minutes=30)


@pytest.mark.parametrize(
    ("state", "now", "reasons", "remarks"),
    [
        (State(), NOON, ("no snapshot has been published yet",), ()),
        (State(COMPLETE), NOON, (), ()),
        (State(COMPLETE), NOON + timedelta(minutes=14, seconds=40), (), ()),
        (
            State(COMPLETE),
            NOON + timedelta(minutes=14, seconds=41),
            ("the snapshot is 15 min 1 s old; the limit is 15 min",),
            (),
        ),
        (
            State(COMPLETE, missing_files=("metrics.txt",)),
            NOON,
            (),
            (MISSING,),
        ),
        (State(COMPLETE), LATER, ("the snapshot is 30 min 20 s old; the limit is 15 min",), ()),
        (State(COMPLETE), NOON - timedelta(hours=1), (), ()),
        (State(PARTIAL), NOON, (), ("the last scan is partial: 1; 2; 3; and 1 more",)),
        (State(None, None, PollFailure("unreadable", True)), NOON, ("unreadable",), ()),
        (
            State(PARTIAL, failed_scan(NOON, "denied"), PollFailure("unreadable", True)),
            LATER,
            (
                "unreadable",
                "the last scan failed: denied",
                "the snapshot is 30 min 20 s old; the limit is 15 min",
            ),
            ("the last scan is partial: 1; 2; 3; and 1 more",),
        ),
    ],
)
def test_all_reasons_are_reported_together_and_a_partial_scan_is_only_a_remark(
    state: State, now: datetime, reasons: tuple[str, ...], remarks: tuple[str, ...]
) -> None:
    health = evaluate_health(state, now)
    assert (health.reasons, health.remarks) == (reasons, remarks)
    assert health.healthy is (not reasons)
