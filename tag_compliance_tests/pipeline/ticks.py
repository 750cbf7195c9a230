"""Single ticks of the schedule and of the sensors, and what each requests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from tag_compliance.pipeline.schedule import Cadence, Claims, build_schedule
from tag_compliance.pipeline.sensors import build_catch_up_sensor, build_publish_sensor
from tag_compliance_tests.pipeline.pipelines import Pipeline

PUBLISHED = "everything that was read is published"
"""Why the publishing sensor requests nothing."""


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
    return _evaluated(build_schedule(Cadence(300), [], claims or Claims()), context)


def look(pipeline: Pipeline, seconds: int = 300, claims: Claims | None = None) -> Tick:
    """Of the catch-up sensor."""
    sensor = build_catch_up_sensor(Cadence(seconds), [], claims or Claims())
    return _evaluated(sensor, _sensor_context(pipeline))


def publish(pipeline: Pipeline, *prefix: str, sensor: dg.SensorDefinition | None = None) -> Tick:
    """Of the publishing sensor."""
    return _evaluated(sensor or build_publish_sensor(prefix), _sensor_context(pipeline))


def _sensor_context(pipeline: Pipeline) -> dg.SensorEvaluationContext:
    resources = {"configuration": pipeline.resource()}
    return dg.build_sensor_context(instance=pipeline.instance, resources=resources)


def _evaluated(definition: Any, context: Any) -> Tick:
    with context:
        data = definition.evaluate_tick(context)
    return Tick(list(data.run_requests or ()), data.skip_message or "")
