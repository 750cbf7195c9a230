"""The metric table: the contract literally, the other metrics by the naming rules; samples."""

from __future__ import annotations

import re
from collections.abc import Callable

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tag_compliance.domain.metrics import CONTRACT_METRICS, METRICS, OPERATIONAL_METRICS
from tag_compliance.domain.metrics.table import (
    Metric,
    Samples,
    samples_of_frame,
    samples_of_rows,
)

_REGION = {"account_name", "account_id", "region"}


def test_the_ten_contract_metrics_have_these_names_and_labels() -> None:
    assert {metric.name: set(metric.labels) for metric in CONTRACT_METRICS} == {
        "tag_compliant_total": {"tag", *_REGION},
        "tag_non_compliant_total": {"tag", *_REGION},
        "tag_missing_detail": {"tag", "resource_type", "resource_arn", *_REGION},
        "resources_scanned_total": _REGION,
        "compliance_percentage": _REGION,
        "tag_compliance_percentage": {"tag", *_REGION},
        "tag_resource_type_compliance_percentage": {"tag", "resource_type", *_REGION},
        "resources_fully_compliant_total": _REGION,
        "resources_fully_compliant_by_type_total": {"resource_type", *_REGION},
        "resources_fully_compliant_by_type_percentage": {"resource_type", *_REGION},
    }


def test_names_are_unique() -> None:
    assert len({metric.name + metric.suffix for metric in METRICS}) == len(METRICS)


@pytest.mark.parametrize("metric", OPERATIONAL_METRICS, ids=lambda m: m.name + m.suffix)
def test_an_operational_metric_follows_the_naming_rules(metric: Metric) -> None:
    assert re.fullmatch("tag_compliance_[a-z]+(_[a-z]+)*", metric.name)
    assert not metric.name.endswith(("_count", "_sum", "_bucket"))
    assert metric.name.endswith("_total") == (metric.type == "counter")
    assert metric.help.endswith(".")


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name + metric.suffix)
def test_label_names_are_valid_and_unique(metric: Metric) -> None:
    assert all(re.fullmatch("[a-z]+(_[a-z]+)*", label) for label in metric.labels)
    assert len(set(metric.labels)) == len(metric.labels)


ROWS = st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3), st.floats(allow_nan=False)))


def of_rows(rows: list[tuple[str, str, float]]) -> Samples:
    return samples_of_rows(["a", "b"], [((a, b), value) for a, b, value in rows])


def of_frame(rows: list[tuple[str, str, float]]) -> Samples:
    frame = pd.DataFrame(rows, columns=["a", "b", "value"])
    return samples_of_frame(frame, ["a", "b"], frame["value"])


@pytest.mark.parametrize("samples_of", [of_rows, of_frame])
@given(rows=ROWS)
def test_rows_and_frames_become_samples_in_their_order(
    samples_of: Callable[[list[tuple[str, str, float]]], Samples],
    rows: list[tuple[str, str, float]],
) -> None:
    samples = samples_of(rows)
    a, b = ([label.values[code] for code in label.codes] for label in samples.labels)  # noqa: PD011

    assert list(zip(a, b, samples.values.tolist(), strict=True)) == rows  # noqa: PD011 - no frame
    assert all(len(set(column.values)) == len(column.values) for column in samples.labels)


def test_a_row_whose_value_is_unknown_has_no_sample() -> None:
    assert len(samples_of_rows(["a"], [(("x",), None), (("y",), 1.0)])) == 1
