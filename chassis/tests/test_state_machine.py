"""Whatever happens in whatever order: live == rebuilt == pure fold, nothing lost, nothing doubled.

One state machine drives the ports in memory (many examples) and for real (a few). Every step is
what happens in the field: an append, its repetition, a relay that dies in the middle, messages that
arrive again, a projector that sleeps through a takeover, a bad event, an erasure, a swap.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chassis.chain import verify
from chassis.decider import handle
from chassis.errors import Conflict, Fenced, StaleVersion
from chassis.events import Recorded
from chassis.ids import new_id
from chassis.lane_reader import Batch, LaneReader
from chassis.memory.lanes import MemoryTables
from chassis.outbox import Batch as OutboxBatch
from chassis.outbox import Outbox
from chassis.ports import Append, Appended, Outgoing
from chassis.projection import Fold
from chassis.projector import Projector
from chassis.relay import Relay
from chassis.testing.contracts import NOON, context, send
from chassis.testing.parcels import (
    ON_THE_WAY,
    PARCEL,
    Deliver,
    Forget,
    ParcelCommand,
    ParcelScanned,
    Scan,
)
from chassis.testing.road import open_road
from chassis.testing.stacks import (
    FaultySink,
    MemoryStack,
    RealStack,
    Rows,
    Stack,
    rows_of,
    taken_over,
)

T = TypeVar("T")
CITY = st.sampled_from(["Rome", "Oslo", "Bern"])


class Everything(RuleBasedStateMachine):
    """One workspace on a stack."""

    def __init__(self, stack: Stack, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        super().__init__()
        self.stack = stack
        self.run = run
        self.workspace = new_id()
        self.parcels: list[UUID] = []
        self.written: dict[str, int] = {}
        self.answers: dict[str, tuple[Appended, UUID, ParcelCommand]] = {}
        self.published: list[Outgoing] = []
        self.held: tuple[LaneReader, Projector, Batch] | None = None
        self.sleeping: tuple[Outbox, OutboxBatch] | None = None
        self.bad: set[UUID] = set()
        stack.fails = lambda recorded: (
            recorded.workspace == self.workspace
            and isinstance(recorded.event, ParcelScanned)
            and recorded.event.parcel_id in self.bad
        )

    @initialize()
    def first_parcel(self) -> None:
        self._append(new_id(), None)

    # --- appending

    def _append(self, parcel: UUID, command: ParcelCommand | None) -> None:
        """Under a key of its own; `command` None: send it."""
        key = f"key-{len(self.answers)}"
        asking = context(self.workspace, key, key.encode())
        asked = command or send(parcel)
        try:
            answer = self.run(handle(self.stack.log, PARCEL, parcel, asked, asking))
        except Conflict:
            return  # the tiny domain's own rules
        if command is None:
            self.parcels.append(parcel)
        self.written[answer.stream] = answer.version
        self.answers[key] = (answer, parcel, asked)

    @rule()
    def a_parcel_is_sent(self) -> None:
        self._append(new_id(), None)

    @rule(city=CITY, data=st.data())
    def a_parcel_is_scanned(self, city: str, data: st.DataObject) -> None:
        self._append(data.draw(st.sampled_from(self.parcels)), Scan(city, NOON))

    @rule(data=st.data())
    def a_parcel_is_delivered(self, data: st.DataObject) -> None:
        self._append(data.draw(st.sampled_from(self.parcels)), Deliver(NOON))

    @rule(data=st.data())
    def a_receiver_is_erased(self, data: st.DataObject) -> None:
        self._append(data.draw(st.sampled_from(self.parcels)), Forget(NOON))

    @rule(data=st.data())
    def a_request_is_repeated(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.answers)))
        before, parcel, command = self.answers[key]
        asking = context(self.workspace, key, key.encode())
        again = self.run(handle(self.stack.log, PARCEL, parcel, command, asking))
        assert (again.stream, again.version) == (before.stream, before.version)
        assert again.replayed

    @rule(off=st.sampled_from([-1, 1]), data=st.data())
    def a_stale_writer_is_refused(self, off: int, data: st.DataObject) -> None:
        stream = data.draw(st.sampled_from(sorted(self.written)))
        seen = ParcelScanned(self.parcels[0], "Nowhere", occurred_at=NOON)
        stale = Append(stream, [seen], expected=self.written[stream] + off)
        with pytest.raises(StaleVersion):
            self.run(self.stack.log.append(context(self.workspace), stale))

    # --- relaying

    async def _relay(self, most: int, breaks_after: int | None, answer_lost: bool) -> None:
        outbox = await taken_over(await self.stack.outbox())
        sink = FaultySink(await self.stack.sink(), breaks_after, self.published)
        relay = Relay(
            _Forgetful(outbox) if answer_lost else outbox, _never, asyncio.Event(), most=most
        )
        try:
            with contextlib.suppress(ConnectionError):
                await relay.step(sink)
        finally:
            await sink.close()
            await outbox.give_up()

    @rule(
        most=st.integers(1, 5),
        breaks_after=st.none() | st.integers(0, 3),
        answer_lost=st.booleans(),
    )
    def a_relay_publishes(self, most: int, breaks_after: int | None, answer_lost: bool) -> None:
        """`answer_lost`: it dies after the publishing, before it deletes from the outbox."""
        self.run(self._relay(most, breaks_after, answer_lost))

    @precondition(lambda self: self.sleeping is None)
    @rule()
    def a_relay_falls_asleep_over_a_batch(self) -> None:
        async def fall_asleep() -> tuple[Outbox, OutboxBatch]:
            outbox = await taken_over(await self.stack.outbox())
            batch = await outbox.take(100)
            await outbox.give_up()
            return outbox, batch

        self.sleeping = self.run(fall_asleep())

    @precondition(lambda self: self.sleeping is not None)
    @rule()
    def a_succeeded_relay_wakes_up(self) -> None:
        """It published nothing: what it deleted now would be lost."""
        assert self.sleeping is not None
        (outbox, batch), self.sleeping = self.sleeping, None

        async def wake_up() -> None:
            heir = await taken_over(await self.stack.outbox())
            try:
                with pytest.raises(Fenced):
                    await outbox.done(batch)
            finally:
                await heir.give_up()

        self.run(wake_up())

    @precondition(lambda self: self.published)
    @rule(data=st.data())
    def messages_arrive_again(self, data: st.DataObject) -> None:
        """As from an abandoned producer: a run of old ones, behind newer ones."""
        start = data.draw(st.integers(0, len(self.published) - 1))
        again = self.published[start : start + data.draw(st.integers(1, 4))]

        async def publish() -> None:
            sink = await self.stack.sink()
            await sink.publish(again)
            await sink.close()

        self.run(publish())

    # --- projecting

    async def _project(self, most: int) -> None:
        reader = await self.stack.reader()
        try:
            await self.stack.projector(reader).step(timeout_s=0.3, most=most)
        finally:
            await reader.stop()

    @rule(most=st.integers(1, 6))
    def a_projector_takes_a_step(self, most: int) -> None:
        self.run(self._project(most))

    @precondition(lambda self: self.held is None)
    @rule()
    def a_projector_falls_asleep_over_a_batch(self) -> None:
        """It has taken and applied it, and not committed; or it dies and never will."""

        async def fall_asleep() -> tuple[LaneReader, Projector, Batch] | None:
            reader = await self.stack.reader()
            projector = self.stack.projector(reader)
            polled = await reader.poll(timeout_s=0.3, most=4)
            batch = await reader.take(polled) if polled else None
            if batch is None:
                await reader.stop()
                return None
            projector._apply(batch, projector._members(reader.state.members))
            return reader, projector, batch

        self.held = self.run(fall_asleep())

    @precondition(lambda self: self.held is not None)
    @rule(goes_on=st.booleans())
    def it_wakes_up(self, goes_on: bool) -> None:
        """Its commit is refused if anybody was there meanwhile; then it reads again."""
        assert self.held is not None
        (reader, projector, batch), self.held = self.held, None

        async def wake_up() -> None:
            try:
                await reader.commit(batch)
            except Fenced:
                await reader.resync()
            if goes_on:
                with contextlib.suppress(Fenced):
                    await projector.step(timeout_s=0.3, most=3)
            await reader.stop()

        self.run(wake_up())

    @rule(data=st.data())
    def events_of_a_parcel_turn_bad(self, data: st.DataObject) -> None:
        self.bad.add(data.draw(st.sampled_from(self.parcels)))

    @rule()
    def the_code_is_mended_and_parked_sequences_are_retried(self) -> None:
        self.bad.clear()
        self.run(self.stack.retry(self.workspace))

    @precondition(lambda self: not self.bad)
    @rule()
    def a_rebuild_is_swapped_in(self) -> None:
        self.run(self.stack.rebuild())

    # --- what must hold

    @invariant()
    def every_answered_write_is_in_the_log_once_and_in_order(self) -> None:
        for stream, version in self.written.items():
            stored = self.run(self.stack.stored(self.workspace, stream))
            assert [one.version for one in stored] == list(range(1, version + 1))
            verify(stored)

    def teardown(self) -> None:
        """Everything comes to rest: all is relayed, mended and projected."""
        if self.held is not None:
            self.run(self.held[0].stop())
        if not self.parcels:
            return
        self.bad.clear()
        self.run(self._come_to_rest())
        live: Rows = self.run(self.stack.rows(self.workspace))
        assert live == self.run(self._pure_fold())
        self.run(self.stack.rebuild())
        assert self.run(self.stack.rows(self.workspace)) == live

    async def _come_to_rest(self) -> None:
        outbox = await taken_over(await self.stack.outbox())
        sink = await self.stack.sink()
        relay = Relay(outbox, _never, asyncio.Event())
        while await relay.step(sink):
            pass
        await sink.close()
        await outbox.give_up()
        await self.stack.retry(self.workspace)
        reader = await self.stack.reader()
        projector = self.stack.projector(reader)
        while await self.stack.behind():
            await projector.step(timeout_s=0.3)
        await reader.stop()
        await self.stack.retry(self.workspace)

    async def _pure_fold(self) -> Rows:
        """Straight from the log: no relay, no topic, no batches."""
        tables = MemoryTables()
        for parcel in self.parcels:
            loaded = await self.stack.log.load(context(self.workspace), PARCEL.stream(parcel))
            recorded: Recorded[Any]
            for recorded in loaded.events:
                fold = Fold()
                fold.apply(self.workspace, ON_THE_WAY.project(recorded))
                tables.write(fold)
        return rows_of(tables, self.workspace)


class _Forgetful:
    """An outbox whose relay dies before it can delete."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def take_over(self) -> bool:
        return await self._outbox.take_over()

    async def give_up(self) -> None:
        await self._outbox.give_up()

    async def take(self, most: int) -> OutboxBatch:
        return await self._outbox.take(most)

    async def done(self, batch: OutboxBatch) -> None:
        raise ConnectionError(f"killed with {len(batch.events)} events published")

    async def topics(self) -> Mapping[str, UUID]:
        return await self._outbox.topics()

    async def note_topics(self, topics: Mapping[str, UUID]) -> None:
        await self._outbox.note_topics(topics)


async def _never() -> Any:
    raise AssertionError("the sink is given to each step")


def test_in_memory_whatever_happens_nothing_is_lost_or_doubled() -> None:
    with asyncio.Runner() as runner:
        run_state_machine_as_test(
            lambda: Everything(MemoryStack(), runner.run),  # type: ignore[arg-type]
            settings=settings(
                max_examples=120,
                stateful_step_count=40,
                deadline=None,
                database=None,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
            ),
        )


@pytest.mark.integration
def test_for_real_whatever_happens_nothing_is_lost_or_doubled(
    postgres_dsn: str, kafka_bootstrap: str
) -> None:
    with asyncio.Runner() as runner:
        opening = open_road(postgres_dsn, kafka_bootstrap, "simulated")
        road = runner.run(opening.__aenter__())
        try:
            run_state_machine_as_test(
                lambda: Everything(RealStack(road), runner.run),  # type: ignore[arg-type]
                settings=settings(
                    max_examples=6,
                    stateful_step_count=20,
                    deadline=None,
                    database=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(opening.__aexit__(None, None, None))
