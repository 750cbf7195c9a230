"""Content negotiation: quality values of `Accept…` headers (RFC 9110, section 12.4.2).

No library is used: `docs/architecture.md` says why.
"""

from __future__ import annotations


def quality(header: str, *names: str) -> float | None:
    """The quality of the first of the names that the header lists; None if it lists none.

    A malformed quality counts as 0: a client does not get what it did not clearly ask for.
    """
    listed: dict[str, float] = {}
    for item in header.lower().split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        listed.setdefault(name, _quality(parameters))
    return next((listed[name] for name in names if name in listed), None)


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether the client accepts gzip and does not prefer the uncompressed response."""
    gzip = quality(accept_encoding, "gzip", "x-gzip", "*") or 0.0
    plain = quality(accept_encoding, "identity") or 0.0
    return gzip > 0 and gzip >= plain


def accepts_html(accept: str) -> bool:
    """Whether the client names HTML, as browsers do and curl (`*/*`) does not."""
    return bool(quality(accept, "text/html", "application/xhtml+xml"))


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
