"""AWS Organizations and DescribeRegions on the wire, and compared with moto."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tag_compliance.simulator.organization import ROOT_ID, Organization
from tag_compliance.simulator.server import SimulatedAws
from tag_compliance_tests.simulator.clients import ACCOUNT_ID, assume, connect

_ACCOUNTS = 45


@pytest.fixture(scope="module")
def aws() -> Iterator[SimulatedAws]:
    organization = Organization()
    workloads = organization.add_unit("Workloads")
    prod = organization.add_unit("Prod", workloads)
    for number in range(_ACCOUNTS):
        organization.add_account(f"{number:012}").parent_id = prod
    account = organization.add_account(ACCOUNT_ID)
    account.state, account.account_tags = "CLOSED", {"Owner": "größe"}
    account.disable_region("us-west-1")
    account.opted_in_regions.add("eu-south-1")
    with SimulatedAws(organization) as simulated:
        yield simulated


def _pages(client: Any, operation: str, key: str, **parameters: Any) -> list[list[Any]]:
    pages: list[list[Any]] = []
    token: dict[str, str] = {}
    while True:
        response = getattr(client, operation)(**parameters, **token)
        pages.append(response[key])
        if not response.get("NextToken"):
            return pages
        token = {"NextToken": response["NextToken"]}


def test_accounts_come_in_pages_of_twenty_of_which_one_is_empty(aws: SimulatedAws) -> None:
    pages = _pages(connect(aws.url, "organizations"), "list_accounts", "Accounts")

    assert [len(page) for page in pages] == [20, 0, 20, 6]
    ids = [account["Id"] for page in pages for account in page]
    assert ids == [*(f"{number:012}" for number in range(_ACCOUNTS)), ACCOUNT_ID]


def test_an_account_has_its_state_and_the_ids_of_its_units(aws: SimulatedAws) -> None:
    client = connect(aws.url, "organizations")
    [[workloads]] = _pages(
        client, "list_organizational_units_for_parent", "OrganizationalUnits", ParentId=ROOT_ID
    )
    [[prod]] = _pages(
        client,
        "list_organizational_units_for_parent",
        "OrganizationalUnits",
        ParentId=workloads["Id"],
    )
    pages = _pages(client, "list_accounts", "Accounts")
    first, last = pages[0][0], pages[-1][-1]

    assert (workloads["Name"], prod["Name"]) == ("Workloads", "Prod")
    assert first["Paths"] == [
        f"o-simulated01/{ROOT_ID}/{workloads['Id']}/{prod['Id']}/000000000000/"
    ]
    assert last["Paths"] == [f"o-simulated01/{ROOT_ID}/{ACCOUNT_ID}/"]
    assert (last["State"], last["Status"]) == ("CLOSED", "SUSPENDED")


def test_the_tags_of_an_account_are_those_of_the_organization(aws: SimulatedAws) -> None:
    response = connect(aws.url, "organizations").list_tags_for_resource(ResourceId=ACCOUNT_ID)

    assert response["Tags"] == [{"Key": "Owner", "Value": "größe"}]


@pytest.mark.parametrize(
    ("operation", "parameters", "code"),
    [
        ("list_tags_for_resource", {"ResourceId": "999999999998"}, "TargetNotFoundException"),
        (
            "list_organizational_units_for_parent",
            {"ParentId": "ou-ab12-00000000"},
            "ParentNotFoundException",
        ),
        ("list_accounts", {"NextToken": "x"}, "InvalidInputException"),
        ("list_policies", {"Filter": "TAG_POLICY"}, "UnknownOperationException"),
    ],
)
def test_a_wrong_call_is_refused_as_by_aws(
    aws: SimulatedAws, operation: str, parameters: dict[str, str], code: str
) -> None:
    with pytest.raises(ClientError, match=code):
        getattr(connect(aws.url, "organizations"), operation)(**parameters)


def test_a_member_account_may_not_read_the_organization(aws: SimulatedAws) -> None:
    client = connect(aws.url, "organizations", credentials=assume(aws.url))
    with pytest.raises(ClientError, match="AccessDeniedException"):
        client.list_accounts()


def test_the_enabled_regions_are_the_default_and_those_that_the_account_opted_into(
    aws: SimulatedAws,
) -> None:
    client = connect(aws.url, "ec2", credentials=assume(aws.url))
    enabled = {r["RegionName"]: r["OptInStatus"] for r in client.describe_regions()["Regions"]}
    every = client.describe_regions(AllRegions=True)["Regions"]
    states = {region["RegionName"]: region["OptInStatus"] for region in every}

    assert enabled["us-east-1"] == "opt-in-not-required"
    assert enabled["eu-south-1"] == "opted-in"
    assert states["us-west-1"] == states["me-south-1"] == "not-opted-in"
    assert enabled == {name: state for name, state in states.items() if state != "not-opted-in"}


def test_an_error_of_ec2_has_the_form_that_boto3_reads(aws: SimulatedAws) -> None:
    with pytest.raises(ClientError, match=r"\(InvalidAction\).*DescribeInstances"):
        connect(aws.url, "ec2").describe_instances()


def test_both_return_the_same_fields_of_an_organization(
    aws: SimulatedAws, simulated_s3: str
) -> None:
    moto = connect(simulated_s3, "organizations")
    moto.create_organization(FeatureSet="ALL")
    root_id = moto.list_roots()["Roots"][0]["Id"]
    unit = moto.create_organizational_unit(ParentId=root_id, Name="Workloads")
    unit_id = unit["OrganizationalUnit"]["Id"]
    moto.tag_resource(ResourceId=unit_id, Tags=[{"Key": "Owner", "Value": "a"}])
    simulated = connect(aws.url, "organizations")

    [theirs], [ours] = moto.list_roots()["Roots"], simulated.list_roots()["Roots"]
    assert ours.keys() == theirs.keys() - {"PolicyTypes"}
    theirs = moto.list_accounts()["Accounts"][0]
    ours = simulated.list_accounts()["Accounts"][0]
    assert ours.keys() == theirs.keys() | {"Paths"}  # moto does not know this field
    parent = {"ParentId": root_id}
    [theirs] = moto.list_organizational_units_for_parent(**parent)["OrganizationalUnits"]
    parent = {"ParentId": ROOT_ID}
    [ours] = simulated.list_organizational_units_for_parent(**parent)["OrganizationalUnits"]
    assert ours.keys() == theirs.keys() - {"Path"}
    theirs = moto.list_tags_for_resource(ResourceId=unit_id)["Tags"]
    ours = simulated.list_tags_for_resource(ResourceId=ACCOUNT_ID)["Tags"]
    assert [tag.keys() for tag in ours] == [tag.keys() for tag in theirs]
    theirs = moto.describe_organization()["Organization"]
    ours = simulated.describe_organization()["Organization"]
    assert ours.keys() <= theirs.keys()


def test_both_return_the_same_states_of_regions(aws: SimulatedAws, simulated_s3: str) -> None:
    def states(url: str, **parameters: Any) -> dict[str, str]:
        regions = connect(url, "ec2").describe_regions(**parameters)["Regions"]
        return {region["RegionName"]: region["OptInStatus"] for region in regions}

    theirs, ours = states(simulated_s3, AllRegions=True), states(aws.url, AllRegions=True)
    # moto counts three regions that accounts must enable as enabled, and adds other partitions.
    opt_in = {"af-south-1", "ap-southeast-3", "eu-south-1"}
    common = (theirs.keys() & ours.keys()) - opt_in
    assert {region: ours[region] for region in common} == {r: theirs[r] for r in common}
    assert {ours[region] for region in opt_in} == {"not-opted-in"}
    assert states(aws.url).keys() == {r for r, state in ours.items() if state != "not-opted-in"}
