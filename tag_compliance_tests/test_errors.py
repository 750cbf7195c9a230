"""Errors that a person reads: one line for each thing that is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.errors import (
    BadConfiguration,
    CannotListen,
    Fault,
    NothingScanned,
    SnapshotUnreadable,
    StorageRefused,
    StoredValueUnreadable,
    TagComplianceError,
)


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (Fault("c.yaml", "a.b[0]", "x", "rule"), "c.yaml: a.b[0] = 'x': rule"),
        (Fault("c.yaml", "a", None, "rule"), "c.yaml: a: rule"),
        (Fault("c.yaml", "", None, "rule"), "c.yaml: rule"),
        (Fault("c.yaml", "a\nb", "x\ny", "rule"), r"c.yaml: 'a\nb' = 'x\ny': rule"),
        (Fault("c.yaml", "a", "x" * 100, "rule"), f"c.yaml: a = '{'x' * 79}…: rule"),
        (Fault("c.yaml", "a", 16**5000, "rule"), "c.yaml: a = (a huge int): rule"),
    ],
)
def test_a_fault_names_file_key_value_and_rule(fault: Fault, line: str) -> None:
    assert str(fault) == line


_nested = st.recursive(
    st.none() | st.text() | st.integers() | st.floats(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(deadline=None)
@given(st.text(), _nested)
def test_a_fault_is_one_line_of_bounded_length(key: str, value: object) -> None:
    line = str(Fault("c.yaml", key[:20], value, "rule"))
    assert len(line.splitlines()) == 1
    assert len(line) < 300


def test_a_bad_configuration_has_a_line_for_each_fault() -> None:
    faults = (Fault("c", "a", 1, "one"), Fault("c", "b", 2, "two"))
    error = BadConfiguration(faults)
    assert str(error) == "c: a = 1: one\nc: b = 2: two"
    assert error.faults == faults


def test_nothing_scanned_tells_three_failures_and_how_many_more() -> None:
    told = "nothing could be scanned, the last good snapshot stays: "
    assert str(NothingScanned(("a", "b"))) == f"{told}a; b"
    assert str(NothingScanned(("a", "b", "c"))) == f"{told}a; b; c"
    error = NothingScanned(("a", "b", "c", "d", "e"))
    assert str(error) == f"{told}a; b; c; and 2 more"
    assert error.failures == ("a", "b", "c", "d", "e")


@pytest.mark.parametrize(
    ("error", "text", "data"),
    [
        (
            StorageRefused("/state/a", "write", "full", "free some space"),
            "cannot write /state/a: full; free some space",
            {"place": "/state/a", "operation": "write", "cause": "full"},
        ),
        (
            CannotListen("127.0.0.1", 80, "taken"),
            "cannot listen on 127.0.0.1 port 80: taken",
            {"host": "127.0.0.1", "port": 80, "cause": "taken"},
        ),
        (
            SnapshotUnreadable("", "gone"),
            "snapshot (none) is unreadable: gone",
            {"snapshot_id": "", "cause": "gone"},
        ),
        (
            StoredValueUnreadable("results", "cut short"),
            "the stored results cannot be read: cut short; scan again to replace it",
            {"what": "results", "cause": "cut short"},
        ),
    ],
)
def test_an_error_carries_its_data(
    error: TagComplianceError, text: str, data: dict[str, object]
) -> None:
    assert str(error) == text
    assert {name: getattr(error, name) for name in data} == data
