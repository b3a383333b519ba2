"""Who gets through the gateway, with what, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.cookies import csrf_of
from gateway.testing import OTHER_SECRET, SECRET, Asker, gateway_before_echo

COOKIE = f"everlog_session={SECRET}"
CSRF = csrf_of(SECRET)


@pytest.fixture
async def ask(tmp_path: Path) -> AsyncIterator[Asker]:
    async with gateway_before_echo(tmp_path) as asker:
        yield asker


async def test_a_token_is_exchanged_once_and_remembered(ask: Asker) -> None:
    answers = await asyncio.gather(*(ask("GET", "/api/v1/deals") for _ in range(20)))
    assert {status for status, _, _ in answers} == {200}
    assert ask.echo.exchanges == 1
    await ask("GET", "/api/v1/deals", Authorization=f"Bearer {OTHER_SECRET}")
    assert ask.echo.exchanges == 2


@pytest.mark.parametrize(
    "authorization",
    ["Bearer everlog_s_unknown", "Bearer eyJhbGciOiJFZDI1NTE5In0.e30.x", "Basic YTpi", "Bearer "],
)
async def test_what_is_no_good_token_is_refused_here(ask: Asker, authorization: str) -> None:
    status, problem, headers = await ask("GET", "/api/v1/deals", Authorization=authorization)
    assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
    assert problem["detail"]
    assert ask.echo.received == []


async def test_nobody_goes_on_as_nobody(ask: Asker) -> None:
    _, told, _ = await ask("GET", "/api/v1/deals", Authorization="")
    assert "authorization" not in told["headers"]


async def test_whoever_signs_out_through_this_gateway_is_out_at_once(ask: Asker) -> None:
    assert (await ask("GET", "/api/v1/me"))[0] == 200
    del ask.echo.known[SECRET]
    assert (await ask("GET", "/api/v1/me"))[0] == 200  # remembered
    assert (await ask("DELETE", "/api/v1/sessions/current"))[0] == 200
    assert (await ask("GET", "/api/v1/me"))[0] == 401


async def test_an_old_token_does_not_keep_anybody_from_signing_in(ask: Asker) -> None:
    status, told, _ = await ask("POST", "/api/v1/sessions", {}, Authorization="Bearer everlog_s_x")
    assert status == 200
    assert "authorization" not in told["headers"]


async def test_a_browser_reads_with_its_cookie(ask: Asker) -> None:
    status, told, _ = await ask("GET", "/api/v1/deals", Cookie=f"a=b; {COOKIE}")
    assert (status, told["headers"]["authorization"][:10]) == (200, "Bearer eyJ")


async def test_a_browser_writes_only_with_proof_that_it_is_our_page(ask: Asker) -> None:
    for headers in (
        {},
        {"X_CSRF_Token": "wrong"},
        {"X_CSRF_Token": CSRF, "Sec_Fetch_Site": "cross-site"},
        {"X_CSRF_Token": CSRF, "Sec_Fetch_Site": "same-site"},
        {"X_CSRF_Token": CSRF, "Origin": "https://evil.example"},
        {"X_CSRF_Token": CSRF, "Origin": "null"},
    ):
        status, problem, _ = await ask("POST", "/api/v1/deals", {}, Cookie=COOKIE, **headers)
        assert (status, problem["code"]) == (403, "csrf"), headers
    assert ask.echo.received == []
    for headers in (
        {"X_CSRF_Token": CSRF},
        {"X_CSRF_Token": CSRF, "Sec_Fetch_Site": "same-origin"},
        {"X_CSRF_Token": CSRF, "Origin": ask.base},
    ):
        status, _, _ = await ask("POST", "/api/v1/deals", {}, Cookie=COOKIE, **headers)
        assert status == 200, headers


async def test_a_program_with_a_token_needs_no_such_proof(ask: Asker) -> None:
    status, _, _ = await ask("POST", "/api/v1/deals", {}, Origin="https://elsewhere.example")
    assert status == 200


async def test_a_browser_sees_its_own_writes(ask: Asker) -> None:
    _, _, headers = await ask("POST", "/api/v1/deals", {}, Cookie=COOKIE, X_CSRF_Token=CSRF)
    cookie = headers["Set-Cookie"]
    assert cookie.startswith("everlog_seen=person-00000000-0000-0000-0000-000000000001@7;")
    assert {"HttpOnly", "SameSite=Lax", "Max-Age=60"} <= set(cookie.split("; "))
    seen = cookie.partition(";")[0]
    _, told, _ = await ask("GET", "/api/v1/deals", Cookie=f"{COOKIE}; {seen}")
    assert told["headers"]["everlog-token"] == "person-00000000-0000-0000-0000-000000000001@7"


async def test_guessing_is_slowed_down_by_address_and_signing_in_is_not(tmp_path: Path) -> None:
    async with gateway_before_echo(tmp_path, sign_ins_per_minute=3) as ask:
        for _ in range(5):
            assert (await ask("POST", "/api/v1/sessions?status=201", {}))[0] == 201
        for _ in range(3):
            assert (await ask("POST", "/api/v1/sessions?status=401", {}))[0] == 401
        status, problem, headers = await ask("POST", "/api/v1/sessions?status=401", {})
        assert (status, problem["code"]) == (429, "too-many-requests")
        assert 1 <= int(headers["Retry-After"]) <= 21
        assert (await ask("GET", "/api/v1/deals"))[0] == 200
