from __future__ import annotations

import re
import signal
from pathlib import Path

from tag_compliance_tests.support.process import Place
from tag_compliance_tests.support.waiting import eventually


def test_the_demo_exits_0_although_one_account_rejects_the_role_and_leaves_nothing_behind(
    tmp_path: Path,
) -> None:
    place = Place.create(tmp_path / "place")
    # Settings for the user's own organization; the demo must not use them.
    ended = place.run(
        "demo",
        AWS_PROFILE="nix",
        DAGSTER_HOME=str(place.folder / "dagster"),
        TAG_COMPLIANCE_ASSUME_ROLE_NAME_TEMPLATE="somebody-elses",
        TAG_COMPLIANCE_STORAGE=str(place.folder / "mine"),
    )
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    rows = [line for line in ended.stdout.splitlines() if line.startswith("compliance_percentage{")]
    named = {line.split('"')[1] for line in rows}
    assert len(named) == 4
    assert "acquired" not in named
    failed = [line for line in ended.stderr.splitlines() if line.startswith("not read: ")]
    assert failed
    assert all("acquired" in line for line in failed)
    sentence = re.search(
        r"compliant\. (Never-tagged resources are not included: \d+ were found in .*?)\.",
        ended.stderr,
    )
    assert sentence
    assert "in 11 of 15 account-regions; 1 has no Resource Explorer index" in sentence[1]
    assert "3 could not be read (assume_role_denied)" in sentence[1]
    assert "one account failed as intended" in ended.stderr
    left = [path for path in place.folder.rglob("*") if path.is_file()]
    assert left == [], "it cleans up, and nothing of the user's is touched"


def test_ctrl_c_ends_the_demo_and_leaves_no_files(tmp_path: Path) -> None:
    place = Place.create(tmp_path / "place")
    with place.start("demo") as process:
        eventually(lambda: list(place.folder.rglob("config.yaml")))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()

    assert process.returncode == 128 + signal.SIGINT, err
    assert "Traceback" not in err
    assert [path for path in place.folder.rglob("*") if path.is_file()] == []


def test_the_next_demo_removes_the_folder_of_a_killed_one(tmp_path: Path) -> None:
    place = Place.create(tmp_path / "place")
    with place.start("demo") as process:
        eventually(lambda: list(place.folder.rglob("config.yaml")))
        process.kill()
    assert list(place.folder.rglob("config.yaml"))
    assert place.run("demo").returncode == 0
    assert [path for path in place.folder.rglob("*") if path.is_file()] == []
