"""Stored inventories and evaluations come back as they were, or are reported as damaged."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.domain.findings import FINDING_SCHEMA
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.resources import RESOURCE_SCHEMA
from tag_compliance.errors import StoredValueUnreadable
from tag_compliance.tables.findings import decode_evaluation, encode_evaluation
from tag_compliance.tables.raw_resources import decode_inventory, encode_inventory
from tag_compliance_tests.domain.organizations import (
    accounts,
    evaluated,
    inventory,
    inventory_of,
    required_tags,
)

_ARN = "arn:aws:ec2:eu-west-1:1:vpc/a"
_INVENTORY = inventory(*[("eu-west-1", _ARN, {"a": "b"})] * 20)
_GOOD_INVENTORY = encode_inventory(_INVENTORY)
_GOOD_EVALUATION = encode_evaluation(evaluated(_INVENTORY, Policy(("Owner",))))
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


@pytest.mark.parametrize("description", [None, b"", b"{", b"{}", b"\xff", b'{"account_id": 1}'])
def test_rows_without_their_description_are_reported(description: bytes | None) -> None:
    metadata = {} if description is None else {b"tag_compliance": description}
    sink = pa.BufferOutputStream()
    pq.write_table(_INVENTORY.resources.replace_schema_metadata(metadata), sink)
    with pytest.raises(StoredValueUnreadable):
        decode_inventory(sink.getvalue().to_pybytes())


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
