"""The service as a whole for its tests, and what other services would publish."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from chassis.clock import SystemClock
from chassis.codec import Codec
from chassis.events import PERSONAL, Event, Recorded, Stored
from chassis.ids import new_id
from chassis.kafka.sink import KafkaSink
from chassis.memory.event_log import MemoryEventLog
from chassis.ports import Append, Context
from chassis.relay import Relay
from chassis.testing.service_bench import MASTER_KEY, Client, running
from chassis.vault import Keyring
from chassis.wire import message_of
from pipeline.manifest import MANIFEST

ALL = frozenset(
    {
        "deals.read",
        "deals.write",
        "settings.write",
        "imports.run",
        "analytics.read",
        "events.read",
        "ops",
    }
)
SINCE = datetime(2026, 1, 2, 12, tzinfo=UTC)


class WorkspaceOpened(Event, frozen=True, tag="identity.workspace-opened.v1"):
    workspace_id: UUID
    name: str
    currency: str
    time_zone: str


class UserAdded(Event, frozen=True, tag="identity.user-added.v1"):
    subject_field: ClassVar[str | None] = "user_id"

    user_id: UUID
    name: Annotated[str, PERSONAL]
    role: str
    team_id: UUID | None
    can_sign_in: bool
    email: Annotated[str | None, PERSONAL] = None


class PersonAdded(Event, frozen=True, tag="contacts.person-added.v1"):
    subject_field: ClassVar[str | None] = "person_id"

    person_id: UUID
    first_name: Annotated[str, PERSONAL]
    last_name: Annotated[str, PERSONAL]
    emails: Annotated[list[dict[str, Any]], PERSONAL]
    phones: Annotated[list[dict[str, Any]], PERSONAL]
    birthday: Annotated[str | None, PERSONAL] = None
    company_id: UUID | None = None
    company_role: str | None = None
    owner_id: UUID | None = None
    tags: list[str] = msgspec.field(default_factory=list)
    source: str | None = None
    language: str | None = None
    time_zone: str | None = None
    city: Annotated[str | None, PERSONAL] = None
    country: str | None = None
    external_id: str | None = None
    external_source: str | None = None
    custom: Annotated[dict[str, Any], PERSONAL] = msgspec.field(default_factory=dict)


class PersonErased(Event, frozen=True, tag="contacts.person-erased.v1"):
    person_id: UUID


class CompanyAdded(Event, frozen=True, tag="contacts.company-added.v1"):
    company_id: UUID
    name: str
    sector: str | None = None
    country: str | None = None
    city: str | None = None
    employees: int | None = None
    revenue_minor: int | None = None
    revenue_currency: str | None = None
    founded: int | None = None
    website: str | None = None
    parent_id: UUID | None = None
    owner_id: UUID | None = None
    tags: list[str] = msgspec.field(default_factory=list)
    external_id: str | None = None
    external_source: str | None = None


class Others:
    """Publishes what identity and contacts would, over a log and a relay of its own."""

    def __init__(self, kafka: str, workspace: UUID) -> None:
        events = (WorkspaceOpened, UserAdded, PersonAdded, PersonErased, CompanyAdded)
        keyring = Keyring(bytes.fromhex(MASTER_KEY))
        self.log = MemoryEventLog(Codec(events), keyring, SystemClock())
        self.workspace = workspace
        self._kafka = kafka

    async def publish(self, *events: tuple[str, UUID, Event]) -> str:
        """Events as (category, id, event); returns the token of the last one."""
        done = []
        for category, id_, event in events:
            context = Context(self.workspace, "somebody", new_id())
            forget = (id_,) if isinstance(event, PersonErased) else ()
            append = Append(f"{category}-{id_}", [event], None, forget=forget)
            done.append(await self.log.append(context, append))
        sink = await KafkaSink.open(self._kafka)
        relay = Relay(self.log, lambda: KafkaSink.open(self._kafka), asyncio.Event())
        await self.log.take_over()
        while await relay.step(sink):
            pass
        await sink.close()
        return ",".join(f"{one.stream}@{one.version}" for one in done)

    async def workspace_opened(self, currency: str = "EUR", time_zone: str = "UTC") -> str:
        event = WorkspaceOpened(
            workspace_id=self.workspace,
            name="Bookshop",
            currency=currency,
            time_zone=time_zone,
            occurred_at=SINCE,
        )
        return await self.publish(("workspace", self.workspace, event))

    async def users(self, *names: str) -> tuple[list[UUID], str]:
        """Users with these names; their ids and a token to wait for."""
        ids = [new_id() for _ in names]
        events = [
            UserAdded(
                user_id=id_,
                name=name,
                role="sales_representative",
                team_id=None,
                can_sign_in=True,
                occurred_at=SINCE,
            )
            for id_, name in zip(ids, names, strict=True)
        ]
        published = zip(ids, events, strict=True)
        return ids, await self.publish(*(("user", id_, event) for id_, event in published))

    async def companies(self, *names: str) -> tuple[list[UUID], str]:
        """Companies with these names; their ids and a token to wait for."""
        ids = [new_id() for _ in names]
        events = [
            CompanyAdded(company_id=id_, name=name, occurred_at=SINCE)
            for id_, name in zip(ids, names, strict=True)
        ]
        published = zip(ids, events, strict=True)
        return ids, await self.publish(*(("company", id_, event) for id_, event in published))

    async def person(self, first_name: str, last_name: str) -> tuple[UUID, str]:
        """A contact with this name; its id and a token to wait for."""
        id_ = new_id()
        event = PersonAdded(
            person_id=id_,
            first_name=first_name,
            last_name=last_name,
            emails=[],
            phones=[],
            occurred_at=SINCE,
        )
        return id_, await self.publish(("person", id_, event))

    async def erased(self, person_id: UUID) -> str:
        """The contact is forgotten."""
        event = PersonErased(person_id=person_id, occurred_at=SINCE)
        return await self.publish(("person", person_id, event))


Office = tuple[Client, Others]
"""Somebody in a new workspace, and the other services as far as that workspace sees them."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(
    postgres_dsn: str, kafka_bootstrap: str, tmp_path_factory: Any
) -> AsyncIterator[Client]:
    """The running service: one per file of tests."""
    secrets: Path = tmp_path_factory.mktemp("secrets")
    async with running(MANIFEST, postgres_dsn, kafka_bootstrap, secrets, ALL) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def office(service: Client, kafka_bootstrap: str) -> AsyncIterator[Office]:
    """A new workspace with an administrator; nothing has happened in it yet."""
    client = service.other(workspace=new_id(), name="Ada")
    yield client, Others(kafka_bootstrap, client.principal.workspace)
    await client.close()


