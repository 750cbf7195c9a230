"""The JSON Schemas of the API's documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tag_compliance.domain.report_row import COLUMNS
from tag_compliance.exporter.api.documents import OF_FINDING, OF_RESOURCE
from tag_compliance.exporter.findings_parameters import SEVERITIES
from tag_compliance.exporter.findings_values import STATES
from tag_compliance.exporter.scan_queries import COVERAGE

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_MAYBE_TEXT: Schema = {"type": ["string", "null"]}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_MAYBE_COUNT: Schema = {"type": ["integer", "null"], "minimum": 0}
_TIME: Schema = {"type": "string", "format": "date-time"}
_MAYBE_TIME: Schema = {"type": ["string", "null"], "format": "date-time"}
_SEVERITY: Schema = {"type": "string", "enum": [*SEVERITIES]}
_STATE: Schema = {"type": "string", "enum": [*STATES]}

_OTHER_COLUMNS: dict[str, Schema] = {
    "snapshot_time": _TIME,
    "severity": _SEVERITY,
    "codes": {"type": "array", "items": _TEXT},
    "state": _STATE,
    "waiver": _MAYBE_TEXT,
    "waiver_expires": {"type": ["string", "null"], "format": "date"},
    "opened_at": _MAYBE_TIME,
    "age_days": {"type": ["integer", "null"], "minimum": 0},
    "owner": _MAYBE_TEXT,
    "tags": {"type": "object", "additionalProperties": _MAYBE_TEXT},
    "console_url": _MAYBE_TEXT,
}
_COLUMNS = {name: _OTHER_COLUMNS.get(name, _TEXT) for name in COLUMNS}
_FOUR = dict.fromkeys(("returned", "excluded", "counted"), _COUNT) | {"compliant": _MAYBE_COUNT}

DOCUMENTS = {
    "findings": "Findings",
    "resources": "Resources",
    "summary": "Summary",
    "coverage": "Coverage",
}
"""The schema of each path."""


def _object(properties: Mapping[str, Schema], *optional: str) -> Schema:
    """Other keys can be added later."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
    }


def _list_of(name: str) -> Schema:
    return {"type": "array", "items": _of(name)}


def _of(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_SNAPSHOT = {
    "snapshot_id": _TEXT,
    "snapshot_time": _TIME,
    "findings": _COUNT,
    "findings_omitted": _COUNT,
    "report_values": {"type": "boolean"},
}
_SUMMARY_SNAPSHOT = _SNAPSHOT | {
    "made_at": _TIME,
    "version": _TEXT,
    "outcome": {"type": "string", "enum": ["complete", "partial", "nothing"]},
    "failures": {"type": "array", "items": _TEXT},
}
_PROBLEM = {
    "type": _TEXT,
    "title": _TEXT,
    "status": {"type": "integer"},
    "detail": _TEXT,
    "errors": _list_of("ParameterFault"),
}
_WAIVER = {
    "waiver": _TEXT,
    "reason": _TEXT,
    "owner": _TEXT,
    "expires": {"type": "string", "format": "date"},
    "ticket": _MAYBE_TEXT,
    "state": _TEXT,
    "findings": _COUNT,
}
_COVERAGE_ROW = dict.fromkeys(COVERAGE, _TEXT) | {
    "counts": {"type": "boolean"},
    "returned": _MAYBE_COUNT,
    "added": _COUNT,
    "result_at": _MAYBE_TIME,
    "seconds": {"type": "number", "minimum": 0},
    "last_success_at": _MAYBE_TIME,
}

SCHEMAS: dict[str, Schema] = {
    "Snapshot": _object(_SNAPSHOT),
    "Finding": _object(_COLUMNS),
    "Findings": _object(
        {
            "snapshot": _of("Snapshot"),
            "findings": _list_of("Finding"),
            "next_cursor": _MAYBE_TEXT,
        }
    ),
    "FindingOfResource": _object({name: _COLUMNS[name] for name in OF_FINDING}),
    "Resource": _object(
        {name: _COLUMNS[name] for name in OF_RESOURCE} | {"findings": _list_of("FindingOfResource")}
    ),
    "Resources": _object({"snapshot": _of("Snapshot"), "resources": _list_of("Resource")}),
    "Counts": _object(_FOUR),
    "SeverityCounts": _object(dict.fromkeys(SEVERITIES, _COUNT)),
    "StateCounts": _object(dict.fromkeys(STATES, _of("SeverityCounts"))),
    "Account": _object(
        {"account_id": _TEXT, "account_name": _TEXT} | _FOUR | dict.fromkeys(STATES, _COUNT)
    ),
    "Rule": _object(
        {"rule": _TEXT, "severity": _SEVERITY, "title": _TEXT, "tag": _TEXT}
        | {"evaluated": _COUNT}
        | {
            "violations": _COUNT | {"description": "Open findings: those without a waiver."},
            "waived": _COUNT | {"description": "Findings that a waiver covers."},
        }
    ),
    "Waiver": _object(_WAIVER),
    "SummarySnapshot": _object(_SUMMARY_SNAPSHOT),
    "Summary": _object(
        {
            "snapshot": _of("SummarySnapshot"),
            "resources": _of("Counts"),
            "findings": _of("StateCounts"),
            "accounts": _list_of("Account"),
            "rules": _list_of("Rule"),
            "waivers": _list_of("Waiver"),
        }
    ),
    "CoverageRow": _object(_COVERAGE_ROW),
    "Coverage": _object(
        {
            "snapshot": _of("Snapshot"),
            "coverage": _list_of("CoverageRow"),
            "next_cursor": _MAYBE_TEXT,
        }
    ),
    "ParameterFault": _object({"parameter": _TEXT, "value": _TEXT, "rule": _TEXT}, "value"),
    "Problem": _object(_PROBLEM, "errors"),
}
