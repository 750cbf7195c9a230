"""What AWS allows in a tag key, where the key of a rule is probably not meant as it is written.

https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html: letters, numbers, spaces and a
few characters; some services accept others too. Keys that begin with `aws:` are AWS's own.
"""

from __future__ import annotations

import unicodedata

_AWS_PREFIX = "aws:"
_CHARACTERS = "_.:/=+-@"
_CATEGORIES = ("L", "N", "Z")
"""Unicode's letters, numbers and spaces."""


def doubts_about(key: str) -> str:
    """Why probably no resource has this key; empty if it is an ordinary one."""
    if key != key.strip():
        return "it begins or ends with a space, which is a part of the key"
    if key.lower().startswith(_AWS_PREFIX):
        return "only AWS itself can add a key that begins with aws:"
    wrong = dict.fromkeys(c for c in key if not _is_usual(c))
    if wrong:
        allowed = f"letters, numbers, spaces and {' '.join(_CHARACTERS)}"
        return f"most services do not allow {' '.join(wrong)} in a key, only {allowed}"
    return ""


def _is_usual(character: str) -> bool:
    return character in _CHARACTERS or unicodedata.category(character)[0] in _CATEGORIES
