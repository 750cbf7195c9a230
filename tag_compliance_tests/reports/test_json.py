"""The reports for programs: JSON lines and OCSF."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.domain.report_row import COLUMNS, ReportRow
from tag_compliance.reports.formats import ReportFormat
from tag_compliance.reports.ocsf import finding_uid
from tag_compliance_tests.domain.organizations import NOON
from tag_compliance_tests.reports.rows import CONTEXT, WAIVED, nasty_rows, report_row, written


@settings(deadline=None, max_examples=100)
@given(st.lists(nasty_rows, max_size=4))
def test_each_json_line_has_the_columns_in_their_order_with_their_values(
    rows: list[ReportRow],
) -> None:
    lines = written(ReportFormat.JSONL, rows).decode().split("\n")
    assert lines.pop() == ""
    for row, line in zip(rows, lines, strict=True):
        found = json.loads(line)
        assert list(found) == list(COLUMNS)
        assert ReportRow.from_record(row.to_record()) == row
        assert found["codes"] == list(row.codes)
        assert found["tags"] == row.tags
        assert found["arn"] == row.arn
        assert found["owner"] == row.owner
        assert found["waiver_expires"] == (row.waiver_expires and row.waiver_expires.isoformat())
        assert datetime.fromisoformat(found["snapshot_time"]) == NOON


def events(*rows: ReportRow) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(written(ReportFormat.OCSF, rows))
    return found


@settings(deadline=None, max_examples=50)
@given(st.lists(nasty_rows, max_size=4))
def test_each_ocsf_event_validates_against_the_published_class(rows: list[ReportRow]) -> None:
    pytest.importorskip("py_ocsf_models", reason="py-ocsf-models is not installed")
    from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding

    for row, event in zip(rows, events(*rows), strict=True):
        finding = ComplianceFinding.model_validate(event)
        assert finding.type_uid == finding.class_uid * 100 + finding.activity_id
        assert finding.resources is not None
        assert finding.resources[0].uid == row.arn
        # The model has a field for everything but these, which are in the published schema.
        known = json.loads(finding.model_dump_json(exclude_none=True))
        assert set(event) - set(known) == {"cloud"}


def test_an_ocsf_event_has_severity_status_account_owner_and_labels() -> None:
    first, second = events(report_row(), WAIVED)
    assert (first["class_uid"], first["category_uid"], first["type_uid"]) == (2003, 2, 200301)
    assert (first["severity_id"], first["status_id"], first["status"]) == (4, 1, "New")
    assert first["time"] == int(NOON.timestamp() * 1000)
    assert first["cloud"]["account"]["uid"] == "111122223333"
    assert first["cloud"]["org"] == {"ou_name": "Workloads/Prod"}
    assert first["compliance"]["status_id"] == 3
    assert first["finding_info"]["title"] == "Owner is required"
    [resource] = first["resources"]
    assert resource["labels"] == ["Team=platform"]
    assert resource["owner"]["name"] == "platform"
    assert resource["cloud_partition"] == "aws"
    assert first["metadata"]["correlation_uid"] == CONTEXT.snapshot_id
    assert (second["status_id"], second["unmapped"]["waiver"]) == (3, "W-1")


def test_a_finding_that_is_older_than_the_snapshot_is_an_update() -> None:
    assert events(WAIVED)[0]["type_uid"] == 200302
    opened = datetime(2026, 5, 1, 6, tzinfo=UTC)
    assert events(WAIVED)[0]["finding_info"]["created_time"] == int(opened.timestamp() * 1000)
    assert events(report_row(opened_at=NOON))[0]["type_uid"] == 200301


def test_the_uid_of_a_finding_depends_on_account_resource_and_rule_only() -> None:
    uid = finding_uid(report_row())
    assert finding_uid(report_row(state="waived", owner=None, severity="low")) == uid
    others = [{"account_id": "2" * 12}, {"arn": "x"}, {"rule": "x"}]
    assert uid not in {finding_uid(report_row(**other)) for other in others}


def test_a_report_without_rows_is_an_empty_array_or_an_empty_file() -> None:
    assert events() == []
    assert written(ReportFormat.JSONL, [], replace(CONTEXT, rules=())) == b""
