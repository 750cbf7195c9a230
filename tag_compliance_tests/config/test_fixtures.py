"""Valid files, and invalid files, each with a text file of the messages that it causes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tag_compliance.aws.targets import targets_of
from tag_compliance.config import Config, load_config
from tag_compliance.config.model import KEYS, ThresholdSettings
from tag_compliance.errors import BadConfiguration
from tag_compliance_tests.support.config import PARTITIONS

_FIXTURES = Path(__file__).parent / "fixtures"
_GOOD = sorted(path.name for path in _FIXTURES.glob("*.ok.yaml"))
_BAD = sorted(path.name for path in _FIXTURES.glob("*.bad.yaml"))


def _load(name: str) -> Config:
    return load_config(_FIXTURES / name, {}, PARTITIONS)


@pytest.mark.parametrize("name", _GOOD)
def test_a_valid_file_is_accepted_and_survives_serialization(name: str) -> None:
    config = _load(name)
    assert Config.model_validate_json(config.model_dump_json(by_alias=True)) == config


@pytest.mark.parametrize("name", _BAD)
def test_an_invalid_file_is_rejected_with_all_its_faults_on_one_line_each(name: str) -> None:
    path = _FIXTURES / name
    with pytest.raises(BadConfiguration) as caught:
        _load(name)
    message = str(caught.value).replace(str(path), name).replace(f"{_FIXTURES}/", "")
    assert message.splitlines() == path.with_suffix(".txt").read_text().splitlines()
    assert len(caught.value.faults) == len(message.splitlines())


def test_a_file_can_set_every_key() -> None:
    config = _load("everything.ok.yaml")
    assert config.model_fields_set == set(Config.model_fields)
    assert [(t.account_name, t.regions, t.ou_path, t.owner) for t in targets_of(config)] == [
        ("shop", ("us-east-1", "eu-west-1"), "Workloads/Shop", "shop@example.com"),
        ("222233334444", ("us-west-2",), "", ""),
        ("444455556666", ("us-west-2", "us-east-1"), "", ""),
    ]
    assert config.organization is not None
    assert (config.organization.regions, config.organization.refresh) == ("enabled", 3600)
    assert config.aws_account_overrides["222233334444"].session_duration == 900
    short_form = config.aws_account_overrides["444455556666"]
    assert short_form.role_arn == "arn:aws:iam::444455556666:role/reader"
    assert (config.session_duration, config.keep_last_for) == (43_200, 129_600)
    assert config.required_tags == ("Owner", "owner", "Cost: center")
    assert config.thresholds == ThresholdSettings(good=99.5, poor=50)
    assert config.storage == "s3://bucket/prefix"


def test_what_a_file_does_not_set_gets_the_default() -> None:
    assert _load("thresholds.ok.yaml").thresholds == ThresholdSettings(good=95, poor=60)
    config = _load("minimal.ok.yaml")
    [target] = targets_of(config)
    assert (target.account_name, target.regions) == ("012345678901", ("us-east-1",))
    assert (config.refresh_interval, config.max_detail_series) == (300, 100_000)
    assert config.assume_role_name_template is None
    assert config.storage == str(_FIXTURES / "state")


def test_an_empty_or_null_list_or_map_is_the_same_as_a_missing_key() -> None:
    config = _load("nothing.ok.yaml")
    assert [target.regions for target in targets_of(config)] == [("us-east-1",)] * 2
    content = config.model_dump(exclude={"aws_account_matrix", "storage"})
    default = _load("minimal.ok.yaml").model_dump(exclude={"aws_account_matrix", "storage"})
    assert content == default


def test_anchors_and_aliases_are_resolved() -> None:
    targets = targets_of(_load("anchors.ok.yaml"))
    assert {target.regions for target in targets} == {("us-east-1", "eu-west-1")}


@pytest.mark.parametrize("key", KEYS)
def test_each_key_is_wrong_in_at_least_one_invalid_file(key: str) -> None:
    texts = [path.read_text() for path in _FIXTURES.glob("*.bad.txt")]
    faults = [line for text in texts for line in text.splitlines()]
    assert [line for line in faults if line.partition(": ")[2].startswith(key)]
