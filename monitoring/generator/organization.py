"""The organization at a glance: how much is compliant, where it is worst, whether scans work."""

from __future__ import annotations

from monitoring.generator import grafana as g
from monitoring.generator import promql as p

_ACCOUNT_LINK = "/d/tag-compliance-account?var-account=${__data.fields.ID}&${__url_time_range}"
_TAG_LINK = "/d/tag-compliance-tag-owner?var-tag=${__value.text}&${__url_time_range}"


def dashboard() -> g.Json:
    return g.dashboard(
        "tag-compliance-organization",
        "Tag compliance: organization",
        "How many resources carry every required tag, and where the gaps are.",
        [g.JOB, g.account_variable(several=True), g.REGION],
        {"Now": _now(), "Trend": _trend(), "Worst": _worst(), "Scans": _scans()},
    )


def _now() -> list[g.Panel]:
    succeeded = p.once_each_account("tag_compliance_account_scan_success")
    return [
        g.stat(
            "Compliance",
            p.share(p.COMPLIANT, p.SCANNED),
            unit="percent",
            steps=g.SHARE_COLOURS,
            description="Resources with every required tag, of all that were counted.",
        ),
        g.stat("Resources", p.total(p.SCANNED)),
        g.stat(
            "Not compliant",
            f"{p.total(p.SCANNED)} - {p.total(p.COMPLIANT)}",
            steps=g.NONE_IS_GOOD,
        ),
        g.stat("Accounts that failed", f"count({succeeded}) - sum({succeeded})",
               steps=g.NONE_IS_GOOD),
        g.stat(
            "Completeness",
            'min(tag_compliance_scan_completeness_ratio{job=~"$job"})',
            unit="percentunit",
            steps=g.ALL_IS_GOOD,
            description="Regions of accounts read, of those configured. What is missing is in no "
            "number here.",
        ),
        g.stat(
            "Age of the snapshot",
            'time() - max(tag_compliance_snapshot_timestamp_seconds{job=~"$job"})',
            unit="s",
        ),
    ]  # fmt: skip


def _trend() -> list[g.Panel]:
    return [
        g.trend("Compliance", g.Query(p.share(p.COMPLIANT, p.SCANNED), "all required tags"),
                unit="percent"),
        g.trend(
            "Compliance by tag",
            g.Query(
                f"100 * {p.total(p.WITH_TAG, 'tag')} / "
                f"({p.total(p.WITH_TAG, 'tag')} + {p.total(p.WITHOUT_TAG, 'tag')} > 0)",
                "{{tag}}",
            ),
            unit="percent",
        ),
        g.trend(
            "Compliance by account",
            g.Query(p.share(p.COMPLIANT, p.SCANNED, "account_name"), "{{account_name}}"),
            unit="percent",
        ),
        g.trend(
            "Resources",
            g.Query(p.total(p.SCANNED), "counted"),
            g.Query(f"{p.total(p.SCANNED)} - {p.total(p.COMPLIANT)}", "not compliant"),
        ),
    ]  # fmt: skip


def _worst() -> list[g.Panel]:
    of_account = p.share(p.COMPLIANT, p.SCANNED, "account_id", "account_name")
    return [
        g.table(
            "Worst accounts",
            f"bottomk(20, {of_account})",
            "Compliance",
            {"account_name": "Account", "account_id": "ID"},
            unit="percent",
            steps=g.SHARE_COLOURS,
            width=8,
            descending=False,
            links={"account_name": _ACCOUNT_LINK},
        ),
        g.table(
            "Tags missed most",
            p.total(p.WITHOUT_TAG, "tag"),
            "Resources without it",
            {"tag": "Tag"},
            width=8,
            links={"tag": _TAG_LINK},
        ),
        g.table(
            "Types with the most gaps",
            f"topk(20, {p.NON_COMPLIANT_BY_TYPE})",
            "Resources not compliant",
            {"resource_type": "Type"},
            width=8,
            description=p.BY_DETAIL,
        ),
        g.bars(
            "Worst types",
            g.Query(f"sort(bottomk(15, {p.SHARE_BY_TYPE}))", "{{resource_type}}"),
            unit="percent",
            steps=g.SHARE_COLOURS,
            description=p.BY_DETAIL,
        ),
        g.bars(
            "Missing tags by account",
            g.Query(
                f"sort_desc(topk(15, {p.total(p.WITHOUT_TAG, 'account_name')}))",
                "{{account_name}}",
            ),
        ),
        g.table(
            "Regions",
            p.once("compliance_percentage"),
            "Compliance",
            {"account_name": "Account", "account_id": "ID", "region": "Region"},
            unit="percent",
            steps=g.SHARE_COLOURS,
            width=8,
            height=9,
            descending=False,
            links={"account_name": _ACCOUNT_LINK},
        ),
        g.table(
            "Resources that lack the most tags",
            "topk(100, count by (account_name, account_id, region, resource_type, resource_arn) "
            f"({p.once('tag_missing_detail', 'tag', 'resource_type', 'resource_arn')}))",
            "Tags missing",
            {
                "resource_arn": "ARN",
                "resource_type": "Type",
                "account_name": "Account",
                "account_id": "ID",
                "region": "Region",
            },
            width=24,
            description=p.BY_DETAIL,
        ),
    ]


