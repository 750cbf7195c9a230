"""Queries of the findings database, for pages and API: with SQLite only, without Arrow.

Each query opens the file for itself, so that any thread may ask. The file never changes.
"""

from __future__ import annotations

import base64
import binascii
import json
import sqlite3
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tag_compliance.domain.report_filter import FindingFilter
from tag_compliance.domain.report_row import COLUMNS, ReportRow
from tag_compliance.errors import BadQuery, CursorGone
from tag_compliance.exporter.findings_sql import where
from tag_compliance.snapshot.findings_schema import SCHEMA_VERSION, SORT_KEYS

REPORT_ORDER = "report"
SORT_ORDERS = (REPORT_ORDER, *SORT_KEYS)
"""The sort orders of a page; a minus sign before one of them reverses it."""

MAX_PAGE = 1_000
GROUPS = ("account_id", "owner", "rule", "resource_type", "region", "severity", "ou_path")

_QUERY_SECONDS = 10.0
"""A query that takes longer is given up: one search must not keep a core busy."""

_STEPS_BETWEEN_CHECKS = 100_000

_FROM = "FROM findings f JOIN resources r ON r.id = f.resource"
_SELECT = ", ".join("r.tags" if name == "tags" else f"f.{name}" for name in COLUMNS)


@dataclass(frozen=True, slots=True)
class Page:
    """Some findings in their order; `next_cursor` leads to those that follow, if there are any."""

    rows: tuple[ReportRow, ...]
    next_cursor: str | None


class FindingsQueries:
    """Each method raises `BadQuery` if it takes too long."""

    def __init__(self, path: Path) -> None:
        """Raises `BadQuery` for a database of another version, `sqlite3.Error` for no database."""
        self._uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        self.meta: dict[str, str] = dict(self.fetch("SELECT key, value FROM meta"))
        if self.meta["schema_version"] != str(SCHEMA_VERSION):
            rule = f"has version {self.meta['schema_version']}, not {SCHEMA_VERSION}"
            raise BadQuery("findings database", rule)

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
        key, direction, beyond = _order(sort)
        condition, values = where(chosen, search)
        after: tuple[Any, ...] = ()
        if cursor is not None:
            after = self.place_of(cursor, sort, (str | int, int))
            condition += f" AND ({key}, f.id) {beyond} (?, ?)"
        sql = (
            f"SELECT {_SELECT}, {key}, f.id {_FROM} WHERE {condition} "
            f"ORDER BY {key} {direction}, f.id {direction} LIMIT ?"
        )
        found = self.fetch(sql, (*values, *after, size + 1))
        shown = found[:size]
        is_last = len(found) <= size
        width = len(COLUMNS)
        rows = tuple(ReportRow.from_record(record[:width]) for record in shown)
        return Page(rows, None if is_last else self.cursor(sort, shown[-1][width:]))

    def count(self, chosen: FindingFilter, search: str = "") -> int:
        """How many findings all pages have together."""
        condition, values = where(chosen, search)
        [(count,)] = self.fetch(f"SELECT count(*) {_tables(condition)} WHERE {condition}", values)
        return int(count)

    def groups(self, column: str, chosen: FindingFilter, search: str = "") -> dict[str | None, int]:
        """The number of findings for each value of one of `GROUPS`, the largest first."""
        if column not in GROUPS:
            raise BadQuery("group", f"must be one of {', '.join(GROUPS)}")
        condition, values = where(chosen, search)
        sql = (
            f"SELECT f.{column}, count(*) AS n {_tables(condition)} WHERE {condition} "
            "GROUP BY 1 ORDER BY n DESC, 1"
        )
        return dict(self.fetch(sql, values))

    def resource(self, arn: str, account_id: str | None = None) -> list[ReportRow]:
        """All findings of a resource, open or waived, in the order of reports."""
        condition = "r.arn = ?" + (" AND r.account_id = ?" if account_id else "")
        values = (arn, account_id) if account_id else (arn,)
        sql = f"SELECT {_SELECT} {_FROM} WHERE {condition} ORDER BY f.id"
        return [ReportRow.from_record(record) for record in self.fetch(sql, values)]

    def rows(self, chosen: FindingFilter, search: str = "") -> Generator[ReportRow]:
        """All matching rows in the order of reports, streamed: for downloads, without a limit."""
        condition, values = where(chosen, search)
        sql = f"SELECT {_SELECT} {_FROM} WHERE {condition} ORDER BY f.id"
        with closing(sqlite3.connect(self._uri, uri=True, check_same_thread=False)) as database:
            for record in database.execute(sql, values):
                yield ReportRow.from_record(record)

    def table(self, name: str) -> list[dict[str, Any]]:
        """All rows of one of the small tables, for example `summary`."""
        with self._connected() as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(f"SELECT * FROM {name}")]  # noqa: S608

    def fetch(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query of another module."""
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
        if of_order != order or not is_place:
            raise BadQuery("cursor", "is of another query")
        return tuple(place)


def _tables(condition: str) -> str:
    """The tables that a condition needs: the tags are in another one than the rest."""
    return _FROM if "r.tags" in condition else "FROM findings f"


def _order(sort: str) -> tuple[str, str, str]:
    """The sort expression, its direction, and the comparison with the rows before."""
    name = sort.removeprefix("-")
    if name not in SORT_ORDERS:
        raise BadQuery("sort", f"must be one of {', '.join(SORT_ORDERS)}")
    key = SORT_KEYS.get(name, "f.id")
    return (key, "DESC", "<") if sort.startswith("-") else (key, "ASC", ">")
