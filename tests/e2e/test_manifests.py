"""docker-compose.yml and infra/k8s describe the same platform, and forget no process of it."""

from __future__ import annotations

import re
import runpy
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from everlog.home import Home
from everlog.services import PROGRAMS, SERVICES

ROOT = Path(__file__).parents[2]
SERVERS = {"postgres", "kafka"}
ONCE = {"secrets", "setup", "sample"}
# What only containers on one machine have: a mail sink, and a place for the operator's command.
COMPOSE_ONLY = {*SERVERS, *ONCE, "mailbox", "operator"}
# Not of the platform: who wants to watch it asks for them.
WATCHING = {"prometheus", "grafana", "jaeger", "otel-collector", "node-exporter"}
WITHOUT_A_MAILBOX = {"EVERLOG_MAILBOX"}


@cache
def compose() -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return found


@cache
def manifests() -> tuple[Mapping[str, Any], ...]:
    kustomization = yaml.safe_load((ROOT / "infra/k8s/kustomization.yaml").read_text())
    files = [ROOT / "infra/k8s" / name for name in kustomization["resources"]]
    return tuple(doc for file in files for doc in yaml.safe_load_all(file.read_text()))


def of_kind(kind: str) -> dict[str, Any]:
    return {doc["metadata"]["name"]: doc for doc in manifests() if doc["kind"] == kind}


@cache
def patch() -> Mapping[str, Any]:
    text = (ROOT / "infra/k8s/process.yaml").read_text()
    found: Mapping[str, Any] = yaml.safe_load(text)["spec"]["template"]["spec"]["containers"][0]
    return found


PROCESSES = sorted(set(compose()) - COMPOSE_ONLY - WATCHING)


def container(name: str) -> Mapping[str, Any]:
    [found] = of_kind("Deployment")[name]["spec"]["template"]["spec"]["containers"]
    return found  # type: ignore[no-any-return]


def environment_in_compose(name: str) -> dict[str, str]:
    return {key: str(value) for key, value in compose()[name]["environment"].items()}


def environment_in_k8s(name: str) -> dict[str, str]:
    """Secrets have no value here."""
    own = {each["name"]: each.get("value", "") for each in patch()["env"]}
    for source in container(name)["envFrom"]:
        if "configMapRef" in source:
            own |= of_kind("ConfigMap")[source["configMapRef"]["name"]]["data"]
        else:
            assert source["secretRef"]["name"] == "everlog-mail"
            own["EVERLOG_SMTP"] = ""
    return own


def test_every_program_of_the_platform_runs_in_containers() -> None:
    """Services as two processes each, what else there is as one."""
    wanted = {f"{name}-{role}" for name in SERVICES for role in ("api", "worker")}
    wanted |= {program.name for program in PROGRAMS if program.name not in SERVICES}
    assert set(PROCESSES) | {"mailbox"} == wanted
    assert set(of_kind("Deployment")) == set(PROCESSES)


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_is_the_same_in_compose_and_in_kubernetes(name: str) -> None:
    here, there = compose()[name], container(name)
    command = here.get("command") or ["python", "-m", "gateway"]  # else the image's
    assert there["command"] == command
    assert there["image"] == here["image"].partition(":")[0]
    assert patch()["name"] == there["name"]
    extra = set(environment_in_compose(name)) - WITHOUT_A_MAILBOX
    assert set(environment_in_k8s(name)) == extra
    for key in ("EVERLOG_LISTEN", "EVERLOG_SECRETS"):
        assert environment_in_k8s(name)[key] == environment_in_compose(name)[key]
    [mount] = [each for each in here["volumes"] if ":/run/everlog/secrets" in each]
    volumes = of_kind("Deployment")[name]["spec"]["template"]["spec"]["volumes"]
    [secret] = [each["secret"]["secretName"] for each in volumes if "secret" in each]
    assert mount.split(":")[0].removeprefix("secrets-") == secret.removeprefix("everlog-")


@pytest.mark.parametrize("name", PROCESSES)
def test_pods_carry_the_labels_that_everything_else_selects(name: str) -> None:
    deployment = of_kind("Deployment")[name]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["metadata"]["labels"] == labels
    assert labels["app.kubernetes.io/part-of"] == "everlog"
    assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()
    role = name.rpartition("-")[2] if name != "gateway" else "gateway"
    assert labels["everlog/role"] == role
    services = of_kind("Service")
    assert (name in services) == (role != "worker"), "who answers requests has a Service"
    if name in services:
        assert services[name]["spec"]["selector"].items() <= labels.items()
        [port] = services[name]["spec"]["ports"]
        assert port["targetPort"] in [each["name"] for each in patch()["ports"]]
    if role == "worker":
        scaler = of_kind("HorizontalPodAutoscaler")[name]["spec"]
        assert scaler["scaleTargetRef"]["name"] == name
    if role != "stream":
        budget = of_kind("PodDisruptionBudget")[name]["spec"]
        assert budget["selector"]["matchLabels"].items() <= labels.items()


