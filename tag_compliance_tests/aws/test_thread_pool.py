"""Jobs run on a bounded number of threads, and an interrupt does not wait for them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from tag_compliance.aws.thread_pool import run_in_threads


def test_every_job_runs_once_and_every_result_is_returned() -> None:
    jobs = [lambda n=n: n if n % 2 else None for n in range(100)]  # type: ignore[misc]
    results = list(run_in_threads(jobs, 8, threading.Event()))

    assert sorted(results) == list(range(1, 100, 2))


def test_a_result_is_returned_while_other_jobs_still_run() -> None:
    release = threading.Event()

    def slow() -> str:
        release.wait(30)
        return "slow"

    results = run_in_threads([slow, lambda: "fast"], 2, threading.Event())

    assert next(results) == "fast"
    release.set()
    assert list(results) == ["slow"]


def test_no_more_jobs_run_at_a_time_than_allowed() -> None:
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

    list(run_in_threads([job] * 9, 3, threading.Event()))

    assert most == 3


def test_a_slow_consumer_stops_the_jobs_from_running_ahead() -> None:
    lock, finished = threading.Lock(), 0

    def job() -> int:
        nonlocal finished
        with lock:
            finished += 1
        return 1

    results = run_in_threads([job] * 1000, 4, threading.Event())
    next(results)

    assert finished < 100
    assert sum(results) == 999


def test_the_first_failure_stops_the_other_jobs_and_is_raised() -> None:
    stopped, begun = threading.Event(), []

    def job() -> None:
        begun.append(1)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        list(run_in_threads([job] * 50, 1, stopped))

    assert stopped.is_set()
    assert len(begun) == 1


def test_a_consumer_that_ends_early_stops_the_jobs() -> None:
    stopped = threading.Event()
    results = run_in_threads([lambda: 1] * 1000, 2, stopped)
    next(results)
    results.close()  # type: ignore[attr-defined]

    assert stopped.is_set()


def test_no_jobs_have_no_results() -> None:
    assert list(run_in_threads([], 8, threading.Event())) == []


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A program that a shell starts in the background ignores Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_does_not_wait_for_a_job_that_hangs() -> None:
    stopped, release, begun = threading.Event(), threading.Event(), threading.Event()
    ended = []

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
        list(run_in_threads([hang] * 4, 2, stopped))
    assert not ended
    release.set()
    watcher.join()
    assert stopped.is_set()


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_while_the_threads_are_being_started_is_raised() -> None:
    main, stopped, release = threading.main_thread().ident, threading.Event(), threading.Event()
    assert main is not None
    first = threading.Lock()

    def job() -> None:
        if first.acquire(blocking=False):
            signal.pthread_kill(main, signal.SIGINT)
        release.wait(30)

    with pytest.raises(KeyboardInterrupt):
        list(run_in_threads([job] * 400, 400, stopped))
    release.set()
    assert stopped.is_set()
