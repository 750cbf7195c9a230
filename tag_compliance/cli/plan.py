"""The plan of a scan: accounts, regions, roles, sources, API calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from tag_compliance.aws.regions import global_region
from tag_compliance.aws.sources.plan import enabled_sources
from tag_compliance.aws.targets import resolve, role_steps, targets_of, verdicts
from tag_compliance.config import Config, IamTagsFrom
from tag_compliance.config.policy_rules import policy_of
from tag_compliance.domain.account import RegionName, Target
from tag_compliance.domain.organization import DiscoveredOrganization
from tag_compliance.domain.policy_warnings import warnings_of
from tag_compliance.domain.read_status import Source

_RESOURCES_PER_CALL = 100
_MOST_NAMES = 5
_FEWEST_CALLS = {
    Source.TAGGING: 1,
    Source.IAM: 1,
    Source.AUTOSCALING: 1,
    # The index before and after the reading, the default view, its properties, and one page.
    Source.RESOURCE_EXPLORER: 5,
}
"""For each region that a source is read in."""


def plan_of(
    unresolved: Config, organization: DiscoveredOrganization | None = None
) -> Iterator[str]:
    """The lines of the plan. The number of calls is a minimum: the number of pages is unknown.

    `organization` is the stored list of accounts.
    """
    config = resolve(unresolved, organization)
    accounts = targets_of(config)
    regions = sum(len(account.regions) for account in accounts)
    calls = sum(max(1, len(role_steps(config, account))) for account in accounts)
    calls += sum(map(partial(_fewest_calls, config), accounts))
    yield f"{len(accounts)} accounts, {regions} regions, every {config.refresh_interval} s"
    for account in accounts:
        yield ""
        yield f"{account.account_id}  {account.account_name}"
        steps = role_steps(config, account)
        for step in steps:
            condition = f" (external id {step.external_id})" if step.external_id else ""
            yield f"  role     {step.role_arn}{condition}"
        if not steps:
            yield "  role     none: the base credentials, if they belong to this account"
        yield f"  regions  {', '.join(account.regions)}"
        if account.ou_path:
            yield f"  OU path  {account.ou_path}"
        if account.owner:
            yield f"  owner    {account.owner}"
    if unresolved.organization is not None:
        yield ""
        yield from organization_lines(unresolved, organization)
    yield ""
    is_listed = unresolved.organization is None or bool(organization and organization.listed_at)
    yield f"required tags   {', '.join(config.required_tags) or 'none'}"
    yield from _policy_of(config, accounts if is_listed else None)
    yield f"excluded types  {', '.join(config.excluded_resource_types) or 'none'}"
    yield f"storage         {config.storage}"
    yield from _further_sources(config, accounts)
    yield (
        f"AWS API calls   at least {calls} per scan, and one more for each further "
        f"{_RESOURCES_PER_CALL} resources of a region"
    )
    if _lists_tags(config):
        yield "                and one more for each role and user of IAM"


def _is_read_in(source: Source, region: RegionName) -> bool:
    return not source.is_global or region == global_region(region)


def _lists_tags(config: Config) -> bool:
    reads_iam = Source.IAM in enabled_sources(config)
    return reads_iam and config.iam_tags_from is IamTagsFrom.LIST_TAGS


def _fewest_calls(config: Config, target: Target) -> int:
    calls = 0
    for source in enabled_sources(config):
        reads = sum(_is_read_in(source, region) for region in target.regions)
        # Roles and users are listed separately.
        lists = 2 if source is Source.IAM and _lists_tags(config) else 1
        calls += reads * lists * _FEWEST_CALLS[source]
    return calls


def _further_sources(config: Config, targets: Sequence[Target]) -> Iterator[str]:
    """Nothing if only the tagging API is read."""
    sources = enabled_sources(config)
    if len(sources) == 1:
        return
    yield f"sources         {', '.join(sources)}"
    for source in sources:
        without = [
            target.account_id
            for target in targets
            if not any(_is_read_in(source, region) for region in target.regions)
        ]
        if without:
            names = (
                f"{', '.join(without[:_MOST_NAMES])}{' …' if len(without) > _MOST_NAMES else ''}"
            )
            yield (
                f"                {source} is not read in {len(without)} accounts, whose regions "
                f"do not include {global_region(targets[0].regions[0])}: {names}"
            )


def organization_lines(
    config: Config, organization: DiscoveredOrganization | None, *, failure: bool = True
) -> Iterator[str]:
    """Which list of accounts is known, and why each account is scanned or not.

    `config` is the configuration as it is written; with `failure` also why the list is not newer.
    """
    if organization is None:
        yield "AWS Organizations: the accounts have not been read yet; a scan and doctor read them"
        return
    attempt, listed_at = organization.attempt, organization.listed_at
    known = "the accounts are not known"
    if listed_at:
        number, at = len(organization.accounts), f"{listed_at:%Y-%m-%d %H:%M:%S} UTC"
        known = f"{number} accounts, listed at {at}"
    yield f"AWS Organizations: {known}"
    if failure and not attempt.succeeded:
        at = f"{attempt.at:%Y-%m-%d %H:%M:%S} UTC"
        yield f"  not read at {at}: {attempt.reason}: {attempt.message}"
    found = verdicts(config, organization)
    for account in sorted(organization.accounts, key=lambda a: (a.ou_path, a.account_id)):
        verdict = found[account.account_id]
        scanned = "scanned" if verdict.is_scanned else "left out"
        where = f"{account.ou_path}/{account.account_name}".lstrip("/")
        state = "" if account.state.is_readable else f" ({account.state})"
        yield f"  {account.account_id}  {scanned:8}  {verdict}{state}  {where}"


def _policy_of(config: Config, targets: Sequence[Target] | None) -> Iterator[str]:
    """Only warnings without a policy file; none about accounts if they are not known."""
    rules, waivers = len(config.policy.rules), len(config.policy.waivers)
    if files := config.policy.files:
        yield f"policy          {rules} rules, {waivers} waivers in {len(files)} files"
    policy = policy_of(config.required_tags, config.excluded_resource_types, config.policy)
    for warning in warnings_of(policy, targets):
        yield f"  warning       {warning}"
