"""A scan of several runs: who is asked for what, who waits for whom, and what is published."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from tag_compliance.domain.scan import Reason
from tag_compliance.pipeline.codecs import decode_account, encode_account
from tag_compliance.pipeline.runs import ACCOUNT_TAG, ONE_AT_A_TIME, PART_TAG, PARTS_TAG, SCAN_TAG

from tag_compliance.domain.metrics import REGION_SUCCESS
from tag_compliance.snapshot.status import Outcome
from tag_compliance_tests.fake_aws import FakeAws, generate_organization
from tag_compliance_tests.pipeline.conftest import ids_of
from tag_compliance_tests.pipeline.pipelines import (
    REGIONS,
    Pipeline,
    make_older,
    of_account,
    samples_of,
)
from tag_compliance_tests.pipeline.ticks import Answer, look, publish, tick
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


@pytest.fixture
def kept_scanning(tmp_path: Path, kept_instance: dg.DagsterInstance, fake: FakeAws) -> Pipeline:
    """The same, for ticks of the schedule."""
    pipeline = Pipeline(tmp_path, kept_instance)
    pipeline.configure(ids_of(fake), max_accounts_per_run=3)
    return pipeline


def note_all(pipeline: Pipeline, *statuses: dg.DagsterRunStatus) -> list[str]:
    """The runs of a scan of several stand in Dagster's records, each with its status."""
    requests = pipeline.requests()
    return [
        pipeline.note(status, tags=request.tags)
        for request, status in zip(requests, statuses, strict=False)
    ]


def test_accounts_are_shared_out_over_as_many_runs_as_it_takes(scanning: Pipeline) -> None:
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
    assert {request.tags[PARTS_TAG] for request in requests} == {"3"}
    assert [request.tags[PART_TAG] for request in requests] == ["1", "2", "3"]
    assert len({request.tags[SCAN_TAG] for request in requests}) == 1
    for request in requests:
        assert request.asset_selection == [
            dg.AssetKey("scan_config"),
            dg.AssetKey("raw_resources"),
        ]
        assert not ONE_AT_A_TIME.keys() & request.tags.keys()


def test_as_many_accounts_as_fit_into_one_run_are_one(scanning: Pipeline, fake: FakeAws) -> None:
    scanning.configure(ids_of(fake), max_accounts_per_run=7)
    (request,) = scanning.requests()
    assert request.asset_selection is None
    assert ONE_AT_A_TIME.items() <= request.tags.items()


def test_runs_of_a_scan_may_run_beside_each_other(scanning: Pipeline) -> None:
    job = scanning.definitions().resolve_job_def("scan")
    assert not ONE_AT_A_TIME.keys() & job.tags.keys()


def test_nothing_is_published_of_a_scan_of_one_run(scanning: Pipeline) -> None:
    assert publish(scanning).reason.startswith("the newest scan is a single run")
    scanning.note(Status.SUCCESS)
    assert publish(scanning).reason.startswith("the newest scan is a single run")


def test_publishing_waits_until_all_runs_have_been_asked_for(scanning: Pipeline) -> None:
    note_all(scanning, Status.SUCCESS, Status.SUCCESS)
    assert publish(scanning).reason.startswith("2 of 3 runs of scan ")


@pytest.mark.parametrize("status", [Status.QUEUED, Status.STARTING, Status.STARTED])
def test_publishing_waits_for_the_runs_that_go_on(
    scanning: Pipeline, status: dg.DagsterRunStatus
) -> None:
    note_all(scanning, Status.SUCCESS, status, Status.SUCCESS)
    assert publish(scanning).reason.startswith("1 of 3 runs of scan ")
    assert publish(scanning).reason.endswith(" go on")


@pytest.mark.parametrize("status", [Status.SUCCESS, Status.FAILURE, Status.CANCELED])
def test_publishing_follows_when_the_last_run_has_ended_in_whatever_way(
    scanning: Pipeline, status: dg.DagsterRunStatus
) -> None:
    note_all(scanning, Status.SUCCESS, Status.SUCCESS, status)
    request = publish(scanning).request
    scan = request.tags[SCAN_TAG]
    assert request.run_key == f"publish-{scan}"
    assert request.asset_selection == [
        dg.AssetKey("compliance_results"),
        dg.AssetKey("metric_snapshot"),
    ]


