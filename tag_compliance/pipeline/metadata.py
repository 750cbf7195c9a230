"""What a person sees of each materialization in the UI; Dagster plots the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import pyarrow.compute as pc

from tag_compliance.config import Config
from tag_compliance.domain.counts import Counts
from tag_compliance.domain.results import ComplianceResults
from tag_compliance.pipeline.chart import chart_of
from tag_compliance.snapshot.builder import SnapshotContents

Cell = str | int | float | bool | None
Metadata = Mapping[str, dg.MetadataValue | str | int | float | bool]

_WORST = 10


def of_config(config: Config) -> Metadata:
    accounts = config.aws_account_matrix
    return {
        "accounts": len(accounts),
        "regions": sum(len(account.regions) for account in accounts),
        "required_tags": ", ".join(config.required_tags),
        "excluded_resource_types": ", ".join(config.excluded_resource_types) or "none",
        "refresh_interval_seconds": config.refresh_interval,
    }


def of_account(results: ComplianceResults) -> Metadata:
    """Of the results of one account alone."""
    (scan,) = results.scans
    # Three sums: the cubes of `count` would cost 10 ms for each account.
    resources = len(results.table)
    found: dict[str, dg.MetadataValue | str | int | float | bool] = {
        "account_name": scan.account_name,
        "outcome": "read" if scan.succeeded else f"failed: {scan.reason}",
        "dagster/row_count": sum(region.resources for region in scan.regions),
        "resources": resources,
        "violations": pc.sum(pc.list_value_length(results.table["missing_tags"])).as_py() or 0,
        "regions_read": sum(region.succeeded for region in scan.regions),
        "regions_failed": sum(not region.succeeded for region in scan.regions),
        "duration_seconds": round(scan.seconds, 3),
        "api_calls": scan.calls,
        "throttled_calls": scan.throttled_calls,
    }
    if resources:
        compliant = pc.sum(results.table["compliant"]).as_py()
        found["compliance_percentage"] = round(100.0 * compliant / resources, 2)
    if not scan.succeeded:
        found["failures"] = dg.MetadataValue.md("\n".join(f"* {line}" for line in scan.failures))
    return found


def of_results(results: ComplianceResults, counts: Counts) -> Metadata:
    resources = int(counts.by_region["resources"].sum())
    compliant = int(counts.by_region["compliant"].sum())
    tags = counts.by_region_and_tag
    found: dict[str, dg.MetadataValue | str | int | float | bool] = {
        "dagster/row_count": resources,
        "fully_compliant": compliant,
        "violations": int((tags["resources"] - tags["tagged"]).sum()),
        "excluded": sum(excluded.resources for excluded in results.excluded),
        "failed_accounts": sum(not scan.succeeded for scan in results.scans),
        "accounts": table_of_accounts(results),
        "duration_seconds": max((scan.seconds for scan in results.scans), default=0.0),
    }
    if resources:
        found["compliance_percentage"] = round(100.0 * compliant / resources, 2)
        by_type = counts.by_type.groupby("resource_type", as_index=False)[
            ["resources", "compliant"]
        ].sum()
        by_type["lacking"] = by_type["resources"] - by_type["compliant"]
        found["worst_types"] = table_of(by_type.nlargest(_WORST, "lacking").to_dict("records"))
        by_tag = tags.groupby("tag", as_index=False)[["resources", "tagged"]].sum()
        by_tag["lacking"] = by_tag["resources"] - by_tag["tagged"]
        found["worst_tags"] = table_of(by_tag.nlargest(_WORST, "lacking").to_dict("records"))
    return found


def of_snapshot(
    contents: SnapshotContents, snapshot_id: str | None, uri: str, exporter_url: str | None
) -> Metadata:
    status = contents.status
    place = f"{uri}/snapshots/{snapshot_id}" if snapshot_id else "not published: a newer one is"
    found: dict[str, dg.MetadataValue | str | int | float | bool] = {
        "snapshot": dg.MetadataValue.path(place),
        "outcome": str(status.outcome),
        "samples": contents.samples,
        "detail_series": contents.detail_series,
        "detail_series_omitted": contents.detail_series_omitted,
        "exposition_bytes": len(contents.exposition),
        "resources": status.resources,
        "duration_seconds": (status.made_at - status.scan_started_at).total_seconds(),
        "failed_accounts": sum(not account.succeeded for account in status.accounts),
    }
    if status.resources:
        found["compliance_percentage"] = round(100.0 * status.compliant / status.resources, 2)
        found["compliance_by_account"] = dg.MetadataValue.md(chart_of(status))
    if exporter_url:
        found["exporter"] = dg.MetadataValue.url(exporter_url)
    return found


def table_of_failures(results: ComplianceResults) -> dg.MetadataValue:
    return table_of(
        [
            {
                "account_id": scan.account_id,
                "account_name": scan.account_name,
                "region": region.region,
                "reason": str(region.reason),
                "message": region.message,
            }
            for scan in results.scans
            for region in scan.regions
            if not region.succeeded
        ]
    )


def table_of_accounts(results: ComplianceResults) -> dg.MetadataValue:
    return table_of(
        [
            {
                "account_id": scan.account_id,
                "account_name": scan.account_name,
                "outcome": "read" if scan.succeeded else str(scan.reason),
                "resources": sum(region.resources for region in scan.regions),
                "seconds": round(scan.seconds, 3),
            }
            for scan in results.scans
        ]
    )


def table_of(rows: Sequence[Mapping[Any, Cell]]) -> dg.MetadataValue:
    """A table in the UI; one without rows needs its text, since Dagster cannot tell its columns."""
    if not rows:
        return dg.MetadataValue.text("none")
    return dg.MetadataValue.table([dg.TableRecord(row) for row in rows])
