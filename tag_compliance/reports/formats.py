"""The formats of a report, and the function that writes each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from importlib import import_module
from typing import BinaryIO

from tag_compliance.domain.report_row import ReportRow
from tag_compliance.reports.context import ReportContext

Writer = Callable[[Iterable[ReportRow], ReportContext, BinaryIO], None]


class ReportFormat(StrEnum):
    """What `--format` names."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    HTML = "html"
    OCSF = "ocsf"
    JUNIT = "junit"

    @property
    def extension(self) -> str:
        """Of a file in this format."""
        return {ReportFormat.OCSF: "json", ReportFormat.JUNIT: "xml"}.get(self, self.value)

    def writer(self) -> Writer:
        """Imports the libraries of this format only: Arrow takes a second."""
        module = import_module(f"tag_compliance.reports.{self.value}")
        writer: Writer = getattr(module, f"write_{self.value}")
        return writer
