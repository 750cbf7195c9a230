"""How faults change a page of Resource Explorer's ListResources."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tag_compliance.simulator.pages import Page
from tag_compliance_tests.fake_aws.faults import Fault

Json = dict[str, Any]
Damage = Callable[[Json, Page[Any]], object]

FOREIGN_ACCOUNT = "999999999999"


def _empty(body: Json, page: Page[Any]) -> None:
    token = replace(page.token, number=page.token.number + 1)
    body.update(NextToken=token.encode(), Resources=[])


def _each(**changed: object) -> Damage:
    """Changes each resource of the page; a field whose value is None is removed."""

    def damage(body: Json, _: Page[Any]) -> None:
        for resource in body["Resources"]:
            resource.update(changed)
            for name in [name for name, value in changed.items() if value is None]:
                del resource[name]

    return damage


EXPLORER_DAMAGES: Mapping[Fault, Damage] = {
    Fault.EMPTY_PAGE: _empty,
    Fault.REPEAT_TOKEN: lambda body, page: body.update(NextToken=page.token.encode()),
    Fault.ENDLESS: lambda body, page: body.update(NextToken=page.next_token().encode()),
    Fault.MISSING_LIST: lambda body, page: body.pop("Resources"),
    Fault.WRONG_LIST_TYPE: lambda body, page: body.update(Resources="none"),
    Fault.MISSING_ARN: _each(Arn=None),
    Fault.WRONG_ARN_TYPE: _each(Arn=12),
    Fault.EXTRA_FIELDS: _each(Application="x", LastSeen=1735689600.5),
    Fault.FOREIGN_ACCOUNT: _each(OwningAccountId=FOREIGN_ACCOUNT),
    Fault.FOREIGN_REGION: _each(Region="sa-east-1"),
    Fault.UNPARSABLE_ARN: _each(Arn="not an ARN"),
}
