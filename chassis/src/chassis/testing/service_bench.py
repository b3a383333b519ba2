"""A whole service in this process, and a client that asks it as a signed-in user."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
from joserfc.jwk import OKPKey

from chassis.clock import SystemClock
from chassis.http.principal import ALL, Principal, sign
from chassis.ids import new_id
from chassis.imports.engine import caught_up
from chassis.manifest import Manifest
from chassis.runner import serve
from chassis.service import BOTH, WORKER, Service
from chassis.settings import ServiceSettings
from chassis.setup import prepare
from embedded.ports import free_port

MASTER_KEY = "00" * 32
"""The same for every service in a test session: they share the topics."""
_FRESH_WITHIN_S = 20.0


class Client:
    """Asks a service as one user. Headers: underscores stand for dashes."""

    def __init__(
        self, settings: ServiceSettings, token: str, principal: Principal, key: OKPKey
    ) -> None:
        self.settings = settings
        self.base = f"http://{settings.listen}"
        self.principal = principal
        self.session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"})
        self._key = key

    async def __call__(
        self, method: str, path: str, json: Any = None, **headers: str
    ) -> tuple[int, Any, Mapping[str, str]]:
        """(status, body, headers)"""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        url = self.base + path
        async with self.session.request(
            method, url, json=json, headers=sent, allow_redirects=False
        ) as response:
            body = await response.json(content_type=None) if response.status != 304 else None
            return response.status, body, response.headers

    async def fresh(self, path: str, tokens: str) -> tuple[int, Any, Mapping[str, str]]:
        """Read what has these writes in it: a read that says it is stale is asked for again, for a
        while, as a busy machine may take longer than one request waits."""
        async with asyncio.timeout(_FRESH_WITHIN_S):
            while True:
                status, body, headers = await self("GET", path, Everlog_Token=tokens)
                if "Everlog-Stale" not in headers:
                    return status, body, headers

    async def post_form(self, path: str, form: aiohttp.FormData) -> tuple[int, Any]:
        """Post a multipart form."""
        async with self.session.post(self.base + path, data=form) as response:
            return response.status, await response.json(content_type=None)

    async def get_text(self, path: str) -> str:
        """A text answer."""
        async with self.session.get(self.base + path) as response:
            return await response.text()

    def other(self, **changes: Any) -> Client:
        """Somebody else of the same installation; close it yourself. `lifetime_s`: of the token."""
        p = self.principal
        principal = Principal(
            changes.get("user_id", new_id()),
            changes.get("workspace", p.workspace),
            changes.get("name", "Grace"),
            changes.get("role", p.role),
            frozenset(changes.get("permissions", p.permissions)),
            changes.get("sees", ALL),
            frozenset(changes.get("owners", ())),
        )
        lifetime_s = changes.get("lifetime_s", 600)
        token = sign(self._key, principal, now=time.time(), lifetime_s=lifetime_s)
        return Client(self.settings, token, principal, self._key)

    async def close(self) -> None:
        """Close the connections."""
        await self.session.close()


@asynccontextmanager
async def running(
    manifest: Manifest,
    postgres: str,
    kafka: str,
    secrets: Path,
    permissions: frozenset[str],
    *,
    workspace: UUID | None = None,
    settings: type[ServiceSettings] = ServiceSettings,
    roles: Sequence[str] = (BOTH,),
    **more: Any,
) -> AsyncIterator[Client]:
    """Set a service up and run it; yields a client for a workspace of its own.

    `roles`: a server for each, sharing only PostgreSQL and Kafka; the client asks the first.
    """
    key = OKPKey.generate_key("Ed25519")
    (secrets / "master.key").write_text(MASTER_KEY)
    (secrets / "signing.key").write_bytes(key.as_pem(private=True))
    (secrets / "verify.pem").write_bytes(key.as_pem(private=False))
    await prepare(manifest, postgres=postgres, kafka=kafka, secrets=secrets)
    given = {"kafka": kafka, "postgres": postgres, "secrets": secrets, **more}
    own = [settings(listen=f"127.0.0.1:{free_port()}", **given) for _ in roles]
    stop = asyncio.Event()
    serving = [
        asyncio.create_task(serve(manifest, each, role, stop))
        for each, role in zip(own, roles, strict=True)
    ]
    principal = Principal(new_id(), workspace or new_id(), "Ada", "administrator", permissions)
    token = sign(key, principal, now=time.time(), lifetime_s=600)
    client = Client(own[0], token, principal, key)
    try:
        for each in own:
            await _ready(client, each.listen)
        if {WORKER, BOTH} & set(roles):
            await _caught_up(manifest, own[0])
        yield client
    finally:
        await client.close()
        stop.set()
        await asyncio.gather(*serving)


async def _caught_up(manifest: Manifest, settings: ServiceSettings) -> None:
    """What earlier tests have left on the topics is behind it."""
    async with parts(manifest, settings) as service:
        await caught_up(service)


@asynccontextmanager
async def parts(manifest: Manifest, settings: ServiceSettings) -> AsyncIterator[Service]:
    """What a worker of a service is made of, connected; nothing runs by itself."""
    service = Service(manifest, settings, SystemClock(), WORKER)
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


@asynccontextmanager
async def at_rest(
    manifest: Manifest,
    postgres: str,
    kafka: str,
    secrets: Path,
    *,
    settings: type[ServiceSettings] = ServiceSettings,
    **more: Any,
) -> AsyncIterator[Service]:
    """A service that is set up, as `parts`: for tests that run one of its tasks alone."""
    verify = OKPKey.generate_key("Ed25519").as_pem(private=False)
    (secrets / "master.key").write_text(MASTER_KEY)
    (secrets / "verify.pem").write_bytes(verify)
    await prepare(manifest, postgres=postgres, kafka=kafka, secrets=secrets)
    listen = f"127.0.0.1:{free_port()}"
    given = settings(listen=listen, kafka=kafka, postgres=postgres, secrets=secrets, **more)
    async with parts(manifest, given) as service:
        yield service


async def _ready(client: Client, listen: str) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                async with client.session.get(f"http://{listen}/readyz") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)
