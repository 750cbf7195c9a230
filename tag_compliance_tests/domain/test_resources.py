"""What an inventory carries forward when regions fail, and which resources have a tag key."""

from __future__ import annotations

from datetime import datetime, timedelta

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.domain.account import RegionName
from tag_compliance.domain.read_status import ReadStatus, Reason, RegionReadStatus, Source
from tag_compliance.domain.resources import RESOURCE_SCHEMA, AccountInventory, TaggedResources
from tag_compliance_tests.domain.organizations import NOON, inventory, region_read, table_of

_BEFORE = NOON - timedelta(hours=1)


_GOOD = inventory(
    ("eu-west-1", "old-eu", {}),
    ("us-east-1", "old-us", {}),
    regions=[region_read(name, last_success_at=_BEFORE) for name in ("eu-west-1", "us-east-1")],
    started_at=_BEFORE,
    last_success_at=_BEFORE,
)
_HALF = inventory(
    ("eu-west-1", "new-eu", {}),
    regions=[
        region_read("eu-west-1", last_success_at=NOON),
        region_read("us-east-1", Reason.THROTTLED),
    ],
    last_success_at=None,
)


def _rows(account: AccountInventory) -> dict[str, str]:
    columns = (account.resources[name].to_pylist() for name in ("region", "arn"))
    return dict(zip(*columns, strict=True))


def test_a_failed_region_keeps_its_last_good_rows_and_their_time() -> None:
    kept = _HALF.carry_forward(_GOOD)
    assert _rows(kept) == {"eu-west-1": "new-eu", "us-east-1": "old-us"}
    assert [r.last_success_at for r in kept.status.regions] == [NOON, _BEFORE]
    assert [r.reason for r in kept.status.regions] == [Reason.OK, Reason.THROTTLED]
    assert kept.status.last_success_at == _BEFORE
    assert kept.resources.schema.equals(RESOURCE_SCHEMA)


def test_the_last_good_rows_survive_any_number_of_failures() -> None:
    kept = _GOOD
    for _ in range(3):
        kept = _HALF.carry_forward(kept)
    assert _rows(kept) == {"eu-west-1": "new-eu", "us-east-1": "old-us"}
    assert kept.status.regions[1].last_success_at == _BEFORE


def test_a_region_that_is_read_again_keeps_no_old_row() -> None:
    assert _rows(_GOOD.carry_forward(_HALF.carry_forward(_GOOD))) == _rows(_GOOD)


def test_a_new_region_whose_first_reading_fails_has_no_last_success() -> None:
    only_eu = inventory(("eu-west-1", "old-eu", {}))
    kept = _HALF.carry_forward(only_eu)
    assert kept.status.regions[1].last_success_at is None
    assert _rows(kept) == {"eu-west-1": "new-eu"}


def _of_sources(at: datetime, *arns: str, explorer: Reason = Reason.OK) -> AccountInventory:
    """A region whose sources returned one resource each."""
    end = at if explorer is Reason.OK else None
    readings = (
        ReadStatus(Source.TAGGING, Reason.OK, last_success_at=at),
        ReadStatus(Source.RESOURCE_EXPLORER, explorer, last_success_at=end, counts=False),
    )
    region = RegionReadStatus(RegionName("eu-west-1"), readings)
    rows = [
        {"region": "eu-west-1", "arn": arn, "resource_type": "s3:bucket", "tags": [], "source": s}
        for arn, s in zip(arns, (Source.TAGGING, Source.RESOURCE_EXPLORER), strict=False)
    ]
    status = inventory(regions=[region], started_at=at, last_success_at=at).status
    return AccountInventory(status, pa.Table.from_pylist(rows, schema=RESOURCE_SCHEMA))


def test_only_the_source_that_failed_keeps_its_last_good_rows() -> None:
    before = _of_sources(_BEFORE, "old-tagged", "old-explored")
    failed = _of_sources(NOON, "new-tagged", explorer=Reason.THROTTLED)
    kept = failed.carry_forward(before)
    assert kept.resources["arn"].to_pylist() == ["new-tagged", "old-explored"]
    tagging, explorer = kept.status.regions[0].sources
    assert (tagging.last_success_at, explorer.last_success_at) == (NOON, _BEFORE)
    assert explorer.reason is Reason.THROTTLED
    assert kept.status.succeeded


KEYS = st.sampled_from(["Owner", "owner", "", "Ünï", "Stage"])
TAGS = st.lists(st.dictionaries(KEYS, st.text(max_size=2)), max_size=12)


def table(tags: list[dict[str, str]]) -> pa.Table:
    return table_of(
        ("eu-west-1", {"arn": "arn:a", "resource_type": "s3:bucket", "tags": one}) for one in tags
    )


@settings(deadline=None)
@given(TAGS, KEYS)
def test_a_key_is_found_exactly_and_whatever_its_value(
    tags: list[dict[str, str]], key: str
) -> None:
    resources = TaggedResources(table(tags))

    assert len(resources) == len(tags)
    assert resources.has_key(key).tolist() == [key in one for one in tags]


@settings(deadline=None)
@given(TAGS, st.integers(0, 12), st.integers(0, 12), KEYS)
def test_keys_are_found_in_slices_and_chunks_of_a_table(
    tags: list[dict[str, str]], start: int, length: int, key: str
) -> None:
    whole = table(tags)
    part = pa.concat_tables([whole.slice(start, length), whole.slice(0, start)])
    expected = tags[start : start + length] + tags[:start]

    assert TaggedResources(part).has_key(key).tolist() == [key in one for one in expected]
