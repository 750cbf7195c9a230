"""What the pipeline stores comes back as it was, or is told to be damaged."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tag_compliance.domain.scan import RESOURCE_SCHEMA, ScannedAccount
from tag_compliance.pipeline.codecs import (
    decode_account,
    decode_results,
    encode_account,
    encode_results,
)

from tag_compliance.domain.evaluation import evaluate
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.results import RESULT_SCHEMA, ComplianceResults
from tag_compliance.errors import StoredValueUnreadable
from tag_compliance_tests.domain.organizations import accounts, required_tags, scanned

_READERS: list[Callable[[bytes], object]] = [decode_account, decode_results]


def _account() -> ScannedAccount:
    row = {"arn": "arn:aws:ec2:eu-west-1:1:vpc/a", "resource_type": "ec2:vpc", "tags": {"a": "b"}}
    region = {"region": "eu-west-1", "read": True, "rows": [row] * 20}
    account = {"account_id": "111122223333", "account_name": "shop", "regions": [region]}
    return scanned(account)


def _results() -> ComplianceResults:
    return evaluate([_account()], Policy(("Owner",)))


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_accounts_and_results_come_back_as_they_were(data: st.DataObject) -> None:
    required = data.draw(required_tags())
    scans = [scanned(account) for account in data.draw(accounts(required))]
    for scan in scans:
        again = decode_account(encode_account(scan))
        assert again.scan == scan.scan
        assert again.table.to_pylist() == scan.table.to_pylist()
        assert again.table.schema.equals(RESOURCE_SCHEMA)
    results = evaluate(scans, Policy(tuple(required), ("ecs:*",)))
    stored = decode_results(encode_results(results))
    assert stored.table.to_pylist() == results.table.to_pylist()
    assert stored.table.schema.equals(RESULT_SCHEMA)
    names = ("required_tags", "scans", "counted", "excluded", "unparsable")
    for name in names:
        assert getattr(stored, name) == getattr(results, name)


def test_one_kind_is_not_taken_for_the_other() -> None:
    with pytest.raises(StoredValueUnreadable, match="the stored scan of an account cannot be read"):
        decode_account(encode_results(_results()))
    with pytest.raises(StoredValueUnreadable, match="the stored results cannot be read"):
        decode_results(encode_account(_account()))


def _with_description(description: bytes | None) -> bytes:
    metadata = {} if description is None else {b"tag_compliance": description}
    sink = pa.BufferOutputStream()
    pq.write_table(_account().table.replace_schema_metadata(metadata), sink)
    data: bytes = sink.getvalue().to_pybytes()
    return data


@pytest.mark.parametrize("description", [None, b"", b"{", b"{}", b"\xff", b'{"account_id": 1}'])
def test_rows_without_their_description_are_refused(description: bytes | None) -> None:
    with pytest.raises(StoredValueUnreadable):
        decode_account(_with_description(description))


@pytest.mark.parametrize("decode", _READERS)
@given(data=st.binary(max_size=200))
@settings(deadline=None)
def test_any_bytes_are_refused(decode: Callable[[bytes], object], data: bytes) -> None:
    with pytest.raises(StoredValueUnreadable):
        decode(data)


_GOOD_ACCOUNT = encode_account(_account())
_GOOD_RESULTS = encode_results(_results())


@pytest.mark.parametrize(
    ("decode", "good"), [(decode_account, _GOOD_ACCOUNT), (decode_results, _GOOD_RESULTS)]
)
@given(data=st.data())
@settings(deadline=None, max_examples=150)
def test_damaged_bytes_are_read_or_refused_and_never_anything_else(
    decode: Callable[[bytes], object], good: bytes, data: st.DataObject
) -> None:
    damaged = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(good) - 1))
        damaged[at] = data.draw(st.integers(0, 255))
    told = ""
    try:
        decode(bytes(damaged))
    except StoredValueUnreadable as refused:
        told = str(refused)
    assert "\n" not in told


@pytest.mark.parametrize(
    ("decode", "good"), [(decode_account, _GOOD_ACCOUNT), (decode_results, _GOOD_RESULTS)]
)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.99])
def test_a_cut_value_is_refused(
    decode: Callable[[bytes], object], good: bytes, share: float
) -> None:
    with pytest.raises(StoredValueUnreadable):
        decode(good[: int(len(good) * share)])


def test_a_changed_letter_among_the_rows_is_noticed() -> None:
    at = _GOOD_ACCOUNT.index(b"vpc/a")  # zstd stores what is short as it is, without a checksum
    damaged = _GOOD_ACCOUNT[:at] + b"vpc/b" + _GOOD_ACCOUNT[at + 5 :]
    with pytest.raises(StoredValueUnreadable):
        decode_account(damaged)
