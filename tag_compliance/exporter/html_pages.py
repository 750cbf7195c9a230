"""The pages for browsers: each is one document that loads nothing and has no script."""

from __future__ import annotations

import base64
import hashlib
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


def render_html(page: StatusPage) -> str:
    """The status page; the template escapes every value."""
    return _environment().get_template("status.html").render(page=page)


@cache
def html_headers() -> dict[str, str]:
    """The headers that a page needs: its policy allows only its own style, by hash."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }


@cache
def _style() -> str:
    return files(_PACKAGE).joinpath(_TEMPLATES, "status.css").read_text("utf-8")


@cache
def _environment() -> Environment:
    """Created for the first page: import and compilation take 50 ms of CPU."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader(_PACKAGE, _TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(count=format_count, percentage=format_percentage, time=format_time)
    # The style is a file of this package, not a value from outside.
    environment.globals.update(style=Markup(_style()), version=__version__)  # noqa: S704
    return environment
