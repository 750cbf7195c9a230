"""Pushes the exposition of a scan to a Pushgateway.

https://github.com/prometheus/pushgateway#put-method
"""

from __future__ import annotations

import contextlib
from textwrap import shorten
from urllib.parse import quote, unquote
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.util import Timeout, Url, make_headers, parse_url

from tag_compliance.errors import TagComplianceError
from tag_compliance.remote.limited_socket import ResponseTooLarge, limited_pools
from tag_compliance.remote.time_limit import TimeLimitExceeded, run_within

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = 30.0
_MAX_RESPONSE_BYTES = 1_000_000
_MAX_BODY_BYTES = 1_000
_MAX_CHARACTERS = 300


def push(
    exposition: bytes, url: str, job: str = "tag_compliance", seconds: float = _SECONDS
) -> None:
    """Replaces everything that the job has pushed before; `url` may contain `user:password@`.

    Raises `TagComplianceError` if the Pushgateway cannot be reached, does not respond completely
    within `seconds`, or rejects the exposition, which it stores completely or not at all. Redirects
    are not followed.
    """
    base, headers = _address(url)
    headers["Content-Type"] = CONTENT_TYPE
    target = f"{base}/metrics/job/{quote(job, safe='')}"
    try:
        rejection = run_within(seconds, lambda: _put(base, target, exposition, headers, seconds))
    except (HTTPError, OSError) as error:
        # urllib3 puts names of its classes in front of the error that it caught.
        rejection = _one_line(str(error.__cause__ or error))
    except ResponseTooLarge as error:
        rejection = str(error)
    except TimeLimitExceeded:
        rejection = f"not finished within {seconds:g} s"
    if rejection:
        raise TagComplianceError(f"cannot push to {base}: {rejection}")


def _put(base: Url, target: str, exposition: bytes, headers: dict[str, str], seconds: float) -> str:
    """Why the Pushgateway rejected the exposition; empty if it did not."""
    with _pool(base).request(
        "PUT",
        target,
        body=exposition,
        headers=headers,
        timeout=Timeout(total=seconds),
        retries=False,
        preload_content=False,
    ) as response:
        if response.status < 300:  # noqa: PLR2004 - a success
            return ""
        body = ""
        with contextlib.suppress(HTTPError):  # the status is known even if the body is not
            body = _one_line(response.read(_MAX_BODY_BYTES).decode(errors="replace"))
        return f"it returned {response.status} {response.reason}{body and ': '}{body}"


def _address(url: str) -> tuple[Url, dict[str, str]]:
    """The URL without credentials, which no message may contain, and the header made of them."""
    try:
        parts = parse_url(url)
    except LocationParseError:  # its text can contain the credentials
        raise TagComplianceError(
            "the Pushgateway's URL is malformed: expected http://host:port/path"
        ) from None
    if parts.scheme not in {"http", "https"} or not parts.host:
        raise TagComplianceError(
            "a Pushgateway's URL must begin with http:// or https:// and contain a host"
        )
    base = Url(parts.scheme, None, parts.host, parts.port, (parts.path or "").rstrip("/"))
    return base, make_headers(basic_auth=_credentials(parts))


def _pool(base: Url) -> urllib3.PoolManager:
    """Connections through the proxy that the environment names for this address, if any."""
    proxy = getproxies().get(base.scheme or "")
    if not proxy or proxy_bypass(base.host or ""):
        pool = urllib3.PoolManager()
    else:
        parts = parse_url(proxy if "://" in proxy else f"http://{proxy}")
        headers = make_headers(proxy_basic_auth=_credentials(parts))
        pool = urllib3.ProxyManager(parts._replace(auth=None).url, proxy_headers=headers)
    pool.pool_classes_by_scheme = limited_pools(pool.pool_classes_by_scheme, _MAX_RESPONSE_BYTES)
    return pool


def _credentials(url: Url) -> str | None:
    """`user:password` of the URL; urllib3 encodes it as Latin-1, servers expect UTF-8."""
    if url.auth is None:
        return None
    user, _, password = url.auth.partition(":")
    return f"{unquote(user)}:{unquote(password)}".encode().decode("latin-1")


def _one_line(text: str) -> str:
    return shorten(text, _MAX_CHARACTERS, placeholder=" …")
