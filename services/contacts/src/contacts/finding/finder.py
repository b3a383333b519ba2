"""Compares people who changed with those who are like them, and merges what may be merged.

Whoever is not compared as they are now is found by looking, not by being told: so nobody is missed
whatever process is killed when, and a first run, a restart and a rebuilt read model are all one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from multiprocessing import get_context
from typing import Any
from uuid import UUID

import structlog

from chassis.errors import DomainError
from chassis.ids import new_id
from chassis.ports import Context
from chassis.postgres.database import Connection
from chassis.postgres.turns import Turn
from chassis.service import Service
from contacts.domain.duplicates.blocking import keys_of
from contacts.domain.duplicates.comparing import compare
from contacts.domain.duplicates.model import Model, Scale
from contacts.domain.duplicates.scanning import KEPT_FROM, Scan, learn, scan
from contacts.domain.duplicates.traits import Traits
from contacts.finding import store
from contacts.read_models.likenesses import fetch_traits, traits_of
from contacts.read_models.merging_rules import fetch_threshold
from contacts.two_records import TwoRecords

log = structlog.get_logger("duplicates")

_POLL_S = 0.5
_STANDBY_S = 5.0
_SWEEP = timedelta(minutes=10)
_CHUNK = 500
_MANY = 2_000
"""So many changed people are compared all at once with everybody."""
_FEW = 200
"""So few people are always compared all at once: it takes no time, and the model stays young."""
_AT_ONCE_MOST = 300_000
"""More people than these are not held in memory at once."""
_HERE_MOST = 1_000
"""So many people are compared in this process; more would keep it from its other work."""
ACTOR = "duplicates"
_MERGES_EACH = 50
_ALL = "select * from likenesses where workspace_id = $1 and not gone order by person_id"
_GONE = "select * from likenesses where workspace_id = $1 and gone"
_COUNT = "select count(*) from likenesses where workspace_id = $1 and not gone"
_SAMPLE = """
select * from likenesses where workspace_id = $1 and not gone order by person_id desc limit $2
"""
_SURE = """
select p.left_id, p.right_id, p.probability from duplicates.pairs p
 where p.workspace_id = $1 and p.probability >= $2
   and not exists (select from told_apart t where t.workspace_id = $1
        and t.person_id = p.left_id and t.other_id = p.right_id)
   and not exists (select from survivors s where s.workspace_id = $1
        and s.person_id in (p.left_id, p.right_id))
 order by p.probability desc, p.left_id limit $3
"""


async def find_duplicates(service: Service) -> None:
    """Until cancelled; one process at a time does it. Raises Fenced if the turn is lost."""
    mine = turn(service)
    try:
        while not await mine.take():  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(_STANDBY_S)
        await mine.during(Finder(service).run())
    finally:
        mine.give_up()


def turn(service: Service) -> Turn:
    """A process's turn to look for duplicates."""
    return Turn(service.work, "everlog contacts duplicates")


