"""A scan without an exporter: node-exporter reads its file, or it is pushed to a Pushgateway."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tag_compliance.cli.push import push
from tag_compliance.errors import TagComplianceError
from tag_compliance_tests.recorded.case import Step
from tag_compliance_tests.support.exposition import Exposition, Values
from tag_compliance_tests.support.loopback import fetch, free_port
from tag_compliance_tests.support.process import running
from tag_compliance_tests.support.system import require
from tag_compliance_tests.support.waiting import eventually


@pytest.fixture(scope="module")
def exposition() -> bytes:
    """What a scan prints, with a value in place of each time and duration."""
    [step] = Step.read("hostile-text")
    return step.expected.read_bytes().replace(b" *\n", b" 1.5\n")


@pytest.fixture(scope="module")
def pushgateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    gateway = require("prometheus-pushgateway")
    url = f"http://127.0.0.1:{free_port()}"
    log = tmp_path_factory.mktemp("pushgateway") / "log"
    with running([gateway, f"--web.listen-address={url.removeprefix('http://')}"], log):
        eventually(lambda: fetch(f"{url}/-/ready"))
        yield url


def _values(exposition: bytes) -> Values:
    """Both write the bounds of a histogram in their own way: 2.592e+06 is 2592000.0."""

    def number(label: str, text: str) -> str:
        return str(float(text)) if label == "le" else text

    return {
        (name, frozenset((label, number(label, text)) for label, text in labels)): value
        for (name, labels), value in Exposition(exposition.decode()).values().items()
    }


def _held(pushgateway: str, job: str) -> Values:
    """The job's samples at the gateway, without what the gateway adds."""
    served = _values(eventually(lambda: fetch(f"{pushgateway}/metrics")))
    return {
        (name, labels - {("job", job), ("instance", "")}): value
        for (name, labels), value in served.items()
        if ("job", job) in labels and not name.startswith("push_")
    }


def test_node_exporter_serves_every_sample_of_the_file(exposition: bytes, tmp_path: Path) -> None:
    exporter = require("prometheus-node-exporter")
    folder = tmp_path / "textfile"
    folder.mkdir()
    (folder / "tag_compliance.prom").write_bytes(exposition)
    address = f"127.0.0.1:{free_port()}"
    only_files = ["--collector.disable-defaults", "--collector.textfile"]
    options = [f"--collector.textfile.directory={folder}", f"--web.listen-address={address}"]
    with running([exporter, *only_files, *options], tmp_path / "log"):
        served = _values(eventually(lambda: fetch(f"http://{address}/metrics")))
    written = _values(exposition)
    assert len(written) > 1_000
    assert written.items() <= served.items()
    assert served["node_textfile_scrape_error", frozenset()] == 0


def test_the_pushgateway_serves_every_sample_that_was_pushed(
    exposition: bytes, pushgateway: str
) -> None:
    push(exposition, f"{pushgateway}/")
    assert _held(pushgateway, "tag_compliance") == _values(exposition)


def test_a_push_replaces_the_earlier_samples_of_the_job(pushgateway: str) -> None:
    push(b"before 1\nboth 1\n", pushgateway, job="replaced")
    push(b"both 2\n", pushgateway, job="replaced")
    assert _held(pushgateway, "replaced") == {("both", frozenset()): 2.0}


def test_an_error_of_the_pushgateway_is_reported_with_its_message(pushgateway: str) -> None:
    with pytest.raises(TagComplianceError, match=r"cannot push to http://.*: it returned 400 .*: "):
        push(b"no exposition\n", pushgateway, job="refused")
