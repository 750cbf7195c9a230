"""Alerts: a function that a team provides is called when runs or checks begin or cease to fail.

A failure that continues is reported once, and again when its cause or its accounts change.
`alert_hook: package.module:function` in the configuration names it; without one, alerts are log
lines. `docs/operations.md` has examples for Slack, e-mail and a pager.
"""

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import dagster as dg

from tag_compliance.errors import BadConfiguration, Fault, TagComplianceError
from tag_compliance.logs import get_logger
from tag_compliance.pipeline.run_queries import (
    has_read,
    is_publishing,
    previous_publication,
    previous_run,
)
from tag_compliance.remote.time_limit import TimeLimitExceeded, run_within

logger = get_logger(__name__)

_HOOK_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Alert:
    """A message to a person; `run_id` is the run's id in the UI.

    `resolved`: a check that was reported passes again.
    """

    title: str
    text: str
    run_id: str
    resolved: bool = False


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

    @dg.run_failure_sensor(
        name="run_failed",
        default_status=on,
        description="Calls alert_hook when a job begins to fail, or fails for another cause.",
    )
    def run_failed(context: dg.RunFailureSensorContext) -> None:
        # The checks of the publishing run report failed accounts, once for each change.
        run = context.instance.get_run_by_id(context.dagster_run.run_id) or context.dagster_run
        if has_read(run):
            return
        cause, before = _cause_of(context.instance, run), previous_run(context.instance, run)
        if before is None or _cause_of(context.instance, before) != cause:
            send(hook, Alert(f"{run.job_name} failed", cause, run.run_id))

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        name="check_failed",
        default_status=on,
        description="Calls alert_hook when a check begins to fail, fails for other accounts, or "
        "passes again.",
    )
    def check_failed(context: dg.RunStatusSensorContext) -> None:
        run, instance = context.dagster_run, context.instance
        if is_publishing(run, prefix):
            before = previous_publication(instance, run, prefix)
            known = _checks_of(instance, before) if before else {}
            for alert in _changes(run, known, _checks_of(instance, run)):
                send(hook, alert)

    return [run_failed, check_failed]


def _cause_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """Why the run failed; an empty text if it did not fail."""
    wanted = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE}
    message = ""
    for entry in instance.all_logs(run.run_id, of_type=wanted):
        event = entry.dagster_event
        if event is not None and event.is_step_failure:
            failure = event.step_failure_data.user_failure_data
            if failure is not None and failure.description:
                return failure.description
        elif event is not None:
            message = event.message or ""
    return message


_Checks = dict[str, dg.AssetCheckEvaluation]


def _checks_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> _Checks:
    """The evaluated checks by name."""
    evaluated = dg.DagsterEventType.ASSET_CHECK_EVALUATION
    events = (entry.dagster_event for entry in instance.all_logs(run.run_id, of_type=evaluated))
    checks = (event.asset_check_evaluation_data for event in events if event)
    return {check.check_name: check for check in checks}


def _changes(run: dg.DagsterRun, before: _Checks, now: _Checks) -> Iterator[Alert]:
    for name, check in now.items():
        known = before.get(name)
        was_failing = known is not None and not known.passed
        if check.passed and not was_failing:
            continue
        if known is not None and was_failing and not check.passed and _same(known, check):
            continue
        result = "passes again" if check.passed else "failed"
        title = f"{check.asset_key.to_user_string()}: {name} {result}"
        yield Alert(title, check.description or "", run.run_id, resolved=check.passed)


def _same(one: dg.AssetCheckEvaluation, other: dg.AssetCheckEvaluation) -> bool:
    return _subjects(one) == _subjects(other)


def _subjects(check: dg.AssetCheckEvaluation) -> set[tuple[object, ...]]:
    """What the check names: accounts, regions and reasons, but no numbers, which always change."""
    tables = (v for v in check.metadata.values() if isinstance(v, dg.TableMetadataValue))
    rows = (record.data for table in tables for record in table.records)
    return {tuple(row.get(name) for name in ("account_id", "region", "reason")) for row in rows}
