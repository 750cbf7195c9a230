"""Text from outside in Markdown."""

from __future__ import annotations

import re
import string

from tag_compliance.logs import on_one_line

_PUNCTUATION = re.compile(f"[{re.escape(string.punctuation)}]")


def literally(text: str) -> str:
    """One line of Markdown that shows text from outside as it is: no link, no image, no HTML.

    A backslash makes every ASCII punctuation character literal, so nothing of it is a URL either:
    https://spec.commonmark.org/0.31.2/#backslash-escapes
    """
    return _PUNCTUATION.sub(r"\\\g<0>", on_one_line(text))
