"""A scan with `more_sources`: what it publishes, and what a fault of one source changes."""

from __future__ import annotations

from typing import Any

import pytest

from tag_compliance_tests.fake_aws import FakeAws, Fault, generate_organization
from tag_compliance_tests.faults.test_matrix import numbers_of, regions_of
from tag_compliance_tests.support.program import Finished, Program

FIRST, SECOND = "100000000000", "100000000001"
HOME, OTHER = "us-east-1", "eu-west-1"
ORGANIZATION = generate_organization(2, (OTHER, HOME), 20, seed=7)
SETTINGS: dict[str, Any] = {"more_sources": ["iam", "autoscaling"], "region_deadline": 2}
LIST = "ListRoles"
DETAILS, DESCRIBE = "GetAccountAuthorizationDetails", "DescribeAutoScalingGroups"


def samples_of(finished: Finished, metric: str) -> dict[tuple[str, ...], float]:
    """By account, region and the values of the labels that only this metric has."""
    common = {"account_id", "account_name", "region"}
    return {
        (
            sample.labels["account_id"],
            sample.labels["region"],
            *(value for name, value in sample.labels.items() if name not in common),
        ): sample.value
        for sample in finished.exposition.samples
        if sample.name == metric
    }


@pytest.fixture
def scan(program: Program) -> Any:
    """Scans with these faults, each an operation, an account and a fault."""

    def scan(*faults: tuple[str, str, Fault], **changed: Any) -> Finished:
        program.configure(ORGANIZATION, **SETTINGS | changed)
        with FakeAws(ORGANIZATION) as fake:
            for operation, account_id, fault in faults:
                fake.faults.add(fault, operation=operation, account_id=account_id)
            return program.scan(fake)

    return scan


@pytest.mark.parametrize("iam_tags_from", ["account_details", "list_tags"])
def test_roles_users_and_groups_count_like_any_resource(scan: Any, iam_tags_from: str) -> None:
    # 33 calls for tags, at most 10 per second.
    ended = scan(iam_tags_from=iam_tags_from, region_deadline=60)

    assert ended.code == 0
    account = ORGANIZATION[FIRST]
    owned = [p for p in account.roles_and_users if "/aws-" in p.arn]
    assert len(owned) == 3
    counted = samples_of(ended, "resources_scanned_total")
    groups = {region: len(found) for region, found in account.auto_scaling_groups.items()}
    assert counted[FIRST, OTHER] == 20 + groups[OTHER]
    assert counted[FIRST, HOME] == 20 + groups[HOME] + len(account.roles_and_users) - len(owned)
    assert samples_of(ended, "tag_compliance_excluded_resources") == {
        (account_id, HOME, "iam:role", "aws_owned"): 3.0 for account_id in (FIRST, SECOND)
    }
    compliant = samples_of(ended, "tag_compliant_total")
    tagged = [
        resource
        for resource in (
            *account.resources(HOME),
            *account.roles_and_users,
            *account.auto_scaling_groups[HOME],
        )
        if "Owner" in resource.tags
    ]
    assert compliant[FIRST, HOME, "Owner"] == len(tagged)


def test_what_aws_owns_counts_on_request(scan: Any) -> None:
    ended = scan(aws_owned_resources="count")

    counted = samples_of(ended, "resources_scanned_total")
    assert counted[FIRST, HOME] == 20 + 5 + len(ORGANIZATION[FIRST].roles_and_users)
    assert samples_of(ended, "tag_compliance_excluded_resources") == {}


def test_a_pattern_takes_precedence_over_what_aws_owns(scan: Any) -> None:
    ended = scan(excluded_resource_types=["iam:role"])

    excluded = samples_of(ended, "tag_compliance_excluded_resources")
    roles = [p for p in ORGANIZATION[FIRST].roles_and_users if ":role/" in p.arn]
    assert excluded[FIRST, HOME, "iam:role", "pattern"] == len(roles)
    assert (FIRST, HOME, "iam:role", "aws_owned") not in excluded


def test_iam_is_not_read_if_the_global_region_is_not_configured(program: Program) -> None:
    organization = generate_organization(1, (OTHER,), 20)
    program.configure(organization, **SETTINGS)
    with FakeAws(organization) as fake:
        ended = program.scan(fake)
        assert fake.calls.count(DETAILS) == 0
        assert fake.calls.count(DESCRIBE) == 1
    assert ended.code == 0
    assert samples_of(ended, "resources_scanned_total") == {(FIRST, OTHER): 25.0}


