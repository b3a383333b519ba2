"""What can be run, set, called or measured is told in the docs, and what the docs name is there."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from pydantic_settings import BaseSettings

from analytics.catalogue import KPIS
from analytics.kpi_docs import document
from everlog.__main__ import command_line
from everlog.manifests import all_manifests
from everlog.services import SERVICES
from gateway import events, imports, mails, ops
from gateway.routing import COMPOSED, PREFIXES

ROOT = Path(__file__).parents[2]
OPERATORS = ROOT / "docs" / "guides" / "operators.md"
_SETTING = re.compile(r"\bEVERLOG_[A-Z][A-Z_]*[A-Z]\b")
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_OPERATION = re.compile(r"`(GET|POST|PUT|PATCH|DELETE) (/[^`?\s]*)`")
_CODE = re.compile(r"`([^`\n]+)`")
_FILE = re.compile(r"[\w.-]+(/[\w.-]+)+\.(py|md|toml|ya?ml|xml|css|mjs)")
_NOT_READ_BY_US = frozenset({"EVERLOG_TEST_COMMANDS", "EVERLOG_SOME_SETTING"})


@cache
def files() -> tuple[Path, ...]:
    """What is in the repository, or is going to be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    names = dict.fromkeys(listed.stdout.splitlines())
    return tuple(ROOT / name for name in names if (ROOT / name).is_file())


def pages() -> list[Path]:
    """Every page of the docs."""
    return [path for path in files() if path.suffix == ".md"]


def name_of(path: Path) -> str:
    """A file as people name it."""
    return path.relative_to(ROOT).as_posix()


def make_targets() -> list[str]:
    return re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)


def commands() -> Iterator[str]:
    """Every command of `everlog`, those of its groups by both words."""
    app = command_line()
    groups = {f"{g.name} ": g.typer_instance for g in app.registered_groups}
    for prefix, group in {"": app, **groups}.items():
        assert group is not None
        for command in group.registered_commands:
            assert command.callback is not None
            yield prefix + (command.name or command.callback.__name__)


def settings() -> set[str]:
    """Every variable that something reads: fields of settings, and what is named in code."""
    found = set()
    for module in ("chassis", "gateway", *SERVICES):
        if find_spec(f"{module}.settings") is None:
            continue
        for value in vars(import_module(f"{module}.settings")).values():
            if isinstance(value, type) and issubclass(value, BaseSettings):
                found |= {f"EVERLOG_{field.upper()}" for field in value.model_fields}
    for path in files():
        if path.suffix in (".py", ".yml", ".yaml", ".Dockerfile") or path.parent.name == ".ci":
            found |= set(_SETTING.findall(path.read_text()))
    return found - _NOT_READ_BY_US


def operations() -> set[tuple[str, str]]:
    """Every operation of the public API, as (method, path after /api/v1)."""
    found = set()
    for manifest in all_manifests():
        for method, path in _operations_of(manifest.routers):
            if PREFIXES.get(path.split("/")[1]) == manifest.service:
                found.add((method, path))
    own = [module.router for module in (events, imports, mails, ops)]
    return found | {(m, p) for m, p in _operations_of(own) if p.split("/")[1] in COMPOSED}


def _operations_of(routers: Iterable[APIRouter]) -> Iterator[tuple[str, str]]:
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute) and route.include_in_schema:
                for method in (route.methods or set()) - {"HEAD"}:
                    yield method, route.path


@pytest.mark.parametrize("target", make_targets())
def test_every_make_target_is_told(target: str) -> None:
    assert f"`make {target}`" in OPERATORS.read_text()


@pytest.mark.parametrize("command", list(commands()))
def test_every_command_is_told_to_operators_and_where_it_is_made(command: str) -> None:
    assert re.search(rf"`(everlog )?{command}\b", OPERATORS.read_text())
    assert re.search(rf"^\| `{command}\b", (ROOT / "everlog/README.md").read_text(), re.MULTILINE)


def test_every_setting_is_told_and_no_other() -> None:
    told = set(_SETTING.findall(OPERATORS.read_text()))
    assert settings() - told == set(), "docs/guides/operators.md forgets these settings"
    assert told - settings() == set(), "docs/guides/operators.md tells of settings nobody reads"


@pytest.mark.parametrize("service", [*SERVICES, "gateway"])
def test_every_service_is_found_from_the_first_page_and_the_index(service: str) -> None:
    readme = "gateway/README.md" if service == "gateway" else f"services/{service}/README.md"
    assert f"({readme})" in (ROOT / "README.md").read_text()
    assert f"(../{readme})" in (ROOT / "docs" / "index.md").read_text()


def test_the_kpi_page_is_current_and_has_every_kpi() -> None:
    page = (ROOT / "docs" / "kpis.md").read_text()
    assert page == document(), "run: .venv/bin/python -m analytics.kpi_docs"
    assert [kpi.name for kpi in KPIS if f"`{kpi.name}`" not in page] == []


def test_every_operation_of_the_api_is_told_and_no_other() -> None:
    tables = (ROOT / "docs" / "api.md").read_text().partition("\n## Operations\n")[2]
    told = set(_OPERATION.findall(tables))
    assert sorted(operations() - told) == [], "docs/api.md forgets these operations"
    assert sorted(told - operations()) == [], "docs/api.md tells of operations that are not there"


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{name_of(page)}: {link}"
        for page in pages()
        for link in _LINK.findall(_FENCED.sub("", page.read_text()))
        if "://" not in link and not _leads_somewhere(page, link)
    ]
    assert broken == []


def _leads_somewhere(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists() or not anchor:
        return target.exists()
    return anchor in {_slug(heading) for heading in _HEADING.findall(target.read_text())}


def _slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_files_and_tests_that_pages_name_are_there() -> None:
    there = [f"/{name_of(path)}" for path in files()]
    code = "\n".join(path.read_text() for path in files() if path.suffix == ".py")
    tests = set(re.findall(r"def (test_\w+)", code)) | {path.stem for path in files()}
    missing = []
    for page in pages():
        for name in _CODE.findall(_FENCED.sub("", page.read_text())):
            if _FILE.fullmatch(name) and not any(path.endswith(f"/{name}") for path in there):
                missing.append(f"{name_of(page)}: {name}")
            if re.fullmatch(r"test_\w+", name) and name not in tests:
                missing.append(f"{name_of(page)}: {name}")
    assert missing == []


def test_only_the_live_stream_knows_faust() -> None:
    """Decision 0012: it is derived, and can be replaced in a day."""
    peers = ROOT / "benchmarks" / "peers"  # what we are measured against
    known = [
        p for p in files() if p.suffix == ".py" and p != Path(__file__) and peers not in p.parents
    ]
    users = [
        name_of(p) for p in known if re.search(r"^\s*(import|from) faust", p.read_text(), re.M)
    ]
    assert users == ["services/analytics/src/analytics/stream.py"]
