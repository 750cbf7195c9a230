"""A tree of foreground processes: one's death ends the rest, and so does a signal, in order."""

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
_ENDING_SECONDS = 25.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Child:
    """A process to run; the next one starts when something listens at `ready_at`."""

    name: str
    command: list[str]
    ready_at: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class _Ended:
    """A child's death, or a signal that this process got (`code` is negative then)."""

    name: str
    code: int


def supervise(children: list[Child], environment: Mapping[str, str]) -> int:
    """Runs the children until one dies or a signal comes, then ends them, the last started first.

    Answers 0 after a signal, and 1 after a child's death, which is told on stderr.
    """
    ends: queue.SimpleQueue[_Ended] = queue.SimpleQueue()
    running: list[tuple[Child, subprocess.Popen[bytes]]] = []
    with _signals_to(ends):
        try:
            for child in children:
                process = _start(child, environment, ends)
                running.append((child, process))
                ended = _await_ready(child, ends)
                if ended is not None:
                    return _told(ended)
            return _told(ends.get())
        finally:
            for child, process in reversed(running):
                _end(child, process)


def _start(
    child: Child, environment: Mapping[str, str], ends: queue.SimpleQueue[_Ended]
) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C reaches this process alone, which ends the children in order.
    process = subprocess.Popen(
        child.command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr.fileno(),
        start_new_session=True,
    )
    watch = threading.Thread(
        target=lambda: ends.put(_Ended(child.name, process.wait())), daemon=True
    )
    watch.start()
    return process


def _await_ready(child: Child, ends: queue.SimpleQueue[_Ended]) -> _Ended | None:
    """None as soon as the child listens; what ended meanwhile, if something did."""
    give_up_at = time.monotonic() + _READY_SECONDS
    while child.ready_at is not None and time.monotonic() < give_up_at:
        with contextlib.suppress(OSError), socket.create_connection(child.ready_at, 1.0):
            return None
        with contextlib.suppress(queue.Empty):
            return ends.get(timeout=0.1)
    return None


def _told(ended: _Ended) -> int:
    if ended.code < 0 and ended.name == "":
        return 0
    how = f"signal {-ended.code}" if ended.code < 0 else f"exit code {ended.code}"
    print(f"tag-compliance: the {ended.name} ended with {how}; ending the rest", file=sys.stderr)
    return 1


def _end(child: Child, process: subprocess.Popen[bytes]) -> None:
    """Its whole session, so that runs which the code server has started end with it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        print(f"tag-compliance: the {child.name} does not end; killing it", file=sys.stderr)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextlib.contextmanager
def _signals_to(ends: queue.SimpleQueue[_Ended]) -> Iterator[None]:
    # SimpleQueue.put may be called from a signal handler, Queue.put may not.
    before = {s: signal.signal(s, lambda n, _: ends.put(_Ended("", -n))) for s in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
