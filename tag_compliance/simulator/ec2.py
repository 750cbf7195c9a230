"""Amazon EC2: DescribeRegions, with the regions that each account has enabled.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRegions.html
"""

from __future__ import annotations

from collections.abc import Iterator

from tag_compliance.aws.regions import always_enabled, known_regions
from tag_compliance.simulator.credentials import Caller
from tag_compliance.simulator.organization import Account, Organization
from tag_compliance.simulator.protocols import Ec2Protocol, xml_elements
from tag_compliance.simulator.wire import AwsError, Call, Request, Response

_NOT_REQUIRED, _OPTED_IN, _NOT_OPTED_IN = "opt-in-not-required", "opted-in", "not-opted-in"


class Ec2Service:
    """DescribeRegions of all accounts, without filters."""

    name = "ec2"
    protocol = Ec2Protocol("http://ec2.amazonaws.com/doc/2016-11-15/")

    def __init__(self, organization: Organization) -> None:
        self._organization = organization

    def parse(self, request: Request, caller: Caller, region: str) -> Call:
        """The call of a request; raises `AwsError` if it is not simulated."""
        operation, parameters = self.protocol.parse(request)
        if operation != "DescribeRegions" or parameters.keys() - {"AllRegions", "Version"}:
            message = f"The action {operation} is not valid for this web service."
            raise AwsError(400, "InvalidAction", message)
        return Call(self.name, operation, caller.account_id, region, caller, parameters)

    def respond(self, call: Call) -> Response:
        """The regions that the account has enabled; with `AllRegions` every region."""
        account = self._organization.get(call.account_id) or Account(call.account_id)
        every = call.parameters.get("AllRegions") == "true"
        regions = "".join(
            f"<item>{xml_elements(fields)}</item>"
            for fields in _regions_of(account)
            if every or fields["optInStatus"] != _NOT_OPTED_IN
        )
        return self.protocol.response(call.operation, f"<regionInfo>{regions}</regionInfo>")


def _regions_of(account: Account) -> Iterator[dict[str, str]]:
    for region, partition in known_regions().items():
        if partition == account.partition:
            yield {
                "regionName": region,
                "regionEndpoint": f"ec2.{region}.amazonaws.com",
                "optInStatus": _opt_in_status(account, region),
            }


def _opt_in_status(account: Account, region: str) -> str:
    if region in account.disabled_regions:
        return _NOT_OPTED_IN
    if always_enabled(region) == region:
        return _NOT_REQUIRED
    return _OPTED_IN if region in account.opted_in_regions else _NOT_OPTED_IN
