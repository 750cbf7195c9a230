"""The results of a scan: what was read of each account, and every count."""

from __future__ import annotations

from dataclasses import dataclass

from tag_compliance.domain.read_status import AccountReadStatus, Outcome, failures_of
from tag_compliance.domain.summary import Summary


@dataclass(frozen=True)
class ComplianceResults:
    """One status for each target, in the configured order, and the summary of what counts."""

    statuses: tuple[AccountReadStatus, ...]
    summary: Summary

    @property
    def regions_configured(self) -> int:
        return sum(len(status.regions) for status in self.statuses)

    @property
    def regions_read(self) -> int:
        return sum(region.succeeded for status in self.statuses for region in status.regions)

    @property
    def outcome(self) -> Outcome:
        if self.regions_read == 0:
            return Outcome.NOTHING
        complete = self.regions_read == self.regions_configured
        return Outcome.COMPLETE if complete else Outcome.PARTIAL

    @property
    def failures(self) -> tuple[str, ...]:
        """One line for a person for each account or region that was not read."""
        return failures_of(self.statuses)
