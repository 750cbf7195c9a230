from __future__ import annotations

import signal
import socket
import urllib.request

from tag_compliance_tests.support.process import Place, listening_url
from tag_compliance_tests.support.program import Program, error_lines


def test_serve_serves_the_storage_of_the_configuration_until_sigterm(place: Place) -> None:
    assert place.run("scan").returncode == 0
    process = place.start("serve", "--host", "127.0.0.1", "--port", "0")
    assert process.stderr is not None
    url = listening_url(process.stderr)
    with urllib.request.urlopen(f"{url}/metrics") as answer:
        assert b"\ncompliance_percentage{" in answer.read()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_a_port_in_use_is_reported_in_one_line(program: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = program.run("serve", "--host", "127.0.0.1", "--port", str(port))
    assert ended.code == 1
    (line,) = error_lines(ended.err)
    assert line.startswith(
        f"tag-compliance: cannot listen on 127.0.0.1 port {port}: Address already in use"
    )
