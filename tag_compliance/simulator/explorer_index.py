"""The state of Resource Explorer in one region of a simulated account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import NAMESPACE_URL, uuid5


@dataclass(frozen=True, slots=True)
class SimulatedView:
    """A view; `scope` None is the account, `filter_string` is one condition `service:<name>`."""

    name: str
    includes_tags: bool = True
    filter_string: str = ""
    scope: str | None = None

    def arn(self, partition: str, account_id: str, region: str) -> str:
        """The id is derived from the other parts, so that equal views have equal ARNs."""
        view_id = uuid5(NAMESPACE_URL, f"{account_id}/{region}/{self.name}")
        prefix = f"arn:{partition}:resource-explorer-2:{region}:{account_id}:view"
        return f"{prefix}/{self.name}/{view_id}"


DEFAULT_VIEW = SimulatedView("all-resources")
"""The view that AWS creates with an index: with tags, without a filter."""


@dataclass
class SimulatedIndex:
    """An index of an account, with its views; `default` is the name of the default view.

    `recorded_region` is the region in its ARN, if that is another one. `deleted` are the ARNs of
    resources that do not exist any more and are still returned.
    """

    state: str = "ACTIVE"
    views: Sequence[SimulatedView] = (DEFAULT_VIEW,)
    default: str | None = DEFAULT_VIEW.name
    recorded_region: str | None = None
    deleted: list[str] = field(default_factory=list)

    def arn(self, partition: str, account_id: str, region: str) -> str:
        region = self.recorded_region or region
        index_id = uuid5(NAMESPACE_URL, f"{account_id}/{region}")
        return f"arn:{partition}:resource-explorer-2:{region}:{account_id}:index/{index_id}"
