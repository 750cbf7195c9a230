"""The tag policies of AWS's documentation, imported, scanned with, and compared with what it says.

https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_example-tag-policies.html
"""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from tag_compliance_tests.config.tag_policies import (
    BASIC,
    KEY_CASE,
    PREVENTED_KEY,
    REQUIRED,
    VALUES_OF_CHILD,
    Document,
)
from tag_compliance_tests.fake_aws import FakeAws, Organization
from tag_compliance_tests.support.program import Program

_ACCOUNT = "111122223333"
_INSTANCE = f"arn:aws:ec2:eu-west-1:{_ACCOUNT}:instance/i-"
_BUCKET = "arn:aws:s3:::"
_QUEUE = f"arn:aws:sqs:eu-west-1:{_ACCOUNT}:"
_TABLE = f"arn:aws:dynamodb:eu-west-1:{_ACCOUNT}:table/"

Case = tuple[str, dict[str, str], dict[str, str]]
"""A kind of resource, its tags, and for each violated key the codes."""

_SPELLED: list[Case] = [
    (_BUCKET, {"CostCenter": "anything", "Project": ""}, {}),
    (_BUCKET, {"costcenter": "1"}, {"CostCenter": "wrong_key"}),
    (
        _BUCKET,
        {"Costcenter": "1", "PROJECT": "2"},
        {"CostCenter": "wrong_key", "Project": "wrong_key"},
    ),
    # Untagged resources, and tags that the policy does not define, are not evaluated.
    (_BUCKET, {}, {}),
    (_BUCKET, {"Other": "1", "other": "2"}, {}),
]
_WITH_VALUES: list[Case] = [
    (_BUCKET, {"CostCenter": "Production", "Project": "A"}, {}),
    (_BUCKET, {"CostCenter": "production"}, {"CostCenter": "value_not_allowed"}),
    (_BUCKET, {"Project": ""}, {"Project": "value_not_allowed"}),
    (_BUCKET, {"costcenter": "Production"}, {"CostCenter": "wrong_key"}),
]
_PREVENTED: list[Case] = [
    # Any Color tag is noncompliant, not only on the tables for which the policy is enforced.
    (_TABLE, {"Color": "red"}, {"Color": "forbidden_key"}),
    (_BUCKET, {"Color": ""}, {"Color": "forbidden_key"}),
    (_BUCKET, {"color": "red"}, {"color": "forbidden_key"}),
    (_BUCKET, {}, {}),
]
_WILDCARDS: list[Case] = [
    (_BUCKET, {"CostCenter": "100"}, {}),
    (_BUCKET, {"CostCenter": "300"}, {}),
    (_BUCKET, {"CostCenter": "300-EU"}, {}),
    (_BUCKET, {"CostCenter": "1000"}, {"CostCenter": "value_not_allowed"}),
    (_BUCKET, {"CostCenter": "x300"}, {"CostCenter": "value_not_allowed"}),
    (_BUCKET, {"costcenter": "100"}, {"CostCenter": "wrong_key"}),
]
_PRESENCE: list[Case] = [
    (_INSTANCE, {"CostCenter": "1", "Environment": "Staging", "OWNER": "me"}, {}),
    (_INSTANCE, {}, {"CostCenter": "missing", "Environment": "missing", "owner": "missing"}),
    (_BUCKET, {}, {"CostCenter": "missing"}),
    (_QUEUE, {}, {}),
    (_QUEUE, {"Environment": "Other"}, {"Environment": "value_not_allowed"}),
]


@pytest.mark.parametrize(
    ("documents", "cases"),
    [
        pytest.param([KEY_CASE], _SPELLED, id="key-case"),
        pytest.param([KEY_CASE, VALUES_OF_CHILD], _WITH_VALUES, id="values-of-a-child-policy"),
        pytest.param([PREVENTED_KEY], _PREVENTED, id="prevented-key"),
        pytest.param([BASIC], _WILDCARDS, id="wildcards"),
        pytest.param([REQUIRED], _PRESENCE, id="required-keys"),
    ],
)
def test_an_imported_policy_gives_what_aws_documents(
    program: Program, documents: list[Document], cases: list[Case]
) -> None:
    paths = []
    for number, document in enumerate(documents):
        path = program.place.folder / f"{number}.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        paths.append(str(path))
    assert program.run("policy", "import", *paths, "--output", "policy.yaml").code == 0
    organization = Organization()
    account = organization.add_account(_ACCOUNT)
    arns = [f"{kind}{number}" for number, (kind, _, _) in enumerate(cases)]
    for arn, (_, tags, _) in zip(arns, cases, strict=True):
        account.put("eu-west-1", arn, tags)
    program.configure(organization, REQUIRED_TAGS=[], policy="policy.yaml")
    with FakeAws(organization) as fake:
        assert program.scan(fake).code == 0
    report = program.run("report").out.removeprefix("\ufeff")
    found: dict[str, dict[str, Any]] = {arn: {} for arn in arns}
    for row in csv.DictReader(io.StringIO(report, newline="")):
        found[row["arn"]][row["tag"]] = row["codes"]
    assert list(found.values()) == [expected for _, _, expected in cases]
