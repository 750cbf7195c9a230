"""A misspelled variable is a warning; what Kubernetes sets for a Service is not."""

from __future__ import annotations

import re

import pytest

from tag_compliance_tests.support.program import Program

_LISTS = "lists and maps are set in the configuration file only"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("TAG_COMPLIANCE_REFRSH_INTERVAL", "did you mean TAG_COMPLIANCE_REFRESH_INTERVAL?"),
        ("TAG_COMPLIANCE_LOGLEVEL", "did you mean TAG_COMPLIANCE_LOG_LEVEL?"),
        ("TAG_COMPLIANCE_REQUIRED_TAGS", _LISTS),
        ("TAG_COMPLIANCE_REGIONS", _LISTS),
        ("TAG_COMPLIANCE_ZZZZ", "no option or key has this name"),
    ],
)
def test_an_unknown_variable_is_one_warning_with_a_hint(
    name: str, hint: str, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "a secret")
    ended = program.run("check-config")
    assert ended.code == 0
    [line] = ended.err.splitlines()
    assert f"warning unknown environment variable, ignored variable={name}" in line
    assert hint in line
    assert "secret" not in line


def test_variables_of_options_keys_and_services_are_no_warnings(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = {
        f"TAG_COMPLIANCE_{name}": value
        for service in ("", "UI_", "PUSH_GATEWAY_")
        for name, value in {
            f"{service}PORT": "tcp://10.0.0.7:8080",
            f"{service}SERVICE_HOST": "10.0.0.7",
            f"{service}SERVICE_PORT": "8080",
            f"{service}SERVICE_PORT_HTTP": "8080",
            f"{service}PORT_8080_TCP": "tcp://10.0.0.7:8080",
            f"{service}PORT_8080_TCP_PROTO": "tcp",
            f"{service}PORT_8080_TCP_PORT": "8080",
            f"{service}PORT_8080_TCP_ADDR": "10.0.0.7",
        }.items()
    }
    own = {"TAG_COMPLIANCE_UP": "1", "TAG_COMPLIANCE_PUSH": "x", "TAG_COMPLIANCE_STORAGE": "there"}
    for name, value in (services | own).items():
        monkeypatch.setenv(name, value)
    ended = program.run("check-config")
    assert (ended.code, ended.err) == (0, "")


def test_a_warning_is_json_if_the_log_is(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAG_COMPLIANCE_ZZZZ", "1")
    ended = program.run("check-config", "--log-format", "json")
    assert re.search(r'"variable": ?"TAG_COMPLIANCE_ZZZZ"', ended.err)
