"""Error texts without credentials, as one line of limited length.

AWS quotes a request that it could not verify, with its session token. Python quotes a header that
it cannot send. The address of a proxy may contain a password.
"""

from __future__ import annotations

import re

_HIDDEN = "***"
_MAX_CHARACTERS = 600

_RULES = (
    # "…does not match… The Canonical String for this request should have been 'POST / …".
    (re.compile(r"\s*The (?:Canonical String|String-to-Sign)\b.*", re.DOTALL), ""),
    (re.compile(r"(Invalid header (?:value|name)) .*", re.DOTALL), rf"\1 {_HIDDEN}"),
    (re.compile(r"(://)[^/\s@]*(?:@[^/\s@]*)*@"), rf"\1{_HIDDEN}@"),
    (
        re.compile(
            r"((?:secret_?access_?key|session_?token|security[-_]?token|"
            r"authorization|signature|credential)(?:[\"'>:=\s]*[\"'>:=])\s*)"
            r"(?:AWS4-HMAC-SHA256 .*|(?:Basic|Bearer) \S+|[^\s\"'<>&,}]+)",
            re.IGNORECASE,
        ),
        rf"\1{_HIDDEN}",
    ),
    (re.compile(r"\b(A[KS]IA)[A-Z0-9]{12,}"), rf"\1{_HIDDEN}"),
    # A token: at least 100 characters without a space.
    (re.compile(r"[A-Za-z0-9/+=_%-]{100,}"), _HIDDEN),
)
# A secret key: 40 characters of Base64. The name of a role can look like one, but must be shown.
_SECRET_OR_ROLE = re.compile(
    r"(\brole/[\w+=,.@/-]+)|"
    r"(?=[a-z0-9/+=]*[A-Z])(?=[A-Z0-9/+=]*[a-z])(?=[A-Za-z/+=]*[0-9])[A-Za-z0-9/+=]{40,}"
)


def redacted(text: str) -> str:
    """The text with `***` for everything that looks like a credential, at most 600 characters."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    text = _SECRET_OR_ROLE.sub(lambda match: match[1] or _HIDDEN, text)
    line = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(line.split())
    return line if len(line) <= _MAX_CHARACTERS else f"{line[:_MAX_CHARACTERS]}…"
