"""The service as a whole for its tests, and what other services would publish."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar
from uuid import UUID

import aiohttp
import pytest_asyncio

from chassis.clock import SystemClock
from chassis.codec import Codec
from chassis.events import PERSONAL, Event
from chassis.ids import new_id
from chassis.kafka.sink import KafkaSink
from chassis.memory.event_log import MemoryEventLog
from chassis.ports import Append, Context
from chassis.relay import Relay
from chassis.testing.service_bench import MASTER_KEY, Client, running
from chassis.vault import Keyring
from contacts.manifest import MANIFEST
from contacts.settings import ContactsSettings

ALL = frozenset(
    {"contacts.read", "contacts.write", "imports.run", "analytics.read", "events.read", "ops"}
)
_OCTETS_A_SECOND = 100_000
_SEEN_S = 20
SINCE = datetime(2026, 1, 2, 12, tzinfo=UTC)


class UserAdded(Event, frozen=True, tag="identity.user-added.v1"):
    subject_field: ClassVar[str | None] = "user_id"

    user_id: UUID
    name: Annotated[str, PERSONAL]
    email: Annotated[str | None, PERSONAL] = None
    role: str = "sales_representative"
    team_id: UUID | None = None
    can_sign_in: bool = True


class ApiTokenMade(Event, frozen=True, tag="identity.api-token-made.v1"):
    user_id: UUID
    token_id: UUID
    name: str
    scopes: list[str]
    expires_at: datetime | None = None


class ApiTokenRevoked(Event, frozen=True, tag="identity.api-token-revoked.v1"):
    user_id: UUID
    token_id: UUID


class WorkspaceOpened(Event, frozen=True, tag="identity.workspace-opened.v1"):
    workspace_id: UUID
    name: str
    currency: str
    time_zone: str


class DealOpened(Event, frozen=True, tag="pipeline.deal-opened.v1"):
    deal_id: UUID
    title: str
    pipeline_id: UUID
    stage: str = "lead"
    probability: int = 10
    value_minor: int = 100_000
    currency: str = "EUR"
    contact_id: UUID | None = None
    company_id: UUID | None = None
    product_id: UUID | None = None
    owner_id: UUID | None = None
    source: str | None = None
    expected_close: date | None = None
    external_id: str | None = None
    external_source: str | None = None


class DealMoved(Event, frozen=True, tag="pipeline.deal-moved.v1"):
    deal_id: UUID
    from_stage: str
    to_stage: str
    from_probability: int = 10
    to_probability: int = 50
    value_minor: int = 100_000
    currency: str = "EUR"


class DealWon(Event, frozen=True, tag="pipeline.deal-won.v1"):
    deal_id: UUID
    value_minor: int
    currency: str
    closed_on: date
    position_value_minor: int = 100_000
    stage: str = "lead"
    probability: int = 10
    opened_at: datetime = SINCE
    closing: int = 1
    owner_id: UUID | None = None
    company_id: UUID | None = None
    contact_id: UUID | None = None
    product_id: UUID | None = None
    source: str | None = None
    pipeline_id: UUID = UUID(int=1)
    overtaken: tuple[Any, ...] = ()
    was_open: bool = True
    overtaken_closings: tuple[int, ...] = ()


class DealRelinked(Event, frozen=True, tag="pipeline.deal-relinked.v1"):
    deal_id: UUID
    contact_id: UUID | None
    company_id: UUID | None
    product_id: UUID | None = None


class BroadcastStarted(Event, frozen=True, tag="campaigns.broadcast-started.v1"):
    broadcast_id: UUID
    name: str
    template_id: UUID
    subject: str = "News"
    audience: int = 1
    topic: str = "news"


class MessageSent(Event, frozen=True, tag="campaigns.message-sent.v1"):
    message_id: UUID
    broadcast_id: UUID
    person_id: UUID
    at: datetime


class PersonUnsubscribed(Event, frozen=True, tag="campaigns.person-unsubscribed.v1"):
    person_id: UUID
    broadcast_id: UUID | None
    message_id: UUID | None
    topic: str | None
    via: str = "one-click"
    first: bool = True
    address_hash: str | None = None


EVENTS = (
    WorkspaceOpened,
    UserAdded,
    ApiTokenMade,
    ApiTokenRevoked,
    DealOpened,
    DealMoved,
    DealWon,
    DealRelinked,
    BroadcastStarted,
    MessageSent,
    PersonUnsubscribed,
)


class Others:
    """Publishes what other services would, over a log and a relay of its own. `kinds`: the event
    classes, by name."""

    kinds: ClassVar[Mapping[str, Any]] = {type_.__name__: type_ for type_ in EVENTS}

    def __init__(self, kafka: str, workspace: UUID) -> None:
        keyring = Keyring(bytes.fromhex(MASTER_KEY))
        self.log = MemoryEventLog(Codec(EVENTS), keyring, SystemClock())
        self.workspace = workspace
        self._kafka = kafka

    async def publish(self, *events: tuple[str, UUID, Event]) -> str:
        """Events as (category, id, event); returns the tokens to wait for."""
        done = []
        for category, id_, event in events:
            context = Context(self.workspace, "somebody", new_id())
            append = Append(f"{category}-{id_}", [event], None)
            done.append(await self.log.append(context, append))
        sink = await KafkaSink.open(self._kafka)
        relay = Relay(self.log, lambda: KafkaSink.open(self._kafka), asyncio.Event())
        await self.log.take_over()
        while await relay.step(sink):
            pass
        await sink.close()
        return ",".join(f"{one.stream}@{one.version}" for one in done)

    async def open_workspace(self, currency: str) -> None:
        """The workspace begins, with this currency."""
        id_ = self.workspace
        opened = WorkspaceOpened(id_, "Bookshop", currency, "UTC", occurred_at=SINCE)
        await self.publish(("workspace", id_, opened))

    async def users(self, **names: UUID) -> str:
        """Users with these names (blanks as underscores)."""
        return await self.publish(
            *(
                ("user", id_, UserAdded(id_, name.replace("_", " "), occurred_at=SINCE))
                for name, id_ in names.items()
            )
        )


class Desk:
    """Somebody at work: asks the service, and sees what they did, by the tokens of their writes."""

    def __init__(self, ask: Client, others: Others) -> None:
        self.ask = ask
        self.others = others
        self.tokens: dict[str, str] = {}

    @property
    def workspace(self) -> UUID:
        return self.ask.principal.workspace

    async def write(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """A write that is carried out; its answer."""
        status, answer, got = await self.ask(method, f"/api/v1{path}", body, **headers)
        assert status in (200, 201), answer
        self.saw(got["Everlog-Token"])
        return answer

    def saw(self, tokens: str) -> None:
        """What is read from now on must contain these."""
        for token in tokens.split(","):
            stream, _, version = token.partition("@")
            self.tokens[stream] = version

    async def refused(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """A request that is refused, though it has seen all writes: (status, problem)."""
        token = ",".join(f"{stream}@{version}" for stream, version in self.tokens.items())
        status, problem, _ = await self.ask(
            method, f"/api/v1{path}", body, **{"Everlog_Token": token, **headers}
        )
        assert status >= 400, problem
        return status, problem

    async def person(self, **fields: Any) -> str:
        """A person is added; their id."""
        return str((await self.write("POST", "/contacts", fields))["id"])

    async def company(self, **fields: Any) -> str:
        """A company is added; its id."""
        return str((await self.write("POST", "/companies", fields))["id"])

    async def change(self, path: str, **fields: Any) -> Any:
        """The latest version is changed."""
        record = await self.read(path)
        return await self.write("PATCH", path, fields, If_Match=f'"{record["version"]}"')

    async def read(self, path: str) -> Any:
        """What a read answers that has seen all writes. On a busy machine they may show later than
        a request waits for them: it asks again."""
        token = ",".join(f"{stream}@{version}" for stream, version in self.tokens.items())
        async with asyncio.timeout(_SEEN_S):
            while True:
                status, body, headers = await self.ask("GET", f"/api/v1{path}", Everlog_Token=token)
                if status == 200 and "Everlog-Stale" not in headers:
                    return body
                assert status in (200, 404), body

    async def take_out(self, path: str) -> tuple[str, bytes]:
        """A file that has seen all writes, and of what kind it is; taking it is noted."""
        await self.read("/contacts?limit=1")
        token = ",".join(f"{stream}@{version}" for stream, version in self.tokens.items())
        url, headers = f"{self.ask.base}/api/v1{path}", {"Everlog-Token": token}
        async with self.ask.session.get(url, headers=headers) as response:
            content = await response.read()
            assert response.status == 200, content
            assert "attachment" in response.headers["Content-Disposition"]
            self.saw(response.headers["Everlog-Token"])
            return response.content_type, content

    async def csv(self, path: str) -> list[dict[str, str]]:
        """The rows of a CSV file."""
        kind, content = await self.take_out(path)
        assert kind == "text/csv"
        return list(csv.DictReader(io.StringIO(content.decode())))

    def other(self, **changes: Any) -> Desk:
        """Somebody else in the same workspace; close `ask` yourself."""
        desk = Desk(self.ask.other(**changes), self.others)
        desk.tokens = self.tokens
        return desk

    async def import_file(self, kind: str, content: bytes, **fields: str) -> Mapping[str, Any]:
        """A file is imported to the end; what became of it."""
        form = aiohttp.FormData({"type": kind, **fields})
        form.add_field("file", io.BytesIO(content), filename=f"{kind}.csv")
        status, started = await self.ask.post_form("/api/v1/imports", form)
        assert status == 202, started
        async with asyncio.timeout(60 + len(content) / _OCTETS_A_SECOND):
            while True:
                _, job, _ = await self.ask("GET", f"/api/v1/imports/{started['id']}")
                if job["status"] in ("done", "failed"):
                    return dict(job)
                await asyncio.sleep(0.05)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(
    postgres_dsn: str, kafka_bootstrap: str, tmp_path_factory: Any
) -> AsyncIterator[Client]:
    """The running service: one per file of tests."""
    secrets: Path = tmp_path_factory.mktemp("secrets")
    async with running(
        MANIFEST, postgres_dsn, kafka_bootstrap, secrets, ALL, settings=ContactsSettings
    ) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def desk(service: Client, kafka_bootstrap: str) -> AsyncIterator[Desk]:
    """An administrator in a new workspace; nothing has happened in it yet."""
    client = service.other(workspace=new_id(), name="Ada")
    yield Desk(client, Others(kafka_bootstrap, client.principal.workspace))
    await client.close()
