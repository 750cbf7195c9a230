"""Manifests and image use only flags, ports, paths and variables that the program has."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from dagster._cli import create_dagster_cli
from dagster._daemon.cli import create_dagster_daemon_cli
from dagster_webserver.cli import create_dagster_webserver_cli

from tag_compliance.cli.dagster_home import event_settings
from tag_compliance.config.model import SCALAR_KEYS
from tag_compliance.exporter.app import create_app
from tag_compliance.pipeline import ui_server
from tag_compliance.snapshot.store import SnapshotStore
from tag_compliance.storage.folder import FolderStorage
from tag_compliance_tests.cli.commands import COMMANDS, options, parsed
from tag_compliance_tests.deploy.manifests import (
    BASE,
    ROOT,
    SCALE_OUT,
    Rendered,
    environment_of,
    ports_of,
    render,
)

VARIABLES = {str(option.envvar) for command in COMMANDS for option in options(command)} | {
    f"TAG_COMPLIANCE_{key.upper()}" for key in SCALAR_KEYS
}
FOREIGN_VARIABLES = {"DAGSTER_HOME", "DAGSTER_CURRENT_IMAGE", "POD_NAMESPACE"}
OF_THE_SERVER = {"/server_info"}
GUARDED_UI = "dagster-ui"
OF_DAGSTER = {
    "dagster": create_dagster_cli,
    "dagster-daemon": create_dagster_daemon_cli,
    "dagster-webserver": create_dagster_webserver_cli,
    GUARDED_UI: lambda: ui_server.serve_ui,
}


@pytest.fixture(params=[BASE, SCALE_OUT], ids=["base", "scale-out"])
def rendered(request: pytest.FixtureRequest) -> Rendered:
    return render(request.param)


def test_every_container_starts_an_existing_command_with_existing_flags(rendered: Rendered) -> None:
    for container in rendered.containers().values():
        assert "command" not in container, "the entry point of the image chooses the program"
        parse(container["args"])


def test_every_environment_variable_is_one_that_the_program_reads(rendered: Rendered) -> None:
    for name, container in rendered.containers().items():
        assert environment_of(container).keys() <= VARIABLES | FOREIGN_VARIABLES, name
    for settings in rendered.of("ConfigMap"):
        if settings["metadata"]["name"].startswith("tag-compliance-settings"):
            assert settings["data"].keys() <= VARIABLES


def test_every_port_is_one_that_the_program_listens_on(rendered: Rendered) -> None:
    expected = {"metrics": default_of("serve", "port"), "ui": default_of("up", "ui_port")}
    for container in rendered.containers().values():
        for name, port in ports_of(container).items():
            assert port == expected[name] if name in expected else str(port) in container["args"]
    [location] = yaml.safe_load(rendered.data("tag-compliance-dagster")["workspace.yaml"])[
        "load_from"
    ]
    [port] = ports_of(rendered.containers()["dagster-code-server"]).values()
    assert location["grpc_server"]["port"] == port


def test_every_probe_uses_a_path_and_a_port_that_exist(rendered: Rendered, tmp_path: Path) -> None:
    app = create_app(SnapshotStore(FolderStorage(tmp_path)))
    paths = {getattr(route, "path", "") for route in app.router.routes} | OF_THE_SERVER
    for container in rendered.containers().values():
        ports = ports_of(container)
        for probe in (probe for name, probe in container.items() if name.endswith("Probe")):
            if "httpGet" in probe:
                assert probe["httpGet"]["path"] in paths
                assert probe["httpGet"]["port"] in ports
            if "grpc" in probe:
                assert probe["grpc"] == {
                    "port": next(iter(ports.values())),
                    "service": "DagsterApi",
                }
            if "exec" in probe:
                parse(probe["exec"]["command"])
    exporter = rendered.containers()["exporter"]
    assert exporter["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert exporter["readinessProbe"]["httpGet"]["path"] == "/ready"


def test_every_volume_is_mounted_where_the_program_expects_it() -> None:
    for container in render(BASE).containers().values():
        at = {m["mountPath"]: m for m in container["volumeMounts"]}
        environment = environment_of(container)
        assert {environment["TAG_COMPLIANCE_CONFIG"], environment["DAGSTER_HOME"]} <= at.keys()
        assert {path for path, m in at.items() if not m.get("readOnly")} == {"/app/state", "/tmp"}
        for path in (Path(arg) for arg in container["args"] if arg.startswith("/")):
            source = at[str(path.parent)]["name"]
            assert path.name in render(BASE).data(f"tag-compliance-{source}")


def test_the_images_start_existing_commands_and_expose_their_ports() -> None:
    stages = stages_of_the_dockerfile()
    for stage, ports in (
        ("runtime", {default_of("up", "port"), default_of("up", "ui_port")}),
        ("exporter", {default_of("serve", "port")}),
    ):
        instructions = stages["base"] + stages[stage]
        [command] = [json.loads(text) for name, text in instructions if name == "CMD"]
        parse(command)
        assert {int(text) for name, text in instructions if name == "EXPOSE"} == ports
        environment = " ".join(text for name, text in instructions if name == "ENV")
        assert set(re.findall(r"\b(TAG_COMPLIANCE_\w+)=", environment)) <= VARIABLES


def test_the_image_sets_the_variables_that_a_scan_of_few_accounts_needs() -> None:
    (environment,) = (text for name, text in stages_of_the_dockerfile()["runtime"] if name == "ENV")
    assert (
        dict(pair.split("=") for pair in environment.split()).items() >= event_settings(1).items()
    )


def test_the_entry_point_starts_dagster_for_its_commands_and_the_program_otherwise() -> None:
    script = (ROOT / "scripts" / "container-entrypoint.sh").read_text(encoding="utf-8")
    for_dagster = re.search(r"\n  ([\w| -]+)\) exec \"\$@\"", script)
    assert for_dagster
    assert {*for_dagster[1].split(" | "), GUARDED_UI} == OF_DAGSTER.keys()
    assert f"\n  {GUARDED_UI}) shift && exec python -P -m {ui_server.__name__} " in script
    assert '*) exec tag-compliance "$@"' in script
    containers = [c for folder in (BASE, SCALE_OUT) for c in render(folder).containers().values()]
    assert {container["args"][0] for container in containers} <= {*OF_DAGSTER, "serve"}


def test_the_health_check_uses_the_port_and_the_variables_of_the_program() -> None:
    script = (ROOT / "scripts" / "container-health.py").read_text(encoding="utf-8")
    named = set(re.findall(r"TAG_COMPLIANCE_\w+", script))
    assert named == {"TAG_COMPLIANCE_PORT", "TAG_COMPLIANCE_TLS_CERT"}
    assert named <= VARIABLES
    assert f'"{default_of("serve", "port")}"' in script


def test_the_docker_build_context_has_exactly_the_files_that_the_dockerfile_copies() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    context = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = {
        source
        for name, text in chain.from_iterable(stages_of_the_dockerfile().values())
        if name == "COPY" and "--from" not in text
        for source in text.split()[:-1]
    }
    assert context == copied
    assert "*" in ignored
    assert all((ROOT / path).exists() for path in copied)


def test_the_image_of_the_exporter_has_the_same_versions_as_the_full_image() -> None:
    whole, exporter = (pins(ROOT / f) for f in ("requirements.txt", "requirements-exporter.txt"))
    assert exporter.items() <= whole.items()
    assert not {"dagster", "pandas", "pyarrow", "numpy"} & exporter.keys()
    assert "moto" not in whole, "only the tests need it"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted, dependencies = (
        {re.split(r"[<>=;\[ ]", requirement)[0] for requirement in requirements}
        for requirements in (
            project["dependency-groups"]["exporter"],
            project["project"]["dependencies"],
        )
    )
    assert wanted <= exporter.keys() & dependencies


def parse(arguments: list[str]) -> None:
    """Fails if the program does not exist or does not accept the arguments."""
    # Dagster's parser requires that the file exists.
    mounted, here = "/app/dagster/workspace.yaml", str(BASE / "base" / "workspace.yaml")
    program, *rest = [here if argument == mounted else argument for argument in arguments]
    if program not in OF_DAGSTER:
        parsed(program, *rest)
        return
    create: Any = OF_DAGSTER[program]
    command = create()
    while isinstance(command, click.Group):
        command, rest = command.commands[rest[0]], rest[1:]
    command.make_context(program, rest)


def default_of(command: str, flag: str) -> int:
    value: int = parsed(command).params[flag]
    return value


def stages_of_the_dockerfile() -> Mapping[str, list[tuple[str, str]]]:
    """The instructions of each stage; a line that ends in a backslash continues."""
    text = re.sub(r"(?m)^#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    stages: dict[str, list[tuple[str, str]]] = {"": []}
    for line in text.replace("\\\n", " ").splitlines():
        name, _, rest = line.strip().partition(" ")
        if name == "FROM":
            stages[rest.rpartition(" ")[2]] = []
        elif name:
            stages[list(stages)[-1]].append((name, rest.strip()))
    return stages


def pins(lock: Path) -> Mapping[str, str]:
    found = re.findall(r"^([\w.-]+)==([^ ]+)", lock.read_text(encoding="utf-8"), re.MULTILINE)
    return dict(found)
