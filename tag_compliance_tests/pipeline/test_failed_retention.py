"""A retention that fails does not fail the scan that has been published."""

from __future__ import annotations

import pytest

from tag_compliance.domain.read_status import Outcome
from tag_compliance.snapshot.layout import MANIFEST, PLAIN
from tag_compliance.tables.failed_readings import FailedReadings
from tag_compliance_tests.fake_aws import FakeAws, Fault
from tag_compliance_tests.pipeline.pipelines import Pipeline, metadata_of

OLD = "snapshots/20200101T000000.000000Z-0a1b2c"


@pytest.fixture
def blocked(scanning: Pipeline) -> Pipeline:
    """An old snapshot cannot be deleted: a folder has the name of its manifest."""
    scanning.scan()
    scanning.storage.write(f"{OLD}/{PLAIN}", b"")
    (scanning.folder / "state" / OLD / MANIFEST / "folder").mkdir(parents=True)
    return scanning


def test_a_failed_retention_is_reported_and_the_published_scan_succeeds(
    blocked: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    before = blocked.current().snapshot_id
    caplog.clear()
    assert blocked.scan().success
    current = blocked.current()
    assert current.snapshot_id > before
    assert current.status.outcome is Outcome.COMPLETE
    assert f"old snapshots were not deleted: cannot delete {blocked.folder}" in caplog.text
    shown = metadata_of(blocked.instance, "metric_snapshot")["retention"]
    assert shown.startswith(f"failed: cannot delete {blocked.folder}/state/{OLD}/{MANIFEST}: ")


def test_after_a_failed_retention_the_failed_readings_of_an_outage_are_forgotten(
    blocked: Pipeline, fake: FakeAws
) -> None:
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole")
    assert blocked.scan().success
    assert blocked.current().status.outcome is Outcome.NOTHING
    assert FailedReadings(blocked.storage, pytest.fail).load() == {}
