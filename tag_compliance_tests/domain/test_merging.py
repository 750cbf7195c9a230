"""Sources are merged by ARN: nothing is counted twice, and each number is that of a naive merge."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.domain.account import RegionName
from tag_compliance.domain.arn import type_of
from tag_compliance.domain.merging import MergedRows, SourceRows
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.read_status import ReadStatus, Reason, RegionReadStatus, Source
from tag_compliance.domain.resources import RESOURCE_SCHEMA, AccountInventory
from tag_compliance.snapshot.exposition import render
from tag_compliance_tests.domain import naive, naive_sources
from tag_compliance_tests.domain.organizations import families_of, inventory, parsed, patterns

EU, US = RegionName("eu-west-1"), RegionName("us-east-1")
REQUIRED = ["Owner", "Env"]
_ARNS = [
    *(f"arn:aws:sqs:{region}:1:{name}" for region in (EU, US) for name in "ab"),
    "arn:aws:cloudfront::1:distribution/E1",
    "arn:aws:ecs:eu-west-1:1:task/x",
    "arn:aws:rds:us-east-1:1:pg:default.mysql8.0",
    "arn:aws:autoscaling:eu-west-1:1:autoScalingGroup:x:autoScalingGroupName/a",
    "not an ARN",
]
NAMES = naive.NAMES | {"tag_compliance_never_tagged_resources", "tag_compliance_source_read"}


@st.composite
def accounts(draw: st.DrawFn) -> list[dict[str, Any]]:
    """One or two accounts, whose sources return overlapping parts of the same few resources."""
    on = [Source.TAGGING, *draw(st.sets(st.sampled_from([*Source][1:])))]
    counts = draw(st.booleans())
    return [
        {
            "account_id": account_id,
            "account_name": f"name-{account_id[:3]}",
            "regions": [
                {
                    "region": region,
                    "readings": [
                        draw(_reading(source, counts or source is not Source.RESOURCE_EXPLORER))
                        for source in Source
                        if source in on and (region == US or not source.is_global)
                    ],
                }
                for region in draw(st.permutations([EU, US]))
            ],
        }
        for account_id in draw(st.sampled_from([["111122223333"], ["111122223333", "0" * 12]]))
    ]


@st.composite
def _reading(draw: st.DrawFn, source: Source, counts: bool) -> dict[str, Any]:
    """Resource Explorer knows no tags; what it alone returns was never tagged, or is deleted."""
    keys = st.sets(st.sampled_from(["Owner", "Env", "Other"]))
    rows = [
        {
            "arn": arn,
            "resource_type": type_of(arn),
            "tags": {}
            if source is Source.RESOURCE_EXPLORER
            else dict.fromkeys(sorted(draw(keys)), "x"),
        }
        for arn in draw(st.lists(st.sampled_from(_ARNS), max_size=6))
    ]
    read = draw(st.sampled_from([True, True, True, False]))
    return {"source": source, "read": read, "counts": counts, "rows": rows if read else []}


def inventory_of(account: dict[str, Any]) -> AccountInventory:
    regions = [
        RegionReadStatus(
            region["region"],
            tuple(
                ReadStatus(
                    reading["source"],
                    Reason.OK if reading["read"] else Reason.THROTTLED,
                    counts=reading["counts"],
                )
                for reading in region["readings"]
            ),
        )
        for region in account["regions"]
    ]
    rows = [
        {
            **row,
            "region": region["region"],
            "source": reading["source"],
            "tags": list(row["tags"].items()),
        }
        for region in account["regions"]
        for reading in region["readings"]
        for row in reading["rows"]
    ]
    name = account["account_name"]
    read = inventory(regions=regions, account_id=account["account_id"], account_name=name)
    table = pa.Table.from_pylist(rows, schema=RESOURCE_SCHEMA)
    return AccountInventory(read.status, with_labels_of_earlier_scans(table))


def with_labels_of_earlier_scans(table: pa.Table) -> pa.Table:
    """The same rows, whose columns also name sources and regions that no row has."""
    for name, texts in (("source", [*Source]), ("region", [EU, US, "eu-north-1"])):
        earlier = pa.array(texts, pa.string()).dictionary_encode()
        column = pa.chunked_array([earlier, *table[name].chunks]).unify_dictionaries()
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(name), column.slice(len(earlier)))
    return table


@settings(deadline=None, max_examples=150)
@given(accounts(), patterns)
def test_every_published_number_is_that_of_a_naive_merge(
    organization: list[dict[str, Any]], excluded: list[str]
) -> None:
    policy = Policy(tuple(REQUIRED), tuple(excluded))
    families = families_of(map(inventory_of, organization), policy)
    found = {key: value for key, value in parsed(render(families)).items() if key[0] in NAMES}
    assert found == naive_sources.samples(organization, REQUIRED, excluded)


@settings(deadline=None, max_examples=50)
@given(accounts(), st.sets(st.sampled_from([*Source][1:])))
def test_a_source_that_is_switched_off_changes_nothing_but_its_own_rows(
    organization: list[dict[str, Any]], off: set[Source]
) -> None:
    policy = Policy(tuple(REQUIRED))
    for account in organization:
        stored = inventory_of(account)
        for region in account["regions"]:
            region["readings"] = [r for r in region["readings"] if r["source"] not in off]
        today = inventory_of(account)
        families = families_of([AccountInventory(today.status, stored.resources)], policy)
        found = {k: value for k, value in parsed(render(families)).items() if k[0] in NAMES}
        assert found == naive_sources.samples([account], REQUIRED, [])


def rows_of(*rows: tuple[RegionName, Source, str]) -> pa.Table:
    records = [
        {"region": region, "arn": arn, "resource_type": "sqs:queue", "tags": [], "source": source}
        for region, source, arn in rows
    ]
    return pa.Table.from_pylist(records, schema=RESOURCE_SCHEMA)


EXPLORER, TAGGING = Source.RESOURCE_EXPLORER, Source.TAGGING
QUEUE = "arn:aws:sqs:eu-west-1:1:Q"


def merged(table: pa.Table, counts: bool = True) -> list[tuple[str, str]]:
    """The region and the source of the row that is used for each ARN."""
    sources = (SourceRows(TAGGING, (EU, US)), SourceRows(EXPLORER, (EU, US), counts))
    rows = MergedRows.of(table, (EU, US), sources)
    used = rows.table.filter(pa.array(rows.first)).to_pylist()
    return [(row["region"], row["source"]) for row in used]


@pytest.mark.parametrize("counts", [True, False])
def test_the_tagging_api_wins_wherever_the_resource_was_found(counts: bool) -> None:
    table = rows_of((EU, EXPLORER, QUEUE), (US, TAGGING, QUEUE))
    assert merged(table, counts) == [(US, TAGGING)]


def test_arns_are_compared_byte_for_byte() -> None:
    table = rows_of((EU, TAGGING, QUEUE), (EU, EXPLORER, QUEUE.lower()))
    assert merged(table) == [(EU, TAGGING), (EU, EXPLORER)]


def test_a_table_without_duplicates_is_used_as_it_is() -> None:
    table = rows_of((EU, TAGGING, QUEUE), (EU, EXPLORER, f"{QUEUE}2"))
    sources = (SourceRows(TAGGING, (EU,)), SourceRows(EXPLORER, (EU,)))
    assert MergedRows.of(table, (EU,), sources).table is table
