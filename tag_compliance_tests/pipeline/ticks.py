"""Single ticks of the schedule and of the sensor, and what each requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from tag_compliance.pipeline.build import scan_jobs
from tag_compliance.pipeline.run_tags import PUBLISH_JOB
from tag_compliance.pipeline.schedule import Cadence, Claims, build_schedule
from tag_compliance.pipeline.sensors import build_scan_sensor
from tag_compliance_tests.pipeline.pipelines import Pipeline


@dataclass(frozen=True)
class Tick:
    """What was requested, or why nothing was."""

    requests: list[dg.RunRequest]
    reason: str

    @property
    def request(self) -> dg.RunRequest:
        (request,) = self.requests
        return request


def tick(pipeline: Pipeline, when: datetime | None = None, claims: Claims | None = None) -> Tick:
    """Of the schedule, every five minutes."""
    when = when or datetime.fromtimestamp((datetime.now(UTC).timestamp() // 300 + 1) * 300, UTC)
    context = dg.build_schedule_context(
        pipeline.instance, when, resources={"configuration": pipeline.resource()}
    )
    return _tick(build_schedule(Cadence(300), [], claims or Claims()), context)


def look(pipeline: Pipeline, seconds: int = 300, claims: Claims | None = None) -> Tick:
    """Of the sensor."""
    return evaluated(scan_sensor(seconds, claims=claims), pipeline)


def publish(pipeline: Pipeline, *prefix: str) -> Tick:
    """Of the sensor: only the publishing runs that it requests."""
    found = evaluated(scan_sensor(prefix=prefix), pipeline)
    requests = [request for request in found.requests if request.job_name == PUBLISH_JOB]
    return Tick(requests, found.reason)


def scan_sensor(
    seconds: int = 300, prefix: Sequence[str] = (), claims: Claims | None = None
) -> dg.SensorDefinition:
    jobs = list(scan_jobs(list(prefix)))
    return build_scan_sensor(Cadence(seconds), list(prefix), claims or Claims(), jobs)


def evaluated(sensor: dg.SensorDefinition, pipeline: Pipeline) -> Tick:
    """Of a sensor that keeps what it remembers."""
    resources = {"configuration": pipeline.resource()}
    return _tick(sensor, dg.build_sensor_context(instance=pipeline.instance, resources=resources))


def _tick(definition: Any, context: Any) -> Tick:
    with context:
        data = definition.evaluate_tick(context)
    return Tick(list(data.run_requests or ()), data.skip_message or "")
