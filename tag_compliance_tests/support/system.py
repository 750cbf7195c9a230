"""What some tests need from the system: programs, and file systems that can be mounted."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

# Read once, because most tests remove every variable of the program from the environment.
_REQUIRED = os.environ.get("TAG_COMPLIANCE_REQUIRE_SYSTEM_TESTS") == "1"


def require(program: str) -> str:
    """The program's path. Without it the test is skipped, or fails where CI must run it."""
    path = shutil.which(program)
    if path is not None:
        return path
    reason = f"{program} is not installed"
    if _REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)


@contextlib.contextmanager
def mounted_tmpfs(folder: Path, options: str) -> Iterator[None]:
    """A tmpfs at the folder; skips the test where this user may not mount one."""
    mount, umount = require("mount"), require("umount")
    folder.mkdir(parents=True, exist_ok=True)
    command = [mount, "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr}")
    try:
        yield
    finally:
        subprocess.run([umount, "--lazy", str(folder)], check=True)
