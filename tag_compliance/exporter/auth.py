"""Authentication: bearer tokens and basic auth from files, checked before any other work."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from tag_compliance.exporter.error_responses import error_response
from tag_compliance.exporter.file_reloader import FileReloader
from tag_compliance.exporter.http_limits import PROBE_PATHS

Digests = tuple[bytes, ...]


_REQUIRED = "valid credentials are required"


class Credentials:
    """The secrets of one scheme. Only their digests are kept, which all have the same length."""

    def __init__(self, scheme: str, digests: FileReloader[Digests]) -> None:
        self.scheme = scheme
        self.digests = digests

    def accept(self, presented: bytes) -> bool:
        """Compares with every secret, in a time that depends only on the number of secrets."""
        digest = _digest(presented)
        return sum(hmac.compare_digest(digest, known) for known in self.digests.value) > 0


def read_bearer_tokens(file: Path) -> Credentials:
    """Each line of the file is a token, so that an old and a new one can be valid together."""

    def read() -> Digests:
        return tuple(_digest(token) for _, token in _lines(file, "token"))

    files = {"--bearer-token-file": file}
    return Credentials("bearer", FileReloader("the bearer token", files, read))


def read_basic_auth(file: Path) -> Credentials:
    """Each line of the file is `user:password`."""

    def read() -> Digests:
        users = _lines(file, "user:password")
        for number, line in users:
            user, _, password = line.partition(b":")
            if not (user and password):
                raise ValueError(f"line {number} is not user:password")
        return tuple(_digest(line) for _, line in users)

    return Credentials("basic", FileReloader("basic auth", {"--basic-auth-file": file}, read))


class AuthMiddleware:
    """ASGI middleware: 401, naming the accepted schemes, for requests without valid credentials."""

    def __init__(self, app: ASGIApp, credentials: Sequence[Credentials]) -> None:
        self._app = app
        self._credentials = {c.scheme: c for c in credentials}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PROBE_PATHS or self._is_authorized(scope):
            await self._app(scope, receive, send)
            return
        # A client without credentials does not keep a connection.
        headers = {"Connection": "close"}
        response = error_response(scope["path"], HTTPStatus.UNAUTHORIZED, _REQUIRED, headers)
        for scheme in self._credentials:
            challenge = f'{scheme.capitalize()} realm="tag-compliance"'
            response.headers.append("WWW-Authenticate", challenge)
        await response(scope, receive, send)

    def _is_authorized(self, scope: Scope) -> bool:
        presented = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(presented) != 1:
            return False
        scheme, _, secret = presented[0].partition(b" ")
        credentials = self._credentials.get(scheme.decode("latin-1").lower())
        if credentials is None:
            return False
        secret = secret.strip()
        if credentials.scheme == "basic":
            try:
                secret = base64.b64decode(secret, validate=True)
            except binascii.Error:
                return False
        return credentials.accept(secret)


def _lines(file: Path, wanted: str) -> list[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers. Raises `ValueError` if there is none."""
    lines = [(n, line.strip()) for n, line in enumerate(file.read_bytes().splitlines(), 1)]
    if not any(line for _, line in lines):
        raise ValueError(f"the file contains no {wanted}")
    return [(number, line) for number, line in lines if line]


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()
