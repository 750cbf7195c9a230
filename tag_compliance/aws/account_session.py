"""The session of one account: it assumes the account's role once and renews its credentials."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from botocore.credentials import ReadOnlyCredentials
from botocore.parsers import ResponseParserError

from tag_compliance.aws.botocore_hooks import CredentialsProvider, signing_as
from tag_compliance.aws.clients import Clients
from tag_compliance.aws.credentials import AssumedRole, ExpiringCredentials
from tag_compliance.aws.errors import AwsError, aws_error_of
from tag_compliance.aws.retry import CallBudget, CallStats
from tag_compliance.aws.targets import RoleStep
from tag_compliance.domain.account import Target
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.read_status import Reason

if TYPE_CHECKING:
    from types_boto3_sts import STSClient

T = TypeVar("T")


@dataclass(eq=False)
class AccountSession:
    """The credentials of one account, shared by the threads that read its regions.

    The first thread that needs credentials assumes the role; the others wait for it. A failure is
    remembered and raised again, so that one account makes one attempt. `stats` counts the calls to
    STS. Without `steps`, the base credentials are used if they belong to the account.
    """

    clients: Clients
    target: Target
    steps: tuple[RoleStep, ...]
    new_budget: Callable[[CallStats], CallBudget]
    clock: Callable[[], datetime] = utc_now

    def __post_init__(self) -> None:
        self.stats = CallStats()
        self._lock = threading.Lock()
        self._source: CredentialsProvider | None = None
        self._role: AssumedRole | None = None
        self._failure: AwsError | None = None

    def credentials(self) -> ReadOnlyCredentials:
        """Credentials that are valid now; raises `AwsError` if the role cannot be assumed."""
        with self._lock:
            if self._failure is not None:
                raise self._failure
            if self._source is None:
                try:
                    self._source = self._open()
                except AwsError as error:
                    self._failure = error
                    raise
            source = self._source
        return source()

    def renew(self, used: ReadOnlyCredentials) -> None:
        """Makes the next call assume the role again, because AWS reported `used` as expired."""
        with self._lock:
            if self._role is not None and self._role.holds(used):
                self._source = None

    def _open(self) -> CredentialsProvider:
        source: CredentialsProvider = self.clients.base_credentials
        if not self.steps:
            self._verify_account_of(source)
        for step in self.steps:
            self._role = AssumedRole(partial(self._assume, step, source), self.clock)
            source = self._role.credentials
        return source

    def _assume(self, step: RoleStep, caller: CredentialsProvider) -> ExpiringCredentials:
        extra = {"ExternalId": step.external_id} if step.external_id else {}

        def assume(sts: STSClient) -> ExpiringCredentials:
            response = sts.assume_role(
                RoleArn=step.role_arn,
                RoleSessionName=step.session_name,
                DurationSeconds=step.session_seconds,
                **extra,  # type: ignore[arg-type]  # the stubs require literal keywords
            )
            issued = response["Credentials"]
            credentials = ReadOnlyCredentials(
                issued["AccessKeyId"], issued["SecretAccessKey"], issued["SessionToken"]
            )
            if issued["Expiration"].tzinfo is None or not all(credentials[:3]):
                raise ValueError("a field is empty, or the time has no zone")
            return ExpiringCredentials(credentials, issued["Expiration"])

        return self._call("AssumeRole", caller, assume)

    def _verify_account_of(self, source: CredentialsProvider) -> None:
        """Without a role, the base credentials may only read their own account."""
        operation = "GetCallerIdentity"
        actual = self._call(operation, source, lambda sts: sts.get_caller_identity()["Account"])
        if actual != self.target.account_id:
            cause = (
                f"the base credentials belong to account {actual}; configure a role for "
                f"{self.target.account_id} with assume_role_name_template or aws_account_overrides"
            )
            raise AwsError(operation, Reason.ACCESS_DENIED, cause)

    def _call(
        self, operation: str, caller: CredentialsProvider, call: Callable[[STSClient], T]
    ) -> T:
        def attempt() -> T:
            client = self.clients.sts(self.target.regions[0])
            try:
                with signing_as(caller):
                    return call(client)
            except (AttributeError, LookupError, TypeError, ValueError, RecursionError):
                # The response is malformed: botocore's parser may raise, for example, `KeyError`.
                # The error's text is not shown, because it may contain the parsed credentials.
                raise aws_error_of(operation, ResponseParserError()) from None

        budget = self.new_budget(self.stats)
        return budget.limit(operation, lambda: budget.call(operation, attempt))
