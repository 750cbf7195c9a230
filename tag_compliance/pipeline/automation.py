"""What starts scans by itself: the schedule, and a sensor for those that it misses."""

from datetime import datetime, timedelta

import dagster as dg

from tag_compliance.domain.clock import utc_now
from tag_compliance.pipeline.cadence import Cadence
from tag_compliance.pipeline.partitions import range_tags, sync_partitions
from tag_compliance.pipeline.resources import ConfigurationResource
from tag_compliance.pipeline.runs import JOB, RUN_CONFIG, TRIGGER_TAG, newest_scan_at, running_scan

_GRACE_SECONDS = 60
_SENSOR_SECONDS = 10


def build_schedule(cadence: Cadence) -> dg.ScheduleDefinition:
    """On by default; a tick is skipped, and says so, while a scan is still running."""

    @dg.schedule(
        name="scan_schedule",
        cron_schedule=cadence.cron,
        job_name=JOB,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Scans every {cadence.seconds} s (refresh_interval).",
    )
    def scan_schedule(
        context: dg.ScheduleEvaluationContext, configuration: ConfigurationResource
    ) -> dg.RunRequest | dg.SkipReason:
        skip = _skip_while_running(context.instance, configuration)
        if skip:
            return skip
        tick = context.scheduled_execution_time
        last = newest_scan_at(context.instance)
        if not cadence.is_due(tick, last):
            return dg.SkipReason(f"the next scan is due {cadence.seconds} s after {last}")
        return _request(context.instance, configuration, "schedule", f"{tick:%Y-%m-%dT%H:%MZ}")

    return scan_schedule


def build_catch_up_sensor(cadence: Cadence) -> dg.SensorDefinition:
    """Starts the first scan as soon as the daemon is up, and any that the schedule has missed.

    It is also what scans more often than once a minute, which cron cannot.
    """
    patience = timedelta(seconds=cadence.seconds)
    if cadence.seconds >= _GRACE_SECONDS:
        patience += timedelta(seconds=_GRACE_SECONDS)

    @dg.sensor(
        name="scan_catch_up",
        job_name=JOB,
        minimum_interval_seconds=min(_SENSOR_SECONDS, cadence.seconds),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts a scan where none has begun for a refresh_interval.",
    )
    def scan_catch_up(
        context: dg.SensorEvaluationContext, configuration: ConfigurationResource
    ) -> dg.RunRequest | dg.SkipReason:
        skip = _skip_while_running(context.instance, configuration)
        if skip:
            return skip
        last: datetime | None = newest_scan_at(context.instance)
        if last is not None and utc_now() - last < patience:
            return dg.SkipReason(f"the newest scan began at {last:%Y-%m-%d %H:%M:%S} UTC")
        key = f"after-{last.isoformat() if last else 'none'}"
        return _request(context.instance, configuration, "catch-up", key)

    return scan_catch_up


def _skip_while_running(
    instance: dg.DagsterInstance, configuration: ConfigurationResource
) -> dg.SkipReason | None:
    running = running_scan(instance, configuration.storage())
    if running is None:
        return None
    return dg.SkipReason(f"a scan is still running: run {running.run_id}")


def _request(
    instance: dg.DagsterInstance, configuration: ConfigurationResource, trigger: str, key: str
) -> dg.RunRequest:
    accounts = sync_partitions(instance, configuration.load())
    tags = range_tags(accounts[0], accounts[-1])
    return dg.RunRequest(
        run_key=f"{trigger}-{key}", run_config=RUN_CONFIG, tags={**tags, TRIGGER_TAG: trigger}
    )
