"""Carries out a command together with what goes into the operational tables: both or neither."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from chassis.decider import Decider, stale
from chassis.errors import StaleVersion
from chassis.events import Event
from chassis.ports import Appended, Context
from chassis.postgres.database import Connection
from chassis.postgres.event_log import PostgresEventLog

C = TypeVar("C")
S = TypeVar("S")
E = TypeVar("E", bound=Event)

Within = Callable[[Connection], Awaitable[None]]

_ATTEMPTS = 8


async def carry_out(
    log: PostgresEventLog,
    decider: Decider[C, S, E],
    id_: UUID,
    command: C,
    context: Context,
    *,
    within: Within,
    expected: int | None = None,
    version_of: Callable[[S], int] | None = None,
) -> Appended:
    """Like chassis.decider.handle; `within` writes in the transaction of the events.

    `version_of`: what `expected` is compared with, if not with the stream's version.
    If the request was answered before nothing is written. If the command changes nothing, `within`
    is run all the same: what it writes may have been lost (a restored database).
    """
    stream = decider.stream(id_)
    for attempt in range(_ATTEMPTS):
        loaded = await log.load(context, stream)
        if loaded.answered is not None:
            return loaded.answered
        state = decider.fold(recorded.event for recorded in loaded.events)  # type: ignore[misc]
        actual = loaded.version if version_of is None else version_of(state)
        if expected is not None and actual != expected:
            raise stale(stream, actual, expected)
        append = decider.append_of(id_, decider.decide(command, state), loaded.version)
        try:
            return (await log.append_many(context, [append], within=within))[0]
        except StaleVersion:
            if expected is not None or attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("the last attempt returns or raises")
