"""Access control by bearer token and basic auth."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tag_compliance.errors import BadConfiguration
from tag_compliance.exporter.access import Credentials, read_basic_auth, read_bearer_tokens
from tag_compliance_tests.exporter.running import Exporter, eventually, run_in_thread


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Exporter]:
    (tmp_path / "token").write_text("open-sesame\n")
    (tmp_path / "users").write_text("prometheus:p:ä ss\n\nsecond:user\n")
    credentials = (read_bearer_tokens(tmp_path / "token"), read_basic_auth(tmp_path / "users"))
    with run_in_thread(tmp_path / "storage", credentials) as running:
        yield running


def _basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer open-sesame",
        "bearer open-sesame",
        _basic("prometheus:p:ä ss"),
        _basic("second:user"),
    ],
)
def test_who_presents_a_credential_reads(guarded: Exporter, authorization: str) -> None:
    assert guarded.get("/metrics", Authorization=authorization).status == 200


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer open-sesam",
        "Bearer open-sesame-and-more",
        "Basic open-sesame",
        "Basic !!!",
        _basic("prometheus"),
        _basic("prometheus:wrong"),
        _basic("open-sesame"),
        "Bearer prometheus:p:x",
        "Digest open-sesame",
    ],
)
def test_who_presents_none_is_refused_and_told_what_is_wanted(
    guarded: Exporter, authorization: str
) -> None:
    for path in ("/metrics", "/health", "/", "/nothing"):
        answer = guarded.get(path, Authorization=authorization)
        assert answer.status == 401
        assert answer.text == "401 Unauthorized: credentials are needed\n"
        assert answer.headers["www-authenticate"].endswith('realm="tag-compliance"')


def test_the_probes_stay_open(guarded: Exporter) -> None:
    assert guarded.get("/livez").status == 200
    assert guarded.get("/ready").status == 503


def test_a_changed_token_is_taken_over_and_a_broken_change_is_not(
    guarded: Exporter, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("new\nnewer\n")
    eventually(lambda: guarded.get("/metrics", Authorization="Bearer newer").status == 200)
    assert guarded.get("/metrics", Authorization="Bearer new").status == 200
    assert guarded.get("/metrics", Authorization="Bearer open-sesame").status == 401

    def readable() -> float | None:
        answer = guarded.get("/metrics", Authorization="Bearer new")
        assert answer.status == 200
        return answer.sample("tag_compliance_exporter_access_files_readable")

    assert readable() == 1
    (tmp_path / "token").write_text("\n")
    eventually(lambda: readable() == 0)
    (tmp_path / "token").unlink()
    eventually(lambda: readable() == 0)
    (tmp_path / "token").write_text("new")
    eventually(lambda: readable() == 1)


@pytest.mark.parametrize(
    ("read", "content", "rule"),
    [
        (read_bearer_tokens, None, "cannot be read: No such file or directory"),
        (read_bearer_tokens, " \n", "cannot be read: it holds no token"),
        (read_basic_auth, "", "cannot be read: it holds no user:password"),
        (read_basic_auth, "a:b\nsecret\n", "cannot be read: line 2 is not user:password"),
    ],
)
def test_a_file_that_is_no_good_is_named_without_a_word_of_what_is_in_it(
    tmp_path: Path, read: Callable[[Path], Credentials], content: str | None, rule: str
) -> None:
    file = tmp_path / "credentials"
    if content is not None:
        file.write_text(content)
    with pytest.raises(BadConfiguration) as caught:
        read(file)
    assert str(file) in str(caught.value)
    assert rule in str(caught.value)
    assert "secret" not in str(caught.value)


def test_no_secret_is_kept(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("open-sesame")
    credentials = read_bearer_tokens(tmp_path / "token")
    assert b"open-sesame" not in b"".join(credentials.digests.value)
