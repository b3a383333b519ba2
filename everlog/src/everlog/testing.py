"""The whole platform for tests: one brought up for them, or one in containers; and its visitors."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import aiohttp

from chassis.ids import new_id
from embedded.ports import free_base
from everlog.home import CHECKOUT, DEFAULT_PORT, PORTS, Credentials, Home
from everlog.lifecycle import take_down

_OF_OTHER_COPIES = ("EVERLOG_POSTGRES", "EVERLOG_KAFKA", "EVERLOG_SMTP", "EVERLOG_SECRETS")
_FRESH_WITHIN_S = 20.0
_PASSWORD = "correct horse battery staple"


class Platform(Protocol):
    """A running platform."""

    @property
    def url(self) -> str:
        """Where it answers."""
        ...

    @property
    def credentials(self) -> Credentials:
        """Of the first workspace's administrator."""
        ...

    def everlog(self, *arguments: str, token: str = "", files: Path | None = None) -> Any:
        """What the operator's command answers with --json. `files`: a folder it is to see; {files}
        in an argument stands for it. Raises AssertionError with what it said if it fails."""
        ...


@dataclass(frozen=True)
class EmbeddedPlatform:
    """Started by `everlog up` on this machine."""

    url: str
    credentials: Credentials
    environ: Mapping[str, str]

    def everlog(self, *arguments: str, token: str = "", files: Path | None = None) -> Any:
        """See Platform."""
        told = [argument.replace("{files}", str(files)) for argument in arguments]
        command = [sys.executable, "-P", "-m", "everlog", *told, "--json"]
        return _answer(command, {**self.environ, "EVERLOG_TOKEN": token})


@dataclass(frozen=True)
class ComposePlatform:
    """Started by `docker compose up` from docker-compose.yml."""

    url: str
    credentials: Credentials

    def everlog(self, *arguments: str, token: str = "", files: Path | None = None) -> Any:
        """See Platform."""
        mount = ["--volume", f"{files}:/files:ro"] if files else []
        if files:
            files.chmod(0o755)  # the container's user is nobody whom this machine knows
        told = [argument.replace("{files}", "/files") for argument in arguments]
        command = ["docker", "compose", "run", "--rm", "--no-deps", "-T", *mount]
        command += ["--env", f"EVERLOG_TOKEN={token}", "operator", "everlog", *told, "--json"]
        return _answer(command, os.environ)


def _answer(command: list[str], environ: Mapping[str, str]) -> Any:
    done = subprocess.run(
        command,
        cwd=CHECKOUT,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout)


def environ_of(home: Path) -> dict[str, str]:
    """The environment of an empty platform in `home`, on free ports."""
    port = free_base(PORTS)
    environ = {name: value for name, value in os.environ.items() if name not in _OF_OTHER_COPIES}
    own = {"EVERLOG_HOME": str(home), "EVERLOG_PORT": str(port), "EVERLOG_SAMPLE": "none"}
    return environ | own


@contextmanager
def embedded_platform(home: Path, **more: str) -> Iterator[EmbeddedPlatform]:
    """Bring up an empty platform on free ports with all its state in `home`; take it down again.

    `more`: further variables of its environment.
    """
    environ = environ_of(home) | more
    try:
        _answer([sys.executable, "-P", "-m", "everlog", "up", "--json"], environ)
        its = Home.of(environ)
        yield EmbeddedPlatform(its.url, its.credentials(), environ)
    finally:
        take_down(Home.of(environ))


def compose_platform() -> Platform:
    """The platform that docker compose has brought up from this checkout."""
    asked = ["docker", "compose", "exec", "-T", "operator", "cat", "credentials"]
    lines = subprocess.run(asked, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    values = dict(line.split("=", 1) for line in lines.splitlines())
    port = os.environ.get("EVERLOG_PORT") or DEFAULT_PORT
    credentials = Credentials(values["EVERLOG_ADMIN_EMAIL"], values["EVERLOG_ADMIN_PASSWORD"])
    return ComposePlatform(f"http://127.0.0.1:{port}", credentials)


@dataclass(frozen=True)
class Answer:
    """What the API answered."""

    status: int
    body: Any
    headers: Mapping[str, str]

    def __getitem__(self, name: str) -> Any:
        assert isinstance(self.body, dict), self
        assert name in self.body, self
        return self.body[name]


class Visitor:
    """Somebody who asks the API, and whose reads see what they wrote before."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.token = ""
        self.workspace = UUID(int=0)
        self._session = session
        self._url = url
        self._written: dict[str, str] = {}

    async def sign_in(self, credentials: Credentials) -> None:
        """From now on they are somebody."""
        body = {"email": credentials.email, "password": credentials.password}
        signed_in = await self.post("/api/v1/sessions", body)
        self.token, self.workspace = signed_in["token"], UUID(signed_in["workspace"])

    async def get(self, path: str, **params: Any) -> Answer:
        """Read; it has to work."""
        async with asyncio.timeout(_FRESH_WITHIN_S):
            answer = await self.ask("GET", path, params=params)
            while "Everlog-Stale" in answer.headers:  # a busy machine: it is asked again
                answer = await self.ask("GET", path, params=params)
        assert answer.status == 200, answer
        return answer

    async def post(self, path: str, json: Any = None, **headers: str) -> Answer:
        """Write; it has to work."""
        answer = await self.ask("POST", path, json=json, headers=headers)
        assert answer.status in (200, 201, 202), answer
        return answer

    async def ask(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Whatever comes of it."""
        sent = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if self._written:  # the streams last written to; a header has its bounds
            sent["Everlog-Token"] = ",".join(f"{s}@{v}" for s, v in self._written.items())
        async with self._session.request(
            method, self._url + path, json=json, params=params, headers=sent, allow_redirects=False
        ) as response:
            text = await response.text()
            is_json = "json" in response.content_type
            answer = Answer(response.status, _json(text) if is_json else text, response.headers)
        written = answer.headers.get("Everlog-Token")
        if written:
            stream, _, version = written.rpartition("@")
            self._written[stream] = version
        return answer


def _json(text: str) -> Any:
    return json.loads(text) if text else None


@asynccontextmanager
async def visiting(platform: Platform) -> AsyncIterator[Visitor]:
    """The first workspace's administrator, signed in."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        visitor = Visitor(session, platform.url)
        await visitor.sign_in(platform.credentials)
        yield visitor


@asynccontextmanager
async def visiting_alone(platform: Platform, **workspace: str) -> AsyncIterator[Visitor]:
    """The administrator of a new workspace: no other test can get in the way."""
    credentials = Credentials(f"{new_id()}@example.org", _PASSWORD)
    administrator = {"email": credentials.email, "password": credentials.password}
    named = {"name": "Test", **workspace, "administrator": administrator}
    async with visiting(platform) as operator:
        opened = await operator.post("/api/v1/workspaces", named)
        visitor = Visitor(operator._session, platform.url)
        await visitor.sign_in(credentials)
        assert str(visitor.workspace) == opened["id"]
        yield visitor
