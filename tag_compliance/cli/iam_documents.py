"""The IAM documents that a configuration needs."""

from __future__ import annotations

import json
import re
import sys

from tag_compliance.aws import iam
from tag_compliance.aws.targets import only_account, policy_targets, role_steps
from tag_compliance.cli.accounts import with_stored_accounts
from tag_compliance.config import Config
from tag_compliance.errors import BadConfiguration, Fault

_PRINCIPAL = re.compile(r"arn:[a-z-]+:iam::[0-9]{12}:(root|(role|user)/[A-Za-z0-9_+=,.@/-]+)")

_WITHOUT_PRINCIPAL = """\
the trust policies of the roles that the base role assumes are omitted; to include them, pass
the ARN of the base role with --principal"""


def documents(
    config: Config, policy: str | None, principal: str | None, account: str | None
) -> iam.Document:
    """The document of one policy, or without `policy` all documents by the policies' names.

    `tag-policy` is not among all of them, because no scan needs it. Warns on stderr of what AWS
    would reject. Raises `BadConfiguration` for arguments that do not fit the configuration.
    """
    member, organization = iam.member_role_policy(config), iam.organization_policy(config)
    if policy == "tag-policy":
        return iam.tag_policy_reader_policy()
    if account:
        config = only_account(with_stored_accounts(config), account)
    if principal and not _PRINCIPAL.fullmatch(principal):
        raise _wrong("principal", principal, "must be the ARN of an IAM role or user")
    targets = policy_targets(config)
    chains = [chain for target in targets if (chain := role_steps(config, target))]
    lacks_principal = principal is None and any(len(chain) == 1 for chain in chains)
    if policy == "trust" and lacks_principal:
        raise _wrong("principal", None, "is needed: the ARN of the base role to trust")
    hub, trust = iam.hub_role_policies(config), iam.trust_policies(config, principal)
    found: dict[str, iam.Document | None] = {
        "base": iam.base_role_policy(config),
        "hub": hub,
        "member": member,
        "organization": organization,
        "trust": trust,
        "exporter": iam.exporter_policy(config),
        "storage": iam.storage_policy(config),
    }
    if policy is None:
        if lacks_principal:
            print(_WITHOUT_PRINCIPAL, file=sys.stderr)
        _warn_of_size("base", found["base"])
        return {name: document for name, document in found.items() if document}
    if policy == "hub":
        chosen = _single(list(hub.values()))
    elif policy == "trust":
        chosen = _single([trust[chain[-1].role_arn] for chain in chains])
    else:
        chosen = found[policy]
    if chosen is None:
        raise _wrong("policy", policy, "this configuration needs none")
    _warn_of_size(policy, chosen)
    return chosen


def _single(policies: list[iam.Document]) -> iam.Document | None:
    distinct = [policy for i, policy in enumerate(policies) if policy not in policies[:i]]
    if len(distinct) > 1:
        raise _wrong("account", None, f"is needed: the accounts need {len(distinct)} such policies")
    return distinct[0] if distinct else None


def _warn_of_size(kind: str, policy: iam.Document | None) -> None:
    characters = len(json.dumps(policy, separators=(",", ":")))
    if characters > iam.MANAGED_POLICY_CHARACTERS:
        print(
            f"the {kind} policy has {characters:,} characters; AWS allows "
            f"{iam.MANAGED_POLICY_CHARACTERS:,} in a managed policy and "
            f"{iam.INLINE_POLICY_CHARACTERS:,} in all inline policies of a role together",
            file=sys.stderr,
        )


def _wrong(flag: str, value: str | None, rule: str) -> BadConfiguration:
    return BadConfiguration((Fault("command line", f"--{flag}", value, rule),))
