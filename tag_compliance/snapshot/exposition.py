"""Prometheus text format 0.0.4, written straight from columns.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
Written here, and not by `prometheus_client`, because its registry costs a Python object and a dict
look-up for each sample: `docs/performance.md` has the figures.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from tag_compliance.domain.metrics import Family, LabelColumn

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def render(families: Iterable[Family]) -> bytes:
    """The families' exposition in UTF-8; an empty family shows its HELP and TYPE alone.

    A lone surrogate, which UTF-8 cannot hold, becomes a question mark.
    """
    return b"".join(_family(family) for family in families)


def _family(family: Family) -> bytes:
    metric = family.metric
    head = f"# HELP {metric.name} {_escape_help(metric.help)}\n# TYPE {metric.name} gauge\n"
    values = _numbers(family.values)
    if not metric.labels:
        body = "".join([f"{metric.name} {value}\n" for value in values])
    else:
        pairs = [_pairs(n, c) for n, c in zip(metric.labels, family.labels, strict=True)]
        start = metric.name + "{"
        lines = zip(map(",".join, zip(*pairs, strict=True)), values, strict=True)
        body = "".join([f"{start}{labels}}} {value}\n" for labels, value in lines])
    return (head + body).encode("utf-8", "replace")


def _pairs(name: str, column: LabelColumn) -> list[str]:
    """`name="value"` for each sample; each distinct value is escaped once."""
    rendered = np.empty(len(column.values), dtype=object)
    rendered[:] = [f'{name}="{escape_label(value)}"' for value in column.values]
    pairs: list[str] = rendered[column.codes].tolist()
    return pairs


def escape_label(value: str) -> str:
    """A label value as the format wants it: backslash, quote and line feed escaped."""
    if "\\" in value or '"' in value or "\n" in value:
        return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return value


def _escape_help(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _numbers(values: NDArray[np.number]) -> list[str]:
    if np.issubdtype(values.dtype, np.integer):
        return [str(value) for value in values.tolist()]
    return [_number(value) for value in values.tolist()]


def _number(value: float) -> str:
    """The shortest text that reads back as the same float; whole numbers without a point."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
