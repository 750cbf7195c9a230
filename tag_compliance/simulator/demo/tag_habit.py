"""How people tag their resources."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class TagHabit(Enum):
    """What happened to the tags that a resource should have."""

    COMPLETE = "complete"
    WITHOUT_COST_CENTER = "without_cost_center"
    WITHOUT_OWNER = "without_owner"
    OWNER_IN_LOWER_CASE = "owner_in_lower_case"
    """`owner` instead of `Owner`: a different key for AWS, although people read it as the same."""
    EMPTY_PROJECT = "empty_project"
    """The key without a value, which counts as present."""
    NAME_ONLY = "name_only"
    REMOVED = "removed"
    """All tags were removed: GetResources returns the resource with `"Tags": []`."""
    NEVER_TAGGED = "never_tagged"
    """GetResources does not return the resource."""

    def apply(self, complete: Mapping[str, str]) -> dict[str, str]:
        """The tags that are left of the complete ones."""
        tags = dict(complete)
        match self:
            case TagHabit.COMPLETE:
                pass
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
            case TagHabit.REMOVED | TagHabit.NEVER_TAGGED:
                tags = {}
        return tags