def _scans() -> list[g.Panel]:
    read_at = p.once_each_account("tag_compliance_account_last_success_timestamp_seconds")
    state = p.once("tag_compliance_region_scan_success", "reason")
    exporter = 'max by (instance) (tag_compliance_exporter_{}{{job=~"$job"}})'
    seconds = exporter.format("snapshot_age_seconds")
    limit = exporter.format("snapshot_stale_after_seconds")
    return [
        g.table(
            "Regions that could not be read",
            f"{state} == 0",
            "Read",
            {
                "account_name": "Account",
                "account_id": "ID",
                "region": "Region",
                "reason": "Reason",
            },
            hide_value=True,
            descending=False,
            description="`tag-compliance doctor` tells what is missing where.",
        ),
        g.table(
            "Time since each account was read whole",
            f"time() - {read_at}",
            "Ago",
            {"account_name": "Account", "account_id": "ID"},
            unit="s",
        ),
        g.trend(
            "Completeness",
            g.Query('min(tag_compliance_scan_completeness_ratio{job=~"$job"})', "regions read"),
            unit="percentunit",
            width=8,
        ),
        g.trend(
            "Duration of a scan",
            g.Query('max(tag_compliance_scan_duration_seconds{job=~"$job"})', "whole scan"),
            g.Query(
                f"topk(5, {p.once_each_account('tag_compliance_account_scan_duration_seconds')})",
                "{{account_name}}",
            ),
            unit="s",
            width=8,
        ),
        g.trend(
            "AWS API calls of a scan",
            g.Query(
                f"sum({p.once_each_account('tag_compliance_account_scan_api_calls')})", "calls"
            ),
            g.Query(
                f"sum({p.once_each_account('tag_compliance_account_scan_api_retries')})", "retries"
            ),
            g.Query(
                f"sum({p.once_each_account('tag_compliance_account_scan_api_throttled_calls')})",
                "throttled",
            ),
            width=8,
        ),
        g.trend(
            "Age of the snapshot served",
            g.Query(seconds, "age, {{instance}}"),
            g.Query(limit, "too old from, {{instance}}"),
            unit="s",
            width=8,
        ),
        g.trend(
            "Exporter",
            g.Query(exporter.format("snapshot_readable"), "snapshot readable, {{instance}}"),
            g.Query(exporter.format("storage_up"), "storage up, {{instance}}"),
            g.Query(exporter.format("last_scan_success"), "last scan read some, {{instance}}"),
            width=8,
        ),
        g.table(
            "Left out of account",
            p.total(p.once("tag_compliance_excluded_resources", "resource_type"), "resource_type"),
            "Resources",
            {"resource_type": "Type"},
            width=8,
            height=9,
            description="By excluded_resource_types.",
        ),
        g.stat(
            "Detail series left out",
            p.total(p.once("tag_compliance_detail_series_omitted")),
            steps=g.NONE_IS_GOOD,
            description="By max_detail_series; lists of single resources lack them.",
        ),
        g.stat(
            "ARNs of no known form",
            f"sum({p.once_each_account('tag_compliance_unparsable_arn_resources')})",
            steps=g.NONE_IS_GOOD,
        ),
    ]
