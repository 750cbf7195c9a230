"""Foreground processes that stop together, in order: after a signal, or when one of them ends."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_READY_SECONDS = 60.0
_STOP_SECONDS = 25.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Child:
    """A Python module with its arguments. The next one starts when this listens at `ready_at`."""

    name: str
    module: list[str]
    ready_at: tuple[str, int] | None = None


_Ends = queue.SimpleQueue[str]
"""How a child ended, as text; an empty text after a signal to this process."""


def supervise(children: list[Child], environment: Mapping[str, str]) -> int:
    """Runs the children until one ends or a signal arrives, then stops them in reverse order.

    Returns 0 after a signal; after the end of a child 1, with a line on stderr.
    """
    ends: _Ends = queue.SimpleQueue()
    running: list[tuple[Child, subprocess.Popen[bytes]]] = []
    with _signals_to(ends):
        try:
            for child in children:
                running.append((child, _start(child, environment, ends)))
                if (ended := _await_ready(child, ends)) is not None:
                    return _exit_code(ended)
            return _exit_code(ends.get())
        finally:
            for child, process in reversed(running):
                _stop(child, process)


def _start(child: Child, environment: Mapping[str, str], ends: _Ends) -> subprocess.Popen[bytes]:
    # In a new session, Ctrl-C reaches only this process, which stops the children in order.
    process = subprocess.Popen(
        [sys.executable, "-m", *child.module],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr.fileno(),
        start_new_session=True,
    )

    def watch() -> None:
        code = process.wait()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        ends.put(f"the {child.name} ended with {how}")

    threading.Thread(target=watch, daemon=True).start()
    return process


def _await_ready(child: Child, ends: _Ends) -> str | None:
    """None when the child listens or the time is over; else what ended before."""
    deadline = time.monotonic() + _READY_SECONDS
    while child.ready_at is not None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(child.ready_at, 1.0):
            return None
        with contextlib.suppress(queue.Empty):
            return ends.get(timeout=0.1)
    return None


def _exit_code(ended: str) -> int:
    if not ended:
        return 0
    print(f"tag-compliance: {ended}; stopping the others", file=sys.stderr)
    return 1


def _stop(child: Child, process: subprocess.Popen[bytes]) -> None:
    """Stops the whole session, so that runs which the code server has started end with it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        print(f"tag-compliance: the {child.name} did not stop in time; killing it", file=sys.stderr)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextlib.contextmanager
def _signals_to(ends: _Ends) -> Iterator[None]:
    # A signal handler may call SimpleQueue.put, but not Queue.put.
    before = {s: signal.signal(s, lambda *_: ends.put("")) for s in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
