"""A broadcast to a few readers, and the mail server that it goes to."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from chassis.testing.service_bench import Client


class PostBox:
    """A mail server that counts which address it was handed how many mails for."""

    def __init__(self) -> None:
        self.tries: Counter[str] = Counter()
        self.port = 0

    async def __aenter__(self) -> PostBox:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SMTP(self), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:
        """Take it."""
        self.tries.update(envelope.rcpt_tos)
        return "250 2.0.0 OK"


class Broadcasting:
    """A broadcast, from the first reader to the last mail."""

    def __init__(self, campaigns: Client, contacts: Client, box: PostBox) -> None:
        self._ask = campaigns
        self._contacts = contacts
        self._box = box
        self._id = ""

    async def begin(self, readers: int) -> None:
        """Make readers, plan a mail to them all, and let it go."""
        for number in range(readers):
            person = {"first_name": f"Reader{number}", "email": f"r{number}@example.org"}
            assert (await self._contacts("POST", "/api/v1/contacts", person))[0] == 201
        body = {"name": "News", "subject": "Hello", "html": "<p>Hi {{ first_name }}</p>"}
        template = await self._made("/api/v1/templates", body)
        everyone = {"name": "Spring", "template_id": template, "audience": {"everyone": True}}
        async with asyncio.timeout(30):
            while (await self._count()) < readers:
                await asyncio.sleep(0.1)
        self._id = await self._made("/api/v1/broadcasts", everyone)
        status, said, _ = await self._ask("POST", f"/api/v1/broadcasts/{self._id}/start")
        assert status == 202, said

    async def finished(self) -> dict[str, Any]:
        """Its counts in the end."""
        async with asyncio.timeout(60):
            while True:
                try:
                    status, body, _ = await self._ask("GET", f"/api/v1/broadcasts/{self._id}")
                except OSError:
                    status = 0
                if status == 200 and body["status"] == "finished":
                    return dict(body["counts"])
                await asyncio.sleep(0.1)

    async def _made(self, path: str, body: Any) -> str:
        """Make something, and wait until it can be seen."""
        status, made, headers = await self._ask("POST", path, body)
        assert status == 201, made
        await self._ask("GET", headers["Location"], Everlog_Token=headers["Everlog-Token"])
        return str(made["id"])

    async def _count(self) -> int:
        status, body, _ = await self._ask("POST", "/api/v1/audiences/count", {"everyone": True})
        assert status == 200, body
        return int(body["people"])
