"""A campaigns service on real servers, an address book beside it, and a mail server to send to."""

from __future__ import annotations

import asyncio
import email
import email.policy
import inspect
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from aiosmtpd.smtp import SMTP, Envelope, Session

from campaigns.manifest import MANIFEST
from campaigns.settings import CampaignSettings
from campaigns.testing.address_book import BOOK
from chassis.ids import new_id
from chassis.testing.service_bench import Client, running

MAY = frozenset({"campaigns.read", "campaigns.write", "contacts.read", "contacts.write", "ops"})
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def _hang_up(line: SMTP) -> None:
    transport: Any = line.transport
    if transport is not None:
        transport.abort()


class PostBox:
    """A mail server that keeps what it gets and answers as it is told."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, EmailMessage]] = []
        self.senders: list[str] = []
        self.raw: list[bytes] = []
        self.to_rcpt: Callable[[str], str | None] = lambda _: None
        self.on_data: Callable[[Envelope], Any] = lambda _: None
        self.to_sender: Callable[[str], str | None] = lambda _: None
        self.tries: Counter[str] = Counter()
        self.connections = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._lines: list[SMTP] = []

    def forget(self) -> None:
        """Be as new."""
        for kept in (self.mails, self.senders, self.raw):
            kept.clear()
        self.to_rcpt = lambda _: None
        self.on_data = lambda _: None
        self.to_sender = lambda _: None
        self.tries.clear()

    async def open(self, port: int = 0) -> None:
        """Listen."""
        self._server = await asyncio.get_running_loop().create_server(
            self._answer,
            "127.0.0.1",
            port or self.port,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    def _answer(self) -> SMTP:
        line = SMTP(self, enable_SMTPUTF8=True, hostname="sink")
        self._lines.append(line)
        self.connections += 1
        return line

    async def close(self) -> None:
        """Stop listening, and hang up."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for line in self._lines:
            _hang_up(line)
        self._lines.clear()

    async def handle_MAIL(
        self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a sender or not."""
        refusal = self.to_sender(address)
        if refusal is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return refusal or "250 OK"

    async def handle_RCPT(
        self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]
    ) -> str:
        """Take a recipient or not."""
        refusal = self.to_rcpt(address)
        if refusal is None:
            envelope.rcpt_tos.append(address)
        return refusal or "250 OK"

    async def handle_DATA(self, server: SMTP, _: Session, envelope: Envelope) -> str:
        """Take a mail or not."""
        self.tries.update(envelope.rcpt_tos)
        try:
            refusal = self.on_data(envelope)
            if inspect.isawaitable(refusal):
                refusal = await refusal
        except ConnectionResetError:
            _hang_up(server)
            return "421 gone"
        if refusal is not None:
            return str(refusal)
        content = envelope.content
        assert isinstance(content, bytes)
        mail = email.message_from_bytes(content, policy=email.policy.default)
        self.raw.append(content)
        self.senders.append(str(envelope.mail_from))
        for to in envelope.rcpt_tos:
            self.mails.append((to, mail))
        return "250 2.0.0 OK"

    def to(self, address: str) -> list[EmailMessage]:
        """The mails that one address got."""
        return [mail for to, mail in self.mails if to == address]


def link_in(mail: EmailMessage, pattern: str) -> str:
    """The path of the first address in a mail's HTML that fits."""
    body = mail.get_body(("html",))
    assert body is not None
    found = re.search(rf'(?:href|src)="https?://[^/"]+(/{pattern}[^"]*)"', body.get_content())
    assert found, body.get_content()
    return found[1]


class Campaigning:
    """What tests do with the service: people come, broadcasts go out, readers open them."""

    def __init__(self, ask: Client, book: Client, post: PostBox) -> None:
        self.ask = ask
        self.book = book
        self.post = post
        self.headers: dict[str, str] = {}
        self._told: dict[str, str] = {}

    async def person(self, name: str, *tags: str, **more: Any) -> UUID:
        """Somebody with the address <name>@example.org, unless said otherwise."""
        id_ = new_id()
        emails = more.pop("emails", [{"address": f"{name.lower()}@example.org"}])
        event = {
            "type": "contacts.person-added.v1",
            "occurred_at": datetime.now(UTC).isoformat(),  # noqa: TID251
            "person_id": str(id_),
            "first_name": name,
            "last_name": "Reader",
            "emails": [{"kind": "work", "primary": True, **e} for e in emails],
            "tags": list(tags),
            **more,
        }
        await self.fact("person", id_, event)
        return id_

    async def fact(self, category: str, id_: UUID, event: Mapping[str, Any]) -> None:
        """Something happened to a person or a company."""
        at = datetime.now(UTC).isoformat()  # noqa: TID251
        stream = f"{category}-{id_}"
        body = {"stream": stream, "event": {"occurred_at": at, **event}}
        status, said, headers = await self.book("POST", "/api/v1/facts", body)
        assert status == 201, said
        self._told[stream] = headers["Everlog-Token"]
        self.headers["Everlog_Token"] = ",".join(self._told.values())

    async def template(self, html: str | None = "<p>Hi {{ first_name }}</p>", **more: Any) -> str:
        """A template; its id."""
        body = {"name": "News", "subject": "Hello {{ first_name }}", "html": html, **more}
        status, made, headers = await self.ask("POST", "/api/v1/templates", body)
        assert status == 201, made
        await self.ask("GET", headers["Location"], Everlog_Token=headers["Everlog-Token"])
        return str(made["id"])

    async def plan(self, template: str, audience: Mapping[str, Any], **more: Any) -> str:
        """A planned broadcast; its id. Waits until everybody told of is known."""
        await self.ask("GET", "/api/v1/broadcasts", **self.headers)
        body = {"name": "Spring", "template_id": template, "audience": audience, **more}
        status, made, _ = await self.ask("POST", "/api/v1/broadcasts", body)
        assert status == 201, made
        return str(made["id"])

    async def start(self, broadcast: str) -> None:
        """Let it go."""
        status, said, _ = await self.ask("POST", f"/api/v1/broadcasts/{broadcast}/start")
        assert status == 202, said

    async def broadcast(self, broadcast: str) -> dict[str, Any]:
        """How it stands; nothing as long as it is not to be seen."""
        status, body, _ = await self.ask("GET", f"/api/v1/broadcasts/{broadcast}")
        return dict(body) if status == 200 else {}

    async def until(
        self, broadcast: str, when: Callable[[dict[str, Any]], bool], timeout_s: float = 60
    ) -> dict[str, Any]:
        """Wait until it stands so."""
        body: dict[str, Any] = {}
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    body = await self.broadcast(broadcast)
                    if body and when(body):
                        return body
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"still {body}") from None

    async def finished(self, broadcast: str, timeout_s: float = 60) -> dict[str, Any]:
        """Wait for its end; its counts."""
        body = await self.until(broadcast, lambda b: b["status"] == "finished", timeout_s)
        return dict(body["counts"])

    async def send(self, audience: Mapping[str, Any], **more: Any) -> tuple[str, dict[str, Any]]:
        """Plan and send the usual template; the broadcast's id and its counts."""
        template = more.pop("template", None) or await self.template()
        broadcast = await self.plan(template, audience, **more)
        await self.start(broadcast)
        return broadcast, await self.finished(broadcast)

    async def suppressed(self, person: UUID) -> list[dict[str, Any]]:
        """Why a person gets no mail; nothing as long as they are not to be seen."""
        status, body, _ = await self.ask("GET", f"/api/v1/recipients/{person}")
        return list(body["suppressed"]) if status == 200 else []

    async def messages(self, broadcast: str) -> dict[str, dict[str, Any]]:
        """Its messages by the reader's first name."""
        _, body, _ = await self.ask("GET", f"/api/v1/broadcasts/{broadcast}/messages?limit=200")
        return {str(m["person"]["name"]).partition(" ")[0]: m for m in body["items"]}

    async def reader(
        self, method: str, path: str, data: Any = None, **headers: str
    ) -> tuple[int, str, Mapping[str, str]]:
        """What a reader's program does: no token, no cookies."""
        sent = {"User-Agent": BROWSER, **{n.replace("_", "-"): v for n, v in headers.items()}}
        sent["Authorization"] = ""
        async with self.ask.session.request(
            method, self.ask.base + path, data=data, headers=sent, allow_redirects=False
        ) as response:
            body = await response.read()
            return response.status, body.decode("latin-1"), response.headers


