"""The globs of a filter."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tag_compliance.domain.report_filter import is_below, matches_glob, type_pattern

_short = st.text(alphabet="ab*.\n", max_size=8)


@given(pattern=_short, text=st.text(alphabet="ab.\n", max_size=8))
def test_a_star_matches_any_characters_and_everything_else_is_literal(
    pattern: str, text: str
) -> None:
    regex = ".*".join(map(re.escape, pattern.split("*")))
    assert matches_glob(pattern, text) == bool(re.fullmatch(regex, text, re.DOTALL))


@pytest.mark.parametrize(
    ("text", "pattern"),
    [("VPC", "*vpc*"), ("ec2:VPC", "ec2:vpc"), ("ec2*", "ec2*"), ("*:b", "*:b")],
)
def test_a_bare_word_matches_anywhere_in_the_type(text: str, pattern: str) -> None:
    assert type_pattern(text) == pattern


def test_a_unit_covers_everything_below_it_but_not_its_namesakes() -> None:
    assert is_below("Workloads/Prod", "Workloads")
    assert is_below("Workloads", "Workloads")
    assert not is_below("Workloads2", "Workloads")
    assert not is_below("", "Workloads")
