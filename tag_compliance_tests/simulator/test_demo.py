"""The demo organization, as a scan with the real boto3 client sees it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError

from tag_compliance.aws.discovery import discover
from tag_compliance.aws.regions import known_regions
from tag_compliance.aws.targets import resolve, targets_of, verdicts
from tag_compliance.config import load_config
from tag_compliance.simulator.demo.organization import (
    REQUIRED_TAGS,
    DemoAccount,
    TagHabit,
    demo_config,
    describe_demo,
    resources_of,
    simulate_demo,
)
from tag_compliance.simulator.server import SimulatedAws
from tag_compliance_tests.simulator.clients import assume, connect, mappings, read_pages

Resources = Mapping[tuple[str, str], list[dict[str, Any]]]

ACCOUNTS, REGIONS = describe_demo().accounts, describe_demo().regions
_TRUSTING = [account for account in ACCOUNTS if account.trusts_scanner]
_COMPLETE = {"Name": "n", "Owner": "o", "CostCenter": "c", "Project": "p"}


@pytest.fixture(scope="module")
def aws() -> Iterator[SimulatedAws]:
    with simulate_demo() as simulated:
        yield simulated


@pytest.fixture(scope="module")
def scanned(aws: SimulatedAws) -> Resources:
    """What GetResources returns, by account and region."""
    found = {}
    for account in _TRUSTING:
        credentials = _assume(aws, account)
        for region in REGIONS:
            client = connect(aws.url, "resourcegroupstaggingapi", region, credentials)
            found[account.account_id, region] = mappings(read_pages(client, 100))
    return found


def _assume(aws: SimulatedAws, account: DemoAccount) -> dict[str, Any]:
    return assume(aws.url, f"arn:aws:iam::{account.account_id}:role/terraform")


def test_every_region_returns_the_described_resources_except_never_tagged_ones(
    scanned: Resources,
) -> None:
    for account in _TRUSTING:
        for region in REGIONS:
            described = {
                resource.arn: resource.tags
                for resource in resources_of(account)
                if resource.region == region and resource.habit is not TagHabit.NEVER_TAGGED
            }
            returned = {
                mapping["ResourceARN"]: {tag["Key"]: tag["Value"] for tag in mapping["Tags"]}
                for mapping in scanned[account.account_id, region]
            }
            assert returned == described, (account.name, region)


def test_no_resource_is_returned_twice(scanned: Resources) -> None:
    found = Counter(mapping["ResourceARN"] for region in scanned.values() for mapping in region)

    assert set(found.values()) == {1}


def test_an_arn_names_the_account_and_region_unless_it_is_a_bucket_or_global(
    scanned: Resources,
) -> None:
    for (account_id, region), found in scanned.items():
        for mapping in found:
            _, _, service, arn_region, arn_account, _ = mapping["ResourceARN"].split(":", 5)
            assert arn_account == ("" if service == "s3" else account_id)
            assert arn_region == ("" if service in {"s3", "cloudfront"} else region)


def test_cloudfront_is_returned_in_us_east_1_only(scanned: Resources) -> None:
    regions = {
        region
        for (_, region), found in scanned.items()
        for mapping in found
        if mapping["ResourceARN"].startswith("arn:aws:cloudfront::")
    }

    assert regions == {"us-east-1"}


def test_the_demo_shows_a_dozen_services_every_habit_and_an_empty_region(
    scanned: Resources,
) -> None:
    found = [mapping for region in scanned.values() for mapping in region]
    habits = {resource.habit for account in ACCOUNTS for resource in resources_of(account)}

    assert len({mapping["ResourceARN"].split(":")[2] for mapping in found}) >= 12
    assert habits == set(TagHabit)
    assert scanned["222222222222", "eu-central-1"] == []
    assert [mapping for mapping in found if not mapping["Tags"]]


def test_production_is_tagged_best_and_the_sandbox_not_at_all(scanned: Resources) -> None:
    def compliant_share(account_id: str) -> float:
        found = [m for (owner, _), region in scanned.items() if owner == account_id for m in region]
        keys = [{tag["Key"] for tag in mapping["Tags"]} for mapping in found]
        return sum(present >= set(REQUIRED_TAGS) for present in keys) / len(keys)

    assert compliant_share("111111111111") > 0.9
    assert 0.3 < compliant_share("222222222222") < 0.7
    assert compliant_share("444444444444") == 0


def test_the_acquired_account_refuses_the_role(aws: SimulatedAws) -> None:
    (untrusting,) = (account for account in ACCOUNTS if not account.trusts_scanner)
    caller = "arn:aws:iam::123456789012:user/tag-compliance"

    with pytest.raises(ClientError, match=rf"\(AccessDenied\).*User: {caller} is not authorized"):
        _assume(aws, untrusting)


def test_accounts_have_tagged_roles_users_and_groups_and_the_roles_that_aws_owns(
    aws: SimulatedAws,
) -> None:
    production = aws.organization["111111111111"]
    tags = {principal.arn: principal.tags for principal in production.roles_and_users}

    assert tags["arn:aws:iam::111111111111:role/checkout/checkout-orders"]["Project"] == "checkout"
    assert tags["arn:aws:iam::111111111111:user/break-glass"] == {}
    owned = "arn:aws:iam::111111111111:role/aws-service-role/support.amazonaws.com/"
    assert f"{owned}AWSServiceRoleForSupport" in tags
    assert [arn for arn in tags if "/AWSReservedSSO_" in arn]
    groups = production.auto_scaling_groups
    assert {region: len(found) for region, found in groups.items()} == {
        "us-east-1": 3,
        "eu-west-1": 3,
        "eu-central-1": 1,
    }


@pytest.mark.parametrize(
    ("habit", "tags"),
    [
        (TagHabit.COMPLETE, _COMPLETE),
        (TagHabit.WITHOUT_COST_CENTER, {"Name": "n", "Owner": "o", "Project": "p"}),
        (TagHabit.WITHOUT_OWNER, {"Name": "n", "CostCenter": "c", "Project": "p"}),
        (
            TagHabit.OWNER_IN_LOWER_CASE,
            {"Name": "n", "owner": "o", "CostCenter": "c", "Project": "p"},
        ),
        (TagHabit.EMPTY_PROJECT, _COMPLETE | {"Project": ""}),
        (TagHabit.NAME_ONLY, {"Name": "n"}),
        (TagHabit.REMOVED, {}),
        (TagHabit.NEVER_TAGGED, {}),
    ],
)
def test_a_habit_leaves_these_tags(habit: TagHabit, tags: dict[str, str]) -> None:
    assert habit.apply(_COMPLETE) == tags


def test_names_fit_into_the_32_characters_of_a_load_balancer() -> None:
    arns = [resource.arn for account in ACCOUNTS for resource in resources_of(account)]
    names = [arn.split("/")[-2] for arn in arns if ":elasticloadbalancing:" in arn]

    assert names
    assert all(len(name) <= 32 for name in names)


@pytest.mark.parametrize("storage", ["/var/lib/demo", '/tmp/it\'s: a "folder" #1'])
def test_the_configuration_discovers_the_accounts_in_every_region(storage: str) -> None:
    assert yaml.safe_load(demo_config(Path(storage))) == {
        "organization": {"exclude": ["123456789012"], "regions": [*REGIONS]},
        "regions": [*REGIONS],
        "assume_role_name_template": "terraform",
        "REQUIRED_TAGS": ["Owner", "Environment", "CostCenter", "Project"],
        "owner_tags": ["Owner"],
        "excluded_resource_types": ["ecs:task", "eks:pod", "elasticloadbalancing:targetgroup"],
        "never_tagged": "report",
        "refresh_interval": 300,
        "storage": storage,
    }


def test_exactly_the_described_accounts_are_discovered(
    aws: SimulatedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "config.yaml"
    path.write_text(demo_config(tmp_path / "state"), encoding="utf-8")
    config = load_config(path, {}, known_regions())
    found = discover(config, None)
    targets = targets_of(resolve(config, found))

    assert [(t.account_id, t.account_name, t.ou_path) for t in targets] == [
        (account.account_id, account.name, account.ou_path) for account in ACCOUNTS
    ]
    assert {target.regions for target in targets} == {REGIONS}
    assert sorted(str(verdict) for verdict in verdicts(config, found).values()) == [
        *["in organization.exclude", *["included"] * len(ACCOUNTS), "not active"]
    ]
