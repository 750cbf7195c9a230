"""A scan of several runs: which runs are requested, when the scan is published, and with what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import dagster as dg
import pytest

from tag_compliance.domain.account import AccountId
from tag_compliance.domain.evaluation import Evaluation
from tag_compliance.domain.read_status import Outcome, Reason
from tag_compliance.pipeline.run_tags import (
    ONE_AT_A_TIME,
    PARTS_TAG,
    SCAN_JOB,
    SCAN_TAG,
)
from tag_compliance.tables.findings import Findings, encode_evaluation
from tag_compliance.tables.raw_resources import RawResources, encode_inventory
from tag_compliance_tests.fake_aws import FakeAws, generate_organization
from tag_compliance_tests.pipeline.conftest import ids_of
from tag_compliance_tests.pipeline.pipelines import (
    REGIONS,
    Pipeline,
    make_older,
    of_account,
    samples_of,
)
from tag_compliance_tests.pipeline.ticks import publish
from tag_compliance_tests.support.aws import Enter

Status = dg.DagsterRunStatus


@pytest.fixture
def fake(enter: Enter) -> Iterator[FakeAws]:
    """Seven accounts."""
    with FakeAws(generate_organization(7, REGIONS, 12)) as fake:
        enter(fake)
        yield fake


@pytest.fixture
def scanning(pipeline: Pipeline, fake: FakeAws) -> Pipeline:
    """At most three accounts in a run."""
    pipeline.configure(ids_of(fake), max_accounts_per_run=3)
    return pipeline


def note_all(pipeline: Pipeline, *statuses: dg.DagsterRunStatus) -> list[str]:
    """Records the reading runs of a scan in Dagster, each with its status."""
    return [
        pipeline.note(status, tags=request.tags)
        for request, status in zip(pipeline.requests(), statuses, strict=False)
    ]


def test_accounts_are_distributed_over_as_many_runs_as_the_maximum_requires(
    scanning: Pipeline,
) -> None:
    requests = scanning.requests("schedule", "noon")
    ids = scanning.partitions()
    ranges = [
        (
            request.tags["dagster/asset_partition_range_start"],
            request.tags["dagster/asset_partition_range_end"],
        )
        for request in requests
    ]
    assert ranges == [(ids[0], ids[2]), (ids[3], ids[5]), (ids[6], ids[6])]
    assert [request.run_key for request in requests] == [f"schedule-noon-{n}" for n in (1, 2, 3)]
    assert {request.job_name for request in requests} == {SCAN_JOB}
    assert {request.tags[PARTS_TAG] for request in requests} == {"3"}
    assert len({request.tags[SCAN_TAG] for request in requests}) == 1
    for request in requests:
        assert not ONE_AT_A_TIME.keys() & request.tags.keys()


def test_reading_runs_of_one_scan_may_run_concurrently(scanning: Pipeline) -> None:
    job = scanning.definitions().resolve_job_def(SCAN_JOB)
    assert not ONE_AT_A_TIME.keys() & job.tags.keys()


def test_publishing_waits_until_all_runs_of_the_scan_have_been_created(scanning: Pipeline) -> None:
    note_all(scanning, Status.SUCCESS, Status.SUCCESS)
    assert publish(scanning).reason == "runs of this scan that have not been created yet: 1"


def test_a_run_that_was_never_created_is_not_waited_for_forever(scanning: Pipeline) -> None:
    for run_id in note_all(scanning, Status.SUCCESS, Status.SUCCESS):
        make_older(scanning.instance, run_id, timedelta(minutes=6))
    assert len(publish(scanning).requests) == 1


def test_the_samples_of_several_runs_equal_those_of_a_single_run(
    scanning: Pipeline, fake: FakeAws
) -> None:
    for request in reversed(scanning.requests()):
        assert scanning.run(request).success
    assert scanning.run(publish(scanning).request).success
    assert scanning.current().status.failures == ()
    in_parts = scanning.samples()
    scanning.configure(ids_of(fake), max_accounts_per_run=0)
    assert scanning.scan().success
    assert in_parts == scanning.samples()
    assert len(in_parts) > 7 * 2


def test_the_accounts_of_a_lost_run_have_failed_and_the_others_are_exact(
    scanning: Pipeline,
) -> None:
    """Everything is stored by an earlier scan, and must not be used for the new one."""
    ids = [account.account_id for account in scanning.config().aws_account_matrix]
    for request in scanning.requests(key="1"):
        scanning.run(request)
    scanning.run(publish(scanning).request)
    before = scanning.samples()

    make_stored_older(scanning, timedelta(minutes=1))
    parts = scanning.requests(key="2")
    lost = parts.pop(1)
    killed = scanning.note(Status.STARTED, tags=lost.tags)
    make_older(scanning.instance, killed, timedelta(minutes=3))
    for request in parts:
        scanning.run(request)
    assert scanning.run(publish(scanning).request).success

    snapshot = scanning.current()
    assert snapshot.status.outcome is Outcome.PARTIAL
    failed = {a.account_id: a.regions for a in snapshot.status.accounts if not a.succeeded}
    assert list(failed) == ids[3:6]
    for regions in failed.values():
        assert {region.reason for region in regions} == {Reason.INTERNAL}
        assert {region.message for region in regions} == {
            "the run that was to read it ended without a result"
        }
    after = scanning.samples()
    for account_id in ids[3:6]:
        assert not of_account(after, account_id)
    for account_id in [*ids[:3], ids[6]]:
        assert of_account(after, account_id) == of_account(before, account_id)
    reasons = samples_of(snapshot.plain, ["tag_compliance_region_scan_success"])
    assert sum(("reason", "internal") in labels for _, labels in reasons) == 3 * len(REGIONS)


def test_the_accounts_that_a_run_had_read_before_it_was_killed_are_published(
    scanning: Pipeline,
) -> None:
    """The lost run has stored the first of its three accounts."""
    for request in scanning.requests(key="1"):
        scanning.run(request)
    scanning.run(publish(scanning).request)
    before = scanning.samples()

    fourth, fifth, sixth = scanning.partitions()[3:6]
    make_stored_older(scanning, timedelta(minutes=1))
    for request in scanning.requests(key="2"):
        scanning.run(request)
    make_stored_older(scanning, timedelta(minutes=1), only=(fifth, sixth))
    assert scanning.run(publish(scanning).request).success

    failed = [a.account_id for a in scanning.current().status.accounts if not a.succeeded]
    assert failed == [fifth, sixth]
    assert of_account(scanning.samples(), fourth) == of_account(before, fourth)


def make_stored_older(
    pipeline: Pipeline, by: timedelta, only: tuple[str, ...] | None = None
) -> None:
    """Older by more than the clocks of hosts may differ."""
    inventories = RawResources(pipeline.storage, pytest.fail)
    findings = Findings(pipeline.storage, pytest.fail)
    for account_id in map(AccountId, only or pipeline.partitions()):
        inventory, stored = inventories.load(account_id), findings.load(account_id)
        assert inventory is not None
        assert stored is not None
        status = replace(inventory.status, started_at=inventory.status.started_at - by)
        evaluation = Evaluation(status, stored.basis, stored.findings(), stored.summary)
        for table, data in (
            ("raw_resources", encode_inventory(replace(inventory, status=status))),
            ("findings", encode_evaluation(evaluation)),
        ):
            pipeline.storage.write(f"tables/{table}/{account_id}.parquet", data)
