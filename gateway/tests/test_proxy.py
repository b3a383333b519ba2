"""What goes through the gateway, and what does not; against a real upstream server."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from gateway.testing import SECRET, Asker, Echo, gateway_before_echo, running_gateway


@pytest.fixture
async def ask(tmp_path: Path) -> AsyncIterator[Asker]:
    async with gateway_before_echo(tmp_path) as asker:
        yield asker


async def test_a_request_goes_on_with_the_signed_token_and_only_needed_headers(ask: Asker) -> None:
    status, told, headers = await ask(
        "POST",
        "/api/v1/contacts?x=1&y=%C3%A9",
        {"first_name": "Ada"},
        Idempotency_Key="k1",
        If_Match='"3"',
        Everlog_Token="person-1@2",
        X_Request_ID="my-request",
        X_Strange="1",
        Everlog_Client="10.0.0.1",
        Everlog_Session="forged",
        X_Forwarded_For="10.0.0.1",
    )
    assert (status, told["method"], told["path"]) == (200, "POST", "/api/v1/contacts?x=1&y=%C3%A9")
    assert told["body"] == '{"first_name": "Ada"}'
    sent = told["headers"]
    assert sent["authorization"].startswith("Bearer eyJ")
    assert SECRET not in str(sent)
    assert (sent["idempotency-key"], sent["if-match"]) == ("k1", '"3"')
    assert (sent["everlog-token"], sent["x-request-id"]) == ("person-1@2", "my-request")
    assert sent["everlog-client"] == "127.0.0.1"
    assert not {"x-strange", "everlog-session", "x-forwarded-for", "cookie"} & set(sent)
    assert headers["X-Request-ID"] == "my-request"
    assert (headers["ETag"], headers["Everlog-Token"][-2:]) == ('"7"', "@7")
    assert "X-Internal" not in headers
    assert "Set-Cookie" not in headers


async def test_a_trace_that_comes_in_goes_on(ask: Asker) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    _, told, _ = await ask("GET", "/api/v1/deals", traceparent=f"00-{trace}-00f067aa0ba902b7-01")
    assert told["headers"]["traceparent"].split("-")[1] == trace


async def test_an_impossible_request_id_is_replaced(ask: Asker) -> None:
    _, told, headers = await ask("GET", "/api/v1/deals", X_Request_ID="a b<script>")
    assert told["headers"]["x-request-id"] == headers["X-Request-ID"] != "a b<script>"


async def test_only_identity_learns_which_session_asks(ask: Asker) -> None:
    _, told, _ = await ask("GET", "/api/v1/me")
    assert told["headers"]["everlog-session"] == ask.echo.session
    _, told, _ = await ask("GET", "/api/v1/deals")
    assert "everlog-session" not in told["headers"]


@pytest.mark.parametrize(
    "path",
    [
        "/internal/tokens",
        "/api/v1/internal/tokens",
        "/api/v1/users/../internal/tokens",
        "/api/v1/users/%2e%2e/%2e%2e/%2e%2e/internal/tokens",
        "/api/v1/users/..%2f..%2f..%2finternal/tokens",
        "/api/v1//internal/tokens",
        "/t/..%2finternal/tokens",
        "/api/v1/ops/standing",
        "/api/v1/nowhere",
        "/api/v2/contacts",
        "/openapi.json",
        "/api",
        "/t/",
    ],
)
async def test_what_is_not_in_the_table_is_not_reached(ask: Asker, path: str) -> None:
    before = ask.echo.exchanges
    reader, writer = await asyncio.open_connection("127.0.0.1", int(ask.base.rpartition(":")[2]))
    # A client library would tidy the path up before it is sent.
    body = b'{"token":"x"}'
    writer.write(
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
        + body
    )
    answer = await reader.read()
    writer.close()
    status = int(answer.split(b" ", 2)[1])
    assert status in (404, 405), answer
    assert ask.echo.received == []
    assert ask.echo.exchanges <= before + 1  # for the token itself


async def test_links_in_mails_need_no_token(ask: Asker) -> None:
    status, told, _ = await ask("GET", "/t/c/abc", Authorization="")
    assert (status, told["path"]) == (200, "/t/c/abc")
    assert "authorization" not in told["headers"]
    status, told, _ = await ask("POST", "/u/abc", b"List-Unsubscribe=One-Click", Authorization="")
    assert (status, told["body"]) == (200, "List-Unsubscribe=One-Click")


async def test_what_a_browser_says_of_tracking_and_prefetching_goes_on(ask: Asker) -> None:
    said = {
        "sec-gpc": "1",
        "sec-purpose": "prefetch",
        "purpose": "prefetch",
        "x-purpose": "preview",
    }
    _, told, _ = await ask("GET", "/t/o/abc.gif", Authorization="", **said)
    assert {name: told["headers"].get(name) for name in said} == said


async def test_bodies_are_streamed_in_both_directions(ask: Asker) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"y" * 100_000

    status, told, _ = await ask("POST", "/api/v1/contacts", pieces())
    assert (status, told["bytes"]) == (200, 1_000_000)
    assert told["headers"]["transfer-encoding"] == "chunked"
    status, told, _ = await ask("POST", "/api/v1/contacts", b"z" * 1_000_000)
    assert (told["bytes"], told["headers"]["content-length"]) == (1_000_000, "1000000")
    status, content, _ = await ask("GET", "/api/v1/live/pieces")
    assert (status, len(content)) == (200, 64 * 65536)


async def test_too_large_a_body_is_refused_announced_or_not(ask: Asker) -> None:
    status, problem, _ = await ask(
        "POST", "/api/v1/contacts", io.BytesIO(b"x" * (2 * 1024 * 1024 + 1))
    )
    assert (status, problem["code"], problem["most_bytes"]) == (413, "too-large", 2 * 1024 * 1024)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b"y" * 100_000

    status, problem, _ = await ask("POST", "/api/v1/contacts", pieces())
    assert (status, problem["code"]) == (413, "too-large")


async def test_events_come_as_they_happen_and_end_when_the_client_leaves(ask: Asker) -> None:
    headers = {"Authorization": f"Bearer {SECRET}", "Accept": "text/event-stream"}
    url = f"{ask.base}/api/v1/live/stream"
    async with ask.http.get(url, headers=headers) as response:
        assert response.headers["Content-Type"] == "text/event-stream"
        async with asyncio.timeout(2):
            assert await response.content.readline() == b"data: 0\n"
        response.close()
    async with asyncio.timeout(5):
        await ask.echo.left.wait()


async def test_an_answer_that_breaks_off_does_not_look_complete(ask: Asker) -> None:
    with pytest.raises(aiohttp.ClientPayloadError):
        await ask("GET", "/api/v1/live/broken")
    assert (await ask("GET", "/api/v1/deals"))[0] == 200


async def test_unchanged_is_passed_on_without_a_body(ask: Asker) -> None:
    status, content, headers = await ask("GET", "/api/v1/contacts/unchanged", If_None_Match='"7"')
    assert (status, content, headers["ETag"]) == (304, b"", '"7"')


async def test_a_service_that_is_down_is_told_with_when_to_try_again(tmp_path: Path) -> None:
    async with gateway_before_echo(tmp_path) as ask:
        await ask("GET", "/api/v1/deals")  # the token is remembered
        await ask.echo.stop()
        status, problem, headers = await ask("GET", "/api/v1/deals")
        assert (status, problem["code"], problem["service"]) == (503, "unavailable", "pipeline")
        assert headers["Retry-After"] == "2"
        assert headers["Content-Type"] == "application/problem+json"


async def test_a_service_that_is_not_run_here_is_told(tmp_path: Path) -> None:
    echo = Echo(frozenset())
    (tmp_path / "verify.pem").write_bytes(echo.key.as_pem(private=False))
    await echo.start()
    async with running_gateway({"identity": echo.url}, tmp_path) as gateway:
        ask = Asker(gateway, echo)
        status, problem, _ = await ask("GET", "/api/v1/deals")
        assert (status, "does not run" in problem["detail"]) == (503, True)
        assert (await ask("GET", "/readyz"))[0] == 200
        await ask.http.close()
    await echo.stop()


async def test_a_connection_that_was_just_closed_does_not_lose_a_write(ask: Asker) -> None:
    """The server answers one request per connection and hangs up when it gets a second one."""
    taken: list[int] = []

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number in range(2):
            head = await reader.readuntil(b"\r\n\r\n")
            if b"content-length: 2" in head.lower():
                await reader.readexactly(2)
            if number == 0:
                taken.append(len(taken))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        writer.close()

    server = await asyncio.start_server(once, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    ask.gateway.backend.upstreams["contacts"] = f"http://127.0.0.1:{port}"
    for expected in (1, 2, 3):
        status, body, _ = await ask("POST", "/api/v1/contacts", b"{}", Idempotency_Key="k")
        assert (status, body, len(taken)) == (200, b"ok", expected)
    status, problem, _ = await ask("POST", "/api/v1/contacts", b"{}")
    assert (status, problem["code"]) == (503, "unavailable")  # without a key it may not be repeated
    server.close()


async def test_security_headers_are_on_every_answer(ask: Asker) -> None:
    for path in ("/api/v1/deals", "/api/v1/nowhere", "/livez", "/t/c/abc"):
        _, _, headers = await ask("GET", path)
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert "script-src 'self'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "Strict-Transport-Security" not in headers
    _, _, headers = await ask("GET", "/api/v1/deals")
    assert headers["Cache-Control"] == "no-store"


async def test_over_tls_browsers_are_told_to_stay_there(tmp_path: Path) -> None:
    async with gateway_before_echo(tmp_path, public_url="https://crm.example.com") as ask:
        _, _, headers = await ask("GET", "/api/v1/deals")
        assert headers["Strict-Transport-Security"].startswith("max-age=")


async def test_the_address_of_the_client_is_what_the_trusted_proxy_says(tmp_path: Path) -> None:
    async with gateway_before_echo(tmp_path, trusted_proxies=1) as ask:
        _, told, _ = await ask("GET", "/api/v1/deals", X_Forwarded_For="6.6.6.6, 192.0.2.9")
        assert told["headers"]["everlog-client"] == "192.0.2.9"
