"""JSON lines for programs: an object for each row, with the columns as keys, in their order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

import msgspec

from tag_compliance.domain.report_row import COLUMNS, ReportRow, format_time
from tag_compliance.reports.context import ReportContext

_encoder = msgspec.json.Encoder()


def write_jsonl(rows: Iterable[ReportRow], _context: ReportContext, sink: BinaryIO) -> None:
    """Times are UTC with a resolution of one second; what is unknown is null."""
    for row in rows:
        sink.write(_encoder.encode(json_object(row)))
        sink.write(b"\n")


def json_object(row: ReportRow) -> dict[str, object]:
    """The row as it is in JSON, also in the responses of the API."""
    found: dict[str, object] = dict(zip(COLUMNS, row, strict=True))
    found["snapshot_time"] = format_time(row.snapshot_time)
    found["opened_at"] = row.opened_at and format_time(row.opened_at)
    return found
