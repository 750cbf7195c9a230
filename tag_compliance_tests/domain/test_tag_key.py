"""Keys that AWS does not allow everywhere are doubtful, ordinary ones are not."""

from __future__ import annotations

import pytest

from tag_compliance.domain.tag_key import doubts_about


@pytest.mark.parametrize(
    "key", ["Owner", "Cost: center", "a_.:/=+-@9", "Größe", "所有者", "aws", "a:aws:"]
)
def test_a_key_that_aws_allows_everywhere_is_not_doubtful(key: str) -> None:
    assert doubts_about(key) == ""


@pytest.mark.parametrize(
    ("key", "doubts"),
    [
        (" Owner", "it begins or ends with a space"),
        ("Owner\u00a0", "it begins or ends with a space"),
        ("aws:createdBy", "only AWS itself can add a key that begins with aws:"),
        ("AWS:x", "only AWS itself can add a key that begins with aws:"),
        ("Owner*?*", "most services do not allow * ? in a key"),
        ("a\U0001f600", "most services do not allow \U0001f600 in a key"),
    ],
)
def test_other_keys_are_doubtful(key: str, doubts: str) -> None:
    assert doubts_about(key).startswith(doubts)
