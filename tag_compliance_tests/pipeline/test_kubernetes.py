"""Runs as Kubernetes Jobs, as far as they can be tested without a cluster.

With the shipped settings of `k8s/overlays/scale-out`, Dagster's launcher sends Jobs to a fake API,
which records them; their manifests are validated against Kubernetes' schemas. Not tested here: that
a cluster admits and schedules such a pod, that its image starts, and that its service account may
read AWS and the bucket.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import kubernetes_validate
import pytest
import yaml
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.launcher import LaunchRunContext, WorkerStatus
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster_postgres.utils import pg_url_from_config
from sqlalchemy import create_engine

from tag_compliance.pipeline.run_requests import publish_request
from tag_compliance.pipeline.run_tags import PUBLISH_JOB, SCAN_JOB
from tag_compliance_tests.pipeline.fake_kubernetes import FakeKubernetes, fake_kubernetes
from tag_compliance_tests.pipeline.pipelines import Pipeline

SHIPPED = Path(__file__).parents[2] / "k8s" / "overlays" / "scale-out" / "dagster.yaml"
IMAGE = "registry.example/tag-compliance:1.0.0"
NAMESPACE = "observability"
PASSED_ON = {
    "POD_NAMESPACE": NAMESPACE,
    "TAG_COMPLIANCE_CONFIG": "/app/config.yaml",
    "TAG_COMPLIANCE_LOG_FORMAT": "json",
    "TAG_COMPLIANCE_STORAGE": "s3://bucket/prefix",
}
ORIGIN = JobPythonOrigin(
    SCAN_JOB,
    RepositoryPythonOrigin(
        executable_path="python",
        code_pointer=ModuleCodePointer("tag_compliance.definitions", "definitions", None),
        container_image=IMAGE,
    ),
)


@pytest.fixture
def kubernetes() -> Iterator[FakeKubernetes]:
    with fake_kubernetes() as fake:
        yield fake


@pytest.fixture
def cluster(
    tmp_path: Path,
    empty_home: Path,
    kubernetes: FakeKubernetes,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Pipeline]:
    """Dagster with the shipped settings, except where the database and the cluster are."""
    for name, value in PASSED_ON.items():
        monkeypatch.setenv(name, value)
    settings = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    home = str(shutil.copytree(empty_home, tmp_path / "dagster"))
    settings["storage"] = {"sqlite": {"base_dir": home}}
    settings["local_artifact_storage"]["config"]["base_dir"] = home
    settings["run_launcher"]["config"] |= {
        "load_incluster_config": False,
        "kubeconfig_file": kubernetes.write_kubeconfig(tmp_path / "kubeconfig"),
    }
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        pipeline = Pipeline(tmp_path, instance)
        pipeline.configure([f"{n:012d}" for n in range(5)], max_accounts_per_run=2)
        yield pipeline


def launch(
    pipeline: Pipeline, tags: dict[str, str] | None = None, job: str = SCAN_JOB
) -> dg.DagsterRun:
    """Launches a run as the daemon launches a run from the queue."""
    instance = pipeline.instance
    run = instance.create_run_for_job(
        pipeline.definitions().resolve_job_def(job), tags=tags, job_code_origin=ORIGIN
    )
    instance.run_launcher.launch_run(LaunchRunContext(run, workspace=None))
    return run


def test_each_run_of_a_scan_becomes_a_job(cluster: Pipeline, kubernetes: FakeKubernetes) -> None:
    runs = [launch(cluster, dict(request.tags)) for request in cluster.requests()]
    assert len(runs) == 3
    publishing = publish_request(runs[-1], None)
    runs.append(launch(cluster, dict(publishing.tags), PUBLISH_JOB))
    assert kubernetes.posted_to == [f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"] * 4
    found = {job["metadata"]["labels"]["dagster/run-id"] for job in kubernetes.jobs.values()}
    assert found == {run.run_id for run in runs}


def test_the_job_is_valid_and_runs_the_image_of_this_project_without_privileges(
    cluster: Pipeline, kubernetes: FakeKubernetes
) -> None:
    run = launch(cluster)
    (job,) = kubernetes.jobs.values()
    kubernetes_validate.validate(job, "1.34", strict=True)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**job, "unknown": 1}, "1.34", strict=True)
    assert job["spec"]["backoffLimit"] == 0
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == IMAGE
    assert container["args"][:5] == ["python", "-m", "dagster", "api", "execute_run"]
    assert run.run_id in container["args"][5]
    assert pod["restartPolicy"] == "Never"
    assert pod["serviceAccountName"] == "tag-compliance-run"
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    environment = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert (PASSED_ON | {"DAGSTER_HOME": "/app/dagster"}).items() <= environment.items()
    mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert {"/app/config.yaml", "/app/dagster", "/tmp", "/app/state"} <= mounts


def test_run_monitoring_reads_the_health_of_a_run_from_its_job(
    cluster: Pipeline, kubernetes: FakeKubernetes
) -> None:
    run_id = launch(cluster).run_id
    launcher = cluster.instance.run_launcher
    assert launcher.supports_check_run_worker_health
    assert cluster.instance.run_monitoring_enabled
    run = cluster.instance.get_run_by_id(run_id)
    assert run is not None
    for status, health in (
        ("active", WorkerStatus.RUNNING),
        ("failed", WorkerStatus.FAILED),
        ("succeeded", WorkerStatus.SUCCESS),
    ):
        kubernetes.status = {status: 1}
        assert launcher.check_run_worker_health(run).status is health


def test_the_shipped_storage_names_a_driver_that_is_installed() -> None:
    """SQLAlchemy's default driver is psycopg 3, but dagster-postgres depends on psycopg2."""
    settings = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    database = settings["storage"]["postgres"]["postgres_db"]
    given = {name: "x" if isinstance(v, dict) else v for name, v in database.items()}
    assert create_engine(pg_url_from_config({"postgres_db": given})).driver == "psycopg2"
