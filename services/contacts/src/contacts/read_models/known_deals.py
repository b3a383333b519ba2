"""Which deals are there with this person or company, whose are they, and what are they called?"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Column, Index, Text, Uuid, select

from chassis.events import Recorded
from chassis.postgres.database import Connection
from chassis.postgres.statements import any_of, fetch
from chassis.projection import Change, Projection, Put, read_table
from contacts.received import DealAssigned, DealOpened, DealRelinked, DealRetitled

KNOWN_DEALS = read_table(
    "known_deals",
    Column("deal_id", Uuid),
    Column("title", Text),
    Column("contact_id", Uuid),
    Column("company_id", Uuid),
    Column("owner_id", Uuid),
    Index("known_deals_by_contact", "workspace_id", "contact_id"),
    Index("known_deals_by_company", "workspace_id", "company_id"),
    key=("deal_id",),
)


def project(
    recorded: Recorded[DealOpened | DealRetitled | DealAssigned | DealRelinked],
) -> Iterable[Change]:
    """What an event changes of a deal's links and title."""
    match recorded.event:
        case DealOpened() as e:
            columns = {
                "title": e.title,
                "contact_id": e.contact_id,
                "company_id": e.company_id,
                "owner_id": e.owner_id,
            }
            yield Put(KNOWN_DEALS, (e.deal_id,), columns)
        case DealRetitled() as e:
            yield Put(KNOWN_DEALS, (e.deal_id,), {"title": e.title})
        case DealAssigned() as e:
            yield Put(KNOWN_DEALS, (e.deal_id,), {"owner_id": e.owner_id})
        case DealRelinked() as e:
            links = {"contact_id": e.contact_id, "company_id": e.company_id}
            yield Put(KNOWN_DEALS, (e.deal_id,), links)


KNOWN_DEALS_PROJECTION = Projection(
    "known_deals",
    1,
    (DealOpened, DealRetitled, DealAssigned, DealRelinked),
    (KNOWN_DEALS,),
    project,
)


async def fetch_people_with_deals(
    connection: Connection, workspace: UUID, people: Iterable[UUID]
) -> set[UUID]:
    """Which of these people there are deals with."""
    d = KNOWN_DEALS.c
    statement = select(d.contact_id).where(
        d.workspace_id == workspace, any_of(d.contact_id, list(people))
    )
    return {row["contact_id"] for row in await fetch(connection, statement)}
