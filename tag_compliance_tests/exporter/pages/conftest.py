"""One findings database for all tests of pages that read it."""

from __future__ import annotations

import pytest

from tag_compliance.exporter.findings_queries import FindingsQueries
from tag_compliance_tests.exporter.pages.sample import queries_of


@pytest.fixture(scope="session")
def queries(tmp_path_factory: pytest.TempPathFactory) -> FindingsQueries:
    return queries_of(tmp_path_factory.mktemp("pages") / "f.sqlite")
