"""TLS trust loaded once for a scan, not once for a connection.

urllib3 hands the CA bundle to the SSL context anew for every connection, 25 to 35 ms of CPU each; a
context that has loaded a bundle need not load it again.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.httpsession import URLLib3Session, create_urllib3_context

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse
    from botocore.client import BaseClient


def create_trust() -> ssl.SSLContext:
    """The context that botocore makes, in all but this: each bundle is loaded into it once."""
    context: ssl.SSLContext = create_urllib3_context()
    context.load_verify_locations = _once_each(  # type: ignore[method-assign]
        context.load_verify_locations
    )
    return context


def _once_each(load: Callable[..., None]) -> Callable[..., None]:
    lock = threading.Lock()
    loaded: set[tuple[object, ...]] = set()

    def load_unless_loaded(*where: Any, **named: Any) -> None:
        key = (*where, *sorted(named.items()))
        with lock:
            if key not in loaded:
                load(*where, **named)
                loaded.add(key)

    return load_unless_loaded


class TrustOnceSession(URLLib3Session):
    """botocore's HTTP session with such a context; pools and proxies stay botocore's."""

    def __init__(self, trust: ssl.SSLContext, **settings: Any) -> None:
        self._trust = trust
        super().__init__(**settings)

    def _get_ssl_context(self) -> ssl.SSLContext:
        return self._trust


def send_through(client: BaseClient, http: URLLib3Session) -> None:
    """Makes the client send its requests through this HTTP session."""

    def send(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        return http.send(request)

    client.meta.events.register("before-send", send)  # type: ignore[arg-type]  # it may answer
