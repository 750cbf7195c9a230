"""Every fault of AWS: reported if it lasts, retried if it passes, without effect on other regions.

One scan for each fault. It is injected in STS for one account, in the first page of a region for
the next, in a page in the middle, and in the last page. The fifth account has no fault.
"""

from __future__ import annotations

from typing import Literal

import pytest

from tag_compliance_tests.fake_aws import FakeAws, Fault, Organization, generate_organization
from tag_compliance_tests.faults.results import numbers_of, regions_of
from tag_compliance_tests.support.program import Finished, Program

STS, FIRST, MIDDLE, LAST, UNTOUCHED = (f"{100_000_000_000 + number}" for number in range(5))
FAULTY, OTHER = "us-east-1", "eu-west-1"
PAGES: dict[str, int | Literal["last"]] = {FIRST: 0, MIDDLE: 1, LAST: "last"}
EVERYWHERE = (STS, FIRST, MIDDLE, LAST)
IN_PAGES = (FIRST, MIDDLE, LAST)
# Seconds. A lasting fault ends at the deadline; three pages take a fraction of it.
DEADLINE = 2
# Ends by itself, but after megabytes.
LONGER_DEADLINES = {Fault.ENDLESS_BODY: 30}


def organization() -> Organization:
    return generate_organization(5, (FAULTY, OTHER), 250, seed=7)


def inject(
    fake: FakeAws, fault: Fault, where: tuple[str, ...], times: int | None, seconds: float = 60.0
) -> None:
    for account_id in where:
        if account_id == STS:
            fake.faults.add(
                fault, operation="AssumeRole", account_id=STS, times=times, seconds=seconds
            )
        else:
            fake.faults.add(
                fault,
                operation="GetResources",
                account_id=account_id,
                region=FAULTY,
                page=PAGES[account_id],
                times=times,
                seconds=seconds,
            )


def faulty_regions(where: tuple[str, ...]) -> set[tuple[str, str]]:
    return {(a, FAULTY) for a in where} | ({(STS, OTHER)} if STS in where else set())


@pytest.fixture(scope="module")
def baseline_runs() -> list[Finished]:
    return []


@pytest.fixture
def baseline(program: Program, baseline_runs: list[Finished]) -> Finished:
    """A scan of the same organization without faults: one for all tests."""
    program.configure(organization())
    if not baseline_runs:
        with FakeAws(organization()) as fake:
            baseline_runs.append(program.scan(fake))
    (ended,) = baseline_runs
    assert ended.code == 0
    assert len(numbers_of(ended)) == 10
    return ended


def _value(ended: Finished, name: str, account_id: str) -> float:
    return ended.exposition.value(name, account_id=account_id)


LASTING = [
    (Fault.THROTTLED, "throttled", EVERYWHERE),
    (Fault.THROTTLING_EXCEPTION, "throttled", EVERYWHERE),
    (Fault.ACCESS_DENIED, "access_denied", EVERYWHERE),
    (Fault.SCP_DENIED, "scp_denied", EVERYWHERE),
    (Fault.REGION_DISABLED, "region_disabled", EVERYWHERE),
    (Fault.QUOTED_REQUEST, "access_denied", EVERYWHERE),
    (Fault.EXPIRED_TOKEN, "expired_token", EVERYWHERE),
    (Fault.INTERNAL, "internal", EVERYWHERE),
    (Fault.HTTP_503, "internal", EVERYWHERE),
    (Fault.HTTP_503_HTML, "internal", EVERYWHERE),
    (Fault.NOT_JSON, "malformed_response", EVERYWHERE),
    (Fault.TRUNCATED_BODY, "malformed_response", EVERYWHERE),
    (Fault.CUT_CONNECTION, "unreachable", EVERYWHERE),
    (Fault.HANG, "timeout", EVERYWHERE),
    (Fault.SLOW, "timeout", EVERYWHERE),
    (Fault.DRIP_HEAD, "timeout", EVERYWHERE),
    (Fault.DRIP_BODY, "timeout", EVERYWHERE),
    (Fault.CONTINUES, "timeout", EVERYWHERE),
    (Fault.ENDLESS_HEADERS, "timeout", EVERYWHERE),
    (Fault.ENDLESS_BODY, "malformed_response", EVERYWHERE),
    (Fault.PAGINATION_TOKEN_EXPIRED, "expired_token", (MIDDLE, LAST)),
    (Fault.REPEAT_TOKEN, "malformed_response", (MIDDLE, LAST)),
    (Fault.ENDLESS, "timeout", (LAST,)),
    (Fault.MISSING_LIST, "malformed_response", IN_PAGES),
    (Fault.MISSING_ARN, "malformed_response", IN_PAGES),
    (Fault.WRONG_LIST_TYPE, "malformed_response", IN_PAGES),
    (Fault.WRONG_ARN_TYPE, "malformed_response", IN_PAGES),
    (Fault.WRONG_TAGS_TYPE, "malformed_response", IN_PAGES),
]
# In STS these are reported as a denied role.
DENIES_A_ROLE = {Fault.ACCESS_DENIED, Fault.REGION_DISABLED}


