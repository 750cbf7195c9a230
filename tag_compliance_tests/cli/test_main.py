"""The promises of every command: help, streams, options and their environment variables."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tag_compliance import __version__
from tag_compliance_tests.cli.commands import COMMANDS, SINGLE_COMMANDS, options, parsed
from tag_compliance_tests.support.process import PROGRAM, Place
from tag_compliance_tests.support.program import Program, error_lines

SLOW = {
    *("asyncio", "boto3", "botocore", "dagster", "fastapi", "numpy", "pandas", "pyarrow"),
    *("pydantic", "structlog", "tqdm", "urllib3", "yaml"),
}

NEW_COMMANDS = {"report", "explain"}
"""Their variables begin with the name of the command, so that they have one meaning each."""

_MODULES_AFTER = """
import json, sys
from tag_compliance.cli.main import main
try:
    main(json.loads(sys.argv[1]))
finally:
    print(json.dumps(list(sys.modules)))
"""


def modules_after(*arguments: str, depth: int = 1) -> set[str]:
    """The imported modules, each name cut to the given number of parts."""
    done = subprocess.run(
        [sys.executable, "-c", _MODULES_AFTER, json.dumps(arguments)],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    names = json.loads(done.stdout.splitlines()[-1])
    return {".".join(name.split(".")[:depth]) for name in names}


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_imports_no_slow_library(arguments: list[str]) -> None:
    assert not SLOW & modules_after(*arguments)


def test_the_help_shows_the_specified_commands_with_their_first_sentences(program: Program) -> None:
    assert list(COMMANDS) == [
        *("scan", "report", "explain", "serve", "up"),
        *("check-config", "doctor", "iam-policy", "policy", "demo"),
    ]
    shown = " ".join(program.run("--help").out.split())
    for name, command in COMMANDS.items():
        assert command.help
        sentence = command.help.partition("\n\n")[0].removesuffix(".")
        assert f"{name} {sentence}" in shown


@pytest.mark.parametrize("command", [*SINGLE_COMMANDS, "policy check"])
def test_the_help_of_a_command_shows_variables_defaults_an_example_and_exit_codes(
    program: Program, command: str
) -> None:
    ended = program.run(*command.split(), "--help")
    assert ended.code == 0
    assert ended.err == ""
    shown = " ".join(ended.out.split())
    for option in options(command):
        default = f"; default: {option.default}" if isinstance(option.default, str) else ""
        assert f"[env var: {option.envvar}{default}]" in shown
    assert f"Example: tag-compliance {command}" in shown
    assert "2 wrong usage, or an invalid configuration" in shown


def test_the_module_is_the_same_program_as_the_script() -> None:
    script = str(Path(sys.executable).with_name("tag-compliance"))
    for arguments in (["--version"], ["scan", "--help"], ["scan", "--nonsense"]):
        by_module, by_script = (
            subprocess.run([*command, *arguments], check=False, capture_output=True, text=True)
            for command in (PROGRAM, [script])
        )
        assert by_module.stdout == by_script.stdout
        assert by_module.stderr == by_script.stderr
        assert by_module.returncode == by_script.returncode


def test_the_version_is_printed(program: Program) -> None:
    assert program.run("--version").out == f"tag-compliance {__version__}\n"


def test_every_option_has_the_environment_variable_of_its_name() -> None:
    shared = {"--config", "--log-level", "--log-format"}
    for command in [*SINGLE_COMMANDS, "policy check"]:
        for option in options(command):
            [flag] = option.opts
            words = [flag] if flag in shared or command not in NEW_COMMANDS else [command, flag]
            words = ["scan", flag] if words == ["--format"] else words
            words = ["policy", flag] if command == "policy check" and flag not in shared else words
            name = "_".join(word.removeprefix("--") for word in words).replace("-", "_").upper()
            assert option.envvar == f"TAG_COMPLIANCE_{name}"


def two_values(option: click.Option) -> tuple[str, str]:
    """Two values that differ from each other and from the default."""
    choices = [c for c in getattr(option.type, "choices", ()) if c != option.default]
    if choices:
        return str(choices[0]), str(choices[-1])
    numbers = {"port": ("1234", "4321"), "ui_port": ("1234", "4321")}
    return {**numbers, "refresh_interval": ("300", "60")}.get(str(option.name), ("one", "two"))


def as_text(value: object) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)


@pytest.mark.parametrize("command", [*SINGLE_COMMANDS, "policy check"])
def test_a_flag_overrides_its_variable_and_the_variable_overrides_the_default(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["arn:aws:s3:::one"] if command == "explain" else []
    for option in options(command):
        if option.is_flag:
            continue
        name, variable = str(option.name), str(option.envvar)
        value, other = two_values(option)
        by_default = parsed(command, *arguments).params[name]
        monkeypatch.setenv(variable, value)
        by_variable = parsed(command, *arguments).params[name]
        by_flag = parsed(command, *arguments, option.opts[0], other).params[name]
        monkeypatch.setenv(variable, "")
        by_empty_variable = parsed(command, *arguments).params[name]
        monkeypatch.delenv(variable)
        assert as_text(by_variable) == value
        assert as_text(by_flag) == other
        assert by_empty_variable == by_default != by_variable


def test_a_variable_that_kubernetes_sets_for_a_service_is_ignored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TAG_COMPLIANCE_PORT", "tcp://10.0.0.7:8080")
    assert parsed("serve").params["port"] == 8080


@pytest.mark.parametrize(
    ("value", "on"),
    [("1", True), ("true", True), ("YES", True), ("on", True), ("0", False), ("", False)],
)
def test_a_flag_or_a_variable_turns_a_switch_on(
    monkeypatch: pytest.MonkeyPatch, value: str, on: bool
) -> None:
    assert [parsed("demo", *flags).params["up"] for flags in ((), ("--up",))] == [False, True]
    monkeypatch.setenv("TAG_COMPLIANCE_UP", value)
    assert parsed("demo").params["up"] is on


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("", "Usage: tag-compliance [OPTIONS] COMMAND"),
        ("nonsense", "No such command 'nonsense'"),
        ("scan --nonsense", "No such option '--nonsense'"),
        ("scan --conf config.yaml", "No such option '--conf'"),
        ("scan nonsense", "unexpected extra argument (nonsense)"),
        ("scan --output", "Option '--output' requires an argument"),
        ("scan --output --push url", "Option '--output' requires an argument, not '--push'"),
        ("serve --port 70000", "for '--port': '70000' is not a port: it must be 0 to 65535"),
        ("serve --port -1", "for '--port': '-1' is not a port: it must be 0 to 65535"),
        ("TAG_COMPLIANCE_PORT=http serve", "environment variable TAG_COMPLIANCE_PORT: 'http' is"),
        (
            "TAG_COMPLIANCE_LOG_LEVEL=loud scan",
            "variable TAG_COMPLIANCE_LOG_LEVEL: 'loud' is not one of 'debug', 'info', 'warning'",
        ),
        (
            "TAG_COMPLIANCE_UP=maybe demo",
            "environment variable TAG_COMPLIANCE_UP: 'maybe' is not a valid boolean",
        ),
    ],
)
def test_wrong_usage_is_explained_on_stderr_with_exit_code_2(
    program: Program, line: str, text: str
) -> None:
    words = line.split()
    variables = [word for word in words if "=" in word]
    os.environ.update(variable.partition("=")[::2] for variable in variables)
    ended = program.run(*words[len(variables) :])
    assert ended.code == 2
    assert ended.out == ""
    assert text in ended.err


def test_a_value_may_begin_with_a_dash(program: Program, place: Place) -> None:
    assert program.run("scan", "--output=-metrics.prom").code == 0
    assert (place.folder / "-metrics.prom").exists()


def test_all_faults_of_a_configuration_are_reported_together_with_exit_code_2(
    program: Program,
) -> None:
    config = program.place.folder / "config.yaml"
    config.write_text(f"{config.read_text()}refresh_interval: soon\nnonsense: 1\n")
    for command in ("scan", "check-config", "doctor", "up"):
        ended = program.run(command)
        assert ended.code == 2
        assert ended.out == ""
        assert len(error_lines(ended.err)) == 2
        assert all("config.yaml: " in line for line in error_lines(ended.err))


def test_the_configuration_file_is_named_by_the_flag_the_variable_or_the_default(
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
    assert "every 99 s" in program.run("check-config").out, "a variable overrides the file"


@pytest.mark.parametrize("command", ["scan", "check-config", "doctor"])
def test_a_closed_stdout_pipe_ends_a_command_with_exit_code_1_without_traceback(
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


@pytest.mark.parametrize(
    ("command", "code", "err"),
    [
        ("check-config >&-", 1, "tag-compliance: cannot write stdout: Bad file descriptor\n"),
        ("scan --log-level error --output m.prom >&-", 0, "complete: "),
        ("scan --log-level error >&-", 1, "tag-compliance: cannot write stdout: Bad file desc"),
        ("scan 2>&-", 0, ""),
        ("check-config --config absent 2>&-", 2, ""),
        ("check-config <&- >&- 2>&-", 1, ""),
    ],
)
def test_a_closed_stream_causes_no_traceback_and_no_message_on_another_stream(
    place: Place, command: str, code: int, err: str
) -> None:
    ended = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m tag_compliance {command}"],
        cwd=place.folder,
        env=place.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == code
    assert ended.stderr.startswith(err)
    assert bool(ended.stderr) == bool(err)
    assert "Traceback" not in ended.stderr
    assert not ended.stdout or ended.stdout.startswith("# HELP")


@pytest.mark.parametrize("arguments", [["scan", "--log-level", "error"], ["check-config"], ["-h"]])
def test_a_full_stdout_device_is_reported_in_one_line(place: Place, arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        process = place.start(*arguments, stdout=full)
    _, err = process.communicate()
    assert process.returncode == 1
    (line,) = error_lines(err)
    assert line.startswith("tag-compliance: cannot write stdout: No space left on device")
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("command", "other"),
    [("serve --port", ""), ("up --port", "--ui-port"), ("up --ui-port", "--port")],
)
def test_a_port_in_use_is_reported_in_one_line_before_anything_is_stored(
    program: Program, command: str, other: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        free = [other, "0"] if other else []
        line = program.fails(1, *command.split(), str(port), *free, "--host", "127.0.0.1")
    cause = "Address already in use"
    flag = command.split()[1]
    assert line.startswith(f"tag-compliance: cannot listen on 127.0.0.1 port {port}: {cause}")
    assert line.endswith(f"; set {flag.replace('port', 'host')} or {flag}")
    assert not program.place.state.exists()
