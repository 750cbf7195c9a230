"""The CSV report is safe in a spreadsheet and loses nothing that is not a formula."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.domain.report_row import COLUMNS, ReportRow
from tag_compliance.reports.csv import without_formulas
from tag_compliance.reports.formats import ReportFormat
from tag_compliance_tests.reports.rows import WAIVED, nasty_rows, report_row, written


def cells(*rows: ReportRow) -> list[dict[str, str]]:
    text = written(ReportFormat.CSV, rows).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_file_has_a_byte_order_mark_a_header_and_crlf() -> None:
    data = written(ReportFormat.CSV, [report_row()])
    assert data.startswith(b"\xef\xbb\xbfsnapshot_time,account_id,")
    assert data.count(b"\r\n") == 2
    assert written(ReportFormat.CSV, []) == data.split(b"\r\n")[0] + b"\r\n"


def test_lists_are_joined_by_semicolons_maps_are_json_and_unknown_cells_are_empty() -> None:
    [row] = cells(WAIVED)
    assert list(row) == list(COLUMNS)
    assert row["codes"] == "missing;wrong_key"
    assert json.loads(row["tags"]) == {"Team": "platform"}
    assert (row["snapshot_time"], row["opened_at"]) == (
        "2026-05-04T12:00:00Z",
        "2026-05-01T06:00:00Z",
    )
    assert (row["waiver_expires"], row["age_days"]) == ("2026-12-31", "3")
    assert cells(report_row())[0]["waiver"] == ""


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"])
@pytest.mark.parametrize("before", ["", " ", '"', ";", "\n", '";"', "x;", "x\n "])
def test_no_cell_begins_with_a_formula_whatever_the_separator_of_the_spreadsheet(
    first: str, before: str
) -> None:
    [row] = cells(report_row(account_name=f"{before}{first}1+1"))
    assert row["account_name"] == without_formulas(f"{before}{first}1+1")
    assert f"'{first}" in row["account_name"]


@settings(deadline=None, max_examples=100)
@given(st.lists(nasty_rows, max_size=4))
def test_any_row_can_be_read_back_but_for_the_apostrophes(rows: list[ReportRow]) -> None:
    for row, found in zip(rows, cells(*rows), strict=True):
        for name, cell in zip(COLUMNS, row.to_record(), strict=True):
            text = "" if cell is None else str(cell)
            assert found[name] == without_formulas(text)
            assert not found[name].startswith(("=", "+", "-", "@", "\t", "\r"))
            assert found[name].replace("'", "") == text.replace("'", "")


def test_ordinary_cells_are_not_changed() -> None:
    row = report_row("i-0a=b", tags={"mail": "a@b.example", "range": "1-2"})
    [found] = cells(row)
    assert found["arn"] == row.arn
    assert found["tags"] == '{"mail":"a@b.example","range":"1-2"}'
    assert found["account_id"] == "111122223333"
