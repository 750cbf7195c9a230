"""Columns contain the resources of the pages, in their order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.aws.sources import columns
from tag_compliance.aws.sources.columns import ResourceColumns
from tag_compliance.aws.sources.page import Mapping, Page, TagPair
from tag_compliance.domain.account import RegionName
from tag_compliance.domain.arn import type_of
from tag_compliance.domain.read_status import Source
from tag_compliance.domain.resources import RESOURCE_SCHEMA

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
MAPPINGS = st.builds(Mapping, TEXT, st.lists(st.builds(TagPair, TEXT, TEXT), max_size=4))
PAGES = st.lists(st.builds(Page, st.lists(MAPPINGS, max_size=5)), max_size=6)


@settings(deadline=None)
@given(PAGES)
def test_the_table_contains_the_resources_of_all_pages(pages: list[Page]) -> None:
    collected = ResourceColumns(RegionName("eu-west-1"), Source.TAGGING)
    for page in pages:
        collected.add(page.arns, page.tags)
    table = collected.table()

    mappings = [mapping for page in pages for mapping in page.ResourceTagMappingList or ()]
    assert table.schema == RESOURCE_SCHEMA
    assert len(table) == len(mappings)
    assert [row["arn"] for row in table.to_pylist()] == [m.ResourceARN for m in mappings]
    assert [row["tags"] for row in table.to_pylist()] == [
        list({tag.Key: tag.Value for tag in mapping.Tags or ()}.items()) for mapping in mappings
    ]
    assert [row["resource_type"] for row in table.to_pylist()] == [
        type_of(mapping.ResourceARN) for mapping in mappings
    ]
    assert set(table["region"].to_pylist()) <= {"eu-west-1"}
    assert set(table["source"].to_pylist()) <= {"tagging"}


def test_chunks_share_one_dictionary() -> None:
    collected = ResourceColumns(RegionName("eu-west-1"), Source.TAGGING)
    queue, bucket = "arn:aws:sqs:eu-west-1:100000000000:q", "arn:aws:s3:::b"
    rows = 2 * columns._ROWS_PER_CHUNK
    collected.add([queue] * columns._ROWS_PER_CHUNK, [{}] * columns._ROWS_PER_CHUNK)
    collected.add([bucket] * columns._ROWS_PER_CHUNK, [{}] * columns._ROWS_PER_CHUNK)
    table = collected.table()

    assert len(collected) == len(table) == rows
    chunks = table["resource_type"].chunks
    assert len(chunks) == 2
    assert chunks[0].dictionary == chunks[1].dictionary
