"""The detail series: their labels are bounded and unique, their number is limited."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.domain.detail import MAX_ARN_LABEL, Detail, arn_label, detail_of
from tag_compliance.domain.evaluation import evaluate
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.scan import AccountScan, Reason, RegionScan, ScannedAccount
from tag_compliance_tests.domain.organizations import NOON, table_of


def _detail(limit: int, *names: str, regions: tuple[str, ...] = ("eu-west-1",)) -> Detail:
    rows = [
        (region, {"arn": f"arn:aws:ec2:{region}:1:vpc/{n}", "resource_type": "ec2:vpc", "tags": {}})
        for region in regions
        for n in names
    ]
    scans = tuple(RegionScan(region, Reason.OK) for region in regions)
    scan = AccountScan("111122223333", "shop", NOON, 1.0, scans)
    results = evaluate([ScannedAccount(scan, table_of(rows))], Policy(("Owner", "Env")))
    return detail_of(results, limit)


def _series(detail: Detail) -> set[tuple[str, ...]]:
    columns = [[c.values[code] for code in c.codes] for c in detail.family.labels]
    return set(zip(*columns, strict=True))


def test_an_arn_of_at_most_200_characters_is_its_own_label() -> None:
    assert arn_label("a" * MAX_ARN_LABEL) == "a" * MAX_ARN_LABEL


def test_a_longer_arn_is_cut_and_ends_in_a_hash_of_the_full_arn() -> None:
    label = arn_label("a" * 201)
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


def test_without_a_limit_each_missing_tag_of_each_resource_has_a_series() -> None:
    detail = _detail(0, "a", "b")
    assert len(detail.family) == len(_series(detail)) == 4
    assert list(detail.omitted.values()) == [0]


def test_the_limit_bounds_the_series_and_the_omitted_ones_are_counted_by_region() -> None:
    detail = _detail(5, "a", "b", regions=("us-east-1", "eu-west-1"))
    assert len(detail.family) == 5
    assert {key.region: n for key, n in detail.omitted.items()} == {"us-east-1": 3, "eu-west-1": 0}


def test_a_limit_equal_to_the_number_of_series_omits_none() -> None:
    assert sum(_detail(4, "a", "b").omitted.values()) == 0
    assert sum(_detail(3, "a", "b").omitted.values()) == 1


def test_the_order_of_the_resources_does_not_change_which_series_are_kept() -> None:
    assert _series(_detail(3, "a", "b", "c")) == _series(_detail(3, "c", "b", "a"))
