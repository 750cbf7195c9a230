"""The effective tag policy of one account, and the tags that it requires.

https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeEffectivePolicy.html
https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_ListRequiredTags.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from tag_compliance.aws.account_session import AccountSession
from tag_compliance.aws.clients import Clients
from tag_compliance.aws.errors import AwsError
from tag_compliance.aws.regions import always_enabled, global_region_of
from tag_compliance.aws.retry import CallBudget
from tag_compliance.aws.sources.paging import Caller
from tag_compliance.aws.targets import partition_of, role_steps
from tag_compliance.config import Config
from tag_compliance.domain.account import RegionName, Target
from tag_compliance.domain.read_status import Reason

_EFFECTIVE, _REQUIRED = "DescribeEffectivePolicy", "ListRequiredTags"
_PAGE_SIZE = 200


@dataclass(frozen=True, slots=True)
class AccountTagPolicy:
    """The text of the effective policy, and the entries of ListRequiredTags."""

    content: str
    required_tags: tuple[Mapping[str, Any], ...]


def read_tag_policy(config: Config, target: Target) -> AccountTagPolicy:
    """Read with the role of the account, within `region_deadline`. Any account may ask for its own
    policy.

    Raises `AwsError`, which is `ResourceNotFound` if no tag policy applies to the account.
    """
    seconds = float(config.region_deadline)
    clients = Clients(1, seconds)
    session = AccountSession(
        clients, target, role_steps(config, target), lambda stats: CallBudget(seconds, stats=stats)
    )
    budget = CallBudget(seconds)
    home = RegionName(global_region_of(partition_of(target)))
    region = RegionName(always_enabled(target.regions[0]))

    def read() -> AccountTagPolicy:
        organizations = Caller(session, budget, partial(clients.get, "organizations", home))
        content = organizations.call(_EFFECTIVE, _describe)
        tagging = partial(clients.get, "resourcegroupstaggingapi", region)
        caller = Caller(session, budget, tagging)
        required = caller.entries(_REQUIRED, "RequiredTags", MaxResults=_PAGE_SIZE)
        return AccountTagPolicy(content, tuple(required))

    return budget.limit(_EFFECTIVE, read)


def _describe(client: Any) -> str:
    response = client.describe_effective_policy(PolicyType="TAG_POLICY")
    content = (response.get("EffectivePolicy") or {}).get("PolicyContent")
    if not isinstance(content, str):
        cause = "the response has no EffectivePolicy with PolicyContent"
        raise AwsError(_EFFECTIVE, Reason.MALFORMED_RESPONSE, cause)
    return content
