"""Kills the sessions of `up` if `up` itself is killed; a process of its own that imports nothing.

Its stdin is a pipe from `up`, with the id of each session on a line. The pipe ends when `up` ends,
however it ends; if `up` stops its sessions itself, it kills this process first.
"""

import contextlib
import os
import signal
import sys


def kill_sessions_after(lines: list[str]) -> None:
    for line in lines:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int(line), signal.SIGKILL)


if __name__ == "__main__":
    kill_sessions_after(sys.stdin.readlines())
