"""Failed calls to AWS: each error of botocore is converted into an `AwsError`.

Error codes: https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/CommonErrors.html
and API_GetResources.html there; https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
(IAM and Auto Scaling have the same common errors as STS)
"""

from __future__ import annotations

import http.client
from http import HTTPStatus

import msgspec
from botocore import exceptions as boto
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from tag_compliance.aws.botocore_hooks import UnexpectedResponse
from tag_compliance.aws.redaction import redacted
from tag_compliance.domain.read_status import Reason
from tag_compliance.errors import TagComplianceError
from tag_compliance.remote.limited_socket import ResponseTooLarge

# Error codes, without the suffix "Exception" that some services append.
_THROTTLED = {
    "BandwidthLimitExceeded",
    "EC2Throttled",
    "LimitExceeded",
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "RequestThrottled",
    "SlowDown",
    "Throttled",
    "Throttling",
    "TooManyRequests",
}
_EXPIRED = {"ExpiredToken", "RequestExpired"}
_NOT_FOUND = {"NoSuchEntity", "ResourceNotFoundException", "EffectivePolicyNotFoundException"}
_DENIED = {
    "AccessDenied",
    "AuthFailure",
    "Forbidden",
    "NotAuthorized",
    "Unauthorized",
    "UnauthorizedOperation",
}
_INVALID_TOKEN = {"UnrecognizedClient", "InvalidClientTokenId", "InvalidAccessKeyId"}
_UNSIGNED = {
    "IncompleteSignature",
    "InvalidSignature",
    "MissingAuthenticationToken",
    "SignatureDoesNotMatch",
}
_REGION_OFF = {"OptInRequired", "RegionDisabled", "SubscriptionRequired"}
_REGIONAL = {"GetResources", "DescribeAutoScalingGroups", "GetIndex"}
"""The operations that are called in each region, also in one that is not enabled."""

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


class PageTokenExpired(AwsError):
    """The pagination token has expired: the region must be read from its first page."""


class ResourceNotFound(AwsError):
    """What the call is about does not exist, or no longer: an index, a role, a policy …"""


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
    if isinstance(error, UnexpectedResponse):
        return _of_foreign(operation, error)
    for kinds, reason, attempts in _RULES:
        if isinstance(error, kinds):
            return AwsError(operation, reason, _CAUSES.get(type(error)) or str(error), attempts)
    return AwsError(operation, Reason.INTERNAL, f"{type(error).__name__}: {error}")


_CAUSES: dict[type[Exception], str] = {
    boto.NoCredentialsError: (
        "no AWS credentials were found; set AWS_PROFILE, or configure them as for any boto3 program"
    ),
    # botocore's text quotes the complete response of STS, which contains a secret.
    ResponseParserError: "the response is malformed",
}

_CREDENTIALS = (
    boto.ConfigNotFound,
    boto.ConfigParseError,
    boto.CredentialRetrievalError,
    boto.InvalidConfigError,
    boto.LoginError,
    boto.MetadataRetrievalError,
    boto.NoAuthTokenError,
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.ProfileNotFound,
    boto.SSOError,
    boto.TokenRetrievalError,
    boto.UnknownCredentialError,
)
# The first match decides, so subclasses precede their base classes.
_RULES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Reason, int], ...] = (
    (ResponseParserError, Reason.MALFORMED_RESPONSE, _FEW),
    (ResponseTooLarge, Reason.MALFORMED_RESPONSE, 1),
    (_CREDENTIALS, Reason.NO_CREDENTIALS, 1),
    (boto.ConnectTimeoutError, Reason.TIMEOUT, _FEW),
    (boto.ReadTimeoutError, Reason.TIMEOUT, _SOME),
    (boto.SSLError, Reason.UNREACHABLE, 1),
    (boto.ConnectionError, Reason.UNREACHABLE, _FEW),
    (boto.HTTPClientError, Reason.UNREACHABLE, _SOME),
    (boto.BotoCoreError, Reason.INTERNAL, 1),
)


def _of_response(operation: str, error: ClientError) -> AwsError:
    details = error.response.get("Error", {})
    code, text = str(details.get("Code", "")), str(details.get("Message", "")) or str(error)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    cause = f"{code}: {text}"
    if code == "PaginationTokenExpiredException":
        return PageTokenExpired(operation, Reason.EXPIRED_TOKEN, cause)
    if code in _NOT_FOUND:
        return ResourceNotFound(operation, Reason.INTERNAL, cause)
    if code == "ValidationException" and operation == "ListResources":
        # The only condition of the query that depends on the view is that on tags.
        return AwsError(operation, Reason.VIEW_WITHOUT_TAGS, cause)
    reason, attempts = _classify(operation, code.removesuffix("Exception"), text, status)
    return AwsError(operation, reason, cause, attempts)


def _classify(  # noqa: C901, PLR0911 - a table
    operation: str, code: str, text: str, status: int
) -> tuple[Reason, int]:
    if code in _THROTTLED or status == 429:  # noqa: PLR2004 - "Too Many Requests"
        return Reason.THROTTLED, _MANY
    if code in _EXPIRED:
        return Reason.EXPIRED_TOKEN, _FEW
    if code == "AWSOrganizationsNotInUse":
        return Reason.NO_ORGANIZATION, 1
    if code == "RequestTimeout":
        return Reason.TIMEOUT, _SOME
    if code in _REGION_OFF or (code in _INVALID_TOKEN and operation in _REGIONAL):
        # A role's session is invalid only in regions that are not enabled for its account: https://
        # docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_enable-regions.html
        return Reason.REGION_DISABLED, 1
    if status >= _SERVER_ERROR:
        return Reason.INTERNAL, _MANY
    if code in _DENIED and "service control policy" in text:
        return Reason.SCP_DENIED, 1
    if code in _INVALID_TOKEN | _UNSIGNED:
        return Reason.NO_CREDENTIALS, 1
    # "The requested DurationSeconds exceeds the MaxSessionDuration set for this role" is a
    # ValidationError: the role cannot be assumed as it is configured.
    if operation == "AssumeRole" and code in _DENIED | {"ValidationError"}:
        return Reason.ASSUME_ROLE_DENIED, 1
    if code in _DENIED or status in _FORBIDDEN:
        return Reason.ACCESS_DENIED, 1
    return Reason.INTERNAL, 1


def _of_foreign(operation: str, error: UnexpectedResponse) -> AwsError:
    title = http.client.responses.get(error.status, "")
    cause = f"HTTP status {error.status} {title}".rstrip()
    cause = f"{cause}, but not from AWS; check proxy and endpoint: {error.text}".rstrip(": \r\n")
    if error.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return AwsError(operation, Reason.UNREACHABLE, cause)
    if error.status == HTTPStatus.REQUEST_TIMEOUT:
        return AwsError(operation, Reason.TIMEOUT, cause, _SOME)
    if error.status < HTTPStatus.MULTIPLE_CHOICES:
        return AwsError(operation, Reason.MALFORMED_RESPONSE, cause, _FEW)
    reason, attempts = _classify(operation, "", error.text, error.status)
    if reason is Reason.INTERNAL and error.status < _SERVER_ERROR:
        reason = Reason.MALFORMED_RESPONSE
    return AwsError(operation, reason, cause, attempts)
