"""Two publishing runs at the same time: an older evaluation never replaces a newer one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from tag_compliance.domain.account import AccountId
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.read_status import Reason
from tag_compliance.pipeline.account_writer import AccountWriter, next_reading_run
from tag_compliance.pipeline.io_manager import TableIOManager
from tag_compliance.pipeline.merge import MergedScan
from tag_compliance.pipeline.run_requests import publish_request
from tag_compliance.tables.failed_readings import FailedReadings
from tag_compliance.tables.raw_resources import RawResources
from tag_compliance_tests.pipeline.pipelines import Pipeline
from tag_compliance_tests.pipeline.tables import account
from tag_compliance_tests.support.aws import REGIONS


def publish(pipeline: Pipeline, reading: str) -> None:
    """The publishing run after a reading run."""
    request = publish_request(dg.DagsterRun("scan", run_id=reading), None)
    assert pipeline.run(request).success


@pytest.mark.parametrize("read_meanwhile", [(0,), (1, 2), (0, 1, 2)])
def test_results_that_were_merged_before_another_publication_are_merged_again(
    scanning: Pipeline,
    monkeypatch: pytest.MonkeyPatch,
    read_meanwhile: tuple[int, ...],
) -> None:
    """A slow publishing run merges; other accounts are read and published; then it publishes.

    The last account of the slow run was read after them, so times do not show what is older.
    """
    scanning.scan()
    scanning.store_reading(scanning.ids[0], good=9, at=utc_now() + timedelta(minutes=1))
    pass_on, others = TableIOManager.handle_output, iter([read_meanwhile])

    def interleaved(self: TableIOManager, context: dg.OutputContext, obj: Any) -> None:
        pass_on(self, context, obj)
        for read in others if isinstance(obj, MergedScan) else ():
            for number in read:
                scanning.store_reading(scanning.ids[number], good=69)
            publish(scanning, "fast")

    monkeypatch.setattr(TableIOManager, "handle_output", interleaved)
    publish(scanning, "slow")
    counted = {a.account_id: a.counts.counted for a in scanning.current().status.accounts}
    expected = [20, 60, 60]
    for number in read_meanwhile:
        expected[number] = 140
    assert list(counted.values()) == expected
    assert [*others] == []


def test_a_failed_reading_that_only_the_second_merge_contains_is_stored_with_its_account(
    scanning: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanning.scan()
    pass_on, meanwhile = TableIOManager.handle_output, [scanning.ids[0]]

    def interleaved(self: TableIOManager, context: dg.OutputContext, obj: Any) -> None:
        pass_on(self, context, obj)
        while isinstance(obj, MergedScan) and meanwhile:
            scanning.store_reading(meanwhile.pop(), good=69)
            publish(scanning, "fast")
            number = next_reading_run(scanning.storage)
            writer = AccountWriter(
                scanning.config(), scanning.storage, pytest.fail, utc_now(), number
            )
            writer.store(account(failing, *REGIONS, reason=Reason.ASSUME_ROLE_DENIED))

    failing = scanning.ids[1]
    monkeypatch.setattr(TableIOManager, "handle_output", interleaved)
    publish(scanning, "slow")
    failed = {a.account_id for a in scanning.current().status.accounts if not a.succeeded}
    assert failed == {failing}
    assert FailedReadings(scanning.storage, pytest.fail).load() == {}
    stored = RawResources(scanning.storage, pytest.fail).load(AccountId(failing))
    assert stored is not None
    assert not stored.status.succeeded
    assert len(stored.resources) == 60, "what was known stays"
