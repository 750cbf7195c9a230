"""Failed calls to AWS: each error of botocore is converted into an `AwsError`.

Error codes: https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/CommonErrors.html
and API_GetResources.html there; https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigNotFound,
    ConfigParseError,
    ConnectionClosedError,
    ConnectionError,  # noqa: A004 - botocore's own name
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    InvalidConfigError,
    LoginError,
    MetadataRetrievalError,
    NoAuthTokenError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    SSLError,
    SSOError,
    TokenRetrievalError,
    UnknownCredentialError,
)
from botocore.parsers import ResponseParserError

from tag_compliance.aws.redaction import redacted
from tag_compliance.domain.read_status import Reason
from tag_compliance.errors import TagComplianceError

_THROTTLED = {
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "Forbidden",
    "NotAuthorized",
    "UnauthorizedException",
    "UnauthorizedOperation",
}
_INVALID_TOKEN = {"UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"}
_UNSIGNED = {
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "SignatureDoesNotMatch",
}
_REGION_OFF = {"OptInRequired", "RegionDisabledException", "SubscriptionRequiredException"}
_TIMED_OUT = {"RequestTimeout", "RequestTimeoutException"}
_TEMPORARY = {
    "IDPCommunicationError",
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "InternalServiceException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
}
_SERVER_ERROR, _FORBIDDEN = 500, (401, 403)


class AwsError(TagComplianceError):
    """A call failed. Making it up to `attempts` times in total may help; 1: no retry.

    `cause` is one line for a person and contains no credentials, even if AWS quoted them.
    """

    def __init__(self, operation: str, reason: Reason, cause: str, attempts: int = 1) -> None:
        self.operation = operation
        self.reason = reason
        self.cause = redacted(cause)
        super().__init__(f"{operation}: {self.cause}")
        self.attempts = attempts

    @property
    def retryable(self) -> bool:
        return self.attempts > 1


class PageTokenExpired(AwsError):
    """The pagination token has expired: the region must be read from its first page."""


# How often a call may be made in total. Throttling and faults inside AWS are temporary, so only the
# deadline limits their retries. An endpoint that does not respond is usually a wrong setting.
_MANY = 1_000_000
_SOME = 8
_FEW = 3


def aws_error_of(operation: str, error: Exception) -> AwsError:
    """The `AwsError` for any error that a call through boto3 raises; an `AwsError` is unchanged."""
    if isinstance(error, AwsError):
        return error
    if isinstance(error, ClientError):
        return _of_response(operation, error)
    if isinstance(error, msgspec.MsgspecError):
        cause = f"the response is malformed: {error}"
        return AwsError(operation, Reason.MALFORMED_RESPONSE, cause, _FEW)
    for kind, rule in _RULES:
        if isinstance(error, kind):
            return AwsError(operation, rule.reason, rule.cause or str(error), rule.attempts)
    return AwsError(operation, Reason.INTERNAL, f"{type(error).__name__}: {error}")


@dataclass(frozen=True, slots=True)
class _Rule:
    reason: Reason
    attempts: int = 1
    cause: str = ""


_NO_CREDENTIALS = _Rule(
    Reason.ACCESS_DENIED,
    cause=(
        "no AWS credentials were found; set AWS_PROFILE, or configure them as for any boto3 program"
    ),
)
# botocore's text quotes the complete response of STS, which contains a secret.
_MALFORMED = _Rule(Reason.MALFORMED_RESPONSE, _FEW, "the response is malformed")

# The first match decides, so subclasses precede their base classes.
_RULES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], _Rule], ...] = (
    (ResponseParserError, _MALFORMED),
    (NoCredentialsError, _NO_CREDENTIALS),
    (
        (
            ConfigNotFound,
            ConfigParseError,
            CredentialRetrievalError,
            InvalidConfigError,
            LoginError,
            MetadataRetrievalError,
            NoAuthTokenError,
            PartialCredentialsError,
            ProfileNotFound,
            SSOError,
            TokenRetrievalError,
            UnknownCredentialError,
        ),
        _Rule(Reason.ACCESS_DENIED),
    ),
    (ConnectTimeoutError, _Rule(Reason.TIMEOUT, _FEW)),
    (ReadTimeoutError, _Rule(Reason.TIMEOUT, _SOME)),
    (SSLError, _Rule(Reason.UNREACHABLE)),
    (ConnectionClosedError, _Rule(Reason.UNREACHABLE, _SOME)),
    (EndpointConnectionError, _Rule(Reason.UNREACHABLE, _FEW)),
    (ConnectionError, _Rule(Reason.UNREACHABLE, _FEW)),
    (HTTPClientError, _Rule(Reason.UNREACHABLE, _SOME)),
    (BotoCoreError, _Rule(Reason.INTERNAL)),
)


def _of_response(operation: str, error: ClientError) -> AwsError:
    details = error.response.get("Error", {})
    code, text = str(details.get("Code", "")), str(details.get("Message", "")) or str(error)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    cause = f"{code}: {text}"
    if code == "PaginationTokenExpiredException":
        return PageTokenExpired(operation, Reason.EXPIRED_TOKEN, cause)
    reason, attempts = _classify(operation, code, text, status)
    return AwsError(operation, reason, cause, attempts)


def _classify(  # noqa: PLR0911 - a table
    operation: str, code: str, text: str, status: int
) -> tuple[Reason, int]:
    if code in _THROTTLED or status == 429:  # noqa: PLR2004 - "Too Many Requests"
        return Reason.THROTTLED, _MANY
    if code in _EXPIRED:
        return Reason.EXPIRED_TOKEN, _FEW
    if code in _TIMED_OUT:
        return Reason.TIMEOUT, _SOME
    if code in _REGION_OFF or (code in _INVALID_TOKEN and operation == "GetResources"):
        # A role's session is invalid only in regions that are not enabled for its account: https://
        # docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_enable-regions.html
        return Reason.REGION_DISABLED, 1
    if code in _TEMPORARY or status >= _SERVER_ERROR:
        return Reason.INTERNAL, _MANY
    if code in _DENIED and "service control policy" in text:
        return Reason.SCP_DENIED, 1
    # "The requested DurationSeconds exceeds the MaxSessionDuration set for this role" is a
    # ValidationError: the role cannot be assumed as it is configured.
    if operation == "AssumeRole" and code in _DENIED | _INVALID_TOKEN | {"ValidationError"}:
        return Reason.ASSUME_ROLE_DENIED, 1
    if code in _DENIED | _INVALID_TOKEN | _UNSIGNED or status in _FORBIDDEN:
        return Reason.ACCESS_DENIED, 1
    return Reason.INTERNAL, 1
