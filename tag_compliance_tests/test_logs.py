"""Logs: one line for each event, whatever the event and its fields contain."""

from __future__ import annotations

import io
import json
import logging
import math
import re
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.logs import LEVELS, LogFormat, configure_logs, get_logger

_log = get_logger("tag_compliance.test")


def _logged(format_: LogFormat, log: Callable[[], object], level: str = "info") -> str:
    stream = io.StringIO()
    configure_logs(level, format_, stream)
    log()
    return stream.getvalue()


def _text(event: str, /, **fields: object) -> str:
    return _logged(LogFormat.TEXT, lambda: _log.info(event, **fields))


def _json(event: str, /, **fields: object) -> str:
    return _logged(LogFormat.JSON, lambda: _log.info(event, **fields))


def _fail(message: str) -> None:
    try:
        raise ValueError(message)
    except ValueError:
        _log.exception("it failed", account="1")


_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def test_a_text_line_has_time_level_event_and_fields() -> None:
    line = _text("region read", account="111122223333", seconds=1.5, note="a b")
    time, rest = line.split(" ", 1)
    assert rest == 'info    region read account=111122223333 seconds=1.5 note="a b"\n'
    assert re.fullmatch(_TIME, time)


def test_a_json_line_has_time_level_logger_event_and_fields() -> None:
    line = json.loads(_json("region read", account="1", seconds=1.5))
    assert re.fullmatch(_TIME, line.pop("time"))
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
def test_text_quotes_a_value_that_could_be_read_as_more_than_one(value: object, shown: str) -> None:
    assert _text("x", key=value).endswith(f" x key={shown}\n")


_RESERVED = {"self", "event", "method_name", "exc_info", "stack_info", "stacklevel"}
_keys = st.text().filter(lambda key: key not in _RESERVED) | st.sampled_from(["name", "message"])
_values = st.recursive(
    st.none() | st.floats() | st.text() | st.binary() | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.binary(), inner),
    max_leaves=5,
)


def _reject_constant(name: str) -> None:
    pytest.fail(f"{name} is not valid JSON")


@settings(deadline=None)
@given(st.text(), _keys, _values)
def test_any_event_with_any_field_is_one_line(event: str, key: str, value: object) -> None:
    text, line = _text(event, **{key: value}), _json(event, **{key: value})
    assert len(text.splitlines()) == 1
    assert (text[-1], line.count("\n")) == ("\n", 1)
    read = json.loads(line, parse_constant=_reject_constant)
    assert read["event"] == event
    assert key in read


def test_events_of_other_libraries_have_the_same_form() -> None:
    library = logging.getLogger("some.library")

    def log() -> None:
        library.warning("%s: line 1\nline 2\x1b", "it")

    text = _logged(LogFormat.TEXT, log)
    assert re.fullmatch(_TIME + r" warning it: line 1\\nline 2\\x1b\n", text)
    line = json.loads(_logged(LogFormat.JSON, log))
    assert re.fullmatch(_TIME, line.pop("time"))
    event = "it: line 1\nline 2\x1b"
    assert line == {"level": "warning", "logger": "some.library", "event": event}


def test_a_python_warning_is_an_event() -> None:
    def warn() -> None:
        warnings.simplefilter("always")
        warnings.warn("old\nand slow", DeprecationWarning, stacklevel=1)

    line = json.loads(_logged(LogFormat.JSON, warn))
    assert (line["level"], line["event"]) == ("warning", "old\nand slow")
    assert line["category"] == "DeprecationWarning"
    assert line["where"].startswith(__file__)


def test_json_shows_a_number_that_it_cannot_express_as_text() -> None:
    assert json.loads(_json("x", seconds=math.nan))["seconds"] == "nan"


def test_no_field_replaces_the_time_level_logger_or_event_of_a_json_line() -> None:
    names = {"time": "never", "level": "error", "logger": "root", "event": "y"}
    line = json.loads(_logged(LogFormat.JSON, lambda: _log.bind(**names).info("x")))
    assert line["time"] != "never"
    assert (line["level"], line["logger"], line["event"]) == ("info", "tag_compliance.test", "x")


def test_text_indents_a_traceback_so_that_none_of_its_lines_looks_like_an_event() -> None:
    text = _logged(
        LogFormat.TEXT, lambda: _fail("one\n2026-05-04T12:00:00.000Z info    forged\r\x1b[2K")
    )
    first, *rest = text.splitlines()
    assert first.endswith(" error   it failed account=1")
    assert rest
    assert all(line.startswith("    ") for line in rest)
    assert "\x1b" not in text


def test_json_escapes_what_controls_a_terminal() -> None:
    text = "\x1b[31m\x7f\x9b1m\u202e\u2028é😀"
    line = _json(text, key=text)
    assert line[:-1].isprintable()
    assert json.loads(line)["event"] == json.loads(line)["key"] == text
    assert "é😀" in line


def test_json_has_a_traceback_as_a_field() -> None:
    (line,) = _logged(LogFormat.JSON, lambda: _fail("one\ntwo")).splitlines()
    assert json.loads(line)["exception"].endswith("ValueError: one\ntwo")


@pytest.mark.parametrize("level", LEVELS)
def test_only_events_of_the_level_and_above_are_logged(level: str) -> None:
    def log() -> None:
        for name in LEVELS:
            _log.log(logging.getLevelName(name.upper()), "x")

    lines = _logged(LogFormat.JSON, log, level).splitlines()
    assert [json.loads(line)["level"] for line in lines] == list(LEVELS[LEVELS.index(level) :])


@pytest.mark.parametrize("name", ["botocore.auth", "boto3.resources", "urllib3.connectionpool"])
def test_the_aws_libraries_never_log_what_they_send(name: str) -> None:
    library = logging.getLogger(name)

    def log() -> None:
        library.debug("x-amz-security-token: secret")
        library.info("x-amz-security-token: secret")
        library.warning("slow")

    text = _logged(LogFormat.TEXT, log, "debug")
    assert "secret" not in text
    assert "slow" in text


def test_logs_go_to_stderr_or_to_the_stream_of_the_latest_configuration(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stream = io.StringIO()
    configure_logs("info", LogFormat.TEXT, stream)
    configure_logs("info", LogFormat.TEXT)
    _log.info("x")
    captured = capsys.readouterr()
    assert (stream.getvalue(), captured.out) == ("", "")
    assert captured.err.endswith("info    x\n")


def test_without_configuration_warnings_go_to_stderr_with_their_fields(
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = logging.getLogger()
    root.handlers[:] = []
    root.setLevel(logging.WARNING)
    _log.info("not shown")
    _log.warning("snapshot not loaded", cause="a\nb")
    assert capsys.readouterr() == ("", 'snapshot not loaded cause="a\\nb"\n')


def test_a_foreign_handler_gets_the_fields_as_text_the_exception_and_the_place_of_the_call(
    caplog: pytest.LogCaptureFixture,
) -> None:
    _fail("why")
    (record,) = caplog.records
    assert record.getMessage() == "it failed account=1"
    assert record.exc_info is not None
    assert (Path(record.pathname).name, record.funcName) == (Path(__file__).name, "_fail")
