"""The rows of the list of a page of findings."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Cell:
    """The words of a cell, each link of it, and its label on phones."""

    label: str = ""
    words: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)


class ListOfPage(HTMLParser):
    """`rows` are those of the body and foot of the table; `next` is the link to the next page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[Cell]] = []
        self.next: str | None = None
        self._is_inside = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "a" and found.get("rel") == "next":
            self.next = found["href"]
        elif tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append(Cell(found.get("data-label") or ""))
            self._is_inside = True
        elif tag == "a" and self._is_inside:
            self.rows[-1][-1].links.append(found.get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self._is_inside = False
        elif tag == "thead":
            self.rows.clear()

    def handle_data(self, data: str) -> None:
        if self._is_inside:
            self.rows[-1][-1].words += data.split()
