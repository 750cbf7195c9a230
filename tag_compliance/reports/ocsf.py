"""OCSF for SIEMs and Amazon Security Lake: events of the class Compliance Finding (2003).

https://schema.ocsf.io/1.5.0/classes/compliance_finding, with the profile `cloud`
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any, BinaryIO

import msgspec

from tag_compliance.domain.report_row import ReportRow
from tag_compliance.reports.context import ReportContext

_SCHEMA_VERSION = "1.5.0"
_PRODUCT = "tag-compliance"
_CLASS_UID = 2003
_SEVERITIES = {
    "info": (1, "Informational"),
    "low": (2, "Low"),
    "medium": (3, "Medium"),
    "high": (4, "High"),
    "critical": (5, "Critical"),
}
_ACTIVITIES = {1: "Create", 2: "Update"}
_STATES = {"open": (1, "New"), "waived": (3, "Suppressed")}
_COMPLIANCE_FAILED = (3, "Fail")
_AWS_ACCOUNT = (10, "AWS Account")

_encoder = msgspec.json.Encoder()


def write_ocsf(rows: Iterable[ReportRow], context: ReportContext, sink: BinaryIO) -> None:
    """A JSON array with an event on each line."""
    titles = {rule.rule: rule.title for rule in context.rules}
    separator = b"["
    for row in rows:
        event = _event(row, titles.get(row.rule, row.rule), context)
        sink.write(separator + b"\n")
        sink.write(_encoder.encode(_without_nulls(event)))
        separator = b","
    sink.write(b"[]\n" if separator == b"[" else b"\n]\n")


def finding_uid(row: ReportRow) -> str:
    """Identifies the finding in all reports: a hash of account, ARN and rule."""
    key = f"{row.account_id}\n{row.rule}\n{row.arn}"
    return f"{_PRODUCT}-{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


def _event(row: ReportRow, title: str, context: ReportContext) -> dict[str, Any]:
    return {
        **_classification(row),
        "time": _milliseconds(row.snapshot_time),
        "message": f"{row.arn} violates {row.rule}: {', '.join(row.codes)}",
        "metadata": {
            "correlation_uid": context.snapshot_id,
            "product": {"name": _PRODUCT, "vendor_name": _PRODUCT, "version": context.version},
            "profiles": ["cloud"],
            "version": _SCHEMA_VERSION,
        },
        "finding_info": _finding_info(row, title),
        "compliance": {
            "control": row.rule,
            "desc": title,
            "requirements": row.tag.split("|"),
            "standards": ["Tagging policy"],
            "status": _COMPLIANCE_FAILED[1],
            "status_id": _COMPLIANCE_FAILED[0],
            "status_details": list(row.codes),
        },
        "cloud": {
            "account": _account(row),
            "org": {"ou_name": row.ou_path} if row.ou_path else None,
            "provider": "AWS",
            "region": row.region,
        },
        "resources": [_resource(row)],
        "unmapped": {
            "age_days": row.age_days,
            "owner_source": row.owner_source,
            "source": row.source,
            "waiver": row.waiver,
            "waiver_expires": row.waiver_expires and row.waiver_expires.isoformat(),
        },
    }


def _classification(row: ReportRow) -> dict[str, Any]:
    """Class, activity, severity and status, each as a number and as its name."""
    severity_id, severity = _SEVERITIES[row.severity]
    status_id, status = _STATES[row.state]
    is_older = row.opened_at is not None and row.opened_at < row.snapshot_time
    activity_id = 2 if is_older else 1
    return {
        "activity_id": activity_id,
        "activity_name": _ACTIVITIES[activity_id],
        "category_name": "Findings",
        "category_uid": 2,
        "class_name": "Compliance Finding",
        "class_uid": _CLASS_UID,
        "type_name": f"Compliance Finding: {_ACTIVITIES[activity_id]}",
        "type_uid": _CLASS_UID * 100 + activity_id,
        "severity": severity,
        "severity_id": severity_id,
        "status": status,
        "status_id": status_id,
    }


def _finding_info(row: ReportRow, title: str) -> dict[str, Any]:
    opened = row.opened_at and _milliseconds(row.opened_at)
    return {
        "created_time": opened,
        "first_seen_time": opened,
        "last_seen_time": _milliseconds(row.snapshot_time),
        "src_url": row.console_url,
        "title": title,
        "types": ["Tag compliance"],
        "uid": finding_uid(row),
    }


def _resource(row: ReportRow) -> dict[str, Any]:
    owner = row.owner and {
        "account": _account(row),
        "name": row.owner,
        "type_id": 0,
        "uid": row.owner,
    }
    tags = row.tags.items()
    return {
        "cloud_partition": row.arn.split(":", 2)[1] if row.arn.startswith("arn:") else None,
        "labels": [key if value is None else f"{key}={value}" for key, value in tags],
        "owner": owner,
        "region": row.region,
        "type": row.resource_type,
        "uid": row.arn,
    }


def _account(row: ReportRow) -> dict[str, Any]:
    type_id, type_ = _AWS_ACCOUNT
    return {"name": row.account_name, "type": type_, "type_id": type_id, "uid": row.account_id}


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(v) for key, v in value.items() if v is not None}
    return [_without_nulls(entry) for entry in value] if isinstance(value, list) else value
