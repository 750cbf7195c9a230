"""The plan of a scan: accounts, regions, roles, API calls."""

from __future__ import annotations

from collections.abc import Iterator

from tag_compliance.aws.targets import role_steps, targets_of
from tag_compliance.config import Config
from tag_compliance.config.policy_rules import policy_of
from tag_compliance.domain.policy_warnings import warnings_of
from tag_compliance.logs import on_one_line

_RESOURCES_PER_CALL = 100


def plan_of(config: Config) -> Iterator[str]:
    """The lines of the plan. The number of calls is a minimum: the number of pages is unknown."""
    accounts = targets_of(config)
    regions = sum(len(account.regions) for account in accounts)
    calls = regions + sum(max(1, len(role_steps(config, account))) for account in accounts)
    yield f"{len(accounts)} accounts, {regions} regions, every {config.refresh_interval} s"
    for account in accounts:
        yield ""
        yield f"{account.account_id}  {on_one_line(account.account_name)}"
        steps = role_steps(config, account)
        for step in steps:
            condition = f" (external id {step.external_id})" if step.external_id else ""
            yield f"  role     {step.role_arn}{condition}"
        if not steps:
            yield "  role     none: the base credentials, if they belong to this account"
        yield f"  regions  {', '.join(account.regions)}"
    yield ""
    yield f"required tags   {', '.join(config.required_tags) or 'none'}"
    yield from _policy_of(config)
    yield f"excluded types  {', '.join(config.excluded_resource_types) or 'none'}"
    yield f"storage         {config.storage}"
    yield (
        f"AWS API calls   at least {calls} per scan, and one more for each further "
        f"{_RESOURCES_PER_CALL} resources of a region"
    )


def _policy_of(config: Config) -> Iterator[str]:
    """Nothing without a policy file."""
    if not config.policy.files:
        return
    rules, waivers = len(config.policy.rules), len(config.policy.waivers)
    yield f"policy          {rules} rules, {waivers} waivers in {len(config.policy.files)} files"
    policy = policy_of(config.required_tags, config.excluded_resource_types, config.policy)
    for warning in warnings_of(policy, targets_of(config)):
        yield on_one_line(f"  warning       {warning}")
