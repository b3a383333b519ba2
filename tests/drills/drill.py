"""For the disaster drills: a platform with some work in it, to which something happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psycopg2

from chassis.kafka.topics import delete_topics
from chassis.setup import in_database, transaction
from everlog.commands.lag import standings
from everlog.home import Home
from everlog.lifecycle import take_down
from everlog.testing import EmbeddedPlatform, Visitor, environ_of, visiting

_SCHEMAS = """
select nspname from pg_namespace n join road.generations g
    on n.nspname = g.name || '_g' || g.generation order by 1
"""

_PEOPLE = 60
ERASED_NAME = f"Hopper {_PEOPLE - 1}"
_WITHIN_S = 60.0

Digests = dict[tuple[str, str, str], str]
"""What every table of every read model holds: service, read model, table → digest."""


@dataclass
class Drill:
    """A platform to which something happens."""

    platform: EmbeddedPlatform
    known_id: str
    erased_id: str
    token: str
    known: Digests | None = None

    @property
    def home(self) -> Home:
        """Its home."""
        return Home.of(self.platform.environ)

    async def run(self, *arguments: str) -> Any:
        """Run the operator's command; it has to work."""
        return await asyncio.to_thread(self.platform.everlog, *arguments)

    async def fails(self, *arguments: str) -> str:
        """Run the operator's command; it has to fail. What it says then."""
        try:
            answer = await self.run(*arguments)
        except AssertionError as error:
            return str(error)
        raise AssertionError(f"{arguments} worked: {answer}")

    async def delete_topics(self, *topics: str) -> None:
        """What nobody should do to Kafka."""
        await delete_topics(self.home.kafka, topics)

    def read_model_schemas(self, service: str) -> list[str]:
        """Where the read models of a service lie."""
        with transaction(self._address(f"everlog_{service}")) as cursor:
            cursor.execute(_SCHEMAS)
            return [name for (name,) in cursor.fetchall()]

    @asynccontextmanager
    async def new_home(self, path: Path) -> AsyncIterator[Drill]:
        """Another home on other ports, with nothing in it; down again at the end."""
        environ = environ_of(path)
        home = Home.of(environ)
        platform = EmbeddedPlatform(home.url, self.platform.credentials, environ)
        try:
            yield Drill(platform, self.known_id, self.erased_id, self.token)
        finally:
            await asyncio.to_thread(take_down, home)

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Do something to the database server that nobody should."""
        with closing(psycopg2.connect(self._address(database))) as connection:
            connection.autocommit = True
            connection.cursor().execute(statement)

    def _address(self, database: str) -> str:
        return in_database(self.home.postgres_admin, database)

    async def baseline(self) -> Digests:
        """What it was before anything happened."""
        if self.known is None:
            self.known = await self.digests()
        return self.known

    @asynccontextmanager
    async def visiting(self) -> AsyncIterator[Visitor]:
        """The administrator, signed in since the beginning: to sign in would be an event."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
            ada = Visitor(session, self.platform.url)
            ada.token = self.token
            yield ada

    async def still_answers(self) -> None:
        """People see who was there, and nobody who was erased."""
        async with self.visiting() as ada, asyncio.timeout(_WITHIN_S):
            shown = await ada.ask("GET", f"/api/v1/contacts/{self.known_id}")
            while shown.status != 200 or "Everlog-Stale" in shown.headers:
                await asyncio.sleep(0.2)
                shown = await ada.ask("GET", f"/api/v1/contacts/{self.known_id}")
            erased = await ada.ask("GET", f"/api/v1/contacts/{self.erased_id}")
            assert ERASED_NAME not in str(erased.body), erased

    async def digests(self) -> Digests:
        """Proven by `everlog verify`, as soon as everybody has seen everything."""
        await self.settled()
        return digests_of(await self.run("verify"))

    async def settled(self) -> None:
        """Wait until nothing is on its way. As `everlog lag` sees it, whose start takes longer than
        anything is on its way, usually."""
        async with asyncio.timeout(_WITHIN_S):
            while not all(map(_is_still, await standings(self.home))):
                await asyncio.sleep(0.2)


def _is_still(standing: dict[str, Any]) -> bool:
    behind = [lane["lag_events"] for lane in standing["lanes"]]
    return standing["outbox"]["events"] == 0 and not any(lag != 0 for lag in behind)


def digests_of(verified: list[dict[str, Any]]) -> Digests:
    """The digests that `everlog verify` tells."""
    assert all(each["verified"] for each in verified), verified
    return {
        (each["service"], model["name"], table["table"]): table["digest"]
        for each in verified
        for model in each["read_models"]
        for table in model["tables"]
    }


async def work(platform: EmbeddedPlatform) -> Drill:
    """People, deals, one person who was erased."""
    async with visiting(platform) as ada:
        people = [await _person(ada, number) for number in range(_PEOPLE)]
        await until_there(ada, "/api/v1/pipelines")
        for number, person in enumerate(people[:20]):
            value = {"amount_minor": 10_000 * (number + 1), "currency": "EUR"}
            body = {"title": f"Deal {number}", "value": value, "contact_id": person}
            deal = await ada.post("/api/v1/deals", body)
            if number % 3 == 0:
                await ada.post(f"/api/v1/deals/{deal['id']}/win")
        await ada.post(f"/api/v1/contacts/{people[-1]}/erase")
        return Drill(platform, people[0], people[-1], ada.token)


async def until_there(visitor: Visitor, path: str) -> None:
    """Wait until a list holds something."""
    async with asyncio.timeout(_WITHIN_S):
        while not (await visitor.get(path))["items"]:
            await asyncio.sleep(0.1)


async def _person(visitor: Visitor, number: int) -> str:
    body = {
        "first_name": "Grace",
        "last_name": f"Hopper {number}",
        "email": f"grace{number}@example.org",
        "company": f"Navy {number % 7}",
        "external_id": f"navy-{number}",
    }
    return str((await visitor.post("/api/v1/contacts", body))["id"])
