"""A findings database that the tests of pages share, and pages of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from tag_compliance.domain.report_row import ReportRow
from tag_compliance.exporter.findings_parameters import parse_findings
from tag_compliance.exporter.findings_queries import FindingsQueries
from tag_compliance.exporter.pages.address import Address
from tag_compliance.exporter.pages.findings import FindingsPage
from tag_compliance.exporter.pages.frame import Frame
from tag_compliance.exporter.snapshot_watcher import State
from tag_compliance.snapshot.findings_db import build_findings_db
from tag_compliance.snapshot.status import ScanStatus
from tag_compliance_tests.domain.organizations import NOON
from tag_compliance_tests.reports.rows import LAB, WAIVED, report_row
from tag_compliance_tests.snapshot.test_findings_db import contents
from tag_compliance_tests.support.snapshots import scan_status, snapshot_with

BUCKET = "arn:aws:s3:::shared"
HOSTILE = "<script>alert('x')</script>\"&{{ 7 * 7 }}"
_BUCKET_OF_SHOP = report_row(
    arn=BUCKET, resource_type="s3:bucket", service="s3", owner=None, owner_source="none"
)
ROWS = (
    report_row(severity="critical", rule="required-tag-Env", tag="Env"),
    report_row(),
    report_row("hostile", tags={HOSTILE: HOSTILE}, owner=HOSTILE, tag=HOSTILE, waiver=HOSTILE),
    WAIVED,
    _BUCKET_OF_SHOP,
    _BUCKET_OF_SHOP._replace(account_id=LAB, account_name="lab", ou_path="Other", severity="low"),
)
"""Five open findings and a waived one of `shop` and `lab`, which both return a bucket."""


def queries_of(path: Path, rows: Sequence[ReportRow] = ROWS, **changes: Any) -> FindingsQueries:
    build_findings_db(path, contents(rows, **changes))
    return FindingsQueries(path)


def frame_of(
    queries: FindingsQueries, path: str = "/findings", status: ScanStatus | None = None
) -> Frame:
    """Ten minutes after the scan."""
    state = State(snapshot_with(status or scan_status(NOON)))
    return Frame(path, state, NOON + timedelta(minutes=10), queries.meta)


def address_of(query: str, path: str = "/findings") -> Address:
    return Address(path, tuple(parse_qsl(query)))


def findings_page(queries: FindingsQueries, query: str = "") -> FindingsPage:
    address = address_of(query)
    request = parse_findings(address.parameters, shows_values=queries.shows_values)
    return FindingsPage.read(queries, frame_of(queries), address, request)
