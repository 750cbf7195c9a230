"""Log lines: one event each, whatever it is about."""

from __future__ import annotations

import io
import json
import logging
import math
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tag_compliance.logs import LEVELS, LogFormat, configure_logs

_LOG = logging.getLogger("tag_compliance.test")
_fuzzed = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def _the_tests_own_log_stays() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def _logged(format_: LogFormat, event: str, /, **fields: object) -> str:
    stream = io.StringIO()
    configure_logs("info", format_, stream)
    _LOG.info("%s", event, extra={"fields": fields})
    return stream.getvalue()


def test_a_text_line_has_time_level_event_and_fields() -> None:
    line = _logged(LogFormat.TEXT, "region read", account="111122223333", seconds=1.5, note="a b")
    time, rest = line.split(" ", 1)
    assert rest == 'info    region read account=111122223333 seconds=1.5 note="a b"\n'
    assert len(time) == len("2026-05-04T12:00:00.000Z")
    assert time.endswith("Z")


def test_a_json_line_has_the_same() -> None:
    line = json.loads(_logged(LogFormat.JSON, "region read", account="1", seconds=1.5))
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "tag_compliance.test",
        "event": "region read",
        "account": "1",
        "seconds": 1.5,
    }


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("", '""'),
        ("a b", '"a b"'),
        ("a=b", '"a=b"'),
        ('say "hi"', r'"say \"hi\""'),
        ("a\nb", r'"a\nb"'),
        ("a b\\", r'"a b\\"'),
        ("\x1b[31mred", r'"\x1b[31mred"'),
        ("a\u2028b", r'"a\u2028b"'),
        ("é😀", "é😀"),
        (None, "None"),
    ],
)
def test_a_value_that_would_read_as_more_is_quoted(value: object, shown: str) -> None:
    assert _logged(LogFormat.TEXT, "x", key=value).endswith(f" x key={shown}\n")


_anything = st.recursive(
    st.none() | st.floats() | st.text() | st.binary() | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.binary(), inner),
    max_leaves=5,
)


@_fuzzed
@given(st.text(), _anything)
def test_an_event_is_one_line_of_text(event: str, value: object) -> None:
    line = _logged(LogFormat.TEXT, event, value=value)
    assert len(line.splitlines()) == 1
    assert line.endswith("\n")


def _no_constant(name: str) -> None:
    pytest.fail(f"{name} is no JSON")


@_fuzzed
@given(st.text(), _anything)
def test_an_event_is_one_line_of_json(event: str, value: object) -> None:
    line = _logged(LogFormat.JSON, event, value=value)
    assert line.count("\n") == 1
    assert json.loads(line, parse_constant=_no_constant)["event"] == event


def test_a_number_that_json_does_not_know_is_told_as_text() -> None:
    assert json.loads(_logged(LogFormat.JSON, "x", seconds=math.nan))["seconds"] == "nan"


def test_no_field_passes_for_the_events_own() -> None:
    line = json.loads(_logged(LogFormat.JSON, "x", level="error", event="y", time="never"))
    assert (line["level"], line["event"]) == ("info", "x")


def test_a_traceback_is_indented_in_text_so_that_none_of_its_lines_looks_like_an_event() -> None:
    stream = io.StringIO()
    configure_logs("info", LogFormat.TEXT, stream)
    try:
        raise ValueError("one\n2026-05-04T12:00:00.000Z info    forged\r\x1b[2K")
    except ValueError:
        _LOG.exception("it failed")
    first, *rest = stream.getvalue().splitlines()
    assert first.endswith(" error   it failed")
    assert rest
    assert all(line.startswith("    ") for line in rest)
    assert "\x1b" not in stream.getvalue()


def test_a_traceback_is_a_field_in_json() -> None:
    stream = io.StringIO()
    configure_logs("info", LogFormat.JSON, stream)
    try:
        raise ValueError("one\ntwo")
    except ValueError:
        _LOG.exception("it failed")
    [line] = stream.getvalue().splitlines()
    assert json.loads(line)["exception"].endswith("ValueError: one\ntwo")


@pytest.mark.parametrize("level", LEVELS)
def test_only_events_of_the_level_and_above_are_told(level: str) -> None:
    stream = io.StringIO()
    configure_logs(level, LogFormat.JSON, stream)
    for name in LEVELS:
        _LOG.log(logging.getLevelName(name.upper()), "x")
    told = [json.loads(line)["level"] for line in stream.getvalue().splitlines()]
    assert told == list(LEVELS[LEVELS.index(level) :])


@pytest.mark.parametrize("name", ["botocore.auth", "boto3.resources", "urllib3.connectionpool"])
def test_the_aws_libraries_never_tell_what_they_send(name: str) -> None:
    stream = io.StringIO()
    configure_logs("debug", LogFormat.TEXT, stream)
    logging.getLogger(name).debug("x-amz-security-token: secret")
    logging.getLogger(name).info("x-amz-security-token: secret")
    logging.getLogger(name).warning("slow")
    assert "secret" not in stream.getvalue()
    assert "slow" in stream.getvalue()


def test_logs_set_up_again_replace_what_was_set_up() -> None:
    first, second = io.StringIO(), io.StringIO()
    configure_logs("info", LogFormat.TEXT, first)
    configure_logs("info", LogFormat.TEXT, second)
    _LOG.info("x")
    assert (first.getvalue(), second.getvalue().count("\n")) == ("", 1)


def test_logs_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", LogFormat.TEXT)
    _LOG.info("x")
    captured = capsys.readouterr()
    assert (captured.out, captured.err.endswith("info    x\n")) == ("", True)
