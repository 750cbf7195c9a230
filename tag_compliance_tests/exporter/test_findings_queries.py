"""Queries of the findings database: filters, search, sort orders, pages."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tag_compliance.domain.report_filter import FindingFilter
from tag_compliance.domain.report_row import ReportRow
from tag_compliance.errors import BadQuery, CursorGone
from tag_compliance.exporter import findings_queries
from tag_compliance.exporter.findings_queries import SORT_ORDERS, FindingsQueries
from tag_compliance.snapshot.findings_db import build_findings_db
from tag_compliance_tests.domain.organizations import NOON
from tag_compliance_tests.reports.rows import LAB, SHOP, WAIVED, report_row
from tag_compliance_tests.snapshot.test_findings_db import contents

ALL = FindingFilter(state="all")
_TAGS: list[dict[str, str | None]] = [
    {},
    {"Team": "web"},
    {"Team": 'w"eb\\', "50%": "a_b"},
    {'x":"y': "z", "x": 'y","x":"z'},
    {"Größe": "Überall"},
]


def organization(count: int, seed: int = 7) -> list[ReportRow]:
    """Findings of two accounts in the order of reports; those of one resource have its tags."""
    number = random.Random(seed)
    rows = []
    for n in range(count):
        account = number.choice([(SHOP, "shop", "Work/Prod"), (LAB, "lab", "Work2")])
        type_ = number.choice(["ec2:vpc", "s3:bucket", "x:[a]?*"])
        rows.append(
            report_row(
                f"{n:04}%_\\",
                account_id=account[0],
                account_name=account[1],
                ou_path=account[2],
                region=number.choice(["eu-west-1", "us-east-1"]),
                resource_type=type_,
                service=type_.partition(":")[0],
                severity=number.choice(["info", "low", "medium", "high", "critical"]),
                rule=number.choice(["required-tag-Env", "required-tag-Owner", "a?b"]),
                state=number.choice(["open", "open", "waived"]),
                owner=number.choice([None, "web", "Data"]),
                opened_at=number.choice([None, NOON, NOON.replace(day=1)]),
                tags=number.choice(_TAGS),
                console_url=None,
            )
        )
    return sorted(rows, key=lambda r: (r.account_id, r.region, r.resource_type, r.arn, r.rule))


@pytest.fixture(scope="module")
def queries(tmp_path_factory: pytest.TempPathFactory) -> FindingsQueries:
    path = tmp_path_factory.mktemp("findings") / "f.sqlite"
    build_findings_db(path, contents(ROWS))
    return FindingsQueries(path)


ROWS = organization(300)


def plain(rows: Any) -> list[ReportRow]:
    return [row._replace(console_url=None) for row in rows]


def pages(queries: FindingsQueries, chosen: FindingFilter, **how: Any) -> list[ReportRow]:
    """The rows of all pages."""
    rows: list[ReportRow] = []
    cursor: str | None = None
    while True:
        page = queries.page(chosen, cursor=cursor, **how)
        rows += page.rows
        cursor = page.next_cursor
        if cursor is None:
            return plain(rows)


def some(*values: Any) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(st.sampled_from(values), max_size=2, unique=True).map(tuple)


filters = st.builds(
    FindingFilter,
    account_ids=some(SHOP, LAB, "1"),
    ous=some("Work", "Work/Prod", "Work2", "W"),
    regions=some("eu-west-1", "us-east-1"),
    types=some("vpc", "EC2:*", "*:bucket", "x:[a]?*", "x:[a]"),
    rules=some("required-tag-*", "*Owner", "a?b", "a*"),
    severities=some("critical", "low"),
    tags=some(("Team", "web"), ("x", 'y","x":"z'), ('x":"y', "z"), ("x", "z"), ("50%", "a_b")),
    owners=some("web", "(none)", "data"),
    state=st.sampled_from(["open", "waived", "all"]),
)


@settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(chosen=filters)
def test_a_filter_finds_the_same_rows_as_in_a_report(
    queries: FindingsQueries, chosen: FindingFilter
) -> None:
    expected = [row for row in ROWS if chosen.matches(row)]
    assert plain(queries.rows(chosen)) == expected
    assert pages(queries, chosen, size=37) == expected
    assert queries.count(chosen) == len(expected)
    counted = Counter(row.owner for row in expected)
    found = Counter[str | None]()
    for tally in queries.tallies("owner", chosen):
        found[tally.value] += tally.findings
    assert found == counted


_KEYS: dict[str, Callable[[ReportRow], Any]] = {
    "report": lambda row: 0,
    "severity": lambda row: ["critical", "high", "medium", "low", "info"].index(row.severity),
    "type": lambda row: row.resource_type,
    "region": lambda row: row.region,
    "rule": lambda row: row.rule,
    "owner": lambda row: row.owner or "",
    "age": lambda row: str(row.opened_at or "9"),
}


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("sort", SORT_ORDERS)
def test_pages_have_every_row_once_in_the_order_and_in_the_reverse_order(
    queries: FindingsQueries, sort: str, size: int
) -> None:
    expected = sorted(ROWS, key=_KEYS[sort])
    assert pages(queries, ALL, sort=sort, size=size) == expected
    assert pages(queries, ALL, sort=f"-{sort}", size=size) == expected[::-1]


@pytest.mark.parametrize("state", ["open", "all"])
@pytest.mark.parametrize("sort", ["report", "-severity", "age"])
def test_the_pages_before_are_those_from_which_a_person_came(
    queries: FindingsQueries, sort: str, state: str
) -> None:
    chosen, cursor = FindingFilter(state=state), None
    forwards, backwards = [], []
    while True:
        page = queries.page(chosen, sort=sort, size=70, cursor=cursor)
        forwards.append(page.rows)
        cursor = page.next_cursor
        if cursor is None:
            break
    while True:
        backwards.append(page.rows)
        if page.previous_cursor is None:
            break
        page = queries.page(chosen, sort=sort, size=70, cursor=page.previous_cursor)
    assert len(forwards) > 2
    assert backwards == forwards[::-1]
    assert page.next_cursor is not None


def test_the_known_values_are_those_of_open_and_waived_findings(queries: FindingsQueries) -> None:
    known = queries.known
    assert [*known.owners] == sorted({row.owner for row in ROWS if row.owner})
    assert [*known.types] == sorted({row.resource_type for row in ROWS})
    assert [*known.rules] == sorted({row.rule for row in ROWS})
    assert [*known.regions] == ["eu-west-1", "us-east-1"]
    assert [a.account_name for a in known.accounts] == ["shop", "lab"]
    assert [*known.ous] == ["Work", "Work/Prod", "Work2"]


@pytest.mark.parametrize("column", findings_queries.GROUPS)
@pytest.mark.parametrize(
    "chosen",
    [
        ALL,
        FindingFilter(),
        FindingFilter(severities=("low", "high"), state="waived"),
        FindingFilter(owners=("(none)",)),
    ],
)
def test_tallies_are_counted_by_severity_and_state(
    queries: FindingsQueries, column: str, chosen: FindingFilter
) -> None:
    found = {(t.value, t.severity, t.state): t.findings for t in queries.tallies(column, chosen)}
    rows = [row for row in ROWS if chosen.matches(row)]
    assert found == Counter((getattr(row, column), row.severity, row.state) for row in rows)


@pytest.mark.parametrize(
    "search", ["0007", "%", "_", "\\", "WEB", '"', "über", "Überall", "bucket", "nothing", "data"]
)
def test_a_search_finds_arn_type_owner_rule_account_and_tag_value(
    queries: FindingsQueries, search: str
) -> None:
    def matches(row: ReportRow) -> bool:
        values = [row.arn, row.resource_type, row.owner or "", row.rule, row.account_name]
        texts = [*values, *(value or "" for value in row.tags.values())]
        return any(ascii_lower(search) in ascii_lower(text) for text in texts)

    expected = [row for row in ROWS if matches(row)]
    assert pages(queries, ALL, search=search) == expected
    assert queries.count(ALL, search) == len(expected)


def ascii_lower(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)


def test_a_resource_has_all_its_findings_in_one_account_or_in_all(
    queries: FindingsQueries,
) -> None:
    arn = ROWS[0].arn
    assert plain(queries.resource(arn)) == [row for row in ROWS if row.arn == arn]
    assert queries.resource(arn, "1") == []
    assert queries.resource("nothing") == []


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ({"sort": "arn"}, "sort: must be one of report, severity"),
        ({"size": 0}, "limit: must be 1 to 1000"),
        ({"size": 1001}, "limit: must be 1 to 1000"),
        ({"cursor": "!"}, "cursor: is malformed"),
        ({"cursor": "é"}, "cursor: is malformed"),
        ({"cursor": "WzFd"}, "cursor: is malformed"),
        ({"search": "x" * 301}, "q: must have at most 300 characters"),
    ],
)
def test_a_wrong_query_names_the_parameter(
    queries: FindingsQueries, query: dict[str, Any], fault: str
) -> None:
    with pytest.raises(BadQuery, match=fault.replace(".", r"\.")):
        queries.page(ALL, **query)


def test_a_pattern_that_could_take_long_is_a_fault(queries: FindingsQueries) -> None:
    with pytest.raises(BadQuery, match="pattern"):
        queries.count(replace(ALL, rules=("*a" * 11,)))
    with pytest.raises(BadQuery, match="group"):
        queries.tallies("arn; DROP TABLE findings", ALL)


def test_a_cursor_of_another_snapshot_is_gone_and_one_of_another_order_is_a_fault(
    queries: FindingsQueries, tmp_path: Path
) -> None:
    cursor = queries.page(ALL, size=1).next_cursor
    with pytest.raises(BadQuery, match="is of another query"):
        queries.page(ALL, cursor=cursor, sort="age")
    path = tmp_path / "later.sqlite"
    build_findings_db(path, contents(ROWS, snapshot_id="id-2"))
    with pytest.raises(CursorGone):
        FindingsQueries(path).page(ALL, cursor=cursor)


@pytest.mark.parametrize("place", [("\ud800", 1, False), (2**63, 1, False), (1, -(2**63), True)])
def test_a_cursor_that_leads_to_an_impossible_place_is_a_fault(
    queries: FindingsQueries, place: tuple[Any, ...]
) -> None:
    with pytest.raises(BadQuery, match="cursor"):
        queries.page(ALL, cursor=queries.cursor("report", place))


def test_a_query_that_takes_too_long_is_given_up(
    queries: FindingsQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings_queries, "_QUERY_SECONDS", -1.0)
    monkeypatch.setattr(findings_queries, "_STEPS_BETWEEN_CHECKS", 1)
    with pytest.raises(BadQuery, match="takes too long"):
        queries.page(ALL)


def test_the_database_is_opened_read_only_and_another_version_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "f.sqlite"
    build_findings_db(path, contents([report_row(), WAIVED]))
    path.chmod(0o400)
    queries = FindingsQueries(path)
    assert [row["rule"] for row in queries.table("rules")]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["f.sqlite"]
    path.chmod(0o600)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE meta SET value = '2' WHERE key = 'schema_version'")
    with pytest.raises(BadQuery, match="has version 2, not 1"):
        FindingsQueries(path)
