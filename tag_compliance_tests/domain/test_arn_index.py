"""The ARNs that a glob matches are found among those that begin like it."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tag_compliance.domain.arn_index import ArnIndex
from tag_compliance.domain.globs import Globs, regex_of_glob
from tag_compliance.domain.resources import stable_order

_ARNS = ["arn:b:2", "arn:a:1", "arn:a:12", "arn:a", "", "arn:a:1:a:1", "arn:ä:\n1"]
_TEXTS = st.text("ab:é", max_size=7)
_GLOBS = st.lists(st.text("ab:é*", min_size=1, max_size=6), min_size=1, max_size=3)


def _matching(arns: list[str], globs: list[str]) -> list[int]:
    found = ArnIndex(pa.array(arns, pa.string())).matching(Globs(tuple(globs)))
    return sorted(found.tolist())


@pytest.mark.parametrize(
    ("globs", "places"),
    [
        (["arn:a:1"], [1]),
        (["arn:a"], [3]),
        (["arn:a:1*"], [1, 2, 5]),
        (["*:1"], [1, 5]),
        (["arn:a:1*:1"], [5]),
        (["arn:a*a:1"], [5]),
        (["arn:*:1*:*1"], [5]),
        (["*2", "arn:b*", "arn:a:1"], [0, 1, 2]),
        (["*"], [0, 1, 2, 3, 4, 5, 6]),
        (["arn:*1"], [1, 5, 6]),
        (["arn:c*", "arn"], []),
    ],
)
def test_a_glob_matches_whole_arns(globs: list[str], places: list[int]) -> None:
    assert _matching(_ARNS, globs) == places


@given(st.lists(_TEXTS, max_size=8), _GLOBS)
def test_the_index_finds_what_a_regular_expression_matches(
    arns: list[str], globs: list[str]
) -> None:
    patterns = [re.compile(regex_of_glob(glob), re.DOTALL) for glob in globs]
    expected = [n for n, arn in enumerate(arns) if any(p.fullmatch(arn) for p in patterns)]
    assert _matching(arns, globs) == expected


@pytest.mark.parametrize("end", [4, 65_536, 65_537, 10_000_000])
def test_equal_numbers_keep_their_order_however_large_they_are(end: int) -> None:
    numbers = np.array([end - 1, 0, end - 1, 2, 0])
    assert stable_order(numbers, end).tolist() == [1, 4, 3, 0, 2]
