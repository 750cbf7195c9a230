"""Ctrl-C and SIGTERM stop a command cleanly; its exit code says which signal it was."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator

_ENDING = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """The signal `number` stopped the command."""

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.number = number


@contextlib.contextmanager
def interruptible() -> Iterator[Callable[[], None]]:
    """Raises `Interrupted` in the block; yields a function that raises it for a missed signal.

    A signal is missed while Dagster's own handlers are installed: they turn it into a failed run.
    The interpreter writes the number of every signal into the pipe, whatever the handler does.
    """
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    fd = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    handlers = {number: signal.signal(number, signal.default_int_handler) for number in _ENDING}

    def check() -> None:
        with contextlib.suppress(BlockingIOError):
            for number in os.read(reader, 4096):
                if number in _ENDING:
                    raise Interrupted(number)

    try:
        yield check
    except KeyboardInterrupt:
        check()
        raise
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(fd)
        os.close(reader)
        os.close(writer)