def test_the_gateway_finds_every_service_under_a_name_that_exists() -> None:
    here = _addresses(environment_in_compose("gateway")["EVERLOG_SERVICES"])
    assert here == _addresses(environment_in_k8s("gateway")["EVERLOG_SERVICES"])
    assert set(here) == {*SERVICES, "analytics-stream"}
    for host, port in here.values():
        assert host in PROCESSES
        assert port == environment_in_compose(host)["EVERLOG_LISTEN"].rpartition(":")[2]
        [offered] = of_kind("Service")[host]["spec"]["ports"]
        assert str(offered["port"]) == port
    listened = {each["containerPort"] for each in patch()["ports"]}
    assert listened == {int(patch()["env"][0]["value"].rpartition(":")[2])}


def test_the_sample_is_loaded_through_the_gateway_where_it_listens() -> None:
    """Here, because no run of CI loads it in containers: EVERLOG_SAMPLE=none there."""
    name = Path(compose()["sample"]["command"][-1]).name
    script = runpy.run_path(str(ROOT / "infra" / "compose" / name))
    address = script["gateway_of"](Home.of(environment_in_compose("sample")))
    port = environment_in_compose("gateway")["EVERLOG_LISTEN"].rpartition(":")[2]
    assert address == f"http://gateway:{port}"
    assert compose()["sample"]["depends_on"]["gateway"] == {"condition": "service_healthy"}


def test_the_doors_lead_to_the_gateway_on_loopback() -> None:
    published = {name: each["ports"] for name, each in compose().items() if "ports" in each}
    assert set(published) - WATCHING == {"gateway", "kafka"}
    for ports in published.values():
        assert all(port.startswith("127.0.0.1:") for port in ports)
    [rule] = of_kind("Ingress")["everlog"]["spec"]["rules"]
    [path] = rule["http"]["paths"]
    assert path["backend"]["service"]["name"] == "gateway"


def test_only_identity_has_the_signing_key_and_only_operators_the_superuser() -> None:
    for name, each in compose().items():
        volumes = [volume.split(":")[0] for volume in each.get("volumes", [])]
        entitled = name.startswith("identity-") or name == "secrets"
        assert ("secrets-identity" in volumes) == entitled, name
        operates = name in {"secrets", "setup", "sample", "operator"}
        assert ("home" in volumes) == operates, name
        text = yaml.safe_dump(each.get("environment", {}))
        assert ("postgres@" in text or "PGPASSFILE" in text) <= operates, name
        assert ("EVERLOG_ADMIN_PASSWORD" in text) == (name == "secrets"), name
    for name in PROCESSES:
        assert "@" not in environment_in_k8s(name)["EVERLOG_LISTEN"]
        assert "@" not in environment_in_k8s(name).get("EVERLOG_POSTGRES", "")


@pytest.mark.parametrize("name", sorted(compose()))
def test_every_container_is_bounded_and_unprivileged(name: str) -> None:
    each = compose()[name]
    assert set(each["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert each["cap_drop"] == ["ALL"]
    assert each["security_opt"] == ["no-new-privileges:true"]
    assert each["logging"]["options"]["max-size"]
    assert name == "kafka" or each["read_only"], "Kafka's image writes its settings into itself"
    if name in ONCE:
        assert each["restart"] == "no"
    else:
        assert each["restart"] == "unless-stopped"
        healthy = each.get("healthcheck", {}).get("start_interval")
        assert healthy or name == "operator" or name in WATCHING
    tag = each["image"].rpartition(":")[2]
    assert tag not in ("", "latest")
    ours = name not in SERVERS | WATCHING
    assert not ours or each["build"]["dockerfile"] == "infra/service.Dockerfile"


def test_who_watches_is_there_only_when_asked_for() -> None:
    assert {name for name, each in compose().items() if "profiles" in each} == WATCHING
    for name in sorted(WATCHING):
        assert compose()[name]["profiles"] == ["observability"]


def test_settings_that_can_be_set_are_told() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    told = (ROOT / ".env.example").read_text()
    for variable in sorted(set(re.findall(r"\$\{([A-Z_]+)", text))):
        assert f"#{variable}=" in told, f".env.example does not tell of {variable}"


def _addresses(text: str) -> dict[str, tuple[str, str]]:
    """name → (host, port)"""
    found = {}
    for part in text.split(","):
        name, _, url = part.partition("=")
        host, _, port = url.removeprefix("http://").partition(":")
        found[name] = (host, port)
    return found
