#!/usr/bin/env python3
"""Whether the exporter of this container answers; an image without curl asks so."""

import http.client
import os
import ssl
import sys

_TIMEOUT_SECONDS = 4


def answers(port: int, *, tls: bool) -> bool:
    """Whether `/livez` on loopback says 200; whose certificate it shows does not matter there."""
    connection: http.client.HTTPConnection
    if tls:
        context = ssl._create_unverified_context()  # noqa: SLF001
        connection = http.client.HTTPSConnection(
            "127.0.0.1", port, timeout=_TIMEOUT_SECONDS, context=context
        )
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False


if __name__ == "__main__":
    named = os.environ.get("TAG_COMPLIANCE_PORT") or "8080"
    sys.exit(not answers(int(named), tls=bool(os.environ.get("TAG_COMPLIANCE_TLS_CERT"))))
