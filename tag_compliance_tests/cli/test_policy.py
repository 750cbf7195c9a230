"""`policy check` and `policy schema`."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tag_compliance.cli.main import main
from tag_compliance_tests.support.config import write_config
from tag_compliance_tests.support.environment import become, isolated

_TODAY = datetime.now(UTC).date()
_ACCOUNT = {"account_id": "111122223333", "regions": ["us-east-1"]}
_RULE = {"id": "owner", "tag": "Owner", "required": True}


def _waiver(waiver_id: str, days: int, **changed: Any) -> dict[str, Any]:
    return {
        "id": waiver_id,
        "rules": ["owner"],
        "match": {"accounts": ["111122223333"]},
        "reason": "until the migration",
        "owner": "team:shop",
        "expires": _TODAY + timedelta(days=days),
        **changed,
    }


def _write(path: Path, *rules: Any, waivers: Any = ()) -> Path:
    content = {"rules": list(rules), "waivers": list(waivers)}
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def _isolated(tmp_path: Path) -> None:
    become(isolated(os.environ, tmp_path))


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration with a valid policy, in the working directory."""
    monkeypatch.chdir(tmp_path)
    _write(tmp_path / "policy.yaml", _RULE)
    return write_config(tmp_path, [_ACCOUNT], policy="policy.yaml")


def test_a_valid_policy_of_the_configuration_is_counted(
    config: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["policy", "check", "--strict", "--config", str(config)]) == 0
    assert capfd.readouterr().out == "1 rules (0 disabled), 0 waivers: valid, 0 warnings\n"


@pytest.mark.usefixtures("config")
def test_all_faults_of_all_files_are_reported_with_their_lines(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    one = _write(tmp_path / "one.yaml", {**_RULE, "required": 1}, {"id": "x"})
    other = _write(tmp_path / "other.yaml", _RULE)
    missing = tmp_path / "missing.yaml"
    assert main(["policy", "check", *map(str, (one, other, missing))]) == 2
    check, first = "such as required, values or pattern", f"{one}, line 2"
    assert capfd.readouterr().err.replace("tag-compliance: ", "").splitlines() == [
        f"{one}, line 4: rule owner: required = '1': must be true or false",
        f"{one}, line 5: rule x: a rule needs tag or any_tag",
        f"{one}, line 5: rule x: a rule needs a check, {check}",
        f"{other}, line 2: rule owner: id = 'owner': duplicate id, first in {first}",
        f"{missing}: no such file",
    ]


@pytest.mark.usefixtures("config")
def test_warnings_are_printed_and_lead_to_exit_code_2_only_if_they_are_to(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = _write(tmp_path / "new.yaml", {**_RULE, "only": {"accounts": ["999999999999"]}})
    assert main(["policy", "check", str(path)]) == 0
    assert capfd.readouterr().out.splitlines()[1:] == [
        "warning: rule owner: no account that is scanned matches 999999999999",
        "warning: rule owner: it applies in no account and region that is scanned",
    ]
    assert main(["policy", "check", "--strict", str(path)]) == 2


@pytest.mark.usefixtures("config")
def test_waivers_that_have_expired_or_expire_within_30_days_are_listed_and_are_no_warnings(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    waivers = [_waiver("late", 31), _waiver("soon", 30), _waiver("today", 0), _waiver("past", -1)]
    path = _write(tmp_path / "new.yaml", _RULE, waivers=waivers)
    assert main(["policy", "check", "--strict", str(path)]) == 0
    assert [line.split(": its")[0] for line in capfd.readouterr().out.splitlines()[1:]] == [
        "expired: waiver past",
        "expires: waiver today",
        "expires: waiver soon",
    ]


def test_files_can_be_checked_without_a_configuration(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = _write(tmp_path / "new.yaml", {**_RULE, "only": {"accounts": ["999999999999"]}})
    arguments = ["policy", "check", "--config", str(tmp_path / "config.yaml"), str(path)]
    assert main(arguments) == 0
    out = capfd.readouterr().out
    assert "accounts and regions are not known" in out
    assert "warning" not in out.splitlines()[-1]


def test_the_schema_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "schema"]) == 0
    assert json.loads(capfd.readouterr().out)["title"] == "policy file of tag-compliance"
