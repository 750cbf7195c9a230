"""Jobs run side by side, within a bound, and an interrupt does not wait for them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from tag_compliance.aws.side_by_side import run_side_by_side


def test_every_job_runs_once() -> None:
    done: list[int] = []
    run_side_by_side([lambda n=n: done.append(n) for n in range(100)], 8, threading.Event())  # type: ignore[misc]

    assert sorted(done) == list(range(100))


def test_as_many_run_at_a_time_as_are_allowed_and_no_more() -> None:
    together = threading.Barrier(3, timeout=10)
    running, most, lock = 0, 0, threading.Lock()

    def job() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait()
        with lock:
            running -= 1

    run_side_by_side([job] * 9, 3, threading.Event())

    assert most == 3


def test_a_job_that_fails_ends_the_rest_and_raises_its_error() -> None:
    stopped, begun = threading.Event(), []

    def job() -> None:
        begun.append(1)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        run_side_by_side([job] * 50, 1, stopped)

    assert stopped.is_set()
    assert len(begun) == 1


def test_without_jobs_nothing_is_stopped() -> None:
    stopped = threading.Event()
    run_side_by_side([], 8, stopped)

    assert not stopped.is_set()


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A shell that starts a program in the background has it ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_waits_for_no_job_that_hangs() -> None:
    stopped, release, begun = threading.Event(), threading.Event(), threading.Event()
    ended: list[int] = []

    def hang() -> None:
        begun.set()
        release.wait(30)
        ended.append(1)

    def interrupt() -> None:
        begun.wait(10)
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGINT)

    watcher = threading.Thread(target=interrupt)
    watcher.start()
    with pytest.raises(KeyboardInterrupt):
        run_side_by_side([hang] * 4, 2, stopped)

    assert ended == []
    assert stopped.is_set()
    release.set()
    watcher.join()


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_while_threads_are_being_started_is_an_interrupt() -> None:
    main, stopped, release = threading.main_thread().ident, threading.Event(), threading.Event()
    assert main is not None
    first = threading.Lock()

    def job() -> None:
        if first.acquire(blocking=False):
            signal.pthread_kill(main, signal.SIGINT)
        release.wait(30)

    with pytest.raises(KeyboardInterrupt):
        run_side_by_side([job] * 400, 400, stopped)
    release.set()
    assert stopped.is_set()
