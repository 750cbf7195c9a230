"""The IAM documents that a configuration needs."""

from __future__ import annotations

import json
import re
import sys

from tag_compliance.aws import iam
from tag_compliance.aws.targets import role_steps, targets_of
from tag_compliance.config import Config
from tag_compliance.errors import BadConfiguration, Fault

_PRINCIPAL = re.compile(r"arn:[a-z-]+:iam::[0-9]{12}:(root|(role|user)/[A-Za-z0-9_+=,.@/-]+)")


def documents(
    config: Config, policy: str | None, principal: str | None, account: str | None
) -> iam.Document:
    """The document of one policy, or without `policy` all documents by the policies' names.

    Warns on stderr of what AWS would reject. Raises `BadConfiguration` for arguments that do not
    fit the configuration.
    """
    if account:
        config = _only(config, account)
    if principal and not _PRINCIPAL.fullmatch(principal):
        raise _wrong("principal", principal, "must be the ARN of an IAM role or user")
    return _one(config, policy, principal) if policy else _all(config, principal)


def _all(config: Config, principal: str | None) -> iam.Document:
    base = iam.base_role_policy(config)
    policies = {
        "base": base,
        "hub": iam.hub_role_policies(config),
        "member": iam.member_role_policy(),
        "trust": iam.trust_policies(config, principal),
        "exporter": iam.exporter_policy(config),
        "storage": iam.storage_policy(config),
    }
    if principal is None and _trusts_base(config):
        print(
            "the trust policies of the roles that the base role assumes are left out: "
            "name it with --principal",
            file=sys.stderr,
        )
    _warn_of_size("base", base)
    return {name: policy for name, policy in policies.items() if policy}


def _one(config: Config, kind: str, principal: str | None) -> iam.Document:
    match kind:
        case "base":
            policy: iam.Document | None = iam.base_role_policy(config)
        case "hub":
            policy = _single(list(iam.hub_role_policies(config).values()))
        case "member":
            policy = iam.member_role_policy()
        case "trust":
            policy = _trust(config, principal)
        case "exporter":
            policy = iam.exporter_policy(config)
        case _:
            policy = iam.storage_policy(config)
    if policy is None:
        raise _wrong("policy", kind, "this configuration needs none")
    _warn_of_size(kind, policy)
    return policy


def _trust(config: Config, principal: str | None) -> iam.Document | None:
    """The trust policy of the accounts' roles, if it is the same for all of them."""
    if principal is None and _trusts_base(config):
        raise _wrong("principal", None, "is needed: the ARN of the base role, which is trusted")
    by_role = iam.trust_policies(config, principal)
    chains = [role_steps(config, target) for target in targets_of(config)]
    return _single([by_role[chain[-1].role_arn] for chain in chains if chain])


def _single(policies: list[iam.Document]) -> iam.Document | None:
    distinct = [policy for i, policy in enumerate(policies) if policy not in policies[:i]]
    if len(distinct) > 1:
        raise _wrong("account", None, f"is needed: the accounts need {len(distinct)} such policies")
    return distinct[0] if distinct else None


def _trusts_base(config: Config) -> bool:
    return any(len(role_steps(config, target)) == 1 for target in targets_of(config))


def _only(config: Config, account_id: str) -> Config:
    chosen = tuple(a for a in config.aws_account_matrix if a.account_id == account_id)
    if not chosen:
        raise _wrong("account", account_id, "no such account in aws_account_matrix")
    return config.model_copy(update={"aws_account_matrix": chosen})


def _warn_of_size(kind: str, policy: iam.Document) -> None:
    characters = len(json.dumps(policy, separators=(",", ":")))
    if characters > iam.MANAGED_POLICY_CHARACTERS:
        print(
            f"the {kind} policy has {characters:,} characters; AWS takes "
            f"{iam.MANAGED_POLICY_CHARACTERS:,} as a managed policy and "
            f"{iam.INLINE_POLICY_CHARACTERS:,} as all inline policies of a role",
            file=sys.stderr,
        )


def _wrong(flag: str, value: str | None, rule: str) -> BadConfiguration:
    return BadConfiguration((Fault("command line", f"--{flag}", value, rule),))
