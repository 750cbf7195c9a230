"""The program in the process of the tests."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest

from tag_compliance.cli.main import main
from tag_compliance.snapshot.store import Snapshot, SnapshotStore
from tag_compliance.storage.open import open_storage
from tag_compliance_tests.fake_aws import FakeAws, Organization
from tag_compliance_tests.support.aws import enter
from tag_compliance_tests.support.config import write_config
from tag_compliance_tests.support.exposition import Exposition
from tag_compliance_tests.support.process import Place


@dataclass(frozen=True)
class Finished:
    """One command: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @cached_property
    def exposition(self) -> Exposition:
        """What it printed on stdout."""
        return Exposition(self.out)


@dataclass
class Program:
    """Runs commands in this process, which is in the place's folder and has its environment."""

    place: Place
    captured: pytest.CaptureFixture[bytes]
    aws: FakeAws | None = None

    @property
    def fake(self) -> FakeAws:
        assert self.aws is not None
        return self.aws

    def configure(self, organization: Organization, **settings: Any) -> None:
        changed = {"calls_per_second": 0.0, "region_deadline": 30, **settings}
        write_config(self.place.folder, organization, **changed)

    def run(self, *arguments: str) -> Finished:
        self.captured.readouterr()
        code = main(arguments)
        out, err = self.captured.readouterr()
        return Finished(code, out.decode(), err.decode())

    def fails(self, code: int, *arguments: str) -> str:
        """The one line that says why the command ended with this code; stdout is empty."""
        ended = self.run(*arguments)
        (line,) = error_lines(ended.err)
        assert (ended.code, ended.out) == (code, ""), line
        return line

    def scan(self, fake: FakeAws | None = None, *flags: str) -> Finished:
        """Scans the given organization from now on."""
        if fake:
            enter(fake)
        return self.run("scan", *flags)

    def published(self) -> Snapshot | None:
        """The snapshot that an exporter would serve now."""
        return SnapshotStore(open_storage(str(self.place.state))).load()


def error_lines(err: str) -> list[str]:
    """The messages for a person on stderr, without the log."""
    return [line for line in err.splitlines() if line.startswith("tag-compliance: ")]
