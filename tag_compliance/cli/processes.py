"""Foreground processes that stop together, in order: after a signal, or when one of them ends.

If this process is killed, they are killed.
"""

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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tag_compliance.cli import session_guard
from tag_compliance.cli.relay import relay

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


def supervise(
    children: list[Child],
    environment: Mapping[str, str],
    lock: int,
    started: Callable[[], None],
) -> int:
    """Runs the children until one ends or a signal arrives, then stops them in reverse order.

    Calls `started` when all of them listen. Returns 0 after a signal; after the end of a child 1,
    with a line on stderr. `lock` is an open file that stays open until the children have ended,
    even if this process is killed before.
    """
    ends: _Ends = queue.SimpleQueue()
    running: list[tuple[Child, subprocess.Popen[bytes]]] = []
    with _signals_to(ends), _guard(lock) as guard:
        try:
            for child in children:
                process = _start(child, environment, ends)
                running.append((child, process))
                guard.write(b"%d\n" % process.pid)
                if (ended := _await_ready(child, ends)) is not None:
                    return _exit_code(ended)
            started()
            return _exit_code(ends.get())
        finally:
            for child, process in reversed(running):
                _stop(child, process)


def _start(child: Child, environment: Mapping[str, str], ends: _Ends) -> subprocess.Popen[bytes]:
    # In a new session, Ctrl-C reaches only this process, which stops the children in order. With a
    # safe path, neither they nor their children import modules of the working directory.
    process = subprocess.Popen(
        [sys.executable, "-m", *child.module],
        env={**environment, "PYTHONSAFEPATH": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    format_ = environment.get("TAG_COMPLIANCE_LOG_FORMAT", "")
    printed = process.stdout or ()
    threading.Thread(target=relay, args=(printed, child.name, format_), daemon=True).start()

    def watch() -> None:
        code = process.wait()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        ends.put(f"the {child.name} ended with {how}")

    threading.Thread(target=watch, daemon=True).start()
    return process


@contextlib.contextmanager
def _guard(lock: int) -> Iterator[IO[bytes]]:
    """Kills the sessions whose ids are written to it if this process is killed."""
    command = [sys.executable, "-I", "-S", str(Path(session_guard.__file__))]
    read, write = os.pipe()
    with os.fdopen(read), os.fdopen(write, "wb", buffering=0) as sessions:
        process = subprocess.Popen(command, stdin=read, pass_fds=[lock], start_new_session=True)
        try:
            yield sessions
        finally:
            process.kill()
            process.wait()


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
