"""What is this broadcast called? For the timelines of those who got it."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Column, Text, Uuid

from chassis.events import Recorded
from chassis.projection import Change, Projection, Put, read_table
from contacts.received import BroadcastStarted

KNOWN_BROADCASTS = read_table(
    "known_broadcasts", Column("broadcast_id", Uuid), Column("name", Text), key=("broadcast_id",)
)


def project(recorded: Recorded[BroadcastStarted]) -> Iterable[Change]:
    """A broadcast has this name."""
    started = recorded.event
    yield Put(KNOWN_BROADCASTS, (started.broadcast_id,), {"name": started.name})


KNOWN_BROADCASTS_PROJECTION = Projection(
    "known_broadcasts", 1, (BroadcastStarted,), (KNOWN_BROADCASTS,), project
)
