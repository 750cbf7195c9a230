"""Queries of the findings database, for pages and API: with SQLite only, without Arrow.

Each query opens the file for itself, so that any thread may ask. The file never changes.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import sqlite3
import time
from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from tag_compliance.domain.counts import Counts
from tag_compliance.domain.report_filter import ALL_STATES, FindingFilter
from tag_compliance.domain.report_row import ReportRow
from tag_compliance.domain.rule_keys import RuleKeys
from tag_compliance.errors import BadQuery, CursorGone
from tag_compliance.exporter.findings_sql import (
    Condition,
    all_of,
    conditions,
    has_resource,
    has_search,
    one_of,
    with_tags,
    with_text,
)
from tag_compliance.exporter.findings_values import STATES, KnownValues
from tag_compliance.snapshot.findings_schema import (
    FINDINGS_AND_RESOURCES,
    REPORT_COLUMNS,
    SCHEMA_VERSION,
    SORT_KEYS,
    TALLIED,
)

REPORT_ORDER = "report"
SORT_ORDERS = (REPORT_ORDER, *SORT_KEYS)
"""The sort orders of a page; a minus sign before one of them reverses it."""

MAX_PAGE = 1_000
GROUPS = ("account_id", "owner", "rule", "resource_type", "region", "severity", "ou_path")

_QUERY_SECONDS = 10.0
"""A query that takes longer is given up: one search must not keep a core busy."""

_STEPS_BETWEEN_CHECKS = 100_000

_CACHED_COUNTS, _CACHED_TALLIES, _CACHED_SEARCHES = 256, 16, 8
"""The database never changes, so results stay true. The resources of a search can have 1 MB."""

_LARGEST_INTEGER = 2**63 - 1
_SURROGATE = re.compile("[\ud800-\udfff]")

_FINDINGS = "FROM findings f"
_SUMMARY = "FROM summary"
_TREND = "FROM trend"
_TALLIES = "FROM tallies"
_RESOURCES = "FROM resources r"


@dataclass(frozen=True, slots=True)
class Page:
    """Some findings in their order; the cursors lead to those after and before them, if any."""

    rows: tuple[ReportRow, ...]
    next_cursor: str | None
    previous_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """How many findings have the same value of a column, severity and state."""

    value: str | None
    severity: str
    state: str
    findings: int


class _Position(NamedTuple):
    """A place between two findings: after the one with this key and id, or before it."""

    key: str | int
    row: int
    is_end: bool


_POSITION = (str | int, int, bool)
"""The types of its fields."""


class FindingsQueries:
    """One instance for each database, for all threads: it keeps what people ask for repeatedly.

    Each method raises `BadQuery` if it takes too long.
    """

    def __init__(self, path: Path) -> None:
        """Raises `BadQuery` for a database of another version, `sqlite3.Error` for no database."""
        self._uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        self.meta: dict[str, str] = dict(self.fetch("SELECT key, value FROM meta"))
        if self.meta["schema_version"] != str(SCHEMA_VERSION):
            rule = f"has version {self.meta['schema_version']}, not {SCHEMA_VERSION}"
            raise BadQuery("findings database", rule)
        self._cached_count = lru_cache(_CACHED_COUNTS)(self._count)
        self._cached_tallies = lru_cache(_CACHED_TALLIES)(self._tallies)
        self._cached_resources = lru_cache(_CACHED_SEARCHES)(self._resources)

    @cached_property
    def known(self) -> KnownValues:
        """The values that the findings have."""
        with self._connected() as database:
            return KnownValues.load(database)

    @property
    def snapshot_id(self) -> str:
        return self.meta["snapshot_id"]

    @property
    def shows_values(self) -> bool:
        """Whether the values of tags are in the database (`report_values`)."""
        return self.meta["report_values"] == "1"

    def page(
        self,
        chosen: FindingFilter,
        search: str = "",
        sort: str = REPORT_ORDER,
        size: int = 50,
        cursor: str | None = None,
    ) -> Page:
        """Raises `BadQuery` for a wrong sort order, size or cursor, `CursorGone` for an old one."""
        if not 1 <= size <= MAX_PAGE:
            raise BadQuery("limit", f"must be 1 to {MAX_PAGE}")
        place = None if cursor is None else self.place_of(cursor, sort, _POSITION)
        start = None if place is None else _Position(*place)
        backwards = start is not None and start.is_end
        found = self._following(chosen, search, sort, start, size + 1)
        shown = found[:size][:: -1 if backwards else 1]
        if not shown:
            return Page((), None)
        before, after = self.cursor(sort, (*shown[0], True)), self.cursor(sort, (*shown[-1], False))
        has_more = len(found) > size
        return Page(
            self._rows([row for _, row in shown]),
            after if has_more or backwards else None,
            before if start is not None and (has_more or not backwards) else None,
        )

    def _following(
        self,
        chosen: FindingFilter,
        search: str,
        sort: str,
        start: _Position | None,
        number: int,
    ) -> list[tuple[Any, int]]:
        """The keys and ids of the findings that follow a position, in the direction of reading."""
        key = _sort_key(sort)
        descending = sort.startswith("-") != (start is not None and start.is_end)
        direction, beyond = ("DESC", "<") if descending else ("ASC", ">")
        found: list[tuple[Any, int]] = []
        for part in _parts(chosen, sort):
            condition, values = self._condition(part, search)
            if key == SORT_KEYS["severity"] and chosen.rules:
                ranks = one_of(key, self._ranks(chosen))
                condition, values = all_of([(condition, values), ranks])
            if start is not None:
                condition += f" AND ({key}, f.id) {beyond} (?, ?)"
                values += (start.key, start.row)
            sql = (
                f"SELECT {key}, f.id {_FINDINGS} WHERE {condition} "
                f"ORDER BY {key} {direction}, f.id {direction} LIMIT ?"
            )
            found += self.fetch(sql, (*values, number))
        return sorted(found, reverse=descending)[:number]

    def count(self, chosen: FindingFilter, search: str = "") -> int:
        """How many findings all pages have together."""
        return self._cached_count(chosen, search)

    def tallies(self, column: str, chosen: FindingFilter, search: str = "") -> tuple[Tally, ...]:
        """The number of findings for each value of one of `GROUPS`, severity and state."""
        if column not in GROUPS:
            raise BadQuery("group", f"must be one of {', '.join(GROUPS)}")
        return self._cached_tallies(column, chosen, search)

    def resource(self, arn: str, account_id: str | None = None) -> list[ReportRow]:
        """All findings of a resource, open or waived, in the order of reports."""
        condition = "r.arn = ?" + (" AND r.account_id = ?" if account_id else "")
        values = (arn, account_id) if account_id else (arn,)
        sql = f"SELECT {REPORT_COLUMNS} {FINDINGS_AND_RESOURCES} WHERE {condition} ORDER BY f.id"
        return [ReportRow.from_record(record) for record in self.fetch(sql, values)]

    def rows(self, chosen: FindingFilter, search: str = "") -> Generator[ReportRow]:
        """All matching rows in the order of reports, streamed: for downloads, without a limit."""
        condition, values = self._condition(chosen, search)
        sql = f"SELECT {REPORT_COLUMNS} {FINDINGS_AND_RESOURCES} WHERE {condition} ORDER BY f.id"
        with closing(sqlite3.connect(self._uri, uri=True, check_same_thread=False)) as database:
            for record in database.execute(sql, values):
                yield ReportRow.from_record(record)

    def counts_by(self, column: str) -> dict[str, Counts]:
        """The numbers of the summary for each `account_id` or `resource_type`, with and without
        findings.
        """
        sums = "sum(returned), sum(excluded), sum(counted), sum(compliant)"
        sql = f"SELECT {column}, {sums} {_SUMMARY} GROUP BY 1"
        return {value: Counts(*numbers) for value, *numbers in self.fetch(sql)}

    def trend(self, subject: str) -> dict[str, tuple[tuple[str, int], ...]]:
        """The open findings at the end of recent days, for each value of `account_id` or `rule`, or
        for `all`.
        """
        sql = f"SELECT value, date, open {_TREND} WHERE subject = ? ORDER BY value, date"
        found = defaultdict[str, list[tuple[str, int]]](list)
        for value, date, count in self.fetch(sql, (subject,)):
            found[value].append((date, count))
        return {value: tuple(days) for value, days in found.items()}

    def table(self, name: str) -> list[dict[str, Any]]:
        """All rows of one of the small tables, for example `summary`."""
        with self._connected() as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(f"SELECT * FROM {name}")]  # noqa: S608

    @cached_property
    def rule_keys(self) -> dict[str, RuleKeys]:
        """The keys of each rule, by its id."""
        return {
            row["rule"]: RuleKeys(
                tuple(json.loads(row["keys"])),
                row["key_case"],
                tuple(json.loads(row["spellings"])),
                bool(row["checks_values"]),
            )
            for row in self.table("rule_keys")
        }

    @cached_property
    def _rule_ranks(self) -> dict[str, set[int]]:
        """The values of the sort order `severity` that each rule has."""
        found = defaultdict[str, set[int]](set)
        for rule, rank in self.fetch(f"SELECT DISTINCT rule, {SORT_KEYS['severity']} {_FINDINGS}"):
            found[rule].add(rank)
        return found

    def _ranks(self, chosen: FindingFilter) -> list[int]:
        """Most rules have one severity. With it, SQLite does not read the findings of others."""
        found = {rule: ranks for rule, ranks in self._rule_ranks.items() if chosen.has_rule(rule)}
        return sorted(set().union(*found.values()))

    def _condition(self, chosen: FindingFilter, search: str) -> Condition:
        parts = [*conditions(chosen, self.known)]
        if chosen.tags:
            parts.append(has_resource(self._cached_resources(with_tags(chosen.tags))))
        if search:
            found = self._cached_resources(with_text(search))
            parts.append(has_search(search, self.known, found))
        return all_of(parts)

    def _resources(self, condition: Condition) -> str:
        """The ids of the resources that a search or a tag filter finds, as a JSON list."""
        found = self.fetch(f"SELECT r.id {_RESOURCES} WHERE {condition[0]}", condition[1])
        return json.dumps([row for (row,) in found])

    def _count(self, chosen: FindingFilter, search: str) -> int:
        condition, values = self._condition(chosen, search)
        [(count,)] = self.fetch(f"SELECT count(*) {_FINDINGS} WHERE {condition}", values)
        return int(count)

    def _tallies(self, column: str, chosen: FindingFilter, search: str) -> tuple[Tally, ...]:
        if column in TALLIED and not search and _is_tallied(chosen):
            sql = f"SELECT value, severity, state, findings {_TALLIES} WHERE subject = ?"
            found = [Tally(*record) for record in self.fetch(sql, (column,))]
            wanted = (t for t in found if chosen.has_severity(t.severity))
            return tuple(t for t in wanted if chosen.has_state(t.state))
        condition, values = self._condition(chosen, search)
        sql = (
            f"SELECT f.{column}, f.severity, f.state, count(*) {_FINDINGS} "
            f"WHERE {condition} GROUP BY 1, 2, 3"
        )
        return tuple(Tally(*record) for record in self.fetch(sql, values))

    def _rows(self, ids: Sequence[int]) -> tuple[ReportRow, ...]:
        """The findings with these ids, in the order of the ids."""
        marks = ", ".join("?" * len(ids))
        sql = f"SELECT f.id, {REPORT_COLUMNS} {FINDINGS_AND_RESOURCES} WHERE f.id IN ({marks})"
        found = {r[0]: ReportRow.from_record(r[1:]) for r in self.fetch(sql, tuple(ids))}
        return tuple(found[id_] for id_ in ids)

    def fetch(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self._connected() as database:
            return database.execute(sql, values).fetchall()

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        deadline = time.monotonic() + _QUERY_SECONDS
        with closing(sqlite3.connect(self._uri, uri=True)) as database:
            database.set_progress_handler(
                lambda: time.monotonic() > deadline, _STEPS_BETWEEN_CHECKS
            )
            try:
                yield database
            except sqlite3.OperationalError as error:
                if error.sqlite_errorname != "SQLITE_INTERRUPT":
                    raise
                raise BadQuery("query", "takes too long; use more filters") from None

    def cursor(self, order: str, place: Sequence[str | int]) -> str:
        """A text that leads to the rows after this place in this order, in this snapshot only."""
        content = json.dumps([self.snapshot_id, order, *place])
        return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")

    def place_of(self, cursor: str, order: str, kinds: Sequence[Any]) -> tuple[Any, ...]:
        """The place that the cursor leads to; its parts are of these types.

        Raises `BadQuery` for a cursor of another order, `CursorGone` for one of another snapshot.
        """
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            snapshot_id, of_order, *place = json.loads(base64.urlsafe_b64decode(padded))
        except (ValueError, TypeError, binascii.Error, RecursionError):
            raise BadQuery("cursor", "is malformed") from None
        if snapshot_id != self.snapshot_id:
            raise CursorGone
        is_place = len(place) == len(kinds) and all(map(isinstance, place, kinds))
        is_place = is_place and all(map(_can_be_bound, place))
        if of_order != order or not is_place:
            raise BadQuery("cursor", "is of another query")
        return tuple(place)


def _can_be_bound(value: str | int) -> bool:
    """Whether SQLite accepts it. A cursor can have been made by anyone."""
    if isinstance(value, str):
        return not _SURROGATE.search(value)
    return -_LARGEST_INTEGER <= value <= _LARGEST_INTEGER


def _is_tallied(chosen: FindingFilter) -> bool:
    """Whether the filter has nothing but severities and a state."""
    return chosen == FindingFilter(severities=chosen.severities, state=chosen.state)


def _parts(chosen: FindingFilter, sort: str) -> list[FindingFilter]:
    """Filters that have one state each, because the indexes of sort orders begin with the state."""
    if chosen.state != ALL_STATES or _sort_key(sort) == "f.id":
        return [chosen]
    return [replace(chosen, state=state) for state in STATES]


def _sort_key(sort: str) -> str:
    name = sort.removeprefix("-")
    if name not in SORT_ORDERS:
        raise BadQuery("sort", f"must be one of {', '.join(SORT_ORDERS)}")
    return SORT_KEYS.get(name, "f.id")
