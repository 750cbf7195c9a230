"""A publishing run whose process was killed is started again, a few times."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from tag_compliance.pipeline.run_tags import PUBLISH_JOB, PUBLISHES_TAG
from tag_compliance_tests.pipeline.pipelines import Pipeline, make_older
from tag_compliance_tests.pipeline.ticks import look, publish

Status = dg.DagsterRunStatus
REASON_TAG = "dagster/failure_reason"


@pytest.fixture
def idle(tmp_path: Path, kept_instance: dg.DagsterInstance) -> Pipeline:
    """One account, and nothing has run yet."""
    pipeline = Pipeline(tmp_path, kept_instance)
    pipeline.configure(["100000000000"])
    return pipeline


def kill(pipeline: Pipeline, reading: str) -> None:
    """A publishing run of this reading run is without a heartbeat."""
    run_id = pipeline.note(Status.STARTED, {PUBLISHES_TAG: reading}, job=PUBLISH_JOB)
    make_older(pipeline.instance, run_id, timedelta(minutes=3))


def test_a_killed_publishing_run_is_started_again_at_most_twice_and_then_waits_for_the_next_reading(
    idle: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    reading = idle.note(Status.SUCCESS)
    keys = []
    for _ in range(3):
        keys.append(publish(idle).request.run_key)
        kill(idle, reading)
    assert keys == [f"publish-{reading}", f"publish-{reading}-2", f"publish-{reading}-3"]
    given_up = publish(idle)
    assert not given_up.requests
    assert given_up.reason.startswith(f"every publishing run after run {reading} was killed")
    assert given_up.reason in caplog.text
    assert len(look(idle).requests) == 1, "the next scan does not wait"
    following = idle.note(Status.SUCCESS)
    assert publish(idle).request.tags[PUBLISHES_TAG] == following


@pytest.mark.parametrize(
    ("status", "reason", "again"),
    [
        (Status.FAILURE, None, True),
        (Status.FAILURE, "UNEXPECTED_TERMINATION", True),
        (Status.FAILURE, "START_TIMEOUT", True),
        (Status.FAILURE, "STEP_FAILURE", False),
        (Status.FAILURE, "RUN_EXCEPTION", False),
        (Status.FAILURE, "JOB_INITIALIZATION_FAILURE", False),
        (Status.CANCELED, None, False),
        (Status.STARTED, None, False),
        (Status.SUCCESS, None, False),
    ],
)
def test_only_a_publishing_run_that_did_not_end_by_itself_is_repeated(
    idle: Pipeline, status: dg.DagsterRunStatus, reason: str | None, again: bool
) -> None:
    reading = idle.note(Status.SUCCESS)
    tags = {PUBLISHES_TAG: reading, **({REASON_TAG: reason} if reason else {})}
    idle.note(status, tags, job=PUBLISH_JOB)
    assert len(publish(idle).requests) == again


def test_dagster_notes_on_a_run_that_it_failed_by_itself(scanning: Pipeline) -> None:
    """Before the first scan there is nothing to publish."""
    reading = scanning.note(Status.SUCCESS)
    failed = scanning.run(publish(scanning).request)
    run = scanning.instance.get_run_by_id(failed.run_id)
    assert run is not None
    assert run.tags[REASON_TAG] == "STEP_FAILURE"
    assert run.tags[PUBLISHES_TAG] == reading
