"""The findings database of a snapshot: one immutable SQLite file for pages, API and people.

docs/findings.md describes the tables. The same findings make the same file, byte for byte, with one
version of SQLite.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, fields
from datetime import datetime
from itertools import islice
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tag_compliance.domain.coverage import CoverageRow, coverage_rows
from tag_compliance.domain.report_row import (
    COLUMNS,
    ConsoleLink,
    ReportRow,
    console_url,
    format_list,
    format_tags,
    format_time,
)
from tag_compliance.domain.rule_keys import RuleKeys
from tag_compliance.domain.summary import ComplianceResults
from tag_compliance.snapshot.findings_schema import (
    FINDINGS_AND_RESOURCES,
    REPORT_COLUMNS,
    SCHEMA_VERSION,
    SORT_KEYS,
    TALLIED,
)

_ROWS_AT_ONCE = 10_000

_COMPUTED = {"snapshot_time", "console_url"}
"""Columns of the table `findings` that are computed when they are read: they take no space."""

_RESOURCE_COLUMNS = ("account_id", "arn", "tags")
_FINDING_COLUMNS = tuple(name for name in COLUMNS if name not in {"tags", *_COMPUTED})
_FINDING_VALUES = itemgetter(*map(COLUMNS.index, _FINDING_COLUMNS))
_CODES, _EXPIRES, _OPENED = map(_FINDING_COLUMNS.index, ("codes", "waiver_expires", "opened_at"))
_NULLABLE = {"waiver", "waiver_expires", "opened_at", "age_days", "owner"}

_RESERVED = "%:/ +=,@#?&$*()"
"""The characters that ARNs contain and that are percent-encoded in a URL; the percent sign is the
first. SQLite parses expressions of a limited depth only.
"""

_INDEXES = (
    *(f"CREATE INDEX by_{n} ON findings (state, {k})" for n, k in SORT_KEYS.items()),
    "CREATE INDEX by_account ON findings (state, account_id)",
    "CREATE INDEX by_resource ON findings (resource)",
    "CREATE INDEX by_arn ON resources (arn)",
)


@dataclass(frozen=True)
class DatabaseContents:
    """Everything that a findings database contains.

    `rows` are in the order of reports; `omitted` counts the findings that the limit left out.
    """

    snapshot_id: str
    scan_started_at: datetime
    made_at: datetime
    version: str
    results: ComplianceResults
    rows: Iterable[ReportRow]
    rules: Sequence[Mapping[str, Any]]
    rule_keys: Mapping[str, RuleKeys] = field(default_factory=dict)
    waivers: Sequence[Mapping[str, Any]] = ()
    trend: Iterable[Mapping[str, Any]] = ()
    omitted: int = 0
    show_values: bool = True
    console_link: ConsoleLink | None = None


def build_findings_db(path: Path, contents: DatabaseContents) -> int:
    """Creates the file; returns the number of its findings. Raises `sqlite3.Error`."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = OFF")  # a file that is not finished is not used
        database.execute("PRAGMA synchronous = OFF")
        database.execute("BEGIN")
        _create_tables(database, contents)
        count = _insert_findings(database, contents.rows)
        for index in _INDEXES:
            database.execute(index)
        coverage = [*map(_coverage, coverage_rows(contents.results))]
        _insert(database, "read_status", coverage)
        _insert(database, "coverage", coverage)
        _insert(database, "summary", _summary(contents.results))
        _insert(database, "rules", contents.rules)
        _insert(database, "rule_keys", _rule_keys(contents.rule_keys))
        _insert(database, "waivers", contents.waivers)
        _insert(database, "trend", contents.trend)
        _insert(database, "meta", _meta(contents, count))
        database.execute("ANALYZE")
        database.execute("COMMIT")
    return count