@pytest.fixture
def find_link() -> Callable[[EmailMessage, str], str]:
    """Finds a link in a mail."""
    return link_in


@pytest_asyncio.fixture(loop_scope="module")
async def book(postgres_dsn: str, kafka_bootstrap: str, tmp_path: Path) -> AsyncIterator[Client]:
    """An address book alone, for tests that run campaigns themselves."""
    async with running(BOOK, postgres_dsn, kafka_bootstrap, tmp_path, frozenset()) as client:
        yield client


@pytest.fixture
def box() -> PostBox:
    """A mail server; open and close it yourself."""
    return PostBox()


@pytest.fixture
def campaigning() -> type[Campaigning]:
    """Makes what tests do with a service they run themselves."""
    return Campaigning


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running_services(
    postgres_dsn: str, kafka_bootstrap: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Client, Client, PostBox]]:
    """Campaigns, an address book and a mail server, for the tests of a file."""
    servers = (postgres_dsn, kafka_bootstrap)
    box = PostBox()
    await box.open()
    more: dict[str, Any] = {
        "smtp": f"smtp://127.0.0.1:{box.port}",
        "mail_from": "The Bookshop <news@books.example.com>",
        "mail_per_second": 500.0,
        "mail_first_retry_s": 0.3,
        "public_url": "https://crm.example.com",
    }
    home = tmp_path_factory.mktemp("campaigns")
    async with (
        running(BOOK, *servers, tmp_path_factory.mktemp("book"), frozenset()) as book,
        running(MANIFEST, *servers, home, MAY, settings=CampaignSettings, **more) as ask,
    ):
        yield ask, book, box
    await box.close()


@pytest_asyncio.fixture(loop_scope="module")
async def world(
    running_services: tuple[Client, Client, PostBox],
) -> AsyncIterator[Campaigning]:
    """A workspace of one's own, and an empty post box."""
    ask, book, box = running_services
    box.forget()
    workspace = new_id()
    own_ask, own_book = ask.other(workspace=workspace), book.other(workspace=workspace)
    yield Campaigning(own_ask, own_book, box)
    await own_ask.close()
    await own_book.close()
