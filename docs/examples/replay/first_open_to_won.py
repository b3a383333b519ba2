"""How long is it from the first mail that somebody opened to a deal won with them?

everlog replay --projection docs/examples/replay/first_open_to_won.py

Opens by machines do not count, nor deals that were won before; a deal that is opened again is
not won any more. Events come in the order of the log: what `opened` remembers is known by then.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, Float, Text, Uuid

from chassis.events import Event, Recorded
from chassis.projection import Change, Put, Remove, read_table


class MessageOpened(Event, frozen=True, tag="campaigns.message-opened.v1"):
    person_id: UUID
    machine: bool


class DealWon(Event, frozen=True, tag="pipeline.deal-won.v1"):
    deal_id: UUID
    contact_id: UUID | None
    value_minor: int
    currency: str


class DealReopened(Event, frozen=True, tag="pipeline.deal-reopened.v1"):
    deal_id: UUID


FIRST_OPEN_TO_WON = read_table(
    "first_open_to_won",
    Column("deal_id", Uuid),
    Column("person_id", Uuid),
    Column("opened_at", DateTime(timezone=True)),
    Column("won_at", DateTime(timezone=True)),
    Column("days", Float),
    Column("value_minor", BigInteger),
    Column("currency", Text),
    key=("deal_id",),
)

opened: dict[UUID, datetime] = {}


def project(recorded: Recorded[Any]) -> Iterable[Change]:
    match recorded.event:
        case MessageOpened(machine=False) as e:
            opened[e.person_id] = min(opened.get(e.person_id, e.occurred_at), e.occurred_at)
        case DealWon(contact_id=UUID() as person) as e if person in opened:
            first = opened[person]
            if first <= e.occurred_at:
                columns = {
                    "person_id": person,
                    "opened_at": first,
                    "won_at": e.occurred_at,
                    "days": round((e.occurred_at - first).total_seconds() / 86_400, 2),
                    "value_minor": e.value_minor,
                    "currency": e.currency,
                }
                yield Put(FIRST_OPEN_TO_WON, (e.deal_id,), columns)
        case DealReopened() as e:
            yield Remove(FIRST_OPEN_TO_WON, (e.deal_id,))
