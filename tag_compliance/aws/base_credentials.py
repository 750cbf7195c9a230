"""The credentials with which roles are assumed, found as in any boto3 program."""

from __future__ import annotations

import threading
import time

from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, CredentialRetrievalError, NoCredentialsError

from tag_compliance.remote.botocore_session import CREDENTIAL_SECONDS, new_session
from tag_compliance.remote.time_limit import TimeLimitExceeded, run_within

_PROVIDER = "default"


class BaseCredentials:
    """Found at the first use, and refreshed when botocore does so. Threads may share it.

    That takes at most `seconds`. If they are over, no further attempt is made: a scan of many
    accounts does not wait for each of them.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = min(seconds, CREDENTIAL_SECONDS)
        self._lock = threading.Lock()
        self._found: Credentials | None = None
        self._failure: BotoCoreError | None = None

    def get(self) -> ReadOnlyCredentials:
        """Credentials that are valid now.

        Raises `NoCredentialsError` if there are none, and another `BotoCoreError` if they cannot be
        loaded.
        """
        with self._lock:
            if self._failure is not None:
                raise self._failure
            began = time.monotonic()
            try:
                return run_within(self._seconds, self._load)
            except BotoCoreError as error:
                failure = error
            except TimeLimitExceeded:
                failure = _failure(f"not loaded within {self._seconds:g} s")
            except Exception as error:  # noqa: BLE001 - what a malformed source causes in botocore
                failure = _failure(f"the source is malformed: {type(error).__name__}: {error}")
            if time.monotonic() - began >= self._seconds:
                self._failure = failure
            raise failure from None

    def _load(self) -> ReadOnlyCredentials:
        if self._found is None:
            self._found = new_session().get_credentials()
        if self._found is None:
            raise NoCredentialsError
        frozen: ReadOnlyCredentials = self._found.get_frozen_credentials()
        return frozen


def _failure(cause: str) -> BotoCoreError:
    return CredentialRetrievalError(provider=_PROVIDER, error_msg=cause)
