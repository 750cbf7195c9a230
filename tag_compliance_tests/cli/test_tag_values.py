"""The setting `report_values`: whether the values of tags are in what a scan reports."""

from __future__ import annotations

import pytest

from tag_compliance.domain.account import AccountId
from tag_compliance.storage.open import open_storage
from tag_compliance.tables.findings import Findings
from tag_compliance_tests.support.program import Program

ACCOUNT = "100000000000"
ARN = f"arn:aws:sqs:us-east-1:{ACCOUNT}:queue"
SECRET = "a-person@mail"
POLICY = """
rules:
  - {id: allowed, tag: Owner, values: ["team:*"]}
  - {id: pattern, tag: Owner, pattern: "[0-9]+"}
  - {id: length, tag: Owner, length: {max: 5}}
"""


def test_without_report_values_no_value_of_a_tag_is_in_reports_findings_or_logs(
    program: Program,
) -> None:
    program.fake.organization[ACCOUNT].regions.clear()
    program.fake.organization[ACCOUNT].put("us-east-1", ARN, {"Owner": SECRET})
    (program.place.folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    program.configure(program.fake.organization, policy="policy.yaml", report_values=False)
    ended = program.run("scan", "--log-level", "debug")
    assert ended.code == 0
    assert SECRET not in ended.out + ended.err

    stored = Findings(open_storage(str(program.place.state)), pytest.fail).load(AccountId(ACCOUNT))
    assert stored is not None
    findings = str(stored.findings().to_pylist())
    assert all(text in findings for text in (ARN, "allowed", "pattern", "length"))
    assert SECRET not in findings
    published = [path for path in program.place.state.glob("snapshots/*/*") if path.is_file()]
    assert any(ARN.encode() in path.read_bytes() for path in published)
    assert not any(SECRET.encode() in path.read_bytes() for path in published)
