"""People who sign in to a running identity: for this service's tests and the gateway's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp

from chassis.ids import new_id
from chassis.testing.service_bench import Client, running
from identity.domain.role import ADMINISTRATOR
from identity.manifest import MANIFEST
from identity.settings import IdentitySettings

PASSWORD = "correct horse battery staple"


@dataclass
class Person:
    """Somebody signed in: asks with the signed token, as the gateway would."""

    base: str
    http: aiohttp.ClientSession
    secret: str
    token: str
    session: str | None
    principal: Mapping[str, Any]
    seen: list[str] = field(default_factory=list)

    async def __call__(
        self, method: str, path: str, json: Any = None, **headers: str
    ) -> tuple[int, Any, Mapping[str, str]]:
        """(status, body, headers); reads wait for this person's writes."""
        sent = {"Authorization": f"Bearer {self.token}", "Everlog-Client": "192.0.2.7"}
        if self.session:
            sent["Everlog-Session"] = self.session
        if self.seen and method == "GET":
            sent["Everlog-Token"] = ",".join(self.seen[-8:])
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"{self.base}/api/v1{path}"
        async with self.http.request(method, url, json=json, headers=sent) as response:
            if token := response.headers.get("Everlog-Token"):
                self.seen.append(token)
            body = await response.json(content_type=None) if await response.read() else None
            return response.status, body, response.headers


class Identity:
    """A running identity service with an administrator of a workspace of its own."""

    def __init__(
        self, client: Client, http: aiohttp.ClientSession, email: str, workspace: UUID
    ) -> None:
        self.client = client
        self.email = email
        self.workspace = workspace
        self.http = http
        self.base = client.base

    async def another(self) -> Identity:
        """The same service, seen from another workspace."""
        operator, email = await self.sign_in(), new_email()
        administrator = {"name": "Administrator", "email": email, "password": PASSWORD}
        body = {
            "name": "Bookshop",
            "time_zone": "Europe/Berlin",
            "administrator": administrator,
        }
        status, made, _ = await operator("POST", "/workspaces", body)
        assert status == 201, made
        return Identity(self.client, self.http, email, UUID(made["id"]))

    async def post(
        self, path: str, json: Any, **headers: str
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Ask as nobody."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.post(self.base + path, json=json, headers=sent) as response:
            return response.status, await response.json(content_type=None), response.headers

    async def exchange(self, secret: str) -> tuple[int, Any]:
        """What the gateway gets for a token."""
        return (await self.post("/internal/tokens", {"token": secret}))[:2]

    async def as_holder(self, secret: str) -> Person:
        """Whoever holds a token."""
        status, told = await self.exchange(secret)
        assert status == 200, told
        return Person(
            self.base, self.http, secret, told["token"], told["session"], told["principal"]
        )

    async def sign_in(self, email: str | None = None, password: str = PASSWORD) -> Person:
        """Sign in; the administrator unless somebody else is named."""
        body = {"email": email or self.email, "password": password}
        status, told, headers = await self.post("/api/v1/sessions", body)
        assert status == 201, told
        person = await self.as_holder(told["token"])
        person.seen.append(headers["Everlog-Token"])
        return person


def new_email() -> str:
    """An address that no other test uses: all tests of a session share the database."""
    return f"{new_id()}@example.com"


@asynccontextmanager
async def running_identity(
    postgres: str, kafka: str, secrets: Path, **settings: Any
) -> AsyncIterator[Identity]:
    """See Identity."""
    email, workspace = new_email(), new_id()
    async with (
        running(
            MANIFEST,
            postgres,
            kafka,
            secrets,
            ADMINISTRATOR.permissions,
            workspace=workspace,
            settings=IdentitySettings,
            admin_email=email,
            admin_password=PASSWORD,
            workspace_id=workspace,
            workspace_name="Bookshop",
            workspace_time_zone="Europe/Berlin",
            **settings,
        ) as client,
        aiohttp.ClientSession() as http,
    ):
        yield Identity(client, http, email, workspace)
