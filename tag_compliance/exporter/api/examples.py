"""Examples of the API's documents: one finding, and what the other paths say about it."""

from __future__ import annotations

from typing import Any

from tag_compliance.exporter.api.documents import OF_FINDING, OF_RESOURCE
from tag_compliance.exporter.findings_parameters import SEVERITIES
from tag_compliance.exporter.findings_values import STATES

_TIME = "2026-05-04T12:00:00Z"
_ACCOUNT = {"account_id": "111122223333", "account_name": "shop"}
_COUNTS = {"returned": 120, "excluded": 20, "counted": 100, "compliant": 99}

FINDING: dict[str, Any] = {
    "snapshot_time": _TIME,
    **_ACCOUNT,
    "ou_path": "Workloads/Prod",
    "region": "eu-west-1",
    "service": "s3",
    "resource_type": "s3:bucket",
    "arn": "arn:aws:s3:::my-bucket",
    "rule": "required-tag-CostCenter",
    "severity": "medium",
    "codes": ["missing"],
    "tag": "CostCenter",
    "state": "open",
    "waiver": None,
    "waiver_expires": None,
    "opened_at": "2026-05-01T06:00:00Z",
    "age_days": 3,
    "owner": "platform",
    "owner_source": "tag:Team",
    "source": "tagging",
    "tags": {"Team": "platform"},
    "console_url": "https://console.aws.amazon.com/go/view?arn=arn%3Aaws%3As3%3A%3A%3Amy-bucket",
}
_SNAPSHOT = {
    "snapshot_id": "20260504T120000.000000Z-0a1b2c",
    "snapshot_time": _TIME,
    "findings": 1,
    "findings_omitted": 0,
    "report_values": True,
}
_SCAN = {"made_at": _TIME, "version": "0.1.0", "outcome": "complete", "failures": []}
_NONE = dict.fromkeys(SEVERITIES, 0)

EXAMPLES: dict[str, dict[str, Any]] = {
    "findings": {"snapshot": _SNAPSHOT, "findings": [FINDING], "next_cursor": None},
    "resources": {
        "snapshot": _SNAPSHOT,
        "resources": [
            {name: FINDING[name] for name in OF_RESOURCE}
            | {"findings": [{name: FINDING[name] for name in OF_FINDING}]}
        ],
    },
    "summary": {
        "snapshot": _SNAPSHOT | _SCAN,
        "resources": _COUNTS,
        "findings": dict.fromkeys(STATES, _NONE) | {"open": _NONE | {"medium": 1}},
        "accounts": [_ACCOUNT | _COUNTS | {"open": 1, "waived": 0}],
        "rules": [
            {
                "rule": FINDING["rule"],
                "severity": FINDING["severity"],
                "title": "CostCenter is required",
                "tag": FINDING["tag"],
                "evaluated": 100,
                "violations": 1,
                "waived": 0,
            }
        ],
        "waivers": [],
    },
    "coverage": {
        "snapshot": _SNAPSHOT,
        "coverage": [
            {
                **_ACCOUNT,
                "ou_path": "Workloads/Shop",
                "region": "eu-west-1",
                "source": "tagging",
                "counts": True,
                "reason": "ok",
                "message": "",
                "requested": "resources that have or once had a tag",
                "returned": 120,
                "added": 120,
                "result_at": _TIME,
                "not_covered": "resources that never had a tag",
                "seconds": 1.5,
                "last_success_at": _TIME,
            }
        ],
        "next_cursor": None,
    },
}
