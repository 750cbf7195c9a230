"""Ctrl-C and SIGTERM end a command in order, and its exit code tells which of them it was."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator

_ENDING = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """The signal `number` has ended the command."""

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.number = number


@contextlib.contextmanager
def interruptible() -> Iterator[Callable[[], None]]:
    """Raises `Interrupted` out of the block; what it yields does so for a signal that got lost.

    Dagster puts handlers of its own and turns an interrupt into a failed run. The interpreter
    writes every signal's number into the pipe, whoever handles it.
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
