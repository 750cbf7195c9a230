"""Pages of GetResources that are rare or that break the contract: how each fault changes a page."""

from collections.abc import Callable, Mapping
from typing import Any

from tag_compliance.simulator.pages import Page, PageToken
from tag_compliance_tests.fake_aws.faults import Fault

Json = dict[str, Any]
Damage = Callable[[Json, Page], None]


def _empty(body: Json, page: Page) -> None:
    """A page without resources; the next one has those that this one would have had."""
    token = PageToken(page.token.account_id, page.token.region, page.token.start, page.number + 1)
    body.update(PaginationToken=token.encode(), ResourceTagMappingList=[])


def _repeat_token(body: Json, page: Page) -> None:
    body["PaginationToken"] = page.token.encode()


def _continue(body: Json, page: Page) -> None:
    body["PaginationToken"] = page.next_token().encode()


def _remove_empty_token(body: Json, page: Page) -> None:
    if not body["PaginationToken"]:
        del body["PaginationToken"]


def _remove_list(body: Json, page: Page) -> None:
    del body["ResourceTagMappingList"]


def _add_fields(body: Json, page: Page) -> None:
    body["NextMarker"] = None
    body["Summary"] = {"Resources": len(body["ResourceTagMappingList"])}
    for mapping in body["ResourceTagMappingList"]:
        mapping["LastSeen"] = 1735689600.5
        for tag in mapping["Tags"]:
            tag["Propagated"] = True


def _replace_list(body: Json, page: Page) -> None:
    body["ResourceTagMappingList"] = "none"


def _remove(field: str) -> Damage:
    def damage(body: Json, page: Page) -> None:
        for mapping in body["ResourceTagMappingList"]:
            del mapping[field]

    return damage


def _replace(field: str, value: object) -> Damage:
    def damage(body: Json, page: Page) -> None:
        for mapping in body["ResourceTagMappingList"]:
            mapping[field] = value

    return damage


DAMAGES: Mapping[Fault, Damage] = {
    Fault.EMPTY_PAGE: _empty,
    Fault.REPEAT_TOKEN: _repeat_token,
    Fault.ENDLESS: _continue,
    Fault.MISSING_TOKEN: _remove_empty_token,
    Fault.MISSING_LIST: _remove_list,
    Fault.MISSING_ARN: _remove("ResourceARN"),
    Fault.MISSING_TAGS: _remove("Tags"),
    Fault.WRONG_LIST_TYPE: _replace_list,
    Fault.WRONG_ARN_TYPE: _replace("ResourceARN", 12),
    Fault.WRONG_TAGS_TYPE: _replace("Tags", "none"),
    Fault.EXTRA_FIELDS: _add_fields,
}
