"""Contract suites: what every implementation of a port must do, in memory and for real.

A test file subclasses a suite and provides the fixture it asks for.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

import pytest

from chassis.chain import verify
from chassis.clock import SetClock
from chassis.decider import handle
from chassis.errors import BadInput, Conflict, DomainError, StaleVersion
from chassis.events import Stored
from chassis.ids import new_id
from chassis.outbox import Outbox
from chassis.ports import Append, Context, EventLog
from chassis.testing.parcels import (
    PARCEL,
    Deliver,
    Forget,
    Parcel,
    ParcelCommand,
    ParcelScanned,
    ParcelSent,
    Scan,
    Send,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class LogBench(Protocol):
    """A log on the test bench: the log, its outbox, its clock, and a look at the stored bytes."""

    @property
    def log(self) -> EventLog: ...

    @property
    def outbox(self) -> Outbox: ...

    @property
    def clock(self) -> SetClock: ...

    async def stored(self, workspace: UUID, stream: str) -> list[Stored]: ...


def context(workspace: UUID, key: str | None = None, fingerprint: bytes | None = None) -> Context:
    """A context as a request would bring it."""
    return Context(workspace, "user-1", new_id(), key=key, fingerprint=fingerprint)


def send(parcel_id: UUID, *, number: str | None = None, receiver_id: UUID | None = None) -> Send:
    """A parcel to Ada."""
    return Send(parcel_id, receiver_id or new_id(), "Ada Lovelace", "London", NOON, number)


async def travel(log: EventLog, asking: Context, *cities: str, parcel: UUID | None = None) -> UUID:
    """A parcel that is sent and then scanned in these cities."""
    parcel = parcel or new_id()
    await handle(log, PARCEL, parcel, send(parcel), asking, new=True)
    for city in cities:
        await handle(log, PARCEL, parcel, Scan(city, NOON), asking)
    return parcel


def _scan(parcel: UUID, city: str) -> ParcelScanned:
    return ParcelScanned(parcel, city, occurred_at=NOON)


async def _state(log: EventLog, asking: Context, parcel: UUID) -> Parcel | None:
    loaded = await log.load(asking, PARCEL.stream(parcel))
    return PARCEL.fold(r.event for r in loaded.events)  # type: ignore[misc]


class EventLogContract:
    """What an event log promises."""

    async def test_what_was_appended_is_loaded_in_order(self, bench: LogBench) -> None:
        asking, parcel = context(new_id()), new_id()
        commands: list[ParcelCommand] = [send(parcel), Scan("Paris", NOON), Deliver(NOON)]
        for command in commands:
            answer = await handle(bench.log, PARCEL, parcel, command, asking)
        assert answer.version == 3
        loaded = await bench.log.load(asking, PARCEL.stream(parcel))
        assert [r.version for r in loaded.events] == [1, 2, 3]
        assert [r.type.split(".")[1] for r in loaded.events] == [
            "parcel-sent",
            "parcel-scanned",
            "parcel-delivered",
        ]

    async def test_of_two_writers_with_the_same_version_one_is_refused(
        self, bench: LogBench
    ) -> None:
        asking, parcel = context(new_id()), new_id()
        await handle(bench.log, PARCEL, parcel, send(parcel), asking, new=True)
        seen = ParcelScanned(parcel, "Rome", occurred_at=NOON)
        await bench.log.append(asking, Append(PARCEL.stream(parcel), [seen], expected=1))
        with pytest.raises(StaleVersion):
            await bench.log.append(asking, Append(PARCEL.stream(parcel), [seen], expected=1))

    async def test_a_repeated_key_gets_the_same_answer_and_has_one_effect(
        self, bench: LogBench
    ) -> None:
        workspace, parcel, again = new_id(), new_id(), new_id()
        asking = context(workspace, "key-1", b"same")
        first = await handle(bench.log, PARCEL, parcel, send(parcel), asking, new=True)
        second = await handle(bench.log, PARCEL, again, send(again), asking, new=True)
        third = await handle(bench.log, PARCEL, parcel, send(parcel), asking)
        assert second.replayed
        assert third.replayed
        assert (first.stream, first.version) == (second.stream, second.version)
        assert await bench.stored(workspace, PARCEL.stream(again)) == []

    async def test_a_key_that_comes_back_with_another_request_is_refused(
        self, bench: LogBench
    ) -> None:
        workspace, parcel = new_id(), new_id()
        await handle(bench.log, PARCEL, parcel, send(parcel), context(workspace, "k", b"1"))
        with pytest.raises(BadInput, match="different request"):
            await handle(bench.log, PARCEL, parcel, Deliver(NOON), context(workspace, "k", b"2"))

    async def test_a_repeated_append_is_answered_though_the_stream_has_moved_on(
        self, bench: LogBench
    ) -> None:
        asking, parcel = context(new_id(), "key-1", b"same"), new_id()
        append = PARCEL.append_of(parcel, PARCEL.decide(send(parcel), None), 0)
        first = await bench.log.append(asking, append)
        scan = Append(PARCEL.stream(parcel), [_scan(parcel, "Rome")], expected=1)
        await bench.log.append(context(asking.workspace), scan)
        again = await bench.log.append(asking, append)
        assert (again.version, again.replayed) == (first.version, True)
        assert len(await bench.stored(asking.workspace, PARCEL.stream(parcel))) == 2

    async def test_a_key_is_refused_to_another_request_whichever_way_it_is_appended(
        self, bench: LogBench
    ) -> None:
        workspace, parcel = new_id(), new_id()
        append = PARCEL.append_of(parcel, PARCEL.decide(send(parcel), None), 0)
        await bench.log.append(context(workspace, "k", b"1"), append)
        other = context(workspace, "k", b"2")
        scan = Append(PARCEL.stream(parcel), [_scan(parcel, "Rome")], expected=1)
        with pytest.raises(BadInput, match="different request"):
            await bench.log.append(other, scan)
        with pytest.raises(BadInput, match="different request"):
            await bench.log.append_many(other, [scan])
        assert len(await bench.stored(workspace, PARCEL.stream(parcel))) == 1

    async def test_a_bulk_append_to_another_version_than_expected_is_refused(
        self, bench: LogBench
    ) -> None:
        asking, parcel = context(new_id()), new_id()
        await handle(bench.log, PARCEL, parcel, send(parcel), asking, new=True)
        await handle(bench.log, PARCEL, parcel, Scan("Oslo", NOON), asking)
        for expected in (0, 1, 3):
            stale = Append(PARCEL.stream(parcel), [_scan(parcel, "Rome")], expected=expected)
            with pytest.raises(StaleVersion):
                await bench.log.append_many(asking, [stale])
        assert len(await bench.stored(asking.workspace, PARCEL.stream(parcel))) == 2

    async def test_a_claimed_value_is_refused_to_others_until_released(
        self, bench: LogBench
    ) -> None:
        workspace, first, second = new_id(), new_id(), new_id()
        await handle(bench.log, PARCEL, first, send(first, number="N1"), context(workspace))
        with pytest.raises(Conflict) as refused:
            await handle(bench.log, PARCEL, second, send(second, number="N1"), context(workspace))
        assert refused.value.extra["holder"] == PARCEL.stream(first)
        assert await bench.stored(workspace, PARCEL.stream(second)) == []
        await handle(bench.log, PARCEL, second, send(second, number="N1"), context(new_id()))

    async def test_a_bulk_append_names_who_holds_a_claimed_value(self, bench: LogBench) -> None:
        asking, first, second = context(new_id()), new_id(), new_id()
        await handle(bench.log, PARCEL, first, send(first, number="N1"), asking)
        sent = PARCEL.decide(send(second, number="N1"), None)
        with pytest.raises(Conflict) as refused:
            await bench.log.append_many(asking, [PARCEL.append_of(second, sent, 0)])
        assert refused.value.extra == {"kind": "parcel_number", "holder": PARCEL.stream(first)}
        assert await bench.stored(asking.workspace, PARCEL.stream(second)) == []

    async def test_personal_data_is_sealed_and_gone_once_the_key_is_destroyed(
        self, bench: LogBench
    ) -> None:
        asking, parcel = context(new_id()), new_id()
        await handle(bench.log, PARCEL, parcel, send(parcel), asking, new=True)
        stored = await bench.stored(asking.workspace, PARCEL.stream(parcel))
        assert b"Ada" not in stored[0].data
        before = await _state(bench.log, asking, parcel)
        assert before is not None
        assert before.receiver == "Ada Lovelace"
        await handle(bench.log, PARCEL, parcel, Forget(NOON), asking)
        # Not the folded state: the event of forgetting says so itself, whatever became of the key.
        loaded = await bench.log.load(asking, PARCEL.stream(parcel))
        assert isinstance(sent := loaded.events[0].event, ParcelSent)
        assert sent.receiver == "[erased]"
        verify(await bench.stored(asking.workspace, PARCEL.stream(parcel)))

    async def test_the_chain_links_every_event_to_the_one_before(self, bench: LogBench) -> None:
        asking, parcel = context(new_id()), new_id()
        await handle(bench.log, PARCEL, parcel, send(parcel), asking, new=True)
        bench.clock.move(timedelta(seconds=3))
        await handle(bench.log, PARCEL, parcel, Scan("Oslo", NOON), asking)
        stored = await bench.stored(asking.workspace, PARCEL.stream(parcel))
        assert verify(stored) == stored[-1].hash
        assert stored[1].recorded_at - stored[0].recorded_at == timedelta(seconds=3)

    async def test_time_recorded_never_runs_backwards_in_a_stream(self, bench: LogBench) -> None:
        asking, parcel = context(new_id()), new_id()
        await handle(bench.log, PARCEL, parcel, send(parcel), asking, new=True)
        bench.clock.move(timedelta(minutes=-5))
        await handle(bench.log, PARCEL, parcel, Scan("Oslo", NOON), asking)
        stored = await bench.stored(asking.workspace, PARCEL.stream(parcel))
        assert stored[1].recorded_at == stored[0].recorded_at

    async def test_a_load_can_be_cut_at_a_moment_of_recording(self, bench: LogBench) -> None:
        asking, parcel = context(new_id()), new_id()
        await handle(bench.log, PARCEL, parcel, send(parcel), asking, new=True)
        then = bench.clock.now()
        bench.clock.move(timedelta(hours=1))
        await handle(bench.log, PARCEL, parcel, Scan("Oslo", NOON), asking)
        loaded = await bench.log.load(asking, PARCEL.stream(parcel), upto=then)
        assert loaded.version == 1

    async def test_many_streams_are_loaded_at_once_and_absent_ones_left_out(
        self, bench: LogBench
    ) -> None:
        asking, one, two = context(new_id()), new_id(), new_id()
        for parcel in (one, two):
            await handle(bench.log, PARCEL, parcel, send(parcel), asking, new=True)
        await handle(bench.log, PARCEL, two, Scan("Oslo", NOON), asking)
        streams = [PARCEL.stream(id_) for id_ in (one, two, new_id())]
        loaded = await bench.log.load_many(asking, streams)
        assert {name: found.version for name, found in loaded.items()} == {
            streams[0]: 1,
            streams[1]: 2,
        }
        sent = loaded[streams[1]].events[0].event
        assert isinstance(sent, ParcelSent)
        assert sent.receiver == "Ada Lovelace"
        assert await bench.log.load_many(context(new_id()), streams) == {}

    async def test_an_event_is_found_by_its_id_in_its_own_workspace_alone(
        self, bench: LogBench
    ) -> None:
        asking, parcel = context(new_id()), new_id()
        await handle(bench.log, PARCEL, parcel, send(parcel), asking, new=True)
        event = (await bench.log.load(asking, PARCEL.stream(parcel))).events[0]
        assert await bench.log.stream_of(asking, event.id) == PARCEL.stream(parcel)
        assert await bench.log.stream_of(asking, new_id()) is None
        assert await bench.log.stream_of(context(new_id()), event.id) is None

    async def test_one_workspace_sees_nothing_of_another(self, bench: LogBench) -> None:
        parcel = new_id()
        await handle(bench.log, PARCEL, parcel, send(parcel), context(new_id()), new=True)
        loaded = await bench.log.load(context(new_id()), PARCEL.stream(parcel))
        assert loaded.version == 0

    async def test_a_bulk_append_is_all_or_nothing(self, bench: LogBench) -> None:
        asking, parcels = context(new_id()), [new_id() for _ in range(5)]
        taken = new_id()
        await handle(bench.log, PARCEL, taken, send(taken, number="N7"), asking, new=True)
        appends = [
            PARCEL.append_of(p, PARCEL.decide(send(p, number=f"N{n}"), None), expected=0)
            for n, p in enumerate(parcels, start=5)
        ]
        with pytest.raises(DomainError):
            await bench.log.append_many(asking, appends)
        for parcel in parcels:
            assert await bench.stored(asking.workspace, PARCEL.stream(parcel)) == []

    async def test_a_bulk_append_does_what_single_appends_do(self, bench: LogBench) -> None:
        asking, parcels = context(new_id()), [new_id() for _ in range(40)]
        appends = [
            Append(
                PARCEL.stream(p),
                [*PARCEL.decide(send(p), None), ParcelScanned(p, "Bern", occurred_at=NOON)],
                expected=0,
                context=context(asking.workspace, f"row-{n}"),
            )
            for n, p in enumerate(parcels)
        ]
        first = await bench.log.append_many(asking, appends)
        second = await bench.log.append_many(asking, appends)
        assert [a.version for a in first] == [2] * 40
        assert [a.replayed for a in second] == [True] * 40
        for parcel in parcels:
            stored = await bench.stored(asking.workspace, PARCEL.stream(parcel))
            assert len(stored) == 2
            verify(stored)
        scan = Append(
            PARCEL.stream(parcels[0]),
            [ParcelScanned(parcels[0], "Rome", occurred_at=NOON)],
            expected=None,
        )
        assert (await bench.log.append_many(asking, [scan]))[0].version == 3

    async def test_everything_appended_waits_in_the_outbox_in_order(self, bench: LogBench) -> None:
        asking, parcel = context(new_id()), new_id()
        await handle(bench.log, PARCEL, parcel, send(parcel), asking, new=True)
        await handle(bench.log, PARCEL, parcel, Scan("Rome", NOON), asking)
        assert await bench.outbox.take_over()
        batch = await bench.outbox.take(1000)
        mine = [s for s in batch.events if s.stream == PARCEL.stream(parcel)]
        assert [s.version for s in mine] == [1, 2]
        assert {s.key_id for s in mine if s.key_id} <= {k.key_id for k in batch.keys}
        await bench.outbox.done(batch)
        assert not await bench.outbox.take(1000)

    async def test_a_small_batch_of_the_outbox_takes_the_oldest_first(
        self, bench: LogBench
    ) -> None:
        asking, parcel = context(new_id()), new_id()
        assert await bench.outbox.take_over()
        await bench.outbox.done(await bench.outbox.take(10_000))
        await handle(bench.log, PARCEL, parcel, send(parcel), asking, new=True)
        for city in ("Rome", "Oslo"):
            await handle(bench.log, PARCEL, parcel, Scan(city, NOON), asking)
        taken = []
        while batch := await bench.outbox.take(1):
            taken += [stored.version for stored in batch.events]
            await bench.outbox.done(batch)
        assert taken == [1, 2, 3]
