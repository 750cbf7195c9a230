"""How a finding was opened and why it was closed, and the durations that the history depends on."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum


class OpenedKind(StrEnum):
    """How a finding was opened: the first of these that fits."""

    FIRST_SCAN = "first_scan"
    NEW_RESOURCE = "new_resource"
    WAIVER_EXPIRED = "waiver_expired"
    POLICY_CHANGE = "policy_change"
    REGRESSED = "regressed"


class ClosedWhy(StrEnum):
    """Why a finding was closed: the first of these that fits."""

    ACCOUNT_REMOVED = "account_removed"
    EXCLUDED = "excluded"
    RULE_CHANGED = "rule_changed"
    WAIVED = "waived"
    FIXED = "fixed"
    GONE = "gone"


class TrackedState(StrEnum):
    """What the history knows of a finding.

    `FIXED` findings are known for `RETURN_WINDOW`, in which they can return.
    """

    OPEN = "open"
    WAIVED = "waived"
    FIXED = "fixed"


FAMILIES = (
    "tag_compliance_open_findings",
    "tag_compliance_open_findings_unseen",
    "tag_compliance_oldest_finding_timestamp_seconds",
    "tag_compliance_findings_opened_total",
    "tag_compliance_findings_closed_total",
    "tag_compliance_time_to_fix_seconds",
    "tag_compliance_history_start_timestamp_seconds",
)
"""The names of the metrics of the history."""

KINDS = tuple(OpenedKind)
WHYS = tuple(ClosedWhy)

KINDS_WITH_TIME_TO_FIX = (OpenedKind.NEW_RESOURCE, OpenedKind.REGRESSED)
"""Of the other kinds it is not known when somebody could have begun to fix the finding."""

RETURN_WINDOW = timedelta(hours=24)
"""A finding that returns within this time after it was fixed continues."""

ABSENT_READINGS = 3
ABSENT_TIME = timedelta(hours=24)
"""A resource is gone after this many successive readings without it, or after this time."""

AGE_DAYS = (0, 1, 7, 30, 90)
"""The lower bounds of the ages of open findings."""

FIX_SECONDS = (
    3_600.0,
    14_400.0,
    86_400.0,
    259_200.0,
    604_800.0,
    1_209_600.0,
    2_592_000.0,
    7_776_000.0,
)
"""The upper bounds of the buckets of the time to fix; the last bucket has no bound."""
