"""The responses of Resource Explorer: their shapes, and the calls that return them.

https://docs.aws.amazon.com/resource-explorer/latest/apireference/
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from tag_compliance.aws.botocore_hooks import DECODED, decode_responses

if TYPE_CHECKING:
    from botocore.client import BaseClient

_RESOURCES_PER_PAGE = 500
"""With 1,000, the largest value, AWS returns no token, so that all further resources are lost:
API_ListResources.html, "MaxResults"."""

_VIEWS_PER_PAGE = 50


class Index(msgspec.Struct, gc=False, frozen=True):
    """API_GetIndex.html."""

    Arn: str
    State: str


class DefaultView(msgspec.Struct, gc=False, frozen=True):
    """API_GetDefaultView.html: no ARN if there is no default view."""

    ViewArn: str | None = None


class ViewList(msgspec.Struct, gc=False, frozen=True):
    """API_ListViews.html: a page may be empty, and carry a token nevertheless."""

    Views: list[str] | None = None
    NextToken: str | None = None

    @property
    def next_token(self) -> str:
        return self.NextToken or ""


class IncludedProperty(msgspec.Struct, gc=False, frozen=True):
    Name: str


class SearchFilter(msgspec.Struct, gc=False, frozen=True):
    FilterString: str = ""


class View(msgspec.Struct, gc=False, frozen=True):
    """API_View.html."""

    ViewArn: str
    Scope: str | None = None
    IncludedProperties: list[IncludedProperty] | None = None
    Filters: SearchFilter | None = None


class ViewResponse(msgspec.Struct, gc=False, frozen=True):
    """API_GetView.html."""

    View: View


class ExplorerResource(msgspec.Struct, gc=False, frozen=True):
    """API_Resource.html. `Region` is `global` for a resource of no region."""

    Arn: str
    OwningAccountId: str
    Region: str


class ResourceList(msgspec.Struct, gc=False, frozen=True):
    """API_ListResources.html."""

    Resources: list[ExplorerResource]
    NextToken: str | None = None

    @property
    def next_token(self) -> str:
        return self.NextToken or ""


_TYPES: dict[str, type] = {
    "GetIndex": Index,
    "GetDefaultView": DefaultView,
    "ListViews": ViewList,
    "GetView": ViewResponse,
    "ListResources": ResourceList,
}


def decode_explorer(client: BaseClient) -> None:
    """Makes this client decode its responses as the types of this module."""
    for operation, type_ in _TYPES.items():
        decode_responses(client, operation, partial(_decode, type_))


def _decode(type_: type, body: bytes) -> object:
    try:
        return msgspec.json.decode(body, type=type_)
    except (UnicodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from None


def get_index(client: Any) -> Index:
    index: Index = client.get_index()[DECODED]
    return index


def get_default_view(client: Any) -> DefaultView:
    default: DefaultView = client.get_default_view()[DECODED]
    return default


def list_views(client: Any, token: str) -> ViewList:
    page: ViewList = client.list_views(MaxResults=_VIEWS_PER_PAGE, **_position(token))[DECODED]
    return page


def get_view(arn: str, client: Any) -> View:
    response: ViewResponse = client.get_view(ViewArn=arn)[DECODED]
    return response.View


def list_resources(view: str, filter_: str, client: Any, token: str) -> ResourceList:
    page: ResourceList = client.list_resources(
        Filters={"FilterString": filter_},
        MaxResults=_RESOURCES_PER_PAGE,
        ViewArn=view,
        **_position(token),
    )[DECODED]
    return page


def _position(token: str) -> dict[str, str]:
    return {"NextToken": token} if token else {}
