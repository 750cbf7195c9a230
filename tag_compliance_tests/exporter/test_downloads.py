"""Findings as files."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tag_compliance.domain.report_filter import FindingFilter
from tag_compliance.exporter.findings_queries import FindingsQueries
from tag_compliance.reports.formats import ReportFormat
from tag_compliance.snapshot.layout import DATABASE, path_of
from tag_compliance_tests.exporter.conftest import Start
from tag_compliance_tests.exporter.running import BASE_BYTES, Exporter, run_in_thread
from tag_compliance_tests.exporter.test_findings_queries import organization
from tag_compliance_tests.reports.rows import report_row, written
from tag_compliance_tests.support.findings import publish_findings
from tag_compliance_tests.support.waiting import eventually

ROWS = organization(2_500)
CSV, JSONL = "/findings.csv", "/findings.jsonl"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    storage = tmp_path_factory.mktemp("state")
    publish_findings(storage, ROWS)
    return storage


@pytest.fixture(scope="module")
def queries(folder: Path) -> FindingsQueries:
    [snapshot] = (folder / "snapshots").iterdir()
    return FindingsQueries(folder / path_of(snapshot.name, DATABASE))


@pytest.fixture(scope="module")
def serving(folder: Path) -> Iterator[Exporter]:
    with run_in_thread(folder) as exporter:
        eventually(lambda: exporter.get(CSV).status == 200)
        yield exporter


@pytest.mark.parametrize(
    ("pairs", "chosen", "search"),
    [
        ([], FindingFilter(), ""),
        ([("state", "all")], FindingFilter(state="all"), ""),
        (
            [("severity", "low"), ("rule", "a?b")],
            FindingFilter(severities=("low",), rules=("a?b",)),
            "",
        ),
        ([("q", "über")], FindingFilter(), "über"),
        ([("region", "nowhere")], FindingFilter(regions=("nowhere",)), ""),
    ],
)
@pytest.mark.parametrize(
    ("path", "format_"), [(CSV, ReportFormat.CSV), (JSONL, ReportFormat.JSONL)]
)
def test_a_download_is_the_report_of_the_filtered_findings_byte_for_byte(
    path: str,
    format_: ReportFormat,
    pairs: list[tuple[str, str]],
    chosen: FindingFilter,
    search: str,
    serving: Exporter,
    queries: FindingsQueries,
) -> None:
    response = serving.get(f"{path}?{urlencode(pairs)}")
    assert response.status == 200
    assert response.body == written(format_, queries.rows(chosen, search))


def test_a_download_has_a_name_and_a_type_and_is_not_stored(serving: Exporter) -> None:
    for path, type_ in ((CSV, "text/csv; charset=utf-8"), (JSONL, "application/jsonl")):
        for method in ("GET", "HEAD"):
            response = serving.get(path, method)
            assert response.headers["content-type"] == type_
            assert response.headers["content-disposition"].startswith(
                'attachment; filename="findings-20'
            )
            assert response.headers["cache-control"] == "private, no-store"
            assert response.headers["x-content-type-options"] == "nosniff"
            assert bool(response.body) == (method == "GET")


def test_a_faulty_filter_is_reported_as_text_before_anything_is_sent(serving: Exporter) -> None:
    response = serving.get(f"{CSV}?severity=urgent&limit=1")
    assert response.status == 422
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert "severity: must be one of" in response.text
    assert "limit: unknown parameter" in response.text


def test_a_download_continues_after_its_database_was_deleted(tmp_path: Path) -> None:
    rows = [report_row(f"{n:06}", tags={"Text": "x" * 200}) for n in range(20_000)]
    snapshot_id = publish_findings(tmp_path, rows)
    with run_in_thread(tmp_path) as exporter:
        eventually(lambda: exporter.get("/api/v1/summary").status == 200)
        with exporter.connect() as client, client.makefile("rb") as stream:
            client.sendall(f"GET {CSV} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
            assert b"200" in stream.readline()
            (tmp_path / path_of(snapshot_id, DATABASE)).unlink()
            assert stream.read().count(b"arn:aws:ec2") == len(rows)


def test_slow_downloads_neither_block_queries_nor_take_memory(
    start_process: Start, tmp_path: Path
) -> None:
    rows = [report_row(f"{n:06}", tags={"Text": "x" * 1_000}) for n in range(20_000)]
    publish_findings(tmp_path, rows)
    exporter = start_process(tmp_path)
    eventually(lambda: exporter.get("/api/v1/summary").status == 200)
    clients: list[socket.socket] = []
    try:
        for _ in range(8):
            client = exporter.connect()
            clients.append(client)
            client.sendall(f"GET {JSONL} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert client.recv(15) == b"HTTP/1.1 200 OK"
        assert exporter.get("/api/v1/findings?q=000007").status == 200
        refused = exporter.get(CSV)
        assert refused.status == 503
        assert refused.headers["retry-after"] == "5"
        # A report has 30 MB.
        assert exporter.resident_bytes() < BASE_BYTES + 8 * 4_000_000
    finally:
        for client in clients:
            client.close()
    eventually(lambda: exporter.get(CSV).status == 200)


def test_of_many_downloads_at_once_eight_are_accepted(start_process: Start, tmp_path: Path) -> None:
    rows = [report_row(f"{n:06}", tags={"Text": "x" * 1_000}) for n in range(5_000)]
    publish_findings(tmp_path, rows)
    exporter = start_process(tmp_path)
    eventually(lambda: exporter.get("/api/v1/summary").status == 200)
    with ExitStack() as clients:
        opened = [clients.enter_context(exporter.connect()) for _ in range(40)]
        for client in opened:
            client.sendall(f"GET {JSONL} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        statuses = Counter(client.recv(12) for client in opened)
    assert statuses == {b"HTTP/1.1 200": 8, b"HTTP/1.1 503": 32}
    eventually(lambda: exporter.get(CSV).status == 200)
