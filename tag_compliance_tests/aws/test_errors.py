"""Every error of AWS and of the way to it has one reason."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from botocore import exceptions as boto
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from tag_compliance.domain.scan import Reason

from tag_compliance.aws.errors import AwsError, PageTokenExpired, aws_error_of
from tag_compliance.aws.page import Page

URL = "https://tagging.eu-west-1.amazonaws.com/"
GET, ASSUME, IDENTITY = "GetResources", "AssumeRole", "GetCallerIdentity"


def answer(code: str, message: str = "no", status: int = 400) -> ClientError:
    metadata: Any = {"HTTPStatusCode": status}
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}, "x"
    )


SCP = "not authorized to perform: x with an explicit deny in a service control policy"

ANSWERS = [
    (GET, answer("ThrottledException"), Reason.THROTTLED, True),
    (GET, answer("ThrottlingException"), Reason.THROTTLED, True),
    (ASSUME, answer("Throttling"), Reason.THROTTLED, True),
    (ASSUME, answer("RequestLimitExceeded", status=503), Reason.THROTTLED, True),
    (GET, answer("TooManyRequestsException", status=429), Reason.THROTTLED, True),
    (GET, answer("Whatever", status=429), Reason.THROTTLED, True),
    (GET, answer("ExpiredTokenException"), Reason.EXPIRED_TOKEN, True),
    (ASSUME, answer("ExpiredToken", status=403), Reason.EXPIRED_TOKEN, True),
    (GET, answer("RequestExpired"), Reason.EXPIRED_TOKEN, True),
    (GET, answer("PaginationTokenExpiredException"), Reason.EXPIRED_TOKEN, False),
    (GET, answer("RequestTimeoutException", status=408), Reason.TIMEOUT, True),
    (GET, answer("AccessDeniedException"), Reason.ACCESS_DENIED, False),
    (GET, answer("UnauthorizedOperation"), Reason.ACCESS_DENIED, False),
    (GET, answer("403", "Forbidden", 403), Reason.ACCESS_DENIED, False),
    (GET, answer("AccessDeniedException", SCP), Reason.SCP_DENIED, False),
    (ASSUME, answer("AccessDenied", SCP, 403), Reason.SCP_DENIED, False),
    (ASSUME, answer("AccessDenied", status=403), Reason.ASSUME_ROLE_DENIED, False),
    (ASSUME, answer("InvalidClientTokenId", status=403), Reason.ASSUME_ROLE_DENIED, False),
    (ASSUME, answer("ValidationError"), Reason.ASSUME_ROLE_DENIED, False),
    (ASSUME, answer("RegionDisabledException", status=403), Reason.REGION_DISABLED, False),
    (GET, answer("UnrecognizedClientException"), Reason.REGION_DISABLED, False),
    (GET, answer("InvalidClientTokenId", status=403), Reason.REGION_DISABLED, False),
    (GET, answer("OptInRequired", status=403), Reason.REGION_DISABLED, False),
    (IDENTITY, answer("InvalidClientTokenId", status=403), Reason.ACCESS_DENIED, False),
    # A wrong secret key or a wrong clock, and no disabled region.
    (GET, answer("InvalidSignatureException"), Reason.ACCESS_DENIED, False),
    (ASSUME, answer("SignatureDoesNotMatch", status=403), Reason.ACCESS_DENIED, False),
    (GET, answer("MissingAuthenticationTokenException"), Reason.ACCESS_DENIED, False),
    (GET, answer("InternalServiceException", status=500), Reason.INTERNAL, True),
    (ASSUME, answer("InternalFailure", status=500), Reason.INTERNAL, True),
    (GET, answer("ServiceUnavailable", status=503), Reason.INTERNAL, True),
    (GET, answer("504", status=504), Reason.INTERNAL, True),
    (GET, answer("InvalidParameterException"), Reason.INTERNAL, False),
    (GET, answer("NeverHeardOf"), Reason.INTERNAL, False),
]

ON_THE_WAY = [
    (boto.NoCredentialsError(), Reason.ACCESS_DENIED, False),
    (boto.PartialCredentialsError(provider="env", cred_var="x"), Reason.ACCESS_DENIED, False),
    (boto.CredentialRetrievalError(provider="p", error_msg="x"), Reason.ACCESS_DENIED, False),
    (boto.ProfileNotFound(profile="nix"), Reason.ACCESS_DENIED, False),
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


@pytest.mark.parametrize(("operation", "error", "reason", "retryable"), ANSWERS)
def test_an_answer_has_a_reason(
    operation: str, error: ClientError, reason: Reason, retryable: bool
) -> None:
    refusal = aws_error_of(operation, error)

    assert (refusal.reason, refusal.retryable) == (reason, retryable)
    assert f"{refusal}".startswith(f"{operation}: {error.response['Error']['Code']}: ")


@pytest.mark.parametrize(("error", "reason", "retryable"), ON_THE_WAY, ids=repr)
def test_an_error_on_the_way_has_a_reason(
    error: Exception, reason: Reason, retryable: bool
) -> None:
    refusal = aws_error_of("GetResources", error)

    assert (refusal.reason, refusal.retryable) == (reason, retryable)
    assert refusal.cause


def test_a_body_of_another_form_is_told_by_its_place() -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(b'{"ResourceTagMappingList":[{"ResourceARN":3}]}', type=Page)

    refusal = aws_error_of("GetResources", caught.value)

    assert refusal.reason is Reason.MALFORMED_RESPONSE
    assert "$.ResourceTagMappingList[0].ResourceARN" in refusal.cause


def test_only_the_expiry_of_a_page_token_starts_a_region_over() -> None:
    assert isinstance(
        aws_error_of(GET, answer("PaginationTokenExpiredException")), PageTokenExpired
    )
    assert not isinstance(aws_error_of(GET, answer("ExpiredTokenException")), PageTokenExpired)


def test_a_refusal_stays_what_it_is() -> None:
    refusal = AwsError("GetResources", Reason.TIMEOUT, "late")

    assert aws_error_of("AssumeRole", refusal) is refusal


def test_an_answer_without_an_error_body_is_told_by_its_status() -> None:
    nothing: Any = {"ResponseMetadata": {"HTTPStatusCode": 502}}

    refusal = aws_error_of("GetResources", ClientError(nothing, "GetResources"))

    assert refusal.reason is Reason.INTERNAL
    assert refusal.retryable


def test_an_answer_of_sts_that_cannot_be_read_is_not_quoted() -> None:
    body = "<AssumeRoleResponse><SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYEX"
    quoted = ResponseParserError(f"Unable to parse response, invalid XML received:\n{body}")

    assert "wJalr" not in f"{aws_error_of('AssumeRole', quoted)}"
