"""What holds for every command: help, streams, logs, flags and their variables."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tag_compliance import __version__
from tag_compliance.cli.main import build_parser
from tag_compliance_tests.cli.conftest import Program
from tag_compliance_tests.cli.running import Place, told

COMMANDS = ["scan", "serve", "up", "check-config", "doctor", "demo"]

_MODULES_AFTER = """
import json, sys
from tag_compliance.cli.main import main
try:
    main(json.loads(sys.argv[1]))
finally:
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def commands() -> dict[str, argparse.ArgumentParser]:
    (choice,) = (
        action
        for action in build_parser({})._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return dict(choice.choices)


def modules_after(*arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", _MODULES_AFTER, json.dumps(arguments)],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_imports_nothing_that_takes_long(arguments: list[str]) -> None:
    slow = {"dagster", "pandas", "numpy", "pyarrow", "boto3", "botocore", "fastapi", "pydantic"}
    slow |= {"structlog"}
    assert not slow & modules_after(*arguments)


def test_the_commands_of_the_contract_are_there() -> None:
    assert set(COMMANDS) <= set(commands())


def test_the_module_is_the_same_program(place: Place) -> None:
    by_module = place.run("--version")
    script = Path(sys.executable).with_name("tag-compliance")
    by_script = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert by_module.stdout == by_script.stdout == f"tag-compliance {__version__}\n"


def test_every_flag_has_a_variable_of_its_name_and_says_so() -> None:
    for parser in commands().values():
        for action in parser._actions:
            (flag,) = [option for option in action.option_strings if option.startswith("--")]
            if flag != "--help":
                variable = f"TAG_COMPLIANCE_{flag[2:].upper().replace('-', '_')}"
                assert variable in (action.help or ""), (parser.prog, flag)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_flag_wins_over_its_variable_and_the_variable_over_the_default(command: str) -> None:
    values = {"port": "1234", "ui_port": "1234", "log_level": "error", "log_format": "json"}
    others = {"port": "4321", "ui_port": "4321", "log_level": "debug", "log_format": "text"}
    for action in commands()[command]._actions:
        name = action.dest
        if name in {"help", "up"}:
            continue
        value, other = values.get(name, "one"), others.get(name, "two")
        environment = {f"TAG_COMPLIANCE_{name.upper()}": value}
        parser = build_parser(environment)
        by_variable = getattr(parser.parse_args([command]), name)
        flag = f"--{name.replace('_', '-')}"
        by_flag = getattr(parser.parse_args([command, flag, other]), name)
        by_default = getattr(build_parser({}).parse_args([command]), name)
        assert str(by_variable) == value
        assert str(by_flag) == other
        assert by_default != by_variable


def test_a_switch_is_on_by_its_flag_or_its_variable() -> None:
    def is_up(arguments: list[str], **environment: str) -> bool:
        return bool(build_parser(environment).parse_args(["demo", *arguments]).up)

    assert not is_up([])
    assert is_up(["--up"])
    assert is_up([], TAG_COMPLIANCE_UP="true")
    assert not is_up([], TAG_COMPLIANCE_UP="0")


@pytest.mark.parametrize(
    ("arguments", "environment", "text"),
    [
        ([], {}, "required: COMMAND"),
        (["scan", "--nonsense"], {}, "unrecognized arguments: --nonsense"),
        (["serve", "--port", "70000"], {}, "--port: 70000 is no port: it must be 0 to 65535"),
        (
            ["serve"],
            {"TAG_COMPLIANCE_PORT": "http"},
            "http is no port: it must be 0 to 65535 (from TAG_COMPLIANCE_PORT)",
        ),
        (
            ["scan"],
            {"TAG_COMPLIANCE_LOG_LEVEL": "loud"},
            "loud is none of debug, info, warning, error (from TAG_COMPLIANCE_LOG_LEVEL)",
        ),
        (["scan"], {"TAG_COMPLIANCE_LOG_FORMAT": "xml"}, "xml is none of text, json (from"),
    ],
)
def test_wrong_usage_is_told_with_exit_code_2_and_nothing_on_stdout(
    program: Program, arguments: list[str], environment: dict[str, str], text: str
) -> None:
    os.environ.update(environment)
    ended = program.run(*arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert text in ended.err


def test_all_faults_of_a_configuration_are_told_at_once_with_exit_code_2(
    program: Program,
) -> None:
    config = program.place.folder / "config.yaml"
    config.write_text(f"{config.read_text()}refresh_interval: soon\nnonsense: 1\n")
    for command in ("scan", "check-config", "doctor", "up"):
        ended = program.run(command)
        assert ended.code == 2
        assert ended.out == ""
        assert len(told(ended.err)) == 2
        assert all("config.yaml: " in line for line in told(ended.err))


def test_the_configuration_is_the_flags_or_the_variables_or_that_of_the_working_folder(
    program: Program,
) -> None:
    text = (program.place.folder / "config.yaml").read_text()
    for number, name in enumerate(["config.yaml", "by_variable.yaml", "by_flag.yaml"]):
        path = program.place.folder / name
        path.write_text(text + f"refresh_interval: {100 + number}\n")

    assert "every 100 s" in program.run("check-config").out
    os.environ["TAG_COMPLIANCE_CONFIG"] = "by_variable.yaml"
    assert "every 101 s" in program.run("check-config").out
    assert "every 102 s" in program.run("check-config", "--config", "by_flag.yaml").out
    os.environ["TAG_COMPLIANCE_REFRESH_INTERVAL"] = "99"
    assert "every 99 s" in program.run("check-config").out, "a variable wins over the file"


@pytest.mark.parametrize("command", ["scan", "check-config", "doctor"])
def test_a_reader_of_stdout_that_goes_away_is_no_reason_for_a_traceback(
    place: Place, command: str
) -> None:
    with place.start(command, "--log-level", "error") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
    assert process.returncode == 1
    assert "Traceback" not in err
    assert "BrokenPipe" not in err


def test_a_stdout_that_cannot_be_written_is_told_in_one_line(place: Place) -> None:
    with Path("/dev/full").open("w") as full:
        process = place.start("scan", "--log-level", "error", stdout=full)
    _, err = process.communicate()
    assert process.returncode == 1
    (line,) = told(err)
    assert line.startswith("tag-compliance: cannot write stdout: No space left on device; ")
    assert "Traceback" not in err
