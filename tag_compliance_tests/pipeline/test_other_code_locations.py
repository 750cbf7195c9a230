"""Other code locations of the same Dagster instance, with jobs that have the names of ours."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg
import pytest

from tag_compliance.pipeline.housekeeping import JOB as HOUSEKEEPING
from tag_compliance.pipeline.run_queries import (
    find_unpublished_run,
    is_publishing,
    is_reading,
    latest_scan,
    latest_scan_tag,
)
from tag_compliance.pipeline.run_tags import (
    PUBLISH_JOB,
    PUBLISHES_TAG,
    SCAN_JOB,
    SCAN_TAG,
    TRIGGER_TAG,
    scan_times,
)
from tag_compliance_tests.pipeline.pipelines import Pipeline
from tag_compliance_tests.pipeline.recorded_runs import make_older
from tag_compliance_tests.pipeline.ticks import look, publish, tick

Status = dg.DagsterRunStatus
SCAN = scan_times(dg.DagsterRun(SCAN_JOB)).started_at.isoformat()


def theirs(pipeline: Pipeline, job: str, status: dg.DagsterRunStatus, **tags: str) -> str:
    """A run of a job of another code location."""

    @dg.op
    def work() -> None:
        pass

    definition = dg.GraphDefinition(name=job, node_defs=[work]).to_job()
    result = definition.execute_in_process(instance=pipeline.instance, tags=tags)
    if status is not Status.SUCCESS:
        run = pipeline.instance.create_run_for_job(definition, status=status, tags=tags)
        return run.run_id
    return result.run_id


@pytest.mark.parametrize("job", [SCAN_JOB, PUBLISH_JOB])
def test_their_run_delays_no_scan_and_is_not_marked_as_failed(idle: Pipeline, job: str) -> None:
    run_id = theirs(idle, job, Status.STARTED)
    make_older(idle.instance, run_id, timedelta(hours=1))
    assert len(tick(idle).requests) == len(look(idle).requests) == 1
    assert not publish(idle).requests
    assert idle.status_of(run_id) is Status.STARTED


def test_their_scan_is_neither_our_latest_scan_nor_to_be_published(idle: Pipeline) -> None:
    theirs(idle, SCAN_JOB, Status.SUCCESS, **{TRIGGER_TAG: "schedule", SCAN_TAG: SCAN})
    assert latest_scan(idle.instance) is None
    assert latest_scan_tag(idle.instance) is None
    assert find_unpublished_run(idle.instance) is None


def test_their_publication_is_not_ours(idle: Pipeline) -> None:
    reading = idle.note(Status.SUCCESS)
    theirs(idle, PUBLISH_JOB, Status.SUCCESS)
    assert publish(idle).request.tags[PUBLISHES_TAG] == reading


def test_any_number_of_their_scans_does_not_hide_ours(idle: Pipeline) -> None:
    reading = idle.note(Status.SUCCESS)
    for number in range(101):
        idle.instance.add_run(
            dg.DagsterRun(SCAN_JOB, run_id=f"theirs-{number}", status=Status.SUCCESS)
        )
    assert publish(idle).request.tags[PUBLISHES_TAG] == reading


@pytest.mark.parametrize("job", [SCAN_JOB, PUBLISH_JOB, HOUSEKEEPING, "of_another_team"])
def test_their_old_runs_are_not_deleted(idle: Pipeline, job: str) -> None:
    run_id = theirs(idle, job, Status.SUCCESS)
    make_older(idle.instance, run_id, timedelta(days=900))
    ours = idle.note(Status.SUCCESS, older_by=timedelta(days=900))
    housekeeping = idle.definitions().resolve_job_def(HOUSEKEEPING)
    assert housekeeping.execute_in_process(instance=idle.instance).success
    assert idle.instance.get_run_by_id(run_id) is not None
    assert idle.instance.get_run_by_id(ours) is None


@pytest.mark.parametrize("prefix", [[], ["tags"]])
def test_definitions_with_another_key_prefix_see_only_their_own_runs(
    scanning: Pipeline, prefix: list[str]
) -> None:
    (request,) = scanning.requests()
    definitions = scanning.definitions(key_prefix=prefix)
    for job in (SCAN_JOB, PUBLISH_JOB):
        ended = definitions.resolve_job_def(job).execute_in_process(
            instance=scanning.instance,
            tags=dict(request.tags) if job == SCAN_JOB else {},
            run_config=request.run_config,
        )
        run = ended.dagster_run
        assert (is_reading(run, prefix), is_publishing(run, prefix)) == (
            job == SCAN_JOB,
            job == PUBLISH_JOB,
        )
        other = ["tags"] if not prefix else []
        assert not is_reading(run, other)
        assert not is_publishing(run, other)
    assert latest_scan(scanning.instance, prefix) is not None
    assert latest_scan(scanning.instance, other) is None
