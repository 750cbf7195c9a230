"""The findings database: tables, indexes, and that the same findings make the same file."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tag_compliance.domain.account import AccountId
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.report_row import (
    COLUMNS,
    ConsoleLink,
    ReportRow,
    console_url,
    format_time,
)
from tag_compliance.domain.rule_keys import RuleKeys
from tag_compliance.domain.summary import ComplianceResults
from tag_compliance.snapshot.findings_db import DatabaseContents, build_findings_db
from tag_compliance.snapshot.findings_limit import FindingsLimit
from tag_compliance.snapshot.findings_schema import SCHEMA_VERSION, SORT_KEYS
from tag_compliance_tests.domain.organizations import NOON, summary_of
from tag_compliance_tests.reports.rows import RULES, SHOP, WAIVED, nasty_rows, report_row
from tag_compliance_tests.snapshot.scans import POLICY, scanned_accounts


def results_of(policy: Policy) -> ComplianceResults:
    evaluations = scanned_accounts()
    return ComplianceResults(tuple(e.status for e in evaluations), summary_of(evaluations, policy))


def contents(rows: Sequence[ReportRow], **changes: Any) -> DatabaseContents:
    results = results_of(POLICY)
    rules = [
        {
            "rule": rule.rule,
            "severity": rule.severity,
            "title": rule.title,
            "tag": "x",
            "evaluated": 3,
            "violations": 1,
            "waived": 1,
        }
        for rule in RULES
    ]
    keys = {rule.rule: RuleKeys((rule.rule.removeprefix("required-tag-"),)) for rule in RULES}
    made = DatabaseContents("id-1", NOON, NOON, "0.1.0", results, rows, rules, omitted=3)
    return replace(made, **{"rule_keys": keys, **changes})


def query(path: Path, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
    uri = f"{path.as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as database:
        return database.execute(sql, arguments).fetchall()


@settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(nasty_rows, max_size=5))
def test_the_rows_of_a_report_can_be_read_back(tmp_path: Path, rows: list[ReportRow]) -> None:
    path = tmp_path / "f.sqlite"
    path.unlink(missing_ok=True)
    build_findings_db(path, contents(rows))
    found = [ReportRow.from_record(record) for record in query(path, "SELECT * FROM report")]
    plain = [row._replace(console_url=None) for row in found]
    # Rows of one resource follow each other and have the same tags in a real scan.
    expected = [row._replace(console_url=None) for row in rows]
    if len({row.arn for row in rows}) == len(rows):
        assert plain == expected
    assert [row._replace(tags={}) for row in plain] == [row._replace(tags={}) for row in expected]


def test_the_table_of_findings_has_the_columns_of_a_report_except_the_tags(tmp_path: Path) -> None:
    path = tmp_path / "f.sqlite"
    assert build_findings_db(path, contents([report_row(), WAIVED])) == 2
    names = [row[1] for row in query(path, "PRAGMA table_xinfo(findings)")]
    assert set(names) == {"id", "resource", *COLUMNS} - {"tags"}
    cursor = query(path, "SELECT name FROM pragma_table_info('report') ORDER BY cid")
    assert [name for (name,) in cursor] == list(COLUMNS)


def test_a_resource_is_stored_once_with_its_tags(tmp_path: Path) -> None:
    path = tmp_path / "f.sqlite"
    rows = [report_row("a"), report_row("a", rule="required-tag-X"), report_row("b")]
    build_findings_db(path, contents(rows))
    assert query(path, "SELECT id, account_id, arn, tags FROM resources") == [
        (1, SHOP, rows[0].arn, '{"Team":"platform"}'),
        (2, SHOP, rows[2].arn, '{"Team":"platform"}'),
    ]
    assert query(path, "SELECT id, resource FROM findings") == [(1, 1), (2, 1), (3, 2)]


def test_the_same_findings_make_the_same_file(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for path in (one, other):
        build_findings_db(path, contents([report_row("a"), WAIVED]))
    assert one.read_bytes() == other.read_bytes()


def test_the_other_tables_have_coverage_counts_rules_and_the_limit(
    tmp_path: Path,
) -> None:
    path = tmp_path / "f.sqlite"
    given_contents = contents([report_row()])
    build_findings_db(path, given_contents)
    statuses = query(path, "SELECT account_id, region, source, reason FROM read_status")
    assert statuses == [
        ("111122223333", "eu-west-1", "tagging", "ok"),
        ("111122223333", "us-east-1", "tagging", "throttled"),
        ("222233334444", "eu-west-1", "tagging", "access_denied"),
    ]
    coverage = query(path, "SELECT region, reason, returned, added, result_at FROM coverage")
    assert coverage == [
        ("eu-west-1", "ok", 4, 4, format_time(NOON)),
        ("us-east-1", "throttled", None, 0, None),
        ("eu-west-1", "access_denied", None, 0, None),
    ]
    summary = given_contents.results.summary
    totals = query(
        path, "SELECT sum(returned), sum(excluded), sum(counted), sum(compliant) FROM summary"
    )
    counts = summary.total
    assert totals == [(counts.returned, counts.excluded, counts.counted, counts.compliant)]
    assert query(path, "SELECT rule, evaluated FROM rules") == [(rule.rule, 3) for rule in RULES]
    meta = dict(query(path, "SELECT key, value FROM meta"))
    assert meta["schema_version"] == str(SCHEMA_VERSION)
    assert (meta["snapshot_id"], meta["snapshot_time"]) == ("id-1", format_time(NOON))
    assert (meta["findings"], meta["findings_omitted"], meta["outcome"]) == ("1", "3", "partial")


def test_without_required_tags_no_resource_is_compliant_or_noncompliant(tmp_path: Path) -> None:
    path = tmp_path / "findings.sqlite"
    build_findings_db(path, contents([], results=results_of(Policy(()))))
    assert query(path, "SELECT DISTINCT compliant FROM summary") == [(None,)]
    assert query(path, "SELECT sum(counted) > 0 FROM summary") == [(1,)]


@pytest.mark.parametrize("link", [None, ConsoleLink("https://a.awsapps.com/start/", "R o")])
@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:ec2:eu-west-1:111122223333:vpc/a b+c=d,e@f#g?h&i%2F",
        "arn:aws:s3:::b",
        "arn:aws-cn:s3:::b",
        "what?",
    ],
)
def test_the_link_to_the_console_is_computed_as_in_reports(
    tmp_path: Path, arn: str, link: ConsoleLink | None
) -> None:
    path = tmp_path / "f.sqlite"
    build_findings_db(path, contents([report_row(arn=arn)], console_link=link))
    [(found,)] = query(path, "SELECT console_url FROM findings")
    assert found == console_url(arn, SHOP, link)


@pytest.mark.parametrize("key", SORT_KEYS.values())
def test_a_sorted_page_is_read_from_an_index_without_sorting(tmp_path: Path, key: str) -> None:
    path = tmp_path / "f.sqlite"
    build_findings_db(path, contents([report_row(str(n)) for n in range(500)]))
    sql = f"SELECT id FROM findings WHERE state = 'open' ORDER BY {key}, id LIMIT 50"
    plan = " ".join(str(row[3]) for row in query(path, f"EXPLAIN QUERY PLAN {sql}"))
    assert "USING" in plan
    assert "INDEX" in plan
    assert "TEMP B-TREE" not in plan


def test_the_limit_is_shared_fairly_and_counts_what_it_leaves_out() -> None:
    summary = summary_of(scanned_accounts(), POLICY)
    wanted = int(summary.by_type_and_rule["violations"].sum())
    assert FindingsLimit.of(summary, wanted) == FindingsLimit({AccountId(SHOP): wanted}, 0)
    assert FindingsLimit.of(summary, 1) == FindingsLimit({AccountId(SHOP): 1}, wanted - 1)
