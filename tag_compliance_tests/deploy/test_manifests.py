"""The manifests are valid, complete and restricted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tag_compliance.aws.regions import known_regions
from tag_compliance.config import load_config
from tag_compliance_tests.deploy.components import copied, render_with_all_components
from tag_compliance_tests.deploy.manifests import (
    BASE,
    ROOT,
    SCALE_OUT,
    Manifest,
    Rendered,
    assert_restricted,
    environment_of,
    ports_of,
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


def test_every_pod_meets_the_restricted_standard_with_a_read_only_root(rendered: Rendered) -> None:
    for pod in rendered.pods().values():
        assert_restricted(pod["spec"])
    labels = rendered.get("Namespace", "tag-compliance")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_services_budgets_and_policies_select_pods_and_ports_that_exist(rendered: Rendered) -> None:
    selectors = [
        o["spec"]["selector"]["matchLabels"]
        for kind in ("PodDisruptionBudget", "Deployment")
        for o in rendered.of(kind)
    ]
    for service in rendered.of("Service"):
        selectors.append(service["spec"]["selector"])
        [pod] = _selected(rendered, selectors[-1])
        named: dict[str, int] = {}
        for container in pod["spec"]["containers"]:
            named |= ports_of(container)
        assert {
            p["targetPort"]: p["port"] for p in service["spec"]["ports"]
        }.items() <= named.items()
    assert [len(_selected(rendered, selector)) for selector in selectors] == [1] * len(selectors)
    [policy] = rendered.of("NetworkPolicy")
    chosen = policy["spec"]["podSelector"]["matchLabels"]
    assert len(_selected(rendered, chosen)) == len(rendered.pods())


def test_every_object_that_a_pod_refers_to_is_applied_or_named_in_the_readme(
    rendered: Rendered,
) -> None:
    assert "tag-compliance-postgres" in (BASE / "README.md").read_text(encoding="utf-8")
    referred = set()
    for pod in (template["spec"] for template in rendered.pods().values()):
        referred.add(("ServiceAccount", pod["serviceAccountName"]))
        for volume in pod["volumes"]:
            if "configMap" in volume and not volume["configMap"].get("optional"):
                referred.add(("ConfigMap", volume["configMap"]["name"]))
            if "persistentVolumeClaim" in volume:
                claim = volume["persistentVolumeClaim"]["claimName"]
                referred.add(("PersistentVolumeClaim", claim))
    kinds = {"configMapRef": "ConfigMap", "secretRef": "Secret"}
    for container in rendered.containers().values():
        for source in container.get("envFrom", ()):
            [(kind, reference)] = source.items()
            referred.add((kinds[kind], reference["name"]))
    assert referred <= rendered.names() | {("Secret", "tag-compliance-postgres")}


def test_every_pod_that_reads_the_configuration_mounts_the_policy_next_to_it_if_there_is_one(
    rendered: Rendered,
) -> None:
    for template in rendered.pods().values():
        volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
        for container in template["spec"]["containers"]:
            paths = {m["mountPath"]: m["name"] for m in container.get("volumeMounts", ())}
            if "/app/config.yaml" in paths:
                policy = volumes[paths["/app/policy"]]["configMap"]
                assert policy == {"name": "tag-compliance-policy", "optional": True}


def test_the_base_has_one_pod_that_stops_before_its_successor_starts() -> None:
    [deployment] = render(BASE).of("Deployment")
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    names = {c["name"] for c in deployment["spec"]["template"]["spec"]["containers"]}
    assert names == {"dagster-webserver", "dagster-daemon", "dagster-code-server", "exporter"}


def test_only_the_pod_that_starts_jobs_may_use_the_kubernetes_api() -> None:
    scale_out = render(SCALE_OUT)
    [binding] = scale_out.of("RoleBinding")
    assert [s["name"] for s in binding["subjects"]] == ["tag-compliance"]
    allowed = {
        (rendered is scale_out, name): pod["spec"]["automountServiceAccountToken"]
        for rendered in (render(BASE), scale_out)
        for name, pod in rendered.pods().items()
    }
    assert allowed == {
        (False, "tag-compliance"): False,
        (True, "tag-compliance"): True,
        (True, "tag-compliance-exporter"): False,
    }
    with_aws = {
        account["metadata"]["name"]
        for account in scale_out.of("ServiceAccount")
        if "eks.amazonaws.com/role-arn" in account["metadata"].get("annotations", {})
    }
    assert with_aws == {"tag-compliance-run", "tag-compliance-exporter"}


def test_a_changed_configuration_starts_a_new_pod(tmp_path: Path) -> None:
    before = render(BASE).get("ConfigMap", "tag-compliance-config")
    manifests = copied(tmp_path)
    config = manifests / "base" / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
    after = render(manifests)
    name = after.get("ConfigMap", "tag-compliance-config")["metadata"]["name"]
    assert name != before["metadata"]["name"]
    [pod] = after.pods().values()
    assert {"name": "config", "configMap": {"name": name}} in pod["spec"]["volumes"]


def test_the_deployed_configuration_is_valid_and_stores_its_state_on_the_volume() -> None:
    config = load_config(BASE / "base" / "config.yaml", {}, known_regions())
    assert config.storage == str(BASE / "base" / "state")


def test_the_settings_of_dagster_differ_from_the_shipped_ones_only_in_locations(
    rendered: Rendered,
) -> None:
    text = (ROOT / "tag_compliance" / "cli" / "dagster.yaml").read_text(encoding="utf-8")
    deployed = yaml.safe_load(rendered.data("tag-compliance-dagster")["dagster.yaml"])
    locations = {"storage", "local_artifact_storage", "compute_logs", "run_launcher"}
    shipped = {key: value for key, value in deployed.items() if key not in locations}
    assert shipped == yaml.safe_load(text)


def test_the_jobs_use_the_files_and_the_image_of_the_pod() -> None:
    rendered = render(SCALE_OUT)
    of_jobs = rendered.data("tag-compliance-run")
    for name, key in (("config", "config.yaml"), ("dagster", "dagster.yaml")):
        assert of_jobs[key] == rendered.data(f"tag-compliance-{name}")[key]
    server = rendered.containers()["dagster-code-server"]
    assert environment_of(server)["DAGSTER_CURRENT_IMAGE"] == server["image"]


def test_a_job_of_the_launcher_is_restricted_and_uses_objects_that_exist() -> None:
    """`pipeline/test_kubernetes.py` validates the Jobs that the launcher sends."""
    job_module = pytest.importorskip("dagster_k8s.job")
    from kubernetes.client import ApiClient

    rendered = render(SCALE_OUT)
    settings = yaml.safe_load(rendered.data("tag-compliance-run")["dagster.yaml"])
    launcher = settings["run_launcher"]["config"]
    keys = ("dagster_home", "instance_config_map", "service_account_name", "env_secrets")
    config = {key: launcher[key] for key in keys}
    job = job_module.construct_dagster_k8s_job(
        job_module.DagsterK8sJobConfig(job_image="tag-compliance", **config),
        ["dagster", "api", "execute_run", "{}"],
        "run",
        job_module.UserDefinedDagsterK8sConfig.from_dict(launcher["run_k8s_config"]),
    )
    template: Any = ApiClient().sanitize_for_serialization(job)["spec"]["template"]
    assert_restricted(template["spec"])
    account, secrets = config["service_account_name"], config["env_secrets"]
    mounted = [v["configMap"] for v in template["spec"]["volumes"] if "configMap" in v]
    maps = {config_map["name"] for config_map in mounted if not config_map.get("optional")}
    assert {("ServiceAccount", account), *(("ConfigMap", m) for m in maps)} <= rendered.names()
    assert secrets == ["tag-compliance-postgres"]
    [policy] = rendered.of("NetworkPolicy")
    chosen = policy["spec"]["podSelector"]["matchLabels"]
    assert chosen.items() <= template["metadata"]["labels"].items()


def test_the_service_monitor_selects_the_service_and_the_rule_is_applied(tmp_path: Path) -> None:
    rendered = render_with_all_components(tmp_path)
    [monitor], [rule] = rendered.of("ServiceMonitor"), rendered.of("PrometheusRule")
    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    assert {o["metadata"]["namespace"] for o in (monitor, rule)} == {"tag-compliance"}
    chosen = monitor["spec"]["selector"]["matchLabels"].items()
    services = [s for s in rendered.of("Service") if chosen <= s["metadata"]["labels"].items()]
    [endpoint] = monitor["spec"]["endpoints"]
    [port] = [p for s in services for p in s["spec"]["ports"]]
    assert (endpoint["port"], endpoint["path"]) == (port["name"], "/metrics")


def test_the_annotations_of_the_service_lead_prometheus_to_the_metrics(rendered: Rendered) -> None:
    assert rendered.get("Service", "tag-compliance")["metadata"]["annotations"] == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": "8080",
        "prometheus.io/path": "/metrics",
    }


def _selected(rendered: Rendered, labels: Mapping[str, str]) -> list[Manifest]:
    """The pods that have all these labels."""
    pods = rendered.pods().values()
    return [pod for pod in pods if labels.items() <= pod["metadata"]["labels"].items()]
