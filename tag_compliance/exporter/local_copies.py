"""A folder for copies of files from a bucket."""

from __future__ import annotations

from pathlib import Path

from tag_compliance.storage.temporary import LOCK, TemporaryFolder


class LocalCopies:
    """The folder exists from the first use until `close`."""

    def __init__(self) -> None:
        self._folder: TemporaryFolder | None = None

    def path(self, name: str) -> Path:
        """Where the copy of this name is or can be written. Raises `OSError`."""
        if self._folder is None:
            self._folder = TemporaryFolder("findings")
        return self._folder.path / name

    def keep(self, names: set[str]) -> None:
        """Deletes all other copies. A query that reads one of them can finish."""
        if self._folder is not None:
            for file in self._folder.path.iterdir():
                if file.name not in {*names, LOCK}:
                    file.unlink(missing_ok=True)

    def close(self) -> None:
        """Deletes the folder."""
        if self._folder is not None:
            self._folder.close()
            self._folder = None
