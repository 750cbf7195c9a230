"""The pages for browsers, and the style and script that they load from this exporter."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from tag_compliance import __version__
from tag_compliance.domain.counts import format_percentage
from tag_compliance.exporter.formatting import format_count, format_time
from tag_compliance.exporter.status_page import StatusPage

if TYPE_CHECKING:
    from jinja2 import Environment

_PACKAGE, _TEMPLATES = "tag_compliance.exporter", "templates"

BLIND_SPOTS_URL = "https://docs.example.com/tag-compliance/metrics.html#blind-spots"
"""A placeholder; `make runbook-urls` writes the address of your documentation here."""

NAVIGATION = (
    ("/", "Status"),
    ("/findings", "Findings"),
    ("/accounts", "Accounts"),
    ("/owners", "Owners"),
    ("/rules", "Rules"),
    ("/types", "Types"),
    ("/resources", "Resource"),
)
"""The pages for people, in their order."""

PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""The policy allows no inline script and style, and nothing from another address."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages load. Its path changes with its content, so that it can be cached."""

    path: str
    media_type: str
    content: bytes
    integrity: str


@cache
def style() -> Asset:
    return _asset("status.css", "text/css")


@cache
def script() -> Asset:
    return _asset("status.js", "text/javascript")


@cache
def findings_style() -> Asset:
    """In addition to `style`, for the pages of findings."""
    return _asset("findings.css", "text/css")


@cache
def findings_script() -> Asset:
    return _asset("findings.js", "text/javascript")


def assets() -> tuple[Asset, ...]:
    return style(), script(), findings_style(), findings_script()


def render_html(page: StatusPage) -> str:
    """The status page."""
    return render("status.html", page)


def render(template: str, page: object) -> str:
    """A page; its template escapes every value."""
    return _environment().get_template(template).render(page=page)


def _asset(name: str, media_type: str) -> Asset:
    content = files(_PACKAGE).joinpath(_TEMPLATES, name).read_bytes()
    digest = hashlib.sha256(content).digest()
    integrity = f"sha256-{base64.b64encode(digest).decode()}"
    return Asset(f"/assets/{digest.hex()[:16]}/{name}", media_type, content, integrity)


@cache
def _environment() -> Environment:
    """Created for the first page: import and compilation take 50 ms of CPU."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(_PACKAGE, _TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(count=format_count, percentage=format_percentage, time=format_time)
    environment.globals.update(
        style=style(),
        script=script(),
        findings_style=findings_style(),
        findings_script=findings_script(),
        navigation=NAVIGATION,
        version=__version__,
        blind_spots=BLIND_SPOTS_URL,
    )
    return environment
