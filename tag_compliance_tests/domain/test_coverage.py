"""The coverage says what each source was asked for, what it returned and what is missing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tag_compliance.domain.account import RegionName
from tag_compliance.domain.counts import COVERAGE
from tag_compliance.domain.coverage import coverage_by_source, coverage_rows, coverage_sentence
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.read_status import ReadStatus, Reason, RegionReadStatus, Source
from tag_compliance.domain.summary import ComplianceResults
from tag_compliance_tests.domain.organizations import NOON, evaluated, inventory, summary_of

POLICY = Policy(("Owner",))
TAGGING, EXPLORER = Source.TAGGING, Source.RESOURCE_EXPLORER


def results_of(
    *explorer: Reason | None,
    counts: bool = True,
    tagging: Reason = Reason.OK,
    more: Sequence[Source] = (),
) -> ComplianceResults:
    """An account with a region for each reason of Resource Explorer; None: it is off."""
    regions = []
    for number, reason in enumerate(explorer):
        readings = [ReadStatus(TAGGING, tagging, returned=2, last_success_at=NOON)]
        readings += [ReadStatus(source, Reason.OK) for source in more]
        if reason is not None:
            readings.append(ReadStatus(EXPLORER, reason, counts=counts, request="any view"))
        regions.append(RegionReadStatus(RegionName(f"region-{number}"), tuple(readings)))
    rows = [(region.region, f"arn:{region.region}", {"Owner": "a"}) for region in regions]
    evaluation = evaluated(inventory(*rows, regions=regions), POLICY)
    return ComplianceResults((evaluation.status,), summary_of([evaluation], POLICY))


OK, NO_INDEX = Reason.OK, Reason.NO_INDEX
WITHOUT = " IAM users and roles and Auto Scaling groups are not included."
_TWO = "2 have no Resource Explorer index"
_EACH = "1 has no Resource Explorer index, 1 has a filtered view, 1 could not be read (throttled)"
_FOUND = "Never-tagged resources are not included: 0 were found in 1 of 4 account-regions"
SENTENCES = [
    ((OK, OK), True, f"Never-tagged resources are included for 2 of 2 account-regions.{WITHOUT}"),
    (
        (OK, NO_INDEX, NO_INDEX),
        True,
        f"Never-tagged resources are included for 1 of 3 account-regions; {_TWO}.{WITHOUT}",
    ),
    ((OK, NO_INDEX, Reason.VIEW_FILTERED, Reason.THROTTLED), False, f"{_FOUND}; {_EACH}.{WITHOUT}"),
]


@pytest.mark.parametrize(("reasons", "counts", "sentence"), SENTENCES)
def test_the_sentence_says_for_how_many_regions_never_tagged_resources_are_known(
    reasons: tuple[Reason, ...], counts: bool, sentence: str
) -> None:
    expected = f"100.0 % of the resources read are compliant. {sentence}"
    assert coverage_sentence(results_of(*reasons, counts=counts)) == expected


def test_a_region_that_another_source_could_not_read_is_not_covered() -> None:
    sentence = coverage_sentence(results_of(OK, tagging=Reason.TIMEOUT))
    assert "for 0 of 1 account-regions; 1 was not read by another source." in sentence


def test_without_other_sources_the_sentence_is_that_of_the_tagging_api() -> None:
    assert coverage_sentence(results_of(None)) == COVERAGE


def test_sources_that_are_on_are_not_named_as_missing() -> None:
    sentence = coverage_sentence(results_of(OK, more=[Source.IAM, Source.AUTOSCALING]))
    assert "not included" not in sentence
    only = coverage_sentence(results_of(None, more=[Source.IAM]))
    assert "and IAM users and roles. Auto Scaling groups are not included." in only


def test_each_account_region_and_source_has_a_row() -> None:
    results = results_of(OK, NO_INDEX)
    rows = [(r.region, r.source, r.reason, r.returned, r.added) for r in coverage_rows(results)]
    assert rows == [
        ("region-0", TAGGING, OK, 2, 1),
        ("region-0", EXPLORER, OK, 0, 0),
        ("region-1", TAGGING, OK, 2, 1),
        ("region-1", EXPLORER, NO_INDEX, None, 0),
    ]
    explored = list(coverage_rows(results))[1]
    assert explored.requested == "resources without a tag, any view"
    assert explored.not_covered


def test_the_rows_are_added_up_by_source() -> None:
    tagging, explorer = coverage_by_source(results_of(OK, NO_INDEX, OK))
    assert (tagging.account_regions, tagging.read, tagging.returned, tagging.added) == (3, 3, 6, 3)
    assert tagging.oldest_result_at == NOON
    assert (explorer.read, dict(explorer.failures)) == (2, {NO_INDEX: 1})