class Finder:
    """The search, as far as it got. `since`: everybody who changed before is compared."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._since: datetime | None = None
        self._swept_at: datetime | None = None

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            if not self._service.readable or not await self.step():
                await asyncio.sleep(_POLL_S)

    async def step(self) -> bool:
        """Compare some of those who changed; False if nobody did."""
        now = self._service.clock.now()
        if self._swept_at is None or now - self._swept_at > _SWEEP:
            self._since = None
        async with self._service.work.connection(None) as connection:
            changed = await store.fetch_changed(connection, self._since)
        if not changed:
            # What is recorded now may be projected later: what is older than this never is.
            if self._since is None:
                self._swept_at = now
            self._since = now - _SWEEP
            return False
        for row in changed:
            await self.catch_up(row["workspace_id"], row["people"])
            await self.merge_the_sure(row["workspace_id"])
        return True

    async def catch_up(self, workspace: UUID, changed: int) -> None:
        """Compare those of a workspace who changed."""
        async with self._service.work.connection(None) as connection:
            model = await store.fetch_model(connection, workspace)
            people = await connection.fetchval(_COUNT, workspace)
        outgrown = model is None or people >= 2 * max(model.people, 10)
        if people <= _FEW or (
            people <= _AT_ONCE_MOST and (outgrown or changed >= max(_MANY, people // 4))
        ):
            await self._all_at_once(workspace)
            return
        if model is None or outgrown:
            model = await self._learnt(workspace)
        await self._chunk(workspace, model)

    async def _all_at_once(self, workspace: UUID) -> None:
        async with self._service.work.connection(None) as connection:
            rows = await connection.fetch(_ALL, workspace)
            gone = await connection.fetch(_GONE, workspace)
        ids = [row["person_id"] for row in rows]
        records = [traits_of(row) for row in rows]
        found: Scan = await _aside(len(records), scan, records)
        compared: list[tuple[UUID, int, Collection[int]]] = [
            (row["person_id"], row["version"], keys)
            for row, keys in zip(rows, found.keys, strict=True)
        ]
        compared += [(row["person_id"], row["version"], ()) for row in gone]
        pairs = [_pair(ids[p.left], ids[p.right], p.agreement, p.probability) for p in found.pairs]
        async with self._service.work.connection(None) as connection, connection.transaction():
            await store.replace_all(connection, workspace, found.model, compared, pairs)
        log.info("compared everybody", people=len(ids), pairs=len(pairs))

    async def _learnt(self, workspace: UUID) -> Model:
        """The model of a workspace too large to be compared at once. Everybody is compared anew."""
        async with self._service.work.connection(None) as connection:
            rows = await connection.fetch(_SAMPLE, workspace, _AT_ONCE_MOST // 4)
            people = await connection.fetchval(_COUNT, workspace)
        records = [traits_of(row) for row in rows]
        model: Model = await _aside(len(records), learn, records)
        model = Model(model.fields, model.prior * len(records) / people, model.keyed, people)
        async with self._service.work.connection(None) as connection, connection.transaction():
            await store.replace_all(connection, workspace, model, (), ())
        return model

    async def _chunk(self, workspace: UUID, model: Model) -> None:
        async with self._service.work.connection(None) as connection:
            rows = await store.fetch_to_compare(connection, workspace, self._since, _CHUNK)
            changed = {row["person_id"]: traits_of(row) for row in rows if not row["gone"]}
            keys = {id_: keys_of(own, model.keyed) for id_, own in changed.items()}
            async with connection.transaction():
                await store.replace_keys(connection, workspace, rows, keys)
                pairs = await like_them(connection, workspace, model, changed, keys)
                people = [row["person_id"] for row in rows]
                await store.replace_pairs(connection, workspace, people, pairs)

    async def merge_the_sure(self, workspace: UUID) -> None:
        """Merge pairs that are likelier than the workspace's threshold; the older record stays."""
        service = self._service
        async with service.work.connection(workspace) as connection:
            threshold = await fetch_threshold(connection, workspace)
            if threshold is None:
                return
            rows = await connection.fetch(_SURE, workspace, threshold, _MERGES_EACH)
        for row in rows:
            context = Context(workspace, ACTOR, new_id())
            two = TwoRecords(service.work_log, context, service.clock.now())
            try:
                await two.merge(row["left_id"], row["right_id"], {}, score=row["probability"])
            except DomainError as refused:  # one of them was merged or erased a moment ago
                log.info("not merged", reason=refused.problem)


async def like_them(
    connection: Connection,
    workspace: UUID,
    model: Model,
    people: Mapping[UUID, Traits],
    keys: Mapping[UUID, Iterable[int]],
) -> list[store.Pair]:
    """The likely pairs of these people with anybody."""
    wanted = {key for own in keys.values() for key in own}
    sharing = await store.fetch_sharing(connection, workspace, wanted)
    couples = {
        (min(id_, other), max(id_, other))
        for id_, own in keys.items()
        for key in own
        for other in sharing.get(key, ())
        if other != id_
    }
    others = {id_ for couple in couples for id_ in couple} - set(people)
    known = {**people, **await fetch_traits(connection, workspace, list(others))}
    scale, found = Scale(model), []
    for left, right in couples:
        if left in known and right in known:
            agreement = compare(known[left], known[right], model.names)
            likely = scale.probability(agreement, known[left], known[right], least=KEPT_FROM)
            if likely >= KEPT_FROM:
                found.append(_pair(left, right, agreement, likely))
    return found


def _pair(one: UUID, other: UUID, agreement: bytes, likely: float) -> store.Pair:
    return min(one, other), max(one, other), agreement, likely


async def _aside(size: int, work: Any, records: Sequence[Traits]) -> Any:
    """Work on many records in a process of its own: this one keeps its processor."""
    if size <= _HERE_MOST:
        return await asyncio.to_thread(work, records)
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return await loop.run_in_executor(pool, work, records)
