"""Since when a finding is open: in reports, in the database and in `explain`."""

from __future__ import annotations

from pathlib import Path

from tag_compliance_tests.cli.test_findings_database import databases, query
from tag_compliance_tests.cli.test_report import FIRST, report
from tag_compliance_tests.support.program import Program


def test_each_finding_has_the_time_of_the_scan_that_opened_it(program: Program) -> None:
    assert program.run("scan").code == 0
    opened = {(r["account_id"], r["arn"], r["rule"]): r["opened_at"] for r in report(program)}
    assert set(opened.values()) == {report(program)[0]["snapshot_time"]}
    assert program.run("scan").code == 0
    rows = report(program)
    assert {(r["account_id"], r["arn"], r["rule"]): r["opened_at"] for r in rows} == opened
    assert {row["age_days"] for row in rows} == {"0"}
    stored = query(databases(program)[-1], "SELECT account_id, arn, rule, opened_at FROM findings")
    assert {row[:3]: row[3] for row in stored} == opened
    out = program.run("explain", rows[0]["arn"]).out
    assert f", since {rows[0]['opened_at']}" in out


def test_a_damaged_history_leaves_rows_without_age_and_a_warning(program: Program) -> None:
    assert program.run("scan").code == 0
    Path(program.place.state, "tables", "history", f"{FIRST}.zip").write_bytes(b"PK damaged")
    ended = program.run("report")
    assert ended.code == 0
    assert f"history of account {FIRST}" in ended.err
    rows = report(program)
    assert {row["opened_at"] == "" for row in rows if row["account_id"] == FIRST} == {True}
    assert {row["opened_at"] == "" for row in rows if row["account_id"] != FIRST} == {False}
