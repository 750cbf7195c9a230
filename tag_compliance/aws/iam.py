"""The least-privilege IAM policies that a configuration needs.

The scanner runs as the base role and assumes a member role in each account. If `via_role_arn` is
set, it assumes that hub role first, and the member role with the credentials of the hub role.
"""

from __future__ import annotations

from itertools import chain, pairwise
from typing import Any

from tag_compliance.aws.regions import partition_of_regions
from tag_compliance.aws.sources.plan import enabled_sources
from tag_compliance.aws.targets import organization_steps, policy_targets, role_steps, targets_of
from tag_compliance.config import Config, IamTagsFrom
from tag_compliance.config.model import ENABLED
from tag_compliance.domain.read_status import Source
from tag_compliance.storage_uri import is_bucket

Document = dict[str, Any]
"""A policy document, as JSON represents it."""

MANAGED_POLICY_CHARACTERS, INLINE_POLICY_CHARACTERS = 6_144, 10_240
"""The sizes that AWS allows; white space does not count.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

_SNAPSHOTS = ("current.json", "snapshots/*")
"""The objects that the exporter reads."""

_ANY_ACCOUNT = "::*:"


def base_role_policy(config: Config) -> Document:
    """Allows assuming the configured roles, and reading the sources if an account has no role.

    The accounts of AWS Organizations are not listed: the policy does not change with them. Without
    a role that reads the organization, the base role may read it.
    """
    chains = [role_steps(config, target) for target in policy_targets(config)]
    reader = organization_steps(config)
    roles = {chain[0].role_arn for chain in (*chains, reader) if chain}
    read = [] if all(chains) else member_role_policy(config)["Statement"]
    if config.organization is not None and not reader:
        read = [*read, *read_organization(config)]
    return _document(*_allow_assuming(roles), *read)


def hub_role_policies(config: Config) -> dict[str, Document]:
    """The policy of each hub role, by its ARN: allows assuming the member roles behind it."""
    reached: dict[str, set[str]] = {}
    for target in policy_targets(config):
        for hub, member in pairwise(role_steps(config, target)):
            reached.setdefault(hub.role_arn, set()).add(member.role_arn)
    return {hub: _document(*_allow_assuming(roles)) for hub, roles in sorted(reached.items())}


def member_role_policy(config: Config) -> Document:
    """Allows reading every source that is on, and the enabled regions if they are discovered."""
    partition = _partition(config)
    found = [
        read_statements(source, config.iam_tags_from, partition)
        for source in enabled_sources(config)
    ]
    return _document(*chain.from_iterable(found), *_read_regions(config))


def read_statements(source: Source, iam_tags_from: IamTagsFrom, partition: str) -> list[Document]:
    """What a role must be allowed to do so that a source can be read in its account.

    No action writes. An action is allowed on `*` only if AWS supports no single resources for it:
    https://docs.aws.amazon.com/service-authorization/latest/reference/
    """
    match source:
        case Source.TAGGING:
            return [_allow("ReadTags", ["tag:GetResources"], ["*"])]
        case Source.IAM:
            return _read_iam(iam_tags_from, partition)
        case Source.AUTOSCALING:
            actions = ["autoscaling:DescribeAutoScalingGroups"]
            return [_allow("ReadAutoScalingGroups", actions, ["*"])]
        case Source.RESOURCE_EXPLORER:
            return _read_resource_explorer(partition)


def _read_iam(tags_from: IamTagsFrom, partition: str) -> list[Document]:
    if tags_from is IamTagsFrom.ACCOUNT_DETAILS:
        return [_allow("ReadRolesAndUsers", ["iam:GetAccountAuthorizationDetails"], ["*"])]
    of_account = f"arn:{partition}:iam::*"
    return [
        _allow("ListRolesAndUsers", ["iam:ListRoles", "iam:ListUsers"], ["*"]),
        _allow("ListTagsOfRoles", ["iam:ListRoleTags"], [f"{of_account}:role/*"]),
        _allow("ListTagsOfUsers", ["iam:ListUserTags"], [f"{of_account}:user/*"]),
    ]


def _read_resource_explorer(partition: str) -> list[Document]:
    """`ListResources` is authorized as `Search`. AWS's page about errors names an action with its
    own name, too, which is not in the reference of actions; `List*` includes it:
    https://docs.aws.amazon.com/resource-explorer/latest/userguide/troubleshooting_search.html
    """
    service = "resource-explorer-2"
    views = f"arn:{partition}:{service}:*:*:view/*/*"
    find = [f"{service}:GetDefaultView", f"{service}:GetIndex", f"{service}:List*"]
    read = [f"{service}:GetView", f"{service}:Search"]
    return [_allow("FindIndexAndViews", find, ["*"]), _allow("SearchThroughViews", read, [views])]


def tag_policy_reader_policy() -> Document:
    """Allows `policy import --account`, which no scan needs: reading the effective tag policy of an
    account with its role. Both actions support no single resources:
    https://docs.aws.amazon.com/service-authorization/latest/reference/
    """
    actions = ["organizations:DescribeEffectivePolicy", "tag:ListRequiredTags"]
    return _document(_allow("ReadTheEffectiveTagPolicy", actions, ["*"]))


def organization_policy(config: Config) -> Document | None:
    """Allows reading the list of accounts; None if no role is assumed for that."""
    return _document(*read_organization(config)) if organization_steps(config) else None


def trust_policies(config: Config, principal: str | None) -> dict[str, Document]:
    """The trust policy of each role that is assumed, by its ARN.

    `principal` is the ARN of the base role. If it is None, roles that must trust it are left out.
    """
    policies = {}
    chains = [role_steps(config, target) for target in policy_targets(config)]
    for steps in (*chains, organization_steps(config)):
        trusted = principal
        for step in steps:
            if trusted is not None:
                policies[step.role_arn] = trust_policy(trusted, step.external_id)
            trusted = step.role_arn
    return dict(sorted(policies.items()))


def trust_policy(principal: str, external_id: str | None) -> Document:
    """Allows the principal to assume the role, with this external ID if there is one."""
    return _document({"Sid": "TrustTheScanner", **trust_statement(principal, external_id)})


def trust_statement(principal: str, external_id: str | None) -> Document:
    """The statement of `trust_policy`, without a name."""
    statement: Document = {
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": "sts:AssumeRole",
    }
    if external_id is not None:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
    return statement


def exporter_policy(config: Config) -> Document | None:
    """Allows reading snapshots, but not tables; None if the storage is a folder."""
    arns = _bucket_and_prefix(config)
    if arns is None:
        return None
    _, prefix = arns
    names = [f"{prefix}{name}" for name in _SNAPSHOTS]
    return _document(_allow("ReadSnapshots", ["s3:GetObject"], names))


def storage_policy(config: Config) -> Document | None:
    """Allows the pipeline to read and write the storage; None if the storage is a folder.

    Without `s3:ListBucket` on the bucket, S3 returns 403 instead of 404 for an object that does not
    exist: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    """
    arns = _bucket_and_prefix(config)
    if arns is None:
        return None
    bucket, prefix = arns
    actions = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    return _document(
        _allow("KeepSnapshotsAndTables", actions, [f"{prefix}*"]),
        _allow("DistinguishMissingFromDenied", ["s3:ListBucket"], [bucket]),
    )


def _bucket_and_prefix(config: Config) -> tuple[str, str] | None:
    """Both as ARNs; the prefix ends with a slash."""
    if not is_bucket(config.storage):
        return None
    bucket, _, prefix = config.storage.removeprefix("s3://").partition("/")
    arn = f"arn:{_partition(config)}:s3:::{bucket}"
    return arn, "/".join(filter(None, (arn, prefix.strip("/")))) + "/"


def _document(*statements: Document) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(sid: str, actions: list[str], resources: list[str]) -> Document:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}


def _partition(config: Config) -> str:
    first = next(iter(targets_of(config)), None)
    return partition_of_regions(first.regions if first else config.regions)


def _allow_assuming(roles: set[str]) -> list[Document]:
    """The roles of any account can be assumed only if the account is of the same organization:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """
    assume, statements = ["sts:AssumeRole"], []
    if listed := sorted(role for role in roles if _ANY_ACCOUNT not in role):
        statements.append(_allow("AssumeTheAccountsRoles", assume, listed))
    if anywhere := sorted(role for role in roles if _ANY_ACCOUNT in role):
        same = {"StringEquals": {"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}}
        allowed = _allow("AssumeTheRoleInTheOrganization", assume, anywhere)
        statements.append({**allowed, "Condition": same})
    return statements


def read_regions_statement() -> Document:
    """What a role must be allowed to do so that the regions of its account can be read."""
    return _allow("ReadEnabledRegions", ["ec2:DescribeRegions"], ["*"])


def _read_regions(config: Config) -> list[Document]:
    if config.organization is None or config.organization.regions != ENABLED:
        return []
    return [read_regions_statement()]


def read_organization(config: Config) -> list[Document]:
    """The actions that `organizations.py` calls, each with the resources that it supports:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsorganizations.html
    """
    arn, settings = f"arn:{_partition(config)}:organizations::*:", config.organization
    units = [f"{arn}root/*", f"{arn}ou/*"]
    statements = [
        _allow("ListTheAccounts", ["organizations:ListAccounts"], ["*"]),
        _allow("ReadTheOus", ["organizations:ListOrganizationalUnitsForParent"], units),
    ]
    if settings is not None and settings.account_owner_tag:
        action, accounts = ["organizations:ListTagsForResource"], [f"{arn}account/*"]
        statements.append(_allow("ReadTheOwnersOfAccounts", action, accounts))
    return statements
