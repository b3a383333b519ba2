"""Folds stories into facts in PostgreSQL and asks KPIs, without Kafka and HTTP.

await bench.load(story)
assert await bench.value("win_rate", story) == 1.0
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from analytics.answers import answer
from analytics.asking import ask_of
from analytics.catalogue import kpi_named
from analytics.fetching import answered
from analytics.manifest import PROJECTIONS
from analytics.periods import PERIODS
from analytics.provenance import POSITION, facts_behind, position, shown
from analytics.testing.story import Story
from chassis.http.paging import decode_cursor, page
from chassis.http.principal import ALL, Principal
from chassis.ids import new_id
from chassis.postgres.database import Database
from chassis.postgres.rows import write_rows
from chassis.postgres.statements import fetch
from chassis.projection import Fold

_LIVE = "select name, generation from road.generations where status = 'live'"
TODAY = date(2018, 1, 15)


def principal(workspace: UUID, role: str = "administrator", **more: Any) -> Principal:
    """Somebody who may look at figures; `more`: sees, owners, permissions."""
    sees, owners = more.get("sees", ALL), frozenset(more.get("owners", ()))
    permissions = frozenset(more.get("permissions", ["analytics.read"]))
    return Principal(new_id(), workspace, "Ada", role, permissions, sees, owners)


class Bench:
    """Facts in a real PostgreSQL: written as the projector writes, read as the API reads."""

    def __init__(self, api: Database, worker: Database) -> None:
        self.api = api
        self.worker = worker
        self.page_size = 50
        self._schemas: dict[str, str] = {}

    async def start(self) -> None:
        """Connect, and find the read models that answer."""
        await self.worker.start()
        await self.api.start()
        async with self.worker.connection(None) as connection:
            rows = await connection.fetch(_LIVE)
        self._schemas = {row["name"]: f"{row['name']}_g{row['generation']}" for row in rows}
        path = ", ".join((*self._schemas.values(), "road"))
        self.api.search_path = self.worker.search_path = path

    async def stop(self) -> None:
        """Disconnect."""
        await self.api.stop()
        await self.worker.stop()

    async def load(self, *stories: Story) -> None:
        """Fold what happened since the last time."""
        for story in stories:
            events, story.events = story.events, []
            async with self.worker.connection(None) as connection:
                for projection in PROJECTIONS:
                    fold = Fold()
                    for recorded in (e for e in events if e.type in projection.types()):
                        fold.apply(recorded.workspace, projection.project(recorded))
                    await write_rows(connection, self._schemas[projection.name], fold)

    async def ask(self, name: str, who: Principal | Story, **parameters: str) -> dict[str, Any]:
        """A KPI's answer. `from_` stands for `from`, `filter_owner` for `filter[owner]`."""
        asking = principal(who.workspace) if isinstance(who, Story) else who
        ask = ask_of(kpi_named(name), asking, _pairs(parameters))
        async with self.api.connection(ask.workspace) as connection:
            table, people = await answered(connection, ask)
        return answer(ask, table, people, TODAY)

    async def value(self, name: str, who: Principal | Story, **more: str) -> Any:
        """A KPI's value."""
        return (await self.ask(name, who, **more))["value"]

    async def series(self, name: str, who: Principal | Story, by: str, **more: Any) -> Any:
        """A KPI's series as a mapping from keys (periods) or labels (groups) to values."""
        body = await self.ask(name, who, group_by=by, **more)
        named = "label" if body["group_by"][0] == by and by not in PERIODS else "key"
        return {item[named]: item["value"] for item in body["series"]}

    async def facts(
        self, name: str, who: Principal | Story, **parameters: str
    ) -> list[dict[str, Any]]:
        """All facts behind a figure, page by page."""
        asking = principal(who.workspace) if isinstance(who, Story) else who
        ask = ask_of(kpi_named(name), asking, _pairs(parameters))
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            after = decode_cursor(cursor, POSITION) if cursor else None
            async with self.api.connection(ask.workspace) as connection:
                rows = await fetch(connection, facts_behind(ask, after, self.page_size + 1))
            kept, cursor = page(rows, self.page_size, position)
            found += [shown(ask, row) for row in kept]
            if cursor is None:
                return found


def _pairs(parameters: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    for name, text in parameters.items():
        filtered = name.startswith("filter_")
        yield f"filter[{name[7:]}]" if filtered else name.rstrip("_"), text
