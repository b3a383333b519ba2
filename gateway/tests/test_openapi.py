"""One document out of many, in which nothing contradicts anything."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from chassis.imports import import_router
from gateway import imports
from gateway.openapi import merge
from gateway.testing import Asker, gateway_before_echo


def part(paths: dict[str, Any], **schemas: Any) -> dict[str, Any]:
    return {"paths": paths, "components": {"schemas": schemas}}


def operation(reference: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{reference}"}
    return {
        "requestBody": {"content": {"application/json": {"schema": schema}}},
        "responses": {
            "201": {"description": "Made"},
            "422": {"content": {"x": {"schema": {"$ref": "#/components/schemas/Gone"}}}},
        },
    }


def test_schemas_with_the_same_name_and_another_form_get_the_services_name() -> None:
    item, other = {"type": "object", "title": "a"}, {"type": "object", "title": "b"}
    merged = merge(
        {
            "contacts": part({"/api/v1/contacts": {"post": operation("Item")}}, Item=item),
            "pipeline": part({"/api/v1/deals": {"post": operation("Item")}}, Item=other),
            "campaigns": part({"/api/v1/templates": {"post": operation("Item")}}, Item=item),
        },
        part({}),
        "http://x",
    )
    schemas = merged["components"]["schemas"]
    assert (schemas["Item"], schemas["PipelineItem"]) == (item, other)

    def used(path: str) -> str:
        body = merged["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        return str(body["schema"]["$ref"]).rpartition("/")[2]

    assert used("/api/v1/deals") == "PipelineItem"
    assert used("/api/v1/templates") == used("/api/v1/contacts") == "Item"


def test_only_what_the_gateway_lets_through_is_told() -> None:
    merged = merge(
        {
            "identity": part(
                {
                    "/api/v1/users": {"get": {}},
                    "/api/v1/ops/standing": {"get": {}},
                    "/api/v1/contacts": {"get": {}},
                    "/internal/tokens": {"post": {}},
                }
            )
        },
        part({"/api/v1/ops/services": {"get": {}}, "/livez": {"get": {}}}),
        "http://x",
    )
    assert list(merged["paths"]) == ["/api/v1/ops/services", "/api/v1/users"]


def test_every_operation_says_how_it_refuses_and_which_headers_it_takes() -> None:
    paths = {"/api/v1/contacts": {"post": operation("Item"), "get": {}}}
    merged = merge({"contacts": part(paths, Item={}, HTTPValidationError={})}, part({}), "http://x")
    post = merged["paths"]["/api/v1/contacts"]["post"]
    assert set(post["responses"]) == {"201", "default"}
    assert post["parameters"] == [{"$ref": "#/components/parameters/IdempotencyKey"}]
    get = merged["paths"]["/api/v1/contacts"]["get"]
    assert get["parameters"] == [{"$ref": "#/components/parameters/EverlogToken"}]
    assert "HTTPValidationError" not in merged["components"]["schemas"]
    references = json.dumps(merged["paths"])
    for name in ("Problem", "Item"):
        assert f"#/components/schemas/{name}" in references
        assert name in merged["components"]["schemas"]


def operations_of(router: APIRouter) -> set[tuple[str, str]]:
    routes = [route for route in router.routes if isinstance(route, APIRoute)]
    return {(method, route.path) for route in routes for method in route.methods or ()}


def test_only_what_services_can_do_about_imports_is_told() -> None:
    assert operations_of(imports.router) == operations_of(import_router(()))


@pytest.fixture
async def ask(tmp_path: Path) -> AsyncIterator[Asker]:
    async with gateway_before_echo(tmp_path) as asker:
        yield asker


async def test_the_document_is_there_without_a_token_and_when_services_are_away(
    ask: Asker,
) -> None:
    await ask.echo.stop()
    status, document, _ = await ask("GET", "/api/openapi.json", Authorization="")
    assert status == 200
    assert "/api/v1/imports" in document["paths"]
    assert "/api/v1/ops/mails/{mail_id}" in document["paths"]
    body = document["paths"]["/api/v1/imports"]["post"]["requestBody"]["content"]
    assert "file" in body["multipart/form-data"]["schema"]["properties"]
