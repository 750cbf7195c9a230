"""`tag-compliance check-config`: what would be scanned, as whom, and at what cost at least."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator

from tag_compliance.aws.regions import known_regions
from tag_compliance.aws.roles import role_steps
from tag_compliance.cli.exit_code import ExitCode
from tag_compliance.config import Config, load_config

_RESOURCES_PER_CALL = 100


def run(arguments: argparse.Namespace) -> int:
    config = load_config(arguments.config, os.environ, known_regions())
    print("\n".join(plan_of(config)))
    return ExitCode.COMPLETE


def plan_of(config: Config) -> Iterator[str]:
    """The plan in lines; the calls are the least, since nobody knows how many pages there are."""
    accounts = config.aws_account_matrix
    regions = sum(len(account.regions) for account in accounts)
    yield f"{len(accounts)} accounts, {regions} regions, every {config.refresh_interval} s"
    calls = regions
    for account in accounts:
        steps = role_steps(config, account)
        calls += max(1, len(steps))
        yield ""
        yield f"{account.account_id}  {account.account_name}"
        for step in steps:
            condition = f" (external id {step.external_id})" if step.external_id else ""
            yield f"  role     {step.role_arn}{condition}"
        if not steps:
            yield "  role     none: the base credentials, if they belong to this account"
        yield f"  regions  {', '.join(account.regions)}"
    yield ""
    yield f"required tags   {', '.join(config.required_tags)}"
    yield f"excluded types  {', '.join(config.excluded_resource_types) or 'none'}"
    yield f"storage         {config.storage}"
    yield (
        f"AWS API calls   at least {calls} a scan, and one more for each further "
        f"{_RESOURCES_PER_CALL} resources of a region"
    )
