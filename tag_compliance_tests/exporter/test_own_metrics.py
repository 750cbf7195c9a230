"""The exporter's own metrics."""

from __future__ import annotations

import subprocess
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tag_compliance.domain.metrics import METRICS
from tag_compliance.exporter.own_metrics import EXPORTER_METRICS, OwnMetrics
from tag_compliance.exporter.reloaded import Reloaded
from tag_compliance.exporter.watcher import State, Watcher
from tag_compliance_tests.exporter.snapshots import NOON, open_store, publish, scan_status
from tag_compliance_tests.system import require


def _rendered(tmp_path: Path) -> bytes:
    publish(tmp_path, status=scan_status(NOON))
    watcher = Watcher(open_store(tmp_path))
    watcher.poll()
    return OwnMetrics(lambda: NOON, [Reloaded("x", {}, lambda: None)]).render(watcher.state)


def test_what_is_rendered_is_what_the_table_says(tmp_path: Path) -> None:
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


def test_no_name_is_one_of_a_snapshot() -> None:
    assert not {m.name for m in EXPORTER_METRICS} & {m.name for m in METRICS}


def test_promtool_has_nothing_to_say(tmp_path: Path) -> None:
    checked = subprocess.run(
        [require("promtool"), "check", "metrics"],
        input=_rendered(tmp_path),
        capture_output=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_nothing_is_told_of_a_snapshot_or_a_scan_before_the_first() -> None:
    text = OwnMetrics(lambda: NOON).render(State()).decode()
    assert "tag_compliance_exporter_snapshot_loaded 0.0\n" in text
    for absent in ("snapshot_age", "snapshot_bytes", "last_scan", "access_files"):
        assert f"tag_compliance_exporter_{absent}" not in text


def test_every_scrape_is_counted_and_the_process_is_read_once_a_second() -> None:
    now = 0.0
    own = OwnMetrics(lambda: NOON, clock=lambda: now)
    files = []
    for _ in range(3):
        own.scrapes += 1
        text = own.render(State()).decode()
        assert f"tag_compliance_exporter_scrapes_total {own.scrapes}.0\n" in text
        files.append(next(x for x in text.splitlines() if x.startswith("process_open_fds ")))
        if own.scrapes == 1:
            opened = open(__file__, "rb")  # noqa: SIM115, PTH123
        if own.scrapes == 2:
            now = 1.0
    opened.close()
    assert files[0] == files[1]
    assert float(files[2].split()[1]) == float(files[0].split()[1]) + 1
