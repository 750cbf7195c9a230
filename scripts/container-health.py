#!/usr/bin/env python3
"""The health check of the container: exits with 0 if the exporter responds. Needs no curl."""

import os
import ssl
import sys
from http.client import OK, HTTPConnection, HTTPException, HTTPSConnection

_TIMEOUT_SECONDS = 4


def is_alive(port: int, *, tls: bool) -> bool:
    """Whether `/livez` on loopback returns 200; on loopback the certificate is not verified."""
    connection = HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    if tls:
        context = ssl._create_unverified_context()  # noqa: SLF001
        connection = HTTPSConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS, context=context)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == OK
    except (OSError, HTTPException):
        return False


if __name__ == "__main__":
    port = int(os.environ.get("TAG_COMPLIANCE_PORT") or "8080")
    sys.exit(not is_alive(port, tls=bool(os.environ.get("TAG_COMPLIANCE_TLS_CERT"))))
