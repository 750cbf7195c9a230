"""CSV for spreadsheets: UTF-8 with a byte order mark, and no cell that is taken as a formula.

https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import BinaryIO

from tag_compliance.domain.report_row import COLUMNS, ReportRow
from tag_compliance.reports.context import ReportContext

Cell = str | int | None

# A spreadsheet whose list separator is the semicolon starts a new cell at each of them, and at each
# line break, even inside quotes.
_FORMULA = re.compile(r"""(\A|[;\t\r\n])(["'\s]*)(?=[=+\-@\t\r＝＋－＠])""")
_SAFE = re.compile(r"[^\s=+\-@＝＋－＠\"';][^;\t\r\n]*|")
"""Most cells: to see that they contain no formula is faster than to replace nothing."""


def write_csv(rows: Iterable[ReportRow], _context: ReportContext, sink: BinaryIO) -> None:
    """A header and a line for each row; lists are joined by `;`, maps are JSON."""
    write_table(COLUMNS, (row.to_record() for row in rows), sink)


def write_table(columns: Sequence[str], rows: Iterable[Sequence[Cell]], sink: BinaryIO) -> None:
    """Any table, safe in a spreadsheet."""
    sink.write(codecs.BOM_UTF8)
    text = io.TextIOWrapper(sink, encoding="utf-8", newline="")
    try:
        writer = csv.writer(text)
        writer.writerow(columns)
        writer.writerows(map(_cells, rows))
    finally:
        text.detach()  # the sink stays open


def _cells(row: Sequence[Cell]) -> list[Cell]:
    return [
        cell if type(cell) is not str or _SAFE.fullmatch(cell) else without_formulas(cell)
        for cell in row
    ]


def without_formulas(text: str) -> str:
    """The text with an apostrophe before each character that could begin a formula."""
    return _FORMULA.sub(r"\1\2'", text)
