"""Samples as columns: the labels and the values of one metric."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LabelColumn:
    """The values of one label: `values[codes[i]]` is the value of sample i."""

    codes: NDArray[np.integer]
    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples of one metric: one column for each label, all as long as `values`."""

    labels: tuple[LabelColumn, ...]
    values: NDArray[np.number]

    def __len__(self) -> int:
        return len(self.values)


def samples_of_frame(frame: pd.DataFrame, labels: Sequence[str], values: pd.Series) -> Samples:
    """One sample for each row; the columns `labels` of the frame are the labels."""
    columns = tuple(_label_column(frame[name].tolist()) for name in labels)
    return Samples(columns, values.to_numpy())


def samples_of_rows(
    labels: Sequence[str], rows: Iterable[tuple[tuple[str, ...], float | None]]
) -> Samples:
    """One sample for each row whose value is known; a row has a text for each label, in order."""
    listed = [row for row in rows if row[1] is not None]
    columns = ([str(texts[place]) for texts, _ in listed] for place in range(len(labels)))
    values = np.array([value for _, value in listed], dtype=np.float64)
    return Samples(tuple(map(_label_column, columns)), values)


def _label_column(values: Sequence[str]) -> LabelColumn:
    numbers: dict[str, int] = {}
    codes = np.fromiter(
        (numbers.setdefault(value, len(numbers)) for value in values), np.int64, len(values)
    )
    return LabelColumn(codes, list(numbers))
