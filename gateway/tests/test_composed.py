"""What several services answer together, with identity as the real one among them."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp
import asyncpg
import pytest
import pytest_asyncio

from chassis.ids import new_id
from chassis.settings import ServiceSettings
from gateway.app import Gateway
from gateway.testing import running_gateway
from identity.testing import PASSWORD, Identity, running_identity

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


@dataclass
class Edge:
    """A gateway before a real identity; `contacts` is configured and down."""

    gateway: Gateway
    identity: Identity
    http: aiohttp.ClientSession

    @property
    def settings(self) -> ServiceSettings:
        """Identity's."""
        return self.identity.client.settings

    async def __call__(
        self, method: str, path: str, token: str | None = None, **more: Any
    ) -> tuple[int, Any, Any]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= more.pop("headers", {})
        url = f"http://{self.gateway.settings.listen}{path}"
        async with self.http.request(method, url, headers=headers, **more) as response:
            content = await response.read()
            is_json = "json" in response.headers.get("Content-Type", "")
            return (
                response.status,
                json.loads(content) if is_json else content,
                response.headers,
            )

    async def sign_in(self) -> str:
        body = {"email": self.identity.email, "password": PASSWORD}
        status, told, _ = await self("POST", "/api/v1/sessions", json=body)
        assert status == 201, told
        return str(told["token"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(
    postgres_dsn: str, kafka_bootstrap: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Edge]:
    secrets = tmp_path_factory.mktemp("secrets")
    async with running_identity(postgres_dsn, kafka_bootstrap, secrets) as identity:
        upstreams = {"identity": identity.base, "contacts": "http://127.0.0.1:9"}
        async with (
            running_gateway(upstreams, secrets) as gateway,
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
        ):
            yield Edge(gateway, identity, http)


async def test_one_signs_in_works_and_signs_out_through_the_gateway(edge: Edge) -> None:
    token = await edge.sign_in()
    status, me, _ = await edge("GET", "/api/v1/me", token)
    assert (status, me["email"]) == (200, edge.identity.email)
    _, sessions, _ = await edge("GET", "/api/v1/sessions", token)
    assert sessions["items"][0]["current"]
    assert sessions["items"][0]["address"] == "127.0.0.1"
    assert (await edge("DELETE", "/api/v1/sessions/current", token))[0] == 204
    assert (await edge("GET", "/api/v1/me", token))[0] == 401


async def test_a_deactivated_user_is_out_at_once(edge: Edge) -> None:
    admin = await edge.sign_in()
    email = f"{edge.identity.workspace}@example.org"
    body = {"name": "Anna", "email": email, "password": PASSWORD}
    _, made, _ = await edge("POST", "/api/v1/users", admin, json=body)
    body = {"email": email, "password": PASSWORD}
    anna = (await edge("POST", "/api/v1/sessions", json=body))[1]["token"]
    assert (await edge("GET", "/api/v1/me", anna))[0] == 200
    path = f"/api/v1/users/{made['id']}/deactivate"
    assert (await edge("POST", path, admin))[0] == 200
    assert (await edge("GET", "/api/v1/me", anna))[0] == 401


async def test_the_internal_exchange_is_not_reachable(edge: Edge) -> None:
    token = await edge.sign_in()
    for path in ("/internal/tokens", "/api/v1/internal/tokens"):
        status, told, _ = await edge("POST", path, token, json={"token": token})
        assert status in (404, 405)
        assert "eyJ" not in str(told)


async def test_the_log_is_found_by_what_the_question_says(edge: Edge) -> None:
    token = await edge.sign_in()
    status, problem, _ = await edge("GET", "/api/v1/events", token)
    assert (status, problem["services"][0]) == (422, "identity")
    user = (await edge("GET", "/api/v1/me", token))[1]["id"]
    for query in ("service=identity", f"stream=user-{user}", "type=identity.user-added.v1"):
        status, feed, _ = await edge("GET", f"/api/v1/events?{query}&limit=3&wait_s=5", token)
        assert (status, len(feed["items"]) > 0) == (200, True), query
    assert (await edge("GET", "/api/v1/events?service=identity"))[0] == 401


async def test_operators_see_what_is_up_and_what_is_down(edge: Edge) -> None:
    token = await edge.sign_in()
    status, services, _ = await edge("GET", "/api/v1/ops/services", token)
    assert status == 200
    by_name = {item["service"]: item for item in services["items"]}
    assert by_name["identity"]["status"] == "ready"
    assert by_name["identity"]["outbox"]["events"] >= 0
    assert by_name["contacts"]["status"] == "down"
    assert "does not answer" in by_name["contacts"]["error"]
    status, models, _ = await edge("GET", "/api/v1/ops/projections", token)
    names = {(item["service"], item["name"], item["status"]) for item in models["items"]}
    assert ("identity", "users", "live") in names
    assert list(models["down"]) == ["contacts"]
    status, lag, _ = await edge("GET", "/api/v1/ops/lag", token)
    assert {item["service"] for item in lag["items"]} == {"identity"}
    assert (await edge("GET", "/api/v1/ops/parked", token))[1]["items"] == []
    assert (await edge("GET", "/readyz"))[0] == 503
    assert (await edge("GET", "/api/v1/ops/services"))[0] == 401


async def test_a_rebuild_is_asked_for_and_watched(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("listen", "kafka", "postgres", "secrets"):  # for the process that rebuilds
        monkeypatch.setenv(f"EVERLOG_{name.upper()}", str(getattr(edge.settings, name)))
    token = await edge.sign_in()
    body = {"service": "identity", "kind": "rebuild", "read_model": "teams"}
    status, asked, _ = await edge("POST", "/api/v1/ops/errands", token, json=body)
    assert status == 202
    async with asyncio.timeout(60):
        while True:
            path = f"/api/v1/ops/errands/{asked['id']}"
            _, errand, _ = await edge("GET", path, token)
            if errand["status"] in ("done", "failed"):
                break
            await asyncio.sleep(0.2)
    assert (errand["service"], errand["status"]) == ("identity", "done")
    _, errands, _ = await edge("GET", "/api/v1/ops/errands", token)
    assert errands["items"][0]["id"] == asked["id"]
    body["service"] = "nowhere"
    assert (await edge("POST", "/api/v1/ops/errands", token, json=body))[0] == 422


async def test_a_parked_sequence_is_asked_of_the_service_that_has_it(edge: Edge) -> None:
    token = await edge.sign_in()
    path = f"/api/v1/ops/parked/identity/{quote('reaction:*', safe='')}/user-{new_id()}"
    status, problem, _ = await edge("GET", path, token)
    assert (status, "is not parked in reaction:*" in problem["detail"]) == (404, True)
    status, problem, _ = await edge("GET", path.replace("identity", "nowhere"), token)
    assert (status, "no service nowhere" in problem["detail"]) == (422, True)
    assert (await edge("GET", path))[0] == 401


def _form(type_: str, content: bytes = b"name,team\nAda,North\n") -> aiohttp.FormData:
    form = aiohttp.FormData()
    form.add_field(
        "file", io.BytesIO(content), filename="users.csv"
    )  # before the type: order is no matter
    form.add_field("type", type_)
    return form


async def test_an_import_goes_to_whom_its_type_belongs_and_is_found_by_id(edge: Edge) -> None:
    token = await edge.sign_in()
    status, preview, _ = await edge("POST", "/api/v1/imports/preview", token, data=_form("users"))
    assert status == 200, preview
    assert (status, preview["mapping"]) == (200, {"name": "name", "team": "team"})
    rows = (b"Person %d,Team %d,%s\n" % (n, n % 9, b"x" * 1000) for n in range(2_500))
    lines = b"name,team,remark\n" + b"".join(rows)
    assert len(lines) > 2 * 1024 * 1024
    form = _form("users", lines)
    form.add_field("dry_run", "true")
    status, big, headers = await edge("POST", "/api/v1/imports", token, data=form)
    assert (status, headers["Location"]) == (202, f"/api/v1/imports/{big['id']}")
    status, small, _ = await edge("POST", "/api/v1/imports", token, data=_form("users"))
    assert status == 202
    status, job, _ = await edge("GET", f"/api/v1/imports/{big['id']}", token)
    assert (status, job["rows"]) == (200, 2_500)
    _, page, _ = await edge("GET", "/api/v1/imports?limit=1", token)
    assert [item["id"] for item in page["items"]] == [small["id"]]
    assert list(page["down"]) == ["contacts"]
    _, rest, _ = await edge("GET", f"/api/v1/imports?cursor={page['next']}", token)
    assert [item["id"] for item in rest["items"]] == [big["id"]]
    status, _, headers = await edge("GET", f"/api/v1/imports/{small['id']}/errors.csv", token)
    assert headers["Content-Type"].startswith("text/csv")


async def test_who_may_not_import_sees_no_import(edge: Edge) -> None:
    admin = await edge.sign_in()
    email = f"{new_id()}@example.org"
    body = {"name": "Max", "email": email, "password": PASSWORD, "role": "marketing_manager"}
    assert (await edge("POST", "/api/v1/users", admin, json=body))[0] == 201
    _, started, _ = await edge("POST", "/api/v1/imports", admin, data=_form("users"))
    signed_in = {"email": email, "password": PASSWORD}
    token = (await edge("POST", "/api/v1/sessions", json=signed_in))[1]["token"]
    for path in ("", f"/{started['id']}", f"/{started['id']}/errors.csv"):
        status, problem, _ = await edge("GET", f"/api/v1/imports{path}", token)
        assert (status, problem["permission"]) == (403, "imports.run")
    status, _, _ = await edge("POST", "/api/v1/imports", token, data=_form("users"))
    assert status == 403


async def test_an_import_that_is_sent_again_with_its_key_is_one(edge: Edge) -> None:
    token, key = await edge.sign_in(), str(new_id())
    answers = [
        await edge(
            "POST", "/api/v1/imports", token, data=_form("users"), headers={"Idempotency-Key": key}
        )
        for _ in range(2)
    ]
    assert [status for status, _, _ in answers] == [202, 202]
    assert answers[0][1] == answers[1][1]
    assert answers[1][2]["Idempotent-Replayed"] == "true"


async def test_rows_that_are_not_kept_any_more_are_told_so(edge: Edge, postgres_dsn: str) -> None:
    token = await edge.sign_in()
    form = _form("users", b"name,role\nAda,king\n")
    _, started, _ = await edge("POST", "/api/v1/imports", token, data=form)
    path = f"/api/v1/imports/{started['id']}"
    async with asyncio.timeout(30):
        while (await edge("GET", path, token))[1]["status"] != "done":
            await asyncio.sleep(0.1)
    status, content, _ = await edge("GET", f"{path}/errors.csv", token)
    assert (status, b"king" in content) == (200, True)
    connection = await asyncpg.connect(postgres_dsn.rpartition("/")[0] + "/everlog_identity")
    await connection.execute("update imports.jobs set key = null where id = $1", started["id"])
    await connection.close()
    status, problem, _ = await edge("GET", f"{path}/errors.csv", token)
    assert (status, problem["code"]) == (404, "not-kept")


async def test_an_import_without_type_or_file_says_what_is_missing(edge: Edge) -> None:
    token = await edge.sign_in()
    status, problem, _ = await edge("POST", "/api/v1/imports", token, data=_form("unicorns"))
    assert (status, "companies" in problem["detail"]) == (422, True)
    form = aiohttp.FormData({"type": "users"})
    form.add_field("x", "y", content_type="text/plain")
    status, problem, _ = await edge("POST", "/api/v1/imports", token, data=form)
    assert (status, problem["errors"][0]["pointer"]) == (422, "#/file")
    status, problem, _ = await edge("POST", "/api/v1/imports", token, json={})
    assert (status, "multipart" in problem["detail"]) == (422, True)
    status, problem, _ = await edge("POST", "/api/v1/imports", token, data=_form("contacts"))
    assert (status, problem["service"]) == (503, "contacts")
    path = "/api/v1/imports/00000000-0000-7000-8000-000000000000"
    assert (await edge("GET", path, token))[0] == 503  # contacts, which is away, might know it


async def test_the_public_document_tells_of_identity(edge: Edge) -> None:
    _, document, _ = await edge("GET", "/api/openapi.json")
    paths = document["paths"]
    assert paths["/api/v1/sessions"]["post"]["security"] == []
    assert "/api/v1/users/{user_id}" in paths
    assert not any("internal" in path or "standing" in path for path in paths)
    assert len([p for p in paths if p.startswith("/api/v1/imports")]) == 7
