"""The IAM policies that a configuration needs, and no more.

The base role is whom the scanner runs as; a member role is what it assumes in an account; a hub
role, where `via_role_arn` names one, stands between the two.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tag_compliance.aws.roles import partition_of, role_steps
from tag_compliance.aws.targets import targets_of
from tag_compliance.config import Config

Document = dict[str, Any]
"""A policy document, as JSON has it."""

MANAGED_POLICY_CHARACTERS, INLINE_POLICY_CHARACTERS = 6_144, 10_240
"""The most that AWS takes, white space aside.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

# What the exporter reads of the storage.
_SNAPSHOTS = ("current.json", "snapshots/*")

_S3 = "s3://"


def base_role_policy(config: Config) -> Document:
    """Assumes exactly the configured roles; reads tags itself where an account has no role."""
    chains = [role_steps(config, account) for account in targets_of(config)]
    roles = _sorted(chain[0].role_arn for chain in chains if chain)
    assume = [_allow("AssumeTheAccountsRoles", ["sts:AssumeRole"], roles)] if roles else []
    return _document(*assume, *([] if all(chains) else [_READ_TAGS]))


def hub_role_policies(config: Config) -> dict[str, Document]:
    """For each hub role: it assumes exactly the roles that are reached by way of it."""
    reached: dict[str, set[str]] = {}
    for account in targets_of(config):
        for hub, member in zip(steps := role_steps(config, account), steps[1:], strict=False):
            reached.setdefault(hub.role_arn, set()).add(member.role_arn)
    return {
        hub: _document(_allow("AssumeTheAccountsRoles", ["sts:AssumeRole"], _sorted(members)))
        for hub, members in sorted(reached.items())
    }


def member_role_policy() -> Document:
    """Reads tags. The action knows no single resources: it takes all or none."""
    return _document(_READ_TAGS)


def trust_policies(config: Config, principal: str | None) -> dict[str, Document]:
    """For each role that is assumed: who may, and with which external ID.

    `principal` is the base role; roles that trust it are left out where it is None.
    """
    found = {}
    for account in targets_of(config):
        trusted = principal
        for step in role_steps(config, account):
            if trusted is not None:
                found[step.role_arn] = trust_policy(trusted, step.external_id)
            trusted = step.role_arn
    return dict(sorted(found.items()))


def trust_policy(principal: str, external_id: str | None) -> Document:
    """Lets the principal assume the role; with an external ID, only who says it."""
    statement: Document = {
        "Sid": "TrustTheScanner",
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": "sts:AssumeRole",
    }
    if external_id is not None:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
    return _document(statement)


def exporter_policy(config: Config) -> Document | None:
    """Reads snapshots, and not the tables behind them; None where the storage is a folder."""
    arns = _bucket_and_prefix(config)
    if arns is None:
        return None
    _, prefix = arns
    return _document(
        _allow("ReadSnapshots", ["s3:GetObject"], [f"{prefix}{name}" for name in _SNAPSHOTS])
    )


def storage_policy(config: Config) -> Document | None:
    """For the pipeline; None where the storage is a folder.

    Without `s3:ListBucket` on the whole bucket, S3 answers 403 for an object that is not there
    yet: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    """
    arns = _bucket_and_prefix(config)
    if arns is None:
        return None
    bucket, prefix = arns
    actions = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    return _document(
        _allow("KeepSnapshotsAndTables", actions, [f"{prefix}*"]),
        _allow("TellMissingFromDenied", ["s3:ListBucket"], [bucket]),
    )


def _bucket_and_prefix(config: Config) -> tuple[str, str] | None:
    """Both as ARNs, the prefix up to its last slash."""
    if not config.storage.startswith(_S3):
        return None
    bucket, _, prefix = config.storage.removeprefix(_S3).partition("/")
    arn = f"arn:{partition_of(targets_of(config)[0])}:s3:::{bucket}"
    return arn, f"{arn}/{prefix.strip('/')}/" if prefix.strip("/") else f"{arn}/"


def _document(*statements: Document) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(sid: str, actions: list[str], resources: list[str]) -> Document:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}


def _sorted(arns: Iterable[str]) -> list[str]:
    return sorted(set(arns))


_READ_TAGS = _allow("ReadTags", ["tag:GetResources"], ["*"])
