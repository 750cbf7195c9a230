"""The errors of STS and of the tagging API: status, code and message as AWS sends them."""

from collections.abc import Mapping

from tag_compliance.simulator.service import Call
from tag_compliance.simulator.sts import StsService
from tag_compliance.simulator.tagging import TaggingService
from tag_compliance.simulator.wire import AwsError, Request
from tag_compliance_tests.fake_aws.faults import Fault

_Wording = tuple[int, str, str]

_DENIED = "User: {caller} is not authorized to perform: {action}{resource}"
_SCP = " with an explicit deny in a service control policy"
_STS: Mapping[Fault, _Wording] = {
    Fault.THROTTLED: (400, "Throttling", "Rate exceeded"),
    Fault.THROTTLING_EXCEPTION: (400, "ThrottlingException", "Rate exceeded"),
    Fault.ACCESS_DENIED: (403, "AccessDenied", _DENIED),
    Fault.SCP_DENIED: (403, "AccessDenied", _DENIED + _SCP),
    Fault.REGION_DISABLED: StsService.protocol.invalid_credentials,
    Fault.EXPIRED_TOKEN: StsService.protocol.expired_credentials,
    Fault.INTERNAL: (500, "InternalFailure", "An internal error has occurred"),
}
_TAGGING: Mapping[Fault, _Wording] = {
    Fault.THROTTLED: (400, "ThrottledException", "Rate exceeded"),
    Fault.THROTTLING_EXCEPTION: (400, "ThrottlingException", "Rate exceeded"),
    Fault.ACCESS_DENIED: (
        400,
        "AccessDeniedException",
        _DENIED + " because no identity-based policy allows the {action} action",
    ),
    Fault.SCP_DENIED: (400, "AccessDeniedException", _DENIED + _SCP),
    Fault.REGION_DISABLED: TaggingService.protocol.invalid_credentials,
    Fault.EXPIRED_TOKEN: TaggingService.protocol.expired_credentials,
    Fault.INTERNAL: (500, "InternalServiceException", "Internal service error"),
    Fault.PAGINATION_TOKEN_EXPIRED: (
        400,
        "PaginationTokenExpiredException",
        "The pagination token has expired",
    ),
}


def refusal(fault: Fault, request: Request, call: Call) -> AwsError | None:
    """The error that AWS returns for this fault; None if the fault is not an error of AWS."""
    if fault is Fault.QUOTED_REQUEST:
        return _wrong_signature(request, call)
    is_sts = call.service == StsService.name
    wording = (_STS if is_sts else _TAGGING).get(fault)
    if wording is None:
        return None
    status, code, message = wording
    role_arn = call.parameters.get("RoleArn")
    text = message.format(
        caller=call.caller.arn,
        action=f"{'sts' if is_sts else 'tag'}:{call.operation}",
        resource=f" on resource: {role_arn}" if role_arn else "",
    )
    return AwsError(status, code, text)


def _wrong_signature(request: Request, call: Call) -> AwsError:
    """AWS quotes the text that it would have signed, which contains the session token."""
    headers = "\n".join(f"{name}:{value}" for name, value in sorted(request.headers.items()))
    message = (
        "The request signature we calculated does not match the signature you provided. "
        "Check your AWS Secret Access Key and signing method.\n\n"
        f"The Canonical String for this request should have been\n'POST\n/\n\n{headers}\n'\n\n"
        "The String-to-Sign should have been\n'AWS4-HMAC-SHA256\n'\n"
    )
    is_sts = call.service == StsService.name
    return AwsError(
        403, "SignatureDoesNotMatch" if is_sts else "InvalidSignatureException", message
    )