@pytest_asyncio.fixture(loop_scope="module")
async def shop(office: Office) -> Office:
    """A workspace that was opened: with its first pipeline."""
    ask, others = office
    await others.workspace_opened()
    await _first_pipeline(ask)
    return office


async def _first_pipeline(ask: Callable[..., Awaitable[Any]]) -> None:
    async with asyncio.timeout(20):
        while not (await ask("GET", "/api/v1/pipelines"))[1]["items"]:
            await asyncio.sleep(0.02)


Publish = Callable[[Sequence[Sequence[Recorded[Any]]]], Awaitable[None]]


@pytest.fixture(scope="module")
def publish(kafka_bootstrap: str) -> Publish:
    """Puts whole lives of this service's aggregates on its topic, as if they had been relayed."""

    async def put(lives: Sequence[Sequence[Recorded[Any]]]) -> None:
        codec = MANIFEST.codec()
        sink = await KafkaSink.open(kafka_bootstrap)
        messages = [message_of(_stored(codec, one)) for life in lives for one in life]
        for start in range(0, len(messages), 2000):
            await sink.publish(messages[start : start + 2000])
        await sink.close()

    return put


def _stored(codec: Codec, recorded: Recorded[Any]) -> Stored:
    return Stored(
        workspace=recorded.workspace,
        stream=recorded.stream,
        version=recorded.version,
        id=recorded.id,
        type=recorded.type,
        occurred_at=recorded.occurred_at,
        recorded_at=recorded.recorded_at,
        actor=recorded.actor,
        correlation_id=recorded.correlation_id,
        causation_id=None,
        traceparent=None,
        key_id=None,
        data=codec.encode(recorded.event, recorded.id.bytes, None),
        hash=b"",
    )
