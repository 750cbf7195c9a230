"""The schedule: a scan every `refresh_interval`.

The smallest unit of cron is a minute, so not every tick leads to a scan.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

from tag_compliance.domain.clock import utc_now
from tag_compliance.errors import BadConfiguration, BadPolicy, TagComplianceError
from tag_compliance.pipeline import run_queries
from tag_compliance.pipeline.heartbeat import Heartbeats
from tag_compliance.pipeline.resources import ConfigurationResource
from tag_compliance.pipeline.run_requests import faulty_request, scan_requests
from tag_compliance.pipeline.run_tags import SCAN_JOB

Requests = list[dg.RunRequest] | dg.SkipReason

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400

# The daemon evaluates a tick earlier unless it was not running.
_LATE = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often to scan: `cron` ticks at least that often; a tick counts if it `is_due`."""

    seconds: int

    @property
    def cron(self) -> str:
        """The coarsest expression with a tick at every multiple of the interval, if one exists."""
        if self.seconds % _DAY == 0:
            return "0 0 * * *"
        if self.seconds % _HOUR == 0:
            return _every(self.seconds // _HOUR, 24, "0 {} * * *")
        if self.seconds % _MINUTE == 0:
            return _every(self.seconds // _MINUTE, 60, "{} * * * *")
        return "* * * * *"

    @property
    def patience(self) -> timedelta:
        """So long after the last scan the schedule has missed one: its ticks can be late."""
        grace = _MINUTE if self.seconds >= _MINUTE else 0
        return timedelta(seconds=self.seconds + grace)

    def has_missed(self, last_scan: datetime | None) -> bool:
        """Whether a scan was missed, which `scan_catch_up` then starts."""
        return last_scan is None or utc_now() - last_scan >= self.patience

    def is_due(self, tick: datetime, last_scan: datetime | None) -> bool:
        """Whether a multiple of the interval lies between the last scan's start and this tick.

        Multiples are counted in Unix time: an interval of 90 seconds leads to two scans in three
        minutes, not to one scan in two minutes.
        """
        if last_scan is None:
            return True
        return int(tick.timestamp()) // self.seconds > int(last_scan.timestamp()) // self.seconds


def _every(n: int, of: int, form: str) -> str:
    return form.format(f"*/{n}" if 1 < n < of and of % n == 0 else "*")


def build_schedule(cadence: Cadence, prefix: list[str]) -> dg.ScheduleDefinition:
    """On by default; a tick is skipped, with a reason, while a scan is running."""

    @dg.schedule(
        name="scan_schedule",
        cron_schedule=cadence.cron,
        job_name=SCAN_JOB,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Scans every {cadence.seconds} s (refresh_interval).",
    )
    def scan_schedule(
        context: dg.ScheduleEvaluationContext, configuration: ConfigurationResource
    ) -> Requests:
        tick, instance = context.scheduled_execution_time, context.instance
        latest = run_queries.latest_scan_at(instance, prefix)
        if not cadence.is_due(tick, latest):
            return dg.SkipReason(f"the next scan is due {cadence.seconds} s after {latest}")
        if utc_now() - tick > _LATE and cadence.has_missed(latest):
            # After a restart Dagster evaluates missed ticks, while the sensor starts the scan.
            return dg.SkipReason("this tick was missed; scan_catch_up starts the scan")
        key = f"{tick.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
        try:
            config = configuration.load()
        except BadPolicy as error:
            return dg.SkipReason(f"no scan without the policy: {error}")
        except BadConfiguration:
            return [faulty_request("schedule", key, prefix)]
        try:
            reason = busy(instance, configuration.heartbeats(), prefix)
        except TagComplianceError as error:
            return dg.SkipReason(f"no scan can start: {error}")
        return reason or scan_requests(instance, config, "schedule", key)

    return scan_schedule


def busy(
    instance: dg.DagsterInstance, heartbeats: Heartbeats, prefix: Sequence[str]
) -> dg.SkipReason | None:
    """Why no scan can start now; None if one can."""
    if running := run_queries.unfinished_runs(instance, heartbeats, prefix):
        return dg.SkipReason(f"a scan is still running: run {running[0].run_id}")
    unpublished = run_queries.find_unpublished_run(instance, prefix)
    # Not forever: the sensor that publishes may be switched off.
    if unpublished and run_queries.is_recent(
        unpublished.update_timestamp, run_queries.ALL_REQUESTED_WITHIN
    ):
        reading = unpublished.dagster_run
        if run_queries.publication_attempt(instance, reading) is not None:
            return dg.SkipReason(f"what run {reading.run_id} has read is still to be published")
    return None
