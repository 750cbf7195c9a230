"""The last look at an exposition, held against the parser of Prometheus's own client."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from tag_compliance.domain.policy import Policy
from tag_compliance.snapshot.exposition import render
from tag_compliance.snapshot.lint import faults_of
from tag_compliance_tests.domain.organizations import (
    accounts,
    families_of,
    required_tags,
    scanned,
)

GOOD = (
    b"# HELP a Help with \\\\ and \\n.\n# TYPE a gauge\n"
    b'a 1\na{b="c"} 0.5\na{b="c",d="\\"\\\\\\n{},= \xf0\x9f\x98\x80"} -1e-07\na{b="e"} NaN\n'
    b'a{b="f"} +Inf\na{b="g"} -Inf\na{b=""} 1e+20\n'
)


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_what_is_rendered_has_no_fault_and_prometheus_parses_it(data: st.DataObject) -> None:
    required = data.draw(required_tags())
    scans = [scanned(account) for account in data.draw(accounts(required))]
    exposition = render(families_of(scans, Policy(tuple(required))))
    assert faults_of(exposition) == []
    assert list(text_string_to_metric_families(exposition.decode()))


def test_every_form_of_a_line_is_known() -> None:
    assert faults_of(GOOD) == []
    assert len(next(iter(text_string_to_metric_families(GOOD.decode()))).samples) == 7


def test_an_empty_exposition_has_no_fault() -> None:
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
        b"# TYPE a counter",
    ],
)
def test_a_broken_line_is_told_with_its_number(line: bytes) -> None:
    (fault,) = faults_of(b"a 1\n" + line + b"\nc 1\n")
    assert fault.startswith("line 2 has not the format's form")


def test_a_raw_line_feed_in_a_label_is_told() -> None:
    assert len(faults_of(b'a{b="c\nd"} 1\n')) == 2


def test_a_second_sample_of_a_series_is_told() -> None:
    (fault,) = faults_of(b'a{b="c"} 1\na{b="d"} 1\na{b="c"} 2\n')
    assert fault == 'line 3 is a second sample of a{b="c"}'


def test_a_missing_last_line_feed_is_told() -> None:
    assert faults_of(b"a 1\nb 2") == ["the last line does not end in a line feed"]


def test_faults_are_told_up_to_a_bound() -> None:
    assert len(faults_of(b"?\n" * 1_000)) == 20
