"""The index and the view of Resource Explorer: whether the one can be searched through the other.

Without an index of the account, a search returns partial results, without saying so, and may create
an index: https://docs.aws.amazon.com/resource-explorer/latest/userguide/welcome.html
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from tag_compliance.aws.errors import AwsError, ResourceNotFound
from tag_compliance.aws.sources.explorer_responses import (
    View,
    get_default_view,
    get_index,
    get_view,
    list_views,
)
from tag_compliance.aws.sources.paging import Caller
from tag_compliance.domain.account import AccountId, RegionName
from tag_compliance.domain.read_status import Reason

_SEARCHABLE = {"ACTIVE", "UPDATING"}
_BUILDING = {"CREATING"}


def require_index(caller: Caller, account_id: AccountId, region: RegionName) -> str:
    """The ARN of the region's index. Raises `AwsError` if there is none that can be searched."""
    operation = "GetIndex"
    try:
        index = caller.call(operation, get_index)
    except ResourceNotFound as error:
        raise AwsError(operation, Reason.NO_INDEX, error.cause) from None
    owner = _account_of(index.Arn)
    if owner != account_id:
        cause = f"{index.Arn} is an index of account {owner}, not of {account_id}"
        raise AwsError(operation, Reason.MALFORMED_RESPONSE, cause)
    if _region_of(index.Arn) != region:
        raise AwsError(operation, Reason.NO_INDEX, f"{index.Arn} is not an index of {region}")
    if index.State not in _SEARCHABLE:
        reason = Reason.INDEX_BUILDING if index.State in _BUILDING else Reason.NO_INDEX
        raise AwsError(operation, reason, f"the state of {index.Arn} is {index.State}")
    return index.Arn


def usable_view(caller: Caller, account_id: AccountId, region: RegionName, name: str | None) -> str:
    """The ARN of the view of this name, or of the default view, or of the first one that is usable.

    A view is usable if it is one of the account in the region, includes tags, has no filter, and
    its scope is the account. Raises `AwsError` with the fault of the view of this name, or of the
    first view, if none is usable.
    """
    first: AwsError | None = None
    for arn in _candidates(caller, name):
        fault = _fault_of(caller, arn, account_id, region)
        if fault is None:
            return arn
        first = first or fault
    if first is not None:
        raise first
    named = f" with the name {name}" if name else ""
    raise AwsError("ListViews", Reason.NO_VIEW, f"there is no view{named} in {region}")


def _candidates(caller: Caller, name: str | None) -> Iterator[str]:
    default = None if name else caller.call("GetDefaultView", get_default_view).ViewArn
    if default:
        yield default
    for page in caller.pages("ListViews", list_views):
        for arn in page.Views or ():
            if arn != default and name in {None, _name_of(arn)}:
                yield arn


def _fault_of(
    caller: Caller, arn: str, account_id: AccountId, region: RegionName
) -> AwsError | None:
    operation = "GetView"
    if _account_of(arn) != account_id or _region_of(arn) != region:
        cause = f"{arn} is not a view of {account_id} in {region}"
        return AwsError(operation, Reason.NO_VIEW, cause)
    try:
        view = caller.call(operation, partial(get_view, arn))
    except ResourceNotFound as error:
        return AwsError(operation, Reason.NO_VIEW, error.cause)
    return _fault_in(view, account_id)


def _fault_in(view: View, account_id: AccountId) -> AwsError | None:
    properties = {included.Name for included in view.IncludedProperties or ()}
    if "tags" not in properties:
        return AwsError(
            "GetView", Reason.VIEW_WITHOUT_TAGS, f"{view.ViewArn} does not include tags"
        )
    if view.Filters and view.Filters.FilterString:
        cause = f"{view.ViewArn} has the filter {view.Filters.FilterString}"
        return AwsError("GetView", Reason.VIEW_FILTERED, cause)
    if view.Scope and not view.Scope.endswith(f":iam::{account_id}:root"):
        cause = f"the scope of {view.ViewArn} is {view.Scope}, not the account"
        return AwsError("GetView", Reason.VIEW_FILTERED, cause)
    return None


def _part(arn: str, place: int) -> str:
    parts = arn.split(":", 5)
    return parts[place] if place < len(parts) else ""


def _region_of(arn: str) -> str:
    return _part(arn, 3)


def _account_of(arn: str) -> str:
    return _part(arn, 4)


def _name_of(arn: str) -> str:
    """`arn:…:view/<name>/<id>`."""
    name, _, _ = _part(arn, 5).removeprefix("view/").partition("/")
    return name
