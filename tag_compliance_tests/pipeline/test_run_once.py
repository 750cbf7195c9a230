"""A scan in this process: it reads and publishes, and reports why it failed."""

from __future__ import annotations

import os
from collections.abc import Iterator

import dagster as dg
import pytest

from tag_compliance.errors import StorageRefused
from tag_compliance.pipeline.resources import HeartbeatResource, ProgressResource
from tag_compliance.pipeline.run_once import FinishedScan, run_once
from tag_compliance.pipeline.run_queries import find_unpublished_run, is_publishing, is_reading
from tag_compliance.pipeline.run_tags import PUBLISHES_TAG, SCAN_TAG
from tag_compliance_tests.fake_aws import FakeAws, Fault
from tag_compliance_tests.pipeline.pipelines import Pipeline
from tag_compliance_tests.pipeline.ticks import publish


def scan(pipeline: Pipeline, **environment: str) -> FinishedScan:
    return run_once(
        pipeline.config(),
        pipeline.config_path,
        {**os.environ, **environment},
        ProgressResource(),
    )


def test_a_scan_is_a_reading_run_and_a_publishing_run_with_one_start_time(
    scanning: Pipeline, kept_instance: dg.DagsterInstance
) -> None:
    ended = scan(scanning, DAGSTER_HOME=kept_instance.root_directory)
    assert ended.snapshot is not None
    publishing, reading = (r.dagster_run for r in kept_instance.get_run_records())
    assert is_reading(reading)
    assert is_publishing(publishing)
    assert publishing.run_id == ended.run_id
    assert publishing.tags[PUBLISHES_TAG] == reading.run_id
    assert publishing.tags[SCAN_TAG] == reading.tags[SCAN_TAG]


def test_the_sensor_does_not_publish_it_again(
    scanning: Pipeline, kept_instance: dg.DagsterInstance
) -> None:
    scan(scanning, DAGSTER_HOME=kept_instance.root_directory)
    assert find_unpublished_run(kept_instance) is None
    kept = Pipeline(scanning.folder, kept_instance)
    assert publish(kept).reason == "everything that was read is published"


def test_a_scan_that_read_nothing_has_no_snapshot_and_a_cause(
    scanning: Pipeline, fake: FakeAws
) -> None:
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole")
    ended = scan(scanning)
    assert ended.snapshot is None
    assert ended.failure.startswith("nothing could be scanned")


def test_a_run_that_fails_before_its_first_step_reports_the_cause(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> Iterator[None]:
        raise StorageRefused("state", "write", "Read-only file system", "mount it writable")

    monkeypatch.setattr(HeartbeatResource, "yield_for_execution", refused)
    pipeline.configure(["100000000000"])
    ended = scan(pipeline)
    assert ended.snapshot is None
    assert "Read-only file system" in ended.failure
