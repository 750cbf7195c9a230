"""The regions that accounts have enabled: ec2:DescribeRegions, with the role of each account.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRegions.html
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from tag_compliance.aws.account_session import AccountSession
from tag_compliance.aws.clients import Clients
from tag_compliance.aws.errors import AwsError, aws_error_of
from tag_compliance.aws.regions import always_enabled
from tag_compliance.aws.retry import CallBudget, CallStats
from tag_compliance.aws.sources.paging import Caller
from tag_compliance.aws.targets import role_steps
from tag_compliance.aws.thread_pool import run_in_threads
from tag_compliance.config import Config
from tag_compliance.domain.account import AccountId, RegionName, Target
from tag_compliance.domain.read_status import Reason
from tag_compliance.remote.time_limit import limited_to, remaining_seconds

_OPERATION = "DescribeRegions"
_MOST_SECONDS = 60.0
"""For one account: a call that returns at once or not at all."""


@dataclass(frozen=True, slots=True)
class RegionsReading:
    """The enabled regions of an account, sorted, or why they are not known."""

    account_id: AccountId
    regions: tuple[RegionName, ...] = ()
    error: AwsError | None = None


def read_enabled_regions(
    config: Config, clients: Clients, targets: Sequence[Target]
) -> Iterator[RegionsReading]:
    """The reading of each target, in the order in which they end. Never raises because of AWS.

    Targets are not asked after the time that the discovery has left.
    """
    stopped = threading.Event()
    region = RegionName(always_enabled(config.regions[0]))
    ends_at = time.monotonic() + min(remaining_seconds(), config.region_deadline)

    def read(target: Target) -> RegionsReading:
        with limited_to(ends_at - time.monotonic()):
            return _read(config, clients, target, region, stopped)

    jobs = [partial(read, target) for target in targets]
    with contextlib.closing(run_in_threads(jobs, config.max_concurrency, stopped)) as readings:
        yield from readings


def _read(
    config: Config, clients: Clients, target: Target, region: RegionName, stopped: threading.Event
) -> RegionsReading:
    seconds = min(_MOST_SECONDS, float(config.region_deadline))
    if remaining_seconds() <= 0:
        cause = f"not asked: the discovery ends after region_deadline, {config.region_deadline} s"
        return RegionsReading(target.account_id, error=AwsError(_OPERATION, Reason.TIMEOUT, cause))

    def new_budget(stats: CallStats) -> CallBudget:
        return CallBudget(seconds, stats=stats, sleep=stopped.wait, stopped=stopped.is_set)

    budget = new_budget(CallStats())
    session = AccountSession(clients, target, role_steps(config, target), new_budget)
    client = partial(clients.get, "ec2", region)

    def regions() -> tuple[RegionName, ...]:
        session.credentials()
        return Caller(session, budget, client).call(_OPERATION, _describe)

    try:
        return RegionsReading(target.account_id, budget.limit(_OPERATION, regions))
    except Exception as error:  # noqa: BLE001 - any error concerns only this account
        return RegionsReading(target.account_id, error=aws_error_of(_OPERATION, error))


def _describe(client: Any) -> tuple[RegionName, ...]:
    response = client.describe_regions()
    names = sorted(str(entry.get("RegionName", "")) for entry in response.get("Regions") or ())
    if not names or not all(names):
        cause = "the response names no region, or one without a name"
        raise AwsError(_OPERATION, Reason.MALFORMED_RESPONSE, cause)
    return tuple(map(RegionName, names))