@pytest.mark.parametrize(("fault", "reason", "where"), LASTING)
def test_a_lasting_fault_is_reported_and_only_its_region_has_no_numbers(
    program: Program, baseline: Finished, fault: Fault, reason: str, where: tuple[str, ...]
) -> None:
    program.configure(organization(), region_deadline=LONGER_DEADLINES.get(fault, DEADLINE))
    with FakeAws(organization()) as fake:
        inject(fake, fault, where, times=None)
        ended = program.scan(fake)

    faulty = faulty_regions(where)
    reason_in_sts = "assume_role_denied" if fault in DENIES_A_ROLE else reason
    expected = {
        region: (reason_in_sts if region[0] == STS else reason, 0.0)
        if region in faulty
        else ("ok", 1.0)
        for region in regions_of(baseline)
    }
    assert regions_of(ended) == expected
    assert ended.code == 3
    assert numbers_of(ended) == {r: n for r, n in numbers_of(baseline).items() if r not in faulty}
    for account_id in where:
        assert _value(ended, "tag_compliance_account_scan_success", account_id) == 0
    assert _value(ended, "tag_compliance_account_scan_success", UNTOUCHED) == 1
    assert "Traceback" not in ended.err


PASSING = [
    (Fault.THROTTLED, EVERYWHERE, 1),
    (Fault.THROTTLING_EXCEPTION, EVERYWHERE, 2),
    (Fault.EXPIRED_TOKEN, EVERYWHERE, 1),
    (Fault.INTERNAL, EVERYWHERE, 2),
    (Fault.HTTP_503, EVERYWHERE, 1),
    (Fault.HTTP_503_HTML, EVERYWHERE, 1),
    (Fault.NOT_JSON, EVERYWHERE, 2),
    (Fault.TRUNCATED_BODY, EVERYWHERE, 1),
    (Fault.CUT_CONNECTION, EVERYWHERE, 1),
    (Fault.MISSING_LIST, IN_PAGES, 1),
]


@pytest.mark.parametrize(("fault", "where", "times"), PASSING)
def test_a_passing_fault_is_retried_counted_and_changes_no_number(
    program: Program, baseline: Finished, fault: Fault, where: tuple[str, ...], times: int
) -> None:
    with FakeAws(organization()) as fake:
        inject(fake, fault, where, times=times)
        ended = program.scan(fake)

    assert ended.code == 0
    assert numbers_of(ended) == numbers_of(baseline)
    for account_id in (STS, FIRST, MIDDLE, LAST, UNTOUCHED):
        retries = times if account_id in where else 0
        assert _value(ended, "tag_compliance_account_scan_api_retries", account_id) == retries
        throttled = retries if "throttl" in fault else 0
        name = "tag_compliance_account_scan_api_throttled_calls"
        assert _value(ended, name, account_id) == throttled


@pytest.mark.parametrize(
    ("fault", "where", "times"),
    [
        (Fault.EMPTY_PAGE, IN_PAGES, 2),
        (Fault.EXTRA_FIELDS, IN_PAGES, None),
        (Fault.MISSING_TOKEN, (LAST,), None),
        (Fault.SLOW, EVERYWHERE, None),
        (Fault.PAGINATION_TOKEN_EXPIRED, (MIDDLE, LAST), 2),
    ],
)
def test_behaviour_that_aws_allows_itself_changes_no_number(
    program: Program, baseline: Finished, fault: Fault, where: tuple[str, ...], times: int | None
) -> None:
    with FakeAws(organization()) as fake:
        inject(fake, fault, where, times=times, seconds=0.3)
        ended = program.scan(fake)

    assert ended.code == 0
    assert numbers_of(ended) == numbers_of(baseline)


def test_a_region_is_restarted_a_bounded_number_of_times(program: Program) -> None:
    program.configure(organization())
    with FakeAws(organization()) as fake:
        inject(fake, Fault.PAGINATION_TOKEN_EXPIRED, (LAST,), times=None)
        ended = program.scan(fake)

        assert fake.calls.count("GetResources", LAST, FAULTY) == 4 * 3
    assert regions_of(ended)[LAST, FAULTY] == ("expired_token", 0.0)
    assert "started over 3 times" in ended.err
