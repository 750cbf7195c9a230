"""Pages of a region's resources, and the tokens that lead from one to the next."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from typing import Self

from tag_compliance.simulator.organization import Resources


@dataclass(frozen=True, slots=True)
class PageToken:
    """A position in the pages of one region.

    `number` counts the pages before this one. It does not follow from `start`, because an empty
    page has a number and no resources.
    """

    account_id: str
    region: str
    start: int = 0
    number: int = 0

    def encode(self) -> str:
        """The text that a client sends back."""
        position = json.dumps([self.account_id, self.region, self.start, self.number])
        return base64.urlsafe_b64encode(position.encode()).decode()

    @classmethod
    def decode(cls, text: str) -> Self:
        """The token that was encoded to this text; `ValueError` or `TypeError` for other texts."""
        account_id, region, start, number = json.loads(base64.urlsafe_b64decode(text))
        return cls(str(account_id), str(region), int(start), int(number))


@dataclass(frozen=True, slots=True)
class Page:
    """At most `size` resources, from the position of a token on."""

    resources: Resources
    token: PageToken
    size: int

    @property
    def is_last(self) -> bool:
        """Whether no resources follow."""
        return self._stop >= len(self.resources)

    @property
    def _stop(self) -> int:
        return self.token.start + self.size

    def next_token(self) -> PageToken:
        """The position after this page, which may be the end of the resources."""
        return replace(self.token, start=self._stop, number=self.token.number + 1)

    def render(self) -> bytes:
        """The body of the response of GetResources; the token of the last page is empty."""
        token = b"" if self.is_last else self.next_token().encode().encode()
        resources = self.resources.render(self.token.start, self._stop)
        return b'{"PaginationToken":"%b","ResourceTagMappingList":[%b]}' % (token, resources)
