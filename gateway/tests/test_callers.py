"""What a page can rely on: who asks, that reads see writes, that forms are ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from fastapi import APIRouter, FastAPI, Request

from chassis.runner import KEEP_ALIVE_S
from gateway.backend import POOL_KEEPS_S, Caller
from gateway.cookies import csrf_of
from gateway.testing import SECRET, Asker, gateway_before_echo

COOKIE = f"everlog_session={SECRET}"
TOKEN = "person-00000000-0000-0000-0000-000000000001@7"

router = APIRouter()


@router.get("/probe")
async def show(request: Request) -> dict[str, Any]:
    caller: Caller = request.scope["everlog.caller"]
    answer = await caller.get("/api/v1/deals", limit=3, cursor=None)
    told = answer.json()
    return {
        "name": caller.principal["name"] if caller.principal else None,
        "may": caller.may("ops"),
        "csrf": caller.csrf,
        "status": answer.status,
        "path": told.get("path"),
        "headers": told.get("headers"),
    }


@router.post("/probe")
async def change(request: Request) -> dict[str, Any]:
    caller: Caller = request.scope["everlog.caller"]
    made = await caller.post("/api/v1/contacts", {"first_name": "Ada"}, Idempotency_Key="k")
    read = await caller.get("/api/v1/contacts")
    form = await request.form()
    sent = made.json()["headers"]
    return {"wrote": sent, "read": read.json()["headers"], "form": str(form.get("name"))}


@router.post("/probe/sign-in")
async def sign_in(request: Request) -> dict[str, Any]:
    caller: Caller = request.scope["everlog.caller"]
    answer = await caller.sign_in("ada@example.com", "secret")
    return {"status": answer.status, "retry": answer.headers.get("Retry-After")}


@router.post("/probe/sign-out")
async def sign_out(request: Request) -> None:
    caller: Caller = request.scope["everlog.caller"]
    await caller.sign_out()


@pytest.fixture
async def ask(tmp_path: Path) -> AsyncIterator[Asker]:
    async with gateway_before_echo(tmp_path, sign_ins_per_minute=2) as asker:
        own = asker.gateway.backend.own
        assert isinstance(own, FastAPI)
        pages = FastAPI()
        pages.include_router(router)
        own.router.routes[:0] = pages.router.routes
        yield asker


async def test_a_page_learns_who_asks_and_asks_on_their_behalf(ask: Asker) -> None:
    _, told, _ = await ask("GET", "/probe", Cookie=COOKIE, User_Agent="Firefox")
    assert (told["name"], told["may"], told["csrf"]) == ("Ada", True, csrf_of(SECRET))
    assert told["path"] == "/api/v1/deals?limit=3"
    sent = told["headers"]
    assert sent["authorization"].startswith("Bearer eyJ")
    assert (sent["everlog-client"], sent["user-agent"]) == ("127.0.0.1", "Firefox")


async def test_nobody_and_somebody_with_an_old_cookie_see_the_page_as_nobody(ask: Asker) -> None:
    for cookie in ("", "everlog_session=everlog_s_old"):
        status, told, headers = await ask("GET", "/probe", Cookie=cookie)
        assert (status, told["name"], told["may"], told["csrf"]) == (200, None, False, "")
        assert "authorization" not in told["headers"]
        assert ("Max-Age=0" in headers.get("Set-Cookie", "")) is bool(cookie)


async def test_what_a_page_wrote_its_next_reads_show(ask: Asker) -> None:
    status, told, headers = await ask("POST", "/probe", Cookie=COOKIE, X_CSRF_Token=csrf_of(SECRET))
    assert status == 200
    assert (told["wrote"]["idempotency-key"], told["read"]["everlog-token"]) == ("k", TOKEN)
    seen = headers["Set-Cookie"].partition(";")[0]
    assert seen == f"everlog_seen={TOKEN}"
    _, told, _ = await ask("GET", "/probe", Cookie=f"{COOKIE}; {seen}")
    assert told["headers"]["everlog-token"] == TOKEN


async def test_a_form_carries_the_proof_that_it_is_ours(ask: Asker) -> None:
    for token, expected in ((csrf_of(SECRET), 200), ("wrong", 403), ("", 403)):
        form = aiohttp.FormData({"name": "Zoë", "csrf_token": token})()
        headers = {"Content_Type": str(form.content_type), "Cookie": COOKIE}
        status, told, _ = await ask("POST", "/probe", form, **headers)
        assert status == expected
        if expected == 200:
            assert told["form"] == "Zoë"  # the body is still there for the page


async def test_a_multipart_form_needs_the_header(ask: Asker) -> None:
    for headers, expected in (({}, 403), ({"X_CSRF_Token": csrf_of(SECRET)}, 200)):
        form = aiohttp.FormData(
            {"name": "Zoë", "csrf_token": csrf_of(SECRET)}, default_to_multipart=True
        )()
        kind = str(form.content_type)
        status, _, _ = await ask(
            "POST", "/probe", form, Cookie=COOKIE, Content_Type=kind, **headers
        )
        assert status == expected


async def test_another_sites_form_does_not_sign_anybody_in(ask: Asker) -> None:
    status, problem, _ = await ask("POST", "/probe/sign-in", Cookie="", Sec_Fetch_Site="cross-site")
    assert (status, problem["code"]) == (403, "csrf")


async def test_signing_in_through_a_page_is_slowed_down_as_well(ask: Asker) -> None:
    for _ in range(2):
        assert (await ask("POST", "/probe/sign-in", Cookie=""))[1]["status"] == 200  # no 201
    _, told, headers = await ask("POST", "/probe/sign-in", Cookie="")
    assert (told["status"], told["retry"] is not None) == (429, True)
    assert "Set-Cookie" not in headers


async def test_signing_out_ends_the_session_and_drops_the_cookie(ask: Asker) -> None:
    token = csrf_of(SECRET)
    _, _, headers = await ask("POST", "/probe/sign-out", Cookie=COOKIE, X_CSRF_Token=token)
    dropped = [line for line in headers.getall("Set-Cookie") if "everlog_session" in line]  # type: ignore[attr-defined]
    assert "Max-Age=0" in dropped[0]
    method, path, sent = ask.echo.received[-1]
    assert (method, path) == ("DELETE", "/api/v1/sessions/current")
    assert sent["everlog-session"] == ask.echo.session


async def test_composed_paths_answer_pages_too(ask: Asker) -> None:
    backend = ask.gateway.backend
    answer = await backend.call("GET", "/api/v1/ops/mails", token=SECRET)
    assert (answer.status, answer.ok) == (404, False)
    assert "EVERLOG_SMTP" in answer.json()["detail"]
    answer = await backend.call(
        "GET", "/api/v1/events", token=SECRET, params={"service": "pipeline"}
    )
    assert (answer.status, answer.json()["path"].partition("?")[0]) == (200, "/api/v1/events")
    answer = await backend.call("GET", "/api/v1/nowhere", token=SECRET)
    assert answer.status == 404
    answer = await backend.call("GET", "/api/v1/deals", token="everlog_s_unknown")
    assert (answer.status, answer.json()["code"]) == (401, "token-invalid")
    assert (await backend.session_token(SECRET)).startswith("eyJ")


def test_services_keep_connections_longer_than_the_gateway_uses_them() -> None:
    assert POOL_KEEPS_S < KEEP_ALIVE_S


async def test_a_service_that_is_down_is_an_answer_and_no_exception(ask: Asker) -> None:
    await ask.echo.stop()
    answer = await ask.gateway.backend.call("GET", "/api/v1/deals")
    assert (answer.status, answer.json()["service"]) == (503, "pipeline")
    assert answer.headers["retry-after"] == "2"
