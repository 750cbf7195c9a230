"""What the endpoint needs from a simulated AWS service, and what a service gets from it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tag_compliance.simulator.credentials import Caller
from tag_compliance.simulator.pages import Page
from tag_compliance.simulator.wire import AwsError, Request, Response


@dataclass(frozen=True, slots=True)
class Call:
    """One parsed call of an AWS operation."""

    service: str
    operation: str
    account_id: str
    """The account that the call is about: the role's for AssumeRole, otherwise the caller's."""
    region: str
    caller: Caller
    parameters: Mapping[str, object]
    page: Page | None = None
    """The page that GetResources reads."""
    at: float = field(default_factory=time.monotonic)
    """Seconds on the monotonic clock."""


class WireProtocol(Protocol):
    """How a service writes errors. The errors about credentials are status, code and message."""

    @property
    def invalid_credentials(self) -> tuple[int, str, str]: ...

    @property
    def expired_credentials(self) -> tuple[int, str, str]: ...

    def error_response(self, error: AwsError) -> Response: ...


class Service(Protocol):
    """One AWS service. `parse` and `respond` raise `AwsError`."""

    @property
    def name(self) -> str:
        """Its name in the credential scope of a request."""
        ...

    @property
    def protocol(self) -> WireProtocol: ...

    def parse(self, request: Request, caller: Caller, region: str) -> Call: ...

    def respond(self, call: Call) -> Response: ...
