"""Credentials: those of the base user, and those that AssumeRole issues."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

BASE_ACCOUNT_ID = "999999999999"
BASE_ACCESS_KEY_ID = "AKIASIMULATEDBASEUSR"
BASE_SECRET_ACCESS_KEY = "simulatedBaseSecretKey0/0123456789abcdef"  # noqa: S105 - only simulated


@dataclass(frozen=True, slots=True)
class Caller:
    """The user or the assumed role that signs a request."""

    account_id: str
    arn: str
    user_id: str
    is_assumed_role: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """Temporary credentials and their owner."""

    caller: Caller
    access_key_id: str
    secret_access_key: str
    session_token: str
    expires_at: datetime


@dataclass(eq=False)
class CredentialStore:
    """Every access key that the simulated AWS knows.

    `session_seconds` is the lifetime of temporary credentials, whatever AssumeRole asks for.
    """

    base_account_id: str
    base_user_name: str
    session_seconds: float | None
    now: Callable[[], datetime]

    def __post_init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        arn = f"arn:aws:iam::{self.base_account_id}:user/{self.base_user_name}"
        self._base = Caller(self.base_account_id, arn, "AIDASIMULATEDBASEUSER")

    def issue(
        self, *, partition: str, account_id: str, role: str, session_name: str, seconds: float
    ) -> Session:
        """New temporary credentials of a role."""
        seed = f"{account_id}/{len(self._sessions)}"
        if self.session_seconds is not None:
            seconds = self.session_seconds
        name = role.rpartition("/")[2]
        session = Session(
            caller=Caller(
                account_id,
                f"arn:{partition}:sts::{account_id}:assumed-role/{name}/{session_name}",
                f"AROA{_letters(account_id + role, 17)}:{session_name}",
                is_assumed_role=True,
            ),
            access_key_id=f"ASIA{_letters(seed, 16)}",
            secret_access_key=_secret(f"secret/{seed}", 40),
            session_token=_secret(f"token/{seed}", 356),
            expires_at=self.now() + timedelta(seconds=seconds),
        )
        self._sessions[session.access_key_id] = session
        return session

    def caller(self, access_key_id: str) -> Caller:
        """The owner of an access key. A key that was never issued belongs to the base user."""
        session = self._sessions.get(access_key_id)
        return session.caller if session else self._base

    def is_valid(self, access_key_id: str, session_token: str | None) -> bool:
        """Whether the session token is the one that was issued with the access key."""
        session = self._sessions.get(access_key_id)
        return session is None or session.session_token == session_token

    def is_expired(self, access_key_id: str) -> bool:
        """Whether temporary credentials have reached the end of their lifetime."""
        session = self._sessions.get(access_key_id)
        return session is not None and session.expires_at <= self.now()

    def secrets(self) -> frozenset[str]:
        """Every secret access key and session token."""
        issued = list(self._sessions.values())
        pairs = [(session.secret_access_key, session.session_token) for session in issued]
        return frozenset({BASE_SECRET_ACCESS_KEY}.union(*pairs))


def _letters(seed: str, length: int) -> str:
    return base64.b32encode(hashlib.sha256(seed.encode()).digest()).decode()[:length]


def _secret(seed: str, length: int) -> str:
    return base64.b64encode(hashlib.shake_256(seed.encode()).digest(length)).decode()[:length]
