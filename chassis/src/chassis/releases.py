"""Brings in the read models of a new release: each is built beside the one that answers.

Set-up makes read models only as long as nothing has been read; what a later release adds or changes
is rebuilt from the topics by that release's worker. Until then the release before goes on
projecting and answering. What a newer release has built an older one leaves alone. A read model
whose tables are gone is rebuilt the same way: nothing is lost with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog

from chassis.errands import carry_out_now, rebuild
from chassis.postgres.turns import Turn
from chassis.service import Service
from chassis.swapping import is_paused, pause, without_tables

log = structlog.get_logger("releases")

_LOOK_S = 5.0
_AGAIN_S = 60.0
_WAIT_S = 0.5
_LIVE = "select name, version from road.generations where status = 'live'"


async def renew(service: Service) -> None:
    """Build what is outdated, until cancelled; one worker at a time."""
    while True:
        if await outdated(service):
            async with _turn(service) as mine:
                if await mine.take():
                    await mine.during(_build(service))
        await asyncio.sleep(_LOOK_S)


async def outdated(service: Service) -> list[str]:
    """The read models of this release that do not answer, or only in an older version; and those
    whose tables are gone."""
    live = await _live(service)
    lost = await without_tables(service.work, service.manifest)
    return [
        p.name
        for p in service.manifest.projections
        if live.get(p.name, 0) < p.version or p.name in lost
    ]


async def bring_up_to_date(service: Service, building: Callable[[str], None]) -> list[str]:
    """Rebuild what is outdated in this process, unless a worker is at it already: then wait for
    it. Returns what was rebuilt. Raises Poison if an event cannot be applied."""
    begun: list[str] = []
    while await outdated(service):
        async with _turn(service) as mine:
            for name in await outdated(service) if await mine.take() else ():
                building(name)
                await mine.during(rebuild(service, name))
                begun.append(name)
        await asyncio.sleep(_WAIT_S)
    return begun


async def not_superseded(service: Service) -> None:
    """Wait while read models of a newer release answer: a projector of this one could only get in
    the way of the new one's."""
    while True:
        live = await _live(service)
        newer = [p.name for p in service.manifest.projections if live.get(p.name, 0) > p.version]
        if not newer:
            return
        service.failing["projector"] = f"a newer release has taken over {', '.join(newer)}"
        await asyncio.sleep(_LOOK_S)


async def _live(service: Service) -> dict[str, int]:
    async with service.work.connection(None) as connection:
        return {row["name"]: row["version"] for row in await connection.fetch(_LIVE)}


async def _build(service: Service) -> None:
    lost = await without_tables(service.work, service.manifest)
    for name in await outdated(service):  # anew: the worker before may have built some
        why = "its tables are gone" if name in lost else "a new release"
        log.info("building a read model", read_model=name, why=why)
        if name in lost and not await is_paused(service, name):
            await pause(service, name)  # so that its siblings can go on meanwhile
        try:
            await carry_out_now(service, "rebuild", name, why)
        except RuntimeError as error:
            service.failing[f"release/{name}"] = str(error)
            await asyncio.sleep(_AGAIN_S)
            return
        service.failing.pop(f"release/{name}", None)


@asynccontextmanager
async def _turn(service: Service) -> AsyncIterator[Turn]:
    """A worker's turn to build, not taken yet; given up at the end."""
    mine = turn_of(service)
    try:
        yield mine
    finally:
        mine.give_up()


def turn_of(service: Service) -> Turn:
    """A worker's turn to build the read models of a release."""
    return Turn(service.work, f"everlog release {service.manifest.service}")
