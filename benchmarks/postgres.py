"""A PostgreSQL server for the time of a measurement, where one is installed."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.servers import free_port

_USER = "postgres"


def why_not() -> str:
    """What is missing; empty where nothing is."""
    if not shutil.which("initdb") or not shutil.which("pg_ctl"):
        return "PostgreSQL is not installed"
    if importlib.util.find_spec("dagster_postgres") is None:
        return "dagster-postgres is not installed"
    if os.geteuid() == 0 and _USER not in {entry.pw_name for entry in pwd.getpwall()}:
        return f"PostgreSQL does not run as root, and there is no user {_USER}"
    return ""


@contextlib.contextmanager
def run_postgres() -> Iterator[str]:
    """With its own defaults, in a folder of its own; answers the URL of its database."""
    port = free_port()
    # PostgreSQL refuses to run as root.
    user = _USER if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="bench-pg-") as folder:
        if user:
            shutil.chown(folder, user)
        data = Path(folder, "data")
        options = (
            f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder}"
        )
        create = ["initdb", "-D", str(data), "-A", "trust", "-U", _USER]
        start = ["pg_ctl", "-D", str(data), "-l", f"{folder}/log", "-w", "-o", options, "start"]
        stop = ["pg_ctl", "-D", str(data), "-m", "immediate", "stop"]
        for command in (create, start):
            subprocess.run(command, user=user, cwd=folder, stdout=subprocess.DEVNULL, check=True)
        try:
            yield f"postgresql+psycopg2://{_USER}@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run(stop, user=user, cwd=folder, stdout=subprocess.DEVNULL, check=True)
