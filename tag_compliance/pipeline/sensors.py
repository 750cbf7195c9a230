"""The sensor that starts runs: the publication of each scan, the first scan, and missed scans."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from tag_compliance.errors import BadConfiguration, BadPolicy, TagComplianceError
from tag_compliance.logs import get_logger
from tag_compliance.pipeline import run_queries
from tag_compliance.pipeline.resources import ConfigurationResource
from tag_compliance.pipeline.run_queries import LatestScan
from tag_compliance.pipeline.run_requests import (
    Requests,
    due_requests,
    faulty_request,
    follow_list,
    publish_request,
)
from tag_compliance.pipeline.run_tags import CATCH_UP_TRIGGER
from tag_compliance.pipeline.schedule import Cadence, Claims, still_running, still_unpublished

logger = get_logger(__name__)

_INTERVAL_SECONDS = 10


def build_scan_sensor(
    cadence: Cadence, prefix: list[str], claims: Claims, jobs: Sequence[Any]
) -> dg.SensorDefinition:
    """Publishes what was read; starts the first scan, and every scan that the schedule missed.

    One sensor for both, because each of them polls the runs of the instance. It also serves
    intervals of less than a minute, which cron cannot express. `jobs` are the job that reads and
    the one that publishes.
    """
    problem: list[str] = []

    @dg.sensor(
        name="scan_sensor",
        jobs=jobs,
        minimum_interval_seconds=min(_INTERVAL_SECONDS, cadence.seconds),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Publishes what was read, once every reading run has ended; starts a scan if "
        "none has started for a refresh_interval.",
    )
    def scan_sensor(
        context: dg.SensorEvaluationContext, configuration: ConfigurationResource
    ) -> Requests:
        try:
            requests = _requests(context, configuration, cadence, prefix, claims)
        except TagComplianceError as error:
            reason = f"no run can start: {error}"
            if problem != [reason]:  # logged once for each change, not at each tick
                logger.warning(reason)
                problem[:] = [reason]
            return _reported(error, context.instance, cadence, prefix) or dg.SkipReason(reason)
        problem.clear()
        return requests

    return scan_sensor


def _requests(
    context: dg.SensorEvaluationContext,
    configuration: ConfigurationResource,
    cadence: Cadence,
    prefix: list[str],
    claims: Claims,
) -> Requests:
    """The run that publishes, or the scan that was missed, or why there is neither."""
    instance, record = context.instance, None
    skipped: dg.SkipReason | None = None
    unfinished = run_queries.unfinished_runs(instance, configuration.heartbeats(), prefix)
    if not any(run_queries.is_reading(run, prefix) for run in unfinished):
        record = run_queries.find_unpublished_run(instance, prefix)
    if record is not None:
        publication = _publication(context, record, prefix)
        if isinstance(publication, dg.RunRequest):
            return [publication]
        skipped = publication
    scan = (
        still_running(unfinished)
        or still_unpublished(instance, record)
        or _missed_scan(instance, configuration, cadence, prefix, claims)
    )
    return scan if isinstance(scan, list) else skipped or scan


def _publication(
    context: dg.SensorEvaluationContext, record: dg.RunRecord, prefix: list[str]
) -> dg.RunRequest | dg.SkipReason:
    """The publishing run of an unpublished reading run, or why there is none yet.

    That is one rule for a scheduled scan, a scan of several runs, a partition or a backfill from
    the UI, and a re-execution. A publishing run that was killed is repeated, one that failed by
    itself is not: it would fail again.
    """
    instance, reading = context.instance, record.dagster_run
    attempt = run_queries.publication_attempt(instance, reading)
    if attempt is None:
        return _given_up(context, reading)
    scan = run_queries.latest_scan_tag(instance, prefix)
    return _not_yet(instance, record) or publish_request(reading, scan, attempt)


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


def _missed_scan(
    instance: dg.DagsterInstance,
    configuration: ConfigurationResource,
    cadence: Cadence,
    prefix: list[str],
    claims: Claims,
) -> Requests:
    follow_list(instance, configuration)  # an added account is visible before the next scan
    latest = run_queries.latest_scan(instance, prefix)
    pending = run_queries.pending_discovery(instance, prefix)
    if not _is_due(cadence, latest, pending):
        at = f"{latest.at:%Y-%m-%d %H:%M:%S}" if latest else "no time"
        return dg.SkipReason(f"the latest scan started at {at} UTC")
    if claims.claim(CATCH_UP_TRIGGER, latest, pending):
        return due_requests(instance, configuration, CATCH_UP_TRIGGER, _key(latest), prefix)
    return dg.SkipReason("scan_schedule has just requested this scan")


def _reported(
    error: TagComplianceError, instance: dg.DagsterInstance, cadence: Cadence, prefix: list[str]
) -> Requests | None:
    """The run that shows the faults of the configuration in the UI, once for each scan missed."""
    if not isinstance(error, BadConfiguration) or isinstance(error, BadPolicy):
        return None
    latest = run_queries.latest_scan(instance, prefix)
    if not _is_due(cadence, latest, run_queries.pending_discovery(instance, prefix)):
        return None
    return [faulty_request(CATCH_UP_TRIGGER, _key(latest), prefix)]


def _is_due(cadence: Cadence, latest: LatestScan | None, pending: object) -> bool:
    """After a discovery, its scan is due: the tick that requested it was a scheduled one."""
    return pending is not None or cadence.has_missed(latest)


def _key(latest: LatestScan | None) -> str:
    return f"after-{latest.at.isoformat() if latest else 'none'}"
