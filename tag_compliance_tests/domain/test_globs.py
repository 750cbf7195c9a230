"""Globs match whole texts, and two of them overlap if a text matches both."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tag_compliance.domain.globs import Globs
from tag_compliance_tests.domain.naive_policy import glob

_texts = st.text(alphabet="ab*.", max_size=5)


@given(st.lists(_texts, min_size=1, max_size=3), st.lists(_texts, min_size=1, max_size=4))
def test_a_text_matches_if_one_of_the_globs_does(globs: list[str], texts: list[str]) -> None:
    found = Globs(tuple(globs))
    expected = [any(glob(pattern, text) for pattern in globs) for text in texts]
    assert found.mask(pa.array(texts, pa.string())).tolist() == expected
    assert [found.matches(text) for text in texts] == expected


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("STRASSE", "straße", True),
        ("stra*", "STRASSE", True),
        ("ΟΔΟΣ", "οδος", True),
        ("a", "b", False),
    ],
)
def test_letter_case_is_ignored_by_case_folding(pattern: str, text: str, matches: bool) -> None:
    assert Globs((pattern,), ignore_case=True).matches(text) == matches


def test_many_globs_match_as_well_as_one() -> None:
    globs = Globs(tuple(f"team-{n}-*" for n in range(5_000)))
    assert globs.mask(pa.array(["team-4999-x", "team-5000-x"])).tolist() == [True, False]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("a*", "*b", True),
        ("a*c", "ab*", True),
        ("a*", "b*", False),
        ("*", "", True),
        ("a*b", "acd", False),
        ("**", "x", True),
    ],
)
def test_two_globs_overlap_if_a_text_matches_both(one: str, other: str, expected: bool) -> None:
    here, there = Globs((one,)), Globs((other,))
    assert here.overlaps(there) == there.overlaps(here) == expected


@given(_texts, _texts, st.text(alphabet="ab.", max_size=6))
def test_globs_that_match_the_same_text_overlap(one: str, other: str, text: str) -> None:
    if glob(one, text) and glob(other, text):
        assert Globs((one,)).overlaps(Globs((other,)))


@given(st.lists(_texts, min_size=1, max_size=4), st.lists(_texts, min_size=1, max_size=4))
def test_lists_overlap_if_a_text_of_their_own_characters_matches_both(
    here: list[str], there: list[str]
) -> None:
    """What matches `a` and `b` is found in texts that join their parts in either order."""
    parts = [(pattern.split("*"), other.split("*")) for pattern in here for other in there]
    candidates = {
        first + middle + last
        for one, other in parts
        for first in (one[0], other[0])
        for middle in ("".join((*one[1:-1], *other[1:-1])),)
        for last in ("", one[-1], other[-1])
    }
    expected = any(
        any(glob(pattern, text) for pattern in here) and any(glob(o, text) for o in there)
        for text in candidates
    )
    assert Globs(tuple(here)).overlaps(Globs(tuple(there))) == expected


def test_lists_of_ten_thousand_entries_are_compared_without_comparing_each_pair() -> None:
    here, there = (
        Globs((*(f"*-{n}-{name}" for n in range(5_000)), *(f"{name}-{n}" for n in range(5_000))))
        for name in ("left", "right")
    )
    assert not here.overlaps(there)
    assert here.overlaps(Globs((*there.texts, "left-4999"), ignore_case=True))
