"""Scanned accounts made to order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tag_compliance.domain.scan import AccountScan, Reason, RegionScan, ScannedAccount

from tag_compliance.domain.evaluation import evaluate
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.results import ComplianceResults
from tag_compliance_tests.domain.organizations import table_of

REQUIRED = ("Owner", "CostCenter")


def scanned_account(
    account_id: str,
    *regions: str,
    good: int = 1,
    bad: int = 1,
    reason: Reason = Reason.OK,
    at: datetime | None = None,
) -> ScannedAccount:
    """In each region so many resources with all required tags, and so many with none.

    With a `reason` none of the regions could be read.
    """
    at = at or datetime.now(UTC)
    failed = reason is not Reason.OK
    names = [] if failed else [f"good-{n}" for n in range(good)] + [f"bad-{n}" for n in range(bad)]
    states = tuple(
        RegionScan(
            region,
            reason,
            "it is denied" if failed else "",
            resources=len(names),
            last_success_at=None if failed else at,
        )
        for region in regions
    )
    rows = [
        (
            region,
            {
                "arn": f"arn:aws:sqs:{region}:{account_id}:{name}",
                "resource_type": "sqs:queue",
                "tags": dict.fromkeys(REQUIRED, "x") if name.startswith("good") else {},
            },
        )
        for region in regions
        for name in names
    ]
    scan = AccountScan(
        account_id,
        f"name-{account_id[-3:]}",
        at - timedelta(seconds=1.5),
        1.5,
        states,
        last_success_at=None if failed else at,
    )
    return ScannedAccount(scan, table_of(rows))


def results_of(*accounts: ScannedAccount) -> ComplianceResults:
    return evaluate(accounts, Policy(REQUIRED))
