"""How STS and the tagging API word each refusal: status, code and message as AWS sends them."""

from tag_compliance_tests.fake_aws.calls import Call
from tag_compliance_tests.fake_aws.faults import Fault
from tag_compliance_tests.fake_aws.wire import AwsError, Request

_INVALID = "The security token included in the request is invalid"
_EXPIRED = "The security token included in the request is expired"
_DENIED = "User: {caller} is not authorized to perform: {action}{resource}"
_SCP = " with an explicit deny in a service control policy"

_STS = {
    Fault.THROTTLED: (400, "Throttling", "Rate exceeded"),
    Fault.THROTTLING_EXCEPTION: (400, "ThrottlingException", "Rate exceeded"),
    Fault.ACCESS_DENIED: (403, "AccessDenied", _DENIED),
    Fault.SCP_DENIED: (403, "AccessDenied", _DENIED + _SCP),
    Fault.REGION_DISABLED: (403, "InvalidClientTokenId", _INVALID),
    Fault.EXPIRED_TOKEN: (403, "ExpiredToken", _EXPIRED),
    Fault.INTERNAL: (500, "InternalFailure", "An internal error has occurred"),
}
_TAGGING = {
    Fault.THROTTLED: (400, "ThrottledException", "Rate exceeded"),
    Fault.THROTTLING_EXCEPTION: (400, "ThrottlingException", "Rate exceeded"),
    Fault.ACCESS_DENIED: (
        400,
        "AccessDeniedException",
        _DENIED + " because no identity-based policy allows the {action} action",
    ),
    Fault.SCP_DENIED: (400, "AccessDeniedException", _DENIED + _SCP),
    Fault.REGION_DISABLED: (400, "UnrecognizedClientException", f"{_INVALID}."),
    Fault.EXPIRED_TOKEN: (400, "ExpiredTokenException", _EXPIRED),
    Fault.INTERNAL: (500, "InternalServiceException", "Internal service error"),
    Fault.PAGINATION_TOKEN_EXPIRED: (
        400,
        "PaginationTokenExpiredException",
        "The pagination token has expired",
    ),
}


def signature_refusal(service: str, request: Request) -> AwsError:
    """AWS quotes what it would have signed: with the session token, as it came."""
    headers = "\n".join(f"{name}:{value}" for name, value in sorted(request.headers.items()))
    message = (
        "The request signature we calculated does not match the signature you provided. "
        "Check your AWS Secret Access Key and signing method.\n\n"
        f"The Canonical String for this request should have been\n'POST\n/\n\n{headers}\n'\n\n"
        "The String-to-Sign should have been\n'AWS4-HMAC-SHA256\n'\n"
    )
    code = "SignatureDoesNotMatch" if service == "sts" else "InvalidSignatureException"
    return AwsError(403, code, message)


def sts_refusal(fault: Fault, call: Call) -> AwsError | None:
    role_arn = call.parameters.get("RoleArn")
    resource = f" on resource: {role_arn}" if role_arn else ""
    return _refusal(_STS.get(fault), call, f"sts:{call.operation}", resource)


def tagging_refusal(fault: Fault, call: Call) -> AwsError | None:
    return _refusal(_TAGGING.get(fault), call, f"tag:{call.operation}", "")


def _refusal(
    wording: tuple[int, str, str] | None, call: Call, action: str, resource: str
) -> AwsError | None:
    if wording is None:
        return None
    status, code, message = wording
    text = message.format(caller=call.caller.arn, action=action, resource=resource)
    return AwsError(status, code, text)
