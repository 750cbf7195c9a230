"""An older snapshot is served without the counters of the history."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import timedelta

from tag_compliance.domain.history.figures import FigureBasis, HistoryFigures, combine, figures_of
from tag_compliance.domain.history.kinds import FAMILIES
from tag_compliance.domain.history.state import AccountHistory
from tag_compliance.domain.metrics.history import HISTORY_METRICS
from tag_compliance.snapshot.appendable_gzip import Appendable, compress
from tag_compliance.snapshot.exposition import render
from tag_compliance.snapshot.older import without_history
from tag_compliance.snapshot.store import Snapshot
from tag_compliance_tests.domain.history.published import families_of
from tag_compliance_tests.domain.history.worlds import ACCOUNTS, START, findings_table
from tag_compliance_tests.support.snapshots import EXPOSITION, scan_status, snapshot_with


def test_the_families_of_the_history_are_those_of_its_metrics() -> None:
    assert list(FAMILIES) == list(dict.fromkeys(metric.name for metric in HISTORY_METRICS))


def _snapshot(plain: bytes) -> Snapshot:
    status = replace(scan_status(), samples=99)
    return replace(snapshot_with(status), plain=plain, gzip=Appendable.of(compress(plain)))


def _figures() -> HistoryFigures:
    basis = FigureBasis({"owner": "high"}, START, timedelta(days=1))
    history = AccountHistory.new(ACCOUNTS[0], "shop", START)  # type: ignore[arg-type]
    return combine([figures_of(history, findings_table(ACCOUNTS[0], {}), basis)], [], basis)


def test_only_the_families_of_the_history_are_left_out() -> None:
    own = render(families_of(_figures()))
    assert own.count(b"# HELP") == len(FAMILIES)
    last = b"# HELP tag_compliance_series_omitted Left out.\ntag_compliance_series_omitted 0\n"
    older = without_history(_snapshot(EXPOSITION + own + last))
    assert older.plain == EXPOSITION + last
    assert gzip.decompress(bytes(older.gzip.body) + older.gzip.tail(b"")) == older.plain
    assert older.status.samples == sum(line[:1] != b"#" for line in older.plain.splitlines())


def test_a_snapshot_without_a_history_stays_as_it_is() -> None:
    snapshot = _snapshot(EXPOSITION)
    assert without_history(snapshot) is snapshot
