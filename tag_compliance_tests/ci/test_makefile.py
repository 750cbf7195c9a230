"""What the Makefile needs, and what it says when that is missing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tag_compliance_tests.support.system import require

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Without a virtual environment."""
    require("make")
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    return tmp_path


def make(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "-C", str(checkout), ".venv/.runtime", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_without_a_new_python_make_says_how_to_select_one(checkout: Path) -> None:
    ended = make(checkout, "PYTHON=")
    assert ended.returncode != 0
    assert "Python 3.11 or newer is required; select it with: make PYTHON=" in ended.stderr


def test_a_python_without_venv_is_reported_with_the_package_to_install(checkout: Path) -> None:
    python = checkout / "python3"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    ended = make(checkout, f"PYTHON={python}")
    assert ended.returncode != 0
    assert "install python3-venv" in ended.stderr
    assert not (checkout / ".venv").exists()
