"""The history with rules, waivers, sources and exclusions, with real scans of a fake AWS."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from tag_compliance.domain.account import AccountId, AccountName
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.history.changes import SHOWN, AccountChange, ChangedFinding
from tag_compliance.domain.read_status import Outcome
from tag_compliance.pipeline.changes import changes_in_markdown
from tag_compliance.simulator.explorer_index import SimulatedIndex
from tag_compliance.simulator.organization import Account, ListedResources
from tag_compliance.tables.findings import Findings
from tag_compliance.tables.history import HistoryTables
from tag_compliance.tables.raw_resources import RawResources
from tag_compliance_tests.domain.naive import Samples
from tag_compliance_tests.domain.organizations import parsed
from tag_compliance_tests.fake_aws import FakeAws, Fault, Organization
from tag_compliance_tests.pipeline.pipelines import Pipeline, metadata_of
from tag_compliance_tests.pipeline.tables import evaluation_file, inventory_file
from tag_compliance_tests.pipeline.test_concurrent_publications import publish
from tag_compliance_tests.support.aws import REGIONS

SHOP = "111122223333"
REGION = REGIONS[0]
QUEUE = f"arn:aws:sqs:{REGION}:{SHOP}:orders"
RULE: dict[str, Any] = {"id": "env", "tag": "Environment", "required": True, "values": ["prod"]}


@pytest.fixture
def organization() -> Organization:
    """One account with one queue, whose environment is not allowed."""
    organization = Organization()
    shop = organization.add_account(SHOP)
    shop.put(REGION, QUEUE, {"Owner": "a", "CostCenter": "1", "Environment": "test"})
    for region in REGIONS:
        shop.explorer[region] = SimulatedIndex()
    return organization


@pytest.fixture
def shop(organization: Organization) -> Account:
    return organization[SHOP]


@pytest.fixture
def ruled(pipeline: Pipeline, fake: FakeAws) -> Pipeline:
    _configure(pipeline)
    return pipeline


def _configure(pipeline: Pipeline, waiver: dict[str, Any] | None = None, **settings: Any) -> None:
    """`RULE` with changed fields; a waiver of its findings with these fields."""
    rule = {**RULE, **settings.pop("rule", {})}
    content: dict[str, Any] = {"rules": [rule]}
    if waiver is not None:
        known = {"id": "w", "rules": ["env"], "match": {"accounts": [SHOP]}, "owner": "me"}
        until = {"reason": "a migration", "expires": _today(30)}
        content["waivers"] = [{**known, **until, **waiver}]
    (pipeline.folder / "policy.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    pipeline.configure([SHOP], policy="policy.yaml", resource_explorer_refresh=0, **settings)


def _today(days: int = 0) -> Any:
    return utc_now().date() + timedelta(days=days)


def _tag(account: Account, arn: str, tags: dict[str, str] | None) -> None:
    """The resource has these tags from now on; None: it is deleted."""
    region = arn.split(":")[3]
    others = [r for r in account.resources(region) if r.arn != arn]
    account.regions[region] = ListedResources()
    for other in others:
        account.put(region, other.arn, other.tags)
    if tags is not None:
        account.put(region, arn, tags)


class Events:
    """What each scan has opened and closed, of the rule `env`."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._before = Counter[str]()

    def scan(self) -> dict[str, int]:
        self._pipeline.scan()
        return self.new()

    def new(self, *, is_current: bool = True) -> dict[str, int]:
        """`is_current`: the snapshot has the numbers of the reading that the history has."""
        samples = parsed(self._pipeline.current().plain)
        if is_current:
            assert_same_findings(samples)
        now = Counter[str]()
        for (name, found), value in samples.items():
            labels = dict(found)
            if name.endswith(("opened_total", "closed_total")) and labels["rule"] == "env":
                now[labels.get("kind") or labels["why"]] += int(value)
        new, self._before = now - self._before, now
        return dict(new)

    def open(self) -> list[dict[str, Any]]:
        history = HistoryTables(self._pipeline.storage, pytest.fail).load(AccountId(SHOP))
        assert history is not None
        rows = history.tracked.to_pylist()
        return [r for r in rows if r["rule"] == "env" and r["state"] == "open"]


def assert_same_findings(samples: Samples) -> None:
    """By account, rule and severity, the open findings of the history, without those that are
    unseen, are those of the snapshot.
    """
    names = {
        "tag_compliance_open_findings": 1,
        "tag_compliance_open_findings_unseen": -1,
        "tag_compliance_rule_violations": -1,
    }
    found = Counter[tuple[str, ...]]()
    for (name, pairs), value in samples.items():
        if name in names:
            labels = dict(pairs)
            key = tuple(labels[label] for label in ("account_id", "rule", "severity"))
            found[key] += names[name] * int(value)
    assert not {key: number for key, number in found.items() if number}


