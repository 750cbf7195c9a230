"""Pages of a region's resources: the tokens between them, and their bytes, sound or damaged."""

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from tag_compliance_tests.fake_aws.faults import Fault
from tag_compliance_tests.fake_aws.resources import Resources


@dataclass(frozen=True, slots=True)
class PageToken:
    """A position in one region's pages.

    The number counts the pages that were answered, which is more than what the start says once
    an empty page came between.
    """

    account_id: str
    region: str
    start: int = 0
    number: int = 0

    def encode(self) -> str:
        position = json.dumps([self.account_id, self.region, self.start, self.number])
        return base64.urlsafe_b64encode(position.encode()).decode()

    @classmethod
    def decode(cls, text: str) -> Self:
        try:
            account_id, region, start, number = json.loads(base64.urlsafe_b64decode(text))
        except (binascii.Error, ValueError, TypeError) as error:
            raise ValueError("not a pagination token of this fake") from error
        return cls(str(account_id), str(region), int(start), int(number))


@dataclass(frozen=True, slots=True)
class Page:
    resources: Resources
    token: PageToken
    size: int

    @property
    def number(self) -> int:
        return self.token.number

    @property
    def is_last(self) -> bool:
        return self._stop >= len(self.resources)

    @property
    def _stop(self) -> int:
        return self.token.start + self.size

    def render(self, fault: Fault | None = None) -> bytes:
        next_token = self._next_token(fault)
        resources = b""
        if fault is not Fault.EMPTY_PAGE:
            resources = self.resources.render(self.token.start, self._stop)
        body = b'{"PaginationToken":"%b","ResourceTagMappingList":[%b]}' % (
            next_token.encode().encode() if next_token else b"",
            resources,
        )
        damage = _DAMAGES.get(fault) if fault else None
        return _damaged(body, damage) if damage else body

    def _next_token(self, fault: Fault | None) -> PageToken | None:
        if fault is Fault.REPEAT_TOKEN:
            return self.token
        if fault is Fault.EMPTY_PAGE:
            return self._token_at(self.token.start)
        if self.is_last and fault is not Fault.ENDLESS:
            return None
        return self._token_at(self._stop)

    def _token_at(self, start: int) -> PageToken:
        return PageToken(self.token.account_id, self.token.region, start, self.number + 1)


_Json = dict[str, Any]


def _damaged(body: bytes, damage: Callable[[_Json], None]) -> bytes:
    page = json.loads(body)
    damage(page)
    return json.dumps(page).encode()


def _leave_out_empty_token(page: _Json) -> None:
    if not page["PaginationToken"]:
        del page["PaginationToken"]


def _leave_out_list(page: _Json) -> None:
    del page["ResourceTagMappingList"]


def _add_fields(page: _Json) -> None:
    page["NextMarker"] = None
    page["Summary"] = {"Resources": len(page["ResourceTagMappingList"])}
    for mapping in page["ResourceTagMappingList"]:
        mapping["LastSeen"] = 1735689600.5
        for tag in mapping["Tags"]:
            tag["Propagated"] = True


def _mistype_list(page: _Json) -> None:
    page["ResourceTagMappingList"] = "none"


def _leave_out(field: str) -> Callable[[_Json], None]:
    def damage(page: _Json) -> None:
        for mapping in page["ResourceTagMappingList"]:
            del mapping[field]

    return damage


def _mistype(field: str, value: object) -> Callable[[_Json], None]:
    def damage(page: _Json) -> None:
        for mapping in page["ResourceTagMappingList"]:
            mapping[field] = value

    return damage


_DAMAGES: dict[Fault, Callable[[_Json], None]] = {
    Fault.MISSING_TOKEN: _leave_out_empty_token,
    Fault.MISSING_LIST: _leave_out_list,
    Fault.MISSING_ARN: _leave_out("ResourceARN"),
    Fault.MISSING_TAGS: _leave_out("Tags"),
    Fault.WRONG_LIST_TYPE: _mistype_list,
    Fault.WRONG_ARN_TYPE: _mistype("ResourceARN", 12),
    Fault.WRONG_TAGS_TYPE: _mistype("Tags", "none"),
    Fault.EXTRA_FIELDS: _add_fields,
}
