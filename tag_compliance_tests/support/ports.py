"""Ports of loopback."""

from __future__ import annotations

import secrets
import socket

# Below the ports that the system gives to connections, so that only another test can take one.
_PORTS = range(20_000, 32_000)


def free_port() -> int:
    """A port on which nobody listens now; another program may take it before the caller does."""
    while True:
        port = secrets.choice(_PORTS)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
