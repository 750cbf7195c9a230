"""Ports of loopback."""

from __future__ import annotations

import socket


def free_port() -> int:
    """A port on which nobody listens now; another program may take it before the caller does."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