def test_a_killed_run_is_told_and_not_waited_for(scanning: Pipeline) -> None:
    *_, killed = note_all(scanning, Status.SUCCESS, Status.SUCCESS, Status.STARTED)
    make_older(scanning.instance, killed, timedelta(minutes=3))
    assert len(publish(scanning).requests) == 1
    run = scanning.instance.get_run_by_id(killed)
    assert run is not None
    assert run.status is Status.FAILURE


def test_a_run_that_was_never_made_is_not_waited_for_for_ever(scanning: Pipeline) -> None:
    for run_id in note_all(scanning, Status.SUCCESS, Status.SUCCESS):
        make_older(scanning.instance, run_id, timedelta(minutes=6))
    assert len(publish(scanning).requests) == 1


def test_a_scan_is_published_once(scanning: Pipeline) -> None:
    note_all(scanning, Status.SUCCESS, Status.SUCCESS, Status.SUCCESS)
    request = publish(scanning).request
    assert publish(scanning).request.run_key == request.run_key
    scanning.note(Status.QUEUED, tags=request.tags)
    assert publish(scanning).reason.endswith("has been published, or is being")


def test_the_scan_of_a_single_account_between_does_not_keep_a_scan_from_being_published(
    scanning: Pipeline,
) -> None:
    note_all(scanning, Status.SUCCESS, Status.SUCCESS, Status.SUCCESS)
    scanning.note(Status.SUCCESS, tags={ACCOUNT_TAG: "100000000000"})
    assert len(publish(scanning).requests) == 1


@pytest.mark.parametrize("ask", [tick, look])
def test_no_scan_begins_while_the_last_one_is_still_to_be_published(
    kept_scanning: Pipeline, ask: Callable[[Pipeline], Answer]
) -> None:
    for run_id in note_all(kept_scanning, Status.SUCCESS, Status.SUCCESS, Status.SUCCESS):
        make_older(kept_scanning.instance, run_id, timedelta(hours=1), and_silent=False)
    assert ask(kept_scanning).reason.endswith("is still to be published")


def test_a_scan_that_nobody_publishes_holds_the_next_up_for_minutes_only(
    kept_scanning: Pipeline,
) -> None:
    for run_id in note_all(kept_scanning, Status.SUCCESS, Status.SUCCESS, Status.SUCCESS):
        make_older(kept_scanning.instance, run_id, timedelta(minutes=7))
    assert len(tick(kept_scanning).requests) == 3


def test_the_parts_together_are_the_single_run_to_the_last_sample(
    scanning: Pipeline, fake: FakeAws
) -> None:
    requests = scanning.requests()
    for request in reversed(requests):
        assert scanning.run(request).success
    assert scanning.snapshots.load() is None
    assert scanning.run(publish(scanning).request).success
    assert scanning.current().status.failures == ()
    in_parts = scanning.samples()
    scanning.configure(ids_of(fake), max_accounts_per_run=0)
    assert scanning.scan().success
    assert in_parts == scanning.samples()
    assert len(in_parts) > 7 * 2


def test_the_accounts_of_a_part_that_was_lost_are_told_and_the_others_are_exact(
    scanning: Pipeline,
) -> None:
    """Of an earlier scan everything is stored, and must not be taken for the new one's."""
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
    told = samples_of(snapshot.plain, [REGION_SUCCESS.name])
    assert sum(("reason", "internal") in labels for _, labels in told) == 3 * len(REGIONS)


def make_stored_older(pipeline: Pipeline, by: timedelta) -> None:
    """By more than clocks may differ."""
    for name in pipeline.storage.names("tables/raw_resources/"):
        stored = pipeline.storage.read(name)
        assert stored is not None
        account = decode_account(stored.data)
        scan = replace(account.scan, started_at=account.scan.started_at - by)
        pipeline.storage.write(name, encode_account(replace(account, scan=scan)))
