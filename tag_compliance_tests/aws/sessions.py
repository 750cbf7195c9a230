"""Sessions of accounts, and call budgets that do not wait between retries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from tag_compliance.aws.account_session import AccountSession
from tag_compliance.aws.clients import Clients
from tag_compliance.aws.retry import CallBudget, CallStats
from tag_compliance.aws.targets import RoleStep
from tag_compliance.domain.account import AccountId, AccountName, RegionName, Target
from tag_compliance.domain.clock import utc_now

ID = AccountId("100000000000")
"""The first account of a generated organization."""

IRELAND, VIRGINIA = RegionName("eu-west-1"), RegionName("us-east-1")
TARGET = Target(ID, AccountName("payments"), (IRELAND, VIRGINIA))
ROLE = RoleStep(f"arn:aws:iam::{ID}:role/terraform", "tag-compliance", 3600)


def new_budget(stats: CallStats | None = None, seconds: float = 20) -> CallBudget:
    return CallBudget(seconds, stats=stats or CallStats(), random=lambda: 0.0)


def session_of(
    *steps: RoleStep,
    clients: Clients | None = None,
    target: Target = TARGET,
    clock: Callable[[], datetime] = utc_now,
) -> AccountSession:
    return AccountSession(clients or Clients(4), target, steps, new_budget, clock)
