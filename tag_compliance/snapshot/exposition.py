"""Renders Prometheus text format 0.0.4 directly from columns.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
`prometheus_client` is not used, because its registry costs a Python object and a dict look-up for
each sample: `docs/performance.md` has the figures.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tag_compliance.domain.metrics.table import Family

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# The backslash must come first: the other escapes contain one.
_ESCAPES = (("\\", r"\\"), ('"', r"\""), ("\n", r"\n"))


def render(families: Iterable[Family]) -> bytes:
    """The exposition of the families in UTF-8; an empty family has only its HELP and TYPE lines.

    A lone surrogate, which cannot be encoded, becomes a question mark.
    """
    return b"".join(piece for family in families for piece in _family(family))


def _family(family: Family) -> Iterable[bytes | memoryview]:
    metric = family.metric
    name = f"{metric.name}{metric.suffix}"
    if metric.suffix in {"", "_bucket"}:
        head = f"# HELP {metric.name} {_escape_help(metric.help)}\n"
        yield f"{head}# TYPE {metric.name} {metric.type}\n".encode("utf-8", "replace")
    values = _numbers(family.samples.values)
    if not metric.labels:
        yield "".join([f"{name} {value}\n" for value in values.to_pylist()]).encode()
        return
    parts: list[pa.Array | str] = [f'{name}{{{metric.labels[0]}="']
    for name, column in zip(metric.labels, family.samples.labels, strict=True):
        if len(parts) > 1:
            parts.append(f'",{name}="')
        parts.append(_escaped(column.values).take(pa.array(column.codes)))
    # The data buffer of the array contains the lines one after the other.
    lines = pc.binary_join_element_wise(*map(_part, [*parts, '"} ', values, "\n", ""]))
    _, offsets, data = lines.buffers()
    first, last = np.frombuffer(offsets, np.int64)[[lines.offset, lines.offset + len(lines)]]
    if data:
        yield memoryview(data)[first:last]


def _part(part: pa.Array | str) -> pa.Array | pa.Scalar:
    return pa.scalar(part, pa.large_string()) if isinstance(part, str) else part


def _escaped(values: Sequence[str]) -> pa.Array:
    """The distinct values of a label, each escaped once as the format requires."""
    try:
        array = pa.array(values, pa.large_string())
    except UnicodeEncodeError:
        well_formed = [value.encode("utf-8", "replace").decode() for value in values]
        array = pa.array(well_formed, pa.large_string())
    for character, escape in _ESCAPES:
        if pc.any(pc.match_substring(array, character)).as_py():
            array = pc.replace_substring(array, character, escape)
    return array


def _escape_help(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _numbers(values: NDArray[np.number]) -> pa.Array:
    """Each distinct value is formatted once."""
    distinct, codes = np.unique(values, return_inverse=True)
    whole = np.issubdtype(distinct.dtype, np.integer)
    texts = [str(v) if whole else _number(v) for v in distinct.tolist()]
    return pa.array(texts, pa.large_string()).take(pa.array(codes))


def _number(value: float) -> str:
    """The shortest text that parses as the same float; whole numbers have no decimal point."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
