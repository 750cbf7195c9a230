"""A PostgreSQL for a test: Debian's programs, a temporary folder, a port on loopback."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tag_compliance_tests.support.loopback import free_port
from tag_compliance_tests.support.process import running
from tag_compliance_tests.support.system import require
from tag_compliance_tests.support.waiting import eventually


@contextlib.contextmanager
def running_postgres(*, durable: bool = False) -> Iterator[str]:
    """The URL of an empty database; if `durable`, it writes to disk as one in use does."""
    binaries = _binaries()
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    options: dict[str, Any] = {"cwd": folder, **_unprivileged(folder)}
    data, port = str(folder / "data"), free_port()
    create = [f"{binaries}/initdb", "-D", data, "-U", "dagster", "-A", "trust", "--no-sync"]
    serve = [
        *(f"{binaries}/postgres", "-D", data, "-k", str(folder), "-h", "127.0.0.1"),
        *("-p", str(port), "-c", "timezone=UTC", "-c", "max_connections=200"),
        *(() if durable else ("-F",)),
    ]
    is_ready = [f"{binaries}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    try:
        subprocess.run(create, check=True, capture_output=True, **options)
        with running(serve, folder / "log", **options):
            eventually(lambda: subprocess.run(is_ready, check=False).returncode == 0, pause=0.1)
            # The driver is named: SQLAlchemy itself would take psycopg 3, dagster-postgres has 2.
            yield f"postgresql+psycopg2://dagster@127.0.0.1:{port}/postgres"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def storage_section(variable: str) -> str:
    """What makes a `dagster.yaml` keep everything in the database whose URL the variable holds."""
    return f"\nstorage:\n  postgres:\n    postgres_url:\n      env: {variable}\n"


def is_installed() -> bool:
    return bool(_packaged() or shutil.which("initdb"))


def _binaries() -> Path:
    packaged = _packaged()
    return packaged[-1].parent if packaged else Path(require("initdb")).parent


def _packaged() -> list[Path]:
    """Debian keeps its programs out of the search path, a folder for each version."""
    return sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


def _unprivileged(folder: Path) -> dict[str, Any]:
    """The options of a process that PostgreSQL accepts, which refuses root; it owns the folder."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            os.chown(folder, user.pw_uid, user.pw_gid)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise RuntimeError("there is no user for whom PostgreSQL would run")
