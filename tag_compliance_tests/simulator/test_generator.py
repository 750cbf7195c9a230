"""Generated organizations."""

from __future__ import annotations

from typing import Any

from tag_compliance.simulator.generator import REQUIRED_TAGS, generate_organization
from tag_compliance_tests.simulator.clients import REGION


def test_the_seed_determines_every_resource() -> None:
    def resources(seed: int) -> list[Any]:
        organization = generate_organization(2, ["us-east-1", "eu-west-1"], 150, seed)
        return [
            (resource.arn, resource.tags)
            for account in organization
            for region in account.regions
            for resource in account.resources(region)
        ]

    assert resources(seed=1) == resources(seed=1)
    assert resources(seed=1) != resources(seed=2)
    assert len({arn for arn, _ in resources(seed=1)}) == 600


def test_about_half_of_the_resources_have_all_required_tags() -> None:
    (account,) = generate_organization(1, [REGION], 1000)

    present = [set(REQUIRED_TAGS) & set(resource.tags) for resource in account.resources(REGION)]
    complete = sum(len(keys) == len(REQUIRED_TAGS) for keys in present)
    untagged = sum(not resource.tags for resource in account.resources(REGION))
    assert 450 < complete < 650
    assert 50 < untagged < 200


def test_global_resources_are_in_one_region_only() -> None:
    (account,) = generate_organization(1, ["us-east-1", "eu-west-1"], 1000)

    def services(region: str) -> set[str]:
        return {resource.arn.split(":")[2] for resource in account.resources(region)}

    assert services("us-east-1") - services("eu-west-1") == {"cloudfront", "route53"}


def test_arns_have_the_partition_of_their_region() -> None:
    (account,) = generate_organization(1, ["us-gov-west-1"], 100)

    arns = [resource.arn for resource in account.resources("us-gov-west-1")]
    assert {arn.split(":")[1] for arn in arns} == {account.partition} == {"aws-us-gov"}


def test_an_account_has_roles_users_and_groups_some_of_which_have_tags_or_belong_to_aws() -> None:
    (account,) = generate_organization(1, ["us-east-1", "eu-west-1"], 10)

    kinds = {principal.arn.split(":")[5].partition("/")[0] for principal in account.roles_and_users}
    assert kinds == {"role", "user"}
    assert [p for p in account.roles_and_users if ":role/aws-service-role/" in p.arn]
    assert {bool(principal.tags) for principal in account.roles_and_users} == {True, False}
    assert set(account.auto_scaling_groups) == {"us-east-1", "eu-west-1"}
    first, second = account.auto_scaling_groups.values()
    assert not {group.arn for group in first} & {group.arn for group in second}
