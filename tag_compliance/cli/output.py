"""Where the result of a scan goes: stdout, a file, a Pushgateway. They are tested before it."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tag_compliance.cli import options
from tag_compliance.cli.options import Format
from tag_compliance.cli.push import check_push_target, push
from tag_compliance.cli.summary import json_summary, summary_of
from tag_compliance.cli.terminal import Style, is_terminal
from tag_compliance.errors import BadConfiguration, Fault, StorageRefused
from tag_compliance.logs import on_one_line
from tag_compliance.snapshot.layout import PLAIN, path_of
from tag_compliance.snapshot.store import Snapshot
from tag_compliance.storage.atomic import created, publish, sync

_STDOUT = "-"


def check_output(output: options.Output) -> None:
    """Raises `TagComplianceError` if the output cannot be used, whatever the scan finds."""
    if output.output == _STDOUT and output.format not in (None, Format.PROMETHEUS):
        rule = f"stdout cannot also have the metrics; leave --format {output.format} out"
        raise BadConfiguration((Fault("command line", "--output", output.output, rule),))
    if output.output and output.output != _STDOUT:
        with reported(output.output, "nothing was scanned"):
            _check_file(Path(output.output))
    if output.push:
        check_push_target(output.push)


def write_result(snapshot: Snapshot, storage_uri: str | None, output: options.Output) -> None:
    """The metrics go to stdout, to `--output` or to `--push`; the summary goes to stderr.

    `--format json` and `summary` write to stdout instead of the metrics. The latter is the default
    on a terminal. `storage_uri` is None for a storage that is deleted at the end of the command.
    Raises `TagComplianceError`.
    """
    metrics = storage_uri and f"{storage_uri}/{path_of(snapshot.snapshot_id, PLAIN)}"
    elsewhere = output.push or output.output not in (None, "", _STDOUT)
    if output.push:
        push(snapshot.plain, output.push)
    if output.output and output.output != _STDOUT:
        with reported(output.output), replaced_file(Path(output.output)) as file:
            file.write(snapshot.plain)
    shown = _shown_on_stdout(output)
    with reported("stdout"):
        if shown is Format.JSON:
            print(json_summary(snapshot.status, snapshot.snapshot_id, metrics))
        elif shown is Format.PROMETHEUS and not elsewhere:
            sys.stdout.buffer.write(snapshot.plain)
            sys.stdout.buffer.flush()
    stream = sys.stdout if shown is Format.SUMMARY else sys.stderr
    for line in summary_of(snapshot.status, Style.of(stream)):
        print(line, file=stream)
    if shown is Format.SUMMARY and not elsewhere:
        where = f"metrics: {metrics}; " if metrics else ""
        print(on_one_line(f"{where}--format prometheus prints the metrics"), file=stream)


def _shown_on_stdout(output: options.Output) -> Format:
    if output.format:
        return Format(output.format)
    is_for_a_person = not output.output and not output.push and is_terminal(sys.stdout)
    return Format.SUMMARY if is_for_a_person else Format.PROMETHEUS


@contextlib.contextmanager
def reported(place: str, advice: str = "the snapshot is in the storage") -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        cause = error.strerror or str(error)
        raise StorageRefused(place, "write", cause, advice) from error


def _check_file(path: Path) -> None:
    """Raises `OSError`; creates nothing."""
    path = _target_of(path)
    folder = next(parent for parent in path.absolute().parents if os.path.lexists(parent))
    if path.is_dir():
        fault = errno.EISDIR
    elif not folder.is_dir():
        fault = errno.ENOTDIR
    elif not os.access(path if _is_special(path) else folder, os.W_OK):
        fault = errno.EACCES
    else:
        return
    raise OSError(fault, os.strerror(fault))


def _target_of(path: Path) -> Path:
    """What the links lead to.

    In a folder where anyone may create links, a link could lead to a file that only this user may
    write, so none is followed there. The kernel protects only programs that let it follow links.
    """
    for _ in range(40):  # as many as Linux follows
        if not path.is_symlink():
            return path
        if path.parent.stat().st_mode & stat.S_IWOTH:
            raise OSError(None, "it is a link in a world-writable folder; name the file itself")
        path = path.parent / path.readlink()
    raise OSError(None, "too many links")


def _is_special(path: Path) -> bool:
    """Whether it is a device or a pipe, which must not be replaced by a file."""
    return path.exists() and not path.is_file()


@contextlib.contextmanager
def replaced_file(path: Path, *, follow_links: bool = True) -> Iterator[BinaryIO]:
    """A file that replaces `path` when the block ends without an error, atomically.

    It keeps the mode of an existing file, and its owner and group where it may. A link is replaced
    unless `follow_links` is set. Raises `OSError`.
    """
    path = _target_of(path) if follow_links else path
    if follow_links and _is_special(path):
        with path.open("wb") as special:
            yield special
        return
    with created(path) as (file, unfinished):
        yield file
        sync(file)
        if path.is_file() and not path.is_symlink():
            _copy_access(path.stat(), unfinished)
        publish(unfinished, path)


def _copy_access(old: os.stat_result, new: Path) -> None:
    """By descriptor: where others may write, the name could by now be a link."""
    descriptor = os.open(new, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        for owner, group in (-1, old.st_gid), (old.st_uid, -1):
            with contextlib.suppress(PermissionError):
                os.fchown(descriptor, owner, group)
        os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
