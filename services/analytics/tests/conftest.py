"""Analytics' read models in a real PostgreSQL, set up once per session."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from joserfc.jwk import OKPKey

from analytics.manifest import MANIFEST
from analytics.testing import Bench, Story, principal
from chassis.events import Stored, id_of
from chassis.http.principal import Principal, sign
from chassis.ids import new_id
from chassis.kafka.sink import KafkaSink
from chassis.outbox import KeyNotice
from chassis.ports import Outgoing
from chassis.postgres.database import Database, dsn_for
from chassis.relay import key_message
from chassis.runner import serve
from chassis.settings import ServiceSettings
from chassis.setup import prepare, prepare_database
from chassis.testing.contract_files import as_published, path_of
from chassis.vault import DataKey, Keyring
from chassis.wire import message_of
from embedded.ports import free_port

KEYRING = Keyring(bytes(32))
CONTRACTS = Path(__file__).parents[3] / "contracts"


@pytest.fixture(scope="session")
def analytics_dsn(postgres_dsn: str) -> str:
    """The server's address, once analytics' database is there."""
    prepare_database(MANIFEST, postgres_dsn, KEYRING)
    return postgres_dsn


@pytest.fixture
async def bench(analytics_dsn: str) -> AsyncIterator[Bench]:
    """Facts and figures without Kafka and HTTP."""
    api, worker = (
        Database(dsn_for(analytics_dsn, "analytics", role, KEYRING), name=role, most=2)
        for role in ("api", "worker")
    )
    bench = Bench(api, worker)
    await bench.start()
    yield bench
    await bench.stop()


@pytest.fixture
def story() -> Story:
    """A workspace in which nothing has happened yet."""
    return Story()


def messages(story: Story) -> Iterator[Outgoing]:
    """A story as its services' relays publish it; keys come before what is sealed with them."""
    keys: dict[UUID, DataKey] = {}
    for recorded in story.events:
        contract = json.loads(path_of(type(recorded.event), CONTRACTS).read_text())
        key = None
        if contract["sealed"]:
            subject = id_of(recorded.stream)
            if subject not in keys:
                keys[subject], wrapped = KEYRING.new_key(story.workspace, new_id())
                yield key_message(KeyNotice(0, story.workspace, keys[subject].id, wrapped))
            key = keys[subject]
        yield message_of(
            Stored(
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
                key_id=key.id if key else None,
                data=as_published(recorded.event, contract, recorded.id.bytes, key),
                hash=bytes(32),
            )
        )


@dataclass
class Running:
    """The service as it runs: HTTP, and the topics that it follows."""

    base: str
    settings: ServiceSettings
    key: OKPKey
    session: aiohttp.ClientSession

    async def publish(self, story: Story) -> str:
        """Have it published; returns the tokens of what was written."""
        sink = await KafkaSink.open(self.settings.kafka)
        await sink.publish(list(messages(story)))
        await sink.close()
        last = {recorded.stream: recorded.version for recorded in story.events}
        story.events = []
        return ",".join(f"{stream}@{version}" for stream, version in last.items())

    def headers(self, who: Principal | Story) -> dict[str, str]:
        """Somebody's request."""
        asking = principal(who.workspace) if isinstance(who, Story) else who
        token = sign(self.key, asking, now=time.time(), lifetime_s=300)
        return {"Authorization": f"Bearer {token}"}

    async def get(
        self, path: str, who: Principal | Story, seen: str = ""
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Ask; `seen`: wait for these tokens."""
        headers = self.headers(who) | {"Everlog-Token": seen}
        async with self.session.get(self.base + path, headers=headers) as response:
            return response.status, await response.json(content_type=None), response.headers

    async def status(self, url: str) -> int:
        """The status of an address; 0 if nobody answers."""
        try:
            async with self.session.get(url) as response:
                return response.status
        except aiohttp.ClientError:
            return 0


@pytest.fixture
async def running(
    postgres_dsn: str, kafka_bootstrap: str, tmp_path: Path
) -> AsyncIterator[Running]:
    """The service in this process, on real servers."""
    key = OKPKey.generate_key("Ed25519")
    (tmp_path / "master.key").write_text("00" * 32)
    (tmp_path / "verify.pem").write_bytes(key.as_pem(private=False))
    await prepare(MANIFEST, postgres=postgres_dsn, kafka=kafka_bootstrap, secrets=tmp_path)
    settings = ServiceSettings(
        listen=f"127.0.0.1:{free_port()}",
        kafka=kafka_bootstrap,
        postgres=postgres_dsn,
        secrets=tmp_path,
    )
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(MANIFEST, settings, "both", stop))
    session = aiohttp.ClientSession()
    service = Running(f"http://{settings.listen}", settings, key, session)
    async with asyncio.timeout(60):
        while await service.status(f"{service.base}/readyz") != 200:
            await asyncio.sleep(0.05)
    yield service
    await session.close()
    stop.set()
    await serving
