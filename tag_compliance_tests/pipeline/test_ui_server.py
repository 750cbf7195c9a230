"""The process that serves Dagster's UI with the guard."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tag_compliance_tests.support.loopback import fetch, free_port
from tag_compliance_tests.support.waiting import eventually


def test_the_webserver_ends_with_0_after_sigterm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    workspace = tmp_path / "workspace.yaml"
    workspace.write_text("load_from: []\n")
    port = str(free_port())
    options = ["--host", "127.0.0.1", "--port", port, "--workspace", str(workspace)]
    command = [sys.executable, "-P", "-m", "tag_compliance.pipeline.ui_server", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        try:
            eventually(lambda: fetch(f"http://127.0.0.1:{port}/server_info"))
        finally:
            process.terminate()
        _, err = process.communicate()
    assert process.returncode == 0, err.decode()
