"""The families of a snapshot: the metric table filled in from the results of one scan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from tag_compliance.domain import metrics as m
from tag_compliance.domain.counts import Counts
from tag_compliance.domain.detail import Detail
from tag_compliance.domain.metrics import Family, LabelColumn, Metric
from tag_compliance.domain.results import ComplianceResults
from tag_compliance.domain.scan import AccountScan, RegionScan


@dataclass(frozen=True, slots=True)
class Occasion:
    """When and by what a snapshot was made."""

    scan_started_at: datetime
    made_at: datetime
    version: str


def build_families(
    results: ComplianceResults, counts: Counts, detail: Detail, occasion: Occasion
) -> list[Family]:
    """Every family of the metric table, in its order; one without samples is there, empty."""
    made = [*_contract(counts, detail), *_operational(results, detail, occasion)]
    by_metric = {family.metric: family for family in made}
    return [by_metric[metric] for metric in m.METRICS]


def _contract(counts: Counts, detail: Detail) -> Iterable[Family]:
    tag, region = counts.by_region_and_tag, counts.by_region
    yield _family(m.TAG_COMPLIANT, tag, tag["tagged"])
    yield _family(m.TAG_NON_COMPLIANT, tag, tag["resources"] - tag["tagged"])
    yield detail.family
    yield _family(m.RESOURCES_SCANNED, region, region["resources"])
    yield _percentage(m.COMPLIANCE_PERCENTAGE, region, "compliant")
    yield _percentage(m.TAG_COMPLIANCE_PERCENTAGE, tag, "tagged")
    yield _percentage(m.TAG_RESOURCE_TYPE_PERCENTAGE, counts.by_type_and_tag, "tagged")
    yield _family(m.FULLY_COMPLIANT, region, region["compliant"])
    yield _family(m.FULLY_COMPLIANT_BY_TYPE, counts.by_type, counts.by_type["compliant"])
    yield _percentage(m.FULLY_COMPLIANT_BY_TYPE_PERCENTAGE, counts.by_type, "compliant")


def _operational(
    results: ComplianceResults, detail: Detail, occasion: Occasion
) -> Iterable[Family]:
    scans = results.scans
    regions = [(scan, region) for scan in scans for region in scan.regions]
    yield _rows(m.ACCOUNT_SUCCESS, ((*_account(s), s.reason, float(s.succeeded)) for s in scans))
    yield _rows(
        m.REGION_SUCCESS, ((*_region(s, r), r.reason, float(r.succeeded)) for s, r in regions)
    )
    yield _rows(
        m.ACCOUNT_LAST_SUCCESS,
        ((*_account(s), s.last_success_at.timestamp()) for s in scans if s.last_success_at),
    )
    yield _rows(
        m.REGION_LAST_SUCCESS,
        ((*_region(s, r), r.last_success_at.timestamp()) for s, r in regions if r.last_success_at),
    )
    of_account: tuple[tuple[Metric, Callable[[AccountScan], float]], ...] = (
        (m.ACCOUNT_DURATION, lambda s: s.seconds),
        (m.ACCOUNT_CALLS, lambda s: s.calls),
        (m.ACCOUNT_RETRIES, lambda s: s.retries),
        (m.ACCOUNT_THROTTLED, lambda s: s.throttled_calls),
    )
    for metric, value in of_account:
        yield _rows(metric, ((*_account(s), value(s)) for s in scans))
    yield _rows(m.REGION_RESOURCES, ((*_region(s, r), r.resources) for s, r in regions))
    yield _rows(m.EXCLUDED, _excluded(results))
    unparsable = Counter(dict(results.unparsable))
    yield _rows(m.UNPARSABLE, ((*_account(s), unparsable[s.account_id]) for s in scans))
    yield _rows(
        m.DETAIL_OMITTED,
        ((k.account_name, k.account_id, k.region, n) for k, n in detail.omitted.items()),
    )
    yield from _of_the_whole(results, occasion)


def _of_the_whole(results: ComplianceResults, occasion: Occasion) -> Iterable[Family]:
    configured = results.regions_configured
    ratio = [(results.regions_read / configured,)] if configured else []
    yield _rows(m.COMPLETENESS, ratio)
    yield _rows(m.SCAN_TIMESTAMP, [(occasion.scan_started_at.timestamp(),)])
    seconds = (occasion.made_at - occasion.scan_started_at).total_seconds()
    yield _rows(m.SCAN_DURATION, [(seconds,)])
    yield _rows(m.SNAPSHOT_TIMESTAMP, [(occasion.made_at.timestamp(),)])
    yield _rows(m.BUILD_INFO, [(occasion.version, 1)])


def _excluded(results: ComplianceResults) -> Iterable[tuple[str | float, ...]]:
    for e in results.excluded:
        yield e.account_name, e.account_id, e.region, e.resource_type, e.resources


def _account(scan: AccountScan) -> tuple[str, str]:
    return scan.account_name, scan.account_id


def _region(scan: AccountScan, region: RegionScan) -> tuple[str, str, str]:
    return scan.account_name, scan.account_id, region.region


def _percentage(metric: Metric, frame: pd.DataFrame, part: str) -> Family:
    """A percentage of nothing is not published: an empty region is not 0 % compliant."""
    some = frame[frame["resources"] > 0]
    return _family(metric, some, 100.0 * some[part] / some["resources"])


def _family(metric: Metric, frame: pd.DataFrame, values: pd.Series) -> Family:
    labels = tuple(_factorized(frame[name].tolist()) for name in metric.labels)
    return Family(metric, labels, values.to_numpy())


def _rows(metric: Metric, rows: Iterable[tuple[str | float, ...]]) -> Family:
    """A family from rows of label values that end in the sample's value."""
    columns: Sequence[Sequence[str | float]] = list(zip(*rows, strict=True))
    if not columns:
        columns = [()] * (len(metric.labels) + 1)
    labels = tuple(_factorized([str(value) for value in column]) for column in columns[:-1])
    return Family(metric, labels, np.array(columns[-1], dtype=np.float64))


def _factorized(values: Sequence[str]) -> LabelColumn:
    numbers: dict[str, int] = {}
    codes = np.fromiter(
        (numbers.setdefault(value, len(numbers)) for value in values), np.int64, len(values)
    )
    return LabelColumn(codes, list(numbers))
