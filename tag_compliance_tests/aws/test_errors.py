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
MANY = 1_000_000
GET, ASSUME, IDENTITY = "GetResources", "AssumeRole", "GetCallerIdentity"


def response(code: str, message: str = "no", status: int = 400) -> ClientError:
    metadata: Any = {"HTTPStatusCode": status}
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}, "x"
    )


SCP = "not authorized to perform: x with an explicit deny in a service control policy"

RESPONSES = [
    (GET, response("ThrottledException"), Reason.THROTTLED, MANY),
    (GET, response("ThrottlingException"), Reason.THROTTLED, MANY),
    (ASSUME, response("Throttling"), Reason.THROTTLED, MANY),
    (ASSUME, response("RequestLimitExceeded", status=503), Reason.THROTTLED, MANY),
    (GET, response("TooManyRequestsException", status=429), Reason.THROTTLED, MANY),
    (GET, response("Whatever", status=429), Reason.THROTTLED, MANY),
    (GET, response("ExpiredTokenException"), Reason.EXPIRED_TOKEN, 3),
    (ASSUME, response("ExpiredToken", status=403), Reason.EXPIRED_TOKEN, 3),
    (GET, response("RequestExpired"), Reason.EXPIRED_TOKEN, 3),
    (GET, response("PaginationTokenExpiredException"), Reason.EXPIRED_TOKEN, 1),
    (GET, response("RequestTimeoutException", status=408), Reason.TIMEOUT, 8),
    (GET, response("AccessDeniedException"), Reason.ACCESS_DENIED, 1),
    (GET, response("UnauthorizedOperation"), Reason.ACCESS_DENIED, 1),
    (GET, response("403", "Forbidden", 403), Reason.ACCESS_DENIED, 1),
    (GET, response("AccessDeniedException", SCP), Reason.SCP_DENIED, 1),
    (ASSUME, response("AccessDenied", SCP, 403), Reason.SCP_DENIED, 1),
    (ASSUME, response("AccessDenied", status=403), Reason.ASSUME_ROLE_DENIED, 1),
    (ASSUME, response("InvalidClientTokenId", status=403), Reason.ASSUME_ROLE_DENIED, 1),
    (ASSUME, response("ValidationError"), Reason.ASSUME_ROLE_DENIED, 1),
    (ASSUME, response("RegionDisabledException", status=403), Reason.REGION_DISABLED, 1),
    (GET, response("UnrecognizedClientException"), Reason.REGION_DISABLED, 1),
    (GET, response("InvalidClientTokenId", status=403), Reason.REGION_DISABLED, 1),
    (GET, response("OptInRequired", status=403), Reason.REGION_DISABLED, 1),
    (IDENTITY, response("InvalidClientTokenId", status=403), Reason.ACCESS_DENIED, 1),
    # A wrong secret key or a wrong clock, not a disabled region.
    (GET, response("InvalidSignatureException"), Reason.ACCESS_DENIED, 1),
    (ASSUME, response("SignatureDoesNotMatch", status=403), Reason.ACCESS_DENIED, 1),
    (GET, response("MissingAuthenticationTokenException"), Reason.ACCESS_DENIED, 1),
    (GET, response("InternalServiceException", status=500), Reason.INTERNAL, MANY),
    (ASSUME, response("InternalFailure", status=500), Reason.INTERNAL, MANY),
    (GET, response("ServiceUnavailable", status=503), Reason.INTERNAL, MANY),
    (GET, response("504", status=504), Reason.INTERNAL, MANY),
    (GET, response("InvalidParameterException"), Reason.INTERNAL, 1),
    (GET, response("NeverHeardOf"), Reason.INTERNAL, 1),
]

CONNECTIONS = [
    (boto.NoCredentialsError(), Reason.ACCESS_DENIED, 1),
    (boto.PartialCredentialsError(provider="env", cred_var="x"), Reason.ACCESS_DENIED, 1),
    (boto.CredentialRetrievalError(provider="p", error_msg="x"), Reason.ACCESS_DENIED, 1),
    (boto.ProfileNotFound(profile="absent"), Reason.ACCESS_DENIED, 1),
    (boto.ConfigParseError(path="config"), Reason.ACCESS_DENIED, 1),
    (boto.SSOTokenLoadError(error_msg="x"), Reason.ACCESS_DENIED, 1),
    (boto.UnauthorizedSSOTokenError(), Reason.ACCESS_DENIED, 1),
    (boto.TokenRetrievalError(provider="sso", error_msg="x"), Reason.ACCESS_DENIED, 1),
    (boto.MetadataRetrievalError(error_msg="x"), Reason.ACCESS_DENIED, 1),
    (boto.ConnectTimeoutError(endpoint_url=URL), Reason.TIMEOUT, 3),
    (boto.ReadTimeoutError(endpoint_url=URL), Reason.TIMEOUT, 8),
    (boto.SSLError(endpoint_url=URL, error=ValueError("self-signed")), Reason.UNREACHABLE, 1),
    (boto.ConnectionClosedError(endpoint_url=URL), Reason.UNREACHABLE, 8),
    (boto.EndpointConnectionError(endpoint_url=URL), Reason.UNREACHABLE, 3),
    (boto.ProxyConnectionError(proxy_url="http://proxy"), Reason.UNREACHABLE, 3),
    (boto.HTTPClientError(error="x"), Reason.UNREACHABLE, 8),
    (ResponseParserError("x"), Reason.MALFORMED_RESPONSE, 3),
    (boto.NoRegionError(), Reason.INTERNAL, 1),
    (RuntimeError("x"), Reason.INTERNAL, 1),
]


@pytest.mark.parametrize(("operation", "error", "reason", "attempts"), RESPONSES)
def test_an_error_response_has_a_reason_and_a_number_of_attempts(
    operation: str, error: ClientError, reason: Reason, attempts: int
) -> None:
    failure = aws_error_of(operation, error)

    assert (failure.reason, failure.attempts) == (reason, attempts)
    assert f"{failure}".startswith(f"{operation}: {error.response['Error']['Code']}: ")


@pytest.mark.parametrize(("error", "reason", "attempts"), CONNECTIONS, ids=repr)
def test_an_error_of_the_client_has_a_reason_and_a_number_of_attempts(
    error: Exception, reason: Reason, attempts: int
) -> None:
    failure = aws_error_of("GetResources", error)

    assert (failure.reason, failure.attempts) == (reason, attempts)
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

    assert (failure.reason, failure.attempts) == (Reason.INTERNAL, MANY)


def test_a_malformed_response_of_sts_is_not_quoted() -> None:
    body = "<AssumeRoleResponse><SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYEX"
    quoted = ResponseParserError(f"Unable to parse response, invalid XML received:\n{body}")

    assert "wJalr" not in f"{aws_error_of('AssumeRole', quoted)}"
