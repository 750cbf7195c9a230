"""The published samples of a history."""

from __future__ import annotations

import pandas as pd

from tag_compliance.domain.counts import Thresholds
from tag_compliance.domain.history.figures import HistoryFigures
from tag_compliance.domain.history.limit import limit_figures
from tag_compliance.domain.metrics.history import HISTORY_METRICS
from tag_compliance.domain.metrics.table import Detail, Family, ScanResult, samples_of_rows
from tag_compliance.domain.summary import Summary
from tag_compliance.snapshot.exposition import render
from tag_compliance.snapshot.validate import faults_of
from tag_compliance_tests.domain.naive import Samples
from tag_compliance_tests.domain.organizations import INFO, parsed


def families_of(figures: HistoryFigures, limit: int | None = None) -> list[Family]:
    detail = Detail(samples_of_rows((), []), pd.DataFrame())
    scan = ScanResult(
        *(Summary((), ()), (), detail, INFO, Thresholds()), history=limit_figures(figures, limit)
    )
    return [Family(metric, metric.samples_of(scan)) for metric in HISTORY_METRICS]


def samples_of(figures: HistoryFigures, limit: int | None = None) -> Samples:
    exposition = render(families_of(figures, limit))
    assert faults_of(exposition) == []
    return parsed(exposition)
