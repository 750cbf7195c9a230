"""What a child process does before it becomes the program."""

from __future__ import annotations

import resource
import signal


def prepare_child(file_bytes: int = 0) -> None:
    """Signals as in a shell; files of at most `file_bytes`, unless that is 0."""
    # A test runner in the background of a shell ignores Ctrl-C, and its children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if file_bytes:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        _, hardest = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, hardest))


def lift_file_limit() -> None:
    """For what the interpreter writes at its end, as it does when coverage is measured."""
    _, hardest = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hardest, hardest))
