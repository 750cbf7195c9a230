"""The detail series: bounded, distinct labels, a limit, and a count of what it left out."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.domain.metrics.detail import (
    MAX_ARN_LABEL,
    arn_label,
    detail_of,
    fair_shares,
)
from tag_compliance.domain.metrics.table import Detail
from tag_compliance.domain.policy import Policy
from tag_compliance_tests.domain.organizations import Row, evaluated, inventory, summary_of

_POLICY = Policy(("Owner", "Env"))


def _detail(limit: int | None, *names: str, regions: tuple[str, ...] = ("eu-west-1",)) -> Detail:
    rows: list[Row] = [
        (region, f"arn:aws:ec2:{region}:1:vpc/{n}", {}) for region in regions for n in names
    ]
    evaluation = evaluated(inventory(*rows, regions=regions), _POLICY)
    rules = _POLICY.required_rule_ids
    summary = summary_of([evaluation], _POLICY)
    return detail_of(summary, rules, lambda _: evaluation.findings, limit)


def _series(detail: Detail) -> set[tuple[str, ...]]:
    columns = [[c.values[code] for code in c.codes] for c in detail.samples.labels]  # noqa: PD011
    return set(zip(*columns, strict=True))


def test_only_an_arn_over_200_characters_is_cut_and_ends_in_a_hash_of_all_of_it() -> None:
    label = arn_label("a" * 201)
    assert arn_label("a" * MAX_ARN_LABEL) == "a" * MAX_ARN_LABEL
    assert len(label) == MAX_ARN_LABEL
    assert label.startswith("a" * 183 + "~")
    assert label != arn_label("a" * 202)


def test_an_arn_that_looks_like_the_label_of_another_gets_another_label() -> None:
    label = arn_label("a" * 201)
    assert arn_label(label) != label
    assert len(arn_label(label)) == MAX_ARN_LABEL


_long = st.text(alphabet="ab😀", max_size=4).map(lambda end: "x" * 198 + end)
_arns = st.one_of(_long, _long.map(arn_label), st.text(max_size=5))


@settings(deadline=None, max_examples=300)
@given(_arns, _arns)
def test_no_two_arns_share_a_label_and_none_is_too_long(one: str, other: str) -> None:
    assert (arn_label(one) == arn_label(other)) == (one == other)
    assert max(len(arn_label(one)), len(arn_label(other))) <= MAX_ARN_LABEL


@pytest.mark.parametrize(
    ("limit", "kept", "omitted"),
    [
        pytest.param(None, 8, {"us-east-1": 0, "eu-west-1": 0}, id="no limit"),
        pytest.param(0, 0, {"us-east-1": 4, "eu-west-1": 4}, id="none of them"),
        pytest.param(5, 5, {"us-east-1": 3, "eu-west-1": 0}, id="the first by region"),
        pytest.param(8, 8, {"us-east-1": 0, "eu-west-1": 0}, id="as many as there are"),
        pytest.param(7, 7, {"us-east-1": 1, "eu-west-1": 0}, id="one less"),
    ],
)
def test_the_limit_keeps_that_many_series_and_counts_the_others_by_region(
    limit: int | None, kept: int, omitted: dict[str, int]
) -> None:
    detail = _detail(limit, "a", "b", regions=("us-east-1", "eu-west-1"))
    found = dict(zip(detail.omitted["region"], detail.omitted["omitted"], strict=True))
    assert len(detail.samples) == len(_series(detail)) == kept
    assert found == omitted


def test_the_limit_keeps_the_same_resources_in_whatever_order_aws_returns_them() -> None:
    assert _series(_detail(3, "a", "b", "c")) == _series(_detail(3, "c", "b", "a"))


def test_findings_of_an_account_without_a_kept_series_are_not_loaded() -> None:
    row: Row = ("eu-west-1", "arn:aws:ec2:eu-west-1:1:vpc/a", {})
    one, two = (evaluated(inventory(row, account_id=i), _POLICY) for i in ("1" * 12, "2" * 12))
    loaded = []

    def load(account_id: str) -> pa.Table:
        loaded.append(account_id)
        return one.findings

    detail_of(summary_of([two, one], _POLICY), _POLICY.required_rule_ids, load, 1)
    assert loaded == ["1" * 12]


@pytest.mark.parametrize(
    ("wanted", "limit", "shares"),
    [
        ([5, 5, 5], 9, [3, 3, 3]),
        ([5, 5, 5], 10, [4, 3, 3]),
        ([1, 9, 4], 10, [1, 5, 4]),
        ([0, 7, 0, 7], 1, [0, 1, 0, 0]),
        ([100, 2, 50], 12, [5, 2, 5]),
    ],
)
def test_the_limit_is_shared_fairly_among_accounts(
    wanted: list[int], limit: int, shares: list[int]
) -> None:
    assert fair_shares(pd.Series(wanted), limit).tolist() == shares
