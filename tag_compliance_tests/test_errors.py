"""Errors that a person reads: one line for each fault."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.errors import (
    BadConfiguration,
    CannotListen,
    Fault,
    InvalidExposition,
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
    error = BadConfiguration((Fault("c", "a", 1, "one"), Fault("c", "b", 2, "two")))
    assert str(error) == "c: a = 1: one\nc: b = 2: two"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            StorageRefused("/state/a", "write", "full", "free some space"),
            "cannot write /state/a: full; free some space",
        ),
        (
            CannotListen("127.0.0.1", 80, "taken", "--port"),
            "cannot listen on 127.0.0.1 port 80: taken; set --port",
        ),
        (SnapshotUnreadable("", "gone"), "snapshot (none) is unreadable: gone"),
        (
            StoredValueUnreadable("results", "cut short"),
            "the stored results cannot be read: cut short; scan again to replace it",
        ),
        (
            InvalidExposition(("a", "b", "c", "d")),
            "the metrics are invalid and were not published: a; b; c",
        ),
    ],
)
def test_an_error_is_one_line_that_names_at_most_three_causes(
    error: TagComplianceError, text: str
) -> None:
    assert str(error) == text
