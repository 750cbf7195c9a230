"""The roles and users of an account, as the real boto3 client sees them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tag_compliance.simulator.server import SimulatedAws
from tag_compliance_tests.simulator.clients import ACCOUNT_ID, assume, connect

_IAM = f"arn:aws:iam::{ACCOUNT_ID}"


@pytest.fixture
def iam(aws: SimulatedAws) -> Any:
    """A client of an account with five roles and two users."""
    account = aws.organization[ACCOUNT_ID]
    for number in range(5):
        account.put_principal(f"role/team/r{number}", {"Owner": "a", "Größe": ""})
    account.put_principal("user/people/alice", {"Owner": "b"})
    account.put_principal("user/bob")
    return connect(aws.url, "iam", credentials=assume(aws.url))


def _pages(client: Any, operation: str, **parameters: Any) -> list[dict[str, Any]]:
    return list(client.get_paginator(operation).paginate(**parameters))


def test_all_pages_of_the_account_details_have_every_role_and_user_once(iam: Any) -> None:
    pages = _pages(iam, "get_account_authorization_details", PaginationConfig={"PageSize": 3})

    assert [p["IsTruncated"] for p in pages] == [True, True, False]
    assert [u["Arn"] for p in pages for u in p["UserDetailList"]] == [
        f"{_IAM}:user/people/alice",
        f"{_IAM}:user/bob",
    ]
    roles = [role for page in pages for role in page["RoleDetailList"]]
    assert [role["Arn"] for role in roles] == [f"{_IAM}:role/team/r{n}" for n in range(5)]
    assert roles[0]["Tags"] == [{"Key": "Owner", "Value": "a"}, {"Key": "Größe", "Value": ""}]
    assert roles[0]["AssumeRolePolicyDocument"]["Version"] == "2012-10-17"


def test_a_filter_selects_roles_or_users(iam: Any) -> None:
    page = iam.get_account_authorization_details(Filter=["Role"])

    assert len(page["RoleDetailList"]) == 5
    assert page["UserDetailList"] == page["GroupDetailList"] == page["Policies"] == []


def test_lists_have_no_tags_which_are_read_role_by_role_and_user_by_user(iam: Any) -> None:
    roles = [
        r for p in _pages(iam, "list_roles", PaginationConfig={"PageSize": 2}) for r in p["Roles"]
    ]
    users = [u for page in _pages(iam, "list_users") for u in page["Users"]]

    assert [role["RoleName"] for role in roles] == [f"r{number}" for number in range(5)]
    assert [user["Path"] for user in users] == ["/people/", "/"]
    assert not any("Tags" in listed for listed in roles + users)
    pages = _pages(iam, "list_role_tags", RoleName="r1", PaginationConfig={"PageSize": 1})
    assert [page["Tags"] for page in pages] == [
        [{"Key": "Owner", "Value": "a"}],
        [{"Key": "Größe", "Value": ""}],
    ]
    assert iam.list_user_tags(UserName="bob")["Tags"] == []


def test_the_credentials_decide_whose_roles_are_returned(iam: Any, aws: SimulatedAws) -> None:
    aws.organization.add_account("222222222222").put_principal("role/other")
    other = assume(aws.url, "arn:aws:iam::222222222222:role/terraform")

    page = connect(aws.url, "iam", credentials=other).get_account_authorization_details()

    assert [role["Arn"] for role in page["RoleDetailList"]] == [
        "arn:aws:iam::222222222222:role/other"
    ]


def test_credentials_that_were_not_issued_are_refused(aws: SimulatedAws) -> None:
    credentials = assume(aws.url) | {"SessionToken": "another"}

    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        connect(aws.url, "iam", credentials=credentials).list_roles()


@pytest.mark.parametrize(
    ("operation", "parameters", "message"),
    [
        ("list_roles", {"MaxItems": 1001}, "ValidationError.*between 1 and 1000, not 1001"),
        ("list_roles", {"Marker": "nonsense"}, "ValidationError.*not valid"),
        # A filter without effect would let a wrong client pass.
        ("list_roles", {"PathPrefix": "/team/"}, "ValidationError.*not simulated: PathPrefix"),
        ("list_role_tags", {"RoleName": "unknown"}, "NoSuchEntity"),
        ("list_groups", {}, "InvalidAction"),
    ],
)
def test_invalid_calls_are_refused(
    aws: SimulatedAws, operation: str, parameters: dict[str, Any], message: str
) -> None:
    client = connect(aws.url, "iam", credentials=assume(aws.url), parameter_validation=False)

    with pytest.raises(ClientError, match=message):
        getattr(client, operation)(**parameters)


def test_a_marker_of_another_list_is_refused(iam: Any) -> None:
    marker = iam.list_roles(MaxItems=1)["Marker"]

    with pytest.raises(ClientError, match=r"ValidationError.*another list"):
        iam.list_users(Marker=marker)
