"""An account is complete when its last region is read; each failure concerns one region."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pytest

from tag_compliance.aws.account_reader import AccountReader, SourceToRead
from tag_compliance.aws.account_session import AccountSession
from tag_compliance.aws.errors import AwsError
from tag_compliance.aws.retry import CallBudget
from tag_compliance.domain.account import RegionName
from tag_compliance.domain.read_status import Reason, Source
from tag_compliance.domain.resources import RESOURCE_SCHEMA
from tag_compliance_tests.aws.sessions import (
    IRELAND,
    ROLE,
    TARGET,
    VIRGINIA,
    new_budget,
    session_of,
)
from tag_compliance_tests.fake_aws import FakeAws, Fault, generate_organization
from tag_compliance_tests.support.aws import Start

DENIED = AwsError("List", Reason.ACCESS_DENIED, "no permission")


@dataclass
class FakeSource:
    """Returns one resource, after one call; raises the error of the region if there is one."""

    arn: str
    errors: Mapping[RegionName, Exception] = field(default_factory=dict)
    name: Source = Source.TAGGING
    operation: str = "List"
    calls_per_second: float = 0.0

    def read(self, session: AccountSession, region: RegionName, budget: CallBudget) -> pa.Table:
        budget.call(self.operation, lambda: None)
        if region in self.errors:
            raise self.errors[region]
        row = {"region": region, "arn": self.arn, "resource_type": "s3:bucket", "tags": []}
        return pa.Table.from_pylist([{**row, "source": self.name}], schema=RESOURCE_SCHEMA)


@dataclass
class HangingSource(FakeSource):
    """Never returns in Virginia, until it is released."""

    released: threading.Event = field(default_factory=threading.Event)

    def read(self, session: AccountSession, region: RegionName, budget: CallBudget) -> pa.Table:
        if region == VIRGINIA:
            self.released.wait()
        return super().read(session, region, budget)


@pytest.fixture
def fake(start: Start) -> FakeAws:
    return start(generate_organization(1, [VIRGINIA], 0))


def reader_of(*sources: FakeSource) -> AccountReader:
    to_read = [SourceToRead(source) for source in sources]
    return AccountReader(
        TARGET, session_of(ROLE), lambda _region: to_read, lambda _rate: new_budget()
    )


def test_the_last_region_completes_the_account_in_any_order(fake: FakeAws) -> None:
    reader = reader_of(FakeSource("arn:a"))

    status, inventory = reader.read(VIRGINIA)
    assert (status.region, status.reason, inventory) == (VIRGINIA, Reason.OK, None)
    _, inventory = reader.read(IRELAND)

    assert inventory is not None
    assert [region.region for region in inventory.status.regions] == [IRELAND, VIRGINIA]
    assert inventory.resources["region"].to_pylist() == [IRELAND, VIRGINIA]
    assert inventory.status.last_success_at is not None


def test_a_region_has_a_status_for_each_source_and_the_rows_of_all(fake: FakeAws) -> None:
    reader = reader_of(FakeSource("arn:a"), FakeSource("arn:b"))

    status, _ = reader.read(IRELAND)
    _, inventory = reader.read(VIRGINIA)

    assert [(s.reason, s.returned, s.calls) for s in status.sources] == [(Reason.OK, 1, 1)] * 2
    assert inventory is not None
    assert inventory.resources["arn"].to_pylist() == ["arn:a", "arn:b"] * 2


def test_a_failed_source_leaves_out_its_rows_and_no_others(fake: FakeAws) -> None:
    reader = reader_of(FakeSource("arn:a"), FakeSource("arn:b", {IRELAND: DENIED}))

    status, _ = reader.read(IRELAND)
    _, inventory = reader.read(VIRGINIA)

    assert [s.reason for s in status.sources] == [Reason.OK, Reason.ACCESS_DENIED]
    assert (status.reason, status.message) == (Reason.ACCESS_DENIED, "List: no permission")
    assert status.last_success_at is None
    assert inventory is not None
    rows = inventory.resources.select(["region", "arn"]).to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        (IRELAND, "arn:a"),
        (VIRGINIA, "arn:a"),
        (VIRGINIA, "arn:b"),
    ]
    assert not inventory.status.succeeded
    assert inventory.status.last_success_at is None


def test_any_error_of_a_source_is_a_status_with_a_message_of_one_line(fake: FakeAws) -> None:
    broken = RuntimeError("first line\nsecond line")

    status, _ = reader_of(FakeSource("arn:a", {IRELAND: broken})).read(IRELAND)

    assert status.reason is Reason.INTERNAL
    assert status.message == "List: RuntimeError: first line second line"


def test_a_role_that_cannot_be_assumed_fails_every_source_of_every_region(fake: FakeAws) -> None:
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole")
    reader = reader_of(FakeSource("arn:a"), FakeSource("arn:b"))

    reader.assume_role()
    reader.read(IRELAND)
    _, inventory = reader.read(VIRGINIA)

    assert inventory is not None
    reasons = [s.reason for region in inventory.status.regions for s in region.sources]
    assert reasons == [Reason.ASSUME_ROLE_DENIED] * 4
    assert fake.calls.count("AssumeRole") == 1


def test_a_region_is_given_up_at_its_deadline_whatever_its_thread_does(fake: FakeAws) -> None:
    source = HangingSource("arn:a")
    reader = AccountReader(
        TARGET,
        session_of(ROLE),
        lambda _region: [SourceToRead(source)],
        lambda _r: new_budget(seconds=0.5),
    )
    statuses = [reader.read(region)[0] for region in (VIRGINIA, IRELAND)]
    source.released.set()

    assert [status.reason for status in statuses] == [Reason.TIMEOUT, Reason.OK]
    assert statuses[0].message == "List: not finished within region_deadline, 0.5 s"
