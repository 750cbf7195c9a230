"""The messages of a run outside Dagster's own log."""

import logging

import dagster as dg
import pytest

from tag_compliance.pipeline.run_log import console
from tag_compliance.pipeline.runs import RUN_CONFIG


def test_a_message_of_a_run_is_logged_with_run_and_step_but_dagsters_events_are_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @dg.op
    def greet(context: dg.OpExecutionContext) -> None:
        context.log.info("hello")

    @dg.job(logger_defs={"console": console})
    def greeting() -> None:
        greet()

    with caplog.at_level(logging.INFO):
        run = greeting.execute_in_process(run_config=RUN_CONFIG)
    messages = [r.getMessage() for r in caplog.records if r.name == "tag_compliance.run"]
    assert messages == [f"hello run={run.run_id[:8]} step=greet"]
