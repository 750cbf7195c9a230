"""Every fault of AWS: reported if it lasts, retried if it passes, without effect on other regions.

One scan for each fault. It is injected in STS for one account, in the first page of a region for
the next, in a page in the middle, and in the last page. The fifth account has no fault.
"""

from __future__ import annotations

from typing import Literal

import pytest

from tag_compliance_tests.fake_aws import FakeAws, Fault, generate_organization
from tag_compliance_tests.support.exposition import CONTRACT
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
ORGANIZATION = generate_organization(5, (FAULTY, OTHER), 250, seed=7)

Region = tuple[str, str]
"""Account id and region."""


def numbers_of(finished: Finished) -> dict[Region, list[str]]:
    """The samples of the ten contract metrics, as lines."""
    found: dict[Region, list[str]] = {}
    for sample in finished.exposition.samples:
        if sample.name in CONTRACT:
            region = (sample.labels["account_id"], sample.labels["region"])
            found.setdefault(region, []).append(sample.line)
    return found


def regions_of(finished: Finished) -> dict[Region, tuple[str, float]]:
    """The reason, and whether the region was read (1) or not (0)."""
    return {
        (s.labels["account_id"], s.labels["region"]): (s.labels["reason"], s.value)
        for s in finished.exposition.samples
        if s.name == "tag_compliance_region_scan_success"
    }


def numbers_by_account(finished: Finished, metric: str) -> dict[str, float]:
    name = f"tag_compliance_account_scan_{metric}"
    return {s.labels["account_id"]: s.value for s in finished.exposition.samples if s.name == name}


def scan(
    program: Program, fault: Fault, where: tuple[str, ...], times: int | None, seconds: float = 60.0
) -> Finished:
    """With this fault in the first calls for each of these accounts, or in all if None."""
    with FakeAws(ORGANIZATION) as fake:
        for account_id in where:
            place = (
                {"operation": "AssumeRole"}
                if account_id == STS
                else {"operation": "GetResources", "region": FAULTY, "page": PAGES[account_id]}
            )
            fake.faults.add(fault, account_id=account_id, times=times, seconds=seconds, **place)
        return program.scan(fake)


@pytest.fixture(scope="module")
def baseline_runs() -> list[Finished]:
    return []


@pytest.fixture
def baseline(program: Program, baseline_runs: list[Finished]) -> Finished:
    """A scan of the same organization without faults: one for all tests."""
    program.configure(ORGANIZATION)
    if not baseline_runs:
        with FakeAws(ORGANIZATION) as fake:
            baseline_runs.append(program.scan(fake))
    (finished,) = baseline_runs
    assert finished.code == 0
    assert len(numbers_of(finished)) == 10
    return finished


# STS returns the same errors for other causes: a role that may not be assumed, an unknown key.
REASONS_IN_STS = {
    Fault.ACCESS_DENIED: "assume_role_denied",
    Fault.REGION_DISABLED: "no_credentials",
}


@pytest.mark.parametrize(
    ("fault", "reason", "where"),
    [
        (Fault.THROTTLED, "throttled", EVERYWHERE),
        (Fault.THROTTLING_EXCEPTION, "throttled", EVERYWHERE),
        (Fault.ACCESS_DENIED, "access_denied", EVERYWHERE),
        (Fault.SCP_DENIED, "scp_denied", EVERYWHERE),
        (Fault.REGION_DISABLED, "region_disabled", EVERYWHERE),
        (Fault.QUOTED_REQUEST, "no_credentials", EVERYWHERE),
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
    ],
)
def test_a_lasting_fault_is_reported_and_only_its_region_has_no_numbers(
    program: Program, baseline: Finished, fault: Fault, reason: str, where: tuple[str, ...]
) -> None:
    program.configure(ORGANIZATION, region_deadline=LONGER_DEADLINES.get(fault, DEADLINE))
    ended = scan(program, fault, where, times=None)

    expected = dict.fromkeys(regions_of(baseline), ("ok", 1.0))
    expected |= {(account_id, FAULTY): (reason, 0.0) for account_id in where}
    if STS in where:
        reason_in_sts = REASONS_IN_STS.get(fault, reason)
        expected |= {(STS, region): (reason_in_sts, 0.0) for region in (FAULTY, OTHER)}
    assert regions_of(ended) == expected
    assert ended.code == 3
    read = {region for region, (reason, _) in expected.items() if reason == "ok"}
    assert numbers_of(ended) == {r: n for r, n in numbers_of(baseline).items() if r in read}
    succeeded = {account_id: float(account_id not in where) for account_id, _ in expected}
    assert numbers_by_account(ended, "success") == succeeded
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("fault", "where", "times"),
    [
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
    ],
)
def test_a_passing_fault_is_retried_counted_and_changes_no_number(
    program: Program, baseline: Finished, fault: Fault, where: tuple[str, ...], times: int
) -> None:
    ended = scan(program, fault, where, times)
    assert ended.code == 0
    assert numbers_of(ended) == numbers_of(baseline)
    retries = {a: float(times * (a in where)) for a in (*EVERYWHERE, UNTOUCHED)}
    assert numbers_by_account(ended, "api_retries") == retries
    throttled = retries if "throttl" in fault else dict.fromkeys(retries, 0.0)
    assert numbers_by_account(ended, "api_throttled_calls") == throttled


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
    ended = scan(program, fault, where, times, seconds=0.3)
    assert ended.code == 0
    assert numbers_of(ended) == numbers_of(baseline)


@pytest.mark.parametrize("fault", [Fault.UNPARSABLE_ARN, Fault.FOREIGN_ACCOUNT])
def test_an_arn_of_the_tagging_api_without_this_account_counts_in_the_account_that_was_read(
    program: Program, baseline: Finished, fault: Fault
) -> None:
    """AWS documents no account id for every ARN of GetResources, so it is not a condition.

    All ARNs of a page that cannot be parsed have the same text, so they are one resource.
    """
    ended = scan(program, fault, (FIRST,), times=None)
    assert ended.code == 0
    assert regions_of(ended) == regions_of(baseline)
    before, after = numbers_of(baseline), numbers_of(ended)
    assert {r: n for r, n in after.items() if r != (FIRST, FAULTY)} == {
        r: n for r, n in before.items() if r != (FIRST, FAULTY)
    }
    counted = _counted(ended, FIRST, FAULTY)
    if fault is Fault.FOREIGN_ACCOUNT:
        assert counted == _counted(baseline, FIRST, FAULTY)
    else:
        types = {
            s.labels["resource_type"]: s.value
            for s in ended.exposition.samples
            if s.name == "tag_compliance_resources_by_type" and s.labels["account_id"] == FIRST
        }
        assert types["unknown:unknown"] == 1
        assert counted == _counted(baseline, FIRST, FAULTY) - 99


def _counted(finished: Finished, account_id: str, region: str) -> float:
    of_region = {"account_id": account_id, "region": region}
    return finished.exposition.value("resources_scanned_total", **of_region)


def test_a_region_is_restarted_a_bounded_number_of_times(program: Program) -> None:
    program.configure(ORGANIZATION)
    with FakeAws(ORGANIZATION) as fake:
        fake.faults.add(
            Fault.PAGINATION_TOKEN_EXPIRED,
            operation="GetResources",
            account_id=LAST,
            region=FAULTY,
            page="last",
        )
        ended = program.scan(fake)
        assert fake.calls.count("GetResources", LAST, FAULTY) == 4 * 3
    assert regions_of(ended)[LAST, FAULTY] == ("expired_token", 0.0)
    assert "started over 3 times" in ended.err
