"""The table of paths leads to every public operation of every service, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import pytest
from fastapi import APIRouter, FastAPI

from chassis.manifest import Manifest
from everlog.manifests import all_manifests
from gateway.routing import (
    CATEGORIES,
    COMPOSED,
    IMPORT_TYPES,
    PREFIXES,
    PUBLIC,
    SERVICES,
    is_plain,
    word_of,
)
from gateway.web.pages.imports import TYPES

MANIFESTS = {manifest.service: manifest for manifest in all_manifests()}


def words(routers: tuple[APIRouter, ...]) -> Iterator[str]:
    """The first words of all paths."""
    app = FastAPI()
    for router in routers:
        app.include_router(router)
    for path in app.openapi()["paths"]:
        yield path.split("/")[1]


@pytest.mark.parametrize("manifest", MANIFESTS.values(), ids=list(MANIFESTS))
def test_every_operation_of_a_service_is_reached(manifest: Manifest) -> None:
    for word in set(words(manifest.routers)) - COMPOSED:
        assert PREFIXES.get(word) == manifest.service, f"/{word} is not in gateway.routing"


def test_every_service_has_a_place_in_the_table() -> None:
    assert set(SERVICES) == set(MANIFESTS)


def test_the_table_names_nothing_that_is_not_there() -> None:
    there = {(w, m.service) for m in MANIFESTS.values() for w in words(m.routers)}
    assert set(PREFIXES.items()) - there == set()
    assert set(PUBLIC.values()) == {m.service for m in MANIFESTS.values() if m.public} - {
        "identity"
    }


def test_every_kind_of_stream_is_found_with_its_owner() -> None:
    owners = {d.category: m.service for m in MANIFESTS.values() for d in m.deciders}
    assert owners == CATEGORIES


@pytest.mark.parametrize("service", sorted(set(IMPORT_TYPES.values())))
def test_every_kind_of_import_goes_to_the_service_that_takes_it(service: str) -> None:
    kinds = {kind.name for kind in import_module(f"{service}.imports").KINDS}
    assert kinds == {kind for kind, taker in IMPORT_TYPES.items() if taker == service}
    assert kinds <= {kind for kind, _, _ in TYPES}, "the page for imports forgets one"


def test_the_first_word_of_a_path_decides() -> None:
    assert word_of("/api/v1/deals/7/moves") == "deals"
    assert word_of("/api/v2/deals") == word_of("/deals") == word_of("/api/v1") == ""


def test_a_path_means_what_it_says() -> None:
    assert is_plain("/api/v1/contacts/1/tags/v1.0")
    assert is_plain("/api/v1/contacts/1/tags/%C3%A9")
    for path in ("/a/../b", "/a/%2e%2E/b", "/a//b", "/a%2fb", "/a%5Cb", "/a\\b", "/a/%00", "/./a"):
        assert not is_plain(path), path
