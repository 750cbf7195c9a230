"""The jobs, and the tags by which their runs are found."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

SCAN_JOB = "scan"
"""Reads the accounts: `scan_config` and `raw_resources`."""

PUBLISH_JOB = "publish"
"""Publishes what was read: `compliance_results` and `metric_snapshot`."""

SCAN_CONFIG, RAW_RESOURCES = "scan_config", "raw_resources"
COMPLIANCE_RESULTS, METRIC_SNAPSHOT = "compliance_results", "metric_snapshot"

TRIGGER_TAG = "tag_compliance/trigger"
"""What started the run: `schedule`, `catch-up`, `cli` or `ui`."""

SCAN_TAG = "tag_compliance/scan"
"""On every run of a scan of all accounts: the scan's start, which all its runs share."""

PARTS_TAG = "tag_compliance/parts"
"""On a reading run: how many reading runs the scan has."""

ACCOUNT_TAG = "tag_compliance/account"
"""On a reading run that reads only this account."""

PUBLISHES_TAG = "tag_compliance/publishes"
"""On a publishing run: the reading run after whose end it was started."""

ONE_AT_A_TIME = {"tag_compliance/one_at_a_time": "true"}
"""`dagster.yaml` limits the runs that have this tag to one."""

RUN_CONFIG: dict[str, dict[str, dict[str, str]]] = {"loggers": {"console": {}}}
"""A run writes to this project's logger only if its configuration names it."""

_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"
_CLOCK_SKEW = timedelta(seconds=5)
"""The clocks of hosts differ a little; an earlier scan is older by far more."""


def scan_id(started_at: datetime) -> str:
    """Names a scan by its start."""
    return started_at.astimezone(UTC).strftime(_TIME)


def scan_started_at(tags: Mapping[str, str]) -> datetime | None:
    """The start of the scan that a run belongs to; None if its tags name no scan."""
    try:
        return datetime.strptime(tags[SCAN_TAG], _TIME).replace(tzinfo=UTC)
    except (KeyError, ValueError):
        return None


def read_since(tags: Mapping[str, str]) -> datetime | None:
    """Since when an account must have been read to belong to the scan that a run publishes.

    None for a run whose tags name no scan: everything that is stored belongs to it.
    """
    started_at = scan_started_at(tags)
    return started_at - _CLOCK_SKEW if started_at else None
