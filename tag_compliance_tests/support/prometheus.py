"""A real Prometheus."""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tag_compliance_tests.support.loopback import fetch, free_port
from tag_compliance_tests.support.process import running
from tag_compliance_tests.support.system import require
from tag_compliance_tests.support.waiting import eventually


class Prometheus:
    """Its HTTP API."""

    def __init__(self, url: str) -> None:
        self._url = url

    def api(self, path: str, **parameters: str) -> Any:
        """The data of the response; a wrong query fails with Prometheus's own message."""
        url = f"{self._url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                return json.load(response)["data"]
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(error.read().decode()) from None

    def query(self, expr: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api("query", query=expr)["result"]
        return found

    def value(self, expr: str) -> float | None:
        """Of the one series that the query finds; None if it finds none or several."""
        found = self.query(expr)
        return float(found[0]["value"][1]) if len(found) == 1 else None


@contextlib.contextmanager
def running_prometheus(config: Path) -> Iterator[Prometheus]:
    """With this configuration, once it is ready; its data and log are next to the file."""
    url = f"http://127.0.0.1:{free_port()}"
    command = [
        require("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={config.parent / 'tsdb'}",
        f"--web.listen-address={url.removeprefix('http://')}",
    ]
    log = config.parent / "prometheus.log"
    with running(command, log):
        eventually(lambda: fetch(f"{url}/-/ready"), explain=log.read_text)
        yield Prometheus(url)
