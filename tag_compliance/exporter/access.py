"""Who may read: bearer tokens and basic auth from files, checked before anything else happens."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from pathlib import Path

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tag_compliance.exporter.reloaded import Reloaded

OPEN_PATHS = frozenset({"/livez", "/ready"})
"""Kubernetes' probes cannot read a secret; what these two tell is not one."""

_CHALLENGES = {"bearer": 'Bearer realm="tag-compliance"', "basic": 'Basic realm="tag-compliance"'}

Digests = tuple[bytes, ...]


class Credentials:
    """The secrets of one scheme; only their digests are kept, and all are of one length."""

    def __init__(self, scheme: str, digests: Reloaded[Digests]) -> None:
        self.scheme = scheme
        self.challenge = _CHALLENGES[scheme]
        self.digests = digests

    def admit(self, presented: bytes) -> bool:
        """Compares with every secret, in a time that depends on their number alone."""
        digest = _digest(presented)
        return sum(hmac.compare_digest(digest, known) for known in self.digests.value) > 0


def read_bearer_tokens(file: Path) -> Credentials:
    """Each line of the file is a token, so that an old and a new one can be valid together."""
    read = Reloaded("the bearer token", {"--bearer-token-file": file}, lambda: _tokens(file))
    return Credentials("bearer", read)


def read_basic_auth(file: Path) -> Credentials:
    """Each line of the file is `user:password`."""
    read = Reloaded("basic auth", {"--basic-auth-file": file}, lambda: _passwords(file))
    return Credentials("basic", read)


class AccessControl:
    """ASGI middleware: who presents no valid credentials is told which are wanted, and no more."""

    def __init__(self, app: ASGIApp, credentials: Sequence[Credentials]) -> None:
        self._app = app
        self._credentials = {c.scheme: c for c in credentials}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS or self._admitted(scope):
            await self._app(scope, receive, send)
            return
        refusal = PlainTextResponse("401 Unauthorized: credentials are needed\n", 401)
        for credentials in self._credentials.values():
            refusal.headers.append("WWW-Authenticate", credentials.challenge)
        await refusal(scope, receive, send)

    def _admitted(self, scope: Scope) -> bool:
        presented = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(presented) != 1:
            return False
        scheme, _, secret = presented[0].partition(b" ")
        name = scheme.decode("latin-1").lower()
        credentials = self._credentials.get(name)
        if credentials is None:
            return False
        try:
            value = base64.b64decode(secret.strip(), validate=True) if name == "basic" else secret
        except binascii.Error:
            return False
        return credentials.admit(value.strip() if name == "bearer" else value)


def _tokens(file: Path) -> Digests:
    tokens = _lines(file)
    if not tokens:
        raise ValueError("it holds no token")
    return tuple(_digest(token) for _, token in tokens)


def _passwords(file: Path) -> Digests:
    users = _lines(file)
    if not users:
        raise ValueError("it holds no user:password")
    for number, line in users:
        user, colon, password = line.partition(b":")
        if not (user and colon and password):
            raise ValueError(f"line {number} is not user:password")
    return tuple(_digest(line) for _, line in users)


def _lines(file: Path) -> list[tuple[int, bytes]]:
    lines = enumerate(file.read_bytes().splitlines(), start=1)
    return [(number, line.strip()) for number, line in lines if line.strip()]


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()
