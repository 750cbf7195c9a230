"""A scan of several runs: when it is published, and with what."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg
import pytest

from tag_compliance.domain.read_status import Outcome, Reason
from tag_compliance.pipeline.run_requests import range_tags
from tag_compliance.pipeline.run_tags import SCAN_JOB
from tag_compliance_tests.fake_aws import Organization, generate_organization
from tag_compliance_tests.pipeline.pipelines import Pipeline, of_account
from tag_compliance_tests.pipeline.recorded_runs import make_older
from tag_compliance_tests.pipeline.ticks import publish
from tag_compliance_tests.support.aws import REGIONS
from tag_compliance_tests.support.exposition import Exposition

Status = dg.DagsterRunStatus


@pytest.fixture
def organization() -> Organization:
    """Seven accounts."""
    return generate_organization(7, REGIONS, 12)


@pytest.fixture
def scanning(scanning: Pipeline) -> Pipeline:
    """At most three accounts in a run."""
    scanning.configure(max_accounts_per_run=3)
    return scanning


def scan(pipeline: Pipeline) -> None:
    """All runs of a scan, the last one first."""
    for request in reversed(pipeline.requests()):
        pipeline.run(request)
    assert pipeline.run(publish(pipeline).request).success


def test_publishing_waits_for_minutes_until_all_runs_of_the_scan_have_been_created(
    scanning: Pipeline,
) -> None:
    created = [scanning.note(Status.SUCCESS, r.tags) for r in scanning.requests()[:2]]
    assert publish(scanning).reason == "runs of this scan that have not been created yet: 1"
    for run_id in created:
        make_older(scanning.instance, run_id, timedelta(minutes=6))
    assert len(publish(scanning).requests) == 1


def test_the_samples_of_several_runs_equal_those_of_a_single_run(scanning: Pipeline) -> None:
    scan(scanning)
    assert scanning.failed_accounts() == []
    in_parts = scanning.samples()
    scanning.configure(max_accounts_per_run=0)
    assert scanning.scan().success
    assert in_parts == scanning.samples()
    assert len(in_parts) > 7 * 2


@pytest.mark.parametrize("read", [0, 1])
def test_only_the_accounts_that_a_lost_run_had_not_read_have_failed_and_the_others_are_exact(
    scanning: Pipeline, read: int
) -> None:
    """Everything is stored by an earlier scan, and must not be used for the new one."""
    scan(scanning)
    before = scanning.samples()
    scanning.make_stored_older(*scanning.ids)
    part, lost, last_part = scanning.requests()
    lost_ids = scanning.ids[3:6]
    if read:
        tags = {**lost.tags, **range_tags(lost_ids[0], lost_ids[0])}
        scanning.run(dg.RunRequest(job_name=SCAN_JOB, tags=tags))
    scanning.note(Status.STARTED, lost.tags, older_by=timedelta(minutes=3))
    for request in (part, last_part):
        scanning.run(request)
    assert scanning.run(publish(scanning).request).success

    snapshot = scanning.current()
    assert snapshot.status.outcome is Outcome.PARTIAL
    failed = lost_ids[read:]
    assert scanning.failed_accounts() == failed
    causes = {
        (region.reason, region.message)
        for account in snapshot.status.accounts
        for region in account.regions
        if account.account_id in failed
    }
    assert causes == {(Reason.INTERNAL, "the run that was to read it ended without a result")}
    after = scanning.samples()
    for account_id in scanning.ids:
        wanted = {} if account_id in failed else of_account(before, account_id)
        assert of_account(after, account_id) == wanted
    lines = Exposition(snapshot.plain.decode()).values(["tag_compliance_region_scan_success"])
    unread = sum(("reason", "internal") in labels for _, labels in lines)
    assert unread == len(failed) * len(REGIONS)
