"""The program prints the recorded expositions, byte for byte except times and durations.

`TAG_COMPLIANCE_TESTS_RECORD=1` writes the expositions instead of comparing them; review the
difference like any other change of the contract.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from tag_compliance.cli.main import main
from tag_compliance_tests.recorded.case import Step, case_names, without_times
from tag_compliance_tests.support.aws import enter
from tag_compliance_tests.support.environment import become, isolated

_RECORD = os.environ.get("TAG_COMPLIANCE_TESTS_RECORD") == "1"


@pytest.mark.parametrize("case", case_names())
def test_each_scan_prints_the_recorded_exposition(
    case: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    become(isolated(os.environ, tmp_path))
    config = tmp_path / "config.yaml"
    for step in Step.read(case):
        config.write_text(yaml.safe_dump(step.settings), encoding="utf-8")
        with step.create_aws() as fake:
            enter(fake)
            capfdbinary.readouterr()
            code = main(["scan", "--config", str(config), *step.flags])
        printed = without_times(capfdbinary.readouterr().out.decode())

        assert code == step.exit_code
        if _RECORD:
            step.expected.write_text(printed, encoding="utf-8", newline="\n")
        assert printed == step.expected.read_bytes().decode()
