"""The filters of the page of findings."""

from __future__ import annotations

import pytest

from tag_compliance.domain.report_filter import FindingFilter
from tag_compliance.exporter.findings_queries import FindingsQueries
from tag_compliance.exporter.findings_values import KnownAccount, KnownValues
from tag_compliance.exporter.pages.filters import (
    MAX_OPTIONS,
    Field,
    choices,
    fields,
    unknown_values,
)
from tag_compliance_tests.exporter.pages.sample import address_of
from tag_compliance_tests.reports.rows import LAB, SHOP


def field(name: str, query: str, known: KnownValues, *, shows_values: bool = True) -> Field:
    found = fields(address_of(query), known, shows_values=shows_values)
    return {field.name: field for field in found}[name]


def test_a_field_offers_the_values_that_findings_have(queries: FindingsQueries) -> None:
    account = field("account", "", queries.known)
    assert account.options == (("", "any"), (LAB, f"lab · {LAB}"), (SHOP, f"shop · {SHOP}"))
    assert ("Workloads", "Workloads") in field("ou", "", queries.known).options
    assert [value for value, _ in field("severity", "", queries.known).options] == [
        *("", "critical", "high", "medium", "low", "info")
    ]


def test_the_form_keeps_what_is_chosen_even_if_no_finding_has_it(queries: FindingsQueries) -> None:
    rule = field("rule", "rule=gone*&rule=other", queries.known)
    assert (rule.value, rule.others) == ("gone*", ("other",))
    assert ("gone*", "gone*") in rule.options


def test_a_list_that_would_be_long_is_a_text_field_with_suggestions() -> None:
    owners = tuple(f"team-{n:04}" for n in range(MAX_OPTIONS))
    known = KnownValues((), (), (), (), owners)
    owner = field("owner", "owner=x", known)
    assert owner.is_text
    assert owner.value == "x"
    assert len(owner.options) == MAX_OPTIONS


def test_without_values_there_is_no_filter_by_tag(queries: FindingsQueries) -> None:
    with pytest.raises(KeyError):
        field("tag", "", queries.known, shows_values=False)


def test_each_filter_in_use_can_be_removed(queries: FindingsQueries) -> None:
    query = f"account={SHOP}&q=x&sort=age&state=open&state=all&limit=100"
    found = [*choices(address_of(query), queries.known)]
    assert [(c.label, c.value) for c in found] == [
        ("Account", f"shop · {SHOP}"),
        ("Search", "x"),
        ("State", "all"),
    ]
    assert found[0].address.values("account") == ()
    assert found[0].address.values("q") == ("x",)


def test_a_value_that_no_finding_has_is_named(queries: FindingsQueries) -> None:
    chosen = FindingFilter(
        account_ids=("999999999999", SHOP),
        ous=("Workloads", "Nowhere"),
        regions=("mars-1",),
        types=("bucket", "rocket"),
        rules=("required-*", "none-*"),
        owners=("(none)", "Platform"),
    )
    found = " ".join(unknown_values(chosen, queries.known))
    for text in ("999999999999", "Nowhere", "mars-1", "rocket", "none-*", "owner Platform"):
        assert text in found
    assert found.count("No finding") + found.count("has no findings") == 6
    assert [*unknown_values(FindingFilter(), queries.known)] == []


def test_units_above_those_of_accounts_can_be_chosen() -> None:
    account = KnownAccount(SHOP, "shop", "A/B/C")
    assert KnownValues((account,), (), (), (), ()).ous == ("A", "A/B", "A/B/C")
