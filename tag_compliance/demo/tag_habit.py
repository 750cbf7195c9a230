"""How people tag: the habits that the simulated organization's resources show."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

__all__ = ["TagHabit"]


class TagHabit(Enum):
    """What became of the tags that a resource should carry."""

    COMPLETE = "complete"
    WITHOUT_COST_CENTER = "without_cost_center"
    WITHOUT_OWNER = "without_owner"
    OWNER_IN_LOWER_CASE = "owner_in_lower_case"
    """`owner` instead of `Owner`: another key to AWS, though a person reads it as the same."""
    EMPTY_PROJECT = "empty_project"
    """The key without a value, which the policy counts as present."""
    NAME_ONLY = "name_only"
    REMOVED = "removed"
    """Once tagged, nothing left: GetResources returns such a resource with `"Tags": []`."""
    NEVER_TAGGED = "never_tagged"
    """GetResources does not return such a resource at all, so no scan can count it."""

    def applied_to(self, complete: Mapping[str, str]) -> Mapping[str, str]:
        """The tags that a resource is created with under this habit."""
        tags = dict(complete)
        match self:
            case TagHabit.WITHOUT_COST_CENTER:
                del tags["CostCenter"]
            case TagHabit.WITHOUT_OWNER:
                del tags["Owner"]
            case TagHabit.OWNER_IN_LOWER_CASE:
                tags["owner"] = tags.pop("Owner")
            case TagHabit.EMPTY_PROJECT:
                tags["Project"] = ""
            case TagHabit.NAME_ONLY:
                tags = {"Name": tags["Name"]}
            case TagHabit.NEVER_TAGGED:
                tags = {}
            case TagHabit.COMPLETE | TagHabit.REMOVED:
                pass
        return MappingProxyType(tags)
