"""What some tests need from the system: programs, and file systems that can be mounted."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import NoReturn

import pytest

# Read once, because most tests remove every variable of the program from the environment.
_REQUIRED = os.environ.get("TAG_COMPLIANCE_REQUIRE_SYSTEM_TESTS") == "1"


def require(program: str) -> str:
    """The program's path. Without it the test is skipped, or fails where CI must run it."""
    return shutil.which(program) or _missing(program)


def _missing(name: str) -> NoReturn:
    reason = f"{name} is not installed"
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


def axe_core() -> str:
    """The script of axe-core, which checks pages for accessibility."""
    if importlib.util.find_spec("axe_playwright_python"):
        return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
    return _missing("axe_playwright_python")
