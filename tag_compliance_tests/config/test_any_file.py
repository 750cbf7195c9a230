"""Every file is accepted, or rejected with one line per fault; no other error is raised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tag_compliance.config import load_config
from tag_compliance.config.model import KEYS, Account, AccountOverride
from tag_compliance.errors import BadConfiguration
from tag_compliance_tests.support.config import PARTITIONS

_fuzzed = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def _load(path: Path, data: bytes) -> str:
    """The message with which the file is rejected; empty if it is accepted."""
    path.write_bytes(data)
    message, faults = "", 0
    try:
        load_config(path, {}, PARTITIONS)
    except BadConfiguration as error:
        message, faults = str(error), len(error.faults)
    assert len(message.split("\n") if message else []) == faults
    return message


@_fuzzed
@given(st.one_of(st.binary(max_size=50), st.text(max_size=50).map(lambda t: t.encode("utf-8"))))
def test_a_file_of_random_bytes_is_rejected(tmp_path: Path, data: bytes) -> None:
    assert _load(tmp_path / "config.yaml", data)


_keys = st.sampled_from([*KEYS, *Account.model_fields, *AccountOverride.model_fields])
_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.dates()
    | st.binary(max_size=4)
    | st.text(max_size=5)
    | st.sampled_from(["111122223333", "us-east-1", "Owner", "arn:aws:iam::111122223333:role/r"])
)
_values: st.SearchStrategy[Any] = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.one_of(_keys, _scalars), inner, max_size=4)
    ),
    max_leaves=12,
)
_documents = st.dictionaries(st.one_of(_keys, _scalars), _values, max_size=6)


@_fuzzed
@given(_documents)
def test_a_random_document_is_accepted_or_rejected(
    tmp_path: Path, document: dict[object, Any]
) -> None:
    good: dict[object, Any] = {
        "aws_account_matrix": [{"account_id": "111122223333"}],
        "REQUIRED_TAGS": ["Owner"],
    }
    text = yaml.safe_dump({**good, **document}, allow_unicode=True)
    _load(tmp_path / "config.yaml", text.encode("utf-8", "surrogatepass"))


_tokens = st.lists(
    st.one_of(
        _keys.map(lambda key: f"{key}: "),
        st.sampled_from(
            ["\n", "  ", "- ", "{", "}", "[", "]", ",", "&a ", "*a ", "<<: ", "? ", "|", "'", '"']
        ),
        st.sampled_from(
            ["!!int ", "!!float ", "!!bool ", "!!timestamp ", "!!set ", "!!omap ", "!!python/x "]
        ),
        st.sampled_from(["0x" + "f" * 5000, "9" * 5000, "2001-99-99", "1:99", ".nan", "~", "\t"]),
    ),
    max_size=15,
).map("".join)


@_fuzzed
@given(_tokens)
def test_a_random_sequence_of_yaml_tokens_is_rejected(tmp_path: Path, text: str) -> None:
    for data in (text, f"REQUIRED_TAGS: {text}", f"refresh_interval: {text}"):
        assert _load(tmp_path / "config.yaml", data.encode())


@pytest.mark.parametrize("depth", [50, 400, 40_000])
@pytest.mark.parametrize("pair", [("[", "]"), ("{a: ", "}")])
def test_a_deeply_nested_file_is_rejected(
    depth: int, pair: tuple[str, str], tmp_path: Path
) -> None:
    text = f"REQUIRED_TAGS: {pair[0] * depth}{pair[1] * depth}"
    message = _load(tmp_path / "config.yaml", text.encode())
    assert message.endswith("cannot be read: it is nested more than 40 levels deep")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("level", ["[{}]", "{{<<: [{}]}}"], ids=["lists", "merged maps"])
def test_aliases_that_describe_a_huge_value_are_rejected_in_time(
    level: str, tmp_path: Path
) -> None:
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} {level.format(', '.join([f'*a{n - 1}'] * 9))}" for n in range(1, 30)]
    message = _load(tmp_path / "config.yaml", "\n".join(lines).encode())
    assert message.endswith("it has more than 500,000 values; an alias counts in full")


@pytest.mark.parametrize("value", ["&a [*a]", "&a {<<: *a}", "&a {b: [*a]}"])
def test_a_value_that_contains_itself_is_rejected(value: str, tmp_path: Path) -> None:
    message = _load(tmp_path / "config.yaml", f"REQUIRED_TAGS: {value}\n".encode())
    assert message.endswith("cannot be read: the value &a contains itself")


def test_ten_thousand_accounts_are_not_too_large(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    rows = [f"- {{account_id: '{n:012}', regions: [us-east-1]}}" for n in range(10_000)]
    path.write_text("\n".join(["REQUIRED_TAGS: [Owner]", "aws_account_matrix:", *rows]))
    assert len(load_config(path, {}, PARTITIONS).aws_account_matrix) == 10_000


@pytest.mark.timeout(20)
def test_a_device_without_an_end_is_rejected() -> None:
    with pytest.raises(BadConfiguration, match="cannot be read: it is larger than 4 MiB"):
        load_config(Path("/dev/zero"), {}, PARTITIONS)


@pytest.mark.parametrize(
    "text",
    [
        "users: [{name: admin, token: s3cret}]",
        "REQUIRED_TAGS: [s3cret",
        "a: !!int s3cret",
        "aws_account_matrix: [{account_id: '111122223333', password: s3cret}]",
        "- s3cret",
        "s3cret",
    ],
)
def test_no_message_quotes_the_values_of_a_file_that_is_not_a_configuration(
    text: str, tmp_path: Path
) -> None:
    message = _load(tmp_path / "config.yaml", text.encode())
    assert message
    assert "s3cret" not in message
