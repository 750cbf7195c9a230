"""An exporter with 300 findings, and a client for its API."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from tag_compliance_tests.exporter.running import Exporter, run_in_thread
from tag_compliance_tests.exporter.test_findings_queries import ROWS
from tag_compliance_tests.support.findings import publish_findings
from tag_compliance_tests.support.waiting import eventually

Get = Callable[..., Any]


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    folder = tmp_path_factory.mktemp("state")
    publish_findings(folder, ROWS)
    with run_in_thread(folder) as exporter:
        eventually(lambda: exporter.get("/api/v1/summary").status == 200)
        yield exporter


@pytest.fixture(scope="module")
def get(serving: Exporter) -> Get:
    return client_of(serving)


def client_of(exporter: Exporter) -> Get:
    """A function that returns the document of a path; keyword arguments are parameters."""

    def get(name: str, status: int = 200, **parameters: Any) -> Any:
        query = urlencode(parameters, doseq=True)
        response = exporter.get(f"/api/v1/{name}{'?' if query else ''}{query}")
        assert response.status == status, response.text
        return json.loads(response.body)

    return get
