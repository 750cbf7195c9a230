"""Metrics with a sample for each row of a frame of the summary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pandas as pd

from tag_compliance.domain.metrics.table import Metric, Samples, ScanResult, samples_of_frame
from tag_compliance.domain.summary import Summary, percentages
from tag_compliance.domain.type_patterns import TypePattern

REGION_LABELS = ("account_name", "account_id", "region")


@dataclass(frozen=True)
class Breakdown:
    """A frame of the summary with a sample in each row: its label columns, and the columns whose
    ratio is the compliance of a row. If the type is a label, the series are limited to named types.
    """

    labels: tuple[str, ...]
    frame: Callable[[Summary], pd.DataFrame]
    compliant: str
    counted: str
    of_required_tags: bool = False
    """Whether a percentage means nothing without a required tag."""

    def count(self, name: str, help_: str, column: str) -> Metric:
        def samples(scan: ScanResult) -> Samples:
            return self._samples(scan, self.frame(scan.summary), lambda rows: rows[column])

        return Metric(name, help_, self.labels, samples)

    def percentage(self, name: str, help_: str) -> Metric:
        """A percentage of zero resources is not published: an empty region is not 0 % compliant."""

        def samples(scan: ScanResult) -> Samples:
            rows = self.frame(scan.summary)
            known = scan.summary.has_required_tags or not self.of_required_tags
            rows = rows[(rows[self.counted] > 0) & known]
            return self._samples(
                scan, rows, lambda rows: percentages(rows, self.compliant, self.counted)
            )

        return Metric(name, help_, self.labels, samples)

    def _samples(
        self, scan: ScanResult, rows: pd.DataFrame, values: Callable[[pd.DataFrame], pd.Series]
    ) -> Samples:
        if "resource_type" not in self.labels:
            return samples_of_frame(rows, self.labels, values(rows))
        named = _of_types(rows, scan.types)
        samples = samples_of_frame(named, self.labels, values(named))
        return replace(samples, omitted=len(rows) - len(named))


def by_type(summary: Summary) -> pd.DataFrame:
    """The types that have counted resources."""
    return summary.by_type[summary.by_type["counted"] > 0]


def _of_types(rows: pd.DataFrame, patterns: tuple[TypePattern, ...]) -> pd.DataFrame:
    if not patterns:
        return rows
    types = rows["resource_type"]
    named = [t for t in types.unique() if any(p.matches_type(t) for p in patterns)]
    return rows[types.isin(named)]
