"""The runs that are requested from Dagster, and the partitions that they read."""

from __future__ import annotations

import dagster as dg
import pytest

from tag_compliance.domain.read_status import Outcome
from tag_compliance.pipeline.run_requests import faulty_request, publish_request
from tag_compliance.pipeline.run_tags import (
    ONE_AT_A_TIME,
    PARTS_TAG,
    PUBLISH_JOB,
    PUBLISHES_TAG,
    RUN_CONFIG,
    SCAN_JOB,
    SCAN_TAG,
    TRIGGER_TAG,
)
from tag_compliance_tests.fake_aws import FakeAws, Organization
from tag_compliance_tests.pipeline.pipelines import Pipeline, families_with, of_account
from tag_compliance_tests.pipeline.ticks import PUBLISHED, publish
from tag_compliance_tests.support.aws import REGIONS


@pytest.fixture
def organization() -> Organization:
    """Three accounts with a queue without tags each, to which a test may add."""
    organization = Organization()
    for account_id in ("111111111111", "222222222222", "033333333333"):
        account = organization.add_account(account_id)
        account.put("eu-west-1", f"arn:aws:sqs:eu-west-1:{account_id}:first")
    return organization


@pytest.mark.parametrize(
    ("maximum", "ranges"), [(0, [(0, 4)]), (5, [(0, 4)]), (2, [(0, 1), (2, 3), (4, 4)])]
)
def test_accounts_are_distributed_over_as_many_runs_as_the_maximum_requires(
    pipeline: Pipeline, maximum: int, ranges: list[tuple[int, int]]
) -> None:
    """A single run runs alone; several of one scan may run concurrently."""
    ids = [f"{100_000_000_000 + number}" for number in range(5)]
    pipeline.configure(ids, max_accounts_per_run=maximum)
    requests = pipeline.requests("schedule", "noon")
    assert pipeline.partitions() == ids
    assert [request.tags for request in requests] == [
        {
            TRIGGER_TAG: "schedule",
            SCAN_TAG: requests[0].tags[SCAN_TAG],
            PARTS_TAG: str(len(ranges)),
            "dagster/asset_partition_range_start": ids[first],
            "dagster/asset_partition_range_end": ids[last],
            **(ONE_AT_A_TIME if len(ranges) == 1 else {}),
        }
        for first, last in ranges
    ]
    for number, request in enumerate(requests, 1):
        assert (request.job_name, request.run_key) == (SCAN_JOB, f"schedule-noon-{number}")
        assert (request.run_config, request.asset_selection) == (RUN_CONFIG, None)


@pytest.mark.parametrize(
    ("tags", "scan", "trigger"),
    [
        ({}, None, "ui"),
        ({}, "earlier", "ui"),
        ({SCAN_TAG: "own", TRIGGER_TAG: "schedule", PARTS_TAG: "3"}, "own", "schedule"),
    ],
)
def test_the_publishing_run_has_the_trigger_of_the_reading_run_and_the_latest_scan(
    tags: dict[str, str], scan: str | None, trigger: str
) -> None:
    request = publish_request(dg.DagsterRun(SCAN_JOB, run_id="r", tags=tags), scan)
    expected = {TRIGGER_TAG: trigger, PUBLISHES_TAG: "r", **ONE_AT_A_TIME}
    if scan is not None:
        expected[SCAN_TAG] = scan
    assert (request.job_name, request.run_key) == (PUBLISH_JOB, "publish-r")
    assert request.tags == expected


def test_the_request_for_a_faulty_configuration_materializes_only_the_configuration() -> None:
    request = faulty_request("schedule", "noon", ["platform"])
    assert request.asset_selection == [dg.AssetKey(["platform", "scan_config"])]


def test_partitions_and_metrics_follow_the_configuration_without_a_reload(
    scanning: Pipeline, fake: FakeAws
) -> None:
    first, second, third = scanning.ids
    scanning.configure([third, second])
    scanning.scan()
    assert scanning.partitions() == [third, second]
    calls = fake.calls.count(account_id=second)
    scanning.configure([third, first])
    assert scanning.scan().success
    assert scanning.partitions() == [third, first]
    assert of_account(scanning.samples(), first)
    assert fake.calls.count(account_id=second) == calls
    assert families_with(scanning.current().plain, second) == {
        "tag_compliance_findings_opened_total",
        "tag_compliance_findings_closed_total",
    }


@pytest.mark.parametrize("by", ["command line", "UI"])
def test_a_scan_of_one_account_calls_aws_only_for_it_and_keeps_the_numbers_of_the_others(
    scanning: Pipeline, fake: FakeAws, by: str
) -> None:
    first, second, third = scanning.ids
    scanning.scan()
    assert publish(scanning).reason == PUBLISHED
    before, calls = scanning.samples(), len(fake.calls)
    for account in fake.organization:
        account.put("us-east-1", f"arn:aws:sqs:us-east-1:{account.account_id}:added")
    if by == "UI":
        scanning.materialize("raw_resources", partition=second)
        assert scanning.samples() == before
        assert scanning.run(publish(scanning).request).success
    else:
        assert scanning.run_once(second).snapshot
    assert [call.account_id for call in list(fake.calls)[calls:]] == [second] * (1 + len(REGIONS))
    after = scanning.samples()
    for untouched in (first, third):
        assert of_account(after, untouched) == of_account(before, untouched)
    labels = {"account_id": second, "account_name": "name-222", "region": "us-east-1"}
    series = ("resources_scanned_total", frozenset(labels.items()))
    assert (before[series], after[series]) == (0, 1)
    outcome = scanning.current().status.outcome
    assert outcome is Outcome.COMPLETE, "the others are older, not failed"
    assert publish(scanning).reason == PUBLISHED
