"""Which broadcast did a message belong to?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Column, Text, Uuid

from analytics.received import BroadcastStarted
from chassis.events import Recorded
from chassis.projection import Change, Projection, Put, read_table

KNOWN_BROADCASTS = read_table(
    "known_broadcasts",
    Column("broadcast_id", Uuid),
    Column("name", Text),
    key=("broadcast_id",),
)


def project(recorded: Recorded[Any]) -> Iterable[Change]:
    """Row changes of an event."""
    match recorded.event:
        case BroadcastStarted() as e:
            yield Put(KNOWN_BROADCASTS, (e.broadcast_id,), {"name": e.name})


PROJECTION = Projection("known_broadcasts", 1, (BroadcastStarted,), (KNOWN_BROADCASTS,), project)
