"""What stands in for AWS in more than one folder of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tag_compliance_tests.aws.scans import Enter
from tag_compliance_tests.fake_aws import FakeAws


@pytest.fixture
def enter(monkeypatch: pytest.MonkeyPatch) -> Enter:
    """Leads every boto3 client of this process to the fake."""

    def enter(fake: FakeAws) -> None:
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)

    return enter


@pytest.fixture(scope="session")
def simulated_s3() -> Iterator[str]:
    """The URL of a simulated S3."""
    from moto.server import ThreadedMotoServer  # it takes a second, which most tests can do without

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()
