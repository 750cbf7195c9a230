"""What tests of more than one folder need."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest

from tag_compliance_tests.support import aws


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
