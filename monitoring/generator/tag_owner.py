"""One tag, for whoever answers for it: who sets it, who does not, and where it is missing."""

from __future__ import annotations

from monitoring.generator import grafana as g
from monitoring.generator import promql as p

_CHOSEN = f'{p.CHOSEN},tag="$tag"'
_WITH = p.once("tag_compliant_total", chosen=_CHOSEN)
_WITHOUT = p.once("tag_non_compliant_total", chosen=_CHOSEN)
_WITHOUT_BEFORE = p.once("tag_non_compliant_total", chosen=_CHOSEN, at="offset 1d")
_ALL = f"{_WITH} + {_WITHOUT}"
_MISSING = p.once("tag_missing_detail", "resource_type", "resource_arn", chosen=_CHOSEN)


def dashboard() -> g.Json:
    tag = g.query_variable(
        "tag", "Tag", 'label_values(tag_non_compliant_total{job=~"$job"}, tag)', several=False
    )
    return g.dashboard(
        "tag-compliance-tag-owner",
        "Tag compliance: tag",
        "Where one required tag is missing.",
        [g.JOB, tag, g.account_variable(several=True), g.REGION],
        {"Now": _now(), "Where": _where(), "Detail": _detail()},
    )


def _now() -> list[g.Panel]:
    without = p.total(_WITHOUT)
    gaps = f"count({p.total(_WITHOUT, 'account_id')} > 0) or vector(0)"
    return [
        g.stat(
            "Resources with the tag", p.share(_WITH, _ALL), unit="percent", steps=g.SHARE_COLOURS
        ),
        g.stat("Resources", p.total(_ALL)),
        g.stat("Without the tag", without, steps=g.NONE_IS_GOOD),
        g.stat("Accounts with gaps", gaps, steps=g.NONE_IS_GOOD),
        g.stat(
            "Change within a day",
            f"{without} - {p.total(_WITHOUT_BEFORE)}",
            description="Resources without the tag, now less a day ago. Empty where nothing was "
            "scraped a day ago.",
        ),
        g.trend("Resources with the tag", g.Query(p.share(_WITH, _ALL), "$tag"), unit="percent"),
        g.trend(
            "Resources without the tag",
            g.Query(p.total(_WITHOUT, "account_name"), "{{account_name}}"),
        ),
    ]


def _where() -> list[g.Panel]:
    return [
        g.table(
            "Accounts",
            p.share(_WITH, _ALL, "account_name", "account_id"),
            "Resources with the tag",
            {"account_name": "Account", "account_id": "ID"},
            unit="percent",
            steps=g.SHARE_COLOURS,
            width=8,
            descending=False,
        ),
        g.table(
            "Types",
            f"count by (resource_type) ({_MISSING})",
            "Resources without it",
            {"resource_type": "Type"},
            width=8,
            description=p.BY_DETAIL,
        ),
        g.table(
            "Regions",
            p.once("tag_compliance_percentage", chosen=_CHOSEN),
            "Resources with the tag",
            {"account_name": "Account", "account_id": "ID", "region": "Region"},
            unit="percent",
            steps=g.SHARE_COLOURS,
            width=8,
            descending=False,
        ),
        g.table(
            "Types by account and region",
            p.once("tag_resource_type_compliance_percentage", "resource_type", chosen=_CHOSEN),
            "Resources with the tag",
            {
                "resource_type": "Type",
                "account_name": "Account",
                "account_id": "ID",
                "region": "Region",
            },
            unit="percent",
            steps=g.SHARE_COLOURS,
            width=24,
            descending=False,
        ),
    ]


def _detail() -> list[g.Panel]:
    return [
        g.table(
            "Resources without the tag",
            p.detail(_CHOSEN),
            "Missing",
            {
                "resource_arn": "ARN",
                "resource_type": "Type",
                "account_name": "Account",
                "account_id": "ID",
                "region": "Region",
                "tag": "Tag",
            },
            width=24,
            height=14,
            hide_value=True,
            descending=False,
            description=p.DETAIL_DESCRIPTION,
        )
    ]
