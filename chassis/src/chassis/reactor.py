"""The reactor: runs reactions over the topics, each event once.

Orders are carried out before the offsets move; the inbox (idempotency keys in the log) makes a
repetition harmless. A reaction that fails parks its own sequence, after a few tries; a fault of the
infrastructure stops the batch instead. A rebuild of read models never comes through here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import asyncpg

from chassis.consuming import Consumer
from chassis.errors import Fenced, Unavailable
from chassis.events import Event, Recorded
from chassis.lane import ALL_REACTIONS, REACTIONS, ParkedSequence
from chassis.lane_reader import Arrived, Batch, LaneReader
from chassis.orders import Origin, Reminders, run_orders
from chassis.ports import EventLog
from chassis.postgres.database import CONNECTION_ENDED
from chassis.reaction import Reaction

INFRASTRUCTURE = (
    *CONNECTION_ENDED,
    asyncpg.InsufficientResourcesError,
    TimeoutError,
    Unavailable,
)
"""What says nothing about the event: try again, never park."""

_TRIES = 3
_PAUSE_S = 0.2


class Reacting:
    """What the reactions of a service order, and whoever carries it out."""

    def __init__(self, reactions: Sequence[Reaction], log: EventLog, reminders: Reminders) -> None:
        self._log = log
        self._reminders = reminders
        self.by_type: dict[str, list[Reaction]] = {}
        for reaction in reactions:
            for event in reaction.events:
                type_ = str(event.__struct_config__.tag)
                self.by_type.setdefault(type_, []).append(reaction)

    async def react(self, name: str, recorded: Recorded[Event]) -> None:
        """Run the orders of the reaction of this name (`*`: of all) to an event.

        The inbox key is made of the event: what was ordered before is not done twice.
        """
        for reaction in self.by_type.get(recorded.type, ()):
            if name not in ("*", reaction.name):
                continue
            origin = origin_of(reaction, recorded)
            await run_orders(self._log, self._reminders, origin, reaction.react(recorded))


def origin_of(reaction: Reaction, recorded: Recorded[Event]) -> Origin:
    """On whose behalf the orders of a reaction to an event are run, and under which inbox key."""
    name = f"reaction:{reaction.name}"
    inbox = f"{name}:{recorded.id}"
    return Origin(recorded.workspace, name, recorded.correlation_id, recorded.id, inbox)


class Reactor:
    """Runs the reactions of one service."""

    def __init__(
        self, reader: LaneReader, reacting: Reacting, consumer: Consumer | None = None
    ) -> None:
        self._reader = reader
        self._reacting = reacting
        self._consumer = consumer or Consumer(REACTIONS)

    async def start(self) -> None:
        """Join the lane."""
        self._reader.want(frozenset(self._reacting.by_type))
        await self._reader.start()

    async def stop(self) -> None:
        """Leave the lane."""
        await self._reader.stop()

    async def step(self, *, timeout_s: float = 1.0, most: int = 200) -> int:
        """React to the next batch; returns how many events it had."""
        polled = await self._reader.poll(timeout_s=timeout_s, most=most)
        if not polled:
            return 0
        began_ns = time.time_ns()
        async with self._reader.batch_lock:
            batch = await self._reader.take(polled)
            if batch is None:
                return 0
            with self._consumer.batch(batch, began_ns) as work:
                for place, one in enumerate(batch.events):
                    for reaction in self._reacting.by_type.get(one.type, ()):
                        with work.on(place, f"react {reaction.name}"):
                            await self._react(batch, one, reaction)
                for one, last in batch.gaps:
                    error = f"version {one.version} came after version {last}"
                    batch.commit.parked.append(_parked(ALL_REACTIONS, one, "gap", error))
                try:
                    await self._reader.commit(batch)
                except Fenced:
                    work.done = False
                    await self._reader.resync()
                    return 0
            return len(batch.events)

    async def _react(self, batch: Batch, one: Arrived, reaction: Reaction) -> None:
        name = f"reaction:{reaction.name}"
        parked = batch.commit.parked
        if (name, one.workspace, one.stream) in self._reader.state.parked or any(
            (p.projection, p.workspace, p.stream) == (name, one.workspace, one.stream)
            for p in parked
        ):
            parked.append(_parked(name, one, "", ""))
            return
        if one.recorded is None:
            parked.append(_parked(name, one, "unreadable", one.unreadable))
            return
        for attempt in range(_TRIES):
            try:
                await self._reacting.react(reaction.name, one.recorded)
                return
            except INFRASTRUCTURE:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, it parks this sequence only
                if attempt == _TRIES - 1:
                    cause = f"{type(error).__name__}: {error}"
                    parked.append(_parked(name, one, "failed", cause))
                    return
                await asyncio.sleep(_PAUSE_S * 2**attempt)


def _parked(projection: str, one: Arrived, cause: str, error: str) -> ParkedSequence:
    return ParkedSequence(projection, one.workspace, one.stream, cause, error, [one.place()])
