"""Jobs run on a limited number of threads; results are available as jobs finish."""

from __future__ import annotations

import signal
import threading
import weakref
from collections.abc import Iterator

import pytest

from tag_compliance.aws.thread_pool import run_in_threads
from tag_compliance_tests.support.waiting import eventually


def test_every_job_runs_once_and_every_result_is_returned() -> None:
    jobs = [lambda n=n: n if n % 2 else None for n in range(100)]
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


def test_at_most_the_given_number_of_jobs_run_at_a_time() -> None:
    together = threading.Barrier(3, timeout=10)
    running, highest, lock = 0, 0, threading.Lock()

    def job() -> None:
        nonlocal running, highest
        with lock:
            running += 1
            highest = max(highest, running)
        together.wait()
        with lock:
            running -= 1

    list(run_in_threads([job] * 9, 3, threading.Event()))

    assert highest == 3


def test_jobs_wait_for_a_slow_consumer() -> None:
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
    stopped, begun = threading.Event(), list[int]()

    def job() -> None:
        begun.append(1)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        list(run_in_threads([job] * 50, 1, stopped))

    assert stopped.is_set()
    assert len(begun) == 1


def test_a_consumer_that_closes_the_iterator_stops_the_jobs_and_the_threads() -> None:
    stopped, threads, finished = threading.Event(), set[threading.Thread](), list[int]()

    def job() -> int:
        threads.add(threading.current_thread())
        finished.append(1)
        return 1

    results = run_in_threads([job] * 1000, 2, stopped)
    next(results)
    results.close()

    assert stopped.is_set()
    eventually(lambda: not [thread for thread in threads if thread.is_alive()])
    assert len(finished) < 100


def test_jobs_that_are_stopped_from_outside_end_the_iterator() -> None:
    stopped = threading.Event()
    results = run_in_threads([lambda: 1] * 1000, 2, stopped)
    next(results)
    stopped.set()

    assert len(list(results)) < 100


def test_a_thread_does_not_keep_a_result_that_the_consumer_released() -> None:
    class Result:
        pass

    released, begun, go_on = threading.Event(), threading.Event(), threading.Event()

    def first() -> Result:
        result = Result()
        weakref.finalize(result, released.set)
        return result

    def second() -> None:
        begun.set()
        go_on.wait(30)

    results = run_in_threads([first, second], 1, threading.Event())
    next(results)
    assert begun.wait(10)
    consumer = threading.Thread(target=list, args=(results,), daemon=True)
    consumer.start()

    assert released.wait(10)
    go_on.set()
    consumer.join()


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Restores the handling of SIGINT, which a shell disables for background programs."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_does_not_wait_for_a_job_that_hangs() -> None:
    stopped, release, begun = threading.Event(), threading.Event(), threading.Event()
    ended = list[int]()

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
