"""What a cluster would say of the manifests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tag_compliance.aws.regions import known_regions
from tag_compliance.config import load_config
from tag_compliance_tests.deploy.manifests import (
    BASE,
    ROOT,
    SCALE_OUT,
    WITH_OPERATOR,
    Rendered,
    assert_restricted,
    render,
)

OLDEST, NEWEST = "1.27", "1.34"
"""Kubernetes 1.27 is the first where probes by gRPC are stable."""


@pytest.fixture(params=[BASE, SCALE_OUT], ids=["base", "scale-out"])
def rendered(request: pytest.FixtureRequest) -> Rendered:
    return render(request.param)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_every_object_fits_the_schema_of_kubernetes(rendered: Rendered, version: str) -> None:
    for manifest in rendered.objects:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_every_pod_keeps_to_the_restricted_standard_with_a_read_only_root(
    rendered: Rendered,
) -> None:
    for _, pod in rendered.pods():
        assert_restricted(pod)
    labels = rendered.get("Namespace", "tag-compliance")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_services_budgets_and_policies_select_pods_that_exist(rendered: Rendered) -> None:
    pods = [d["spec"]["template"]["metadata"]["labels"] for d in rendered.of("Deployment")]
    selectors = [s["spec"]["selector"] for s in rendered.of("Service")]
    selectors += [b["spec"]["selector"]["matchLabels"] for b in rendered.of("PodDisruptionBudget")]
    selectors += [d["spec"]["selector"]["matchLabels"] for d in rendered.of("Deployment")]
    for selector in selectors:
        assert sum(selector.items() <= labels.items() for labels in pods) == 1, selector
    [policy] = rendered.of("NetworkPolicy")
    chosen = policy["spec"]["podSelector"]["matchLabels"].items()
    assert all(chosen <= labels.items() for labels in pods)


def test_every_service_port_is_a_port_of_the_pods_it_selects(rendered: Rendered) -> None:
    for service in rendered.of("Service"):
        selected = service["spec"]["selector"].items()
        [pod] = [
            d["spec"]["template"]["spec"]
            for d in rendered.of("Deployment")
            if selected <= d["spec"]["template"]["metadata"]["labels"].items()
        ]
        named = {
            p["name"]: p["containerPort"] for c in pod["containers"] for p in c.get("ports", ())
        }
        for port in service["spec"]["ports"]:
            assert named[port["targetPort"]] == port["port"]


def test_whatever_a_pod_refers_to_is_applied_with_it_or_told_in_the_readme(
    rendered: Rendered,
) -> None:
    there = {(o["kind"], o["metadata"]["name"]) for o in rendered.objects}
    there.add(("Secret", "tag-compliance-postgres"))
    assert "tag-compliance-postgres" in (BASE / "README.md").read_text(encoding="utf-8")
    for _, pod in rendered.pods():
        assert ("ServiceAccount", pod["serviceAccountName"]) in there
        for volume in pod["volumes"]:
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in there
            if "persistentVolumeClaim" in volume:
                claim = volume["persistentVolumeClaim"]["claimName"]
                assert ("PersistentVolumeClaim", claim) in there
    for container in rendered.containers():
        for source in container.get("envFrom", ()):
            [(kind, reference)] = source.items()
            referred = {"configMapRef": "ConfigMap", "secretRef": "Secret"}[kind]
            assert (referred, reference["name"]) in there


def test_a_service_of_the_namespace_cannot_become_a_variable_of_the_program(
    rendered: Rendered,
) -> None:
    # A Service `tag-compliance` would be TAG_COMPLIANCE_PORT=tcp://… in every pod.
    assert all(pod["enableServiceLinks"] is False for _, pod in rendered.pods())


def test_the_base_is_one_pod_that_is_replaced_and_never_doubled() -> None:
    [deployment] = render(BASE).of("Deployment")
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    names = {c["name"] for c in deployment["spec"]["template"]["spec"]["containers"]}
    assert names == {"dagster-webserver", "dagster-daemon", "dagster-code-server", "exporter"}


def test_only_the_pod_that_starts_jobs_may_speak_with_kubernetes() -> None:
    for name, pod in render(BASE).pods():
        assert pod["automountServiceAccountToken"] is False, name
    scale_out = render(SCALE_OUT)
    for name, pod in scale_out.pods():
        assert pod["automountServiceAccountToken"] is (name == "tag-compliance"), name
    [binding] = scale_out.of("RoleBinding")
    assert [s["name"] for s in binding["subjects"]] == ["tag-compliance"]
    with_aws = {
        account["metadata"]["name"]
        for account in scale_out.of("ServiceAccount")
        if "eks.amazonaws.com/role-arn" in account["metadata"].get("annotations", {})
    }
    assert with_aws == {"tag-compliance-run", "tag-compliance-exporter"}


def test_a_changed_configuration_rolls_the_pod(tmp_path: Path) -> None:
    before = render(BASE).get("ConfigMap", "tag-compliance-config")
    _copy(BASE, tmp_path)
    config = tmp_path / "base" / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
    after = render(tmp_path)
    name = after.get("ConfigMap", "tag-compliance-config")["metadata"]["name"]
    assert name != before["metadata"]["name"]
    [(_, pod)] = after.pods()
    assert {"name": "config", "configMap": {"name": name}} in pod["volumes"]


def test_the_configuration_that_is_deployed_is_valid_and_keeps_its_state_on_the_volume() -> None:
    config = load_config(BASE / "base" / "config.yaml", {}, known_regions())
    assert config.storage == str(BASE / "base" / "state")


@pytest.mark.parametrize("folder", [BASE, SCALE_OUT], ids=["base", "scale-out"])
def test_dagster_is_set_up_as_the_program_ships_it_but_for_where_things_are(folder: Path) -> None:
    shipped = _yaml(ROOT / "tag_compliance" / "cli" / "dagster.yaml")
    deployed = yaml.safe_load(
        render(folder).get("ConfigMap", "tag-compliance-dagster")["data"]["dagster.yaml"]
    )
    of_places = {"storage", "local_artifact_storage", "compute_logs", "run_launcher"}
    assert {key: value for key, value in deployed.items() if key not in of_places} == shipped


def test_the_jobs_get_the_very_files_and_the_very_image_of_the_pod() -> None:
    rendered = render(SCALE_OUT)
    of_jobs = rendered.get("ConfigMap", "tag-compliance-run")["data"]
    for name, key in (("config", "config.yaml"), ("dagster", "dagster.yaml")):
        of_pod = rendered.get("ConfigMap", f"tag-compliance-{name}")["data"]
        assert of_jobs[key] == of_pod[key]
    pod = rendered.get("Deployment", "tag-compliance")["spec"]["template"]["spec"]
    server = next(c for c in pod["containers"] if c["name"] == "dagster-code-server")
    assert {"name": "DAGSTER_CURRENT_IMAGE", "value": server["image"]} in server["env"]


def test_a_job_of_the_launcher_is_valid_restricted_and_finds_its_configuration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job_module = pytest.importorskip("dagster_k8s.job")
    from kubernetes.client import ApiClient

    rendered = render(SCALE_OUT)
    settings = yaml.safe_load(
        rendered.get("ConfigMap", "tag-compliance-run")["data"]["dagster.yaml"]
    )
    launcher = settings["run_launcher"]["config"]
    for name in launcher["env_vars"]:
        monkeypatch.setenv(name, "/app/config.yaml" if name.endswith("CONFIG") else "x")
    _assert_valid_for_the_launcher({**launcher, "job_namespace": "tag-compliance"})
    job = job_module.construct_dagster_k8s_job(
        job_module.DagsterK8sJobConfig(
            job_image="tag-compliance",
            **{
                key: launcher[key]
                for key in (
                    *("dagster_home", "instance_config_map", "service_account_name"),
                    *("env_secrets", "env_vars"),
                )
            },
        ),
        ["dagster", "api", "execute_run", "{}"],
        "run",
        job_module.UserDefinedDagsterK8sConfig.from_dict(launcher["run_k8s_config"]),
        component="run_worker",
    )
    manifest: Any = ApiClient().sanitize_for_serialization(job)
    kubernetes_validate.validate(manifest, NEWEST, strict=True)
    pod = manifest["spec"]["template"]["spec"]
    assert_restricted(pod)
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert ("ServiceAccount", pod["serviceAccountName"]) in {
        (o["kind"], o["metadata"]["name"]) for o in rendered.objects
    }
    [container] = pod["containers"]
    mounted = {m["mountPath"] for m in container["volumeMounts"]}
    assert {"/app/config.yaml", launcher["dagster_home"], "/tmp"} <= mounted
    [policy] = rendered.of("NetworkPolicy")
    labels = manifest["spec"]["template"]["metadata"]["labels"]
    assert policy["spec"]["podSelector"]["matchLabels"].items() <= labels.items()


def test_the_operators_objects_watch_the_service_and_carry_the_shipped_rules(
    tmp_path: Path,
) -> None:
    _copy(BASE, tmp_path)
    kustomization = tmp_path / "kustomization.yaml"
    text = kustomization.read_text(encoding="utf-8")
    kustomization.write_text(
        text.replace("# components:\n#   -", "components:\n  -"), encoding="utf-8"
    )
    rendered = render(tmp_path)
    [monitor] = rendered.of("ServiceMonitor")
    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    assert monitor["metadata"]["namespace"] == "tag-compliance"
    selected = [
        service
        for service in rendered.of("Service")
        if monitor["spec"]["selector"]["matchLabels"].items()
        <= service["metadata"]["labels"].items()
    ]
    [endpoint] = monitor["spec"]["endpoints"]
    [port] = [p for s in selected for p in s["spec"]["ports"]]
    assert (endpoint["port"], endpoint["path"]) == (port["name"], "/metrics")
    [rule] = rendered.of("PrometheusRule")
    shipped = _yaml(ROOT / "monitoring" / "alerts.yaml")
    assert rule["spec"]["groups"] == shipped["groups"]
    assert (WITH_OPERATOR / "prometheusrule.yaml").is_file()


def test_prometheus_is_shown_the_way_by_annotations() -> None:
    for folder in (BASE, SCALE_OUT):
        service = render(folder).get("Service", "tag-compliance")
        assert service["metadata"]["annotations"] == {
            "prometheus.io/scrape": "true",
            "prometheus.io/port": "8080",
            "prometheus.io/path": "/metrics",
        }


def _assert_valid_for_the_launcher(config: dict[str, Any]) -> None:
    import dagster
    import dagster_k8s
    from dagster._config import validate_config

    # Both are untyped.
    shape: Any = dagster.Shape
    launcher: Any = dagster_k8s.K8sRunLauncher
    checked = validate_config(shape(launcher.config_type()), config)
    assert checked.success, checked.errors


def _copy(source: Path, target: Path) -> None:
    for path in source.rglob("*"):
        if path.is_file() and "overlays" not in path.parts:
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))