def _create_tables(database: sqlite3.Connection, contents: DatabaseContents) -> None:
    snapshot_time = format_time(contents.scan_started_at)
    columns = [
        "id INTEGER PRIMARY KEY",
        "resource INTEGER NOT NULL REFERENCES resources (id)",
        *map(_declared, _FINDING_COLUMNS),
        f"snapshot_time TEXT AS ('{snapshot_time}') VIRTUAL",
        f"console_url TEXT AS ({console_expression(contents.console_link)}) VIRTUAL",
    ]
    database.execute(f"CREATE TABLE findings ({', '.join(columns)})")
    columns = ["id INTEGER PRIMARY KEY", *map(_declared, _RESOURCE_COLUMNS)]
    database.execute(f"CREATE TABLE resources ({', '.join(columns)})")
    report = f"SELECT {REPORT_COLUMNS} {FINDINGS_AND_RESOURCES} ORDER BY f.id"
    database.execute(f"CREATE VIEW report AS {report}")
    for name, declared in _OTHER_TABLES.items():
        database.execute(f"CREATE TABLE {name} ({declared})")


def console_expression(link: ConsoleLink | None) -> str:
    """What `domain.report_row.console_url` returns, in SQL.

    Blind spot: characters that ARNs usually do not have (quotes, non-ASCII) stay as they are.
    """
    quoted = "arn"
    for character in _RESERVED:
        quoted = f"replace({quoted}, {_literal(character)}, '{quote(character, safe='')}')"
    example = "arn:aws:"
    encoded = quote(example, safe="")
    if link is not None:
        encoded, quoted = quote(encoded, safe=""), f"replace({quoted}, '%', '%25')"
    # An account id has digits only, so the marker cannot be part of the rest.
    head = str(console_url(example, "{account_id}", link)).removesuffix(encoded)
    text = " || account_id || ".join(map(_literal, head.split("{account_id}")))
    return f"CASE WHEN arn GLOB '{example}*' THEN {text} || {quoted} END"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _declared(name: str) -> str:
    kind = "INTEGER" if name == "age_days" else "TEXT"
    return f"{name} {kind}{'' if name in _NULLABLE else ' NOT NULL'}"


_OTHER_TABLES = {
    "read_status": (
        "account_id TEXT NOT NULL, account_name TEXT NOT NULL, region TEXT NOT NULL, "
        "source TEXT NOT NULL, reason TEXT NOT NULL, message TEXT NOT NULL, "
        "returned INTEGER, seconds REAL NOT NULL, last_success_at TEXT, "
        "PRIMARY KEY (account_id, region, source)"
    ),
    "coverage": (
        "account_id TEXT NOT NULL, account_name TEXT NOT NULL, ou_path TEXT NOT NULL, "
        "region TEXT NOT NULL, source TEXT NOT NULL, counts INTEGER NOT NULL, "
        "reason TEXT NOT NULL, requested TEXT NOT NULL, returned INTEGER, "
        "added INTEGER NOT NULL, result_at TEXT, not_covered TEXT NOT NULL, "
        "PRIMARY KEY (account_id, region, source)"
    ),
    "summary": (
        "account_id TEXT NOT NULL, account_name TEXT NOT NULL, region TEXT NOT NULL, "
        "resource_type TEXT NOT NULL, returned INTEGER NOT NULL, excluded INTEGER NOT NULL, "
        "counted INTEGER NOT NULL, compliant INTEGER, "
        "PRIMARY KEY (account_id, region, resource_type)"
    ),
    "rules": (
        "rule TEXT PRIMARY KEY, severity TEXT NOT NULL, title TEXT NOT NULL, tag TEXT NOT NULL, "
        "evaluated INTEGER NOT NULL, violations INTEGER NOT NULL, waived INTEGER NOT NULL"
    ),
    "rule_keys": (
        "rule TEXT PRIMARY KEY, keys TEXT NOT NULL, key_case TEXT NOT NULL, "
        "spellings TEXT NOT NULL, checks_values INTEGER NOT NULL"
    ),
    "waivers": (
        "waiver TEXT PRIMARY KEY, reason TEXT NOT NULL, owner TEXT NOT NULL, "
        "expires TEXT NOT NULL, ticket TEXT, state TEXT NOT NULL, findings INTEGER NOT NULL"
    ),
    "meta": "key TEXT PRIMARY KEY, value TEXT NOT NULL",
    "trend": (
        "subject TEXT NOT NULL, value TEXT NOT NULL, date TEXT NOT NULL, open INTEGER NOT NULL, "
        "PRIMARY KEY (subject, value, date)"
    ),
    "tallies": (
        "subject TEXT NOT NULL, value TEXT, severity TEXT NOT NULL, state TEXT NOT NULL, "
        "findings INTEGER NOT NULL"
    ),
}


