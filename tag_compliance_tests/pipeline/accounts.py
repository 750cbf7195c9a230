"""Accounts that were read, with a chosen number of compliant and noncompliant resources."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tag_compliance.domain.account import AccountId, AccountName
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.read_status import AccountReadStatus, Reason
from tag_compliance.domain.resources import AccountInventory
from tag_compliance.domain.summary import ComplianceResults
from tag_compliance_tests.domain.organizations import (
    evaluated,
    region_read,
    summary_of,
    table_of,
)

REQUIRED = ("Owner", "CostCenter")


def account(
    account_id: str,
    *regions: str,
    good: int = 1,
    bad: int = 1,
    reason: Reason = Reason.OK,
    at: datetime | None = None,
) -> AccountInventory:
    """In each region `good` resources with all required tags, and `bad` resources with none.

    With a `reason` none of the regions could be read. Reading started at `at`, by default now.
    """
    at = at or datetime.now(UTC)
    succeeded = reason is Reason.OK
    ended_at = at + timedelta(seconds=1.5) if succeeded else None
    names = [f"good-{n}" for n in range(good)] + [f"bad-{n}" for n in range(bad)]
    statuses = tuple(
        region_read(
            region,
            reason,
            message="" if succeeded else "it is denied",
            returned=len(names) if succeeded else 0,
            last_success_at=ended_at,
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
        for name in (names if succeeded else ())
    ]
    name = AccountName(f"name-{account_id[-3:]}")
    status = AccountReadStatus(
        AccountId(account_id), name, at, 1.5, statuses, last_success_at=ended_at
    )
    return AccountInventory(status, table_of(rows))


def results_of(*accounts: AccountInventory) -> ComplianceResults:
    policy = Policy(REQUIRED)
    evaluations = [evaluated(account, policy) for account in accounts]
    statuses = tuple(evaluation.status for evaluation in evaluations)
    return ComplianceResults(statuses, summary_of(evaluations, policy))
