"""Each error that AWS returns, and each failed connection to AWS, has one reason."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from botocore import exceptions as boto
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from tag_compliance.aws.errors import AwsError, PageTokenExpired, aws_error_of
from tag_compliance.aws.sources.page import Page
from tag_compliance.domain.read_status import Reason

URL = "https://tagging.eu-west-1.amazonaws.com/"
GET, ASSUME, IDENTITY = "GetResources", "AssumeRole", "GetCallerIdentity"


def response(code: str, message: str = "no", status: int = 400) -> ClientError:
    metadata: Any = {"HTTPStatusCode": status}
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}, "x"
    )


SCP = "not authorized to perform: x with an explicit deny in a service control policy"

RESPONSES = [
    (GET, response("ThrottledException"), Reason.THROTTLED, True),
    (GET, response("ThrottlingException"), Reason.THROTTLED, True),
    (ASSUME, response("Throttling"), Reason.THROTTLED, True),
    (ASSUME, response("RequestLimitExceeded", status=503), Reason.THROTTLED, True),
    (GET, response("TooManyRequestsException", status=429), Reason.THROTTLED, True),
    (GET, response("Whatever", status=429), Reason.THROTTLED, True),
    (GET, response("ExpiredTokenException"), Reason.EXPIRED_TOKEN, True),
    (ASSUME, response("ExpiredToken", status=403), Reason.EXPIRED_TOKEN, True),
    (GET, response("RequestExpired"), Reason.EXPIRED_TOKEN, True),
    (GET, response("PaginationTokenExpiredException"), Reason.EXPIRED_TOKEN, False),
    (GET, response("RequestTimeoutException", status=408), Reason.TIMEOUT, True),
    (GET, response("AccessDeniedException"), Reason.ACCESS_DENIED, False),
    (GET, response("UnauthorizedOperation"), Reason.ACCESS_DENIED, False),
    (GET, response("403", "Forbidden", 403), Reason.ACCESS_DENIED, False),
    (GET, response("AccessDeniedException", SCP), Reason.SCP_DENIED, False),
    (ASSUME, response("AccessDenied", SCP, 403), Reason.SCP_DENIED, False),
    (ASSUME, response("AccessDenied", status=403), Reason.ASSUME_ROLE_DENIED, False),
    (ASSUME, response("InvalidClientTokenId", status=403), Reason.ASSUME_ROLE_DENIED, False),
    (ASSUME, response("ValidationError"), Reason.ASSUME_ROLE_DENIED, False),
    (ASSUME, response("RegionDisabledException", status=403), Reason.REGION_DISABLED, False),
    (GET, response("UnrecognizedClientException"), Reason.REGION_DISABLED, False),
    (GET, response("InvalidClientTokenId", status=403), Reason.REGION_DISABLED, False),
    (GET, response("OptInRequired", status=403), Reason.REGION_DISABLED, False),
    (IDENTITY, response("InvalidClientTokenId", status=403), Reason.ACCESS_DENIED, False),
    # A wrong secret key or a wrong clock, not a disabled region.
    (GET, response("InvalidSignatureException"), Reason.ACCESS_DENIED, False),
    (ASSUME, response("SignatureDoesNotMatch", status=403), Reason.ACCESS_DENIED, False),
    (GET, response("MissingAuthenticationTokenException"), Reason.ACCESS_DENIED, False),
    (GET, response("InternalServiceException", status=500), Reason.INTERNAL, True),
    (ASSUME, response("InternalFailure", status=500), Reason.INTERNAL, True),
    (GET, response("ServiceUnavailable", status=503), Reason.INTERNAL, True),
    (GET, response("504", status=504), Reason.INTERNAL, True),
    (GET, response("InvalidParameterException"), Reason.INTERNAL, False),
    (GET, response("NeverHeardOf"), Reason.INTERNAL, False),
]

CONNECTIONS = [
    (boto.NoCredentialsError(), Reason.ACCESS_DENIED, False),
    (boto.PartialCredentialsError(provider="env", cred_var="x"), Reason.ACCESS_DENIED, False),
    (boto.CredentialRetrievalError(provider="p", error_msg="x"), Reason.ACCESS_DENIED, False),
    (boto.ProfileNotFound(profile="absent"), Reason.ACCESS_DENIED, False),
    (boto.ConfigParseError(path="config"), Reason.ACCESS_DENIED, False),
    (boto.SSOTokenLoadError(error_msg="x"), Reason.ACCESS_DENIED, False),
    (boto.UnauthorizedSSOTokenError(), Reason.ACCESS_DENIED, False),
    (boto.TokenRetrievalError(provider="sso", error_msg="x"), Reason.ACCESS_DENIED, False),
    (boto.MetadataRetrievalError(error_msg="x"), Reason.ACCESS_DENIED, False),
    (boto.ConnectTimeoutError(endpoint_url=URL), Reason.TIMEOUT, True),
    (boto.ReadTimeoutError(endpoint_url=URL), Reason.TIMEOUT, True),
    (boto.SSLError(endpoint_url=URL, error=ValueError("self-signed")), Reason.UNREACHABLE, False),
    (boto.ConnectionClosedError(endpoint_url=URL), Reason.UNREACHABLE, True),
    (boto.EndpointConnectionError(endpoint_url=URL), Reason.UNREACHABLE, True),
    (boto.ProxyConnectionError(proxy_url="http://proxy"), Reason.UNREACHABLE, True),
    (boto.HTTPClientError(error="x"), Reason.UNREACHABLE, True),
    (ResponseParserError("x"), Reason.MALFORMED_RESPONSE, True),
    (boto.NoRegionError(), Reason.INTERNAL, False),
    (RuntimeError("x"), Reason.INTERNAL, False),
]


@pytest.mark.parametrize(("operation", "error", "reason", "retryable"), RESPONSES)
def test_an_error_response_has_a_reason(
    operation: str, error: ClientError, reason: Reason, retryable: bool
) -> None:
    failure = aws_error_of(operation, error)

    assert (failure.reason, failure.attempts > 1) == (reason, retryable)
    assert f"{failure}".startswith(f"{operation}: {error.response['Error']['Code']}: ")


@pytest.mark.parametrize(("error", "reason", "retryable"), CONNECTIONS, ids=repr)
def test_an_error_of_the_client_has_a_reason(
    error: Exception, reason: Reason, retryable: bool
) -> None:
    failure = aws_error_of("GetResources", error)

    assert (failure.reason, failure.attempts > 1) == (reason, retryable)
    assert failure.cause


def test_a_malformed_body_is_reported_with_the_place_of_the_fault() -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(b'{"ResourceTagMappingList":[{"ResourceARN":3}]}', type=Page)

    failure = aws_error_of("GetResources", caught.value)

    assert failure.reason is Reason.MALFORMED_RESPONSE
    assert "$.ResourceTagMappingList[0].ResourceARN" in failure.cause


def test_an_expired_pagination_token_differs_from_expired_credentials() -> None:
    assert isinstance(
        aws_error_of(GET, response("PaginationTokenExpiredException")), PageTokenExpired
    )
    assert not isinstance(aws_error_of(GET, response("ExpiredTokenException")), PageTokenExpired)


def test_a_converted_error_is_not_converted_again() -> None:
    failure = AwsError("GetResources", Reason.TIMEOUT, "late")

    assert aws_error_of("AssumeRole", failure) is failure


def test_an_error_response_without_a_body_has_a_reason_by_its_status() -> None:
    nothing: Any = {"ResponseMetadata": {"HTTPStatusCode": 502}}

    failure = aws_error_of("GetResources", ClientError(nothing, "GetResources"))

    assert failure.reason is Reason.INTERNAL
    assert failure.attempts > 1


def test_a_malformed_response_of_sts_is_not_quoted() -> None:
    body = "<AssumeRoleResponse><SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYEX"
    quoted = ResponseParserError(f"Unable to parse response, invalid XML received:\n{body}")

    assert "wJalr" not in f"{aws_error_of('AssumeRole', quoted)}"
