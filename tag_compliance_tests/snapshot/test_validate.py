"""The validation of an exposition, compared with the parser of Prometheus's client."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from tag_compliance.domain.policy import Policy
from tag_compliance.snapshot.exposition import render
from tag_compliance.snapshot.validate import faults_of
from tag_compliance_tests.domain.organizations import (
    accounts,
    families_of,
    inventory_of,
    required_tags,
)

GOOD = (
    b"# HELP a Help with \\\\ and \\n.\n# TYPE a gauge\n"
    b'a 1\na{b="c"} 0.5\na{b="c",d="\\"\\\\\\n{},= \xf0\x9f\x98\x80"} -1e-07\na{b="e"} NaN\n'
    b'a{b="f"} +Inf\na{b="g"} -Inf\na{b=""} 1e+20\n'
)


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_a_rendered_exposition_is_valid_and_prometheus_parses_it(data: st.DataObject) -> None:
    required = data.draw(required_tags())
    scans = [inventory_of(account) for account in data.draw(accounts(required))]
    exposition = render(families_of(scans, Policy(tuple(required))))
    assert faults_of(exposition) == []
    assert list(text_string_to_metric_families(exposition.decode()))


def test_all_valid_kinds_of_lines_are_accepted() -> None:
    assert faults_of(GOOD) == []
    assert len(next(iter(text_string_to_metric_families(GOOD.decode()))).samples) == 7


def test_an_empty_exposition_is_valid() -> None:
    assert faults_of(b"") == []


@pytest.mark.parametrize(
    "line",
    [
        b"a",
        b"a one",
        b"a  1",
        b"a 1 ",
        b"1a 1",
        b"a-b 1",
        b"a{} 1",
        b'a{b="c} 1',
        b"a{b=c} 1",
        b'a{b="c"d="e"} 1',
        b'a{b="c",} 1',
        b'a{b="\\x"} 1',
        b'a{b="\\"} 1',
        b'a{b="c"e"} 1',
        b'a{1b="c"} 1',
        b'a{b:c="d"} 1',
        b"",
        b"# a comment",
        b"# TYPE a summary",
    ],
)
def test_a_malformed_line_is_reported_with_its_number(line: bytes) -> None:
    (fault,) = faults_of(b"a 1\n" + line + b"\nc 1\n")
    assert fault.startswith("line 2 is malformed")


def test_an_unescaped_line_feed_in_a_label_is_reported() -> None:
    assert len(faults_of(b'a{b="c\nd"} 1\n')) == 2


def test_a_second_sample_of_a_series_is_reported() -> None:
    (fault,) = faults_of(b'a{b="c"} 1\na{b="d"} 1\na{b="c"} 2\n')
    assert fault == 'line 3 is a second sample of a{b="c"}'


def test_a_missing_line_feed_at_the_end_is_reported() -> None:
    assert faults_of(b"a 1\nb 2") == ["the last line does not end in a line feed"]


def test_at_most_20_faults_are_reported() -> None:
    assert len(faults_of(b"?\n" * 1_000)) == 20


def test_a_line_that_is_not_valid_utf_8_is_reported_with_its_number() -> None:
    assert faults_of(b'a 1\nb{c="\xff"} 2\n') == ["line 2 is not valid UTF-8"]
