"""A failed account is failed in Dagster: its partition, the run, and what a re-execution reads."""

from __future__ import annotations

import logging
import os
from collections import Counter
from pathlib import Path

import dagster as dg
import pytest

from tag_compliance.domain.read_status import Outcome
from tag_compliance.pipeline.build import build_definitions
from tag_compliance.pipeline.run_queries import is_published_by_its_process
from tag_compliance.pipeline.run_requests import ACCOUNTS
from tag_compliance.pipeline.run_tags import OUTCOME_TAG, SCAN_JOB
from tag_compliance_tests.fake_aws import FakeAws, Fault
from tag_compliance_tests.pipeline.pipelines import Pipeline, failure_of
from tag_compliance_tests.pipeline.ticks import publish

RAW = dg.AssetKey("raw_resources")
READ, FAILED = dg.AssetPartitionStatus.MATERIALIZED, dg.AssetPartitionStatus.FAILED


def break_accounts(fake: FakeAws, *account_ids: str) -> None:
    for account_id in account_ids:
        fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=account_id)


def read(pipeline: Pipeline) -> dg.ExecuteInProcessResult:
    return pipeline.run(pipeline.requests()[0])


def statuses(pipeline: Pipeline) -> list[dg.AssetPartitionStatus | None]:
    """Of the partitions, in the order of the accounts, as the UI shows them."""
    found = pipeline.instance.get_status_by_partition(RAW, pipeline.ids, ACCOUNTS)
    return [(found or {}).get(account_id) for account_id in pipeline.ids]


def outcome_of(pipeline: Pipeline, run_id: str) -> str | None:
    run = pipeline.instance.get_run_by_id(run_id)
    assert run is not None
    return run.tags.get(OUTCOME_TAG)


def events_of(pipeline: Pipeline, run_id: str) -> dict[str, tuple[str, str]]:
    """By partition: the event's type and the outcome in its metadata."""
    found: list[tuple[str, str, str]] = []
    for entry in pipeline.instance.all_logs(run_id):
        event = entry.asset_materialization or entry.asset_observation
        if event is not None and event.asset_key == RAW:
            outcome = str(event.metadata["outcome"].value)
            found.append((event.partition or "", type(event).__name__, outcome))
    assert max(Counter(partition for partition, *_ in found).values(), default=1) == 1
    return {partition: (type_, outcome) for partition, type_, outcome in found}


def load_scan_job(config_path: str) -> dg.JobDefinition:
    """For Dagster, which loads the job again in order to re-execute a run of it."""
    return build_definitions(Path(config_path), None, os.environ).resolve_job_def(SCAN_JOB)


def resume(pipeline: Pipeline, run_id: str) -> str:
    """Re-executes the run from failure, with its tags, as the UI does it; returns the new run."""
    parent = pipeline.instance.get_run_by_id(run_id)
    assert parent is not None
    path = str(pipeline.config_path)
    job = dg.build_reconstructable_job(__name__, load_scan_job.__name__, (path,))
    options = dg.ReexecutionOptions.from_failure(run_id, pipeline.instance)
    with dg.execute_job(
        job,
        pipeline.instance,
        run_config=parent.run_config,
        tags={**parent.tags, "dagster/is_resume_retry": "true"},
        reexecution_options=options,
    ) as result:
        return result.run_id


def test_only_the_partition_of_a_failed_account_is_failed_and_its_run_fails_with_the_reason(
    scanning: Pipeline, fake: FakeAws
) -> None:
    broken = scanning.ids[1]
    break_accounts(fake, broken)
    reading = read(scanning)
    assert not reading.success
    text = failure_of(reading)
    assert text.startswith("1 of 3 accounts were not fully read:\n100000000001 (name-001): ")
    assert "assume_role_denied" in text
    assert statuses(scanning) == [READ, FAILED, READ]
    events = events_of(scanning, reading.run_id)
    assert events.pop(broken) == ("AssetObservation", "failed: assume_role_denied")
    assert [*events.values()] == [("AssetMaterialization", "read")] * 2
    assert outcome_of(scanning, reading.run_id) == "partial"


def test_a_scan_with_a_failed_account_is_published_and_the_publishing_run_succeeds(
    scanning: Pipeline, fake: FakeAws
) -> None:
    break_accounts(fake, scanning.ids[0])
    read(scanning)
    assert scanning.run(publish(scanning).request).success
    assert not publish(scanning).requests
    assert scanning.current().status.outcome is Outcome.PARTIAL


