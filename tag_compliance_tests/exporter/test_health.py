"""What counts as healthy."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tag_compliance.exporter.health import judge
from tag_compliance.exporter.served import Served
from tag_compliance.exporter.watcher import Fault, State
from tag_compliance.snapshot.appendable_gzip import compress
from tag_compliance.snapshot.status import Outcome
from tag_compliance.snapshot.store import Snapshot
from tag_compliance_tests.exporter.snapshots import NOON, failed_scan, scan_status

COMPLETE = Served.of(Snapshot("a", scan_status(NOON), b"", compress(b"")))
PARTIAL = Served.of(
    Snapshot(
        "b",
        scan_status(NOON, outcome=Outcome.PARTIAL, failures=("1", "2", "3", "4")),
        b"",
        compress(b""),
    )
)
LATER = NOON + timedelta(minutes=30)


@pytest.mark.parametrize(
    ("state", "now", "faults", "remarks"),
    [
        (State(), NOON, ("no snapshot has been published yet",), ()),
        (State(COMPLETE), NOON, (), ()),
        (State(COMPLETE), NOON + timedelta(minutes=14, seconds=40), (), ()),
        (
            State(COMPLETE),
            NOON + timedelta(minutes=14, seconds=41),
            ("the snapshot is 15 min 1 s old, and good for 15 min",),
            (),
        ),
        (
            State(COMPLETE, missing=("metrics.txt",)),
            NOON,
            (),
            ("gone from the storage: metrics.txt; a restart would find no snapshot to serve",),
        ),
        (State(COMPLETE), LATER, ("the snapshot is 30 min 20 s old, and good for 15 min",), ()),
        (State(COMPLETE), NOON - timedelta(hours=1), (), ()),
        (State(PARTIAL), NOON, (), ("the last scan is partial: 1; 2; 3; and 1 more",)),
        (State(None, None, Fault("unreadable", True)), NOON, ("unreadable",), ()),
        (
            State(PARTIAL, failed_scan(NOON, "denied"), Fault("unreadable", True)),
            LATER,
            (
                "unreadable",
                "the last scan failed: denied",
                "the snapshot is 30 min 20 s old, and good for 15 min",
            ),
            ("the last scan is partial: 1; 2; 3; and 1 more",),
        ),
    ],
)
def test_every_fault_is_told_and_a_partial_scan_is_none(
    state: State, now: object, faults: tuple[str, ...], remarks: tuple[str, ...]
) -> None:
    health = judge(state, now)  # type: ignore[arg-type]
    assert (health.faults, health.remarks) == (faults, remarks)
    assert health.healthy is (not faults)
