"""Ports of loopback."""

from __future__ import annotations

import socket


def free_port() -> int:
    """One that nobody listens at now; another program may be the first to take it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
