"""Single ticks of the schedule and of the sensors, and what each requests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from tag_compliance.pipeline.schedule import Cadence, build_schedule
from tag_compliance.pipeline.sensors import build_catch_up_sensor, build_publish_sensor
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


def tick(pipeline: Pipeline, when: datetime | None = None) -> Tick:
    """Of the schedule."""
    schedule = build_schedule(Cadence(300), [])
    with dg.build_schedule_context(
        instance=pipeline.instance,
        scheduled_execution_time=when or next_tick(),
        resources={"configuration": pipeline.resource()},
    ) as context:
        answer = schedule.evaluate_tick(context)
    return Tick(list(answer.run_requests or ()), answer.skip_message or "")


def look(pipeline: Pipeline, seconds: int = 300) -> Tick:
    """Of the catch-up sensor."""
    sensor = build_catch_up_sensor(Cadence(seconds), [])
    with dg.build_sensor_context(
        instance=pipeline.instance, resources={"configuration": pipeline.resource()}
    ) as context:
        answer = sensor.evaluate_tick(context)
    return Tick(list(answer.run_requests or ()), answer.skip_message or "")


def publish(pipeline: Pipeline) -> Tick:
    """Of the publishing sensor."""
    sensor = build_publish_sensor()
    with dg.build_sensor_context(
        instance=pipeline.instance, resources={"configuration": pipeline.resource()}
    ) as context:
        answer = sensor.evaluate_tick(context)
    return Tick(list(answer.run_requests or ()), answer.skip_message or "")


def next_tick() -> datetime:
    """Of a schedule of five minutes."""
    return datetime.fromtimestamp((datetime.now(UTC).timestamp() // 300 + 1) * 300, UTC)
