"""A tag key is found in exactly the resources that have it."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.domain.tag_index import TaggedResources
from tag_compliance_tests.domain.organizations import table_of

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