@pytest.mark.parametrize(
    ("operation", "fault", "reason", "regions"),
    [
        (DETAILS, Fault.ACCESS_DENIED, "access_denied", [HOME]),
        (DETAILS, Fault.SCP_DENIED, "scp_denied", [HOME]),
        (DETAILS, Fault.THROTTLED, "throttled", [HOME]),
        (DETAILS, Fault.EXPIRED_TOKEN, "expired_token", [HOME]),
        (DETAILS, Fault.MISSING_LIST, "malformed_response", [HOME]),
        (DETAILS, Fault.NOT_JSON, "malformed_response", [HOME]),
        (DETAILS, Fault.REPEAT_TOKEN, "malformed_response", [HOME]),
        (DETAILS, Fault.FOREIGN_ACCOUNT, "malformed_response", [HOME]),
        (DETAILS, Fault.HANG, "timeout", [HOME]),
        (DESCRIBE, Fault.ACCESS_DENIED, "access_denied", [HOME, OTHER]),
        (DESCRIBE, Fault.THROTTLED, "throttled", [HOME, OTHER]),
        (DESCRIBE, Fault.EXPIRED_TOKEN, "expired_token", [HOME, OTHER]),
        (DESCRIBE, Fault.REPEAT_TOKEN, "malformed_response", [HOME, OTHER]),
        (DESCRIBE, Fault.FOREIGN_ACCOUNT, "malformed_response", [HOME, OTHER]),
        (DESCRIBE, Fault.REGION_DISABLED, "region_disabled", [HOME, OTHER]),
    ],
)
def test_a_source_that_fails_makes_its_region_incomplete_and_changes_no_other(
    scan: Any, operation: str, fault: Fault, reason: str, regions: list[str]
) -> None:
    complete = scan()
    ended = scan((operation, FIRST, fault))

    assert ended.code == 3
    failed = {(FIRST, region) for region in regions}
    assert regions_of(ended) == {
        region: (reason, 0.0) if region in failed else ("ok", 1.0)
        for region in regions_of(complete)
    }
    assert numbers_of(ended) == {
        region: lines for region, lines in numbers_of(complete).items() if region not in failed
    }
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("operation", "fault", "reason"),
    [
        (LIST, Fault.THROTTLED, "throttled"),
        (LIST, Fault.EXPIRED_TOKEN, "expired_token"),
        (LIST, Fault.REPEAT_TOKEN, "malformed_response"),
        (LIST, Fault.FOREIGN_ACCOUNT, "malformed_response"),
        ("ListUserTags", Fault.THROTTLED, "throttled"),
    ],
)
def test_roles_and_users_that_are_listed_fail_like_those_that_are_read_at_once(
    scan: Any, operation: str, fault: Fault, reason: str
) -> None:
    ended = scan((operation, FIRST, fault), iam_tags_from="list_tags", region_deadline=8)

    assert ended.code == 3
    expected = {(a, r): ("ok", 1.0) for a in (FIRST, SECOND) for r in (HOME, OTHER)}
    assert regions_of(ended) == {**expected, (FIRST, HOME): (reason, 0.0)}
    assert set(numbers_of(ended)) == set(expected) - {(FIRST, HOME)}


@pytest.mark.parametrize(
    ("operation", "region", "resources"),
    [
        (DETAILS, HOME, len(ORGANIZATION[FIRST].roles_and_users)),
        # All groups of a page have the same text instead of an ARN, so they are one resource.
        (DESCRIBE, OTHER, len(ORGANIZATION[FIRST].auto_scaling_groups[OTHER])),
    ],
)
def test_an_arn_that_cannot_be_parsed_counts_as_a_resource_of_unknown_type(
    scan: Any, operation: str, region: str, resources: int
) -> None:
    ended = scan((operation, FIRST, Fault.UNPARSABLE_ARN))

    assert ended.code == 0
    found = samples_of(ended, "tag_compliance_resources_by_type")
    assert found[FIRST, region, "unknown:unknown"] == resources


def test_a_failed_source_keeps_the_last_numbers_of_its_region(scan: Any) -> None:
    complete = scan(on_failure="keep_last")
    ended = scan((DETAILS, FIRST, Fault.ACCESS_DENIED), on_failure="keep_last")

    assert ended.code == 3
    assert {r: sorted(lines) for r, lines in numbers_of(ended).items()} == {
        r: sorted(lines) for r, lines in numbers_of(complete).items()
    }
    assert regions_of(ended)[FIRST, HOME] == ("access_denied", 0.0)
