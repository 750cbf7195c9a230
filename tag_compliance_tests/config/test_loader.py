"""A file and environment variables become a configuration or a list of faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from tag_compliance.config import Config, DetailLimit, findings_access_of, load_config, storage_of
from tag_compliance.config.model import SCALAR_KEYS
from tag_compliance.errors import BadConfiguration
from tag_compliance_tests.support.config import PARTITIONS

_MINIMAL = 'aws_account_matrix: [{account_id: "111122223333"}]\nREQUIRED_TAGS: [Owner]\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(_MINIMAL)
    return path


def _message(path: Path, environment: dict[str, str] | None = None) -> str:
    with pytest.raises(BadConfiguration) as caught:
        load_config(path, environment or {}, PARTITIONS)
    return str(caught.value)


_OVERRIDES: dict[str, tuple[str, object]] = {
    "external_id": ("from-outside", "from-outside"),
    "role_session_name": ("outside", "outside"),
    "session_duration": ("900", 900),
    "via_role_arn": ("arn:aws:iam::333344445555:role/hub",) * 2,
    "assume_role_name_template": ("other", "other"),
    "aws_owned_resources": ("count", "count"),
    "never_tagged": ("count", "count"),
    "iam_tags_from": ("list_tags", "list_tags"),
    "resource_explorer_view": ("all-resources", "all-resources"),
    "resource_explorer_refresh": ("2h", 7_200),
    "refresh_interval": ("60", 60),
    "storage": ("elsewhere", "elsewhere"),
    "retain_snapshots": ("3", 3),
    "max_detail_series": ("off", DetailLimit.OFF),
    "max_rule_series": ("unlimited", DetailLimit.UNLIMITED),
    "max_waiver_days": ("30", 30),
    "max_owner_series": ("unlimited", DetailLimit.UNLIMITED),
    "findings_database": ("off", False),
    "max_findings_rows": ("7", 7),
    "report_values": ("Off", False),
    "findings_access": ("open", "open"),
    "max_concurrency": ("2", 2),
    "calls_per_second": ("7.5", 7.5),
    "region_deadline": ("30", 30),
    "on_failure": ("keep_last", "keep_last"),
    "keep_last_for": ("60", 60),
    "max_accounts_per_run": ("5", 5),
    "silence_seconds": ("30", 30.0),
    "retain_history_days": ("30", 30),
    "retain_runs_days": ("2", 2),
    "minimum_compliance": ("80", 80.0),
    "minimum_account_compliance": ("70.5", 70.5),
    "largest_drop": ("10", 10.0),
    "check_severity": ("warn", "warn"),
    "failed_account_run": ("warn", "warn"),
    "exporter_url": ("http://here", "http://here"),
    "alert_hook": ("a.b:c", "a.b:c"),
}


@pytest.mark.parametrize("key", SCALAR_KEYS)
def test_a_variable_overrides_the_file(key: str, path: Path) -> None:
    text, value = _OVERRIDES[key]
    config = load_config(path, {f"TAG_COMPLIANCE_{key.upper()}": text}, PARTITIONS)
    assert getattr(config, key) == value
    assert getattr(load_config(path, {}, PARTITIONS), key) != value


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("off", DetailLimit.OFF),
        ("false", DetailLimit.OFF),
        ("unlimited", DetailLimit.UNLIMITED),
        ("1", 1),
    ],
)
def test_the_detail_limit_is_a_number_off_or_unlimited_in_file_and_variable(
    text: str, limit: int | DetailLimit, path: Path
) -> None:
    variable = {"TAG_COMPLIANCE_MAX_DETAIL_SERIES": text}
    assert load_config(path, variable, PARTITIONS).max_detail_series == limit
    path.write_text(f"{_MINIMAL}max_detail_series: {text}\n")
    assert load_config(path, {}, PARTITIONS).max_detail_series == limit


def test_empty_variables_variables_for_lists_and_foreign_variables_are_ignored(path: Path) -> None:
    environment = {f"TAG_COMPLIANCE_{key.upper()}": "" for key in SCALAR_KEYS} | {
        "TAG_COMPLIANCE_REQUIRED_TAGS": "x",
        "TAG_COMPLIANCE_CONFIG": "x",
        "STORAGE": "x",
    }
    assert load_config(path, environment, PARTITIONS) == load_config(path, {}, PARTITIONS)


@pytest.mark.parametrize(
    ("key", "text", "line"),
    [
        (
            "refresh_interval",
            "5 min",
            "'5 min': must be seconds, or a duration such as 5m or 2h",
        ),
        ("refresh_interval", "1.5", "1.5: must be a whole number"),
        ("calls_per_second", "nan", "nan: must be a finite number"),
        ("calls_per_second", "-inf", "-inf: must be a finite number"),
        ("silence_seconds", "abc", "'abc': must be seconds, or a duration such as 5m or 2h"),
        ("on_failure", "keep", "'keep': must be one of 'drop' or 'keep_last'"),
        ("storage", "gs://x", "'gs://x': must be a folder or s3://bucket/prefix"),
    ],
)
def test_a_message_about_an_invalid_variable_names_the_variable(
    key: str, text: str, line: str, path: Path
) -> None:
    variable = f"TAG_COMPLIANCE_{key.upper()}"
    assert _message(path, {variable: text}) == f"environment variable: {variable} = {line}"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("5m", 300), ("2h", 7200), ("1d", 86_400), ("2w", 1_209_600), ("1h30m", 5400)],
)
def test_every_key_in_seconds_accepts_a_duration(text: str, seconds: int, path: Path) -> None:
    keys = ["refresh_interval", "region_deadline", "keep_last_for", "silence_seconds"]
    path.write_text(_MINIMAL + "".join(f"{key}: {text}\n" for key in keys))
    config = load_config(path, {"TAG_COMPLIANCE_SESSION_DURATION": "15m"}, PARTITIONS)
    assert {getattr(config, key) for key in keys} == {seconds}
    assert config.session_duration == 900


def test_an_invalid_value_in_the_file_is_ignored_if_a_variable_overrides_it(path: Path) -> None:
    path.write_text(f"{_MINIMAL}refresh_interval: soon\n")
    environment = {"TAG_COMPLIANCE_REFRESH_INTERVAL": "60"}
    assert load_config(path, environment, PARTITIONS).refresh_interval == 60


@pytest.mark.parametrize(
    ("line", "storage"),
    [
        ("", "{folder}/state"),
        ("storage: data/tags", "{folder}/data/tags"),
        ("storage: /var/lib/tags", "/var/lib/tags"),
        ("storage: s3://bucket", "s3://bucket"),
        ("storage: file:///var/lib/tags", "/var/lib/tags"),
        ("storage: ./a:b", "{folder}/a:b"),
    ],
)
def test_a_relative_storage_path_starts_at_the_folder_of_the_file(
    line: str, storage: str, path: Path
) -> None:
    path.write_text(f"{_MINIMAL}{line}\n")
    expected = storage.format(folder=path.parent)
    assert load_config(path, {}, PARTITIONS).storage == expected
    assert storage_of(path, {}) == expected


def test_the_storage_is_read_from_a_file_with_other_faults_or_from_the_variable_alone(
    path: Path,
) -> None:
    path.write_text("storage: here\nREQUIRED_TAGS: 5\n")
    assert storage_of(path, {}) == f"{path.parent}/here"
    path.unlink()
    assert storage_of(path, {"TAG_COMPLIANCE_STORAGE": "s3://b/p"}) == "s3://b/p"


@pytest.mark.parametrize(
    ("text", "environment"),
    [
        *(
            (f"storage: {text}", {})
            for text in ("5", "gs://b", "''", "s3:/b", "S3://b", "s3://b?x")
        ),
        *(
            (f"storage: {text}", {})
            for text in ("s3:///x", "s3://b b", "file://relative", "file:x")
        ),
        *((f'storage: "{text}"', {}) for text in (r"a\0b", r"a\ud800", r"s3://b/\n")),
        *(("", {"TAG_COMPLIANCE_STORAGE": text}) for text in ("gs://b", "a\udcff")),
    ],
)
def test_an_invalid_storage_is_rejected_when_only_the_storage_is_read(
    text: str, environment: dict[str, str], path: Path
) -> None:
    path.write_text(f"{_MINIMAL}{text}\n")
    with pytest.raises(BadConfiguration, match="must be a folder or s3://bucket/prefix"):
        storage_of(path, environment)


_ACCESS, _STORAGE = "TAG_COMPLIANCE_FINDINGS_ACCESS", "TAG_COMPLIANCE_STORAGE"


@pytest.mark.parametrize(
    ("text", "environment", "access"),
    [
        ("REQUIRED_TAGS: 5", {}, "credentials"),
        ("findings_access: open", {}, "open"),
        ("findings_access: open", {_ACCESS: "credentials"}, "credentials"),
        ("findings_access: open", {_STORAGE: "s3://b"}, "credentials"),
        ("[", {_STORAGE: "s3://b", _ACCESS: "open"}, "open"),
    ],
)
def test_the_access_to_findings_is_read_from_the_variable_or_with_the_storage_from_the_file(
    text: str, environment: dict[str, str], access: str, path: Path
) -> None:
    path.write_text(text)
    assert findings_access_of(path, environment) == access


@pytest.mark.parametrize(("text", "environment"), [("x", {}), ("open", {_ACCESS: "everyone"})])
def test_a_wrong_access_to_findings_is_rejected_and_never_means_open(
    text: str, environment: dict[str, str], path: Path
) -> None:
    path.write_text(f"findings_access: {text}")
    source = f"environment variable: {_ACCESS}" if environment else f"{path}: findings_access"
    with pytest.raises(BadConfiguration) as caught:
        findings_access_of(path, environment)
    assert str(caught.value).startswith(source)
    assert str(caught.value).endswith("must be one of 'credentials' or 'open'")


def test_the_message_about_a_missing_file_says_how_to_name_one(tmp_path: Path) -> None:
    rule = "no such file; set --config or TAG_COMPLIANCE_CONFIG"
    assert _message(tmp_path / "none") == f"{tmp_path / 'none'}: {rule}"


def test_a_folder_and_a_binary_file_are_rejected_with_the_cause(path: Path) -> None:
    assert "cannot be read: [Errno 21] Is a directory" in _message(path.parent)
    path.write_bytes(b"\xff\xfe\x00")
    assert "cannot be read: byte 0 is not UTF-8" in _message(path)
    path.write_bytes(b"a: \x00")
    assert "is not valid YAML" in _message(path)


def test_a_byte_order_mark_is_ignored(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + _MINIMAL.encode())
    assert load_config(path, {}, PARTITIONS).required_tags == ("Owner",)


def test_a_configuration_is_immutable(path: Path) -> None:
    config: Config = load_config(path, {}, PARTITIONS)
    with pytest.raises(ValueError, match="frozen"):
        config.storage = "x"  # type: ignore[misc]
