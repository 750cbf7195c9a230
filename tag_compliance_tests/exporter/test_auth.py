"""Authentication by bearer token and basic auth."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tag_compliance.errors import BadConfiguration
from tag_compliance.exporter.auth import Credentials, read_basic_auth, read_bearer_tokens
from tag_compliance.snapshot.store import SnapshotStore
from tag_compliance.storage.folder import FolderStorage
from tag_compliance_tests.exporter.running import Exporter, run_in_thread
from tag_compliance_tests.snapshot.intercepted_storage import InterceptedStorage
from tag_compliance_tests.support.waiting import eventually


def _run(folder: Path) -> AbstractContextManager[Exporter]:
    (folder / "token").write_text("open-sesame\n")
    (folder / "users").write_text("prometheus:p:ä ss\n\nsecond:user\n")
    credentials = (read_bearer_tokens(folder / "token"), read_basic_auth(folder / "users"))
    return run_in_thread(folder / "storage", credentials)


@pytest.fixture(scope="module")
def protected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """An exporter that needs credentials, shared by the tests that only read."""
    with _run(tmp_path_factory.mktemp("protected")) as exporter:
        yield exporter


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
def test_a_request_with_valid_credentials_is_served(
    protected: Exporter, authorization: str
) -> None:
    assert protected.get("/metrics", Authorization=authorization).status == 200


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
def test_a_request_without_valid_credentials_gets_401_and_the_accepted_schemes(
    protected: Exporter, authorization: str
) -> None:
    for path in ("/metrics", "/health", "/", "/nothing"):
        response = protected.get(path, Authorization=authorization)
        assert response.status == 401
        assert response.text == "401 Unauthorized: valid credentials are required\n"
        assert response.headers["www-authenticate"].endswith('realm="tag-compliance"')


def test_liveness_and_readiness_probes_need_no_credentials(protected: Exporter) -> None:
    assert protected.get("/livez").status == 200
    assert protected.get("/ready").status == 503


def test_a_changed_token_file_is_reloaded_and_a_faulty_change_keeps_the_old_tokens(
    tmp_path: Path,
) -> None:
    with _run(tmp_path) as exporter:
        (tmp_path / "token").write_text("new\nnewer\n")
        eventually(lambda: exporter.get("/metrics", Authorization="Bearer newer").status == 200)
        assert exporter.get("/metrics", Authorization="Bearer new").status == 200
        assert exporter.get("/metrics", Authorization="Bearer open-sesame").status == 401

        def readable() -> float | None:
            response = exporter.get("/metrics", Authorization="Bearer new")
            assert response.status == 200
            return response.sample("tag_compliance_exporter_access_files_readable")

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
        (read_bearer_tokens, None, "No such file or directory"),
        (read_bearer_tokens, " \n", "the file contains no token"),
        (read_basic_auth, "", "the file contains no user:password"),
        (read_basic_auth, "a:b\nsecret\n", "line 2 is not user:password"),
    ],
)
def test_an_unusable_credential_file_is_reported_by_name_without_its_content(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    read: Callable[[Path], Credentials],
    content: str | None,
    rule: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("credentials").write_text(content)
    with pytest.raises(BadConfiguration) as caught:
        read(Path("credentials"))
    assert " = 'credentials': " in str(caught.value)
    assert str(caught.value).endswith(f" cannot be read: {rule}")
    assert "secret" not in str(caught.value)


def test_credentials_hold_only_digests_of_the_secrets(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("open-sesame")
    credentials = read_bearer_tokens(tmp_path / "token")
    assert b"open-sesame" not in b"".join(credentials.digests.value)


def test_a_revoked_token_is_rejected_while_the_storage_hangs(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("open-sesame")
    released = threading.Event()
    hanging = InterceptedStorage(FolderStorage(tmp_path), lambda *_: released.wait())
    credentials = (read_bearer_tokens(tmp_path / "token"),)
    with run_in_thread(SnapshotStore(hanging), credentials) as exporter:
        try:
            assert exporter.get("/metrics", Authorization="Bearer open-sesame").status == 200
            (tmp_path / "token").write_text("another")
            revoked = {"Authorization": "Bearer open-sesame"}
            eventually(lambda: exporter.get("/metrics", **revoked).status == 401)
        finally:
            released.set()
