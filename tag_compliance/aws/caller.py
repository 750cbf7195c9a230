"""The identity behind the base credentials, with which every role is assumed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tag_compliance.aws.clients import Clients
from tag_compliance.aws.retry import CallBudget
from tag_compliance.aws.sources.paging import BaseSession, Caller
from tag_compliance.domain.account import RegionName

if TYPE_CHECKING:
    from types_boto3_sts import STSClient


def identify_caller(region: RegionName, deadline_seconds: float) -> str:
    """The ARN of the user or role; the call needs no permission.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
    `region` is one of the regions to scan. Raises `AwsError` if the credentials cannot be used.
    """
    clients, operation = Clients(1, deadline_seconds), "GetCallerIdentity"
    budget = CallBudget(deadline_seconds)
    caller = Caller(BaseSession(clients), budget, lambda: clients.sts(region))
    return budget.limit(operation, lambda: caller.call(operation, _arn))


def _arn(sts: STSClient) -> str:
    return sts.get_caller_identity()["Arn"]
