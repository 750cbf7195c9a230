"""The published samples of a history."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from tag_compliance.domain.counts import Thresholds
from tag_compliance.domain.history.figures import HistoryFigures
from tag_compliance.domain.history.limit import limit_figures
from tag_compliance.domain.metrics.history import HISTORY_METRICS
from tag_compliance.domain.metrics.rule_series import choose_series
from tag_compliance.domain.metrics.table import Detail, Family, ScanResult, samples_of_rows
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.summary import Summary
from tag_compliance.snapshot.exposition import render
from tag_compliance.snapshot.validate import faults_of
from tag_compliance_tests.domain.naive import Samples
from tag_compliance_tests.domain.organizations import INFO, parsed


def families_of(figures: HistoryFigures, limit: int | None = None) -> list[Family]:
    detail, summary = Detail(samples_of_rows((), []), pd.DataFrame()), Summary((), ())
    rules = choose_series(summary, Policy(()), INFO.scan_started_at.date())
    history = limit_figures(figures, limit)
    scan = ScanResult(summary, (), detail, INFO, Thresholds(), rules, history=history)
    return [Family(metric, metric.samples_of(scan)) for metric in HISTORY_METRICS]


def samples_of(figures: HistoryFigures, limit: int | None = None) -> Samples:
    """The samples of the families, without the way through the text, which takes longer."""
    found: Samples = {}
    for family in families_of(figures, limit):
        metric = family.metric
        for labels, value in _rows(family):
            assert (metric.name + metric.suffix, labels) not in found, "a series comes twice"
            found[metric.name + metric.suffix, labels] = value
    return found


def _rows(family: Family) -> Iterator[tuple[frozenset[tuple[str, str]], float]]:
    for n, value in enumerate(family.samples.values.tolist()):  # noqa: PD011
        texts = (column.values[column.codes[n]] for column in family.samples.labels)  # noqa: PD011
        yield frozenset(zip(family.metric.labels, texts, strict=True)), value


def samples_in_text_of(figures: HistoryFigures) -> Samples:
    """The samples of the exposition, which must be valid."""
    exposition = render(families_of(figures))
    assert faults_of(exposition) == []
    return parsed(exposition)