@pytest.mark.parametrize(
    "fields",
    [{"title": "t"}, {"description": "d"}, {"owner": "o"}, {"severity": "critical"}],
)
def test_a_field_without_effect_on_the_result_opens_and_closes_nothing_as_such(
    ruled: Pipeline, shop: Account, fields: dict[str, Any]
) -> None:
    events = Events(ruled)
    assert events.scan() == {"first_scan": 1}
    _configure(ruled, rule=fields)
    _tag(shop, QUEUE, {"Environment": "prod"})
    assert events.scan() == {"fixed": 1}
    assert events.open() == []


def test_a_changed_rule_closes_and_opens_as_a_change_of_the_policy(
    ruled: Pipeline, shop: Account
) -> None:
    events = Events(ruled)
    assert events.scan() == {"first_scan": 1}
    _configure(ruled, rule={"values": ["prod", "test"]})
    assert events.scan() == {"rule_changed": 1}
    _configure(ruled, rule={"values": ["live"]})
    assert events.scan() == {"policy_change": 1}
    _configure(ruled, rule={"enabled": False})
    assert events.scan() == {"rule_changed": 1}
    _configure(ruled, rule={"values": ["live"]})
    assert events.scan() == {"policy_change": 1}
    _tag(shop, QUEUE, {"Environment": "live"})
    assert events.scan() == {"fixed": 1}


def test_the_end_of_a_waiver_keeps_the_first_opening(ruled: Pipeline) -> None:
    events = Events(ruled)
    assert events.scan() == {"first_scan": 1}
    [first] = events.open()
    _configure(ruled, waiver={})
    assert events.scan() == {"waived": 1}
    assert events.open() == []
    _configure(ruled, waiver={"expires": _today(-1)})
    assert events.scan() == {"waiver_expired": 1}
    [again] = events.open()
    assert again["opened_at"] == first["opened_at"]


def test_a_finding_that_is_waived_from_the_start_opens_when_the_waiver_ends(
    ruled: Pipeline,
) -> None:
    _configure(ruled, waiver={})
    events = Events(ruled)
    assert events.scan() == {}
    started = ruled.current().status.scan_started_at
    _configure(ruled)
    assert events.scan() == {"waiver_expired": 1}
    [row] = events.open()
    assert row["opened_at"] == started


def test_an_exclusion_that_is_set_and_lifted(ruled: Pipeline) -> None:
    events = Events(ruled)
    assert events.scan() == {"first_scan": 1}
    _configure(ruled, excluded_resource_types=["sqs:*"])
    assert events.scan() == {"excluded": 1}
    _configure(ruled)
    assert events.scan() == {"policy_change": 1}


def test_what_aws_owns_is_excluded_or_counts_as_configured(ruled: Pipeline, shop: Account) -> None:
    _tag(shop, QUEUE, None)
    shop.put(REGION, f"arn:aws:rds:{REGION}:{SHOP}:og:default:mysql-8-0", {"a": "b"})
    events = Events(ruled)
    assert events.scan() == {}
    _configure(ruled, aws_owned_resources="count")
    assert events.scan() == {"policy_change": 1}
    _configure(ruled)
    assert events.scan() == {"excluded": 1}


def test_never_tagged_resources_count_only_with_count(ruled: Pipeline, shop: Account) -> None:
    shop.put_never_tagged(REGION, QUEUE + "-2")
    _configure(ruled, never_tagged="report")
    events = Events(ruled)
    assert events.scan() == {"first_scan": 1}, "the tagged one"
    _configure(ruled, never_tagged="count")
    assert events.scan() == {"first_scan": 1}
    assert {row["source"] for row in events.open()} == {"tagging", "resource_explorer"}
    shop.put_never_tagged(REGION, QUEUE + "-3")
    assert events.scan() == {"new_resource": 1}
    _configure(ruled, never_tagged="report")
    assert events.scan() == {"excluded": 2}
    assert [row["source"] for row in events.open()] == ["tagging"]


def test_a_source_is_read_whatever_another_one_of_its_region_does(
    ruled: Pipeline, shop: Account, fake: FakeAws
) -> None:
    shop.put_never_tagged(REGION, QUEUE + "-2")
    _configure(ruled, never_tagged="count")
    events = Events(ruled)
    assert events.scan() == {"first_scan": 2}
    fake.faults.add(Fault.ACCESS_DENIED, operation="GetIndex", region=REGION)
    _tag(shop, QUEUE, {"Environment": "prod"})
    assert events.scan() == {"fixed": 1}
    fake.faults.clear()
    assert events.scan() == {}


def test_a_resource_that_was_tagged_has_another_source_and_its_finding_goes_on(
    ruled: Pipeline, shop: Account
) -> None:
    other = QUEUE + "-2"
    shop.put_never_tagged(REGION, other)
    _configure(ruled, never_tagged="count")
    events = Events(ruled)
    assert events.scan() == {"first_scan": 2}
    shop.never_tagged.clear()
    shop.put(REGION, other, {"Owner": "me"})
    assert events.scan() == {}
    assert [row["source"] for row in events.open()] == ["tagging", "tagging"]


