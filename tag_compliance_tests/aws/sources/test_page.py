"""A page is decoded without botocore's parser, and a malformed page is rejected."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.aws.botocore_hooks import signing_as
from tag_compliance.aws.clients import Clients
from tag_compliance.aws.errors import aws_error_of
from tag_compliance.aws.sources.columns import ResourceColumns
from tag_compliance.aws.sources.page import Mapping, Page, TagPair, decode_pages, get_page
from tag_compliance.domain.account import RegionName
from tag_compliance.domain.read_status import Reason, Source
from tag_compliance_tests.fake_aws import BASE_ACCOUNT_ID, FakeAws, Fault, Organization
from tag_compliance_tests.support.aws import Start

REGION = RegionName("us-east-1")


@pytest.fixture
def fake(start: Start) -> FakeAws:
    """An account with two resources, one of which lost its tags."""
    organization = Organization()
    account = organization.add_account(BASE_ACCOUNT_ID)
    account.put(REGION, "arn:aws:s3:::größe", {"Owner": 'a "b" \\ \n é🏷', "Empty": ""})
    account.put(REGION, "arn:aws:s3:::once-tagged")
    return start(organization)


def read() -> Page:
    clients = Clients(1)
    client = clients.get("resourcegroupstaggingapi", REGION, decode_pages)
    with signing_as(clients.base_credentials):
        return get_page(client, "")


def test_a_page_of_100_resources_is_requested_and_returned(fake: FakeAws) -> None:
    page = read()

    first = [TagPair("Owner", 'a "b" \\ \n é🏷'), TagPair("Empty", "")]
    assert page.ResourceTagMappingList == [
        Mapping("arn:aws:s3:::größe", first),
        Mapping("arn:aws:s3:::once-tagged", []),
    ]
    assert page.PaginationToken == ""
    (call,) = fake.calls
    assert call.parameters == {"ResourcesPerPage": 100, "PaginationToken": ""}


@pytest.mark.parametrize(
    ("fault", "token"), [(Fault.MISSING_TOKEN, None), (Fault.EXTRA_FIELDS, "")]
)
def test_a_missing_token_and_unknown_fields_are_accepted(
    fake: FakeAws, fault: Fault, token: str | None
) -> None:
    fake.faults.add(fault)
    page = read()

    assert page.ResourceTagMappingList is not None
    assert len(page.ResourceTagMappingList) == 2
    assert page.PaginationToken == token


@pytest.mark.parametrize("tags", ["", ',"Tags":null', ',"Tags":[]'])
def test_a_record_without_tags_is_a_resource_without_tags(tags: str) -> None:
    body = f'{{"ResourceTagMappingList":[{{"ResourceARN":"arn:aws:sqs:::q"{tags}}}]}}'.encode()
    columns = ResourceColumns(REGION, Source.TAGGING)
    page = msgspec.json.decode(body, type=Page)
    columns.add(page.arns, page.tags)
    assert columns.table().select(["arn", "tags"]).to_pylist() == [
        {"arn": "arn:aws:sqs:::q", "tags": []}
    ]


def test_a_region_without_resources_can_do_without_the_list(start: Start) -> None:
    empty = Organization()
    empty.add_account(BASE_ACCOUNT_ID)
    start(empty).faults.add(Fault.MISSING_LIST)
    columns = ResourceColumns(REGION, Source.TAGGING)
    page = read()
    columns.add(page.arns, page.tags)
    assert len(columns) == 0


@pytest.mark.parametrize(
    "fault",
    [
        Fault.NOT_JSON,
        Fault.TRUNCATED_BODY,
        Fault.MISSING_ARN,
        Fault.WRONG_LIST_TYPE,
        Fault.WRONG_ARN_TYPE,
        Fault.WRONG_TAGS_TYPE,
    ],
)
def test_a_malformed_body_is_never_an_empty_page(fake: FakeAws, fault: Fault) -> None:
    fake.faults.add(fault)
    with pytest.raises(msgspec.MsgspecError) as caught:
        read()

    assert aws_error_of("GetResources", caught.value).reason is Reason.MALFORMED_RESPONSE


def test_a_page_that_lost_its_list_is_malformed(start: Start) -> None:
    large = Organization()
    account = large.add_account(BASE_ACCOUNT_ID)
    for number in range(150):
        account.put(REGION, f"arn:aws:s3:::bucket-{number}")
    start(large).faults.add(Fault.MISSING_LIST)
    with pytest.raises(msgspec.ValidationError, match="`ResourceTagMappingList` is absent"):
        read()


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
@given(st.binary(max_size=200) | JSON.map(msgspec.json.encode))
def test_any_body_is_a_page_or_malformed(body: bytes) -> None:
    try:
        page = msgspec.json.decode(body, type=Page)
    except msgspec.MsgspecError:
        return
    assert all(
        isinstance(mapping.ResourceARN, str) for mapping in page.ResourceTagMappingList or ()
    )


def test_half_a_surrogate_pair_is_malformed() -> None:
    body = b'{"ResourceTagMappingList":[{"ResourceARN":"\\ud800","Tags":[]}]}'

    with pytest.raises(msgspec.MsgspecError):
        msgspec.json.decode(body, type=Page)
