"""The HTTP session of a client, which loads the CA bundle once for a scan.

urllib3 loads the bundle into the TLS context for every connection, which takes 25 to 35 ms of CPU
time. A context that has loaded a bundle does not need to load it again.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from typing import Any

from botocore.httpsession import URLLib3Session, create_urllib3_context


def create_tls_context() -> ssl.SSLContext:
    """The context that botocore creates, except that it loads each CA bundle only once."""
    context: ssl.SSLContext = create_urllib3_context()
    context.load_verify_locations = _once_each(  # type: ignore[method-assign]
        context.load_verify_locations
    )
    return context


def _once_each(load: Callable[..., None]) -> Callable[..., None]:
    lock = threading.Lock()
    loaded: set[tuple[object, ...]] = set()

    def load_unless_loaded(*args: Any, **kwargs: Any) -> None:
        key = (*args, *sorted(kwargs.items()))
        with lock:
            if key not in loaded:
                load(*args, **kwargs)
                loaded.add(key)

    return load_unless_loaded


class HttpSession(URLLib3Session):
    """botocore's HTTP session with a shared TLS context; botocore manages pools and proxies."""

    def __init__(self, tls_context: ssl.SSLContext, **settings: Any) -> None:
        self._tls_context = tls_context
        super().__init__(**settings)

    def _get_ssl_context(self) -> ssl.SSLContext:
        return self._tls_context
