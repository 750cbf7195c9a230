"""Queries have their own threads, and neither scrapes nor memory suffer from many of them."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tag_compliance.errors import QueriesBusy
from tag_compliance.exporter.findings_queries import FindingsQueries
from tag_compliance.exporter.query_pool import QueryPool
from tag_compliance_tests.exporter.running import Answer, run_in_thread
from tag_compliance_tests.reports.rows import report_row
from tag_compliance_tests.support.findings import publish_findings
from tag_compliance_tests.support.snapshots import EXPOSITION
from tag_compliance_tests.support.waiting import eventually


def test_more_work_than_can_wait_is_rejected_at_once() -> None:
    may_end = threading.Event()

    async def fill() -> None:
        pool = QueryPool(threads=1, max_pending=3)
        running = [asyncio.create_task(pool.run(may_end.wait)) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(QueriesBusy):
            await pool.run(may_end.wait)
        may_end.set()
        assert await asyncio.gather(*running) == [True] * 3
        assert await pool.run(lambda: "again") == "again"
        pool.close()

    asyncio.run(fill())


def test_an_error_of_the_work_is_raised_and_makes_room() -> None:
    def fail() -> None:
        raise KeyError("x")

    async def run() -> None:
        pool = QueryPool(threads=1, max_pending=1)
        for _ in range(3):
            with pytest.raises(KeyError):
                await pool.run(fail)
        pool.close()

    asyncio.run(run())


def test_metrics_are_served_while_queries_run_and_more_than_can_wait_are_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_findings(tmp_path, [report_row()])
    may_end = threading.Event()
    page = FindingsQueries.page

    def slow_page(self: FindingsQueries, *arguments: object, **more: object) -> object:
        may_end.wait()
        return page(self, *arguments, **more)  # type: ignore[arg-type]

    with run_in_thread(tmp_path) as exporter, ThreadPoolExecutor(65) as clients:
        eventually(lambda: exporter.get("/api/v1/findings").status == 200)
        monkeypatch.setattr(FindingsQueries, "page", slow_page)
        asked = [clients.submit(exporter.get, "/api/v1/findings") for _ in range(65)]
        try:
            eventually(lambda: any(response.done() for response in asked))
            assert exporter.get("/metrics").body.startswith(EXPOSITION)
            assert exporter.get("/health").status == 200
        finally:
            may_end.set()
        responses: list[Answer] = [response.result() for response in asked]
    [rejected] = [response for response in responses if response.status != 200]
    assert rejected.status == 503
    assert rejected.headers["retry-after"] == "5"
    assert "too many searches" in rejected.text
