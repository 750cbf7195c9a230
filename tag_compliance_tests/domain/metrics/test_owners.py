"""The metrics by owner: right sums, a limit, and series that do not flap."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.domain import owners
from tag_compliance.domain.counts import Thresholds
from tag_compliance.domain.evaluation import counted_resources
from tag_compliance.domain.metrics import build_families
from tag_compliance.domain.metrics.detail import detail_of
from tag_compliance.domain.metrics.owners import OWNER_METRICS, owner_table
from tag_compliance.domain.metrics.rule_series import choose_series
from tag_compliance.domain.metrics.table import OwnerTable, ScanResult
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.summary import Summary
from tag_compliance.snapshot.exposition import render
from tag_compliance.tables.findings import decode_evaluation, encode_evaluation
from tag_compliance_tests.domain.organizations import (
    INFO,
    accounts,
    evaluated,
    inventory,
    inventory_of,
    parsed,
    required_tags,
    summary_of,
)

OWNER_TAGS = ("Other", "Team")


def exposition(summary: Summary, table: OwnerTable | None) -> dict[Any, float]:
    """The samples of the metrics by owner, and of the omitted series."""
    detail = detail_of(summary, [], lambda _: pytest.fail("no finding is needed"), 0)
    rules = choose_series(summary, Policy(()), INFO.made_at.date())
    scan = ScanResult(summary, (), detail, INFO, Thresholds(), rules, owners=table)
    families = [
        f for f in build_families(scan) if "owner" in f.metric.name or "series" in f.metric.name
    ]
    return dict(parsed(render(families)))


def of_owners(*counted: tuple[str, int]) -> Summary:
    """One account with so many resources of each owner; none of them has the required tag."""
    rows = [
        ("eu-west-1", f"arn:aws:ec2:eu-west-1:1:vpc/{owner}{n}", {"Team": owner} if owner else {})
        for owner, count in counted
        for n in range(count)
    ]
    policy = Policy(("Env",), owner_tags=OWNER_TAGS)
    return summary_of([evaluated(inventory(*rows), policy)], policy)


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_the_counts_are_those_of_a_naive_model_also_after_storing_them(
    data: st.DataObject,
) -> None:
    required = data.draw(required_tags())
    policy = Policy(tuple(required), owner_tags=OWNER_TAGS)
    expected: dict[str, Counter[str]] = {}
    evaluations = []
    for account in data.draw(accounts(required)):
        read = inventory_of(account)
        evaluation = evaluated(read, policy)
        evaluations.append(evaluation)
        for row in counted_resources(read, policy, evaluation.basis).to_pylist():
            tags = dict(row["tags"])
            named = [tags[key] for key in OWNER_TAGS if tags.get(key, "").strip()]
            counts = expected.setdefault(named[0] if named else "the account's", Counter())
            missing = [key for key in required if key not in tags]
            counts.update(counted=1, compliant=not missing, open_medium=len(missing))
        stored = decode_evaluation(encode_evaluation(evaluation)).summary
        assert stored.owners.equals(evaluation.summary.owners)
    summary = summary_of(evaluations, policy)
    named_accounts = tuple(replace(a, owner="the account's") for a in summary.accounts)
    found = replace(summary, accounts=named_accounts).by_owner.to_dict("index")
    assert {o: {c: n for c, n in row.items() if n} for o, row in found.items()} == {
        owner: {c: n for c, n in counts.items() if n} for owner, counts in expected.items()
    }


def test_the_largest_owners_have_series_and_the_rest_is_other() -> None:
    summary = of_owners(("a", 3), ("b", 5), ("c", 1), ("d", 2), ("", 4))
    table = owner_table(summary, 2, ())
    found = exposition(summary, table)
    resources = {
        dict(labels)["owner"]: value
        for (name, labels), value in found.items()
        if name == "tag_compliance_owner_resources"
    }
    assert resources == {"b": 5, "a": 3, "(other)": 3, "(none)": 4}
    assert (
        found[
            "tag_compliance_owner_open_findings",
            frozenset({("owner", "a"), ("severity", "medium")}),
        ]
        == 3
    )
    assert (
        found[
            "tag_compliance_owner_open_findings",
            frozenset({("owner", "a"), ("severity", "critical")}),
        ]
        == 0
    )
    assert found["tag_compliance_owner_compliant_resources", frozenset({("owner", "(other)")})] == 0
    omitted = {
        dict(labels)["family"]: value
        for (name, labels), value in found.items()
        if name == "tag_compliance_series_omitted"
    }
    assert omitted["tag_compliance_owner_resources"] == 2
    assert omitted["tag_compliance_owner_open_findings"] == 10
    assert table.shown == ("b", "a")


def test_an_owner_keeps_its_series_until_it_is_clearly_behind_the_limit() -> None:
    sizes = {f"o{n:02}": 40 - n for n in range(12)}
    before = owner_table(of_owners(*sizes.items()), 8, ()).shown
    assert before == tuple(f"o{n:02}" for n in range(8))
    sizes["o08"] += 5  # now larger than o07, which is the ninth
    assert owner_table(of_owners(*sizes.items()), 8, before).shown == before
    assert "o08" in owner_table(of_owners(*sizes.items()), 8, ()).shown
    sizes["o07"] = 1
    shown = owner_table(of_owners(*sizes.items()), 8, before).shown
    assert set(shown) == {*before, "o08"} - {"o07"}
    assert len(owner_table(of_owners(*sizes.items()), 3, before).shown) == 3


def test_without_a_limit_all_owners_have_series() -> None:
    table = owner_table(of_owners(("a", 1), ("b", 1)), None, ())
    assert (table.shown, table.hidden) == (("a", "b"), 0)


def test_long_names_are_cut_and_names_of_the_program_are_added_to_its_own() -> None:
    long = "x" * 130
    table = owner_table(of_owners((long, 1), (f"{long}y", 1), ("(none)", 2), ("", 1)), None, ())
    assert sorted(map(len, table.shown)) == [120, 120]
    assert table.counts["counted"].to_dict()["(none)"] == 3


def test_without_owner_tags_there_is_no_family() -> None:
    policy = Policy(("Env",))
    summary = summary_of([evaluated(inventory(("eu-west-1", "a", {"Team": "x"})), policy)], policy)
    assert len(summary.accounts[0].summary.owners) == 0
    names = {metric.name for metric in OWNER_METRICS}
    found = exposition(summary, None)
    assert not names & {name for name, _ in found}
    assert not names & {dict(labels).get("family") for _, labels in found}


def test_a_tag_that_differs_on_each_resource_has_a_limited_number_of_owners(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(owners, "_MAX_OWNERS", 3)
    summary = of_owners(*((f"o{n}", 1) for n in range(10)))
    assert summary.by_owner["counted"].to_dict() == {"(other)": 7, "o0": 1, "o1": 1, "o2": 1}


def test_a_change_of_the_owner_tags_leads_to_a_new_evaluation() -> None:
    assert Policy(("Env",)).version != Policy(("Env",), owner_tags=("Team",)).version
