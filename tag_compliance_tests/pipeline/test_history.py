"""The history of findings in the pipeline, with real scans of a fake AWS."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
from math import inf
from typing import Any

import pytest

from tag_compliance.domain.metrics import HISTORY_METRICS, RULE_METRICS
from tag_compliance.pipeline.io_manager import TableIOManager
from tag_compliance.pipeline.merge import MergedScan
from tag_compliance_tests.domain.naive import Samples
from tag_compliance_tests.domain.organizations import parsed
from tag_compliance_tests.fake_aws import FakeAws, Fault
from tag_compliance_tests.pipeline.pipelines import Pipeline, metadata_of
from tag_compliance_tests.pipeline.test_concurrent_publications import publish
from tag_compliance_tests.support.aws import REGIONS


def _samples(scanning: Pipeline) -> Samples:
    return parsed(scanning.current().plain)


def _sum(samples: Samples, name: str, **labels: str) -> float:
    wanted = labels.items()
    return sum(v for (n, found), v in samples.items() if n == name and wanted <= set(found))


def _family(name: str) -> str:
    return re.sub("_(bucket|sum|count)$", "", name) if "time_to_fix" in name else name


def _history(samples: Samples) -> Samples:
    names = ("tag_compliance_findings_opened_total", "tag_compliance_findings_closed_total")
    return {key: value for key, value in samples.items() if key[0] in names}


def _assert_same_findings(samples: Samples, account_ids: Iterable[str]) -> None:
    """The open findings of the history, without those that are unseen, are the snapshot's."""
    for account_id in account_ids:
        open_ = _sum(samples, "tag_compliance_open_findings", account_id=account_id)
        unseen = _sum(samples, "tag_compliance_open_findings_unseen", account_id=account_id)
        assert open_ - unseen == _sum(samples, "tag_non_compliant_total", account_id=account_id)


def test_the_open_findings_are_those_of_the_snapshot_and_the_first_scan_opened_them(
    scanning: Pipeline,
) -> None:
    scanning.scan()
    samples = _samples(scanning)
    _assert_same_findings(samples, scanning.ids)
    open_ = _sum(samples, "tag_compliance_open_findings")
    opened = _sum(samples, "tag_compliance_findings_opened_total", kind="first_scan")
    assert open_ == opened > 0
    assert open_ == _sum(samples, "tag_compliance_open_findings", age="0d")
    kinds = {dict(labels)["kind"] for name, labels in _history(samples) if "opened" in name}
    assert len(kinds) == 5
    shown = metadata_of(scanning.instance, "violation_history")
    assert (shown["opened"], shown["closed"], shown["open"]) == (open_, 0, open_)


@pytest.mark.parametrize("on_failure", ["drop", "keep_last"])
def test_a_region_that_cannot_be_read_opens_and_closes_nothing(
    scanning: Pipeline, fake: FakeAws, on_failure: str
) -> None:
    scanning.configure(on_failure=on_failure)
    scanning.scan()
    before = _samples(scanning)
    fake.faults.add(Fault.ACCESS_DENIED, operation="GetResources", region=REGIONS[0])
    scanning.scan()
    after = _samples(scanning)
    assert _history(after) == _history(before)
    assert (_sum(after, "tag_compliance_open_findings_unseen") > 0) == (on_failure == "drop")
    _assert_same_findings(after, scanning.ids)


def test_an_account_that_is_read_alone_closes_nothing_of_the_others(scanning: Pipeline) -> None:
    scanning.scan()
    one, *others = scanning.ids
    before = _samples(scanning)
    scanning.store_reading(one, good=40)
    publish(scanning, "one")
    after = _samples(scanning)
    for account_id in others:
        name = "tag_compliance_findings_closed_total"
        assert _sum(after, name, account_id=account_id) == 0
    assert _history(after) != _history(before)
    assert _history(after).keys() == _history(before).keys()
    _assert_same_findings(after, others)


