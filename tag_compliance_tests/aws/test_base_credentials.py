"""The base credentials are found in limited time, and failures name what is wrong."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.exceptions import CredentialRetrievalError

from tag_compliance.aws.base_credentials import BaseCredentials
from tag_compliance_tests.support.waiting import DEADLINE_SECONDS, eventually

UseProcess = Callable[[str], None]


@pytest.fixture
def use_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> UseProcess:
    """Configures a shell script as credential_process."""

    def use(script: str) -> None:
        (tmp_path / "login.sh").write_text(script)
        config = tmp_path / "aws-config"
        config.write_text(f"[default]\ncredential_process = sh {tmp_path / 'login.sh'}\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(config))

    return use


def _has_ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # A process that has ended stays until its parent, which may be another one, collects it.
    return "Z" in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]


def test_a_credential_process_that_hangs_is_killed_and_not_started_for_each_account(
    use_process: UseProcess, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    use_process(f"sleep 1000 & echo $$ $! >> {pids}; wait")
    credentials = BaseCredentials(seconds=1)

    for _ in range(3):
        with pytest.raises(
            CredentialRetrievalError, match=r"did not end in time|not loaded within"
        ):
            credentials.get()

    script, child = pids.read_text().split()
    eventually(lambda: _has_ended(int(script)) and _has_ended(int(child)))


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        ("echo garbage", "malformed: JSONDecodeError: Expecting value"),
        ("echo []", "malformed: AttributeError"),
        (r"printf '\377'", "malformed: UnicodeDecodeError"),
        ("echo '{\"Version\": 1}'", "Missing required key"),
        ("echo no access >&2; exit 1", "no access"),
    ],
)
def test_what_is_wrong_with_the_output_of_a_credential_process_is_named(
    use_process: UseProcess, script: str, cause: str
) -> None:
    use_process(script)

    with pytest.raises(CredentialRetrievalError, match=cause):
        BaseCredentials(DEADLINE_SECONDS).get()


def test_a_credential_process_is_used(use_process: UseProcess) -> None:
    issued = '{"Version": 1, "AccessKeyId": "k", "SecretAccessKey": "s"}'
    use_process(f"echo '{issued}'")

    found = BaseCredentials(DEADLINE_SECONDS).get()

    assert (found.access_key, found.secret_key) == ("k", "s")
