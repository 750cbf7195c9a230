"""How faults change a page of the services of the query protocol: IAM and Auto Scaling."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

from tag_compliance.simulator.pages import Page, PageToken
from tag_compliance_tests.fake_aws.faults import Fault

_TOKENS = {"Marker", "NextToken"}
_LISTS = {"Roles", "Users", "RoleDetailList", "UserDetailList", "Tags", "AutoScalingGroups"}
_ARNS = {"Arn", "AutoScalingGroupARN"}

Damage = Callable[[ET.Element, Page[Any]], object]


def damaged_xml(fault: Fault, body: bytes, page: Page[Any]) -> bytes:
    """The body of the response after the fault; unchanged if the fault is one of JSON pages."""
    root = ET.fromstring(body)
    if damage := XML_DAMAGES.get(fault):
        damage(root[0], page)
    return ET.tostring(root)


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _lists(result: ET.Element) -> list[ET.Element]:
    return [child for child in result if _name(child) in _LISTS]


def _set_token(result: ET.Element, token: PageToken) -> None:
    namespace = result.tag.rpartition("}")[0] + "}"
    is_iam = "iam.amazonaws" in namespace
    for child in list(result):
        if _name(child) in _TOKENS | {"IsTruncated"}:
            result.remove(child)
    if is_iam:
        ET.SubElement(result, f"{namespace}IsTruncated").text = "true"
    ET.SubElement(result, f"{namespace}{'Marker' if is_iam else 'NextToken'}").text = token.encode()


def _empty(result: ET.Element, page: Page[Any]) -> None:
    """A page without items; the next one has those that this one would have had."""
    for found in _lists(result):
        found.clear()
    _set_token(result, replace(page.token, number=page.token.number + 1))


def _remove(names: set[str]) -> Damage:
    """Removes these elements of the result."""

    def damage(result: ET.Element, _: Page[Any]) -> None:
        for child in [child for child in result if _name(child) in names]:
            result.remove(child)

    return damage


def _remove_of_members(names: set[str]) -> Damage:
    """Removes these elements of each member of the lists."""

    def damage(result: ET.Element, _: Page[Any]) -> None:
        for member in [member for found in _lists(result) for member in found]:
            for child in [child for child in member if _name(child) in names]:
                member.remove(child)

    return damage


def _truncate(result: ET.Element, _: Page[Any]) -> None:
    """A page of IAM that announces another one, without saying where it is."""
    for child in list(result):
        if _name(child) == "IsTruncated":
            child.text = "true"
        if _name(child) in _TOKENS:
            result.remove(child)


def _add_elements(result: ET.Element, _: Page[Any]) -> None:
    for member in [member for found in _lists(result) for member in found]:
        ET.SubElement(member, "LastSeen").text = "2026-01-02T03:04:05Z"
    ET.SubElement(result, "Summary")


def _of_other_account(result: ET.Element, page: Page[Any]) -> None:
    for element in result.iter():
        if _name(element) in _ARNS and element.text:
            element.text = element.text.replace(page.token.account_id, "210987654321")


def _without_form(result: ET.Element, _: Page[Any]) -> None:
    for element in result.iter():
        if _name(element) in _ARNS and element.text:
            element.text = element.text.replace(":", "-")


XML_DAMAGES: Mapping[Fault, Damage] = {
    Fault.EMPTY_PAGE: _empty,
    Fault.REPEAT_TOKEN: lambda result, page: _set_token(result, page.token),
    Fault.ENDLESS: lambda result, page: _set_token(result, page.next_token()),
    Fault.MISSING_LIST: _remove(_LISTS),
    Fault.MISSING_ARN: _remove_of_members(_ARNS),
    Fault.MISSING_TAGS: _remove_of_members({"Tags"}),
    Fault.EXTRA_FIELDS: _add_elements,
    Fault.TRUNCATED_WITHOUT_TOKEN: _truncate,
    Fault.FOREIGN_ACCOUNT: _of_other_account,
    Fault.UNPARSABLE_ARN: _without_form,
}