def test_a_scan_that_is_published_again_counts_nothing_again(scanning: Pipeline) -> None:
    scanning.scan()
    before = _history(_samples(scanning))
    publish(scanning, "again")
    assert _history(_samples(scanning)) == before


def test_an_account_that_leaves_is_closed_and_keeps_its_counters(scanning: Pipeline) -> None:
    scanning.scan()
    before, (left, *others) = _samples(scanning), scanning.ids
    scanning.configure(others)
    scanning.scan()
    after = _samples(scanning)
    name = "tag_compliance_findings_closed_total"
    closed = _sum(after, name, account_id=left, why="account_removed")
    assert closed == _sum(before, "tag_compliance_open_findings", account_id=left) > 0
    opened = [k for k in _history(before) if "opened" in k[0]]
    assert {k: after[k] for k in opened} == {k: before[k] for k in opened}
    assert _sum(after, "tag_compliance_open_findings", account_id=left) == 0


def test_the_daily_numbers_are_deleted_after_retain_history_days(scanning: Pipeline) -> None:
    scanning.configure(retain_history_days=2)
    scanning.scan()
    storage, folder = scanning.storage, "tables/history_daily/"
    [today] = storage.names(folder)
    stored = storage.read(today)
    assert stored is not None
    day = date.fromisoformat(today.removeprefix(folder).removesuffix(".parquet"))
    kept, deleted = (f"{folder}{day - timedelta(days=n)}.parquet" for n in (1, 4))
    for name in (kept, deleted):
        storage.write(name, stored.data)
    scanning.scan()
    left = set(storage.names(folder))
    assert kept in left
    assert deleted not in left


@pytest.mark.parametrize(("limit", "most"), [("unlimited", inf), (150, 150), ("off", 0)])
def test_max_rule_series_limits_the_metrics_of_rules_and_history_together(
    scanning: Pipeline, limit: str | int, most: float
) -> None:
    scanning.configure(max_rule_series=limit)
    scanning.scan()
    samples = _samples(scanning)
    names = {metric.name for metric in (*RULE_METRICS, *HISTORY_METRICS)}
    always = {"tag_compliance_waivers", "tag_compliance_unused_waivers"}
    series = sum(_family(name) in names - always for name, _ in samples)
    assert series <= most
    assert (series > 150) == (limit == "unlimited")
    opened = "tag_compliance_findings_opened_total"
    omitted = _sum(samples, "tag_compliance_series_omitted", family=opened)
    assert (omitted > 0) == (limit == 150)
    assert any(name == opened for name, _ in samples) == (limit != "off")


@pytest.mark.parametrize("damage", [b"", b"PK damaged"])
def test_a_damaged_history_leaves_all_other_metrics_as_they_are(
    scanning: Pipeline, damage: bytes
) -> None:
    scanning.scan()
    one, *others = scanning.ids
    name = f"tables/history/{one}.zip"
    scanning.storage.write(name, damage)
    result = scanning.scan()
    assert result.success
    samples, stored = _samples(scanning), scanning.storage.read(name)
    assert stored is not None
    assert stored.data == damage
    assert not [k for k in _history(samples) if ("account_id", one) in k[1]]
    _assert_same_findings(samples, others)
    assert one in metadata_of(scanning.instance, "violation_history")["unreadable"]


def test_counters_do_not_step_back_if_another_run_publishes_in_between(
    scanning: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanning.scan()
    pass_on, others, seen = TableIOManager.handle_output, iter([1]), list[Samples]()

    def interleaved(self: TableIOManager, context: Any, obj: Any) -> None:
        pass_on(self, context, obj)
        for _ in others if isinstance(obj, MergedScan) else ():
            scanning.store_reading(scanning.ids[0], good=9)
            publish(scanning, "fast")
            seen.append(_history(_samples(scanning)))

    monkeypatch.setattr(TableIOManager, "handle_output", interleaved)
    publish(scanning, "slow")
    [between] = seen
    after = _history(_samples(scanning))
    assert all(after[key] >= value for key, value in between.items())
