"""TLS trust loaded once for a client, not once for a connection.

urllib3 hands the CA bundle to the SSL context anew for every connection, 25 to 35 ms of CPU each; a
context that has loaded a bundle need not load it again.
"""

from __future__ import annotations

import ssl
import threading
from typing import TYPE_CHECKING, Any

from botocore.httpsession import URLLib3Session, create_urllib3_context

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse
    from botocore.client import BaseClient


class _LoadsOnce(ssl.SSLContext):
    """Remembers which bundles it has loaded."""

    # An SSLContext is made by __new__, which takes no more than a protocol.
    def __init__(self, _protocol: int) -> None:
        self._loaded: set[tuple[object, ...]] = set()
        self._lock = threading.Lock()

    def load_verify_locations(self, *where: Any, **named: Any) -> None:
        key = (*where, *sorted(named.items()))
        with self._lock:
            if key not in self._loaded:
                super().load_verify_locations(*where, **named)
                self._loaded.add(key)


class TrustOnceSession(URLLib3Session):
    """botocore's HTTP session with such a context; pools and proxies stay botocore's."""

    def _get_ssl_context(self) -> ssl.SSLContext:
        botocores = create_urllib3_context()
        context = _LoadsOnce(ssl.PROTOCOL_TLS_CLIENT)
        context.options = botocores.options
        context.check_hostname = False
        context.verify_mode = botocores.verify_mode
        context.check_hostname = botocores.check_hostname
        return context


def send_through(client: BaseClient, http: URLLib3Session) -> None:
    """Makes the client send its requests through this HTTP session."""

    def send(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        return http.send(request)

    client.meta.events.register("before-send", send)  # type: ignore[arg-type]  # it may answer
