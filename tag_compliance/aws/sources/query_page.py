"""Pages of the services with the query protocol, which return XML: IAM and Auto Scaling.

https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from xml.etree import ElementTree as ET

import msgspec

from tag_compliance.aws.botocore_hooks import decode_responses
from tag_compliance.aws.errors import AwsError
from tag_compliance.domain.account import AccountId
from tag_compliance.domain.read_status import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.client import BaseClient

Page = TypeVar("Page")

_ACCOUNT_ID, _PARTS = 4, 6
"""The place of the account id in an ARN, and the number of its parts."""


@dataclass(frozen=True, slots=True)
class QueryPage:
    """Resources with their tags; `next_token` is "" on the last page.

    A page without tags has the `names` with which they are asked for.
    """

    arns: Sequence[str]
    tags: Sequence[Mapping[str, str]]
    next_token: str
    names: Sequence[str] = ()

    def of_account(self, operation: str, account_id: AccountId) -> QueryPage:
        """This page. Raises `AwsError` if one of its ARNs is of another account.

        Each role, user and Auto Scaling group has its account in the ARN, so such a page belongs to
        another request: a proxy has confused two responses.
        """
        for arn in self.arns:
            parts = arn.split(":", _PARTS - 1)
            if len(parts) == _PARTS and parts[_ACCOUNT_ID] != account_id:
                cause = f"the response contains {arn}, which is not of account {account_id}"
                raise AwsError(operation, Reason.MALFORMED_RESPONSE, cause)
        return self


def decode_xml(client: BaseClient, operation: str, decode: Callable[[ET.Element], object]) -> None:
    """Makes the client decode results of an operation with `decode`, not with botocore's parser.

    The parser accepts responses without their lists. It would also decode what is not needed, such
    as the policies of IAM.
    """

    def decode_body(body: bytes) -> object:
        return decode(_result_of(body, operation))

    empty = f"<{operation}Response><{operation}Result/></{operation}Response>"
    decode_responses(client, operation, decode_body, empty.encode())


def _result_of(body: bytes, operation: str) -> ET.Element:
    try:
        root = ET.fromstring(body)  # noqa: S314 - botocore would parse it the same way
    except (ET.ParseError, LookupError, ValueError) as error:
        raise msgspec.DecodeError(str(error)) from None
    result = next(iter(root), None)
    if result is None or name_of(result) != f"{operation}Result":
        raise msgspec.ValidationError(f"`{operation}Result` is absent")
    return result


def name_of(element: ET.Element) -> str:
    """The name of an element, without its namespace."""
    return element.tag.rpartition("}")[2]


def child_of(element: ET.Element, name: str) -> ET.Element | None:
    """The first direct child with this name."""
    return next((child for child in element if name_of(child) == name), None)


def text_of(element: ET.Element, name: str) -> str:
    """The text of a child; raises `ValidationError` if it is absent or empty."""
    child = child_of(element, name)
    if child is None or not child.text:
        raise msgspec.ValidationError(f"`{name}` is absent in `{name_of(element)}`")
    return child.text


def members_of(element: ET.Element, name: str) -> list[ET.Element]:
    """The members of a list; raises `ValidationError` if the list is absent."""
    found = child_of(element, name)
    if found is None:
        raise msgspec.ValidationError(f"`{name}` is absent in `{name_of(element)}`")
    return [*found]


def tags_of(element: ET.Element) -> dict[str, str]:
    """The list `Tags` of an element, which AWS may leave out; a tag may have an empty value."""
    found = child_of(element, "Tags")
    return dict(_pairs(() if found is None else found))


def _pairs(tags: Sequence[ET.Element] | ET.Element) -> Iterator[tuple[str, str]]:
    for tag in tags:
        value = child_of(tag, "Value")
        yield text_of(tag, "Key"), (value.text or "") if value is not None else ""
