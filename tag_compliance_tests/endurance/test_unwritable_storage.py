"""A full disk and a read-only storage: one line on stderr, and the last snapshot stays."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tag_compliance.snapshot.store import SnapshotStore
from tag_compliance.storage.folder import FolderStorage
from tag_compliance_tests.endurance.scraping import Scraper
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
    def output(self) -> Path:
        return self.place.folder / "output.prom"

    @property
    def current(self) -> str:
        snapshot = SnapshotStore(FolderStorage(self.place.state)).load()
        assert snapshot is not None
        return snapshot.snapshot_id

    @property
    def unfinished(self) -> list[Path]:
        return list(self.place.state.rglob("*.unfinished"))

    def scan(self, file_bytes: int = 0) -> tuple[int, str]:
        """Exit code and stderr."""
        arguments = ("scan", "--output", str(self.output), "--log-level", "error")
        process = self.place.start(*arguments, file_bytes=file_bytes)
        _, err = process.communicate()
        return process.wait(), err

    def succeeds(self) -> None:
        code, err = self.scan()
        assert code == 0, err

    def fails(self, *texts: str, file_bytes: int = 0) -> None:
        """With one line on stderr that has these texts; snapshot and output do not change."""
        before = self.current, self.output.read_bytes()
        code, err = self.scan(file_bytes)
        assert code == 1, err
        assert "Traceback" not in err
        (line,) = error_lines(err)
        assert line.startswith("tag-compliance: cannot write "), line
        for text in texts:
            assert text in line
        assert (self.current, self.output.read_bytes()) == before


@pytest.fixture
def scene(tmp_path: Path, forks: ForkServer) -> Iterator[Scene]:
    with FakeAws(generate_organization(3, ["us-east-1"], 100)) as fake:
        yield Scene(Place.create(tmp_path / "place", fake, forks))


def test_the_last_snapshot_is_served_whichever_file_of_a_scan_cannot_be_written(
    scene: Scene,
) -> None:
    scene.succeeds()
    files = [path for path in scene.place.state.rglob("*") if path.is_file()]
    sizes = {path.stat().st_size for path in files if path.name != "scan_config.json"}
    right = Exposition(scene.output.read_text()).contract_lines
    with (
        run_in_process(scene.place.state) as exporter,
        Scraper(exporter.port, [right], pause=0.02) as scraper,
    ):
        eventually(lambda: scraper.scrapes)
        # The smallest limit stops the first file, the largest the last but one.
        for size in sorted(sizes)[-4:]:
            scene.fails("File too large", file_bytes=size - 50)
        scene.succeeds()
    assert not scraper.faults
    assert not scene.unfinished


@pytest.mark.slow
def test_a_full_disk_prints_one_line_and_keeps_the_snapshot(scene: Scene) -> None:
    with mounted_tmpfs(scene.place.state, "size=400k"):
        scene.succeeds()
        filler = scene.place.state / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(b"x" * 4096):
                pass
        scene.fails("No space left on device", "free some space")
        filler.unlink()
        scene.succeeds()
        assert not scene.unfinished


@pytest.mark.slow
def test_a_read_only_storage_prints_one_line_and_keeps_the_snapshot(scene: Scene) -> None:
    with mounted_tmpfs(scene.place.state, "size=4m"):
        scene.succeeds()
        subprocess.run(["mount", "-o", "remount,ro", str(scene.place.state)], check=True)
        scene.fails("Read-only file system", "mount it writable")
        with run_in_process(scene.place.state) as exporter:
            served = exporter.get("/metrics").text
        assert (
            Exposition(served).contract_lines == Exposition(scene.output.read_text()).contract_lines
        )
