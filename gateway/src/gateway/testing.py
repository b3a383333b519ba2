"""A gateway in this process with upstreams of a test's own choice: for the gateway's tests."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
from aiohttp import web
from joserfc.jwk import OKPKey

from chassis.http.principal import Principal, sign
from chassis.ids import new_id
from embedded.ports import free_port
from gateway.app import Gateway
from gateway.routing import SERVICES
from gateway.serving import serve
from gateway.settings import GatewaySettings

SECRET = "everlog_s_test"
OTHER_SECRET = "everlog_a_program"


class Echo:
    """An upstream that plays every service: it says what it was sent, streams, fails on demand.

    As identity it knows two tokens: a session (SECRET) and an API token (OTHER_SECRET). What
    `answers` has for a path, it answers.
    """

    def __init__(self, permissions: frozenset[str]) -> None:
        self.key = OKPKey.generate_key("Ed25519")
        self.workspace = new_id()
        self.user = new_id()
        self.permissions = permissions
        self.session = str(new_id())
        self.known = {SECRET: self.session, OTHER_SECRET: None}
        self.exchanges = 0
        self.answers: dict[str, tuple[int, Any]] = {}
        self.bodies: list[Any] = []
        self.received: list[tuple[str, str, dict[str, str]]] = []
        self.left = asyncio.Event()
        self.port = free_port()
        self._app = web.Application(client_max_size=100 * 1024 * 1024)
        self._app.router.add_post("/internal/tokens", self._exchange)
        self._app.router.add_get("/readyz", self._ready)
        self._app.router.add_get("/api/v1/live/stream", self._events)
        self._app.router.add_get("/api/v1/live/pieces", self._pieces)
        self._app.router.add_get("/api/v1/live/broken", self._broken)
        self._app.router.add_get("/api/v1/contacts/unchanged", self._unchanged)
        self._app.router.add_route("*", "/{path:.*}", self._echo)
        self._runner = web.AppRunner(self._app)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    def principal(self) -> Principal:
        """Whom its tokens stand for."""
        return Principal(self.user, self.workspace, "Ada", "administrator", self.permissions)

    async def _exchange(self, request: web.Request) -> web.Response:
        self.exchanges += 1
        secret = (await request.json())["token"]
        if secret not in self.known:
            return web.json_response({"detail": "unknown"}, status=401)
        who = self.principal()
        principal = {
            "user_id": str(who.user_id),
            "workspace": str(who.workspace),
            "name": who.name,
            "role": who.role,
            "permissions": sorted(who.permissions),
            "sees": who.sees,
            "owners": [],
        }
        token = sign(self.key, who, now=time.time(), lifetime_s=300)
        session = self.known[secret]
        told = {"token": token, "expires_in_s": 300, "session": session, "principal": principal}
        return web.json_response(told)

    async def _ready(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ready"})

    async def _echo(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append((request.method, request.path_qs, headers))
        body = await request.read()
        if request.path in self.answers:
            self.bodies.append(json.loads(body) if body else None)
            status, answer = self.answers[request.path]
            return web.json_response(answer, status=status)
        told = {
            "method": request.method,
            "path": request.raw_path,
            "headers": headers,
            "bytes": len(body),
            "body": body[:200].decode("latin-1"),
        }
        status = int(request.query.get("status", "200"))
        answered = {
            "ETag": '"7"',
            "Everlog-Token": f"person-{UUID(int=1)}@7",
            "X-Internal": "not for others",
            "Set-Cookie": "theirs=1",
        }
        if request.method == "GET":
            del answered["Everlog-Token"]
        return web.json_response(told, status=status, headers=answered)

    async def _unchanged(self, _: web.Request) -> web.Response:
        return web.Response(status=304, headers={"ETag": '"7"'})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            for number in range(1000):
                await response.write(f"data: {number}\n\n".encode())
                await asyncio.sleep(0.02)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.left.set()
        return response

    async def _pieces(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        await response.prepare(request)
        for _ in range(64):
            await response.write(b"x" * 65536)
        return response

    async def _broken(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        await response.write(b"so far")
        assert request.transport is not None
        request.transport.abort()
        return response


class Asker:
    """Asks the gateway as a client."""

    def __init__(self, gateway: Gateway, echo: Echo) -> None:
        self.gateway = gateway
        self.base = f"http://{gateway.settings.listen}"
        self.echo = echo
        self.http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())

    async def __call__(
        self, method: str, path: str, data: Any = None, **headers: str
    ) -> tuple[int, Any, Mapping[str, str]]:
        """(status, body as JSON if it is, headers); as the session unless told otherwise."""
        sent = {name.replace("_", "-"): value for name, value in headers.items() if value}
        if "Authorization" not in headers and "Cookie" not in headers:
            sent["Authorization"] = f"Bearer {SECRET}"
        if isinstance(data, dict):
            sent.setdefault("Content-Type", "application/json")
            data = json.dumps(data).encode()
        async with self.http.request(
            method, self.base + path, data=data, headers=sent, allow_redirects=False
        ) as response:
            content = await response.read()
            if "json" in response.headers.get("Content-Type", ""):
                return response.status, json.loads(content), response.headers
            return response.status, content, response.headers


@asynccontextmanager
async def running_gateway(
    upstreams: Mapping[str, str], secrets: Path, **more: Any
) -> AsyncIterator[Gateway]:
    """A gateway before these upstreams, listening."""
    settings = GatewaySettings(
        listen=f"127.0.0.1:{free_port()}",
        services=",".join(f"{name}={url}" for name, url in upstreams.items()),
        secrets=secrets,
        **more,
    )
    stop, gateway = asyncio.Event(), Gateway(settings)
    serving = asyncio.create_task(serve(gateway, stop))
    try:
        await _until_alive(f"http://{settings.listen}")
        yield gateway
    finally:
        stop.set()
        await serving


@asynccontextmanager
async def gateway_before_echo(
    secrets: Path, permissions: frozenset[str] = frozenset({"ops"}), **more: Any
) -> AsyncIterator[Asker]:
    """A gateway behind which one echo plays all services."""
    echo = Echo(permissions)
    (secrets / "verify.pem").write_bytes(echo.key.as_pem(private=False))
    await echo.start()
    upstreams = dict.fromkeys(SERVICES, echo.url)
    try:
        async with running_gateway(upstreams, secrets, **more) as gateway:
            asker = Asker(gateway, echo)
            try:
                yield asker
            finally:
                await asker.http.close()
    finally:
        await echo.stop()


async def _until_alive(base: str) -> None:
    async with aiohttp.ClientSession() as http, asyncio.timeout(20):
        while True:
            try:
                async with http.get(f"{base}/livez") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)
