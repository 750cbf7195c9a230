"""The one address behind which all services live: who calls, what strikes, what is answered."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from tag_compliance_tests.fake_aws.calls import Call, CallLog
from tag_compliance_tests.fake_aws.credentials import Caller, CredentialStore
from tag_compliance_tests.fake_aws.fault_plan import FaultPlan, FaultRule
from tag_compliance_tests.fake_aws.faults import Fault
from tag_compliance_tests.fake_aws.organization import Organization
from tag_compliance_tests.fake_aws.rate_limit import RateLimit
from tag_compliance_tests.fake_aws.refusals import signature_refusal
from tag_compliance_tests.fake_aws.sts import StsApi
from tag_compliance_tests.fake_aws.tagging import TaggingApi
from tag_compliance_tests.fake_aws.wire import Answer, AwsError, Delivery, Request, Scope

_HTML = b"<html><body><h1>Service Unavailable</h1></body></html>"
_SPOILED: Mapping[Fault, Answer] = {
    Fault.HTTP_503: Answer(503, "text/plain", b""),
    Fault.HTTP_503_HTML: Answer(503, "text/html", _HTML),
    Fault.NOT_JSON: Answer(200, "text/html", _HTML),
}
_DELIVERIES: Mapping[Fault, Delivery] = {
    Fault.TRUNCATED_BODY: Delivery.TRUNCATED,
    Fault.CUT_CONNECTION: Delivery.CUT,
    Fault.HANG: Delivery.NEVER,
}


class Api(Protocol):
    service: str

    def read(self, request: Request, caller: Caller, region: str) -> Call: ...

    def perform(self, call: Call, fault: Fault | None) -> Answer: ...

    def refusal(self, fault: Fault, call: Call) -> AwsError | None: ...

    def refuse(self, error: AwsError) -> Answer: ...


class Endpoint:
    def __init__(
        self,
        organization: Organization,
        credentials: CredentialStore,
        faults: FaultPlan,
        calls: CallLog,
        rate_limit: RateLimit | None = None,
    ) -> None:
        self._organization = organization
        self._credentials = credentials
        self._faults = faults
        self._calls = calls
        self._rate_limit = rate_limit
        self._sts: Api = StsApi(organization, credentials)
        self._tagging: Api = TaggingApi(organization)

    def answer(self, request: Request) -> Answer:
        api = self._tagging if "x-amz-target" in request.headers else self._sts
        try:
            scope = request.scope
            if scope.service != api.service:
                message = f"Credential should be scoped to correct service: '{api.service}'."
                raise AwsError(403, "SignatureDoesNotMatch", message)
            caller = self._credentials.caller(scope.access_key_id)
            call = api.read(request, caller, scope.region)
        except AwsError as error:
            return api.refuse(error)
        self._calls.record(call)
        rule = self._faults.strike(call)
        fault = rule.fault if rule else self._objection(request, scope, call)
        try:
            if fault is Fault.QUOTED_REQUEST:
                raise signature_refusal(api.service, request)
            if fault and (refusal := api.refusal(fault, call)):
                raise refusal
            answer = api.perform(call, fault)
        except AwsError as error:
            answer = api.refuse(error)
        return _spoiled(answer, rule) if rule else answer

    def _objection(self, request: Request, scope: Scope, call: Call) -> Fault | None:
        """What AWS itself would hold against this call."""
        token = request.headers.get("x-amz-security-token")
        account = self._organization.get(call.caller.account_id)
        if not self._credentials.is_valid(scope.access_key_id, token) or (
            account is not None and call.region in account.disabled_regions
        ):
            return Fault.REGION_DISABLED
        if self._credentials.is_expired(scope.access_key_id):
            return Fault.EXPIRED_TOKEN
        if self._rate_limit and call.page and not self._rate_limit.admits(call):
            return Fault.THROTTLED
        return None


def _spoiled(answer: Answer, rule: FaultRule) -> Answer:
    """The answer as it leaves, when the fault is in the transport."""
    if delivery := _DELIVERIES.get(rule.fault):
        return replace(answer, delivery=delivery)
    if rule.fault is Fault.SLOW:
        return replace(answer, delay_seconds=rule.seconds)
    return _SPOILED.get(rule.fault, answer)