def test_a_region_that_failed_makes_its_account_failed(scanning: Pipeline, fake: FakeAws) -> None:
    fake.faults.add(Fault.ACCESS_DENIED, account_id=scanning.ids[0], region="eu-west-1")
    read(scanning)
    assert statuses(scanning) == [FAILED, READ, READ]


def test_a_re_execution_from_failure_reads_only_what_failed_and_recovers(
    scanning: Pipeline, fake: FakeAws
) -> None:
    broken, *others = scanning.ids
    break_accounts(fake, broken)
    failed = read(scanning).run_id
    before = {i: fake.calls.count(account_id=i) for i in others}
    fake.faults.clear()
    run_id = resume(scanning, failed)
    assert {i: fake.calls.count(account_id=i) for i in others} == before
    assert scanning.status_of(run_id) is dg.DagsterRunStatus.SUCCESS
    assert outcome_of(scanning, run_id) == "complete"
    assert statuses(scanning) == [READ] * 3
    read_again = dict.fromkeys(scanning.ids, ("AssetMaterialization", "read"))
    assert events_of(scanning, run_id) == read_again
    scanning.run(publish(scanning).request)
    assert scanning.current().status.outcome is Outcome.COMPLETE


def test_a_re_execution_that_fails_again_leaves_the_other_accounts_read(
    scanning: Pipeline, fake: FakeAws
) -> None:
    """Also the one that was read by the first of two re-executions."""
    first, second, _ = scanning.ids
    break_accounts(fake, first, second)
    run_id = read(scanning).run_id
    assert statuses(scanning) == [FAILED, FAILED, READ]
    fake.faults.clear()
    break_accounts(fake, first)
    for _ in range(2):
        run_id = resume(scanning, run_id)
        assert scanning.status_of(run_id) is dg.DagsterRunStatus.FAILURE
        assert statuses(scanning) == [FAILED, READ, READ]
    assert fake.calls.count("GetResources", account_id=second) == 2


def test_a_scan_that_reads_nothing_materializes_no_partition(
    scanning: Pipeline, fake: FakeAws
) -> None:
    break_accounts(fake, *scanning.ids)
    reading = read(scanning)
    assert {type_ for type_, _ in events_of(scanning, reading.run_id).values()} == {
        "AssetObservation"
    }
    assert statuses(scanning) == [FAILED] * 3
    assert outcome_of(scanning, reading.run_id) == "nothing"


def test_with_warn_the_run_and_the_partition_succeed(scanning: Pipeline, fake: FakeAws) -> None:
    scanning.configure(failed_account_run="warn")
    broken = scanning.ids[0]
    break_accounts(fake, broken)
    reading = read(scanning)
    assert reading.success
    assert statuses(scanning) == [READ] * 3
    events = events_of(scanning, reading.run_id)
    assert events[broken] == ("AssetMaterialization", "failed: assume_role_denied")
    assert outcome_of(scanning, reading.run_id) == "partial"


def test_a_command_publishes_a_scan_with_a_failed_account_and_the_sensor_leaves_it_to_the_command(
    idle: Pipeline, fake: FakeAws
) -> None:
    break_accounts(fake, idle.ids[0])
    ended = idle.run_once(DAGSTER_HOME=idle.instance.root_directory)
    assert ended.snapshot is not None
    assert ended.snapshot.status.outcome is Outcome.PARTIAL
    _, reading = idle.instance.get_run_records()
    assert reading.dagster_run.status is dg.DagsterRunStatus.FAILURE
    assert is_published_by_its_process(reading)


def test_a_complete_scan_is_tagged_as_complete(scanning: Pipeline) -> None:
    assert outcome_of(scanning, read(scanning).run_id) == "complete"


@pytest.mark.parametrize("run", ["fail", "warn"])
def test_the_log_of_a_process_and_the_run_in_dagster_each_report_a_failure_once(
    scanning: Pipeline, fake: FakeAws, run: str, caplog: pytest.LogCaptureFixture
) -> None:
    scanning.configure(failed_account_run=run)
    break_accounts(fake, scanning.ids[1])
    with caplog.at_level(logging.INFO, "tag_compliance"):
        ended = read(scanning)
    reason = f"{scanning.ids[1]} (name-001): assume_role_denied"
    logged = [record.getMessage() for record in caplog.records if record.name != "dagster"]
    assert sum(reason in message for message in logged) == 1
    of_run = [
        entry.user_message
        for entry in scanning.instance.all_logs(ended.run_id)
        if not entry.is_dagster_event
    ]
    failures = [failure_of(ended)] if run == "fail" else []
    assert sum(reason in message for message in [*of_run, *failures]) == 1
