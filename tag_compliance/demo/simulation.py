"""The process of the simulated AWS: moto's server on loopback, seeded, until nobody needs it.

Run by `SimulatedAws` as `python -m tag_compliance.demo.simulation`. One line of JSON on its
standard output says where it listens and whose keys may scan; the end of its standard input
ends it. Its own process, so that moto competes neither for the scan's interpreter lock nor for
its signal handlers and loggers, and so that it starts while the scan's process still imports.
"""

from __future__ import annotations

import gc
import json
import logging
import sys
from contextlib import redirect_stdout
from threading import Thread

from moto.moto_api._internal import mock_random
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, make_server

from tag_compliance.demo import tagging_backend
from tag_compliance.demo.organization import ACCOUNTS, SCANNER_ARN
from tag_compliance.demo.seeding import seed
from tag_compliance.demo.trust import TrustPolicies

# Any fixed number: with it moto draws the same identifiers, so every run has the same ARNs.
_SEED = 20260101


def create_server() -> BaseWSGIServer:
    """Moto's server with this organization's rules, on a free port of loopback."""
    tagging_backend.install()
    mock_random.seed(_SEED)
    untrusting = frozenset(account.account_id for account in ACCOUNTS if not account.trusts_scanner)
    application = TrustPolicies(
        DomainDispatcherApplication(create_backend_app), SCANNER_ARN, untrusting
    )
    return make_server(
        "127.0.0.1", 0, application, threaded=True, request_handler=MotoRequestHandler
    )


def main() -> None:
    """Serve, seed, announce, and stay until the parent process lets go or ends."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    # The service models are large and stay: collecting while they load takes a third of the time.
    gc.disable()
    announcements = sys.stdout
    # moto prints; the announcement must stay alone.
    with redirect_stdout(sys.stderr):
        server = create_server()
        Thread(target=server.serve_forever, name="simulated-aws", daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        scanner = seed(url)
        gc.freeze()
        gc.enable()
        announcement = {
            "url": url,
            "access_key_id": scanner.access_key_id,
            "secret_access_key": scanner.secret_access_key,
        }
        print(json.dumps(announcement), file=announcements, flush=True)
        sys.stdin.buffer.read()
        server.shutdown()


if __name__ == "__main__":
    main()
