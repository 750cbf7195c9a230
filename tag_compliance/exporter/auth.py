"""Authentication: bearer tokens and basic auth from files, checked before any other work."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from pathlib import Path

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tag_compliance.exporter.file_reloader import FileReloader

OPEN_PATHS = frozenset({"/livez", "/ready"})
"""Paths that need no credentials: Kubernetes probes cannot read a secret, and these show none."""

_CHALLENGES = {"bearer": 'Bearer realm="tag-compliance"', "basic": 'Basic realm="tag-compliance"'}

Digests = tuple[bytes, ...]


class Credentials:
    """The secrets of one scheme. Only their digests are kept, which all have the same length."""

    def __init__(self, scheme: str, digests: FileReloader[Digests]) -> None:
        self.scheme = scheme
        self.challenge = _CHALLENGES[scheme]
        self.digests = digests

    def accept(self, presented: bytes) -> bool:
        """Compares with every secret, in a time that depends only on the number of secrets."""
        digest = _digest(presented)
        return sum(hmac.compare_digest(digest, known) for known in self.digests.value) > 0


def read_bearer_tokens(file: Path) -> Credentials:
    """Each line of the file is a token, so that an old and a new one can be valid together."""
    files = {"--bearer-token-file": file}
    return Credentials("bearer", FileReloader("the bearer token", files, lambda: _tokens(file)))


def read_basic_auth(file: Path) -> Credentials:
    """Each line of the file is `user:password`."""
    files = {"--basic-auth-file": file}
    return Credentials("basic", FileReloader("basic auth", files, lambda: _passwords(file)))


class AuthMiddleware:
    """ASGI middleware: 401, naming the accepted schemes, for requests without valid credentials."""

    def __init__(self, app: ASGIApp, credentials: Sequence[Credentials]) -> None:
        self._app = app
        self._credentials = {c.scheme: c for c in credentials}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS or self._is_authorized(scope):
            await self._app(scope, receive, send)
            return
        response = PlainTextResponse("401 Unauthorized: valid credentials are required\n", 401)
        for credentials in self._credentials.values():
            response.headers.append("WWW-Authenticate", credentials.challenge)
        await response(scope, receive, send)

    def _is_authorized(self, scope: Scope) -> bool:
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
        return credentials.accept(value.strip() if name == "bearer" else value)


def _tokens(file: Path) -> Digests:
    tokens = _lines(file)
    if not tokens:
        raise ValueError("the file contains no token")
    return tuple(_digest(token) for _, token in tokens)


def _passwords(file: Path) -> Digests:
    users = _lines(file)
    if not users:
        raise ValueError("the file contains no user:password")
    for number, line in users:
        user, colon, password = line.partition(b":")
        if not (user and colon and password):
            raise ValueError(f"line {number} is not user:password")
    return tuple(_digest(line) for _, line in users)


def _lines(file: Path) -> list[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers."""
    lines = enumerate(file.read_bytes().splitlines(), start=1)
    return [(number, line.strip()) for number, line in lines if line.strip()]


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()