def test_a_reused_result_is_not_a_further_reading(ruled: Pipeline, shop: Account) -> None:
    shop.put_never_tagged(REGION, QUEUE + "-2")
    _configure(ruled, never_tagged="count")
    events = Events(ruled)
    events.scan()
    shop.never_tagged.clear()
    assert events.scan() == {}
    [missing] = [r for r in events.open() if r["arn"] != QUEUE]
    assert missing["missing_readings"] == 1
    ruled.configure(policy="policy.yaml", never_tagged="count", resource_explorer_refresh=3600)
    for _ in range(3):
        assert events.scan() == {}
    [missing] = [r for r in events.open() if r["arn"] != QUEUE]
    assert missing["missing_readings"] == 1
    _configure(ruled, never_tagged="count")
    assert events.scan() == {}
    assert events.scan() == {"gone": 1}


def test_a_scan_that_read_nothing_and_the_reading_before_it_count_nothing_twice(
    ruled: Pipeline, shop: Account, fake: FakeAws
) -> None:
    """One source of the region is read; as another one fails, the tables stay as they were."""
    _configure(ruled, never_tagged="count")
    events = Events(ruled)
    assert events.scan() == {"first_scan": 1}
    fake.faults.add(Fault.ACCESS_DENIED, operation="GetIndex")
    _tag(shop, QUEUE, {"Environment": "prod"})
    ruled.scan()
    assert ruled.last_outcome() is Outcome.NOTHING
    assert events.new(is_current=False) == {"fixed": 1}
    publish(ruled, "again")
    assert events.new(is_current=False) == {}
    fake.faults.clear()
    assert events.scan() == {}
    assert events.open() == []


def test_an_older_reading_does_not_change_the_history(ruled: Pipeline, shop: Account) -> None:
    """A run that is published late, with what another run has replaced meanwhile."""
    events, storage = Events(ruled), ruled.storage
    assert events.scan() == {"first_scan": 1}
    names = inventory_file(SHOP), evaluation_file(SHOP)
    old = {name: storage.read(name) for name in names}
    _tag(shop, QUEUE, {"Environment": "prod"})
    assert events.scan() == {"fixed": 1}
    for name, stored in old.items():
        assert stored is not None
        storage.write(name, stored.data)
    publish(ruled, "late")
    assert events.new(is_current=False) == {}
    assert events.open() == []


def test_an_evaluation_without_its_resources_does_not_change_the_history(
    ruled: Pipeline, shop: Account
) -> None:
    """The process was killed after it had stored the first of the two."""
    events, storage = Events(ruled), ruled.storage
    assert events.scan() == {"first_scan": 1}
    before = storage.read(inventory_file(SHOP))
    shop.put(REGION, QUEUE + "-2", {"Environment": "test"})
    _tag(shop, QUEUE, None)
    ruled.run(ruled.requests()[0])
    assert before is not None
    storage.write(inventory_file(SHOP), before.data)
    assert RawResources(storage, pytest.fail).load(AccountId(SHOP)) is not None
    stored = Findings(storage, pytest.fail).load(AccountId(SHOP))
    assert stored is not None
    publish(ruled, "killed")
    [row] = events.open()
    assert (row["arn"], row["missing_readings"]) == (QUEUE, 0)
    ruled.scan()
    assert {(r["arn"], r["opened_kind"], r["missing_readings"]) for r in events.open()} == {
        (QUEUE, "first_scan", 1),
        (QUEUE + "-2", "new_resource", 0),
    }


def test_the_metadata_show_what_is_new_what_was_fixed_and_who_got_worse(
    ruled: Pipeline, shop: Account
) -> None:
    ruled.scan()
    shown = metadata_of(ruled.instance, "violation_history")["changes"]
    link = f"https://console.aws.amazon.com/go/view?arn={quote(QUEUE, safe='')}"
    assert f"**New**\n\n* medium env: [{SHOP} orders]({link})" in shown
    assert "**More open findings than before**" in shown
    assert ": 0 → 1" in shown
    _tag(shop, QUEUE, {"Owner": "a", "CostCenter": "1", "Environment": "prod"})
    ruled.scan()
    shown = metadata_of(ruled.instance, "violation_history")["changes"]
    assert shown == f"**Fixed**\n\n* medium env: [{SHOP} orders]({link})"
    ruled.scan()
    assert "changes" not in metadata_of(ruled.instance, "violation_history")


def test_the_changes_have_a_bounded_size_and_strangers_write_no_markdown() -> None:
    account_id = AccountId(SHOP)
    arn = f"arn:aws:sqs:{REGION}:{SHOP}:](javascript:x)<b>![https://bad.example/" + "x" * 2_000
    found = tuple(ChangedFinding(account_id, arn, "env", "high") for _ in range(SHOWN))
    change = AccountChange(account_id, AccountName("<i>[x](y)"), 1, 9, found, found)
    text = changes_in_markdown([change] * 50)
    assert len(text) < 3_000
    assert not re.findall(r"(?<!\\)[\[\]<!]", text)
    assert "bad" in text
    assert "://" not in text, "a bare URL would be a link"
