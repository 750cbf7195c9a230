"""A text for a person contains no credentials."""

from __future__ import annotations

import base64
import urllib.parse

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.aws.errors import AwsError
from tag_compliance.aws.redaction import redacted
from tag_compliance.domain.read_status import Reason

KEY_ID = "ASIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = base64.b64encode(bytes(range(256)) + b"AWS session token").decode()

MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS "
    "Secret Access Key and signing method. Consult the service documentation for details.\n\n"
    "The Canonical String for this request should have been\n'POST\n/\n\n"
    f"host:tagging.eu-west-1.amazonaws.com\nx-amz-security-token:{TOKEN}\n\n"
    "host;x-amz-security-token\ne3b0c442'\n\n"
    "The String-to-Sign should have been\n'AWS4-HMAC-SHA256\n20260101T000000Z\n'\n"
)

QUOTES = [
    MISMATCH,
    MISMATCH.replace(TOKEN, "short"),
    f"Invalid header value b'{TOKEN}\\n'",
    "Invalid header value b'short\\n'",
    f"headers: {{'X-Amz-Security-Token': '{TOKEN}', 'Host': 'aws'}}",
    f"GET /?X-Amz-Credential={KEY_ID}%2F20260101&X-Amz-Security-Token={urllib.parse.quote(TOKEN)}",
    f"<Credentials><SecretAccessKey>{SECRET}</SecretAccessKey></Credentials>",
    f'{{"AccessKeyId": "{KEY_ID}", "SecretAccessKey": "{SECRET}", "SessionToken": "{TOKEN}"}}',
    f"aws_secret_access_key = {SECRET}",
    f"aws_session_token={TOKEN[:60]}",
    f"Authorization: AWS4-HMAC-SHA256 Credential={KEY_ID}/x, SignedHeaders=host, Signature=ab12",
    "Authorization: Bearer short",
    "cannot connect to proxy http://user:pass@short@proxy.corp:3128/",
    f"the key {SECRET} is wrong",
    f"The AWS Access Key Id {KEY_ID} needs a subscription for the service",
    f"Encoded authorization failure message: {TOKEN.replace('/', '_')}",
]
HIDDEN = ("short", SECRET, TOKEN, TOKEN[:40], KEY_ID, "IOSFODNN7", urllib.parse.quote(TOKEN)[:40])


@pytest.mark.parametrize("quote", QUOTES)
def test_a_quoted_credential_is_hidden(quote: str) -> None:
    shown = f"{AwsError('GetResources', Reason.INTERNAL, quote)}"

    assert not [value for value in HIDDEN if value in shown]


@settings(deadline=None)
@given(st.binary(min_size=30, max_size=30).map(base64.b64encode), st.binary(min_size=100))
def test_no_secret_key_or_token_is_shown_after_its_name(key: bytes, token: bytes) -> None:
    token_text = base64.b64encode(token).decode()
    text = f"SecretAccessKey={key.decode()} x-amz-security-token:{token_text} {token_text}"

    shown = redacted(text)

    assert key.decode() not in shown
    assert token_text[:100] not in shown


@pytest.mark.parametrize(
    "text",
    [
        "User: arn:aws:sts::100000000000:assumed-role/terraform/tag-compliance is not authorized",
        "on resource: arn:aws:iam::100000000000:role/AWSCloudFormationStackSetExecutionRole2",
        "no role/OrganizationAccountAccessRoleForTheWholeOfTheCompany4711",
        'Could not connect to the endpoint URL: "https://sts.eu-west-1.amazonaws.com/"',
        "The security token included in the request is invalid.",
        "The security token included in the request is expired",
        "Credential should be scoped to a valid region.",
        "role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Read_0a1b2c3d4e5f6071",
    ],
)
def test_texts_without_credentials_are_unchanged(text: str) -> None:
    assert redacted(text) == text


def test_the_cause_of_a_signature_mismatch_is_still_shown() -> None:
    assert redacted(MISMATCH).startswith("The request signature we calculated does not match")


def test_the_text_is_one_printable_line_of_limited_length() -> None:
    shown = redacted("a\nb\x1b[31m\t" + "word " * 1_000)

    assert shown.startswith("a b [31m word")
    assert len(shown) <= 601
    assert shown.isprintable()
