"""The process that forks for each run of the program, started by `forked.ForkServer`.

`python -m tag_compliance_tests.support.fork_server FD` serves the socket FD. Each message is a JSON
list and has four descriptors: the streams of the run, and one for the report about it. The report
is the process id of the run and, when it has ended, its exit code or, negative, its signal.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import resource
import signal
import socket
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import boto3
import pytest
from botocore.loaders import JSONFileLoader

_MOST_BYTES = 200_000
_IMPORTED_BY_A_SCAN = (
    "tag_compliance.cli.main",
    "tag_compliance.cli.single_scan",
    "tag_compliance.cli.plan",
    "tag_compliance.cli.diagnosis",
    "tag_compliance.pipeline.run_once",
    "dagster._core.execution.execute_in_process",
    "dagster._core.executor.in_process",
    "dagster._core.instance.factory",
    "dagster._core.storage.migration",
    "dagster._core.storage.root",
    "dagster._core.storage.sqlite_storage",
    "pyarrow.dataset",
    "pyarrow.pandas_compat",
    "upath.implementations.local",
)


def serve_forks(requests: socket.socket) -> Callable[[], int] | None:
    """Returns in each run the program, to be called; in the server None, after the last request."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in _IMPORTED_BY_A_SCAN:
            importlib.import_module(module)
    read_models_once(pytest.MonkeyPatch())
    for service in ("sts", "resourcegroupstaggingapi"):
        boto3.Session().client(service, region_name="us-east-1")
    gc.collect()
    gc.freeze()  # so that the garbage collection of a run does not copy the imported modules
    while True:
        request, descriptors, _, _ = socket.recv_fds(requests, _MOST_BYTES, 4)
        _wait_for_those_that_ended()
        if not request:
            return None
        if os.fork() == 0:
            requests.close()
            return _report(json.loads(request), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _wait_for_those_that_ended() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _report(request: list[object], *descriptors: int) -> Callable[[], int]:
    """Forks again: the child is the run, the parent reports about it and ends."""
    *streams, reported = descriptors
    pid = os.fork()
    if pid == 0:
        os.close(reported)
        return _prepared(streams, *request)  # type: ignore[arg-type]
    for descriptor in streams:
        os.close(descriptor)
    with os.fdopen(reported, "w") as report, contextlib.suppress(BrokenPipeError):
        print(pid, file=report, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), file=report, flush=True)
    os._exit(0)


def _prepared(
    streams: Sequence[int],
    arguments: list[str],
    folder: str,
    environment: dict[str, str],
    file_bytes: int,
) -> Callable[[], int]:
    from tag_compliance.cli.main import main

    os.setsid()
    os.chdir(folder)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(environment)
    prepare_child(file_bytes)
    return lambda: main(arguments)


def prepare_child(file_bytes: int = 0) -> None:
    """Signals as in a shell; files of at most `file_bytes`, unless that is 0."""
    # A test runner in the background of a shell ignores Ctrl-C, and its children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if file_bytes:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        _, hardest = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, hardest))


def lift_file_limit() -> None:
    """For what the interpreter writes at exit, for example the measured coverage."""
    _, hardest = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hardest, hardest))


def read_models_once(patch: pytest.MonkeyPatch) -> None:
    """Reads each of botocore's JSON files once per process, not once per session: 0.2 s each."""
    read, models = JSONFileLoader.load_file, dict[str, Any]()

    def load_file(self: JSONFileLoader, file_path: str) -> Any:
        if file_path not in models:
            models[file_path] = read(self, file_path)
        return models[file_path]

    patch.setattr(JSONFileLoader, "load_file", load_file)


if __name__ == "__main__":
    program = serve_forks(socket.socket(fileno=int(sys.argv[1])))
    code = program() if program else 0
    lift_file_limit()
    # A run ends like the real program, including what the interpreter does at exit.
    sys.exit(code)
