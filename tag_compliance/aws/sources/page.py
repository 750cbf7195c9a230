"""A page of GetResources: its shape, and the call that returns it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import msgspec

from tag_compliance.aws.botocore_hooks import DECODED, decode_responses

if TYPE_CHECKING:
    from types_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient

_MAX_RESOURCES_PER_PAGE = 100


class TagPair(msgspec.Struct, gc=False, frozen=True):
    """https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_Tag.html"""

    Key: str
    Value: str


class Mapping(msgspec.Struct, gc=False, frozen=True):
    """A resource. `Tags` is empty for a resource that lost its tags; AWS may also leave it out."""

    ResourceARN: str
    Tags: list[TagPair] | None = None


class Page(msgspec.Struct, gc=False, frozen=True):
    """API_GetResources.html, "Response Syntax". AWS requires no field, and may add some."""

    ResourceTagMappingList: list[Mapping] | None = None
    PaginationToken: str | None = None

    @property
    def next_token(self) -> str:
        """The token is missing or empty on the last page."""
        return self.PaginationToken or ""

    @property
    def arns(self) -> list[str]:
        return [mapping.ResourceARN for mapping in self.ResourceTagMappingList or ()]

    @property
    def tags(self) -> Iterator[dict[str, str]]:
        """The tags of each resource of `arns`."""
        for mapping in self.ResourceTagMappingList or ():
            yield {tag.Key: tag.Value for tag in mapping.Tags or ()}


_decoder = msgspec.json.Decoder(Page)


def _decode(body: bytes) -> Page:
    try:
        return _decoder.decode(body)
    except (UnicodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from None


def decode_pages(client: ResourceGroupsTaggingAPIClient) -> None:
    """Makes this client decode the responses of GetResources as a `Page`."""
    decode_responses(client, "GetResources", _decode)


def get_page(client: ResourceGroupsTaggingAPIClient, token: str) -> Page:
    """Calls GetResources once, for the page of this token; the first page has the token "".

    The client was passed to `decode_pages`. Raises what botocore raises, and `MsgspecError` if the
    body is malformed.
    """
    response = client.get_resources(ResourcesPerPage=_MAX_RESOURCES_PER_PAGE, PaginationToken=token)
    page = cast("dict[str, Page]", response)[DECODED]
    if page.ResourceTagMappingList is None and (token or page.PaginationToken != ""):
        # Only a region without resources can do without the list; on any other page it was lost.
        raise msgspec.ValidationError("`ResourceTagMappingList` is absent")
    return page
