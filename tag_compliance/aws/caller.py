"""The identity behind the base credentials, with which every role is assumed."""

from __future__ import annotations

from tag_compliance.aws.botocore_hooks import signing_as
from tag_compliance.aws.clients import Clients
from tag_compliance.aws.retry import CallBudget, CallStats
from tag_compliance.domain.account import RegionName


def identify_caller(region: RegionName, deadline_seconds: float) -> str:
    """The ARN of the user or role; the call needs no permission.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
    `region` is one of the regions to scan. Raises `AwsError` if the credentials cannot be used.
    """
    clients = Clients(1, deadline_seconds)

    def attempt() -> str:
        with signing_as(clients.base_credentials):
            return clients.sts(region).get_caller_identity()["Arn"]

    operation = "GetCallerIdentity"
    budget = CallBudget(deadline_seconds, 0.0, CallStats())
    return budget.limit(operation, lambda: budget.call(operation, attempt))
