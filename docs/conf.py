"""How Sphinx builds the site: `make docs`. The pages are plain Markdown, readable without it."""

from __future__ import annotations

import re
from pathlib import Path

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

_ROOT = Path(__file__).parents[1]

project = "tag-compliance"
release = re.findall(
    r'__version__ = "(.+)"', (_ROOT / "tag_compliance" / "__init__.py").read_text("utf-8")
)[0]
html_title = f"{project} {release}"

# The address of the published site; here a placeholder. `make runbook-urls` writes it into the
# alert rules.
html_baseurl = "https://docs.example.com/tag-compliance/"

extensions = ["myst_parser"]
exclude_patterns = ["images"]
html_theme = "furo"
html_copy_source = False
html_show_copyright = False
myst_heading_anchors = 4

_PAGES = {
    "Start": "getting-started\nconfiguration\npolicy\nmigration",
    "Use": "numbers\ncoverage\nfindings\napi\nhistory\nmetrics\ndagster",
    "Operate": "operations\norganization\nkubernetes\nsecurity\nperformance",
    "Develop": "architecture",
}


def _with_contents(_app: Sphinx, page: str, source: list[str]) -> None:
    """Adds the list of pages to the index; in the file it would be noise on a Git server."""
    if page == "index":
        source[0] += "".join(
            f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{pages}\n```\n"
            for caption, pages in _PAGES.items()
        )


def setup(app: Sphinx) -> None:
    app.connect("source-read", _with_contents)
    # Languages that Pygments does not know are shown as they are.
    for language in ("mermaid", "promql"):
        app.add_lexer(language, TextLexer)
