"""A full disk and a read-only storage: one line on stderr, and the last snapshot stays."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tag_compliance_tests.endurance.scraping import scraping
from tag_compliance_tests.exporter.running import run_in_process
from tag_compliance_tests.fake_aws import FakeAws, generate_organization
from tag_compliance_tests.support.exposition import Exposition
from tag_compliance_tests.support.forked import ForkServer
from tag_compliance_tests.support.process import Place
from tag_compliance_tests.support.program import error_lines
from tag_compliance_tests.support.system import mounted_tmpfs
from tag_compliance_tests.support.waiting import eventually


@dataclass
class Scene:
    place: Place

    @property
    def state(self) -> Path:
        return self.place.state

    @property
    def output(self) -> Path:
        return self.place.folder / "output.prom"

    @property
    def right(self) -> frozenset[str]:
        return Exposition(self.output.read_text()).contract_lines

    def scan(self, code: int, file_bytes: int = 0) -> str:
        """Runs a scan that ends with this exit code; returns stderr."""
        arguments = ("scan", "--output", str(self.output), "--log-level", "error")
        process = self.place.start(*arguments, file_bytes=file_bytes)
        _, err = process.communicate()
        assert process.wait() == code, err
        return err

    def fails(self, *texts: str, file_bytes: int = 0) -> None:
        """With one line on stderr that has these texts; snapshot and output do not change."""
        kept = self.state / "current.json", self.output
        before = [path.read_bytes() for path in kept]
        err = self.scan(1, file_bytes)
        assert "Traceback" not in err
        (line,) = error_lines(err)
        for text in ("tag-compliance: cannot write ", *texts):
            assert text in line
        assert [path.read_bytes() for path in kept] == before


@pytest.fixture
def scene(tmp_path: Path, forks: ForkServer) -> Iterator[Scene]:
    with FakeAws(generate_organization(3, ["us-east-1"], 100)) as fake:
        yield Scene(Place.create(tmp_path / "place", fake, forks))


def test_the_last_snapshot_is_served_whichever_file_of_a_scan_cannot_be_written(
    scene: Scene,
) -> None:
    scene.scan(0)
    files = [path for path in scene.state.rglob("*") if path.is_file()]
    # Without the findings database the metrics are published all the same.
    others = {"scan_config.json", "findings.sqlite"}
    sizes = {path.stat().st_size for path in files if path.name not in others}
    with (
        run_in_process(scene.state) as exporter,
        scraping(exporter.port, [scene.right]) as scraper,
    ):
        eventually(lambda: scraper.scrapes)
        # The smallest limit stops the first file, the largest the last but one.
        for size in sorted(sizes)[-4:]:
            scene.fails("File too large", file_bytes=size - 50)
        scene.scan(0)
    assert not scraper.faults
    assert not list(scene.state.rglob("*.unfinished"))


@pytest.mark.slow
def test_a_full_disk_prints_one_line_and_keeps_the_snapshot(scene: Scene) -> None:
    with mounted_tmpfs(scene.state, "size=2m"):
        scene.scan(0)
        filler = scene.state / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(b"x" * 4096):
                pass
        scene.fails("No space left on device", "free some space")
        filler.unlink()
        scene.scan(0)
        assert not list(scene.state.rglob("*.unfinished"))


@pytest.mark.slow
def test_a_read_only_storage_prints_one_line_and_keeps_the_snapshot(scene: Scene) -> None:
    with mounted_tmpfs(scene.state, "size=4m"):
        scene.scan(0)
        subprocess.run(["mount", "-o", "remount,ro", str(scene.state)], check=True)
        scene.fails("Read-only file system", "mount it writable")
        with run_in_process(scene.state) as exporter:
            served = Exposition(exporter.get("/metrics").text)
        assert served.contract_lines == scene.right
