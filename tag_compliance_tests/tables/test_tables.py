"""Stored inventories and evaluations come back as they were, or are reported as damaged.

The stored one is the latest, and never worse than it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.domain.account import AccountId
from tag_compliance.domain.findings import FINDING_SCHEMA
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.read_status import Reason
from tag_compliance.domain.resources import RESOURCE_SCHEMA, AccountInventory
from tag_compliance.errors import StoredValueUnreadable
from tag_compliance.storage.folder import FolderStorage
from tag_compliance.tables.failed_readings import FailedReadings
from tag_compliance.tables.findings import Findings, decode_evaluation, encode_evaluation
from tag_compliance.tables.raw_resources import RawResources, decode_inventory, encode_inventory
from tag_compliance_tests.domain.organizations import (
    NOON,
    accounts,
    evaluated,
    inventory,
    inventory_of,
    region_read,
    required_tags,
)

_ID = AccountId("111122223333")
_POLICY = Policy(("Owner",))
_ARN = "arn:aws:ec2:eu-west-1:1:vpc/a"
_INVENTORY = inventory(*[("eu-west-1", _ARN, {"a": "b"})] * 20)
_GOOD_INVENTORY = encode_inventory(_INVENTORY)
_GOOD_EVALUATION = encode_evaluation(evaluated(_INVENTORY, _POLICY))
_KINDS: list[tuple[Callable[[bytes], object], bytes]] = [
    (decode_inventory, _GOOD_INVENTORY),
    (lambda data: decode_evaluation(data).findings(), _GOOD_EVALUATION),
]


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_an_inventory_and_its_evaluation_come_back_as_they_were(data: st.DataObject) -> None:
    required = data.draw(required_tags())
    for account in data.draw(accounts(required)):
        before = inventory_of(account)
        after = decode_inventory(encode_inventory(before))
        assert after.status == before.status
        assert after.resources.to_pylist() == before.resources.to_pylist()
        assert after.resources.schema.equals(RESOURCE_SCHEMA)
        evaluation = evaluated(before, Policy(tuple(required), ("ecs:*",)))
        stored = decode_evaluation(encode_evaluation(evaluation))
        assert (stored.status, stored.basis) == (evaluation.status, evaluation.basis)
        assert stored.summary == evaluation.summary
        assert stored.findings().to_pylist() == evaluation.findings.to_pylist()
        assert stored.findings().schema.equals(FINDING_SCHEMA)


def test_an_inventory_is_not_read_as_an_evaluation_or_the_reverse() -> None:
    with pytest.raises(StoredValueUnreadable, match="the stored inventory of an account"):
        decode_inventory(_GOOD_EVALUATION)
    with pytest.raises(StoredValueUnreadable, match="the stored evaluation of an account"):
        decode_evaluation(_GOOD_INVENTORY)


def _encoded(table: pa.Table, description: bytes | None) -> bytes:
    metadata = {} if description is None else {b"tag_compliance": description}
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata(metadata), sink)
    data: bytes = sink.getvalue().to_pybytes()
    return data


@pytest.mark.parametrize("description", [None, b"", b"{", b"{}", b"\xff", b'{"account_id": 1}'])
def test_rows_without_their_description_are_reported(description: bytes | None) -> None:
    with pytest.raises(StoredValueUnreadable):
        decode_inventory(_encoded(_INVENTORY.resources, description))


@pytest.mark.parametrize("decode", [decode for decode, _ in _KINDS])
@given(data=st.binary(max_size=200))
@settings(deadline=None)
def test_bytes_that_are_not_a_table_are_reported(
    decode: Callable[[bytes], object], data: bytes
) -> None:
    with pytest.raises(StoredValueUnreadable):
        decode(data)


@pytest.mark.parametrize(("decode", "good"), _KINDS)
@given(data=st.data())
@settings(deadline=None, max_examples=150)
def test_damaged_bytes_are_read_or_reported_in_one_line_and_raise_nothing_else(
    decode: Callable[[bytes], object], good: bytes, data: st.DataObject
) -> None:
    damaged = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(good) - 1))
        damaged[at] = data.draw(st.integers(0, 255))
    message = ""
    try:
        decode(bytes(damaged))
    except StoredValueUnreadable as error:
        message = str(error)
    assert "\n" not in message


@pytest.mark.parametrize(("decode", "good"), _KINDS)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.99])
def test_a_truncated_table_is_reported(
    decode: Callable[[bytes], object], good: bytes, share: float
) -> None:
    with pytest.raises(StoredValueUnreadable):
        decode(good[: int(len(good) * share)])


def test_one_changed_byte_in_the_rows_is_noticed() -> None:
    at = _GOOD_INVENTORY.index(b"vpc/a")  # zstd stores short data as it is, without a checksum
    damaged = _GOOD_INVENTORY[:at] + b"vpc/b" + _GOOD_INVENTORY[at + 5 :]
    with pytest.raises(StoredValueUnreadable):
        decode_inventory(damaged)


@dataclass(frozen=True)
class _Table:
    """A repository in a folder: `store` gets a reading of the account."""

    file: str
    store: Callable[[AccountInventory], object]
    load: Callable[[AccountId], object]
    storage: FolderStorage
    warnings: list[str]


@pytest.fixture(params=["raw_resources", "findings"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> _Table:
    storage, warnings = FolderStorage(tmp_path), list[str]()
    file = f"tables/{request.param}/{_ID}.parquet"
    if request.param == "raw_resources":
        inventories = RawResources(storage, warnings.append)
        return _Table(file, inventories.store, inventories.load, storage, warnings)
    findings = Findings(storage, warnings.append)

    def store(read: AccountInventory) -> bool:
        return findings.store(evaluated(read, _POLICY))

    return _Table(file, store, findings.load, storage, warnings)


def _read(*names: str, minutes: int = 0, reason: Reason = Reason.OK) -> AccountInventory:
    at = NOON + timedelta(minutes=minutes)
    last_success_at = at if reason is Reason.OK else None
    return inventory(
        *(("eu-west-1", name, {}) for name in names),
        regions=[region_read("eu-west-1", reason, last_success_at=last_success_at)],
        started_at=at,
        last_success_at=last_success_at,
    )


def test_an_account_that_was_never_read_has_nothing_stored(table: _Table) -> None:
    assert table.load(_ID) is None
    assert table.warnings == []


def test_an_older_reading_never_replaces_a_newer_one(table: _Table) -> None:
    assert table.store(_read("new", minutes=5))
    before = table.storage.read(table.file)
    assert not table.store(_read("old"))
    assert table.storage.read(table.file) == before


def _other_account(description: bytes) -> bytes:
    return description.replace(_ID.encode(), b"999999999999")


def _naive_time(description: bytes) -> bytes:
    return description.replace(b'"2026-05-04T12:00:00Z"', b'"2026-05-04T12:00:00"')


@pytest.mark.parametrize("wrong", [_other_account, _naive_time])
@pytest.mark.parametrize("reason", [Reason.OK, Reason.TIMEOUT])
def test_a_table_of_another_account_or_with_a_naive_time_counts_as_missing_and_is_replaced(
    table: _Table, wrong: Callable[[bytes], bytes], reason: Reason
) -> None:
    assert table.store(_read())
    stored = table.storage.read(table.file)
    assert stored is not None
    rows = pq.read_table(pa.BufferReader(stored.data))
    description = rows.schema.metadata[b"tag_compliance"]
    assert wrong(description) != description
    table.storage.write(table.file, _encoded(rows, wrong(description)))

    assert table.load(_ID) is None
    assert table.store(_read(minutes=-5, reason=reason))
    assert table.load(_ID) is not None
    assert len(table.warnings) == 2


def test_a_failed_reading_that_is_foreign_or_of_another_account_is_ignored(tmp_path: Path) -> None:
    storage, warnings = FolderStorage(tmp_path), list[str]()
    readings = FailedReadings(storage, warnings.append)
    failed = _read(reason=Reason.TIMEOUT)
    readings.store(failed)
    storage.write("tables/failed_readings/notes.parquet", b"foreign")
    good = storage.read(f"tables/failed_readings/{_ID}.parquet")
    assert good is not None
    storage.write("tables/failed_readings/999999999999.parquet", good.data)
    storage.write("tables/failed_readings/999999999998.parquet", _naive_time(good.data))
    assert {key: read.status for key, read in readings.load().items()} == {_ID: failed.status}
    assert [line.split(" is ")[0][-20:] for line in warnings] == [
        "999999999998.parquet",
        "999999999999.parquet",
    ]


@pytest.mark.parametrize("damage", [b"", b"PAR1 and then something else"])
@pytest.mark.parametrize("reason", [Reason.OK, Reason.TIMEOUT])
def test_a_damaged_table_counts_as_missing_is_reported_and_is_replaced_by_the_next_reading(
    table: _Table, damage: bytes, reason: Reason
) -> None:
    table.storage.write(table.file, damage)
    assert table.load(_ID) is None
    assert table.store(_read(reason=reason))
    assert table.load(_ID) is not None
    loading, storing = table.warnings
    assert loading.startswith(f"{_ID}: the stored ")
    assert storing.startswith(f"{_ID}")


def test_an_account_that_fails_keeps_the_rows_of_its_last_good_reading(tmp_path: Path) -> None:
    inventories = RawResources(FolderStorage(tmp_path), print)
    inventories.store(_read("a", "b"))
    returned = inventories.store(_read(minutes=5, reason=Reason.THROTTLED))
    loaded = inventories.load(_ID)
    assert loaded is not None
    assert returned is not None
    assert returned.status == loaded.status
    assert loaded.resources["arn"].to_pylist() == ["a", "b"]
    assert (loaded.status.reason, loaded.status.last_success_at) == (Reason.THROTTLED, NOON)


@pytest.mark.parametrize("has_reasons", [True, False])
def test_the_exclusions_of_an_older_summary_are_those_by_pattern(has_reasons: bool) -> None:
    evaluation = evaluated(_INVENTORY, Policy(("Owner",), ("ec2:*",)))
    stored = pq.read_table(pa.BufferReader(encode_evaluation(evaluation)))
    description = json.loads(stored.schema.metadata[b"tag_compliance"])
    assert description["summary"].pop("excluded") == {"pattern": [1], "aws_owned": [0]}
    if has_reasons:
        description["summary"]["excluded"] = {"excluded_resource_types": [1]}
    assert description["summary"]["exclusion_matches"] == {"ec2:*": 20}
    older = _encoded(stored, json.dumps(description).encode())

    assert decode_evaluation(older).summary == evaluation.summary
