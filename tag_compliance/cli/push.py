"""A scan's exposition, put to a Pushgateway.

https://github.com/prometheus/pushgateway#put-method
"""

from __future__ import annotations

import base64
import http.client
import urllib.error
import urllib.parse
import urllib.request
from textwrap import shorten

from tag_compliance.errors import TagComplianceError

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_TIMEOUT_SECONDS = 30.0


def push(exposition: bytes, url: str, job: str = "tag_compliance") -> None:
    """Replaces all that the job has pushed before; `url` may hold `user:password@`.

    Raises `TagComplianceError` where the Pushgateway is not reached or refuses: it takes an
    exposition whole or not at all.
    """
    base, authorization = _address(url)
    request = urllib.request.Request(  # noqa: S310 - `_address` lets http and https in, no more
        f"{base}/metrics/job/{urllib.parse.quote(job, safe='')}",
        data=exposition,
        headers={"Content-Type": CONTENT_TYPE, **authorization},
        method="PUT",
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS):  # noqa: S310 - as above
            pass
    except urllib.error.HTTPError as error:
        with error:
            said = shorten(error.read(1_000).decode(errors="replace"), 300, placeholder=" …")
        cause = f"it answered {error.code} {error.reason}" + (f": {said}" if said else "")
        raise TagComplianceError(f"cannot push to {base}: {cause}") from error
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise TagComplianceError(f"cannot push to {base}: {reason}") from error


def _address(url: str) -> tuple[str, dict[str, str]]:
    """The URL without credentials, which belong in no message, and the header that they make."""
    try:
        parts = urllib.parse.urlsplit(url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        where = f"{host}:{parts.port}" if parts.port else host
    except ValueError as error:
        raise TagComplianceError(f"the Pushgateway's URL cannot be read: {error}") from error
    if parts.scheme not in {"http", "https"} or not host:
        raise TagComplianceError(
            "a Pushgateway's URL must begin with http:// or https:// and a host"
        )
    base = f"{parts.scheme}://{where}{parts.path.rstrip('/')}"
    if parts.username is None:
        return base, {}
    user, password = (urllib.parse.unquote(part or "") for part in (parts.username, parts.password))
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    return base, {"Authorization": f"Basic {token}"}
