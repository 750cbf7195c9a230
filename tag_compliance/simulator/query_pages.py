"""What the services of the query protocol have in common: how they read pages.

IAM: https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html
Auto Scaling:
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingGroups.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tag_compliance.simulator.pages import Page, PageToken
from tag_compliance.simulator.wire import AwsError

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Paging:
    """How a service names its page size and its token, and the sizes that it accepts."""

    size_name: str
    token_name: str
    default_size: int
    max_size: int
    invalid_token: str
    """The error code for a token that the service did not issue for this list."""

    def page(
        self, items: Sequence[Item], parameters: Mapping[str, str], account_id: str, scope: str
    ) -> Page[Sequence[Item]]:
        """The page that the parameters ask for; raises `AwsError` if they are invalid."""
        text = parameters.get(self.size_name, str(self.default_size))
        if not text.isdecimal() or not 1 <= int(text) <= self.max_size:
            message = f"{self.size_name} must be between 1 and {self.max_size}, not {text}"
            raise AwsError(400, "ValidationError", message)
        start = PageToken(account_id, scope)
        if token := parameters.get(self.token_name):
            start = self._decode(token, start)
        return Page(items, start, int(text))

    def _decode(self, text: str, first: PageToken) -> PageToken:
        try:
            token = PageToken.decode(text)
        except (TypeError, ValueError):
            raise AwsError(400, self.invalid_token, f"{self.token_name} is not valid") from None
        if (token.account_id, token.scope) != (first.account_id, first.scope):
            message = f"{self.token_name} belongs to another list"
            raise AwsError(400, self.invalid_token, message)
        return token
