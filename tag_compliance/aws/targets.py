"""The targets of a scan and the roles that are assumed to read them.

Their source is the configuration, with what was discovered in AWS Organizations.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tag_compliance.aws.regions import partition_of_regions
from tag_compliance.config import AccountOverride, Config
from tag_compliance.config.model import ENABLED, Account, OrganizationSettings
from tag_compliance.domain.account import AccountId, AccountName, RegionName, Target
from tag_compliance.domain.organization import DiscoveredOrganization, Verdict, verdict_on

_DEFAULT_SESSION_NAME = "tag-compliance"
_DEFAULT_SESSION_SECONDS = 3_600
# With the credentials of another role, a role can be assumed for at most one hour:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
_CHAINED_SESSION_SECONDS = 3_600


@dataclass(frozen=True, slots=True)
class RoleStep:
    """One AssumeRole call; its credentials are valid for `session_seconds`."""

    role_arn: str
    session_name: str
    session_seconds: int
    external_id: str | None = None


def targets_of(config: Config, account_ids: Collection[str] | None = None) -> tuple[Target, ...]:
    """The accounts to read, in the configured order; only these ids, if any are given.

    Accounts of AWS Organizations are among them if `config` is the one of a scan, which
    `resolve` returns.
    """
    return tuple(
        Target(
            AccountId(account.account_id),
            AccountName(account.account_name or account.account_id),
            tuple(RegionName(region) for region in account.regions or config.regions),
            account.ou_path,
            account.account_owner,
            account.ou_ids,
            account.owner_source,
        )
        for account in config.aws_account_matrix
        if account_ids is None or account.account_id in account_ids
    )


def resolve(config: Config, organization: DiscoveredOrganization | None) -> Config:
    """The configuration of a scan: its `aws_account_matrix` lists every account to read.

    The keys that a configured row has win over what was discovered. The discovered accounts follow
    the configured ones, ordered by id.
    """
    if config.organization is None:
        return config
    known = {} if organization is None else verdicts(config, organization)
    scanned = {account_id for account_id, verdict in known.items() if verdict.is_scanned}
    listed = {account.account_id for account in config.aws_account_matrix}
    rows = tuple(
        Account(
            account_id=target.account_id,
            account_name=target.account_name,
            regions=target.regions or _regions_of(config, organization, target.account_id),
            ou_path=target.ou_path,
            account_owner=target.owner or _owner_of(config, organization, target.account_id),
            ou_ids=target.ou_ids,
            owner_source=target.owner_source if target.owner else "organization",
        )
        for target in candidates_of(config, organization)
        if target.account_id in listed or target.account_id in scanned
    )
    return config.model_copy(update={"aws_account_matrix": rows})


def candidates_of(
    config: Config, organization: DiscoveredOrganization | None
) -> tuple[Target, ...]:
    """The configured accounts, and those that `include` and `exclude` select, ordered by id.

    `regions` and `owner` are empty where no row sets them.
    """
    known = {a.account_id: a for a in organization.accounts} if organization else {}
    found = verdicts(config, organization, of_regions=False) if organization else {}
    targets = []
    for row in config.aws_account_matrix:
        account = known.get(AccountId(row.account_id))
        name = row.account_name or (account.account_name if account else row.account_id)
        targets.append(
            Target(
                AccountId(row.account_id),
                AccountName(name),
                tuple(map(RegionName, row.regions)),
                row.ou_path or (account.ou_path if account else ""),
                row.account_owner,
                row.ou_ids or ((account.unit_ids or ()) if account else ()),
            )
        )
    targets += [
        Target(
            account_id,
            known[account_id].account_name,
            (),
            known[account_id].ou_path,
            ou_ids=known[account_id].unit_ids or (),
        )
        for account_id in sorted(known)
        if found[account_id] is Verdict.INCLUDED
    ]
    return tuple(targets)


def verdicts(
    config: Config, organization: DiscoveredOrganization, *, of_regions: bool = True
) -> dict[AccountId, Verdict]:
    """Why each account of the organization is scanned or not."""
    settings = config.organization or OrganizationSettings()
    listed = {row.account_id for row in config.aws_account_matrix}
    found = {
        account.account_id: verdict_on(account, settings.include, settings.exclude, listed)
        for account in organization.accounts
    }
    if not of_regions:
        return found
    return {
        account_id: Verdict.NO_REGION
        if verdict is Verdict.INCLUDED and not _allowed(config, organization, account_id)
        else verdict
        for account_id, verdict in found.items()
    }


def policy_targets(config: Config) -> tuple[Target, ...]:
    """The targets that a policy names: for the accounts of the organization, one with the id `*`.

    Accounts with settings of their own are named as well.
    """
    targets = targets_of(config)
    if config.organization is None:
        return targets
    listed = {str(target.account_id) for target in targets}
    others = [*(a for a in config.aws_account_overrides if a not in listed), "*"]
    regions = tuple(map(RegionName, config.regions))
    return (*targets, *(Target(AccountId(a), AccountName(a), regions) for a in others))


def only_account(config: Config, account_id: str) -> Config:
    """The configuration of a scan, with only one of its accounts."""
    rows = tuple(row for row in config.aws_account_matrix if row.account_id == account_id)
    return config.model_copy(update={"aws_account_matrix": rows, "organization": None})


def organization_steps(config: Config) -> tuple[RoleStep, ...]:
    """The role that reads the organization; without one, the base credentials are used."""
    settings = config.organization
    if settings is None or settings.role_arn is None:
        return ()
    name = config.role_session_name or _DEFAULT_SESSION_NAME
    return (RoleStep(settings.role_arn, name, _DEFAULT_SESSION_SECONDS, config.external_id),)


def _regions_of(
    config: Config, organization: DiscoveredOrganization | None, account_id: AccountId
) -> tuple[RegionName, ...]:
    """The regions to read; if no pattern allows any, those of the key `regions`."""
    allowed = _allowed(config, organization, account_id)
    return allowed or tuple(map(RegionName, config.regions))


def _allowed(
    config: Config, organization: DiscoveredOrganization | None, account_id: AccountId
) -> tuple[RegionName, ...]:
    """The regions that `region_allow` allows.

    As long as it is not known which regions the account has enabled, they are those of the key
    `regions`, whatever the patterns: the account is then reported as one that cannot be read.
    """
    settings = config.organization or OrganizationSettings()
    chosen: Sequence[str] = config.regions
    if settings.regions == ENABLED:
        known = organization.regions.get(account_id) if organization else None
        if known is None:
            return tuple(map(RegionName, chosen))
        chosen = known.regions
    elif settings.regions:
        chosen = settings.regions
    allow = settings.region_allow
    return tuple(
        RegionName(region)
        for region in chosen
        if not allow or any(fnmatchcase(region, pattern) for pattern in allow)
    )


def _owner_of(
    config: Config, organization: DiscoveredOrganization | None, account_id: AccountId
) -> str:
    """What the tag names that is configured now; an owner of another tag does not count."""
    known = organization.owners.get(account_id) if organization else None
    settings = config.organization or OrganizationSettings()
    return known.owner if known and known.tag == settings.account_owner_tag else ""


def role_steps(config: Config, target: Target) -> tuple[RoleStep, ...]:
    """The roles to assume, each with the credentials of the previous one.

    The first is assumed with the base credentials. Without a role, the base credentials are used.
    """
    own = config.aws_account_overrides.get(target.account_id, AccountOverride())
    role_arn = own.role_arn or _from_template(config, target)
    if role_arn is None:
        return ()
    name = own.role_session_name or config.role_session_name or _DEFAULT_SESSION_NAME
    seconds = own.session_duration or config.session_duration or _DEFAULT_SESSION_SECONDS
    external_id = own.external_id or config.external_id
    via = own.via_role_arn or config.via_role_arn
    if via is None:
        return (RoleStep(role_arn, name, seconds, external_id),)
    chained = min(seconds, _CHAINED_SESSION_SECONDS)
    return RoleStep(via, name, chained), RoleStep(role_arn, name, chained, external_id)


def partition_of(target: Target) -> str:
    """The partition of the target's regions, for example `aws`."""
    return partition_of_regions(target.regions)


def _from_template(config: Config, target: Target) -> str | None:
    template = config.assume_role_name_template
    if template is None:
        return None
    name = template.replace("{account_id}", target.account_id)
    return f"arn:{partition_of(target)}:iam::{target.account_id}:role/{name}"
