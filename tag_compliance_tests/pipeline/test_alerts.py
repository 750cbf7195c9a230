"""The function that a team has named is called when runs or checks begin or cease to fail."""

from __future__ import annotations

import logging
import re
import threading

import dagster as dg
import pytest

from tag_compliance.errors import BadConfiguration, TagComplianceError
from tag_compliance.pipeline.alerts import Alert, build_alert_sensors, load_hook, log_alert, send
from tag_compliance.pipeline.run_requests import publish_request
from tag_compliance.pipeline.run_tags import PUBLISH_JOB
from tag_compliance_tests.fake_aws import FakeAws, Fault
from tag_compliance_tests.pipeline.pipelines import Pipeline

alerts: list[Alert] = []
remember = alerts.append
released = threading.Event()
HOOK = f"{__name__}:remember"
HANGING_HOOK = f"{__name__}:hang"


def hang(_alert: Alert) -> None:
    released.wait()


@pytest.fixture(autouse=True)
def _no_alerts() -> None:
    alerts.clear()


def end(pipeline: Pipeline, result: dg.ExecuteInProcessResult) -> None:
    """What the daemon does after the end of the run."""
    run_failed, check_failed = build_alert_sensors(HOOK)
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


def test_a_failed_run_is_reported_with_its_cause(scanning: Pipeline) -> None:
    scanning.scan()
    scanning.storage.write("tables/scan_config.json", b"{")
    result = scanning.run(dg.RunRequest(job_name=PUBLISH_JOB))
    end(scanning, result)
    (alert,) = alerts
    assert (alert.title, alert.run_id) == ("publish failed", result.run_id)
    assert alert.text.startswith("the stored configuration cannot be read")


def publish_with(pipeline: Pipeline, fake: FakeAws, *broken: str) -> list[Alert]:
    """The alerts of a scan that cannot read these accounts."""
    alerts.clear()
    fake.faults.clear()
    for account_id in broken:
        fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=account_id)
    reading = pipeline.run(pipeline.requests()[0])
    end(pipeline, reading)
    assert alerts == [], "the checks report failed accounts"
    end(pipeline, pipeline.run(publish_request(reading.dagster_run, None)))
    return alerts


def titles(found: list[Alert]) -> list[str]:
    return [alert.title.removeprefix("compliance_results: ") for alert in found]


def test_failed_accounts_are_reported_when_the_set_of_them_changes_and_not_with_every_scan(
    scanning: Pipeline, fake: FakeAws
) -> None:
    first, second, _ = scanning.ids
    assert publish_with(scanning, fake) == []
    reported = publish_with(scanning, fake, first)
    assert titles(reported) == ["every_account_read failed", "every_region_read failed"]
    assert [alert.text for alert in reported] == [
        "1 of 3 accounts were not fully read.",
        "2 of 6 regions were not read.",
    ]
    assert publish_with(scanning, fake, first) == []
    assert titles(publish_with(scanning, fake, second)) == ["every_account_read failed"]
    resolved = publish_with(scanning, fake)
    assert titles(resolved) == ["every_account_read passes again", "every_region_read passes again"]
    assert all(alert.resolved for alert in resolved)


def test_a_failed_run_is_reported_with_its_cause_and_not_again_while_that_is_the_cause(
    scanning: Pipeline,
) -> None:
    requests = scanning.requests()
    state = scanning.folder / "state"
    state.write_text("a file where the folder must be")
    result = scanning.run(requests[0])
    end(scanning, result)
    (alert,) = alerts
    assert (alert.title, alert.run_id) == ("scan failed", result.run_id)
    assert alert.text.startswith("cannot write")
    end(scanning, scanning.run(requests[0]))
    assert alerts == [alert]
    state.unlink()
    end(scanning, scanning.run(requests[0]))
    state.rename(scanning.folder / "moved")
    state.write_text("again")
    end(scanning, scanning.run(requests[0]))
    assert [found.text for found in alerts] == [alert.text] * 2


@pytest.mark.parametrize("named", ["no_such_module:function", f"{__name__}:no_such_function"])
def test_a_hook_that_does_not_exist_is_reported_with_its_name(named: str) -> None:
    rule = f"alert_hook = '{named}': names no function that can be imported here: "
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
    with pytest.raises(
        TagComplianceError, match=r"test_alerts:hang did not end within 0 s: it failed"
    ):
        send(HANGING_HOOK, Alert("it failed", "why", "run-1"), seconds=0)
    released.set()
