"""The sensors that start runs: the first scan, missed scans, and the publication of each scan."""

from collections.abc import Sequence

import dagster as dg

from tag_compliance.errors import BadConfiguration, TagComplianceError
from tag_compliance.logs import get_logger
from tag_compliance.pipeline import run_queries
from tag_compliance.pipeline.resources import ConfigurationResource
from tag_compliance.pipeline.run_requests import (
    faulty_request,
    publish_request,
    scan_requests,
    sync_partitions,
)
from tag_compliance.pipeline.run_tags import CATCH_UP_TRIGGER, PUBLISH_JOB, SCAN_JOB
from tag_compliance.pipeline.schedule import Cadence, Claims, Requests, busy

logger = get_logger(__name__)

_INTERVAL_SECONDS = 10


def build_catch_up_sensor(
    cadence: Cadence, prefix: list[str], claims: Claims
) -> dg.SensorDefinition:
    """Starts the first scan as soon as the daemon is up, and every scan that the schedule missed.

    It also serves intervals of less than a minute, which cron cannot express.
    """

    @dg.sensor(
        name="scan_catch_up",
        job_name=SCAN_JOB,
        minimum_interval_seconds=min(_INTERVAL_SECONDS, cadence.seconds),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts a scan if none has started for a refresh_interval.",
    )
    def scan_catch_up(
        context: dg.SensorEvaluationContext, configuration: ConfigurationResource
    ) -> Requests:
        instance, latest = context.instance, run_queries.latest_scan(context.instance, prefix)
        is_fresh = not cadence.has_missed(latest)
        skipped = dg.SkipReason(
            f"the latest scan started at {latest.at:%Y-%m-%d %H:%M:%S} UTC"
            if latest
            else "no scan has started yet"
        )
        key = f"after-{latest.at.isoformat() if latest else 'none'}"
        try:
            config = configuration.load()
        except BadConfiguration:
            return skipped if is_fresh else [faulty_request(CATCH_UP_TRIGGER, key, prefix)]
        try:
            reason = busy(instance, configuration.heartbeats(), prefix)
        except TagComplianceError as error:
            return dg.SkipReason(f"no scan can start: {error}")
        if reason is None:
            # An account that was added or removed is visible within seconds, before the next scan.
            sync_partitions(instance, config)
        if reason or is_fresh:
            return reason or skipped
        if not claims.claim(CATCH_UP_TRIGGER, latest):
            return dg.SkipReason("scan_schedule has just requested this scan")
        return scan_requests(instance, config, CATCH_UP_TRIGGER, key)

    return scan_catch_up


def build_publish_sensor(prefix: Sequence[str] = ()) -> dg.SensorDefinition:
    """Publishes what was read as soon as no reading run is unfinished.

    That is one rule for a scheduled scan, a scan of several runs, a partition or a backfill from
    the UI, and a re-execution. A publishing run that was killed is repeated, one that failed by
    itself is not: it would fail again.
    """
    problem: list[str] = []

    @dg.sensor(
        name="scan_publish",
        job_name=PUBLISH_JOB,
        minimum_interval_seconds=_INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Publishes what was read, once every reading run has ended.",
    )
    def scan_publish(
        context: dg.SensorEvaluationContext, configuration: ConfigurationResource
    ) -> dg.RunRequest | dg.SkipReason:
        instance = context.instance
        try:
            heartbeats = configuration.heartbeats()
            unfinished = run_queries.unfinished_runs(instance, heartbeats, prefix)
        except TagComplianceError as error:
            reason = f"nothing can be published: {error}"
            if problem != [reason]:  # logged once for each change, not at each tick
                logger.warning(reason)
                problem[:] = [reason]
            return dg.SkipReason(reason)
        problem.clear()
        if running := sum(run_queries.is_reading(run, prefix) for run in unfinished):
            return dg.SkipReason(f"unfinished reading runs: {running}")
        record = run_queries.find_unpublished_run(instance, prefix)
        if record is None:
            return dg.SkipReason("everything that was read is published")
        reading = record.dagster_run
        attempt = run_queries.publication_attempt(instance, reading)
        if attempt is None:
            return _given_up(context, reading)
        scan = run_queries.latest_scan_tag(instance, prefix)
        return _not_yet(instance, record) or publish_request(reading, scan, attempt)

    return scan_publish


def _not_yet(instance: dg.DagsterInstance, record: dg.RunRecord) -> dg.SkipReason | None:
    if run_queries.is_published_by_its_process(record):
        return dg.SkipReason("the command that read it publishes it")
    if missing := run_queries.missing_parts(instance, record):
        return dg.SkipReason(f"runs of this scan that have not been created yet: {missing}")
    return None


def _given_up(context: dg.SensorEvaluationContext, reading: dg.DagsterRun) -> dg.SkipReason:
    reason = (
        f"every publishing run after run {reading.run_id} was killed; "
        "what was read is published after the next reading run"
    )
    if context.cursor != reading.run_id:  # logged once, not at each tick
        logger.warning(reason)
        context.update_cursor(reading.run_id)
    return dg.SkipReason(reason)
