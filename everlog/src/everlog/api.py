"""The public API, as the operator's command uses it: signed in as the first administrator."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import aiohttp

from embedded.errors import Trouble
from everlog.home import Home

_POLL_S = 0.2

Watch = Callable[[dict[str, Any]], None]


class Api:
    """Requests to the gateway. Every answer that is no success is Trouble with its reason."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url
        self._written = ""

    async def get(self, path: str) -> Any:
        """The body of an answer; what was written last is waited for."""
        headers = {"Everlog-Token": self._written} if self._written else {}
        return await self._ask("GET", path, headers=headers)

    async def post(self, path: str, json: Any = None, *, key: str | None = None) -> Any:
        """Write something; with an idempotency key it can be repeated."""
        headers = {"Idempotency-Key": key} if key else {}
        return await self._ask("POST", path, json=json, headers=headers)

    async def everything(self, path: str) -> list[Any]:
        """All items of a list, page by page."""
        items: list[Any] = []
        cursor = ""
        while True:
            page = await self.get(f"{path}{'&' if '?' in path else '?'}limit=200{cursor}")
            items += page["items"]
            if not page["next"]:
                return items
            cursor = f"&cursor={quote(str(page['next']), safe='')}"

    async def import_file(
        self,
        content: bytes,
        name: str,
        fields: Mapping[str, str],
        watch: Watch = lambda _: None,
        *,
        key: str | None = None,
    ) -> dict[str, Any]:
        """Import a file and wait for the end; `watch` is shown the job on the way. With an
        idempotency key it can be repeated: it is the same job then."""
        started = await self.send_file("/api/v1/imports", content, name, fields, key=key)
        while True:
            job: dict[str, Any] = await self.get(f"/api/v1/imports/{started['id']}")
            if job["status"] in ("done", "failed"):
                return job
            watch(job)
            await asyncio.sleep(_POLL_S)

    async def send_file(
        self,
        path: str,
        content: bytes,
        name: str,
        fields: Mapping[str, str],
        *,
        key: str | None = None,
    ) -> Any:
        """Send a file with form fields."""
        form = aiohttp.FormData(dict(fields))
        form.add_field("file", content, filename=name)
        headers = {"Idempotency-Key": key} if key else {}
        return await self._ask("POST", path, data=form, headers=headers)

    async def _ask(self, method: str, path: str, **request: Any) -> Any:
        try:
            async with self._session.request(method, self._url + path, **request) as response:
                body = await response.json(content_type=None)
                self._written = response.headers.get("Everlog-Token", self._written)
                if response.status >= 400:
                    problem = body if isinstance(body, dict) else {}
                    title = problem.get("title", f"{method} {path}: status {response.status}")
                    raise Trouble(str(title), str(problem.get("detail", "")))
                return body
        except aiohttp.ClientConnectionError as error:
            raise Trouble(
                f"Everlog does not answer at {self._url}.", "Is it up? make status", str(error)
            ) from error


@asynccontextmanager
async def signed_in(url: str, email: str, password: str) -> AsyncIterator[Api]:
    """The API of a copy. EVERLOG_TOKEN, if set, is used instead of e-mail and password."""
    timeout = aiohttp.ClientTimeout(total=300)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        api = Api(session, url.rstrip("/"))
        token = os.environ.get("EVERLOG_TOKEN")
        if not token:
            body = {"email": email, "password": password}
            token = (await api.post("/api/v1/sessions", body))["token"]
        session.headers["Authorization"] = f"Bearer {token}"
        yield api


@asynccontextmanager
async def administering(home: Home) -> AsyncIterator[Api]:
    """The API of a copy, as its first administrator."""
    credentials = home.credentials()
    async with signed_in(home.url, credentials.email, credentials.password) as api:
        yield api
