"""The manifests are valid, complete and restricted."""

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
    Rendered,
    assert_restricted,
    render,
)

OLDEST, NEWEST = "1.27", "1.34"
"""gRPC probes are stable since Kubernetes 1.27."""


@pytest.fixture(params=[BASE, SCALE_OUT], ids=["base", "scale-out"])
def rendered(request: pytest.FixtureRequest) -> Rendered:
    return render(request.param)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_every_object_matches_the_schema_of_kubernetes(rendered: Rendered, version: str) -> None:
    for manifest in rendered.objects:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_every_pod_meets_the_restricted_standard_with_a_read_only_root(
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


def test_every_object_that_a_pod_refers_to_is_applied_or_named_in_the_readme(
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


def test_kubernetes_sets_no_environment_variables_for_services(
    rendered: Rendered,
) -> None:
    # A Service `tag-compliance` would be TAG_COMPLIANCE_PORT=tcp://… in every pod.
    assert all(pod["enableServiceLinks"] is False for _, pod in rendered.pods())


def test_the_base_has_one_pod_that_stops_before_its_successor_starts() -> None:
    [deployment] = render(BASE).of("Deployment")
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    names = {c["name"] for c in deployment["spec"]["template"]["spec"]["containers"]}
    assert names == {"dagster-webserver", "dagster-daemon", "dagster-code-server", "exporter"}


def test_only_the_pod_that_starts_jobs_may_use_the_kubernetes_api() -> None:
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


def test_a_changed_configuration_starts_a_new_pod(tmp_path: Path) -> None:
    before = render(BASE).get("ConfigMap", "tag-compliance-config")
    _copy(BASE, tmp_path)
    config = tmp_path / "base" / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
    after = render(tmp_path)
    name = after.get("ConfigMap", "tag-compliance-config")["metadata"]["name"]
    assert name != before["metadata"]["name"]
    [(_, pod)] = after.pods()
    assert {"name": "config", "configMap": {"name": name}} in pod["volumes"]


def test_the_deployed_configuration_is_valid_and_stores_its_state_on_the_volume() -> None:
    config = load_config(BASE / "base" / "config.yaml", {}, known_regions())
    assert config.storage == str(BASE / "base" / "state")


@pytest.mark.parametrize("folder", [BASE, SCALE_OUT], ids=["base", "scale-out"])
def test_the_settings_of_dagster_differ_from_the_shipped_ones_only_in_locations(
    folder: Path,
) -> None:
    shipped = _yaml(ROOT / "tag_compliance" / "cli" / "dagster.yaml")
    deployed = yaml.safe_load(
        render(folder).get("ConfigMap", "tag-compliance-dagster")["data"]["dagster.yaml"]
    )
    locations = {"storage", "local_artifact_storage", "compute_logs", "run_launcher"}
    assert {key: value for key, value in deployed.items() if key not in locations} == shipped


def test_the_jobs_use_the_files_and_the_image_of_the_pod() -> None:
    rendered = render(SCALE_OUT)
    of_jobs = rendered.get("ConfigMap", "tag-compliance-run")["data"]
    for name, key in (("config", "config.yaml"), ("dagster", "dagster.yaml")):
        of_pod = rendered.get("ConfigMap", f"tag-compliance-{name}")["data"]
        assert of_jobs[key] == of_pod[key]
    pod = rendered.get("Deployment", "tag-compliance")["spec"]["template"]["spec"]
    server = next(c for c in pod["containers"] if c["name"] == "dagster-code-server")
    assert {"name": "DAGSTER_CURRENT_IMAGE", "value": server["image"]} in server["env"]


def test_a_job_of_the_launcher_is_valid_and_restricted_and_mounts_its_configuration(
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


def test_the_service_monitor_selects_the_service_and_the_rule_is_applied(
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
    assert rule["metadata"]["namespace"] == "tag-compliance"


def test_the_annotations_of_the_service_lead_prometheus_to_the_metrics() -> None:
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

    # Both classes are untyped.
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
