"""One account, for the team that runs it: what is missing, on which resource."""

from __future__ import annotations

from monitoring.generator import grafana as g
from monitoring.generator import promql as p


def dashboard() -> g.Json:
    return g.dashboard(
        "tag-compliance-account",
        "Tag compliance: account",
        "What the resources of one account lack.",
        [g.JOB, g.account_variable(several=False), g.REGION],
        {"Now": _now(), "Tags and types": _breakdown(), "Detail": _detail(), "Scans": _scans()},
    )


def _now() -> list[g.Panel]:
    seen = p.once_each_account("tag_compliance_account_last_success_timestamp_seconds")
    return [
        g.stat(
            "Compliance", p.share(p.COMPLIANT, p.SCANNED), unit="percent", steps=g.SHARE_COLOURS
        ),
        g.stat("Resources", p.total(p.SCANNED)),
        g.stat(
            "Not compliant",
            f"{p.total(p.SCANNED)} - {p.total(p.COMPLIANT)}",
            steps=g.NONE_IS_GOOD,
        ),
        g.stat("Missing tags", p.total(p.WITHOUT_TAG), steps=g.NONE_IS_GOOD),
        g.stat(
            "Regions that failed",
            f"sum({p.once('tag_compliance_region_scan_success')} == bool 0)",
            steps=g.NONE_IS_GOOD,
        ),
        g.stat("Read whole, ago", f"time() - max({seen})", unit="s"),
        g.trend(
            "Compliance",
            g.Query(p.share(p.COMPLIANT, p.SCANNED), "account"),
            g.Query(p.share(p.COMPLIANT, p.SCANNED, "region"), "{{region}}"),
            unit="percent",
        ),
        g.trend(
            "Resources",
            g.Query(p.total(p.SCANNED, "region"), "{{region}}"),
        ),
    ]


def _breakdown() -> list[g.Panel]:
    of_tag = p.share(p.WITH_TAG, f"{p.WITH_TAG} + {p.WITHOUT_TAG}", "tag")
    return [
        g.bars(
            "Tags",
            g.Query(f"sort({of_tag})", "{{tag}}"),
            unit="percent",
            steps=g.SHARE_COLOURS,
        ),
        g.bars(
            "Types",
            g.Query(f"sort(bottomk(15, {p.SHARE_BY_TYPE}))", "{{resource_type}}"),
            unit="percent",
            steps=g.SHARE_COLOURS,
            description=p.BY_DETAIL,
        ),
        g.trend(
            "Missing tags",
            g.Query(p.total(p.WITHOUT_TAG, "tag"), "{{tag}}"),
            width=8,
        ),
        g.table(
            "Types by region",
            p.once("resources_fully_compliant_by_type_percentage", "resource_type"),
            "Compliance",
            {"resource_type": "Type", "region": "Region"} | _ACCOUNT,
            unit="percent",
            steps=g.SHARE_COLOURS,
            descending=False,
        ),
        g.table(
            "Tags by type and region",
            p.once("tag_resource_type_compliance_percentage", "tag", "resource_type"),
            "Resources with the tag",
            {"tag": "Tag", "resource_type": "Type", "region": "Region"} | _ACCOUNT,
            unit="percent",
            steps=g.SHARE_COLOURS,
            descending=False,
        ),
    ]


def _detail() -> list[g.Panel]:
    return [
        g.table(
            "Missing tags, by resource",
            p.detail(),
            "Missing",
            {"resource_arn": "ARN", "tag": "Tag", "resource_type": "Type", "region": "Region"}
            | _ACCOUNT,
            width=24,
            height=14,
            hide_value=True,
            descending=False,
            description=p.DETAIL_DESCRIPTION,
        )
    ]


def _scans() -> list[g.Panel]:
    return [
        g.table(
            "Regions",
            p.once("tag_compliance_region_scan_success", "reason"),
            "Read",
            {"region": "Region", "reason": "Reason"} | _ACCOUNT,
            steps=g.ALL_IS_GOOD,
            width=8,
            descending=False,
        ),
        g.trend(
            "Duration of a scan",
            g.Query(
                p.once_each_account("tag_compliance_account_scan_duration_seconds"),
                "{{account_name}}",
            ),
            unit="s",
            width=8,
        ),
        g.trend(
            "AWS API calls of a scan",
            g.Query(p.once_each_account("tag_compliance_account_scan_api_calls"), "calls"),
            g.Query(p.once_each_account("tag_compliance_account_scan_api_retries"), "retries"),
            g.Query(
                p.once_each_account("tag_compliance_account_scan_api_throttled_calls"), "throttled"
            ),
            width=8,
        ),
        g.table(
            "Left out of account",
            p.once("tag_compliance_excluded_resources", "resource_type"),
            "Resources",
            {"resource_type": "Type", "region": "Region"} | _ACCOUNT,
            description="By excluded_resource_types.",
        ),
        g.stat(
            "Detail series left out",
            p.total(p.once("tag_compliance_detail_series_omitted")),
            steps=g.NONE_IS_GOOD,
            description="By max_detail_series; the table of missing tags lacks them.",
        ),
    ]


_ACCOUNT = {"account_name": "Account", "account_id": "ID"}
