"""The runs that are requested from Dagster, and their tags."""

from __future__ import annotations

import dagster as dg
import pytest

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
from tag_compliance_tests.pipeline.pipelines import Pipeline

IDS = ["100000000000", "100000000001", "100000000002"]


def test_a_scan_in_one_run_reads_all_accounts_and_runs_alone(pipeline: Pipeline) -> None:
    pipeline.configure(IDS)
    (request,) = pipeline.requests("schedule", "noon")
    assert (request.job_name, request.run_key) == (SCAN_JOB, "schedule-noon-1")
    assert request.run_config == RUN_CONFIG
    assert request.asset_selection is None
    assert request.tags == {
        TRIGGER_TAG: "schedule",
        SCAN_TAG: request.tags[SCAN_TAG],
        PARTS_TAG: "1",
        "dagster/asset_partition_range_start": IDS[0],
        "dagster/asset_partition_range_end": IDS[-1],
        **ONE_AT_A_TIME,
    }
    assert pipeline.partitions() == IDS


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
