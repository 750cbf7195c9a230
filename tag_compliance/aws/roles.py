"""Which role is assumed in an account, by way of which other, and under what conditions."""

from __future__ import annotations

from dataclasses import dataclass

from tag_compliance.aws.regions import known_regions
from tag_compliance.config import Account, AccountOverride, Config

DEFAULT_SESSION_NAME = "tag-compliance"
DEFAULT_SESSION_SECONDS = 3_600
# A session of a role that was assumed with a role's credentials lasts an hour at most:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
_CHAINED_SESSION_SECONDS = 3_600


@dataclass(frozen=True, slots=True)
class RoleStep:
    """One AssumeRole; `session_seconds` is how long its credentials last."""

    role_arn: str
    session_name: str
    session_seconds: int
    external_id: str | None = None


def role_steps(config: Config, account: Account) -> tuple[RoleStep, ...]:
    """The roles to assume, each with the last one's credentials; none: the base credentials."""
    own = config.aws_account_overrides.get(account.account_id, AccountOverride())
    role_arn = own.role_arn or _from_template(config, account)
    if role_arn is None:
        return ()
    name = own.role_session_name or config.role_session_name or DEFAULT_SESSION_NAME
    seconds = own.session_duration or config.session_duration or DEFAULT_SESSION_SECONDS
    external_id = own.external_id or config.external_id
    via = own.via_role_arn or config.via_role_arn
    if via is None:
        return (RoleStep(role_arn, name, seconds, external_id),)
    chained = min(seconds, _CHAINED_SESSION_SECONDS)
    return (
        RoleStep(via, name, chained),
        RoleStep(role_arn, name, chained, external_id),
    )


def partition_of(account: Account) -> str:
    """The partition that the account's regions lie in."""
    return known_regions()[account.regions[0]]


def _from_template(config: Config, account: Account) -> str | None:
    template = config.assume_role_name_template
    if template is None:
        return None
    name = template.replace("{account_id}", account.account_id)
    return f"arn:{partition_of(account)}:iam::{account.account_id}:role/{name}"
