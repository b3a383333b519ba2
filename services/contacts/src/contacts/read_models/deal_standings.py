"""How does this deal stand, and with whom is it? For conditions of segments.

`deal_people` keeps whoever a deal was with: when it goes to somebody else, it is no longer true of
them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import Column, Index, Text, Uuid, select

from chassis.events import Recorded
from chassis.postgres.database import Connection
from chassis.postgres.statements import any_of, fetch
from chassis.projection import Change, Projection, Put, read_table
from contacts.received import DealLost, DealOpened, DealRelinked, DealReopened, DealWon

DEAL_STANDINGS = read_table(
    "deal_standings",
    Column("deal_id", Uuid),
    Column("contact_id", Uuid),
    Column("status", Text(collation="C")),
    Index("deal_standings_by_contact", "workspace_id", "contact_id", "status"),
    key=("deal_id",),
)
DEAL_PEOPLE = read_table(
    "deal_people",
    Column("deal_id", Uuid),
    Column("person_id", Uuid),
    key=("deal_id", "person_id"),
)
OPEN, WON, LOST = "open", "won", "lost"

DealEvent = DealOpened | DealRelinked | DealWon | DealLost | DealReopened


def project(recorded: Recorded[DealEvent]) -> Iterable[Change]:
    """What an event changes of how a deal stands, and with whom."""
    event = recorded.event
    key = (event.deal_id,)
    if isinstance(event, DealOpened | DealRelinked) and event.contact_id is not None:
        yield Put(DEAL_PEOPLE, (event.deal_id, event.contact_id), {})
    match event:
        case DealOpened():
            yield Put(DEAL_STANDINGS, key, {"contact_id": event.contact_id, "status": OPEN})
        case DealRelinked():
            yield Put(DEAL_STANDINGS, key, {"contact_id": event.contact_id})
        case DealWon():
            yield Put(DEAL_STANDINGS, key, {"status": WON})
        case DealLost():
            yield Put(DEAL_STANDINGS, key, {"status": LOST})
        case DealReopened():
            yield Put(DEAL_STANDINGS, key, {"status": OPEN})


DEAL_STANDINGS_PROJECTION = Projection(
    "deal_standings",
    1,
    (DealOpened, DealRelinked, DealWon, DealLost, DealReopened),
    (DEAL_STANDINGS, DEAL_PEOPLE),
    project,
)

# --- fetching


async def fetch_deal_people(
    connection: Connection, workspace: UUID, deals: Sequence[UUID]
) -> list[tuple[UUID, UUID]]:
    """(deal, person) for whoever these deals are or were with."""
    p = DEAL_PEOPLE.c
    statement = select(p.deal_id, p.person_id).where(
        p.workspace_id == workspace, any_of(p.deal_id, deals)
    )
    return [(row["deal_id"], row["person_id"]) for row in await fetch(connection, statement)]
