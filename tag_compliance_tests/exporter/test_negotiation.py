"""Content negotiation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tag_compliance.exporter.negotiation import accepts_gzip, accepts_html


@pytest.mark.parametrize(
    ("header", "gzip"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("deflate, gzip;q=1.0, *;q=0.5", True),
        ("*", True),
        ("x-gzip", True),
        ("gzip;q=0.5", True),
        ("identity;q=0.5, gzip;q=0.5", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip; q=0.000", False),
        ("*;q=0", False),
        ("identity, gzip;q=0.5", False),
        ("gzip;q=much", False),
        ("gzip;q=much, *", False),
        ("gzipped", False),
    ],
)
def test_gzip_is_used_if_the_client_accepts_it_and_does_not_prefer_identity(
    header: str, gzip: bool
) -> None:
    assert accepts_gzip(header) is gzip


@pytest.mark.parametrize(
    ("header", "html"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("*/*", False),
        ("", False),
        ("text/plain", False),
        ("text/html;q=0", False),
    ],
)
def test_html_is_sent_only_to_clients_that_name_it(header: str, html: bool) -> None:
    assert accepts_html(header) is html


@given(st.text())
def test_any_header_is_evaluated_without_an_error(header: str) -> None:
    assert accepts_gzip(header) in (True, False)
    assert accepts_html(header) in (True, False)
