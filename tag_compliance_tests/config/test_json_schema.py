"""The JSON Schema describes what the loader accepts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from jsonschema.exceptions import ValidationError  # type: ignore[import-untyped]
from jsonschema.validators import extend  # type: ignore[import-untyped]

import tag_compliance
from tag_compliance.cli.main import main
from tag_compliance.config import load_config
from tag_compliance.config.descriptions import DESCRIPTIONS
from tag_compliance.config.json_schema import json_schema
from tag_compliance.config.model import KEYS, Account, AccountOverride
from tag_compliance.errors import BadConfiguration, Fault
from tag_compliance_tests.support.config import PARTITIONS

_ROOT = Path(tag_compliance.__file__).parent.parent
_FIXTURES = Path(__file__).parent / "fixtures"

_OUTSIDE_THE_SCHEMA = re.compile(
    "no such AWS region|duplicate account|repeated key|poor must not be higher|"
    "this account is not in|must be a role (of|in)|must be (regions of one|in the) partition|"
    "must be a finite number"
)
"""Rules about several keys, about AWS, or about values that JSON does not have."""

_LIMIT = re.compile("must be (at least|at most|greater than)")


def _pattern(
    _validator: object, pattern: str, instance: object, _schema: object
) -> Iterator[ValidationError]:
    """As in ECMAScript, `$` does not match before a line break at the end."""
    if isinstance(instance, str) and not re.search(pattern.replace("$", r"\Z"), instance):
        yield ValidationError(f"{instance!r} does not match {pattern}")


def _is_integer(_checker: object, instance: object) -> bool:
    """For YAML, 1.0 is not a whole number."""
    return isinstance(instance, int) and not isinstance(instance, bool)


_SCHEMA = json_schema()
_checks = Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer)
_validator = extend(Draft202012Validator, {"pattern": _pattern}, type_checker=_checks)(_SCHEMA)


def test_every_key_has_one_description_which_editors_show() -> None:
    definitions = _SCHEMA["$defs"]
    override = definitions["AccountOverride"]["anyOf"][0]
    parts = [_SCHEMA, override, *(p for p in definitions.values() if "properties" in p)]
    keys = [(key, value) for part in parts for key, value in part["properties"].items()]
    assert all(value.get("description") for _, value in keys)
    assert len(keys) == len(DESCRIPTIONS), "a description without a key"


def _at(document: Any, key: str) -> Any:
    """The value at `a.b[0].c`; None if a short form has no such key."""
    for part in re.findall(r"[^.\[\]]+", key):
        if isinstance(document, list):
            document = document[int(part)]
        else:
            document = document.get(part) if isinstance(document, dict) else None
    return document


def _agrees(path: Path) -> bool:
    """Whether schema and loader agree about a file, apart from the rules outside the schema."""
    document = yaml.safe_load(path.read_text())
    faults: tuple[Fault, ...] = ()
    try:
        load_config(path, {}, PARTITIONS)
    except BadConfiguration as error:
        faults = error.faults
    inside = [
        fault
        for fault in faults
        if not _OUTSIDE_THE_SCHEMA.match(fault.rule)
        # The schema has no limits of durations such as `5m`.
        and not (_LIMIT.match(fault.rule) and isinstance(_at(document, fault.key), str))
    ]
    valid: bool = _validator.is_valid(document)
    return valid == (not inside)


def test_the_shipped_schema_is_the_one_of_the_program_and_valid() -> None:
    Draft202012Validator.check_schema(_SCHEMA)
    shipped = (_ROOT / "config.schema.json").read_text()
    command = "tag-compliance check-config --schema > config.schema.json"
    assert shipped == json.dumps(_SCHEMA, indent=2) + "\n", command


def test_check_config_prints_the_schema_and_reads_no_file(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert main(["check-config", "--schema", "--config", "no-such-file"]) == 0
    assert json.loads(capfd.readouterr().out) == _SCHEMA


def test_the_example_names_the_schema_for_editors_and_fits_it() -> None:
    text = (_ROOT / "config.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=config.schema.json\n")
    assert list(_validator.iter_errors(yaml.safe_load(text))) == []


def test_the_schema_has_exactly_the_keys_of_the_configuration() -> None:
    assert list(_SCHEMA["properties"]) == list(KEYS)


_NO_JSON = {
    *("invalid_yaml.bad.yaml", "storage_surrogate.bad.yaml"),
    *("override.bad.yaml", "unknown_key.bad.yaml"),  # with numbers as keys
}


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(_FIXTURES.glob("*.yaml")) if path.name not in _NO_JSON],
    ids=lambda path: path.name,
)
def test_schema_and_loader_agree_about_each_fixture(path: Path) -> None:
    assert _agrees(path)


_ROLE = "arn:aws:iam::111122223333:role/reader"
_texts = st.sampled_from(
    [
        *(
            "",
            "0s",
            "10s",
            "5m",
            "1h30m",
            "99999w",
            "1m1h",
            "m",
            "5 m",
            "300",
            "\n",
            "a\nb",
            "a\x00",
        ),
        *("drop", "keep_last", "warn", "us-east-1", "Owner", "é", "x" * 129, "reader"),
        *("s3://bucket/p", "s3:/b", "file:///x", "./a:b", "http://x", "http://", "http://a b"),
        *(_ROLE, f"{_ROLE}\n", "arn:aws:iam::1:role/x", "111122223333", "111122223333\n"),
        *("{account_id}", "a.b:c", "a:b:c", "team:a", "a@b"),
    ]
)
_numbers = st.sampled_from([0, 1, 9, 10, 100, 101, 900, 3600, 86_400, -1, 0.5, 1.0, 10**10, 1e300])
_scalars = st.one_of(st.none(), st.booleans(), _texts, _numbers)
_overrides = st.one_of(
    _scalars, st.dictionaries(st.sampled_from([*AccountOverride.model_fields, "x"]), _scalars)
)
_values = st.one_of(
    _scalars,
    st.lists(_scalars, max_size=3),
    st.dictionaries(st.sampled_from(["good", "poor", "fair"]), _scalars, max_size=2),
    st.dictionaries(st.sampled_from(["111122223333", "1", "x"]), _overrides, max_size=2),
    st.lists(
        st.dictionaries(
            st.sampled_from([*Account.model_fields, "x"]),
            st.one_of(_scalars, st.lists(_scalars, max_size=2)),
            max_size=3,
        ),
        max_size=2,
    ),
)


@settings(
    deadline=None,
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.dictionaries(st.sampled_from([*KEYS, "unknown"]), _values, max_size=2))
def test_schema_and_loader_agree_about_random_documents(
    tmp_path: Path, changed: dict[str, Any]
) -> None:
    good = {"aws_account_matrix": [{"account_id": "111122223333"}], "REQUIRED_TAGS": ["Owner"]}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({**good, **changed}, allow_unicode=True))
    assert _agrees(path)
