"""Where a report goes: stdout, a file, or a folder with a file for each owner or account."""

from __future__ import annotations

import hashlib
import re
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

from tag_compliance.cli.output import replaced_file, reported
from tag_compliance.cli.report_options import Destination, SplitBy
from tag_compliance.cli.terminal import is_terminal
from tag_compliance.cli.watched_rows import WatchedRows
from tag_compliance.domain.report_filter import NO_OWNER
from tag_compliance.domain.report_row import COLUMNS, ReportRow
from tag_compliance.errors import BadConfiguration, Fault
from tag_compliance.reports.context import ReportContext
from tag_compliance.reports.csv import write_table
from tag_compliance.reports.formats import ReportFormat
from tag_compliance.storage.temporary import TemporaryFolder

_STDOUT = Path("-")
_NOTHING_LOST = "the findings are in the storage"
_INDEX = "index.csv"
_SLUG_CHARACTERS = 40


def check_destination(destination: Destination) -> None:
    """Raises `BadConfiguration` for options that cannot be combined."""
    flag, output = "--output", destination.output or _STDOUT
    is_other = output.is_symlink() or (output.exists() and not output.is_dir())
    if destination.split_by and output == _STDOUT:
        rule = "must be a folder with --split-by"
    elif destination.split_by and is_other:
        rule = "must be a folder, and not a link, with --split-by"
    elif output == _STDOUT and destination.format == "parquet" and is_terminal(sys.stdout):
        flag, rule = "--format", "a terminal cannot show parquet; use --output"
    else:
        return
    raise BadConfiguration((Fault("command line", flag, None, rule),))


def write_report(
    rows: Iterable[ReportRow], context: ReportContext, destination: Destination
) -> str:
    """Writes the report, and returns where it is. Raises `TagComplianceError`."""
    format_, output = ReportFormat(destination.format), destination.output or _STDOUT
    if destination.split_by:
        files = _split(rows, context, SplitBy(destination.split_by), _Folder(output, format_))
        return f"{files} files and {_INDEX} in {output}"
    if output == _STDOUT:
        with reported("stdout", _NOTHING_LOST):
            format_.writer()(rows, context, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        return "stdout"
    with reported(str(output), _NOTHING_LOST), replaced_file(output) as file:
        format_.writer()(rows, context, file)
    return str(output)


@dataclass(frozen=True)
class _Folder:
    """The folder of the files; links in it are replaced, never followed."""

    path: Path
    format: ReportFormat

    def write(self, key: str, rows: Iterable[ReportRow], context: ReportContext) -> str:
        """Returns the name of the file."""
        name = f"{file_stem(key)}.{self.format.extension}"
        self._write(name, lambda sink: self.format.writer()(rows, context, sink))
        return name

    def write_index(self, columns: list[str], lines: Iterable[list[str | int]]) -> None:
        self._write(_INDEX, lambda sink: write_table(columns, lines, sink))

    def _write(self, name: str, write: Callable[[BinaryIO], object]) -> None:
        path = self.path / name
        with reported(str(path), _NOTHING_LOST), replaced_file(path, follow_links=False) as file:
            write(file)


def file_stem(key: str) -> str:
    """A name that is safe in every file system; no two keys share one."""
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    slug = re.sub(r"[^a-z0-9]+", "-", key.lower())[:_SLUG_CHARACTERS].strip("-")
    return f"{slug or 'unnamed'}-{digest}"


def _split(rows: Iterable[ReportRow], context: ReportContext, by: SplitBy, folder: _Folder) -> int:
    """A file for each owner or account with findings; the index is written last.

    Returns the number of files without the index.
    """
    lines: list[list[str | int]] = []
    groups = _by_owner(rows) if by is SplitBy.OWNER else _by_account(rows)
    for key, own in groups:
        watched = WatchedRows(own)
        name = folder.write(key, watched, _context_of(context, by, key))
        lines.append([name, key, watched.count])
    folder.write_index(["file", by.value, "findings"], lines)
    return len(lines)


def _context_of(context: ReportContext, by: SplitBy, key: str) -> ReportContext:
    scope = f"{context.scope}; {by.value} {key}"
    if by is SplitBy.OWNER:
        return replace(context, scope=scope)
    accounts = tuple(a for a in context.accounts if a.account_id == key)
    return replace(context, scope=scope, accounts=accounts)


def _by_account(rows: Iterable[ReportRow]) -> Iterator[tuple[str, Iterable[ReportRow]]]:
    return groupby(rows, key=lambda row: row.account_id)


def _by_owner(rows: Iterable[ReportRow]) -> Iterator[tuple[str, Iterable[ReportRow]]]:
    """The rows of each owner, which are scattered over all accounts: they are sorted on disk."""
    with (
        TemporaryFolder("rows") as folder,
        closing(sqlite3.connect(folder.path / "rows.sqlite")) as spool,
    ):
        spool.execute("PRAGMA journal_mode = OFF")
        spool.execute("PRAGMA synchronous = OFF")
        spool.execute(f"CREATE TABLE rows (split_key, {', '.join(COLUMNS)})")
        marks = ", ".join("?" * (len(COLUMNS) + 1))
        records = ((row.owner or NO_OWNER, *row.to_record()) for row in rows)
        spool.executemany(f"INSERT INTO rows VALUES ({marks})", records)  # noqa: S608 - no input
        spool.execute("CREATE INDEX by_key ON rows (split_key)")
        ordered = spool.execute("SELECT * FROM rows ORDER BY split_key, rowid")
        for key, own in groupby(ordered, key=lambda record: record[0]):
            yield key, (ReportRow.from_record(record[1:]) for record in own)
