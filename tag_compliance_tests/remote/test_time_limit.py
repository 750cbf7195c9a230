"""Work that hangs is given up, and the program can end."""

from __future__ import annotations

import math
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from tag_compliance.remote.time_limit import (
    TimeLimitExceeded,
    limited_to,
    remaining_seconds,
    run_within,
)
from tag_compliance_tests.support.waiting import DEADLINE_SECONDS


@pytest.fixture
def released() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_work_that_ends_in_time_returns_its_result() -> None:
    assert run_within(DEADLINE_SECONDS, lambda: 7) == 7


@pytest.mark.parametrize("error", [ValueError, TimeoutError])
def test_an_error_of_the_work_is_raised(error: type[Exception]) -> None:
    def work() -> None:
        raise error("why")

    with pytest.raises(error, match="why"):
        run_within(DEADLINE_SECONDS, work)


def test_what_is_around_the_work_limits_it(released: threading.Event) -> None:
    with limited_to(0.01), limited_to(math.inf), pytest.raises(TimeLimitExceeded):
        run_within(math.inf, released.wait)
    assert remaining_seconds() == math.inf


def test_work_that_hangs_is_given_up(released: threading.Event) -> None:
    with pytest.raises(TimeLimitExceeded):
        run_within(0.01, released.wait)


def test_work_can_see_how_much_time_remains() -> None:
    assert 0 < run_within(100, remaining_seconds) <= 100
    assert run_within(0, remaining_seconds) <= 0
    assert remaining_seconds() == math.inf


def test_work_that_was_given_up_does_not_delay_the_end_of_the_program() -> None:
    code = (
        "import threading\n"
        "from tag_compliance.remote.time_limit import TimeLimitExceeded, run_within\n"
        "try: run_within(0.01, threading.Event().wait)\n"
        "except TimeLimitExceeded: print('given up')\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], timeout=DEADLINE_SECONDS, capture_output=True, check=True
    )
    assert ended.stdout == b"given up\n"
