"""The asset checks on the results: what a team would want to be paged for.

They are part of the asset's own step: a step of their own would read every row again.
"""

from __future__ import annotations

import dagster as dg

from tag_compliance.domain.results import ComplianceResults
from tag_compliance.pipeline.metadata import table_of_failures

_ASSET = "compliance_results"

_ACCOUNTS = dg.AssetCheckSpec(
    "every_account_read",
    asset=_ASSET,
    description="Every configured account was read in all of its regions.",
)
_REGIONS = dg.AssetCheckSpec(
    "every_region_read",
    asset=_ASSET,
    description="Every configured region of every account was read to its last page.",
)

CHECK_SPECS = (_ACCOUNTS, _REGIONS)


def check_results(results: ComplianceResults) -> list[dg.AssetCheckResult]:
    """One for each spec; a failed one is told and stops nothing."""
    failed = [scan for scan in results.scans if not scan.succeeded]
    unread = results.regions_configured - results.regions_read
    return [
        dg.AssetCheckResult(
            check_name=_ACCOUNTS.name,
            passed=not failed,
            severity=dg.AssetCheckSeverity.ERROR,
            description=f"{len(failed)} of {len(results.scans)} accounts were not read whole.",
            metadata={"failed_accounts": len(failed), "failures": table_of_failures(results)},
        ),
        dg.AssetCheckResult(
            check_name=_REGIONS.name,
            passed=unread == 0,
            severity=dg.AssetCheckSeverity.ERROR,
            description=f"{unread} of {results.regions_configured} regions were not read.",
            metadata={"failed_regions": unread},
        ),
    ]
