"""Samples keep the labels and the values of their rows."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from tag_compliance.domain.metrics.columns import Samples, samples_of_frame, samples_of_rows

ROWS = st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3), st.floats(allow_nan=False)))


def rows_of(samples: Samples) -> list[tuple[str, str, float]]:
    first, second = (
        [label.values[code] for code in label.codes]  # noqa: PD011 - not a frame
        for label in samples.labels
    )
    return list(zip(first, second, samples.values.tolist(), strict=True))  # noqa: PD011


@given(ROWS)
def test_rows_become_samples_in_their_order(rows: list[tuple[str, str, float]]) -> None:
    samples = samples_of_rows(["a", "b"], [((a, b), value) for a, b, value in rows])

    assert len(samples) == len(rows)
    assert rows_of(samples) == rows
    assert all(len(set(column.values)) == len(column.values) for column in samples.labels)


@given(ROWS)
def test_a_frame_becomes_samples_in_its_order(rows: list[tuple[str, str, float]]) -> None:
    frame = pd.DataFrame(rows, columns=["a", "b", "value"])

    assert rows_of(samples_of_frame(frame, ["a", "b"], frame["value"])) == rows
