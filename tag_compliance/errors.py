"""The errors that this project raises intentionally.

Only the upper layers know what an error means: `cli/` maps it to an exit code, `exporter/` to an
HTTP status, `pipeline/` to a Dagster failure.
"""

from __future__ import annotations

import reprlib
from dataclasses import dataclass

_SHOWN_CHARACTERS = 80
_SHOWN_FAILURES = 3
_SHOWN_FAULTS = 100

# Bounded in depth and breadth: a few YAML aliases can describe a value of any size.
_BOUNDED = reprlib.Repr()
_BOUNDED.maxstring = _BOUNDED.maxother = 2 * _SHOWN_CHARACTERS


class TagComplianceError(Exception):
    """Base class of all errors that a person can fix."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault in a configuration: where it is, the value, and the rule that it breaks."""

    source: str
    key: str
    value: object
    rule: str

    def __str__(self) -> str:
        key = self.key if self.key.isprintable() else repr(self.key)
        where = f"{self.source}: {key}" if key else self.source
        shown = "" if self.value is None else f" = {self._shortened()}"
        return f"{where}{shown}: {self.rule}"

    def _shortened(self) -> str:
        try:
            text = _BOUNDED.repr(self.value)
        except ValueError:  # an integer of more digits than Python converts
            text = f"(a huge {type(self.value).__name__})"
        return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


class BadConfiguration(TagComplianceError):
    """The configuration cannot be used; the text shows the first 100 of all `faults`."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        lines = [str(fault) for fault in faults[:_SHOWN_FAULTS]]
        if len(faults) > _SHOWN_FAULTS:
            lines.append(f"{len(faults) - _SHOWN_FAULTS:,} more faults; {len(faults):,} in all")
        super().__init__("\n".join(lines))
        self.faults = faults


class NothingToScan(TagComplianceError):
    """No account is known that could be scanned."""


class BadPolicy(BadConfiguration):
    """The configuration is right, but the files that its key `policy` names are not."""


class StorageRefused(TagComplianceError):
    """A folder or bucket could not be read or written."""

    def __init__(self, place: str, operation: str, cause: str, advice: str) -> None:
        super().__init__(f"cannot {operation} {place}: {cause}; {advice}")
        self.place = place
        self.operation = operation
        self.cause = cause


class CannotListen(TagComplianceError):
    """The address is in use, not permitted, or not an address of this machine."""

    def __init__(self, host: str, port: int, cause: str, flags: str) -> None:
        """`flags` are those that set the address; empty if none does."""
        advice = f"; set {flags}" if flags else ""
        super().__init__(f"cannot listen on {host} port {port}: {cause}{advice}")


class SnapshotUnreadable(TagComplianceError):
    """A snapshot is missing, incomplete, or does not match its manifest."""

    def __init__(self, snapshot_id: str, cause: str) -> None:
        super().__init__(f"snapshot {snapshot_id or '(none)'} is unreadable: {cause}")
        self.snapshot_id = snapshot_id


class NewerFormat(SnapshotUnreadable):
    """A newer version of this program has written the snapshot: it is never replaced."""


class InvalidExposition(TagComplianceError):
    """Prometheus would reject the exposition; each fault names the offending line."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        shown = "; ".join(faults[:_SHOWN_FAILURES])
        super().__init__(f"the metrics are invalid and were not published: {shown}")


class StoredValueUnreadable(TagComplianceError):
    """A table of the pipeline in the storage is damaged or of another version."""

    def __init__(self, what: str, cause: str, advice: str = "scan again to replace it") -> None:
        super().__init__(f"the stored {what} cannot be read: {cause}; {advice}")
        self.cause = cause


class NothingPublished(TagComplianceError):
    """A command needs a snapshot, and the storage has none."""

    def __init__(self, place: str) -> None:
        super().__init__(
            f"{place} has no snapshot yet; `tag-compliance scan` or the schedule makes one"
        )


class FindingsNotWritten(TagComplianceError):
    """The metrics were published without the findings database."""

    def __init__(self, cause: str) -> None:
        super().__init__(
            f"the findings database could not be written: {cause}; the metrics were published, and "
            "pages of findings are not available until the next scan; `findings_database: off` "
            "turns it off"
        )


class BadQuery(TagComplianceError):
    """A query of findings cannot be answered; the parameter and the rule that it breaks."""

    def __init__(self, parameter: str, rule: str) -> None:
        super().__init__(f"{parameter}: {rule}")
        self.parameter = parameter
        self.rule = rule


class CursorGone(TagComplianceError):
    """The cursor is of a snapshot that is not served any more."""

    def __init__(self) -> None:
        super().__init__("this cursor is of an earlier snapshot; begin again without a cursor")


@dataclass(frozen=True, slots=True)
class ParameterFault:
    """A parameter of a request, its value, and the rule that it breaks."""

    parameter: str
    value: str
    rule: str


class BadParameters(TagComplianceError):
    """A request for findings has faulty parameters; `faults` has all of them."""

    def __init__(self, faults: tuple[ParameterFault, ...]) -> None:
        super().__init__("; ".join(f"{fault.parameter}: {fault.rule}" for fault in faults))
        self.faults = faults


class FindingsForbidden(TagComplianceError):
    """Findings are not served to this client, because the exporter has no credentials."""

    def __init__(self, cause: str) -> None:
        super().__init__(
            f"{cause}; start the exporter with --bearer-token-file or --basic-auth-file, or set "
            "`findings_access: open` (TAG_COMPLIANCE_FINDINGS_ACCESS=open) to serve findings to "
            "everyone who can reach it"
        )


class FindingsUnavailable(TagComplianceError):
    """The snapshot that is served has no findings database, or none that can be read."""


class QueriesBusy(TagComplianceError):
    """So many queries are waiting that this one would wait too long."""

    def __init__(self) -> None:
        super().__init__("too many searches at the same time; try again in some seconds")


class NoSuchResource(TagComplianceError):
    """The findings database does not contain the resource."""

    def __init__(self, arn: str) -> None:
        super().__init__(
            f"{arn} has no finding in the findings database: it complies with every rule, is "
            "excluded, was not read, or max_findings_rows left its findings out; "
            "`tag-compliance explain ARN` shows which"
        )
