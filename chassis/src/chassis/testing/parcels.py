"""A tiny domain to test the chassis with: parcels that are sent, scanned and delivered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, ClassVar, assert_never
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, Table, Text, Uuid

from chassis.decider import Decider
from chassis.errors import Conflict, NotFound
from chassis.events import PERSONAL, Event, Recorded
from chassis.ports import Claim
from chassis.projection import Add, Change, Projection, Put, Remove, read_table


class ParcelSent(Event, frozen=True, tag="parcels.parcel-sent.v1"):
    """A parcel went out to somebody."""

    subject_field: ClassVar[str | None] = "receiver_id"

    parcel_id: UUID
    receiver_id: UUID
    receiver: Annotated[str, PERSONAL]
    city: str
    number: str | None = None


class ParcelScanned(Event, frozen=True, tag="parcels.parcel-scanned.v1"):
    """A parcel was seen somewhere."""

    parcel_id: UUID
    city: str


class ParcelDelivered(Event, frozen=True, tag="parcels.parcel-delivered.v1"):
    """A parcel arrived."""

    parcel_id: UUID


class ReceiverForgotten(Event, frozen=True, tag="parcels.receiver-forgotten.v1"):
    """The receiver asked to be forgotten."""

    parcel_id: UUID
    receiver_id: UUID


ParcelEvent = ParcelSent | ParcelScanned | ParcelDelivered | ReceiverForgotten


@dataclass(frozen=True, slots=True)
class Send:
    parcel_id: UUID
    receiver_id: UUID
    receiver: str
    city: str
    at: datetime
    number: str | None = None


@dataclass(frozen=True, slots=True)
class Scan:
    city: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Deliver:
    at: datetime


@dataclass(frozen=True, slots=True)
class Forget:
    at: datetime


ParcelCommand = Send | Scan | Deliver | Forget


@dataclass(frozen=True, slots=True)
class Parcel:
    parcel_id: UUID
    receiver_id: UUID
    receiver: str
    city: str
    delivered: bool = False


def evolve(parcel: Parcel | None, event: ParcelEvent) -> Parcel | None:
    """The parcel after an event."""
    match event:
        case ParcelSent():
            return Parcel(event.parcel_id, event.receiver_id, event.receiver, event.city)
        case ParcelScanned():
            return replace(_there(parcel), city=event.city)
        case ParcelDelivered():
            return replace(_there(parcel), delivered=True)
        case ReceiverForgotten():
            return replace(_there(parcel), receiver="[erased]")
        case _:
            assert_never(event)


def _there(parcel: Parcel | None) -> Parcel:
    if parcel is None:
        raise NotFound("There is no such parcel.")
    return parcel


def decide(command: ParcelCommand, parcel: Parcel | None) -> list[ParcelEvent]:
    """What a command leads to."""
    match command:
        case Send():
            if parcel is not None:
                raise Conflict("This parcel is on its way already.")
            return [
                ParcelSent(
                    command.parcel_id,
                    command.receiver_id,
                    command.receiver,
                    command.city,
                    command.number,
                    occurred_at=command.at,
                )
            ]
        case Scan():
            found = _there(parcel)
            if found.delivered:
                raise Conflict("A delivered parcel is not scanned any more.")
            return [ParcelScanned(found.parcel_id, command.city, occurred_at=command.at)]
        case Deliver():
            found = _there(parcel)
            if found.delivered:
                return []
            return [ParcelDelivered(found.parcel_id, occurred_at=command.at)]
        case Forget():
            found = _there(parcel)
            return [ReceiverForgotten(found.parcel_id, found.receiver_id, occurred_at=command.at)]
        case _:
            assert_never(command)


EVENTS: tuple[type[ParcelEvent], ...] = (
    ParcelSent,
    ParcelScanned,
    ParcelDelivered,
    ReceiverForgotten,
)


def claims(event: ParcelEvent) -> Iterable[Claim]:
    """A parcel's number is used once."""
    if isinstance(event, ParcelSent) and event.number is not None:
        yield Claim("parcel_number", event.number)


def forgets(event: ParcelEvent) -> Iterable[UUID]:
    """A forgotten receiver's key is destroyed."""
    if isinstance(event, ReceiverForgotten):
        yield event.receiver_id


PARCEL: Decider[ParcelCommand, Parcel | None, ParcelEvent] = Decider(
    "parcel", None, decide, evolve, EVENTS, claims, forgets
)

PARCELS: Table = read_table(
    "parcels",
    Column("parcel_id", Uuid),
    Column("receiver", Text),
    Column("city", Text),
    Column("sent_at", DateTime(timezone=True)),
    Column("scans", BigInteger, nullable=False, server_default="0"),
    key=("parcel_id",),
)
CITIES: Table = read_table(
    "cities",
    Column("city", Text),
    Column("seen", BigInteger, nullable=False, server_default="0"),
    key=("city",),
)


def on_the_way(recorded: Recorded[ParcelEvent]) -> Iterable[Change]:
    """Parcels that have not arrived, and how often each city saw one."""
    match recorded.event:
        case ParcelSent() as e:
            columns = {"receiver": e.receiver, "city": e.city, "sent_at": e.occurred_at}
            yield Put(PARCELS, (e.parcel_id,), columns)
            yield Add(CITIES, (e.city,), {"seen": 1})
        case ParcelScanned() as e:
            yield Put(PARCELS, (e.parcel_id,), {"city": e.city})
            yield Add(PARCELS, (e.parcel_id,), {"scans": 1})
            yield Add(CITIES, (e.city,), {"seen": 1})
        case ParcelDelivered() as e:
            yield Remove(PARCELS, (e.parcel_id,))
        case ReceiverForgotten() as e:
            yield Put(PARCELS, (e.parcel_id,), {"receiver": "[erased]"})


ON_THE_WAY = Projection("on_the_way", 1, EVENTS, (PARCELS, CITIES), on_the_way, shared=(CITIES,))
