"""The rendered text: literally, as other parsers read it, and as promtool checks it."""

from __future__ import annotations

import math
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily

from tag_compliance.domain.metrics.table import Family, LabelColumn, Metric, Samples
from tag_compliance.snapshot.exposition import render
from tag_compliance_tests.domain.organizations import nasty_text, parsed
from tag_compliance_tests.snapshot.scans import contents_of, scanned_accounts
from tag_compliance_tests.support.system import require


def _metric(name: str, help_: str, *labels: str) -> Metric:
    def samples(_: object) -> Samples:
        raise AssertionError("the samples of these families are given")

    return Metric(name, help_, labels, samples)


def _given(metric: Metric, values: NDArray[np.number], *labels: LabelColumn) -> Family:
    return Family(metric, Samples(labels, values))


def _family(metric: Metric, rows: list[tuple[list[str], float]]) -> Family:
    columns = [[labels[at] for labels, _ in rows] for at in range(len(metric.labels))]
    values = np.array([value for _, value in rows], dtype=np.float64)
    return _given(metric, values, *(LabelColumn(np.arange(len(rows)), c) for c in columns))


def test_a_small_exposition_is_rendered_literally() -> None:
    metric = _metric("disk_usage", 'A "help" with \\ and\nline feed.', "path", "host")
    shared = LabelColumn(np.array([0, 1, 0]), ['C:\\"x"\n', "é😀{a=b,c}"])
    hosts = LabelColumn(np.array([0, 0, 1]), ["", "b"])
    families = [
        _given(metric, np.array([1.5, 2.0, -3.0]), shared, hosts),
        _given(_metric("up", "Whether."), np.array([1])),
        _given(
            _metric("nothing", "No samples.", "path"),
            np.zeros(0),
            LabelColumn(np.zeros(0, int), []),
        ),
    ]
    assert render(families).decode() == (
        '# HELP disk_usage A "help" with \\\\ and\\nline feed.\n'
        "# TYPE disk_usage gauge\n"
        'disk_usage{path="C:\\\\\\"x\\"\\n",host=""} 1.5\n'
        'disk_usage{path="é😀{a=b,c}",host=""} 2\n'
        'disk_usage{path="C:\\\\\\"x\\"\\n",host="b"} -3\n'
        "# HELP up Whether.\n"
        "# TYPE up gauge\n"
        "up 1\n"
        "# HELP nothing No samples.\n"
        "# TYPE nothing gauge\n"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (100.0, "100"),
        (1777896000.5, "1777896000.5"),
        (200 / 3, "66.66666666666667"),
        (1e-7, "1e-07"),
        (2.0**60, "1.152921504606847e+18"),
        (math.nan, "NaN"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
    ],
)
def test_a_number_is_the_shortest_text_that_parses_as_the_same_value(
    value: float, text: str
) -> None:
    rendered = render([_given(_metric("x", "X."), np.array([value]))]).decode()
    assert rendered.splitlines()[-1] == f"x {text}"


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint64])
def test_a_large_integer_is_rendered_exactly(kind: type[np.integer]) -> None:
    largest = int(np.iinfo(kind).max)
    family = _given(_metric("x", "X."), np.array([largest], dtype=kind))
    assert render([family]).decode().endswith(f"x {largest}\n")


def test_a_lone_surrogate_becomes_a_question_mark() -> None:
    family = _family(_metric("x", "X.", "a"), [(["\ud800"], 1)])
    assert render([family]).endswith(b'x{a="?"} 1\n')


@settings(deadline=None)
@given(
    nasty_text,
    st.lists(
        st.tuples(st.lists(nasty_text, min_size=2, max_size=2), st.floats(allow_nan=False)),
        unique_by=lambda row: tuple(row[0]),
        max_size=6,
    ),
)
def test_the_text_parses_like_that_of_prometheus_client(
    help_: str, rows: list[tuple[list[str], float]]
) -> None:
    metric = _metric("disk_usage", help_, "path", "host")
    same = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    for labels, value in rows:
        same.add_metric(labels, value)
    registry = SimpleNamespace(collect=lambda: [same])
    theirs = generate_latest(registry)
    assert parsed(render([_family(metric, rows)])) == parsed(theirs)


def test_promtool_reports_only_the_suffix_of_five_contract_metrics() -> None:
    promtool = require("promtool")
    contents = contents_of(scanned_accounts(), limit=1)
    done = subprocess.run(
        [promtool, "check", "metrics"], input=contents.exposition, capture_output=True, check=False
    )
    reports = (done.stdout + done.stderr).decode().splitlines()
    rule = 'non-counter metrics should not have "_total" suffix'
    assert sorted(reports) == [
        f"resources_fully_compliant_by_type_total {rule}",
        f"resources_fully_compliant_total {rule}",
        f"resources_scanned_total {rule}",
        f"tag_compliant_total {rule}",
        f"tag_non_compliant_total {rule}",
    ]
