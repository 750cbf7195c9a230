"""The credentials that sign a call, which are set around each call."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from botocore.credentials import Credentials, ReadOnlyCredentials

CredentialsProvider = Callable[[], ReadOnlyCredentials]
"""Returns the credentials to sign the next request with; raises `AwsError` if there are none."""

_signing: ContextVar[CredentialsProvider] = ContextVar("tag_compliance_signing")


@contextlib.contextmanager
def signing_as(provider: CredentialsProvider) -> Iterator[None]:
    """Calls in this block, on this thread, are signed with these credentials."""
    before = _signing.set(provider)
    try:
        yield
    finally:
        _signing.reset(before)


class SigningCredentials(Credentials):
    """The credentials of the innermost `signing_as`, as botocore's signer reads them.

    Outside such a block a call raises `LookupError`: it never uses other credentials.
    """

    def __init__(self) -> None:
        super().__init__("see-signing-as", "see-signing-as", method="tag-compliance")

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return _signing.get()()


class SigningCredentialsResolver:
    """botocore's component `credential_provider`, with `SigningCredentials` as the only result."""

    def load_credentials(self) -> Credentials:
        return SigningCredentials()