def _insert_findings(database: sqlite3.Connection, rows: Iterable[ReportRow]) -> int:
    """The findings, and each resource once: the findings of a resource follow each other."""
    finding = _insertion("findings", ("id", "resource", *_FINDING_COLUMNS))
    resource = _insertion("resources", ("id", *_RESOURCE_COLUMNS))
    count, resources, last = 0, 0, None
    tallies = {name: Counter[Any]() for name in TALLIED}
    iterator = iter(rows)
    while batch := list(islice(iterator, _ROWS_AT_ONCE)):
        new, found = [], []
        for row in batch:
            if (key := (row.account_id, row.arn)) != last:
                resources, last = resources + 1, key
                new.append((resources, *key, format_tags(row.tags)))
            count += 1
            found.append((count, resources, *_of_finding(row)))
        database.executemany(resource, new)
        database.executemany(finding, found)
        for name, tally in tallies.items():
            tally.update(map(attrgetter(name, "severity", "state"), batch))
    _insert(database, "tallies", _tallies(tallies))
    return count


def _tallies(tallies: Mapping[str, Counter[Any]]) -> Iterator[dict[str, Any]]:
    """The numbers by value, severity and state, in an order that does not depend on the rows."""
    for subject, tally in tallies.items():
        for (value, severity, state), count in sorted(tally.items(), key=str):
            yield {
                "subject": subject,
                "value": value,
                "severity": severity,
                "state": state,
                "findings": count,
            }


def _of_finding(row: ReportRow) -> list[Any]:
    """The values of `_FINDING_COLUMNS`, as `ReportRow.to_record` returns them.

    Without the tags, which are needed only once for each resource.
    """
    record = [*_FINDING_VALUES(row)]
    record[_CODES] = format_list(row.codes)
    if row.waiver_expires is not None:
        record[_EXPIRES] = row.waiver_expires.isoformat()
    if row.opened_at is not None:
        record[_OPENED] = format_time(row.opened_at)
    return record


def _insert(database: sqlite3.Connection, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Columns that a row has and the table does not are left out."""
    names = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    records = [[row.get(name) for name in names] for row in rows]
    database.executemany(_insertion(table, names), records)


def _insertion(table: str, names: Sequence[str]) -> str:
    marks = ", ".join("?" * len(names))
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - no input


def _coverage(row: CoverageRow) -> dict[str, Any]:
    record = {field.name: getattr(row, field.name) for field in fields(row)}
    for name in ("last_success_at", "result_at"):
        record[name] = record[name] and format_time(record[name])
    return record


def _rule_keys(rules: Mapping[str, RuleKeys]) -> Iterator[dict[str, Any]]:
    for rule, known in rules.items():
        yield {
            "rule": rule,
            "keys": json.dumps(known.keys, ensure_ascii=False),
            "key_case": known.key_case,
            "spellings": json.dumps(known.spellings, ensure_ascii=False),
            "checks_values": int(known.checks_values),
        }


def _summary(results: ComplianceResults) -> list[dict[Any, Any]]:
    """Without required tags no resource is compliant or noncompliant."""
    frame = results.summary.by_type
    if not results.summary.has_required_tags:
        frame = frame.assign(compliant=None)
    rows: list[dict[Any, Any]] = frame.to_dict("records")
    return rows


def _meta(contents: DatabaseContents, count: int) -> Iterator[dict[str, str]]:
    results = contents.results
    values = {
        "schema_version": SCHEMA_VERSION,
        "snapshot_id": contents.snapshot_id,
        "snapshot_time": format_time(contents.scan_started_at),
        "made_at": format_time(contents.made_at),
        "version": contents.version,
        "outcome": str(results.outcome),
        "failures": json.dumps(results.failures, ensure_ascii=False),
        "findings": count,
        "findings_omitted": contents.omitted,
        "report_values": int(contents.show_values),
    }
    for key, value in values.items():
        yield {"key": key, "value": str(value)}
