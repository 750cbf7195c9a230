"""The series of the history are limited fairly, and what is left out is counted."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.domain.account import AccountId, AccountName
from tag_compliance.domain.history.figures import FigureBasis, HistoryFigures, combine, figures_of
from tag_compliance.domain.history.seen import arn_hashes
from tag_compliance.domain.history.state import AccountHistory
from tag_compliance.domain.history.versions import WITHOUT_EFFECT, rule_version, tracked_rules
from tag_compliance.domain.rules.required_tag import RequiredTag
from tag_compliance.domain.severity import Severity
from tag_compliance_tests.domain.history.published import families_of, samples_of
from tag_compliance_tests.domain.history.worlds import START, findings_table

_BASIS = FigureBasis({f"rule-{n}": "low" for n in range(4)}, START, timedelta(days=1))


def _figures(accounts: int) -> HistoryFigures:
    histories = [
        AccountHistory.new(AccountId(f"{n:012d}"), AccountName(f"name of {n:012d}"), START)
        for n in range(accounts)
    ]
    snapshot = findings_table("", {})
    return combine([figures_of(h, snapshot, _BASIS) for h in histories], [], _BASIS)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 6), st.integers(0, 600))
def test_at_most_as_many_series_as_the_limit_are_published_and_the_others_are_counted(
    accounts: int, limit: int
) -> None:
    figures = _figures(accounts)
    families = families_of(figures, limit)
    every = sum(len(family) for family in families_of(figures))
    published = sum(len(family) for family in families)
    omitted = sum(family.samples.omitted or 0 for family in families)
    assert published + omitted == every
    histograms_and_start = 4 * 11 + 1
    assert published <= max(limit, histograms_and_start)


@pytest.mark.parametrize("limit", [45 + 2 * 17 * 3, 45 + 2 * 17 * 3 + 40])
def test_each_account_has_as_many_rules_as_any_other(limit: int) -> None:
    samples = samples_of(_figures(3), limit)
    rules: dict[str, set[str]] = {}
    for _, found in samples:
        labels = dict(found)
        if "account_id" in labels:
            rules.setdefault(labels["account_id"], set()).add(labels["rule"])
    assert [*rules.values()] == [{"rule-0", "rule-1"}] * 3


def test_a_rule_without_events_has_all_its_series_with_0() -> None:
    samples = samples_of(_figures(1))
    per_rule = 5 + 1 + 5 + 6
    assert len(samples) == 4 * per_rule + 4 * 11 + 1
    assert {v for (name, _), v in samples.items() if "start" not in name} == {0}


@dataclasses.dataclass(frozen=True)
class _Rule:
    """Has each field that a rule can have."""

    rule_id: str = "owner"
    severity: Severity = Severity.LOW
    title: str = ""
    description: str = ""
    owner: str = ""
    example: str = ""
    values: tuple[str, ...] = ()


@pytest.mark.parametrize("name", sorted(WITHOUT_EFFECT))
def test_a_field_without_effect_on_the_result_does_not_change_a_rule(name: str) -> None:
    changed: Any = _Rule(values=("a",), **{name: "changed"})  # type: ignore[arg-type]
    same: Any = _Rule(values=("a",))
    assert rule_version(changed) == rule_version(same)


def test_a_field_with_effect_changes_a_rule_and_a_new_field_with_its_default_does_not() -> None:
    one: Any = _Rule()
    other: Any = _Rule(values=("a",))
    assert rule_version(one) != rule_version(other)
    wider: Any = dataclasses.make_dataclass(
        "_Rule", [("more", int, 0)], bases=(_Rule,), frozen=True
    )
    assert rule_version(wider()) == rule_version(one)
    assert rule_version(wider(more=1)) != rule_version(one)


def test_the_version_of_a_rule_is_stored_and_stays_the_same() -> None:
    tracked = tracked_rules([RequiredTag("Owner"), RequiredTag("Env")])
    assert [*tracked] == ["required-tag-Owner", "required-tag-Env"]
    assert tracked["required-tag-Owner"].version == rule_version(RequiredTag("Owner"))
    assert len({rule.version for rule in tracked.values()}) == 2


def test_stored_hashes_and_versions_stay_the_same_in_later_versions_of_the_program() -> None:
    """With another hash every resource would be new, with another version every rule changed."""
    arns = pa.chunked_array([["arn:aws:s3:::shop", "é"]])
    assert arn_hashes(arns).tolist() == [10885340747203554567, 16908809132758853863]
    assert rule_version(RequiredTag("Owner")) == "49e7ea890e970e55"
