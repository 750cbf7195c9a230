"""The function that a team has named is called with each failed run and each failed check."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import dagster as dg
import pytest

from tag_compliance.errors import BadConfiguration, TagComplianceError
from tag_compliance.pipeline.alerts import Alert, build_alert_sensors, load_hook, log_alert, send
from tag_compliance_tests.fake_aws import FakeAws, Fault
from tag_compliance_tests.pipeline import hooks
from tag_compliance_tests.pipeline.pipelines import Pipeline

HOOK = "tag_compliance_tests.pipeline.hooks:remember"
HANGING_HOOK = "tag_compliance_tests.pipeline.hooks:hang"


@pytest.fixture
def alerts() -> Iterator[list[Alert]]:
    hooks.alerts.clear()
    yield hooks.alerts
    hooks.alerts.clear()


def after(pipeline: Pipeline, result: dg.ExecuteInProcessResult, hook: str | None = HOOK) -> None:
    """What the daemon does after the end of the run."""
    run_failed, check_failed = build_alert_sensors(hook)
    ended = result.get_run_success_event() if result.success else result.get_run_failure_event()
    context = dg.build_run_status_sensor_context(
        sensor_name="test",
        dagster_instance=pipeline.instance,
        dagster_run=result.dagster_run,
        dagster_event=ended,
    )
    if result.success:
        check_failed(context)
    else:
        run_failed(context.for_run_failure())


def test_a_failed_run_is_reported_with_its_cause(
    scanning: Pipeline, fake: FakeAws, alerts: list[Alert]
) -> None:
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole")
    result = scanning.scan()
    after(scanning, result)
    (alert,) = alerts
    assert (alert.title, alert.run_id) == ("publish failed", result.run_id)
    assert alert.text.startswith("nothing could be scanned")


def test_each_failed_check_of_a_run_that_succeeded_is_reported(
    scanning: Pipeline, fake: FakeAws, alerts: list[Alert]
) -> None:
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id="100000000000")
    result = scanning.scan()
    after(scanning, result)
    assert [(alert.title, alert.text) for alert in alerts] == [
        (
            "compliance_results: every_account_read failed",
            "1 of 3 accounts were not fully read.",
        ),
        ("compliance_results: every_region_read failed", "2 of 6 regions were not read."),
    ]
    assert {alert.run_id for alert in alerts} == {result.run_id}


def test_a_run_without_faults_is_not_reported(scanning: Pipeline, alerts: list[Alert]) -> None:
    after(scanning, scanning.scan())
    assert alerts == []


@pytest.mark.parametrize(
    "named", ["no_such_module:function", "tag_compliance_tests.pipeline.hooks:no_such_function"]
)
def test_a_hook_that_does_not_exist_is_reported_with_its_name(named: str) -> None:
    rule = f"alert_hook = '{named}': names no function that this code location can import: "
    with pytest.raises(BadConfiguration, match=re.escape(rule)):
        load_hook(named)


def test_without_a_hook_alerts_are_log_lines(caplog: pytest.LogCaptureFixture) -> None:
    assert load_hook(None) is log_alert
    with caplog.at_level(logging.ERROR):
        log_alert(Alert("scan failed", "why", "run-1"))
    assert caplog.messages == ["scan failed text=why run=run-1"]


@pytest.mark.parametrize(("hook", "on"), [(HOOK, "RUNNING"), (None, "STOPPED")])
def test_alerts_are_on_by_default_if_a_hook_is_named(hook: str | None, on: str) -> None:
    assert {sensor.default_status.value for sensor in build_alert_sensors(hook)} == {on}


def test_a_hook_that_hangs_fails_its_sensor_and_does_not_stop_it_for_ever() -> None:
    with pytest.raises(TagComplianceError, match=r"hooks:hang did not end within 0 s: it failed"):
        send(HANGING_HOOK, Alert("it failed", "why", "run-1"), seconds=0)
    hooks.released.set()
