"""The pages for browsers: each is one document that loads nothing and has no script."""

from __future__ import annotations

import base64
import hashlib
import threading
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING

from tag_compliance import __version__
from tag_compliance.domain.counts import format_percentage
from tag_compliance.exporter.formatting import format_count, format_time

if TYPE_CHECKING:
    from jinja2 import Environment

_PACKAGE, _TEMPLATES = "tag_compliance.exporter", "templates"


class HtmlPages:
    """Renders the templates, which escape every value, with the headers that each page needs."""

    def __init__(self) -> None:
        self._style = files(_PACKAGE).joinpath(_TEMPLATES, "status.css").read_text("utf-8")
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        self.headers = {
            "Content-Security-Policy": (
                f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
                "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            ),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }
        self._lock = threading.Lock()

    def render(self, template: str, **values: object) -> str:
        """May be called from any thread. A page of 2,000 regions takes 60 ms of CPU.

        One page is rendered at a time, so that many viewers cannot take the interpreter from
        scrapes.
        """
        with self._lock:
            return self._environment.get_template(template).render(values)

    @cached_property
    def _environment(self) -> Environment:
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
        environment.filters.update(
            count=format_count, percentage=format_percentage, time=format_time
        )
        # The style is a file of this package, not a value from outside.
        environment.globals.update(style=Markup(self._style), version=__version__)  # noqa: S704
        return environment
