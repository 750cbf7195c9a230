"""A page is decoded without botocore's parser, and a malformed page is rejected."""

from __future__ import annotations

import msgspec
import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.aws.botocore_hooks import signing_as
from tag_compliance.aws.clients import Clients
from tag_compliance.aws.errors import aws_error_of
from tag_compliance.aws.sources.page import Mapping, Page, TagPair, decode_pages, get_page
from tag_compliance.domain.account import RegionName
from tag_compliance.domain.read_status import Reason
from tag_compliance_tests.fake_aws import BASE_ACCOUNT_ID, Fault, Organization
from tag_compliance_tests.support.aws import Start

REGION = RegionName("us-east-1")


def organization() -> Organization:
    created = Organization()
    account = created.add_account(BASE_ACCOUNT_ID)
    account.put(REGION, "arn:aws:s3:::größe", {"Owner": 'a "b" \\ \n é🏷', "Empty": ""})
    account.put(REGION, "arn:aws:s3:::once-tagged")
    return created


def read(clients: Clients, token: str = "") -> Page:
    client = clients.get("resourcegroupstaggingapi", REGION, decode_pages)
    with signing_as(clients.base_credentials):
        return get_page(client, token)


def test_a_page_contains_what_aws_returned(start: Start) -> None:
    start(organization())
    page = read(Clients(1))

    first = [TagPair("Owner", 'a "b" \\ \n é🏷'), TagPair("Empty", "")]
    assert page.ResourceTagMappingList == [
        Mapping("arn:aws:s3:::größe", first),
        Mapping("arn:aws:s3:::once-tagged", []),
    ]
    assert page.PaginationToken == ""


def test_a_page_of_100_resources_is_requested(start: Start) -> None:
    fake = start(organization())
    read(Clients(1))
    (call,) = fake.calls.matching("GetResources")

    assert call.parameters == {"ResourcesPerPage": 100, "PaginationToken": ""}


@pytest.mark.parametrize("fault", [Fault.MISSING_TOKEN, Fault.EXTRA_FIELDS])
def test_a_missing_token_and_unknown_fields_are_accepted(start: Start, fault: Fault) -> None:
    fake = start(organization())
    fake.faults.add(fault)
    page = read(Clients(1))

    assert len(page.ResourceTagMappingList) == 2
    assert not page.PaginationToken


@pytest.mark.parametrize(
    "fault",
    [
        Fault.NOT_JSON,
        Fault.TRUNCATED_BODY,
        Fault.MISSING_LIST,
        Fault.MISSING_ARN,
        Fault.MISSING_TAGS,
        Fault.WRONG_LIST_TYPE,
        Fault.WRONG_ARN_TYPE,
        Fault.WRONG_TAGS_TYPE,
    ],
)
def test_a_malformed_body_is_never_an_empty_page(start: Start, fault: Fault) -> None:
    fake = start(organization())
    fake.faults.add(fault)
    with pytest.raises(msgspec.MsgspecError) as caught:
        read(Clients(1))

    assert aws_error_of("GetResources", caught.value).reason is Reason.MALFORMED_RESPONSE


def test_an_error_response_is_still_raised_by_botocore(start: Start) -> None:
    fake = start(organization())
    fake.faults.add(Fault.ACCESS_DENIED)
    with pytest.raises(ClientError, match="AccessDeniedException"):
        read(Clients(1))


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_any_bytes_are_a_page_or_malformed(body: bytes) -> None:
    try:
        msgspec.json.decode(body, type=Page)
    except msgspec.MsgspecError:
        return


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["ResourceTagMappingList", "PaginationToken", "ResourceARN", "Tags"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(JSON)
def test_any_json_is_a_page_or_malformed(document: object) -> None:
    body = msgspec.json.encode(document)
    try:
        page = msgspec.json.decode(body, type=Page)
    except msgspec.MsgspecError:
        return
    assert all(isinstance(mapping.ResourceARN, str) for mapping in page.ResourceTagMappingList)


def test_half_a_surrogate_pair_is_malformed() -> None:
    body = b'{"ResourceTagMappingList":[{"ResourceARN":"\\ud800","Tags":[]}]}'

    with pytest.raises(msgspec.MsgspecError):
        msgspec.json.decode(body, type=Page)
