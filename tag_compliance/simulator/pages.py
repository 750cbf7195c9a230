"""Pages of a list, and the tokens that lead from one to the next."""

from __future__ import annotations

import base64
import json
from collections.abc import Sized
from dataclasses import dataclass, replace
from typing import Generic, Self, TypeVar

Items = TypeVar("Items", bound=Sized)


@dataclass(frozen=True, slots=True)
class PageToken:
    """A position in the pages of one list.

    `scope` names the list: the region, or the operation with the name that it is about. `number`
    counts the pages before this one. It does not follow from `start`, because an empty page has a
    number and no items.
    """

    account_id: str
    scope: str
    start: int = 0
    number: int = 0

    def encode(self) -> str:
        """The text that a client sends back."""
        position = json.dumps([self.account_id, self.scope, self.start, self.number])
        return base64.urlsafe_b64encode(position.encode()).decode()

    @classmethod
    def decode(cls, text: str) -> Self:
        """The token that was encoded to this text; `ValueError` or `TypeError` for other texts."""
        account_id, scope, start, number = json.loads(base64.urlsafe_b64decode(text))
        return cls(str(account_id), str(scope), int(start), int(number))


@dataclass(frozen=True, slots=True)
class Page(Generic[Items]):
    """At most `size` of the items, from the position of a token on."""

    items: Items
    token: PageToken
    size: int

    @property
    def start(self) -> int:
        """The place of its first item."""
        return self.token.start

    @property
    def stop(self) -> int:
        """The place after its last item, if it is full."""
        return self.token.start + self.size

    @property
    def is_last(self) -> bool:
        """Whether no items follow."""
        return self.stop >= len(self.items)

    def next_token(self) -> PageToken:
        """The position after this page, which may be the end of the list."""
        return replace(self.token, start=self.stop, number=self.token.number + 1)
