"""A PostgreSQL of one's own: Debian's programs, a temporary folder, a port on loopback."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tag_compliance_tests.support.loopback import free_port
from tag_compliance_tests.support.system import require
from tag_compliance_tests.support.waiting import DEADLINE_SECONDS, eventually


@contextlib.contextmanager
def running_postgres(*, durable: bool = False) -> Iterator[str]:
    """The URL of an empty database; `durable` where it is to write to disk as one in use does.

    PostgreSQL refuses root, which becomes somebody else for it.
    """
    binaries = _binaries()
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    user = _unprivileged()
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    uid, gid = (user.pw_uid, user.pw_gid) if user else (None, None)
    others: list[int] | None = [] if user else None
    data, port = folder / "data", free_port()
    create = [f"{binaries}/initdb", "-D", str(data), "-U", "dagster", "-A", "trust", "--no-sync"]
    serve = [
        *(f"{binaries}/postgres", "-D", str(data), "-k", str(folder), "-h", "127.0.0.1"),
        *("-p", str(port), "-c", "timezone=UTC", "-c", "max_connections=200"),
        *(() if durable else ("-F",)),
    ]
    try:
        subprocess.run(
            create,
            check=True,
            capture_output=True,
            cwd=folder,
            user=uid,
            group=gid,
            extra_groups=others,
        )
        server = subprocess.Popen(
            serve,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            user=uid,
            group=gid,
            extra_groups=others,
        )
        try:
            _await_ready(binaries, port)
            # The driver is named: SQLAlchemy itself would take psycopg 3, dagster-postgres has 2.
            yield f"postgresql+psycopg2://dagster@127.0.0.1:{port}/postgres"
        finally:
            server.terminate()
            server.wait(DEADLINE_SECONDS)
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


def _unprivileged() -> pwd.struct_passwd | None:
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise RuntimeError("there is no user for whom PostgreSQL would run")


def _await_ready(binaries: Path, port: int) -> None:
    command = [f"{binaries}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    eventually(lambda: subprocess.run(command, check=False).returncode == 0, pause=0.1)
