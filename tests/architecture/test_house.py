"""Every service has its places, and nothing in it is forgotten by its manifest or its tests."""

from __future__ import annotations

import os
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from everlog.manifests import all_manifests
from everlog.services import PROGRAMS, SERVICES

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(path.name for path in (ROOT / "services").iterdir() if path.is_dir())
MANIFESTS = {manifest.service: manifest for manifest in all_manifests()}
PACKAGES = ("chassis", "embedded", "everlog", "gateway", *SERVICES)


def source(service: str) -> Path:
    return ROOT / "services" / service / "src" / service


def modules(service: str, folder: str) -> list[str]:
    return sorted(
        path.stem for path in (source(service) / folder).glob("*.py") if path.stem != "__init__"
    )


def test_every_folder_of_a_service_is_a_service_that_is_started() -> None:
    assert sorted(SERVICES) == FOLDERS
    assert {p.module for p in PROGRAMS} >= set(SERVICES)


@pytest.mark.parametrize("service", FOLDERS)
@pytest.mark.parametrize(
    "place", ["README.md", "pyproject.toml", "tests", "src/{0}/manifest.py", "src/{0}/__main__.py"]
)
def test_every_service_has_its_places(service: str, place: str) -> None:
    assert (ROOT / "services" / service / place.format(service)).exists()


@pytest.mark.parametrize("service", FOLDERS)
def test_every_service_is_named_where_services_are_listed(service: str) -> None:
    for name in ("docker-compose.yml", ".importlinter", "README.md", "infra/k8s/services.yaml"):
        assert service in (ROOT / name).read_text(), f"{name} forgets {service}"


@pytest.mark.parametrize("service", FOLDERS)
def test_every_read_model_is_in_the_manifest_and_has_a_test(service: str) -> None:
    named = {p.project.__module__.rpartition(".")[2] for p in MANIFESTS[service].projections}
    folders = ["read_models", "facts"] if service == "analytics" else ["read_models"]
    for name in (name for folder in folders for name in modules(service, folder)):
        assert name in named, f"{service}: read model {name} is not in the manifest"
        assert _test_of(service, name), f"{service}: there is no tests/test_{name}.py"


@pytest.mark.parametrize("service", FOLDERS)
def test_every_aggregate_is_in_the_manifest_and_has_a_test(service: str) -> None:
    known = {d.decide.__module__.rpartition(".")[2] for d in MANIFESTS[service].deciders}
    for name in modules(service, "domain"):
        module = import_module(f"{service}.domain.{name}")
        if any(type(value).__name__ == "Decider" for value in vars(module).values()):
            assert name in known, f"{service}: aggregate {name} is not in the manifest"
            assert _test_of(service, name), f"{service}: there is no tests/test_{name}.py"


@pytest.mark.parametrize("service", FOLDERS)
def test_reactions_have_a_test(service: str) -> None:
    if MANIFESTS[service].reactions:
        assert _test_of(service, "reactions")


def test_every_kpi_is_in_the_catalogue_and_has_a_test() -> None:
    catalogue = import_module("analytics.catalogue").KPIS
    named = {kpi.name for kpi in catalogue}
    for name in modules("analytics", "kpis"):
        assert name in named, f"KPI {name} is not in analytics/catalogue.py"
        assert _test_of("analytics", name), f"there is no tests/test_{name}.py"


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_a_module_has_no_effect(package: str) -> None:
    """In a process of its own, with an empty environment: nothing is read, nothing is opened."""
    names = [package]
    for found in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
        if not found.name.endswith("__main__"):
            names.append(found.name)
    code = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"
    ran = subprocess.run(
        [sys.executable, "-c", code, *names],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == ""


def _test_of(service: str, name: str) -> bool:
    return (ROOT / "services" / service / "tests" / f"test_{name}.py").exists()
