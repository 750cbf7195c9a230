"""The Parquet report has the columns of the others, typed."""

from __future__ import annotations

import io

import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.domain.report_row import COLUMNS, ReportRow
from tag_compliance.reports.formats import ReportFormat
from tag_compliance.reports.parquet import REPORT_SCHEMA
from tag_compliance_tests.reports.rows import nasty_rows, report_row, written


@settings(deadline=None, max_examples=50)
@given(st.lists(nasty_rows, max_size=4))
def test_the_rows_can_be_read_back_with_their_types(rows: list[ReportRow]) -> None:
    table = pq.read_table(io.BytesIO(written(ReportFormat.PARQUET, rows)))
    assert table.schema.equals(REPORT_SCHEMA)
    assert table.column_names == list(COLUMNS)
    found = [
        ReportRow(**{**r, "codes": tuple(r["codes"]), "tags": dict(r["tags"])})
        for r in table.to_pylist()
    ]
    assert found == rows


def test_rows_are_written_in_groups() -> None:
    data = written(ReportFormat.PARQUET, (report_row(str(n)) for n in range(20_000)))
    assert pq.ParquetFile(io.BytesIO(data)).metadata.num_row_groups == 2
