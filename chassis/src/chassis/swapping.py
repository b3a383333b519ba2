"""Which generation of a read model answers, and which are kept up: swap, pause, retire.

A paused read model still answers, with what it knew when it was paused: it stays `live` but leaves
the live lane. It comes back by a rebuild beside it: no second set of offsets and guards is needed.
A read model whose tables are gone is paused by the worker, so that its siblings can go on, and then
rebuilt the same way.
"""

from __future__ import annotations

import asyncio

from chassis.lane import LIVE
from chassis.manifest import Manifest
from chassis.postgres import generations
from chassis.postgres.database import Connection, Database
from chassis.service import Service
from chassis.setup import transaction

PAUSED = "paused"
"""The lane of read models that are not kept up."""
_STANDBY_KEPT_S = 600

_STANDBY = "select max(generation) from road.generations where name = $1 and status = 'standby'"
_STEP_BACK = """
update road.generations set status = 'standby', since = now() where name = $1 and status = 'live'
returning lane
"""
_STEP_FORWARD = """
update road.generations set status = 'live', live_at = now(), since = now()
 where name = $1 and generation = $2
"""
_PAUSE = """
update road.generations set lane = $2, since = now()
 where name = $1 and status = 'live' and lane = $3 returning generation
"""
_OLD = """
select g.name, g.generation from road.generations g
  join road.generations l on l.name = g.name and l.status = 'live'
 where g.status in ('standby', 'paused') and g.since < now() - make_interval(secs => $1)
"""
_RETIRE = "update road.generations set status = 'retired' where name = $1 and generation = $2"
_TABLES = """
select g.name, array_remove(array_agg(c.relname::text), null) as tables
  from road.generations g
  left join pg_namespace n on n.nspname = g.name || '_g' || g.generation
  left join pg_class c on c.relnamespace = n.oid and c.relkind = 'r'
 where g.status = 'live' group by g.name
"""


async def hold(connection: Connection) -> None:
    """Consumers of the live lane notice the raised epoch and take over its new members."""
    await connection.execute("update road.offsets set epoch = epoch + 1 where lane = $1", LIVE)


async def swap(service: Service, name: str) -> str:
    """Let the generation that stands by answer: one built beside, or the one before."""
    async with service.work.connection(None) as connection, connection.transaction():
        await hold(connection)
        standby = await connection.fetchval(_STANDBY, name)
        if standby is None:
            raise RuntimeError(
                f"{name} has no generation that stands by. Build one beside the live one first."
            )
        before = await connection.fetchval(_STEP_BACK, name)
        if before == PAUSED:
            await connection.execute(
                "update road.generations set status = 'paused' where name = $1 and lane = $2",
                name,
                PAUSED,
            )
        await connection.execute(_STEP_FORWARD, name, standby)
    await service.refresh()
    return f"generation {standby} answers now"


async def pause(service: Service, name: str) -> str:
    """Keep a read model as it is: the lane goes on without it."""
    async with service.work.connection(None) as connection, connection.transaction():
        await hold(connection)
        generation = await connection.fetchval(_PAUSE, name, PAUSED, LIVE)
    if generation is None:
        raise RuntimeError(f"{name} is paused already, or has no generation that answers.")
    await service.refresh()
    return f"generation {generation} stands still; resume rebuilds it"


async def is_paused(service: Service, name: str) -> bool:
    """Whether a read model answers without being kept up."""
    statement = (
        "select exists (select from road.generations "
        "where name = $1 and status = 'live' and lane = $2)"
    )
    async with service.work.connection(None) as connection:
        return bool(await connection.fetchval(statement, name, PAUSED))


async def without_tables(database: Database, manifest: Manifest) -> list[str]:
    """Read models that should answer and whose tables are gone, all or some."""
    async with database.connection(None) as connection:
        rows = await connection.fetch(_TABLES)
    there = {row["name"]: set(row["tables"]) for row in rows}
    return [
        p.name
        for p in manifest.projections
        if p.name in there and not {table.name for table in p.tables} <= there[p.name]
    ]


async def retire_standbys(service: Service) -> None:
    """Drop generations that were replaced, or built and not used, a while ago."""
    async with service.work.connection(None) as connection:
        old = await connection.fetch(_OLD, _STANDBY_KEPT_S)
        if not old:
            return
        async with connection.transaction():
            await hold(connection)
            await connection.executemany(_RETIRE, [(row["name"], row["generation"]) for row in old])

    def drop() -> None:
        with transaction(service.dsn("worker")) as cursor:
            for row in old:
                generations.drop(cursor, row["name"], row["generation"])

    await asyncio.to_thread(drop)
