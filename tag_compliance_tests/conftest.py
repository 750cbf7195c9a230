"""What tests of more than one folder need."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tag_compliance_tests.support import aws
from tag_compliance_tests.support.fork_server import read_models_once
from tag_compliance_tests.support.forked import ForkServer

_MEMORY = Path("/dev/shm")
_ENOUGH_BYTES = 2_000_000_000


def pytest_configure() -> None:
    """Temporary folders are in memory, if there is room: fsync on a busy disk takes minutes."""
    if "TMPDIR" in os.environ or not _MEMORY.is_dir():
        return
    if shutil.disk_usage(_MEMORY).free > _ENOUGH_BYTES:
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow tests first, so that the others fill the time of the other workers."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(autouse=True)
def _process_as_before() -> Iterator[None]:
    """The program configures the log and the environment of its process: here, of all tests."""
    root = logging.getLogger()
    handlers, level, environment = root.handlers[:], root.level, dict(os.environ)
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    os.environ.clear()
    os.environ.update(environment)


@pytest.fixture(scope="session")
def forks() -> Iterator[ForkServer]:
    with ForkServer() as server:
        yield server


@pytest.fixture(scope="session", autouse=True)
def _aws_models_are_read_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        read_models_once(patch)
        yield


@pytest.fixture
def enter() -> aws.Enter:
    """Directs every boto3 client of this process to a fake AWS."""
    return aws.enter


@pytest.fixture(scope="session")
def simulated_s3() -> Iterator[str]:
    """The URL of a simulated S3."""
    from moto.server import ThreadedMotoServer  # it takes a second, which most tests can do without

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()
