"""The evaluations of a scan with all kinds of resources and regions, and its snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from tag_compliance.domain.account import AccountId, AccountName
from tag_compliance.domain.counts import Thresholds
from tag_compliance.domain.evaluation import Evaluation
from tag_compliance.domain.metrics.table import SnapshotInfo
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.read_status import AccountReadStatus, Reason
from tag_compliance.domain.resources import AccountInventory
from tag_compliance.domain.summary import ComplianceResults
from tag_compliance.snapshot.builder import SnapshotContents, SnapshotSettings, build_contents
from tag_compliance_tests.domain.organizations import (
    evaluated,
    region_read,
    summary_of,
    table_of,
)
from tag_compliance_tests.support.snapshots import NOON

POLICY = Policy(("Owner", "Env"), ("ecs:*",))


def scanned_accounts() -> list[Evaluation]:
    """Regions that were read and that failed; resources that are compliant, noncompliant, excluded
    and malformed.
    """
    regions = (
        region_read("eu-west-1", returned=4, seconds=1.5, last_success_at=NOON),
        region_read("us-east-1", Reason.THROTTLED, message="too fast", seconds=9.0),
    )
    shop = AccountReadStatus(
        AccountId("111122223333"),
        AccountName('sh"op'),
        NOON,
        9.25,
        regions,
        calls=7,
        retries=4,
        throttled_calls=5,
        last_success_at=NOON,
    )
    denied = (region_read("eu-west-1", Reason.ACCESS_DENIED, message="no"),)
    lab = AccountReadStatus(AccountId("222233334444"), AccountName("lab"), NOON, 0.5, denied)
    rows = [
        ("arn:aws:ec2:eu-west-1:111122223333:vpc/a", "ec2:vpc", {"Owner": "me", "Env": ""}),
        ("arn:aws:ec2:eu-west-1:111122223333:vpc/b", "ec2:vpc", {"Env": "x"}),
        ("arn:aws:ecs:eu-west-1:111122223333:task/c", "ecs:task", {}),
        ("what\n?", "unknown:unknown", {}),
    ]
    table = table_of(
        ("eu-west-1", {"arn": arn, "resource_type": type_, "tags": tags})
        for arn, type_, tags in rows
    )
    inventories = [AccountInventory(shop, table), AccountInventory(lab, table_of([]))]
    return [evaluated(inventory, POLICY) for inventory in inventories]


def contents_of(
    evaluations: Sequence[Evaluation], limit: int | None = None, **settings: Any
) -> SnapshotContents:
    """The snapshot of a scan that took 20 seconds."""
    results = ComplianceResults(
        tuple(e.status for e in evaluations), summary_of(evaluations, POLICY)
    )
    findings = {e.account_id: e.findings for e in evaluations}
    info = SnapshotInfo(NOON, NOON + timedelta(seconds=20), "0.1.0")
    grading = Thresholds(good=90, poor=70)
    chosen = SnapshotSettings(POLICY.required_tags, limit, 300, grading, **settings)
    return build_contents(results, findings.__getitem__, info, chosen)
