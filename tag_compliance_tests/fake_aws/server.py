"""The fake: a simulated AWS with faults, a log of calls, and TLS."""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from ssl import SSLContext
from types import TracebackType
from typing import Unpack

from tag_compliance.simulator.organization import Organization
from tag_compliance.simulator.server import Settings, SimulatedAws
from tag_compliance_tests.fake_aws.calls import CallLog
from tag_compliance_tests.fake_aws.certificates import create_server_context
from tag_compliance_tests.fake_aws.fault_plan import FaultPlan
from tag_compliance_tests.fake_aws.injector import FaultInjector


class FakeAws(SimulatedAws):
    """`ca_bundle` is where the authority for TLS is written, by default in a temporary folder."""

    def __init__(
        self,
        organization: Organization | None = None,
        *,
        faults: FaultPlan | None = None,
        record_calls: bool = True,
        tls: bool = False,
        ca_bundle: Path | None = None,
        **settings: Unpack[Settings],
    ) -> None:
        self.faults = faults or FaultPlan()
        self.calls = CallLog(enabled=record_calls)
        self._resources = ExitStack()
        self.ca_bundle = ca_bundle
        super().__init__(
            organization if organization is not None else Organization(),
            interceptor=FaultInjector(self.faults, self.calls),
            tls=self._create_context() if tls else None,
            **settings,
        )

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        super().__exit__(exc_type, exc, traceback)
        self._resources.close()

    def environment(self) -> dict[str, str]:
        variables = super().environment()
        if self.ca_bundle:
            variables["AWS_CA_BUNDLE"] = str(self.ca_bundle)
        return variables

    def issued_secrets(self) -> frozenset[str]:
        """Every secret that a client has seen: none of them may appear in its output."""
        return self.credentials.secrets()

    def _create_context(self) -> SSLContext:
        if self.ca_bundle is None:
            folder = self._resources.enter_context(tempfile.TemporaryDirectory(prefix="fake-aws-"))
            self.ca_bundle = Path(folder, "ca.pem")
        return create_server_context(self.ca_bundle)
