"""The fake in a separate process: `python -m tag_compliance_tests.fake_aws --accounts 20`."""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from tag_compliance.simulator.generator import add_never_tagged, generate_organization
from tag_compliance_tests.fake_aws.server import FakeAws


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints one line of JSON when it listens, and serves until SIGTERM."""
    options = _create_parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _exit)
    signal.signal(signal.SIGINT, _exit)
    organization = generate_organization(options.accounts, options.regions, options.resources)
    if options.never_tagged:
        add_never_tagged(organization, options.regions, options.never_tagged)
    with FakeAws(
        organization,
        latency=options.latency,
        record_calls=False,
        tls=options.tls,
        ca_bundle=options.ca_bundle,
    ) as fake:
        ready = {
            "url": fake.url,
            "ca_bundle": str(fake.ca_bundle) if fake.ca_bundle else None,
            "environment": fake.environment(),
        }
        print(json.dumps(ready), flush=True)
        if options.until_stdin_closes:
            sys.stdin.buffer.read()
        else:
            signal.pause()


def _create_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fake_aws", description="A simulated AWS on loopback.")
    parser.add_argument("--accounts", type=int, default=1)
    parser.add_argument("--regions", type=_names, default=["us-east-1"], metavar="A,B")
    parser.add_argument("--resources", type=int, default=1000, help="in each region")
    parser.add_argument("--never-tagged", type=int, default=0, help="more of them in each region")
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--ca-bundle", type=Path, help="where to write the authority for --tls")
    parser.add_argument("--until-stdin-closes", action="store_true")
    return parser


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _exit(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    main()
