"""`policy preview`: what a changed policy would make of the resources of the latest scan."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tag_compliance_tests.fake_aws import FakeAws, Fault, Organization
from tag_compliance_tests.support.program import Program

SHOP, LAB = "111122223333", "222233334444"
_RULE = {"id": "owner", "tag": "Owner", "required": True}
_NO_TEMP = {"id": "no-temp", "tag": "Temp", "forbidden": True}
_WAIVER = {
    "id": "lab",
    "rules": ["owner"],
    "match": {"accounts": [LAB]},
    "reason": "until the migration",
    "owner": "team:lab",
    "expires": datetime.now(UTC).date() + timedelta(days=9),
}


def arn(name: str) -> str:
    return f"arn:aws:s3:::{name}"


def _write(path: Path, *rules: Any, waivers: Any = ()) -> str:
    content = {"rules": list(rules), "waivers": list(waivers)}
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return str(path)


@pytest.fixture
def scanned(program: Program) -> Iterator[Program]:
    """After a scan of two accounts with a policy of one rule."""
    organization = Organization()
    shop, lab = organization.add_account(SHOP), organization.add_account(LAB)
    shop.put("eu-west-1", arn("a"), {"Owner": "secret-value"})
    shop.put("eu-west-1", arn("b"), {"Temp": "secret-value"})
    lab.put("eu-west-1", arn("c"), {"Temp": "x"})
    lab.put("us-east-1", arn("d"), {})
    _write(program.place.folder / "policy.yaml", _RULE)
    settings = {"policy": "policy.yaml", "REQUIRED_TAGS": [], "report_values": False}
    program.configure(organization, **settings)
    with FakeAws(organization) as fake:
        program.aws = fake
        assert program.scan(fake).code == 0
        yield program


def preview(program: Program, *arguments: str) -> dict[str, Any]:
    ended = program.run("policy", "preview", "--format", "json", *arguments)
    assert (ended.code, ended.err) == (0, "")
    found: dict[str, Any] = json.loads(ended.out)
    return found


def rule(found: dict[str, Any], rule_id: str) -> dict[str, Any]:
    [one] = [rule for rule in found["rules"] if rule["rule"] == rule_id]
    return dict(one)


def test_the_numbers_before_are_those_that_the_scan_published_and_after_those_of_the_next_scan(
    scanned: Program, tmp_path: Path
) -> None:
    changed = _write(tmp_path / "new.yaml", _RULE, _NO_TEMP, waivers=[_WAIVER])
    found = preview(scanned, changed)

    def published() -> dict[str, Any]:
        snapshot = scanned.published()
        assert snapshot is not None
        status = snapshot.status.policy
        assert status is not None
        return {
            "honoured": status.without_open_findings,
            "ignored": status.without_findings,
            "rules": {r.rule: (r.evaluated, r.violations, r.waived) for r in status.rules},
        }

    def previewed(when: str) -> dict[str, Any]:
        shares = {name: share["compliant"] for name, share in found["compliance"][when].items()}
        rules = {r["rule"]: tuple(r[when].values()) for r in found["rules"]}
        return {**shares, "rules": {name: counts for name, counts in rules.items() if any(counts)}}

    assert previewed("before") == published()
    (scanned.place.folder / "policy.yaml").write_text(Path(changed).read_text("utf-8"), "utf-8")
    assert scanned.run("scan").code == 0
    assert previewed("after") == published()


def test_findings_are_gained_and_lost_by_rule_and_account_with_samples(
    scanned: Program, tmp_path: Path
) -> None:
    found = preview(scanned, _write(tmp_path / "new.yaml", _RULE, _NO_TEMP, waivers=[_WAIVER]))
    assert found["resources"] == 4
    assert found["findings"] == {
        "before": {"open": 3, "waived": 0},
        "after": {"open": 3, "waived": 2},
        "gained": 2,
        "lost": 2,
    }
    owner, no_temp = rule(found, "owner"), rule(found, "no-temp")
    assert (owner["change"], no_temp["change"]) == ("unchanged", "added")
    assert (owner["gained"], owner["lost"]) == (0, 2)
    lost = {"account_id": LAB, "account_name": LAB, "gained": 0, "lost": 2}
    assert owner["accounts"] == [lost]
    assert [sample["arn"] for sample in owner["lost_samples"]] == [arn("c"), arn("d")]
    assert owner["lost_samples"][0] == {
        "account_id": LAB,
        "region": "eu-west-1",
        "resource_type": "s3:bucket",
        "arn": arn("c"),
        "before": "open",
        "after": "waived",
        "codes": ["missing"],
        "waiver": "lab",
    }
    assert [(s["arn"], s["before"], s["codes"]) for s in no_temp["gained_samples"]] == [
        (arn("b"), None, ["forbidden_key"]),
        (arn("c"), None, ["forbidden_key"]),
    ]


def test_a_person_sees_the_same_as_text(scanned: Program, tmp_path: Path) -> None:
    ended = scanned.run("policy", "preview", _write(tmp_path / "new.yaml", _NO_TEMP))
    assert (ended.code, ended.err) == (0, "")
    head, *lines = ended.out.splitlines()
    assert head.startswith("4 resources of the scan that started at 20")
    assert head.endswith(f"waivers as of {datetime.now(UTC).date()}, its UTC day")
    assert lines == [
        "compliance, waivers honoured: 25.0 % -> 50.0 % (1 -> 2 resources)",
        "compliance, waivers ignored: 25.0 % -> 50.0 % (1 -> 2 resources)",
        "open findings: 3 -> 2 (+2, -3)",
        "waived findings: 0 -> 0",
        "rule no-temp (medium, added): open 0 -> 2 (+2, -0), waived 0 -> 0",
        f"  {SHOP} ({SHOP}): +1, -0",
        f"  {LAB} ({LAB}): +1, -0",
        f"  + {arn('b')} ({SHOP}): forbidden_key",
        f"  + {arn('c')} ({LAB}): forbidden_key",
        "rule owner (medium, removed): open 3 -> 0 (+0, -3), waived 0 -> 0",
        f"  {SHOP} ({SHOP}): +0, -1",
        f"  {LAB} ({LAB}): +0, -2",
        f"  - {arn('b')} ({SHOP}): no finding any more; was missing",
        f"  - {arn('c')} ({LAB}): no finding any more; was missing",
        f"  - {arn('d')} ({LAB}): no finding any more; was missing",
    ]


def test_without_a_file_the_effect_of_the_configured_files_is_shown(scanned: Program) -> None:
    unchanged = scanned.run("policy", "preview").out
    assert unchanged.splitlines()[-1] == "no rule and no finding would change"
    _write(scanned.place.folder / "policy.yaml", {**_RULE, "not_empty": True})
    assert rule(preview(scanned), "owner")["change"] == "changed"


def test_neither_form_contains_tag_values(scanned: Program, tmp_path: Path) -> None:
    changed = {"id": "owner", "tag": "Owner", "values": ["a"]}
    path = _write(tmp_path / "new.yaml", changed, {**_NO_TEMP, "tag": "*"})
    for form in ("text", "json"):
        ended = scanned.run("policy", "preview", "--format", form, path)
        assert arn("a") in ended.out
        assert "secret-value" not in ended.out + ended.err


def test_organizational_units_are_those_of_the_scan(program: Program, tmp_path: Path) -> None:
    organization = Organization()
    organization.add_account(SHOP).put("eu-west-1", arn("a"), {})
    row = {"account_id": SHOP, "regions": ["eu-west-1"], "ou_path": "Work/Shop"}
    program.configure(organization, aws_account_matrix=[row])
    with FakeAws(organization) as fake:
        assert program.scan(fake).code == 0
    changed = [
        {**_RULE, "id": "there", "only": {"ous": ["Work"]}},
        {**_RULE, "id": "elsewhere", "only": {"ous": ["Other"]}},
    ]
    found = preview(program, _write(tmp_path / "new.yaml", *changed))
    assert rule(found, "there")["gained"] == 1
    assert rule(found, "elsewhere")["after"] == {"evaluated": 0, "open": 0, "waived": 0}


def test_what_was_not_read_is_named(scanned: Program, tmp_path: Path) -> None:
    scanned.fake.faults.add(Fault.ACCESS_DENIED, account_id=LAB, operation="GetResources")
    assert scanned.run("scan").code == 3
    path = _write(tmp_path / "new.yaml", _RULE, _NO_TEMP)
    found = preview(scanned, path)
    assert found["resources"] == 2
    assert [line for line in found["incomplete"] if f"not read: {LAB}" in line]
    text = scanned.run("policy", "preview", path).out
    assert f"incomplete: not read: {LAB} ({LAB}): access_denied" in text


def test_an_account_whose_stored_resources_are_damaged_is_named_and_the_rest_is_compared(
    scanned: Program, tmp_path: Path
) -> None:
    table = scanned.place.state / "tables" / "raw_resources" / f"{LAB}.parquet"
    table.write_bytes(b"damaged")
    ended = scanned.run("policy", "preview", _write(tmp_path / "new.yaml", _NO_TEMP))
    assert ended.code == 0
    assert "2 resources of the scan" in ended.out
    assert f"incomplete: not compared: the stored resources of {LAB}" in ended.out


def test_without_a_stored_scan_there_is_one_error(program: Program, tmp_path: Path) -> None:
    path = _write(tmp_path / "new.yaml", _RULE)
    assert "has no snapshot yet" in program.fails(1, "policy", "preview", path)


def test_faults_of_a_file_are_reported_as_policy_check_reports_them(
    scanned: Program, tmp_path: Path
) -> None:
    path = _write(tmp_path / "new.yaml", {"id": "x", "tga": "Owner"}, {"id": "y", "tag": "a"})
    checked = scanned.run("policy", "check", path)
    previewed = scanned.run("policy", "preview", path)
    assert (previewed.code, previewed.out, previewed.err) == (2, "", checked.err)
