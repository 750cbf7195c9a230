"""The credentials of one account: assumed once, refreshed by themselves, proven to be its own."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from botocore.credentials import ReadOnlyCredentials
from botocore.parsers import ResponseParserError

from tag_compliance.aws.assumed_role import AssumedRole, Lease
from tag_compliance.aws.clients import Clients, Frozen, signing_as
from tag_compliance.aws.pace import Pace, Tally
from tag_compliance.aws.refusal import AwsRefused, refusal_of
from tag_compliance.aws.roles import RoleStep
from tag_compliance.config import Account
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.scan import Reason

if TYPE_CHECKING:
    from types_boto3_sts import STSClient


class AccountSession:
    """Shared by the threads that read the account's regions.

    The first that asks assumes the role, the others wait for it. A refusal is remembered: AWS is
    not asked again for each region.
    """

    def __init__(
        self,
        clients: Clients,
        account: Account,
        steps: tuple[RoleStep, ...],
        new_pace: Callable[[Tally], Pace],
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.tally = Tally()
        self._new_pace = new_pace
        self._clients = clients
        self._account = account
        self._steps = steps
        self._clock = clock
        self._lock = threading.Lock()
        self._source: Frozen | None = None
        self._role: AssumedRole | None = None
        self._refusal: AwsRefused | None = None

    def frozen(self) -> ReadOnlyCredentials:
        """What to sign with now; raises `AwsRefused` where the account's role is not to be had."""
        return self._opened()()

    def renew(self, used: ReadOnlyCredentials) -> None:
        """Assumes the role anew, since AWS called these credentials expired."""
        with self._lock:
            if self._role is not None and self._role.holds(used):
                self._source = None

    def _opened(self) -> Frozen:
        with self._lock:
            if self._refusal is not None:
                raise self._refusal
            if self._source is None:
                try:
                    self._source = self._open()
                except AwsRefused as refusal:
                    self._refusal = refusal
                    raise
            return self._source

    def _open(self) -> Frozen:
        source: Frozen = self._clients.own_credentials
        if not self._steps:
            self._prove_own(source)
        for step in self._steps:
            self._role = AssumedRole(partial(self._lease, step, source), self._clock)
            source = self._role.frozen
        return source

    def _lease(self, step: RoleStep, by: Frozen) -> Lease:
        return self._new_pace(self.tally).call("AssumeRole", partial(self._assume, step, by))

    def _assume(self, step: RoleStep, by: Frozen) -> Lease:
        extra = {"ExternalId": step.external_id} if step.external_id else {}
        with _documented("AssumeRole"), signing_as(by):
            answer = self._sts().assume_role(
                RoleArn=step.role_arn,
                RoleSessionName=step.session_name,
                DurationSeconds=step.session_seconds,
                **extra,  # type: ignore[arg-type]  # the stubs want every keyword spelled out
            )
            given = answer["Credentials"]
            frozen = ReadOnlyCredentials(
                given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]
            )
            return Lease(frozen, given["Expiration"])

    def _sts(self) -> STSClient:
        return self._clients.sts(self._clients.sts_region(self._account.regions[0]))

    def _prove_own(self, source: Frozen) -> None:
        """Without a role, the base credentials may read their own account and no other."""

        def ask() -> str:
            with _documented("GetCallerIdentity"), signing_as(source):
                return self._sts().get_caller_identity()["Account"]

        found = self._new_pace(self.tally).call("GetCallerIdentity", ask)
        if found != self._account.account_id:
            cause = (
                f"the base credentials belong to account {found}; name a role for "
                f"{self._account.account_id} in assume_role_name_template or aws_account_overrides"
            )
            raise AwsRefused("GetCallerIdentity", Reason.ACCESS_DENIED, cause)


@contextlib.contextmanager
def _documented(operation: str) -> Iterator[None]:
    """Of an answer that is none, botocore raises what its parser stumbles over, be it `KeyError`.

    Its text is not shown: it may hold what was to be parsed, which is a credential.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError):
        raise refusal_of(operation, ResponseParserError()) from None
