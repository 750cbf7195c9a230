"""boto3 clients that one after the other act in several accounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from boto3 import Session
from botocore.config import Config

__all__ = ["Clients", "Credentials"]

# Nothing on loopback gets better by asking again, and a fault in the seeding shall show at once.
_CONFIG = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})


@dataclass(frozen=True, slots=True)
class Credentials:
    """What signs a request; only an assumed role has a session token."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None


class Clients:
    """One client for each service and region, shared by all accounts.

    A client takes 10 ms to make, and an account of the organization needs some thirty, so the
    credentials change below them instead: botocore reads them anew for every request it signs.
    """

    def __init__(self, url: str, credentials: Credentials) -> None:
        self._url = url
        self._session = Session(
            aws_access_key_id=credentials.access_key_id,
            aws_secret_access_key=credentials.secret_access_key,
            aws_session_token=credentials.session_token,
        )
        self._clients: dict[tuple[str, str], Any] = {}

    def act_as(self, credentials: Credentials) -> None:
        """Sign every request from now on with these."""
        current: Any = self._session.get_credentials()
        current.access_key = credentials.access_key_id
        current.secret_key = credentials.secret_access_key
        current.token = credentials.session_token

    def client(self, service: str, region: str) -> Any:
        """The client of a service in a region."""
        key = (service, region)
        if key not in self._clients:
            self._clients[key] = self._session.client(
                service, region_name=region, endpoint_url=self._url, config=_CONFIG
            )
        return self._clients[key]
