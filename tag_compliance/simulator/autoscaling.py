"""Amazon EC2 Auto Scaling: DescribeAutoScalingGroups.

https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingGroups.html
"""

from __future__ import annotations

from tag_compliance.simulator.credentials import Caller
from tag_compliance.simulator.organization import Organization, SimulatedResource
from tag_compliance.simulator.protocols import QueryProtocol, xml_elements, xml_list
from tag_compliance.simulator.query_pages import Paging
from tag_compliance.simulator.wire import AwsError, Call, Request, Response

_OPERATION = "DescribeAutoScalingGroups"
_PAGING = Paging("MaxRecords", "NextToken", 50, 100, invalid_token="InvalidNextToken")  # noqa: S106
_PARAMETERS = frozenset({"Version", "MaxRecords", "NextToken", "IncludeInstances"})


class AutoScalingService:
    """The Auto Scaling groups of all accounts and regions, without filters."""

    name = "autoscaling"
    protocol = QueryProtocol("http://autoscaling.amazonaws.com/doc/2011-01-01/")

    def __init__(self, organization: Organization) -> None:
        self._organization = organization

    def parse(self, request: Request, caller: Caller, region: str) -> Call:
        """The call of a request; raises `AwsError` if the service has no such call."""
        operation, parameters = self.protocol.parse(request)
        if operation != _OPERATION:
            raise AwsError(400, "InvalidAction", f"Could not find operation {operation}")
        # A client whose filter had no effect would look correct.
        if unknown := parameters.keys() - _PARAMETERS:
            raise AwsError(400, "ValidationError", f"not simulated: {', '.join(sorted(unknown))}")
        account = self._organization.get(caller.account_id)
        groups = account.auto_scaling_groups.get(region, []) if account else []
        page = _PAGING.page(groups, parameters, caller.account_id, region)
        return Call(self.name, operation, caller.account_id, region, caller, parameters, page)

    def respond(self, call: Call) -> Response:
        """The page of a call."""
        page = call.page
        if page is None:
            raise TypeError(f"a call of {_OPERATION} has a page")
        with_instances = call.parameters.get("IncludeInstances", "true") == "true"
        groups = [
            _render(group, with_instances=with_instances)
            for group in page.items[page.start : page.stop]
        ]
        end = {} if page.is_last else {"NextToken": page.next_token().encode()}
        result = f"<AutoScalingGroups>{xml_list(groups)}</AutoScalingGroups>{xml_elements(end)}"
        return self.protocol.response(_OPERATION, result)


def _render(group: SimulatedResource, *, with_instances: bool) -> str:
    name = group.arn.rpartition("/")[2]
    zone = f"{group.arn.split(':')[3]}a"
    elements = {
        "AutoScalingGroupName": name,
        "AutoScalingGroupARN": group.arn,
        "MinSize": "0",
        "MaxSize": "4",
        "DesiredCapacity": "1",
        "DefaultCooldown": "300",
        "HealthCheckType": "EC2",
        "CreatedTime": "2024-05-06T07:08:09Z",
    }
    instance = {"InstanceId": "i-0123456789abcdef0", "AvailabilityZone": zone}
    instances = xml_list([xml_elements(instance)] if with_instances else [])
    tags = [
        xml_elements(
            {
                "ResourceId": name,
                "ResourceType": "auto-scaling-group",
                "Key": key,
                "Value": value,
                "PropagateAtLaunch": "true",
            }
        )
        for key, value in group.tags.items()
    ]
    return (
        f"{xml_elements(elements)}<AvailabilityZones><member>{zone}</member></AvailabilityZones>"
        f"<Instances>{instances}</Instances><Tags>{xml_list(tags)}</Tags>"
    )
