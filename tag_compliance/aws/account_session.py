"""The credentials of one account: assumed once, refreshed by themselves, proven to be its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from botocore.credentials import ReadOnlyCredentials, RefreshableCredentials

from tag_compliance.aws.clients import Clients, Frozen, signing_as
from tag_compliance.aws.pace import Pace, Tally
from tag_compliance.aws.refusal import AwsRefused
from tag_compliance.aws.roles import RoleStep
from tag_compliance.config import Account
from tag_compliance.domain.scan import Reason


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
    ) -> None:
        self.tally = Tally()
        self._new_pace = new_pace
        self._clients = clients
        self._account = account
        self._steps = steps
        self._sts = clients.sts_region(account.regions[0])
        self._lock = threading.Lock()
        self._source: Frozen | None = None
        self._refusal: AwsRefused | None = None

    def frozen(self) -> ReadOnlyCredentials:
        """What to sign with now; raises `AwsRefused` where the account's role is not to be had."""
        return self._opened()()

    def renew(self, used: ReadOnlyCredentials) -> None:
        """Assumes the role anew, since AWS called these credentials expired."""
        with self._lock:
            if self._source is not None and self._steps and self._source() == used:
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
            return source
        for step in self._steps:
            source = self._assumed(step, source)
        return source

    def _assumed(self, step: RoleStep, by: Frozen) -> Frozen:
        def fetch() -> dict[str, Any]:
            return self._new_pace(self.tally).call("AssumeRole", lambda: self._assume(step, by))

        # botocore refreshes in the last quarter hour, which is all that the shortest session has.
        credentials = RefreshableCredentials.create_from_metadata(
            metadata=fetch(),
            refresh_using=fetch,
            method="sts-assume-role",
            advisory_timeout=min(900, step.session_seconds // 4),
            mandatory_timeout=min(600, step.session_seconds // 6),
        )
        frozen: Frozen = credentials.get_frozen_credentials
        return frozen

    def _assume(self, step: RoleStep, by: Frozen) -> dict[str, Any]:
        sts = self._clients.sts(self._sts)
        extra = {"ExternalId": step.external_id} if step.external_id else {}
        with signing_as(by):
            answer = sts.assume_role(
                RoleArn=step.role_arn,
                RoleSessionName=step.session_name,
                DurationSeconds=step.session_seconds,
                **extra,  # type: ignore[arg-type]  # the stubs want every keyword spelled out
            )
        try:
            given = answer["Credentials"]
            return {
                "access_key": given["AccessKeyId"],
                "secret_key": given["SecretAccessKey"],
                "token": given["SessionToken"],
                "expiry_time": given["Expiration"].isoformat(),
            }
        except (KeyError, AttributeError) as error:
            cause = f"the answer lacks {error}"
            raise AwsRefused("AssumeRole", Reason.MALFORMED_RESPONSE, cause) from None

    def _prove_own(self, source: Frozen) -> None:
        """Without a role, the base credentials may read their own account and no other."""
        sts = self._clients.sts(self._sts)

        def ask() -> str:
            with signing_as(source):
                return sts.get_caller_identity()["Account"]

        found = self._new_pace(self.tally).call("GetCallerIdentity", ask)
        if found != self._account.account_id:
            cause = (
                f"the base credentials belong to account {found}; name a role for "
                f"{self._account.account_id} in assume_role_name_template or aws_account_overrides"
            )
            raise AwsRefused("GetCallerIdentity", Reason.ACCESS_DENIED, cause)
