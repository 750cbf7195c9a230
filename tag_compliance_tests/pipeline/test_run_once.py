"""A scan in this process: it reads and publishes, and reports why it failed."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest

from tag_compliance.domain.read_status import Outcome, Reason
from tag_compliance.errors import StorageRefused
from tag_compliance.pipeline.resources import HeartbeatResource
from tag_compliance.pipeline.run_queries import is_publishing, is_reading
from tag_compliance.pipeline.run_tags import ACCOUNT_TAG, PUBLISHES_TAG, SCAN_TAG
from tag_compliance_tests.fake_aws import FakeAws, Fault
from tag_compliance_tests.pipeline.pipelines import Pipeline
from tag_compliance_tests.pipeline.ticks import publish


@pytest.mark.parametrize("number", [None, 1])
def test_a_scan_is_recorded_as_a_reading_run_and_a_publishing_run_with_the_same_scan_and_account(
    idle: Pipeline, fake: FakeAws, number: int | None
) -> None:
    account = None if number is None else idle.ids[number]
    ended = idle.run_once(account, DAGSTER_HOME=idle.instance.root_directory)
    assert ended.snapshot is not None
    publishing, reading = (r.dagster_run for r in idle.instance.get_run_records())
    assert (is_reading(reading), is_publishing(publishing)) == (True, True)
    assert publishing.run_id == ended.run_id
    assert publishing.tags[PUBLISHES_TAG] == reading.run_id
    for run in (reading, publishing):
        assert run.tags.get(ACCOUNT_TAG) == account
        assert (SCAN_TAG in run.tags) is (account is None)
        assert run.tags.get(SCAN_TAG) == reading.tags.get(SCAN_TAG)
    materialized = idle.instance.get_latest_storage_id_by_partition(
        dg.AssetKey("raw_resources"), dg.DagsterEventType.ASSET_MATERIALIZATION, set(idle.ids)
    )
    assert set(materialized) == ({account} if account else set(idle.ids))
    assert not publish(idle).requests


def test_a_scan_of_one_account_repairs_its_failure(scanning: Pipeline, fake: FakeAws) -> None:
    one = scanning.ids[0]
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=one)
    scanning.scan()
    assert scanning.failed_accounts() == [one]
    fake.faults.clear()
    scanning.run_once(one)
    assert scanning.current().status.outcome is Outcome.COMPLETE


def test_a_scan_of_one_account_before_any_other_scan_reports_the_others_as_not_scanned(
    scanning: Pipeline,
) -> None:
    one, *others = scanning.ids
    ended = scanning.run_once(one)
    assert ended.snapshot is not None
    statuses = ended.snapshot.status.accounts
    reasons = {(a.account_id, region.reason) for a in statuses for region in a.regions}
    assert reasons == {(one, Reason.OK), *((other, Reason.NOT_SCANNED) for other in others)}


def test_a_scan_that_read_nothing_has_a_snapshot_with_its_causes(
    scanning: Pipeline, fake: FakeAws
) -> None:
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole")
    snapshot = scanning.run_once().snapshot
    assert snapshot is not None
    assert snapshot.status.outcome is Outcome.NOTHING
    assert len(snapshot.status.failures) == 3
    assert all("assume_role_denied: " in cause for cause in snapshot.status.failures)


def test_a_run_that_fails_before_its_first_step_reports_the_cause(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> Iterator[None]:
        raise StorageRefused("state", "write", "Read-only file system", "mount it writable")

    monkeypatch.setattr(HeartbeatResource, "yield_for_execution", refused)
    pipeline.configure(["100000000000"])
    ended = pipeline.run_once()
    assert ended.snapshot is None
    assert "Read-only file system" in ended.failure
