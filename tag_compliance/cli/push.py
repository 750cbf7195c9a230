"""Pushes the exposition of a scan to a Pushgateway.

https://github.com/prometheus/pushgateway#put-method
"""

from __future__ import annotations

import contextlib
from base64 import b64encode
from http.client import HTTPException
from textwrap import shorten
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote, urlsplit
from urllib.request import Request, build_opener

from tag_compliance.errors import TagComplianceError

_TIMEOUT_SECONDS = 30.0
_MAX_BODY_BYTES = 1_000
_MAX_CHARACTERS = 300


def push(exposition: bytes, url: str, job: str = "tag_compliance") -> None:
    """Replaces everything that the job has pushed before; `url` may contain `user:password@`.

    Goes through the proxy that the environment names. urllib follows no redirect of a PUT. Raises
    `TagComplianceError` if the Pushgateway cannot be reached or rejects the exposition, which it
    stores completely or not at all.
    """
    base, headers = _address(url)
    target = f"{base}/metrics/job/{quote(job, safe='')}"
    request = Request(target, exposition, headers, method="PUT")  # noqa: S310 - HTTP or HTTPS
    body = ""
    try:
        build_opener().open(request, timeout=_TIMEOUT_SECONDS).close()
    except HTTPError as error:
        with error, contextlib.suppress(OSError, HTTPException):
            body = _one_line(error.read(_MAX_BODY_BYTES).decode(errors="replace"))
        cause = f"it returned {error.code} {error.reason}{body and ': '}{body}"
    except (OSError, HTTPException, ValueError) as error:
        cause = _one_line(str(error.reason if isinstance(error, URLError) else error))
    else:
        return
    raise TagComplianceError(f"cannot push to {base}: {cause}")


def _address(url: str) -> tuple[str, dict[str, str]]:
    """The URL without credentials, which no message may contain, and the headers of the request."""
    try:
        parts = urlsplit(url)
        address = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        base = f"{parts.scheme}://{address}{'' if parts.port is None else f':{parts.port}'}"
    except ValueError:  # its text can contain the credentials
        raise TagComplianceError(
            "the Pushgateway's URL is malformed: expected http://host:port/path"
        ) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise TagComplianceError(
            "the Pushgateway's URL must begin with http:// or https:// and contain a host"
        )
    base += quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~")
    headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {b64encode(credentials.encode()).decode()}"
    return base, headers


def _one_line(text: str) -> str:
    return shorten(text, _MAX_CHARACTERS, placeholder=" …")
