"""Shell completion, requested as the shells do: by an environment variable."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tag_compliance_tests.support.process import Place
from tag_compliance_tests.support.program import Program

SHELLS = ["bash", "zsh", "fish"]
ACCOUNTS = ["100000000000", "100000000001", "100000000002"]


def complete(program: Program, shell: str, line: str) -> list[str]:
    """The completions of the last word of the line."""
    *before, word = line.split(" ")
    os.environ["_TAG_COMPLIANCE_COMPLETE"] = f"{shell}_complete"
    os.environ["COMP_WORDS"] = line
    os.environ["COMP_CWORD"] = word if shell == "fish" else str(len(before))
    ended = program.run()
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    if shell == "zsh":  # three lines each: type, value, help
        return lines[1::3]
    return [re.split(r"[,\t]", line)[1] for line in lines if line]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_completion_script_of_a_shell_is_printed(program: Program, shell: str) -> None:
    os.environ["_TAG_COMPLIANCE_COMPLETE"] = f"{shell}_source"
    ended = program.run()
    assert (ended.code, ended.err) == (0, "")
    assert f"_TAG_COMPLIANCE_COMPLETE={shell}_complete" in ended.out


@pytest.mark.parametrize("shell", SHELLS)
def test_commands_flags_choices_and_account_ids_are_completed(program: Program, shell: str) -> None:
    expected = {
        "s": ["scan", "serve"],
        "serve --bearer": ["--bearer-token-file"],
        "scan --log-format ": ["text", "json"],
        "scan --account ": ACCOUNTS,
        "policy ": ["check", "export", "import", "preview", "schema"],
        "policy import --account 100000000001": ACCOUNTS[1:2],
        "policy preview --format ": ["text", "json"],
        "explain --account ": ACCOUNTS,
        "scan --account 1000000000001": [],
        "scan --account 100000000001": ACCOUNTS[1:2],
    }
    for line, completed in expected.items():
        assert complete(program, shell, f"tag-compliance {line}") == completed


def test_account_ids_come_from_the_configuration_that_the_line_names(program: Program) -> None:
    (program.place.folder / "config.yaml").rename(program.place.folder / "other.yaml")
    line = "tag-compliance iam-policy --config other.yaml --account "
    assert complete(program, "bash", line) == ACCOUNTS


@pytest.mark.parametrize("content", [None, "{", "aws_account_matrix: 1", "- 1"])
def test_an_unreadable_configuration_completes_no_account_and_prints_no_error(
    program: Program, content: str | None
) -> None:
    config = program.place.folder / "config.yaml"
    config.unlink() if content is None else config.write_text(content)
    assert complete(program, "bash", "tag-compliance scan --account ") == []


def test_bash_completes_after_evaluating_the_script(place: Place) -> None:
    bin_folder = Path(sys.executable).parent
    script = """
        eval "$(_TAG_COMPLIANCE_COMPLETE=bash_source tag-compliance)"
        complete -p tag-compliance
        COMP_WORDS=(tag-compliance scan --account "")
        COMP_CWORD=3
        _tag_compliance_completion tag-compliance
        echo "${COMPREPLY[@]}"
    """
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=place.folder,
        env={**place.environment, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    registered, completed = done.stdout.splitlines()
    assert "_tag_compliance_completion" in registered
    assert completed.split() == ACCOUNTS
    assert done.stderr == ""
