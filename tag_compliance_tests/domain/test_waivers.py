"""On which days a waiver covers which findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tag_compliance.domain.evaluation import Evaluation, basis_of, evaluate
from tag_compliance.domain.waivers import WaiverState, WaiverUse
from tag_compliance_tests.domain.organizations import NOON, inventory
from tag_compliance_tests.domain.policies import TODAY, policy, waiver

_ACCOUNT = inventory(("eu-west-1", "arn:aws:ec2:eu-west-1:111122223333:vpc/a", {}))
_DAY = timedelta(days=1)


def _evaluated(waivers: Sequence[Mapping[str, Any]], at: datetime = NOON) -> Evaluation:
    chosen = policy([{"id": "owner", "tag": "Owner", "required": True}], waivers)
    return evaluate(_ACCOUNT, chosen, basis_of(_ACCOUNT.status, chosen, at))


def _named(waivers: Sequence[Mapping[str, Any]], at: datetime = NOON) -> str | None:
    [finding] = _evaluated(waivers, at).findings.to_pylist()
    assert finding["state"] == ("open" if finding["waiver"] is None else "waived")
    named: str | None = finding["waiver"]
    return named


@pytest.mark.parametrize(
    ("expires", "covers"),
    [(TODAY - _DAY, False), (TODAY, True), (TODAY + _DAY, True)],
    ids=["yesterday", "today", "tomorrow"],
)
def test_a_waiver_covers_until_the_end_of_its_last_day(expires: date, covers: bool) -> None:
    assert _named([waiver(expires=expires)]) == ("w" if covers else None)


@pytest.mark.parametrize("hour", [0, 12, 23])
def test_two_scans_on_the_same_utc_day_agree(hour: int) -> None:
    at = NOON.replace(hour=hour, minute=59, second=59)
    assert _named([waiver(expires=TODAY)], at) == "w"
    assert _named([waiver(expires=TODAY - _DAY)], at) is None


def test_a_waiver_can_expire_on_a_leap_day() -> None:
    covering = replace(policy([], [waiver()]).waivers[0], expires=date(2028, 2, 29))
    assert covering.state(date(2028, 2, 29)) == WaiverState.ACTIVE
    assert covering.state(date(2028, 3, 1)) == WaiverState.EXPIRED
    assert covering.ends_at == datetime(2028, 3, 1, tzinfo=UTC)


def test_of_two_waivers_the_one_that_expires_last_is_named_and_both_are_used() -> None:
    waivers = [waiver("soon", expires=TODAY), waiver("late", expires=TODAY + 2 * _DAY)]
    for listed in (waivers, waivers[::-1]):
        assert _named(listed) == "late"
        uses = _evaluated(listed).summary.waiver_uses
        assert uses == {"soon": WaiverUse(1, 0), "late": WaiverUse(1, 1)}


def test_of_two_waivers_that_expire_on_the_same_day_the_first_in_the_file_is_named() -> None:
    assert _named([waiver("first"), waiver("second")]) == "first"


def test_an_expired_waiver_gives_way_to_one_that_is_valid_and_is_used_all_the_same() -> None:
    waivers = [waiver("old", expires=TODAY - _DAY), waiver("valid", expires=TODAY)]
    assert _named(waivers) == "valid"
    assert _evaluated(waivers).summary.waiver_uses["old"] == WaiverUse(1, 0)


@pytest.mark.parametrize(
    "changed",
    [
        {"rules": ["no-such-rule"]},
        {"match": {"accounts": ["999999999999"]}},
        {"match": {"ous": ["Work"]}},
        {"match": {"regions": ["us-*"]}},
        {"match": {"types": ["s3:*"]}},
        {"match": {"arns": ["*:vpc/b"]}},
        {"match": {"accounts": ["*"], "types": ["s3:*"]}},
    ],
    ids=str,
)
def test_a_waiver_that_matches_nothing_covers_nothing_and_is_unused(
    changed: dict[str, Any],
) -> None:
    assert _named([waiver(**changed)]) is None
    assert _evaluated([waiver(**changed)]).summary.waiver_uses == {"w": WaiverUse()}


def test_a_waiver_makes_no_resource_compliant_in_the_contract_metrics() -> None:
    chosen = policy([], [waiver()], required=("Owner",))
    summary = evaluate(_ACCOUNT, chosen, basis_of(_ACCOUNT.status, chosen, NOON)).summary
    assert summary.total.compliant == 0
    [types] = summary.types.to_pylist()
    assert (types["without_open_findings"], types["without_findings"]) == (1, 0)
    [rule] = summary.rules.to_pylist()
    assert (rule["violations"], rule["waived"]) == (1, 1)
