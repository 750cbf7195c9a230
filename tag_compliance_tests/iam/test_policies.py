"""The policies allow exactly what the program does for its configuration."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from tag_compliance.aws import iam
from tag_compliance.aws.discovery import discover
from tag_compliance.snapshot.store import SnapshotStore
from tag_compliance.storage.base import Stored
from tag_compliance.storage.folder import FolderStorage
from tag_compliance_tests.fake_aws import FakeAws
from tag_compliance_tests.iam.configurations import BASE, HUB, config_of
from tag_compliance_tests.support.aws import enter
from tag_compliance_tests.support.discovery import discovering_config, small_organization
from tag_compliance_tests.support.snapshots import publish


def _allowed(policy: iam.Document | None) -> dict[str, list[str]]:
    """The resources of each allowed action."""
    assert policy is not None
    assert {statement["Effect"] for statement in policy["Statement"]} == {"Allow"}
    return {
        action: statement["Resource"]
        for statement in policy["Statement"]
        for action in statement["Action"]
    }


def test_the_base_role_may_assume_exactly_the_configured_roles() -> None:
    override = {"222222222222": {"role_arn": "arn:aws:iam::222222222222:role/audit/own"}}
    config = config_of(aws_account_overrides=override)
    assert _allowed(iam.base_role_policy(config)) == {
        "sts:AssumeRole": [
            "arn:aws:iam::111111111111:role/reader",
            "arn:aws:iam::222222222222:role/audit/own",
        ]
    }


def test_the_arn_of_a_role_has_the_partition_of_its_account() -> None:
    account = {"account_id": "111111111111", "regions": ["cn-north-1"]}
    config = config_of(aws_account_matrix=[account], storage="s3://bucket")
    (role,) = _allowed(iam.base_role_policy(config))["sts:AssumeRole"]
    assert role == "arn:aws-cn:iam::111111111111:role/reader"
    assert _allowed(iam.storage_policy(config))["s3:ListBucket"] == ["arn:aws-cn:s3:::bucket"]


def test_without_a_role_to_assume_the_base_role_may_read_tags() -> None:
    account = {"account_id": "111111111111"}
    config = config_of(aws_account_matrix=[account], assume_role_name_template=None)
    assert _allowed(iam.base_role_policy(config)) == {"tag:GetResources": ["*"]}
    assert iam.trust_policies(config, BASE) == {}


def test_with_a_hub_role_each_role_may_assume_only_the_next_one() -> None:
    config = config_of(via_role_arn=HUB, external_id="said")
    members = ["arn:aws:iam::111111111111:role/reader", "arn:aws:iam::222222222222:role/reader"]
    assert _allowed(iam.base_role_policy(config)) == {"sts:AssumeRole": [HUB]}
    assert {hub: _allowed(p) for hub, p in iam.hub_role_policies(config).items()} == {
        HUB: {"sts:AssumeRole": members}
    }
    trust = iam.trust_policies(config, BASE)
    trusted = {role: policy["Statement"][0]["Principal"]["AWS"] for role, policy in trust.items()}
    assert trusted == {members[0]: HUB, members[1]: HUB, HUB: BASE}
    # The external ID is required only when the hub assumes the roles of the accounts.
    assert "Condition" not in trust[HUB]["Statement"][0]


def test_a_member_role_may_only_read_tags() -> None:
    assert _allowed(iam.member_role_policy(config_of())) == {"tag:GetResources": ["*"]}


@pytest.mark.parametrize(
    ("keys", "actions"),
    [
        ({"more_sources": ["iam"]}, {"iam:GetAccountAuthorizationDetails"}),
        (
            {"more_sources": ["iam"], "iam_tags_from": "list_tags"},
            {"iam:ListRoles", "iam:ListRoleTags", "iam:ListUsers", "iam:ListUserTags"},
        ),
        ({"more_sources": ["autoscaling"]}, {"autoscaling:DescribeAutoScalingGroups"}),
    ],
)
def test_each_further_source_adds_exactly_the_actions_that_it_calls(
    keys: dict[str, Any], actions: set[str]
) -> None:
    assert {*_allowed(iam.member_role_policy(config_of(**keys)))} == {"tag:GetResources", *actions}


def test_importing_a_tag_policy_needs_two_actions_that_no_scan_needs() -> None:
    actions = ["organizations:DescribeEffectivePolicy", "tag:ListRequiredTags"]
    assert _allowed(iam.tag_policy_reader_policy()) == {action: ["*"] for action in actions}
    scanning = config_of(more_sources=["iam", "autoscaling"], never_tagged="count")
    assert not _allowed(iam.member_role_policy(scanning)).keys() & set(actions)


def test_no_permission_of_a_member_role_writes() -> None:
    for iam_tags_from in ("account_details", "list_tags"):
        config = config_of(
            more_sources=["iam", "autoscaling"], never_tagged="count", iam_tags_from=iam_tags_from
        )
        names = [action.partition(":")[2] for action in _allowed(iam.member_role_policy(config))]
        assert all(name.startswith(("Get", "List", "Describe", "Search")) for name in names)


def test_a_member_role_trusts_the_base_role_only_with_the_external_id() -> None:
    override = {"222222222222": {"external_id": "its-own"}}
    config = config_of(external_id="for-all", aws_account_overrides=override)
    statements = [p["Statement"] for p in iam.trust_policies(config, BASE).values()]
    assert [s["Principal"] for (s,) in statements] == [{"AWS": BASE}] * 2
    assert [s["Condition"]["StringEquals"]["sts:ExternalId"] for (s,) in statements] == [
        "for-all",
        "its-own",
    ]


class _ReadOnly:
    """A storage that records the names that are read and fails on any other operation."""

    uri = "s3://bucket/some/prefix"

    def __init__(self, folder: Path) -> None:
        self._folder = FolderStorage(folder)
        self.names_read: set[str] = set()

    def read(self, name: str, known: Stored | None = None) -> Stored | None:
        self.names_read.add(name)
        return self._folder.read(name, known)

    def __getattr__(self, name: str) -> Any:
        pytest.fail(f"the exporter calls {name} of the storage")


@pytest.mark.parametrize("prefix", ["", "/", "/some/prefix", "/some/prefix/"])
def test_the_exporter_may_read_exactly_the_files_that_it_needs(tmp_path: Path, prefix: str) -> None:
    folder = tmp_path / "storage"
    publish(folder)
    storage = _ReadOnly(folder)
    store = SnapshotStore(storage)
    assert store.load() is not None
    assert store.look().last_scan is not None
    config = config_of(storage=f"s3://bucket{prefix}")
    patterns = _allowed(iam.exporter_policy(config))["s3:GetObject"]
    base = f"arn:aws:s3:::bucket{prefix.rstrip('/')}/"
    for name in storage.names_read:
        assert any(fnmatchcase(base + name, pattern) for pattern in patterns)
    for table in ("tables/scan_config.json", "tables/raw_resources/1.parquet", "running/x"):
        assert not any(fnmatchcase(base + table, pattern) for pattern in patterns)


def test_the_pipeline_may_read_and_write_only_below_the_prefix() -> None:
    config = config_of(storage="s3://bucket/prefix")
    below = ["arn:aws:s3:::bucket/prefix/*"]
    assert _allowed(iam.storage_policy(config)) == {
        "s3:GetObject": below,
        "s3:PutObject": below,
        "s3:DeleteObject": below,
        "s3:ListBucket": ["arn:aws:s3:::bucket"],
    }


def test_storage_in_a_folder_needs_no_policy() -> None:
    config = config_of()
    assert iam.storage_policy(config) is None
    assert iam.exporter_policy(config) is None


_ORGANIZATION = {"role_arn": "arn:aws:iam::999999999999:role/org-reader"}


def test_the_base_role_may_assume_the_role_of_the_template_only_in_its_own_organization() -> None:
    override = {"222222222222": {"role_arn": "arn:aws:iam::222222222222:role/audit/own"}}
    config = config_of(
        aws_account_matrix=None, organization=_ORGANIZATION, aws_account_overrides=override
    )
    listed, anywhere = iam.base_role_policy(config)["Statement"]
    assert listed["Resource"] == [
        "arn:aws:iam::222222222222:role/audit/own",
        "arn:aws:iam::999999999999:role/org-reader",
    ]
    assert anywhere["Resource"] == ["arn:aws:iam::*:role/reader"]
    assert anywhere["Condition"] == {"StringEquals": {"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}}
    trusts = iam.trust_policies(config, BASE)
    assert trusts["arn:aws:iam::*:role/reader"] == trusts[_ORGANIZATION["role_arn"]]


@pytest.mark.parametrize("owner_tag", [None, "Owner"])
def test_the_role_of_the_organization_may_do_exactly_what_discovery_calls(
    owner_tag: str | None,
) -> None:
    config = discovering_config({"account_owner_tag": owner_tag})
    with FakeAws(small_organization()) as fake:
        enter(fake)
        assert discover(config, None).attempt.succeeded
    called = {f"organizations:{c.operation}" for c in fake.calls if c.service == "organizations"}
    assert set(_allowed(iam.organization_policy(config))) == called


def test_without_a_role_of_the_organization_the_base_role_reads_it() -> None:
    config = config_of(organization={"refresh": 60})
    assert iam.organization_policy(config) is None
    assert "organizations:ListAccounts" in _allowed(iam.base_role_policy(config))
    assert iam.organization_policy(config_of()) is None


def test_a_member_role_may_read_its_regions_only_if_they_are_discovered() -> None:
    enabled = config_of(organization={"regions": "enabled"})
    listed = config_of(organization={"regions": ["us-east-1"]})
    assert set(_allowed(iam.member_role_policy(enabled))) == {
        "tag:GetResources",
        "ec2:DescribeRegions",
    }
    assert set(_allowed(iam.member_role_policy(listed))) == {"tag:GetResources"}


def test_with_a_hub_role_the_hub_assumes_the_role_of_the_template() -> None:
    config = config_of(aws_account_matrix=None, organization=_ORGANIZATION, via_role_arn=HUB)
    assert _allowed(iam.base_role_policy(config))["sts:AssumeRole"] == [
        HUB,
        _ORGANIZATION["role_arn"],
    ]
    assert _allowed(iam.hub_role_policies(config)[HUB])["sts:AssumeRole"] == [
        "arn:aws:iam::*:role/reader"
    ]
