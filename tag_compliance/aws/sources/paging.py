"""The calls of a source in one region, or of discovery: credentials, retries and pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from botocore import xform_name
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError

from tag_compliance.aws.botocore_hooks import signing_as
from tag_compliance.aws.clients import Clients
from tag_compliance.aws.errors import AwsError, PageTokenExpired, aws_error_of
from tag_compliance.aws.retry import CallBudget
from tag_compliance.domain.read_status import Reason

T = TypeVar("T")


class Session(Protocol):
    """The credentials with which calls are made: `AccountSession` has those of an account."""

    def credentials(self) -> ReadOnlyCredentials:
        """Credentials that are valid now. Raises `AwsError`."""
        ...

    def renew(self, used: ReadOnlyCredentials) -> None:
        """Called when AWS has reported `used` as expired."""
        ...


@dataclass(frozen=True, slots=True)
class BaseSession:
    """The base credentials, of any account; botocore renews them."""

    clients: Clients

    def credentials(self) -> ReadOnlyCredentials:
        return self.clients.base_credentials()

    def renew(self, used: ReadOnlyCredentials) -> None:
        """Nothing to do."""


class HasNextToken(Protocol):
    """A page; `next_token` is that of the next page, or "" on the last one."""

    @property
    def next_token(self) -> str: ...


P = TypeVar("P", bound=HasNextToken)


@dataclass(frozen=True, slots=True)
class _Entries:
    entries: list[Mapping[str, Any]]
    next_token: str


@dataclass(frozen=True, slots=True)
class Caller:
    """Makes calls with the credentials of one session, through one budget.

    `client` returns the boto3 client of the region. `pages` reads at most `max_pages`, to test
    whether the source can be read, and calls `page_read` for each page that another one follows.
    """

    session: Session
    budget: CallBudget
    client: Callable[[], Any]
    max_pages: int | None = None
    page_read: Callable[[], None] = lambda: None

    def call(self, operation: str, request: Callable[[Any], T]) -> T:
        """The result of `request`, which is passed the client. Raises `AwsError`."""
        return self.budget.call(operation, partial(self._attempt, operation, request))

    def pages(self, operation: str, get_page: Callable[[Any, str], P]) -> Iterator[P]:
        """The pages, of which `get_page` returns the one with this token; the first has "".

        Raises `AwsError`, also for a token that was used before: the pages would never end.
        """
        token, seen, pages = "", set[str](), 0
        while True:
            page = self.call(operation, partial(_with_token, get_page, token))
            pages += 1
            yield page
            token = page.next_token
            if not token or pages == self.max_pages:
                return
            if token in seen:
                cause = f"page {pages} carries a pagination token that has been used before"
                raise AwsError(operation, Reason.MALFORMED_RESPONSE, cause)
            seen.add(token)
            self.page_read()

    def entries(
        self, operation: str, key: str, **parameters: object
    ) -> Iterator[Mapping[str, Any]]:
        """The entries of all pages of an operation whose responses have the list `key` and
        `NextToken`. An empty page with a token is not the last one.
        """

        def page(client: Any, token: str) -> _Entries:
            start = {"NextToken": token} if token else {}
            response = getattr(client, xform_name(operation))(**parameters, **start)
            if not isinstance(response.get(key), list):
                cause = f"the response has no list {key}"
                raise AwsError(operation, Reason.MALFORMED_RESPONSE, cause)
            return _Entries(response[key], response.get("NextToken") or "")

        for found in self.pages(operation, page):
            yield from found.entries

    def _attempt(self, operation: str, request: Callable[[Any], T]) -> T:
        used = self.session.credentials()
        try:
            client = self.client()
            with signing_as(lambda: used):
                return request(client)
        except ClientError as error:
            failure = aws_error_of(operation, error)
            if failure.reason is Reason.EXPIRED_TOKEN and not isinstance(failure, PageTokenExpired):
                self.session.renew(used)
            raise failure from None


def _with_token(get_page: Callable[[Any, str], P], token: str, client: Any) -> P:
    return get_page(client, token)
