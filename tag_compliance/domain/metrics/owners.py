"""The metrics by owner: limited to the largest owners, without flapping."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pandas as pd

from tag_compliance.domain.metrics.table import (
    Metric,
    OwnerTable,
    Samples,
    ScanResult,
    cut_label,
    samples_of_rows,
)
from tag_compliance.domain.owners import OPEN_BY_SEVERITY, OTHER_OWNERS
from tag_compliance.domain.report_filter import NO_OWNER
from tag_compliance.domain.summary import Summary

_MAX_LABEL = 120
"""Characters of the label `owner`."""

_MARGIN = 4
"""An owner that has series keeps them until it is smaller than the limit and a quarter of it."""


def owner_table(summary: Summary, limit: int | None, before: Collection[str]) -> OwnerTable:
    """At most `limit` owners (None: all); `before` are those that the last snapshot showed.

    An owner of `before` stays while it is among the largest `limit` and a quarter more, so that two
    owners of about the same size do not take turns.
    """
    counts = summary.by_owner
    counts.index = pd.Index([cut_label(o, _MAX_LABEL) or NO_OWNER for o in counts.index])
    counts = counts.groupby(level=0, sort=False).sum()
    owners = [owner for owner in counts.index if owner not in {NO_OWNER, OTHER_OWNERS}]
    shown = owners if limit is None else _chosen(owners, limit, set(before))
    labels = [o if o in {*shown, NO_OWNER} else OTHER_OWNERS for o in counts.index]
    grouped = counts.groupby(np.array(labels, dtype=object), sort=False).sum()
    return OwnerTable(grouped, tuple(shown), len(owners) - len(shown))


def _chosen(owners: list[str], limit: int, before: Collection[str]) -> list[str]:
    """Of the owners, the largest first, those that have series; in the same order."""
    staying = [o for o in owners[: limit + limit // _MARGIN] if o in before][:limit]
    new = [owner for owner in owners if owner not in staying][: limit - len(staying)]
    chosen = {*staying, *new}
    return [owner for owner in owners if owner in chosen]


def _resources(column: str) -> Metric:
    names = {
        "counted": ("tag_compliance_owner_resources", "Resources of the owner that are counted."),
        "compliant": (
            "tag_compliance_owner_compliant_resources",
            "Resources of the owner that have every required tag.",
        ),
    }

    def samples(scan: ScanResult) -> Samples:
        table = scan.owners
        if table is None:
            return samples_of_rows(("owner",), ())
        rows = (((str(o),), float(n)) for o, n in table.counts[column].items())
        return replace(samples_of_rows(("owner",), rows), omitted=table.hidden)

    return Metric(*names[column], ("owner",), samples)


def _open_findings(scan: ScanResult) -> Samples:
    labels, table = ("owner", "severity"), scan.owners
    if table is None:
        return samples_of_rows(labels, ())
    rows = (
        ((str(owner), str(severity)), float(count))
        for severity, column in OPEN_BY_SEVERITY.items()
        for owner, count in table.counts[column].items()
    )
    omitted = table.hidden * len(OPEN_BY_SEVERITY)
    return replace(samples_of_rows(labels, rows), omitted=omitted)


OWNER_METRICS = (
    _resources("counted"),
    _resources("compliant"),
    Metric(
        "tag_compliance_owner_open_findings",
        "Open findings of resources of the owner.",
        ("owner", "severity"),
        _open_findings,
    ),
)
