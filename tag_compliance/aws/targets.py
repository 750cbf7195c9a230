"""The targets of a scan and the roles that are assumed to read them, from the configuration."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tag_compliance.aws.regions import known_regions
from tag_compliance.config import AccountOverride, Config
from tag_compliance.domain.account import AccountId, AccountName, RegionName, Target

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
    """The accounts to read, in the configured order; only these ids, if any are given."""
    return tuple(
        Target(
            AccountId(account.account_id),
            AccountName(account.account_name),
            tuple(RegionName(region) for region in account.regions),
        )
        for account in config.aws_account_matrix
        if account_ids is None or account.account_id in account_ids
    )


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
    return known_regions()[target.regions[0]]


def _from_template(config: Config, target: Target) -> str | None:
    template = config.assume_role_name_template
    if template is None:
        return None
    name = template.replace("{account_id}", target.account_id)
    return f"arn:{partition_of(target)}:iam::{target.account_id}:role/{name}"
