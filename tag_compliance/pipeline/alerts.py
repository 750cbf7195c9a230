"""Alerts: a function that a team provides is called with each failed run and each failed check.

`alert_hook: package.module:function` in the configuration names it; without one, alerts are log
lines. `docs/operations.md` has examples for Slack, e-mail and a pager.
"""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import dagster as dg

from tag_compliance.errors import BadConfiguration, Fault, TagComplianceError
from tag_compliance.logs import get_logger
from tag_compliance.pipeline.run_queries import is_publishing, is_reading
from tag_compliance.remote.time_limit import TimeLimitExceeded, run_within

logger = get_logger(__name__)

_HOOK_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Alert:
    """A message to a person; `run_id` is the run's id in the UI."""

    title: str
    text: str
    run_id: str


Hook = Callable[[Alert], None]


def log_alert(alert: Alert) -> None:
    """The hook if the configuration names none."""
    logger.error(alert.title, text=alert.text, run=alert.run_id)


def load_hook(named: str | None, source: str = "configuration") -> Hook:
    """The function behind `package.module:function`; raises `BadConfiguration`, with `source`."""
    if named is None:
        return log_alert
    module, _, function = named.partition(":")
    try:
        hook = getattr(importlib.import_module(module), function)
        if callable(hook):
            return cast("Hook", hook)
        cause = "it is not a function"
    except Exception as error:  # noqa: BLE001 - the module may raise anything
        cause = f"{type(error).__name__}: {error}"
    rule = f"names no function that can be imported here: {' '.join(cause.split())}"
    raise BadConfiguration((Fault(source, "alert_hook", named, rule),))


def send(hook: str | None, alert: Alert, seconds: float = _HOOK_SECONDS) -> None:
    """Calls the hook. One that hangs fails the sensor, which would otherwise never end."""
    function = load_hook(hook)
    try:
        run_within(seconds, lambda: function(alert))
    except TimeLimitExceeded:
        cause = f"alert_hook {hook} did not end within {seconds:g} s"
        raise TagComplianceError(f"{cause}: {alert.title}") from None


def build_alert_sensors(hook: str | None, prefix: Sequence[str] = ()) -> list[dg.SensorDefinition]:
    """One for failed runs, one for failed checks; on by default if a hook is named."""
    on = dg.DefaultSensorStatus.RUNNING if hook else dg.DefaultSensorStatus.STOPPED

    @dg.run_failure_sensor(name="run_failed", default_status=on)
    def run_failed(context: dg.RunFailureSensorContext) -> None:
        """Calls the hook for each run of this code location that failed."""
        run = context.dagster_run
        failures = [
            e.step_failure_data.user_failure_data for e in context.get_step_failure_events()
        ]
        causes = (failure.description for failure in failures if failure)
        cause = next(causes, context.failure_event.message)
        send(hook, Alert(f"{run.job_name} failed", str(cause), run.run_id))

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS, name="check_failed", default_status=on
    )
    def check_failed(context: dg.RunStatusSensorContext) -> None:
        """Calls the hook for each asset check that failed in a run that succeeded."""
        run = context.dagster_run
        if not (is_reading(run, prefix) or is_publishing(run, prefix)):
            return
        evaluated = dg.DagsterEventType.ASSET_CHECK_EVALUATION
        for entry in context.instance.all_logs(run.run_id, of_type=evaluated):
            event = entry.dagster_event
            check = event.asset_check_evaluation_data if event else None
            if check and not check.passed:
                title = f"{check.asset_key.to_user_string()}: {check.check_name} failed"
                send(hook, Alert(title, check.description or "", run.run_id))

    return [run_failed, check_failed]
