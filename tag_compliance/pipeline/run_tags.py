"""The jobs, and the tags by which their runs are found."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from tag_compliance.domain.clock import is_ahead, utc_now
from tag_compliance.pipeline.scan_times import ScanTimes

SCAN_JOB = "scan"  # reads the accounts: `scan_config` and `raw_resources`
PUBLISH_JOB = "publish"  # publishes what was read: the assets downstream of these

POLICY, SCAN_CONFIG, RAW_RESOURCES = "policy", "scan_config", "raw_resources"
COMPLIANCE_RESULTS, METRIC_SNAPSHOT = "compliance_results", "metric_snapshot"
VIOLATION_HISTORY = "violation_history"

# On every run of the jobs: the key of `raw_resources`, which is unique in a Dagster instance. Other
# code locations of the instance can have jobs with the same names.
DEFINITIONS_TAG = "tag_compliance/definitions"

TRIGGER_TAG = "tag_compliance/trigger"  # what started the run: `schedule`, `catch-up`, `cli`, `ui`
SCHEDULE_TRIGGER, CATCH_UP_TRIGGER = "schedule", "catch-up"
CLI_TRIGGER = "cli"  # the process executes the reading run and then the publishing run

# On a run that only reads the list of accounts from AWS Organizations, before a scan.
DISCOVERY_TAG = "tag_compliance/discovery"

# On every run of a scan of all accounts: the scan's start, which all its runs share.
SCAN_TAG = "tag_compliance/scan"
PARTS_TAG = "tag_compliance/parts"  # on a reading run: how many reading runs the scan has
ACCOUNT_TAG = "tag_compliance/account"  # on a reading run that reads only this account

# On a publishing run: the reading run after whose end it was started.
PUBLISHES_TAG = "tag_compliance/publishes"

# On a reading run whose accounts have all been read or have failed: `complete`, `partial` or
# `nothing`. A run that failed without it failed for another reason.
OUTCOME_TAG = "tag_compliance/outcome"

# `dagster.yaml` limits the runs that have this tag to one.
ONE_AT_A_TIME = {"tag_compliance/one_at_a_time": "true"}

# A run writes to this project's logger only if its configuration names it.
RUN_CONFIG: dict[str, dict[str, dict[str, str]]] = {"loggers": {"console": {}}}

# The clocks of hosts differ a little; an earlier scan is older by far more.
_CLOCK_SKEW = timedelta(seconds=5)
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


def definitions_tags(prefix: Sequence[str]) -> dict[str, str]:
    """The tags of the jobs; `prefix` is the key prefix of the assets."""
    return {DEFINITIONS_TAG: "/".join([*prefix, RAW_RESOURCES])}


def scan_id(started_at: datetime) -> str:
    """Names a scan by its start."""
    return started_at.astimezone(UTC).strftime(_TIME)


def scan_times(run: dg.DagsterRun) -> ScanTimes:
    """The times of the scan that a run belongs to.

    A run without a scan in its tags, for example from the UI, starts now, and so does one whose
    tag has a time of a wrong clock: of this host, or of the one that requested the run. A
    re-execution has the tags of the run that it repeats, but it may be days later, so it starts now
    as well.
    """
    try:
        scan = run.tags[SCAN_TAG]
        tagged = datetime.strptime(scan, _TIME).replace(tzinfo=UTC)
    except (KeyError, ValueError):
        return ScanTimes(utc_now())
    if is_ahead(tagged):
        return ScanTimes(utc_now(), all_accounts=True, scan=scan)
    started_at = utc_now() if run.parent_run_id else tagged
    return ScanTimes(started_at, tagged - _CLOCK_SKEW, all_accounts=True, scan=scan)
