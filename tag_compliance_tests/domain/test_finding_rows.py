"""The report rows of an account: columns, order, filters, owners, links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.domain.account import AccountId, AccountName
from tag_compliance.domain.evaluation import counted_resources
from tag_compliance.domain.finding_rows import (
    AccountFindings,
    ReportedAccount,
    RowSettings,
    rows_of_account,
)
from tag_compliance.domain.owners import AccountOwner
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.report_filter import FindingFilter
from tag_compliance.domain.report_row import ORDER, ConsoleLink, ReportRow, console_url
from tag_compliance.domain.resources import AccountInventory
from tag_compliance_tests.domain.organizations import (
    NOON,
    accounts,
    evaluated,
    inventory,
    inventory_of,
    required_tags,
)

POLICY = Policy(("Owner", "Env"))
SETTINGS = RowSettings(NOON, owner_tags=("Owner", "Team"))
ARN = "arn:aws:ec2:eu-west-1:111122223333:vpc/"


def account_findings(read: AccountInventory, policy: Policy = POLICY) -> AccountFindings:
    evaluation = evaluated(read, policy)
    account = ReportedAccount(
        read.status.account_id, read.status.account_name, "Workloads/Prod", AccountOwner()
    )
    resources = counted_resources(read, policy, evaluation.basis)
    return AccountFindings(account, evaluation.findings, resources)


def rows_of(
    *resources: tuple[str, Mapping[str, str]], settings: RowSettings = SETTINGS, **changes: Any
) -> list[ReportRow]:
    """Of the resources `name, tags` in one region; `changes` are of the account."""
    read = inventory(*(("eu-west-1", ARN + name, tags) for name, tags in resources))
    found = account_findings(read)
    found = replace(found, account=replace(found.account, **changes))
    return list(rows_of_account(found, settings))


def test_a_row_has_every_column() -> None:
    [row] = rows_of(("a", {"Env": "x", "Team": "platform"}))
    assert row == ReportRow(
        snapshot_time=NOON,
        account_id="111122223333",
        account_name="shop",
        ou_path="Workloads/Prod",
        region="eu-west-1",
        service="ec2",
        resource_type="ec2:vpc",
        arn=f"{ARN}a",
        rule="required-tag-Owner",
        severity="medium",
        codes=("missing",),
        tag="Owner",
        state="open",
        waiver=None,
        waiver_expires=None,
        opened_at=None,
        age_days=None,
        owner="platform",
        owner_source="tag:Team",
        source="tagging",
        tags={"Env": "x", "Team": "platform"},
        console_url=(
            "https://console.aws.amazon.com/go/view?arn="
            "arn%3Aaws%3Aec2%3Aeu-west-1%3A111122223333%3Avpc%2Fa"
        ),
    )


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_every_finding_has_one_row_in_the_order_of_reports(data: st.DataObject) -> None:
    required = data.draw(required_tags())
    for account in data.draw(accounts(required)):
        read = inventory_of(account)
        found = account_findings(read, Policy(tuple(required)))
        rows = list(rows_of_account(found, SETTINGS))
        keys = [tuple(getattr(row, name) for name in ORDER) for row in rows]
        assert keys == sorted(keys)
        listed = zip(*(found.findings[n].to_pylist() for n in ("arn", "rule")), strict=True)
        assert sorted((row.arn, row.rule) for row in rows) == sorted(listed)
        tags = {
            (row["arn"], row["region"]): dict(row["tags"]) for row in found.resources.to_pylist()
        }
        assert all(row.tags == tags[row.arn, row.region] for row in rows)


@pytest.mark.parametrize(
    ("tags", "owner", "source"),
    [
        ({"Team": "b", "Owner": "a"}, "a", "tag:Owner"),
        ({"Team": "b"}, "b", "tag:Team"),
        ({"Team": "b", "Owner": ""}, "b", "tag:Team"),
        ({"Team": " ", "Owner": "\t"}, "cloud team", "account"),
        ({"owner": "x"}, "cloud team", "account"),
        ({"Owner": " a "}, " a ", "tag:Owner"),
    ],
)
def test_the_first_owner_tag_with_a_value_wins_before_the_account(
    tags: dict[str, str], owner: str, source: str
) -> None:
    rows = rows_of(("a", tags), ("b", {}), owner=AccountOwner("cloud team", "account"))
    assert {(row.owner, row.owner_source) for row in rows if row.arn.endswith("a")} == {
        (owner, source)
    }
    assert {(row.owner, row.owner_source) for row in rows if row.arn.endswith("b")} == {
        ("cloud team", "account")
    }


def test_without_any_owner_the_source_is_none() -> None:
    assert {(row.owner, row.owner_source) for row in rows_of(("a", {"x": "y"}))} == {(None, "none")}
    plain = replace(SETTINGS, owner_tags=())
    rows = rows_of(("a", {"Team": "y"}), settings=plain)
    assert {(row.owner, row.owner_source) for row in rows} == {(None, "none")}


def test_without_values_only_the_owner_is_shown() -> None:
    hidden = replace(SETTINGS, show_values=False)
    [row] = rows_of(("a", {"Env": "secret", "Team": "platform"}), settings=hidden)
    assert row.tags == {"Env": None, "Team": None}
    assert row.owner == "platform"


def test_a_finding_whose_resource_is_not_known_has_no_tags_and_the_owner_of_the_account() -> None:
    read = inventory(("eu-west-1", f"{ARN}a", {}), ("eu-west-1", f"{ARN}b", {"Owner": "me"}))
    found = account_findings(read)
    account = replace(found.account, owner=AccountOwner("cloud team", "organization"))
    unknown = replace(found, account=account, resources=found.resources.slice(1))
    first, second, other = rows_of_account(unknown, SETTINGS)
    assert first.tags == second.tags == {}
    assert (first.owner, first.owner_source, first.source) == ("cloud team", "organization", "")
    assert (other.owner, other.source) == ("me", "tagging")


def test_openings_and_the_last_day_of_a_waiver_are_joined() -> None:
    found = account_findings(inventory(("eu-west-1", f"{ARN}a", {})))
    opened_at = NOON - timedelta(days=2, hours=23)
    opened = pa.table(
        {
            "arn": [f"{ARN}a", f"{ARN}b"],
            "rule": pa.array(["required-tag-Env"] * 2).dictionary_encode(),
            "opened_at": pa.array([opened_at, NOON], pa.timestamp("us", "UTC")),
        }
    )
    waived = found.findings.set_column(
        found.findings.schema.get_field_index("waiver"),
        "waiver",
        pa.array([None, "W-1"], pa.string()).dictionary_encode(),
    )
    expires = {"W-1": date(2026, 12, 31)}
    rows = rows_of_account(
        replace(found, findings=waived, opened=opened), replace(SETTINGS, waiver_expires=expires)
    )
    env, owner = rows
    assert (env.waiver, env.waiver_expires) == ("W-1", date(2026, 12, 31))
    assert (env.opened_at, env.age_days) == (opened_at.astimezone(UTC), 2)
    assert (owner.opened_at, owner.age_days, owner.waiver_expires) == (None, None, None)


FILTERS: Sequence[tuple[FindingFilter, set[str]]] = [
    (FindingFilter(), {"vpc a Env", "vpc a Owner", "bucket b Env"}),
    (FindingFilter(state="waived"), set()),
    (FindingFilter(rules=("*Env",)), {"vpc a Env", "bucket b Env"}),
    (FindingFilter(rules=("required-tag-env",)), set()),
    (FindingFilter(types=("VPC",)), {"vpc a Env", "vpc a Owner"}),
    (FindingFilter(types=("s3:*", "rds:db")), {"bucket b Env"}),
    (FindingFilter(types=("vp",), rules=("*Owner",)), {"vpc a Owner"}),
    (FindingFilter(owners=("me",)), {"bucket b Env"}),
    (FindingFilter(owners=("(none)", "you")), {"vpc a Env", "vpc a Owner"}),
    (FindingFilter(tags=(("Owner", "me"),)), {"bucket b Env"}),
    (FindingFilter(tags=(("Owner", "m"), ("x", "1"))), {"vpc a Env", "vpc a Owner"}),
    (FindingFilter(regions=("us-east-1",)), {"bucket b Env"}),
    (FindingFilter(severities=("high", "low")), set()),
    (FindingFilter(account_ids=("1",)), set()),
    (FindingFilter(ous=("Work", "Workloads/Prod/x")), set()),
    (FindingFilter(ous=("Workloads",), rules=("*Owner",)), {"vpc a Owner"}),
]


@pytest.mark.parametrize(("chosen", "expected"), FILTERS)
def test_a_filter_chooses_by_every_column_that_it_names(
    chosen: FindingFilter, expected: set[str]
) -> None:
    vpc = inventory(("eu-west-1", f"{ARN}a", {"x": "1"}))
    bucket = inventory(("us-east-1", "arn:aws:s3:::b", {"Owner": "me"}), resource_type="s3:bucket")
    read = replace(
        vpc,
        status=replace(vpc.status, regions=(*vpc.status.regions, *bucket.status.regions)),
        resources=pa.concat_tables([vpc.resources, bucket.resources]).unify_dictionaries(),
    )
    found = account_findings(read)
    rows = list(rows_of_account(found, SETTINGS, chosen))
    names = {f"{r.resource_type[3:].strip(':')} {r.arn[-1]} {r.tag}" for r in rows}
    assert names == expected
    everything = rows_of_account(found, SETTINGS)
    assert [row for row in everything if chosen.matches(row)] == rows


def test_the_link_leads_through_the_access_portal_if_there_is_one() -> None:
    link = ConsoleLink("https://corp.awsapps.com/start/", "ReadOnly")
    url = console_url(f"{ARN}a", "111122223333", link)
    assert url == (
        "https://corp.awsapps.com/start/#/console?account_id=111122223333&role_name=ReadOnly"
        "&destination=https%3A%2F%2Fconsole.aws.amazon.com%2Fgo%2Fview%3Farn%3D"
        "arn%253Aaws%253Aec2%253Aeu-west-1%253A111122223333%253Avpc%252Fa"
    )
    assert console_url("arn:aws-cn:ec2:cn-north-1:1:vpc/a", "1") is None
    assert console_url("what?", "1") is None


def test_an_age_is_never_negative_and_an_account_without_findings_has_no_rows() -> None:
    assert rows_of(("a", {"Owner": "", "Env": ""})) == []
    assert rows_of() == []
    found = account_findings(inventory(("eu-west-1", f"{ARN}a", {"Env": ""})))
    later = pa.array([datetime(2027, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC"))
    rules = pa.array(["required-tag-Owner"]).dictionary_encode()
    opened = pa.table({"arn": [f"{ARN}a"], "rule": rules, "opened_at": later})
    [row] = rows_of_account(replace(found, opened=opened), SETTINGS)
    assert row.age_days == 0
    assert (AccountId(row.account_id), AccountName(row.account_name)) == ("111122223333", "shop")
