"""The metadata that the UI shows: of each asset, and of each materialization, whose numbers Dagster
plots.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa

from tag_compliance.aws.targets import targets_of
from tag_compliance.config import Config
from tag_compliance.domain.account import Target
from tag_compliance.domain.counts import Counts, floor_percentage
from tag_compliance.domain.coverage import coverage_by_source, coverage_sentence
from tag_compliance.domain.evaluation import Evaluation
from tag_compliance.domain.history.figures import HistoryFigures
from tag_compliance.domain.history.state import TRACKED_SCHEMA
from tag_compliance.domain.organization import DiscoveredOrganization
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.report_row import ConsoleLink
from tag_compliance.domain.resources import RESOURCE_SCHEMA
from tag_compliance.domain.result_table import RESULT_SCHEMA
from tag_compliance.domain.rules.required_tag import PREFIX
from tag_compliance.domain.severity import Severity
from tag_compliance.domain.summary import ComplianceResults
from tag_compliance.pipeline.changes import changes_in_markdown
from tag_compliance.pipeline.chart import chart_of
from tag_compliance.pipeline.markdown import literally
from tag_compliance.pipeline.merge import policy_of
from tag_compliance.pipeline.run_tags import (
    COMPLIANCE_RESULTS,
    RAW_RESOURCES,
    SCAN_CONFIG,
    VIOLATION_HISTORY,
)
from tag_compliance.snapshot.builder import SnapshotContents
from tag_compliance.storage_uri import is_bucket

Cell = str | int | float | bool | None
Value = dg.MetadataValue | str | int | float | bool
Metadata = Mapping[str, Value]

_WORST = 10

NOT_STORED: Metadata = {"outcome": "not stored: a later scan has stored this account"}
"""The metadata of an account whose reading was refused."""


_TABLES = {
    SCAN_CONFIG: "scan_config.json",
    RAW_RESOURCES: "raw_resources",
    COMPLIANCE_RESULTS: "findings",
    VIOLATION_HISTORY: "history",
}
_SCHEMAS = {
    RAW_RESOURCES: RESOURCE_SCHEMA,
    COMPLIANCE_RESULTS: RESULT_SCHEMA,
    VIOLATION_HISTORY: TRACKED_SCHEMA,
}


def of_asset(name: str, storage: str) -> Metadata:
    """Where the asset is stored and which columns it has; `storage` is a folder or a URI."""
    root = storage if is_bucket(storage) else Path(storage).absolute().as_uri()
    table = _TABLES.get(name)
    found: dict[str, Value] = {
        "dagster/uri": f"{root}/{f'tables/{table}' if table else 'snapshots'}"
    }
    if (schema := _SCHEMAS.get(name)) is not None:
        columns = [dg.TableColumn(field.name, _type_of(field.type)) for field in schema]
        found["dagster/column_schema"] = dg.MetadataValue.table_schema(dg.TableSchema(columns))
        found["dagster/table_name"] = f"tag_compliance.{name}"
    return found


def _type_of(type_: pa.DataType) -> str:
    """A dictionary is only a compact form of its values."""
    return str(type_.value_type if pa.types.is_dictionary(type_) else type_)


def of_config(
    config: Config,
    organization: DiscoveredOrganization | None = None,
    prefix: Sequence[str] = (),
) -> Metadata:
    """`prefix` is the key prefix of the assets."""
    targets = targets_of(config)
    found: dict[str, Value] = {} if organization is None else _of_list(organization)
    return {
        **found,
        "accounts": len(targets),
        "regions": sum(len(target.regions) for target in targets),
        "required_tags": ", ".join(config.required_tags) or "none",
        "excluded_resource_types": ", ".join(config.excluded_resource_types) or "none",
        "refresh_interval_seconds": config.refresh_interval,
        "accounts_by_name": _links_to(targets, "/".join([*prefix, RAW_RESOURCES])),
    }


def _links_to(targets: Sequence[Target], asset: str) -> dg.MetadataValue:
    """A list of names with links to the partitions, whose keys are the ids of the accounts."""
    page = f"/assets/{asset}?view=partitions&partition="
    named = sorted((str(target.account_name), str(target.account_id)) for target in targets)
    return dg.MetadataValue.md(
        "\n".join(f"* [{literally(name)}]({page}{key}) {key}" for name, key in named)
    )


def _of_list(organization: DiscoveredOrganization) -> dict[str, Value]:
    """Which list of accounts is used, and how the latest attempt to read it ended."""
    attempt, listed_at = organization.attempt, organization.listed_at
    return {
        "organization": "read" if attempt.succeeded else f"{attempt.reason}: {attempt.message}",
        "organization_accounts": len(organization.accounts),
        "organization_listed_at": listed_at.isoformat() if listed_at else "never",
    }


def of_account(evaluation: Evaluation) -> Metadata:
    """The metadata of one account's partition.

    At most three numbers: a larger event fills a second page of SQLite, twice.
    """
    status = evaluation.status
    found: dict[str, Value] = {
        "account_name": status.account_name,
        "outcome": "read" if status.succeeded else f"failed: {status.reason}",
    }
    if status.read_something:
        total = evaluation.summary.total
        found |= {"resources": total.counted, "violations": evaluation.summary.open_findings}
        found |= _percentage(total)
    if not status.succeeded:
        lines = (f"* {literally(line)}" for line in status.failures)
        found["failures"] = dg.MetadataValue.md("\n".join(lines))
    return found


def of_results(results: ComplianceResults, policy: Policy | None = None) -> Metadata:
    """With rules other than the required tags, open findings by severity and worst rules too."""
    summary = results.summary
    found: dict[str, Value] = {
        **_counts(summary.total),
        "violations": summary.open_findings,
        "failed_accounts": sum(not status.succeeded for status in results.statuses),
        "accounts": table_of_accounts(results),
        "duration_seconds": max((status.seconds for status in results.statuses), default=0.0),
        "coverage": coverage_sentence(results),
        "sources": table_of_sources(results),
    }
    if results.unmatched_exclusions:
        found["unmatched_exclusions"] = ", ".join(results.unmatched_exclusions)
    if summary.total.counted and summary.has_required_tags:
        found["worst_types"] = _worst(summary.by_type, "resource_type", "counted", "compliant")
        rules = summary.by_region_and_rule
        rules = rules[rules["rule"].str.startswith(PREFIX)]
        tags = rules.assign(
            tag=rules["rule"].str.removeprefix(PREFIX),
            tagged=rules["evaluated"] - rules["violations"],
        )
        found["worst_tags"] = _worst(tags, "tag", "evaluated", "tagged")
    if policy is not None and policy.extends_required_tags:
        found |= _of_policy(results, policy)
    return found


def _of_policy(results: ComplianceResults, policy: Policy) -> dict[str, Value]:
    rows = results.summary.by_region_and_rule
    rows = rows.assign(
        severity=rows["rule"].map({str(r.rule_id): str(r.severity) for r in policy.rules}),
        open=rows["violations"] - rows["waived"],
    )
    found: dict[str, Value] = {
        f"open_findings_{severity}": int(rows.loc[rows["severity"] == severity, "open"].sum())
        for severity in Severity
    }
    found["waived_findings"] = int(rows["waived"].sum())
    numbers = ["evaluated", "open", "waived"]
    sums = rows.groupby(["rule", "severity"], as_index=False)[numbers].sum()
    found["worst_rules"] = table_of(sums.nlargest(_WORST, "open").to_dict("records"))
    return found


def of_policy(config: Config) -> Metadata:
    """The files of the policy, and what is in them; `version` changes with the content."""
    loaded = config.policy
    files: list[dict[str, Cell]] = [file.model_dump() for file in loaded.files]
    return {
        "files": table_of(files),
        "rules": sum(rule.enabled for rule in loaded.rules),
        "waivers": len(loaded.waivers),
        "version": policy_of(config).version,
    }


def of_history(figures: HistoryFigures, now: datetime, link: ConsoleLink | None = None) -> Metadata:
    """What a scan opened and closed, and what is open after it."""
    found: dict[str, Value] = {
        "opened": figures.opened,
        "closed": figures.closed,
        "open": figures.open_findings,
        "dagster/row_count": figures.open_findings,
    }
    if figures.oldest_at is not None:
        age = max(0.0, (now - figures.oldest_at).total_seconds())
        found |= {"oldest_days": age / 86_400, "oldest": figures.oldest_at.isoformat()}
    if text := changes_in_markdown(figures.changes, link):
        found["changes"] = dg.MetadataValue.md(text)
    if figures.unreadable:
        lines = "\n".join(f"* {literally(line)}" for line in figures.unreadable)
        found["unreadable"] = dg.MetadataValue.md(lines)
    return found


def of_snapshot(
    contents: SnapshotContents, snapshot_id: str, uri: str, exporter_url: str | None
) -> Metadata:
    status = contents.status
    found: dict[str, Value] = {
        "snapshot": dg.MetadataValue.path(f"{uri}/snapshots/{snapshot_id}"),
        "outcome": str(status.outcome),
        "samples": status.samples or 0,
        "detail_series": contents.detail_series,
        "detail_series_omitted": contents.detail_series_omitted,
        "exposition_bytes": len(contents.exposition),
        **_counts(status.counts),
        "duration_seconds": (status.made_at - status.scan_started_at).total_seconds(),
        "failed_accounts": sum(not account.succeeded for account in status.accounts),
    }
    if status.counts.compliance_percentage is not None:
        found["compliance_by_account"] = dg.MetadataValue.md(chart_of(status))
    if exporter_url:
        found["exporter"] = dg.MetadataValue.url(exporter_url)
    return found


def _counts(counts: Counts) -> dict[str, Value]:
    """The numbers, under the same names on every surface, and the percentage, as far as known."""
    known = {name: number for name, number in counts.numbers.items() if number is not None}
    return {**known, "dagster/row_count": counts.counted, **_percentage(counts)}


def _percentage(counts: Counts) -> dict[str, Value]:
    """Empty without counted resources or required tags."""
    percentage = counts.compliance_percentage
    return {} if percentage is None else {"compliance_percentage": floor_percentage(percentage)}


def _worst(frame: pd.DataFrame, label: str, whole: str, part: str) -> dg.MetadataValue:
    """The labels with the largest difference between `whole` and `part`."""
    sums = frame.groupby(label, as_index=False)[[whole, part]].sum()
    sums["lacking"] = sums[whole] - sums[part]
    return table_of(sums.nlargest(_WORST, "lacking").to_dict("records"))


def table_of_failures(results: ComplianceResults) -> dg.MetadataValue:
    return table_of(
        [
            {
                "account_id": str(status.account_id),
                "account_name": str(status.account_name),
                "region": str(region.region),
                "reason": str(region.reason),
                "message": region.message,
            }
            for status in results.statuses
            for region in status.regions
            if not region.succeeded
        ]
    )


def table_of_accounts(results: ComplianceResults) -> dg.MetadataValue:
    counts = results.summary.by_account
    paths = {account.account_id: account.ou_path for account in results.summary.accounts}
    return table_of(
        [
            {
                "account_id": str(status.account_id),
                "account_name": str(status.account_name),
                "ou_path": paths[status.account_id],
                "outcome": "read" if status.succeeded else str(status.reason),
                **counts[status.account_id].numbers,
                "seconds": round(status.seconds, 3),
            }
            for status in results.statuses
        ]
    )


def table_of_sources(results: ComplianceResults) -> dg.MetadataValue:
    """What each source covers."""
    return table_of(
        [
            {
                "source": str(total.source),
                "counts": total.counts,
                "account_regions": total.account_regions,
                "read": total.read,
                "returned": total.returned,
                "added": total.added,
                "failures": ", ".join(f"{n} {reason}" for reason, n in total.failures.items()),
            }
            for total in coverage_by_source(results)
        ]
    )


def table_of(rows: Sequence[Mapping[Any, Cell]]) -> dg.MetadataValue:
    """A table in the UI; a text if there are no rows, from which Dagster takes the columns."""
    if not rows:
        return dg.MetadataValue.text("none")
    return dg.MetadataValue.table([dg.TableRecord(row) for row in rows])
