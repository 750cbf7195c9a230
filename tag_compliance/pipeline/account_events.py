"""What Dagster shows of each account of a reading run: one event for each partition.

If the run succeeds, Dagster creates a materialization for each partition when the asset returns. If
it fails because accounts failed, the run has logged a materialization for each account that was
read and an observation for each that was not. So only the partitions of the latter are failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg

from tag_compliance.domain.read_status import AccountReadStatus, Outcome, failures_of
from tag_compliance.pipeline.metadata import Metadata
from tag_compliance.pipeline.run_log import NOT_READ
from tag_compliance.pipeline.run_tags import OUTCOME_TAG

_MOST_LINES = 10


@dataclass(frozen=True, slots=True)
class AccountReading:
    """The result of reading one account, and the metadata of its partition.

    `replaced`: a later scan has stored the account, so this reading does not count.
    """

    status: AccountReadStatus
    metadata: Metadata
    replaced: bool = False

    @property
    def failed(self) -> bool:
        return not (self.status.succeeded or self.replaced)


@dataclass
class AccountEvents:
    """The events of one run, which are emitted when its last account has been read.

    `kept` is the metadata of the accounts that the run that this one resumes has read.
    """

    context: dg.AssetExecutionContext
    kept: Mapping[str, Metadata] = field(init=False)

    def __post_init__(self) -> None:
        run = self.context.run
        resumed = run.parent_run_id if run.is_resume_retry else None
        asset, keys = self.context.asset_key, set(self.context.partition_keys)
        found = materialized_by(self.context.instance, resumed, asset) if resumed else {}
        self.kept = {account_id: found[account_id] for account_id in keys & found.keys()}

    def end(self, readings: Sequence[AccountReading], *, may_fail: bool) -> None:
        """Emits the events. Raises `dagster.Failure` if an account failed and the run `may_fail`.

        Every partition gets exactly one event: with two, the second one hides the metadata.
        """
        failed = {str(r.status.account_id): r.metadata for r in readings if r.failed}
        read = {str(r.status.account_id): r.metadata for r in readings if not r.failed}
        read = {**self.kept, **read}
        outcome = _outcome_of(readings, kept=bool(self.kept))
        self.context.instance.add_run_tags(self.context.run.run_id, {OUTCOME_TAG: str(outcome)})
        lines = failures_of([reading.status for reading in readings if reading.failed])
        if not (failed and may_fail):  # the failure of the run has the lines
            if failed:
                self.context.log.warning("%s%s", NOT_READ, "; ".join(lines))
            for account_id, metadata in (read | failed).items():
                self.context.add_asset_metadata(metadata, partition_key=account_id)
            return
        self._log(dg.AssetMaterialization, read)
        self._log(dg.AssetObservation, failed)
        total = len(read) + len(failed)
        raise dg.Failure(_description(len(failed), total, lines), allow_retries=False)

    def _log(
        self,
        event: type[dg.AssetMaterialization | dg.AssetObservation],
        metadata: Mapping[str, Metadata],
    ) -> None:
        key = self.context.asset_key
        for account_id, shown in metadata.items():
            self.context.log_event(event(key, partition=account_id, metadata=shown))


def materialized_by(
    instance: dg.DagsterInstance, run_id: str, asset: dg.AssetKey
) -> dict[str, Metadata]:
    """The partitions that the run has materialized, with their metadata."""
    wanted = dg.DagsterEventType.ASSET_MATERIALIZATION
    events = (entry.asset_materialization for entry in instance.all_logs(run_id, of_type=wanted))
    return {e.partition: e.metadata for e in events if e and e.partition and e.asset_key == asset}


def _outcome_of(readings: Sequence[AccountReading], *, kept: bool) -> Outcome:
    if not any(reading.failed for reading in readings):
        return Outcome.COMPLETE
    read = kept or any(r.replaced or r.status.read_something for r in readings)
    return Outcome.PARTIAL if read else Outcome.NOTHING


def _description(failed: int, total: int, lines: Sequence[str]) -> str:
    more = len(lines) - _MOST_LINES
    shown = [*lines[:_MOST_LINES], *([f"… and {more} more"] if more > 0 else [])]
    return "\n".join((f"{failed} of {total} accounts were not fully read:", *shown))
