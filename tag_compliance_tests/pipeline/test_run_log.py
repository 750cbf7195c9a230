"""The messages of a run outside Dagster's own log."""

import json
import logging
import warnings

import dagster as dg
import pytest

from tag_compliance.pipeline.run_log import build_run_logger
from tag_compliance.pipeline.run_tags import RUN_CONFIG


def _run(environment: dict[str, str]) -> str:
    """Runs a job that logs "hello"; returns the id of the run."""

    @dg.op
    def greet(context: dg.OpExecutionContext) -> None:
        context.log.info("hello")

    @dg.job(logger_defs={"console": build_run_logger(environment)})
    def greeting() -> None:
        greet()

    return greeting.execute_in_process(run_config=RUN_CONFIG).run_id


def _forget_log_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The state of a worker process: nothing has configured its log."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)


def test_a_message_of_a_run_is_logged_with_run_and_step_but_dagsters_events_are_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        run_id = _run({})
    messages = [r.getMessage() for r in caplog.records if r.name == "tag_compliance.run"]
    assert messages == [f"hello run={run_id[:8]} step=greet"]


def test_a_worker_process_logs_in_the_format_that_the_variable_names(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _forget_log_settings(monkeypatch)
    _run({"TAG_COMPLIANCE_LOG_FORMAT": "json"})
    (line,) = capfd.readouterr().err.splitlines()
    assert json.loads(line)["event"] == "hello"


def test_wrong_variables_are_logged_and_the_run_uses_the_defaults(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _forget_log_settings(monkeypatch)
    _run({"TAG_COMPLIANCE_LOG_LEVEL": "loud", "TAG_COMPLIANCE_LOG_FORMAT": "xml"})
    level, format_, hello = capfd.readouterr().err.splitlines()
    assert level.endswith(
        "environment variable: TAG_COMPLIANCE_LOG_LEVEL = 'loud': "
        "must be one of debug, info, warning, error; this run uses info"
    )
    assert format_.endswith(
        "environment variable: TAG_COMPLIANCE_LOG_FORMAT = 'xml': "
        "must be one of text, json; this run uses text"
    )
    assert " info    hello " in hello
