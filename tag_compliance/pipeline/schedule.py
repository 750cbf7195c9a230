"""The schedule: a scan every `refresh_interval`.

The smallest unit of cron is a minute, so not every tick leads to a scan.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import dagster as dg

from tag_compliance.domain.clock import utc_now
from tag_compliance.errors import BadConfiguration, BadPolicy, TagComplianceError
from tag_compliance.pipeline import run_queries
from tag_compliance.pipeline.heartbeat import Heartbeats
from tag_compliance.pipeline.resources import ConfigurationResource
from tag_compliance.pipeline.run_queries import LatestScan
from tag_compliance.pipeline.run_requests import Requests, due_requests, faulty_request
from tag_compliance.pipeline.run_tags import SCAN_JOB, SCHEDULE_TRIGGER

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400

# The daemon evaluates a tick earlier unless it was not running.
_LATE = timedelta(seconds=15)

# A run that was requested and not created after this time was lost with the daemon.
_CLAIMED_FOR = timedelta(minutes=1)


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

    def next_due(self, latest: LatestScan) -> datetime:
        """The multiple of the interval at which the schedule scans again.

        Multiples are counted in Unix time: an interval of 90 seconds leads to two scans in three
        minutes, not to one scan in two minutes. After a scan that the schedule has not started, a
        multiple within half an interval is left out, so that a restart does not scan twice.
        """
        since = latest.at.timestamp() + (0 if latest.scheduled else self.seconds / 2)
        return datetime.fromtimestamp((int(since) // self.seconds + 1) * self.seconds, UTC)

    def is_due(self, tick: datetime, latest: LatestScan | None) -> bool:
        """Whether the tick of the schedule leads to a scan."""
        return latest is None or tick >= self.next_due(latest)

    def has_missed(self, latest: LatestScan | None) -> bool:
        """Whether the schedule has missed a scan, which `scan_sensor` then starts."""
        if latest is None:
            return True
        due = latest.at + timedelta(seconds=self.seconds)
        if self.seconds >= _MINUTE:  # of shorter intervals, the schedule cannot start each scan
            due = max(due, self.next_due(latest)) + timedelta(seconds=_MINUTE)
        return utc_now() >= due


@dataclass(slots=True)
class Claims:
    """Which of schedule and sensor has requested the next scan.

    Dagster evaluates both at the same time, also when the daemon starts, and creates the run
    afterwards. Both evaluations are in the process of the code server.
    """

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _claim: tuple[str, LatestScan | None, datetime | None, datetime] | None = None

    def claim(
        self, trigger: str, latest: LatestScan | None, discovered_at: datetime | None = None
    ) -> bool:
        """False if another trigger has requested the run after `latest` in the last minute.

        `discovered_at` is the end of the discovery that precedes the scan, if there was one.
        """
        with self._lock:
            now = utc_now()
            if self._claim is not None:
                other, *after, at = self._claim
                is_same = after == [latest, discovered_at]
                if other != trigger and is_same and abs(now - at) < _CLAIMED_FOR:
                    return False
            self._claim = (trigger, latest, discovered_at, now)
            return True


def _every(n: int, of: int, form: str) -> str:
    return form.format(f"*/{n}" if 1 < n < of and of % n == 0 else "*")


def build_schedule(cadence: Cadence, prefix: list[str], claims: Claims) -> dg.ScheduleDefinition:
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
        latest = run_queries.latest_scan(instance, prefix)
        if latest and not cadence.is_due(tick, latest):
            due = cadence.next_due(latest)
            return dg.SkipReason(f"the next scan is due at {due:%Y-%m-%d %H:%M:%S} UTC")
        if utc_now() - tick > _LATE and cadence.has_missed(latest):
            # After a restart Dagster evaluates missed ticks, while the sensor starts the scan.
            return dg.SkipReason("this tick was missed; scan_sensor starts the scan")
        pending = run_queries.pending_discovery(instance, prefix)
        key = f"{tick.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
        try:
            configuration.load()
        except BadPolicy as error:
            return dg.SkipReason(f"no scan without the policy: {error}")
        except BadConfiguration:
            return [faulty_request(SCHEDULE_TRIGGER, key, prefix)]
        try:
            reason = busy(instance, configuration.heartbeats(), prefix)
            if reason is None and not claims.claim(SCHEDULE_TRIGGER, latest, pending):
                reason = dg.SkipReason("scan_sensor has just requested this scan")
            return reason or due_requests(instance, configuration, SCHEDULE_TRIGGER, key, prefix)
        except TagComplianceError as error:
            return dg.SkipReason(f"no scan can start: {error}")

    return scan_schedule


def busy(
    instance: dg.DagsterInstance, heartbeats: Heartbeats, prefix: Sequence[str]
) -> dg.SkipReason | None:
    """Why no scan can start now; None if one can."""
    unfinished = run_queries.unfinished_runs(instance, heartbeats, prefix)
    return still_running(unfinished) or still_unpublished(
        instance, run_queries.find_unpublished_run(instance, prefix)
    )


def still_running(unfinished: Sequence[dg.DagsterRun]) -> dg.SkipReason | None:
    """Why no scan can start while these runs have not ended; None without any."""
    if unfinished:
        return dg.SkipReason(f"a scan is still running: run {unfinished[0].run_id}")
    return None


def still_unpublished(
    instance: dg.DagsterInstance, unpublished: dg.RunRecord | None
) -> dg.SkipReason | None:
    """Why no scan can start before this reading run is published; None if one can."""
    # Not forever: the sensor, which publishes, may be switched off.
    if unpublished and run_queries.is_recent(
        unpublished.update_timestamp, run_queries.ALL_REQUESTED_WITHIN
    ):
        reading = unpublished.dagster_run
        if run_queries.publication_attempt(instance, reading) is not None:
            return dg.SkipReason(f"what run {reading.run_id} has read is still to be published")
    return None
