"""What AWS, or the way to it, refused: every botocore error turned once into one type.

Error codes: https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/CommonErrors.html
and API_GetResources.html there; https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    SSLError,
)

from tag_compliance.domain.scan import Reason
from tag_compliance.errors import TagComplianceError

_THROTTLED = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "RequestThrottled",
    "SlowDown",
}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
_INVALID_TOKEN = {
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
}
_REGION_OFF = {"OptInRequired", "RegionDisabledException"}
_SERVER_ERROR = 500


class AwsRefused(TagComplianceError):
    """One call did not succeed; it may be tried `attempts` times in all, 1: never again."""

    def __init__(self, operation: str, reason: Reason, cause: str, attempts: int = 1) -> None:
        super().__init__(f"{operation}: {cause}")
        self.operation = operation
        self.reason = reason
        self.cause = cause
        self.attempts = attempts

    @property
    def retryable(self) -> bool:
        return self.attempts > 1


class PageTokenExpired(AwsRefused):
    """The pagination token outlived its 15 minutes: the region has to be read from the start."""


# How often a call may be tried in all. Throttling and faults inside AWS pass, and the region's
# deadline bounds them; an endpoint that nobody answers at does not, and a person is waiting.
_MANY = 1_000_000
_SOME = 8
_FEW = 3


def refusal_of(operation: str, error: Exception) -> AwsRefused:
    """The refusal behind any error that a call through boto3 raises."""
    if isinstance(error, AwsRefused):
        return error
    if isinstance(error, ClientError):
        return _of_answer(operation, error)
    if isinstance(error, msgspec.MsgspecError):
        cause = f"the answer has not the form that AWS documents: {error}"
        return AwsRefused(operation, Reason.MALFORMED_RESPONSE, cause, _FEW)
    for kind, rule in _ON_THE_WAY:
        if isinstance(error, kind):
            return AwsRefused(operation, rule.reason, rule.cause or str(error), rule.attempts)
    # Their text is botocore's or Python's own; a type name alone would leave a person helpless.
    return AwsRefused(operation, Reason.INTERNAL, f"{type(error).__name__}: {error}")


@dataclass(frozen=True, slots=True)
class _Rule:
    reason: Reason
    attempts: int = 1
    cause: str = ""


_NO_CREDENTIALS = _Rule(
    Reason.ACCESS_DENIED,
    cause="no AWS credentials were found; set AWS_PROFILE, or what any boto3 program takes",
)

# The first that fits, so the special ones stand before the general.
_ON_THE_WAY: tuple[tuple[type[Exception], _Rule], ...] = (
    (NoCredentialsError, _NO_CREDENTIALS),
    (PartialCredentialsError, _Rule(Reason.ACCESS_DENIED)),
    (CredentialRetrievalError, _Rule(Reason.ACCESS_DENIED)),
    (ProfileNotFound, _Rule(Reason.ACCESS_DENIED)),
    (ConnectTimeoutError, _Rule(Reason.TIMEOUT, _FEW)),
    (ReadTimeoutError, _Rule(Reason.TIMEOUT, _SOME)),
    (SSLError, _Rule(Reason.UNREACHABLE)),
    (ConnectionClosedError, _Rule(Reason.UNREACHABLE, _SOME)),
    (EndpointConnectionError, _Rule(Reason.UNREACHABLE, _FEW)),
    (HTTPClientError, _Rule(Reason.UNREACHABLE, _SOME)),
    (BotoCoreError, _Rule(Reason.INTERNAL)),
)


def _of_answer(operation: str, error: ClientError) -> AwsRefused:  # noqa: PLR0911 - a table
    code = str(error.response.get("Error", {}).get("Code", ""))
    text = str(error.response.get("Error", {}).get("Message", "")) or str(error)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    cause = f"{code}: {text}"
    if code == "PaginationTokenExpiredException":
        return PageTokenExpired(operation, Reason.EXPIRED_TOKEN, cause)
    if code in _THROTTLED or status == 429:  # noqa: PLR2004 - "Too Many Requests"
        return AwsRefused(operation, Reason.THROTTLED, cause, _MANY)
    if code in _EXPIRED:
        return AwsRefused(operation, Reason.EXPIRED_TOKEN, cause, _FEW)
    if code in _DENIED and "service control policy" in text:
        return AwsRefused(operation, Reason.SCP_DENIED, cause)
    if code in _REGION_OFF or (code in _INVALID_TOKEN and operation == "GetResources"):
        # A role's session is valid in every region that is enabled for its account: https://docs.aws.
        # amazon.com/IAM/latest/UserGuide/id_credentials_temp_enable-regions.html
        return AwsRefused(operation, Reason.REGION_DISABLED, cause)
    if operation == "AssumeRole" and (code in _DENIED or code in _INVALID_TOKEN):
        return AwsRefused(operation, Reason.ASSUME_ROLE_DENIED, cause)
    if code in _DENIED or code in _INVALID_TOKEN:
        return AwsRefused(operation, Reason.ACCESS_DENIED, cause)
    if status >= _SERVER_ERROR or code == "InternalServiceException":
        return AwsRefused(operation, Reason.INTERNAL, cause, _MANY)
    return AwsRefused(operation, Reason.INTERNAL, cause)
