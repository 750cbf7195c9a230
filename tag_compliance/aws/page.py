"""One page of GetResources: its shape, and how it gets past botocore's shape walker.

botocore turns a page into dicts by walking the service model in Python, which is more than half of
what a page costs. Its `before-parse` event lets a handler look at the body first: the page is
decoded in C, checked against the types below, and the parser is left an empty document. Signing,
endpoints, retries, proxies and errors stay botocore's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec

if TYPE_CHECKING:
    from types_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient

_KEY = "tag_compliance.Page"
_OK = 200


class TagPair(msgspec.Struct, gc=False, frozen=True):
    """https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_Tag.html"""

    Key: str
    Value: str


class Mapping(msgspec.Struct, gc=False, frozen=True):
    """A resource; `Tags` is an empty list for one that lost its tags, and never absent."""

    ResourceARN: str
    Tags: list[TagPair]


class Page(msgspec.Struct, gc=False, frozen=True):
    """API_GetResources.html, "Response Syntax". Fields that AWS may add are passed over."""

    ResourceTagMappingList: list[Mapping]
    PaginationToken: str | None = None


_decoder = msgspec.json.Decoder(Page)


def decode_early(client: ResourceGroupsTaggingAPIClient) -> None:
    """Makes this client's GetResources answers arrive as a `Page`."""
    client.meta.events.register(
        "before-parse.resource-groups-tagging-api.GetResources", _decode_body
    )


def _decode_body(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object
) -> None:
    if response_dict["status_code"] == _OK:
        customized_response_dict[_KEY] = _decoder.decode(response_dict["body"])
        response_dict["body"] = b"{}"


def get_page(client: ResourceGroupsTaggingAPIClient, token: str) -> Page:
    """One call; raises what botocore raises, and `MsgspecError` for a body of another form."""
    answer = client.get_resources(ResourcesPerPage=100, PaginationToken=token)
    return cast("dict[str, Page]", answer)[_KEY]
