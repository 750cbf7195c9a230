"""Programs of the system that some tests run for real."""

from __future__ import annotations

import os
import shutil

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
