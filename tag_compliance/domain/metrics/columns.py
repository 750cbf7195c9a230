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


def samples_of_rows(labels: int, rows: Iterable[tuple[str | float, ...]]) -> Samples:
    """One sample for each row of `labels` label values and the sample's value."""
    columns: Sequence[Sequence[str | float]] = list(zip(*rows, strict=True))
    if not columns:
        columns = [()] * (labels + 1)
    found = tuple(_label_column([str(value) for value in column]) for column in columns[:-1])
    return Samples(found, np.array(columns[-1], dtype=np.float64))


def _label_column(values: Sequence[str]) -> LabelColumn:
    numbers: dict[str, int] = {}
    codes = np.fromiter(
        (numbers.setdefault(value, len(numbers)) for value in values), np.int64, len(values)
    )
    return LabelColumn(codes, list(numbers))
