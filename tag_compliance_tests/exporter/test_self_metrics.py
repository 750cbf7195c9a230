"""The exporter's own metrics."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tag_compliance.domain.metrics import METRICS
from tag_compliance.exporter.file_reloader import FileReloader
from tag_compliance.exporter.self_metrics import EXPORTER_METRICS, SelfMetrics
from tag_compliance.exporter.snapshot_watcher import SnapshotWatcher, State
from tag_compliance_tests.support.snapshots import NOON, open_store, publish, scan_status
from tag_compliance_tests.support.system import require


def _rendered(tmp_path: Path) -> bytes:
    publish(tmp_path, status=scan_status(NOON))
    watcher = SnapshotWatcher(open_store(tmp_path))
    watcher.poll()
    return SelfMetrics(lambda: NOON, [FileReloader("x", {}, lambda: None)]).render(watcher.state)


def test_the_exposition_has_the_names_types_help_and_labels_of_the_table(tmp_path: Path) -> None:
    families = {
        f"{family.name}_total" if family.type == "counter" else family.name: family
        for family in text_string_to_metric_families(_rendered(tmp_path).decode())
        if not family.name.startswith("process_")
    }
    assert set(families) == {metric.name for metric in EXPORTER_METRICS}
    for metric in EXPORTER_METRICS:
        family = families[metric.name]
        assert (family.type, family.documentation) == (metric.type, metric.help)
        assert [tuple(sample.labels) for sample in family.samples] == [metric.labels]


def test_no_metric_of_the_exporter_has_the_name_of_a_snapshot_metric() -> None:
    assert not {m.name for m in EXPORTER_METRICS} & {m.name for m in METRICS}


def test_large_numbers_are_written_without_an_exponent(tmp_path: Path) -> None:
    name = b"tag_compliance_exporter_last_scan_timestamp_seconds"
    assert name + b" 1777896000.0\n" in _rendered(tmp_path)


def test_promtool_reports_nothing(tmp_path: Path) -> None:
    checked = subprocess.run(
        [require("promtool"), "check", "metrics"],
        input=_rendered(tmp_path),
        capture_output=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_the_time_by_which_a_snapshot_is_ahead_of_the_clock_is_a_metric(tmp_path: Path) -> None:
    publish(tmp_path, status=scan_status(NOON))
    watcher = SnapshotWatcher(open_store(tmp_path))
    watcher.poll()
    for hours, shown in ((2, "7200.0"), (-2, "0.0")):
        now = NOON - timedelta(hours=hours)
        text = SelfMetrics(lambda: now).render(watcher.state).decode()  # noqa: B023 - called at once
        assert f"tag_compliance_exporter_snapshot_ahead_seconds {shown}\n" in text


def test_metrics_of_a_snapshot_a_scan_or_files_are_absent_while_there_are_none() -> None:
    text = SelfMetrics(lambda: NOON).render(State()).decode()
    assert "tag_compliance_exporter_snapshot_loaded 0.0\n" in text
    for absent in ("snapshot_age", "snapshot_bytes", "last_scan", "access_files", "findings"):
        assert f"tag_compliance_exporter_{absent}" not in text


def test_every_scrape_is_counted_and_process_metrics_are_read_once_a_second() -> None:
    now = 0.0
    metrics = SelfMetrics(lambda: NOON, clock=lambda: now)
    files = []
    for _ in range(3):
        metrics.scrapes += 1
        text = metrics.render(State()).decode()
        assert f"tag_compliance_exporter_scrapes_total {metrics.scrapes}.0\n" in text
        files.append(next(x for x in text.splitlines() if x.startswith("process_open_fds ")))
        if metrics.scrapes == 1:
            opened = open(__file__, "rb")  # noqa: SIM115, PTH123
        if metrics.scrapes == 2:
            now = 1.0
    opened.close()
    assert files[0] == files[1]
    assert float(files[2].split()[1]) == float(files[0].split()[1]) + 1
