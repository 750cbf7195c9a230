"""Pushes the exposition of a scan to a Pushgateway.

https://github.com/prometheus/pushgateway#put-method
"""

from __future__ import annotations

from textwrap import shorten
from urllib.parse import quote, unquote
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.util import Timeout, Url, make_headers, parse_url

from tag_compliance.errors import TagComplianceError

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_TIMEOUT = Timeout(total=30.0)
_MAX_BODY_BYTES = 1_000
_MAX_CHARACTERS = 300


def push(exposition: bytes, url: str, job: str = "tag_compliance") -> None:
    """Replaces everything that the job has pushed before; `url` may contain `user:password@`.

    Raises `TagComplianceError` if the Pushgateway cannot be reached or rejects the exposition,
    which it stores completely or not at all. Redirects are not followed.
    """
    base, headers = _address(url)
    try:
        with _pool(base).request(
            "PUT",
            f"{base}/metrics/job/{quote(job, safe='')}",
            body=exposition,
            headers={"Content-Type": CONTENT_TYPE, **headers},
            timeout=_TIMEOUT,
            retries=False,
            preload_content=False,
        ) as response:
            if response.status >= 300:  # noqa: PLR2004 - not a success
                body = _one_line(response.read(_MAX_BODY_BYTES).decode(errors="replace"))
                cause = f"it returned {response.status} {response.reason}"
                raise TagComplianceError(f"cannot push to {base}: {cause}{body and ': '}{body}")
    except (HTTPError, OSError) as error:
        # urllib3 puts names of its classes in front of the error that it caught.
        cause = _one_line(str(error.__cause__ or error))
        raise TagComplianceError(f"cannot push to {base}: {cause}") from error


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
        return urllib3.PoolManager()
    parts = parse_url(proxy if "://" in proxy else f"http://{proxy}")
    headers = make_headers(proxy_basic_auth=_credentials(parts))
    return urllib3.ProxyManager(parts._replace(auth=None).url, proxy_headers=headers)


def _credentials(url: Url) -> str | None:
    """`user:password` of the URL; urllib3 encodes it as Latin-1, servers expect UTF-8."""
    if url.auth is None:
        return None
    user, _, password = url.auth.partition(":")
    return f"{unquote(user)}:{unquote(password)}".encode().decode("latin-1")


def _one_line(text: str) -> str:
    return shorten(text, _MAX_CHARACTERS, placeholder=" …")
