"""The page that is shown instead of findings: what is wrong, and what a person can do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

from tag_compliance.errors import BadParameters, BadQuery, CursorGone, TagComplianceError
from tag_compliance.exporter.findings_service import http_status
from tag_compliance.exporter.pages.address import Address
from tag_compliance.exporter.pages.frame import Frame

_HEADINGS = {
    HTTPStatus.FORBIDDEN: "Findings are not shown here",
    HTTPStatus.GONE: "There is a newer snapshot",
    HTTPStatus.UNPROCESSABLE_ENTITY: "This search is not possible",
    HTTPStatus.SERVICE_UNAVAILABLE: "Findings cannot be shown now",
}


@dataclass(frozen=True, slots=True)
class ProblemPage:
    """`error` is one of `FINDINGS_ERRORS`."""

    frame: Frame
    address: Address
    error: TagComplianceError

    @property
    def status(self) -> HTTPStatus:
        return http_status(self.error)

    @property
    def heading(self) -> str:
        return _HEADINGS[self.status]

    @property
    def title(self) -> str:
        return f"{self.heading}, tag compliance"

    @property
    def messages(self) -> list[str]:
        """What is wrong, each fault once."""
        if isinstance(self.error, BadParameters):
            return [_fault(f.parameter, f.value, f.rule) for f in self.error.faults]
        return [str(self.error)]

    def links(self) -> Iterator[tuple[str, Address]]:
        """What a person can do, the most useful first."""
        without = self.address.without(*self._faulty())
        if isinstance(self.error, CursorGone):
            yield "Show the first page of the same search", without
        elif without != self.address:
            yield "Show the page without that", without
        if self.status is HTTPStatus.UNPROCESSABLE_ENTITY:
            yield "Begin again without filters", Address(self.address.path)
        if self.status is HTTPStatus.SERVICE_UNAVAILABLE:
            yield "Try again", self.address
        yield "Status of the scans", Address("/")

    def _faulty(self) -> set[str]:
        if isinstance(self.error, BadParameters):
            return {fault.parameter for fault in self.error.faults}
        return {self.error.parameter} if isinstance(self.error, BadQuery) else set()


def _fault(parameter: str, value: str, rule: str) -> str:
    return f"{parameter} = {value[:100]!r}: {rule}" if parameter else rule
