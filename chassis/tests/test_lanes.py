"""Lanes keep their contract in memory and in PostgreSQL: all of a commit, or none of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol
from uuid import UUID

import pytest

from chassis.errors import Fenced
from chassis.ids import new_id
from chassis.lane import Anew, Commit, Lanes, Member, Move, ParkedEvent, ParkedSequence, Seen
from chassis.manifest import Manifest
from chassis.memory.lanes import MemoryLanes
from chassis.ports import Partition
from chassis.postgres.database import Database, dsn_for
from chassis.postgres.lanes import PostgresLanes
from chassis.projection import Add, Change, Fold, Put, Remove
from chassis.setup import prepare_database
from chassis.testing.parcels import CITIES, ON_THE_WAY, PARCEL, PARCELS
from chassis.vault import Keyring

P0, P1 = Partition("everlog.parcels", 0), Partition("everlog.parcels", 1)
GENERATION = ("on_the_way", 1)


class Bench(Protocol):
    @property
    def lanes(self) -> Lanes: ...

    async def rows(self, workspace: UUID) -> list[Mapping[str, Any]]: ...

    async def places(self, workspace: UUID) -> list[tuple[int, Partition, int]]: ...


def commit(start: int, upto: int, *, epoch: int = 0, **more: Any) -> Commit:
    return Commit(epoch, [Move(P0, start, upto)], **more)


def fold(workspace: UUID, *changes: Change) -> Fold:
    folded = Fold()
    folded.apply(workspace, changes)
    return folded


class LanesContract:
    async def test_a_lane_begins_at_zero_and_remembers_where_it_is(self, bench: Bench) -> None:
        lane = f"lane {new_id()}"
        state = await bench.lanes.open(lane, [P0, P1])
        assert (state.epoch, dict(state.offsets)) == (0, {P0: 0, P1: 0})
        await bench.lanes.commit(lane, commit(0, 5))
        assert (await bench.lanes.open(lane, [P0, P1])).offsets == {P0: 5, P1: 0}

    async def test_a_commit_from_another_place_changes_nothing(self, bench: Bench) -> None:
        lane, workspace = f"lane {new_id()}", new_id()
        await bench.lanes.open(lane, [P0])
        await bench.lanes.commit(lane, commit(0, 5))
        rows = {GENERATION: fold(workspace, Put(PARCELS, (new_id(),), {"city": "Rome"}))}
        for wrong in (commit(0, 7, rows=rows), commit(5, 7, epoch=3, rows=rows)):
            with pytest.raises(Fenced):
                await bench.lanes.commit(lane, wrong)
        assert await bench.rows(workspace) == []
        assert (await bench.lanes.open(lane, [P0])).offsets == {P0: 5}

    async def test_guards_remember_the_last_version(self, bench: Bench) -> None:
        lane, workspace = f"lane {new_id()}", new_id()
        await bench.lanes.open(lane, [P0])
        one, two = (workspace, "parcel-1"), (workspace, "parcel-2")
        await bench.lanes.commit(lane, commit(0, 1, guards={one: 3}))
        await bench.lanes.commit(lane, commit(1, 2, guards={one: 4}))
        assert await bench.lanes.guards(lane, [one, two]) == {one: 4}

    async def test_rows_are_put_added_to_and_removed(self, bench: Bench) -> None:
        lane, workspace, a, b = f"lane {new_id()}", new_id(), new_id(), new_id()
        await bench.lanes.open(lane, [P0])
        first = fold(
            workspace,
            Put(PARCELS, (a,), {"city": "Rome", "receiver": None}),
            Add(PARCELS, (a,), {"scans": 2}),
            Put(PARCELS, (b,), {"city": "Oslo"}),
        )
        await bench.lanes.commit(lane, commit(0, 1, rows={GENERATION: first}))
        second = fold(
            workspace,
            Add(PARCELS, (a,), {"scans": 3}),
            Put(PARCELS, (a,), {"city": "Bern"}),
            Remove(PARCELS, (b,)),
        )
        await bench.lanes.commit(lane, commit(1, 2, rows={GENERATION: second}))
        [row] = await bench.rows(workspace)
        assert (row["parcel_id"], row["city"], row["scans"]) == (a, "Bern", 5)
        third = fold(workspace, Remove(PARCELS, (a,)), Put(PARCELS, (a,), {"city": "Kiel"}))
        await bench.lanes.commit(lane, commit(2, 3, rows={GENERATION: third}))
        [row] = await bench.rows(workspace)
        assert (row["city"], row["scans"]) == ("Kiel", 0)
        await bench.lanes.commit(
            lane, commit(3, 4, rows={GENERATION: fold(workspace, Remove(PARCELS, ()))})
        )
        assert await bench.rows(workspace) == []

    async def test_parked_sequences_are_remembered(self, bench: Bench) -> None:
        lane, workspace, stream = f"lane {new_id()}", new_id(), f"parcel-{new_id()}"
        await bench.lanes.open(lane, [P0])
        event = ParkedEvent(1, new_id(), "parcels.parcel-sent.v1", P0, 0)
        parked = ParkedSequence("on_the_way", workspace, stream, "failed", "boom", [event])
        await bench.lanes.commit(lane, commit(0, 1, parked=[parked]))
        state = await bench.lanes.open(lane, [P0])
        assert ("on_the_way", workspace, stream) in state.parked

    async def test_a_lane_keeps_the_topic_in_which_its_offsets_count(self, bench: Bench) -> None:
        lane, id_ = f"lane {new_id()}", new_id()
        assert (await bench.lanes.open(lane, [P0])).topics == {}
        assert (await bench.lanes.open(lane, [P0, P1], {P0.topic: id_})).topics == {
            P0: id_,
            P1: id_,
        }
        other = await bench.lanes.open(lane, [P0, P1], {P0.topic: new_id()})
        assert other.topics == {P0: id_, P1: id_}

    async def test_only_what_was_made_anew_or_set_back_is_read_again(self, bench: Bench) -> None:
        lane, workspace, id_ = f"lane {new_id()}", new_id(), new_id()
        await bench.lanes.open(lane, [P0, P1], {P0.topic: id_})
        stream = (workspace, "parcel-1")
        await bench.lanes.commit(lane, commit(0, 5, guards={stream: 3}))
        await bench.lanes.commit(lane, Commit(0, [Move(P1, 0, 4)]))
        await bench.lanes.read_again(lane, {P0: Anew(id_, 5), P1: Anew(id_, 4)})
        assert (await bench.lanes.open(lane, [])).offsets == {P0: 5, P1: 4}
        other = new_id()
        await bench.lanes.read_again(lane, {P0: Anew(other, 9), P1: Anew(id_, 3)})
        state = await bench.lanes.open(lane, [])
        assert (dict(state.offsets), state.topics) == ({P0: 0, P1: 0}, {P0: other, P1: id_})
        assert await bench.lanes.guards(lane, [stream]) == {stream: 3}
        with pytest.raises(Fenced):
            await bench.lanes.commit(lane, commit(0, 1))
        await bench.lanes.commit(lane, commit(0, 1, epoch=state.epoch))

    async def test_parked_events_that_are_met_again_are_found_there(self, bench: Bench) -> None:
        lane, workspace, stream = f"lane {new_id()}", new_id(), f"parcel-{new_id()}"
        await bench.lanes.open(lane, [P0])
        await bench.lanes.commit(lane, commit(0, 1, parked=[_waiting(workspace, stream, "*", 3)]))
        again = [Seen(workspace, stream, 3, P1, 77), Seen(new_id(), stream, 3, P1, 88)]
        await bench.lanes.commit(lane, commit(1, 2, seen_again=again))
        assert await bench.places(workspace) == [(3, P1, 77)]

    async def test_a_gap_that_has_closed_is_not_parked_any_more(self, bench: Bench) -> None:
        lane, workspace, stream = f"lane {new_id()}", new_id(), f"parcel-{new_id()}"
        await bench.lanes.open(lane, [P0])
        parked = [_waiting(workspace, stream, "*", 3, 4), _waiting(workspace, stream, "one", 3)]
        await bench.lanes.commit(lane, commit(0, 1, parked=parked))
        await bench.lanes.commit(lane, commit(1, 2, closed={("*", workspace, stream): 3}))
        assert ("*", workspace, stream) in (await bench.lanes.open(lane, [])).parked
        await bench.lanes.commit(lane, commit(2, 3, closed={("*", workspace, stream): 4}))
        left = (await bench.lanes.open(lane, [])).parked
        assert ("*", workspace, stream) not in left
        assert ("one", workspace, stream) in left


def _waiting(workspace: UUID, stream: str, name: str, *versions: int) -> ParkedSequence:
    events = [ParkedEvent(v, new_id(), "parcels.parcel-scanned.v1", P0, v) for v in versions]
    return ParkedSequence(name, workspace, stream, "gap", "made up", events)


class MemoryBench:
    def __init__(self) -> None:
        self.lanes = MemoryLanes()

    async def rows(self, workspace: UUID) -> list[Mapping[str, Any]]:
        tables = self.lanes.generations.get(GENERATION)
        found = tables.rows(PARCELS) if tables else {}
        return [row for key, row in found.items() if key[0] == workspace]

    async def places(self, workspace: UUID) -> list[tuple[int, Partition, int]]:
        return [
            (event.version, event.partition, event.offset)
            for (_, owner, _), sequences in self.lanes.parked.items()
            for sequence in sequences
            for event in sequence.events
            if owner == workspace
        ]


class TestInMemory(LanesContract):
    @pytest.fixture
    def bench(self) -> Bench:
        return MemoryBench()


class PostgresBench:
    def __init__(self, database: Database) -> None:
        self.lanes = PostgresLanes(database)
        self._database = database

    async def rows(self, workspace: UUID) -> list[Mapping[str, Any]]:
        async with self._database.connection(None) as connection:
            query = "select * from on_the_way_g1.parcels where workspace_id = $1"
            return [dict(row) for row in await connection.fetch(query, workspace)]

    async def places(self, workspace: UUID) -> list[tuple[int, Partition, int]]:
        async with self._database.connection(None) as connection:
            query = "select * from road.parked_events where workspace_id = $1 order by version"
            rows = await connection.fetch(query, workspace)
        return [(r["version"], Partition(r["topic"], r["partition"]), r["offset"]) for r in rows]


@pytest.mark.integration
class TestInPostgres(LanesContract):
    @pytest.fixture
    async def bench(self, postgres_dsn: str) -> AsyncIterator[Bench]:
        manifest = Manifest("lanes", deciders=(PARCEL,), projections=(ON_THE_WAY,))
        keyring = Keyring(bytes(32))
        await asyncio.to_thread(prepare_database, manifest, postgres_dsn, keyring)
        database = Database(dsn_for(postgres_dsn, "lanes", "worker", keyring), name="lanes")
        await database.start()
        yield PostgresBench(database)
        await database.stop()

    async def test_the_live_members_of_a_lane_are_known(self, bench: Bench) -> None:
        state = await bench.lanes.open("live", [P0])
        assert state.members == (Member("on_the_way", 1, 1, "live"),)


def test_the_shared_table_is_declared() -> None:
    assert ON_THE_WAY.shared == (CITIES,)
