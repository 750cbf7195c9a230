"""What starts runs automatically: the schedule, and sensors for what a schedule cannot know."""

from datetime import UTC, timedelta

import dagster as dg

from tag_compliance.domain.clock import utc_now
from tag_compliance.errors import BadConfiguration
from tag_compliance.pipeline.cadence import Cadence
from tag_compliance.pipeline.heartbeat import Heartbeats
from tag_compliance.pipeline.partitions import sync_partitions
from tag_compliance.pipeline.requests import (
    faulty_request,
    follow_request,
    parts_of,
    publish_request,
    scan_requests,
)
from tag_compliance.pipeline.resources import ConfigurationResource
from tag_compliance.pipeline.runs import (
    ALL_ASKED_FOR_WITHIN,
    JOB,
    PARTS_TAG,
    SCAN_TAG,
    TRIGGER_TAG,
    has_ended,
    newest_of_several,
    newest_scan_at,
    running_scan,
    unfollowed_by_hand,
    unpublished_scan,
)

_GRACE_SECONDS = 60
_SENSOR_SECONDS = 10

Answer = list[dg.RunRequest] | dg.SkipReason


def _busy(instance: dg.DagsterInstance, heartbeats: Heartbeats) -> dg.SkipReason | None:
    """The reason why no scan can begin now, or None."""
    running = running_scan(instance, heartbeats)
    if running is not None:
        return dg.SkipReason(f"a scan is still running: run {running.run_id}")
    unpublished = unpublished_scan(instance)
    if unpublished is not None:
        return dg.SkipReason(f"scan {unpublished} is still to be published")
    return None


def build_schedule(cadence: Cadence, prefix: list[str]) -> dg.ScheduleDefinition:
    """On by default; a tick is skipped, with the reason, while a scan is running."""

    @dg.schedule(
        name="scan_schedule",
        cron_schedule=cadence.cron,
        job_name=JOB,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Scans every {cadence.seconds} s (refresh_interval).",
    )
    def scan_schedule(
        context: dg.ScheduleEvaluationContext, configuration: ConfigurationResource
    ) -> Answer:
        tick, instance = context.scheduled_execution_time, context.instance
        last = newest_scan_at(instance)
        if not cadence.is_due(tick, last):
            return dg.SkipReason(f"the next scan is due {cadence.seconds} s after {last}")
        key = f"{tick.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
        try:
            config = configuration.load()
        except BadConfiguration:
            return [faulty_request("schedule", key, prefix)]
        busy = _busy(instance, configuration.heartbeats())
        return busy or scan_requests(instance, config, "schedule", key, prefix)

    return scan_schedule


def build_catch_up_sensor(cadence: Cadence, prefix: list[str]) -> dg.SensorDefinition:
    """Starts the first scan as soon as the daemon is up, and any that the schedule has missed.

    It also starts scans more often than once a minute, which cron cannot.
    """
    patience = timedelta(seconds=cadence.seconds)
    if cadence.seconds >= _GRACE_SECONDS:
        patience += timedelta(seconds=_GRACE_SECONDS)

    @dg.sensor(
        name="scan_catch_up",
        job_name=JOB,
        minimum_interval_seconds=min(_SENSOR_SECONDS, cadence.seconds),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts a scan if none has begun for a refresh_interval.",
    )
    def scan_catch_up(
        context: dg.SensorEvaluationContext, configuration: ConfigurationResource
    ) -> Answer:
        instance, last = context.instance, newest_scan_at(context.instance)
        fresh = last is not None and utc_now() - last < patience
        recent = dg.SkipReason(
            f"the newest scan began at {last or utc_now():%Y-%m-%d %H:%M:%S} UTC"
        )
        key = f"after-{last.isoformat() if last else 'none'}"
        try:
            config = configuration.load()
        except BadConfiguration:
            return recent if fresh else [faulty_request("catch-up", key, prefix)]
        busy = _busy(instance, configuration.heartbeats())
        if busy is None:
            # An account that was added or removed is shown within seconds, not after the next scan.
            sync_partitions(instance, config)
        if busy or fresh:
            return busy or recent
        return scan_requests(instance, config, "catch-up", key, prefix)

    return scan_catch_up


def build_publish_sensor(prefix: list[str]) -> dg.SensorDefinition:
    """Publishes a scan of several runs when the last of them has ended, with or without success.

    Also publishes the accounts that a person has read from the UI.
    """

    @dg.sensor(
        name="scan_publish",
        job_name=JOB,
        minimum_interval_seconds=_SENSOR_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Evaluates and publishes what a scan of several runs, or the UI, has read.",
    )
    def scan_publish(
        context: dg.SensorEvaluationContext, configuration: ConfigurationResource
    ) -> dg.RunRequest | dg.SkipReason:
        instance, heartbeats = context.instance, configuration.heartbeats()
        by_hand = unfollowed_by_hand(instance)
        if by_hand is not None:
            return follow_request(by_hand, prefix)
        newest = newest_of_several(instance)
        if newest is None:
            return dg.SkipReason("the newest scan is a single run, which publishes by itself")
        scan = newest.dagster_run.tags[SCAN_TAG]
        if PARTS_TAG not in newest.dagster_run.tags:
            return dg.SkipReason(f"scan {scan} has been published, or is being")
        parts = list(parts_of(instance, scan))
        wanted = int(newest.dagster_run.tags[PARTS_TAG])
        age = utc_now() - newest.create_timestamp.astimezone(UTC)
        if len(parts) < wanted and age < ALL_ASKED_FOR_WITHIN:
            return dg.SkipReason(f"{len(parts)} of {wanted} runs of scan {scan} are asked for")
        going_on = sum(not has_ended(instance, record, heartbeats) for record in parts)
        if going_on:
            return dg.SkipReason(f"{going_on} of {wanted} runs of scan {scan} go on")
        return publish_request(scan, newest.dagster_run.tags.get(TRIGGER_TAG, ""), prefix)

    return scan_publish
