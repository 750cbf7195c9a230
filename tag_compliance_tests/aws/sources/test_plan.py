"""The configuration decides which sources are read in which region."""

from __future__ import annotations

import pytest

from tag_compliance.aws.sources.plan import enabled_sources, request_of, sources_in
from tag_compliance.config import Config, NeverTagged
from tag_compliance.config.model import AdditionalSource
from tag_compliance.domain.account import RegionName
from tag_compliance.domain.read_status import PlannedSource, Source
from tag_compliance_tests.support.config import settings_of

T, IAM, A, R = Source.TAGGING, Source.IAM, Source.AUTOSCALING, Source.RESOURCE_EXPLORER


def with_sources(never_tagged: NeverTagged, *more: AdditionalSource) -> Config:
    rows = [{"account_id": "111122223333"}]
    return Config.model_validate(
        settings_of(rows, never_tagged=never_tagged, more_sources=list(more))
    )


ALL = with_sources(NeverTagged.COUNT, AdditionalSource.AUTOSCALING, AdditionalSource.IAM)


def test_only_the_tagging_api_is_on_by_default() -> None:
    assert enabled_sources(with_sources(NeverTagged.OFF)) == (T,)


@pytest.mark.parametrize("never_tagged", [NeverTagged.REPORT, NeverTagged.COUNT])
def test_never_tagged_switches_resource_explorer_on(never_tagged: NeverTagged) -> None:
    assert enabled_sources(with_sources(never_tagged)) == (T, R)


def test_the_order_does_not_depend_on_that_of_the_configuration() -> None:
    assert enabled_sources(ALL) == (T, IAM, A, R)


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("us-east-1", (T, IAM, A, R)),
        ("eu-west-1", (T, A, R)),
        ("us-gov-west-1", (T, IAM, A, R)),
        ("us-gov-east-1", (T, A, R)),
    ],
)
def test_iam_is_read_in_the_global_region_only(region: str, expected: tuple[Source, ...]) -> None:
    planned = sources_in(ALL, RegionName(region))
    assert tuple(entry.source for entry in planned) == expected
    assert all(entry.counts for entry in planned)


def test_with_report_only_resource_explorer_does_not_count() -> None:
    planned = sources_in(with_sources(NeverTagged.REPORT), RegionName("eu-west-1"))
    assert planned == (PlannedSource(T), PlannedSource(R, counts=False))


def test_every_source_of_the_configuration_is_a_source() -> None:
    assert {Source(name) for name in AdditionalSource} == {IAM, A}


def test_a_result_is_only_reused_for_the_same_view_and_types() -> None:
    view = ALL.model_copy(update={"resource_explorer_view": "all"})
    requests = [request_of(config, R) for config in (ALL, view, with_sources(NeverTagged.COUNT))]
    assert requests == ["any view", "view all", "any view, without autoscaling:autoScalingGroup"]
    assert request_of(ALL, T) == ""
