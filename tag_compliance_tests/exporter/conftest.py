"""Running exporters for tests: in a thread of this process, or as separate processes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tag_compliance_tests.exporter.running import Exporter, run_in_process, run_in_thread

Start = Callable[..., Exporter]


@pytest.fixture
def exporter(tmp_path: Path) -> Iterator[Exporter]:
    """Serves the snapshots of `tmp_path`."""
    with run_in_thread(tmp_path) as running:
        yield running


@pytest.fixture
def start_process() -> Iterator[Start]:
    """Starts exporters as `serve` does, and stops them after the test."""
    with contextlib.ExitStack() as stack:
        yield lambda *args, **settings: stack.enter_context(run_in_process(*args, **settings))
