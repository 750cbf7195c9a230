"""The outcome of a scan depends on how many of the configured regions were read."""

from __future__ import annotations

import pytest

from tag_compliance.domain.read_status import Outcome, Reason
from tag_compliance.domain.results import ComplianceResults
from tag_compliance.domain.summary import Summary
from tag_compliance_tests.domain.organizations import inventory, region_read


@pytest.mark.parametrize(
    ("reasons", "outcome"),
    [
        ([Reason.OK, Reason.OK], Outcome.COMPLETE),
        ([Reason.OK, Reason.TIMEOUT], Outcome.PARTIAL),
        ([Reason.TIMEOUT, Reason.NOT_SCANNED], Outcome.NOTHING),
        ([], Outcome.NOTHING),
    ],
)
def test_a_scan_is_complete_partial_or_has_read_nothing(
    reasons: list[Reason], outcome: Outcome
) -> None:
    regions = [region_read(f"region-{number}", reason) for number, reason in enumerate(reasons)]
    results = ComplianceResults((inventory(regions=regions).status,), Summary((), ()))

    assert results.outcome is outcome
    assert results.regions_configured == len(reasons)
    assert results.regions_read == reasons.count(Reason.OK)
