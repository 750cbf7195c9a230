"""What AWS and the HTTP library say, fit to be shown: one line, not too long, no credential in it.

AWS quotes the request it could not verify, session token included; Python quotes a header that it
cannot send; a proxy's address may hold a password.
"""

from __future__ import annotations

import re

_HIDDEN = "***"
_MOST_CHARACTERS = 600

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
    # A token: hundreds of characters without a break.
    (re.compile(r"[A-Za-z0-9/+=_%-]{100,}"), _HIDDEN),
)
# A secret key: 40 of Base64. The name of a role can look like one, and has to be told.
_SECRET_OR_ROLE = re.compile(
    r"(\brole/[\w+=,.@/-]+)|"
    r"(?=[a-z0-9/+=]*[A-Z])(?=[A-Z0-9/+=]*[a-z])(?=[A-Za-z/+=]*[0-9])[A-Za-z0-9/+=]{40,}"
)


def redacted(text: str) -> str:
    """The text without whatever looks like a credential."""
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    text = _SECRET_OR_ROLE.sub(lambda found: found[1] or _HIDDEN, text)
    line = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(line.split())
    return line if len(line) <= _MOST_CHARACTERS else f"{line[:_MOST_CHARACTERS]}…"
